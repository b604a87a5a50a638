title     What Stripe collects by itself is asked for only after the last attempt failed, then for a payment method (RULES 4.2)

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1250.00 USD  due 2026-09-11  issued 2026-08-12
stripe    collects INV-1 on 2026-09-12

day       2026-09-10
day       2026-09-11
expect    no mail ever
expect    reminder INV-1 0 held because "next attempt is set for 2026-09-12"
day       2026-09-12
at        12:00
stripe    tries INV-1: declined, again on 2026-09-15
day       2026-09-14
expect    no mail ever
expect    reminder INV-1 +1 held because "next attempt is set for 2026-09-15"
day       2026-09-15
at        12:00
expect    no mail ever
stripe    tries INV-1: declined
day       2026-09-16
expect    mail today: INV-1 +1
expect    last mail says "payment method"
day       2026-09-18
expect    mail today: INV-1 +7
expect    last mail does not say "payment method"
