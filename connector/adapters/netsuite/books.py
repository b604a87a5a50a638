"""The ledger as a whole: accounting periods, what stands on accounts, the documents behind the measures (RULES 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from connector.adapters.ledger_rows import cells
from connector.adapters.netsuite import queries
from connector.adapters.netsuite.ledger import SOURCE_IDS_PER_QUERY, carries, chunks, likes, unreadable
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.money import Money
from connector.settlement import AccountBalance, AccountRole, ArDocument, DocumentKind, Period

PERIODS_BACK_YEARS = 2
_KINDS = {
    "CustInvc": DocumentKind.INVOICE,
    "CustCred": DocumentKind.CREDIT_MEMO,
    "CustPymt": DocumentKind.PAYMENT,
    "DepAppl": DocumentKind.PAYMENT,  # a customer deposit reaches receivables when it is applied
}


@dataclass(frozen=True, slots=True)
class _Marked:
    """What is known of documents beside their own rows: ids of transactions and of customers."""

    write_offs: frozenset[str]
    disputed: frozenset[str]
    intercompany: frozenset[str]


class Books:
    def __init__(self, ql: SuiteQl, mapping: NetSuiteMapping, names: Names) -> None:
        self._ql = ql
        self._mapping = mapping
        self._names = names

    def periods(self, today: date) -> tuple[Period, ...]:
        """Months, oldest first, from two years back; quarters, years and adjustment periods overlap them."""
        since = date(today.year - PERIODS_BACK_YEARS, today.month, 1)
        periods = []
        for row in self._ql.by_offset("accounting periods", queries.PERIODS, [since.isoformat()]):
            try:
                periods.append(
                    Period(
                        name=cells.text_of(row, "periodname"),
                        first_on=cells.day_of(row, "startdate", "first_on"),
                        last_on=cells.day_of(row, "enddate", "last_on"),
                        is_locked="T" in (row.get("closed"), row.get("alllocked"), row.get("arlocked")),
                    )
                )
            except cells.Unreadable as error:
                raise unreadable("accounting period", row.get("id", "?"), error) from None
        return tuple(sorted(periods, key=lambda period: period.first_on))

    def balances(self, on: date) -> tuple[AccountBalance, ...]:
        """Clearing accounts, each for itself, then receivables over all of their accounts.

        A clearing account on which nothing was ever booked is told as nothing: no row is not a missing answer.
        """
        entries = {entry.accounts.clearing: entry for entry in self._mapping.settlement if entry.accounts.clearing}
        found: list[AccountBalance] = []
        if entries:
            marks = queries.marks(len(entries))
            ids = [int(account) for account in entries if account]
            sums = self._sums("the clearing accounts", marks, ids, on, AccountRole.CLEARING)
            found += [balance for balance in sums.values() if balance.amount]
            seen = {(account, balance.currency) for (account, _, _), balance in sums.items() if balance.amount}
            for account, entry in entries.items():
                if (account, entry.currency) not in seen:
                    nothing = Money.zero(entry.currency)
                    found.append(
                        AccountBalance(AccountRole.CLEARING, entry.currency, entry.subsidiary or "", nothing, on)
                    )
        receivable = self._sums("receivables", queries.RECEIVABLE_ACCOUNTS, [], on, AccountRole.RECEIVABLE)
        together: dict[tuple[str, str], AccountBalance] = {}
        for balance in receivable.values():
            key = (balance.subsidiary, balance.currency)
            before = together.get(key)
            together[key] = replace(balance, amount=balance.amount + before.amount) if before else balance
        return (*found, *together.values())

    def cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        """Source id -> what customer refunds and journals that carry it as a whole word put onto clearing accounts."""
        accounts = [int(one.accounts.clearing) for one in self._mapping.settlement if one.accounts.clearing]
        found: dict[str, Money] = {}
        for chunk in chunks(sorted(set(source_ids)), SOURCE_IDS_PER_QUERY) if accounts else ():
            sql = queries.cleared_with(len(accounts), len(chunk))
            rows = self._ql.by_offset("refunds on clearing", sql, [*accounts, *likes(chunk)])
            currencies = self._names.currencies(rows)
            for row in rows:
                try:
                    amount = cells.money_of(row, "amount", cells.currency_of(row, currencies), missing="0")
                except cells.Unreadable as error:
                    raise unreadable("customer refund", row.get("id", "?"), error) from None
                for source_id in chunk:
                    if carries(row, source_id):
                        found[source_id] = found[source_id] + amount if source_id in found else amount
        return found

    def _sums(
        self, what: str, accounts: str, ids: Sequence[int], on: date, role: AccountRole
    ) -> dict[tuple[str, str, str], AccountBalance]:
        """(account, subsidiary, currency) -> balance."""
        sql = queries.balances(self._mapping, accounts)
        rows = self._ql.by_offset(what, sql, [*ids, on.isoformat()])
        currencies = self._names.currencies(rows)
        found = {}
        for row in rows:
            try:
                currency = cells.currency_of(row, currencies)
                amount = cells.money_of(row, "amount", currency, missing="0")
                account, subsidiary = cells.text_of(row, "account"), row.get("subsidiary", "")
            except cells.Unreadable as error:
                raise unreadable("the balance of account", row.get("account", "?"), error) from None
            found[account, subsidiary, currency] = AccountBalance(role, currency, subsidiary, amount, on)
        return found

    def documents(self, first_on: date, last_on: date, *, leaves_out: bool = False) -> tuple[ArDocument, ...]:
        """Documents by customer and subsidiary: a journal that moves the receivables of two customers is two.

        Raises Terminal where a document can't be read, since a measure that leaves something out says nothing;
        `leaves_out` does without it.
        """
        marked = _Marked(
            write_offs=self._write_offs(last_on),
            disputed=self._ids("disputed invoices", queries.disputed(self._mapping), [last_on.isoformat()]),
            intercompany=self._intercompany(),
        )
        days = [last_on.isoformat(), first_on.isoformat()]
        found: dict[tuple[str, str, str], ArDocument] = {}
        unread: set[str] = set()
        for rows in self._ql.pages("receivables documents", queries.documents(self._mapping), days, "uniquekey"):
            currencies = self._names.currencies(rows)
            for row in rows:
                try:
                    document = _document(row, currencies, marked)
                except cells.Unreadable as error:
                    if not leaves_out:
                        raise unreadable("document", row.get("id", "?"), error) from None
                    unread.add(row.get("id", ""))
                    continue
                key = (document.id, document.customer_id, document.subsidiary)
                found[key] = _added(found[key], document) if key in found else document
        return tuple(document for document in found.values() if document.id not in unread)

    def _write_offs(self, last_on: date) -> frozenset[str]:
        accounts = [int(account) for account in self._mapping.bad_debt_accounts]
        if not accounts:
            return frozenset()
        return self._ids("write-offs", queries.against(len(accounts)), [*accounts, last_on.isoformat()])

    def _intercompany(self) -> frozenset[str]:
        """Customers whose reason for exclusion says so: NetSuite's own mark needs a feature that few accounts have."""
        rows = self._ql.by_key("excluded customers", queries.excluded_customers(self._mapping), [], "id")
        return frozenset(row["id"] for row in rows if "intercompany" in row.get("exclude", "").casefold())

    def _ids(self, what: str, sql: str, params: Sequence[str | int]) -> frozenset[str]:
        return frozenset(row["id"] for page in self._ql.pages(what, sql, params, "id") for row in page)


