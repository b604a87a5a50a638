title     A partial refund of a payment over several invoices reopens nothing: all of them wait for a person (RULES 3)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  1000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  500.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  1500.00 USD "INV-1 INV-2"  pays INV-1 1000.00, INV-2 500.00
tick
expect    loop INV-2 closed
stripe refunds 200.00 of P-1
day       2026-09-11
expect    exception refund_after_application of P-1 over INV-1, INV-2
expect    balance INV-1 0.00
expect    no mail ever
