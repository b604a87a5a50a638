title     The backlog is counted from the day on which sending is switched on, not from the first day (RULES 4.5)

policy    post auto, send shadow
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-05  issued 2026-08-06
invoice   INV-2  Alder Point Clinics  800.00 USD   due 2026-09-15  issued 2026-08-16

day       2026-09-01
day       2026-09-09
expect    no mail ever
policy    post auto, send auto
day       2026-09-10
expect    invoice INV-1 is backlog
expect    invoice INV-2 is open
expect    mail today: INV-2 -7
day       2026-09-16
expect    no reminder of INV-1 sent
expect    reminders of INV-2: -7, 0, +1 sent
