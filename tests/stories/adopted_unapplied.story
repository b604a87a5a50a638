title     A payment that another system has posted without applying it shields the customer as a credit

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
person    posts P-1 unapplied
day       2026-09-12
expect    payment P-1 is adopted
expect    no erp payment P-1
expect    no mail ever
expect    reminder INV-1 +1 held because "credits of 5,000.00 USD"
