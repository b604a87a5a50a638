title     Who answers that it is paid is not asked again while somebody looks for the money (RULES 5.6)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Alder Point Clinics  900.00 USD   due 2026-09-14  issued 2026-08-15

day       2026-09-04
expect    mail today: INV-1 -7
customer  Alder Point Clinics answers "Hello, this was paid by cheque last week." to the last mail
tick
expect    exception says_paid of Alder Point Clinics over INV-1 shows "look for the money"
day       2026-09-11
expect    reminder INV-1 0 held because "says that it is paid"
expect    reminders of INV-2: -7 sent                    # the other invoice is asked for as before
person    enters 8000.00 for INV-1 "cheque 1188"
day       2026-09-13
expect    no exception
expect    reminders of INV-1: -7 sent
