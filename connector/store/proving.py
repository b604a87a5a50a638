"""What the store knows of a day's money, for the daily proof; and the proofs themselves as they were last made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update

from connector.decisions.clearing import ClearingProof
from connector.decisions.three_way import DayVerdict, ProofOutcome, UnfinishedAct
from connector.money import Money
from connector.receivables import CloseIntent, PaymentState
from connector.settlement import BalanceTransaction, Category
from connector.store import Tx, closing, instant, parse_instant, settling, writing
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE, from_json, to_json
from connector.store.credits import ENTERED

# Money that never was ours, or isn't yet.
_NOT_RECEIVED = (PaymentState.PROCESSING, PaymentState.FUNDED, PaymentState.FAILED)


# ---- a day's money by our journal ----


@dataclass(frozen=True, slots=True)
class Receipt:
    """One payment by our journal. `exceptions`: kinds that wait for a person, the first first. `entity`: of its act."""

    id: str
    source: str
    customer_id: str
    amount: Money
    refunded: Money
    state: str
    standing: str
    received_on: date
    erp_id: str
    entity: str
    exceptions: tuple[str, ...]


def receipts(tx: Tx, first_on: date, last_on: date) -> tuple[Receipt, ...]:
    """What came in between two days, that which came back since included; not what people entered in the ERP alone."""
    of = t.payment.c
    rows = tx.execute(
        select(t.payment)
        .where(
            of.received_on >= first_on.isoformat(),
            of.received_on <= last_on.isoformat(),
            of.source != ENTERED,
            or_(of.state.not_in(_NOT_RECEIVED), and_(of.state == PaymentState.FAILED, of.erp_id != "")),
        )
        .order_by(of.received_at, of.id)
    ).mappings()
    found = tuple(rows)
    ids = [row["id"] for row in found]
    waits, entities = _exceptions_of(tx, ids), _entities_of(tx, ids)
    return tuple(
        Receipt(
            row["id"],
            row["source"],
            row["customer_id"],
            Money(row["amount"], row["currency"]),
            Money(row["refunded"], row["currency"]),
            row["state"],
            row["standing"],
            date.fromisoformat(row["received_on"]),
            row["erp_id"],
            entities.get(row["id"], ""),
            tuple(waits.get(row["id"], ())),
        )
        for row in found
    )


def _exceptions_of(tx: Tx, payment_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    of = t.exception.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        rows = tx.execute(
            select(of.payment_id, of.kind).where(some, of.closed_at.is_(None)).order_by(of.opened_at, of.id)
        )
        for payment_id, kind in rows:
            found.setdefault(payment_id, []).append(kind)
    return found


def _entities_of(tx: Tx, payment_ids: Sequence[str]) -> dict[str, str]:
    """Payment id -> the subsidiary for which it was posted by us."""
    found: dict[str, str] = {}
    of = t.act.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        rows = tx.execute(select(of.payment_id, of.intent).where(some).order_by(of.matched_seq.desc()))
        for payment_id, intent in rows:
            found[payment_id] = from_json(CloseIntent, intent).payment.subsidiary
    return found


def known_payments(tx: Tx, payment_ids: Sequence[str]) -> dict[str, Money]:
    """Of these payments those that we know, received on whatever day: id -> what was received."""
    of, found = t.payment.c, dict[str, Money]()
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.id.in_(payment_ids[start : start + IDS_AT_ONCE])
        rows = tx.execute(select(of.id, of.amount, of.currency).where(some))
        found |= {id: Money(minor, code) for id, minor, code in rows}
    return found


def not_understood(tx: Tx) -> dict[str, str]:
    """Record -> why it was not understood, of everything that is parked now."""
    return dict(tx.execute(select(t.parked.c.record, t.parked.c.reason)).all())


def charges_of(tx: Tx, payment_ids: Sequence[str]) -> dict[str, BalanceTransaction]:
    """Payment id -> the movement by which the processor took it in, as we have read it."""
    of, found = t.movement.c, dict[str, BalanceTransaction]()
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        rows = tx.execute(select(of.payment_id, of.facts).where(some, of.category == Category.CHARGE))
        found |= {payment_id: from_json(BalanceTransaction, facts) for payment_id, facts in rows}
    return found


@dataclass(frozen=True, slots=True)
class PaidOut:
    """One payout by our journal. `deposited`: what our own deposit of it says; None where there is none of ours."""

    id: str
    amount: Money
    standing: str
    deposited: Money | None


def paid_out(tx: Tx, first_on: date, last_on: date) -> tuple[PaidOut, ...]:
    """Payouts that reach our bank between two days."""
    of = t.payout.c
    where = (of.arrives_on >= first_on.isoformat(), of.arrives_on <= last_on.isoformat())
    rows = tx.execute(select(t.payout).where(*where).order_by(of.arrives_on, of.id)).mappings()
    found = []
    for row in rows.all():
        ours = settling.deposit_of(tx, row["id"])
        amount = Money(row["amount"], row["currency"])
        found.append(PaidOut(row["id"], amount, row["standing"], ours.intent.amount if ours else None))
    return tuple(found)


def known_payouts(tx: Tx) -> set[str]:
    return set(tx.execute(select(t.payout.c.id)).scalars())


def unfinished(tx: Tx, until: datetime) -> tuple[UnfinishedAct, ...]:
    """Every posting, deposit and reversal that was decided before this instant and isn't over."""
    a, d, r, limit = t.act.c, t.deposit.c, t.reversal.c, instant(until)
    queries = (
        ("posting", select(a.id, a.state, a.payment_id).where(a.state.in_(closing.UNFINISHED), a.matched_at < limit)),
        ("deposit", select(d.id, d.state, d.payout_id).where(d.state.in_(writing.UNFINISHED), d.decided_at < limit)),
        (
            "reversal",
            select(r.id, r.state, r.payment_id).where(r.state.in_(writing.UNFINISHED), r.decided_at < limit),
        ),
    )
    return tuple(
        UnfinishedAct(id, kind, str(state), about)
        for kind, query in queries
        for id, state, about in sorted(tx.execute(query).all())
    )


