"""What was learned: how often each class of evidence was right, which are demoted, and what people taught of payers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import eq
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, case, delete, func, insert, select, update

from connector.decisions import payer
from connector.decisions.confidence import Tally
from connector.decisions.payer import Alias, AliasKind, Directory
from connector.policy import PROOFS
from connector.receivables import Customer, Rung
from connector.store import Tx, parse_instant
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE

# Where evidence comes from.
HISTORY = "history"  # what people did before, replayed
POSTING = "posting"  # what became of what we posted
PERSON = "person"  # what a person posted or answered while a suggestion stood

_KEY_CHARACTERS_MAX = 200


class Outcome(StrEnum):
    """Was a class right about one payment?"""

    RIGHT = "right"
    WRONG = "wrong"
    UNJUDGED = "unjudged"  # people did something else, and nobody has said yet who was right


# ---- how often each class was right ----


@dataclass(frozen=True, slots=True)
class Evidence:
    """One case of one class. `who` judged it; '' where it was counted."""

    subject: str  # a payment: the source's id of it, or in replayed history the ERP's
    source: str
    rung: Rung
    outcome: Outcome
    detail: str
    who: str = ""
    at: datetime | None = None


def put_evidence(tx: Tx, subject: str, source: str, rung: Rung, outcome: str, detail: str, who: str = "") -> None:
    """Count one case; a later word of the same source about the same payment replaces the earlier.

    A new wrong one demotes its class at once. A proof is demoted only by a person who judged it (`who`): that somebody
    took a posting back doesn't say yet that what the payer or Stripe named was wrong.
    """
    where = (t.evidence.c.subject == subject, t.evidence.c.source == source)
    of = t.evidence.c
    before = tx.execute(select(of.rung, of.outcome, of.detail, of.who).where(*where)).first()
    counted = {"rung": rung.value, "outcome": Outcome(outcome).value, "detail": detail, "who": who}
    if before is None:
        tx.execute(insert(t.evidence).values(subject=subject, source=source, at=tx.at_text, **counted))
    elif tuple(before) != tuple(counted.values()):
        tx.execute(update(t.evidence).where(*where).values(at=tx.at_text, **counted))
    is_new = before is None or tuple(before[:2]) != (rung.value, outcome)
    if is_new and outcome == Outcome.WRONG and rung is not Rung.BY_PERSON and (who or rung not in PROOFS):
        demote(tx, rung, f"payment {subject}: {detail}")


def tallies(tx: Tx) -> dict[Rung, Tally]:
    """Class -> how often it was right. A payment of which several sources speak counts once, by the worst of them."""
    of = t.evidence.c
    badness = case((of.outcome == Outcome.WRONG, 2), (of.outcome == Outcome.UNJUDGED, 1), else_=0)
    worst = select(of.rung, func.max(badness).label("worst")).group_by(of.rung, of.subject).subquery()
    found: dict[Rung, list[int]] = {}
    for rung, bad, count in tx.execute(
        select(worst.c.rung, worst.c.worst, func.count()).group_by(worst.c.rung, worst.c.worst)
    ):
        if rung in _RUNGS:
            found.setdefault(Rung(rung), [0, 0, 0])[bad] = int(count)
    return {rung: Tally(right, wrong, unjudged) for rung, (right, unjudged, wrong) in found.items()}


# Another release may have known other classes.
_RUNGS = frozenset(rung.value for rung in Rung)


@dataclass(frozen=True, slots=True)
class Demotion:
    reason: str
    at: datetime


def demoted(tx: Tx) -> dict[Rung, Demotion]:
    """The classes that post nothing until a person lifts it."""
    rows = tx.execute(select(t.demotion)).mappings()
    return {Rung(r["rung"]): Demotion(r["reason"], parse_instant(r["at"])) for r in rows if r["rung"] in _RUNGS}


def demotions(tx: Tx) -> dict[Rung, str]:
    """Demoted class -> why."""
    return {rung: one.reason for rung, one in demoted(tx).items()}


def demote(tx: Tx, rung: Rung, reason: str) -> None:
    """From this commit on the class posts nothing by itself; an older reason stays."""
    if tx.execute(select(t.demotion.c.rung).where(t.demotion.c.rung == rung.value)).first():
        return
    tx.execute(insert(t.demotion).values(rung=rung.value, reason=reason, at=tx.at_text))
    tx.journal("class_demoted", rung=rung.value, reason=reason)


def lift(tx: Tx, rung: Rung, who: str, reason: str) -> bool:
    """A person lets the class post again, if its measure allows it; what was wrong stays counted. False: it wasn't."""
    lifted = tx.execute(delete(t.demotion).where(t.demotion.c.rung == rung.value)).rowcount
    if lifted:
        tx.journal("class_lifted", rung=rung.value, who=who, reason=reason)
    return bool(lifted)


