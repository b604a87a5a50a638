"""Step 4 and the first half of the closing act: which invoices does this money pay, and the one commit that says so.

The commit is the moment of the promise: allocations, cancelled reminders and the ERP intent are one local transaction,
and no reminder decided on older facts can leave after it (store/gate.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from connector.decisions import cadence, matching, posting
from connector.decisions.matching import Match, MatchException
from connector.decisions.posting import PostingHold
from connector.engine import reached
from connector.errors import InvariantBroken
from connector.money import Money
from connector.parts import Parts
from connector.policy import Policy
from connector.receivables import (
    CloseIntent,
    ExceptionKind,
    Explanation,
    InvoiceStatus,
    OpenInvoice,
    Payment,
    PaymentSeen,
    ReminderState,
    Rung,
)
from connector.store import Tx, book, closing, gate, verdicts

# A lease lives for one send; a match waits this long for it, then it is decided again in the next tick.
LEASE_WAIT_SECONDS_MAX = 90.0
LEASE_POLL_SECONDS = 0.005

# RULES 1.9: same customer, same amount, five days.
PERHAPS_THE_SAME = timedelta(days=5)

# Rungs on which nothing but an amount speaks.
_BY_AMOUNT = frozenset({Rung.EXACT_BALANCE, Rung.WHOLE_BALANCE, Rung.EXACT_SUBSET})


def match_payments(parts: Parts, today: date, erp_moved: bool = True) -> None:
    """Decide every payment that still has money to match; record matches, suggestions and exceptions.

    A payment is decided again when anything that its verdict rests on has changed. `erp_moved`: payments or credits in
    the ERP were touched since the last tick, so somebody else may have posted what waits here.
    """
    with parts.store.read() as tx:
        waiting = book.waiting_payments(tx)
        observed = book.observed_payments(tx, today) if erp_moved else ()
        no_posting = parts.posting_forbidden(tx)
        under = _surroundings(tx, parts, waiting, (today, no_posting))
    undecided = dict(waiting)
    fresh = [one for one in waiting if parts.remembered.get(one[0].id) != under[one[0].id]]
    # Somebody else may have posted it: an effect by others seen before our write is adopted, never repeated. What they
    # voided is none: that money still waits, and shields.
    asked = [payment.id for payment, _ in (waiting if erp_moved else fresh)] + [payment.id for payment in observed]
    found = parts.erp.find_payments(asked) if asked else {}
    posted = {payment_id: seen for payment_id, seen in found.items() if not seen.voided}
    for payment in [*observed, *undecided]:
        if payment.id in posted:
            _adopt(parts, payment, posted[payment.id])
            undecided.pop(payment, None)
    for payment, left in fresh:
        if payment not in undecided:
            continue
        parts.remembered.pop(payment.id, None)
        verdict = _decide(parts, payment, left, _rivals(payment, undecided))
        if not isinstance(verdict, MatchException) and not _except_if_posted_by_others(parts, payment, verdict, today):
            if no_posting or not parts.policy.posts(payment.amount.currency):
                _suggest(parts, payment, verdict, no_posting or "somebody else posts payments in this currency")
            elif record_match(parts, payment, left, verdict, today):
                del undecided[payment]
                continue
            elif not _is_held(parts, payment):
                continue  # the facts moved, or a mail was just leaving: again in the next tick
        parts.remembered[payment.id] = under[payment.id]


def _surroundings(
    tx: Tx, parts: Parts, waiting: Sequence[tuple[Payment, Money]], common: tuple[object, ...]
) -> dict[str, tuple[object, ...]]:
    """Payment -> all that its verdict may rest on: its own facts, its family's book, the payer's other money."""
    if not waiting:
        return {}
    undecided, parked, periods = dict(waiting), frozenset(book.parked_customers(tx)), tx.get("periods")
    families = {payment.id: book.family_of(tx, payment.customer_id) for payment in undecided if payment.customer_id}
    marks = book.family_marks(tx, families.values())
    # A reference may name an invoice of anybody.
    references = {payment.id: _named_in(payment) for payment in undecided}
    named = book.named_marks(tx, {name for names in references.values() for name in names})
    # Where the payer isn't known, the whole book counts.
    anybody = frozenset(book.family_marks(tx).items()) if len(families) < len(undecided) else frozenset()
    found = {}
    for payment, left in waiting:
        family = families.get(payment.id, "")
        book_of = (marks.get(family) if family else anybody, *(named.get(name) for name in references[payment.id]))
        rivals = tuple(_rivals(payment, undecided))
        found[payment.id] = (payment, left, rivals, book_of, parked, periods, parts.policy.version, *common)
    return found


def _named_in(payment: Payment) -> tuple[str, ...]:
    """Ids and numbers of invoices that its reference may mean, in every spelling that is looked for."""
    ids = [text.strip() for text in payment.remittance.invoice_ids]
    return (*ids, *book.spellings(matching.mentioned(payment.remittance)))


def _is_held(parts: Parts, payment: Payment) -> bool:
    with parts.store.read() as tx:
        return closing.standing(tx, payment.id) == "exception"


def _rivals(payment: Payment, undecided: Mapping[Payment, Money]) -> list[Money]:
    """The payer's other money that still waits: order must not decide which of two payments an amount fits."""
    return [
        left
        for other, left in undecided.items()
        if other.customer_id == payment.customer_id  # a relative's money can't pay by amount anyway
        and other.id != payment.id
        and left.currency == payment.amount.currency
    ]


