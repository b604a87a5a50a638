title     Money in another currency than the invoice it names is for a person, and its payer is not chased (RULES 1.7)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  4600.00 EUR "INV-1"  pays INV-1 4600.00
tick
expect    no match P-1
expect    no erp payment P-1
expect    exception currency of P-1
day       2026-09-12
expect    no mail ever
