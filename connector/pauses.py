"""Step 2's other half: what people keep back, brought in line with the ERP's fields, asked about and told to its owner.

Only what changed is looked at, and once a day whatever stands. An exception about a pause is for a person to see and
holds nothing by itself: what is held, and why, is in `holding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from connector.decisions import pauses, stalled
from connector.decisions.pauses import Entry, Known, Owed, PauseOutcome, PauseProblem, PauseState, PauseVerdict
from connector.decisions.stalled import Happening
from connector.faults import Apart
from connector.money import Money
from connector.parts import Parts
from connector.policy import DISPUTE_STEP, Policy
from connector.receivables import InvoiceStatus, OpenInvoice, PauseKind, ReminderState
from connector.store import Tx, book, gate, notices, verdicts
from connector.store import pauses as kept
from connector.store.pauses import STALLED, Kept
from connector.store.pauses import resumed as resumed

# Invoices whose pauses are decided in one commit.
AT_ONCE_MAX = 500


def keep_pauses(parts: Parts, today: date) -> None:
    """Begin, change and end what people keep back; ask customers for detail; tell owners what is past its end."""
    under, apart = f"{today} {parts.policy.version}", Apart("keep pauses")
    with parts.store.read() as tx:
        is_new_day = tx.get("pauses_kept_under") != under
        ids = sorted({*kept.to_look_at(tx, only_changed=not is_new_day), *apart.left_over(tx)})
        of_customers = kept.standing(tx, of_customers_alone=True)
    apart.in_groups(parts, ids, AT_ONCE_MAX, lambda tx, some: _keep(tx, parts, some, today))
    apart.show(parts)
    if of_customers:
        with parts.store.tx() as tx:
            _keep_of_customers(tx, parts, of_customers, today)
    if is_new_day:
        with parts.store.tx() as tx:
            tx.set("pauses_kept_under", under)


def holding(tx: Tx, today: date) -> dict[str, tuple[PauseKind, str]]:
    """Invoice -> which kind of pause holds its reminders, and the sentence why; one of a customer holds all of its."""
    found: dict[str, list[PauseVerdict]] = {}
    standing = [one for one in kept.standing(tx) if one.verdict.holds]
    of_customers = kept.open_invoices_of(tx, [one.customer_id for one in standing if not one.invoice_id])
    for one in standing:
        for invoice_id in (one.invoice_id,) if one.invoice_id else of_customers.get(one.customer_id, ()):
            found.setdefault(invoice_id, []).append(one.verdict)
    holds = {invoice_id: pauses.held_by(some) for invoice_id, some in found.items()}
    return {id: (one.known.entry.kind, one.reason) for id, one in holds.items() if one is not None}


def holding_customers(tx: Tx) -> dict[str, tuple[PauseKind, str]]:
    """Customer -> why all of its reminders are held: also those about others that would reach its contact."""
    standing = [one for one in kept.standing(tx, of_customers_alone=True) if one.verdict.holds]
    return {one.customer_id: (one.known.entry.kind, one.verdict.reason) for one in standing}


def start(
    tx: Tx,
    *,
    customer_id: str,
    invoice_id: str = "",
    kind: PauseKind,
    source: str,
    reason: str,
    owner: str,
    since: date,
    until: date | None,
) -> None:
    """Keep reminders back for what another source than the ERP's fields says; of all invoices where none is named.

    One a customer or invoice, kind and source: the same again only moves its end further away. A conversation ends on
    its last day, which is the policy's where none is given; anything else when a person `end`s it.
    """
    before = kept.find_standing(tx, customer_id, invoice_id, kind, source)
    if before is not None:
        entry, last = before.known.entry, before.verdict.until
        if until is None or (last is not None and until <= last):
            return
        known = replace(before.known, entry=replace(entry, reason=reason or entry.reason, until=until))
        verdict = replace(before.verdict, known=known, until=until, reason=pauses.said(known.entry, until))
    else:
        entry = Entry(kind, reason, owner, since, until, source=source)
        rows = book.invoices_by_id(tx, [invoice_id] if invoice_id else [])
        balance = Money(rows[invoice_id]["balance"], rows[invoice_id]["currency"]) if rows else None
        known = Known(entry, since, balance)
        verdict = PauseVerdict(PauseState.STANDING, pauses.said(entry, until), known, holds=True, until=until)
    kept.put(tx, invoice_id, customer_id, owner, verdict, before)
    kept.look_again(tx, [invoice_id] if invoice_id else kept.open_invoices_of(tx, [customer_id]).get(customer_id, ()))


def end(tx: Tx, one: Kept, why: str, today: date) -> None:
    """A person has ended what another source than the ERP's fields had begun."""
    known = replace(one.known, outcome=PauseOutcome.CLEARED.value, outcome_on=today, ended_on=today)
    kept.put(tx, one.invoice_id, one.customer_id, one.owner, PauseVerdict(PauseState.ENDED, why, known), one)
    for exception_id in kept.shown(tx, [kept.subject(one.invoice_id, one.id)]):
        verdicts.close_exceptions(tx, exception_id=exception_id, reason=why)
    of_customer = kept.open_invoices_of(tx, [one.customer_id]).get(one.customer_id, ())
    kept.look_again(tx, [one.invoice_id] if one.invoice_id else of_customer)


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whom a pause belongs to, and what is owed behind it; None where a customer owes nothing."""

    invoice_id: str
    customer_id: str
    owed: Money | None


# ---- customers ----


def _keep_of_customers(tx: Tx, parts: Parts, standing: Sequence[Kept], today: date) -> None:
    owed = kept.owed_by(tx, [one.customer_id for one in standing])
    for one in standing:
        verdict = pauses.decide(one.known, one.known.entry, None, parts.policy, today)
        # Across currencies the largest figure stands for all of it, since no rate is known here.
        largest = max(owed.get(one.customer_id, ()), key=lambda amount: amount.decimal(), default=None)
        if _take(tx, parts, one, verdict, _Whose("", one.customer_id, largest)):
            kept.look_again(tx, kept.open_invoices_of(tx, [one.customer_id]).get(one.customer_id, ()))


# ---- invoices ----


def _keep(tx: Tx, parts: Parts, ids: Sequence[str], today: date) -> None:
    """Decide every pause of these invoices, in one commit."""
    rows, known = book.invoices_by_id(tx, ids), kept.of_invoices(tx, ids)
    asked, inflight = kept.asked_on(tx, ids), book.inflight(tx, today)
    for invoice_id, row in rows.items():
        _keep_one(tx, parts, row, known[invoice_id], asked.get(invoice_id), inflight, today)


def _keep_one(
    tx: Tx,
    parts: Parts,
    row: Any,
    before: Sequence[Kept],
    asked_on: date | None,
    inflight: Mapping[tuple[str, str], Money],
    today: date,
) -> None:
    invoice, policy = book.invoice_of(row), parts.policy.of(row["segment"])
    by_id = {one.id: one for one in before}
    known = [replace(one.known, asked_on=_asked(one.known, asked_on)) for one in before]

    def owed(one: Known) -> Owed:
        first_seen_at = by_id[one.id].first_seen_at if one.id else tx.at_text
        return _owed(tx, row, one, first_seen_at, inflight)

    found = list(pauses.decide_invoice(invoice, known, owed, policy, today))
    whose = _Whose(invoice.id, invoice.customer_id, Money(row["balance"], row["currency"]))
    changed = False
    for verdict in found:
        changed |= _take(tx, parts, by_id.get(verdict.known.id), verdict, whose)
    changed |= _ask(tx, invoice, any(one.asks for one in found), today)
    begun = {one.known.entry.kind for one in found if not one.known.id}
    if invoice.status is not InvoiceStatus.OPEN or begun & {PauseKind.PROMISE, PauseKind.PLAN}:
        _let_go(tx, before, "the invoice is settled, or something else was agreed")
    if changed:
        kept.look_again(tx, [invoice.id])


def _asked(known: Known, asked_on: date | None) -> date | None:
    return asked_on if known.entry.kind is PauseKind.DISPUTE else None


def _owed(tx: Tx, row: Any, known: Known, first_seen_at: str, inflight: Mapping[tuple[str, str], Money]) -> Owed:
    """What a match of ours is about to pay counts as coming until the ERP's balance shows it."""
    currency = row["currency"]
    balance = Money(row["balance"], currency)
    cash = kept.cash_since(tx, row["id"], first_seen_at) if known.id else 0
    fell = (known.balance.minor if known.balance else balance.minor) - balance.minor
    coming = inflight.get((row["family"], currency), Money.zero(currency))
    return Owed(
        number=row["number"],
        is_open=row["status"] == InvoiceStatus.OPEN,
        balance=balance,
        credited=Money(max(fell - cash, 0), currency),
        coming=coming + Money(row["allocated"], currency),
    )


