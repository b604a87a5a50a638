"""Writing many acts: what is sent when, what comes of refusals, busy gateways and answers that were never read.

The gateway is scripted; that it does what it says is tested on the sandbox, in tests/contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import pytest
from intacct_acts_cases import (
    AT,
    FIRST,
    SECOND,
    committed,
    intent,
    mapping,
    now,
    rest,
    rolled_back,
    status,
    usd,
)

from connector.adapters.intacct.answers import Results, Row, Why
from connector.adapters.intacct.drafts import Drafts
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keeping import Keeping
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.lines import CreditNow, InvoiceNow
from connector.adapters.intacct.payments import Held, Payments
from connector.adapters.intacct.posting import Posting
from connector.adapters.intacct.records import own_id
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.xmltext import Node
from connector.errors import ConnectorError, OutcomeUnknown, Transient
from connector.ports import ActAnswer, ErpRead, Outcome, PaymentSeen
from connector.receivables import CloseIntent, RecordState

Told = Callable[[tuple[Function, ...]], Results]


@dataclass
class Company:
    """All that Posting works with: what stands there, what is sent to it, and what it answers."""

    told: Callable[[tuple[Function, ...]], Told | ConnectorError] = lambda functions: committed
    held: dict[str, Held] = field(default_factory=dict)
    credits: dict[str, CreditNow] = field(default_factory=dict)
    records: list[Row] = field(default_factory=list)
    sent: list[tuple[str, tuple[Function, ...]]] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    torn: int = 0  # so often the first invoice has no lines when it is read

    def run(self, functions: Sequence[Function], *, atomic: bool, entity: str = "", unique: bool = True) -> Results:
        assert atomic
        assert unique
        answer = self.told(tuple(functions))
        if isinstance(answer, ConnectorError):
            raise answer
        self.sent.append((entity, tuple(functions)))
        return answer(tuple(functions))

    def rows(self, object_name: str, fields: Sequence[str], where: Node, *, key: str = "RECORDNO") -> list[Row]:
        return [row for row in self.records if row["type"] == object_name]

    def with_external_ids(self, external_ids: Iterable[str], customer_ids: Sequence[str]) -> dict[str, Held]:
        return {id_: self.held[id_] for id_ in external_ids if id_ in self.held}

    def now_of(self, invoice_ids: Iterable[str]) -> dict[str, InvoiceNow]:
        self.asked.append(sorted(invoice_ids))
        found = {id_: now(id_, f"{number}0") for number, id_ in enumerate(invoice_ids, 7)}
        if self.torn >= len(self.asked):
            first = self.asked[-1][0]
            found[first] = replace(found[first], lines=())
        return found

    def credits_now(self, credit_ids: Iterable[str]) -> dict[str, CreditNow]:
        return {id_: self.credits[id_] for id_ in credit_ids if id_ in self.credits}

    def invoices(self, ids: Iterable[str]) -> ErpRead:
        return ErpRead(AT, tuple(now(id_, "70", "0").invoice for id_ in ids))

    def posting(self, kept: IntacctMapping) -> Posting:
        gateway, ledger, payments = cast(Gateway, self), cast(Ledger, self), cast(Payments, self)
        keeping = Keeping(gateway, kept, ledger, Clock())
        return Posting(gateway, kept, ledger, payments, keeping, Drafts(gateway, kept, ledger, payments), Clock())

    def acts_sent(self) -> list[list[str]]:
        """The payments of each operation that was answered."""
        return [[one.control_id for one in functions if "-pay-" in one.control_id] for _, functions in self.sent]


class Clock:
    def now(self) -> datetime:
        return AT


def many(count: int) -> list[CloseIntent]:
    return [intent(f"p{n}-1", (f"INV-{n}__C1",)) for n in range(count)]


def outcomes(answers: Sequence[ActAnswer]) -> list[Outcome]:
    return [one.payment.outcome for one in answers]


def refusing(*bad: str, why: Why = Why.OTHER, all_aborted: bool = True) -> Callable[[tuple[Function, ...]], Told]:
    """Every operation that holds one of these control ids is undone because of it."""

    def told(functions: tuple[Function, ...]) -> Told:
        offender = next((n for n, one in enumerate(functions) if one.control_id in bad), None)
        if offender is None:
            return committed
        return lambda sent: rolled_back(sent, offender, why, all_aborted=all_aborted)

    return told


def held(act: CloseIntent, customer_id: str = "C1") -> Held:
    applied = tuple((one.invoice_id, one.amount) for one in act.payment.applications)
    return Held(PaymentSeen("90", customer_id, act.payment.amount, applied, voided=False), {}, usd("0"))


# ---- One by one, and in groups ----


def test_each_act_is_an_operation_of_its_own_and_answered_in_order() -> None:
    company = Company()
    answers = company.posting(mapping()).write_acts(many(3))

    assert [["arc-x-pay-p0-1"], ["arc-x-pay-p1-1"], ["arc-x-pay-p2-1"]] == company.acts_sent()
    assert ["p0-1", "p1-1", "p2-1"] == [one.act_id for one in answers]
    assert [Outcome.CREATED] * 3 == outcomes(answers)


def test_a_backlog_goes_in_groups_and_the_one_at_fault_is_found_by_halves() -> None:
    company = Company(refusing("arc-x-pay-p7-1"))
    answers = company.posting(mapping()).write_acts(many(15))

    assert [5, 5, 2, 3, 1, 2, 5] == [len(payments) for payments in company.acts_sent()]
    assert ["p7-1"] == [one.act_id for one in answers if one.payment.outcome is Outcome.REFUSED]
    assert 14 == outcomes(answers).count(Outcome.CREATED)


def test_where_a_failed_function_uses_up_its_id_nothing_is_grouped() -> None:
    company = Company(refusing("arc-x-pay-p7-1"))
    company.posting(mapping(facts={"failed_control_ids_are_free": False})).write_acts(many(15))

    assert {1} == {len(payments) for payments in company.acts_sent()}


def test_acts_on_one_invoice_each_stand_on_what_the_one_before_left() -> None:
    company = Company()
    acts = [intent("a", (FIRST,)), intent("b", (SECOND,)), intent("c", (FIRST,))]
    company.posting(mapping()).write_acts(acts, [status(FIRST), status(SECOND)])

    assert [[FIRST, SECOND], [FIRST]] == company.asked
    flagged = [any("-flags-" in one.control_id for one in functions) for _, functions in company.sent]
    assert [False, True, True] == flagged  # the first invoice's status is that after its last act


def test_what_cannot_be_said_is_refused_and_the_others_go_on() -> None:
    company = Company()
    answers = company.posting(mapping()).write_acts([intent("a", ("104",)), *many(1)])

    assert [Outcome.REFUSED, Outcome.CREATED] == outcomes(answers)
    assert 1 == len(company.sent)


def test_what_changed_since_it_was_decided_is_refused_and_not_sent() -> None:
    company = Company(credits={"88": rest(left="99")})
    answers = company.posting(mapping()).write_acts(
        [intent(applied=(FIRST,), erp_id="88", unapplied_before=usd("100"))]
    )

    assert [Outcome.REFUSED] == outcomes(answers)
    assert [] == company.sent


def test_what_was_torn_while_it_was_read_is_read_once_more() -> None:
    """Head and lines of an invoice come by two queries."""
    company = Company(torn=1)
    answers = company.posting(mapping()).write_acts(many(2))

    assert [["INV-0__C1", "INV-1__C1"], ["INV-0__C1"]] == company.asked
    assert [Outcome.CREATED, Outcome.CREATED] == outcomes(answers)
    gone = Company(torn=2)
    assert [Outcome.REFUSED, Outcome.CREATED] == outcomes(gone.posting(mapping()).write_acts(many(2)))


# ---- Flags ----


@pytest.mark.parametrize("all_aborted", [True, False])
def test_an_act_whose_flags_are_refused_is_written_without_them(all_aborted: bool) -> None:
    company = Company(refusing("arc-x-pay-ch_1-1-flags-0", all_aborted=all_aborted))
    (answer,) = company.posting(mapping()).write_acts([intent()], [status(FIRST), status(SECOND)])

    assert [4, 3] == [len(functions) for _, functions in company.sent]
    assert Outcome.CREATED is answer.payment.outcome
    assert {(Outcome.REFUSED, "Intacct's own words")} == {(one.outcome, one.message) for one in answer.statuses}
    assert 2 == len(answer.statuses)


def test_ids_that_are_used_up_are_not_sent_again_without_flags() -> None:
    company = Company(lambda functions: refused_first if len(functions) == 4 else committed)
    kept = mapping(facts={"failed_control_ids_are_free": False})
    company.posting(kept).write_acts([intent()], [status()])
    (_, first), (_, second) = company.sent

    assert not {one.control_id for one in first} & {one.control_id for one in second}
    assert [one.body for one in first[1:]] == [one.body for one in second]


def refused_first(functions: tuple[Function, ...]) -> Results:
    return rolled_back(functions, 0, Why.OTHER, all_aborted=True)


def test_a_flag_within_a_group_costs_only_its_own_act_the_flags() -> None:
    company = Company(refusing("arc-x-pay-p1-1-flags-0"))
    kept = mapping(facts={"group_from": 2, "group_max": 4})
    answers = company.posting(kept).write_acts(many(4), [status(f"INV-{n}__C1") for n in range(4)])

    assert [Outcome.CREATED] * 4 == outcomes(answers)
    assert [Outcome.CREATED, Outcome.REFUSED, Outcome.CREATED, Outcome.CREATED] == [
        one.statuses[0].outcome for one in answers
    ]


# ---- Answers that say little or nothing ----


def test_an_answer_that_was_not_read_leaves_its_act_unknown_and_the_others_go_on() -> None:
    company = Company(
        lambda functions: OutcomeUnknown("cut off") if functions[-1].control_id == "arc-x-pay-p1-1" else committed
    )
    answers = company.posting(mapping()).write_acts(many(3))

    assert [Outcome.CREATED, Outcome.UNKNOWN, Outcome.CREATED] == outcomes(answers)


def busy_from(number: int) -> Callable[[tuple[Function, ...]], Told | ConnectorError]:
    calls: Iterator[int] = iter(range(100))
    return lambda functions: Transient("429") if next(calls) >= number else committed


def test_a_gateway_that_takes_nothing_is_asked_again_later() -> None:
    with pytest.raises(Transient):
        Company(busy_from(0)).posting(mapping()).write_acts(many(3))


def test_what_a_busy_gateway_did_not_get_is_unknown_where_something_was_carried_out() -> None:
    company = Company(busy_from(1))
    answers = company.posting(mapping()).write_acts(many(3))

    assert [Outcome.CREATED, Outcome.UNKNOWN, Outcome.UNKNOWN] == outcomes(answers)
    assert 1 == len(company.sent)


def test_a_payment_that_is_there_is_not_sent_again_even_if_control_ids_are_forgotten() -> None:
    act = intent()
    company = Company(held={act.payment.external_id: held(act)}, records=[receipt("closed")])
    (answer,) = company.posting(mapping()).write_acts([act])

    assert [] == company.sent
    assert (Outcome.EXISTS, "90") == (answer.payment.outcome, answer.payment.erp_id)
    assert [Outcome.REFUSED, Outcome.EXISTS] == [one.outcome for one in answer.records]


def test_a_payment_that_is_there_and_differs_is_told() -> None:
    act = intent()
    (answer,) = Company(held={act.payment.external_id: held(act, "C2")}).posting(mapping()).write_acts([act])

    assert Outcome.EXISTS_DIFFERENT is answer.payment.outcome
    assert "customer C2 instead of C1" in answer.payment.message


def test_a_refusal_as_done_before_is_looked_up() -> None:
    act, company = intent(), Company()

    def told(functions: tuple[Function, ...]) -> Told:
        company.held[act.payment.external_id] = held(act)  # committed late, between the look and the write
        return refusing("arc-x-pay-ch_1-1", why=Why.DUPLICATE_CONTROL_ID)(functions)

    company.told = told
    (late,) = company.posting(mapping()).write_acts([act])

    assert Outcome.EXISTS is late.payment.outcome


@pytest.mark.parametrize(
    ("why", "ids_are_free", "outcome", "said"),
    [
        (Why.DUPLICATE_CONTROL_ID, True, Outcome.UNKNOWN, "set facts.failed_control_ids_are_free to false"),
        (Why.DUPLICATE_CONTROL_ID, False, Outcome.REFUSED, "Intacct's own words"),
        (Why.DUPLICATE, True, Outcome.REFUSED, "Intacct's own words"),
    ],
)
def test_what_is_refused_as_done_before_and_is_not_there(
    why: Why, ids_are_free: bool, outcome: Outcome, said: str
) -> None:
    company = Company(refusing("arc-x-pay-ch_1-1", why=why))
    kept = mapping(facts={"failed_control_ids_are_free": ids_are_free})
    (answer,) = company.posting(kept).write_acts([intent()])

    assert outcome is answer.payment.outcome
    assert said in answer.payment.message


# ---- Reading back ----


def receipt(state: str) -> Row:
    return {"type": "arc_receipt", "ID": "3", "NAME": "arc-x-rec-ch_1-1", "ARC_STATE": state}


def test_an_act_is_read_back_with_payment_records_and_invoices() -> None:
    act = intent()
    company = Company(held={act.payment.external_id: held(act)}, records=[receipt("withdrawn")])
    (seen,) = company.posting(mapping()).read_acts([act])

    assert (AT, "90") == (seen.requested_at, seen.payment.erp_id if seen.payment else "")
    assert (("arc-x-rec-ch_1-1", RecordState.WITHDRAWN),) == seen.records
    assert [FIRST, SECOND] == [one.id for one in seen.invoices]


def test_a_rest_is_seen_once_something_of_the_act_uses_it() -> None:
    act = intent(applied=(FIRST,), erp_id="88", amount=usd("110"), unapplied_before=usd("110"))
    company = Company(credits={"88": rest(left="10")})
    (before,) = company.posting(mapping()).read_acts([act])
    used = PaymentSeen("95", "C1", usd("0"), ((FIRST, usd("100")),), voided=False, credits=(("88", usd("100")),))
    company.held[act.payment.external_id] = held(act)  # the payment whose rest it is
    company.held[own_id(act.payment, act.act_id)] = Held(used, {}, usd("0"))
    (after,) = company.posting(mapping()).read_acts([act])

    assert before.payment is None
    assert ("88", usd("110"), ()) == (
        (after.payment.erp_id, after.payment.amount, after.payment.credits) if after.payment else None
    )
