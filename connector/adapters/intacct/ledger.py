"""Reading receivables: invoices with their customers and credits; whole, by customer, by id, or what changed.

Everything is read page by page along RECORDNO, so that a ledger of any size passes through a page's worth of memory;
beside it only the ids of what was read are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connector.adapters.intacct import credit_rows, names, reading
from connector.adapters.intacct import customers as customer_rows
from connector.adapters.intacct.changes import Changes, Reading
from connector.adapters.intacct.credits import MEMO as MEMO
from connector.adapters.intacct.credits import Credits
from connector.adapters.intacct.customers import Customers
from connector.adapters.intacct.filters import IDS_PER_QUERY, Scope, both, differs, greater, within
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import Keys, chunks
from connector.adapters.intacct.lines import CreditNow, InvoiceNow
from connector.adapters.intacct.payments import ADVANCE, OVERPAYMENT, PAYMENT, RECEIPT, Payments
from connector.adapters.intacct.reading import Term
from connector.adapters.intacct.rows import Standing, currency_of, entity_of, standing_of
from connector.adapters.intacct.selecting import OwnDrafts, Selected
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.twins import Each, Twins, by_number
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Row, Unreadable
from connector.money import Money
from connector.ports import Clock, ErpRead
from connector.receivables import CustomerTotal, Parked

INVOICE, LINE = "ARINVOICE", "ARINVOICEITEM"
_LINE_FIELDS = (
    "RECORDNO",
    "RECORDKEY",
    "LINE_NO",
    "TRX_AMOUNT",
    "TRX_TOTALPAID",
    "TRX_TOTALSELECTED",
    "TRX_DISCOUNTAPPLIED",
    "ENTRYDESCRIPTION",
    "PARENTENTRY",
    "SUBTOTAL",
)


class Ledger:
    """One company's receivables. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, clock: Clock, keys: Keys, payments: Payments) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._clock = clock
        self._keys = keys
        self._payments = payments
        self._customers = Customers(gateway, mapping)
        self._credits = Credits(gateway, mapping, payments, self._customers)
        self._changes = Changes(gateway, mapping)
        self._own_drafts = OwnDrafts(gateway, mapping)
        self._scope = Scope(mapping)
        self._turn = threading.Lock()
        self._terms: dict[str, Term] = {}

    # ---- what the port asks ----

    def totals(self) -> tuple[CustomerTotal, ...]:
        """Count and sum of what each customer owes by currency; invoices that can't be read are left out."""
        by = ["CUSTOMERID", "CURRENCY", "BASECURR", "STATE"]
        where = both(self._scope.owing(greater), *self._scope.ours())
        rows = self._gateway.sums(INVOICE, by, ["TRX_TOTALDUE", "TRX_TOTALSELECTED"], where, counted="RECORDNO")
        found = reading.totals(rows, self._mapping)
        if not any(reading.is_some(row, "SUM.TRX_TOTALSELECTED") for row in rows):
            return found
        own = self._own_drafts.selected().invoices
        whose = self._keys.invoices(own) if own else {}
        return tuple(_with_own(total, own, whose) for total in found)

    def changed(self, since: datetime) -> ErpRead:
        """What was modified since, with what payments touched: paying need not touch an invoice's own WHENMODIFIED.

        One request for each of five objects where nothing was.
        """
        requested_at = self._clock.now()
        changes = self._changes.begin(since)
        rows = changes.of(customer_rows.OBJECT, customer_rows.fields(self._mapping))
        parts = [self._customers.part(requested_at, rows)]
        known = {customer.id for customer in parts[0].customers}
        invoice_ids, credit_ids = self._touched(changes)
        parts += self._parts_by_id(requested_at, invoice_ids, known)
        parts += self._credits.parts_by_id(requested_at, credit_ids, known)
        return merged(requested_at, parts)

    def open_by_part(self) -> Iterator[ErpRead]:
        """All that is open, a page at a time; customers come before what they owe."""
        requested_at = self._clock.now()
        known: set[str] = set()
        owing = sorted({total.customer_id for total in self.totals()})
        for chunk in chunks(owing, IDS_PER_QUERY):
            yield self._customers.new(requested_at, chunk, known)
        yield from self.invoice_parts(requested_at, both(self._scope.owing(differs), *self._scope.ours()), known)
        yield from self._credits.open_parts(requested_at, [], known)

    def open_of(self, customer_ids: Iterable[str]) -> ErpRead:
        requested_at = self._clock.now()
        known: set[str] = set()
        parts: list[ErpRead] = []
        for chunk in chunks(sorted(set(customer_ids)), IDS_PER_QUERY):
            whose = within("CUSTOMERID", chunk)
            where = both(whose, self._scope.owing(differs), *self._scope.ours())
            parts += self.invoice_parts(requested_at, where, known)
            parts += self._credits.open_parts(requested_at, [whose], known)
        return merged(requested_at, parts)

    def invoices(self, ids: Iterable[str]) -> ErpRead:
        requested_at = self._clock.now()
        return merged(requested_at, self._parts_by_id(requested_at, ids, set()))

    def credits(self, ids: Iterable[str]) -> ErpRead:
        requested_at = self._clock.now()
        return merged(requested_at, self._credits.parts_by_id(requested_at, ids, set()))

    # ---- what a write asks just before it ----

    def now_of(self, invoice_ids: Iterable[str]) -> dict[str, InvoiceNow]:
        """These invoices with the record numbers of just now, paid ones too. One that isn't in force, isn't understood
        or is there twice is left out."""
        rows = [row for row in self._rows_by_id(invoice_ids).rows if _is_in_force(row)]
        rows, lines = self._with_lines(rows)
        terms = self._terms_of(rows)
        found: dict[str, InvoiceNow] = {}
        for row in rows:
            own = lines.get(row["RECORDNO"], [])
            invoice = reading.invoice(row, own, self._mapping, terms)
            if invoice is None or isinstance(invoice, Parked):
                continue
            try:
                now = tuple(reading.line_now(line, currency_of(row), self._mapping) for line in own)
            except Unreadable:
                continue
            found[invoice.id] = InvoiceNow(invoice, row["RECORDNO"], entity_of(row, self._mapping), now)
        return found

    def records_of(self, invoice_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The RECORDNO that each of these invoices has just now, and its entity: whatever became of it, and whether or
        not all of it is understood. One that is there twice is left out."""
        rows = self._rows_by_id(invoice_ids).rows
        return {
            known: (row["RECORDNO"], entity_of(row, self._mapping)) for row in rows if (known := self._readable_id(row))
        }

    def credits_now(self, credit_ids: Iterable[str]) -> dict[str, CreditNow]:
        """These credits with what they have left and the record that a payment names to use them."""
        return self._credits.now(credit_ids)

    # ---- invoices: `known` are customers that were read already ----

    def invoice_parts(self, requested_at: datetime, where: Node, known: set[str]) -> Iterator[ErpRead]:
        """Invoices under a condition, page by page along RECORDNO."""
        twins = Twins(self._id_of)
        for page in self._gateway.pages(INVOICE, self._fields(), where):
            each = twins.each(page)
            if each.parked:
                # An order that is edited between two pages comes twice, and only the later record is still there.
                now = self._rows_by_id(one.record for one in each.parked)
                each = Each([*each.rows, *now.rows], now.parked)
            yield self._part(requested_at, each, known)

    def _parts_by_id(self, requested_at: datetime, ids: Iterable[str], known: set[str]) -> list[ErpRead]:
        each = self._rows_by_id(ids)
        return [self._part(requested_at, each, known)] if each.rows or each.parked else []

    def _part(self, requested_at: datetime, each: Each, known: set[str]) -> ErpRead:
        rows, lines = self._with_lines(each.rows)
        terms = self._terms_of(rows)
        read = [reading.invoice(row, lines.pop(row["RECORDNO"], []), self._mapping, terms) for row in rows]
        customers = self._customers.new(requested_at, [row.get("CUSTOMERID", "") for row in rows], known)
        return ErpRead(
            requested_at=requested_at,
            customers=customers.customers,
            invoices=tuple(one for one in read if one is not None and not isinstance(one, Parked)),
            parked=(*each.parked, *(one for one in read if isinstance(one, Parked)), *customers.parked),
        )

    def _rows_by_id(self, ids: Iterable[str]) -> Each:
        """The record of each of these invoices. They are asked for by number, since a record number does not last."""
        numbers, field = by_number(ids, names.parts), self._mapping.facts.invoice_number_field
        rows: list[Row] = []
        for chunk in chunks(sorted(numbers), IDS_PER_QUERY):
            wanted = {one for number in chunk for one in numbers[number]}
            found = self._gateway.rows(INVOICE, self._fields(), both(within(field, chunk), *self._scope.ours()))
            rows += [row for row in found if self._readable_id(row) in wanted]
        return Twins(self._id_of).each(rows)

    def _fields(self) -> list[str]:
        own = self._mapping.columns("invoice").values()
        pause = self._mapping.native_dunning.pause_field
        asked = ["RECORDNO", self._mapping.facts.invoice_number_field, "STATE", "CUSTOMERID", "DOCNUMBER", "TERMNAME"]
        asked += ["WHENCREATED", "WHENDUE", "WHENDISCOUNT", "CURRENCY", "BASECURR", "MEGAENTITYID"]
        asked += ["TRX_TOTALENTERED", "TRX_TOTALDUE", "TRX_TOTALSELECTED"]
        return list(dict.fromkeys([*asked, *own, *([pause] if pause else [])]))

    def _with_lines(self, rows: Sequence[Row]) -> tuple[list[Row], dict[str, list[Row]]]:
        """These invoices with their rows by RECORDNO; what our own drafts selected is open in both.

        An order that is edited between the two queries has the head of one record and no lines any more: such invoices
        are asked for once more.
        """
        found, lines = list(rows), self._lines(rows)
        torn = {row["RECORDNO"]: row for row in found if reading.is_torn(row, lines.get(row["RECORDNO"], []))}
        if torn:
            again = self._rows_by_id(self._readable_id(row) for row in torn.values()).rows
            found = [*(row for row in found if row["RECORDNO"] not in torn), *again]
            lines |= self._lines(again)
        if not any(reading.is_some(row, "TRX_TOTALSELECTED") for row in found):
            return found, lines
        own = self._own_drafts.selected()
        shown = [self._without(row, own) for row in found]
        return shown, {key: [_line_without(line, own) for line in some] for key, some in lines.items()}

    def _lines(self, rows: Sequence[Row]) -> dict[str, list[Row]]:
        """RECORDNO of an invoice -> its rows."""
        lines: dict[str, list[Row]] = {}
        asked = list(dict.fromkeys([*_LINE_FIELDS, *self._mapping.columns("line").values()]))
        for chunk in chunks([row["RECORDNO"] for row in rows], VALUES_MAX):
            for page in self._gateway.pages(LINE, asked, within("RECORDKEY", chunk)):
                for line in page:
                    lines.setdefault(line.get("RECORDKEY", ""), []).append(line)
        return lines

    def _without(self, row: Row, own: Selected) -> Row:
        return reading.without_selected(row, own.invoices.get(row["RECORDNO"]), self._mapping)

    def _terms_of(self, rows: Iterable[Row]) -> Mapping[str, Term]:
        """The payment terms, read when an invoice that offers a discount names one that isn't known.

        A term that people change is another from the next start on; new ones are seen at once.
        """
        if self._mapping.early_discount != "terms":
            return {}
        named = {row["TERMNAME"] for row in rows if row.get("TERMNAME") and row.get("WHENDISCOUNT")}
        with self._turn:
            if named - self._terms.keys():
                found = self._gateway.rows("ARTERM", ["RECORDNO", "NAME", "DISCAMOUNT", "DISCPERCAMN", "DISCCALCON"])
                read = {row["NAME"]: reading.term(row) for row in found if row.get("NAME")}
                self._terms = {name: reading.NO_TERM for name in named} | read
            return self._terms

    # ---- what changed ----

    def _touched(self, changes: Reading) -> tuple[set[str], set[str]]:
        """Ids of the invoices and of the credits that changed, or that changed payments touch."""
        invoice_ids, credit_ids = self._changed_documents(changes)
        receipts: list[Row] = []
        for row in changes.of(PAYMENT, ["RECORDTYPE", "PARENTPAYMENTKEY", "MEGAENTITYID"], *self._scope.ours()):
            kind, parent = row.get("RECORDTYPE", ""), row.get("PARENTPAYMENTKEY", "")
            if kind == RECEIPT:
                receipts.append(row)
            elif kind == OVERPAYMENT and parent:
                credit_ids.add(parent)
        touched = self._payments.touched_by(receipts)
        invoice_ids |= set(self._keys.invoices(touched.invoices).values())
        credit_ids |= {row["RECORDNO"] for row in receipts} | set(self._keys.memos(touched.memos).values())
        credit_ids |= {names.advance_id(record_no) for record_no in touched.advances}
        credit_ids |= set(self._keys.receipts(touched.overpayments).values())
        return invoice_ids, credit_ids

    def _changed_documents(self, changes: Reading) -> tuple[set[str], set[str]]:
        whose, ours = ["CUSTOMERID", "MEGAENTITYID"], self._scope.ours()
        invoices = changes.of(INVOICE, [self._mapping.facts.invoice_number_field, *whose], *ours)
        memos = changes.of(MEMO, ["RECORDID", *whose], *ours)
        credit_ids = {names.advance_id(row["RECORDNO"]) for row in changes.of(ADVANCE, [], *ours)}
        for row in memos:
            try:
                credit_ids.add(credit_rows.memo_id_of(row, self._mapping))
            except Unreadable:
                continue  # parked by the next read of all that is open
        return {one for row in invoices if (one := self._readable_id(row))}, credit_ids

    def _id_of(self, row: Row) -> str:
        return reading.id_of(row, self._mapping)

    def _readable_id(self, row: Row) -> str:
        try:
            return self._id_of(row)
        except Unreadable:
            return ""


def merged(requested_at: datetime, parts: Iterable[ErpRead]) -> ErpRead:
    """Parts of one read as one; what a later part found to be there twice is only parked."""
    listed = list(parts)
    parked = tuple(item for part in listed for item in part.parked)
    doubtful = {item.record for item in parked}
    return ErpRead(
        requested_at=requested_at,
        invoices=tuple(item for part in listed for item in part.invoices if item.id not in doubtful),
        customers=tuple(item for part in listed for item in part.customers),
        credits=tuple(item for part in listed for item in part.credits if item.id not in doubtful),
        parked=parked,
    )


def _line_without(line: Row, own: Selected) -> Row:
    amount = own.entries.get(line.get("RECORDNO", ""))
    return line if amount is None else reading.less_selected(line, amount)


def _with_own(total: CustomerTotal, own: Mapping[str, Money], whose: Mapping[str, str]) -> CustomerTotal:
    """What our own drafts selected of this customer's invoices is open."""
    added = Money.zero(total.currency)
    for record_no, amount in own.items():
        if amount.currency == total.currency and record_no in whose:
            added += amount if names.parts(whose[record_no])[1] == total.customer_id else Money.zero(total.currency)
    return replace(total, open_amount=total.open_amount + added)


def _is_in_force(row: Row) -> bool:
    try:
        return standing_of(row) is Standing.IN_FORCE
    except Unreadable:
        return False
