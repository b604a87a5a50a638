title     The hours of sending are the customer's own where its zone is known (RULES 4.7)

policy    calendar {send_from: "08:00", send_until: "17:00", send_weekdays: [mon, tue, wed, thu, fri]}
customer  Westbrook Tooling, net 30, country US, zone America/New_York
customer  Sable Ridge Metering, net 30, country DE
customer  Alder Point Clinics, net 30, country JP
invoice   INV-1  Westbrook Tooling     5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  5000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Alder Point Clinics   5000.00 USD  due 2026-09-14  issued 2026-08-12

day       2026-09-11                                     # nine o'clock UTC: five in New York, eleven in Berlin
expect    mail today: INV-2 0
expect    no reminder of INV-1 sent
at        11:59
expect    no reminder of INV-1 sent
expect    no reminder of INV-3 sent                      # and in the evening in Tokyo
at        12:00
expect    mail today: INV-1 0
