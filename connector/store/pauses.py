"""Why people keep reminders back, as the store remembers it: each pause with what was last decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from connector.decisions.cadence import BESIDE_THE_CADENCE
from connector.decisions.pauses import Known, PauseOutcome, PauseProblem, PauseVerdict
from connector.decisions.stalled import Happening
from connector.money import Money
from connector.policy import DISPUTE_STEP
from connector.receivables import InvoiceStatus, PauseKind, Reminder, ReminderState
from connector.store import Tx, gate
from connector.store import tables as t
from connector.store.book import AT_ONCE, IDS_AT_ONCE, from_json, to_json

# The kind of the exception about an invoice that nothing happens to.
STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Kept:
    """A pause as the store keeps it, with whose it is; `invoice_id` is empty for all invoices of the customer."""

    id: int
    invoice_id: str
    customer_id: str
    owner: str
    verdict: PauseVerdict
    first_seen_at: str

    @property
    def known(self) -> Known:
        return self.verdict.known


def _kept(row: Any) -> Kept:
    verdict = from_json(PauseVerdict, row["facts"])
    # It is stored before it has a number.
    numbered = replace(verdict, known=replace(verdict.known, id=row["id"]))
    return Kept(row["id"], row["invoice_id"], row["customer_id"], row["owner"], numbered, row["first_seen_at"])


# ---- what is to be looked at ----


def to_look_at(tx: Tx, *, only_changed: bool) -> list[str]:
    """Invoices on which a pause stands, begins or may have ended; `only_changed`: of these whose facts changed."""
    of = t.invoice.c
    has_some = or_(of.hold_reason != "", of.facts.contains('"pauses":[{'), of.facts.contains('"disputed":true'))
    had_some = of.id.in_(select(t.pause.c.invoice_id))
    wanted: ColumnElement[bool] = and_(of.next_on == AT_ONCE, or_(has_some, had_some))
    if not only_changed:
        wanted = or_(wanted, of.id.in_(select(t.pause.c.invoice_id).where(t.pause.c.ended_on.is_(None))))
    return list(tx.execute(select(of.id).where(wanted).order_by(of.id)).scalars())


def look_again(tx: Tx, invoice_ids: Iterable[str]) -> None:
    """What keeps these back has changed: planned, decided and shown anew; leases decided before are void."""
    for some in _in_parts(sorted(set(invoice_ids))):
        values = {"next_on": AT_ONCE, "restate": True, "version": t.invoice.c.version + 1}
        tx.execute(update(t.invoice).where(t.invoice.c.id.in_(some), _IS_OPEN).values(**values))


_IS_OPEN = t.invoice.c.status == InvoiceStatus.OPEN


def open_invoices_of(tx: Tx, customer_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Customer -> its open invoices, by id."""
    found: dict[str, list[str]] = {}
    for some in _in_parts(sorted(set(customer_ids))):
        query = select(t.invoice.c.customer_id, t.invoice.c.id).where(t.invoice.c.customer_id.in_(some), _IS_OPEN)
        for customer_id, invoice_id in tx.execute(query.order_by(t.invoice.c.id)):
            found.setdefault(customer_id, []).append(invoice_id)
    return {one: tuple(ids) for one, ids in found.items()}


def _in_parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


# ---- pauses ----


def of_invoices(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, tuple[Kept, ...]]:
    """All that these invoices ever had, the oldest first."""
    found: dict[str, list[Kept]] = {one: [] for one in invoice_ids}
    for some in _in_parts(invoice_ids):
        rows = tx.execute(select(t.pause).where(t.pause.c.invoice_id.in_(some)).order_by(t.pause.c.id)).mappings()
        for row in rows:
            found[row["invoice_id"]].append(_kept(row))
    return {one: tuple(kept) for one, kept in found.items()}


