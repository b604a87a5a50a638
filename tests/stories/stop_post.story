title     A person stops posting: the match waits and shields, nothing is written; lifted, it is carried out

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
operator  stops post "month end"
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-12
expect    suggestion P-1 -> INV-1 8000.00 by printed_reference
expect    no erp payment P-1
expect    reminders of INV-1: -7 sent
expect    reminder INV-1 +1 held because "waits for a person's approval"
operator  lifts post
at        10:00
expect    erp application P-1 -> INV-1 8000.00
expect    loop INV-1 closed
expect    reminders of INV-1: -7 sent
