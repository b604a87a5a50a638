title     A customer marked do-not-contact is never chased, and the reason is told; cash is applied all the same

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  400.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7, INV-2 -7
person    marks Sable Ridge Metering do-not-contact
payment   P-1  Sable Ridge Metering  400.00 USD "INV-2"  pays INV-2 400.00
day       2026-09-13
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "do-not-contact"
expect    erp flag INV-1 held because "do-not-contact"
expect    loop INV-2 closed
person    lifts do-not-contact of Sable Ridge Metering
day       2026-09-18
expect    mail today: INV-1 +7
