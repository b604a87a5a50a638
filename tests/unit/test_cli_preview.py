"""`connector preview` and `connector backtest`: what they print, write and ask for, and how they end."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
import structlog
from typer.testing import CliRunner, Result

from connector import cli, command
from connector.config import Settings
from connector.money import Money
from connector.reports_policy import (
    BacktestReport,
    BucketRow,
    DifferenceRow,
    ExampleRow,
    FigureRow,
    PreviewHeld,
    PreviewItem,
    PreviewMessage,
    PreviewReport,
    PreviewSent,
)

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DAY = date(2026, 11, 3)
SETTINGS = """\
installation: demo
ledger_zone: America/New_York
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
SECRETS = ("NETSUITE_CONSUMER_KEY", "NETSUITE_CONSUMER_SECRET", "NETSUITE_TOKEN_ID", "NETSUITE_TOKEN_SECRET")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def message(customer: str, invoice: str, **more: str) -> PreviewMessage:
    item = PreviewItem(invoice, "+7", date(2026, 10, 27), 7, usd("1200.00"), "default")
    made = PreviewMessage(
        customer,
        "globex.example",
        "email",
        "billing@ours.example",
        "firm",
        (item,),
        f"Invoice {invoice}: payment is overdue",
        f"To accounts payable at {customer},\n\nPlease pay {invoice}.\n",
        f"<html><p>Please pay {invoice}.</p></html>",
    )
    return replace(made, **more)  # type: ignore[arg-type]


PREVIEW = PreviewReport(
    NOW,
    DAY,
    datetime(2026, 11, 3, 13, tzinfo=UTC),
    "8ab381c97997",
    "shadow",
    tuple(message(f"Globex {n} (1{n})", f"INV-{n}") for n in range(5)),
    (PreviewHeld("INV-9", "Acme (19)", "+1", usd("50.00"), "held", "=cmd() is on hold.", "default"),),
    ("Everything is as it was read.",),
)
BACKTEST = BacktestReport(
    NOW,
    date(2026, 1, 1),
    date(2026, 6, 30),
    "present1",
    "proposed2",
    1200,
    80,
    figures=(FigureRow("reminders after the invoice was paid", 0, 0), FigureRow("reminders", 400, 350)),
    steps=(DifferenceRow("+7", 120, 0, 0, 120, "default"), DifferenceRow("+9", 0, 110, 110, 0, "smb")),
    tones=(DifferenceRow("firm", 120, 110, 110, 120),),
    hand_overs=(DifferenceRow("long overdue", 3, 5, 2, 0),),
    touches=(FigureRow("mean messages a customer", Decimal("5.0"), Decimal("4.4")),),
    weeks=(FigureRow("2026-W07", 1, 2),),
    examples=(ExampleRow("added", "reminder", DAY, "C1", "INV-1", usd("9000.00"), "smb", "step +9, firm, email"),),
    buckets=(
        BucketRow(
            "USD",
            "enterprise",
            "usage",
            "annual",
            "new",
            "100 or more",
            4,
            usd("700.00"),
            Decimal("70.0"),
            Decimal("70.0"),
        ),
    ),
    notes=("Both are played as if they had sent by themselves.",),
)


@dataclass
class FakeService:
    """Answers what it was given, and remembers what it was asked."""

    previewed: PreviewReport = PREVIEW
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def preview(self, on: date | None, send_to: str = "", at_most: int = 0) -> PreviewReport:
        self.asked.append((on, send_to, at_most))
        return self.previewed

    def backtest(self, proposed: Path, first_on: date, last_on: date) -> BacktestReport:
        self.asked.append((proposed.name, first_on, last_on))
        return BACKTEST

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
    assert 0 == result.exit_code, result.output
    return " ".join(result.stdout.split())


# ---- preview ----


def test_the_list_and_the_first_messages_in_full(run: Run) -> None:
    service = FakeService()
    text = words(run(service, "preview"))

    assert [(None, "", 10)] == service.asked
    for part in (
        "day: Tuesday, 2026-11-03",
        "policy: 8ab381c97997, sending in shadow",
        "assumed: Everything is as it was read.",
        "Globex 0 (10) globex.example email Invoice INV-0: payment is overdue INV-0 (+7) 1,200.00 USD",
        "INV-9 Acme (19) +1 50.00 USD held =cmd() is on hold.",
        "Subject: Invoice INV-2: payment is overdue To accounts payable at Globex 2 (12), Please pay INV-2.",
        "2 more messages in full: connector preview --all",
    ):
        assert part in text
    assert "Please pay INV-3." not in text


def test_every_message_in_full(run: Run) -> None:
    text = words(run(FakeService(), "preview", "--all"))

    assert "Please pay INV-4." in text
    assert "more messages" not in text


def test_a_message_that_can_not_be_made_says_why(run: Run) -> None:
    broken = message("Globex (1)", "INV-1", problem="template firm.txt.j2, line 3: 'amont' is undefined")
    text = words(run(FakeService(replace(PREVIEW, messages=(broken,))), "preview"))

    assert "It can't be made: template firm.txt.j2, line 3" in text


