"""Step 4 and the first half of the closing act: which invoices does this money pay, and the one commit that says so.

The commit is the moment of the promise: allocations, cancelled reminders and the ERP intent are one local transaction,
and no reminder decided on older facts can leave after it (store/gate.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.decisions import cadence, matching, posting
from connector.decisions.matching import Match, MatchException
from connector.engine import reached
from connector.money import Money
from connector.parts import Parts
from connector.policy import Policy
from connector.receivables import InvoiceStatus, OpenInvoice, Payment, ReminderState
from connector.store import Tx, book, closing, gate, verdicts

# A lease lives for one send; a match waits this long for it, then it is decided again in the next tick.
LEASE_WAIT_SECONDS_MAX = 90.0
LEASE_POLL_SECONDS = 0.005


@dataclass(slots=True)
class Matched:
    matched: int = 0
    exceptions: int = 0
    suggested: int = 0
    adopted: int = 0


def match_payments(parts: Parts, today: date) -> Matched:
    """Decide every payment that still has money to match; record matches, suggestions and exceptions."""
    done = Matched()
    with parts.store.read() as tx:
        waiting = book.waiting_payments(tx)
        no_posting = parts.may_write(tx)
    if not waiting:
        return done
    # Somebody else may have posted it: an effect by others seen before our write is adopted, never repeated.
    posted = parts.erp.find_payments([payment.id for payment, _ in waiting])
    undecided = dict(waiting)
    for payment, left in waiting:
        if payment.id in posted:
            _adopt(parts, payment, posted[payment.id].erp_id)
            done.adopted += 1
            del undecided[payment]
            continue
        verdict, is_new = _decide(parts, payment, left, _rivals(payment, undecided))
        if isinstance(verdict, MatchException):
            if is_new:
                _except(parts, payment, left, verdict)
            done.exceptions += 1
        elif no_posting:
            _suggest(parts, payment, verdict, no_posting)
            done.suggested += 1
        elif record_match(parts, payment, left, verdict, today):
            done.matched += 1
            del undecided[payment]
    return done


def _rivals(payment: Payment, undecided: Mapping[Payment, Money]) -> list[Money]:
    """The payer's other money that still waits: order must not decide which of two payments an amount fits."""
    return [
        left
        for other, left in undecided.items()
        if other.customer_id == payment.customer_id
        and other.id != payment.id
        and left.currency == payment.amount.currency
    ]


def decide_payment(
    tx: Tx, policy: Policy, payment: Payment, left: Money, rivals: Sequence[Money]
) -> tuple[Match | MatchException, tuple[OpenInvoice, ...]]:
    """The verdict on one payment and the invoices that it was decided on."""
    family = book.family_of(tx, payment.customer_id) if payment.customer_id else ""
    members = book.family_members(tx, family) if family else frozenset[str]()
    if family:
        invoices = book.open_invoices(tx, family=family, currency=left.currency)
    else:
        invoices = book.all_open_invoices(tx)
    verdict = matching.decide(
        payment,
        left,
        invoices,
        policy.matching,
        family_ids=members,
        parked=bool(members & book.parked_customers(tx)),
        rivals=rivals,
    )
    return verdict, invoices


def _decide(
    parts: Parts, payment: Payment, left: Money, rivals: Sequence[Money]
) -> tuple[Match | MatchException, bool]:
    with parts.store.tx() as tx:
        verdict, invoices = decide_payment(tx, parts.policy, payment, left, rivals)
        outcome = f"match by {verdict.rung}" if isinstance(verdict, Match) else f"exception {verdict.kind}"
        inputs = {
            "left": str(left),
            "open": {i.number: str(i.balance) for i in invoices[:200]},
            "open_count": len(invoices),
        }
        is_new = verdicts.put_verdict(
            tx, f"payment:{payment.id}", "matching", outcome, verdict.reason, inputs, parts.policy.version
        )
    return verdict, is_new


def _adopt(parts: Parts, payment: Payment, erp_id: str) -> None:
    with parts.store.tx() as tx:
        closing.set_standing(tx, payment.id, "adopted")
        verdicts.close_exceptions(tx, payment_id=payment.id, reason=f"posted by others as ERP payment {erp_id}")
        tx.journal("payment_adopted", payment=payment.id, erp_id=erp_id)


def _except(parts: Parts, payment: Payment, left: Money, verdict: MatchException) -> None:
    with parts.store.tx() as tx:
        named = {a.invoice_id for e in verdict.explanations for a in e.applications}
        closing.set_standing(tx, payment.id, "exception")
        verdicts.open_exception(
            tx,
            verdict.kind.value,
            payment.id,
            verdict.reason,
            amount=left,
            customer_id=payment.customer_id,
            payment_id=payment.id,
            # Money that may pay these invoices is on the table: nobody is chased for them meanwhile.
            invoice_ids=sorted(named),
            explanations=[e.text for e in verdict.explanations],
        )


