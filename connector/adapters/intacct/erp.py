"""Sage Intacct as `ports.Erp`: the way in, and which room answers what.

Reads are queries (ledger.py, credits.py, payments.py, books.py, documents.py, past.py). Writes are operations that are
carried out whole or not at all (posting.py, drafts.py), beside records that stand for themselves (keeping.py,
deposits.py, reversals.py). Nothing is asked of a company that lacks a field that the connector works with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connector.adapters.intacct import checks, dunning
from connector.adapters.intacct.banks import Banks
from connector.adapters.intacct.books import Books
from connector.adapters.intacct.definitions import Definitions
from connector.adapters.intacct.deposits import Deposits
from connector.adapters.intacct.documents import Documents
from connector.adapters.intacct.drafts import Drafts
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keeping import Keeping
from connector.adapters.intacct.keys import Keys
from connector.adapters.intacct.ledger import Ledger, merged
from connector.adapters.intacct.past import Past
from connector.adapters.intacct.payments import Payments
from connector.adapters.intacct.posting import Posting
from connector.adapters.intacct.reversals import Reversals
from connector.adapters.intacct.settings import IntacctMapping, IntacctSettings
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


@dataclass(frozen=True, slots=True)
class _Rooms:
    ledger: Ledger
    payments: Payments
    posting: Posting
    keeping: Keeping
    drafts: Drafts
    deposits: Deposits
    reversals: Reversals
    books: Books
    documents: Documents
    past: Past


class IntacctErp:
    """One Sage Intacct company. Safe for several threads; close() ends its connections."""

    name = "Sage Intacct"
    mapping = "mappings/intacct.yaml"
    is_atomic = True

    def __init__(
        self,
        settings: IntacctSettings,
        mapping: IntacctMapping,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = settings.account
        self.is_test = settings.is_test
        self.takes_drafts = mapping.suggest_as_draft
        self.settles_within = timedelta(minutes=mapping.facts.answers_within_minutes)
        self.counted_max = mapping.transactions_per_month
        self.settlements = tuple(
            Settlement(
                currency=entry.currency,
                through=entry.through,
                subsidiary=entry.entity or "",
                roles=frozenset(entry.roles),
                journal_negative=entry.journal_negative,
            )
            for entry in mapping.settlement
        )
        self.pays_for_family = mapping.facts.family_payments != "none"
        self._settings = settings
        self._mapping = mapping
        self._clock = clock
        self._gateway = Gateway(settings, mapping, sleep)
        self._definitions = Definitions(self._gateway, mapping)
        self._rooms = _rooms(self._gateway, mapping, clock)

    def close(self) -> None:
        self._gateway.close()

    @property
    def _ready(self) -> _Rooms:
        """The rooms, once the company was seen to have every object and field that they work with."""
        self._definitions.require()
        return self._rooms

    # ---- Receivables ----

    def read_totals(self) -> tuple[CustomerTotal, ...]:
        return self._ready.ledger.totals()

    def read_changed(self, since: datetime) -> ErpRead:
        return self._ready.ledger.changed(since)

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        if customer_ids is not None:
            return self._ready.ledger.open_of(customer_ids)
        requested_at = self._clock.now()
        return merged(requested_at, self._ready.ledger.open_by_part())

    def read_open_by_part(self) -> Iterator[ErpRead]:
        return self._ready.ledger.open_by_part()

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        return self._ready.ledger.invoices(ids)

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        return self._ready.ledger.credits(ids)

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        return self._ready.payments.with_source_ids(source_ids)

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        return self._ready.payments.like(customer_ids, amount, first_on, last_on)

    # ---- Acts and the connector's own records ----

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        return self._ready.posting.write_acts(intents, statuses)

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        return self._ready.posting.read_acts(intents)

    def write_drafts(self, payments: Sequence[PaymentToPost]) -> tuple[Answer, ...]:
        return self._ready.drafts.write(payments)

    def delete_drafts(self, external_ids: Sequence[str]) -> tuple[Answer, ...]:
        return self._ready.drafts.delete(external_ids)

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        return self._ready.keeping.write_records(intents)

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        return self._ready.keeping.write_marks(marks, statuses)

    def write_exceptions(self, records: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        return self._ready.keeping.write_exceptions(records)

    def write_proofs(self, records: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        return self._ready.keeping.write_proofs(records)

    def read_installation(self) -> Installation | None:
        return self._ready.keeping.read_installation()

    def write_installation(self, installation: Installation) -> Answer:
        return self._ready.keeping.write_installation(installation)

    # ---- Payouts ----

    def write_deposit(self, intent: DepositIntent) -> Answer:
        return self._ready.deposits.write(intent)

    def read_deposit(self, intent: DepositIntent) -> DepositSeen | None:
        return self._ready.deposits.read(intent)

    def find_deposits(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        return self._ready.deposits.find(payout_ids)

    # ---- Money that came back ----

    def write_reversal(self, intent: ReversalIntent) -> Answer:
        return self._ready.reversals.write(intent)

    def read_reversal(self, intent: ReversalIntent) -> ReversalSeen | None:
        return self._ready.reversals.read(intent)

    def why_irreversible(self, intent: ReversalIntent) -> str:
        return self._ready.reversals.why_not(intent, self._today)

    # ---- The ledger as a whole ----

    @property
    def _today(self) -> date:
        return self._clock.now().astimezone(self._mapping.zone).date()

    def read_periods(self) -> tuple[Period, ...]:
        return self._ready.books.periods(self._today)

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        return self._ready.books.balances(on)

    def find_cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        return self._ready.books.cleared(source_ids)

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return self._ready.documents.between(first_on, last_on)

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return self._ready.documents.between(first_on, last_on, leaves_out=True)

    def read_history(self, first_on: date, last_on: date) -> History:
        return self._ready.past.read(first_on, last_on)

    # ---- Intacct's own dunning, what is counted, and check ----

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        return self._ready.keeping.pause_dunning(invoice_ids)

    def take_counted(self) -> Counted:
        return self._gateway.take_counted()

    def other_senders(self) -> tuple[OtherSender, ...]:
        return dunning.others(self._gateway, self._mapping)

    def check(self) -> tuple[Finding, ...]:
        return checks.findings(self._settings, self._mapping, self._gateway, self._definitions)


def _rooms(gateway: Gateway, mapping: IntacctMapping, clock: Clock) -> _Rooms:
    keys, banks = Keys(gateway, mapping), Banks(gateway, mapping)
    payments = Payments(gateway, mapping, keys)
    ledger = Ledger(gateway, mapping, clock, keys, payments)
    keeping = Keeping(gateway, mapping, ledger, clock)
    drafts = Drafts(gateway, mapping, ledger, payments)
    books = Books(gateway, mapping, banks, payments)
    return _Rooms(
        ledger=ledger,
        payments=payments,
        posting=Posting(gateway, mapping, ledger, payments, keeping, drafts, clock),
        keeping=keeping,
        drafts=drafts,
        deposits=Deposits(gateway, mapping, banks),
        reversals=Reversals(gateway, mapping, payments, books),
        books=books,
        documents=Documents(gateway, mapping),
        past=Past(gateway, mapping, ledger, payments, keys, clock),
    )
