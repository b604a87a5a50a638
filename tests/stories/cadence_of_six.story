title     An unpaid invoice gets six reminders, each in its own tone: -7, 0, +1, +7, +14, +30 (M10, M11, M15, M17)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
expect    no mail ever
day       2026-09-04
expect    reminder INV-1 -7 sent
expect    last mail says "will be due soon"
expect    last mail is from billing@your-company.example
expect    last mail is for payables@alder.example
day       2026-09-11
expect    last mail says "due today"
day       2026-09-12
expect    last mail says "the due date has passed"
day       2026-09-18
expect    last mail says "We have still not received payment"
day       2026-09-25
expect    last mail says "Urgent"
expect    last mail is from billing@your-company.example
day       2026-10-11
expect    last mail says "Final reminder"
expect    last mail is from account-owner@your-company.example
expect    reminders of INV-1: -7, 0, +1, +7, +14, +30 sent
day       2026-10-20
expect    reminders of INV-1: -7, 0, +1, +7, +14, +30 sent
