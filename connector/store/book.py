"""Facts in, facts out: what the ERP and the payment source said, as last read.

Reads are ordered by when they were requested: an older one never overwrites a newer one. What an unfinished act of ours
has allocated is subtracted from the balance here, so every decision sees what is really still to be paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, Select, Table, and_, bindparam, delete, func, insert, or_, select, update

from connector.money import Money
from connector.receivables import (
    CreditKind,
    CreditMemo,
    Customer,
    CustomerTotal,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    Payment,
    PaymentState,
    PaymentToPost,
)
from connector.store import Tx, instant, parse_instant
from connector.store import tables as t

T = TypeVar("T")

# A payment in one of these standings still has money to match; `refused` is tried again by a new day or a new fact.
UNMATCHED = ("waiting", "exception", "suggested", "refused")

# A `next_on` before every day there is: decide this invoice in the next tick, whatever the day is called there.
AT_ONCE = "0001-01-01"

# Ids in one SQL statement: SQLite's default bound on parameters was once 999.
IDS_AT_ONCE = 500

# Ids of credits that we know before the ERP has shown them.
OWN_CREDIT = "own:"

# The source of parked records of the CRM: they hold mail, and say nothing of money.
CRM = "crm"
# Of the ERP's customers: a field of one that isn't understood holds its mail, too, and nothing of its money.
ERP_CUSTOMER = "erp_customer"
_MAIL_ONLY = (CRM, ERP_CUSTOMER)

# Made once: what is asked for in every pass, most often many times, costs more to make than to carry out.
_FAMILY = select(t.customer.c.family).where(t.customer.c.id == bindparam("wanted"))
_SOURCE = select(t.source).where(t.source.c.name == bindparam("wanted"))
_IN_BACKLOG = select(t.invoice).where(t.invoice.c.in_backlog)
_PARKED = select(t.parked.c.customer_id).where(t.parked.c.customer_id != "", t.parked.c.source.not_in(_MAIL_ONLY))

# Money received before the cutover shields this long: time enough for whoever posts it.
OBSERVED_SHIELDS = timedelta(days=7)


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Building one costs milliseconds, using it microseconds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_json(value: Any) -> str:
    return _adapter(type(value)).dump_json(value).decode()


def from_json(kind: type[T], text: str) -> T:
    value: T = _adapter(kind).validate_json(text)
    return value


class Change(StrEnum):
    """What a read did to what we knew of a record."""

    NEW = "new"
    LOWERED = "lowered"  # less is owed, or a hold, dispute or closure came: leases decided before are void
    CHANGED = "changed"
    SAME = "same"
    OLDER = "older"  # asked for before what we have: ignored


# ---- the ERP's side ----


def put_customers(tx: Tx, customers: Sequence[Customer], requested_at: datetime) -> dict[str, Change]:
    """Take customers as read. A new exclusion, a new parent or another address touches all open invoices of it."""
    known = _rows_by_id(tx, t.customer, [customer.id for customer in customers])
    once = {customer.id: customer for customer in customers}
    return {id: _put_customer(tx, one, known.get(id), requested_at) for id, one in once.items()}


def _put_customer(tx: Tx, customer: Customer, row: Any, requested_at: datetime) -> Change:
    values = {
        "name": customer.name,
        "email": customer.email,
        "parent_id": customer.parent_id,
        "family": customer.family,
        "exclusion": (customer.exclusion or "excluded") if customer.is_excluded else "",
        "autopay": customer.autopay,
        "facts": to_json(customer),
        "requested_at": instant(requested_at),
    }
    if row is None:
        tx.execute(insert(t.customer).values(id=customer.id, **values))
    elif row["requested_at"] > values["requested_at"]:
        return Change.OLDER
    elif all(row[key] == value for key, value in values.items() if key != "requested_at"):
        return Change.SAME
    else:
        if row["email"] and row["email"] != customer.email:
            values["email_since"] = requested_at.date().isoformat()
        tx.execute(update(t.customer).where(t.customer.c.id == customer.id).values(**values))
    tx.execute(
        update(t.invoice)
        .where(t.invoice.c.customer_id == customer.id, t.invoice.c.status == InvoiceStatus.OPEN)
        .values(family=customer.family, version=t.invoice.c.version + 1, next_on=AT_ONCE, restate=True)
    )
    tx.execute(update(t.payment).where(t.payment.c.customer_id == customer.id).values(family=customer.family))
    return Change.NEW if row is None else Change.CHANGED


def put_invoices(tx: Tx, invoices: Sequence[OpenInvoice], requested_at: datetime, today: date) -> dict[str, Change]:
    """Take invoices as read. While an act of ours on one is unfinished, its balance is left to the read-back."""
    known = invoices_by_id(tx, [invoice.id for invoice in invoices])
    asked = instant(requested_at)
    # By id, since a page may come twice.
    once = {invoice.id: invoice for invoice in invoices}
    fresh = [one for id, one in once.items() if id not in known]
    families = families_of(tx, {one.customer_id for one in fresh})
    rows = [_invoice_values(one, families, asked) | _first_sight(one, today) for one in fresh]
    if rows:
        tx.execute(insert(t.invoice), rows)
    changes = {one.id: Change.NEW for one in fresh}
    changes |= {id: _put_invoice(tx, once[id], row, asked) for id, row in known.items()}
    same = [invoice_id for invoice_id, change in changes.items() if change is Change.SAME]
    for start in range(0, len(same), IDS_AT_ONCE):
        some = t.invoice.c.id.in_(same[start : start + IDS_AT_ONCE])
        tx.execute(update(t.invoice).where(some).values(requested_at=asked))
    return changes


def _put_invoice(tx: Tx, invoice: OpenInvoice, row: Any, asked: str) -> Change:
    if row["requested_at"] > asked:
        return Change.OLDER
    before = _as_stored(row)
    if row["allocated"]:
        invoice = replace(invoice, balance=before.balance, status=before.status)
    if invoice == before:
        return Change.SAME
    lowered = is_lowered(before, invoice)
    values = _invoice_values(invoice, families_of(tx, {invoice.customer_id}), asked)
    values |= {"next_on": AT_ONCE, "restate": True, "version": row["version"] + 1}
    if invoice.status is InvoiceStatus.OPEN:
        values["closed_at"] = None
    elif row["closed_at"] is None:
        values["closed_at"] = tx.at_text
    tx.execute(update(t.invoice).where(t.invoice.c.id == invoice.id).values(**values))
    return Change.LOWERED if lowered else Change.CHANGED


def is_lowered(before: OpenInvoice, after: OpenInvoice) -> bool:
    """Is less asked for than before, or is a person's hold new?"""
    return (
        after.askable < before.askable
        or after.balance < before.balance
        or (after.status is not before.status)
        or (bool(after.hold_reason) and not before.hold_reason)
        or bool({pause.kind for pause in after.pauses} - {pause.kind for pause in before.pauses})
    )


