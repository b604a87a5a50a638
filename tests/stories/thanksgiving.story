title     A step that falls on a holiday leaves on the next business day; days past due are counted by the calendar (RULES 5.1)

policy    calendar {send_from: "08:00", send_until: "18:00", send_weekdays: [mon, tue, wed, thu, fri], holidays: [US]}
policy    outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-11-19  issued 2026-10-20

day       2026-11-19
expect    mail today: INV-1 0
down until 2026-11-25
expect    mail today: INV-1 +1
day       2026-11-26                                     # Thanksgiving, seven days past due
expect    no mail today
day       2026-11-27
expect    mail today: INV-1 +7
expect    last mail says "8 days past due"
