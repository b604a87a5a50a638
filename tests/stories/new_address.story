title     More than $25K isn't asked for at an address that changed this week; a copy goes to who is listed (RULES 5.2)

mail      goes to the customers themselves
policy    outage_business_days_max 30
customer  Northfield Robotics, net 30
customer  Sable Ridge Metering, net 30, cc cfo@sable.example
invoice   INV-1  Northfield Robotics   40000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering    900.00 USD  due 2026-09-10  issued 2026-08-11

day       2026-09-10
expect    mail today: INV-1 -7
person    gives Northfield Robotics the address ap@northfield.example
person    gives Sable Ridge Metering the address ap@sable.example
day       2026-09-11
expect    mail today: INV-2 +1
expect    last mail is for ap@sable.example
expect    last mail is copied to cfo@sable.example
expect    reminder INV-1 0 held because "the contact's address changed on 2026-09-11"
down until 2026-09-17
expect    reminders of INV-1: -7 sent
day       2026-09-18
expect    mail today: INV-1 +7
expect    last mail is for ap@northfield.example
