title     A large amount of a child isn't asked for at its parent's new address

mail      goes to the customers themselves
policy    outage_business_days_max 30
customer  Northfield Robotics, net 30
customer  Northfield Sub, net 30, child of Northfield Robotics, mails to parent
invoice   INV-1  Northfield Sub   40000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Northfield Robotics   40000.00 USD  due 2026-12-11  issued 2026-08-12

day       2026-09-10
expect    mail today: INV-1 -7
person    gives Northfield Robotics the address ap@northfield.example
day       2026-09-11
expect    reminder INV-1 0 held because "the contact's address changed on 2026-09-11"
