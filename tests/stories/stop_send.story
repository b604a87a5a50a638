title     A person stops sending: cash is still applied, nothing leaves; lifted, the right next step leaves

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  900.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-09
operator  stops send "auditors in the house"
payment   P-1  Alder Point Clinics  900.00 USD "INV-2"  pays INV-2 900.00
day       2026-09-13
expect    loop INV-2 closed
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "auditors in the house"
operator  lifts send
day       2026-09-14
expect    mail today: INV-1 +1
expect    reminder INV-1 0 missed
