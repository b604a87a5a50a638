"""An accounts-receivable connector: a match closes the invoices in the ERP and cancels their reminders, as one act."""
