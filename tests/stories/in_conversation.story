title     While somebody talks with the customer nothing leaves; the day after the last one goes on by itself (M19, RULES 5.6)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
day       2026-09-10
person    talks about INV-1 until 2026-09-14
day       2026-09-14
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "in touch with the customer until 2026-09-14"
day       2026-09-15
expect    mail today: INV-1 +1
expect    no exception
