title     Two promises of an invoice hold its reminders; a third is shown to a person and holds nothing (RULES 5.4)

policy    outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
person    promises INV-1 5000.00 USD on 2026-09-14
at        12:00
down until 2026-09-18
expect    mail today: INV-1 +7                           # broken: the step of the day is not skipped
person    promises INV-1 5000.00 USD on 2026-09-21
at        12:00
down until 2026-09-24
expect    no mail today
day       2026-09-25
expect    mail today: INV-1 +14
person    promises INV-1 5000.00 USD on 2026-10-20
at        12:00
expect    exception promise_too_many of Sable Ridge Metering shows "promise 3 of this invoice"
down until 2026-10-11
expect    mail today: INV-1 +30
