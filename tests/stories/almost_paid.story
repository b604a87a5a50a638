title     Paid to 89.9 % the cadence goes on; paid to 90 % one courtesy message takes its place (M47)

customer  Copperline Energy, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Copperline Energy  10000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling  10000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
payment   P-1  Copperline Energy  8990.00 USD "INV-1"  pays INV-1 8990.00
payment   P-2  Westbrook Tooling  9000.00 USD "INV-2"  pays INV-2 9000.00
at        12:00
expect    balance INV-1 1010.00
expect    balance INV-2 1000.00
expect    reminder INV-1 +1 planned
expect    reminder INV-2 +1 cancelled because "paid: 9,000.00 USD"
day       2026-09-18
expect    mail today: INV-1 +7
expect    mail today: INV-2 courtesy
expect    reminders of INV-1: 0, +1, +7 sent
expect    reminders of INV-2: 0, courtesy sent
