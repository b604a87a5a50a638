title     One exact balance is proof enough where nothing else fits, also several that fit in only one way (M61)

customer  Westbrook Tooling, net 30
invoice   INV-1  Westbrook Tooling  6412.37 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling  1093.18 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Westbrook Tooling  2750.49 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-4  Westbrook Tooling  8120.05 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
payment   P-1  Westbrook Tooling  1093.18 USD "thank you"  pays INV-2 1093.18
tick
expect    match P-1 -> INV-2 1093.18 by exact_balance
payment   P-2  Westbrook Tooling  9162.86 USD "thank you"  pays INV-1 6412.37, INV-3 2750.49
at        10:00
expect    match P-2 -> INV-1 6412.37, INV-3 2750.49 by exact_subset
expect    balance INV-4 8120.05
day       2026-09-11
expect    mail today: INV-4 0