_STANDING = select(t.pause).where(t.pause.c.ended_on.is_(None)).order_by(t.pause.c.id)
_OF_CUSTOMERS = _STANDING.where(t.pause.c.invoice_id == "")


def standing(tx: Tx, *, of_customers_alone: bool = False) -> tuple[Kept, ...]:
    """Every pause that hasn't ended; of these only those of all of a customer's invoices."""
    query = _OF_CUSTOMERS if of_customers_alone else _STANDING
    return tuple(_kept(row) for row in tx.execute(query).mappings())


def find_standing(tx: Tx, customer_id: str, invoice_id: str, kind: PauseKind, source: str) -> Kept | None:
    of = t.pause.c
    same = (of.customer_id == customer_id, of.invoice_id == invoice_id, of.kind == kind, of.source == source)
    row = tx.execute(select(t.pause).where(*same, of.ended_on.is_(None)).order_by(of.id)).mappings().first()
    return _kept(row) if row else None


def put(tx: Tx, invoice_id: str, customer_id: str, owner: str, verdict: PauseVerdict, before: Kept | None) -> int:
    """Keep what was decided of a pause, and journal where it begins, changes its state or ends; returns its id."""
    known, entry = verdict.known, verdict.known.entry
    values = {
        "reason": entry.reason,
        "owner": owner,
        "since": known.since.isoformat(),
        "until": _iso(verdict.until),
        "facts": to_json(verdict),
        "asked_on": _iso(known.asked_on),
        "told_on": _iso(known.told_on),
        "ended_on": _iso(known.ended_on),
        "outcome": known.outcome,
    }
    if before is None:
        of_whom = {"invoice_id": invoice_id, "customer_id": customer_id, "kind": entry.kind, "source": entry.source}
        added = tx.execute(insert(t.pause).values(first_seen_at=tx.at_text, **of_whom, **values))
        pause_id = int(added.inserted_primary_key[0])
    else:
        pause_id = before.id
        tx.execute(update(t.pause).where(t.pause.c.id == pause_id).values(**values))
    event = _event(verdict, before)
    if event:
        tx.journal(
            event,
            invoice=invoice_id or None,
            pause=pause_id,
            kind=entry.kind.value,
            line=entry.line_id,
            customer=customer_id,
            owner=owner,
            until=_iso(verdict.until),
            outcome=known.outcome,
            reason=verdict.reason,
        )
    return pause_id


def _event(verdict: PauseVerdict, before: Kept | None) -> str:
    if before is None:
        return "pause_started"
    if verdict.known.ended_on is not None:
        return "pause_ended"
    if verdict.known.told_on != before.known.told_on:
        return "pause_owner_told"
    is_same = verdict.state is before.verdict.state and verdict.until == before.verdict.until
    return "" if is_same else "pause_changed"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def cash_since(tx: Tx, invoice_id: str, at: str) -> int:
    """What of our matches since this instant the ERP's balance shows, in minor units."""
    of = t.allocation.c
    query = select(func.coalesce(func.sum(of.amount), 0)).join(t.act, t.act.c.id == of.act_id)
    where = (of.invoice_id == invoice_id, of.state == "posted", t.act.c.matched_at >= at)
    return int(tx.execute(query.where(*where)).scalar_one())


# ---- the question for detail ----


def asked_on(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, date]:
    """The day on which the customer was asked for detail about disputed lines, or may have been."""
    found: dict[str, date] = {}
    of = t.reminder.c
    for some in _in_parts(invoice_ids):
        where = (of.invoice_id.in_(some), of.step == DISPUTE_STEP, of.sent_on.is_not(None))
        rows = tx.execute(select(of.invoice_id, of.sent_on).where(*where))
        found |= {invoice_id: date.fromisoformat(day) for invoice_id, day in rows}
    return found


