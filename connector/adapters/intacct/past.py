"""How people applied payments between two days, for measuring our own matching against it (RULES 8).

Every application in Intacct stands on a payment record with a day of its own: cash on the receipt, the rest of an
earlier receipt or an advance on a payment without cash. So money of the window that was left for weeks is told with the
day on which somebody applied it. What settled an invoice otherwise counts from the day on which it was there: a memo
from its own, the rest of an older payment from that payment's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from connector.adapters.intacct import filters, names
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.filters import Scope
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import Keys, chunks
from connector.adapters.intacct.ledger import MEMO, Ledger
from connector.adapters.intacct.payments import ADVANCE, PAYMENT, RECEIPT, Held, Payments
from connector.adapters.intacct.rows import Standing, day_of, standing_of
from connector.adapters.intacct.settings import READ_KEYS_MAX, VALUES_MAX, IntacctMapping
from connector.adapters.intacct.values import day
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import SOURCE, Unreadable
from connector.errors import Terminal
from connector.money import Money
from connector.ports import Clock, ErpRead, History, PastPayment
from connector.receivables import CreditMemo, InvoiceLine, InvoiceStatus, OpenInvoice, Parked

_DAY = timedelta(days=1)
_RECEIPTS = filters.equal("RECORDTYPE", RECEIPT)
_Settled = tuple[str, Money, date]  # invoice, amount, day


@dataclass(frozen=True, slots=True)
class _Paid:
    """A payment record, and its day."""

    held: Held
    on: date


@dataclass
class _Book:
    """What is known so far, by id."""

    first_on: date
    last_on: date
    paid: dict[str, _Paid] = field(default_factory=dict)  # payment records from the first day to today, and earlier
    drafts: dict[str, _Paid] = field(default_factory=dict)  # of people, with what they have selected
    invoices: dict[str, OpenInvoice] = field(default_factory=dict)
    open_now: dict[str, Money] = field(default_factory=dict)  # what is left of each invoice today
    memos: dict[str, CreditMemo] = field(default_factory=dict)
    used_from: dict[str, date] = field(default_factory=dict)  # since when there is what was used without any cash
    parts: list[ErpRead] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)

    def received(self) -> dict[str, _Paid]:
        """The payments of the window: money that came, and stayed."""
        return {
            id_: one
            for id_, one in self.paid.items()
            if self.first_on <= one.on <= self.last_on and one.held.seen.amount and not one.held.seen.voided
        }

    def unexplained(self) -> dict[str, Money]:
        """Invoice -> what was settled of it by nothing that is known: all of it but what is left and what is told."""
        told: dict[str, Money] = {}
        for one in (*self.paid.values(), *self.drafts.values()):
            seen = one.held.seen
            for id_, amount in (*seen.applications, *seen.discounts):
                told[id_] = told[id_] + amount if id_ in told else amount
        found = {}
        for id_, invoice in self.invoices.items():
            nothing = Money.zero(invoice.amount.currency)
            settled = invoice.amount - self.open_now[id_] - told.get(id_, nothing)
            if settled > nothing:
                found[id_] = settled
        return found

    def day_of(self, invoice_id: str, on: date) -> date:
        """Nothing settles an invoice before it is there."""
        invoice = self.invoices.get(invoice_id)
        return max(on, invoice.issued_on) if invoice else on


class Past:
    """One company's history. Safe for several threads."""

    def __init__(
        self,
        gateway: Gateway,
        mapping: IntacctMapping,
        ledger: Ledger,
        payments: Payments,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._ledger = ledger
        self._payments = payments
        self._keys = keys
        self._clock = clock

    def read(self, first_on: date, last_on: date) -> History:
        """Payments dated in the window; invoices that were open in it or that those payments paid; credit memos.

        `settled_otherwise` holds all that is not by these payments: memos applied by themselves, discounts, payments
        from outside the window. A memo's `open_amount` is what these payments could use of it. Holds and disputes of
        today say nothing about then, and are left out.
        """
        book = _Book(first_on, last_on)
        self._read_payments(book)
        self._read_invoices(book)
        self._read_earlier(book)
        self._read_memos(book)
        self._read_used(book)
        _leave_out(book)
        received = book.received()
        applied, otherwise = _applied(book, received)
        payments = [_payment(one, applied[id_], self._mapping) for id_, one in received.items()]
        customers = {one.id: one for part in book.parts for one in part.customers}
        return History(
            invoices=tuple(book.invoices.values()),
            credits=tuple(_usable(book, received)),
            payments=tuple(payments),
            settled_otherwise=tuple(otherwise),
            customers=tuple(customers.values()),
            parked=tuple(book.parked),
        )

    # ---- reading ----

    def _read_payments(self, book: _Book) -> None:
        """Payments and advances from the first day to today: what came after the window was not settled before it."""
        days = filters.at_least("RECEIPTDATE", day(book.first_on))
        ids = {row["RECORDNO"]: row for row in self._rows(PAYMENT, filters.both(days, _RECEIPTS))}
        within_window = filters.both(days, filters.at_most("RECEIPTDATE", day(book.last_on)))
        ids |= {names.advance_id(row["RECORDNO"]): row for row in self._rows(ADVANCE, within_window)}
        self._take_all(book, ids)

    def _read_earlier(self, book: _Book) -> None:
        """Payments from before the window that settled part of what was open in it."""
        unexplained = [book.invoices[id_] for id_ in book.unexplained()]
        if not unexplained:
            return
        since = min(invoice.issued_on for invoice in unexplained)
        before = filters.between("RECEIPTDATE", day(since), day(book.first_on - _DAY))
        customers = sorted({invoice.customer_id for invoice in unexplained})
        for chunk in chunks(customers, VALUES_MAX):
            # A receipt for several customers has none.
            whose = filters.either(filters.within("CUSTOMERID", chunk), filters.is_null("CUSTOMERID"))
            rows = self._rows(PAYMENT, filters.both(before, whose, _RECEIPTS))
            self._take_all(book, {row["RECORDNO"]: row for row in rows})

    def _take_all(self, book: _Book, rows: Mapping[str, Row]) -> None:
        for chunk in chunks(sorted(rows), READ_KEYS_MAX):
            for id_, held in self._held(chunk, rows, book).items():
                try:
                    self._take(book, id_, _Paid(held, day_of(held.row, "RECEIPTDATE")))
                except Unreadable as error:
                    book.parked.append(Parked(SOURCE, id_, error.field, error.reason, held.seen.customer_id))

    def _take(self, book: _Book, id_: str, one: _Paid) -> None:
        """A draft is no payment. What one of a person's has selected is taken off the balance of today; ours isn't."""
        if standing_of(one.held.row) is not Standing.DRAFT:  # of a reversed one nothing is applied any more
            book.paid[id_] = one
        elif not one.held.row.get(self._mapping.fields.payment_external_id, "").startswith("arc-"):
            book.drafts[id_] = one

    def _held(self, ids: Sequence[str], rows: Mapping[str, Row], book: _Book) -> dict[str, Held]:
        """These payments as their details show them; one that isn't understood is parked, and hides no other."""
        try:
            return self._payments.by_ids(ids)
        except Terminal as error:
            if len(ids) == 1:
                customer = rows[ids[0]].get("CUSTOMERID", "")
                book.parked.append(Parked(SOURCE, ids[0], PAYMENT, str(error), customer))
                return {}
        found: dict[str, Held] = {}
        for id_ in ids:
            found |= self._held([id_], rows, book)
        return found

    def _read_invoices(self, book: _Book) -> None:
        known: set[str] = set()
        where = filters.both(_open_between(book.first_on, book.last_on), *Scope(self._mapping).ours())
        parts = list(self._ledger.invoice_parts(self._clock.now(), where, known))
        read = {one.id for part in parts for one in part.invoices}
        paid = {id_ for one in book.received().values() for id_, _ in one.held.seen.applications}
        parts.append(self._ledger.invoices(sorted(paid - read)))
        live = [one for part in parts for one in part.invoices if one.status is not InvoiceStatus.VOIDED]
        book.open_now = {one.id: one.balance for one in live}
        book.invoices = {one.id: _as_billed(one) for one in live}
        _take(book, parts)

    def _read_memos(self, book: _Book) -> None:
        below = filters.less("TRX_TOTALENTERED", "0")
        where = filters.both(_open_between(book.first_on, book.last_on), below)
        rows = self._rows(MEMO, where)
        ids = set(self._keys.memos(row["RECORDNO"] for row in rows).values())
        ids |= {id_ for one in book.received().values() for id_, _ in one.held.seen.credits if names.is_memo(id_)}
        part = self._ledger.credits(sorted(ids))
        book.memos = {one.id: one for one in part.credits}
        _take(book, [part])

    def _read_used(self, book: _Book) -> None:
        """Since when is there what payments without cash applied, where no payment of the window is its source?"""
        received = book.received()
        without_cash = [one.held.seen for one in book.paid.values() if not one.held.seen.amount]
        ids = {id_ for seen in without_cash for id_, _ in seen.credits} - received.keys()
        credits = self._ledger.credits(sorted(id_ for id_ in ids if names.is_memo(id_))).credits
        book.used_from = {one.id: one.received_on for one in credits if one.received_on}
        rests = {id_: Row() for id_ in ids if id_.isdecimal() or names.is_advance(id_)}
        older = _Book(book.first_on, book.last_on)
        self._take_all(older, rests)
        book.used_from |= {id_: one.on for id_, one in older.paid.items()}

    def _rows(self, object_name: str, where: Node) -> list[Row]:
        ours = filters.both(where, *Scope(self._mapping).ours())
        return self._gateway.rows(object_name, ("RECORDNO", "CUSTOMERID"), ours)


def _open_between(first_on: date, last_on: date) -> Node:
    """Issued up to the last day, and still open or settled since the first one."""
    return filters.both(
        filters.at_most("WHENCREATED", day(last_on)),
        filters.either(filters.differs("TRX_TOTALDUE", "0"), filters.at_least("WHENPAID", day(first_on))),
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


def _take(book: _Book, parts: Sequence[ErpRead]) -> None:
    book.parts += parts
    # What isn't understood of a customer says nothing about how money was applied.
    book.parked += [one for part in parts for one in part.parked if one.source == SOURCE]


# ---- joining ----


def _leave_out(book: _Book) -> None:
    """A payment of something that is not understood says nothing about matching."""
    for id_, one in book.received().items():
        unknown = sorted(invoice for invoice, _ in one.held.seen.applications if invoice not in book.invoices)
        if unknown:
            why = f"it paid invoice {unknown[0]}, which is not understood"
            book.parked.append(Parked(SOURCE, id_, "ARPYMTDETAILS", why, one.held.seen.customer_id))
    for parked in book.parked:
        book.paid.pop(parked.record, None)


def _applied(book: _Book, received: Mapping[str, _Paid]) -> tuple[dict[str, list[_Settled]], list[_Settled]]:
    """Payment of the window -> its applications, whenever they were made; and what settled invoices otherwise."""
    applied: dict[str, list[_Settled]] = {id_: [] for id_ in received}
    otherwise: list[_Settled] = []
    for id_, one in book.paid.items():
        seen, owner = one.held.seen, id_ if id_ in received else _rest_of(one.held, received)
        on = one.on if owner else _there_from(one, book)
        parts = [(invoice_id, amount, book.day_of(invoice_id, on)) for invoice_id, amount in seen.applications]
        (applied[owner] if owner else otherwise).extend(parts)
        otherwise += [(invoice_id, amount, book.day_of(invoice_id, one.on)) for invoice_id, amount in seen.discounts]
    otherwise += [(id_, amount, book.day_of(id_, book.first_on - _DAY)) for id_, amount in book.unexplained().items()]
    told = [one for one in otherwise if one[0] in book.invoices and one[1] and one[2] <= book.last_on]
    return applied, sorted(told, key=lambda one: (one[2], one[0], one[1].minor))


def _rest_of(held: Held, received: Mapping[str, _Paid]) -> str:
    """The payment of the window whose rest this record applies, '' where it is something else, or a mixture."""
    used = {id_ for id_, _ in held.seen.credits}
    return used.pop() if not held.seen.amount and len(used) == 1 and used <= received.keys() else ""


def _there_from(one: _Paid, book: _Book) -> date:
    """The day of a receipt; of a payment without cash the latest on which what it used was there."""
    used = [id_ for id_, _ in one.held.seen.credits]
    if one.held.seen.amount or not used or not book.used_from.keys() >= set(used):
        return one.on
    return max(book.used_from[id_] for id_ in used)


def _payment(one: _Paid, applied: Sequence[_Settled], mapping: IntacctMapping) -> PastPayment:
    seen, row = one.held.seen, one.held.row
    texts = (row.get("DESCRIPTION", ""), row.get("DOCNUMBER", ""))
    return PastPayment(
        erp_id=seen.erp_id,
        customer_id=seen.customer_id,
        amount=seen.amount,
        received_on=one.on,
        text=" ".join(text for text in texts if text),
        external_id=row.get(mapping.fields.payment_external_id, ""),
        applied=_once(applied),
        credits=tuple((id_, amount) for id_, amount in seen.credits if names.is_memo(id_)),
    )


def _once(parts: Sequence[_Settled]) -> tuple[_Settled, ...]:
    """One application an invoice and day: a rest may go where its payment went already."""
    found: dict[tuple[str, date], Money] = {}
    for invoice_id, amount, on in parts:
        known = found.get((invoice_id, on))
        found[invoice_id, on] = amount if known is None else known + amount
    return tuple((invoice_id, amount, on) for (invoice_id, on), amount in found.items())


def _usable(book: _Book, received: Mapping[str, _Paid]) -> Iterator[CreditMemo]:
    """Memos with what is left of them now and what payments of the window used of them."""
    used: dict[str, list[Money]] = defaultdict(list)
    for one in received.values():
        for id_, amount in one.held.seen.credits:
            used[id_].append(amount)
    for memo in book.memos.values():
        usable = memo.open_amount + Money.total(used[memo.id], memo.open_amount.currency)
        if usable:
            yield replace(memo, open_amount=usable)
