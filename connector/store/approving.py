"""The approval queue: what was found for a payment that waits, what people asked for, and what they were answered.

People only ask, in short transactions of their own; the daemon acts on it and answers (approvals.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from connector.decisions.dividing import Split
from connector.money import Money, MoneyError
from connector.policy import Deed
from connector.receivables import (
    CreditKind,
    CreditMemo,
    ExceptionKind,
    Explanation,
    Match,
    MatchException,
    Payment,
    PaymentState,
)
from connector.store import Tx, credits, instant, parse_instant
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE, LEFT, from_json, to_json

# Standings in which a payment waits for a person.
QUEUED = ("suggested", "exception")

Proposal = Match | MatchException


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person saw and wants: the payment is divided so, or not at all.

    `of` is the evidence class or exception kind that stood there, `seen` the split that did: what was suggested, or the
    explanation that was chosen by `choice`; None where nothing was. An edit may need a person's word that the invoices
    are rightly another family's (`other_customer`), or held or disputed (`held`).
    """

    of: str
    split: Split | None
    seen: Split | None = None
    choice: int = 0
    other_customer: bool = False
    held: bool = False


class Answer(StrEnum):
    """What came of a request."""

    DONE = "done"
    CHANGED = "changed"  # something else stands there than what the person saw
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Request:
    id: int
    payment_id: str
    deed: Deed
    wanted: Wanted
    who: str
    role: str
    reason: str
    at: datetime
    answer: str = ""  # the outcome and a sentence; '' while it is open

    @property
    def by(self) -> str:
        """The person with the role in which they asked, as receipts name them."""
        return f"{self.who} ({self.role})"


@dataclass(frozen=True, slots=True)
class Queued:
    """A payment that waits for a person, with what was found for it and what is asked for.

    `proposal` is None where something else than matching keeps it: `kind` and `reason` say what.
    """

    payment: Payment
    left: Money
    standing: str
    proposal: Proposal | None
    kind: str
    reason: str
    request: Request | None = None  # not acted on yet
    answered: Request | None = None  # the last one that was


# ---- what was found ----


def put_proposal(tx: Tx, proposal: Proposal) -> None:
    """What a person may answer now; it stands until the payment's standing changes."""
    drop_proposal(tx, proposal.payment_id)
    kind = "match" if isinstance(proposal, Match) else "exception"
    tx.execute(insert(t.proposal).values(payment_id=proposal.payment_id, kind=kind, facts=to_json(proposal)))


def drop_proposal(tx: Tx, payment_id: str) -> None:
    tx.execute(delete(t.proposal).where(t.proposal.c.payment_id == payment_id))


def _proposal(row: Any) -> Proposal | None:
    if row["proposal_kind"] is None:
        return None
    if row["proposal_kind"] == "match":
        return from_json(Match, row["proposal"])
    return from_json(MatchException, row["proposal"])


def splits(proposal: Proposal | None, left: Money) -> tuple[Split, ...]:
    """What a person may choose from: the one split of a match, or those of an exception's explanations, in order."""
    if proposal is None:
        return ()
    if isinstance(proposal, Match):
        return (Split(proposal.applications, proposal.credits, proposal.unapplied or None),)
    return tuple(_split_of(explanation, left) for explanation in proposal.explanations)


def _split_of(explanation: Explanation, left: Money) -> Split:
    zero = Money.zero(left.currency)
    try:
        applied = Money.total((one.amount for one in explanation.applications), left.currency)
        used = Money.total((one.amount for one in explanation.credits), left.currency)
    except MoneyError:  # in another currency: shown, and never what somebody may choose
        return Split(explanation.applications, explanation.credits)
    rest = left + used - applied
    return Split(explanation.applications, explanation.credits, rest if rest > zero else None)


