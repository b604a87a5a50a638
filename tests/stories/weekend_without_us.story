title     A weekend without the connector is no outage: the latest step leaves, the earlier ones are not made up for

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-12  issued 2026-08-13

day       2026-09-11
expect    reminders of INV-1: -7 sent
down until 2026-09-14
expect    invoice INV-1 is open
expect    mail today: INV-1 +1
expect    reminder INV-1 0 missed
