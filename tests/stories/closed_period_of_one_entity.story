title     A month that is closed in one entity holds the payments there, and those of no other
only      intacct because "each of its entities closes its own months"

company   has the entity EAST
company   has the entity WEST
customer  Copperline Energy, net 30
customer  Alder Point Clinics, net 30
invoice   INV-1  Copperline Energy    5000.00 USD  due 2026-09-11  issued 2026-08-12 in EAST
invoice   INV-2  Alder Point Clinics  700.00 USD   due 2026-09-11  issued 2026-08-12 in WEST

day       2026-09-03
person    closes the month 2026-09 of EAST
payment   P-1  Copperline Energy    5000.00 USD "INV-1"  pays INV-1 5000.00
payment   P-2  Alder Point Clinics  700.00 USD "INV-2"   pays INV-2 700.00
tick
expect    erp application P-2 -> INV-2 700.00
expect    no erp payment P-1
day       2026-09-06
expect    no reminder of INV-1 sent
person    opens the month 2026-09 of EAST
day       2026-09-07
expect    erp application P-1 -> INV-1 5000.00
expect    loop INV-1 closed
