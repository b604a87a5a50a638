title     On close days nothing is posted; cash still matches and suppresses, and goes afterwards (RULES 4.7)

policy    calendar {send_from: "00:00", send_until: "23:59", no_posting: [{first_on: 2026-09-10, last_on: 2026-09-11}]}
settlement USD through clearing
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
at        10:00
expect    no erp payment P-1
day       2026-09-11
expect    no mail today
expect    suggestion P-1 -> INV-1 8000.00 by printed_reference
expect    reminder INV-1 0 held because "approval"
day       2026-09-12
expect    erp payment P-1 on 2026-09-10
expect    loop INV-1 closed
expect    reminders of INV-1: -7 sent
