title     Two payments for one invoice in one tick pay it once, together

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  50000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  30000.00 USD "INV-1"  pays INV-1 30000.00
payment   P-2  Copperline Energy  20000.00 USD "INV-1"  pays INV-1 20000.00
tick
tick
expect    erp application P-1 -> INV-1 30000.00
expect    erp application P-2 -> INV-1 20000.00
expect    balance INV-1 0.00
expect    loop INV-1 closed
expect    no exception
day       2026-09-12
expect    no reminder of INV-1 sent
