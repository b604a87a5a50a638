"""`connector proof` and `connector evidence`: what they print and write, and how they end."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import pytest
import structlog
from typer.testing import CliRunner, Result

from connector import cli, command
from connector.config import Settings
from connector.decisions import three_way
from connector.decisions.three_way import ClearingTie, DayVerdict, Fate, Line, Side, UnfinishedAct
from connector.errors import Terminal
from connector.money import Money
from connector.reports_proof import (
    BooksRow,
    OverrideRow,
    PeriodEvidence,
    PolicyRow,
    ProofReport,
    ProvedDayRow,
    RoleRow,
    SampleRow,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = date(2026, 11, 22)
SETTINGS = """\
installation: demo
ledger_zone: America/New_York
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
SECRETS = ("NETSUITE_CONSUMER_KEY", "NETSUITE_CONSUMER_SECRET", "NETSUITE_TOKEN_ID", "NETSUITE_TOKEN_SECRET")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def verdict(*lines: Line, missing: tuple[str, ...] = (), unfinished: tuple[UnfinishedAct, ...] = ()) -> DayVerdict:
    clearing = (ClearingTie(NOW.date(), "USD", "1", usd("250.00"), usd("250.00"), usd("0.00")),)
    return three_way.decide(DAY, lines, clearing, unfinished, missing)


def posted(id: str, erp: str | None = "100.00") -> Line:
    hundred = usd("100.00")
    held = None if erp is None else usd(erp)
    return Line(id, Side.PROCESSOR, "USD", "1", Fate.POSTED, hundred, hundred, hundred, held)


HELD = replace(posted("ch_2", None), fate=Fate.HELD, posted=None, why="=cmd() is unidentified")
TIES = verdict(posted("ch_1"), HELD)
DRIFTS = verdict(posted("ch_1", None), unfinished=(UnfinishedAct("a1", "posting", "attempted", "ch_9"),))
UNPROVED = verdict(posted("ch_1"), missing=("bank: the statements reach up to 2026-11-20 only",))
SAMPLE = SampleRow("a7", "ch_1", "5001", "118", usd("100.00"), NOW, "printed_reference", "100.00 = 100.00")


def proof(of: DayVerdict) -> ProofReport:
    return ProofReport(DAY, NOW, "demo", "NetSuite", "8ab381c97997", of, NOW, NOW)


def evidence(of: DayVerdict, trouble: str = "") -> PeriodEvidence:
    return PeriodEvidence(
        first_on=date(2026, 11, 1),
        last_on=date(2026, 11, 30),
        as_of=NOW,
        installation="demo",
        erp="NetSuite",
        policy_version="8ab381c97997",
        books=of,
        days=(ProvedDayRow(DAY, "ties", 0, 0, NOW, NOW), ProvedDayRow(NOW.date(), "", 0, 0, None, None)),
        receivables=(BooksRow(DAY, "USD", "1", "unexplained", "unexplained", usd("0.00")),),
        clearing=(BooksRow(DAY, "USD", "1", "expected", "so it should hold", usd("250.00")),),
        overrides=(OverrideRow(NOW, "approve a payment: done", "carla", "controller", "", "ch_3", "by phone"),),
        policies=(PolicyRow("8ab381c97997", "ann", NOW, "carla", NOW, None),),
        roles=(RoleRow("carla", "controller", ("approve", "reject"), (usd("5000.00"),)), RoleRow("", "cfo", (), ())),
        sample=(SAMPLE,),
        drawn_from=312,
        trouble=trouble,
    )


