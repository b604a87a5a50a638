title     Yen, without decimals, and dinars, with three, are settled to the last unit
only      netsuite because "Intacct keeps two decimals of every currency; currency_without_cents tells of that"

settlement JPY through clearing
settlement KWD through clearing
customer  Fernhollow Textiles, net 30, JPY
customer  Quarrystone Labs, net 30, KWD
invoice   INV-1  Fernhollow Textiles  125001 JPY    due 2026-10-11  issued 2026-09-01
invoice   INV-2  Quarrystone Labs     1234.565 KWD  due 2026-10-11  issued 2026-09-01

day       2026-09-07
payment   P-1  Fernhollow Textiles  125001 JPY ""     pays INV-1 125001
payment   P-2  Quarrystone Labs     1234.565 KWD ""   pays INV-2 1234.565
tick
expect    erp application P-1 -> INV-1 125001
expect    erp application P-2 -> INV-2 1234.565
expect    loop INV-1 closed
expect    loop INV-2 closed
day       2026-09-09
payout    PO-1 JPY
payout    PO-2 KWD
stripe lists PO-1
stripe lists PO-2
bank gets PO-1
bank gets PO-2
at        10:00
expect    erp deposit PO-1 121346 of clearing 125001, fees -3655
expect    erp deposit PO-2 1198.733 of clearing 1234.565, fees -35.832
day       2026-09-10
expect    clearing proof JPY unexplained 0
expect    clearing proof KWD unexplained 0.000
expect    no exception
