"""Payouts and their deposits: what the processor paid out, and how far each deposit has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, update

from connector.errors import InvariantBroken
from connector.money import Money
from connector.receivables import CloseIntent
from connector.settlement import BalanceTransaction, DepositIntent, Payout, PayoutState
from connector.store import Tx, instant, parse_instant, writing
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE, Change, from_json, to_json
from connector.store.closing import ActState, digest
from connector.store.writing import WriteState, require_unchanged

# Payouts about which something is still to be decided.
_OPEN = ("waiting", "held")
# Standings of a payout whose deposit stands in the ERP; a bounced one's still does, until a person voids it.
DEPOSITED = ("deposited", "adopted", "bounced")
# Standings of a payment whose money is in the ERP.
_IN_THE_ERP = ("matched", "adopted")
_WRITTEN = (ActState.WRITTEN, ActState.CONFIRMED, ActState.CLOSED)


@dataclass(frozen=True, slots=True)
class Deposit:
    id: str
    payout_id: str
    state: WriteState
    intent: DepositIntent
    attempts: int
    erp_id: str
    problem: str
    attempted_at: datetime | None = None  # when the last write of it was begun


# ---- the processor's side ----


def put_payout(tx: Tx, payout: Payout, requested_at: datetime, *, observed: bool) -> Change:
    """Take a payout as read, with its members; `observed`: from before the cutover, so it is never posted."""
    asked = instant(requested_at)
    row = tx.execute(select(t.payout).where(t.payout.c.id == payout.id)).mappings().first()
    if row is not None and row["requested_at"] > asked:
        return Change.OLDER
    put_movements(tx, payout.members, payout.id)
    values = {
        "currency": payout.amount.currency,
        "amount": payout.amount.minor,
        "state": payout.state,
        "arrives_on": payout.arrives_on.isoformat(),
        "facts": to_json(replace(payout, members=())),
        "requested_at": asked,
    }
    if row is None:
        standing = "observed" if observed else "waiting"
        tx.execute(insert(t.payout).values(id=payout.id, standing=standing, **values))
        tx.journal("payout_seen", payout=payout.id, amount=str(payout.amount), state=payout.state)
        return Change.NEW
    same = row["facts"] == values["facts"]
    tx.execute(update(t.payout).where(t.payout.c.id == payout.id).values(**values))
    if same:
        return Change.SAME
    tx.journal("payout_changed", payout=payout.id, state=payout.state)
    return Change.CHANGED


def put_movements(tx: Tx, movements: Iterable[BalanceTransaction], payout_id: str = "") -> None:
    """Take balance transactions as read. They never change; only the payout they are in becomes known later."""
    once = {movement.id: movement for movement in movements}
    known: dict[str, str] = {}
    ids = list(once)
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = t.movement.c.id.in_(ids[start : start + IDS_AT_ONCE])
        known |= dict(tx.execute(select(t.movement.c.id, t.movement.c.payout_id).where(some)).all())
    fresh = [_movement_values(one, payout_id) for id, one in once.items() if id not in known]
    if fresh:
        tx.execute(insert(t.movement), fresh)
    if payout_id:
        late = [id for id, belongs in known.items() if belongs != payout_id]
        for start in range(0, len(late), IDS_AT_ONCE):
            some = t.movement.c.id.in_(late[start : start + IDS_AT_ONCE])
            tx.execute(update(t.movement).where(some).values(payout_id=payout_id))


def _movement_values(movement: BalanceTransaction, payout_id: str) -> dict[str, Any]:
    return {
        "id": movement.id,
        "payout_id": payout_id,
        "payment_id": movement.payment_id,
        "currency": movement.net.currency,
        "category": movement.category,
        "net": movement.net.minor,
        "created_at": instant(movement.created_at),
        "facts": to_json(movement),
    }


def payouts(tx: Tx, standings: Sequence[str] = _OPEN) -> tuple[Payout, ...]:
    """Payouts in one of these standings with their members, in the order of their arrival."""
    rows = tx.execute(
        select(t.payout).where(t.payout.c.standing.in_(list(standings))).order_by(t.payout.c.arrives_on, t.payout.c.id)
    ).mappings()
    return tuple(replace(from_json(Payout, row["facts"]), members=members_of(tx, row["id"])) for row in rows.all())


def members_of(tx: Tx, payout_id: str) -> tuple[BalanceTransaction, ...]:
    rows = tx.execute(
        select(t.movement.c.facts)
        .where(t.movement.c.payout_id == payout_id)
        .order_by(t.movement.c.created_at, t.movement.c.id)
    ).scalars()
    return tuple(from_json(BalanceTransaction, facts) for facts in rows)


def movements(tx: Tx, currency: str) -> tuple[tuple[BalanceTransaction, str], ...]:
    """Every known movement of this currency with the payout it is in, oldest first."""
    rows = tx.execute(
        select(t.movement.c.facts, t.movement.c.payout_id)
        .where(t.movement.c.currency == currency)
        .order_by(t.movement.c.created_at, t.movement.c.id)
    )
    return tuple((from_json(BalanceTransaction, facts), payout_id) for facts, payout_id in rows)


def all_payouts(tx: Tx, currency: str) -> tuple[tuple[Payout, str], ...]:
    """Every payout of this currency without its members, and its standing."""
    rows = tx.execute(select(t.payout).where(t.payout.c.currency == currency).order_by(t.payout.c.id)).mappings()
    return tuple((from_json(Payout, row["facts"]), row["standing"]) for row in rows)


def payout_state(tx: Tx, payout_id: str) -> PayoutState:
    return PayoutState(tx.execute(select(t.payout.c.state).where(t.payout.c.id == payout_id)).scalar_one())


def standing(tx: Tx, payout_id: str) -> str:
    return str(tx.execute(select(t.payout.c.standing).where(t.payout.c.id == payout_id)).scalar_one())


def standings(tx: Tx) -> dict[str, str]:
    """Payout id -> standing, of all."""
    return dict(tx.execute(select(t.payout.c.id, t.payout.c.standing)).all())


def set_standing(tx: Tx, payout_id: str, standing: str) -> None:
    tx.execute(update(t.payout).where(t.payout.c.id == payout_id).values(standing=standing))


def generation(tx: Tx, payout_id: str) -> int:
    return int(tx.execute(select(t.payout.c.generation).where(t.payout.c.id == payout_id)).scalar_one())


def failed_after_deposit(tx: Tx) -> tuple[Payout, ...]:
    """Payouts that bounced although their deposit stands in the ERP."""
    rows = tx.execute(
        select(t.payout.c.facts).where(
            t.payout.c.standing.in_(("deposited", "adopted")),
            t.payout.c.state.in_((PayoutState.FAILED, PayoutState.CANCELED)),
        )
    ).scalars()
    return tuple(from_json(Payout, facts) for facts in rows)


# ---- the payments in the ERP ----


def payments_in_erp(tx: Tx, payment_ids: Sequence[str]) -> dict[str, tuple[str, Money]]:
    """Of these payments those that stand in the ERP: id -> the ERP's id, and the amount that stands there.

    Ours was posted less what had been given back before; what others posted is adopted only whole.
    """
    return {id: (erp_id, posted) for id, (erp_id, _, posted) in _in_the_erp(tx, payment_ids).items()}


def posted_amounts(tx: Tx, payment_ids: Sequence[str]) -> dict[str, tuple[Money, Money]]:
    """Of these payments those that stand in the ERP: id -> what was received, and what was posted of it."""
    return {id: (received, posted) for id, (_, received, posted) in _in_the_erp(tx, payment_ids).items()}


def _in_the_erp(tx: Tx, payment_ids: Sequence[str]) -> dict[str, tuple[str, Money, Money]]:
    found: dict[str, tuple[str, Money, Money]] = {}
    of = t.payment.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = payment_ids[start : start + IDS_AT_ONCE]
        rows = tx.execute(
            select(of.id, of.erp_id, of.amount, of.currency).where(
                of.id.in_(some),
                of.erp_id != "",
                # Posted with a rest that waits to be applied, it is there all the same.
                or_(of.standing.in_(_IN_THE_ERP), of.erp_id.in_(select(t.credit.c.id))),
            )
        )
        found |= {id: (erp_id, Money(amount, code), Money(amount, code)) for id, erp_id, amount, code in rows}
        ours = select(t.act.c.payment_id, t.act.c.intent).where(
            t.act.c.payment_id.in_(some), t.act.c.state.in_(_WRITTEN)
        )
        for id, intent in tx.execute(ours):
            posted = from_json(CloseIntent, intent).payment
            if id in found and not posted.erp_id:  # a later application posts no money
                erp_id, received, _ = found[id]
                found[id] = (erp_id, received, posted.amount)
    return found


def drawn_from(tx: Tx, payment_id: str) -> tuple[str, ...]:
    """Invoices that are paid by payments drawn from this money in the processor's cash balance."""
    drawn = select(t.payment.c.id).where(t.payment.c.facts.contains(f'"root_id":"{payment_id}"', autoescape=True))
    of = t.allocation.c
    pays = (of.payment_id.in_(drawn), of.state.in_(("intended", "posted")))
    return tuple(tx.execute(select(of.invoice_id).where(*pays).distinct().order_by(of.invoice_id)).scalars())


