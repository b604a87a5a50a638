title     An escalation that the account manager doesn't answer in two business days goes to whom they report to, once (RULES 5.5)

policy    escalation [{name: large amount, days_past_due: 7, min_amount: {USD: 25000.00}, stops_mail: false}]
customer  Northfield Robotics, net 30
crm account Northfield Robotics
crm owner of Northfield Robotics is "Ana Gray" reporting to "Mona Hale"
our people have a chat
invoice   INV-1  Northfield Robotics  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
day       2026-09-18                                   # a Friday
expect    task about INV-1 for "Ana Gray" shows "40,000.00 USD is open" and "Please speak to the customer"
expect    chat says "Ana Gray: please speak to the customer"
day       2026-09-22
expect    task about INV-1
day       2026-09-23
expect    task about INV-1 for "Mona Hale" shows "Ana Gray was to answer by 2026-09-22 and has not"
expect    chat says "Mona Hale: Ana Gray was to answer by 2026-09-22 and has not"
expect    exception escalation_unanswered of Northfield Robotics
crm task about INV-1 is done
day       2026-09-24
expect    no exception
day       2026-09-25                                   # a person is at work: no machine writes any more
expect    reminder INV-1 +14 held because "a person is at work on it"
