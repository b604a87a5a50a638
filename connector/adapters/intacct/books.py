"""The ledger as a whole: reporting periods, and what stands on accounts (RULES 6). Documents are in documents.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connector.adapters.intacct import filters
from connector.adapters.intacct.banks import Banks
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.payments import Held, Payments, unreadable
from connector.adapters.intacct.postings import CASH, GENERAL_LEDGER, PAYABLES, Postings
from connector.adapters.intacct.rows import day_of
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.values import day
from connector.adapters.ledger_rows.cells import Unreadable, text_of
from connector.money import Money
from connector.settlement import AccountBalance, AccountRole, Period

PERIODS_BACK_YEARS = 2
PERIOD_FIELDS = ("RECORDNO", "NAME", "START_DATE", "END_DATE")
# The day of a summary is that on which its invoices are posted to the general ledger.
SUMMARY_FIELDS = ("RECORDNO", "CREATED", "OPEN")
# Where people book a refund: a journal entry, a payment to the customer as a vendor, a receipt below zero. What
# Accounts Receivable itself posts is the payment of the charge, and a charge isn't its refund; only where that payment
# was reversed is its reversal one.
_MODULES_OF_REFUNDS = (GENERAL_LEDGER, PAYABLES, CASH)


class Books:
    def __init__(self, gateway: Gateway, mapping: IntacctMapping, banks: Banks, payments: Payments) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._banks = banks
        self._payments = payments
        self._postings = Postings(gateway)

    # ---- periods ----

    def periods(self, today: date) -> tuple[Period, ...]:
        """Budgetable reporting periods, oldest first, from two years back to the end of next year; these never overlap.

        The reference has no object that says which of them are closed. But closing the books closes every AR summary
        of the period (Sage's help, open and close process), and a summary says whether it is open (Sage's XML
        reference, AR summaries): a period that has summaries and none that is open is closed. One without any counts
        as open, and so does one that only some entities have closed: there Intacct has the last word.
        """
        since = date(today.year - PERIODS_BACK_YEARS, today.month, 1)
        until = date(today.year + 1, 12, 31)  # companies hold periods for decades ahead
        where = filters.both(
            filters.equal("BUDGETING", "true"),
            filters.at_least("END_DATE", day(since)),
            filters.at_most("END_DATE", day(until)),
        )
        summaries = self._summaries(since)
        periods = []
        for row in self._gateway.rows("REPORTINGPERIOD", PERIOD_FIELDS, where):
            try:
                name, first, last = text_of(row, "NAME"), day_of(row, "START_DATE"), day_of(row, "END_DATE")
            except Unreadable as error:
                raise unreadable("reporting period", row["RECORDNO"], error) from None
            open_flags = [is_open for on, is_open in summaries if first <= on <= last]
            periods.append(Period(name, first, last, is_locked=bool(open_flags) and not any(open_flags)))
        return tuple(sorted(periods, key=lambda period: period.first_on))

    def _summaries(self, since: date) -> list[tuple[date, bool]]:
        """Day of posting and whether it is open, of each active AR summary."""
        if self._mapping.facts.periods_closed_by == "none":
            return []
        where = filters.both(filters.equal("STATUS", "active"), filters.at_least("CREATED", day(since)))
        found = []
        for row in self._gateway.rows("ARINVOICEBATCH", SUMMARY_FIELDS, where):
            try:
                found.append((day_of(row, "CREATED"), text_of(row, "OPEN").lower() == "open"))
            except Unreadable as error:
                raise unreadable("AR summary", row["RECORDNO"], error) from None
        return found

    # ---- balances ----

    def balances(self, on: date) -> tuple[AccountBalance, ...]:
        """Clearing accounts, each for itself, then receivables over all of their accounts.

        A clearing account on which nothing was ever booked is told as nothing: no row is not a missing answer.
        """
        clearing, receivable = self._banks.clearing(), set(self._mapping.receivable_accounts)
        until = filters.at_most("BATCH_DATE", day(on))
        found: list[AccountBalance] = []
        together: dict[tuple[str, str], Money] = {}
        for entity in self._entities():
            for row, amount in self._postings.sums({*clearing, *receivable}, ("ACCOUNTNO",), until, entity=entity):
                account, currency = row.get("ACCOUNTNO", ""), amount.currency
                if account in clearing and amount:
                    found.append(AccountBalance(AccountRole.CLEARING, currency, entity, amount, on))
                if account in receivable:
                    before = together.get((entity, currency), Money.zero(currency))
                    together[entity, currency] = before + amount
        told = {(one.subsidiary, one.currency) for one in found}
        for entry in clearing.values():
            entity, nothing = entry.entity or "", Money.zero(entry.currency)
            if (entity, entry.currency) not in told:
                found.append(AccountBalance(AccountRole.CLEARING, entry.currency, entity, nothing, on))
        receivables = [
            AccountBalance(AccountRole.RECEIVABLE, currency, entity, amount, on)
            for (entity, currency), amount in sorted(together.items())
        ]
        return (*found, *receivables)

    def cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        """Source id -> what entries by people that name it as a whole word put onto clearing accounts, and what the
        reversal of the receipt that carries it took off them."""
        found: dict[str, Money] = {}
        for id_, _, amount in self._postings.naming(source_ids, self._banks.clearing(), _MODULES_OF_REFUNDS):
            found[id_] = found[id_] + amount if id_ in found else amount
        for id_, held in self._payments.taken_back(source_ids).items():
            if self._is_on_clearing(held):
                amount = -held.seen.amount
                found[id_] = found[id_] + amount if id_ in found else amount
        return found

    def _is_on_clearing(self, held: Held) -> bool:
        account = held.row.get("FINANCIALENTITY", "").partition("--")[0]
        return any(account and account == entry.accounts.clearing for entry in self._mapping.settlement)

    def _entities(self) -> tuple[str, ...]:
        """Each entity is asked for within itself: that is the only place where its own books are surely its own."""
        return tuple(sorted(self._mapping.entities)) or ("",)
