title     A usage invoice that is still being reconciled is not chased until it is released (M48)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  22500.00 USD  due 2026-09-11  issued 2026-08-12  lines 22500.00 usage
invoice   INV-2  Sable Ridge Metering  1000.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    holds INV-1 for usage "the metric is not signed off" until 2026-09-15 owner "revops"
day       2026-09-15
expect    no exception
day       2026-09-19
expect    no reminder of INV-1 sent                       # not at 7 DPD, not at all
expect    reminders of INV-2: -7, 0, +1, +7 sent
expect    reminder INV-1 +7 held because "not signed off yet: the metric is not signed off"
expect    erp flag INV-1 held because "not signed off"
expect    erp exception pause_overdue of INV-1 owner "revops" until 2026-09-15

person    releases INV-1
day       2026-09-20
expect    mail today: INV-1 +7
expect    last mail says "the due date has passed"      # the first contact, so not in the tone of +7
expect    no exception
