title     A promise holds until its day and three business days of grace; broken, its owner is told and the next step leaves (RULES 5.4)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
day       2026-09-12
person    promises INV-1 5000.00 USD on 2026-09-17 by "Lee" recorded by "kim"
day       2026-09-18
expect    reminder INV-1 +7 held because "5,000.00 USD is promised for 2026-09-17; reminders wait until 2026-09-22"
payment   P-1  Sable Ridge Metering  2000.00 USD "INV-1"  pays INV-1 2000.00
day       2026-09-22
expect    reminder INV-1 +7 held because "is promised"
day       2026-09-23
expect    mail today: INV-1 +7
expect    last mail says "To pay: 3,000.00 USD"
expect    exception promise_broken of Sable Ridge Metering
expect    erp exception promise_broken of INV-1 owner "kim"
