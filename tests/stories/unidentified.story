title     Money of nobody we know is no customer's by amount; what it names to the cent is suggested, and not chased

policy    trust {auto: [stripe_link, metadata, printed_reference], precision_min: 0.99}
customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  6400.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling  900.00 USD  due 2026-09-30  issued 2026-08-31

day       2026-09-08
payment   P-1  somebody  6400.00 USD "INV-1"  pays INV-1 6400.00
payment   P-2  somebody  900.00 USD ""  pays INV-2 900.00
day       2026-09-11
expect    no erp payment P-1
expect    no match P-2
expect    exception unidentified of P-2
expect    reminder INV-1 0 held because "waits for a person's approval"
