title     Who answers that it is paid gets somebody to look, and the money that waits is shown beside it (RULES 5.6)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  7000.00 USD  due 2026-09-30  issued 2026-08-31

day       2026-09-04
expect    mail today: INV-1 -7
customer  Alder Point Clinics answers "We already paid this." to the last mail
tick
expect    exception says_paid of Alder Point Clinics over INV-1 shows "no money of this customer waits"
payment   P-1  Alder Point Clinics  3210.00 USD "our order 77"
day       2026-09-06
expect    exception says_paid of Alder Point Clinics over INV-1 shows "of 3,210.00 USD, received on 2026-09-04, pays nothing yet"
