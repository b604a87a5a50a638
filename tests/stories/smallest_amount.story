title     Nobody is reminded of less than the smallest amount of the policy

policy    min_reminder_balance { USD: 5.00 }
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  1000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-02
payment   P-1  Alder Point Clinics  997.00 USD "INV-1"  pays INV-1 997.00
day       2026-09-20
expect    balance INV-1 3.00
expect    no mail ever
