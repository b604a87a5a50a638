title     Without evidence that the invoice was delivered nothing leaves; delivered late, it isn't called overdue yet (RULES 4.4)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12  undelivered

day       2026-09-04
day       2026-09-14
expect    no mail ever
expect    reminder INV-1 +1 held because "no evidence that the customer got"
person    mails INV-1                                  # on a Monday
day       2026-09-18
expect    no mail ever
day       2026-09-21                                   # five business days later
expect    mail today: INV-1 +7
