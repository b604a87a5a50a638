"""The reminder gate: leases that a match waits for, and the life of every mail.

Check-then-send is not enough: a match may commit between the check and the final dot. So the check takes a lease on
every invoice of the mail in its own commit, and a match first forbids new leases (`match_pending`), waits until none
is live, and only then commits. A lease ends by its owner, or when a new daemon proves the owner's death by gaining its
lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from connector.ports import ReminderMail
from connector.receivables import Reminder, ReminderState
from connector.store import Tx, instant, orders, parse_instant
from connector.store import tables as t
from connector.store.book import AT_ONCE, from_json, to_json

WAITING = (ReminderState.PLANNED, ReminderState.HELD)


class MessageState(StrEnum):
    LEASED = "leased"
    LEAVING = "leaving"  # marked before the final dot: if the process dies now, nobody can know whether it left
    SENT = "sent"
    NOT_SENT = "not_sent"
    UNKNOWN = "sent_unknown"
    CAME_BACK = "came_back"  # it left, and a mail server reported that it reached nobody


# ---- reminders ----


def put_plan(tx: Tx, reminders: Sequence[Reminder], standing: Mapping[str, Iterable[Reminder]] | None = None) -> None:
    """Add the steps of a new invoice's cadence or a courtesy step; of a step that still waits only the day may move.

    `standing`: the steps that these invoices have already, by invoice, where the caller has just read them.
    """
    if not reminders:
        return
    if standing is None:
        standing = _steps_of(tx, sorted({reminder.invoice_id for reminder in reminders}))
    there = {(one.invoice_id, one.step) for steps in standing.values() for one in steps}
    fresh = []
    for reminder in reminders:
        if (reminder.invoice_id, reminder.step) in there:
            where = (t.reminder.c.invoice_id == reminder.invoice_id, t.reminder.c.step == reminder.step)
            moved = (*where, t.reminder.c.state.in_(WAITING))
            tx.execute(update(t.reminder).where(*moved).values(due_on=reminder.due_on.isoformat()))
        else:
            fresh.append(
                {
                    "invoice_id": reminder.invoice_id,
                    "step": reminder.step,
                    "due_on": reminder.due_on.isoformat(),
                    "state": reminder.state,
                    "reason": reminder.reason,
                }
            )
    if fresh:
        tx.execute(insert(t.reminder), fresh)


def reminders(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, tuple[Reminder, ...]]:
    """All steps of these invoices, in the order in which they fall due."""
    found: dict[str, list[Reminder]] = {invoice_id: [] for invoice_id in invoice_ids}
    for start in range(0, len(invoice_ids), 500):
        rows = tx.execute(
            select(t.reminder)
            .where(t.reminder.c.invoice_id.in_(invoice_ids[start : start + 500]))
            .order_by(t.reminder.c.due_on, t.reminder.c.step)
        ).mappings()
        for row in rows:
            found[row["invoice_id"]].append(
                Reminder(
                    row["invoice_id"],
                    row["step"],
                    date.fromisoformat(row["due_on"]),
                    ReminderState(row["state"]),
                    row["reason"],
                )
            )
    return {invoice_id: tuple(steps) for invoice_id, steps in found.items()}


# Under a name of its own, since put_plan has a parameter `reminders`.
_steps_of = reminders


def with_step(tx: Tx, step: str, today: date) -> tuple[frozenset[str], int]:
    """Customers with this step on any invoice, and for how many of them it was planned for today."""
    rows = tx.execute(
        select(t.invoice.c.customer_id, t.reminder.c.due_on)
        .join(t.invoice, t.invoice.c.id == t.reminder.c.invoice_id)
        .where(t.reminder.c.step == step)
    ).all()
    on_day = {customer_id for customer_id, due_on in rows if due_on == today.isoformat()}
    return frozenset(customer_id for customer_id, _ in rows), len(on_day)


def last_sent_on(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, date]:
    found: dict[str, date] = {}
    for start in range(0, len(invoice_ids), 500):
        rows = tx.execute(
            select(t.reminder.c.invoice_id, t.reminder.c.sent_on).where(
                t.reminder.c.invoice_id.in_(invoice_ids[start : start + 500]), t.reminder.c.sent_on.is_not(None)
            )
        )
        for invoice_id, sent_on in rows:
            day = date.fromisoformat(sent_on)
            found[invoice_id] = max(day, found.get(invoice_id, day))
    return found


def move(tx: Tx, reminder: Reminder, state: ReminderState, reason: str) -> bool:
    """Change one waiting step; a step that already left or ended stays as it is. Returns whether it changed."""
    if reminder.state is state and reminder.reason == reason:
        return False
    values = {"of_invoice": reminder.invoice_id, "of_step": reminder.step, "to_state": state, "why": reason}
    changed = tx.execute(_MOVE, values)
    if changed.rowcount:
        _restate(tx, reminder.invoice_id)
    if changed.rowcount and state is not reminder.state:
        tx.journal(f"reminder_{state.value}", invoice=reminder.invoice_id, step=reminder.step, reason=reason)
    return bool(changed.rowcount)


# Made once, since on the first day of a large book they are carried out by the ten thousand.
_MOVE = (
    update(t.reminder)
    .where(
        t.reminder.c.invoice_id == bindparam("of_invoice"),
        t.reminder.c.step == bindparam("of_step"),
        t.reminder.c.state.in_(WAITING),
    )
    .values(state=bindparam("to_state"), reason=bindparam("why"))
)
_RESTATE = update(t.invoice).where(t.invoice.c.id == bindparam("of_invoice")).values(restate=True)


def _restate(tx: Tx, invoice_id: str) -> None:
    tx.execute(_RESTATE, {"of_invoice": invoice_id})


def cancel(
    tx: Tx, invoice_id: str, reason: str, *, payment: str = "", act: str = "", steps: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Cancel what of this invoice has not left (or only these steps); returns the steps that were cancelled."""
    where = [t.reminder.c.invoice_id == invoice_id, t.reminder.c.state.in_(WAITING)]
    if steps is not None:
        where.append(t.reminder.c.step.in_(steps))
    found = tuple(tx.execute(select(t.reminder.c.step).where(*where).order_by(t.reminder.c.due_on)).scalars())
    if found:
        tx.execute(update(t.reminder).where(*where).values(state=ReminderState.CANCELLED, reason=reason))
        tx.journal(
            "reminder_cancelled",
            invoice=invoice_id,
            payment=payment or None,
            act=act or None,
            steps=list(found),
            reason=reason,
        )
        _restate(tx, invoice_id)
    return found


