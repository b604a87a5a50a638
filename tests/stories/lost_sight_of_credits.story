title     A credit that is no longer listed proves nothing: its customer is still not chased (absence proves nothing)
only      netsuite because "there a right that was taken away looks like fewer rows; Intacct refuses the query"

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
credit    CM-1 Alder Point Clinics 8000.00

day       2026-09-10
expect    no mail ever
person    takes TRAN_CUSTCRED from the role              # the ERP shows no credit memos then, and no error
day       2026-09-12
expect    no mail ever
