title     A payout whose members aren't all listed yet, or that isn't in the bank yet, waits

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
bank gets PO-1
at        10:00
expect    payout PO-1 is waiting
expect    no erp deposit PO-1
day       2026-09-11
expect    payout PO-1 is waiting
expect    clearing proof USD unexplained 0.00
stripe lists PO-1
at        10:00
expect    erp deposit PO-1 8252.90 of clearing 8500.00, fees -247.10
expect    no exception