def test_the_day_and_the_address_are_handed_on(run: Run) -> None:
    service = FakeService(replace(PREVIEW, mailed=(PreviewSent("C1", "Invoice INV-0", True, "accepted with 250"),)))
    result = run(service, "preview", "--day", "2026-11-05", "--send-to", "me@ours.example", "--at-most", "3")

    assert [(date(2026, 11, 5), "me@ours.example", 3)] == service.asked
    assert "Mailed to you: Invoice INV-0 (accepted with 250)" in words(result)


def test_what_could_not_be_mailed_ends_with_unavailable(run: Run) -> None:
    service = FakeService(
        replace(PREVIEW, mailed=(PreviewSent("C1", "Invoice INV-0", False, "RCPT was answered 550"),))
    )
    result = run(service, "preview", "--send-to", "me@ours.example")

    assert command.ExitCode.UNAVAILABLE == result.exit_code
    assert "Not mailed: Invoice INV-0 (RCPT was answered 550)" in result.stdout


def test_programs_get_every_message_whole(run: Run) -> None:
    told = json.loads(run(FakeService(), "preview", "--json").stdout)

    assert 5 == len(told["messages"])
    assert ("2026-11-03", "1200.00") == (told["on"], told["messages"][0]["items"][0]["amount"]["amount"])
    assert "Please pay INV-0." in told["messages"][0]["text"]


def test_html_files_are_the_messages_and_a_list_that_leads_to_them(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    text = words(run(FakeService(), "preview", "--html", str(folder)))

    assert "5 messages and index.html" in text
    assert [f"{n:04}.html" for n in range(1, 6)] + ["index.html"] == sorted(one.name for one in folder.iterdir())
    assert "Please pay INV-1." in (folder / "0002.html").read_text()
    index = (folder / "index.html").read_text()
    assert '<a href="0002.html">Invoice INV-1: payment is overdue</a>' in index
    assert "Everything is as it was read." in index


def test_a_folder_that_can_not_be_written_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(FakeService(), "preview", "--html", str(tmp_path / "file" / "inside"))

    assert command.ExitCode.CONFIGURATION == result.exit_code
    assert "Name a folder that can be written" in result.stderr


def test_csv_has_one_row_an_invoice_and_nothing_that_a_spreadsheet_would_run(run: Run, tmp_path: Path) -> None:
    run(FakeService(), "preview", "--csv", str(tmp_path / "list.csv"))
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert ["leaves"] * 5 + ["held"] == [row["verdict"] for row in rows]
    assert ("INV-0", "'+7", "1200.00", "7") == (
        rows[0]["invoice"],
        rows[0]["step"],
        rows[0]["amount"],
        rows[0]["days past due"],
    )
    assert "'=cmd() is on hold." == rows[-1]["reason"]


# ---- backtest ----


def backtest(run: Run, tmp_path: Path, *more: str) -> Result:
    (tmp_path / "other.yaml").write_text("post: shadow\n")
    return run(FakeService(), "backtest", "--policy", "other.yaml", "--from", "2026-01-01", "--to", "2026-06-30", *more)


def test_both_policies_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    text = words(backtest(run, tmp_path))

    for part in (
        "period: 2026-01-01 to 2026-06-30",
        "policies: today's present1, the other proposed2",
        "past: 1200 invoices of 80 customers",
        "reminders after the invoice was paid 0 0",
        "+9 smb 0 110 110 0",
        "long overdue 3 5 2 0",
        "mean messages a customer 5.0 4.4",
        "2026-W07 1 2",
        "added reminder 2026-11-03 C1 INV-1 9,000.00 USD smb step +9, firm, email",
        "enterprise usage annual new 100 or more 4 700.00 USD 70.0 70.0",
        "Both are played as if they had sent by themselves.",
    ):
        assert part in text


def test_the_file_and_the_days_are_handed_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("post: shadow\n")
    service = FakeService()
    run(service, "backtest", "--policy", "other.yaml", "--from", "2026-01-01", "--to", "2026-06-30")

    assert [("other.yaml", date(2026, 1, 1), date(2026, 6, 30))] == service.asked


def test_programs_get_the_whole_backtest(run: Run, tmp_path: Path) -> None:
    told = json.loads(backtest(run, tmp_path, "--json").stdout)

    assert list(BacktestReport.__dataclass_fields__) == list(told)
    assert ("4.4", "700.00") == (told["touches"][0]["proposed"], told["buckets"][0]["overdue"]["amount"])


def test_a_backtest_as_csv_has_one_row_a_figure(run: Run, tmp_path: Path) -> None:
    text = words(backtest(run, tmp_path, "--csv", "out.csv"))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert "Written: out.csv" in text
    assert ("120", "0", "0", "120") == tuple(
        next(
            (row["present"], row["proposed"], row["added"], row["removed"])
            for row in rows
            if (row["section"], row["item"]) == ("steps", "'+7")
        )
    )
    assert {
        "parameters",
        "note",
        "in_all",
        "steps",
        "tones",
        "hand_overs",
        "touches",
        "weeks",
        "examples",
        "buckets",
    } == {row["section"] for row in rows}


def test_a_policy_file_that_is_not_there_is_refused_before_anything_is_read(run: Run) -> None:
    service = FakeService()
    result = run(service, "backtest", "--policy", "none.yaml", "--from", "2026-01-01", "--to", "2026-06-30")

    assert (command.ExitCode.CONFIGURATION, []) == (result.exit_code, service.asked)
