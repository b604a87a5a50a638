title     An instalment that doesn't come breaks the plan: its owner is told, and says what is asked for (M56, RULES 5.4)

policy    outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  2000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    agrees plan of INV-1 "2026-09-21 1000.00; 2026-10-01 1000.00" approved by controller
down until 2026-09-21
payment   P-1  Sable Ridge Metering  1000.00 USD "INV-1"  pays INV-1 1000.00
at        12:00
down until 2026-10-06                                    # the last day of grace of the second instalment
expect    reminder INV-1 +14 held because "a payment plan is approved by controller"
expect    no exception
day       2026-10-07
expect    exception plan_broken of Sable Ridge Metering shows "2,000.00 USD was to be paid by now, 1,000.00 USD came"
expect    reminders of INV-1: -7 sent

payment   P-2  Sable Ridge Metering  1000.00 USD "INV-1"  pays INV-1 1000.00
at        12:00
expect    loop INV-1 closed
day       2026-10-08
expect    no exception
