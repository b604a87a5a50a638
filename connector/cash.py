"""Step 4 and the first half of the closing act: which invoices does this money pay, and the one commit that says so.

The commit is the moment of the promise: allocations, cancelled reminders and the ERP intent are one local transaction,
and no reminder decided on older facts can leave after it (store/gate.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from connector.decisions import cadence, confidence, matching, posting
from connector.decisions.matching import Match, MatchException, Waiting
from connector.decisions.payer import Payer
from connector.decisions.posting import PostingHold
from connector.engine import reached
from connector.errors import InvariantBroken
from connector.faults import Apart
from connector.matching_facts import Case, cases, family_book, rest_of
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
    ResidualReason,
    Rung,
)
from connector.store import Tx, approving, book, closing, credits, gate, learning, verdicts

# A lease lives for one send; a match waits this long for it, then it is decided again in the next tick.
LEASE_WAIT_SECONDS_MAX = 90.0
LEASE_POLL_SECONDS = 0.005

# RULES 1.9: same customer, same amount, five days.
PERHAPS_THE_SAME = timedelta(days=5)

# Rungs on which nothing but an amount speaks.
_BY_AMOUNT = frozenset(
    {Rung.EXACT_BALANCE, Rung.WHOLE_BALANCE, Rung.DUE_BUCKET, Rung.EXACT_LINES, Rung.EXACT_CREDIT, Rung.EXACT_SUBSET}
)
# What a person is told of a rest that stays unapplied.
_OF_REST = ("held_invoice", "unapplied_rest")
# What stays open for these reasons is a person's to settle, and nobody is reminded of it meanwhile (RULES 2.2).
_HOLDING = {
    ResidualReason.BANK_FEE: "residual",
    ResidualReason.TOLERANCE: "residual",
    ResidualReason.DEDUCTION: "deduction",
}


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is the same for all payments of one tick."""

    today: date
    no_posting: str  # why nothing may be posted now where no segment says otherwise; '' if it may
    trusted: Mapping[Rung, confidence.Confidence]
    asked: frozenset[str]  # payments that somebody has answered in the queue: nothing else is posted for them meanwhile


def match_payments(parts: Parts, today: date, erp_moved: bool = True) -> None:
    """Decide every payment that still has money to match; record matches, suggestions and exceptions.

    Payments of one family are decided together, and again when anything that their verdicts rest on has changed.
    `erp_moved`: payments or credits in the ERP were touched since the last tick, so somebody else may have posted
    what waits here.
    """
    with parts.store.tx() as tx:
        waiting = book.waiting_payments(tx)
        observed = book.observed_payments(tx, today) if erp_moved else ()
        asked = approving.asked_about(tx)
        moment = _Moment(today, parts.posting_forbidden(tx), trusted(tx, parts.policy), asked)
        may_post = tuple(sorted(rung for rung, one in moment.trusted.items() if one.may_post))
        common = (today, moment.no_posting, parts.blocked(tx), may_post)
        apart = Apart("match payments")
        found = cases(tx, parts, waiting, common, apart)
    fresh = [case for case in found if parts.remembered.get(_key(case)) != case.mark]
    posted = _posted_by_others(parts, observed, found if erp_moved else fresh)
    for payment in [*observed, *(payment for payment, _ in waiting)]:
        if payment.id in posted:
            _adopt(parts, payment, posted[payment.id])
    for case in fresh:
        left = tuple(one for one in case.waiting if one.payment.id not in posted)
        settled = False
        with apart.one(*(one.payment.id for one in left)):
            settled = not left or _settle(parts, replace(case, waiting=left), moment)
        if settled and len(left) == len(case.waiting):
            parts.remembered[_key(case)] = case.mark
        else:
            parts.remembered.pop(_key(case), None)  # decided again in the next tick
    apart.show(parts)


def _key(case: Case) -> str:
    return f"matching of {case.family or case.waiting[0].payment.id}"


