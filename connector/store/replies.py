"""Answers to our messages: whose they are, what was made of each, and which wait for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select

from connector.money import Money
from connector.ports import ReminderMail
from connector.receivables import InvoiceStatus
from connector.store import Tx, instant
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE, from_json
from connector.store.gate import MessageState

# A message that surely didn't leave can't be answered.
_LEFT = (MessageState.SENT, MessageState.UNKNOWN, MessageState.LEAVING, MessageState.CAME_BACK)
# Money of a family that pays nothing yet.
_WAITING = ("waiting", "suggested", "exception", "refused")


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our messages, as it left."""

    id: str
    customer_id: str
    day: date
    mail: ReminderMail


def ours(tx: Tx, message_ids: Iterable[str]) -> dict[str, Ours]:
    """Those of these ids that are messages of ours."""
    wanted = sorted(set(message_ids))
    found: dict[str, Ours] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        some = t.message.c.id.in_(wanted[start : start + IDS_AT_ONCE])
        rows = tx.execute(select(t.message).where(some, t.message.c.state.in_(_LEFT))).mappings()
        found |= {row["id"]: _ours(row) for row in rows}
    return found


def last_to(tx: Tx, recipient: str, since: date) -> Ours | None:
    """The last message that went to this address, if there was one since this day."""
    of = t.message.c
    where = (of.recipient == recipient.casefold(), of.day >= since.isoformat(), of.state.in_(_LEFT))
    row = tx.execute(select(t.message).where(*where).order_by(of.day.desc(), of.id.desc()).limit(1)).mappings().first()
    return _ours(row) if row else None


def _ours(row: Any) -> Ours:
    return Ours(row["id"], row["customer_id"], date.fromisoformat(row["day"]), from_json(ReminderMail, row["mail"]))


def taken(tx: Tx, reply_ids: Sequence[str]) -> set[str]:
    """Those of these answers that were taken already."""
    found: set[str] = set()
    for start in range(0, len(reply_ids), IDS_AT_ONCE):
        some = t.reply.c.id.in_(reply_ids[start : start + IDS_AT_ONCE])
        found |= set(tx.execute(select(t.reply.c.id).where(some)).scalars())
    return found


def take(tx: Tx, reply_id: str, about: Ours, kind: str, reason: str, received_at: datetime) -> None:
    """Remember that this answer was taken, and as what; nothing of its words."""
    values = {"message_id": about.id, "customer_id": about.customer_id, "kind": kind}
    times = {"received_at": instant(received_at), "taken_at": tx.at_text}
    tx.execute(insert(t.reply).values(id=reply_id, **values, **times))
    invoice_ids: list[str | None] = [row["id"] for row in invoices_about(tx, about)]
    for invoice_id in invoice_ids or [None]:
        tx.journal("reply_taken", invoice=invoice_id, message=about.id, kind=kind, reason=reason)


def invoices_about(tx: Tx, about: Ours) -> tuple[Any, ...]:
    """The invoices that this message was about, as they are now, paid ones too."""
    numbers = [item.number for item in about.mail.items]
    of = t.invoice.c
    where = (of.customer_id == about.customer_id, of.number.in_(numbers))
    return tuple(tx.execute(select(t.invoice).where(*where).order_by(of.id)).mappings())


def customer_named(tx: Tx, text: str) -> str | None:
    """The id of the customer with this id or, without regard to case, just this name; None unless it is one."""
    wanted = text.strip().casefold()
    known = tx.execute(select(t.customer.c.id, t.customer.c.name)).all()
    by_id = [id for id, _ in known if id == text.strip()]
    found = by_id or [id for id, name in known if name.strip().casefold() == wanted]
    return str(found[0]) if len(found) == 1 else None


def forget_parked(tx: Tx, source: str, before: datetime) -> None:
    """What was parked so long ago has been shown long enough."""
    of = t.parked.c
    tx.execute(delete(t.parked).where(of.source == source, of.since < instant(before)))


def still_open(tx: Tx, exception_id: str) -> list[str]:
    """The invoices of this exception on which something is owed."""
    of = t.exception_invoice.c
    query = select(of.invoice_id).join(t.invoice, t.invoice.c.id == of.invoice_id)
    where = (of.exception_id == exception_id, t.invoice.c.status == InvoiceStatus.OPEN)
    return list(tx.execute(query.where(*where).order_by(of.invoice_id)).scalars())


def waiting_money(tx: Tx, family: str) -> tuple[tuple[str, Money, str], ...]:
    """What came from this family and pays nothing yet: id, what of it is left, the day it was received."""
    of = t.payment.c
    where = (of.family == family, of.standing.in_(_WAITING), of.state != "failed")
    rows = tx.execute(select(t.payment).where(*where).order_by(of.received_on.desc(), of.id)).mappings()
    found = []
    for row in rows:
        left = row["amount"] - row["refunded"] - row["allocated"] - row["elsewhere"]
        if left > 0:
            found.append((row["id"], Money(left, row["currency"]), row["received_on"]))
    return tuple(found)
