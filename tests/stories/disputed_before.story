title     200,000.00 of an enterprise that disputed before: its account manager is told at 7 days past due, not at 30 (M36)

policy    segments []                                  # as for everybody
customer  Northfield Robotics, net 30, tier enterprise
customer  Westbrook Tooling, net 30, tier enterprise
crm account Northfield Robotics
crm account Westbrook Tooling
crm owner of Northfield Robotics is "Ana Gray" reporting to "Mona Hale"
invoice   INV-1  Northfield Robotics  900.00 USD     due 2026-09-20  issued 2026-08-21
invoice   INV-2  Northfield Robotics  200000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Westbrook Tooling    200000.00 USD  due 2026-09-11  issued 2026-08-12
person    disputes line 1 of INV-1 "metered twice"

day       2026-09-11
day       2026-09-17
expect    no task in the CRM
day       2026-09-18                                   # 7 days past due
expect    task about INV-2 for "Ana Gray" shows "Disputed an invoice within the last year" and "200,000.00 USD is open"
expect    erp flag INV-2 escalated because "Tier enterprise"
expect    reminders of INV-2: 0, +1 sent
expect    mail today: INV-3 +7                         # who never disputed is still the machine's
