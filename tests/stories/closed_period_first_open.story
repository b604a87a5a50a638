title     Where the policy says so, money of a closed month is posted in the first open one with its real day kept (RULES 1.4)

policy    closed_period first_open
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-10-28  issued 2026-09-28

day       2026-09-29
person    closes the month 2026-09
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-30
expect    no erp payment P-1                           # no day up to today is open
expect    exception closed_period of P-1 over INV-1
day       2026-10-01
expect    erp payment P-1 on 2026-10-01, really on 2026-09-29
expect    loop INV-1 closed
expect    no exception
