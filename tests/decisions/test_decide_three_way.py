"""Do processor and bank, the ERP, and our journal tell the same of a day's money, to the cent?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from decision_cases import usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import three_way
from connector.decisions.three_way import (
    ClearingTie,
    DayVerdict,
    DriftKind,
    Fate,
    Line,
    ProofOutcome,
    Side,
    UnfinishedAct,
    Waiting,
)
from connector.money import Money
from connector.store.book import from_json, to_json

DAY = date(2026, 11, 22)


def line(fate: str = "posted", id: str = "ch_1", side: Side = Side.PROCESSOR, **amounts: Any) -> Line:
    """A posted payment of 100.00 that all books have, but for what is said otherwise."""
    values: dict[str, Any] = {"source": "100.00", "received": "100.00"}
    values |= {"posted": "100.00", "erp": "100.00"} if fate == "posted" else {}
    values |= amounts
    why, currency = values.pop("why", ""), values.pop("currency", "USD")
    entity = values.pop("entity", "1")
    money = {name: None if text is None else Money.of(text, currency) for name, text in values.items()}
    return Line(id, side, currency, entity, Fate(fate), why=why, **money)


def prove(*lines: Line, **more: Any) -> DayVerdict:
    return three_way.decide(DAY, lines, **more)


def drifts(verdict: DayVerdict) -> list[tuple[str, str]]:
    return [(one.kind.value, one.amount.plain()) for one in verdict.drifts]


def test_a_day_without_money_ties():
    assert DayVerdict(DAY, ProofOutcome.TIES, (), (), (), (), (), ()) == prove()


def test_what_all_three_books_have_alike_ties():
    verdict = prove(line(), line(id="ch_2", side=Side.BANK), line(id="po_1", side=Side.PAYOUTS))

    assert (ProofOutcome.TIES, ()) == (verdict.outcome, verdict.drifts)
    assert [("processor", 1), ("bank", 1), ("payouts", 1)] == [(one.side.value, one.count) for one in verdict.ties]
    assert {usd("100.00")} == {one.posted for one in verdict.ties} == {one.in_erp for one in verdict.ties}


# Each row is one line, and by what the books contradict each other about it.
LINES = [
    ("the source alone has it", line("held", received=None), [("unknown_to_us", "100.00")]),
    ("and the ERP has it", line("held", received=None, erp="100.00"), [("unknown_to_us", "100.00")]),
    ("nobody has it", line("held", received=None, source=None), []),
    ("the source shows it no more", line(source=None), [("not_at_source", "-100.00")]),
    ("the source shows another amount", line(source="90.00"), [("source_differs", "-10.00")]),
    ("the ERP has none of it", line(erp=None), [("not_in_erp", "-100.00")]),
    ("the ERP has less", line(erp="60.00"), [("erp_differs", "-40.00")]),
    ("the ERP has a cent more", line(erp="100.01"), [("erp_differs", "0.01")]),
    ("the ERP has what waits here", line("held", erp="100.00", why="no reason"), [("only_in_erp", "100.00")]),
    ("it waits", line("held", why="unidentified"), []),
    ("from before the cutover, and the ERP has it", line("left", erp="100.00"), []),
    ("from before the cutover, and nobody has it", line("left"), []),
    ("its act is not over", line("underway", erp="100.00"), []),
    ("its act has not written", line("underway"), []),
    ("posted less what had been given back", line(posted="70.00", erp="70.00", refunded="30.00"), []),
    ("given back after it was posted", line(refunded="30.00"), []),
    ("posted too little", line(posted="70.00", erp="70.00", refunded="20.00"), [("posted_otherwise", "-10.00")]),
    ("posted too much", line(posted="120.00", erp="120.00"), [("posted_otherwise", "20.00")]),
    ("came back, and somebody looks", line("returned", source=None, erp="100.00", why="came back"), []),
    ("came back, and nobody looks", line("returned", erp="100.00"), [("return_stands", "100.00")]),
    ("came back, and the ERP has none", line("returned"), []),
    (
        "two contradictions of one line",
        line(source="90.00", erp=None),
        [("source_differs", "-10.00"), ("not_in_erp", "-100.00")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("of", "expected"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_contradiction_is_a_drift_with_its_amount_and_reason(of: Line, expected: list[tuple[str, str]]):
    verdict = prove(of)

    assert expected == drifts(verdict)
    assert (ProofOutcome.DRIFTS if expected else ProofOutcome.TIES) == verdict.outcome
    assert all(one.reason for one in verdict.drifts)


@pytest.mark.parametrize("of", [row[1] for row in LINES], ids=[row[0] for row in LINES])
def test_the_parts_of_a_sum_come_to_what_was_received(of: Line):
    for one in prove(of).ties:
        assert one.received == one.posted + one.held + one.given_back + one.returned + one.left + one.drifting


def test_every_kind_of_drift_is_reached():
    found = {kind for row in LINES for kind, _ in row[2]}

    assert set(DriftKind) - {DriftKind.CLEARING} == {DriftKind(kind) for kind in found}


@pytest.mark.parametrize(
    ("ledger", "arose", "expected"),
    [
        ("250.00", "0.01", [("clearing", "0.01")]),
        ("249.99", "0.00", []),
        ("250.00", "0.00", []),  # it arose on another day
        ("249.99", "0.01", []),  # it was explained since
    ],
)
def test_the_clearing_account_drifts_on_the_day_on_which_the_difference_arose(
    ledger: str, arose: str, expected: list[tuple[str, str]]
):
    tie = ClearingTie(DAY, "USD", "1", usd(ledger), usd("249.99"), usd(arose))

    verdict = prove(line(), clearing=[tie])

    assert expected == drifts(verdict)
    assert (tie,) == verdict.clearing


def test_an_act_that_is_not_over_keeps_the_day_from_tying():
    unfinished = UnfinishedAct("a1", "posting", "attempted", "ch_1")

    verdict = prove(line("underway"), unfinished=[unfinished])

    assert (ProofOutcome.DRIFTS, (unfinished,), ()) == (verdict.outcome, verdict.unfinished, verdict.drifts)


@pytest.mark.parametrize(
    ("lines", "outcome"), [([line()], ProofOutcome.UNPROVED), ([line(erp=None)], ProofOutcome.DRIFTS)]
)
def test_a_book_that_was_not_had_proves_nothing_but_a_drift_stands(lines: list[Line], outcome: ProofOutcome):
    verdict = prove(*lines, missing=["NetSuite did not answer"])

    assert (outcome, ("NetSuite did not answer",)) == (verdict.outcome, verdict.missing)


def test_sums_are_apart_by_side_currency_and_entity():
    lines = (
        line(id="1"),
        line("held", id="2", why="unidentified"),
        line("held", id="3", why="unidentified", refunded="100.00"),
        line(id="4", entity="2"),
        line(id="5", currency="EUR"),
        line("left", id="6", why="before the cutover"),
        line("returned", id="7", why="came back"),
    )

    verdict = prove(*lines)

    sums = [(one.currency, one.entity, one.count, one.received.plain()) for one in verdict.ties]
    assert [("EUR", "1", 1, "100.00"), ("USD", "1", 5, "500.00"), ("USD", "2", 1, "100.00")] == sums
    first = verdict.ties[1]
    of_first = (first.posted, first.held, first.given_back, first.returned, first.left, first.in_erp)
    assert tuple(usd("100.00") for _ in range(6)) == of_first
    assert {name: 1 for name in ("posted", "held", "given_back", "returned", "left")} == dict(first.counts)
    told = [(one.fate, one.why, one.count, one.amount) for one in verdict.waiting]
    assert [
        (Fate.HELD, "unidentified", 1, usd("100.00")),
        (Fate.LEFT, "before the cutover", 1, usd("100.00")),
        (Fate.RETURNED, "came back", 1, usd("100.00")),
    ] == told
    assert isinstance(verdict.waiting[0], Waiting)


amounts = st.none() | st.integers(0, 300).map(lambda minor: Money(minor, "USD"))
any_line = st.builds(
    Line,
    id=st.sampled_from(["a", "b", "c"]),
    side=st.sampled_from(Side),
    currency=st.just("USD"),
    entity=st.sampled_from(["", "1"]),
    fate=st.sampled_from(Fate),
    source=amounts,
    received=amounts,
    posted=amounts,
    erp=amounts,
    refunded=amounts,
    why=st.sampled_from(["", "waits"]),
)


@given(st.lists(any_line, max_size=6))
def test_whatever_the_books_hold_no_cent_is_lost_and_the_verdict_can_be_kept(lines: list[Line]):
    verdict = prove(*lines)

    for one in verdict.ties:
        assert one.received == one.posted + one.held + one.given_back + one.returned + one.left + one.drifting
        assert one.count == sum(count for _, count in one.counts)
    assert len(lines) == sum(one.count for one in verdict.ties)
    assert (ProofOutcome.DRIFTS is verdict.outcome) == bool(verdict.drifts)
    assert verdict == from_json(DayVerdict, to_json(verdict))
