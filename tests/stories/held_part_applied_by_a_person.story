title     The part of a payment that waited for a held invoice is applied by a person: nothing is left to look at (M50, M60)

customer  Meridian Freight, net 30
invoice   INV-1  Meridian Freight  24000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-2  Meridian Freight  22500.00 USD  due 2026-09-17  issued 2026-08-18  lines 22500.00 usage
person    holds INV-2 "usage is being reconciled"

day       2026-09-09
payment   P-1  Meridian Freight  46500.00 USD "INV-1, INV-2"  pays INV-1 24000.00, INV-2 22500.00
tick
expect    erp unapplied P-1 22500.00
expect    exception held_invoice of P-1 over INV-2
person    releases INV-2
person    applies the rest of P-1 -> INV-2 22500.00
day       2026-09-11
expect    invoice INV-2 is paid
expect    erp flag INV-2 closed
expect    no exception
expect    no mail ever
