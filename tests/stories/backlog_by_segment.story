title     Each segment has its own way out of the old book: a statement for one, people for the other (RULES 4.5, 8)

policy    segments [{name: smb, tier_in: [smb], backlog: statement}, {name: enterprise, tier_in: [enterprise], backlog: worklist}]
customer  Westbrook Tooling, net 30, tier smb
customer  Northfield Robotics, net 30, tier enterprise
invoice   INV-1  Westbrook Tooling    6400.00 USD  due 2026-08-20  issued 2026-07-21
invoice   INV-2  Northfield Robotics  8000.00 USD  due 2026-08-20  issued 2026-07-21

day       2026-09-04
expect    mail today: INV-1 statement
expect    invoice INV-2 is backlog
day       2026-09-05
expect    invoice INV-1 is open
expect    reminder INV-1 +30 planned
expect    no reminder of INV-2 sent
expect    reminder INV-2 +14 held because "backlog"
