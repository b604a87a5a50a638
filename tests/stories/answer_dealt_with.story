title     Once somebody has dealt with a customer's answer its reminders go on, none of them twice (RULES 5.6)

policy    outage_business_days_max 30
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
customer  Alder Point Clinics answers "Stop sending these." to the last mail
tick
down until 2026-09-18
expect    reminder INV-1 +7 held because "asks us to stop"
operator  has dealt with Alder Point Clinics "they meant the paper invoices"
at        12:00
expect    mail today: INV-1 +7
expect    reminders of INV-1: -7, +7 sent
expect    no exception
