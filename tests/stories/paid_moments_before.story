title     A payment that arrives on the morning of a reminder stops it (M5, M65)

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1250.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
payment   P-1  Lanternfish Media  1250.00 USD "INV-1"  pays INV-1 1250.00
day       2026-09-11
expect    no mail today
expect    reminder INV-1 0 cancelled because "paid"
expect    loop INV-1 closed
