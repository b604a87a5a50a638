title     Paid in full: applied, closed and every pending reminder cancelled, as one act (M1, M2, M4, M54)

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  50000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Copperline Energy  7000.00 USD   due 2026-09-30  issued 2026-08-31

day       2026-09-08
payment   P-1  Copperline Energy  50000.00 USD "Invoice INV-1"  pays INV-1 50000.00
tick
expect    match P-1 -> INV-1 50000.00 by printed_reference
expect    erp application P-1 -> INV-1 50000.00
expect    balance INV-1 0.00
expect    reminder INV-1 0 cancelled because "paid"
expect    reminder INV-1 +30 cancelled because "paid"
expect    erp cancellation INV-1 of 0, +1, +7, +14, +30 closed
expect    erp flag INV-1 closed
expect    loop INV-1 closed
expect    invoice INV-1 is paid
expect    reminder INV-2 -7 planned                      # per invoice, not per customer
day       2026-10-12
expect    reminders of INV-1: -7 sent
expect    reminders of INV-2: -7, 0, +1, +7 sent
