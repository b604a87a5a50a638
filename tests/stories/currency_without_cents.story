title     An invoice in a currency whose units Intacct can't keep is parked and said so, and everything else goes on
only      intacct because "it keeps two decimals of every currency"

customer  Fernhollow Textiles, net 30, JPY
customer  Alder Point Clinics, net 30
invoice   INV-1  Fernhollow Textiles  125000 JPY    due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  800.00 USD    due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    parked INV-1 "JPY"
expect    no reminder of INV-1 sent
expect    reminders of INV-2: -7 sent
payment   P-1  Alder Point Clinics  800.00 USD "INV-2"  pays INV-2 800.00
day       2026-09-05
expect    loop INV-2 closed
