title     A disputed line that is written off by a journal closes the invoice (M58, M59)
only      netsuite because "Intacct applies no journal entry to an invoice; dispute_written_off tells it of a memo"

policy    outage_business_days_max 30
customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 8000.00 subscription, 1000.00 services

day       2026-09-04
person    disputes line 2 of INV-1 "never delivered"
payment   P-1  Copperline Energy  8000.00 USD "INV-1"  pays INV-1 8000.00
at        12:00
person    settles the dispute about line 2 of INV-1 as written_off
down until 2026-09-18
expect    no mail today
person    writes off 1000.00 of INV-1 by journal
at        12:00
expect    loop INV-1 closed
expect    erp flag INV-1 closed
expect    no exception
