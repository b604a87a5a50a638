title     A parent company pays the invoice of its child that it names

customer  Meridian Group, net 30
customer  Meridian Freight, net 30, child of Meridian Group
invoice   INV-1  Meridian Freight  4000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Meridian Group    9000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-05
payment   P-1  Meridian Group  4000.00 USD "INV-1"  pays INV-1 4000.00
tick
expect    match P-1 -> INV-1 4000.00 by printed_reference
expect    erp application P-1 -> INV-1 4000.00
expect    loop INV-1 closed
day       2026-09-11
expect    mail today: INV-2 0
