title     A payment that names another customer's invoice is for a person, also where an amount would fit (guess_never)

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Alder Point Clinics  6400.00 USD "INV-2"  pays INV-2 6400.00
tick
expect    no match P-1
expect    no erp payment P-1
expect    exception payer_in_doubt of P-1
day       2026-09-04
expect    no reminder of INV-1 sent
expect    no reminder of INV-2 sent                      # it may have been paid, by somebody else
