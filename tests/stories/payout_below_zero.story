title     A payout that debits our bank can't be a deposit: it is held for a person, whose journal is recognised (RULES 1.2)

settlement USD through clearing
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  500.00 USD  due 2026-10-09  issued 2026-09-01

day       2026-09-07
payment   P-1  Alder Point Clinics  500.00 USD "INV-1"  pays INV-1 500.00
tick
stripe takes 600.00 USD
day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
bank gets PO-1
at        10:00
expect    payout PO-1 is held
expect    exception payout_held of PO-1 shows "-114.80 USD" and "a deposit can't be negative"
expect    no erp deposit PO-1
person    books PO-1                                   # by a journal entry
day       2026-09-10
expect    payout PO-1 is adopted
expect    erp ledger bank -114.80, clearing 0.00
expect    clearing proof USD unexplained 0.00
expect    no exception
