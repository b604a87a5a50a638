title     A customer that moves to another segment goes on in its cadence: nothing is said twice, nothing is made up for (M23, M12)

policy    outage_business_days_max 30
policy    cadences {patient: [{days: -14, template: pre_due, sender: billing}, {days: 3, template: just_overdue, sender: account_owner}, {days: 20, template: firm, sender: account_owner}], close: [{days: -10, template: pre_due, sender: billing}, {days: 1, template: just_overdue, sender: billing}, {days: 4, template: firm, sender: billing}, {days: 9, template: urgent, sender: billing}]}
policy    segments [{name: patient, tier_in: [enterprise], cadence: patient}, {name: close, tier_in: [smb], cadence: close}]
customer  Northfield Robotics, net 30, tier smb
customer  Westbrook Tooling, net 30, tier enterprise
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-01
expect    mail today: INV-1 -10
down until 2026-09-12
expect    mail today: INV-1 +1
person    describes Northfield Robotics as tier enterprise
person    describes Westbrook Tooling as tier smb
day       2026-09-13
expect    no mail today
expect    reminder INV-2 +1 missed because "another cadence since 2026-09-13"
day       2026-09-14
expect    mail today: INV-1 +3
expect    last mail is from account-owner@your-company.example
day       2026-09-15
expect    mail today: INV-2 +4
down until 2026-09-20
expect    reminders of INV-1: -10, +1, +3 sent
