title     On the first day of auto nothing leaves for what was overdue already; what falls due later goes on (RULES 4.5)

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-07-20  issued 2026-06-20
invoice   INV-2  Alder Point Clinics  900.00 USD   due 2026-09-03  issued 2026-08-04
invoice   INV-3  Alder Point Clinics  500.00 USD   due 2026-09-10  issued 2026-08-11
invoice   INV-4  Westbrook Tooling    6400.00 USD  due 2026-09-04  issued 2026-08-05

day       2026-09-04
expect    invoice INV-1 is backlog
expect    invoice INV-2 is backlog
expect    invoice INV-3 is open
expect    invoice INV-4 is open                          # due today, so not overdue
expect    erp flag INV-1 backlog
day       2026-09-11
expect    no reminder of INV-1 sent
expect    no reminder of INV-2 sent
expect    reminders of INV-3: -7, 0, +1 sent
expect    reminders of INV-4: 0, +1, +7 sent

payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
at        12:00
expect    loop INV-1 closed                              # cash is applied all the same
