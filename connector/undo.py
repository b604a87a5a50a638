"""What the ERP took back: an invoice that an act of ours had closed is open again.

Money that came back reopens exactly what it paid, and reminders go on at the right next step. Money that is still here
while its application is gone is a difference for a person, and nobody is chased for it.
"""

from __future__ import annotations

from datetime import date

from connector.receivables import OpenInvoice, PaymentState, Rung
from connector.store import Tx, closing, gate, learning, verdicts

_CAME_BACK = (PaymentState.RETURNED, PaymentState.FAILED)


def take_applied_again(tx: Tx, invoice: OpenInvoice) -> None:
    """A paid invoice: what was shown of its undone application is settled."""
    for act_id in closing.closed_acts(tx, invoice.id):
        reason = "the ERP counts the payment again, or the invoice was paid otherwise"
        verdicts.close_exceptions(tx, exception_id=f"difference:{act_id}", reason=reason)


def take_reopened(tx: Tx, invoice: OpenInvoice, today: date) -> None:
    """Look at an open invoice on which acts of ours were closed; does nothing if their money still counts."""
    for act in closing.undone(tx, invoice.id):
        if closing.payment_state(tx, act.payment_id) in _CAME_BACK:
            closing.undo(tx, act, invoice.id)
            gate.plan_again(tx, invoice.id, today, f"payment {act.payment_id} came back; the invoice is open again")
            verdicts.close_exceptions(
                tx,
                exception_id=f"payment_came_back:{act.payment_id}",
                reason="the application was undone in the ERP",
            )
            continue
        gate.plan_again(tx, invoice.id, today, "open again in the ERP")
        detail = f"its application to invoice {invoice.number} was taken back in the ERP, and the money is still here"
        learning.put_evidence(tx, act.payment_id, "posting", Rung(act.rung), "wrong", detail)
        verdicts.open_exception(
            tx,
            "difference",
            act.id,
            f"Payment {act.payment_id} ({act.intent.payment.external_id} in the ERP) no longer pays invoice "
            f"{invoice.number}, and its money has not gone back. Nobody is reminded of it; apply the payment "
            "again in the ERP, or give the money back.",
            amount=invoice.balance,
            customer_id=invoice.customer_id,
            payment_id=act.payment_id,
            invoice_ids=[invoice.id],
        )
