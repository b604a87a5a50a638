"""The commands: what they print, how they end, and that they answer at once."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from connector import cli, reports
from connector.config import Settings
from connector.errors import (
    ConfigError,
    ConnectorError,
    InvariantBroken,
    OutcomeUnknown,
    StoreBusy,
    Terminal,
    Transient,
)
from connector.money import Money
from connector.ports import Finding

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SETTINGS = """\
installation: demo
ledger_zone: America/New_York
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
SECRETS = {
    "CONNECTOR_NETSUITE_CONSUMER_KEY": "key-of-consumer",
    "CONNECTOR_NETSUITE_CONSUMER_SECRET": "secret-of-consumer",
    "CONNECTOR_NETSUITE_TOKEN_ID": "id-of-token",
    "CONNECTOR_NETSUITE_TOKEN_SECRET": "secret-of-token",
    "CONNECTOR_STRIPE_API_KEY": "sk_test_1",
}
MATCH = reports.MatchRow(
    "ch_1",
    "118",
    Money(4500000, "USD"),
    (reports.AppliedRow("INV-1001", Money(4000000, "USD")), reports.AppliedRow("INV-1002", Money(500000, "USD"))),
    "invoice_number",
    "the payment names INV-1001 and INV-1002",
)
REMINDER = reports.ReminderRow(
    "INV-1003", "119", "+7", "globex.example", Money(120000, "USD"), "may_leave", "7 days past due"
)
PLAN = reports.PlanReport(NOW, "8ab381c97997", "shadow", "shadow", (MATCH,), (), (REMINDER,))
EXPLANATION = reports.Explanation(
    NOW,
    reports.InvoiceRow(
        "501",
        "INV-1001",
        "118",
        "closed",
        Money(4000000, "USD"),
        Money(0, "USD"),
        Money(0, "USD"),
        date(2026, 10, 1),
        date(2026, 10, 31),
        2,
        terms="Net 30",
    ),
    reminders=(reports.ReminderStateRow("+7", date(2026, 11, 7), "cancelled", "paid by ch_1", NOW),),
    verdicts=(reports.VerdictRow("suppression", "paid", "nothing is owed", NOW, "8ab381c97997"),),
    payments=(
        reports.PaymentRow(
            "ch_1",
            date(2026, 11, 1),
            Money(4500000, "USD"),
            Money(4000000, "USD"),
            "45,000.00 = 40,000.00 INV-1001 + 5,000.00 INV-1002",
            "invoice_number",
            "the payment names it",
            reports.ActRow(
                "act-1",
                "closed",
                NOW,
                NOW,
                (reports.ErpRecordRow("payment", "arc-demo-pay-ch_1-1", "closed", "9001"),),
            ),
        ),
    ),
    timeline=(reports.JournalRow(NOW, "payment_matched", "ch_1"),),
)
REPORT = reports.Report(
    date(2026, 11, 2),
    NOW,
    (
        reports.AgeingRow(
            "USD",
            3,
            Money(100, "USD"),
            Money(200, "USD"),
            Money(0, "USD"),
            Money(0, "USD"),
            Money(0, "USD"),
            Money(300, "USD"),
        ),
    ),
    (
        reports.Measure("dso", Decimal("41.50"), "closing AR / credit sales x days", "days", "USD"),
        reports.Measure("cei", None, "(opening AR + ...) / ...", "%", "USD"),
    ),
)


