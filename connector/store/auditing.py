"""What an auditor asks the store about a period: what people decided, what the machine posted, what was signed off."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import or_, select

from connector.money import Money
from connector.receivables import CloseIntent, Rung
from connector.store import Tx, instant, learning, parse_instant
from connector.store import tables as t
from connector.store.book import from_json
from connector.store.closing import ActState

# Every postings' judge is a source of evidence of its own: a later replay of the past doesn't replace it.
SAMPLE = "sample"
_POSTED = (ActState.WRITTEN, ActState.CONFIRMED, ActState.CLOSED)
# What people decided over the machine, by its line in the journal.
_DECIDED = (
    "request_answered",
    "stop_requested",
    "stop_lifted",
    "class_lifted",
    "evidence_judged",
    "replies_settled",
    "restore_lifted",
)


@dataclass(frozen=True, slots=True)
class Decided:
    """One thing that a person decided; `second` is who confirmed it, '' where nobody had to."""

    at: datetime
    what: str
    who: str
    role: str
    second: str
    record: str
    reason: str


def decided(tx: Tx, start: datetime, end: datetime) -> tuple[Decided, ...]:
    """What people decided between two instants, the oldest first."""
    j = t.journal.c
    when = (j.at >= instant(start), j.at < instant(end), j.event.in_(_DECIDED))
    rows = tx.execute(select(t.journal).where(*when).order_by(j.seq)).mappings()
    found = [_decided(row, json.loads(row["detail"])) for row in rows]
    return tuple(sorted((*found, *_taught(tx, start, end)), key=lambda one: one.at))


def _decided(row: Any, detail: dict[str, Any]) -> Decided:
    record = row["payment_id"] or detail.get("customer") or detail.get("subject") or detail.get("rung") or ""
    what = {
        "request_answered": f"{detail.get('deed', '')} a payment: {detail.get('answer', '')}",
        "stop_requested": f"stop {detail.get('what', '')}",
        "stop_lifted": f"lift the stop of {detail.get('what', '')}",
        "class_lifted": "let a class of evidence post again",
        "evidence_judged": f"judge a past payment: {detail.get('outcome', '')}",
        "replies_settled": "settle a customer's answer",
        "restore_lifted": "let a restored store go on",
    }[row["event"]]
    reason = detail.get("why") or detail.get("reason") or detail.get("text") or ""
    role = detail.get("role") or ""
    return Decided(parse_instant(row["at"]), what, detail.get("who") or "", role, "", str(record), str(reason))


def _taught(tx: Tx, start: datetime, end: datetime) -> list[Decided]:
    """Whose money is whose, taught, confirmed or taken back in the period. Bank accounts take a second person."""
    a, first, last = t.alias.c, instant(start), instant(end)
    times = (a.at, a.confirmed_at, a.removed_at)
    rows = tx.execute(select(t.alias).where(or_(*((at >= first) & (at < last) for at in times)))).mappings()
    found = []
    for row in rows:
        ended = "; taken back" if row["removed_at"] else ""
        what = f"teach a payer's {row['kind'].replace('_', ' ')}{ended}"
        at = max(text for text in (row["at"], row["confirmed_at"], row["removed_at"]) if text and text < last)
        second = row["removed_by"] if row["removed_at"] else row["confirmed_by"]
        found.append(Decided(parse_instant(at), what, row["who"], "", second, row["customer_id"], ""))
    return found


@dataclass(frozen=True, slots=True)
class Posted:
    """One posting of the machine's own; `judgement`: 'right' or 'wrong' once a person said so."""

    act: str
    payment: str
    erp_id: str
    customer: str
    amount: Money
    posted_at: datetime
    rung: str
    equation: str
    judgement: str
    judged_by: str
    why: str


def posted_by_itself(tx: Tx, start: datetime, end: datetime) -> tuple[Posted, ...]:
    """Postings between two instants that no person approved and that stand, the oldest first."""
    a, e = t.act.c, t.evidence.c
    where = (a.state.in_(_POSTED), a.approved_by == "", a.matched_at >= instant(start), a.matched_at < instant(end))
    query = (
        select(t.act, e.outcome.label("judgement"), e.who.label("judged_by"), e.detail.label("why"))
        .join_from(t.act, t.evidence, (e.subject == a.payment_id) & (e.source == SAMPLE), isouter=True)
        .where(*where)
        .order_by(a.matched_seq)
    )
    return tuple(_posted(row) for row in tx.execute(query).mappings())


def _posted(row: Any) -> Posted:
    payment = from_json(CloseIntent, row["intent"]).payment
    return Posted(
        act=row["id"],
        payment=row["payment_id"],
        erp_id=row["erp_id"],
        customer=payment.customer_id,
        amount=payment.amount,
        posted_at=parse_instant(row["matched_at"]),
        rung=row["rung"],
        equation=row["equation"],
        judgement=row["judgement"] or "",
        judged_by=row["judged_by"] or "",
        why=row["why"] or "",
    )


def drawn(some: tuple[Posted, ...], seed: str, most: int) -> tuple[Posted, ...]:
    """Up to so many of these: always the same for one seed, and nobody can choose which."""
    order = sorted(some, key=lambda one: sha256(f"{seed}|{one.act}".encode()).hexdigest())
    return tuple(sorted(order[:most], key=lambda one: (one.posted_at, one.act)))


def sign(tx: Tx, one: Posted, is_right: bool, who: str, reason: str) -> None:
    """A person judged a posting of the sample; a later word replaces it. Wrong demotes its class of evidence."""
    outcome = "right" if is_right else "wrong"
    learning.put_evidence(tx, one.payment, SAMPLE, Rung(one.rung), outcome, reason, who)
    tx.journal("sample_signed", payment=one.payment, act=one.act, outcome=outcome, who=who, why=reason)
