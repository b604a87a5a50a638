title     Two invoices explain a payment equally well: nothing is guessed, both are shown, nobody is chased (guess_never)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling  6400.00 USD  due 2026-09-14  issued 2026-08-15

day       2026-09-03
payment   P-1  Westbrook Tooling  6400.00 USD ""  pays INV-2 6400.00
day       2026-09-15
expect    exception ambiguous of P-1 over INV-1, INV-2 shows "INV-1: 6,400.00 USD" and "INV-2: 6,400.00 USD"
expect    no match P-1
expect    no erp payment P-1
expect    no reminder of INV-1 sent
expect    reminder INV-1 +1 held because "was seen but not matched yet"
expect    erp flag INV-1 exception

person    posts P-1 -> INV-2 6400.00
at        11:00
expect    payment P-1 is adopted
expect    no exception
expect    invoice INV-2 is paid
day       2026-09-18
expect    reminders of INV-1: +1, +7 sent
expect    no reminder of INV-2 sent
