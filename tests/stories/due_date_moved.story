title     When a person moves the due date, the reminders follow it (M12, M86)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-05
expect    reminders of INV-1: -7 sent
person    makes INV-1 due 2026-09-25
day       2026-09-19
expect    reminder INV-1 0 planned
expect    reminders of INV-1: -7 sent
day       2026-09-25
expect    mail today: INV-1 0
expect    last mail says "due today"
