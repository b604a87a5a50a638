"""What the journal says was done: counts since a place in it, and how the book stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from connector.receivables import InvoiceStatus, ReminderState
from connector.reports import TickReport
from connector.store import Tx, closing, instant, parse_instant, verdicts, writing
from connector.store import tables as t
from connector.store.closing import ActState
from connector.store.writing import WriteState


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal; `fields` are its ids and its detail."""

    seq: int
    at: datetime
    event: str
    fields: dict[str, object]


_IDS = {"invoice_id": "invoice", "payment_id": "payment", "act_id": "act", "message_id": "message_id"}


def lines(tx: Tx, after_seq: int = 0, invoice_id: str | None = None) -> tuple[Line, ...]:
    """The journal after this place, of one invoice or of all."""
    query = select(t.journal).where(t.journal.c.seq > after_seq).order_by(t.journal.c.seq)
    if invoice_id is not None:
        query = query.where(t.journal.c.invoice_id == invoice_id)
    found = []
    for row in tx.execute(query).mappings():
        ids = {shown: row[column] for column, shown in _IDS.items() if row[column]}
        found.append(Line(row["seq"], parse_instant(row["at"]), row["event"], {**json.loads(row["detail"]), **ids}))
    return tuple(found)


def since(tx: Tx, seq: int) -> TickReport:
    """What was done after this place in the journal, and what waits now."""
    rows = tx.execute(select(t.journal.c.event, func.count()).where(t.journal.c.seq > seq).group_by(t.journal.c.event))
    counts: dict[str, int] = {event: int(number) for event, number in rows}
    cancelled = tx.execute(
        select(t.journal.c.detail).where(t.journal.c.seq > seq, t.journal.c.event == "reminder_cancelled")
    ).scalars()
    held = tx.execute(select(func.count()).where(t.reminder.c.state == ReminderState.HELD)).scalar()
    acts = dict(tx.execute(select(t.act.c.state, func.count()).group_by(t.act.c.state)).all())
    deposits = dict(tx.execute(select(t.deposit.c.state, func.count()).group_by(t.deposit.c.state)).all())
    reversals = dict(tx.execute(select(t.reversal.c.state, func.count()).group_by(t.reversal.c.state)).all())
    return TickReport(
        matched=counts.get("payment_matched", 0),
        exceptions=counts.get("exception_opened", 0),
        posted=counts.get("act_written", 0),
        closed=counts.get("act_closed", 0),
        cancelled=sum(len(json.loads(detail)["steps"]) for detail in cancelled),
        sent=counts.get("reminder_sent", 0),
        held=int(held or 0),
        parked=counts.get("record_parked", 0),
        unfinished=sum(acts.get(state, 0) for state in closing.UNFINISHED)
        + sum(deposits.get(state, 0) for state in writing.UNFINISHED)
        + sum(reversals.get(state, 0) for state in writing.UNFINISHED),
        differences=len(_different(tx))
        + deposits.get(WriteState.DIFFERENT, 0)
        + reversals.get(WriteState.DIFFERENT, 0),
        alarm=tx.get("alarm"),
    )


def _different(tx: Tx) -> set[str]:
    """Acts that the ERP holds otherwise than we meant, found when they were written or later."""
    acts = tx.execute(select(t.act.c.id).where(t.act.c.state == ActState.DIFFERENT)).scalars()
    return {f"difference:{act_id}" for act_id in acts} | set(verdicts.open_of_kind(tx, "difference"))


def count_of(tx: Tx, event: str, since: datetime, before: datetime) -> int:
    """How often this event was journalled from one instant up to another."""
    when = (t.journal.c.at >= instant(since), t.journal.c.at < instant(before))
    return int(tx.execute(select(func.count()).where(t.journal.c.event == event, *when)).scalar_one())


