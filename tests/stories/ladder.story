title     Reminders, then the account manager, then a call, then the proposal of an agency, which is the controller's (M30, M31, M39, RULES 5.5)

policy    outage_business_days_max 30
policy    hand_off {answer_within_business_days: 2, people: {collections: collections@us.example, finance: cfo@us.example}, unseen_amount: {USD: 100000.00}, unseen_days_past_due: 45}
our people have a chat
customer  Sable Ridge Metering, net 30
invoice   INV-1  Sable Ridge Metering  900.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
down until 2026-10-11                                    # 30 days past due: flagged, and the last reminder leaves
expect    erp flag INV-1 escalated because "30 days past due"
expect    mail today: INV-1 +30
down until 2026-10-26                                    # 45: somebody calls
expect    chat says "45 days past due" and "collections@us.example: please call the customer"
expect    no exception
down until 2026-11-20
down until 2026-12-10                                    # 90: proposed, and nothing happens by itself
expect    exception agency_proposed of Sable Ridge Metering shows "nothing happens by itself"
expect    reminders of INV-1: 0, +30 sent
