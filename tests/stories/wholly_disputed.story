title     A wholly disputed invoice is held and says why, until the dispute is settled (M45)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    disputes line 1 of INV-1 "flagged in the portal"
day       2026-09-25
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +14 held because "40,000.00 USD of the balance 40,000.00 USD is disputed"
expect    erp flag INV-1 held because "disputed"
person    settles the dispute about line 1 of INV-1
day       2026-10-11
expect    last mail says "To pay: 40,000.00 USD"        # it goes on
