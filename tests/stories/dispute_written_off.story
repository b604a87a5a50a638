title     A disputed line that is written off by a memo closes the invoice; nobody is asked for it in between (M58, M59)

policy    outage_business_days_max 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 8000.00 subscription, 1000.00 services

day       2026-09-04
person    disputes line 2 of INV-1 "never delivered"
payment   P-1  Westbrook Tooling  8000.00 USD "INV-1"  pays INV-1 8000.00
at        12:00
expect    balance INV-1 1000.00
person    settles the dispute about line 2 of INV-1 as written_off
down until 2026-09-18
expect    no mail today
person    writes off 1000.00 of INV-1
at        12:00
expect    balance INV-1 0.00
expect    loop INV-1 closed
expect    erp flag INV-1 closed
expect    no exception
