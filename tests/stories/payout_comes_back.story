title     A payout that fails after its deposit: only the deposit is reversed, the customers' payments stay (RULES 3)

settlement USD through clearing
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-07
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
tick
day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
bank gets PO-1
at        10:00
expect    payout PO-1 is deposited
bank sends back PO-1
at        11:00
expect    exception payout_failed of PO-1 shows "bounced after its deposit was posted" and "stay applied"
expect    balance INV-1 0.00
expect    erp application P-1 -> INV-1 8000.00
day       2026-09-12
expect    payout PO-1 is bounced                       # until the deposit is void
expect    no mail today
person    voids the deposit of PO-1
day       2026-09-13
expect    payout PO-1 is gone
expect    erp ledger bank 0.00, clearing 8000.00
expect    clearing proof USD unexplained 0.00
expect    no exception
