"""What the store remembers, for `explain`, `plan` and `report`: reads only, rows as they stand in the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select

from connector.money import Money
from connector.receivables import InvoiceStatus, PaymentState
from connector.store import Tx, instant, parse_instant
from connector.store import tables as t
from connector.store.activity import Line
from connector.store.closing import ActState
from connector.store.credits import ENTERED
from connector.store.gate import MessageState

_EXCEPTION_EVENTS = ("exception_opened", "exception_closed")
_IN_THE_ERP = (ActState.WRITTEN, ActState.CONFIRMED, ActState.CLOSED)


# ---- one invoice ----


def invoice_numbers(tx: Tx) -> tuple[str, ...]:
    return tuple(tx.execute(select(t.invoice.c.number).distinct().order_by(t.invoice.c.number)).scalars())


def find_invoices(tx: Tx, number: str) -> tuple[Any, ...]:
    """The rows with this number; if there is none, those with it in another case, else the one with this id."""
    wanted = number.strip()
    for where in (
        t.invoice.c.number == wanted,
        func.lower(t.invoice.c.number) == wanted.lower(),
        t.invoice.c.id == wanted,
    ):
        rows = tuple(tx.execute(select(t.invoice).where(where).order_by(t.invoice.c.id)).mappings())
        if rows:
            return rows
    return ()


def acts_paying(tx: Tx, invoice_id: str) -> tuple[Any, ...]:
    """Every act that pays or was to pay this invoice, oldest first, each with its payment and its part here."""
    query = (
        select(
            t.act,
            t.allocation.c.amount.label("applied"),
            t.allocation.c.state.label("applied_state"),
            t.payment.c.amount,
            t.payment.c.currency,
            t.payment.c.received_on,
        )
        .join(t.allocation, t.allocation.c.act_id == t.act.c.id)
        .join(t.payment, t.payment.c.id == t.act.c.payment_id)
        .where(t.allocation.c.invoice_id == invoice_id)
        .order_by(t.act.c.matched_seq)
    )
    return tuple(tx.execute(query).mappings())


def acts_after(tx: Tx, seq: int) -> tuple[Any, ...]:
    """The acts matched after this place in the journal, each with its payment's customer and amount."""
    query = (
        select(t.act, t.payment.c.customer_id, t.payment.c.amount, t.payment.c.currency)
        .join(t.payment, t.payment.c.id == t.act.c.payment_id)
        .where(t.act.c.matched_seq > seq)
        .order_by(t.act.c.matched_seq)
    )
    return tuple(tx.execute(query).mappings())


def suggestions(tx: Tx, invoice_id: str | None = None) -> tuple[Any, ...]:
    """Matches that wait for a person, by payment: all parts of each, or only those on one invoice."""
    query = (
        select(
            t.suggestion.c.payment_id,
            t.suggestion.c.invoice_id,
            t.suggestion.c.amount.label("applied"),
            t.payment.c.amount,
            t.payment.c.currency,
            t.payment.c.customer_id,
            t.payment.c.received_on,
        )
        .join(t.payment, t.payment.c.id == t.suggestion.c.payment_id)
        .order_by(t.payment.c.received_at, t.suggestion.c.payment_id, t.suggestion.c.invoice_id)
    )
    if invoice_id is not None:
        query = query.where(t.suggestion.c.invoice_id == invoice_id)
    return tuple(tx.execute(query).mappings())


def find_payment(tx: Tx, name: str) -> Any | None:
    """The payment with this id of its source or of the ERP."""
    for where in (t.payment.c.id == name, t.payment.c.erp_id == name):
        row = tx.execute(select(t.payment).where(where).order_by(t.payment.c.id)).mappings().first()
        if row is not None and name:
            return row
    return None


def acts_of(tx: Tx, payment_id: str) -> tuple[Any, ...]:
    """Every act of this payment, oldest first."""
    query = select(t.act).where(t.act.c.payment_id == payment_id).order_by(t.act.c.matched_seq)
    return tuple(tx.execute(query).mappings())


