title     A disputed line is not asked for; the rest of the invoice and other invoices go on (M41)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  9000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 usage, 1000.00 services
invoice   INV-2  Westbrook Tooling  700.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    last mail says "To pay: 9,000.00 USD"
person    disputes line 2 of INV-1 "metered twice"
day       2026-09-11
expect    mail today: INV-1 dispute_detail               # seven days later, in a message of its own (M44)
expect    last mail does not say "To pay"
day       2026-09-12
expect    mail today: INV-1 +1, INV-2 +1
expect    last mail says "To pay: 6,000.00 USD"
expect    last mail says "In dispute, not asked for here: 3,000.00 USD"
expect    last mail says "Total to pay: 6,700.00 USD"

day       2026-09-14
person    settles the dispute about line 2 of INV-1
day       2026-09-18
expect    mail today: INV-2 +7
expect    reminder INV-1 +7 held because "was rejected on 2026-09-15; nothing leaves before 2026-09-22"
day       2026-09-22                                      # five business days later (RULES 5.3)
expect    mail today: INV-1 +7
expect    last mail says "To pay: 9,000.00 USD"
expect    last mail does not say "In dispute"
expect    last mail says "the due date has passed"        # no firmer than the last that left
