title     Less than the invoices it names, and no word how to split it: a person decides, none of them is chased

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  3000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Copperline Energy  99000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  7000.00 USD "INV-1 and INV-2"  pays INV-1 5000.00, INV-2 2000.00
tick
expect    no match P-1
expect    exception short_over_several of P-1 over INV-1, INV-2 shows "1,000.00 USD more than the payment"
day       2026-09-11
expect    mail today: INV-3 0
expect    no reminder of INV-1 sent
expect    no reminder of INV-2 sent
