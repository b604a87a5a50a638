title     An invoice that is issued while we run starts its own cadence; one seen late starts where it stands

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-09
invoice   INV-2  Alder Point Clinics  500.00 USD  due 2026-09-20  issued 2026-08-21
invoice   INV-3  Alder Point Clinics  700.00 USD  due 2026-10-09  issued 2026-09-09
day       2026-09-10
expect    reminder INV-2 -7 planned
expect    no mail today
day       2026-09-13
expect    mail today: INV-2 -7
day       2026-10-02
expect    mail today: INV-3 -7
