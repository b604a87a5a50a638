title     When the CRM can't be asked its last known flags hold, and after a day without it nothing leaves

customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30
crm account Northfield Robotics, do-not-contact
crm account Westbrook Tooling
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
expect    reminder INV-1 -7 held because "must not be contacted"
expect    reminder INV-2 -7 sent
fault     salesforce maintenance
day       2026-09-11
expect    trouble "Salesforce"
expect    mail today: INV-2 0                          # the flags are a day old, no older
expect    reminder INV-1 0 held because "must not be contacted"
day       2026-09-12
expect    no mail today
expect    reminder INV-1 +1 held because "must not be contacted"
expect    reminder INV-2 +1 held because "the CRM was last read"
healed
at        11:00
expect    mail today: INV-2 +1
crm       has no requests left today
at        12:00
expect    trouble "REQUEST_LIMIT_EXCEEDED"
expect    no reminder of INV-1 sent
