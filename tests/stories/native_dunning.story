title     NetSuite's own dunning is paused where we remind, and never started again by us
only      netsuite because "it mails its letters by itself; Intacct prints its notices when a person asks for them"

mapping   native_dunning {pause_field: custbody_3805_dunning_paused}
policy    acknowledged_senders [netsuite_dunning]
person    installs the ERP's own dunning
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    erp has paused its own dunning of INV-1
expect    reminder INV-1 -7 sent
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
at        12:00
expect    loop INV-1 closed
day       2026-09-05
expect    erp has paused its own dunning of INV-1
