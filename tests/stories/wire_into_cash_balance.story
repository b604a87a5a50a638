title     A wire in Stripe's cash balance shields, and is posted once, as what Stripe applies of it (RULES 1.3)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  3000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
expect    mail today: INV-1 -7, INV-2 -7
wire      P-1  Copperline Energy  8000.00 USD "Copperline, August"
at        10:00
expect    no erp payment P-1
day       2026-09-14
expect    no erp payment P-1                           # Stripe may still send it back
expect    reminder INV-1 +1 held because "8,000.00 USD was seen"
expect    reminder INV-2 +1 held because "8,000.00 USD was seen"
stripe applies 5000.00 of Copperline Energy to INV-1 as P-2
at        10:00
expect    erp application P-2 -> INV-1 5000.00
expect    loop INV-1 closed
day       2026-09-15
expect    reminder INV-2 +1 held because "3,000.00 USD was seen"
stripe applies 3000.00 of Copperline Energy to INV-2 as P-3
at        10:00
expect    erp application P-3 -> INV-2 3000.00
expect    loop INV-2 closed
expect    no erp payment P-1
expect    no exception
