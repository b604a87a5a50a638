title     The grace of a promise is three business days, and a holiday is none (RULES 5.4)

policy    calendar {send_from: "08:00", send_until: "18:00", send_weekdays: [mon, tue, wed, thu, fri], holidays: [US]}
policy    outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-11-20  issued 2026-10-21

day       2026-11-20
person    promises INV-1 5000.00 USD on 2026-11-24        # Tuesday; Thursday is Thanksgiving
at        12:00
down until 2026-11-30
expect    reminder INV-1 +7 held because "reminders wait until 2026-11-30"
day       2026-12-01
expect    mail today: INV-1 +7
expect    exception promise_broken of Sable Ridge Metering
