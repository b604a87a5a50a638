title     The account manager gets a blind copy of each message where the policy says so; the customer doesn't see it (RULES 5.2)

policy    bcc_account_manager true
mail      goes to the customers themselves
customer  Northfield Robotics, net 30, cc cfo@northfield.example
crm account Northfield Robotics
crm owner of Northfield Robotics is "Ana Gray" at ana@us.example
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7
expect    last mail is for payables@northfield.example
expect    last mail is copied to cfo@northfield.example
expect    last mail goes unseen to ana@us.example