def _suggest(parts: Parts, payment: Payment, match: Match, why: str) -> None:
    with parts.store.tx() as tx:
        closing.put_suggestion(tx, payment.id, match.applications)
        closing.set_standing(tx, payment.id, "suggested")
        verdicts.close_exceptions(tx, payment_id=payment.id, reason="a match was found")
        tx.journal_once("match_suggested", payment=payment.id, equation=match.equation, why=why)


def record_match(parts: Parts, payment: Payment, left: Money, match: Match, today: date) -> bool:
    """The match as one act. False: the facts moved or a mail was just leaving; it is decided again in the next tick."""
    ids = sorted(application.invoice_id for application in match.applications)
    with parts.store.tx() as tx:
        gate.set_match_pending(tx, payment.id, ids, parts.owner)
    reached("match.pending")
    recorded = False
    try:
        if _wait_for_leases(parts, ids):
            with parts.store.tx() as tx:
                recorded = commit_match(tx, parts, payment, left, match, today)
                gate.clear_match_pending(tx, payment.id)
    finally:
        if not recorded:
            with parts.store.tx() as tx:
                gate.clear_match_pending(tx, payment.id)
    reached("match.committed")
    return recorded


def _wait_for_leases(parts: Parts, invoice_ids: Sequence[str]) -> bool:
    """Outside any transaction: until no mail about these invoices is on its way."""
    give_up = time.monotonic() + LEASE_WAIT_SECONDS_MAX
    while True:
        with parts.store.read() as tx:
            if not parts.honours_leases or not gate.leased(tx, invoice_ids):
                return True
        if time.monotonic() > give_up:
            return False
        time.sleep(LEASE_POLL_SECONDS)


def commit_match(tx: Tx, parts: Parts, payment: Payment, left: Money, match: Match, today: date) -> bool:
    """Inside the one transaction: check what was decided on, cancel, allocate, record the intent."""
    ids = sorted(application.invoice_id for application in match.applications)
    rows = book.invoices_by_id(tx, [invoice_id for invoice_id, _ in match.decided_on])
    moved = [i for i, balance in match.decided_on if i not in rows or book.invoice_of(rows[i]).balance != balance]
    mailing = parts.honours_leases and gate.leased(tx, ids)
    if moved or book.left_of(tx, payment.id) != left or mailing:
        tx.journal("match_decided_again", payment=payment.id, moved=moved)
        return False
    generation = closing.generation(tx, payment.id)
    act_id = f"{payment.id}-{generation}"
    cancelled = {}
    for application in match.applications:
        invoice = book.invoice_of(rows[application.invoice_id])
        paid = f"{application.amount} of payment {payment.id}"
        after = _less(invoice, application.amount)
        cancelled[invoice.id] = settle_reminders(tx, after, parts.policy, today, f"paid: {paid}", payment.id, act_id)
    intent = posting.decide(
        payment,
        match,
        {invoice_id: steps for invoice_id, steps in cancelled.items() if steps},
        installation=parts.installation,
        generation=generation,
        act_id=act_id,
        at=tx.at,
        invoice_numbers={invoice_id: row["number"] for invoice_id, row in rows.items()},
    )
    verdicts.close_exceptions(tx, payment_id=payment.id, reason="matched")
    closing.put_act(tx, intent, payment.id, generation, match.rung.value, match.equation, match.reason)
    if match.unapplied:
        _show_rest(tx, payment, match)
    return True


def _less(invoice: OpenInvoice, amount: Money) -> OpenInvoice:
    return replace(invoice, balance=invoice.balance - amount)


def _show_rest(tx: Tx, payment: Payment, match: Match) -> None:
    verdicts.open_exception(
        tx,
        "held_invoice" if match.withheld else "unapplied_rest",
        payment.id,
        f"{match.unapplied} of payment {payment.id} stays unapplied in the ERP: "
        + ("the invoice it names is on hold" if match.withheld else "nothing open explains it"),
        amount=match.unapplied,
        customer_id=payment.customer_id,
        payment_id=payment.id,
        invoice_ids=match.withheld,
    )


def settle_reminders(
    tx: Tx, invoice: OpenInvoice, policy: Policy, today: date, why: str, payment_id: str = "", act_id: str = ""
) -> tuple[str, ...]:
    """What a lower balance does to the plan: nothing left cancels all; almost paid leaves one courtesy message.

    Returns the cancelled steps.
    """
    if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
        return gate.cancel(tx, invoice.id, why, payment=payment_id, act=act_id)
    paid_percent = (invoice.amount.minor - invoice.balance.minor) * 100 // invoice.amount.minor
    steps = gate.reminders(tx, [invoice.id])[invoice.id]
    changed = cadence.replan(invoice, paid_percent, today, steps, policy)
    cancelled = tuple(r.step for r in changed if r.state is ReminderState.CANCELLED)
    if cancelled:
        gate.cancel(tx, invoice.id, why, payment=payment_id, act=act_id, steps=cancelled)
    gate.put_plan(tx, [r for r in changed if r.state is not ReminderState.CANCELLED])
    return cancelled