def _posted_by_others(parts: Parts, observed: Sequence[Payment], found: Sequence[Case]) -> dict[str, PaymentSeen]:
    """What the ERP has of this money, made by somebody else: adopted, never repeated.

    What they voided is none: that money still waits, and shields. What is to be applied there is known to be there.
    """
    asked = [payment.id for payment in observed]
    asked += [one.payment.id for case in found for one in case.waiting if not one.payment.erp_id]
    seen = parts.erp.find_payments(asked) if asked else {}
    return {payment_id: one for payment_id, one in seen.items() if not one.voided}


def _settle(parts: Parts, case: Case, moment: _Moment) -> bool:
    """Decide one family's payments together and record what follows. False: something must be decided again."""
    while True:
        again = _record(parts, case, moment)
        if not again or len(again) == len(case.waiting):
            return not again
        # The match of one moved balances that the verdict on another rested on: that one is decided anew at once.
        case = replace(case, waiting=again)


def _record(parts: Parts, case: Case, moment: _Moment) -> tuple[Waiting, ...]:
    """One round. Returns what must be decided again: the facts moved, a mail was just leaving, somebody answered it."""
    again = []
    decided = _decide(parts, case)
    for one in case.waiting:
        verdict = decided[one.payment.id]
        if isinstance(verdict, MatchException) or _except_if_posted_by_others(
            parts, one.payment, verdict, moment.today
        ):
            continue
        with parts.store.read() as tx:
            no_posting = parts.posting_forbidden(tx, invoice_ids=verdict.invoice_ids)
        waits = why_suggested(parts, one.payment, verdict, no_posting, moment.trusted)
        if not waits and one.payment.id in moment.asked:
            waits = "somebody has answered it in the queue"
            again.append(one)
        if waits:
            _suggest(parts, one.payment, verdict, waits)
        elif not record_match(parts, one.payment, one.left, verdict, moment.today) and not _is_held(parts, one.payment):
            again.append(one)
    return tuple(again)


def why_suggested(
    parts: Parts, payment: Payment, match: Match, no_posting: str, trusted: Mapping[Rung, confidence.Confidence]
) -> str:
    """Why is this match only suggested; '' if it is to be recorded and posted."""
    if no_posting:
        return no_posting
    if not parts.policy.posts(payment.amount.currency):
        return "somebody else posts payments in this currency"
    evidence = trusted[match.rung]
    return "" if evidence.may_post else f"{match.rung.replace('_', ' ')} doesn't post by itself: {evidence.reason}"


def trusted(tx: Tx, policy: Policy) -> dict[Rung, confidence.Confidence]:
    """Of each class of evidence: may it post by itself, and why?"""
    tallies, demoted = learning.tallies(tx), learning.demotions(tx)
    none = confidence.Tally()
    return {
        rung: confidence.decide(rung, tallies.get(rung, none), policy.trust, demoted.get(rung, "")) for rung in Rung
    }


def _is_held(parts: Parts, payment: Payment) -> bool:
    with parts.store.read() as tx:
        return closing.standing(tx, payment.id) == "exception"


def _decide(parts: Parts, case: Case) -> dict[str, Match | MatchException]:
    """The verdicts, and in the same commit the exceptions that go with them."""
    with parts.store.tx() as tx:
        book_of = family_book(tx, case.family, case.waiting)
        found = matching.decide(case.waiting, book_of, parts.policy.matching)
        for one in case.waiting:
            verdict = _with_candidates(found[one.payment.id], case.payer)
            found[one.payment.id] = _keep_verdict(tx, parts.policy, one, verdict, book_of.invoices)
    return found


def _with_candidates(verdict: Match | MatchException, payer: Payer | None) -> Match | MatchException:
    """Where nobody is the payer, a person is shown who may be."""
    if payer is None or isinstance(verdict, Match):
        return verdict
    shown = (f"Perhaps {one.name} ({one.customer_id}): {one.why}." for one in payer.candidates)
    return replace(verdict, considered=(*verdict.considered, payer.reason, *shown))


