title     An invoice that is not approved is not chased (RULES 4.1)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
person    sends INV-1 back for approval

day       2026-09-05
expect    no mail ever
expect    invoice INV-1 is not known
person    approves INV-1
day       2026-09-11
expect    reminders of INV-1: -7, 0 sent
