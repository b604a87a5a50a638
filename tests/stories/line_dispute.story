title     A payment of the two clean lines closes just these; the disputed one stays open, paused and visible (M41)
only      intacct because "it applies money to the lines of an invoice; undisputed_part_paid tells it of both"

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 usage, 1000.00 services

day       2026-09-04
person    disputes line 2 of INV-1 "metered twice"
at        10:00
payment   P-1  Westbrook Tooling  6000.00 USD "INV-1"  pays INV-1 6000.00
tick
expect    match P-1 -> INV-1 6000.00 by printed_lines
expect    erp application P-1 -> INV-1 6000.00
expect    line 1 of INV-1 owes 0.00
expect    line 2 of INV-1 owes 3000.00
expect    line 3 of INV-1 owes 0.00
expect    erp exception dispute_opened of INV-1
day       2026-09-20
expect    reminders of INV-1: -7, dispute_detail sent     # a question, and no demand
expect    reminder INV-1 +7 held because "3,000.00 USD of the balance 3,000.00 USD is disputed"
expect    erp flag INV-1 held because "disputed"
person    settles the dispute about line 2 of INV-1 as rejected
payment   P-2  Westbrook Tooling  3000.00 USD "INV-1"     pays INV-1 3000.00
day       2026-09-21
expect    erp application P-2 -> INV-1 3000.00
expect    line 2 of INV-1 owes 0.00
expect    loop INV-1 closed
