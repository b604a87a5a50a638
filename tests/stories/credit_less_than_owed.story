title     A customer with some credit is asked for the net, with the credit shown (RULES 4.3)

customer  Lanternfish Media, net 30
invoice   INV-1  Lanternfish Media  1000.00 USD  due 2026-09-11  issued 2026-08-12
credit    CM-1 Lanternfish Media 300.00

day       2026-09-11
expect    mail today: INV-1 0
expect    last mail says "300.00 USD"
expect    last mail says "Total to pay: 700.00 USD"
