title     What a change of the policy moves into a segment that sends waits in the backlog if it is overdue (RULES 4.5)

policy    send suggest
policy    outage_business_days_max 30
policy    segments [{name: smb, tier_in: [smb], send: auto}]
customer  Westbrook Tooling, net 30, tier smb
customer  Northfield Robotics, net 30, tier enterprise
invoice   INV-1  Northfield Robotics  6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-12-11  issued 2026-08-12

day       2026-09-04
day       2026-09-17
expect    no mail today
policy    segments [{name: smb, tier_in: [smb, enterprise], send: auto}]
at        12:00
expect    no mail today
day       2026-09-18
expect    no mail today
