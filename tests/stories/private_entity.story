title     What belongs to a private entity is seen, reminded and paid in that entity
only      intacct because "it alone has entities"

company   has the entity EAST
company   has the entity WEST
customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12 in EAST
invoice   INV-2  Copperline Energy  700.00 USD   due 2026-09-11  issued 2026-08-12 in WEST

day       2026-09-04
expect    reminders of INV-1: -7 sent
expect    reminders of INV-2: -7 sent
payment   P-1  Copperline Energy  700.00 USD "INV-2"  pays INV-2 700.00
day       2026-09-05
expect    erp application P-1 -> INV-2 700.00
expect    loop INV-2 closed
expect    balance INV-1 5000.00