# ---- replayed history ----


def put_history(tx: Tx, found: Sequence[Evidence], same: Callable[[str, str], bool] = eq) -> None:
    """Take some payments of a replay as found. A judgement stays while `same` finds in its detail what is found now."""
    known = history(tx, [one.subject for one in found])
    for one in found:
        before = known.get(one.subject)
        if before is None:
            counted = {"rung": one.rung.value, "outcome": one.outcome.value, "detail": one.detail}
            tx.execute(insert(t.evidence).values(subject=one.subject, source=HISTORY, at=tx.at_text, **counted))
        elif before.who and same(before.detail, one.detail):
            _judged_of(tx, before, one.rung)
        elif (before.rung, before.outcome, before.detail, before.who) != (one.rung, one.outcome, one.detail, ""):
            where = (t.evidence.c.subject == one.subject, t.evidence.c.source == HISTORY)
            counted = {"rung": one.rung.value, "outcome": one.outcome.value, "detail": one.detail, "who": ""}
            tx.execute(update(t.evidence).where(*where).values(at=tx.at_text, **counted))


def _judged_of(tx: Tx, judged: Evidence, rung: Rung) -> None:
    """What a person judged is now said by this class: the judgement goes with it."""
    if judged.rung is rung:
        return
    where = (t.evidence.c.subject == judged.subject, t.evidence.c.source == HISTORY)
    tx.execute(update(t.evidence).where(*where).values(rung=rung.value))
    if judged.outcome is Outcome.WRONG:
        demote(tx, rung, f"{judged.who} judged ERP payment {judged.subject} of the same split")


def forget_history(tx: Tx, kept: Iterable[str]) -> None:
    """A replay is done: what it did not find again and nobody has judged is forgotten."""
    where = (t.evidence.c.source == HISTORY, t.evidence.c.who == "")
    gone = sorted(set(tx.execute(select(t.evidence.c.subject).where(*where)).scalars()) - set(kept))
    for start in range(0, len(gone), IDS_AT_ONCE):
        tx.execute(delete(t.evidence).where(*where, t.evidence.c.subject.in_(gone[start : start + IDS_AT_ONCE])))


def history(tx: Tx, subjects: Sequence[str] | None = None) -> dict[str, Evidence]:
    """ERP payment -> what the last replay found of it; of these, or of all that differed or were judged."""
    query = select(t.evidence).where(t.evidence.c.source == HISTORY).order_by(t.evidence.c.subject)
    if subjects is None:
        rows = tx.execute(query.where((t.evidence.c.outcome != Outcome.RIGHT) | (t.evidence.c.who != ""))).mappings()
        return {row["subject"]: _evidence(row) for row in rows}
    found: dict[str, Evidence] = {}
    for start in range(0, len(subjects), IDS_AT_ONCE):
        some = t.evidence.c.subject.in_(list(subjects[start : start + IDS_AT_ONCE]))
        found |= {row["subject"]: _evidence(row) for row in tx.execute(query.where(some)).mappings()}
    return found


def _evidence(row: Any) -> Evidence:
    return Evidence(
        row["subject"],
        row["source"],
        Rung(row["rung"]),
        Outcome(row["outcome"]),
        row["detail"],
        row["who"],
        parse_instant(row["at"]),
    )