def plan_again(tx: Tx, invoice_id: str, today: date, reason: str) -> None:
    """An invoice that is open again goes on at its next step; the steps whose day has passed are not replayed."""
    where = (t.reminder.c.invoice_id == invoice_id, t.reminder.c.state == ReminderState.CANCELLED)
    for due, state in (
        (t.reminder.c.due_on > today.isoformat(), ReminderState.PLANNED),
        (t.reminder.c.due_on <= today.isoformat(), ReminderState.MISSED),
    ):
        tx.execute(update(t.reminder).where(*where, due).values(state=state, reason=reason))
    tx.journal("invoice_reopened", invoice=invoice_id, reason=reason)
    _restate(tx, invoice_id)


def take_up_again(tx: Tx, reminder: Reminder, due_on: date, reason: str) -> None:
    """A step that was given up before its day is planned once more."""
    of = t.reminder.c
    where = (of.invoice_id == reminder.invoice_id, of.step == reminder.step, of.state == ReminderState.MISSED)
    values = {"state": ReminderState.PLANNED, "due_on": due_on.isoformat(), "reason": reason}
    if tx.execute(update(t.reminder).where(*where).values(values)).rowcount:
        tx.journal("reminder_planned", invoice=reminder.invoice_id, step=reminder.step, reason=reason)
        _restate(tx, reminder.invoice_id)


def hold_cancelled(tx: Tx, invoice_id: str, steps: Sequence[str], reason: str) -> None:
    """The payment that cancelled these steps was refused: they wait for a person now, they don't resume."""
    tx.execute(
        update(t.reminder)
        .where(
            t.reminder.c.invoice_id == invoice_id,
            t.reminder.c.step.in_(steps),
            t.reminder.c.state == ReminderState.CANCELLED,
        )
        .values(state=ReminderState.HELD, reason=reason)
    )
    tx.journal("reminder_held", invoice=invoice_id, steps=list(steps), reason=reason)


# ---- the matcher's side of the gate ----