@dataclass
class FakeService:
    """Answers what it was given, and remembers what it was asked."""

    of: DayVerdict = TIES
    asked: list[tuple[object, ...]] = field(default_factory=list)
    refuses: str = ""

    def proof(self, day: date | None) -> ProofReport:
        self.asked.append((day,))
        return proof(self.of)

    def evidence(self, month: date) -> PeriodEvidence:
        self.asked.append((month,))
        return evidence(self.of, "the ledger is away")

    def sign_off(self, month: date, act: str, is_right: bool, who: str, reason: str) -> SampleRow:
        self.asked.append((month, act, is_right, who, reason))
        if self.refuses:
            raise Terminal(self.refuses)
        return replace(SAMPLE, judgement="right" if is_right else "wrong", judged_by=who, why=reason)

    def close(self) -> None: ...


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    (tmp_path / "connector.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in SECRETS:
        monkeypatch.setenv(f"CONNECTOR_{name}", "hidden")
    monkeypatch.setenv("CONNECTOR_STRIPE_API_KEY", "sk_test_1")

    def runner(service: FakeService, *arguments: str) -> Result:
        def open_service(settings: Settings) -> command.Service:
            return cast(command.Service, service)

        return CliRunner().invoke(cli.app, list(arguments), obj=cli.Invocation(open_service=open_service))

    yield runner
    root.handlers, root.level = before
    structlog.reset_defaults()


def words(result: Result) -> str:
    return " ".join(result.stdout.split())


@pytest.mark.parametrize(("of", "code"), [(TIES, 0), (DRIFTS, 1), (UNPROVED, 3)])
def test_the_exit_code_says_what_the_proof_came_to(run: Run, of: DayVerdict, code: int) -> None:
    assert code == run(FakeService(of), "proof").exit_code
    assert code == run(FakeService(of), "evidence", "--month", "2026-11").exit_code


def test_without_a_day_it_is_yesterdays(run: Run) -> None:
    service = FakeService()
    run(service, "proof")
    run(service, "proof", "--day", "2026-11-20")

    assert [(None,), (date(2026, 11, 20),)] == service.asked


def test_a_proof_says_by_what_it_was_made_and_what_contradicts_first(run: Run) -> None:
    text = words(run(FakeService(DRIFTS), "proof", "--all"))

    for part in (
        "day: 2026-11-22 outcome: drifts: 1 drifts, 1 unfinished acts as of: 2026-11-23 09:30:00 UTC",
        "in NetSuite: made 2026-11-23 09:30 UTC, shown since 2026-11-23 09:30 UTC",
        "not in erp processor 1 ch_1 -100.00 USD",
        "a1 posting attempted ch_9",
        "Not posted, and why: none",
        "2026-11-23 1 250.00 USD 250.00 USD 0.00 USD",
    ):
        assert part in text, text
    assert text.index("Where two books") < text.index("Received = posted")


def test_what_was_not_had_is_named(run: Run) -> None:
    text = words(run(FakeService(UNPROVED), "proof"))

    assert "not had: bank: the statements reach up to 2026-11-20 only" in text


def test_a_file_has_every_table_and_runs_nothing(run: Run, tmp_path: Path) -> None:
    result = run(FakeService(), "proof", "--export", "proof.csv")

    assert (0, True) == (result.exit_code, "Written: proof.csv" in result.stdout)
    text = (tmp_path / "proof.csv").read_text(encoding="utf-8")
    assert "parameters,0,day,2026-11-22" in text
    assert "Sums,1,received,200.00" in text
    assert "Waiting,1,reason,'=cmd() is unidentified" in text

    run(FakeService(), "evidence", "--month", "2026-11", "--export", "evidence.xlsx")
    assert b"PK" == (tmp_path / "evidence.xlsx").read_bytes()[:2]


@pytest.mark.parametrize("name", ["proof.pdf", "proof", "absent/proof.csv", "absent/proof.xlsx"])
def test_a_file_that_can_not_be_written_is_told(run: Run, name: str) -> None:
    result = run(FakeService(), "proof", "--export", name)

    assert (2, True) == (result.exit_code, f"Could not write {name}" in result.stderr)


def test_for_programs_one_document(run: Run) -> None:
    document = json.loads(run(FakeService(DRIFTS), "proof", "--json").stdout)

    assert ("drifts", "ch_1") == (document["verdict"]["outcome"], document["verdict"]["drifts"][0]["id"])
    assert 312 == json.loads(run(FakeService(), "evidence", "--month", "2026-11", "--json").stdout)["drawn_from"]


def test_the_evidence_has_everything_that_an_auditor_asks(run: Run) -> None:
    text = words(run(FakeService(), "evidence", "--month", "2026-11", "--all"))

    for part in (
        "period: 2026-11-01 to 2026-11-30",
        "sample: 1 of 312 postings that no person approved",
        "general ledger: could not be asked: the ledger is away",
        "1 posted, 1 held",
        "2026-11-22 ties 0 0",
        "2026-11-23 not made",
        "approve a payment: done carla controller",
        "8ab381c97997 ann",
        "carla controller approve, reject 5,000.00 USD",
        "nobody cfo no limit",
        "a7 ch_1 5001 118",
    ):
        assert part in text, text


def test_a_posting_is_judged_in_somebodys_name_with_a_reason(run: Run) -> None:
    service = FakeService()
    said = ("--month", "2026-11", "--sign", "a7", "--wrong", "--who", "carla", "--reason", "it was for another invoice")
    result = run(service, "evidence", *said)

    assert [(date(2026, 11, 1), "a7", False, "carla", "it was for another invoice")] == service.asked
    assert "a7: wrong, judged by carla" in result.stdout
    refused = run(FakeService(refuses="Nothing was signed off: mia may not."), "evidence", *said)
    assert (1, True) == (refused.exit_code, "mia may not" in refused.stderr)


@pytest.mark.parametrize(
    "said", [("--sign", "a7"), ("--right",), ("--sign", "a7", "--right"), ("--sign", "", "--wrong", "--reason", "r")]
)
def test_half_a_judgement_is_none(run: Run, said: tuple[str, ...]) -> None:
    service = FakeService()

    assert (2, []) == (run(service, "evidence", "--month", "2026-11", *said).exit_code, service.asked)
