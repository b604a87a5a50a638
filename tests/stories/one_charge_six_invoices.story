title     One charge of wire size over six invoices, one on hold: five closed at once, the sixth waits (M60, M61)

customer  Meridian Freight, net 30
invoice   INV-1  Meridian Freight  24000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-2  Meridian Freight  36000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-3  Meridian Freight  30000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-4  Meridian Freight  27500.00 USD  due 2026-09-17  issued 2026-08-18  lines 27500.00 usage
invoice   INV-5  Meridian Freight  22500.00 USD  due 2026-09-17  issued 2026-08-18  lines 22500.00 usage
invoice   INV-6  Meridian Freight  40000.00 USD  due 2026-09-17  issued 2026-08-18  lines 40000.00 services
person    holds INV-5 "usage is being reconciled"

day       2026-09-09
payment   P-1  Meridian Freight  180000.00 USD "Invoices INV-1, INV-2, INV-3, INV-4, INV-5, INV-6"  pays INV-1 24000.00, INV-2 36000.00, INV-3 30000.00, INV-4 27500.00, INV-5 22500.00, INV-6 40000.00
tick
expect    match P-1 -> INV-1 24000.00, INV-2 36000.00, INV-3 30000.00, INV-4 27500.00, INV-6 40000.00 by printed_reference
expect    erp application P-1 -> INV-1 24000.00, INV-2 36000.00, INV-3 30000.00, INV-4 27500.00, INV-6 40000.00
expect    erp unapplied P-1 22500.00
expect    balance INV-5 22500.00
expect    loop INV-1 closed
expect    loop INV-6 closed
expect    exception held_invoice of P-1 over INV-5
expect    reminder INV-1 -7 cancelled because "paid"
day       2026-09-18
expect    no reminder of INV-5 sent
expect    reminder INV-5 +1 held because "usage is being reconciled"
expect    no reminder of INV-6 sent

person    releases INV-5                                  # its money is here, and is applied now
tick
expect    erp application P-1 -> INV-1 24000.00, INV-2 36000.00, INV-3 30000.00, INV-4 27500.00, INV-5 22500.00, INV-6 40000.00
expect    loop INV-5 closed
expect    no exception
day       2026-09-25
expect    no reminder of INV-5 sent
