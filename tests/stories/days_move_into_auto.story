title     What grows into a segment that sends waits in the backlog if it is overdue (RULES 4.5)

policy    send suggest
policy    outage_business_days_max 30
policy    segments [{name: late, when: "invoice.days_past_due >= 3", send: auto}]
customer  Westbrook Tooling, net 30, tier smb
invoice   INV-1  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
day       2026-09-12
expect    no mail today
day       2026-09-13
expect    no mail today
day       2026-09-14
expect    no mail today
day       2026-09-15
expect    no mail today
