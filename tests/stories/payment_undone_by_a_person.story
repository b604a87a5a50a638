title     A person voids our payment in the ERP: invoice, payment and reminders go back together, and somebody is told [account-reconcile#554]

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-02
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
tick
expect    loop INV-1 closed
person    voids the payment of P-1
day       2026-09-12
expect    balance INV-1 8000.00
expect    invoice INV-1 is open
expect    no reminder of INV-1 sent                      # its money is here
expect    exception difference of P-1
