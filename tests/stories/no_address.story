title     Without a billing address nothing leaves, and it goes on when there is one (M83)

customer  Sable Ridge Metering, net 30, no e-mail
invoice   INV-1  Sable Ridge Metering  8000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-11
expect    no mail ever
expect    reminder INV-1 0 held because "no billing contact"
expect    erp flag INV-1 held because "no billing contact"
person    gives Sable Ridge Metering the address ap@sable.example
day       2026-09-12
expect    mail today: INV-1 +1
expect    last mail is for ap@sable.example
