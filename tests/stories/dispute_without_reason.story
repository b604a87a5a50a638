title     A dispute without a reason is shown to a person until there is one; its line waits all the same (M42, M43)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  900.00 USD  due 2026-09-11  issued 2026-08-12  lines 800.00 subscription, 100.00 services

day       2026-09-11
person    disputes line 2 of INV-1 ""
day       2026-09-12
expect    exception dispute_without_reason of Fernhollow Textiles
expect    erp exception dispute_opened of INV-1 owner "finance"
expect    mail today: INV-1 +1
expect    last mail says "Total to pay: 800.00 USD"
person    disputes line 2 of INV-1 "never delivered"
at        12:00
expect    erp exception dispute_without_reason of INV-1 outcome "never delivered"
