title     An order that a person edits between our match and our posting: the invoice has new record numbers, and is paid once
only      intacct because "its Order Entry deletes an invoice and makes it anew when the order is edited"

customer  Copperline Energy, net 30
order     invoice INV-1  Copperline Energy  5000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-03
person    edits the order of INV-1 just before we post
payment   P-1  Copperline Energy  5000.00 USD "INV-1"  pays INV-1 5000.00
tick
expect    erp application P-1 -> INV-1 5000.00
expect    loop INV-1 closed
day       2026-09-12
expect    no mail ever
expect    no exception
