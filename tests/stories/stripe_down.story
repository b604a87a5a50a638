title     While Stripe can't be read nobody is reminded: they may have paid (never_chase_blind)

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
fault     stripe server_error
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-11
expect    trouble "Could not read events from Stripe"
expect    no mail today
expect    reminder INV-1 0 held because "Stripe was last read completely on 2026-09-10 at 09:00 UTC"
expect    reminder INV-2 0 held because "Stripe was last read completely on 2026-09-10 at 09:00 UTC"
healed
at        11:00
expect    no trouble
expect    loop INV-1 closed
expect    mail today: INV-2 0
expect    reminders of INV-1: -7 sent
