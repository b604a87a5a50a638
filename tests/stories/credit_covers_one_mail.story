title     Less than what is overdue, but all that this day's mail would ask for: nothing is mailed for zero (RULES 4.3)

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Lanternfish Media  200.00 USD   due 2026-09-15  issued 2026-08-16
credit    CM-1 Lanternfish Media 300.00

day       2026-09-11
expect    mail today: INV-1 0
day       2026-09-12
expect    mail today: INV-1 +1, INV-2 -7
day       2026-09-15
expect    reminder INV-2 0 held because "300.00 USD against 200.00 USD asked for in one mail"
expect    no mail today
day       2026-09-18
expect    mail today: INV-1 +7, INV-2 +1
expect    last mail says "Total to pay: 900.00 USD"