def parts_of(tx: Tx, payment_id: str) -> tuple[tuple[str, Money, str], ...]:
    """What of this payment is or was meant for which invoice: number, amount, state."""
    query = (
        select(t.invoice.c.number, t.allocation.c.amount, t.allocation.c.currency, t.allocation.c.state)
        .join(t.invoice, t.invoice.c.id == t.allocation.c.invoice_id)
        .join(t.act, t.act.c.id == t.allocation.c.act_id)
        .where(t.allocation.c.payment_id == payment_id)
        .order_by(t.act.c.matched_seq, t.invoice.c.due_on, t.invoice.c.number)
    )
    return tuple((number, Money(minor, code), state) for number, minor, code, state in tx.execute(query))


def story_of_payment(tx: Tx, payment_id: str) -> tuple[Line, ...]:
    """The journal of one payment and of its acts, what it did to its invoices included."""
    j = t.journal.c
    acts = select(t.act.c.id).where(t.act.c.payment_id == payment_id)
    about = or_(j.payment_id == payment_id, and_(j.payment_id.is_(None), j.act_id.in_(acts)))
    rows = tx.execute(select(t.journal).where(about).order_by(j.seq)).mappings()
    return tuple(_line(row, json.loads(row["detail"])) for row in rows)


def _line(row: Any, detail: dict[str, Any]) -> Line:
    ids = {"payment": row["payment_id"], "act": row["act_id"], "invoice": row["invoice_id"]}
    return Line(row["seq"], parse_instant(row["at"]), row["event"], {**detail, **ids})


def suggested_because(tx: Tx, payment_id: str) -> dict[str, Any]:
    """The equation of a suggested match, and why it waits."""
    query = (
        select(t.journal.c.detail)
        .where(t.journal.c.payment_id == payment_id, t.journal.c.event == "match_suggested")
        .order_by(t.journal.c.seq.desc())
        .limit(1)
    )
    found: dict[str, Any] = json.loads(tx.execute(query).scalar() or "{}")
    return found


def standing_verdicts(tx: Tx, subjects: Iterable[str]) -> tuple[Any, ...]:
    query = select(t.verdict).where(t.verdict.c.subject.in_(list(subjects)))
    return tuple(tx.execute(query.order_by(t.verdict.c.since, t.verdict.c.subject)).mappings())


def exception_ids(tx: Tx, invoice_id: str) -> set[str]:
    """Every exception, open or closed, that holds or held this invoice."""
    linked = select(t.exception_invoice.c.exception_id).where(t.exception_invoice.c.invoice_id == invoice_id)
    return {*tx.execute(linked).scalars(), f"flag_refused:{invoice_id}"}


def stop_order(tx: Tx, what: str) -> str:
    """A person's standing order to stop, without the person; '' if there is none."""
    row = tx.execute(select(t.stop).where(t.stop.c.what == what)).mappings().first()
    return f"stopped since {row['since'][:16]}: {row['reason'] or 'no reason given'}" if row else ""


def parked_records(tx: Tx, record: str | None = None) -> tuple[Any, ...]:
    query = select(t.parked).order_by(t.parked.c.source, t.parked.c.record)
    if record is not None:
        query = query.where(t.parked.c.record == record, t.parked.c.source == "erp")
    return tuple(tx.execute(query).mappings())


def story(tx: Tx, invoice_id: str, payments: Sequence[str], acts: Sequence[str]) -> tuple[Line, ...]:
    """The journal of one invoice: its own lines and those of its payments, acts, mails and exceptions."""
    j = t.journal.c
    mails = select(j.message_id).where(j.invoice_id == invoice_id, j.message_id.is_not(None))
    held_by = exception_ids(tx, invoice_id)
    about = or_(
        j.payment_id.in_(list(payments)),
        and_(j.payment_id.is_(None), j.act_id.in_(list(acts))),
        j.message_id.in_(mails),
        and_(j.payment_id.is_(None), j.event.in_(_EXCEPTION_EVENTS)),
    )
    query = select(t.journal).where(or_(j.invoice_id == invoice_id, and_(j.invoice_id.is_(None), about)))
    found = []
    for row in tx.execute(query.order_by(j.seq)).mappings():
        detail = json.loads(row["detail"])
        exception_id = detail.get("exception") or f"{detail.get('kind')}:{detail.get('subject')}"
        is_foreign = row["event"] in _EXCEPTION_EVENTS and row["payment_id"] is None and exception_id not in held_by
        if not is_foreign:
            found.append(_line(row, detail))
    return tuple(found)


