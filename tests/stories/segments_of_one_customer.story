title     One customer, two segments: the mail names only what may leave by itself, and one payment of both waits for a person (RULES 8)

policy    segments [{name: large, min_amount: {USD: 25000.00}, send: suggest, post: suggest}]
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  40000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Northfield Robotics    900.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Northfield Robotics    700.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-2 -7, INV-3 -7
expect    last mail does not say "INV-1"
expect    reminder INV-1 -7 held because "Sending is in suggest"

payment   P-1  Northfield Robotics  40900.00 USD "INV-1 INV-2"  pays INV-1 40000.00, INV-2 900.00
payment   P-2  Northfield Robotics    700.00 USD "INV-3"  pays INV-3 700.00
at        12:00
expect    suggestion P-1 -> INV-1 40000.00, INV-2 900.00 by printed_reference
expect    no erp payment P-1
expect    loop INV-3 closed
day       2026-09-11
expect    no mail today
