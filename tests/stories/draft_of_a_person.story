title     What a person's draft payment has selected is not asked for and not paid a second time
only      intacct because "a payment may wait there as a draft, and selects what it will pay"

customer  Copperline Energy, net 30
customer  Alder Point Clinics, net 30
invoice   INV-1  Copperline Energy    5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  800.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    drafts a payment of 5000.00 for INV-1
person    drafts a payment of 300.00 for INV-2
day       2026-09-04
expect    no reminder of INV-1 sent
expect    reminders of INV-2: -7 sent
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
day       2026-09-05
expect    no erp payment P-1
person    deletes the draft for INV-1
day       2026-09-06
expect    erp application P-1 -> INV-1 5000.00
expect    loop INV-1 closed
person    posts the draft for INV-2
day       2026-09-11
expect    balance INV-2 500.00
expect    reminders of INV-2: -7, 0 sent