def plan_beside(tx: Tx, invoice_id: str, step: str, on: date) -> bool:
    """Plan a message beside the cadence, once an invoice; returns whether that is new.

    One that was dropped before it left is planned again: there is another reason for it now.
    """
    of = t.reminder.c
    where = (of.invoice_id == invoice_id, of.step == step)
    state = tx.execute(select(of.state).where(*where)).scalar()
    if state is None:
        gate.put_plan(tx, [Reminder(invoice_id, step, on, ReminderState.PLANNED)])
        return True
    if state not in (ReminderState.CANCELLED, ReminderState.MISSED):
        return False
    again = {"state": ReminderState.PLANNED, "due_on": on.isoformat(), "reason": ""}
    tx.execute(update(t.reminder).where(*where).values(**again))
    return True


# ---- going on after a dispute ----


def resumed(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, str]:
    """Invoices that go on after a rejected dispute, and have not yet: the last step of the cadence that left before.

    The next message is no firmer than that (RULES 5.3); where nothing left before, it is the first contact.
    """
    over = (t.pause.c.kind == PauseKind.DISPUTE, t.pause.c.outcome == PauseOutcome.REJECTED)
    found: dict[str, str] = {}
    for some in _in_parts(invoice_ids):
        days = select(t.pause.c.invoice_id, func.max(t.pause.c.ended_on)).where(t.pause.c.invoice_id.in_(some), *over)
        ended = dict(tx.execute(days.where(t.pause.c.ended_on.is_not(None)).group_by(t.pause.c.invoice_id)).all())
        of = t.reminder.c
        left = select(of.invoice_id, of.step, of.sent_on).where(
            of.invoice_id.in_(list(ended)), of.sent_on.is_not(None), of.step.not_in(BESIDE_THE_CADENCE)
        )
        for invoice_id, step, sent_on in tx.execute(left.order_by(of.sent_on, of.due_on)):
            if sent_on >= ended[invoice_id]:
                found.pop(invoice_id, None)
            else:
                found[invoice_id] = step
    return found


# ---- what is shown to people ----


def subject(invoice_id: str, pause_id: int) -> str:
    """Of an exception about a pause: which, and of which invoice; of none where it is of all of a customer's."""
    return f"{invoice_id}/{pause_id}"


def about_invoice(exception_id: str) -> str:
    """The invoice that this exception is about, though it holds nothing; '' for any other exception."""
    kind, _, about = exception_id.partition(":")
    if kind == STALLED:
        return about
    return about.rpartition("/")[0] if kind in _KINDS else ""


_KINDS = tuple(problem.value for problem in PauseProblem)


def shown(tx: Tx, subjects: Sequence[str]) -> dict[str, str]:
    """The open exceptions about these pauses: id -> what it says."""
    ids = [f"{kind}:{one}" for one in subjects for kind in _KINDS]
    found: dict[str, str] = {}
    for some in _in_parts(ids):
        query = select(t.exception.c.id, t.exception.c.reason)
        where = (t.exception.c.id.in_(some), t.exception.c.closed_at.is_(None))
        found |= {one: reason for one, reason in tx.execute(query.where(*where))}
    return found


# ---- invoices that nothing happens to ----


def overdue_since(tx: Tx, day: date) -> list[str]:
    """Open invoices that fell due on this day or before, without those of which a person must choose anyhow."""
    of = t.invoice.c
    where = (_IS_OPEN, of.due_on <= day.isoformat(), of.in_backlog.is_(False))
    return list(tx.execute(select(of.id).where(*where).order_by(of.id)).scalars())


