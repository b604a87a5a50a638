title     A customer's mail in the CRM keeps reminders back for five business days, of this customer alone (M19)

customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12
crm account Northfield Robotics
crm account Westbrook Tooling
crm hears Northfield Robotics on 2026-08-27        # six business days before: nobody talks any more
crm hears Westbrook Tooling on 2026-08-27

day       2026-09-04
expect    reminders of INV-1: -7 sent
expect    reminders of INV-2: -7 sent
day       2026-09-10
crm hears Northfield Robotics on 2026-09-10
day       2026-09-11
expect    reminder INV-1 0 held because "in touch with the customer until 2026-09-17"
expect    mail today: INV-2 0
day       2026-09-17
expect    reminder INV-1 +1 held because "in touch with the customer until 2026-09-17"
day       2026-09-18
expect    reminder INV-1 +7 sent
expect    reminders of INV-2: -7, 0, +1, +7 sent
