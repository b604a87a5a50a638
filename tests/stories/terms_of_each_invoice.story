title     Net 30, net 60 and net 90 invoices of one day don't start together (M12)

customer  Alder Point Clinics, net 30
customer  Sable Ridge Metering, net 60
customer  Fernhollow Textiles, net 90
invoice   INV-30  Alder Point Clinics   8000.00 USD  due 2026-09-16  issued 2026-08-17
invoice   INV-60  Sable Ridge Metering  8000.00 USD  due 2026-10-16  issued 2026-08-17
invoice   INV-90  Fernhollow Textiles   8000.00 USD  due 2026-11-15  issued 2026-08-17

day       2026-09-09
expect    mail today: INV-30 -7
expect    no reminder of INV-60 sent
expect    no reminder of INV-90 sent
day       2026-10-08
expect    no reminder of INV-60 sent
day       2026-10-09
expect    mail today: INV-60 -7
expect    no reminder of INV-90 sent
day       2026-11-08
expect    mail today: INV-90 -7
expect    reminders of INV-90: -7 sent
