title     A bank debit in progress holds the reminders; when it settles it is applied (in-flight cash)

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
day       2026-09-12
expect    no reminder of INV-1 sent
expect    reminder INV-1 +1 held because "was seen but not matched yet"
expect    no match P-1
expect    no erp payment P-1
bank      settles P-1
tick
expect    match P-1 -> INV-1 3900.00 by printed_reference
expect    loop INV-1 closed
day       2026-09-19
expect    no reminder of INV-1 sent
