"""`connector evidence`: what an auditor asks of a month, and people's word on the sample (RULES 8)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from connector.decisions.three_way import ProofOutcome, Side
from connector.errors import ConfigError, Terminal
from connector.money import Money
from connector.reports_proof import PeriodEvidence, SampleRow
from connector.store import learning
from tests.acceptance.settling import bill, pay, settle
from tests.acceptance.test_daily_proof import run
from tests.harness import Desk, desk

FIRST = datetime(2026, 9, 28, 9, 0, tzinfo=UTC)
SEPTEMBER = date(2026, 9, 1)
APPROVALS = "{people: {carla: controller, mia: analyst}, roles: {controller: {}, analyst: {may: [reject]}}}"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    """Three days of September with 26 payments of one customer and one of nobody's; then October has begun."""
    with desk(tmp_path, now=FIRST, policy={"approvals": APPROVALS}) as made:
        settle(made)
        who = made.world.add_customer("Meridian Freight", "ap@meridian.example", 30).id
        made.tick()
        for number in range(26):
            amount = f"{100 + number}.00"
            pay(made, who, bill(made, who, amount), amount)
        made.world.pay(None, "70.00", description="thank you")
        made.tick()
        made.service.stop("send", False, "carla", "the letters are being rewritten")
        for _ in range(3):
            made.world.advance_to(made.world.clock() + timedelta(days=1))
            made.tick()
        yield made


def test_a_month_is_complete_ties_and_its_sample_is_judged(at: Desk, tmp_path: Path) -> None:
    found = at.service.evidence(SEPTEMBER)

    _assert_complete(found)
    _assert_people(at, found)
    assert (25, 26) == (len(found.sample), found.drawn_from)
    assert {""} == {one.judgement for one in found.sample}
    assert found.sample == at.service.evidence(SEPTEMBER).sample

    _judge(at, *found.sample[:2])

    with pytest.raises(ConfigError, match="has not begun"):
        at.service.evidence(date(2026, 11, 1))
    file = tmp_path / "evidence.csv"
    ended = run(at, "evidence", "--month", "2026-09", "--export", str(file))
    assert 0 == ended.exit_code, ended.output
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert ["2026-09-01 to 2026-09-30"] == [one["value"] for one in rows if one["field"] == "period"]
    assert 25 == len({one["row"] for one in rows if one["table"] == "Sample"})
    assert "as of" in {one["field"] for one in rows if one["table"] == "parameters"}


def _assert_complete(found: PeriodEvidence) -> None:
    """By count and sum, every day, receivables to the general ledger, clearing to Stripe."""
    assert (SEPTEMBER, date(2026, 9, 30), "") == (found.first_on, found.last_on, found.trouble)
    assert ProofOutcome.TIES is found.books.outcome, found.books
    (tie,) = [one for one in found.books.ties if one.side is Side.PROCESSOR]
    posted = sum(100 + number for number in range(26))
    assert (27, {"posted": 26, "held": 1}) == (tie.count, dict(tie.counts))
    assert (Money.of(f"{posted}.00", "USD"), Money.of("70.00", "USD")) == (tie.posted, tie.held)
    assert tie.in_erp == tie.posted
    days = {one.day.day: one.outcome for one in found.days}
    assert {28: "ties", 29: "ties", 30: "ties"} == {day: outcome for day, outcome in days.items() if outcome}
    assert {0} == {one.amount.minor for one in (*found.receivables, *found.clearing) if one.line == "unexplained"}
    assert found.receivables
    assert found.clearing


def _assert_people(at: Desk, found: PeriodEvidence) -> None:
    """What they decided, who may decide what, and by which policy all this ran."""
    assert [("stop send", "carla", "the letters are being rewritten")] == [
        (one.what, one.who, one.reason) for one in found.overrides
    ]
    assert {("carla", "controller"), ("mia", "analyst")} == {(one.who, one.role) for one in found.roles}
    assert [at.service.parts().policy.version] == [one.version for one in found.policies]


def _judge(at: Desk, first: SampleRow, second: SampleRow) -> None:
    """Whom the policy lets, of what is in the sample, once the month is over; a wrong one demotes its class."""
    sign = at.service.sign_off

    with pytest.raises(Terminal, match="Nothing was signed off"):
        sign(SEPTEMBER, first.act, True, "mia", "remittance")
    with pytest.raises(Terminal, match="not in the sample"):
        sign(SEPTEMBER, "no-such-act", True, "carla", "remittance")
    with pytest.raises(Terminal, match="isn't over"):
        sign(date(2026, 10, 1), first.act, True, "carla", "remittance")
    right = sign(SEPTEMBER, first.act, True, "carla", "the remittance names the invoice")
    wrong = sign(SEPTEMBER, second.payment, False, "carla", "it was for another invoice")

    assert ("right", "carla", "the remittance names the invoice") == (right.judgement, right.judged_by, right.why)
    assert ("wrong", second.act) == (wrong.judgement, wrong.act)
    after = {one.act: one.judgement for one in at.service.evidence(SEPTEMBER).sample}
    assert {first.act: "right", second.act: "wrong"} == {act: said for act, said in after.items() if said}
    with at.service.store.read() as tx:
        assert second.evidence in {rung.value for rung in learning.demoted(tx)}
