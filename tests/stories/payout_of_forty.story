title     A payout of forty payments, fees and a refund is one deposit that ties to the cent (RULES 1.2)

settlement USD through clearing
customer  Copperline Energy, net 30
invoices  INV-1 to INV-40  Copperline Energy  from 100.00 USD rising 12.34  due 2026-10-09  issued 2026-09-01

day       2026-09-07
payments  P-1 to P-40  Copperline Energy  for INV-1 to INV-40
tick
expect    loop INV-1 closed
expect    loop INV-40 closed
expect    erp ledger clearing 13625.20, bank 0.00       # payments wait on the clearing account, gross
stripe refunds 50.00 of P-3

day       2026-09-09
payout    PO-1 USD
stripe lists PO-1
bank gets PO-1
at        10:00
expect    payout PO-1 is deposited
expect    erp deposit PO-1 13168.05 of clearing 13575.20, fees -407.15
expect    erp ledger bank 13168.05, fees 407.15
expect    erp ledger clearing 50.00                     # until billing books the refund
expect    exception refund_after_application of P-3 over INV-3
day       2026-09-10
expect    clearing proof USD unexplained 0.00
expect    erp deposit PO-1 13168.05 of clearing 13575.20, fees -407.15