def queued(tx: Tx, payment_id: str = "") -> tuple[Queued, ...]:
    """Every payment that waits for a person, oldest money first; or this one, if it does."""
    of = t.payment.c
    query = (
        select(
            of.id,
            of.facts,
            func.coalesce(t.credit.c.id, "").label("erp_id"),
            of.standing,
            of.currency,
            LEFT.label("left"),
            t.proposal.c.kind.label("proposal_kind"),
            t.proposal.c.facts.label("proposal"),
        )
        .join_from(t.payment, t.proposal, t.proposal.c.payment_id == of.id, isouter=True)
        # What the ERP holds of it unapplied is the ERP's to say, not the source's.
        .outerjoin(t.credit, t.credit.c.id == of.erp_id)
        .where(of.state == PaymentState.SUCCEEDED, of.standing.in_(QUEUED), LEFT > 0)
        .order_by(of.received_at, of.id)
    )
    if payment_id:
        query = query.where(of.id == payment_id)
    rows = tx.execute(query).mappings().all()
    ids = [row["id"] for row in rows]
    exceptions, asked, answered = _exceptions(tx, ids), _open_by_payment(tx, payment_id), _answered(tx, ids)
    found = []
    for row in rows:
        proposal = _proposal(row)
        kind, reason = _why(proposal, exceptions.get(row["id"], ("", "")))
        left = Money(row["left"], row["currency"])
        payment = replace(from_json(Payment, row["facts"]), erp_id=row["erp_id"])
        before, now = answered.get(payment.id), asked.get(payment.id)
        found.append(Queued(payment, left, row["standing"], proposal, kind, reason, now, before))
    return tuple(found)


def _why(proposal: Proposal | None, exception: tuple[str, str]) -> tuple[str, str]:
    if isinstance(proposal, Match):
        return proposal.rung.value, proposal.reason
    return (proposal.kind.value, proposal.reason) if proposal else exception


