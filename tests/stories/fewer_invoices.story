title     Invoices that the ERP suddenly no longer lists are not taken for paid, and nothing is sent or posted on the rest

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
customer  Copperline Energy, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Copperline Energy    5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
fault     erp fewer_rows
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-11
expect    no mail today
expect    invoice INV-3 is open
expect    no erp payment P-1
healed
at        11:00
expect    erp application P-1 -> INV-1 8000.00
expect    loop INV-1 closed
expect    mail today: INV-2 0
expect    mail today: INV-3 0
