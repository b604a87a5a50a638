title     An accepted dispute still holds when somebody pays the other lines by cheque (RULES 5.3)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 usage, 1000.00 services

day       2026-09-03
person    disputes line 2 of INV-1 "metered twice"
person    gives detail on line 2 of INV-1 "the old meter ran on"
day       2026-09-08
person    settles the dispute about line 2 of INV-1 as accepted
day       2026-09-09
expect    exception credit_awaited of Westbrook Tooling
person    enters 6000.00 for INV-1 "cheque"
day       2026-09-18
expect    balance INV-1 3000.00
expect    reminder INV-1 +7 held because "was accepted"
