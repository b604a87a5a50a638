title     People work inside the ERP: its fields hold the reminders, and its records say why and whose it is (M48, M50)

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  22500.00 USD  due 2026-09-11  issued 2026-08-12  lines 22500.00 usage
invoice   INV-2  Sable Ridge Metering  1000.00 USD   due 2026-09-11  issued 2026-08-12
invoice   INV-3  Sable Ridge Metering  900.00 USD    due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    holds INV-1 for usage "metric not signed off" until 2026-09-16 owner "revops"
person    promises INV-2 1000.00 USD on 2026-09-14 by "R. Osei" recorded by "ar@us.example"
person    talks about INV-3 until 2026-09-08
day       2026-09-12
expect    no reminder of INV-1 sent
expect    no reminder of INV-2 sent
expect    reminder INV-1 +1 held because "metric not signed off"
expect    erp flag INV-1 held because "metric not signed off"
expect    erp card INV-1 says "metric not signed off"
expect    reminders of INV-3: -7, 0, +1 sent

# Three business days after the promised day its recorder is told; past its end a hold stands, and its owner is told.
day       2026-09-18
expect    erp exception promise_broken of INV-2 owner "ar@us.example"
expect    reminders of INV-2: +7 sent
expect    erp exception pause_overdue of INV-1 owner "revops"
expect    no reminder of INV-1 sent

person    releases INV-1
day       2026-09-19
expect    mail today: INV-1 +7
expect    erp exception pause_overdue of INV-1 owner "revops" outcome "took it off"
