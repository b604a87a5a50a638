title     An invoice that is sent back for approval is not chased meanwhile (RULES 4.1)

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminders of INV-1: -7 sent
person    sends INV-1 back for approval
day       2026-09-08
expect    reminders of INV-1: -7 sent
person    approves INV-1
day       2026-09-11
expect    mail today: INV-1 0
expect    mail today: INV-2 0
