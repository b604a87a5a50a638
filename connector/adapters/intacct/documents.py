"""What moved receivables, document by document, for the measures (RULES 6).

Invoices, adjustments, receipts and advances are read from Accounts Receivable, journal entries from the general ledger.
Taken together they come to what stands on the accounts under `receivable_accounts`; that is a proof only because the
two are not read from one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from connector.adapters.intacct import filters, names
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.filters import Scope
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.payments import ADVANCE, OVERPAYMENT, PAYMENT, RECEIPT, unreadable
from connector.adapters.intacct.postings import GENERAL_LEDGER, Postings, has_two_decimals, net
from connector.adapters.intacct.reading import id_of
from connector.adapters.intacct.rows import (
    Standing,
    amount_of,
    currency_of,
    day_of,
    entity_of,
    maybe_day,
    standing_of,
)
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.values import day
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Unreadable, money_of, text_of, unsigned
from connector.money import Money
from connector.settlement import ArDocument, DocumentKind

_AMOUNTS = ("CURRENCY", "BASECURR", "TRX_TOTALENTERED", "TRX_TOTALDUE")
_OWNER = ("CUSTOMERID", "MEGAENTITYID")
_DAYS = ("WHENCREATED", "WHENPOSTED", "WHENPAID")
ADJUSTMENT_FIELDS = ("RECORDNO", "RECORDID", "STATE", *_OWNER, *_DAYS, *_AMOUNTS)
ADVANCE_FIELDS = ("RECORDNO", "STATE", "DOCNUMBER", "RECEIPTDATE", *_OWNER, *_AMOUNTS)
RECEIPT_FIELDS = (*ADVANCE_FIELDS, "RECORDTYPE", "PAYERNAME", "PARENTPAYMENTKEY")
# Of a journal entry on receivables; its open items live in no subledger.
JOURNAL_FIELDS = ("BATCHKEY", "BATCH_NO", "BATCH_DATE", "CUSTOMERID")


@dataclass(frozen=True, slots=True)
class _Marked:
    """What is known of documents beside their own rows: record numbers of invoices, adjustments and entries; ids of
    customers."""

    disputed: frozenset[str]
    written_off: frozenset[str]
    written_off_entries: frozenset[str]
    intercompany: frozenset[str]


class Documents:
    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._ours = Scope(mapping).ours()
        self._postings = Postings(gateway)

    def between(self, first_on: date, last_on: date, *, leaves_out: bool = False) -> tuple[ArDocument, ...]:
        """What was posted between these days, and from before what has something left.

        Raises Terminal where a document can't be read, since a measure that leaves something out says nothing;
        `leaves_out` does without it. Currencies that two decimals don't fit are left out either way.
        """
        marked = self._marked(last_on)
        found: list[ArDocument] = []
        sources: tuple[tuple[str, Iterable[Row], Callable[[Row], ArDocument | None]], ...] = (
            ("invoice", self._invoices(first_on, last_on), lambda row: self._invoice(row, marked)),
            ("adjustment", self._adjustments(first_on, last_on), lambda row: self._adjustment(row, marked)),
            ("advance", self._advances(first_on, last_on), lambda row: self._payment(row, names.advance_id, marked)),
            ("payment", self._receipts(first_on, last_on), lambda row: self._payment(row, str, marked)),
            ("discount of invoice", self._discounted(first_on, last_on), lambda row: self._discount(row, marked)),
            ("journal entry", self._journals(last_on), lambda row: self._journal(row, marked)),
        )
        for kind, rows, read in sources:
            for row in rows:
                try:
                    document = read(row) if self._is_told(row) else None
                except Unreadable as error:
                    if leaves_out:
                        continue
                    raise unreadable(kind, row.get("RECORDNO", "?"), error) from None
                if document is not None:
                    found.append(document)
        return tuple(found)

    def _is_told(self, row: Row) -> bool:
        """Is it of an entity that is ours, and in a currency that we can keep?"""
        return self._mapping.is_ours(row.get("MEGAENTITYID", "")) and has_two_decimals(row)

    # ---- asking ----

    def _invoices(self, first_on: date, last_on: date) -> Iterator[Row]:
        mapping = self._mapping
        fields = ("RECORDNO", mapping.facts.invoice_number_field, "STATE", "WHENDUE", "TRX_TOTALSELECTED")
        where = _open_between("WHENPOSTED", first_on, last_on)
        return self._rows("ARINVOICE", (*fields, *_OWNER, *_DAYS, *_AMOUNTS), filters.both(where, *self._ours))

    def _adjustments(self, first_on: date, last_on: date) -> Iterator[Row]:
        where = _open_between("WHENPOSTED", first_on, last_on)
        return self._rows("ARADJUSTMENT", ADJUSTMENT_FIELDS, filters.both(where, *self._ours))

    def _advances(self, first_on: date, last_on: date) -> Iterator[Row]:
        where = _open_between("RECEIPTDATE", first_on, last_on)
        return self._rows(ADVANCE, ADVANCE_FIELDS, filters.both(where, *self._ours))

    def _receipts(self, first_on: date, last_on: date) -> Iterator[Row]:
        """Receipts, each with what its overpayments have left as what is due of it."""
        where = filters.both(_open_between("RECEIPTDATE", first_on, last_on), *self._ours)
        rows = list(self._rows(PAYMENT, RECEIPT_FIELDS, where))
        receipts = {row["RECORDNO"]: row for row in rows if row.get("RECORDTYPE", RECEIPT) == RECEIPT}
        left: dict[str, list[Row]] = {}
        for row in rows:
            if row.get("RECORDTYPE") == OVERPAYMENT:
                left.setdefault(row.get("PARENTPAYMENTKEY", ""), []).append(row)
        older = sorted(key for key in left if key and key not in receipts)
        for some in chunks(older, VALUES_MAX):
            for row in self._rows(PAYMENT, RECEIPT_FIELDS, filters.within("RECORDNO", some)):
                receipts[row["RECORDNO"]] = row
        for key, row in receipts.items():
            yield {**row, "TRX_TOTALDUE": _added(one.get("TRX_TOTALDUE", "") for one in left.get(key, ()))}

    def _discounted(self, first_on: date, last_on: date) -> Iterator[Row]:
        """Lines of invoices of which a discount was taken, each with the day on which its invoice was settled.

        The header of a payment doesn't show the discount that was taken with it.
        """
        fields = ("RECORDNO", "RECORDKEY", "CURRENCY", "TRX_DISCOUNTAPPLIED")
        where = filters.both(filters.differs("TRX_DISCOUNTAPPLIED", "0"), filters.at_most("ENTRY_DATE", day(last_on)))
        lines: dict[str, list[Row]] = {}
        for line in self._rows("ARINVOICEITEM", fields, where):
            lines.setdefault(line.get("RECORDKEY", ""), []).append(line)
        number = self._mapping.facts.invoice_number_field
        asked = ("RECORDNO", number, "WHENPAID", "WHENPOSTED", "WHENCREATED", "CURRENCY", *_OWNER)
        for some in chunks(sorted(lines), VALUES_MAX):
            for invoice in self._rows("ARINVOICE", asked, filters.within("RECORDNO", some)):
                amounts = [line.get("TRX_DISCOUNTAPPLIED", "") for line in lines[invoice["RECORDNO"]]]
                settled_on = maybe_day(invoice, "WHENPAID") or _posted_on(invoice)
                if first_on <= settled_on <= last_on:
                    yield {**invoice, "TRX_DISCOUNTAPPLIED": _added(amounts), "WHENPAID": day(settled_on)}

    def _journals(self, last_on: date) -> Iterator[Row]:
        """Journal entries on receivables up to this day: none of them is ever settled, so all of them still stand."""
        conditions = (filters.equal("MODULEKEY", GENERAL_LEDGER), filters.at_most("BATCH_DATE", day(last_on)))
        accounts = self._mapping.receivable_accounts
        for entity in sorted(self._mapping.entities) or [""]:
            for row in self._postings.rows(accounts, JOURNAL_FIELDS, *conditions, entity=entity):
                yield {**row, "MEGAENTITYID": entity, "RECORDNO": row.get("BATCHKEY", "?")}

    def _marked(self, last_on: date) -> _Marked:
        fields, bad_debt = self._mapping.fields, self._mapping.bad_debt_accounts
        left_behind = [fields.line_dispute_reason, fields.line_disputed_on, fields.line_dispute_outcome]
        was = [filters.is_not_null(name) for name in left_behind if name]
        disputed = filters.either(filters.equal(fields.line_dispute, "true"), *was)
        posted = filters.at_most("ENTRY_DATE", day(last_on))
        excluded = self._rows("CUSTOMER", (fields.customer_exclude,), filters.is_not_null(fields.customer_exclude))
        return _Marked(
            disputed=self._keys("ARINVOICEITEM", "RECORDKEY", filters.both(posted, disputed)),
            written_off=self._against("ARADJUSTMENTITEM", "RECORDKEY", posted, bad_debt),
            written_off_entries=self._against("GLENTRY", "BATCHNO", posted, bad_debt),
            intercompany=frozenset(
                row["CUSTOMERID"] for row in excluded if "intercompany" in row[fields.customer_exclude].casefold()
            ),
        )

    def _against(self, object_name: str, parent: str, posted: Node, accounts: Sequence[str]) -> frozenset[str]:
        if not accounts:
            return frozenset()
        return self._keys(object_name, parent, filters.both(posted, filters.within("ACCOUNTNO", accounts)))

    def _keys(self, object_name: str, parent: str, where: Node) -> frozenset[str]:
        return frozenset(row.get(parent, "") for row in self._rows(object_name, (parent,), where))

    def _rows(self, object_name: str, fields: Sequence[str], where: Node) -> Iterator[Row]:
        asked = ("RECORDNO", *(("CUSTOMERID",) if object_name == "CUSTOMER" else ()), *fields)
        for page in self._gateway.pages(object_name, tuple(dict.fromkeys(asked)), where):
            yield from page

    # ---- reading ----

    def _invoice(self, row: Row, marked: _Marked) -> ArDocument | None:
        """A reversed one is there with all of it, and so is its reversal on its own day: together they are nothing."""
        standing = standing_of(row)
        if standing is Standing.DRAFT:
            return None
        currency, is_reversal = currency_of(row), standing is Standing.REVERSAL
        amount = unsigned(money_of(row, "TRX_TOTALENTERED", currency))
        left = amount_of(row, "TRX_TOTALDUE", currency)
        if not self._mapping.facts.total_due_counts_selected:
            left += amount_of(row, "TRX_TOTALSELECTED", currency)
        is_over = standing is not Standing.IN_FORCE or not left
        return ArDocument(
            id=id_of(row, self._mapping),
            number=text_of(row, self._mapping.facts.invoice_number_field),
            kind=DocumentKind.CREDIT_MEMO if is_reversal else DocumentKind.INVOICE,
            customer_id=text_of(row, "CUSTOMERID"),
            subsidiary=entity_of(row, self._mapping),
            on=_posted_on(row),
            amount=-amount if is_reversal else amount,
            due_on=day_of(row, "WHENDUE") if not is_reversal else None,
            closed_on=maybe_day(row, "WHENPAID") if is_over and standing is Standing.IN_FORCE else None,
            open_amount=Money.zero(currency) if is_over else left,
            was_disputed=row["RECORDNO"] in marked.disputed,
            is_intercompany=row.get("CUSTOMERID", "") in marked.intercompany,
        )

    def _adjustment(self, row: Row, marked: _Marked) -> ArDocument | None:
        """Below zero it is a credit memo; above it is a debit memo, which is receivable without being an invoice."""
        standing = standing_of(row)
        if standing is Standing.DRAFT:
            return None
        currency = currency_of(row)
        amount, left = money_of(row, "TRX_TOTALENTERED", currency), amount_of(row, "TRX_TOTALDUE", currency)
        is_memo = amount.minor < 0
        kind = DocumentKind.CREDIT_MEMO if is_memo else DocumentKind.OTHER
        number, customer, entity = row.get("RECORDID", ""), text_of(row, "CUSTOMERID"), entity_of(row, self._mapping)
        in_force = standing is Standing.IN_FORCE
        known = number and is_memo and in_force
        return ArDocument(
            id=names.memo_id(number, customer, entity) if known else f"adj-{row['RECORDNO']}",
            number=number,
            kind=DocumentKind.WRITE_OFF if row["RECORDNO"] in marked.written_off else kind,
            customer_id=customer,
            subsidiary=entity,
            on=_posted_on(row),
            amount=amount,
            closed_on=maybe_day(row, "WHENPAID") if in_force and not left else None,
            open_amount=unsigned(left) if in_force else Money.zero(currency),
            is_intercompany=customer in marked.intercompany,
        )

    def _payment(self, row: Row, name: Callable[[str], str], marked: _Marked) -> ArDocument | None:
        """Money received; what pays without cash moves nothing on the accounts and is no document here."""
        standing = standing_of(row)
        currency = currency_of(row)
        received = unsigned(amount_of(row, "TRX_TOTALENTERED", currency))
        if standing is Standing.DRAFT or not received:
            return None
        customer = row.get("CUSTOMERID") or row.get("PAYERNAME", "")
        in_force = standing is Standing.IN_FORCE
        left = unsigned(amount_of(row, "TRX_TOTALDUE", currency)) if in_force else Money.zero(currency)
        return ArDocument(
            id=name(row["RECORDNO"]),
            number=row.get("DOCNUMBER", ""),
            kind=DocumentKind.PAYMENT,
            customer_id=customer,
            subsidiary=entity_of(row, self._mapping),
            on=day_of(row, "RECEIPTDATE"),
            amount=received if standing is Standing.REVERSAL else -received,
            open_amount=left,
            is_intercompany=customer in marked.intercompany,
        )

    def _discount(self, row: Row, marked: _Marked) -> ArDocument:
        currency = currency_of(row)
        customer = text_of(row, "CUSTOMERID")
        return ArDocument(
            id=f"{id_of(row, self._mapping)}-discount",
            number=text_of(row, self._mapping.facts.invoice_number_field),
            kind=DocumentKind.OTHER,
            customer_id=customer,
            subsidiary=entity_of(row, self._mapping),
            on=day_of(row, "WHENPAID"),
            amount=-unsigned(money_of(row, "TRX_DISCOUNTAPPLIED", currency)),
            open_amount=Money.zero(currency),
            is_intercompany=customer in marked.intercompany,
        )

    def _journal(self, row: Row, marked: _Marked) -> ArDocument:
        amount, entry, customer = net(row), text_of(row, "BATCHKEY"), row.get("CUSTOMERID", "")
        return ArDocument(
            id=f"gl-{entry}",
            number=row.get("BATCH_NO", ""),
            kind=DocumentKind.WRITE_OFF if entry in marked.written_off_entries else DocumentKind.OTHER,
            customer_id=customer,
            subsidiary=row.get("MEGAENTITYID", ""),
            on=day_of(row, "BATCH_DATE"),
            amount=amount,
            open_amount=unsigned(amount),
            is_intercompany=customer in marked.intercompany,
        )


def _open_between(posted: str, first_on: date, last_on: date) -> Node:
    """Posted up to the last day, and not before the first one unless something of it is left."""
    return filters.both(
        filters.at_most(posted, day(last_on)),
        filters.either(filters.at_least(posted, day(first_on)), filters.differs("TRX_TOTALDUE", "0")),
    )


def _posted_on(row: Row) -> date:
    """The day on which it was posted to the general ledger: where that differs from its own, the books go by it."""
    return maybe_day(row, "WHENPOSTED") or day_of(row, "WHENCREATED")


def _added(amounts: Iterable[str]) -> str:
    """The sum of these decimals, as the gateway writes one."""
    try:
        return format(sum((Decimal(text) for text in amounts if text), Decimal(0)), "f")
    except InvalidOperation:
        return "?"  # told as no amount by who reads it
