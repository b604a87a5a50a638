title     The same 180,000 as a wire in Stripe's cash balance: everything is shielded, nothing is posted before Stripe applies it (M60)

customer  Meridian Freight, net 30
invoice   INV-1  Meridian Freight  91000.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-2  Meridian Freight  66500.00 USD  due 2026-09-17  issued 2026-08-18
invoice   INV-3  Meridian Freight  22500.00 USD  due 2026-09-17  issued 2026-08-18  lines 22500.00 usage
person    holds INV-3 "usage is being reconciled"

day       2026-09-11
wire      P-1  Meridian Freight  180000.00 USD "Meridian, August"
at        10:00
expect    no erp payment P-1
day       2026-09-18
expect    no erp payment P-1
expect    reminder INV-1 +1 held because "180,000.00 USD was seen"
expect    reminder INV-2 +1 held because "180,000.00 USD was seen"
stripe applies 91000.00 of Meridian Freight to INV-1 as P-2
stripe applies 66500.00 of Meridian Freight to INV-2 as P-3
at        10:00
expect    erp application P-2 -> INV-1 91000.00
expect    erp application P-3 -> INV-2 66500.00
expect    loop INV-1 closed
expect    loop INV-2 closed
expect    no erp payment P-1
day       2026-09-19
expect    reminder INV-3 +1 held
