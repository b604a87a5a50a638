title     A card dispute changes nothing in the books while it is open, nor when it is won; of a lost one a person chooses (RULES 3)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  500.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-02
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
payment   P-2  Alder Point Clinics  500.00 USD "INV-2"  pays INV-2 500.00
tick
expect    loop INV-1 closed
cardholder disputes P-1
cardholder disputes P-2
tick
expect    exception chargeback_hold of P-1 over INV-1
expect    exception chargeback_hold of P-2 shows "disputed by the cardholder"
expect    balance INV-1 0.00
dispute of P-2 is won
dispute of P-1 is lost
day       2026-09-04
expect    exception chargeback_hold of P-1 shows "the dispute is lost. Choose"
expect    balance INV-1 0.00
expect    balance INV-2 0.00
person    voids the payment of P-1                      # the choice: open it again
day       2026-09-08
expect    invoice INV-1 is open
expect    reminders of INV-1: payment_returned sent
expect    no reminder of INV-2 sent
expect    no exception
