title     Who was always on time is asked gently and late; who is new and late each time is asked early and firmly (M29)

policy    outage_business_days_max 30
customer  Alder Point Clinics, net 30, tier smb
customer  Westbrook Tooling, net 30, tier smb
invoice   OLD-1  Alder Point Clinics  900.00 USD  due 2024-07-01  issued 2024-06-01
invoice   OLD-2  Alder Point Clinics  900.00 USD  due 2025-12-01  issued 2025-11-01
invoice   OLD-3  Alder Point Clinics  900.00 USD  due 2026-02-01  issued 2026-01-02
invoice   OLD-4  Alder Point Clinics  900.00 USD  due 2026-05-01  issued 2026-04-01
invoice   OLD-5  Alder Point Clinics  900.00 USD  due 2026-08-01  issued 2026-07-02
invoice   OLD-6  Westbrook Tooling    900.00 USD  due 2026-07-01  issued 2026-06-01
invoice   OLD-7  Westbrook Tooling    900.00 USD  due 2026-07-31  issued 2026-07-01
person    enters 900.00 for OLD-1 "cheque" on 2024-06-28
person    enters 900.00 for OLD-2 "cheque" on 2025-11-28
person    enters 900.00 for OLD-3 "cheque" on 2026-02-01
person    enters 900.00 for OLD-4 "cheque" on 2026-04-29
person    enters 900.00 for OLD-5 "cheque" on 2026-07-30
person    enters 900.00 for OLD-6 "cheque" on 2026-07-20
person    enters 900.00 for OLD-7 "cheque" on 2026-08-24
invoice   INV-1  Alder Point Clinics  3000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    3000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-01
expect    erp segment INV-1 "small and proven"
expect    erp segment INV-2 "small and often late"
expect    mail today: INV-2 -10
down until 2026-09-06
expect    mail today: INV-1 -5
down until 2026-09-15
expect    mail today: INV-2 +4
expect    last mail says "Please pay what is overdue now"
day       2026-09-16
expect    mail today: INV-1 +5
expect    last mail says "You have always paid us well"
down until 2026-10-06                                    # 25 days past due: a person calls one of them
expect    erp flag INV-2 escalated because "25 days past due"
expect    mail today: INV-1 +14
expect    last mail says "You have always paid us well"
