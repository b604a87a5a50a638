title     An accepted dispute is not asked for until the books show the credit; cash for the other lines is none (RULES 5.3)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 usage, 1000.00 services

day       2026-09-03
person    disputes line 2 of INV-1 "metered twice"
person    gives detail on line 2 of INV-1 "the old meter ran on"
day       2026-09-08
payment   P-1  Westbrook Tooling  6000.00 USD "INV-1"  pays INV-1 6000.00
tick
expect    balance INV-1 3000.00
person    settles the dispute about line 2 of INV-1 as accepted
day       2026-09-18
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +7 held because "was accepted; 3,000.00 USD is to be credited"
expect    exception credit_awaited of Westbrook Tooling
credit    CM-1 Westbrook Tooling 3000.00
person    applies CM-1 -> INV-1 3000.00
day       2026-09-19
expect    invoice INV-1 is paid
expect    no exception
