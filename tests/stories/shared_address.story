title     Two customers with one billing address get no more messages a week than one contact may (M28)

policy    politeness {messages_a_week_max: 3, new_address_days: 7, new_address_amount: {USD: 25000.00}}
customer  Westbrook Tooling, net 30
customer  Sable Ridge Metering, net 30
person    gives Westbrook Tooling the address ap@shared.example
person    gives Sable Ridge Metering the address AP@shared.example
invoice   INV-1  Westbrook Tooling     5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  6000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
expect    mail today: INV-1 0
expect    mail today: INV-2 0
day       2026-09-12                                     # one is left for both: what is large goes first
expect    mail today: INV-2 +1
at        12:00
expect    reminder INV-1 +1 held because "the most that is polite: 3"
day       2026-09-17
expect    no mail today
day       2026-09-18                                     # the two of the 11th are a week old
expect    mail today: INV-1 +7
expect    mail today: INV-2 +7
