title     Mail leaves in the hours and on the days that the policy names; cash is applied at any hour (RULES 4.7)

policy    calendar {send_from: "10:00", send_until: "16:00", send_weekdays: [mon, tue, wed, thu, fri]}
customer  Alder Point Clinics, net 30
customer  Westbrook Tooling, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    6400.00 USD  due 2026-09-12  issued 2026-08-13

day       2026-09-11                                   # a Friday, nine o'clock
expect    no mail ever
payment   P-1  Alder Point Clinics  8000.00 USD "INV-1"  pays INV-1 8000.00
at        09:30
expect    loop INV-1 closed
at        17:00
expect    no mail ever
day       2026-09-13                                   # a Sunday
at        12:00
expect    no mail ever
day       2026-09-14
at        10:00
expect    mail today: INV-2 +1
