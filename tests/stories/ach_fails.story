title     A bank debit that fails shields no longer: reminders go on at the right step, none is made up for

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
day       2026-09-14
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "was seen but not matched yet"
bank      returns P-1
day       2026-09-15
expect    mail today: INV-1 +1
expect    no erp payment P-1
expect    reminders of INV-1: -7, +1 sent
expect    reminder INV-1 0 missed because "superseded by +1"
day       2026-09-18
expect    reminders of INV-1: -7, +1, +7 sent
