title     While somebody else also reminds these customers nothing leaves, until a person has acknowledged it (RULES 4.2)

customer  Alder Point Clinics, net 30
customer  Lanternfish Media, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Lanternfish Media    1250.00 USD  due 2026-10-11  issued 2026-09-11
stripe    mails INV-2 itself

day       2026-09-11
expect    no mail ever
expect    reminder INV-1 0 held because "stripe_invoices"
policy    acknowledged_senders [stripe_invoices]
day       2026-09-12
expect    mail today: INV-1 +1
