title     In suggest a match waits for a person and holds its reminders; switched to auto it is carried out

policy    post suggest, send auto
customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  70000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-05
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
day       2026-09-11
expect    suggestion P-1 -> INV-1 5000.00 by printed_reference
expect    no erp payment P-1
expect    mail today: INV-2 0
expect    reminder INV-1 0 held because "waits for a person's approval"

policy    post auto, send auto
at        12:00
expect    match P-1 -> INV-1 5000.00 by printed_reference
expect    loop INV-1 closed
day       2026-09-19
expect    reminders of INV-2: -7, 0, +1, +7 sent
