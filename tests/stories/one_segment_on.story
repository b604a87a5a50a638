title     One segment is switched on; the others are decided, shown and not written to

policy    send suggest
policy    post suggest
policy    segments [{name: smb, tier_in: [smb], send: auto, post: auto}, {name: enterprise, tier_in: [enterprise]}]
customer  Westbrook Tooling, net 30, tier smb
customer  Northfield Robotics, net 30, tier enterprise
invoice   INV-1  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7
expect    reminder INV-2 -7 held because "Sending is in suggest"
expect    erp segment INV-1 smb
expect    erp segment INV-2 enterprise

payment   P-1  Westbrook Tooling    6400.00 USD "INV-1"  pays INV-1 6400.00
payment   P-2  Northfield Robotics  8000.00 USD "INV-2"  pays INV-2 8000.00
at        12:00
expect    loop INV-1 closed
expect    suggestion P-2 -> INV-2 8000.00 by printed_reference
expect    no erp payment P-2