def root_state(tx: Tx, root_id: str) -> str:
    """The state of money in the processor's cash balance; '' where it was never seen."""
    return tx.execute(select(t.payment.c.state).where(t.payment.c.id == root_id)).scalar() or ""


# ---- deposits ----


def deposit_of(tx: Tx, payout_id: str) -> Deposit | None:
    """The deposit of ours that stands for this payout; None where it is somebody else's."""
    where = (t.deposit.c.payout_id == payout_id, t.deposit.c.state == WriteState.CLOSED)
    row = tx.execute(select(t.deposit).where(*where).order_by(t.deposit.c.decided_at.desc())).mappings().first()
    return _deposit(row) if row else None


def put_deposit(tx: Tx, intent: DepositIntent) -> None:
    """Record the deposit of a payout: the intent with its digest, in the caller's commit."""
    total = Money.total((amount for _, amount in intent.payments), intent.amount.currency)
    total += Money.total((line.amount for line in intent.lines), intent.amount.currency)
    if total != intent.amount:
        raise InvariantBroken(f"The deposit of payout {intent.payout_id} adds up to {total}, not {intent.amount}.")
    text = to_json(intent)
    tx.execute(
        insert(t.deposit).values(
            id=intent.act_id,
            payout_id=intent.payout_id,
            state=WriteState.INTENDED,
            intent=text,
            digest=digest(text),
            decided_at=tx.at_text,
        )
    )
    set_standing(tx, intent.payout_id, "depositing")
    tx.journal("deposit_intended", act=intent.act_id, payout=intent.payout_id, amount=str(intent.amount))


