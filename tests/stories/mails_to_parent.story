title     A parent that pays for its children hears of all of them at one address, and no oftener than one contact may (RULES 5.2)

policy    politeness {messages_a_week_max: 3, new_address_days: 7, new_address_amount: {USD: 25000.00}}
customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30, child of Northfield Robotics, mails to parent
customer  Sable Ridge Metering, net 30, child of Northfield Robotics, mails to parent
invoice   INV-1  Westbrook Tooling     5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  6000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
expect    reminder INV-1 0 sent
expect    mail today: INV-1 0
expect    mail today: INV-2 0
expect    last mail is for payables@northfield.example
expect    last mail does not say "INV-2"
day       2026-09-12
expect    mail today: INV-2 +1
at        12:00
expect    reminder INV-1 +1 held because "the most that is polite: 3"