def sent_after_match(tx: Tx) -> tuple[tuple[str, str], ...]:
    """Mails that left after a match had left nothing to pay of an invoice in them, by the store's own order.

    (Message-ID, invoice id) of each; the promise is that there is none. An application that was undone, because the ERP
    refused it or the money came back, counts no longer.
    """
    paid: dict[str, list[tuple[int, bool]]] = {}
    events = select(t.journal.c.invoice_id, t.journal.c.seq, t.journal.c.event, t.journal.c.detail).where(
        t.journal.c.event.in_(("invoice_matched", "application_undone"))
    )
    for invoice_id, seq, event, detail in tx.execute(events.order_by(t.journal.c.seq)):
        is_paid = event == "invoice_matched" and json.loads(detail)["left"] == 0
        paid.setdefault(invoice_id, []).append((seq, is_paid))
    mailed = tx.execute(
        select(t.reminder.c.message_id, t.reminder.c.invoice_id, t.message.c.done_seq)
        .join(t.message, t.message.c.id == t.reminder.c.message_id)
        .where(t.reminder.c.state.in_((ReminderState.SENT, ReminderState.UNKNOWN)))
    )
    late = []
    for message_id, invoice_id, done_seq in mailed:
        before = [is_paid for seq, is_paid in paid.get(invoice_id, []) if seq < done_seq]
        if before and before[-1]:
            late.append((message_id, invoice_id))
    return tuple(late)


def by_day(tx: Tx, what: str, first_on: date) -> dict[str, int]:
    """How many mails were sent, or payments matched for posting, on each day from this one on; UTC days as ISO."""
    event = {"send": "reminder_sent", "post": "payment_matched"}[what]
    day = func.substr(t.journal.c.at, 1, 10)
    of = func.distinct(t.journal.c.message_id) if what == "send" else t.journal.c.seq
    query = select(day, func.count(of)).where(t.journal.c.event == event, t.journal.c.at >= first_on.isoformat())
    return {str(on): int(number) for on, number in tx.execute(query.group_by(day))}


@dataclass(frozen=True, slots=True)
class Standing:
    """How the whole book stands."""

    loops_closed: int  # invoices paid in full by acts of ours that the ERP confirmed
    open_with_reason: int  # open invoices of which we can say why they are open and what comes next
    open_without_reason: int
    reminders_cancelled: int
    acts_unfinished: int


def standing(tx: Tx) -> Standing:
    """Count loops closed, and what is open with and without a reason that could be told to a person."""
    closed = select(func.count(func.distinct(t.allocation.c.invoice_id))).select_from(
        t.allocation.join(t.act, t.act.c.id == t.allocation.c.act_id).join(
            t.invoice, t.invoice.c.id == t.allocation.c.invoice_id
        )
    )
    loops = closed.where(t.act.c.state == ActState.CLOSED, t.invoice.c.status == InvoiceStatus.PAID)
    excepted = set(verdicts.invoices_in_exception(tx))
    waiting = set(
        tx.execute(
            select(t.reminder.c.invoice_id).where(
                t.reminder.c.state.in_((ReminderState.PLANNED, ReminderState.HELD, ReminderState.LEAVING))
            )
        ).scalars()
    )
    spoken_to = set(
        tx.execute(
            select(t.reminder.c.invoice_id).where(t.reminder.c.state.in_((ReminderState.SENT, ReminderState.UNKNOWN)))
        ).scalars()
    )
    decided = tx.execute(select(t.verdict.c.subject).where(t.verdict.c.decision == "suppression")).scalars()
    reasons = excepted | waiting | spoken_to | {subject.removeprefix("invoice:") for subject in decided}
    open_rows = tx.execute(
        select(t.invoice.c.id, t.invoice.c.in_backlog, t.invoice.c.hold_reason).where(
            t.invoice.c.status == InvoiceStatus.OPEN
        )
    ).all()
    explained = sum(1 for one, backlog, hold in open_rows if backlog or hold or one in reasons)
    cancelled = tx.execute(select(func.count()).where(t.reminder.c.state == ReminderState.CANCELLED)).scalar()
    unfinished = tx.execute(select(func.count()).where(t.act.c.state.in_(closing.UNFINISHED))).scalar_one()
    unfinished += tx.execute(select(func.count()).where(t.deposit.c.state.in_(writing.UNFINISHED))).scalar_one()
    unfinished += tx.execute(select(func.count()).where(t.reversal.c.state.in_(writing.UNFINISHED))).scalar_one()
    return Standing(
        loops_closed=int(tx.execute(loops).scalar() or 0),
        open_with_reason=explained,
        open_without_reason=len(open_rows) - explained,
        reminders_cancelled=int(cancelled or 0),
        acts_unfinished=int(unfinished or 0),
    )
