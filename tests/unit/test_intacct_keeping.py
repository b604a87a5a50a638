"""The connector's own objects, flags and drafts outside acts: looked for, made or changed, each answered by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import cast

import pytest
from intacct_acts_cases import AT, FIRST, SECOND, fields, inside, intent, mapping, now, payment, status, usd

from connector.adapters.intacct.answers import Error, Result, Results, Row, Status, Why
from connector.adapters.intacct.drafts import Drafts
from connector.adapters.intacct.functions import Function, control_id, create
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keeping import Keeping
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.lines import CreditNow, InvoiceNow
from connector.adapters.intacct.payments import Held, Payments
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.singly import FUNCTIONS_MAX, Item, write_singly
from connector.adapters.intacct.xmltext import Node, node
from connector.errors import ConnectorError, OutcomeUnknown, Terminal, Transient
from connector.ports import Installation, Mark, Outcome, PaymentSeen
from connector.receivables import ExceptionRecord, PaymentApplication, RecordState


@dataclass
class Objects:
    """Intacct's objects by their names, as far as they are ours; what is made or changed is answered by `told`."""

    rows_of: dict[str, list[Row]] = field(default_factory=dict)
    told: Callable[[Function], Error | None] = lambda function: None
    fails: list[ConnectorError | None] = field(default_factory=list)
    requests: list[tuple[str, bool, tuple[Function, ...]]] = field(default_factory=list)
    lost: frozenset[str] = frozenset()
    posted: dict[str, Held] = field(default_factory=dict)

    def run(self, functions: Sequence[Function], *, atomic: bool, entity: str = "", unique: bool = True) -> Results:
        assert not atomic
        if self.fails and (error := self.fails.pop(0)):
            raise error
        self.requests.append((entity, unique, tuple(functions)))
        return Results(tuple(self._result(function) for function in functions))

    def _result(self, function: Function) -> Result:
        error = self.told(function)
        if error is None:
            return Result(function.control_id, function.name, Status.SUCCESS, ("7",))
        return Result(function.control_id, function.name, Status.FAILURE, errors=(error,))

    def rows(
        self, object_name: str, wanted: Sequence[str], where: Node | None = None, *, key: str = "RECORDNO"
    ) -> list[Row]:
        return self.rows_of.get(object_name, [])

    def now_of(self, invoice_ids: Iterable[str]) -> dict[str, InvoiceNow]:
        known = {FIRST: now(FIRST, "70"), SECOND: now(SECOND, "80", entity="E1")}
        return {id_: known[id_] for id_ in invoice_ids if id_ in known and id_ not in self.lost}

    def records_of(self, invoice_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        return {id_: (one.record_no, one.entity) for id_, one in self.now_of(invoice_ids).items()}

    def credits_now(self, credit_ids: Iterable[str]) -> dict[str, CreditNow]:
        return {}

    def with_external_ids(self, external_ids: Iterable[str], customer_ids: Sequence[str]) -> dict[str, Held]:
        return {id_: self.posted[id_] for id_ in external_ids if id_ in self.posted}

    @property
    def sent(self) -> list[tuple[str, dict[str, str]]]:
        """Function and fields of each record that was sent."""
        return [
            (function.name, fields(body))
            for _, _, functions in self.requests
            for function in functions
            for body in function.body.value
            if isinstance(body, Node)
        ]

    def keeping(self, kept: IntacctMapping | None = None) -> Keeping:
        return Keeping(cast(Gateway, self), kept or mapping(), cast(Ledger, self), Clock())

    def drafts(self) -> Drafts:
        kept = mapping(suggest_as_draft=True)
        return Drafts(cast(Gateway, self), kept, cast(Ledger, self), cast(Payments, self))


class Clock:
    def now(self) -> datetime:
        return AT


def refusing(why: Why, name: str = "") -> Callable[[Function], Error | None]:
    return lambda function: Error(why, "BL1", "", "its words") if name in function.control_id else None


# ---- Each by itself ----


def items(count: int, entity: str = "") -> list[Item]:
    return [Item(f"x{n}", create(f"x{n}", node("arc_exception")), entity) for n in range(count)]


def test_many_go_in_requests_that_end_in_time_and_each_entity_has_its_own() -> None:
    company = Objects()
    answers = write_singly(cast(Gateway, company), [*items(FUNCTIONS_MAX + 1), Item("y", items(1)[0].function, "E1")])

    assert [("", 100), ("", 1), ("E1", 1)] == [(entity, len(sent)) for entity, _, sent in company.requests]
    assert {Outcome.CREATED} == {one.outcome for one in answers.values()}


def test_of_items_with_one_id_the_last_is_sent() -> None:
    company = Objects()
    last = Item("x0", create("z", node("arc_receipt")))

    assert ["x0"] == list(write_singly(cast(Gateway, company), [*items(1), last]))
    assert [last.function] == list(company.requests[0][2])


@pytest.mark.parametrize(
    ("why", "outcome"),
    [
        (Why.OTHER, Outcome.REFUSED),
        (Why.PERMISSION, Outcome.REFUSED),
        (Why.DUPLICATE_CONTROL_ID, Outcome.UNKNOWN),
        (Why.BUSY, Outcome.UNKNOWN),
        (Why.ROLLED_BACK, Outcome.UNKNOWN),
    ],
)
def test_what_a_function_answers(why: Why, outcome: Outcome) -> None:
    assert outcome is write_singly(cast(Gateway, Objects(told=refusing(why))), items(1))["x0"].outcome


def test_nothing_is_lost_when_a_later_request_fails() -> None:
    company = Objects(fails=[None, Transient("429")])
    answers = write_singly(cast(Gateway, company), items(FUNCTIONS_MAX + 1))

    assert (Outcome.CREATED, Outcome.UNKNOWN) == (answers["x0"].outcome, answers["x100"].outcome)
    with pytest.raises(Transient):
        write_singly(cast(Gateway, Objects(fails=[Transient("429")])), items(1))
    assert (
        Outcome.UNKNOWN
        is write_singly(cast(Gateway, Objects(fails=[Transient("429")])), items(1), is_first=False)["x0"].outcome
    )
    assert Outcome.UNKNOWN is write_singly(cast(Gateway, Objects(fails=[OutcomeUnknown()])), items(1))["x0"].outcome


# ---- Records of acts ----


def row(name: str, state: str = "closed", key: str = "3") -> Row:
    return {"ID": key, "NAME": name, "ARC_STATE": state}


def test_only_what_lacks_is_written_again_under_another_control_id() -> None:
    company = Objects({"arc_receipt": [row("arc-x-rec-ch_1-1")]})
    (answer,) = company.keeping().write_records([intent()])

    assert [Outcome.CREATED, Outcome.EXISTS] == [one.outcome for one in answer.records]
    assert Outcome.EXISTS is answer.payment.outcome
    ((_, unique, (function,)),) = company.requests
    assert unique
    assert f"arc-x-can-ch_1-1-{FIRST}" != function.control_id
    assert control_id(f"arc-x-can-ch_1-1-{FIRST}", again="2026-09-20T12") == function.control_id


def test_a_record_that_was_withdrawn_is_set_closed_again() -> None:
    company = Objects({"arc_receipt": [row("arc-x-rec-ch_1-1", "withdrawn")], "arc_cancellation": [row("other")]})
    company.keeping().write_records([intent(applied=(SECOND,))])

    assert [("update", {"id": "3", "arc_state": "closed"})] == company.sent


def test_marks_are_set_on_records_that_are_there_with_their_new_text() -> None:
    company = Objects({"arc_cancellation": [row(f"arc-x-can-1-{FIRST}")]})
    marks = [
        Mark(f"arc-x-can-1-{FIRST}", RecordState.WITHDRAWN, "refused"),
        Mark("arc-x-rec-1", RecordState.WITHDRAWN),
    ]
    answers = company.keeping().write_marks(marks, [])

    assert [Outcome.CREATED, Outcome.REFUSED] == [one.outcome for one in answers]
    assert [("update", {"id": "3", "arc_state": "withdrawn", "arc_reason": "refused"})] == company.sent


# ---- Flags ----


def test_flags_go_onto_each_invoice_in_its_entity_and_may_be_said_again() -> None:
    company = Objects(lost=frozenset())
    answers = company.keeping().write_marks([], [status(FIRST), status(SECOND), status("INV-99__C1")])

    assert [Outcome.CREATED, Outcome.CREATED, Outcome.REFUSED] == [one.outcome for one in answers]
    assert [("", False), ("E1", False)] == [(entity, unique) for entity, unique, _ in company.requests]
    assert ["70", "80"] == [told["RECORDNO"] for _, told in company.sent]


def test_the_pause_of_native_dunning_is_one_tick() -> None:
    company = Objects()
    assert [Outcome.REFUSED] == [one.outcome for one in company.keeping().pause_dunning([FIRST])]
    kept = mapping(native_dunning={"pause_field": "NO_DUNNING"})

    assert [Outcome.CREATED] == [one.outcome for one in company.keeping(kept).pause_dunning([FIRST])]
    assert [("update", {"RECORDNO": "70", "NO_DUNNING": "true"})] == company.sent


# ---- Exceptions and the installation ----


def exception(number: int) -> ExceptionRecord:
    return ExceptionRecord(f"arc-x-exc-{number}", "ambiguous", "why", usd("5"), "finance", date(2026, 9, 20))


def test_an_exception_that_is_there_is_changed_and_another_is_made_once() -> None:
    company = Objects({"arc_exception": [{"ID": "9", "NAME": "arc-x-exc-2"}]})
    answers = company.keeping().write_exceptions([exception(1), exception(2)])

    assert [Outcome.CREATED, Outcome.CREATED] == [one.outcome for one in answers]
    assert [("update", False), ("create", True)] == [(sent[0].name, unique) for _, unique, sent in company.requests]
    assert [("9", "arc-x-exc-2"), (None, "arc-x-exc-1")] == [(told.get("id"), told["name"]) for _, told in company.sent]


def test_the_installation_is_made_then_changed_and_two_of_them_stop_all() -> None:
    company, value = Objects(), Installation("demo", 7, AT)
    assert company.keeping().read_installation() is None
    company.keeping().write_installation(value)
    ((_, told),) = company.sent
    company.rows_of["arc_installation"] = [{name.upper(): text for name, text in told.items()} | {"ID": "4"}]
    company.keeping().write_installation(replace(value, epoch=8))

    assert value == company.keeping().read_installation()
    assert ["create", "update"] == [name for name, _ in company.sent]
    assert ("4", "8") == (company.sent[1][1]["id"], company.sent[1][1]["arc_epoch"])
    company.rows_of["arc_installation"] *= 2
    with pytest.raises(Terminal, match="has 2 records arc-installation"):
        company.keeping().read_installation()


# ---- Drafts ----


def test_a_draft_is_the_payment_not_posted() -> None:
    company = Objects()
    (answer,) = company.drafts().write([payment()])

    assert Outcome.CREATED is answer.outcome
    ((name, told),) = company.sent
    assert ("create", "Draft", payment().external_id) == (name, told["ACTION"], told["ARC_EXTERNAL_ID"])
    assert "ARC_ACT" not in told
    sent = company.requests[0][2][0].body
    assert "701" == fields(inside(sent, "ARPYMT", "ARPYMTDETAILS", "ARPYMTDETAIL"))["ENTRYKEY"]


def test_a_draft_that_is_there_gets_all_its_details_anew() -> None:
    company = Objects({"ARPYMT": [{"RECORDNO": "61", "ARC_EXTERNAL_ID": payment().external_id}]})
    company.drafts().write([payment()])

    ((name, told),) = company.sent
    assert ("update", "61") == (name, told["RECORDNO"])


def test_no_draft_where_a_payment_stands_or_none_could_be_posted() -> None:
    posted = Held(PaymentSeen("90", "C1", usd("200"), (), voided=False), {}, usd("0"))
    company = Objects(posted={payment().external_id: posted}, lost=frozenset({SECOND}))
    unknown = payment("b-1", (SECOND,))
    yet = payment("c-1", (), amount=usd("5"))
    strange = payment("d-1", (FIRST,), applications=(PaymentApplication("INV-8__C2", usd("1")),))
    answers = company.drafts().write([payment(), unknown, yet, strange])

    assert [Outcome.EXISTS_DIFFERENT, *[Outcome.REFUSED] * 3] == [one.outcome for one in answers]
    assert [] == company.sent


def test_drafts_are_taken_back_all_that_carry_the_id() -> None:
    drafts = [{"RECORDNO": number, "ARC_EXTERNAL_ID": "arc-x-pay-1-1"} for number in ("61", "62")]
    company = Objects({"ARPYMT": drafts})
    answers = company.drafts().delete(["arc-x-pay-1-1", "arc-x-pay-2-1"])

    assert [Outcome.CREATED, Outcome.EXISTS] == [one.outcome for one in answers]
    ((_, _, (function,)),) = company.requests
    assert {"object": "ARPYMT", "keys": "61,62"} == fields(function.body)
