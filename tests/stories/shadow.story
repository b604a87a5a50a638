title     In shadow everything is decided and nothing outside is changed: no posting, no mail (person_decides)

policy    post shadow, send shadow
customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  70000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-05
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
day       2026-09-12
expect    suggestion P-1 -> INV-1 5000.00 by printed_reference
expect    no mail ever
expect    nothing written in the erp
expect    balance INV-1 5000.00
expect    reminder INV-2 +1 held because "Sending is in shadow"