def _first_sight(invoice: OpenInvoice, today: date) -> dict[str, Any]:
    closed = invoice.status is not InvoiceStatus.OPEN
    return {
        "id": invoice.id,
        "version": 1,
        "first_seen_on": today.isoformat(),
        "next_on": None if closed else AT_ONCE,
        "closed_at": None,
    }


def _invoice_values(invoice: OpenInvoice, families: Mapping[str, str], asked: str) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "customer_id": invoice.customer_id,
        "family": families[invoice.customer_id],
        "currency": invoice.balance.currency,
        "amount": invoice.amount.minor,
        "balance": invoice.balance.minor,
        "askable": invoice.askable.minor,
        "status": invoice.status,
        "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on.isoformat(),
        "hold_reason": invoice.hold_reason,
        "facts": to_json(invoice),
        "requested_at": asked,
    }


def put_credits(tx: Tx, credits: Sequence[CreditMemo], requested_at: datetime) -> None:
    """Take credits as read. One is forgotten only when it was seen with nothing left: absence proves nothing."""
    known = _rows_by_id(tx, t.credit, [credit.id for credit in credits])
    asked = instant(requested_at)
    once = {credit.id: credit for credit in credits}
    for credit in once.values():
        row = known.get(credit.id)
        # While an act of ours uses some of it, what is left of it is left to the read-back.
        if row and (row["requested_at"] > asked or row["allocated"]):
            continue
        values = {
            "number": credit.number,
            "customer_id": credit.customer_id,
            "currency": credit.open_amount.currency,
            "open_amount": credit.open_amount.minor,
            "kind": credit.kind,
            "external_id": credit.external_id,
            "facts": to_json(credit),
            "requested_at": asked,
        }
        if credit.id in known:
            tx.execute(update(t.credit).where(t.credit.c.id == credit.id).values(**values))
        else:
            tx.execute(insert(t.credit).values(id=credit.id, **values))
    _drop_own_credits(tx, [credit.external_id for credit in credits])
    drop_used_up(tx)


def drop_used_up(tx: Tx) -> None:
    """What is used up holds no reminder."""
    tx.execute(delete(t.credit).where(t.credit.c.open_amount == 0))


def _drop_own_credits(tx: Tx, external_ids: Sequence[str]) -> None:
    """The ERP shows the payments of these rests by now: what we expected of them gives way to what is there."""
    own = t.credit.c.id.startswith(OWN_CREDIT)
    for start in range(0, len(external_ids), IDS_AT_ONCE):
        tx.execute(delete(t.credit).where(own, t.credit.c.external_id.in_(external_ids[start : start + IDS_AT_ONCE])))


