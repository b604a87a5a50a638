"""What the ERP took back: an invoice that an act of ours had closed is open again.

Money that came back reopens exactly what it paid: the customer is told so after a few days of grace, and then the
cadence goes on where it stands that day. Due date and DPD are what they were (RULES 3). Money that we gave back reopens
nothing by itself, and money that is still here while its application is gone is a difference: nobody is chased for
either. Where an act of ours takes it back in the ERP, that is `reversals.py`.
"""

from __future__ import annotations

from datetime import date, timedelta

from connector.policy import RETURNED_STEP, Policy
from connector.receivables import OpenInvoice, PaymentState, ReminderState, Rung
from connector.store import Tx, approving, closing, gate, learning, pauses, settling, verdicts
from connector.store.closing import Act

# Of a lost card dispute it is a person who chose to open the invoice again, by taking its payment off in the ERP.
_CAME_BACK = (PaymentState.RETURNED, PaymentState.FAILED, PaymentState.CHARGED_BACK)
_REFUNDED = "refund_without_credit"


def take_applied_again(tx: Tx, invoice: OpenInvoice) -> None:
    """A paid invoice: what was shown of its undone application is settled."""
    for act_id in closing.closed_acts(tx, invoice.id):
        reason = "the ERP counts the payment again, or the invoice was paid otherwise"
        for kind in ("difference", _REFUNDED):
            verdicts.close_exceptions(tx, exception_id=f"{kind}:{act_id}", reason=reason)


def take_reopened(tx: Tx, invoice: OpenInvoice, policy: Policy, today: date) -> None:
    """Look at an open invoice on which acts of ours were closed; does nothing if their money still counts."""
    for act in closing.undone(tx, invoice.id):
        root_id = _root_that_came_back(tx, act)
        if root_id or closing.payment_state(tx, act.payment_id) in _CAME_BACK:
            closing.undo(tx, act, invoice.id)
            _tell_customer(tx, invoice, act, policy, today)
            # What was shown while only the ERP knew.
            shown: tuple[str, ...] = (f"difference:{act.id}", f"{_REFUNDED}:{act.id}")
            if not closing.applied_invoices(tx, act.payment_id):  # else its other invoices still wait for a person
                shown = (f"payment_came_back:{act.payment_id}", f"chargeback_hold:{act.payment_id}", *shown)
            if root_id and not settling.drawn_from(tx, root_id):
                shown = (f"payment_came_back:{root_id}", *shown)
            for exception_id in shown:
                verdicts.close_exceptions(tx, exception_id=exception_id, reason="the application was undone in the ERP")
            continue
        gate.plan_again(tx, invoice.id, today, "open again in the ERP")
        if approving.payment_of(tx, act.payment_id).refunded:
            _show_refunded(tx, invoice, act)
        else:
            _show_difference(tx, invoice, act)


def _root_that_came_back(tx: Tx, act: Act) -> str:
    """The money in the processor's cash balance that this was drawn from, if that came back; else ''."""
    root_id = approving.payment_of(tx, act.payment_id).root_id
    return root_id if root_id and settling.root_state(tx, root_id) in _CAME_BACK else ""


def _tell_customer(tx: Tx, invoice: OpenInvoice, act: Act, policy: Policy, today: date) -> None:
    """Its own word first, once the grace is over; the steps of the days until then give way to it."""
    told_on = today + timedelta(days=policy.exceptions.returned_grace_days)
    gate.plan_again(tx, invoice.id, told_on, f"payment {act.payment_id} came back; the invoice is open again")
    for reminder in gate.reminders(tx, [invoice.id])[invoice.id]:
        if reminder.state in gate.WAITING and reminder.due_on <= told_on and reminder.step != RETURNED_STEP:
            gate.move(tx, reminder, ReminderState.MISSED, "the customer is told first that the payment came back")
    pauses.plan_beside(tx, invoice.id, RETURNED_STEP, told_on)


def _show_refunded(tx: Tx, invoice: OpenInvoice, act: Act) -> None:
    verdicts.open_exception(
        tx,
        _REFUNDED,
        act.id,
        f"Payment {act.payment_id} was given back and no longer pays invoice {invoice.number}, which is open again. A "
        "refund reopens nothing by itself: nobody is reminded of it until its credit memo is there.",
        amount=invoice.balance,
        customer_id=invoice.customer_id,
        payment_id=act.payment_id,
        invoice_ids=[invoice.id],
    )


def _show_difference(tx: Tx, invoice: OpenInvoice, act: Act) -> None:
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
