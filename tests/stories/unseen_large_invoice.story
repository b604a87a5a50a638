title     A six-figure invoice on hold is shown to leadership at 45 days past due, whatever the policy's rules are (M38)

policy    escalation [], outage_business_days_max 30
our people have a chat
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  100000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Northfield Robotics  99999.99 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Northfield Robotics  100000.00 USD  due 2026-09-11  issued 2026-08-12
person    holds INV-1 "ask the branch"
person    holds INV-3 "ask the branch"

day       2026-09-11
down until 2026-10-05
person    touches INV-3                                # somebody has looked at this one
down until 2026-10-25                                  # 44 days past due
expect    chat does not say "needs a person"
expect    erp flag INV-1 held
day       2026-10-26
expect    chat says "Invoice INV-1 of Northfield Robotics needs a person" and "100,000.00 USD is open and no person has looked at it; 45 days past due"
expect    erp flag INV-1 escalated because "no person has looked at it"
expect    no reminder of INV-1 sent
person    touches INV-1
day       2026-10-27
expect    erp flag INV-1 held
expect    chat does not say "INV-2 of Northfield Robotics needs a person"
expect    chat does not say "INV-3 of Northfield Robotics needs a person"
