title     Enterprise on usage with a clean history and a small customer that paid late twice have different workflows (M26)

policy    cadences {patient: [{days: -3, template: pre_due, sender: billing}, {days: 10, template: just_overdue, sender: account_owner}], close: [{days: -7, template: pre_due, sender: billing}, {days: 1, template: just_overdue, sender: billing}, {days: 4, template: firm, sender: billing}]}
policy    segments [{name: usage enterprise, tier_in: [enterprise], billing_model_in: [usage], late_payments_last_quarter: "== 0", cadence: patient}, {name: late smb, tier_in: [smb], billing_model_in: [subscription], late_payments_last_quarter: ">= 2", cadence: close}]
customer  Northfield Robotics, net 30, tier enterprise, billing usage
customer  Westbrook Tooling, net 30, tier smb, billing subscription
invoice   OLD-1  Westbrook Tooling  500.00 USD  due 2026-07-01  issued 2026-06-01
invoice   OLD-2  Westbrook Tooling  500.00 USD  due 2026-07-20  issued 2026-06-20

day       2026-07-25
person    enters 500.00 for OLD-1 "cheque"
person    enters 500.00 for OLD-2 "cheque"
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    700.00 USD   due 2026-09-11  issued 2026-08-12
day       2026-09-22
expect    erp segment INV-1 "usage enterprise"
expect    erp segment INV-2 "late smb"
expect    reminders of INV-1: -3, +10 sent
expect    reminders of INV-2: -7, +1, +4 sent
expect    erp card INV-2 says "late"