def _exceptions(tx: Tx, payment_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Payment -> kind and reason of its newest open exception."""
    found: dict[str, tuple[str, str]] = {}
    of = t.exception.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        query = select(of.payment_id, of.kind, of.reason).where(some, of.closed_at.is_(None))
        found |= {one: (kind, reason) for one, kind, reason in tx.execute(query.order_by(of.opened_at, of.id))}
    return found


# ---- what people asked for ----


def put_request(tx: Tx, payment_id: str, deed: Deed, wanted: Wanted, who: str, role: str, reason: str = "") -> int:
    """A person asks; effective when the daemon acts on it."""
    values = {
        "payment_id": payment_id,
        "deed": deed.value,
        "split": to_json(wanted),
        "who": who,
        "role": role,
        "reason": reason,
        "at": tx.at_text,
    }
    request_id = int(tx.execute(insert(t.request).values(**values)).inserted_primary_key[0])
    tx.journal("request_made", payment=payment_id, request=request_id, deed=deed.value, who=who, role=role, why=reason)
    return request_id


def open_requests(tx: Tx, payment_id: str = "") -> tuple[Request, ...]:
    """What is not answered yet, in the order in which it was asked."""
    query = select(t.request).where(t.request.c.answered_at.is_(None)).order_by(t.request.c.id)
    if payment_id:
        query = query.where(t.request.c.payment_id == payment_id)
    return tuple(_request(row) for row in tx.execute(query).mappings())


def asked_about(tx: Tx) -> frozenset[str]:
    """The payments about which somebody has asked for something that is not acted on yet."""
    return frozenset(tx.execute(select(t.request.c.payment_id).where(t.request.c.answered_at.is_(None))).scalars())


def _open_by_payment(tx: Tx, payment_id: str) -> dict[str, Request]:
    """Payment -> the first request about it that is not answered yet."""
    return {one.payment_id: one for one in reversed(open_requests(tx, payment_id))}


def _answered(tx: Tx, payment_ids: Sequence[str]) -> dict[str, Request]:
    """Payment -> the last request about it that was acted on."""
    found: dict[str, Request] = {}
    of = t.request.c
    for start in range(0, len(payment_ids), IDS_AT_ONCE):
        some = of.payment_id.in_(payment_ids[start : start + IDS_AT_ONCE])
        query = select(t.request).where(some, of.answered_at.is_not(None)).order_by(of.id)
        found |= {row["payment_id"]: _request(row) for row in tx.execute(query).mappings()}
    return found


def requests_of(tx: Tx, payment_id: str) -> tuple[Request, ...]:
    """Everything that was ever asked about this payment, with its answer."""
    query = select(t.request).where(t.request.c.payment_id == payment_id).order_by(t.request.c.id)
    return tuple(_request(row) for row in tx.execute(query).mappings())


def _request(row: Any) -> Request:
    return Request(
        row["id"],
        row["payment_id"],
        Deed(row["deed"]),
        from_json(Wanted, row["split"]),
        row["who"],
        row["role"],
        row["reason"],
        parse_instant(row["at"]),
        row["answer"],
    )


def answer_request(tx: Tx, request: Request, answer: Answer, text: str) -> None:
    """The end of a request; journalled with the person who asked."""
    values = {"answer": f"{answer}: {text}", "answered_at": tx.at_text}
    tx.execute(update(t.request).where(t.request.c.id == request.id).values(**values))
    tx.journal(
        "request_answered",
        payment=request.payment_id,
        request=request.id,
        deed=request.deed.value,
        who=request.who,
        role=request.role,
        answer=answer.value,
        text=text,
    )


def act_of(tx: Tx, request: Request) -> str:
    """The act that was recorded for this request, '' if there is none: a process may have died before it answered."""
    of = t.act.c
    since = (of.payment_id == request.payment_id, of.approved_by == request.by, of.matched_at >= instant(request.at))
    return str(tx.execute(select(of.id).where(*since).order_by(of.matched_seq).limit(1)).scalar() or "")


def find_memos(tx: Tx, number: str) -> tuple[CreditMemo, ...]:
    """The open credit memos with this number, or with this id of the ERP; what is left of each."""
    of, wanted = t.credit.c, number.strip()
    ids = list(tx.execute(select(of.id).where(or_(of.number == wanted, of.id == wanted))).scalars())
    found = credits.credits_by_id(tx, ids).values()
    return tuple(one for one in found if one.kind is CreditKind.CREDIT_MEMO and one.open_amount.minor > 0)


def payment_of(tx: Tx, payment_id: str) -> Payment:
    """The payment as its source told it."""
    return from_json(Payment, tx.execute(select(t.payment.c.facts).where(t.payment.c.id == payment_id)).scalar_one())


def standing_of(tx: Tx, payment_id: str) -> str:
    """'' if there is no such payment."""
    return str(tx.execute(select(t.payment.c.standing).where(t.payment.c.id == payment_id)).scalar() or "")


def approved_by(tx: Tx, payment_id: str) -> str:
    """Who approved the last match of this payment; '' if nobody had to."""
    query = select(t.act.c.approved_by).where(t.act.c.payment_id == payment_id).order_by(t.act.c.matched_seq.desc())
    return str(tx.execute(query.limit(1)).scalar() or "")


def held_because(tx: Tx, payment_id: str) -> str:
    """Why the payment can't be posted at all, '' if that isn't known: then nothing was found for it either."""
    one = next(iter(queued(tx, payment_id)), None)
    return one.reason if one and one.standing == "exception" and one.proposal is None else ""


def rejected(tx: Tx, match: Match) -> MatchException | None:
    """What a person rejected of this payment is not suggested again, and never posted: the exception that says so."""
    of = t.request.c
    done = (of.payment_id == match.payment_id, of.deed == Deed.REJECT.value, of.answer.startswith(f"{Answer.DONE}:"))
    found = Split(match.applications, match.credits, match.unapplied or None)
    for row in tx.execute(select(t.request).where(*done).order_by(of.id.desc())).mappings():
        request = _request(row)
        if request.wanted.seen and request.wanted.seen.same(found):
            return rejection(match, request)
    return None


def rejection(match: Match, request: Request) -> MatchException:
    """The exception of a match that a person rejected: it stays choosable, for those who know better."""
    why = f": {request.reason}" if request.reason else ""
    return MatchException(
        match.payment_id,
        ExceptionKind.REJECTED,
        f"{request.by} rejected what was suggested by {match.rung.value.replace('_', ' ')}{why}",
        (Explanation(match.applications, match.equation, match.credits),),
        match.considered,
    )


def people_asked(requests: Iterable[Request]) -> str:
    """'ana (analyst) asked to approve it at 2026-11-23 09:12 UTC', for the person who comes second."""
    return "; ".join(f"{one.by} asked to {one.deed} it at {one.at:%Y-%m-%d %H:%M} UTC" for one in requests)
