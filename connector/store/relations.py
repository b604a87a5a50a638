"""What else is known of a customer: the CRM's word, invoices that collect themselves, who must look at what."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, or_, select, update

from connector.policy import LadderRung
from connector.receivables import InvoiceStatus
from connector.settlement import Autopay, CrmAccount, CrmTask
from connector.store import Tx, parse_instant
from connector.store import tables as t
from connector.store.book import AT_ONCE, IDS_AT_ONCE, families_of, from_json, to_json
from connector.store.profiles import look_again

# ---- the CRM ----


def put_accounts(tx: Tx, accounts: Sequence[CrmAccount], *, is_whole: bool) -> set[str]:
    """Take CRM accounts as read; returns the customers of whom something changed. Only a whole read forgets."""
    known = dict(tx.execute(select(t.crm_account.c.id, t.crm_account.c.facts)).all())
    owners = dict(tx.execute(select(t.crm_account.c.id, t.crm_account.c.customer_id)).all())
    touched = set()
    for account in accounts:
        text = to_json(account)
        if known.get(account.id) == text:
            continue
        touched |= {account.customer_id, owners.get(account.id, account.customer_id)}
        values = {"customer_id": account.customer_id, "facts": text}
        if account.id in known:
            tx.execute(update(t.crm_account).where(t.crm_account.c.id == account.id).values(**values))
        else:
            tx.execute(insert(t.crm_account).values(id=account.id, **values))
    if is_whole:
        for gone in known.keys() - {account.id for account in accounts}:
            touched.add(owners[gone])
            tx.execute(delete(t.crm_account).where(t.crm_account.c.id == gone))
    if touched:
        _look_again(tx, touched)
    return touched


def _look_again(tx: Tx, customer_ids: Iterable[str]) -> None:
    """What the CRM says counts for a whole family: decide all its open invoices again."""
    look_again(tx, families_of(tx, customer_ids).values())


def accounts_by_family(tx: Tx) -> dict[str, tuple[CrmAccount, ...]]:
    """Family -> what the CRM says of its customers, by account id."""
    family = func.coalesce(t.customer.c.family, t.crm_account.c.customer_id)
    rows = tx.execute(
        select(family, t.crm_account.c.facts)
        .select_from(t.crm_account.outerjoin(t.customer, t.customer.c.id == t.crm_account.c.customer_id))
        .order_by(t.crm_account.c.id)
    )
    found: dict[str, list[CrmAccount]] = {}
    for one, facts in rows:
        found.setdefault(one, []).append(from_json(CrmAccount, facts))
    return {one: tuple(accounts) for one, accounts in found.items()}


# ---- invoices that collect themselves ----


def put_autopay(tx: Tx, autopays: Sequence[Autopay]) -> None:
    """Take the whole list as read; an invoice whose entry changed is decided again."""
    wanted = {one.invoice_number: to_json(one) for one in autopays}
    known = dict(tx.execute(select(t.autopay.c.invoice_number, t.autopay.c.facts)).all())
    changed = [number for number in wanted.keys() | known.keys() if wanted.get(number) != known.get(number)]
    for number in changed:
        tx.execute(delete(t.autopay).where(t.autopay.c.invoice_number == number))
        if number in wanted:
            tx.execute(insert(t.autopay).values(invoice_number=number, facts=wanted[number]))
        where = (t.invoice.c.number == number, t.invoice.c.status == "open")
        tx.execute(update(t.invoice).where(*where).values(next_on=AT_ONCE, version=t.invoice.c.version + 1))


def autopay_by_number(tx: Tx) -> dict[str, Autopay]:
    rows = tx.execute(select(t.autopay.c.invoice_number, t.autopay.c.facts))
    return {number: from_json(Autopay, facts) for number, facts in rows}


def told_payment_failed(tx: Tx) -> set[str]:
    """Numbers of invoices whose customer was told that the last attempt to collect failed."""
    return set(tx.execute(select(t.autopay.c.invoice_number).where(t.autopay.c.told_at.is_not(None))).scalars())


def tell_payment_failed(tx: Tx, invoice_numbers: Sequence[str]) -> None:
    some = t.autopay.c.invoice_number.in_(list(invoice_numbers))
    tx.execute(update(t.autopay).where(some).values(told_at=tx.at_text))


# ---- escalations ----


@dataclass(frozen=True, slots=True)
class Escalated:
    """An invoice that a person must look at; `task` is what the CRM is asked to show, None where there is no CRM.

    The clock for an answer runs from the day on which somebody was told: `answer_by` is empty before. `touched_on` is
    when a person was last known to be at work on it. `is_raised`: nobody answered, and the next one up was told.
    """

    invoice_id: str
    rule: str
    reason: str
    stops_mail: bool
    owner: str
    task: CrmTask | None
    rung: LadderRung
    since: datetime
    is_told: bool = False
    answer_by: date | None = None
    touched_on: date | None = None
    is_raised: bool = False


def escalations(tx: Tx, invoice_ids: Sequence[str] | None = None) -> dict[str, Escalated]:
    """Invoice id -> its escalation, of all or of up to IDS_AT_ONCE."""
    query = select(t.escalation)
    if invoice_ids is not None:
        query = query.where(t.escalation.c.invoice_id.in_(list(invoice_ids)))
    return {row["invoice_id"]: _escalated(row) for row in tx.execute(query).mappings()}


def untold_segments(tx: Tx) -> set[str]:
    """The segments of invoices of whose escalation nobody was told yet; '' is the default one."""
    joined = t.invoice.join(t.escalation, t.escalation.c.invoice_id == t.invoice.c.id)
    query = select(t.invoice.c.segment).select_from(joined).where(t.escalation.c.told_at.is_(None)).distinct()
    return set(tx.execute(query).scalars())


def untold(tx: Tx, segments: Collection[str], even_in_backlog: str) -> list[Escalated]:
    """Escalations in these segments that nobody was told of yet, by invoice id; in the backlog only by this rule."""
    of = t.escalation.c
    wanted = t.invoice.c.segment.in_(sorted(segments))
    outside = select(t.invoice.c.id).where(wanted, or_(t.invoice.c.in_backlog.is_(False), of.rule == even_in_backlog))
    return _some(tx, and_(of.told_at.is_(None), of.invoice_id.in_(outside)))


def unanswered(tx: Tx) -> list[Escalated]:
    """Escalations that somebody was told of and that no person was seen at work on since, by invoice id."""
    of = t.escalation.c
    # A day sorts before every instant of it, so a touch on the very day is left for the caller to see.
    return _some(tx, and_(of.answer_by.is_not(None), or_(of.touched_on.is_(None), of.touched_on < of.since)))


def _some(tx: Tx, where: ColumnElement[bool]) -> list[Escalated]:
    rows = tx.execute(select(t.escalation).where(where).order_by(t.escalation.c.invoice_id)).mappings()
    return [_escalated(row) for row in rows]


def _escalated(row: Any) -> Escalated:
    return Escalated(
        invoice_id=row["invoice_id"],
        rule=row["rule"],
        reason=row["reason"],
        stops_mail=bool(row["stops_mail"]),
        owner=row["owner"],
        task=from_json(CrmTask, row["task"]) if row["task"] else None,
        rung=LadderRung(row["rung"]),
        since=parse_instant(row["since"]),
        is_told=row["told_at"] is not None,
        answer_by=_day(row["answer_by"]),
        touched_on=_day(row["touched_on"]),
        is_raised=row["raised_at"] is not None,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def escalate(tx: Tx, one: Escalated) -> None:
    """A person must look at this invoice from now on; a second, firmer rule replaces the first, and is told anew."""
    values = {
        "rule": one.rule,
        "reason": one.reason,
        "stops_mail": one.stops_mail,
        "owner": one.owner,
        "task": to_json(one.task) if one.task else "",
        "rung": one.rung,
        "told_at": None,
        "answer_by": None,
        "raised_at": None,
        "touched_on": one.touched_on.isoformat() if one.touched_on else None,
        "since": tx.at_text,
    }
    where = t.escalation.c.invoice_id == one.invoice_id
    if not tx.execute(update(t.escalation).where(where).values(**values)).rowcount:
        tx.execute(insert(t.escalation).values(invoice_id=one.invoice_id, **values))
    tx.journal("invoice_escalated", invoice=one.invoice_id, rule=one.rule, reason=one.reason, owner=one.owner)
    _look_at(tx, one.invoice_id)


def times_escalated(tx: Tx, invoice_id: str, rule: str) -> int:
    """How often did this rule call a person to this invoice before?"""
    of = t.journal.c
    details = tx.execute(select(of.detail).where(of.invoice_id == invoice_id, of.event == "invoice_escalated"))
    return sum(json.loads(detail)["rule"] == rule for detail in details.scalars())


def _look_at(tx: Tx, invoice_id: str) -> None:
    """What an escalation does to the mail and the AR status of its invoice is decided again."""
    touched = update(t.invoice).where(t.invoice.c.id == invoice_id)
    tx.execute(touched.values(next_on=AT_ONCE, version=t.invoice.c.version + 1, restate=True))


def told(tx: Tx, invoice_id: str, answer_by: date) -> None:
    """Somebody was told; an answer is expected by this day."""
    where = t.escalation.c.invoice_id == invoice_id
    tx.execute(update(t.escalation).where(where).values(told_at=tx.at_text, answer_by=answer_by.isoformat()))


def answer(tx: Tx, invoice_id: str, on: date, how: str) -> None:
    """A person is at work on it: from now on no machine writes about this invoice."""
    where = t.escalation.c.invoice_id == invoice_id
    tx.execute(update(t.escalation).where(where).values(touched_on=on.isoformat(), stops_mail=True))
    tx.journal("escalation_answered", invoice=invoice_id, on=on, how=how)
    _look_at(tx, invoice_id)


def stop_mail(tx: Tx, invoice_id: str, stops_mail: bool) -> None:
    """The rule stands, and another policy says something else about mail."""
    tx.execute(update(t.escalation).where(t.escalation.c.invoice_id == invoice_id).values(stops_mail=stops_mail))
    _look_at(tx, invoice_id)


def raise_up(tx: Tx, one: Escalated, to: str, task: CrmTask | None) -> None:
    """Nobody answered: the next one up is told, once; `task` is theirs."""
    values: dict[str, Any] = {"raised_at": tx.at_text}
    if task is not None:
        values |= {"task": to_json(task), "told_at": None}
    tx.execute(update(t.escalation).where(t.escalation.c.invoice_id == one.invoice_id).values(**values))
    tx.journal("escalation_unanswered", invoice=one.invoice_id, rule=one.rule, owner=one.owner, to=to)


def to_escalate(tx: Tx, due_by: date | None, *, only_changed: bool) -> list[str]:
    """Invoices to look at: open ones due by this day, and those that are escalated already.

    `only_changed`: of these those whose AR status may be behind.
    """
    standing = t.invoice.c.id.in_(select(t.escalation.c.invoice_id))
    due = and_(t.invoice.c.status == "open", t.invoice.c.due_on <= due_by.isoformat()) if due_by else false()
    query = select(t.invoice.c.id).where(or_(standing, due)).order_by(t.invoice.c.id)
    return list(tx.execute(query.where(t.invoice.c.restate) if only_changed else query).scalars())


def end_escalation(tx: Tx, invoice_id: str, why: str) -> None:
    tx.execute(delete(t.escalation).where(t.escalation.c.invoice_id == invoice_id))
    tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(next_on=AT_ONCE, restate=True))
    tx.journal("escalation_ended", invoice=invoice_id, reason=why)


# What stands for a record that the ERP shows as closed: it is done with.
SHOWN_CLOSED = "closed"

# ---- the ERP's own dunning, and exceptions as the ERP sees them ----


def not_paused(tx: Tx, segments: Iterable[str], *, only_changed: bool) -> list[str]:
    """Open invoices of these segments whose native dunning runs and that we have not tried to pause yet.

    `only_changed`: of these those whose AR status may be behind.
    """
    runs = t.invoice.c.facts.contains('"is_native_dunning_paused":false')
    tried = select(t.dunning_pause.c.invoice_id)
    ours = t.invoice.c.segment.in_(list(segments))
    query = select(t.invoice.c.id).where(t.invoice.c.status == "open", ours, runs, t.invoice.c.id.not_in(tried))
    if only_changed:
        query = query.where(t.invoice.c.restate)
    return list(tx.execute(query.order_by(t.invoice.c.id)).scalars())


def put_pauses(tx: Tx, outcomes: Mapping[str, str]) -> None:
    for invoice_id, outcome in outcomes.items():
        tx.execute(delete(t.dunning_pause).where(t.dunning_pause.c.invoice_id == invoice_id))
        tx.execute(insert(t.dunning_pause).values(invoice_id=invoice_id, outcome=outcome, at=tx.at_text))
        tx.journal("native_dunning_paused", invoice=invoice_id, outcome=outcome)


def exceptions_known(tx: Tx, exception_ids: Sequence[str]) -> dict[str, str]:
    """Of these exceptions the mark of what the ERP shows now."""
    known: dict[str, str] = {}
    for start in range(0, len(exception_ids), IDS_AT_ONCE):
        some = t.exception_written.c.exception_id.in_(exception_ids[start : start + IDS_AT_ONCE])
        rows = tx.execute(select(t.exception_written.c.exception_id, t.exception_written.c.digest).where(some))
        known |= {one: digest for one, digest in rows}
    return known


def shown_open(tx: Tx, kind: str) -> tuple[str, ...]:
    """Ids of this kind that the ERP still shows as open."""
    of = t.exception_written.c
    where = (of.exception_id.startswith(f"{kind}:", autoescape=True), of.digest != SHOWN_CLOSED)
    return tuple(tx.execute(select(of.exception_id).where(*where).order_by(of.exception_id)).scalars())


def put_exception_written(tx: Tx, exception_id: str, digest: str) -> None:
    where = t.exception_written.c.exception_id == exception_id
    if not tx.execute(update(t.exception_written).where(where).values(digest=digest)).rowcount:
        tx.execute(insert(t.exception_written).values(exception_id=exception_id, digest=digest))


# ---- customers that were merged ----


def merge_customer(tx: Tx, old: str, new: str) -> tuple[str, ...]:
    """The ERP merged one customer into another: what was known under the old id counts under the new one from now on.

    The journal keeps the old id, and so does what its payments say of themselves: money that still comes in its name is
    money of the other's family. Returns the open invoices of that family.
    """
    family = families_of(tx, {new})[new]
    of = t.customer.c
    tx.execute(update(t.customer).where(of.id == old).values(parent_id=new, family=family))
    for table in (t.alias, t.exception, t.pause, t.reply):
        tx.execute(update(table).where(table.c.customer_id == old).values(customer_id=new))
    for table in (t.payment, t.invoice):
        tx.execute(update(table).where(table.c.customer_id == old).values(customer_id=new, family=family))
    tx.execute(delete(t.payment_history).where(t.payment_history.c.customer_id.in_((old, new))))
    look_again(tx, [family])
    tx.journal("customer_merged", old=old, new=new)
    opened = (t.invoice.c.family == family, t.invoice.c.status == InvoiceStatus.OPEN)
    return tuple(tx.execute(select(t.invoice.c.id).where(*opened).order_by(t.invoice.c.id)).scalars())
