title     A payment that Stripe's own connector has posted is recognised by the charge and not doubled (RULES 1.9)
only      netsuite because "Stripe's own connector is made for it"

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy  5000.00 USD "thank you"  pays INV-1 5000.00
stripe connector posts P-1 -> INV-1
tick
expect    payment P-1 is adopted
expect    no erp payment P-1
expect    invoice INV-1 is paid
day       2026-09-12
expect    no mail ever
expect    no exception
