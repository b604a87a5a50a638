title     A return of a closed month waits for a person, who is told all that is to be done; opened again, it is taken back by itself

settlement USD through clearing
customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-10-28  issued 2026-09-14

day       2026-09-25
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
bank      settles P-1
tick
expect    loop INV-1 closed
day       2026-09-30
person    closes the month 2026-09
bank      returns P-1
day       2026-10-01
expect    exception payment_came_back of P-1 shows "which is closed" and "INV-1 (3,900.00 USD)"
expect    balance INV-1 0.00
person    opens the month 2026-09
day       2026-10-03                                    # the ERP is asked again once a day
expect    balance INV-1 3900.00
expect    invoice INV-1 is open
expect    erp ledger clearing 0.00
expect    no exception
