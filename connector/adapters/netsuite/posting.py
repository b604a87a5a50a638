"""Writing acts and the connector's own records, and reading them back: SOAP lists, each record answered by itself.

Nothing of a list is rolled back. That is why payments are created by addList with an external id: NetSuite takes it
once, so an act can be tried again after an unknown outcome. A payment that is there already is applied by unapplied.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connector.adapters.netsuite import acts, reading, unapplied
from connector.adapters.netsuite.lists import there, write_list
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Payments
from connector.adapters.netsuite.records import INSTALLATION_ID
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.soap import Found, Soap
from connector.adapters.netsuite.unapplied import Unapplied
from connector.adapters.netsuite.values import Values
from connector.errors import Terminal, Transient
from connector.ports import ActAnswer, ActSeen, Answer, Clock, Installation, Mark, Outcome, PaymentSeen
from connector.receivables import ArStatus, CloseIntent, ExceptionRecord, OpenInvoice, Parked, ProofRecord


class Posting:
    """One account's writes. Safe for several threads."""

    def __init__(
        self,
        settings: NetSuiteSettings,
        mapping: NetSuiteMapping,
        soap: Soap,
        ql: SuiteQl,
        names: Names,
        payments: Payments,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._mapping = mapping
        self._soap = soap
        self._names = names
        self._clock = clock
        self._payments = payments
        self._unapplied = Unapplied(soap, ql, names, payments, settings.acts_per_request_max)

    def write_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """Create payments with their records, many acts a request; then apply those that are there already.

        Raises Transient or Terminal only if no request at all was carried out. When an earlier request was, the acts
        of one that was not are answered UNKNOWN, so that the answers in hand are not lost.
        """
        records, ids = self._names.records(), self._names.currency_ids()
        answers: dict[str, ActAnswer] = {}
        ready: list[acts.Act] = []
        rests: list[CloseIntent] = []
        for intent in intents:
            currency = intent.payment.amount.currency
            why = acts.unsayable(intent) or self._misplaced(intent)
            if not why and currency not in ids:
                why = f"{currency} is not in NetSuite's currency list"
            if why:
                answers[intent.act_id] = acts.act_refused(intent, why)
            elif intent.payment.erp_id:
                rests.append(intent)
            else:
                ready.append(acts.built(records, intent, ids[currency]))
        for number, request in enumerate(acts.packed(ready, self._settings.acts_per_request_max)):
            answers |= self._write_request(request, is_first=number == 0)
        answers |= self._unapplied.write(rests, is_first=not ready)
        return tuple(answers[intent.act_id] for intent in intents)

    def _misplaced(self, intent: CloseIntent) -> str:
        """A receipt of one subsidiary doesn't go onto the accounts of another (RULES 1.6).

        Only where the settlement chooses the account: our own bank account is the money's, and NetSuite's to judge.
        """
        post = intent.payment
        if post.deposit_account or post.erp_id:
            return ""
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
            seen = self._payments.by_external_id([intent.payment.external_id for intent in doubles])
        except (Transient, Terminal) as error:
            for intent in doubles:
                yield intent, Answer(intent.payment.external_id, Outcome.UNKNOWN, message=str(error))
            return
        records = self._names.records()
        for intent in doubles:
            held, external_id = seen.get(intent.payment.external_id), intent.payment.external_id
            if held is None:
                why = "NetSuite refused the payment as a double and then did not find it"
                yield intent, Answer(external_id, Outcome.UNKNOWN, code=acts.ALREADY_THERE, message=why)
                continue
            differs = acts.differences(intent, held.seen, held.row, records.cash_account(intent.payment))
            outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
            yield intent, Answer(external_id, outcome, held.seen.erp_id, acts.ALREADY_THERE, "; ".join(differs))

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

    def write_proofs(self, proofs: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        records = self._names.records()
        items = [(one.external_id, records.proof(one)) for one in proofs]
        return self._write_list("upsertList", "Could not write daily proofs to NetSuite", items)

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
        return write_list(self._soap, operation, doing, items, is_first)

    # ---- Reading back ----

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        """What NetSuite holds of these acts, in one mixed list: payments and records by external id, invoices by id.

        A payment that was there before is asked for by its internal id, and told only once something of the act is in
        it: until then the act has no payment.
        """
        requested_at = self._clock.now()
        records = self._names.records()
        references: dict[str, Any] = {}
        for intent in intents:
            references[_payment_name(intent)] = (
                records.payment_reference_by_id(intent.payment.erp_id)
                if intent.payment.erp_id
                else records.payment_reference(intent.payment.external_id)
            )
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
                payment=self._own_payment(intent, answers[_payment_name(intent)]),
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

    def _own_payment(self, intent: CloseIntent, found: Found) -> PaymentSeen | None:
        held = self._payments.of(found)
        if intent.payment.erp_id:
            return unapplied.own(intent.payment, held)
        return held.seen if held else None

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


def _payment_name(intent: CloseIntent) -> str:
    """The payment's place among what is asked for: two acts may apply the same one."""
    return f"payment {intent.payment.erp_id}" if intent.payment.erp_id else intent.payment.external_id


def _asked_invoices(intent: CloseIntent) -> list[str]:
    return [invoice_id for invoice_id in acts.invoice_ids(intent) if acts.is_internal_id(invoice_id)]
