"""How people applied payments between two days, for measuring our own matching against it (RULES 8).

NetSuite keeps no day of an application. What settled an invoice counts from its own day, or from the invoice's where
that is later; money that was left for weeks and then applied looks applied earlier than it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connector.adapters.ledger_rows import cells
from connector.adapters.netsuite import queries
from connector.adapters.netsuite.ledger import IDS_PER_QUERY, Ledger, chunks, numeric
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Held, Payments
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.money import Money
from connector.ports import Clock, ErpRead, History, PastPayment
from connector.receivables import CreditMemo, InvoiceLine, InvoiceStatus, OpenInvoice, Parked

# Payments whose records are fetched in one request: each may show a line for every open invoice of its customer.
RECORDS_PER_REQUEST = 100


@dataclass(frozen=True, slots=True)
class _Link:
    """Part of one invoice, settled by one document. `kind` is SuiteQL's type, `on` the document's day."""

    invoice_id: str
    document_id: str
    kind: str
    on: date
    amount: Money


@dataclass
class _Book:
    """What is known so far, by id."""

    payments: dict[str, PastPayment] = field(default_factory=dict)
    invoices: dict[str, OpenInvoice] = field(default_factory=dict)
    memos: dict[str, CreditMemo] = field(default_factory=dict)
    links: list[_Link] = field(default_factory=list)  # of all these invoices
    parts: list[ErpRead] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)  # ids of those that were read

    def park(self, record: str, error: cells.Unreadable) -> None:
        self.parked.append(Parked(cells.SOURCE, record, error.field, error.reason))

    def day_of(self, invoice_id: str, on: date) -> date:
        """Nothing settles an invoice before it is there."""
        invoice = self.invoices.get(invoice_id)
        return max(on, invoice.issued_on) if invoice else on


class Past:
    """One account's history. Safe for several threads."""

    def __init__(self, ql: SuiteQl, names: Names, ledger: Ledger, payments: Payments, clock: Clock) -> None:
        self._ql = ql
        self._names = names
        self._ledger = ledger
        self._payments = payments
        self._clock = clock

    def read(self, first_on: date, last_on: date) -> History:
        """Payments dated in the window; invoices that were open in it or that those payments paid; credit memos.

        `settled_otherwise` holds all that is not by these payments: memos applied by themselves, journals, deposits,
        discounts, earlier payments. A memo's `open_amount` is what these payments could use of it. Holds and disputes
        of today say nothing about then, and are left out.
        """
        days, book = [last_on.isoformat(), first_on.isoformat()], _Book()
        self._read_payments(book, days)
        paid = self._links("nextdoc", {id_: one.amount.currency for id_, one in book.payments.items()}, book)
        self._read_invoices(book, days, {link.invoice_id for link in paid})
        book.links = self._links("previousdoc", {id_: one.amount.currency for id_, one in book.invoices.items()}, book)
        self._read_memos(book, days, {link.document_id for link in book.links if link.kind == "CustCred"})
        _leave_out(book, paid)
        held = self._apply(book)
        return History(
            invoices=tuple(book.invoices.values()),
            credits=tuple(_usable(book, held)),
            payments=tuple(book.payments.values()),
            settled_otherwise=tuple(_otherwise(book, held, last_on)),
            customers=tuple(customer for part in book.parts for customer in part.customers),
            parked=tuple(book.parked),
        )

    # ---- reading ----

    def _read_payments(self, book: _Book, days: Sequence[str]) -> None:
        rows = self._ql.by_key("past payments", queries.PAST_PAYMENTS, days, "id")
        currencies = self._names.currencies(rows)
        for row in rows:
            try:
                book.payments[row["id"]] = _payment(row, currencies)
            except cells.Unreadable as error:
                book.park(row["id"], error)
        customers, _ = self._ledger.customers_of(rows, book.customers)
        book.parts.append(ErpRead(self._clock.now(), customers=customers))

    def _links(self, by: str, currencies: Mapping[str, str], book: _Book) -> list[_Link]:
        """The links of these payments ('nextdoc') or invoices ('previousdoc'); what is not understood parks them."""
        column = "document" if by == "nextdoc" else "invoice"
        found: list[_Link] = []
        for chunk in chunks(numeric(currencies), IDS_PER_QUERY):
            for row in self._ql.by_offset("what settled invoices", queries.settlements(by, len(chunk)), chunk):
                try:
                    found.append(_link(row, currencies[row[column]]))
                except cells.Unreadable as error:
                    book.park(row[column], error)
        return found

    def _read_invoices(self, book: _Book, days: Sequence[str], paid: set[str]) -> None:
        at, what = self._clock.now(), "past invoices"
        parts = list(self._ledger.invoice_parts(at, what, queries.PAST_INVOICE, days, book.customers))
        for chunk in chunks(numeric(paid - _ids(parts)), IDS_PER_QUERY):
            condition = f"{queries.ANY_INVOICE} AND t.id IN ({queries.marks(len(chunk))})"
            parts += self._ledger.invoice_parts(at, what, condition, chunk, book.customers)
        book.invoices = {one.id: _as_billed(one) for part in parts for one in part.invoices}
        _take(book, parts)

    def _read_memos(self, book: _Book, days: Sequence[str], used: set[str]) -> None:
        at, what = self._clock.now(), "past credit memos"
        parts = list(self._ledger.credit_parts(at, what, queries.PAST_MEMO, days, book.customers))
        for chunk in chunks(numeric(used - _ids(parts)), IDS_PER_QUERY):
            condition = f"{queries.ANY_CREDIT} AND t.id IN ({queries.marks(len(chunk))})"
            parts += self._ledger.credit_parts(at, what, condition, chunk, book.customers)
        book.memos = {one.id: one for part in parts for one in part.credits}
        _take(book, parts)

    # ---- joining ----

    def _apply(self, book: _Book) -> dict[str, Held]:
        """Give each payment its applications; returns the records of those that came with credits or discounts.

        A link shows only the payment's own money with the discount in it, so that those need their records.
        """
        own: dict[str, list[_Link]] = defaultdict(list)
        for link in book.links:
            if link.document_id in book.payments:
                own[link.document_id].append(link)
        held = self._records(_mixed(book, own), book)
        for payment_id, payment in book.payments.items():
            seen = held[payment_id].seen if payment_id in held else None
            lines = seen.applications if seen else [(link.invoice_id, link.amount) for link in own[payment_id]]
            applied = tuple((id_, amount, book.day_of(id_, payment.received_on)) for id_, amount in lines)
            book.payments[payment_id] = replace(payment, applied=applied, credits=seen.credits if seen else ())
        return held

    def _records(self, payment_ids: Sequence[str], book: _Book) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for chunk in chunks(payment_ids, RECORDS_PER_REQUEST):
            for payment_id, one in self._payments.one_by_one(chunk).items():
                if isinstance(one, Held):
                    found[payment_id] = one
                else:
                    book.parked.append(replace(one, customer_id=book.payments.pop(payment_id).customer_id))
        return found


