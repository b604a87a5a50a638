title     Who asks us to stop hears nothing more before a person has decided (RULES 5.6)

customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7
customer  Alder Point Clinics answers "Stop sending these." to the last mail
tick
expect    exception asked_to_stop of Alder Point Clinics shows "somebody has decided"
day       2026-10-20
expect    reminders of INV-1: -7 sent