def decide_payment(
    tx: Tx, policy: Policy, payment: Payment, left: Money, rivals: Sequence[Money]
) -> tuple[Match | MatchException, tuple[OpenInvoice, ...]]:
    """The verdict on one payment and the invoices that it was decided on."""
    family = book.family_of(tx, payment.customer_id) if payment.customer_id else ""
    members = book.family_members(tx, family) if family else frozenset[str]()
    at_hand = book.open_invoices(tx, family=family) if family else book.all_open_invoices(tx)
    ids = [text.strip() for text in payment.remittance.invoice_ids]
    named = book.named_invoices(tx, ids, matching.mentioned(payment.remittance))
    invoices = tuple({invoice.id: invoice for invoice in (*named, *at_hand)}.values())
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


def _decide(parts: Parts, payment: Payment, left: Money, rivals: Sequence[Money]) -> Match | MatchException:
    """The verdict, and in the same commit the exception that goes with it."""
    with parts.store.tx() as tx:
        before = verdicts.outcome_of(tx, f"payment:{payment.id}", "matching")
        verdict, invoices = decide_payment(tx, parts.policy, payment, left, rivals)
        if isinstance(verdict, Match) and _waited_for_a_person(tx, verdict, before):
            verdict = _perhaps_posted(
                verdict, "it waited for a person before, who may have posted it without naming it in the ERP"
            )
        outcome = f"match by {verdict.rung}" if isinstance(verdict, Match) else f"exception {verdict.kind}"
        inputs = {
            "left": str(left),
            "invoices": {i.number: f"{i.balance} {i.status}" for i in invoices[:20]},
            "invoice_count": len(invoices),
        }
        is_new = verdicts.put_verdict(
            tx, f"payment:{payment.id}", "matching", outcome, verdict.reason, inputs, parts.policy.version
        )
        if isinstance(verdict, MatchException) and (is_new or closing.standing(tx, payment.id) != "exception"):
            _except(tx, payment, left, verdict)
    return verdict


def _waited_for_a_person(tx: Tx, match: Match, before: str) -> bool:
    """Would amount alone now decide what it could not decide before?

    A person who resolves an exception in the ERP closes the invoice that it was for; what is left then fits the amount
    by itself. A suggestion that still says the same, or a rival that is gone, is no such case.
    """
    if match.rung not in _BY_AMOUNT or not before:
        return False
    if before.startswith("exception"):
        # In these two it was not the amount that was in doubt.
        return before.removeprefix("exception ") not in (ExceptionKind.RIVAL_PAYMENT, ExceptionKind.NOT_UNDERSTOOD)
    suggested = closing.suggestion(tx, match.payment_id)
    return bool(suggested) and suggested != {a.invoice_id: a.amount for a in match.applications}


def _perhaps_posted(match: Match, why: str) -> MatchException:
    return MatchException(
        match.payment_id,
        ExceptionKind.PERHAPS_POSTED,
        f"Only the amount says that it pays this, and {why}.",
        (Explanation(match.applications, match.equation),),
    )


def _except_if_posted_by_others(parts: Parts, payment: Payment, match: Match, today: date) -> bool:
    """RULES 1.9: customer, amount and 5 days are a possible duplicate, for a person; asked where only amount speaks."""
    if match.rung not in _BY_AMOUNT:
        return False
    with parts.store.read() as tx:
        members = sorted(book.family_members(tx, book.family_of(tx, payment.customer_id)))
        ours = closing.erp_ids(tx)
    # People post late: from five days before the money came until five days from now.
    until = max(today, payment.received_on) + PERHAPS_THE_SAME
    similar = parts.erp.find_similar(members, payment.amount, payment.received_on - PERHAPS_THE_SAME, until)
    others = [one for one in similar if one.erp_id not in ours and not one.voided]
    if not others:
        return False
    why = f"the ERP has payment {others[0].erp_id} of the same customer, amount and days, made by somebody else"
    with parts.store.tx() as tx:
        _except(tx, payment, book.left_of(tx, payment.id), _perhaps_posted(match, why))
    return True


def _adopt(parts: Parts, payment: Payment, seen: PaymentSeen) -> None:
    """Posted by others under this payment's id: adopted if it is the same money, else shown."""
    with parts.store.tx() as tx:
        family = book.family_of(tx, payment.customer_id)
        if seen.amount != payment.amount or (family and book.family_of(tx, seen.customer_id) != family):
            closing.set_standing(tx, payment.id, "exception")
            verdicts.open_exception(
                tx,
                ExceptionKind.PERHAPS_POSTED.value,
                payment.id,
                f"ERP payment {seen.erp_id} names it, with {seen.amount} of customer {seen.customer_id}, which isn't "
                f"this money ({payment.amount})",
                amount=payment.amount,
                customer_id=payment.customer_id,
                payment_id=payment.id,
            )
            return
        closing.adopt(tx, payment.id, seen.erp_id)
        verdicts.close_exceptions(tx, payment_id=payment.id, reason=f"posted by others as ERP payment {seen.erp_id}")
        tx.journal("payment_adopted", payment=payment.id, erp_id=seen.erp_id)


