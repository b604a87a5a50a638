"""The connector's own objects in Intacct, and the flags of invoices, written outside closing acts.

An own object is known by its name, our external id; that names are unique is not promised, so it is looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from connector.adapters.intacct import acts, filters
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.functions import control_id, create, update
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.records import INSTALLATION_ID, Records
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.singly import Item, refused, write_singly
from connector.adapters.intacct.xmltext import Node, node
from connector.errors import Terminal
from connector.ports import ActAnswer, Answer, Clock, Installation, Mark, Outcome
from connector.receivables import ArStatus, CloseIntent, ExceptionRecord, ProofRecord, RecordState


class Keeping:
    """One company's own objects. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, ledger: Ledger, clock: Clock) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._ledger = ledger
        self._clock = clock
        self._records = Records(mapping)

    # ---- Records beside payments ----

    def states(self, external_ids: Iterable[str]) -> dict[str, RecordState]:
        """The state of each accompanying record that is there."""
        return {id_: self._records.state_of(row, id_) for id_, row in self._accompanying(external_ids).items()}

    def _accompanying(self, external_ids: Iterable[str]) -> dict[str, Row]:
        asked = list(dict.fromkeys(external_ids))
        cancellations = [id_ for id_ in asked if self._records.is_cancellation(id_)]
        receipts = [id_ for id_ in asked if not self._records.is_cancellation(id_)]
        cancellation, receipt = self._mapping.objects.cancellation, self._mapping.objects.receipt
        return self._named(cancellation.type, cancellations, cancellation.state) | self._named(
            receipt.type, receipts, receipt.state
        )

    def _named(self, object_name: str, external_ids: Sequence[str], *fields: str) -> dict[str, Row]:
        """External id -> the object of that name, the oldest where there are two."""
        names = {self._records.name_of(id_): id_ for id_ in external_ids}
        found: dict[str, Row] = {}
        asked = list(names)
        for start in range(0, len(asked), VALUES_MAX):
            some = filters.within("name", asked[start : start + VALUES_MAX])
            for row in self._gateway.rows(object_name, ["id", "name", *fields], some, key="id"):
                if row.get("NAME", "") in names:
                    found.setdefault(names[row["NAME"]], row)
        return found

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """The records of these acts again, without their payments; those that stand answer EXISTS.

        Once written with the act, a record's control id is used up; so a lost one is made under another each hour.
        """
        there = self._accompanying(id_ for intent in intents for id_ in acts.record_ids(intent))
        again, items = self._hour(), []
        answers: dict[str, Answer] = {}
        for intent in intents:
            made = acts.accompanying(self._records, intent, again)
            for id_, function in zip(acts.record_ids(intent), made, strict=True):
                if id_ not in there:
                    items.append(Item(id_, function))
                elif self._records.state_of(there[id_], id_) is RecordState.CLOSED:
                    answers[id_] = Answer(id_, Outcome.EXISTS, there[id_].get("ID", ""))
                else:
                    body = self._records.state(id_, there[id_].get("ID", ""), RecordState.CLOSED)
                    items.append(Item(id_, update(control_id(id_, body=body, again=again), body)))
        answers |= write_singly(self._gateway, items, unique=True)
        return tuple(
            ActAnswer(
                intent.act_id,
                Answer(intent.payment.external_id, Outcome.EXISTS, message="not written again"),
                tuple(answers[id_] for id_ in acts.record_ids(intent)),
            )
            for intent in intents
        )

    # ---- Marks and flags ----

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        """Set end states and what views see; last write wins. Answers: marks, then statuses."""
        there = self._accompanying(mark.external_id for mark in marks)
        items = []
        for mark in marks:
            if row := there.get(mark.external_id):
                body = self._records.state(mark.external_id, row.get("ID", ""), mark.state, mark.text)
                items.append(Item(mark.external_id, update(control_id(mark.external_id, body=body), body)))
        wanted = [(one.external_id, one.invoice_id, partial(self._records.status, one)) for one in statuses]
        flagged, answers = self._on_invoices(wanted)
        answers |= write_singly(self._gateway, [*items, *flagged])
        lost = "Sage Intacct has no such record (any more)"
        told = [answers.get(mark.external_id) or refused(mark.external_id, lost) for mark in marks]
        return (*told, *(answers[status.external_id] for status in statuses))

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        """Tick one checkbox of these invoices, and touch nothing else of them."""
        if not self._mapping.native_dunning.pause_field:
            why = "native_dunning.pause_field in mappings/intacct.yaml is empty; nothing was paused"
            return tuple(refused(invoice_id, why) for invoice_id in invoice_ids)
        ticked, answers = self._on_invoices([(one, one, self._records.pause) for one in invoice_ids])
        answers |= write_singly(self._gateway, ticked)
        return tuple(answers[invoice_id] for invoice_id in invoice_ids)

    def _on_invoices(
        self, wanted: Sequence[tuple[str, str, Callable[[str], Node]]]
    ) -> tuple[list[Item], dict[str, Answer]]:
        """What is written onto invoices (our id of it, the invoice, its element for a RECORDNO), with the record number
        that each has just now; refused where Intacct has the invoice not at all, or twice."""
        there = self._ledger.records_of(sorted({invoice_id for _, invoice_id, _ in wanted})) if wanted else {}
        items, gone = [], {}
        for external_id, invoice_id, built in wanted:
            if invoice_id in there:
                record_no, entity = there[invoice_id]
                body = built(record_no)
                items.append(Item(external_id, update(control_id(external_id, body=body), body), entity))
            else:
                gone[external_id] = refused(external_id, f"Sage Intacct has no invoice {invoice_id}, or has it twice")
        return items, gone

    # ---- Exceptions and daily proofs ----

    def write_exceptions(self, exceptions: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        bodies = {one.external_id: self._records.exception(one) for one in exceptions}
        return self._last_wins(self._mapping.objects.exception.type, bodies)

    def write_proofs(self, proofs: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        bodies = {one.external_id: self._records.proof(one) for one in proofs}
        return self._last_wins(self._mapping.objects.proof.type, bodies)

    def _last_wins(self, object_name: str, bodies: Mapping[str, Node]) -> tuple[Answer, ...]:
        """Those that are there are changed, the others made; one whose making had no answer is not made twice."""
        there = self._named(object_name, list(bodies))
        changed, made = [], []
        for external_id, body in bodies.items():
            if (row := there.get(external_id)) is None:
                made.append(Item(external_id, create(control_id(external_id, again=self._hour()), body)))
            else:
                body = with_id(body, row.get("ID", ""))
                changed.append(Item(external_id, update(control_id(external_id, body=body), body)))
        answers = write_singly(self._gateway, changed)
        answers |= write_singly(self._gateway, made, unique=True, is_first=not changed)
        return tuple(answers[external_id] for external_id in bodies)

    def _hour(self) -> str:
        return f"{self._clock.now():%Y-%m-%dT%H}"

    # ---- The installation record ----

    def read_installation(self) -> Installation | None:
        row = self._installation()
        return None if row is None else self._records.installation_of(row)

    def write_installation(self, installation: Installation) -> Answer:
        row, body = self._installation(), self._records.installation(installation)
        if row is None:
            function = create(control_id(INSTALLATION_ID, body=body), body)
        else:
            body = with_id(body, row.get("ID", ""))
            function = update(control_id(INSTALLATION_ID, body=body), body)
        return write_singly(self._gateway, [Item(INSTALLATION_ID, function)])[INSTALLATION_ID]

    def _installation(self) -> Row | None:
        own = self._mapping.objects.installation
        fields = ["id", "name", own.id, own.epoch, own.seen_at]
        rows = self._gateway.rows(own.type, fields, filters.equal("name", INSTALLATION_ID), key="id")
        if len(rows) > 1:
            raise Terminal(
                f"Sage Intacct has {len(rows)} records {INSTALLATION_ID} of {own.type}, and nobody knows which "
                "connector is to write. Nothing is written. Delete all but the right one."
            )
        return rows[0] if rows else None


def with_id(body: Node, key: str) -> Node:
    """The same object with its key: what is changed, and not made."""
    fields = body.value if isinstance(body.value, tuple) else ()
    return Node(body.name, (node("id", key), *fields))
