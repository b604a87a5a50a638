title     Money for an invoice on hold waits with it, and is applied when the hold is lifted

customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  22500.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
person    holds INV-1 "usage is being reconciled"
at        10:00
payment   P-1  Sable Ridge Metering  22500.00 USD "INV-1"  pays INV-1 22500.00
tick
expect    exception held_invoice_named of P-1 over INV-1
expect    no erp payment P-1
person    releases INV-1
day       2026-09-05
expect    match P-1 -> INV-1 22500.00 by printed_reference
expect    loop INV-1 closed
expect    no exception
