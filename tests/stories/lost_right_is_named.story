title     A right that was taken from the user is named, and nothing is sent or posted meanwhile
only      intacct because "it refuses the query; lost_permission tells of NetSuite, where rows are just fewer"

customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-10
person    takes ARINVOICE from the role              # the user's, in Intacct's words
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
day       2026-09-11
expect    trouble "ARINVOICE"
expect    no mail today
expect    no erp payment P-1
person    gives ARINVOICE to the role
at        11:00
expect    erp application P-1 -> INV-1 8000.00
expect    loop INV-1 closed
expect    mail today: INV-2 0
