title     A six-figure invoice that was late before we came is shown to leadership on the first day, backlog or not (M38)

our people have a chat
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  150000.00 USD  due 2026-07-20  issued 2026-06-20
invoice   INV-2  Northfield Robotics    9000.00 USD  due 2026-07-20  issued 2026-06-20

day       2026-09-11
expect    chat says "Invoice INV-1 of Northfield Robotics needs a person" and "150,000.00 USD is open and no person has looked at it; 53 days past due"
expect    chat does not say "INV-2"
expect    no mail ever
