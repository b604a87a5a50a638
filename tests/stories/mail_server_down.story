title     A mail server that takes nothing loses no reminder and doubles none

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
fault     smtp server_error
day       2026-09-05
expect    no mail ever
expect    reminder INV-1 -7 planned
healed
day       2026-09-06
expect    mail today: INV-1 -7
day       2026-09-07
expect    reminders of INV-1: -7 sent
