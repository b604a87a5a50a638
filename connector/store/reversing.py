"""Reversals: payments that came back, and how far each has come of being taken back in the ERP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from connector.errors import InvariantBroken
from connector.money import Money
from connector.receivables import PaymentState
from connector.settlement import ReversalIntent
from connector.store import Tx, closing, parse_instant, writing
from connector.store import tables as t
from connector.store.book import from_json, to_json
from connector.store.closing import Act, ActState, digest
from connector.store.writing import WriteState, require_unchanged

# States of a payment whose money the bank took back.
CAME_BACK = (PaymentState.RETURNED, PaymentState.FAILED)


@dataclass(frozen=True, slots=True)
class Reversal:
    id: str
    payment_id: str
    state: WriteState
    intent: ReversalIntent
    attempts: int
    erp_id: str
    problem: str
    decided_at: datetime
    attempted_at: datetime | None = None  # when the last write of it was begun

    @property
    def invoice_ids(self) -> tuple[str, ...]:
        return tuple(invoice_id for invoice_id, _ in self.intent.applied)


def put_reversal(tx: Tx, intent: ReversalIntent) -> None:
    """Record what is to be taken back: the intent with its digest, in the caller's commit."""
    applied = Money.total((amount for _, amount in intent.applied), intent.amount.currency)
    if not intent.applied or applied > intent.amount:
        raise InvariantBroken(f"The reversal of {intent.payment_id} takes {applied} off, of {intent.amount}.")
    text = to_json(intent)
    tx.execute(
        insert(t.reversal).values(
            id=intent.act_id,
            payment_id=intent.payment_id,
            state=WriteState.INTENDED,
            intent=text,
            digest=digest(text),
            decided_at=tx.at_text,
        )
    )
    tx.journal("reversal_intended", act=intent.act_id, payment=intent.payment_id, amount=str(intent.amount))


def reversals(tx: Tx, states: Iterable[WriteState], act_id: str = "") -> tuple[Reversal, ...]:
    query = select(t.reversal).where(t.reversal.c.state.in_(list(states)))
    if act_id:
        query = query.where(t.reversal.c.id == act_id)
    ordered = query.order_by(t.reversal.c.decided_at, t.reversal.c.id)
    return tuple(_reversal(row) for row in tx.execute(ordered).mappings())


def latest(tx: Tx, payment_id: str) -> Reversal | None:
    """The reversal of this payment that was decided last."""
    of = t.reversal.c
    query = select(t.reversal).where(of.payment_id == payment_id).order_by(of.decided_at.desc(), of.id.desc())
    row = tx.execute(query.limit(1)).mappings().first()
    return _reversal(row) if row else None


def next_generation(tx: Tx, payment_id: str) -> int:
    """Each reversal of a payment has ids of its own, also after a refused one."""
    query = select(func.count()).where(t.reversal.c.payment_id == payment_id)
    return int(tx.execute(query).scalar_one()) + 1


def _reversal(row: Any) -> Reversal:
    require_unchanged("reversal", row)
    return Reversal(
        row["id"],
        row["payment_id"],
        WriteState(row["state"]),
        from_json(ReversalIntent, row["intent"]),
        row["attempts"],
        row["erp_id"],
        row["problem"],
        parse_instant(row["decided_at"]),
        parse_instant(row["attempted_at"]) if row["attempted_at"] else None,
    )


def move(tx: Tx, act_id: str, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False) -> None:
    writing.move(tx, t.reversal, act_id, state, problem=problem, erp_id=erp_id, attempt=attempt)
    payment_id = tx.execute(select(t.reversal.c.payment_id).where(t.reversal.c.id == act_id)).scalar_one()
    told = {"problem": problem} if problem else {}
    tx.journal(f"reversal_{state.value}", act=act_id, payment=payment_id, **told)


# ---- what is to be taken back ----


@dataclass(frozen=True, slots=True)
class Applied:
    """What closed acts of ours put into the ERP of one payment, the first one first; invoice id -> what counts."""

    acts: tuple[Act, ...]
    amounts: tuple[tuple[str, Money], ...]


def came_back(tx: Tx) -> tuple[str, ...]:
    """Payments that came back and still count as paying an invoice, by an act of ours."""
    of = t.allocation.c
    query = (
        select(of.payment_id)
        .join(t.payment, t.payment.c.id == of.payment_id)
        .where(t.payment.c.state.in_(CAME_BACK), of.state == "posted")
        .distinct()
    )
    return tuple(tx.execute(query.order_by(of.payment_id)).scalars())


def applied(tx: Tx, payment_id: str) -> Applied | None:
    """None while one of its acts is unfinished, or differs from what was meant: a person has that one."""
    of = t.allocation.c
    pays = (of.payment_id == payment_id, of.state.in_(("intended", "posted")))
    ids = tx.execute(select(of.act_id).where(*pays).distinct()).scalars().all()
    acts = closing.acts(tx, [ActState.CLOSED], ids)
    if len(acts) < len(ids):
        return None
    amounts = tx.execute(
        select(of.invoice_id, func.sum(of.amount), of.currency)
        .where(of.payment_id == payment_id, of.state == "posted")
        .group_by(of.invoice_id, of.currency)
        .order_by(of.invoice_id)
    )
    found = tuple((id, Money(int(minor), currency)) for id, minor, currency in amounts)
    return Applied(acts, found) if acts and found else None
