title     A bank debit that comes back after it was applied waits for a person; nothing is undone by itself (RULES 3)

customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Quarrystone Labs  3900.00 USD  due 2026-09-30  issued 2026-08-31

day       2026-09-03
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
bank      settles P-1
tick
expect    loop INV-1 closed
day       2026-09-08
bank      returns P-1
day       2026-09-12
expect    exception payment_came_back of P-1 over INV-1
expect    balance INV-1 0.00
expect    no reminder of INV-1 sent

person    voids the payment of P-1                        # as the exception asks for
day       2026-09-19
expect    balance INV-1 3900.00
expect    invoice INV-1 is open
expect    reminders of INV-1: payment_returned, +7 sent   # told after a grace, then the right next step (RULES 3)
expect    no exception