@dataclass(frozen=True, slots=True)
class ClearingMade:
    """The latest clearing proof and its day. `arose`: by how much what is unexplained changed in the time asked about.

    What differs in the opening one is signed off with the opening tie-out: there `is_opening`, and nothing arose.
    """

    on: date
    proof: ClearingProof
    is_opening: bool
    arose: Money


def clearing_since(tx: Tx, first_on: date, last_on: date) -> dict[str, ClearingMade]:
    """Currency -> its latest clearing proof, if one was made after the last of these days."""
    p = t.proof.c
    days = select(p.currency, func.max(p.day).label("last"), func.min(p.day).label("first")).group_by(p.currency)
    known = days.subquery()
    latest = select(p.currency, p.day, p.facts, known.c.first).join(
        known, and_(known.c.currency == p.currency, known.c.last == p.day)
    )
    found = {}
    for code, on, facts, first in tx.execute(latest.where(p.day > last_on.isoformat())).all():
        before = _unexplained(tx, code, first, p.day <= first_on.isoformat(), p.day.desc())
        after = _unexplained(tx, code, first, p.day > last_on.isoformat(), p.day)
        proof = from_json(ClearingProof, facts)
        found[code] = ClearingMade(date.fromisoformat(on), proof, on == first, Money(after - before, code))
    return found


def _unexplained(tx: Tx, currency: str, opening_on: str, when: Any, nearest: Any) -> int:
    """What was unexplained in the nearest proof; of the opening one, and where there is none, nothing."""
    p = t.proof.c
    query = select(p.day, p.unexplained).where(p.currency == currency, when).order_by(nearest).limit(1)
    row = tx.execute(query).first()
    return 0 if row is None or row[0] == opening_on else int(row[1])


# ---- the proofs ----


@dataclass(frozen=True, slots=True)
class KeptProof:
    """`written_at`: when the ERP took it; None: it doesn't show this one yet."""

    verdict: DayVerdict
    made_at: datetime
    written_at: datetime | None


def put(tx: Tx, verdict: DayVerdict) -> bool:
    """Keep the proof of its day; returns whether it says anything else than the one before."""
    where = t.day_proof.c.day == verdict.day.isoformat()
    before = tx.execute(select(t.day_proof.c.facts).where(where)).scalar()
    values = {"outcome": verdict.outcome.value, "facts": to_json(verdict), "made_at": tx.at_text}
    if before is None:
        tx.execute(insert(t.day_proof).values(day=verdict.day.isoformat(), **values))
        return True
    if before == values["facts"]:
        tx.execute(update(t.day_proof).where(where).values(made_at=tx.at_text))
        return False
    tx.execute(update(t.day_proof).where(where).values(written_at=None, **values))
    return True


def kept(tx: Tx, first_on: date, last_on: date) -> tuple[KeptProof, ...]:
    """The proofs of these days that were made, the oldest first."""
    of = t.day_proof.c
    where = (of.day >= first_on.isoformat(), of.day <= last_on.isoformat())
    return tuple(_kept(row) for row in tx.execute(select(t.day_proof).where(*where).order_by(of.day)).mappings())


def standings(tx: Tx, since: date) -> dict[date, tuple[ProofOutcome, datetime]]:
    """Day -> what its proof came to, and when it was last made."""
    of = t.day_proof.c
    rows = tx.execute(select(of.day, of.outcome, of.made_at).where(of.day >= since.isoformat()))
    return {date.fromisoformat(day): (ProofOutcome(outcome), parse_instant(at)) for day, outcome, at in rows}


def to_write(tx: Tx, most: int) -> tuple[KeptProof, ...]:
    """Proofs that the ERP doesn't show yet, the oldest first."""
    of = t.day_proof.c
    query = select(t.day_proof).where(of.written_at.is_(None)).order_by(of.day).limit(most)
    return tuple(_kept(row) for row in tx.execute(query).mappings())


def mark_written(tx: Tx, day: date, made_at: datetime) -> None:
    """The ERP shows this one; nothing if it was made anew meanwhile."""
    of = t.day_proof.c
    where = (of.day == day.isoformat(), of.made_at == instant(made_at))
    tx.execute(update(t.day_proof).where(*where).values(written_at=tx.at_text))


def _kept(row: Any) -> KeptProof:
    written = parse_instant(row["written_at"]) if row["written_at"] else None
    return KeptProof(from_json(DayVerdict, row["facts"]), parse_instant(row["made_at"]), written)
