title     Another cadence is planned at once for what is not due yet; what is overdue waits for a person (RULES 4.5)

policy    steps [{days: -7, template: pre_due, sender: billing}, {days: 5, template: firm, sender: billing}], first_contact_step_max '+5'
customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-20  issued 2026-08-21
invoice   INV-2  Westbrook Tooling    8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-13
expect    mail today: INV-1 -7
policy    steps [{days: -7, template: pre_due, sender: billing}, {days: -5, template: pre_due, sender: billing}, {days: 6, template: firm, sender: billing}], first_contact_step_max '+6'
day       2026-09-15
expect    mail today: INV-1 -5
day       2026-09-17
expect    reminder INV-2 +6 held because "backlog"