def _added(before: ArDocument, line: ArDocument) -> ArDocument:
    """One more line of the same document: what is left of an invoice or payment stands on each of them, in whole."""
    left = before.open_amount
    if before.kind is DocumentKind.OTHER and left is not None and line.open_amount is not None:
        left = left + line.open_amount
    return replace(before, amount=before.amount + line.amount, open_amount=left)


def _document(row: Row, currencies: cells.Currencies, marked: _Marked) -> ArDocument:
    """One line on receivables as its document. A voided document moved nothing that is left."""
    currency, document_id = cells.currency_of(row, currencies), cells.text_of(row, "id")
    kind = _KINDS.get(row.get("type", ""), DocumentKind.OTHER)
    customer_id = row.get("entity", "")
    left = "foreignamountunpaid" if kind is DocumentKind.INVOICE else "foreignpaymentamountunused"
    if kind is DocumentKind.OTHER:
        left = "line_open"
    return ArDocument(
        id=document_id,
        number=row.get("tranid", ""),
        kind=DocumentKind.WRITE_OFF if document_id in marked.write_offs else kind,
        customer_id=customer_id,
        subsidiary=row.get("subsidiary", ""),
        on=cells.day_of(row, "trandate", "posted_on"),
        amount=cells.money_of(row, "amount", currency, missing="0"),
        due_on=cells.day_of(row, "duedate", "due_on") if row.get("due_on") else None,
        closed_on=cells.day_of(row, "closedate", "closed_on") if row.get("closed_on") else None,
        open_amount=cells.money_of(row, left, currency, missing="0") if row.get(left) else None,
        was_disputed=document_id in marked.disputed,
        is_intercompany=customer_id in marked.intercompany,
    )