@dataclass
class FakeService:
    """Answers what it was given, and remembers what it was asked."""

    tick: reports.TickReport = field(default_factory=lambda: reports.TickReport(read=41, matched=7, seconds=4.21))
    planned: reports.PlanReport = PLAN
    findings: tuple[Finding, ...] = (Finding("netsuite", True, "the token works"),)
    numbers: tuple[str, ...] = ("INV-1001", "INV-1002", "INV-2001")
    error: ConnectorError | InvariantBroken | None = None
    asked: list[object] = field(default_factory=list)
    settings: Settings | None = None

    def _asked(self, *question: object) -> None:
        self.asked.append(question)
        if self.error is not None:
            raise self.error

    def run(self) -> None:
        self._asked("run")

    def once(self) -> reports.TickReport:
        self._asked("once")
        return self.tick

    def plan(self) -> reports.PlanReport:
        self._asked("plan")
        return self.planned

    def explain(self, invoice_number: str) -> reports.Explanation | None:
        self._asked("explain", invoice_number)
        return EXPLANATION if invoice_number == "INV-1001" else None

    def explain_payment(self, payment_id: str) -> reports.PaymentExplanation | None:
        return None

    def invoice_numbers(self) -> Sequence[str]:
        return self.numbers

    def stop(self, what: str, lift: bool, who: str, reason: str) -> None:
        self._asked("stop", what, lift, who, reason)

    def answered(self, customer: str, who: str, reason: str) -> tuple[str, ...] | None:
        self._asked("answered", customer, who, reason)
        return {"118": ("says_paid",), "Northfield": ()}.get(customer)

    def check(self) -> tuple[Finding, ...]:
        self._asked("check")
        return self.findings

    def report(self, on: date, months: int) -> reports.Report:
        self._asked("report", on, months)
        return REPORT

    def close(self) -> None:
        self.asked.append("closed")


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command on a fake service, with settings and credentials in order."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    (tmp_path / "connector.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    def runner(service: FakeService, *arguments: str) -> Result:
        def open_service(settings: Settings) -> cli.Service:
            service.settings = settings
            return service

        return CliRunner().invoke(cli.app, list(arguments), obj=cli.Invocation(open_service=open_service))

    yield runner
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_run_works_until_the_service_ends(run: Run) -> None:
    service = FakeService()
    result = run(service, "run")

    assert (0, [("run",), "closed"]) == (result.exit_code, service.asked)


# differences, unfinished -> exit code; exceptions and parked records are a normal path
TICKS = [(0, 0, 0), (1, 0, 1), (0, 2, 1)]


@pytest.mark.parametrize(("differences", "unfinished", "expected"), TICKS)
def test_once_ends_with_one_if_something_is_left_for_a_person(
    run: Run, differences: int, unfinished: int, expected: int
) -> None:
    tick = reports.TickReport(exceptions=3, parked=1, differences=differences, unfinished=unfinished)

    assert expected == run(FakeService(tick=tick), "once").exit_code


def test_once_prints_its_counts(run: Run) -> None:
    output = run(FakeService(), "once").stdout

    assert ["payments", "matched", "7"] in [line.split() for line in output.splitlines()]
    assert "4.2 seconds" in output


def test_once_as_json_is_one_object(run: Run) -> None:
    answer = json.loads(run(FakeService(), "once", "--json").stdout)

    assert (41, 7, 4.21) == (answer["read"], answer["matched"], answer["seconds"])


def test_plan_shows_what_would_happen_with_amounts_and_currency(run: Run) -> None:
    output = run(FakeService(), "plan").stdout

    for text in ("45,000.00 USD", "INV-1001 40,000.00 USD", "globex.example", "may leave", "nothing was written"):
        assert text in output
    assert "Waiting for a person: none" in output


def test_plan_as_json_has_exact_amounts(run: Run) -> None:
    answer = json.loads(run(FakeService(), "plan", "--json").stdout)

    assert {"amount": "45000.00", "currency": "USD"} == answer["matches"][0]["amount"]
    assert "2026-11-02T09:30:00+00:00" == answer["as_of"]


def test_a_long_plan_is_cut_for_people_and_whole_on_demand(run: Run) -> None:
    rows = tuple(
        reports.ReminderRow(f"INV-{n:04}", "1", "+1", "a.example", Money(1, "USD"), "held", "") for n in range(50)
    )
    service = FakeService(planned=reports.PlanReport(NOW, "v", "shadow", "shadow", reminders=rows))

    assert "… and 10 more; --all prints them" in run(service, "plan").stdout
    assert "INV-0049" not in run(service, "plan").stdout
    assert "INV-0049" in run(service, "plan", "--all").stdout


def test_explain_tells_the_whole_story(run: Run) -> None:
    output = run(FakeService(), "explain", "INV-1001").stdout

    for text in (
        "Invoice INV-1001 (id 501)",
        "40,000.00 USD",
        "suppression",
        "paid by ch_1",
        "45,000.00 = 40,000.00 INV-1001 + 5,000.00 INV-1002",
        "payment arc-demo-pay-ch_1-1 closed, ERP id 9001",
        "payment matched",
        "8ab381c97997",
    ):
        assert text in output