def put_parked(tx: Tx, parked: Iterable[Parked], understood: Mapping[str, Iterable[str]]) -> int:
    """Name what wasn't understood, forget what now is (`understood`: source -> record ids); counts the new."""
    for source, records in understood.items():
        known = [r for r in records]
        for start in range(0, len(known), 500):
            tx.execute(
                delete(t.parked).where(t.parked.c.source == source, t.parked.c.record.in_(known[start : start + 500]))
            )
    new = 0
    for record in parked:
        where = and_(t.parked.c.source == record.source, t.parked.c.record == record.record)
        values = {"field": record.field, "reason": record.reason, "customer_id": record.customer_id}
        if not tx.execute(update(t.parked).where(where).values(**values)).rowcount:
            tx.execute(insert(t.parked).values(source=record.source, record=record.record, since=tx.at_text, **values))
            tx.journal("record_parked", source=record.source, record=record.record, **{"field": record.field})
            new += 1
    return new


def forget_parked(tx: Tx, source: str, but: Iterable[str]) -> None:
    """The source has told all that it doesn't understand: what it named before and names no more is in order now."""
    kept = set(but)
    known = tx.execute(select(t.parked.c.record).where(t.parked.c.source == source)).scalars().all()
    for record in known:
        if record not in kept:
            tx.execute(delete(t.parked).where(t.parked.c.source == source, t.parked.c.record == record))


# ---- the payment source's side ----


def put_payment(tx: Tx, payment: Payment, requested_at: datetime, *, observed: bool) -> Change:
    """Take a payment as read. `observed`: received before the cutover, so it is never posted."""
    row = tx.execute(select(t.payment).where(t.payment.c.id == payment.id)).mappings().first()
    asked = instant(requested_at)
    values = {
        "source": payment.source,
        "customer_id": payment.customer_id,
        "family": family_of(tx, payment.customer_id),
        "currency": payment.amount.currency,
        "amount": payment.amount.minor,
        "refunded": payment.refunded.minor if payment.refunded else 0,
        "state": payment.state,
        "received_at": instant(payment.received_at),
        "received_on": payment.received_on.isoformat(),
        "facts": to_json(payment),
        "requested_at": asked,
    }
    if row is None:
        standing = "observed" if observed else "waiting"
        tx.execute(insert(t.payment).values(id=payment.id, standing=standing, seen_at=tx.at_text, **values))
        tx.journal("payment_seen", payment=payment.id, amount=str(payment.amount), state=payment.state)
        return Change.NEW
    if row["requested_at"] > asked:
        return Change.OLDER
    if from_json(Payment, row["facts"]) == payment:
        return Change.SAME
    if row["allocated"]:
        # The ERP holds it with the facts of the first time; what changed since is an exception, decided in the loop.
        values["amount"], values["customer_id"] = row["amount"], row["customer_id"]
        values["received_on"] = row["received_on"]
    if row["standing"] == "observed" and row["state"] == PaymentState.PROCESSING and not observed:
        # A debit begun before the cutover counts as received on the day it succeeds: nobody else posts it.
        values["standing"] = "waiting"
    tx.execute(update(t.payment).where(t.payment.c.id == payment.id).values(**values))
    tx.journal("payment_changed", payment=payment.id, state=payment.state, refunded=values["refunded"])
    return Change.CHANGED


# ---- reading ----


def _as_stored(row: Any) -> OpenInvoice:
    """The facts as read, with balance and state from the columns: an act of ours moves these before a read does."""
    balance, state = Money(row["balance"], row["currency"]), InvoiceStatus(row["status"])
    return replace(from_json(OpenInvoice, row["facts"]), balance=balance, status=state)


def invoice_of(row: Any) -> OpenInvoice:
    """The invoice as decisions see it: its balance less what our unfinished acts have allocated."""
    left = Money(row["balance"] - row["allocated"], row["currency"])
    return replace(_as_stored(row), balance=left)


def open_invoices(tx: Tx, *, family: str) -> tuple[OpenInvoice, ...]:
    """All invoices of a family with something left to pay, in any currency, by id."""
    rows = tx.execute(
        select(t.invoice)
        .where(
            t.invoice.c.family == family,
            t.invoice.c.status == InvoiceStatus.OPEN,
            t.invoice.c.balance > t.invoice.c.allocated,
        )
        .order_by(t.invoice.c.id)
    ).mappings()
    return tuple(invoice_of(row) for row in rows)


def open_of_amount(tx: Tx, amount: Money, count: int) -> tuple[OpenInvoice, ...]:
    """Open invoices of anybody with just this left, up to this many: to show a person whose money it may be."""
    of = t.invoice.c
    same = (of.status == InvoiceStatus.OPEN, of.currency == amount.currency, of.balance - of.allocated == amount.minor)
    rows = tx.execute(select(t.invoice).where(*same).order_by(of.id).limit(count)).mappings()
    return tuple(invoice_of(row) for row in rows)


