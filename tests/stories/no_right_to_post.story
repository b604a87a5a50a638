title     A user who may enter payments and not post them: nothing is posted, nobody is chased, and the reason is named
only      intacct because "there the right to post is apart from the right to enter"

customer  Copperline Energy, net 30
invoice   INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    takes post_payments from the role
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
tick
expect    exception posting_refused of P-1 over INV-1 shows "permission"
expect    balance INV-1 5000.00
day       2026-09-05
expect    no reminder of INV-1 sent
person    gives post_payments to the role
day       2026-09-06
expect    erp application P-1 -> INV-1 5000.00
expect    loop INV-1 closed
expect    no exception
