title     What a person corrects on the invoice is what the next reminder asks for (M20)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12  lines 5000.00 subscription, 3000.00 services

day       2026-09-04
expect    last mail says "To pay: 8,000.00 USD"
person    changes line 2 of INV-1 to 2500.00
day       2026-09-11
expect    last mail says "To pay: 7,500.00 USD"
