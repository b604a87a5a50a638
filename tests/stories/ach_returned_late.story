title     A bank debit that comes back so late that Stripe books it as a dispute is a return, against the disputes account (RULES 3)
only      netsuite because "a receipt that is reversed in Sage Intacct leaves clearing, where no dispute is booked: a person does it"

settlement USD through clearing
customer  Quarrystone Labs, net 30
invoice   INV-1  Quarrystone Labs  3900.00 USD  due 2026-09-30  issued 2026-08-31

day       2026-09-07
payment   P-1  Quarrystone Labs  3900.00 USD "INV-1" by ach  pays INV-1 3900.00
bank      settles P-1
tick
expect    loop INV-1 closed
cardholder disputes P-1
tick
expect    balance INV-1 3900.00
expect    erp ledger clearing 3900.00, disputes -3900.00  # until the payout that the return is in
day       2026-09-08
expect    invoice INV-1 is open
expect    clearing proof USD unexplained 0.00
expect    no exception
