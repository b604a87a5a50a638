"""NetSuite as `ports.Erp`: the way in, and which room answers what.

Reads are SuiteQL (ledger.py, books.py, past.py), whose rows become values in reading.py, pauses.py and customers.py.
Writes and their read-back are SOAP lists (posting.py, unapplied.py, deposits.py, reversals.py), in which each record is
answered by itself and nothing is rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import checks, dunning
from connector.adapters.netsuite.books import Books
from connector.adapters.netsuite.deposits import Deposits
from connector.adapters.netsuite.ledger import Ledger, merged
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.past import Past
from connector.adapters.netsuite.payments import Payments
from connector.adapters.netsuite.posting import Posting
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.reversals import Reversals
from connector.adapters.netsuite.settings import NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.soap import Soap
from connector.money import Money
from connector.ports import (
    ActAnswer,
    ActSeen,
    Answer,
    Clock,
    Counted,
    ErpRead,
    Finding,
    History,
    Installation,
    Mark,
    OtherSender,
    Outcome,
    PaymentSeen,
)
from connector.receivables import ArStatus, CloseIntent, CustomerTotal, ExceptionRecord, PaymentToPost, ProofRecord
from connector.settlement import (
    AccountBalance,
    ArDocument,
    DepositIntent,
    DepositSeen,
    Period,
    ReversalIntent,
    ReversalSeen,
    Settlement,
)


class NetSuiteErp:
    """One NetSuite account. Safe for several threads; close() ends its connections.

    `clock` dates our reads; `epoch` signs requests and is always the machine's own time.
    """

    name = "NetSuite"
    mapping = "mappings/netsuite.yaml"
    is_atomic = False  # a list request answers each record by itself and rolls nothing back
    settles_within = timedelta()  # an external id is taken from the first moment on, so a second try is refused
    takes_drafts = False  # a customer payment has no draft state
    counted_max = 0

    def __init__(
        self,
        settings: NetSuiteSettings,
        mapping: NetSuiteMapping,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        # NetSuite compares signatures with the real time, whatever day a replayed book is at.
        epoch: Callable[[], float] = time.time,  # noqa: TID251
    ) -> None:
        self.account = settings.account_id
        self.is_test = settings.is_test
        self.settlements = tuple(
            Settlement(
                currency=entry.currency,
                through=entry.through,
                subsidiary=entry.subsidiary or "",
                roles=frozenset(entry.roles),
                journal_negative=entry.journal_negative,
            )
            for entry in mapping.settlement
        )
        self.pays_for_family = mapping.facts.consolidated_payments
        self._settings = settings
        self._mapping = mapping
        self._clock = clock
        lanes = Lanes(settings.requests_at_once_max, settings.read_attempts_max, sleep)
        self._ql = SuiteQl(settings, lanes, epoch)
        self._soap = Soap(settings, lanes, epoch)
        names = Names(self._ql, self._soap, mapping)
        self._ledger = Ledger(self._ql, mapping, names, clock)
        self._books = Books(self._ql, mapping, names)
        self._payments = Payments(self._soap, self._ql, names, mapping)
        self._posting = Posting(settings, mapping, self._soap, self._ql, names, self._payments, clock)
        self._past = Past(self._ql, names, self._ledger, self._payments, clock)
        self._deposits = Deposits(mapping, self._ql, self._soap, names)
        self._reversals = Reversals(mapping, self._ql, self._soap, names, self._payments, self._books)

    def close(self) -> None:
        self._ql.close()
        self._soap.close()

    # ---- Receivables ----

    def read_totals(self) -> tuple[CustomerTotal, ...]:
        return self._ledger.totals()

    def read_changed(self, since: datetime) -> ErpRead:
        return self._ledger.changed(since)

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        if customer_ids is not None:
            return self._ledger.open_of(customer_ids)
        requested_at = self._clock.now()
        return merged(requested_at, self._ledger.open_by_part())

    def read_open_by_part(self) -> Iterator[ErpRead]:
        return self._ledger.open_by_part()

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        return self._ledger.invoices(ids)

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        return self._ledger.credits(ids)

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        """Found by SuiteQL, told as their records show them: with the credits and discounts that came with them."""
        found = self._ledger.payments_with(source_ids)
        whole = self._payments.by_id(sorted({seen.erp_id for seen in found.values()}))
        return {
            source_id: whole[seen.erp_id].seen if seen.erp_id in whole else seen for source_id, seen in found.items()
        }

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        return self._ledger.payments_like(customer_ids, amount, first_on, last_on)

    # ---- Acts and the connector's own records ----

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        return self._posting.write_acts(intents)

    def write_drafts(self, payments: Sequence[PaymentToPost]) -> tuple[Answer, ...]:
        return tuple(Answer(one.external_id, Outcome.REFUSED, message="NetSuite has no drafts") for one in payments)

    def delete_drafts(self, external_ids: Sequence[str]) -> tuple[Answer, ...]:
        return tuple(Answer(one, Outcome.EXISTS) for one in external_ids)

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        return self._posting.read_acts(intents)

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        return self._posting.write_records(intents)

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        return self._posting.write_marks(marks, statuses)

    def write_exceptions(self, records: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        return self._posting.write_exceptions(records)

    def write_proofs(self, records: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        return self._posting.write_proofs(records)

    def read_installation(self) -> Installation | None:
        return self._posting.read_installation()

    def write_installation(self, installation: Installation) -> Answer:
        return self._posting.write_installation(installation)

    # ---- Payouts ----

    def write_deposit(self, intent: DepositIntent) -> Answer:
        return self._deposits.write(intent)

    def read_deposit(self, intent: DepositIntent) -> DepositSeen | None:
        return self._deposits.read(intent)

    def find_deposits(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        return self._deposits.find(payout_ids)

    # ---- Money that came back ----

    def write_reversal(self, intent: ReversalIntent) -> Answer:
        return self._reversals.write(intent, self._today())

    def read_reversal(self, intent: ReversalIntent) -> ReversalSeen | None:
        return self._reversals.read(intent)

    def why_irreversible(self, intent: ReversalIntent) -> str:
        return self._reversals.why_not(intent, self._today())

    # ---- The ledger as a whole ----

    def read_periods(self) -> tuple[Period, ...]:
        return self._books.periods(self._today())

    def _today(self) -> date:
        return self._clock.now().astimezone(self._mapping.zone).date()

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        return self._books.balances(on)

    def find_cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        return self._books.cleared(source_ids)

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return self._books.documents(first_on, last_on)

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        """As read_documents, without what can't be read: one bad document must not hide how everybody else paid."""
        return self._books.documents(first_on, last_on, leaves_out=True)

    def read_history(self, first_on: date, last_on: date) -> History:
        return self._past.read(first_on, last_on)

    # ---- NetSuite's own dunning, and check ----

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        return self._posting.pause_dunning(invoice_ids)

    def take_counted(self) -> Counted:
        return Counted()

    def other_senders(self) -> tuple[OtherSender, ...]:
        return dunning.others(self._ql, self._mapping)

    def check(self) -> tuple[Finding, ...]:
        return checks.findings(self._settings, self._mapping, self._ql, self._soap)
