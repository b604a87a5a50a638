title     A promise for a day that is a slip of the pen doesn't keep its invoice out of sight (M45, M53)

policy    escalation [], outage_business_days_max 30
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
person    promises INV-1 5000.00 USD on 2062-10-01
at        12:00
down until 2026-10-09
expect    no exception
expect    reminder INV-1 +14 held because "promised for 2062-10-01"
down until 2026-10-12                                    # thirty days is what a promise may stand
expect    exception stalled of Sable Ridge Metering shows "promised for 2062-10-01"
