"""NetSuite as `ports.Erp`: what the connector reads and writes there, and what each answer means.

Reads are SuiteQL; writes and their read-back are SOAP lists, in which each record is answered by itself and nothing
is rolled back. That is why payments are created by addList with an external id: NetSuite takes it once, so an act
can be tried again after an unknown outcome.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from connector.adapters.netsuite import acts, checks, queries, reading, wire
from connector.adapters.netsuite.records import INSTALLATION_ID, Records
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import ADD_LIST_MAX, UPSERT_LIST_MAX, NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.soap import NOT_THERE, Found, Soap
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.money import Money
from connector.ports import (
    ActAnswer,
    ActSeen,
    Answer,
    Clock,
    ErpRead,
    Finding,
    Installation,
    Mark,
    Outcome,
    PaymentSeen,
)
from connector.receivables import ArStatus, CloseIntent, CustomerTotal, OpenInvoice, Parked

T = TypeVar("T")

# Oracle takes at most 1,000 values in one IN list; shorter questions are answered sooner.
IDS_PER_QUERY = 400
SOURCE_IDS_PER_QUERY = 50


class NetSuiteErp:
    """One NetSuite account. Safe for several threads; close() ends its connections.

    `clock` dates our reads; `epoch` signs requests and is always the machine's own time.
    """

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
        self._settings = settings
        self._mapping = mapping
        self._clock = clock
        lanes = wire.Lanes(settings.requests_at_once_max, settings.read_attempts_max, sleep)
        self._ql = SuiteQl(settings, lanes, epoch)
        self._soap = Soap(settings, lanes, epoch)
        self._names = threading.Lock()
        self._currencies: dict[str, str] = {}
        self._records: Records | None = None

    def close(self) -> None:
        self._ql.close()
        self._soap.close()

    # ---- Reading the ledger ----

    def read_totals(self) -> tuple[CustomerTotal, ...]:
        """Count and sum of what each customer owes by currency; invoices in an unreadable currency are left out."""
        rows = self._ql.by_offset("the open sums by customer", queries.TOTALS)
        currencies = self._known_currencies(rows)
        return tuple(total for row in rows if (total := reading.total(row, currencies)) is not None)

    def read_changed(self, since: datetime) -> ErpRead:
        """What was modified since, reaching back a little further, since NetSuite's clock is not ours."""
        requested_at = self._clock.now()
        overlap = timedelta(minutes=self._mapping.facts.modified_overlap_minutes)
        start = (since - overlap).astimezone(self._mapping.zone).strftime("%Y-%m-%d %H:%M:%S")
        sql = queries.invoices(self._mapping, f"{queries.ANY_INVOICE} AND {queries.INVOICE_TOUCHED}")
        invoices = self._ql.by_key("changed invoices", sql, [start, start], "id")
        sql = queries.credits(f"{queries.ANY_CREDIT} AND {queries.MODIFIED}")
        credits = self._ql.by_key("changed credits", sql, [start], "id")
        sql = queries.customers(self._mapping, queries.CUSTOMER_MODIFIED)
        customers = self._ql.by_key("changed customers", sql, [start], "id")
        return self._read(requested_at, invoices, credits, customers)

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        requested_at = self._clock.now()
        invoices, credits = [], []
        for ids in [None] if customer_ids is None else _chunks(_numeric(customer_ids), IDS_PER_QUERY):
            whose = f" AND t.entity IN ({queries.marks(len(ids))})" if ids else ""
            sql = queries.invoices(self._mapping, queries.OPEN_INVOICE + whose)
            invoices += self._ql.by_key("open invoices", sql, ids or [], "id")
            sql = queries.credits(queries.OPEN_CREDIT + whose)
            credits += self._ql.by_key("open credits", sql, ids or [], "id")
        return self._read(requested_at, invoices, credits)

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        requested_at = self._clock.now()
        invoices = []
        for chunk in _chunks(_numeric(ids), IDS_PER_QUERY):
            condition = f"{queries.ANY_INVOICE} AND t.id IN ({queries.marks(len(chunk))})"
            invoices += self._ql.by_key("invoices by id", queries.invoices(self._mapping, condition), chunk, "id")
        return self._read(requested_at, invoices)

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        requested_at = self._clock.now()
        credits = []
        for chunk in _chunks(_numeric(ids), IDS_PER_QUERY):
            sql = queries.credits(f"{queries.ANY_CREDIT} AND t.id IN ({queries.marks(len(chunk))})")
            credits += self._ql.by_key("credits by id", sql, chunk, "id")
        return self._read(requested_at, (), credits)

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        """Source id -> the payment that carries it as a whole word; one in force before a voided one, then the first.

        Raises Terminal when such a payment can't be read: then nobody may post beside it.
        """
        found: dict[str, PaymentSeen] = {}
        for chunk in _chunks(sorted({source_id for source_id in source_ids if source_id}), SOURCE_IDS_PER_QUERY):
            params = [text for source_id in chunk for text in (f"%{source_id}%", f"%{source_id}%")]
            rows = self._ql.by_key("payments by source id", queries.payments_with(len(chunk)), params, "id")
            for row, seen in self._payments(rows):
                for source_id in chunk:
                    if _carries(row, source_id) and (source_id not in found or found[source_id].voided > seen.voided):
                        found[source_id] = seen
        return found

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        """Payments and deposits of these customers of just this amount, whoever made them."""
        found: list[PaymentSeen] = []
        days = [first_on.isoformat(), last_on.isoformat()]
        for chunk in _chunks([int(customer_id) for customer_id in customer_ids], IDS_PER_QUERY):
            query = queries.payments_between(len(chunk))
            rows = self._ql.by_key("payments like this one", query, [*chunk, *days], "id")
            found += [seen for _, seen in self._payments(rows) if seen.amount == amount]
        return tuple(found)

    def _payments(self, rows: Sequence[Row]) -> list[tuple[Row, PaymentSeen]]:
        links: dict[str, list[Row]] = {}
        for chunk in _chunks([int(row["id"]) for row in rows], IDS_PER_QUERY):
            for link in self._ql.by_offset("payment applications", queries.applications(len(chunk)), chunk):
                links.setdefault(link.get("payment", ""), []).append(link)
        currencies = self._known_currencies(rows)
        seen = []
        for row in rows:
            try:
                links_of = links.get(row["id"], [])
                seen.append((row, reading.payment(row, links_of, currencies, self._mapping.zone)))
            except reading.Unreadable as error:
                raise _unreadable("customer payment", row["id"], error) from None
        return seen

    def _read(
        self,
        requested_at: datetime,
        invoice_rows: Sequence[Row],
        credit_rows: Sequence[Row] = (),
        customer_rows: Sequence[Row] = (),
    ) -> ErpRead:
        currencies = self._known_currencies((*invoice_rows, *credit_rows))
        lines = self._lines(invoice_rows)
        invoices = [reading.invoice(row, lines.get(row["id"], []), currencies) for row in invoice_rows]
        credits = [reading.credit(row, currencies) for row in credit_rows]
        customers = {row["id"]: row for row in customer_rows}
        wanted = {row.get("entity", "") for row in (*invoice_rows, *credit_rows)} - customers.keys()
        for chunk in _chunks(_numeric(wanted), IDS_PER_QUERY):
            sql = queries.customers(self._mapping, f"c.id IN ({queries.marks(len(chunk))})")
            customers |= {row["id"]: row for row in self._ql.by_key("customers", sql, chunk, "id")}
        return ErpRead(
            requested_at=requested_at,
            invoices=tuple(item for item in invoices if not isinstance(item, Parked)),
            customers=tuple(reading.customer(row) for row in customers.values()),
            credits=tuple(item for item in credits if not isinstance(item, Parked)),
            parked=tuple(item for item in (*invoices, *credits) if isinstance(item, Parked)),
        )

    def _lines(self, invoice_rows: Sequence[Row]) -> dict[str, list[Row]]:
        """Invoice id -> its lines with positive amounts."""
        found: dict[str, list[Row]] = {}
        turned = self._mapping.facts.line_amount_sign == "minus"
        for chunk in _chunks([int(row["id"]) for row in invoice_rows], IDS_PER_QUERY):
            sql = queries.lines(self._mapping, len(chunk))
            for line in self._ql.by_key("invoice lines", sql, chunk, "uniquekey"):
                amount = line.get("foreignamount", "")
                signed = (amount[1:] if amount.startswith("-") else f"-{amount}") if turned and amount else amount
                found.setdefault(line.get("invoice", ""), []).append({**line, "foreignamount": signed})
        return found

    def _known_currencies(self, rows: Iterable[Row] = ()) -> dict[str, str]:
        """Internal id -> ISO code; read again when these rows name one that is not known yet."""
        with self._names:
            named = {row["currency"] for row in rows if "currency" in row}
            if not self._currencies or named - self._currencies.keys():
                found = self._ql.by_offset("currencies", queries.CURRENCIES)
                self._currencies = {row["id"]: row.get("symbol", "") for row in found if "id" in row}
            return self._currencies

    def _known_records(self) -> Records:
        """The builder of SOAP records, with the record types' numeric ids looked up once."""
        with self._names:
            if self._records is None:
                wanted, ids = set(self._mapping.records.types), dict(self._mapping.record_type_ids)
                if wanted - ids.keys():
                    for row in self._ql.by_offset("custom record types", queries.RECORD_TYPES):
                        ids.setdefault(row.get("scriptid", "").lower(), row.get("internalid", ""))
                records = Records(self._soap, self._mapping, ids)
                if wanted - ids.keys():
                    return records  # not kept: the missing types may be installed meanwhile
                self._records = records
            return self._records

    # ---- Writing acts ----

    def write_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """Create payments with their records, many acts a request.

        Raises Transient or Terminal only if no request at all was carried out. When an earlier request was, the acts
        of one that was not are answered UNKNOWN, so that the answers in hand are not lost.
        """
        records, codes = self._known_records(), self._known_currencies()
        ids = {code: currency_id for currency_id, code in codes.items()}
        answers: dict[str, ActAnswer] = {}
        ready: list[acts.Act] = []
        for intent in intents:
            currency = intent.payment.amount.currency
            why = acts.unsayable(intent) or (
                "" if currency in ids else f"{currency} is not in NetSuite's currency list"
            )
            if why:
                answers[intent.act_id] = acts.act_refused(intent, why)
            else:
                ready.append(acts.built(records, intent, ids[currency]))
        for number, request in enumerate(acts.packed(ready, self._settings.acts_per_request_max)):
            answers |= self._write_request(request, is_first=number == 0)
        return tuple(answers[intent.act_id] for intent in intents)

    def _write_request(self, request: Sequence[acts.Act], is_first: bool) -> dict[str, ActAnswer]:
        names = ", ".join(act.intent.act_id for act in request[:3]) + (", …" if len(request) > 3 else "")
        items = [item for act in request for item in act.sent]
        told = iter(self._write_list("addList", f"Could not write the acts {names} to NetSuite", items, is_first))
        found = {}
        for act in request:
            found[act.intent.act_id] = act.answered([next(told) for _ in act.sent])
        doubles = [act.intent for act in request if found[act.intent.act_id].payment.outcome is Outcome.EXISTS]
        for intent, answer in self._compared(doubles):
            found[intent.act_id] = ActAnswer(intent.act_id, answer, found[intent.act_id].records)
        return found

    def _compared(self, doubles: Sequence[CloseIntent]) -> Iterator[tuple[CloseIntent, Answer]]:
        """Payments that NetSuite says it has already: are they what we would have written?"""
        if not doubles:
            return
        try:
            seen = self._seen_payments(doubles)
        except (Transient, Terminal) as error:
            for intent in doubles:
                yield intent, Answer(intent.payment.external_id, Outcome.UNKNOWN, message=str(error))
            return
        for intent in doubles:
            there, external_id = seen.get(intent.payment.external_id), intent.payment.external_id
            if there is None:
                why = "NetSuite refused the payment as a double and then did not find it"
                yield intent, Answer(external_id, Outcome.UNKNOWN, code=acts.ALREADY_THERE, message=why)
                continue
            differs = acts.differences(intent, there)
            outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
            yield intent, Answer(external_id, outcome, there.erp_id, acts.ALREADY_THERE, "; ".join(differs))

    def _seen_payments(self, intents: Sequence[CloseIntent]) -> dict[str, PaymentSeen]:
        records, ids = self._known_records(), [intent.payment.external_id for intent in intents]
        references = [records.payment_reference(external_id) for external_id in ids]
        answers = self._soap.read("Could not read back payments from NetSuite", references)
        pairs = ((external_id, self._payment_of(answer)) for external_id, answer in zip(ids, answers, strict=True))
        return {external_id: seen for external_id, seen in pairs if seen is not None}

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """The records of these acts again, without their payments; those that are there answer EXISTS."""
        records = self._known_records()
        built = [(intent, acts.accompanying(records, intent)) for intent in intents]
        items = [item for _, listed in built for item in listed]
        told = iter(self._write_list("addList", "Could not write the records of acts to NetSuite", items))
        return tuple(
            ActAnswer(
                intent.act_id,
                Answer(intent.payment.external_id, Outcome.EXISTS, message="not written again"),
                tuple(next(told) for _ in listed),
            )
            for intent, listed in built
        )

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        """Set end states and what saved searches see; last write wins. Answers: marks, then statuses."""
        records = self._known_records()
        items = [(mark.external_id, records.mark(mark)) for mark in marks]
        items += [(status.external_id, records.status(status)) for status in statuses]
        return self._write_list("upsertList", "Could not set states in NetSuite", items)

    def _write_list(
        self, operation: str, doing: str, items: Sequence[acts.Item], is_first: bool = True
    ) -> tuple[Answer, ...]:
        """One answer for each item, in order. Of items with the same external id the last is sent, and answers all:
        NetSuite refuses a whole list that names a record twice."""
        answers: dict[str, Answer] = {}
        limit = ADD_LIST_MAX if operation == "addList" else UPSERT_LIST_MAX
        for chunk in _chunks(list(dict(items).items()), limit):
            ids = [external_id for external_id, _ in chunk]
            try:
                told = acts.answers(ids, self._soap.write(operation, doing, [record for _, record in chunk]))
            except (OutcomeUnknown, Transient, Terminal) as error:
                if is_first and not answers and not isinstance(error, OutcomeUnknown):
                    raise
                told = [Answer(external_id, Outcome.UNKNOWN, message=str(error)) for external_id in ids]
            answers |= {answer.external_id: answer for answer in told}
        return tuple(answers[external_id] for external_id, _ in items)

    # ---- Reading acts back ----

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        """What NetSuite holds of these acts, in one mixed list: payments and records by external id, invoices by id."""
        requested_at = self._clock.now()
        records = self._known_records()
        references: dict[str, Any] = {}
        for intent in intents:
            references[intent.payment.external_id] = records.payment_reference(intent.payment.external_id)
            for external_id in acts.record_ids(intent):
                references[external_id] = records.record_reference(external_id)
            for invoice_id in _asked_invoices(intent):
                references[f"invoice {invoice_id}"] = records.invoice_reference(invoice_id)
        doing = "Could not read acts back from NetSuite"
        answers = dict(zip(references, self._soap.read(doing, list(references.values())), strict=True))
        invoices = {name: self._invoice_of(found) for name, found in answers.items() if name.startswith("invoice ")}
        return tuple(self._act_seen(requested_at, intent, answers, invoices) for intent in intents)

    def _act_seen(
        self,
        requested_at: datetime,
        intent: CloseIntent,
        answers: dict[str, Found],
        invoices: dict[str, OpenInvoice | None],
    ) -> ActSeen:
        records = self._known_records()
        states = []
        for external_id in acts.record_ids(intent):
            record = self._there(f"the record {external_id}", answers[external_id])
            if record is not None:
                states.append((external_id, records.state(record, external_id)))
        there = (invoices[f"invoice {invoice_id}"] for invoice_id in _asked_invoices(intent))
        payment = self._payment_of(answers[intent.payment.external_id])
        found = tuple(invoice for invoice in there if invoice is not None)
        return ActSeen(intent.act_id, requested_at, payment, tuple(states), found)

    def _payment_of(self, found: Found) -> PaymentSeen | None:
        record = self._there("a payment", found)
        if record is None:
            return None
        row, applied = self._known_records().payment_row(record)
        try:
            return reading.payment(row, applied, self._known_currencies(), self._mapping.zone)
        except reading.Unreadable as error:
            raise _unreadable("customer payment", row["id"], error) from None

    def _invoice_of(self, found: Found) -> OpenInvoice | None:
        """The invoice; None when it is not there, not posted or not understood, which proves nothing."""
        record = self._there("an invoice", found)
        if record is None:
            return None
        records = self._known_records()
        if not records.is_posted(record):
            return None
        row, lines = records.invoice_row(record)
        invoice = reading.invoice(row, lines, self._known_currencies())
        return None if isinstance(invoice, Parked) else invoice

    @staticmethod
    def _there(what: str, found: Found) -> Any:
        """The record, None when NetSuite says that it does not exist; anything else is no answer."""
        if found.record is None and found.code != NOT_THERE:
            raise wire.unavailable(f"Could not read back {what} from NetSuite", f"{found.code} {found.message}")
        return found.record

    # ---- The installation record, and check ----

    def read_installation(self) -> Installation | None:
        records = self._known_records()
        doing = "Could not read the installation record from NetSuite"
        (found,) = self._soap.read(doing, [records.installation_reference()])
        record = self._there("the installation record", found)
        return None if record is None else records.installation_of(record)

    def write_installation(self, installation: Installation) -> Answer:
        item = (INSTALLATION_ID, self._known_records().installation(installation))
        return self._write_list("upsertList", "Could not write the installation record to NetSuite", [item])[0]

    def check(self) -> tuple[Finding, ...]:
        return checks.findings(self._settings, self._mapping, self._ql, self._soap)


def _carries(row: Row, source_id: str) -> bool:
    """Does the payment name this id as a whole word? (`_` in a LIKE stands for any letter.)"""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source_id)}(?![A-Za-z0-9])")
    return any(word.search(row.get(name, "")) for name in ("externalid", "memo"))


def _unreadable(kind: str, internal_id: str, error: reading.Unreadable) -> Terminal:
    return Terminal(
        f"Could not understand {kind} {internal_id} in NetSuite: {error}. Nothing was changed. Correct the record, "
        "or tell us what the field means."
    )


def _numeric(ids: Iterable[str]) -> list[int]:
    return sorted({int(text) for text in ids if acts.is_internal_id(text)})


def _asked_invoices(intent: CloseIntent) -> list[str]:
    return [invoice_id for invoice_id in acts.invoice_ids(intent) if acts.is_internal_id(invoice_id)]


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
