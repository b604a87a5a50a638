title     Do-not-contact in the CRM holds the reminders of the customer and of its whole family

customer  Meridian Group, net 30
customer  Meridian Freight, net 30, child of Meridian Group
crm account Meridian Group
invoice   INV-1  Meridian Freight  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
crm       marks Meridian Group do-not-contact
day       2026-09-12
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "must not be contacted"
crm       lifts do-not-contact of Meridian Group
day       2026-09-18
expect    reminders of INV-1: -7, +1, +7 sent
