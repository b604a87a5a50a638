title     A strategic customer is a person's from the first day past due; no machine writes any more (RULES 4.1, 5.5)

customer  Northfield Robotics, net 30
crm account Northfield Robotics, strategic
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
day       2026-09-11
expect    reminders of INV-1: -7, 0 sent
expect    no task in the CRM
day       2026-09-12
expect    no mail today
expect    task about INV-1 shows "Strategic customer; 1 day past due"
expect    erp flag INV-1 escalated because "Strategic customer"
expect    reminder INV-1 +1 held because "strategic"
day       2026-10-12
expect    reminders of INV-1: -7, 0 sent
expect    task about INV-1
