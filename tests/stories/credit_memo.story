title     A credit memo that a person applies closes the invoice and cancels its reminders (M57)

customer  Fernhollow Textiles, net 30
invoice   INV-1  Fernhollow Textiles  3900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    reminder INV-1 -7 sent
credit    CM-1 Fernhollow Textiles 3900.00
day       2026-09-11
expect    reminder INV-1 0 held because "credits of 3,900.00 USD"
person    applies CM-1 -> INV-1 3900.00
at        11:00
expect    invoice INV-1 is paid
expect    reminder INV-1 0 cancelled because "paid in the ERP by somebody else"
expect    reminder INV-1 +30 cancelled because "paid in the ERP by somebody else"
expect    erp flag INV-1 closed
day       2026-09-20
expect    reminders of INV-1: -7 sent
