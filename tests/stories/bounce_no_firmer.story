title     A message that came back was no first contact: the next one is no firmer than a first (RULES 4.5, 5.6)

mail      goes to the customers themselves
policy    outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
mail      to Sable Ridge Metering bounces with 5.1.1
tick
down until 2026-09-25
expect    reminder INV-1 +14 held because "came back with 5.1.1"
person    gives Sable Ridge Metering the address ap@sable.example
day       2026-09-26
expect    mail today: INV-1 +14
expect    last mail says "It may have been overlooked"
expect    last mail is for ap@sable.example
