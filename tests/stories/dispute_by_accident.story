title     A dispute that was none is asked about on day 7, and can't be silent at 34 days past due (M44, M45)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    disputes line 1 of INV-1 "flagged in the portal"
at        12:00
expect    erp exception dispute_opened of INV-1 owner "finance"
day       2026-09-16
expect    reminders of INV-1: -7 sent
day       2026-09-17                                     # seven days without a detail
expect    mail today: INV-1 dispute_detail
expect    last mail does not say "To pay: 40,000.00 USD"
day       2026-09-30
expect    reminders of INV-1: -7, dispute_detail sent    # asked once
day       2026-10-11                                     # past the deadline that the policy gave it
expect    erp exception pause_overdue of INV-1 owner "finance"
day       2026-10-15                                     # 34 days past due: no black hole
expect    erp exception stalled of INV-1 owner "finance"
person    settles the dispute about line 1 of INV-1 as rejected
day       2026-10-21
expect    reminders of INV-1: -7, dispute_detail sent    # five business days are not over
day       2026-10-23
expect    erp flag INV-1 escalated because "40,000.00 USD is open"   # by now it is large and late: a person's
expect    erp exception pause_overdue of INV-1 owner "finance" outcome "rejected"
