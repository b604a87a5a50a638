"""Verdicts and exceptions: why each thing was done or not, and what waits for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, or_, select, update

from connector.money import Money
from connector.store import Tx
from connector.store import tables as t
from connector.store.book import IDS_AT_ONCE
from connector.store.closing import digest


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision about one subject ('invoice:12'), with what it rests on."""

    subject: str
    decision: str
    outcome: str
    reason: str
    inputs: Mapping[str, Any]
    policy_version: str


# Made once: looked up for each subject in every pass.
_STANDING = select(t.verdict.c.subject, t.verdict.c.digest, t.verdict.c.outcome).where(
    t.verdict.c.decision == bindparam("decided"), t.verdict.c.subject.in_(bindparam("subjects", expanding=True))
)
_OUTCOME = select(t.verdict.c.outcome).where(
    t.verdict.c.subject == bindparam("about"), t.verdict.c.decision == bindparam("decided")
)


def put_verdict(
    tx: Tx, subject: str, decision: str, outcome: str, reason: str, inputs: Mapping[str, Any], policy_version: str
) -> bool:
    """Keep the standing verdict; a new one is journalled when outcome or inputs changed. Returns whether it is new."""
    return bool(put_verdicts(tx, [Verdict(subject, decision, outcome, reason, inputs, policy_version)]))


def put_verdicts(tx: Tx, verdicts: Sequence[Verdict]) -> set[str]:
    """As put_verdict, for many subjects at once; returns the subjects whose verdict is new. One decision a call."""
    standing = _standing(tx, verdicts)
    fresh, told = [], set()
    for one in verdicts:
        text = json.dumps(one.inputs, sort_keys=True, default=str)
        values = {
            "outcome": one.outcome,
            "reason": one.reason,
            "inputs": text,
            "digest": digest(f"{one.outcome}\n{text}"),
            "policy_version": one.policy_version,
            "since": tx.at_text,
        }
        before = standing.get(one.subject)
        if before and before[0] == values["digest"]:
            continue
        if before is None:
            fresh.append({"subject": one.subject, "decision": one.decision, **values})
        else:
            if before[1] == one.outcome:
                del values["since"]
            where = (t.verdict.c.subject == one.subject, t.verdict.c.decision == one.decision)
            tx.execute(update(t.verdict).where(*where).values(**values))
        told.add(one.subject)
        kind, _, record = one.subject.partition(":")
        ids = {kind: record} if kind in ("invoice", "payment", "act") else {}
        inputs = json.loads(text)
        tx.journal("verdict", **ids, decision=one.decision, outcome=one.outcome, reason=one.reason, inputs=inputs)
    if fresh:
        tx.execute(insert(t.verdict), fresh)
    return told