# what is typed, what the store knows -> what is said
UNKNOWN = [
    ("INV-1009", ("INV-1001", "INV-2001"), "There is no invoice INV-1009. Did you mean INV-1001, INV-2001?"),
    ("1001", ("INV-1001", "INV-2001"), "There is no invoice 1001. Did you mean INV-1001"),
    ("inv-1O01", ("INV-1001",), "There is no invoice inv-1O01. Did you mean INV-1001?"),
    ("zzz", ("INV-1001",), "There is no invoice zzz among the 1 known ones, and none like it."),
    ("INV-1", (), "There is no invoice INV-1: the store is empty. Run `connector once` to read the ERP first."),
]


@pytest.mark.parametrize(("typed", "known", "expected"), UNKNOWN)
def test_an_unknown_invoice_is_answered_with_the_closest(
    run: Run, typed: str, known: tuple[str, ...], expected: str
) -> None:
    result = run(FakeService(numbers=known), "explain", typed)

    assert 1 == result.exit_code
    assert expected in result.stderr
    assert "" == result.stdout


def test_stop_says_how_to_go_on(run: Run) -> None:
    service = FakeService()
    result = run(service, "stop", "send", "--who", "controller", "--reason", "wrong template")

    assert ("stop", "send", False, "controller", "wrong template") == service.asked[0]
    assert "connector stop send --lift" in result.stdout


@pytest.mark.parametrize(
    ("customer", "said", "code"),
    [
        ("118", "Closed: says_paid. Reminders to 118 go on", 0),
        ("Northfield", "Nothing waited for that.", 0),
        ("Nobody", "There is no customer 'Nobody'", 1),
    ],
)
def test_answered_says_what_had_waited(run: Run, customer: str, said: str, code: int) -> None:
    service = FakeService()
    result = run(service, "answered", customer, "--reason", "the cheque is here", "--who", "controller")

    assert ("answered", customer, "controller", "the cheque is here") == service.asked[0]
    assert (said in result.output, result.exit_code) == (True, code)


def test_a_stop_can_be_lifted(run: Run) -> None:
    service = FakeService()
    run(service, "stop", "post", "--lift", "--who", "controller")

    assert ("stop", "post", True, "controller", "") == service.asked[0]


@pytest.mark.parametrize("arguments", [("stop", "send"), ("explain", "INV-1001"), ("report",)])
def test_commands_on_the_store_need_no_credentials(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)

    assert 0 == run(FakeService(), *arguments).exit_code


