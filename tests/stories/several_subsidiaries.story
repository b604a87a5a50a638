title     One payment over invoices of two subsidiaries is held: no one ERP payment can be both (RULES 1.6)
only      netsuite because "it alone has subsidiaries; closed_period_of_one_entity and private_entity tell of entities"

customer  Meridian Group, net 30
customer  Meridian Freight, net 30, child of Meridian Group
person    moves Meridian Freight to the subsidiary "Meridian Europe"
invoice   INV-1  Meridian Group    8000.00 USD  due 2026-09-28  issued 2026-08-29
invoice   INV-2  Meridian Freight  500.00 USD   due 2026-09-28  issued 2026-08-29

day       2026-09-23
payment   P-1  Meridian Group  8500.00 USD "INV-1, INV-2"  pays INV-1 8000.00, INV-2 500.00
tick
expect    no erp payment P-1
expect    exception several_subsidiaries of P-1 over INV-1, INV-2
day       2026-09-30
expect    balance INV-1 8000.00
expect    reminders of INV-1: -7 sent
expect    reminder INV-2 +1 held
