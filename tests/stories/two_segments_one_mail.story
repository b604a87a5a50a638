title     A key account's large invoice is never asked for in the words that a small one of the same customer has come to (M28)

policy    outage_business_days_max 30
customer  Northfield Robotics, net 30, tier enterprise
invoice   INV-1  Northfield Robotics  500000.00 USD  due 2026-09-25  issued 2026-08-26
invoice   INV-2  Northfield Robotics    5000.00 USD  due 2026-09-14  issued 2026-08-15

day       2026-09-14
down until 2026-09-21
expect    mail today: INV-2 +7
down until 2026-09-28                                    # +14 of the one, +3 of the other
expect    mail today: INV-1 +3
expect    last mail says "I look after your account"
day       2026-09-29
expect    mail today: INV-2 +14
expect    last mail does not say "INV-1"
