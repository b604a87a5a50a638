"""What a rehearsal on a copy of the store needs: time that goes on, and mails that count as sent without being sent.

Only ever called on a copy; the store that a daemon works on never hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select, update

from connector.ports import ReminderMail
from connector.store import Tx, gate, instant, parse_instant
from connector.store import tables as t
from connector.store.gate import Claim, MessageState

_A_MINUTE = timedelta(minutes=1)


def pass_time(tx: Tx, by: timedelta, on: date) -> None:
    """Every source stays as fresh as it is now, and there was no outage until this day."""
    rows = tx.execute(select(t.source.c.name, t.source.c.fresh_as_of).where(t.source.c.fresh_as_of.is_not(None))).all()
    for name, fresh_as_of in rows:
        then = instant(parse_instant(fresh_as_of) + by)
        tx.execute(update(t.source).where(t.source.c.name == name).values(fresh_as_of=then))
    tx.set("last_able_on", on.isoformat())


def count_as_sent(tx: Tx, mail: ReminderMail, customer_id: str, claims: Sequence[Claim], at: datetime) -> str:
    """Take a mail through the gate as if it had left; returns why it could not, '' if it did."""
    owner = "rehearsal"
    if refused := gate.take_leases(tx, mail, customer_id, claims, owner, at + _A_MINUTE):
        return refused
    if not gate.mark_leaving(tx, mail.message_id, owner, at):
        return "it was called off"
    gate.end_message(tx, mail.message_id, MessageState.SENT)
    return ""


def customer_reached_by(tx: Tx, address: str) -> str:
    """A customer that the ERP reaches by this address, by whatever field; '' if there is none."""
    wanted = address.strip().lower()
    of = t.customer.c
    reached = or_(func.lower(of.email) == wanted, func.lower(of.facts).contains(f'"{wanted}"', autoescape=True))
    return str(tx.execute(select(of.id).where(reached).order_by(of.id).limit(1)).scalar() or "")
