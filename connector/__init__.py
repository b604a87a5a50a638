"""An accounts-receivable connector: a matched payment closes its invoices in the ERP and cancels their reminders, as one act."""
