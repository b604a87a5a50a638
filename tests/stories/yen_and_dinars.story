title     Currencies without and with three decimals are paid to the last unit
only      netsuite because "Intacct keeps two decimals of every currency; currency_without_cents tells of that"

customer  Fernhollow Textiles, net 30, JPY
customer  Quarrystone Labs, net 30, KWD
invoice   INV-1  Fernhollow Textiles  125000 JPY  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Quarrystone Labs  1234.560 KWD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
expect    reminder INV-2 -7 sent
expect    last mail says "To pay: 1,234.560 KWD"
payment   P-1  Fernhollow Textiles  25000 JPY "INV-1"  pays INV-1 25000
payment   P-2  Quarrystone Labs  1234.560 KWD "INV-2"  pays INV-2 1234.560
tick
expect    match P-1 -> INV-1 25000 by printed_part
expect    balance INV-1 100000
expect    balance INV-2 0.000
expect    loop INV-2 closed
day       2026-09-11
expect    last mail says "To pay: 100,000 JPY"
payment   P-3  Fernhollow Textiles  100000 JPY ""  pays INV-1 100000
at        10:00
expect    match P-3 -> INV-1 100000 by exact_balance
expect    loop INV-1 closed
