title     One neutral statement of a customer's old invoices where a person chose that; then the next future step (RULES 4.5)

policy    backlog statement
customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  800.00 USD    due 2026-08-20  issued 2026-07-21
invoice   INV-2  Alder Point Clinics  900.00 USD    due 2026-08-28  issued 2026-07-29
invoice   INV-3  Alder Point Clinics  700.00 USD    due 2026-05-20  issued 2026-04-20
invoice   INV-4  Westbrook Tooling    64000.00 USD  due 2026-08-28  issued 2026-07-29

day       2026-09-01
expect    mail today: INV-1 statement, INV-2 statement
expect    invoice INV-3 is backlog                     # more than 60 days past due
expect    invoice INV-4 is backlog                     # more than 25,000.00 USD
day       2026-09-11
expect    reminders of INV-1: statement, +14 sent
expect    reminders of INV-2: statement, +7, +14 sent
expect    no reminder of INV-3 sent
expect    no reminder of INV-4 sent
