title     A small part payment is applied and the cadence goes on with the new balance (M55, M62)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  50000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
payment   P-1  Copperline Energy  10000.00 USD "for INV-1, first part"  pays INV-1 10000.00
at        12:00
expect    match P-1 -> INV-1 10000.00 by printed_part
expect    balance INV-1 40000.00
expect    reminder INV-1 +1 planned
day       2026-09-12
expect    mail today: INV-1 +1
expect    last mail says "To pay: 40,000.00 USD"

payment   P-2  Copperline Energy  40000.00 USD "for INV-1, second part"  pays INV-1 40000.00
at        12:00
expect    balance INV-1 0.00
expect    loop INV-1 closed
expect    reminders of INV-1: 0, +1 sent
