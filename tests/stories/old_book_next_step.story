title     With backlog next_step an old invoice goes on at its next step in the future, gently at first (RULES 4.5)

policy    backlog next_step
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-03  issued 2026-08-04

day       2026-09-06
expect    no mail ever
expect    reminder INV-1 +1 missed
day       2026-09-10
expect    mail today: INV-1 +7
expect    last mail says "the due date has passed"
day       2026-09-17
expect    reminders of INV-1: +7, +14 sent
expect    last mail says "Urgent"
