title     A parent's contact that asks us to stop hears of none of its children any more

customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30, child of Northfield Robotics, mails to parent
customer  Sable Ridge Metering, net 30, child of Northfield Robotics, mails to parent
invoice   INV-1  Westbrook Tooling     5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  6000.00 USD  due 2026-09-15  issued 2026-08-16

day       2026-09-04
expect    mail today: INV-1 -7
customer  Northfield Robotics answers "Stop sending these." to the last mail
tick
expect    exception asked_to_stop of Westbrook Tooling
day       2026-09-08
expect    no mail today