def happened(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, dict[Happening, date]]:
    """Of up to IDS_AT_ONCE invoices the last day of whatever happened to them; what the ERP's own fields say apart."""
    found: dict[str, dict[Happening, date]] = {one: {} for one in invoice_ids}
    journal, escalated, of = t.journal.c, t.escalation.c, t.pause.c
    acts = t.allocation.join(t.act, t.act.c.id == t.allocation.c.act_id)
    changes = _last(journal.invoice_id, journal.at, invoice_ids).where(journal.event == "invoice_changed")
    queries: list[tuple[Happening, Any]] = [
        (Happening.CHANGE, changes),
        (Happening.MAIL, _last(t.reminder.c.invoice_id, t.reminder.c.sent_on, invoice_ids)),
        (Happening.CASH, _last(t.allocation.c.invoice_id, t.act.c.matched_at, invoice_ids).select_from(acts)),
        (Happening.SEEN, _last(t.invoice.c.id, t.invoice.c.first_seen_on, invoice_ids)),
        *((Happening.PAUSE, _last(of.invoice_id, day, invoice_ids)) for day in _DAYS_OF_A_PAUSE),
        *(
            (Happening.ESCALATION, _last(escalated.invoice_id, day, invoice_ids))
            for day in (escalated.since, escalated.raised_at)
        ),
        (Happening.TOUCH, _last(escalated.invoice_id, escalated.touched_on, invoice_ids)),
    ]
    for what, query in queries:
        for invoice_id, text in tx.execute(query):
            if text:
                day = date.fromisoformat(text)
                found[invoice_id][what] = max(day, found[invoice_id].get(what, day))
    return found


_DAYS_OF_A_PAUSE = (t.pause.c.since, t.pause.c.asked_on, t.pause.c.told_on, t.pause.c.ended_on)


def _last(invoice_id: Any, day: Any, ids: Sequence[str]) -> Any:
    """Invoice -> the last day in this column, which may hold instants."""
    return select(invoice_id, func.max(func.substr(day, 1, 10))).where(invoice_id.in_(ids)).group_by(invoice_id)


def why_held(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, str]:
    """Of these invoices what keeps the next reminder back, or who is at work on it, as last decided."""
    of = t.reminder.c
    found: dict[str, str] = {}
    for some in _in_parts(invoice_ids):
        held = (of.invoice_id.in_(some), of.state == ReminderState.HELD)
        found |= {
            one: why for one, why in tx.execute(select(of.invoice_id, of.reason).where(*held).order_by(of.due_on))
        }
        escalated = select(t.escalation.c.invoice_id, t.escalation.c.reason)
        for one, why in tx.execute(escalated.where(t.escalation.c.invoice_id.in_(some))):
            found.setdefault(one, why)
    return found


# ---- the measure ----


@dataclass(frozen=True, slots=True)
class Value:
    """One pause that stands, with what it keeps from being asked for."""

    kept: Kept
    amounts: tuple[Money, ...]  # of several currencies where it is of a customer


def values(tx: Tx) -> tuple[Value, ...]:
    """Every pause that stands with the balance behind it; of a disputed line what is disputed."""
    found = standing(tx)
    invoices = _balances(tx, t.invoice.c.id, [one.invoice_id for one in found if one.invoice_id])
    customers = owed_by(tx, [one.customer_id for one in found if not one.invoice_id])
    behind = [
        (one, (invoices.get(one.invoice_id) if one.invoice_id else customers.get(one.customer_id)) or ())
        for one in found
    ]
    return tuple(Value(one, tuple(one.known.at_stake(balance) for balance in balances)) for one, balances in behind)


def owed_by(tx: Tx, customer_ids: Sequence[str]) -> dict[str, tuple[Money, ...]]:
    """Customer -> what of all its invoices is open, one a currency."""
    return _balances(tx, t.invoice.c.customer_id, customer_ids)


def _balances(tx: Tx, whose: Any, ids: Sequence[str]) -> dict[str, tuple[Money, ...]]:
    found: dict[str, tuple[Money, ...]] = {}
    of = t.invoice.c
    for some in _in_parts(sorted(set(ids))):
        query = select(whose, of.currency, func.sum(of.balance)).where(whose.in_(some), _IS_OPEN)
        for one, currency, minor in tx.execute(query.group_by(whose, of.currency).order_by(of.currency)):
            found[one] = (*found.get(one, ()), Money(int(minor), currency))
    return found
