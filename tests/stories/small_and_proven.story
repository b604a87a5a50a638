title     $3K of a small customer with two clean years stays with the machine past 30 days; a newcomer's goes to a person (M37, M31)

policy    outage_business_days_max 30
customer  Alder Point Clinics, net 30, tier smb
customer  Westbrook Tooling, net 30, tier smb
crm account Alder Point Clinics
invoice   OLD-1  Alder Point Clinics  900.00 USD  due 2024-07-01  issued 2024-06-01
invoices  OLD-2 to OLD-5  Alder Point Clinics from 900.00 USD rising 1.00  due 2026-02-01  issued 2026-01-02
person    enters 900.00 for OLD-1 "cheque" on 2024-06-28
person    enters 900.00 for OLD-2 "cheque" on 2026-01-30
person    enters 901.00 for OLD-3 "cheque" on 2026-01-30
person    enters 902.00 for OLD-4 "cheque" on 2026-01-30
person    enters 903.00 for OLD-5 "cheque" on 2026-01-30
invoice   INV-1  Alder Point Clinics  3000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    3000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-06
expect    erp segment INV-1 "small and proven"
down until 2026-09-16
down until 2026-09-25
down until 2026-10-11                                    # 30 days past due
expect    erp flag INV-2 escalated because "30 days past due"
expect    erp flag INV-1 reminding
expect    mail today: INV-1 +30
down until 2026-10-26
expect    reminders of INV-1: -5, +5, +14, +30, +45 sent
expect    no task in the CRM
expect    erp flag INV-1 reminding
