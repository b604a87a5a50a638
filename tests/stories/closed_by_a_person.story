title     An invoice that a person settles in the ERP is left alone from then on

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
person    enters 3900.00 for INV-1 "cheque"
day       2026-09-11
expect    no mail today
expect    reminder INV-1 0 cancelled because "paid in the ERP by somebody else"
expect    invoice INV-1 is paid
expect    erp flag INV-1 closed
expect    no exception