def _payment(row: Row, currencies: cells.Currencies) -> PastPayment:
    amount = cells.unsigned(cells.money_of(row, "foreigntotal", cells.currency_of(row, currencies)))
    check = row.get("otherrefnum", "")
    return PastPayment(
        erp_id=row["id"],
        customer_id=cells.text_of(row, "entity"),
        amount=amount,
        received_on=cells.day_of(row, "trandate", "received_on"),
        text=" ".join(part for part in (row.get("memo", ""), f"check {check}" if check else "") if part),
        external_id=row.get("externalid", ""),
        applied=(),
    )


def _link(row: Row, currency: str) -> _Link:
    return _Link(
        invoice_id=cells.text_of(row, "invoice"),
        document_id=cells.text_of(row, "document"),
        kind=row.get("type", ""),
        on=cells.day_of(row, "trandate", "settled_on"),
        amount=cells.unsigned(cells.money_of(row, "amount", currency, missing="0")),
    )


def _as_billed(invoice: OpenInvoice) -> OpenInvoice:
    lines = tuple(InvoiceLine(line.id, line.description, line.amount, line.kind) for line in invoice.lines)
    return replace(
        invoice,
        balance=invoice.amount,
        status=InvoiceStatus.OPEN,
        hold_reason="",
        lines=lines,
        pauses=(),
        touched_on=None,
    )


