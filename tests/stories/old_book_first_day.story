title     The first day of auto on an old book: not one unwanted mail, and no call of the account team (RULES 4.5)

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
customer  Northfield Robotics, net 60
crm account Alder Point Clinics, strategic
crm account Westbrook Tooling, renews 2026-09-25
crm account Northfield Robotics
invoices  INV-1 to INV-20   Alder Point Clinics  from 900.00 USD rising 10.00    due 2026-06-20  issued 2026-05-21
invoices  INV-21 to INV-40  Westbrook Tooling    from 30000.00 USD rising 10.00  due 2026-08-15  issued 2026-07-16
invoices  INV-41 to INV-50  Northfield Robotics  from 500.00 USD rising 1.00     due 2026-09-03  issued 2026-07-05

day       2026-09-04
expect    no mail ever
expect    no task in the CRM
expect    invoice INV-1 is backlog
expect    invoice INV-40 is backlog
expect    invoice INV-50 is backlog
expect    erp flag INV-40 backlog
day       2026-09-18
expect    no mail ever
expect    no task in the CRM
