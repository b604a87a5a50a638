"""Reading what reduces debt: credit memos, advances and what payments have over; whole, by customer or by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from connector.adapters.intacct import credit_rows, names
from connector.adapters.intacct.credit_rows import Credit
from connector.adapters.intacct.customers import Customers
from connector.adapters.intacct.filters import IDS_PER_QUERY, Scope, both, differs, equal, within
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.lines import CreditNow
from connector.adapters.intacct.payments import ADVANCE, OVERPAYMENT, PAYMENT, RECEIPT, Payments
from connector.adapters.intacct.payments import fields as payment_fields
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.twins import Each, Twins, by_number
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import SOURCE, Row, Unreadable
from connector.ports import ErpRead
from connector.receivables import Parked

MEMO = "ARADJUSTMENT"
_MEMO_FIELDS = (
    "RECORDNO",
    "RECORDID",
    "STATE",
    "CUSTOMERID",
    "DOCNUMBER",
    "DESCRIPTION",
    "WHENCREATED",
    "CURRENCY",
    "BASECURR",
    "MEGAENTITYID",
    "TRX_TOTALENTERED",
    "TRX_TOTALDUE",
    "TRX_TOTALSELECTED",
)
_Read = Credit | Parked | None


class Credits:
    """One company's credits. Safe for several threads. `known` are customers that were read already."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, payments: Payments, customers: Customers) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._payments = payments
        self._customers = customers
        self._scope = Scope(mapping)

    def open_parts(self, requested_at: datetime, whose: Sequence[Node], known: set[str]) -> Iterator[ErpRead]:
        """All that has something left, page by page: memos, advances and what payments have over."""
        where, twins = both(*whose, self._scope.owing(differs), *self._scope.ours()), Twins(self._id_of)
        for page in self._gateway.pages(MEMO, _MEMO_FIELDS, where):
            each = twins.each(row for row in page if not _is_debit(row))
            if each.parked:  # perhaps remade between two pages, as invoices are
                now = self._memo_rows(one.record for one in each.parked)
                each = Each([*each.rows, *now.rows], now.parked)
            yield self._part(requested_at, self._memos(each), known)
        for page in self._gateway.pages(ADVANCE, payment_fields(ADVANCE, self._mapping), where):
            yield self._part(requested_at, [credit_rows.advance(row, self._mapping) for row in page], known)
        over = both(*whose, equal("RECORDTYPE", OVERPAYMENT), differs("TRX_TOTALDUE", "0"), *self._scope.ours())
        for page in self._gateway.pages(PAYMENT, payment_fields(PAYMENT, self._mapping), over):
            receipts = sorted({row["PARENTPAYMENTKEY"] for row in page if row.get("PARENTPAYMENTKEY")})
            lost = [self._lost(row) for row in page if not row.get("PARENTPAYMENTKEY")]
            yield self._part(requested_at, [*lost, *self._rests(receipts)], known)

    def parts_by_id(self, requested_at: datetime, ids: Iterable[str], known: set[str]) -> list[ErpRead]:
        return [self._part(requested_at, found, known) for found in self._by_id(ids) if found]

    def now(self, ids: Iterable[str]) -> dict[str, CreditNow]:
        """These credits with what they have left and the record that a payment names to use them."""
        found = (one for some in self._by_id(ids) for one in some)
        return {one.now.id: one.now for one in found if isinstance(one, Credit)}

    def _by_id(self, ids: Iterable[str]) -> Iterator[list[_Read]]:
        asked = sorted(set(ids))
        yield self._memos(self._memo_rows(one for one in asked if names.is_memo(one)))
        for chunk in chunks([names.advance_record(one) for one in asked if names.is_advance(one)], VALUES_MAX):
            found = self._gateway.rows(ADVANCE, payment_fields(ADVANCE, self._mapping), within("RECORDNO", chunk))
            yield [credit_rows.advance(row, self._mapping) for row in found]
        for chunk in chunks([one for one in asked if one.isdecimal()], VALUES_MAX):
            yield self._rests(chunk)

    def _memo_rows(self, ids: Iterable[str]) -> Each:
        """The record of each of these memos, asked for by number."""
        numbers = by_number(ids, names.memo_parts)
        rows: list[Row] = []
        for chunk in chunks(sorted(numbers), IDS_PER_QUERY):
            wanted = {one for number in chunk for one in numbers[number]}
            found = self._gateway.rows(MEMO, _MEMO_FIELDS, both(within("RECORDID", chunk), *self._scope.ours()))
            rows += [row for row in found if self._id(row) in wanted and not _is_debit(row)]
        return Twins(self._id_of).each(rows)

    def _memos(self, each: Each) -> list[_Read]:
        return [*each.parked, *(credit_rows.memo(row, self._mapping) for row in each.rows)]

    def _rests(self, receipts: Sequence[str]) -> list[_Read]:
        """What these payments (by RECORDNO) have over, perhaps nothing."""
        over = self._payments.overpayments_of(receipts)
        found: list[_Read] = []
        for chunk in chunks(sorted(set(receipts)), VALUES_MAX):
            where = both(within("RECORDNO", chunk), equal("RECORDTYPE", RECEIPT))
            for row in self._gateway.rows(PAYMENT, payment_fields(PAYMENT, self._mapping), where):
                found.append(credit_rows.rest(row, over.get(row["RECORDNO"], []), self._mapping))
        return found

    def _lost(self, row: Row) -> Parked:
        reason = "is missing on an overpayment, so nothing says whose rest it is"
        return Parked(SOURCE, f"ARPYMT {row['RECORDNO']}", "PARENTPAYMENTKEY", reason, row.get("CUSTOMERID", ""))

    def _part(self, requested_at: datetime, read: Sequence[_Read], known: set[str]) -> ErpRead:
        found = [one.memo for one in read if isinstance(one, Credit)]
        customers = self._customers.new(requested_at, [one.customer_id for one in found], known)
        return ErpRead(
            requested_at=requested_at,
            customers=customers.customers,
            credits=tuple(found),
            parked=(*(one for one in read if isinstance(one, Parked)), *customers.parked),
        )

    def _id_of(self, row: Row) -> str:
        return credit_rows.memo_id_of(row, self._mapping)

    def _id(self, row: Row) -> str:
        try:
            return self._id_of(row)
        except Unreadable:
            return ""


def _is_debit(row: Row) -> bool:
    """A debit memo adds to what is owed; one of no readable amount is left to be parked."""
    amount = row.get("TRX_TOTALENTERED", "")
    return bool(amount.strip("0.")) and not amount.startswith("-")