def _standing(tx: Tx, verdicts: Sequence[Verdict]) -> dict[str, tuple[str, str]]:
    """Subject -> digest and outcome of the standing verdict."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(verdicts), IDS_AT_ONCE):
        some = verdicts[start : start + IDS_AT_ONCE]
        rows = tx.execute(_STANDING, {"decided": some[0].decision, "subjects": [one.subject for one in some]})
        found |= {subject: (digest, outcome) for subject, digest, outcome in rows}
    return found


def outcome_of(tx: Tx, subject: str, decision: str) -> str:
    """The standing outcome; '' if it was never decided."""
    return str(tx.execute(_OUTCOME, {"about": subject, "decided": decision}).scalar() or "")


@dataclass(frozen=True, slots=True)
class OpenException:
    id: str
    kind: str
    customer_id: str
    payment_id: str
    amount: Money
    reason: str
    explanations: tuple[str, ...]
    opened_at: str
    owner: str = ""
    deadline: date | None = None


def open_exception(
    tx: Tx,
    kind: str,
    subject: str,
    reason: str,
    *,
    amount: Money,
    customer_id: str = "",
    payment_id: str = "",
    invoice_ids: Sequence[str] = (),
    explanations: Sequence[str] = (),
    owner: str = "",
    deadline: date | None = None,
) -> bool:
    """Show something to a person. One kind and subject is one exception; returns whether it is new or new again.

    The reminders of `invoice_ids` wait until it is closed. `owner` has to act by the `deadline`.
    """
    exception_id = f"{kind}:{subject}"
    values = {
        "kind": kind,
        "customer_id": customer_id,
        "payment_id": payment_id,
        "amount": amount.minor,
        "currency": amount.currency,
        "reason": reason,
        "explanations": json.dumps(list(explanations)),
        "owner": owner,
        "deadline": deadline.isoformat() if deadline else None,
        "closed_at": None,
    }
    where = t.exception.c.id == exception_id
    standing = tx.execute(select(t.exception.c.closed_at).where(where)).first()
    if standing:
        _restate_held_by(tx, exception_id)
        tx.execute(update(t.exception).where(where).values(**values))
    else:
        tx.execute(insert(t.exception).values(id=exception_id, opened_at=tx.at_text, **values))
    tx.execute(delete(t.exception_invoice).where(t.exception_invoice.c.exception_id == exception_id))
    for invoice_id in sorted(set(invoice_ids)):
        tx.execute(insert(t.exception_invoice).values(exception_id=exception_id, invoice_id=invoice_id))
    _restate_held_by(tx, exception_id)
    if standing is None or standing[0] is not None:
        tx.journal("exception_opened", payment=payment_id or None, kind=kind, subject=subject, reason=reason)
        return True
    return False


def explain(tx: Tx, exception_id: str, explanations: Sequence[str]) -> None:
    """What is shown beside the reason of a standing exception, as it is now."""
    of, told = t.exception.c, json.dumps(list(explanations))
    tx.execute(update(t.exception).where(of.id == exception_id, of.explanations != told).values(explanations=told))


def is_open(tx: Tx, exception_id: str) -> bool:
    """Does this exception wait for a person?"""
    where = (t.exception.c.id == exception_id, t.exception.c.closed_at.is_(None))
    return tx.execute(select(t.exception.c.id).where(*where)).first() is not None


def open_of_kind(tx: Tx, kind: str) -> tuple[str, ...]:
    """The open exceptions of this kind, by id."""
    where = (t.exception.c.kind == kind, t.exception.c.closed_at.is_(None))
    return tuple(tx.execute(select(t.exception.c.id).where(*where).order_by(t.exception.c.id)).scalars())


def close_exceptions(tx: Tx, *, reason: str, payment_id: str = "", exception_id: str = "", but: str = "") -> None:
    """Close what is open of this payment, or this one exception; `but` is a kind that stays."""
    where: list[ColumnElement[bool]] = [t.exception.c.closed_at.is_(None)]
    if payment_id:
        where.append(t.exception.c.payment_id == payment_id)
    if exception_id:
        where.append(t.exception.c.id == exception_id)
    if but:
        where.append(t.exception.c.kind != but)
    ids = list(tx.execute(select(t.exception.c.id).where(*where)).scalars())
    for one in ids:
        _restate_held_by(tx, one)
        tx.execute(update(t.exception).where(t.exception.c.id == one).values(closed_at=tx.at_text, close_reason=reason))
        tx.journal("exception_closed", payment=payment_id or None, exception=one, reason=reason)


def _restate_held_by(tx: Tx, exception_id: str) -> None:
    """The AR status of the invoices that an exception holds says so."""
    held = select(t.exception_invoice.c.invoice_id).where(t.exception_invoice.c.exception_id == exception_id)
    tx.execute(update(t.invoice).where(t.invoice.c.id.in_(held)).values(restate=True))


def open_exceptions(tx: Tx) -> tuple[OpenException, ...]:
    rows = tx.execute(
        select(t.exception).where(t.exception.c.closed_at.is_(None)).order_by(t.exception.c.opened_at, t.exception.c.id)
    ).mappings()
    return tuple(
        OpenException(
            row["id"],
            row["kind"],
            row["customer_id"],
            row["payment_id"],
            Money(row["amount"], row["currency"]),
            row["reason"],
            tuple(json.loads(row["explanations"])),
            row["opened_at"],
            row["owner"],
            date.fromisoformat(row["deadline"]) if row["deadline"] else None,
        )
        for row in rows
    )


def to_show(tx: Tx) -> tuple[Any, ...]:
    """What the ERP's saved searches should know: what waits, and what was closed since the ERP last heard of it."""
    written = t.exception_written.c
    joined = t.exception.outerjoin(t.exception_written, written.exception_id == t.exception.c.id)
    wanted = or_(t.exception.c.closed_at.is_(None), and_(written.digest.is_not(None), written.digest != "closed"))
    query = select(t.exception).select_from(joined).where(wanted).order_by(t.exception.c.id)
    return tuple(tx.execute(query).mappings())


def first_invoices(tx: Tx, exception_ids: Sequence[str]) -> dict[str, str]:
    """Of each of these exceptions the first invoice that it holds, or the one that it is about and doesn't hold."""
    found: dict[str, str] = {}
    for start in range(0, len(exception_ids), IDS_AT_ONCE):
        some = t.exception_invoice.c.exception_id.in_(exception_ids[start : start + IDS_AT_ONCE])
        first = select(t.exception_invoice.c.exception_id, func.min(t.exception_invoice.c.invoice_id)).where(some)
        found |= {one: invoice_id for one, invoice_id in tx.execute(first.group_by(t.exception_invoice.c.exception_id))}
    about = {one: one.partition(":")[2].partition("/")[0] for one in exception_ids if one not in found}
    named = sorted(set(about.values()))
    known: set[str] = set()
    for start in range(0, len(named), IDS_AT_ONCE):
        some = t.invoice.c.id.in_(named[start : start + IDS_AT_ONCE])
        known |= set(tx.execute(select(t.invoice.c.id).where(some)).scalars())
    return found | {one: invoice_id for one, invoice_id in about.items() if invoice_id in known}


def invoices_in_exception(tx: Tx) -> dict[str, str]:
    """Invoice id -> why it waits for a person."""
    rows = tx.execute(
        select(t.exception_invoice.c.invoice_id, t.exception.c.reason)
        .join(t.exception, t.exception.c.id == t.exception_invoice.c.exception_id)
        .where(t.exception.c.closed_at.is_(None))
        .order_by(t.exception.c.id)
    )
    return {invoice_id: reason for invoice_id, reason in rows}


# Exceptions of these kinds hold everything of their customer: whom we can't reach, who doesn't want to hear of us, or
# whose books we can't trust.
_OF_CUSTOMER = ("difference", "fix_contact", "asked_to_stop")


def customers_in_exception(tx: Tx) -> dict[str, str]:
    """Customer id -> why everything of this customer waits for a person."""
    rows = tx.execute(
        select(t.exception.c.customer_id, t.exception.c.reason)
        .where(t.exception.c.closed_at.is_(None), t.exception.c.kind.in_(_OF_CUSTOMER), t.exception.c.customer_id != "")
        .order_by(t.exception.c.id)
    )
    return {customer_id: reason for customer_id, reason in rows}
