title     Fewer rows prove nothing: after a lost permission nothing is taken for paid, sent or posted (never_chase_blind)
only      netsuite because "there a right that was taken away looks like fewer rows; Intacct refuses the query"

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    takes TRAN_CUSTINVC from the role              # the ERP shows no invoices then, and no error
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-11
expect    no mail today
expect    invoice INV-1 is open
expect    invoice INV-2 is open
expect    suggestion P-1 -> INV-1 8000.00 by printed_reference
expect    no erp payment P-1
expect    reminder INV-2 0 held because "lost a permission"
person    gives TRAN_CUSTINVC to the role
at        11:00
expect    erp application P-1 -> INV-1 8000.00
expect    loop INV-1 closed
expect    mail today: INV-2 0
