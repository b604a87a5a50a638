title     A step within the grace of a returned payment stays missed, whatever is touched meanwhile

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Quarrystone Labs  3900.00 USD  due 2026-12-30  issued 2026-08-31

day       2026-09-03
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
bank      settles P-1
tick
expect    loop INV-1 closed
day       2026-09-08
bank      returns P-1
day       2026-09-15
person    voids the payment of P-1
day       2026-09-16
expect    balance INV-1 3900.00
person    touches INV-1
day       2026-09-18
expect    reminder INV-1 +7 missed
day       2026-09-22
expect    reminders of INV-1: payment_returned sent
