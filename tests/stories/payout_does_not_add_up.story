title     A payout whose members don't add up to it is held with the figures, and never posted by us

settlement USD through clearing
customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-09  issued 2026-09-01
invoice   INV-2  Westbrook Tooling    500.00 USD   due 2026-10-09  issued 2026-09-01

day       2026-09-07
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
payment   P-2  Westbrook Tooling    500.00 USD "INV-2"   pays INV-2 500.00
tick

day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
stripe leaves a member out of PO-1                     # that of P-1
bank gets PO-1
at        10:00
expect    payout PO-1 is held
expect    exception payout_held of PO-1 shows "8,252.90 USD" and "485.20 USD"
expect    no erp deposit PO-1
expect    erp ledger bank 0.00
day       2026-09-10
expect    payout PO-1 is held
expect    no erp deposit PO-1