def _take(tx: Tx, parts: Parts, before: Kept | None, verdict: PauseVerdict, whose: _Whose) -> bool:
    """Keep what was decided, and show people what needs one; returns whether it is news."""
    is_news = before is None or verdict != before.verdict
    pause_id = before.id if before else 0
    if is_news:
        owner = pauses.owner_of(verdict.known.entry, parts.policy)
        pause_id = kept.put(tx, whose.invoice_id, whose.customer_id, owner, verdict, before)
    _show(tx, parts, kept.subject(whose.invoice_id, pause_id), verdict, whose)
    return is_news


def _show(tx: Tx, parts: Parts, about: str, verdict: PauseVerdict, whose: _Whose) -> None:
    """Open and close the exceptions about one pause, and tell what is new of them in the chat too (M42)."""
    problems = {f"{problem.value}:{about}": (problem, text) for problem, text in verdict.problems}
    standing = kept.shown(tx, [about])
    for exception_id, (problem, text) in problems.items():
        if problem is PauseProblem.PAUSE_OVERDUE:
            notices.put(tx, f"{exception_id}:{verdict.known.told_on}", text)  # again each time that it is told
        if standing.get(exception_id) == text or whose.owed is None:
            continue
        verdicts.open_exception(
            tx,
            problem,
            about,
            text,
            amount=verdict.known.at_stake(whose.owed),
            customer_id=whose.customer_id,
            owner=pauses.owner_of(verdict.known.entry, parts.policy),
            deadline=verdict.until,
        )
        if exception_id not in standing and problem is not PauseProblem.PAUSE_OVERDUE:
            notices.put(tx, f"{exception_id}:{tx.at_text}", text)
    for exception_id in standing.keys() - problems.keys():
        outcome = verdict.known.outcome.replace("_", " ")
        reason = f"{outcome}: {verdict.reason}" if outcome else verdict.reason
        verdicts.close_exceptions(tx, exception_id=exception_id, reason=reason)


