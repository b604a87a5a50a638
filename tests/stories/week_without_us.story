title     After a week of outage what became overdue waits for a person, and no letters pile up (RULES 4.5)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-10  issued 2026-08-11
invoice   INV-2  Alder Point Clinics  800.00 USD   due 2026-09-16  issued 2026-08-17

day       2026-09-07
expect    reminders of INV-1: -7 sent
down until 2026-09-16
expect    invoice INV-1 is backlog
expect    mail today: INV-2 0
expect    reminder INV-2 -7 missed
day       2026-09-25
expect    reminders of INV-1: -7 sent
expect    reminders of INV-2: 0, +1, +7 sent