def _keep_verdict(
    tx: Tx, policy: Policy, one: Waiting, verdict: Match | MatchException, invoices: Sequence[OpenInvoice]
) -> Match | MatchException:
    payment = one.payment
    before = verdicts.outcome_of(tx, f"payment:{payment.id}", "matching")
    if isinstance(verdict, Match):
        verdict = approving.rejected(tx, verdict) or verdict
    if isinstance(verdict, Match) and _waited_for_a_person(tx, verdict, before):
        verdict = _perhaps_posted(
            verdict, "only its amount fits, and it waited for a person, who may have posted it without naming it"
        )
    outcome = f"match by {verdict.rung}" if isinstance(verdict, Match) else f"exception {verdict.kind}"
    inputs = {
        "left": str(one.left),
        "payer": payment.customer_id,
        "payer_by": one.payer_by.value,
        "invoices": {i.number: f"{i.balance} {i.status}" for i in invoices[:20]},
        "invoice_count": len(invoices),
        "considered": list(verdict.considered),
    }
    if isinstance(verdict, Match):
        inputs["equation"] = verdict.equation
    is_new = verdicts.put_verdict(
        tx, f"payment:{payment.id}", "matching", outcome, verdict.reason, inputs, policy.version
    )
    if isinstance(verdict, MatchException):
        if is_new or closing.standing(tx, payment.id) != "exception":
            except_payment(tx, payment, one.left, verdict)
        approving.put_proposal(tx, verdict)
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
        f"It may be posted already: {why}.",
        (Explanation(match.applications, match.equation, match.credits),),
    )


def _except_if_posted_by_others(parts: Parts, payment: Payment, match: Match, today: date) -> bool:
    """RULES 1.9: customer, amount and 5 days are a possible duplicate, for a person.

    Asked where only an amount speaks, and of every wire: people enter these by hand, and nothing in the ERP tells which
    line of a statement they meant.
    """
    if match.rung not in _BY_AMOUNT and not payment.deposit_account:
        return False
    with parts.store.read() as tx:
        members = sorted(book.family_members(tx, book.family_of(tx, payment.customer_id)))
        ours = closing.erp_ids(tx)
    # People post late: from five days before the money came until five days from now.
    until = max(today, payment.received_on) + PERHAPS_THE_SAME
    similar = parts.erp.find_similar(members, payment.amount, payment.received_on - PERHAPS_THE_SAME, until)
    others = [one for one in similar if one.erp_id not in {*ours, payment.erp_id} and not one.voided]
    if not others:
        return False
    why = f"the ERP has payment {others[0].erp_id} of the same customer, amount and days, made by somebody else"
    with parts.store.tx() as tx:
        except_payment(tx, payment, book.left_of(tx, payment.id), _perhaps_posted(match, why))
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
        _learn(tx, payment, seen)
        closing.adopt(tx, payment.id, seen.erp_id)
        verdicts.close_exceptions(tx, payment_id=payment.id, reason=f"posted by others as ERP payment {seen.erp_id}")
        tx.journal("payment_adopted", payment=payment.id, erp_id=seen.erp_id)


def _learn(tx: Tx, payment: Payment, seen: PaymentSeen) -> None:
    """A person posted what was suggested, or something else: that is how often its class of evidence is right."""
    suggested = closing.suggestion(tx, payment.id)
    rung = verdicts.outcome_of(tx, f"payment:{payment.id}", "matching").removeprefix("match by ")
    if not suggested or not seen.applications or rung not in set(Rung):
        return
    outcome = "right" if suggested == dict(seen.applications) else "wrong"
    detail = f"posted by others as ERP payment {seen.erp_id}"
    learning.put_evidence(tx, payment.id, "person", Rung(rung), outcome, detail)


def except_payment(tx: Tx, payment: Payment, left: Money, verdict: MatchException) -> None:
    """Leave a payment to a person; the invoices that it may pay are not reminded of meanwhile."""
    named = {a.invoice_id for e in verdict.explanations for a in e.applications}
    closing.set_standing(tx, payment.id, "exception")
    if payment.erp_id and any(verdicts.is_open(tx, f"{kind}:{payment.id}") for kind in _OF_REST):
        return  # a person was told of this rest when it was posted
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
    approving.put_proposal(tx, verdict)