def set_match_pending(tx: Tx, payment_id: str, invoice_ids: Sequence[str], owner: str) -> None:
    """From this commit on no new lease on these invoices."""
    for invoice_id in sorted(invoice_ids):
        where = (t.match_pending.c.invoice_id == invoice_id, t.match_pending.c.payment_id == payment_id)
        if tx.execute(select(t.match_pending.c.owner).where(*where)).first() is None:
            tx.execute(insert(t.match_pending).values(invoice_id=invoice_id, payment_id=payment_id, owner=owner))


def clear_match_pending(tx: Tx, payment_id: str) -> None:
    tx.execute(delete(t.match_pending).where(t.match_pending.c.payment_id == payment_id))


def leased(tx: Tx, invoice_ids: Sequence[str]) -> tuple[str, ...]:
    """Which of these are being mailed about at this moment?"""
    return tuple(tx.execute(select(t.lease.c.invoice_id).where(t.lease.c.invoice_id.in_(invoice_ids))).scalars())


# ---- the sender's side ----


def sending_forbidden(tx: Tx) -> str:
    """A person's stop, or the alarm of a dropped open set; '' if neither stands. Asked up to the final dot."""
    return orders.stopped(tx, "send") or tx.get("alarm")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the sender decided on: each invoice with the facts version and the step."""

    invoice_id: str
    version: int
    step: str


def take_leases(
    tx: Tx, mail: ReminderMail, customer_id: str, claims: Sequence[Claim], owner: str, deadline: datetime
) -> str:
    """Lease all invoices of one mail, or none. Returns '' or the reason why not (then plan again)."""
    if forbidden := sending_forbidden(tx):
        return forbidden
    for claim in sorted(claims, key=lambda c: c.invoice_id):
        pending = select(t.match_pending.c.payment_id).where(t.match_pending.c.invoice_id == claim.invoice_id)
        if tx.execute(pending).first():
            return f"a payment for invoice {claim.invoice_id} is just being matched"
        version = tx.execute(select(t.invoice.c.version).where(t.invoice.c.id == claim.invoice_id)).scalar()
        if version != claim.version:
            return f"the facts of invoice {claim.invoice_id} changed since the decision"
        step = tx.execute(
            select(t.reminder.c.state).where(
                t.reminder.c.invoice_id == claim.invoice_id, t.reminder.c.step == claim.step
            )
        ).scalar()
        if step not in WAITING:
            return f"step {claim.step} of invoice {claim.invoice_id} is {step}"
        if leased(tx, [claim.invoice_id]):
            return f"invoice {claim.invoice_id} is in another mail that is leaving now"
    if tx.execute(select(t.message.c.id).where(t.message.c.id == mail.message_id)).first():
        return f"mail {mail.message_id} was tried already today"
    tx.execute(
        insert(t.message).values(
            id=mail.message_id,
            customer_id=customer_id,
            day=mail.on.isoformat(),
            state=MessageState.LEASED,
            mail=to_json(mail),
            owner=owner,
            channel=mail.channel,
            recipient=mail.to.casefold(),
        )
    )
    for claim in claims:
        tx.execute(
            insert(t.lease).values(
                invoice_id=claim.invoice_id, message_id=mail.message_id, owner=owner, deadline_at=instant(deadline)
            )
        )
        tx.execute(
            update(t.reminder)
            .where(t.reminder.c.invoice_id == claim.invoice_id, t.reminder.c.step == claim.step)
            .values(state=ReminderState.LEAVING, message_id=mail.message_id, reason="leaving")
        )
    return ""


# In the id of a message that goes instead of another, before the name of its channel.
INSTEAD = "+"


def take_leases_instead(tx: Tx, message_id: str, mail: ReminderMail, owner: str, detail: str, lease: timedelta) -> str:
    """End a message that surely did not leave, and lease its invoices for the one that goes instead; '' or why not.

    Both in one commit: no match gets between them. The facts are those that the first one was leased on, since
    whoever changes them is the daemon that is sending.
    """
    customer_id, _ = addressed(tx, message_id)
    steps = (t.reminder.c.message_id == message_id, t.reminder.c.state == ReminderState.LEAVING)
    query = select(t.invoice.c.id, t.invoice.c.version, t.reminder.c.step)
    rows = tx.execute(query.join(t.reminder, t.reminder.c.invoice_id == t.invoice.c.id).where(*steps)).all()
    claims = [Claim(invoice_id, version, step) for invoice_id, version, step in rows]
    end_message(tx, message_id, MessageState.NOT_SENT, detail)
    return take_leases(tx, mail, customer_id, claims, owner, tx.at + lease)


def read_message(tx: Tx, message_id: str) -> tuple[ReminderMail, MessageState, str] | None:
    row = tx.execute(select(t.message).where(t.message.c.id == message_id)).mappings().first()
    return (from_json(ReminderMail, row["mail"]), MessageState(row["state"]), row["owner"]) if row else None


def addressed(tx: Tx, message_id: str) -> tuple[str, tuple[str, ...]]:
    """The customer of a mail that is on its way, and its invoices."""
    customer_id = tx.execute(select(t.message.c.customer_id).where(t.message.c.id == message_id)).scalar_one()
    leases = select(t.lease.c.invoice_id).where(t.lease.c.message_id == message_id).order_by(t.lease.c.invoice_id)
    return str(customer_id), tuple(tx.execute(leases).scalars())


def mark_leaving(tx: Tx, message_id: str, owner: str, now: datetime) -> bool:
    """The last check, between body and final dot: is every lease still ours and in time? Then mark it as leaving."""
    leases = list(tx.execute(select(t.lease).where(t.lease.c.message_id == message_id)).mappings())
    if (
        sending_forbidden(tx)
        or not leases
        or any(row["owner"] != owner or parse_instant(row["deadline_at"]) <= now for row in leases)
    ):
        return False
    seq = tx.journal("reminder_leaving", message=message_id)
    changed = tx.execute(
        update(t.message)
        .where(t.message.c.id == message_id, t.message.c.state == MessageState.LEASED)
        .values(state=MessageState.LEAVING, leaving_seq=seq)
    )
    return bool(changed.rowcount)


_REMINDER_AFTER: Mapping[MessageState, tuple[ReminderState, str]] = {
    MessageState.SENT: (ReminderState.SENT, "sent"),
    MessageState.UNKNOWN: (ReminderState.UNKNOWN, "the connection was lost at the last moment; it isn't sent again"),
    MessageState.NOT_SENT: (ReminderState.PLANNED, "not sent; planned again"),
}


def end_message(tx: Tx, message_id: str, state: MessageState, detail: str = "") -> None:
    """Give the leases back and say what became of the mail. Ending an ended message does nothing."""
    row = tx.execute(select(t.message).where(t.message.c.id == message_id)).mappings().first()
    if row is None or row["state"] not in (MessageState.LEASED, MessageState.LEAVING):
        return
    after, reason = _REMINDER_AFTER[state]
    steps = tx.execute(
        select(t.reminder.c.invoice_id, t.reminder.c.step).where(
            t.reminder.c.message_id == message_id, t.reminder.c.state == ReminderState.LEAVING
        )
    ).all()
    for invoice_id, step in steps:
        tx.journal(f"reminder_{after.value}", invoice=invoice_id, message=message_id, step=step, detail=detail)
        tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(restate=True, next_on=AT_ONCE))
    seq = tx.journal(f"message_{state.value}", message=message_id, detail=detail)
    tx.execute(
        update(t.reminder)
        .where(t.reminder.c.message_id == message_id, t.reminder.c.state == ReminderState.LEAVING)
        .values(state=after, reason=reason, sent_on=None if after is ReminderState.PLANNED else row["day"])
    )
    tx.execute(delete(t.lease).where(t.lease.c.message_id == message_id))
    tx.execute(update(t.message).where(t.message.c.id == message_id).values(state=state, done_seq=seq, detail=detail))
    if state is MessageState.NOT_SENT:
        # A mail that surely did not leave may be planned again under the same id.
        tx.execute(delete(t.message).where(t.message.c.id == message_id))


def came_back(tx: Tx, message_id: str, reason: str) -> bool:
    """It left and reached nobody: its steps count as not delivered and wait. Returns whether that is news."""
    where = (t.message.c.id == message_id, t.message.c.state.in_((MessageState.SENT, MessageState.UNKNOWN)))
    if not tx.execute(update(t.message).where(*where).values(state=MessageState.CAME_BACK, detail=reason)).rowcount:
        return False
    tx.journal("message_came_back", message=message_id, detail=reason)
    left = (ReminderState.SENT, ReminderState.UNKNOWN)
    steps = (t.reminder.c.message_id == message_id, t.reminder.c.state.in_(left))
    for invoice_id, step in tx.execute(select(t.reminder.c.invoice_id, t.reminder.c.step).where(*steps)).all():
        tx.journal("reminder_held", invoice=invoice_id, message=message_id, step=step, reason=reason)
        tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(restate=True, next_on=AT_ONCE))
    tx.execute(update(t.reminder).where(*steps).values(state=ReminderState.HELD, reason=reason, sent_on=None))
    return True


def has_left(tx: Tx, message_id: str) -> bool:
    """Did this mail leave, or may it have, by its own channel or by the one that it fell back to?"""
    local, _, domain = message_id.rpartition("@")
    of = t.message.c.id
    instead = and_(of.startswith(local + INSTEAD, autoescape=True), of.endswith(f"@{domain}", autoescape=True))
    states = tx.execute(select(t.message.c.state).where(or_(of == message_id, instead))).scalars()
    return any(state in (MessageState.SENT, MessageState.UNKNOWN) for state in states)


def end_broken(tx: Tx, message_id: str) -> None:
    """A send that broke off without an answer: it may have left if it was marked as leaving, else not."""
    found = read_message(tx, message_id)
    if found and found[1] is MessageState.LEAVING:
        end_message(tx, message_id, MessageState.UNKNOWN, "the send broke off at the final dot")
    elif found and found[1] is MessageState.LEASED:
        end_message(tx, message_id, MessageState.NOT_SENT, "the send broke off before the final dot")


def bury(tx: Tx, owner: str) -> tuple[int, int]:
    """End what dead daemons left behind; called when the daemon's role was gained, which proves
    that they are dead, or can write no more.

    Returns (mails whose fate is unknown, mails that surely did not leave).
    """
    return _end_left_over(tx, t.message.c.owner != owner, t.match_pending.c.owner != owner)


def end_own(tx: Tx, owner: str, but: Collection[str] = ()) -> tuple[int, int]:
    """End what this daemon itself left open because the store took no write any more; called while it matches nothing.

    Else its leases would keep reminders and matches of these invoices waiting for as long as it lives. `but`: messages
    that are being sent right now, whose lease must hold until their sender is done.
    """
    messages = and_(t.message.c.owner == owner, t.message.c.id.not_in(list(but)))
    return _end_left_over(tx, messages, t.match_pending.c.owner == owner)


def _end_left_over(tx: Tx, messages: Any, pendings: Any) -> tuple[int, int]:
    open_ones = t.message.c.state.in_((MessageState.LEASED, MessageState.LEAVING))
    rows = tx.execute(select(t.message.c.id, t.message.c.state).where(messages, open_ones)).all()
    unknown = 0
    for message_id, state in rows:
        if state == MessageState.LEAVING:
            unknown += 1
            end_message(tx, message_id, MessageState.UNKNOWN, "it broke off at the final dot")
        else:
            end_message(tx, message_id, MessageState.NOT_SENT, "it broke off before the final dot")
    tx.execute(delete(t.match_pending).where(pendings))
    return unknown, len(rows) - unknown


# ---- what surrounds a decision ----


def pending(tx: Tx) -> set[str]:
    """Invoices for which a match is about to be committed."""
    return set(tx.execute(select(t.match_pending.c.invoice_id)).scalars())


def suggested(tx: Tx) -> set[str]:
    """Invoices that a match pays which waits for a person."""
    return set(tx.execute(select(t.suggestion.c.invoice_id)).scalars())


def heard_since(tx: Tx, day: date) -> dict[str, int]:
    """How many messages each recipient got since this day, or may have; addresses in lower case."""
    of = t.message.c
    query = select(of.recipient, func.count()).where(of.day >= day.isoformat(), of.recipient != "")
    return {recipient: count for recipient, count in tx.execute(query.group_by(of.recipient))}


def mailed_on(tx: Tx, day: date) -> set[str]:
    """Customers who got a mail this day, or may have."""
    return set(tx.execute(select(t.message.c.customer_id).where(t.message.c.day == day.isoformat())).scalars())
