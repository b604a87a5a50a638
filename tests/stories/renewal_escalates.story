title     A renewal in 20 days: a person of the account team is asked to look, and the reminder is held

customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30
crm account Northfield Robotics, renews 2026-10-08
crm account Westbrook Tooling, renews 2027-03-31
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
day       2026-09-17
expect    no task in the CRM
expect    reminders of INV-1: -7, 0, +1 sent
day       2026-09-18                                   # seven days past due, 20 days before the renewal
expect    task about INV-1 shows "Renewal on 2026-10-08, in 20 days" and "8,000.00 USD open"
expect    reminders of INV-1: -7, 0, +1 sent
expect    reminder INV-1 +7 held because "a person is at work on it"
expect    erp flag INV-1 escalated because "Renewal on 2026-10-08"
expect    mail today: INV-2 +7
day       2026-09-25
expect    task about INV-1                             # still one
payment   P-1  Northfield Robotics  8000.00 USD "INV-1"  pays INV-1 8000.00
at        12:00
expect    loop INV-1 closed
expect    erp flag INV-1 closed