def _suggest(parts: Parts, payment: Payment, match: Match, why: str) -> None:
    with parts.store.tx() as tx:
        closing.put_suggestion(tx, payment.id, match.applications)
        closing.set_standing(tx, payment.id, "suggested")
        approving.put_proposal(tx, match)
        verdicts.close_exceptions(tx, payment_id=payment.id, reason="a match was found")
        tx.journal_once("match_suggested", payment=payment.id, equation=match.equation, why=why)


def record_match(parts: Parts, payment: Payment, left: Money, match: Match, today: date, approved_by: str = "") -> bool:
    """The match as one act. False: the facts moved, a mail was just leaving, or it can't be posted and is an exception
    now; in the first two it is decided again in the next tick. `approved_by`: the person whose decision it is."""
    ids = sorted(application.invoice_id for application in match.applications)
    with parts.store.tx() as tx:
        gate.set_match_pending(tx, payment.id, ids, parts.owner)
    reached("match.pending")
    recorded = False
    try:
        if _wait_for_leases(parts, ids):
            with parts.store.tx() as tx:
                recorded = commit_match(tx, parts, payment, left, match, today, approved_by)
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
            if not gate.leased(tx, invoice_ids):
                return True
        if time.monotonic() > give_up:
            return False
        time.sleep(LEASE_POLL_SECONDS)


def commit_match(
    tx: Tx, parts: Parts, payment: Payment, left: Money, match: Match, today: date, approved_by: str = ""
) -> bool:
    """Inside the one transaction: check what was decided on, cancel, allocate, record the intent."""
    ids = sorted(application.invoice_id for application in match.applications)
    rows = book.invoices_by_id(tx, sorted({*ids, *(invoice_id for invoice_id, _ in match.decided_on)}))
    moved = _moved(tx, payment, left, match, rows)
    if moved or gate.leased(tx, ids):
        tx.journal("match_decided_again", payment=payment.id, moved=moved)
        return False
    paid = {invoice_id: book.invoice_of(rows[invoice_id]) for invoice_id in ids}
    numbers = {invoice_id: row["number"] for invoice_id, row in rows.items()}
    numbers |= {id: memo.number for id, memo in credits.credits_by_id(tx, [u.credit_id for u in match.credits]).items()}
    post = partial(intent_of, tx, parts, payment, match, list(paid.values()), numbers, today, approved_by)
    if isinstance(intent := post({}), PostingHold):
        _hold_posting(tx, payment, left, match, intent)
        return False
    act_id, cancelled = intent.act_id, {}
    for application in match.applications:
        why = f"paid: {application.amount} of payment {payment.id}"
        after = _less(paid[application.invoice_id], application.settles)
        policy = parts.policy.of(rows[after.id]["segment"])
        steps = settle_reminders(tx, after, policy, today, why, payment.id, act_id)
        if steps:
            cancelled[after.id] = steps
    intent = post(cancelled)
    if isinstance(intent, PostingHold):
        raise InvariantBroken(f"Payment {payment.id} could be posted and could not, on the same facts.")
    verdicts.close_exceptions(tx, payment_id=payment.id, reason="matched")
    generation = closing.generation(tx, payment.id)
    closing.put_act(tx, intent, payment.id, generation, match.rung.value, match.equation, match.reason, approved_by)
    if match.unapplied:
        if not payment.erp_id:
            # Counts as the customer's credit from this commit on, until a read brings the ERP's own figure.
            book.put_own_credit(tx, act_id, intent.payment, match.unapplied)
        _show_rest(tx, payment, match)
    _show_residuals(tx, payment, match, numbers)
    return True


def _moved(tx: Tx, payment: Payment, left: Money, match: Match, rows: Mapping[str, Any]) -> list[str]:
    """What is no longer as it was when this was decided: invoices, memos, the payment itself."""
    moved = [i for i, balance in match.decided_on if i not in rows or book.invoice_of(rows[i]).balance != balance]
    memos = credits.credits_by_id(tx, [credit_id for credit_id, _ in match.credits_decided_on])
    moved += [i for i, open_ in match.credits_decided_on if i not in memos or memos[i].open_amount != open_]
    if book.left_of(tx, payment.id) != left or (payment.erp_id and rest_of(tx, payment) != left):
        moved.append(payment.id)
    return moved


