title     What is escalated by amount stays a person's through a promise, and a promise kept in part leaves the rest (M46, RULES 5.4)

policy    outage_business_days_max 30
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
down until 2026-09-25                                    # 14 days past due and large: a person's
expect    erp flag INV-1 escalated because "14 days past due"
person    promises INV-1 30000.00 USD on 2026-10-01
day       2026-10-01
payment   P-1  Northfield Robotics  30000.00 USD "INV-1"  pays INV-1 30000.00
at        12:00
expect    balance INV-1 10000.00
down until 2026-10-11
expect    no mail today
expect    reminders of INV-1: 0 sent
expect    erp flag INV-1 escalated because "40,000.00 USD was billed"
