"""What else is known of a customer: the CRM's word, invoices that collect themselves, who must look at what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, delete, false, func, insert, or_, select, update

from connector.settlement import Autopay, CrmAccount, CrmTask
from connector.store import Tx
from connector.store import tables as t
from connector.store.book import AT_ONCE, IDS_AT_ONCE, from_json, to_json

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
    families = select(t.customer.c.family).where(t.customer.c.id.in_(list(customer_ids)))
    tx.execute(
        update(t.invoice)
        .where(t.invoice.c.family.in_(families), t.invoice.c.status == "open")
        .values(next_on=AT_ONCE, version=t.invoice.c.version + 1, restate=True)
    )


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
    """An invoice that a person must look at; `task` is what the CRM is asked to show, None where there is no CRM."""

    invoice_id: str
    rule: str
    reason: str
    stops_mail: bool
    owner: str
    task: CrmTask | None
    is_told: bool


def escalations(tx: Tx, invoice_ids: Sequence[str] | None = None) -> dict[str, Escalated]:
    """Invoice id -> its escalation, of all or of up to IDS_AT_ONCE."""
    query = select(t.escalation)
    if invoice_ids is not None:
        query = query.where(t.escalation.c.invoice_id.in_(list(invoice_ids)))
    return {row["invoice_id"]: _escalated(row) for row in tx.execute(query).mappings()}


def _escalated(row: Any) -> Escalated:
    return Escalated(
        row["invoice_id"],
        row["rule"],
        row["reason"],
        bool(row["stops_mail"]),
        row["owner"],
        from_json(CrmTask, row["task"]) if row["task"] else None,
        row["told_at"] is not None,
    )


def escalate(tx: Tx, one: Escalated) -> None:
    """A person must look at this invoice from now on; a second, firmer rule replaces the first."""
    values = {
        "rule": one.rule,
        "reason": one.reason,
        "stops_mail": one.stops_mail,
        "owner": one.owner,
        "task": to_json(one.task) if one.task else "",
        "told_at": None,
        "since": tx.at_text,
    }
    where = t.escalation.c.invoice_id == one.invoice_id
    if not tx.execute(update(t.escalation).where(where).values(**values)).rowcount:
        tx.execute(insert(t.escalation).values(invoice_id=one.invoice_id, **values))
    tx.journal("invoice_escalated", invoice=one.invoice_id, rule=one.rule, reason=one.reason, owner=one.owner)
    touched = update(t.invoice).where(t.invoice.c.id == one.invoice_id)
    tx.execute(touched.values(next_on=AT_ONCE, version=t.invoice.c.version + 1, restate=True))


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


def told(tx: Tx, invoice_ids: Sequence[str]) -> None:
    some = t.escalation.c.invoice_id.in_(list(invoice_ids))
    tx.execute(update(t.escalation).where(some).values(told_at=tx.at_text))


# What stands for a record that the ERP shows as closed: it is done with.
SHOWN_CLOSED = "closed"

# ---- the ERP's own dunning, and exceptions as the ERP sees them ----


def not_paused(tx: Tx, *, only_changed: bool) -> list[str]:
    """Open invoices whose native dunning runs and that we have not tried to pause yet.

    `only_changed`: of these those whose AR status may be behind.
    """
    runs = t.invoice.c.facts.contains('"is_native_dunning_paused":false')
    tried = select(t.dunning_pause.c.invoice_id)
    query = select(t.invoice.c.id).where(t.invoice.c.status == "open", runs, t.invoice.c.id.not_in(tried))
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
