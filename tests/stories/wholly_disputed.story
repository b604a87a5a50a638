title     A wholly disputed invoice that was disputed by accident is asked about on day seven and never silent (M44, M45)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    disputes line 1 of INV-1 "flagged in the portal"
day       2026-09-16
expect    reminders of INV-1: -7 sent
expect    exception dispute_opened of Fernhollow Textiles
expect    erp exception dispute_opened of INV-1 owner "finance"
day       2026-09-17
expect    mail today: INV-1 dispute_detail
expect    last mail says "If nothing is wrong after all, please tell us that as well."
expect    last mail says "In dispute in all: 40,000.00 USD"
day       2026-09-25
expect    reminders of INV-1: -7, dispute_detail sent
expect    reminder INV-1 +14 held because "40,000.00 USD of the balance 40,000.00 USD is disputed"
expect    erp flag INV-1 held because "disputed"
person    settles the dispute about line 1 of INV-1 as rejected
day       2026-10-01
expect    reminder INV-1 +14 held because "was rejected on 2026-09-26; nothing leaves before 2026-10-02"
day       2026-10-02                                      # five business days after a Saturday; by now it is a person's
expect    reminder INV-1 +14 held because "40,000.00 USD is open, 25,000.00 USD or more"
