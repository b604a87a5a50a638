title     The same 180,000 in three charges: five invoices closed, the held one waits with its own charge (M60, M61)

customer  Meridian Freight, net 30
invoice   INV-1  Meridian Freight  24000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-2  Meridian Freight  36000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-3  Meridian Freight  30000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-4  Meridian Freight  27500.00 USD  due 2026-09-17  issued 2026-08-18  lines 27500.00 usage
invoice   INV-5  Meridian Freight  22500.00 USD  due 2026-09-17  issued 2026-08-18  lines 22500.00 usage
invoice   INV-6  Meridian Freight  40000.00 USD  due 2026-09-17  issued 2026-08-18  lines 40000.00 services
person    holds INV-5 "usage is being reconciled"

day       2026-09-09
payment   P-1  Meridian Freight  90000.00 USD "INV-1, INV-2, INV-3"  pays INV-1 24000.00, INV-2 36000.00, INV-3 30000.00
payment   P-2  Meridian Freight  50000.00 USD "Invoices INV-4 and INV-5"  pays INV-4 27500.00, INV-5 22500.00
payment   P-3  Meridian Freight  40000.00 USD "INV-6"  pays INV-6 40000.00
tick
expect    erp application P-1 -> INV-1 24000.00, INV-2 36000.00, INV-3 30000.00
expect    erp application P-2 -> INV-4 27500.00
expect    erp unapplied P-2 22500.00
expect    erp application P-3 -> INV-6 40000.00
expect    loop INV-4 closed
expect    exception held_invoice of P-2 over INV-5
day       2026-09-18
expect    reminder INV-5 +1 held because "usage is being reconciled"
person    releases INV-5
tick
expect    erp application P-2 -> INV-4 27500.00, INV-5 22500.00
expect    invoice INV-5 is paid
expect    no exception
