"""Writing acts and the connector's own records, and reading them back: SOAP lists, each record answered by itself.

Nothing of a list is rolled back. That is why payments are created by addList with an external id: NetSuite takes it
once, so an act can be tried again after an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connector.adapters.netsuite import acts, reading, wire
from connector.adapters.netsuite.ledger import chunks, unreadable
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.records import INSTALLATION_ID
from connector.adapters.netsuite.settings import ADD_LIST_MAX, UPDATE_LIST_MAX, NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.soap import NOT_THERE, Found, Soap
from connector.adapters.netsuite.values import Values
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.ports import ActAnswer, ActSeen, Answer, Clock, Installation, Mark, Outcome, PaymentSeen
from connector.receivables import ArStatus, CloseIntent, ExceptionRecord, OpenInvoice, Parked


class Posting:
    """One account's writes. Safe for several threads."""

    def __init__(
        self, settings: NetSuiteSettings, mapping: NetSuiteMapping, soap: Soap, names: Names, clock: Clock
    ) -> None:
        self._settings = settings
        self._mapping = mapping
        self._soap = soap
        self._names = names
        self._clock = clock

    def write_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """Create payments with their records, many acts a request.

        Raises Transient or Terminal only if no request at all was carried out. When an earlier request was, the acts
        of one that was not are answered UNKNOWN, so that the answers in hand are not lost.
        """
        records, ids = self._names.records(), self._names.currency_ids()
        answers: dict[str, ActAnswer] = {}
        ready: list[acts.Act] = []
        for intent in intents:
            currency = intent.payment.amount.currency
            why = acts.unsayable(intent) or self._misplaced(intent)
            if not why and currency not in ids:
                why = f"{currency} is not in NetSuite's currency list"
            if why:
                answers[intent.act_id] = acts.act_refused(intent, why)
            else:
                ready.append(acts.built(records, intent, ids[currency]))
        for number, request in enumerate(acts.packed(ready, self._settings.acts_per_request_max)):
            answers |= self._write_request(request, is_first=number == 0)
        return tuple(answers[intent.act_id] for intent in intents)

    def _misplaced(self, intent: CloseIntent) -> str:
        """A receipt of one subsidiary doesn't go onto the accounts of another (RULES 1.6)."""
        post = intent.payment
        entry = self._mapping.settlement_of(post.amount.currency)
        if entry and entry.subsidiary and post.subsidiary and entry.subsidiary != post.subsidiary:
            return (
                f"{post.amount.currency} is settled by subsidiary {entry.subsidiary}, and this payment belongs to "
                f"subsidiary {post.subsidiary}: a person must decide how it gets there"
            )
        return ""

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
        records = self._names.records()
        for intent in doubles:
            there, external_id = seen.get(intent.payment.external_id), intent.payment.external_id
            if there is None:
                why = "NetSuite refused the payment as a double and then did not find it"
                yield intent, Answer(external_id, Outcome.UNKNOWN, code=acts.ALREADY_THERE, message=why)
                continue
            payment, row = there
            differs = acts.differences(intent, payment, row, records.clearing_account(intent.payment.amount.currency))
            outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
            yield intent, Answer(external_id, outcome, payment.erp_id, acts.ALREADY_THERE, "; ".join(differs))

    def _seen_payments(self, intents: Sequence[CloseIntent]) -> dict[str, tuple[PaymentSeen, reading.Row]]:
        records, ids = self._names.records(), [intent.payment.external_id for intent in intents]
        references = [records.payment_reference(external_id) for external_id in ids]
        answers = self._soap.read("Could not read back payments from NetSuite", references)
        pairs = ((external_id, self._payment_of(answer)) for external_id, answer in zip(ids, answers, strict=True))
        return {external_id: seen for external_id, seen in pairs if seen is not None}

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """The records of these acts again, without their payments; those that are there answer EXISTS."""
        records = self._names.records()
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
        records = self._names.records()
        items = [(mark.external_id, records.mark(mark)) for mark in marks]
        items += [(status.external_id, records.status(status)) for status in statuses]
        return self._write_list("upsertList", "Could not set states in NetSuite", items)

    def write_exceptions(self, exceptions: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        records = self._names.records()
        items = [(one.external_id, records.exception(one)) for one in exceptions]
        return self._write_list("upsertList", "Could not write exceptions to NetSuite", items)

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        """Tick one checkbox of these invoices, by internal id, and touch nothing else of them."""
        field = self._mapping.native_dunning.pause_field
        if not field:
            why = "native_dunning.pause_field in mappings/netsuite.yaml is empty; nothing was paused"
            return tuple(acts.refused(invoice_id, why) for invoice_id in invoice_ids)
        known = [invoice_id for invoice_id in invoice_ids if acts.is_internal_id(invoice_id)]
        items = [(invoice_id, self._pause(invoice_id, field)) for invoice_id in known]
        doing = "Could not pause NetSuite's own dunning"
        told = {one.external_id: one for one in self._write_list("updateList", doing, items)}
        why = "it is no internal id of NetSuite; nothing was paused"
        return tuple(told.get(invoice_id) or acts.refused(invoice_id, why) for invoice_id in invoice_ids)

    def _pause(self, invoice_id: str, field: str) -> Any:
        values = Values(self._soap, self._mapping.zone)
        return values.new("sales:Invoice", internalId=invoice_id, customFieldList=values.custom(ticked=field))

    def _write_list(
        self, operation: str, doing: str, items: Sequence[acts.Item], is_first: bool = True
    ) -> tuple[Answer, ...]:
        """One answer for each item, in order. Of items with the same id the last is sent, and answers all: NetSuite
        refuses a whole list that names a record twice. Ids are external ones, in an updateList internal ones."""
        answers: dict[str, Answer] = {}
        limit = ADD_LIST_MAX if operation == "addList" else UPDATE_LIST_MAX
        for chunk in chunks(list(dict(items).items()), limit):
            ids = [external_id for external_id, _ in chunk]
            try:
                written = self._soap.write(operation, doing, [record for _, record in chunk])
                told = acts.answers(ids, written, by_internal_id=operation == "updateList")
            except (OutcomeUnknown, Transient, Terminal) as error:
                if is_first and not answers and not isinstance(error, OutcomeUnknown):
                    raise
                told = [Answer(external_id, Outcome.UNKNOWN, message=str(error)) for external_id in ids]
            answers |= {answer.external_id: answer for answer in told}
        return tuple(answers[external_id] for external_id, _ in items)

    # ---- Reading back ----

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        """What NetSuite holds of these acts, in one mixed list: payments and records by external id, invoices by id."""
        requested_at = self._clock.now()
        records = self._names.records()
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
        return tuple(
            ActSeen(
                act_id=intent.act_id,
                requested_at=requested_at,
                payment=_payment(self._payment_of(answers[intent.payment.external_id])),
                records=self._states(intent, answers),
                invoices=tuple(
                    invoice
                    for invoice_id in _asked_invoices(intent)
                    if (invoice := invoices[f"invoice {invoice_id}"]) is not None
                ),
            )
            for intent in intents
        )

    def _states(self, intent: CloseIntent, answers: dict[str, Found]) -> tuple[tuple[str, Any], ...]:
        """The state of each accompanying record that is there."""
        records = self._names.records()
        states = []
        for external_id in acts.record_ids(intent):
            record = there(f"the record {external_id}", answers[external_id])
            if record is not None:
                states.append((external_id, records.state(record, external_id)))
        return tuple(states)

    def _payment_of(self, found: Found) -> tuple[PaymentSeen, reading.Row] | None:
        record = there("a payment", found)
        if record is None:
            return None
        row, applied = self._names.records().payment_row(record)
        try:
            seen = reading.payment(row, applied, self._names.currencies(), self._mapping.zone)
        except reading.Unreadable as error:
            raise unreadable("customer payment", row["id"], error) from None
        return seen, row

    def _invoice_of(self, found: Found) -> OpenInvoice | None:
        """The invoice; None when it is not there, not posted or not understood, which proves nothing."""
        record = there("an invoice", found)
        if record is None:
            return None
        records = self._names.records()
        if not records.is_posted(record):
            return None
        row, lines = records.invoice_row(record)
        invoice = reading.invoice(row, lines, self._names.currencies())
        return None if isinstance(invoice, Parked) else invoice

    # ---- The installation record ----

    def read_installation(self) -> Installation | None:
        records = self._names.records()
        doing = "Could not read the installation record from NetSuite"
        (found,) = self._soap.read(doing, [records.installation_reference()])
        record = there("the installation record", found)
        return None if record is None else records.installation_of(record)

    def write_installation(self, installation: Installation) -> Answer:
        item = (INSTALLATION_ID, self._names.records().installation(installation))
        return self._write_list("upsertList", "Could not write the installation record to NetSuite", [item])[0]


def there(what: str, found: Found) -> Any:
    """The record, None when NetSuite says that it does not exist; anything else is no answer."""
    if found.record is None and found.code != NOT_THERE:
        raise wire.unavailable(f"Could not read back {what} from NetSuite", f"{found.code} {found.message}")
    return found.record


def _payment(found: tuple[PaymentSeen, reading.Row] | None) -> PaymentSeen | None:
    return found[0] if found else None


def _asked_invoices(intent: CloseIntent) -> list[str]:
    return [invoice_id for invoice_id in acts.invoice_ids(intent) if acts.is_internal_id(invoice_id)]