def set_payer(tx: Tx, payment_id: str, customer_id: str) -> None:
    """We found out whose money this is, where its source doesn't say."""
    values = {"customer_id": customer_id, "family": family_of(tx, customer_id) if customer_id else ""}
    where = (t.payment.c.id == payment_id, t.payment.c.customer_id != customer_id)
    if tx.execute(update(t.payment).where(*where).values(**values)).rowcount:
        tx.journal("payer_found", payment=payment_id, customer=customer_id)


def family_marks(tx: Tx, families: Iterable[str] | None = None) -> dict[str, tuple[int, int, int]]:
    """Family -> a mark that moves whenever something about its invoices does; of these families, or of all."""
    of = t.invoice.c
    query = select(of.family, func.count(), func.sum(of.version), func.sum(of.balance - of.allocated))
    rows = _in_parts(tx, query.group_by(of.family), of.family, families)
    return {family: (int(count), int(versions), int(left)) for family, count, versions, left in rows}


def named_marks(tx: Tx, names: Iterable[str]) -> dict[str, tuple[tuple[str, int, int], ...]]:
    """Id or number as it is written -> marks of its invoices, which move whenever something about them does."""
    of, wanted = t.invoice.c, sorted(set(names))
    query = select(of.id, of.number, of.version, of.balance - of.allocated)
    rows = {
        (id, number, version, left)
        for by in (of.id, of.number)
        for id, number, version, left in _in_parts(tx, query, by, wanted)
    }
    found: dict[str, tuple[tuple[str, int, int], ...]] = {}
    for id, number, version, left in sorted(rows):
        for name in {id, number}:
            found[name] = (*found.get(name, ()), (id, version, left))
    return found


def _in_parts(tx: Tx, query: Select[Any], column: Column[Any], values: Iterable[str] | None) -> Iterator[Any]:
    """The rows of a query where the column has one of these values; of all rows for None."""
    if values is None:
        yield from tx.execute(query)
        return
    wanted = sorted(set(values))
    for start in range(0, len(wanted), IDS_AT_ONCE):
        yield from tx.execute(query.where(column.in_(wanted[start : start + IDS_AT_ONCE])))


def spellings(numbers: Iterable[str]) -> list[str]:
    """A number as it is written, in capitals and in small letters, so that an index serves."""
    return sorted({spelling for number in numbers for spelling in (number, number.upper(), number.lower())})


def named_invoices(tx: Tx, ids: Iterable[str], numbers: Iterable[str]) -> tuple[OpenInvoice, ...]:
    """Invoices of any customer, state and currency that have one of these ids or numbers (in any spelling), by id."""
    rows = _rows_by(tx, t.invoice.c.id, sorted(set(ids))) | _rows_by(tx, t.invoice.c.number, spellings(numbers))
    return tuple(invoice_of(rows[invoice_id]) for invoice_id in sorted(rows))


# What of a payment is not allocated by us, not given back and not applied by others.
LEFT = t.payment.c.amount - t.payment.c.refunded - t.payment.c.allocated - t.payment.c.elsewhere


def left_of(tx: Tx, payment_id: str) -> Money:
    """What of this payment is not allocated by us, not given back and not applied by others."""
    minor, currency = tx.execute(select(LEFT, t.payment.c.currency).where(t.payment.c.id == payment_id)).one()
    return Money(minor, currency)


def ids_of_customer(tx: Tx, customer_id: str) -> list[str]:
    """Every invoice known of this customer, open or not."""
    of = t.invoice.c
    return list(tx.execute(select(of.id).where(of.customer_id == customer_id).order_by(of.id)).scalars())


def invoices_by_id(tx: Tx, ids: Sequence[str]) -> dict[str, Any]:
    """Rows by id; use invoice_of for the value."""
    return _rows_by_id(tx, t.invoice, ids)


def _rows_by_id(tx: Tx, table: Table, ids: Sequence[str]) -> dict[str, Any]:
    return _rows_by(tx, table.c.id, ids)