def judge(tx: Tx, one: Evidence, outcome: Outcome, detail: str, who: str, reason: str) -> None:
    """A person says whether we would have been right; a later judgement replaces it. Wrong demotes the class."""
    where = (t.evidence.c.subject == one.subject, t.evidence.c.source == one.source)
    tx.execute(update(t.evidence).where(*where).values(outcome=outcome.value, detail=detail, who=who, at=tx.at_text))
    tx.journal("evidence_judged", rung=one.rung.value, subject=one.subject, outcome=outcome.value, who=who, why=reason)
    if outcome is Outcome.WRONG and one.outcome is not Outcome.WRONG and one.rung is not Rung.BY_PERSON:
        demote(tx, one.rung, f"{who} judged ERP payment {one.subject}: {reason}")


# ---- what people taught ----


class AliasState(StrEnum):
    """Does an alias count? First that holds."""

    CUSTOMER_GONE = "customer_gone"  # the ERP no longer shows the customer
    CONTRADICTED = "contradicted"  # another alias of the same key names another family: neither counts
    UNCONFIRMED = "unconfirmed"  # a bank account that waits for a second person
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Learned:
    """An alias with who taught it, by which payment ('': by hand), and whether it counts."""

    id: int
    kind: AliasKind
    key: str
    customer_id: str
    customer_name: str
    learned_from: str
    who: str
    at: datetime
    confirmed_by: str
    state: AliasState


def put_alias(tx: Tx, kind: AliasKind, key: str, customer_id: str, learned_from: str, who: str) -> int:
    """A person taught whose money this is: by what they decided about a payment (`learned_from`), or by hand ('').

    Returns the alias's id, also where it was known; 0 if the text can't be a key. One that contradicts another makes
    both inactive. What is taught by hand is a correction and removes what contradicts it, but a bank account does so
    only when a second person confirms it.
    """
    plain = payer.key_of(kind, key)
    if not plain or len(plain) > _KEY_CHARACTERS_MAX:
        return 0
    where = (*_living(kind, plain), t.alias.c.customer_id == customer_id)
    alias_id = int(tx.execute(select(t.alias.c.id).where(*where)).scalar() or 0)
    if not alias_id:
        values = {"kind": kind.value, "key": plain, "customer_id": customer_id, "learned_from": learned_from}
        added = tx.execute(insert(t.alias).values(**values, who=who, at=tx.at_text))
        alias_id = int(added.inserted_primary_key[0])
        tx.journal("alias_learned", payment=learned_from or None, alias=alias_id, kind=kind.value, who=who)
    if not learned_from and kind is not AliasKind.BANK_ACCOUNT:
        _remove_others(tx, kind, plain, customer_id, who)
    return alias_id


def confirm_alias(tx: Tx, alias_id: int, who: str) -> str:
    """A second person confirms it, and so corrects what contradicts it. Returns why not; '' if it counts now."""
    row = _row(tx, alias_id)
    if row is None:
        return f"There is no alias {alias_id}."
    if row["who"].casefold() == who.casefold():
        return f"Alias {alias_id} was taught by {row['who']}; somebody else confirms it."
    if not row["confirmed_by"]:
        confirmed = {"confirmed_by": who, "confirmed_at": tx.at_text}
        tx.execute(update(t.alias).where(t.alias.c.id == alias_id).values(**confirmed))
        tx.journal("alias_confirmed", alias=alias_id, kind=row["kind"], who=who)
    _remove_others(tx, AliasKind(row["kind"]), row["key"], row["customer_id"], who)
    return ""


def remove_alias(tx: Tx, alias_id: int, who: str) -> bool:
    """From this commit on it counts for nothing; False if there is none."""
    row = _row(tx, alias_id)
    if row is not None:
        tx.execute(update(t.alias).where(t.alias.c.id == alias_id).values(removed_by=who, removed_at=tx.at_text))
        tx.journal("alias_removed", alias=alias_id, kind=row["kind"], who=who)
    return row is not None


