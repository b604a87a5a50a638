title     An amount alone never pays another company of the family: a person decides

customer  Meridian Group, net 30
customer  Meridian Freight, net 30, child of Meridian Group
invoice   INV-1  Meridian Freight  4000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Meridian Group  4000.00 USD ""  pays INV-1 4000.00
tick
expect    no match P-1
expect    exception ineligible_only of P-1 over INV-1 shows "INV-1: 4,000.00 USD"
day       2026-09-12
expect    no reminder of INV-1 sent