def _rows_by(tx: Tx, column: Column[Any], values: Sequence[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for start in range(0, len(values), IDS_AT_ONCE):
        some = {"wanted": values[start : start + IDS_AT_ONCE]}
        rows |= {row["id"]: row for row in tx.execute(_among(column), some).mappings()}
    return rows


@cache
def _among(column: Column[Any]) -> Select[Any]:
    """Rows of which a column is among those wanted. Made once: making it costs more than carrying it out."""
    return select(column.table).where(column.in_(bindparam("wanted", expanding=True)))


def open_ids(tx: Tx, customer_ids: Sequence[str] | None = None) -> set[str]:
    """Invoices that we hold for open and that no unfinished act of ours is closing."""
    where = and_(t.invoice.c.status == InvoiceStatus.OPEN, t.invoice.c.allocated == 0)
    if customer_ids is not None:
        where = and_(where, t.invoice.c.customer_id.in_(customer_ids))
    return set(tx.execute(select(t.invoice.c.id).where(where)).scalars())


def open_credit_ids(tx: Tx, customer_ids: Sequence[str] | None = None) -> set[str]:
    """Credits that the ERP showed and that we hold for open."""
    shown = select(t.credit.c.id).where(t.credit.c.id.not_like(f"{OWN_CREDIT}%"))
    if customer_ids is not None:
        shown = shown.where(t.credit.c.customer_id.in_(customer_ids))
    return set(tx.execute(shown).scalars())


def totals(tx: Tx) -> dict[tuple[str, str], CustomerTotal]:
    """Count and sum of what we hold for open, as the ERP would add it up; customers with unfinished acts left out."""
    busy = select(t.invoice.c.customer_id).where(t.invoice.c.allocated > 0)
    rows = tx.execute(
        select(t.invoice.c.customer_id, t.invoice.c.currency, func.count(), func.sum(t.invoice.c.balance))
        .where(t.invoice.c.status == InvoiceStatus.OPEN, t.invoice.c.customer_id.not_in(busy))
        .group_by(t.invoice.c.customer_id, t.invoice.c.currency)
    )
    return {(c, cur): CustomerTotal(c, cur, int(n), Money(int(s), cur)) for c, cur, n, s in rows}


def busy_customers(tx: Tx) -> set[str]:
    return set(tx.execute(select(t.invoice.c.customer_id).where(t.invoice.c.allocated > 0)).scalars())


def customers_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, Customer]:
    wanted = list(ids)
    found: dict[str, Customer] = {}
    for start in range(0, len(wanted), 500):
        rows = tx.execute(_among(t.customer.c.id), {"wanted": wanted[start : start + 500]}).mappings()
        found |= {row["id"]: _customer(row) for row in rows}
    return found


def customers_who_owe(tx: Tx) -> dict[str, Customer]:
    """Every customer with an open invoice, and their parents."""
    owing = select(t.invoice.c.customer_id).where(t.invoice.c.status == InvoiceStatus.OPEN).distinct()
    found = customers_by_id(tx, tx.execute(owing).scalars().all())
    return found | customers_by_id(tx, {one.parent_id for one in found.values() if one.parent_id} - found.keys())


def _customer(row: Any) -> Customer:
    if row["facts"]:
        return from_json(Customer, row["facts"])
    # Read before these facts were kept: the next whole read brings them.
    autopay, exclusion = bool(row["autopay"]), row["exclusion"]
    return Customer(row["id"], row["name"], row["email"], row["parent_id"], bool(exclusion), exclusion, autopay)


def autopay_customers(tx: Tx) -> set[str]:
    """Customers whose invoices are collected by themselves, by the ERP's word."""
    return set(tx.execute(select(t.customer.c.id).where(t.customer.c.autopay)).scalars())


def family_of(tx: Tx, customer_id: str) -> str:
    """The family under which this customer's money and invoices are decided; itself while it isn't known."""
    family = tx.execute(_FAMILY, {"wanted": customer_id}).scalar()
    return str(family or customer_id)


def families_of(tx: Tx, customer_ids: Iterable[str]) -> dict[str, str]:
    """Of each of these customers the family, as `family_of`."""
    ids = sorted(set(customer_ids))
    known = {id: row["family"] for id, row in _rows_by_id(tx, t.customer, ids).items()}
    return {id: known.get(id, id) for id in ids}


def family_members(tx: Tx, family: str) -> frozenset[str]:
    return frozenset(tx.execute(select(t.customer.c.id).where(t.customer.c.family == family)).scalars()) | {family}


def parked_customers(tx: Tx) -> set[str]:
    """Customers with an ERP record or money that was not understood: their sums can't be trusted."""
    return set(tx.execute(_PARKED).scalars())


def parked_invoices(tx: Tx) -> dict[str, str]:
    """Parked ERP record id -> what was wrong with it."""
    rows = tx.execute(select(t.parked.c.record, t.parked.c.field, t.parked.c.reason).where(t.parked.c.source == "erp"))
    return {record: f"{field}: {reason}" for record, field, reason in rows}


def parked_money(tx: Tx, sources: Iterable[str]) -> dict[str, str]:
    """Family -> what was not understood of money that it may have paid, or of what CRM and ERP say of it."""
    some = (t.parked.c.source.in_((*sources, *_MAIL_ONLY)), t.parked.c.customer_id != "")
    rows = tx.execute(select(t.parked).where(*some)).mappings().all()
    what = {CRM: "CRM account", ERP_CUSTOMER: "ERP customer"}
    return {
        family_of(tx, row["customer_id"]): (
            f"{what.get(row['source'], 'payment')} {row['record']}, {row['field']}: {row['reason']}"
        )
        for row in rows
    }


def waiting_payments(tx: Tx) -> tuple[tuple[Payment, Money], ...]:
    """Received payments that still need a decision, oldest first, with what is left of each."""
    of = t.payment.c
    rows = tx.execute(
        # What the ERP holds of it unapplied is the ERP's to say, not the source's.
        select(of.facts, func.coalesce(t.credit.c.id, ""), LEFT, of.currency)
        .join_from(t.payment, t.credit, t.credit.c.id == of.erp_id, isouter=True)
        .where(of.state == PaymentState.SUCCEEDED, of.standing.in_(("waiting", "exception", "suggested")), LEFT > 0)
        .order_by(of.received_at, of.id)
    )
    return tuple(
        (replace(from_json(Payment, facts), erp_id=erp_id), Money(left, currency))
        for facts, erp_id, left, currency in rows
    )


def observed_payments(tx: Tx, today: date) -> tuple[Payment, ...]:
    """Money from before the cutover that still shields: somebody else posts it, we only wait to see that."""
    rows = tx.execute(
        select(t.payment.c.facts).where(
            t.payment.c.standing == "observed",
            t.payment.c.state == PaymentState.SUCCEEDED,
            t.payment.c.received_on >= (today - OBSERVED_SHIELDS).isoformat(),
        )
    )
    return tuple(from_json(Payment, facts) for (facts,) in rows)


def put_own_credit(tx: Tx, act_id: str, payment: PaymentToPost, unapplied: Money) -> None:
    """The unapplied rest of a payment that we are about to post."""
    tx.execute(
        insert(t.credit).values(
            id=f"{OWN_CREDIT}{act_id}",
            number="",
            customer_id=payment.customer_id,
            currency=unapplied.currency,
            open_amount=unapplied.minor,
            kind=CreditKind.UNAPPLIED_PAYMENT,
            external_id=payment.external_id,
            requested_at=tx.at_text,
        )
    )


def drop_own_credit(tx: Tx, act_id: str) -> None:
    """The payment was refused: there is no rest of it."""
    tx.execute(delete(t.credit).where(t.credit.c.id == f"{OWN_CREDIT}{act_id}"))


def inflight(tx: Tx, today: date) -> dict[tuple[str, str], Money]:
    """Money seen but not matched, by family and currency: the shield. Unidentified cash shields nobody."""
    rows = tx.execute(
        select(t.payment.c.family, t.payment.c.currency, func.sum(LEFT))
        .where(
            t.payment.c.family != "",
            t.payment.c.erp_id.not_in(select(t.credit.c.id)),  # there it counts as the customer's credit
            or_(
                t.payment.c.state.in_((PaymentState.PROCESSING, PaymentState.FUNDED)),
                and_(
                    t.payment.c.state == PaymentState.SUCCEEDED,
                    # A suggestion shields its own invoices, by name.
                    t.payment.c.standing.in_([one for one in UNMATCHED if one != "suggested"]),
                ),
                and_(
                    t.payment.c.state == PaymentState.SUCCEEDED,
                    t.payment.c.standing == "observed",
                    t.payment.c.received_on >= (today - OBSERVED_SHIELDS).isoformat(),
                ),
            ),
        )
        .group_by(t.payment.c.family, t.payment.c.currency)
    )
    return {(family, currency): Money(int(minor), currency) for family, currency, minor in rows if minor > 0}


def overdue_askable(tx: Tx, today: date) -> dict[tuple[str, str], Money]:
    """What may be asked for of the overdue invoices, by family and currency."""
    left = t.invoice.c.askable - t.invoice.c.allocated
    rows = tx.execute(
        select(t.invoice.c.family, t.invoice.c.currency, func.sum(left))
        .where(t.invoice.c.status == InvoiceStatus.OPEN, t.invoice.c.due_on < today.isoformat(), left > 0)
        .group_by(t.invoice.c.family, t.invoice.c.currency)
    )
    return {(family, currency): Money(int(minor), currency) for family, currency, minor in rows}


def credits_by_family(tx: Tx) -> dict[tuple[str, str], Money]:
    """Open credits in the ERP by family and currency."""
    family = func.coalesce(t.customer.c.family, t.credit.c.customer_id)
    rows = tx.execute(
        select(family, t.credit.c.currency, func.sum(t.credit.c.open_amount))
        .select_from(t.credit.outerjoin(t.customer, t.customer.c.id == t.credit.c.customer_id))
        .group_by(family, t.credit.c.currency)
    )
    return {(f, currency): Money(int(minor), currency) for f, currency, minor in rows}


# ---- freshness ----


def source_state(tx: Tx, name: str) -> tuple[str, datetime | None, date | None]:
    """Cursor, fresh-as-of instant and the day of the last whole read."""
    row = tx.execute(_SOURCE, {"wanted": name}).mappings().first()
    if row is None:
        return "", None, None
    fresh = parse_instant(row["fresh_as_of"]) if row["fresh_as_of"] else None
    return row["cursor"], fresh, date.fromisoformat(row["full_read_on"]) if row["full_read_on"] else None


def put_source(tx: Tx, name: str, *, cursor: str = "", fresh_as_of: datetime, full_read_on: date | None = None) -> None:
    values: dict[str, Any] = {"cursor": cursor, "fresh_as_of": instant(fresh_as_of)}
    if full_read_on:
        values["full_read_on"] = full_read_on.isoformat()
    if not tx.execute(update(t.source).where(t.source.c.name == name).values(**values)).rowcount:
        tx.execute(insert(t.source).values(name=name, **values))


# ---- what is to be looked at ----


def email_changes(tx: Tx, since: date) -> dict[str, date]:
    """Customers whose billing contact got another address since this day, and when."""
    rows = tx.execute(
        select(t.customer.c.id, t.customer.c.email_since).where(t.customer.c.email_since >= since.isoformat())
    )
    return {id: date.fromisoformat(day) for id, day in rows}


def emails_heard(tx: Tx, recipients: Iterable[str]) -> dict[str, str]:
    """Customers whose billing contact is one of these recipients, with it."""
    wanted = list(recipients)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        email = func.lower(t.customer.c.email)
        some = email.in_(wanted[start : start + IDS_AT_ONCE])
        found |= {id: address for id, address in tx.execute(select(t.customer.c.id, email).where(some))}
    return found


def mailing_parent(tx: Tx, parent_id: str) -> tuple[str, ...]:
    """Customers of this parent whose reminders go to it."""
    rows = tx.execute(select(t.customer).where(t.customer.c.parent_id == parent_id)).mappings()
    return tuple(one.id for one in map(_customer, rows) if one.mails_parent)


def look_again(tx: Tx, ids: Sequence[str] | None = None) -> None:
    """Plan and decide these open invoices anew, or all of them, as under another policy."""
    of_all = update(t.invoice).where(t.invoice.c.status == InvoiceStatus.OPEN)
    again = of_all.values(next_on=AT_ONCE, restate=True, version=t.invoice.c.version + 1)
    if ids is None:
        tx.execute(again)
        return
    for start in range(0, len(ids), IDS_AT_ONCE):
        tx.execute(again.where(t.invoice.c.id.in_(list(ids[start : start + IDS_AT_ONCE]))))


def segments_of(tx: Tx, invoice_ids: Sequence[str]) -> set[str]:
    """The segments that these invoices are in; '' is the default one."""
    some = t.invoice.c.id.in_(list(invoice_ids))
    return set(tx.execute(select(t.invoice.c.segment).where(some).distinct()).scalars()) if invoice_ids else set()


def set_segments(tx: Tx, segments: Mapping[str, str]) -> None:
    """These invoices are in another segment: planned, decided and shown anew."""
    if segments:
        one = update(t.invoice).where(t.invoice.c.id == bindparam("of_invoice"))
        values = one.values(segment=bindparam("now_in"), next_on=AT_ONCE, restate=True, version=t.invoice.c.version + 1)
        tx.execute(values, [{"of_invoice": id, "now_in": segment} for id, segment in segments.items()])


def changed_ids(tx: Tx, count: int) -> list[str]:
    """Invoices whose facts changed and whose plan is not settled yet, up to this many."""
    changed = select(t.invoice.c.id).where(t.invoice.c.next_on == AT_ONCE)
    return list(tx.execute(changed.order_by(t.invoice.c.id).limit(count)).scalars())


def due_briefs(tx: Tx, today: date) -> list[Any]:
    """Open invoices whose next action day has come, by id, without their facts."""
    of = t.invoice.c
    due = select(
        of.id, of.version, of.number, of.customer_id, of.family, of.currency, of.in_backlog, of.allocated, of.segment
    )
    due = due.where(of.next_on <= today.isoformat(), of.status == InvoiceStatus.OPEN)
    return list(tx.execute(due.order_by(of.id)).mappings())


def open_rows(tx: Tx) -> list[Any]:
    return list(tx.execute(select(t.invoice).where(t.invoice.c.status == InvoiceStatus.OPEN)).mappings())


def walk_owed(tx: Tx) -> Iterator[Any]:
    """Of every open invoice, family by family, what its columns tell: id, number, customer, family, currency, balance
    and askable less what unfinished acts have allocated, issued on, due on, segment.
    """
    of = t.invoice.c
    left, askable = of.balance - of.allocated, of.askable - of.allocated
    columns = (of.id, of.number, of.customer_id, of.family, of.currency, left, askable)
    query = select(*columns, of.issued_on, of.due_on, of.segment)
    owed = (of.status == InvoiceStatus.OPEN, left > 0)
    streamed = tx.connection.execution_options(yield_per=IDS_AT_ONCE)
    yield from streamed.execute(query.where(*owed).order_by(of.family, of.id))


def kept_back(tx: Tx) -> tuple[OpenInvoice, ...]:
    """The open invoices that people keep back in the ERP, by id."""
    of = t.invoice.c
    has_some = or_(of.hold_reason != "", of.facts.contains('"pauses":[{'))
    rows = tx.execute(select(t.invoice).where(of.status == InvoiceStatus.OPEN, has_some).order_by(of.id)).mappings()
    return tuple(invoice_of(row) for row in rows)


def walk_open(tx: Tx) -> Iterator[tuple[OpenInvoice, str]]:
    """Every open invoice with its family, family by family, in bounded memory."""
    of = t.invoice.c
    owed = (of.status == InvoiceStatus.OPEN, of.balance > of.allocated)
    query = select(t.invoice).where(*owed).order_by(of.family, of.id)
    for rows in tx.connection.execution_options(yield_per=IDS_AT_ONCE).execute(query).mappings().partitions():
        for row in rows:
            yield invoice_of(row), row["family"]


def set_next(tx: Tx, days: Mapping[str, date | None]) -> None:
    """The day on which each of these invoices is looked at again; None is never, unless its facts change."""
    if days:
        one = update(t.invoice).where(t.invoice.c.id == bindparam("invoice")).values(next_on=bindparam("day"))
        rows = [{"invoice": id, "day": day.isoformat() if day else None} for id, day in days.items()]
        tx.execute(one, rows)


def into_backlog(tx: Tx, invoice_id: str, reason: str) -> None:
    tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(in_backlog=True, restate=True))
    tx.journal("invoice_in_backlog", invoice=invoice_id, reason=reason)