def intent_of(
    tx: Tx,
    parts: Parts,
    payment: Payment,
    match: Match,
    paid: Sequence[OpenInvoice],
    numbers: Mapping[str, str],
    today: date,
    approved_by: str,
    cancelled: Mapping[str, tuple[str, ...]],
) -> CloseIntent | PostingHold:
    """The ERP records of this match, dated in the zone of the subsidiary whose invoices are paid (RULES 1.1)."""
    settlement = parts.settlement(payment.amount.currency)
    zone = parts.zones.get(paid[0].subsidiary if paid else "")
    there = credits.credits_by_id(tx, [payment.erp_id]).get(payment.erp_id) if payment.erp_id else None
    return posting.decide(
        payment,
        match,
        cancelled,
        installation=parts.installation,
        generation=closing.generation(tx, payment.id),
        act_id=closing.next_act_id(tx, payment.id),
        at=tx.at,
        invoice_numbers=numbers,
        received_on=payment.received_at.astimezone(zone).date() if zone else payment.received_on,
        invoices=paid,
        ledger=posting.Ledger(
            subsidiary=settlement.subsidiary if settlement and not payment.deposit_account else "",
            takes_relatives=parts.erp.pays_for_family,
            periods=parts.periods(tx),
            closed_period=parts.policy.closed_period,
            today=today,
        ),
        rest=posting.Rest(there.id, there.customer_id, there.open_amount) if there else None,
        approved_by=approved_by,
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
        _OF_REST[0] if match.withheld else _OF_REST[1],
        payment.id,
        f"{match.unapplied} of payment {payment.id} stays unapplied in the ERP: "
        + ("the invoice it names is on hold" if match.withheld else "nothing open explains it"),
        amount=match.unapplied,
        customer_id=payment.customer_id,
        payment_id=payment.id,
        invoice_ids=match.withheld,
    )


def show_credits_to_apply(parts: Parts, today: date) -> None:
    """RULES 4.3: a customer whose credits cover all that is overdue isn't reminded; somebody must apply them."""
    with parts.store.read() as tx:
        overdue, credited = book.overdue_askable(tx, today), book.credits_by_family(tx)
    covered = {key: held for key, held in credited.items() if key in overdue and held >= overdue[key]}
    mark = tuple((key, held, overdue[key]) for key, held in sorted(covered.items()))
    if parts.remembered.get("credits to apply") == mark:
        return
    with parts.store.tx() as tx:
        for (family, currency), held in covered.items():
            verdicts.open_exception(
                tx,
                "credits_to_apply",
                f"{family}:{currency}",
                f"credits of {held} cover the {overdue[family, currency]} that is overdue, and nobody applied them",
                amount=held,
                customer_id=family,
            )
        for exception_id in verdicts.open_of_kind(tx, "credits_to_apply"):
            if exception_id not in {f"credits_to_apply:{family}:{currency}" for family, currency in covered}:
                reason = "the credits were applied, or cover what is overdue no more"
                verdicts.close_exceptions(tx, exception_id=exception_id, reason=reason)
    parts.remembered["credits to apply"] = mark


def _show_residuals(tx: Tx, payment: Payment, match: Match, numbers: Mapping[str, str]) -> None:
    """What stays open for a reason of its own is a person's to settle; nothing is written off here (RULES 2.3)."""
    for one in match.residuals:
        if one.reason not in _HOLDING:
            continue
        number, reason = numbers.get(one.invoice_id, one.invoice_id), one.reason.replace("_", " ")
        what = (
            "ask the customer why"
            if one.reason is ResidualReason.DEDUCTION
            else "write it off in the ERP, or ask for it"
        )
        verdicts.open_exception(
            tx,
            _HOLDING[one.reason],
            one.invoice_id,
            f"{one.amount} of invoice {number} stays open after payment {payment.id}: {reason}; {what}",
            amount=one.amount,
            customer_id=match.customer_id or payment.customer_id,
            invoice_ids=[one.invoice_id],
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
