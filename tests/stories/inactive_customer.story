title     A customer who is inactive in the ERP is never chased (RULES 4.1)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
person    makes Sable Ridge Metering inactive
day       2026-09-12
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "inactive"
