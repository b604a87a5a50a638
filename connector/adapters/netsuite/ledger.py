"""Reading receivables by SuiteQL: invoices, credits, customers, and payments that anybody made.

Everything is read page by page along a key; rows become values as they come, so that a ledger of any size passes
through a page's worth of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from connector.adapters.ledger_rows import cells
from connector.adapters.ledger_rows.customers import customers as read_customers
from connector.adapters.netsuite import acts, queries, reading
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.errors import Terminal
from connector.money import Money
from connector.ports import Clock, ErpRead, PaymentSeen
from connector.receivables import Customer, CustomerTotal, Parked

T = TypeVar("T")

# Oracle takes at most 1,000 values in one IN list; shorter questions are answered sooner.
IDS_PER_QUERY = 400
SOURCE_IDS_PER_QUERY = 50
# Kinds of a count of changes that are no documents.
_CUSTOMER, _MESSAGE = "Customer", "Message"


class Ledger:
    """One account's receivables. Safe for several threads."""

    def __init__(self, ql: SuiteQl, mapping: NetSuiteMapping, names: Names, clock: Clock) -> None:
        self._ql = ql
        self._mapping = mapping
        self._names = names
        self._clock = clock

    def totals(self) -> tuple[CustomerTotal, ...]:
        """Count and sum of what each customer owes by currency; invoices in an unreadable currency are left out."""
        rows = self._ql.by_offset("the open sums by customer", queries.TOTALS)
        currencies = self._names.currencies(rows)
        return tuple(total for row in rows if (total := reading.total(row, currencies)) is not None)

    def changed(self, since: datetime) -> ErpRead:
        """What was modified since, reaching back a little further, since NetSuite's clock is not ours.

        One request where nothing was.
        """
        requested_at = self._clock.now()
        overlap = timedelta(minutes=self._mapping.facts.modified_overlap_minutes)
        start = (since - overlap).astimezone(self._mapping.zone).strftime("%Y-%m-%d %H:%M:%S")
        sql, times = queries.changes(self._mapping)
        counts = self._ql.by_offset("what changed", sql, [start] * times)
        moved = {row.get("kind", "") for row in counts if row.get("changed", "0") != "0"}
        parts = []
        if moved & {_CUSTOMER}:
            parts += list(self._customers(requested_at, "changed customers", queries.CUSTOMER_MODIFIED, [start]))
        known = {customer.id for part in parts for customer in part.customers}
        if moved - {_CUSTOMER}:
            condition, times = queries.touched(self._mapping)
            condition = f"{queries.ANY_INVOICE} AND {condition}"
            parts += self.invoice_parts(requested_at, "changed invoices", condition, [start] * times, known)
        if moved - {_CUSTOMER, _MESSAGE, "CustInvc"}:
            condition = f"{queries.ANY_CREDIT} AND {queries.TOUCHED_CREDIT}"
            parts += self.credit_parts(requested_at, "changed credits", condition, [start, start], known)
        return merged(requested_at, parts)

    def open_by_part(self) -> Iterator[ErpRead]:
        """All that is open, a page at a time; customers come before what they owe."""
        requested_at = self._clock.now()
        known: set[str] = set()
        for part in self._customers(requested_at, "customers with something open", queries.HAS_OPEN, []):
            known |= {customer.id for customer in part.customers}
            yield part
        yield from self.invoice_parts(requested_at, "open invoices", queries.OPEN_INVOICE, [], known)
        yield from self.credit_parts(requested_at, "open credits", queries.OPEN_CREDIT, [], known)

    def open_of(self, customer_ids: Sequence[str]) -> ErpRead:
        requested_at = self._clock.now()
        known: set[str] = set()
        parts: list[ErpRead] = []
        for ids in chunks(numeric(customer_ids), IDS_PER_QUERY):
            whose = f" AND t.entity IN ({queries.marks(len(ids))})"
            parts += self.invoice_parts(requested_at, "open invoices", queries.OPEN_INVOICE + whose, ids, known)
            parts += self.credit_parts(requested_at, "open credits", queries.OPEN_CREDIT + whose, ids, known)
        return merged(requested_at, parts)

    def invoices(self, ids: Sequence[str]) -> ErpRead:
        requested_at = self._clock.now()
        known: set[str] = set()
        parts: list[ErpRead] = []
        for chunk in chunks(numeric(ids), IDS_PER_QUERY):
            condition = f"{queries.ANY_INVOICE} AND t.id IN ({queries.marks(len(chunk))})"
            parts += self.invoice_parts(requested_at, "invoices by id", condition, chunk, known)
        return merged(requested_at, parts)

    def credits(self, ids: Sequence[str]) -> ErpRead:
        requested_at = self._clock.now()
        known: set[str] = set()
        parts: list[ErpRead] = []
        for chunk in chunks(numeric(ids), IDS_PER_QUERY):
            condition = f"{queries.ANY_CREDIT} AND t.id IN ({queries.marks(len(chunk))})"
            parts += self.credit_parts(requested_at, "credits by id", condition, chunk, known)
        return merged(requested_at, parts)

    # ---- pages of rows -> parts of a read; `known` are customers that were read already ----

    def invoice_parts(
        self, requested_at: datetime, what: str, condition: str, params: Sequence[str | int], known: set[str]
    ) -> Iterator[ErpRead]:
        for rows in self._ql.pages(what, queries.invoices(self._mapping, condition), params, "id"):
            currencies = self._names.currencies(rows)
            lines = self._lines(rows)
            read = [reading.invoice(row, lines.pop(row["id"], []), currencies) for row in rows]
            customers, unread = self.customers_of(rows, known)
            yield ErpRead(
                requested_at=requested_at,
                customers=customers,
                invoices=tuple(item for item in read if not isinstance(item, Parked)),
                parked=(*(item for item in read if isinstance(item, Parked)), *unread),
            )

    def credit_parts(
        self, requested_at: datetime, what: str, condition: str, params: Sequence[str | int], known: set[str]
    ) -> Iterator[ErpRead]:
        for rows in self._ql.pages(what, queries.credits(self._mapping, condition), params, "id"):
            currencies = self._names.currencies(rows)
            read = [reading.credit(row, currencies) for row in rows]
            customers, unread = self.customers_of(rows, known)
            yield ErpRead(
                requested_at=requested_at,
                customers=customers,
                credits=tuple(item for item in read if not isinstance(item, Parked)),
                parked=(*(item for item in read if isinstance(item, Parked)), *unread),
            )

    def _customers(
        self, requested_at: datetime, what: str, condition: str, params: Sequence[str | int]
    ) -> Iterator[ErpRead]:
        known: set[str] = set()
        for page in self._ql.pages(what, queries.customers(self._mapping, condition), params, "id"):
            known |= {row["id"] for row in page}
            rows = [*page, *self._parents(page, known)]
            customers, unread = read_customers(rows, self._names.currencies(rows))
            yield ErpRead(requested_at, customers=customers, parked=unread)

    def customers_of(self, rows: Sequence[Row], known: set[str]) -> tuple[tuple[Customer, ...], tuple[Parked, ...]]:
        """The customers of these documents that were not read yet, and what of them is not understood; they are known
        from here on."""
        wanted = {row.get("entity", "") for row in rows} - known
        known |= wanted
        found = self._by_id(wanted)
        found += self._parents(found, known)
        return read_customers(found, self._names.currencies(found))

    def _parents(self, rows: Sequence[Row], known: set[str]) -> list[Row]:
        """Parents that get these customers' reminders: most of them have nothing open themselves."""
        wanted = {row.get("parent", "") for row in rows if row.get("mails_parent") == "T"} - known - {""}
        known |= wanted
        return self._by_id(wanted)

    def _by_id(self, customer_ids: Iterable[str]) -> list[Row]:
        found: list[Row] = []
        for chunk in chunks(numeric(customer_ids), IDS_PER_QUERY):
            sql = queries.customers(self._mapping, f"c.id IN ({queries.marks(len(chunk))})")
            found += self._ql.by_key("customers", sql, chunk, "id")
        return found

    def _lines(self, invoice_rows: Sequence[Row]) -> dict[str, list[Row]]:
        """Invoice id -> its lines with positive amounts."""
        found: dict[str, list[Row]] = {}
        turned = self._mapping.facts.line_amount_sign == "minus"
        for chunk in chunks([int(row["id"]) for row in invoice_rows], IDS_PER_QUERY):
            sql = queries.lines(self._mapping, len(chunk))
            for line in self._ql.by_key("invoice lines", sql, chunk, "uniquekey"):
                amount = line.get("foreignamount", "")
                signed = (amount[1:] if amount.startswith("-") else f"-{amount}") if turned and amount else amount
                found.setdefault(line.get("invoice", ""), []).append({**line, "foreignamount": signed})
        return found

    # ---- payments that anybody made ----

    def payments_with(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        """Source id -> the payment that carries it as a whole word; one in force before a voided one, then the first.

        Raises Terminal when such a payment can't be read: then nobody may post beside it.
        """
        found: dict[str, PaymentSeen] = {}
        for chunk in chunks(sorted({source_id for source_id in source_ids if source_id}), SOURCE_IDS_PER_QUERY):
            rows = self._ql.by_key("payments by source id", queries.payments_with(len(chunk)), likes(chunk), "id")
            for row, seen in self._payments(rows):
                for source_id in chunk:
                    if carries(row, source_id) and (source_id not in found or found[source_id].voided > seen.voided):
                        found[source_id] = seen
        return found

    def payments_like(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        """Payments and deposits of these customers of just this amount, whoever made them."""
        found: list[PaymentSeen] = []
        days = [first_on.isoformat(), last_on.isoformat()]
        for chunk in chunks([int(customer_id) for customer_id in customer_ids], IDS_PER_QUERY):
            query = queries.payments_between(len(chunk))
            rows = self._ql.by_key("payments like this one", query, [*chunk, *days], "id")
            found += [seen for _, seen in self._payments(rows) if seen.amount == amount]
        return tuple(found)

    def _payments(self, rows: Sequence[Row]) -> list[tuple[Row, PaymentSeen]]:
        links: dict[str, list[Row]] = {}
        for chunk in chunks([int(row["id"]) for row in rows], IDS_PER_QUERY):
            for link in self._ql.by_offset("payment applications", queries.applications(len(chunk)), chunk):
                links.setdefault(link.get("payment", ""), []).append(link)
        currencies = self._names.currencies(rows)
        seen = []
        for row in rows:
            try:
                links_of = links.get(row["id"], [])
                seen.append((row, reading.payment(row, links_of, currencies, self._mapping.zone)))
            except cells.Unreadable as error:
                raise unreadable("customer payment", row["id"], error) from None
        return seen


def merged(requested_at: datetime, parts: Iterable[ErpRead]) -> ErpRead:
    """Parts of one read as one."""
    listed = list(parts)
    return ErpRead(
        requested_at=requested_at,
        invoices=tuple(item for part in listed for item in part.invoices),
        customers=tuple(item for part in listed for item in part.customers),
        credits=tuple(item for part in listed for item in part.credits),
        parked=tuple(item for part in listed for item in part.parked),
    )


def likes(source_ids: Iterable[str]) -> list[str | int]:
    """The parameters of a search in external id and memo."""
    return [text for source_id in source_ids for text in (f"%{source_id}%", f"%{source_id}%")]


def carries(row: Row, source_id: str) -> bool:
    """Does the document name this id as a whole word? (`_` in a LIKE stands for any letter.)"""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source_id)}(?![A-Za-z0-9])")
    return any(word.search(row.get(name, "")) for name in ("externalid", "memo"))


def unreadable(kind: str, internal_id: str, error: cells.Unreadable) -> Terminal:
    return Terminal(
        f"Could not understand {kind} {internal_id} in NetSuite: {error}. Nothing was changed. Correct the record, "
        "or tell us what the field means."
    )


def numeric(ids: Iterable[str]) -> list[int]:
    return sorted({int(text) for text in ids if acts.is_internal_id(text)})


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
