title     A person's answer pauses that customer five business days, and an automatic one does not (RULES 5.6)

customer  Alder Point Clinics, net 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Alder Point Clinics   8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  900.00 USD   due 2026-09-11  issued 2026-08-12
invoice   INV-3  Alder Point Clinics   50.00 USD    due 2026-09-15  issued 2026-08-16

day       2026-09-04
expect    mail today: INV-1 -7
customer  Alder Point Clinics answers "Which purchase order is this?" to the last mail
customer  Sable Ridge Metering is out of office
somebody  writes "Stop. It was paid."
tick
expect    exception customer_answered of Alder Point Clinics shows "about INV-1" and "please answer"
day       2026-09-11                                     # the fifth business day, with a weekend in it
expect    mail today: INV-2 0
expect    no reminder of INV-3 sent                      # what the answer did not speak of waits as well
expect    reminder INV-1 0 held because "answered our message of 2026-09-04"
day       2026-09-12
expect    mail today: INV-1 +1, INV-3 -7
day       2026-09-13
expect    no exception
