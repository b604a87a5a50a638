"""Who each family is: how it has paid, what the ERP and the CRM say of it as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Column, Select, delete, insert, select, update

from connector.paying import Tally
from connector.receivables import Customer, InvoiceStatus, PaymentHistory, Profile, Traits
from connector.settlement import CrmAccount
from connector.store import Tx
from connector.store import tables as t
from connector.store.book import AT_ONCE, IDS_AT_ONCE, from_json, to_json


@dataclass(frozen=True, slots=True)
class Relation:
    """What the CRM says of a family: all its accounts together, the nearest renewal to come, the first owner."""

    is_strategic: bool = False
    do_not_contact: bool = False
    renews_on: date | None = None
    crm_account: CrmAccount | None = None


def relation(accounts: Sequence[CrmAccount], today: date) -> Relation:
    """One word for a family: strategic or not to be contacted if any account is; the nearest renewal from today on."""
    if not accounts:
        return Relation()
    renewals = sorted(one.renews_on for one in accounts if one.renews_on)
    coming = [day for day in renewals if day >= today]
    return Relation(
        any(one.is_strategic for one in accounts),
        any(one.do_not_contact for one in accounts),
        coming[0] if coming else renewals[-1] if renewals else None,
        next((one for one in accounts if one.owner_id), accounts[0]),
    )


# ---- how customers have paid ----


def put_tallies(tx: Tx, tallies: Mapping[str, Tally], today: date) -> set[str]:
    """Take what each customer's history is made of; returns the families whose history changed by it.

    A customer of whom the past tells nothing any more keeps only the day of its first invoice; that day never moves
    forward, since each read reaches back less far than the one before it.
    """
    known = _tallies(tx)
    fresh: dict[str, Tally] = {}
    for customer_id in known.keys() | tallies.keys():
        before, after = known.get(customer_id, Tally()), tallies.get(customer_id, Tally())
        after = after + Tally(first_invoiced_on=before.first_invoiced_on)
        if after != before:
            fresh[customer_id] = after
    rows = [{"customer_id": id, "facts": to_json(one), "as_of": today.isoformat()} for id, one in fresh.items()]
    for some in _parts(sorted(fresh)):
        tx.execute(delete(t.payment_history).where(t.payment_history.c.customer_id.in_(some)))
    if rows:
        tx.execute(insert(t.payment_history), rows)
    families = dict(tx.execute(select(t.customer.c.id, t.customer.c.family)).all())
    earlier, later = (_histories(some, families) for some in (known, known | fresh))
    return {family for family in later if earlier.get(family, PaymentHistory()) != later[family]}


def look_again(tx: Tx, families: Iterable[str]) -> None:
    """Something is new about these families: all their open invoices are decided again."""
    for some in _parts(sorted(set(families))):
        tx.execute(
            update(t.invoice)
            .where(t.invoice.c.family.in_(some), t.invoice.c.status == InvoiceStatus.OPEN)
            .values(next_on=AT_ONCE, version=t.invoice.c.version + 1, restate=True)
        )


def _tallies(tx: Tx, customer_ids: Iterable[str] | None = None) -> dict[str, Tally]:
    of = t.payment_history.c
    rows = _rows(tx, select(of.customer_id, of.facts), of.customer_id, customer_ids)
    return {customer_id: from_json(Tally, facts) for customer_id, facts in rows}


def _histories(tallies: Mapping[str, Tally], families: Mapping[str, str]) -> dict[str, PaymentHistory]:
    """Family -> its history: of all its customers' invoices together, never an average of averages."""
    found: dict[str, Tally] = {}
    for customer_id, tally in tallies.items():
        family = families.get(customer_id, customer_id)
        found[family] = found.get(family, Tally()) + tally
    return {family: tally.history() for family, tally in found.items()}


# ---- profiles ----


def profiles(tx: Tx, today: date, families: Iterable[str] | None = None) -> dict[str, Profile]:
    """Family -> who it is to collections, of these families or of all of which anything is known.

    Of the traits the ERP's word counts before the CRM's, and in each system the head of the family before its members,
    by id. The history is that of the whole family.
    """
    wanted = None if families is None else set(families)
    traits: dict[str, Traits] = {}
    of_customer: dict[str, str] = {}
    for family, customer in _customers(tx, wanted):
        of_customer[customer.id] = family
        traits[family] = traits.get(family, Traits()).or_else(customer.traits)
    # A customer that wasn't read yet is its own family.
    customer_ids = None if wanted is None else of_customer.keys() | wanted
    accounts = _accounts(tx, customer_ids, of_customer)
    for family, some in accounts.items():
        for account in sorted(some, key=lambda one: one.customer_id != family):
            traits[family] = traits.get(family, Traits()).or_else(account.traits)
    histories = _histories(_tallies(tx, customer_ids), of_customer)
    relations = {family: relation(some, today) for family, some in accounts.items()}
    return {
        family: Profile(
            traits.get(family, Traits()),
            histories.get(family, PaymentHistory()),
            (of_family := relations.get(family, Relation())).is_strategic,
            of_family.renews_on,
        )
        for family in traits.keys() | histories.keys()
    }


def _customers(tx: Tx, families: Iterable[str] | None) -> Iterator[tuple[str, Customer]]:
    """The head of each family first, then its members by id."""
    of = t.customer.c
    query = select(of.family, of.id, of.name, of.facts).order_by(of.family, of.id != of.family, of.id)
    for family, customer_id, name, facts in _rows(tx, query, of.family, families):
        # Read before these facts were kept: the next whole read brings them.
        yield family, from_json(Customer, facts) if facts else Customer(customer_id, name)


def _accounts(
    tx: Tx, customer_ids: Iterable[str] | None, families: Mapping[str, str]
) -> dict[str, tuple[CrmAccount, ...]]:
    """Family -> what the CRM says of its customers, by account id."""
    of = t.crm_account.c
    found: dict[str, list[CrmAccount]] = {}
    for customer_id, facts in _rows(tx, select(of.customer_id, of.facts).order_by(of.id), of.customer_id, customer_ids):
        found.setdefault(families.get(customer_id, customer_id), []).append(from_json(CrmAccount, facts))
    return {family: tuple(sorted(some, key=lambda one: one.id)) for family, some in found.items()}


def _rows(tx: Tx, query: Select[Any], column: Column[Any], values: Iterable[str] | None) -> Iterator[Any]:
    """The rows of a query where the column has one of these values; of all rows for None."""
    if values is None:
        yield from tx.execute(query)
        return
    for some in _parts(sorted(values)):
        yield from tx.execute(query.where(column.in_(some)))


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]
