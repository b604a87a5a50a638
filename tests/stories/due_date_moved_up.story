title     When a person brings the due date forward, the reminders follow it (M12)

customer  Alder Point Clinics, net 60
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-11  issued 2026-08-12

day       2026-09-05
person    makes INV-1 due 2026-09-11
day       2026-09-11
expect    reminders of INV-1: -7, 0 sent
