title     What nobody understands in the ERP's fields is named and never guessed: a plan parks its invoice, a time zone holds the mail

customer  Sable Ridge Metering, net 30
customer  Harrow Optics, net 30, zone Eastern
invoice   INV-1  Sable Ridge Metering  2000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  1000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Harrow Optics         900.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    agrees plan of INV-1 "half now, half later" approved by controller
day       2026-09-04
expect    parked INV-1 "plan 'half now, half later' is no day with an amount"
expect    reminder INV-1 -7 held because "half now, half later"
expect    reminders of INV-2: -7 sent
expect    reminder INV-3 -7 held because "time_zone: 'Eastern' is no time zone"

# Money is matched and posted all the same where only the mail is in doubt.
payment   P-1  Harrow Optics  400.00 USD "INV-3"  pays INV-3 400.00
day       2026-09-05
expect    erp application P-1 -> INV-3 400.00

person    agrees plan of INV-1 "2026-09-20 1000.00; 2026-10-20 1000.00" approved by controller
person    describes Harrow Optics as zone America/New_York
day       2026-09-06
expect    reminder INV-1 -7 held because "A payment plan is approved by controller"
expect    reminders of INV-3: -7 sent
expect    last mail says "500.00"
