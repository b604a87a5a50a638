title     A short pay leaves the residual and one courtesy message; nothing escalates (M46, M47, M62)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  50000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
day       2026-09-11
expect    reminder INV-1 0 sent

payment   P-1  Copperline Energy  45000.00 USD "Payment for INV-1"  pays INV-1 45000.00
tick
expect    match P-1 -> INV-1 45000.00 by printed_part
expect    erp application P-1 -> INV-1 45000.00
expect    balance INV-1 5000.00
expect    reminder INV-1 +1 cancelled because "paid: 45,000.00 USD"
expect    reminder INV-1 +14 cancelled because "paid: 45,000.00 USD"
expect    reminder INV-1 courtesy planned
expect    erp cancellation INV-1 of +1, +7, +14, +30 closed

day       2026-09-18            # seven days after the payment
expect    reminder INV-1 courtesy sent
expect    last mail says "To pay: 5,000.00 USD"
expect    last mail says "Thank you for your payment"
day       2026-10-20
expect    reminders of INV-1: -7, 0, courtesy sent
expect    erp exception stalled of INV-1 owner "finance"   # then the worklist (RULES 2.4)
expect    no task in the CRM