def deposits(tx: Tx, states: Iterable[WriteState], act_id: str = "") -> tuple[Deposit, ...]:
    query = select(t.deposit).where(t.deposit.c.state.in_(list(states)))
    if act_id:
        query = query.where(t.deposit.c.id == act_id)
    return tuple(_deposit(row) for row in tx.execute(query.order_by(t.deposit.c.decided_at, t.deposit.c.id)).mappings())


def _deposit(row: Any) -> Deposit:
    require_unchanged("deposit", row)
    return Deposit(
        row["id"],
        row["payout_id"],
        WriteState(row["state"]),
        from_json(DepositIntent, row["intent"]),
        row["attempts"],
        row["erp_id"],
        row["problem"],
        parse_instant(row["attempted_at"]) if row["attempted_at"] else None,
    )


def move(tx: Tx, act_id: str, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False) -> None:
    writing.move(tx, t.deposit, act_id, state, problem=problem, erp_id=erp_id, attempt=attempt)
    tx.journal(f"deposit_{state.value}", act=act_id, **({"problem": problem} if problem else {}))


def refused(tx: Tx, payout_id: str) -> None:
    """The ERP refused: the payout is free again, under a new generation, so that a later deposit has its own id."""
    tx.execute(
        update(t.payout)
        .where(t.payout.c.id == payout_id)
        .values(standing="refused", generation=t.payout.c.generation + 1)
    )


def withdraw(tx: Tx, deposit: Deposit, why: str) -> None:
    """It isn't written any more: the payout is decided anew, under a new generation."""
    move(tx, deposit.id, WriteState.WITHDRAWN, problem=why)
    tx.execute(
        update(t.payout)
        .where(t.payout.c.id == deposit.payout_id)
        .values(standing="waiting", generation=t.payout.c.generation + 1)
    )


def retry_refused(tx: Tx) -> None:
    tx.execute(update(t.payout).where(t.payout.c.standing == "refused").values(standing="waiting"))


# ---- the daily clearing proof ----


def put_proof(tx: Tx, day: date, currency: str, unexplained: Money, text: str) -> None:
    """The proof of one day and currency; a later one of the same day replaces it."""
    where = (t.proof.c.day == day.isoformat(), t.proof.c.currency == currency)
    values = {"unexplained": unexplained.minor, "facts": text}
    if not tx.execute(update(t.proof).where(*where).values(**values)).rowcount:
        tx.execute(insert(t.proof).values(day=day.isoformat(), currency=currency, **values))


def proofs(tx: Tx, day: date | None = None) -> tuple[tuple[date, str, str], ...]:
    """(day, currency, proof as JSON): of this day, or the latest of each currency."""
    query = select(t.proof.c.day, t.proof.c.currency, t.proof.c.facts).order_by(t.proof.c.currency)
    if day is not None:
        query = query.where(t.proof.c.day == day.isoformat())
    else:
        last = select(func.max(t.proof.c.day)).scalar_subquery()
        query = query.where(t.proof.c.day == last)
    return tuple((date.fromisoformat(on), currency, text) for on, currency, text in tx.execute(query))


def first_proof(tx: Tx, currency: str) -> str:
    """The opening proof of a currency; '' if there is none yet."""
    query = select(t.proof.c.facts).where(t.proof.c.currency == currency).order_by(t.proof.c.day).limit(1)
    return str(tx.execute(query).scalar() or "")
