title     A usage invoice at 18 DPD that waits for a credit memo nobody flagged is shown to a person (M49, M53)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  22500.00 USD  due 2026-09-11  issued 2026-08-12  lines 22500.00 usage
invoice   INV-2  Sable Ridge Metering  1000.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-03
day       2026-09-24
expect    no exception
day       2026-09-29
expect    reminders of INV-1: -7, 0, +1, +7, +14 sent
expect    exception stalled of Sable Ridge Metering
expect    erp exception stalled of INV-1
person    touches INV-1
day       2026-09-30
expect    no exception
