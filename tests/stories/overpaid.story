title     What is over stays unapplied, and a customer in credit is not chased (RULES 1.8, 4.3)

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1250.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Lanternfish Media  40.00 USD   due 2026-09-18  issued 2026-08-19

day       2026-09-08
payment   P-1  Lanternfish Media  1300.00 USD "INV-1"  pays INV-1 1250.00
tick
expect    match P-1 -> INV-1 1250.00 by printed_over
expect    erp unapplied P-1 50.00
expect    loop INV-1 closed
expect    exception unapplied_rest of P-1
day       2026-09-19
expect    no reminder of INV-2 sent
expect    reminder INV-2 +1 held because "credits of 50.00 USD"