def backlog_rows(tx: Tx) -> list[Any]:
    return list(tx.execute(_IN_BACKLOG).mappings())


def out_of_backlog(tx: Tx, invoice_id: str) -> None:
    values = {"in_backlog": False, "restate": True, "next_on": AT_ONCE}
    tx.execute(update(t.invoice).where(t.invoice.c.id == invoice_id).values(**values))
    tx.journal("invoice_left_backlog", invoice=invoice_id)


def behind(tx: Tx, after: str, count: int, segments: Iterable[str] | None = None) -> list[str]:
    """Invoices of these segments, or of all, whose AR status in the ERP may be behind, by id from this one on."""
    page = select(t.invoice.c.id).where(t.invoice.c.restate, t.invoice.c.id > after)
    if segments is not None:
        page = page.where(t.invoice.c.segment.in_(list(segments)))
    return list(tx.execute(page.order_by(t.invoice.c.id).limit(count)).scalars())


def restate(tx: Tx, invoice_ids: Sequence[str], behind: bool = True) -> None:
    for start in range(0, len(invoice_ids), 500):
        some = invoice_ids[start : start + 500]
        tx.execute(update(t.invoice).where(t.invoice.c.id.in_(some)).values(restate=behind))


def flags_known(tx: Tx, invoice_ids: Sequence[str]) -> dict[str, str]:
    """Invoice id -> digest of the AR status that the ERP shows now."""
    known: dict[str, str] = {}
    for start in range(0, len(invoice_ids), 500):
        some = t.status_written.c.invoice_id.in_(invoice_ids[start : start + 500])
        rows = tx.execute(select(t.status_written.c.invoice_id, t.status_written.c.digest).where(some))
        known |= {invoice_id: digest for invoice_id, digest in rows}
    return known


def put_flags(tx: Tx, digests: Mapping[str, str]) -> None:
    """Invoice id -> digest of the AR status that the ERP shows from now on."""
    known = flags_known(tx, list(digests))
    rows = [{"invoice": invoice_id, "shown": digest} for invoice_id, digest in digests.items()]
    there, fresh = (
        [row for row in rows if row["invoice"] in known],
        [row for row in rows if row["invoice"] not in known],
    )
    if there:
        where = t.status_written.c.invoice_id == bindparam("invoice")
        tx.execute(update(t.status_written).where(where).values(digest=bindparam("shown")), there)
    if fresh:
        tx.execute(insert(t.status_written), [{"invoice_id": row["invoice"], "digest": row["shown"]} for row in fresh])
