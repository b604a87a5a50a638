title     An almost paid invoice that comes into another segment keeps its one courtesy message; no cadence begins anew (M47, M23)

policy    outage_business_days_max 30
policy    cadences {close: [{days: 2, template: just_overdue, sender: billing}, {days: 9, template: urgent, sender: billing}]}
policy    segments [{name: close, tier_in: [smb], cadence: close}]
customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  50000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
payment   P-1  Copperline Energy  45000.00 USD "INV-1"  pays INV-1 45000.00
at        12:00
expect    reminder INV-1 +7 cancelled because "paid: 45,000.00 USD"
person    describes Copperline Energy as tier smb
day       2026-09-13
expect    erp segment INV-1 close
expect    no mail today
down until 2026-09-18
expect    mail today: INV-1 courtesy
down until 2026-09-21
expect    reminders of INV-1: 0, courtesy sent