# ---- the whole book ----


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every invoice known and what this connector applied to it. `posted`: invoice id -> (received on, minor units)."""

    invoices: tuple[Any, ...]
    posted: dict[str, tuple[tuple[date, int], ...]]
    closed_by_us: frozenset[str]

    @property
    def known_since(self) -> date | None:
        """The day of the first read: what was settled before it may never have been seen."""
        return min((date.fromisoformat(row["first_seen_on"]) for row in self.invoices), default=None)


def ledger(tx: Tx) -> Ledger:
    i = t.invoice.c
    columns = (i.id, i.number, i.customer_id, i.currency, i.amount, i.balance, i.status)
    days = (i.issued_on, i.due_on, i.first_seen_on, i.closed_at)
    rows = tx.execute(select(*columns, *days).order_by(i.id)).mappings()
    posted: dict[str, tuple[tuple[date, int], ...]] = {}
    applied = (
        select(t.allocation.c.invoice_id, t.payment.c.received_on, t.allocation.c.amount)
        .join(t.payment, t.payment.c.id == t.allocation.c.payment_id)
        .where(t.allocation.c.state == "posted")
    )
    for invoice_id, received_on, minor in tx.execute(applied):
        posted[invoice_id] = (*posted.get(invoice_id, ()), (date.fromisoformat(received_on), int(minor)))
    # The read-back that proved an act sets the closing instant in the same commit.
    closed = select(i.id).join(
        t.journal,
        and_(t.journal.c.invoice_id == i.id, t.journal.c.event == "invoice_closed", t.journal.c.at == i.closed_at),
    )
    return Ledger(tuple(rows), posted, frozenset(tx.execute(closed).scalars()))


def changed_by_others(tx: Tx, after: datetime) -> dict[str, datetime]:
    """Invoice id -> when it last turned out, from this instant on, that somebody else than us had changed it.

    An act that the ERP disagrees with counts: what the ERP holds of it is not what we meant.
    """
    query = (
        select(t.journal.c.invoice_id, func.max(t.journal.c.at))
        .where(t.journal.c.event == "invoice_changed", t.journal.c.at >= instant(after))
        .group_by(t.journal.c.invoice_id)
    )
    different = (
        select(t.allocation.c.invoice_id, func.max(t.act.c.closed_at))
        .join(t.act, t.act.c.id == t.allocation.c.act_id)
        .where(t.act.c.state == ActState.DIFFERENT, t.act.c.closed_at >= instant(after))
        .group_by(t.allocation.c.invoice_id)
    )
    found: dict[str, datetime] = {}
    for invoice_id, text in (*tx.execute(query), *tx.execute(different)):
        at = parse_instant(text)
        found[invoice_id] = max(at, found.get(invoice_id, at))
    return found


def latencies(tx: Tx, since: datetime, until: datetime) -> tuple[timedelta, ...]:
    """For each payment whose reminders were stopped first between these instants: how long after the commit that first
    saw its money received? Its match cancels them, its suggestion holds them.
    """
    j = t.journal.c
    stopped = select(j.payment_id, func.min(j.at)).where(j.event.in_(("payment_matched", "match_suggested")))
    first = func.min(j.at)
    stopped = stopped.group_by(j.payment_id).having(first >= instant(since), first < instant(until))
    ends: dict[str, datetime] = {payment_id: parse_instant(at) for payment_id, at in tx.execute(stopped)}
    seen = select(j.payment_id, j.at, j.detail).where(j.event.in_(("payment_seen", "payment_changed")))
    received: dict[str, datetime] = {}
    for payment_id, at, detail in tx.execute(seen.where(j.at < instant(until)).order_by(j.seq)):
        if payment_id not in ends or payment_id in received:
            continue
        if json.loads(detail)["state"] == PaymentState.SUCCEEDED:
            received[payment_id] = parse_instant(at)
    return tuple(ends[one] - at for one, at in received.items() if at <= ends[one])


@dataclass(frozen=True, slots=True)
class Received:
    """Payments received in a period, those from before the cutover left out, and what became of them.

    `posted`: matched without a person, and the ERP has them. `suggested`: matched and not posted, since posting isn't
    switched on for them. `adopted`: posted by somebody else.
    """

    count: int
    posted: int
    suggested: int
    adopted: int


def payments_received(tx: Tx, first_on: date, last_on: date) -> Received:
    p = t.payment.c
    by_itself = (t.act.c.state.in_(_IN_THE_ERP), t.act.c.approved_by == "")
    in_erp = select(t.act.c.payment_id).where(*by_itself).distinct().subquery()
    query = (
        select(p.standing, func.count(), func.count(in_erp.c.payment_id))
        .join_from(t.payment, in_erp, in_erp.c.payment_id == p.id, isouter=True)
        .where(
            p.state.in_((PaymentState.SUCCEEDED, PaymentState.RETURNED)),
            p.standing != "observed",
            p.source != ENTERED,
            p.received_on >= first_on.isoformat(),
            p.received_on <= last_on.isoformat(),
        )
        .group_by(p.standing)
    )
    rows = {standing: (int(number), int(posted)) for standing, number, posted in tx.execute(query)}
    suggested, posted_and_suggested = rows.get("suggested", (0, 0))  # of the latter only a rest waits
    return Received(
        count=sum(number for number, _ in rows.values()),
        posted=sum(posted for _, posted in rows.values()),
        suggested=suggested - posted_and_suggested,
        adopted=rows.get("adopted", (0, 0))[0],
    )


def first_proofs(tx: Tx) -> tuple[tuple[date, str, str], ...]:
    """(day, currency, proof as JSON) of each currency's opening: the first clearing proof that was made."""
    p = t.proof.c
    first = select(p.currency, func.min(p.day).label("day")).group_by(p.currency).subquery()
    query = select(p.day, p.currency, p.facts).join(first, and_(first.c.currency == p.currency, first.c.day == p.day))
    return tuple(
        (date.fromisoformat(day), currency, text) for day, currency, text in tx.execute(query.order_by(p.currency))
    )


