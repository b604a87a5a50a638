title     A tier that was wrong for a day costs no reminder: back in its segment the invoice has all its steps to come (M23)

policy    cadences {patient: [{days: -14, template: pre_due, sender: billing}, {days: 20, template: firm, sender: account_owner}]}
policy    segments [{name: patient, tier_in: [enterprise], cadence: patient}]
customer  Northfield Robotics, net 30
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
person    describes Northfield Robotics as tier enterprise
day       2026-09-13
expect    erp segment INV-1 patient
person    describes Northfield Robotics as tier mid-market
day       2026-09-18
expect    mail today: INV-1 +7
expect    reminders of INV-1: 0, +7 sent
expect    reminder INV-1 +14 planned
