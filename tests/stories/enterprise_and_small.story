title     A $500K enterprise invoice and a $5K small one differ in schedule, sender, words and who takes over; large goes first (M28)

policy    outage_business_days_max 30                    # days on which nothing is due are left out
customer  Westbrook Tooling, net 30, tier smb
customer  Northfield Robotics, net 30, tier enterprise
invoice   INV-1  Northfield Robotics  500000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling      5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-08-28
expect    erp segment INV-1 "key accounts"
expect    erp segment INV-2 default
expect    mail today: INV-1 -14
expect    last mail is from account-owner@your-company.example
expect    last mail says "I look after your account"
down until 2026-09-04
expect    mail today: INV-2 -7
expect    last mail is from billing@your-company.example
expect    last mail says "There is nothing to do if the payment is planned"

down until 2026-09-14                                    # both are due: what is large leaves first
expect    mail today: INV-1 +3
expect    mail today: INV-2 +1
expect    last mail is from billing@your-company.example
down until 2026-09-18                                    # a person takes over the large one
expect    mail today: INV-2 +7
expect    last mail says "Please pay what is overdue now"
expect    erp flag INV-1 escalated because "7 days past due"
expect    reminders of INV-1: -14, +3 sent
