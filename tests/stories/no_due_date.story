title     An invoice without a due date is parked by name, and amounts alone prove nothing for its customer

customer  Westbrook Tooling, net 30
customer  Alder Point Clinics, net 30
invoice   INV-1  Westbrook Tooling    6400.00 USD  due never       issued 2026-08-12
invoice   INV-2  Westbrook Tooling    1000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Alder Point Clinics  500.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    parked INV-1 "is missing"
expect    mail today: INV-3 -7
expect    mail today: INV-2 -7
payment   P-1  Westbrook Tooling  1000.00 USD ""  pays INV-2 1000.00
payment   P-2  Alder Point Clinics  500.00 USD ""  pays INV-3 500.00
tick
expect    no match P-1
expect    exception not_understood of P-1 over INV-2 shows "INV-2: 1,000.00 USD"
expect    match P-2 -> INV-3 500.00 by exact_balance
day       2026-09-11
expect    no mail today

person    makes INV-1 due 2026-09-18
day       2026-09-12
expect    match P-1 -> INV-2 1000.00 by exact_balance
expect    invoice INV-1 is open
expect    mail today: INV-1 -7
