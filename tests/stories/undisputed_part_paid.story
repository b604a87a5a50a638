title     A customer pays all but the disputed line; the rest is held, not chased (M41, M62)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 usage, 1000.00 services

day       2026-09-04
person    disputes line 2 of INV-1 "metered twice"
at        10:00
payment   P-1  Westbrook Tooling  6000.00 USD "INV-1"  pays INV-1 6000.00
tick
expect    match P-1 -> INV-1 6000.00 by printed_lines
expect    erp application P-1 -> INV-1 6000.00
expect    balance INV-1 3000.00
day       2026-09-20
expect    reminders of INV-1: -7, dispute_detail sent     # a question, and no demand
expect    reminder INV-1 +7 held because "3,000.00 USD of the balance 3,000.00 USD is disputed"
expect    erp flag INV-1 held because "disputed"
