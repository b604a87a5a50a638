title     One mail per customer and day lists all that is due; two customers never share one

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  500.00 USD   due 2026-09-18  issued 2026-08-19
invoice   INV-3  Alder Point Clinics  250.00 USD   due 2026-09-25  issued 2026-08-26
invoice   INV-4  Westbrook Tooling    6400.00 USD  due 2026-09-18  issued 2026-08-19

day       2026-09-04
expect    mail today: INV-1 -7
day       2026-09-11
expect    mail today: INV-1 0, INV-2 -7
expect    mail today: INV-4 -7
day       2026-09-18
expect    mail today: INV-1 +7, INV-2 0, INV-3 -7
expect    mail today: INV-4 0
tick
at        15:00
expect    mail today: INV-1 +7, INV-2 0, INV-3 -7
day       2026-09-19
expect    mail today: INV-2 +1