@pytest.mark.parametrize("command", ["run", "once", "plan", "check"])
def test_commands_on_the_outside_ask_for_credentials_before_anything_starts(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("CONNECTOR_STRIPE_API_KEY")
    service = FakeService()
    result = run(service, command)

    assert (2, []) == (result.exit_code, service.asked)
    assert "CONNECTOR_STRIPE_API_KEY is not set" in result.stderr


# ok, blocking -> exit code
FINDINGS = [(True, True, 0), (False, False, 0), (False, True, 1)]


@pytest.mark.parametrize(("ok", "blocking", "expected"), FINDINGS)
def test_check_ends_with_one_if_a_finding_blocks(run: Run, ok: bool, blocking: bool, expected: int) -> None:
    finding = Finding("netsuite", ok, "custbody_arc_act is absent", "add the field", blocking)
    service = FakeService(findings=(finding,))
    shown, told = run(service, "check"), json.loads(run(service, "check", "--json").stdout)

    assert (expected, expected == 0) == (shown.exit_code, told["ok"])
    assert "add the field" in shown.stdout
    assert "custbody_arc_act is absent" == told["findings"][0]["what"]


def test_report_shows_formulas_and_says_when_a_figure_is_not_known(run: Run) -> None:
    service = FakeService()
    output = run(service, "report", "--on", "2026-11-02").stdout

    assert ("report", date(2026, 11, 2), 3) == service.asked[0]
    for text in ("41.50 days", "closing AR / credit sales x days", "n/a", "3.00 USD"):
        assert text in output


@pytest.mark.parametrize(("months", "expected"), [("0", 2), ("1", 0), ("24", 0), ("25", 2)])
def test_a_report_is_of_one_month_to_two_years(run: Run, months: str, expected: int) -> None:
    assert expected == run(FakeService(), "report", "--months", months).exit_code


def test_report_writes_files_instead_of_tables(run: Run, tmp_path: Path) -> None:
    result = run(FakeService(), "report", "--csv", "book.csv", "--xlsx", "book.xlsx")

    assert (0, True) == (result.exit_code, "Written: book.csv\nWritten: book.xlsx" in result.stdout)
    assert "closing AR" not in result.stdout
    assert "measures,,USD,dso,41.50,days" in (tmp_path / "book.csv").read_text(encoding="utf-8")
    assert b"PK" == (tmp_path / "book.xlsx").read_bytes()[:2]


def test_report_as_json_stays_one_document_beside_a_file(run: Run, tmp_path: Path) -> None:
    result = run(FakeService(), "report", "--json", "--csv", "book.csv")

    assert "store" == json.loads(result.stdout)["source"]
    assert (True, True) == ("Written: book.csv" in result.stderr, (tmp_path / "book.csv").exists())


def test_a_report_that_cannot_be_written_ends_with_two(run: Run) -> None:
    result = run(FakeService(), "report", "--xlsx", "absent/book.xlsx")

    assert 2 == result.exit_code
    assert "Could not write absent/book.xlsx" in result.stderr


# the error -> the exit code
ERRORS = [
    (ConfigError("set CONNECTOR_STORE"), 2),
    (Transient("NetSuite answered 503"), 3),
    (OutcomeUnknown("the answer to arc-demo-pay-1 was not read"), 3),
    (Terminal("the token was refused"), 1),
    (StoreBusy(), 4),
    (InvariantBroken("INV-1 would be over-applied"), 5),
]


@pytest.mark.parametrize(("error", "expected"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS])
def test_an_error_is_one_plain_sentence_and_an_exit_code(
    run: Run, error: ConnectorError | InvariantBroken, expected: int
) -> None:
    service = FakeService(error=error)
    result = run(service, "once")

    assert (expected, f"{error}\n") == (result.exit_code, result.stderr)
    assert "closed" == service.asked[-1]


def test_debug_shows_where_an_error_came_from(run: Run) -> None:
    result = run(FakeService(error=Transient("gone")), "--debug", "once")

    assert (3, True) == (result.exit_code, "Traceback" in result.stderr)


def test_an_error_never_shows_an_address_or_a_key(run: Run) -> None:
    result = run(FakeService(error=Terminal("sk_live_abc mailed jo@shop.example")), "once")

    assert "[secret] mailed ***@shop.example\n" == result.stderr


def test_a_misspelt_setting_ends_with_two_and_nothing_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "connector.yaml").write_text(SETTINGS + "mial: {}\n", encoding="utf-8")
    service = FakeService()
    result = run(service, "plan")

    assert (2, None) == (result.exit_code, service.settings)
    assert "connector.yaml line 5: mial: unknown key; did you mean 'mail'?" in result.stderr


def test_another_settings_file_can_be_named(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SETTINGS.replace("demo", "other"), encoding="utf-8")
    service = FakeService()
    run(service, "--config", str(other), "report")

    assert service.settings is not None
    assert "other" == service.settings.installation


def test_a_vendors_escape_sequence_never_reaches_the_terminal(run: Run) -> None:
    row = reports.ReminderRow("INV\x1b[2J", "[red]1", "+1", "a.example", Money(1, "USD"), "held", "")
    output = run(FakeService(planned=reports.PlanReport(NOW, "v", "auto", "auto", reminders=(row,))), "plan").stdout

    assert "\x1b" not in output
    assert "[red]1" in output


@pytest.mark.parametrize("command", ["run", "once", "plan", "explain", "stop", "check", "report"])
def test_every_command_documents_the_exit_codes(run: Run, command: str) -> None:
    output = run(FakeService(), command, "--help").stdout

    assert all(f"{code.value}  {code.sentence}" in output for code in cli.ExitCode)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from connector.cli import app; app(['--help'], standalone_mode=False);"
        "heavy = {'zeep', 'dbos', 'stripe', 'sqlalchemy', 'pydantic', 'httpx', 'netsuite', 'xlsxwriter'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert "[]" == done.stdout.splitlines()[-1]
