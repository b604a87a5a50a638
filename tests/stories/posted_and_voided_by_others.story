title     What another system posted and voided again is not in the ERP: the money still waits and shields

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
person    posts P-1 -> INV-1 5000.00
person    voids the payment of P-1
day       2026-09-12
expect    no mail ever
