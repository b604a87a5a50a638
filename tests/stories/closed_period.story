title     A closed month refuses the payment: nothing is re-dated, a person is told, reminders stay held (RULES 1.4)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    closes the month 2026-09
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
tick
expect    no erp payment P-1
expect    exception posting_refused of P-1 over INV-1
expect    balance INV-1 8000.00
day       2026-09-12
expect    no mail today
expect    reminder INV-1 +1 held
expect    erp flag INV-1 exception

person    opens the month 2026-09
day       2026-09-13
expect    erp application P-1 -> INV-1 8000.00
expect    loop INV-1 closed
expect    no exception
expect    reminders of INV-1: -7 sent
