title     A second payment of the same invoice is not applied to anything and waits for a person (apply_once)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  9000.00 USD  due 2026-09-20  issued 2026-08-21

day       2026-09-05
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
tick
payment   P-2  Copperline Energy  5000.00 USD "INV-1"
tick
expect    erp application P-1 -> INV-1 5000.00
expect    no match P-2
expect    no erp payment P-2
expect    exception reference_not_open of P-2