def reminder_counts(tx: Tx) -> dict[str, int]:
    """Reminders by state."""
    query = select(t.reminder.c.state, func.count()).group_by(t.reminder.c.state)
    return {state: int(number) for state, number in tx.execute(query)}


def leaving_count(tx: Tx) -> int:
    """Mails marked as leaving whose end nobody has recorded: on their way now, or left by a daemon that died."""
    query = select(func.count()).select_from(t.message).where(t.message.c.state == MessageState.LEAVING)
    return int(tx.execute(query).scalar() or 0)


def exception_counts(tx: Tx) -> dict[str, int]:
    query = select(t.exception.c.kind, func.count()).where(t.exception.c.closed_at.is_(None))
    return {kind: int(number) for kind, number in tx.execute(query.group_by(t.exception.c.kind))}


def parked_count(tx: Tx) -> int:
    return int(tx.execute(select(func.count()).select_from(t.parked)).scalar() or 0)


def credit_totals(tx: Tx) -> dict[tuple[str, str], Money]:
    """Open credits in the ERP by currency and kind."""
    c = t.credit.c
    rows = tx.execute(select(c.currency, c.kind, func.sum(c.open_amount)).group_by(c.currency, c.kind))
    return {(currency, kind): Money(int(minor), currency) for currency, kind, minor in rows}


def is_open(row: Any) -> bool:
    return bool(row["status"] == InvoiceStatus.OPEN)
