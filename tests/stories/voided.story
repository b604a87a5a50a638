title     A voided invoice is not chased any more; what is billed again runs on its own due date

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
person    voids INV-1
invoice   INV-2  Quarrystone Labs  3700.00 USD  due 2026-09-18  issued 2026-09-04
day       2026-09-11
expect    mail today: INV-2 -7
expect    invoice INV-1 is voided
expect    reminder INV-1 0 cancelled because "voided in the ERP"
expect    erp flag INV-1 closed because "voided"
expect    reminders of INV-1: -7 sent
