title     Shipped policy: enterprise on usage gets days more before each step than the newcomer, and nothing while it reconciles (M26, M48)

policy    outage_business_days_max 30
customer  Northfield Robotics, net 30, tier enterprise, billing usage
customer  Westbrook Tooling, net 30, tier smb, billing subscription
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12  lines 8000.00 usage
invoice   INV-2  Northfield Robotics  8100.00 USD  due 2026-09-11  issued 2026-08-12  lines 8100.00 usage
invoice   INV-3  Westbrook Tooling    8000.00 USD  due 2026-09-11  issued 2026-08-12
person    holds INV-2 for usage "metric not signed off"

day       2026-09-01
expect    erp segment INV-1 "enterprise usage"
expect    erp segment INV-3 default
expect    mail today: INV-1 -10
down until 2026-09-12
expect    mail today: INV-3 +1
down until 2026-09-18
expect    mail today: INV-1 +3
expect    mail today: INV-3 +7
expect    no reminder of INV-2 sent
expect    reminder INV-2 +3 held because "metric not signed off"
