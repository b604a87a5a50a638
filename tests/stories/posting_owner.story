title     Where somebody else posts a currency we match, suppress and read back, and post nothing (RULES 1.10)

policy    posting_owner {"*": us, EUR: other}
settlement USD through clearing
customer  Alder Point Clinics, net 30
customer  Fernhollow Textiles, net 30, EUR
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-28  issued 2026-08-29
invoice   INV-2  Fernhollow Textiles  500.00 EUR   due 2026-09-28  issued 2026-08-29

day       2026-09-23
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
payment   P-2  Fernhollow Textiles  500.00 EUR "INV-2"   pays INV-2 500.00
tick
expect    loop INV-1 closed
expect    no erp payment P-2
expect    suggestion P-2 -> INV-2 500.00 by printed_reference
day       2026-09-29
expect    reminders of INV-2: -7 sent
expect    reminder INV-2 +1 held because "approval"
stripe connector posts P-2 -> INV-2
day       2026-09-30
expect    payment P-2 is adopted
expect    invoice INV-2 is paid
payout    PO-1 EUR
stripe lists PO-1
bank gets PO-1
at        12:00
expect    payout PO-1 is observed
expect    no erp deposit PO-1
