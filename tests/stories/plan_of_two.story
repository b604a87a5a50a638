title     A payment plan counts once it is approved, and is held instalment by instalment (M56, RULES 5.4)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  1000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
day       2026-09-08
person    agrees plan of INV-1 "2026-09-14 400.00; 2026-10-14 600.00"
day       2026-09-11
expect    mail today: INV-1 0                             # nobody approved it
expect    exception plan_not_approved of Sable Ridge Metering
person    agrees plan of INV-1 "2026-09-14 400.00; 2026-10-14 600.00" approved by controller
day       2026-09-12
expect    reminder INV-1 +1 held because "approved by controller; 400.00 USD is due on 2026-09-14"
expect    no exception
day       2026-09-14
payment   P-1  Sable Ridge Metering  400.00 USD "INV-1"  pays INV-1 400.00
day       2026-09-18
expect    reminder INV-1 +7 held because "600.00 USD is due on 2026-10-14"
expect    balance INV-1 600.00
expect    reminders of INV-1: -7, 0 sent
