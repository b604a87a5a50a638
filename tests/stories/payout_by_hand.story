title     A payout made by hand is a bare transfer out of clearing (RULES 1.2)

settlement USD through clearing
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-09  issued 2026-09-01

day       2026-09-07
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
tick
day       2026-09-09
payout    PO-1 USD by hand 5000.00
bank gets PO-1
at        10:00
expect    payout PO-1 is deposited
expect    erp deposit PO-1 5000.00 of clearing 5000.00
expect    erp ledger bank 5000.00, clearing 3000.00
day       2026-09-10
expect    clearing proof USD unexplained 0.00
expect    no exception
