title     Settled through Undeposited Funds, the deposit takes in just the payments that the payout holds (RULES 1.2)

settlement USD through undeposited
customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-09  issued 2026-09-01
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-10-09  issued 2026-09-01
invoice   INV-3  Westbrook Tooling    6400.00 USD  due 2026-10-09  issued 2026-09-01

day       2026-09-07
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
payment   P-2  Westbrook Tooling    6400.00 USD "for our account"  pays INV-2 6400.00
tick
expect    erp ledger undeposited 8000.00
expect    exception ambiguous of P-2 over INV-2, INV-3

day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
bank gets PO-1
at        10:00
expect    payout PO-1 is waiting                        # for a payment that isn't in the ERP
expect    no erp deposit PO-1
stripe connector posts P-2 -> INV-2
day       2026-09-10
expect    payment P-2 is adopted
expect    erp deposit PO-1 13981.80 of payments 2, fees -418.20
expect    erp ledger undeposited 0.00, bank 13981.80
