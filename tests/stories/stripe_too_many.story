title     "Too many requests" of Stripe is waited out within the tick

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
fault     stripe too_many, 1 times
day       2026-09-11
expect    no trouble
expect    mail today: INV-1 0
