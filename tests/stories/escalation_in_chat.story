title     Large customer, 15 days late on 200,000.00: no automated escalation mail, a human instead, told in ERP and chat (M40)

our people have a chat
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  200000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Northfield Robotics  300.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
day       2026-09-24                                   # 13 days past due
expect    chat does not say "needs a person"
day       2026-09-25
expect    chat says "Invoice INV-1 of Northfield Robotics needs a person" and "200,000.00 USD is open" and "please speak to the customer"
expect    erp flag INV-1 escalated because "200,000.00 USD is open"
expect    mail today: INV-2 +14
day       2026-09-26                                   # 15 days past due
expect    no mail today
expect    reminders of INV-1: -7, 0, +1, +7 sent
day       2026-09-29
expect    chat does not say "was to answer"
day       2026-09-30                                   # two business days later nobody has answered
expect    chat says "was to answer by 2026-09-29 and has not"
expect    exception escalation_unanswered of Northfield Robotics
person    touches INV-1
tick
expect    no exception
expect    reminders of INV-1: -7, 0, +1, +7 sent