def _remove_others(tx: Tx, kind: AliasKind, key: str, customer_id: str, who: str) -> None:
    others = select(t.alias.c.id).where(*_living(kind, key), t.alias.c.customer_id != customer_id)
    for alias_id in tx.execute(others).scalars().all():
        remove_alias(tx, alias_id, who)


def _living(kind: AliasKind, key: str) -> tuple[Any, ...]:
    return (t.alias.c.kind == kind.value, t.alias.c.key == key, t.alias.c.removed_at.is_(None))


def _row(tx: Tx, alias_id: int) -> Any:
    where = (t.alias.c.id == alias_id, t.alias.c.removed_at.is_(None))
    return tx.execute(select(t.alias).where(*where)).mappings().first()


def aliases(tx: Tx) -> tuple[Learned, ...]:
    """Every alias that nobody removed, and whether it counts."""
    customer = (t.customer.c.name.label("name"), t.customer.c.family)
    joined = t.alias.outerjoin(t.customer, t.customer.c.id == t.alias.c.customer_id)
    query = select(t.alias, *customer).select_from(joined).where(t.alias.c.removed_at.is_(None))
    rows = tx.execute(query.order_by(t.alias.c.kind, t.alias.c.key, t.alias.c.id)).mappings().all()
    families: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row["family"]:
            families.setdefault((row["kind"], row["key"]), set()).add(row["family"])
    return tuple(_learned(row, families) for row in rows)


def _learned(row: Any, families: Mapping[tuple[str, str], set[str]]) -> Learned:
    kind = AliasKind(row["kind"])
    state = AliasState.ACTIVE
    if row["family"] is None:
        state = AliasState.CUSTOMER_GONE
    elif len(families[row["kind"], row["key"]]) > 1:
        state = AliasState.CONTRADICTED
    elif kind is AliasKind.BANK_ACCOUNT and not row["confirmed_by"]:
        state = AliasState.UNCONFIRMED
    return Learned(
        row["id"],
        kind,
        row["key"],
        row["customer_id"],
        row["name"] or "",
        row["learned_from"],
        row["who"],
        parse_instant(row["at"]),
        row["confirmed_by"],
        state,
    )


# Building one takes about a second for 50,000 customers; few ticks change a customer or an alias.
_directories: WeakKeyDictionary[Engine, tuple[object, Directory]] = WeakKeyDictionary()


def directory(tx: Tx) -> Directory:
    """All customers and what was taught, to look payers up by; the same value as long as none of it changes."""
    mark = _directory_mark(tx)
    before = _directories.get(tx.connection.engine)
    if before is None or before[0] != mark:
        before = (mark, _directory(tx))
        _directories[tx.connection.engine] = before
    return before[1]


def _directory(tx: Tx) -> Directory:
    of = t.customer.c
    customers = tx.execute(select(of.id, of.name, of.email, of.parent_id).order_by(of.id))
    living = select(t.alias).where(t.alias.c.removed_at.is_(None)).order_by(t.alias.c.id)
    taught = tuple(
        Alias(
            AliasKind(row["kind"]),
            row["key"],
            row["customer_id"],
            is_confirmed=row["kind"] != AliasKind.BANK_ACCOUNT or bool(row["confirmed_by"]),
        )
        for row in tx.execute(living).mappings()
    )
    return Directory(tuple(Customer(*row) for row in customers), taught)


def _directory_mark(tx: Tx) -> tuple[object, ...]:
    """Moves whenever a customer or an alias does; an alias is never taken out of its table."""
    asked = t.customer.c.requested_at
    count, newest = tx.execute(select(func.count(), func.max(asked)).select_from(t.customer)).one()
    last = tx.execute(select(func.count()).select_from(t.customer).where(asked == newest)).scalar()
    of = t.alias.c
    taught = select(func.count(), func.max(of.at), func.max(of.confirmed_at), func.max(of.removed_at))
    return (count, newest, last, *tx.execute(taught.select_from(t.alias)).one())
