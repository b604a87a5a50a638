title     Money of nobody we know is never given to a customer by amount or name; the invoice it names is not chased

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  6400.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-08
payment   P-1  somebody  6400.00 USD "INV-1"  pays INV-1 6400.00
day       2026-09-11
expect    no match P-1
expect    no erp payment P-1
expect    exception unidentified of P-1 over INV-1 shows "INV-1: 6,400.00 USD"
expect    no mail today
expect    reminder INV-1 0 held
