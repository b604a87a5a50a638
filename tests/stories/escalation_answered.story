title     An escalation whose task somebody closes in two business days goes no further up (RULES 5.5)

policy    escalation [{name: large amount, days_past_due: 7, min_amount: {USD: 25000.00}}]
policy    outage_business_days_max 30
customer  Northfield Robotics, net 30
crm account Northfield Robotics
crm owner of Northfield Robotics is "Ana Gray" reporting to "Mona Hale"
our people have a chat
invoice   INV-1  Northfield Robotics  40000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
down until 2026-09-18                                    # a Friday
expect    task about INV-1 for "Ana Gray"
expect    chat says "Ana Gray: please speak to the customer"
down until 2026-09-22
crm task about INV-1 is done
day       2026-09-23
expect    task about INV-1
expect    chat does not say "was to answer"
expect    no exception
expect    reminder INV-1 +7 held because "a person is at work on it"
