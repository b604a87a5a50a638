title     A promise whose money comes on the last of three business days of grace is kept; the rest is asked for as before (RULES 5.4)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
person    promises INV-1 2000.00 USD on 2026-09-14 recorded by "kim"
day       2026-09-17                                     # the third business day after the Monday
expect    reminders of INV-1: 0 sent
payment   P-1  Sable Ridge Metering  2000.00 USD "INV-1"  pays INV-1 2000.00
at        12:00
expect    no exception
day       2026-09-18
expect    mail today: INV-1 +7
expect    last mail says "To pay: 3,000.00 USD"
expect    no exception
