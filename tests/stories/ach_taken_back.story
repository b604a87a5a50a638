title     A bank debit that comes back after it was applied is taken back in the ERP by itself, and its invoice goes on (RULES 3)

settlement USD through clearing
customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Quarrystone Labs  3900.00 USD  due 2026-12-30  issued 2026-08-31

day       2026-09-03
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
bank      settles P-1
tick
expect    loop INV-1 closed
expect    erp ledger clearing 3900.00
day       2026-09-08
bank      returns P-1
tick
expect    balance INV-1 3900.00
expect    erp ledger clearing 0.00                      # the payment stands, and so does what takes it back
tick
expect    invoice INV-1 is open
expect    no exception                                  # nobody has to do anything
day       2026-09-10
expect    no reminder of INV-1 sent                     # three days of grace
expect    clearing proof USD unexplained 0.00
day       2026-09-12
expect    reminders of INV-1: payment_returned, +1 sent # told, then the right next step of the same due date
expect    no exception
