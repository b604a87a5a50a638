title     A mail that came back counts as not delivered; the step leaves once the contact is corrected (RULES 5.6)

mail      goes to the customers themselves
customer  Alder Point Clinics, net 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics   900.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7
mail      to Sable Ridge Metering bounces with 5.1.1
mail      to Alder Point Clinics bounces with 4.4.7     # delayed: it may still arrive
tick
expect    exception fix_contact of Sable Ridge Metering over INV-1 shows "came back with 5.1.1"
expect    reminder INV-2 -7 sent
day       2026-09-07
expect    no mail today

person    gives Sable Ridge Metering the address ap@sable.example
day       2026-09-08
expect    mail today: INV-1 -7
expect    last mail is for ap@sable.example
expect    no exception