def _ask(tx: Tx, invoice: OpenInvoice, is_due: bool, today: date) -> bool:
    """Plan the question for detail, or drop it where nothing is to be asked any more."""
    if is_due:
        return kept.plan_beside(tx, invoice.id, DISPUTE_STEP, today)
    return bool(gate.cancel(tx, invoice.id, "there is nothing to ask about a dispute any more", steps=[DISPUTE_STEP]))


def _let_go(tx: Tx, before: Sequence[Kept], why: str) -> None:
    """A promise that was broken is done with once the invoice is settled or something else is agreed."""
    for one in before:
        exception_id = f"{PauseProblem.PROMISE_BROKEN.value}:{kept.subject(one.invoice_id, one.id)}"
        verdicts.close_exceptions(tx, exception_id=exception_id, reason=why)


# ---- invoices that nothing happens to ----


def show_stalled(parts: Parts, today: date) -> None:
    """Once a day: every overdue invoice that has dropped out of sight is shown to a person, whatever keeps it back."""
    under = f"{today} {parts.policy.version}"
    with parts.store.read() as tx:
        if tx.get("stalled_shown_under") == under:
            return
        days = parts.policy.exceptions.stalled_days_past_due
        ids = kept.overdue_since(tx, date.fromordinal(max(today.toordinal() - days, 1)))
        shown = {one.partition(":")[2] for one in verdicts.open_of_kind(tx, STALLED)}
    wanted = sorted(shown.union(ids))
    for start in range(0, len(wanted), book.IDS_AT_ONCE):
        with parts.store.tx() as tx:
            _show_stalled(tx, parts, wanted[start : start + book.IDS_AT_ONCE], shown, today)
    with parts.store.tx() as tx:
        tx.set("stalled_shown_under", under)


def _agreed_until(standing: Iterable[Kept], policy: Policy) -> date | None:
    """Until when something is agreed with the customer, whose day is watched.

    A plan was approved by a person. The day of anything else may be a slip of the pen: a promise for 2062 must not
    keep its invoice out of sight for longer than the policy lets it stand.
    """
    days = []
    for one in standing:
        kind, until = one.known.entry.kind, one.verdict.until
        if one.verdict.state is PauseState.STANDING and until is not None:
            last = one.known.since + timedelta(days=policy.exceptions.rule(kind).days_max)
            if kind is PauseKind.PLAN:
                days.append(until)
            elif kind in (PauseKind.PROMISE, PauseKind.CONVERSATION):
                days.append(min(until, last))
    return max(days, default=None)


def _show_stalled(tx: Tx, parts: Parts, ids: Sequence[str], shown: set[str], today: date) -> None:
    happened, why, steps = kept.happened(tx, ids), kept.why_held(tx, ids), gate.reminders(tx, ids)
    standing = kept.of_invoices(tx, ids)
    for invoice_id, row in book.invoices_by_id(tx, ids).items():
        invoice = book.invoice_of(row)
        last = happened[invoice_id]
        if invoice.touched_on is not None:
            last[Happening.TOUCH] = max(invoice.touched_on, last.get(Happening.TOUCH, invoice.touched_on))
        next_on = min((one.due_on for one in steps[invoice_id] if one.state is ReminderState.PLANNED), default=None)
        policy = parts.policy.of(row["segment"])
        agreed = _agreed_until(standing[invoice_id], policy)
        verdict = stalled.decide(invoice, last, why.get(invoice_id, ""), policy, today, next_on, agreed)
        if verdict and invoice_id not in shown:
            owed, whose = invoice.balance, invoice.customer_id
            verdicts.open_exception(tx, STALLED, invoice_id, verdict.reason, amount=owed, customer_id=whose)
            notices.put(tx, f"{STALLED}:{invoice_id}:{today}", verdict.reason)
        elif not verdict and invoice_id in shown:
            verdicts.close_exceptions(tx, exception_id=f"{STALLED}:{invoice_id}", reason=verdict.reason)
