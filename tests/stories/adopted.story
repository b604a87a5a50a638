title     A payment that another system has posted already is recognised and not doubled (RULES 1.9)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
person    posts P-1 -> INV-1 5000.00
tick
expect    payment P-1 is adopted
expect    no erp payment P-1
expect    balance INV-1 0.00
expect    invoice INV-1 is paid
expect    reminder INV-1 0 cancelled because "paid in the ERP by somebody else"
day       2026-09-12
expect    no mail ever
