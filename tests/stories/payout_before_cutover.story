title     A payout of before the cutover is looked at and never posted (RULES 1.11)

settlement USD through clearing
cutover   2026-09-10
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-09  issued 2026-09-01
invoice   INV-2  Alder Point Clinics  500.00 USD   due 2026-10-09  issued 2026-09-01

day       2026-09-07
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
tick
expect    no erp payment P-1
day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
day       2026-09-11
bank gets PO-1
payment   P-2  Alder Point Clinics  500.00 USD "INV-2"  pays INV-2 500.00
at        10:00
expect    payout PO-1 is observed
expect    no erp deposit PO-1
expect    erp application P-2 -> INV-2 500.00
day       2026-09-13
payout    PO-2 USD
stripe lists PO-2
bank gets PO-2
at        10:00
expect    erp deposit PO-2 485.20 of clearing 500.00, fees -14.80
expect    erp ledger clearing 0.00, bank 485.20
