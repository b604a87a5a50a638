title     An address that the mail server refuses opens fix_contact; a corrected one lets reminders go on (RULES 5.6)

mail      goes to the customers themselves
customer  Alder Point Clinics, net 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  800.00 USD   due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics   9000.00 USD  due 2026-09-11  issued 2026-08-12
mailbox   refuses payables@sable.example

day       2026-09-04
expect    exception fix_contact of Sable Ridge Metering over INV-1
expect    mail today: INV-2 -7                           # the other customer is not touched by it
expect    no reminder of INV-1 sent
day       2026-09-11
expect    no reminder of INV-1 sent
expect    reminder INV-1 0 held because "address was refused"

person    gives Sable Ridge Metering the address ap@sable.example
day       2026-09-12
expect    no exception
expect    mail today: INV-1 +1
expect    last mail is for ap@sable.example
