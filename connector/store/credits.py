"""What the ERP holds in a customer's favour: credit memos, and payments of which something is not applied yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import func, or_, select, update

from connector.money import Money
from connector.receivables import CreditKind, CreditMemo, Payment, PaymentState, Remittance
from connector.store import Tx
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE, LEFT, OWN_CREDIT, UNMATCHED, from_json, put_payment
from connector.store.closing import UNFINISHED

# The source of payments that people entered in the ERP.
ENTERED = "erp"

# At noon of its day, in any zone that a ledger is likely to be in.
_NOON = time(12, tzinfo=UTC)


def open_memos(tx: Tx, members: Iterable[str]) -> tuple[CreditMemo, ...]:
    """Open credit memos of these customers, less what unfinished acts of ours use of them, by id."""
    where = (t.credit.c.kind == CreditKind.CREDIT_MEMO, t.credit.c.open_amount > t.credit.c.allocated)
    query = select(t.credit).where(*where, t.credit.c.facts != "", t.credit.c.customer_id.in_(sorted(members)))
    return tuple(_credit_of(row) for row in tx.execute(query.order_by(t.credit.c.id)).mappings())


def credits_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, CreditMemo]:
    """These credits with what is left of them; one that is used up is not there."""
    wanted = sorted(set(ids))
    found: dict[str, CreditMemo] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        query = select(t.credit).where(t.credit.c.id.in_(wanted[start : start + IDS_AT_ONCE]), t.credit.c.facts != "")
        found |= {row["id"]: _credit_of(row) for row in tx.execute(query).mappings()}
    return found


def _credit_of(row: Any) -> CreditMemo:
    left = Money(row["open_amount"] - row["allocated"], row["currency"])
    return replace(from_json(CreditMemo, row["facts"]), open_amount=left)


def memo_marks(tx: Tx) -> dict[str, tuple[int, int]]:
    """Family -> a mark that moves whenever something about its open memos does."""
    family = func.coalesce(t.customer.c.family, t.credit.c.customer_id)
    rows = tx.execute(
        select(family, func.count(), func.sum(t.credit.c.open_amount - t.credit.c.allocated))
        .select_from(t.credit.outerjoin(t.customer, t.customer.c.id == t.credit.c.customer_id))
        .where(t.credit.c.kind == CreditKind.CREDIT_MEMO)
        .group_by(family)
    )
    return {one: (int(count), int(left)) for one, count, left in rows}


def unapplied_payments(tx: Tx) -> tuple[CreditMemo, ...]:
    """Payments in the ERP that the ERP itself showed with an open rest, by id."""
    own = t.credit.c.id.startswith(OWN_CREDIT)
    where = (t.credit.c.kind == CreditKind.UNAPPLIED_PAYMENT, t.credit.c.facts != "", ~own)
    return tuple(
        _credit_of(row) for row in tx.execute(select(t.credit).where(*where).order_by(t.credit.c.id)).mappings()
    )


def take_unapplied(tx: Tx, credit: CreditMemo, today: date, *, others_too: bool) -> None:
    """A payment in the ERP with an open rest waits to be applied.

    One that we posted waits again under its own id. One that somebody else made does only if `others_too` (RULES 1.9):
    under the id of the money that it is, where we know that, else as a payment of its own. Nothing is taken while an
    act of ours on it is unfinished, nor where more is open than our own records leave: what was undone there is a
    difference, shown elsewhere.
    """
    of = t.payment.c
    row = tx.execute(select(t.payment).where(of.erp_id == credit.id).order_by(of.id)).mappings().first()
    if row is None:
        if others_too:
            _take_entered(tx, credit, today)
        return
    states = set(tx.execute(select(t.act.c.state).where(t.act.c.payment_id == row["id"])).scalars())
    if (not states and not others_too) or states & set(UNFINISHED) or row["state"] != PaymentState.SUCCEEDED:
        return
    amount = row["amount"]
    elsewhere = amount - row["refunded"] - row["allocated"] - credit.open_amount.minor
    if elsewhere < 0 and row["source"] == ENTERED:
        amount, elsewhere = (
            amount - elsewhere,
            0,
        )  # a person took an application back: it is as if more had been entered
    if elsewhere < 0 or row["currency"] != credit.open_amount.currency:
        return
    standing = row["standing"] if row["standing"] in UNMATCHED else "waiting"
    if (amount, elsewhere, standing) != (row["amount"], row["elsewhere"], row["standing"]):
        values = {"amount": amount, "elsewhere": elsewhere, "standing": standing}
        tx.execute(update(t.payment).where(of.id == row["id"]).values(**values))


def _take_entered(tx: Tx, credit: CreditMemo, today: date) -> None:
    """What a person entered in the ERP: what it says of itself is its remittance."""
    received_on = credit.received_on or today
    payment = Payment(
        id=f"erp-{credit.id}",
        amount=credit.open_amount,
        state=PaymentState.SUCCEEDED,
        received_at=datetime.combine(received_on, _NOON),
        received_on=received_on,
        customer_id=credit.customer_id,
        remittance=Remittance(text=credit.memo),
        source=ENTERED,
    )
    put_payment(tx, payment, tx.at, observed=False)
    tx.execute(update(t.payment).where(t.payment.c.id == payment.id).values(erp_id=credit.id))


def forget_used_up(tx: Tx) -> tuple[str, ...]:
    """Payments that waited with a rest in the ERP, where nothing of it is left: returns their ids.

    Only where the ERP surely holds the rest: entered there, or posted by us. What somebody else posted for a payment of
    ours is looked up in the ERP instead, since it may have been voided.
    """
    of = t.payment.c
    gone = select(of.id).where(
        of.standing.in_(UNMATCHED),
        LEFT > 0,
        of.erp_id != "",
        or_(of.source == ENTERED, of.allocated > 0),
        of.erp_id.not_in(select(t.credit.c.id)),
    )
    ids = tuple(tx.execute(gone.order_by(of.id)).scalars())
    used = {"elsewhere": of.elsewhere + LEFT, "standing": "matched"}
    for start in range(0, len(ids), IDS_AT_ONCE):
        tx.execute(update(t.payment).where(of.id.in_(ids[start : start + IDS_AT_ONCE])).values(**used))
    return ids


def posted_by_us(tx: Tx, payment_ids: Sequence[str]) -> set[str]:
    """Of these payments those that an act of ours put into the ERP."""
    found: set[str] = set()
    of = t.act.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        found |= set(tx.execute(select(of.payment_id).where(some, of.erp_id != "")).scalars())
    return found


def paid_by(tx: Tx, payment_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Payment id -> the invoices that it pays already, posted or about to be."""
    found: dict[str, set[str]] = {}
    of = t.allocation.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        query = select(of.payment_id, of.invoice_id).where(some, of.state.in_(("intended", "posted")))
        for payment_id, invoice_id in tx.execute(query):
            found.setdefault(payment_id, set()).add(invoice_id)
    return {payment_id: frozenset(ids) for payment_id, ids in found.items()}