def _except(tx: Tx, payment: Payment, left: Money, verdict: MatchException) -> None:
    named = {a.invoice_id for e in verdict.explanations for a in e.applications}
    closing.set_standing(tx, payment.id, "exception")
    verdicts.close_exceptions(tx, payment_id=payment.id, reason="decided anew", but=verdict.kind.value)
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
    paid = {invoice_id: book.invoice_of(rows[invoice_id]) for invoice_id in ids}
    numbers = {invoice_id: row["number"] for invoice_id, row in rows.items()}
    post = partial(_intent, tx, parts, payment, match, list(paid.values()), numbers, today)
    if isinstance(hold := post({}), PostingHold):
        _hold_posting(tx, payment, left, match, hold)
        return False
    act_id, cancelled = hold.act_id, {}
    for application in match.applications:
        why = f"paid: {application.amount} of payment {payment.id}"
        after = _less(paid[application.invoice_id], application.amount)
        steps = settle_reminders(tx, after, parts.policy, today, why, payment.id, act_id)
        if steps:
            cancelled[after.id] = steps
    intent = post(cancelled)
    if isinstance(intent, PostingHold):
        raise InvariantBroken(f"Payment {payment.id} could be posted and could not, on the same facts.")
    verdicts.close_exceptions(tx, payment_id=payment.id, reason="matched")
    closing.put_act(
        tx, intent, payment.id, closing.generation(tx, payment.id), match.rung.value, match.equation, match.reason
    )
    if match.unapplied:
        # Counts as the customer's credit from this commit on, until a read brings the ERP's own figure.
        book.put_own_credit(tx, act_id, intent.payment, match.unapplied)
        _show_rest(tx, payment, match)
    return True


def _intent(
    tx: Tx,
    parts: Parts,
    payment: Payment,
    match: Match,
    paid: Sequence[OpenInvoice],
    numbers: Mapping[str, str],
    today: date,
    cancelled: Mapping[str, tuple[str, ...]],
) -> CloseIntent | PostingHold:
    """The ERP records of this match, dated in the zone of the subsidiary whose invoices are paid (RULES 1.1)."""
    generation = closing.generation(tx, payment.id)
    settlement = parts.settlement(payment.amount.currency)
    zone = parts.zones.get(paid[0].subsidiary if paid else "")
    return posting.decide(
        payment,
        match,
        cancelled,
        installation=parts.installation,
        generation=generation,
        act_id=f"{payment.id}-{generation}",
        at=tx.at,
        invoice_numbers=numbers,
        received_on=payment.received_at.astimezone(zone).date() if zone else payment.received_on,
        invoices=paid,
        ledger=posting.Ledger(
            subsidiary=settlement.subsidiary if settlement else "",
            takes_relatives=parts.erp.pays_for_family,
            periods=parts.periods(tx),
            closed_period=parts.policy.closed_period,
            today=today,
        ),
    )


def _hold_posting(tx: Tx, payment: Payment, left: Money, match: Match, hold: PostingHold) -> None:
    """It is known what the money pays, and it can't be posted: nobody is chased for these invoices meanwhile."""
    closing.set_standing(tx, payment.id, "exception")
    verdicts.close_exceptions(tx, payment_id=payment.id, reason="decided anew", but=hold.reason.value)
    verdicts.open_exception(
        tx,
        hold.reason.value,
        payment.id,
        f"{hold.text} It pays: {match.equation}",
        amount=left,
        customer_id=payment.customer_id,
        payment_id=payment.id,
        invoice_ids=[a.invoice_id for a in match.applications],
    )


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
    tx: Tx, invoice: OpenInvoice, policy: Policy, cash_on: date, why: str, payment_id: str = "", act_id: str = ""
) -> tuple[str, ...]:
    """What a lower balance does to the plan: nothing left cancels all; almost paid leaves one courtesy message.

    `cash_on` is the day from which a courtesy message counts. Returns the cancelled steps.
    """
    if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
        return gate.cancel(tx, invoice.id, why, payment=payment_id, act=act_id)
    paid_percent = (invoice.amount.minor - invoice.balance.minor) * 100 // invoice.amount.minor
    if paid_percent < policy.courtesy.paid_percent_min:
        return ()
    steps = gate.reminders(tx, [invoice.id])[invoice.id]
    changed = cadence.replan(invoice, paid_percent, cash_on, steps, policy)
    cancelled = tuple(r.step for r in changed if r.state is ReminderState.CANCELLED)
    if cancelled:
        gate.cancel(tx, invoice.id, why, payment=payment_id, act=act_id, steps=cancelled)
    gate.put_plan(tx, [r for r in changed if r.state is not ReminderState.CANCELLED])
    return cancelled
