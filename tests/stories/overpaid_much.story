title     What is over by much, while others are open, may be for them: a person decides, and nobody is chased

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1250.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Lanternfish Media  200.00 USD   due 2026-09-18  issued 2026-08-19

day       2026-09-08
payment   P-1  Lanternfish Media  1500.00 USD "INV-1"  pays INV-1 1250.00, INV-2 200.00
tick
expect    no match P-1
expect    exception ambiguous of P-1 over INV-1
day       2026-09-12
expect    reminder INV-1 +1 held
