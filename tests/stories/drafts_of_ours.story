title     What waits for approval stands in the ERP as a draft: a person may post it there, or approve it here, and it is paid once
only      intacct because "a payment may wait there as a draft"

policy    post suggest, send auto
mapping   suggest_as_draft true
customer  Copperline Energy, net 30
customer  Alder Point Clinics, net 30
invoice   INV-1  Copperline Energy    5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  800.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-03
payment   P-1  Copperline Energy    5000.00 USD "INV-1"  pays INV-1 5000.00
payment   P-2  Alder Point Clinics  800.00 USD "INV-2"   pays INV-2 800.00
day       2026-09-04
expect    suggestion P-1 -> INV-1 5000.00 by printed_reference
expect    erp draft P-1 -> INV-1 5000.00
expect    erp draft P-2 -> INV-2 800.00
expect    balance INV-1 5000.00
expect    no mail ever

# One is posted by a person in the ERP, the other one by the machine once it may.
person    posts our draft of P-1
day       2026-09-05
expect    balance INV-1 0.00
expect    no erp draft P-1
expect    invoice INV-1 is paid
policy    post auto, send auto
day       2026-09-06
expect    match P-2 -> INV-2 800.00 by printed_reference
expect    no erp draft P-2
expect    loop INV-2 closed
day       2026-09-12
expect    no mail ever
expect    no exception
