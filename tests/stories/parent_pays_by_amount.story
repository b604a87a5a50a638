title     A parent's money pays its child's only fitting invoice; a sister's money never does by amount alone (RULES 1.6)

customer  Meridian Group, net 30
customer  Meridian Freight, net 30, child of Meridian Group
customer  Meridian Rail, net 30, child of Meridian Group
invoice   INV-1  Meridian Freight  4000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Meridian Freight  7700.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Meridian Rail     1210.00 USD  due 2026-10-30  issued 2026-08-12

day       2026-09-03
payment   P-1  Meridian Group  4000.00 USD ""  pays INV-1 4000.00
tick
expect    match P-1 -> INV-1 4000.00 by exact_balance
payment   P-2  Meridian Rail  7700.00 USD ""  pays INV-2 7700.00
tick
expect    no match P-2
expect    exception ineligible_only of P-2 over INV-2
day       2026-09-12
expect    reminder INV-2 +1 held because "7,700.00 USD was seen"