def _ids(parts: Iterable[ErpRead]) -> set[str]:
    """What was read or parked."""
    found: set[str] = set()
    for part in parts:
        found |= {one.id for one in part.invoices} | {one.id for one in part.credits}
        found |= {one.record for one in part.parked if one.source == cells.SOURCE}
    return found


def _take(book: _Book, parts: Sequence[ErpRead]) -> None:
    book.parts += parts
    # What isn't understood of a customer says nothing about how money was applied.
    book.parked += [one for part in parts for one in part.parked if one.source == cells.SOURCE]


def _leave_out(book: _Book, paid: Sequence[_Link]) -> None:
    """A payment of something that is not understood says nothing about matching."""
    for link in paid:
        payment = book.payments.get(link.document_id)
        if payment and link.invoice_id not in book.invoices:
            why = f"it paid invoice {link.invoice_id}, which is not understood"
            book.parked.append(Parked(cells.SOURCE, payment.erp_id, "applyList", why, payment.customer_id))
    for parked in book.parked:
        book.payments.pop(parked.record, None)


def _mixed(book: _Book, own: Mapping[str, Sequence[_Link]]) -> list[str]:
    """Payments that may have come with credits or discounts: more was settled than they are, or an invoice of theirs
    was also settled by a memo that was not made from it."""
    by_memo = {
        link.invoice_id
        for link in book.links
        if link.document_id in book.memos and book.memos[link.document_id].created_from != link.invoice_id
    }
    return sorted(
        payment_id
        for payment_id, links in own.items()
        if Money.total((link.amount for link in links), links[0].amount.currency) > book.payments[payment_id].amount
        or not by_memo.isdisjoint(link.invoice_id for link in links)
    )


def _usable(book: _Book, held: Mapping[str, Held]) -> Iterator[CreditMemo]:
    """Memos with what is left of them now and what payments of the window used of them."""
    used: dict[str, list[Money]] = defaultdict(list)
    for one in held.values():
        for credit_id, amount in one.seen.credits:
            used[credit_id].append(amount)
    for memo in book.memos.values():
        usable = memo.open_amount + Money.total(used[memo.id], memo.open_amount.currency)
        if usable:
            yield replace(memo, open_amount=usable)


def _otherwise(book: _Book, held: Mapping[str, Held], last_on: date) -> list[tuple[str, Money, date]]:
    """What settled invoices, up to the last day, beside the payments of the window and the credits used with them."""
    left = {(link.document_id, link.invoice_id): link for link in book.links if link.document_id not in book.payments}
    for one in held.values():
        invoice_ids = sorted(dict(one.seen.applications))
        for credit_id, amount in one.seen.credits:
            for link in [left[credit_id, id_] for id_ in invoice_ids if (credit_id, id_) in left]:
                share = min(amount, link.amount)
                left[credit_id, link.invoice_id] = replace(link, amount=link.amount - share)
                amount = amount - share
    found = [(link.invoice_id, link.amount, book.day_of(link.invoice_id, link.on)) for link in left.values()]
    for payment_id, one in held.items():
        on = book.payments[payment_id].received_on
        found += [(id_, amount, book.day_of(id_, on)) for id_, amount in one.seen.discounts]
    return sorted(
        (one for one in found if one[1] and one[2] <= last_on), key=lambda one: (one[2], one[0], one[1].minor)
    )
