title     A month that was closed before the money came holds the payment; nothing is re-dated by itself (RULES 1.4)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-28  issued 2026-08-29

day       2026-09-21
day       2026-09-28
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
person    closes the month 2026-09
day       2026-09-29                                   # the periods of the ERP are read again
expect    no erp payment P-1
expect    exception closed_period of P-1 over INV-1
day       2026-10-06
expect    no erp payment P-1                           # not posted into October either
expect    reminders of INV-1: -7, 0 sent               # before the money came
expect    reminder INV-1 +7 held
person    opens the month 2026-09
day       2026-10-07
expect    erp payment P-1 on 2026-09-28
expect    loop INV-1 closed
expect    no exception
