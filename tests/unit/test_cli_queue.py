"""`connector queue`: what it lists, what it takes down, how it asks before, and how it ends."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from typer.testing import CliRunner, Result

from connector import cli, command
from connector.config import Settings
from connector.money import Money
from connector.reports import AnswererRow, AppliedRow, Asked, Asking, ChoiceRow, QueueReport, QueueRow

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SETTINGS = """\
installation: demo
ledger_zone: America/New_York
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
ANA = AnswererRow("ana", "analyst", ("approve", "reject"))
CARL = AnswererRow("carl", "controller", ("approve", "edit", "reject"))


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def row(payment: str, amount: Money, kind: str = "exact_subset", **more: Any) -> QueueRow:
    values: dict[str, Any] = {
        "customer": "Northfield Robotics (118)",
        "received_on": date(2026, 10, 30),
        "age_days": 3,
        "standing": "suggested",
        "reason": "only these two add up",
        "choices": (
            ChoiceRow(
                0,
                "600.00 + 500.00 = 1,100.00 USD",
                (AppliedRow("INV-1", usd("600.00")), AppliedRow("INV-2", usd("500.00"))),
                f"seen-{payment}",
                (AppliedRow("CM-3", usd("100.00")),),
                usd("20.00"),
            ),
        ),
        "considered": ("one balance: none is 1,020.00 USD",),
        "waits": "exact subset doesn't post by itself",
        "may_answer": (ANA, CARL),
    }
    return QueueRow(payment=payment, amount=amount, kind=kind, **(values | more))


SUGGESTED = row("ch_1", usd("1020.00"))
LARGE = row("ch_2", usd("50000.00"), may_answer=(CARL,))
ASKED = row("ch_3", usd("30.00"), asked="carl (controller) asked to reject it at 2026-11-02 09:00 UTC")
AMBIGUOUS = row(
    "ch_4",
    Money.of("700.00", "EUR"),
    "ambiguous",
    customer="Sandbar Analytics (119)",
    standing="exception",
    reason="two invoices have this balance",
    choices=(
        ChoiceRow(1, "INV-8: 700.00 EUR", (AppliedRow("INV-8", Money.of("700.00", "EUR")),), "seen-8"),
        ChoiceRow(2, "INV-9: 700.00 EUR", (AppliedRow("INV-9", Money.of("700.00", "EUR")),), "seen-9"),
    ),
    waits="",
    may_answer=(),
)
UNKNOWN = row("=cmd()", usd("5.00"), "unidentified", customer="", standing="exception", choices=(), waits="")
ROWS = (SUGGESTED, LARGE, ASKED, AMBIGUOUS, UNKNOWN)


@dataclass
class FakeQueue:
    """Lists what it was given, takes down everything but of the payments in `refused`, and remembers who asked what."""

    rows: tuple[QueueRow, ...] = ROWS
    refused: frozenset[str] = frozenset()
    asked: list[tuple[str, Asking]] = field(default_factory=list)

    def queue(self) -> QueueReport:
        return QueueReport(NOW, "8ab381c97997", "suggest", self.rows)

    def ask(self, asking: Sequence[Asking], who: str) -> tuple[Asked, ...]:
        self.asked += [(who, one) for one in asking]
        amounts = {one.payment: one.amount for one in self.rows}
        return tuple(
            Asked(one.payment, amounts.get(one.payment), one.payment not in self.refused, f"about {one.payment}")
            for one in asking
        )

    def close(self) -> None: ...


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    (tmp_path / "connector.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def runner(service: FakeQueue, *arguments: str, typed: str = "") -> Result:
        def open_service(settings: Settings) -> command.Service:
            return cast(command.Service, service)

        invocation = cli.Invocation(open_service=open_service)
        return CliRunner().invoke(cli.app, ["queue", *arguments], obj=invocation, input=typed)

    yield runner
    root.handlers, root.level = before
    structlog.reset_defaults()


def listed(result: Result) -> list[str]:
    assert 0 == result.exit_code, result.output
    return [one["payment"] for one in json.loads(result.stdout)["rows"]]


# ---- listing ----


def test_the_list_shows_split_equation_reason_age_and_who_may_answer(run: Run) -> None:
    result = run(FakeQueue((SUGGESTED, AMBIGUOUS)))
    text = " ".join(result.stdout.split())

    assert 0 == result.exit_code
    for part in (
        "ch_1",
        "exact subset",
        "600.00 + 500.00 = 1,100.00 USD",
        "only these two add up",
        "1: INV-8: 700.00 EUR",
        "2: INV-9: 700.00 EUR",
        "2 payments: 700.00 EUR, 1,020.00 USD; posting is in suggest",
    ):
        assert part in text
    assert "INV-1 600.00 USD, INV-2 500.00 USD, less" in text  # the rest of it is on the next line of its cell
    assert "CM-3 100.00 USD, 20.00 USD stays unapplied" in text
    assert "ana (analyst), carl (controller)" in text
    assert "nobody: see approvals in" in text


def test_an_empty_queue_says_so(run: Run) -> None:
    result = run(FakeQueue(()))

    assert (0, "Waiting for a person's answer: none") == (result.exit_code, result.stdout.strip())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["ch_1", "ch_2", "ch_3", "ch_4", "=cmd()"]),
        (("--kind", "ambiguous"), ["ch_4"]),
        (("--class", "exact_subset"), ["ch_1", "ch_2", "ch_3"]),
        (("--customer", "sandbar"), ["ch_4"]),
        (("--customer", "118"), ["ch_1", "ch_2", "ch_3"]),
        (("--min", "700"), ["ch_1", "ch_2", "ch_4"]),
        (("--max", "700.00"), ["ch_3", "ch_4", "=cmd()"]),
        (("--min", "30", "--max", "1020"), ["ch_1", "ch_3", "ch_4"]),
        (("--mine", "--who", "ana"), ["ch_1", "ch_3", "=cmd()"]),
        (("--mine", "--who", "mallory"), []),
    ],
)
def test_the_list_can_be_narrowed(run: Run, options: tuple[str, ...], expected: list[str]) -> None:
    assert expected == listed(run(FakeQueue(), "--json", *options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--kind", "ambigous"), "There is no kind of exception 'ambigous'. Did you mean 'ambiguous'?"),
        (("--class", "exact_subsets"), "There is no class of evidence 'exact_subsets'. Did you mean 'exact_subset'?"),
        (("--min", "much"), "--min must be an amount such as 1000.00, not 'much'"),
        (("--max", "NaN"), "--max must be an amount such as 1000.00, not 'NaN'"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_wrong_command_line(
    run: Run, options: tuple[str, ...], expected: str
) -> None:
    result = run(FakeQueue(), *options)

    assert 2 == result.exit_code
    assert expected in result.stderr


def test_a_long_list_is_cut_unless_all_is_wanted(run: Run) -> None:
    many = FakeQueue(tuple(row(f"ch_{n}", usd("1.00")) for n in range(41)))

    assert "… and 1 more; --all prints them" in run(many).stdout
    assert "--all prints them" not in run(many, "--all").stdout


def test_the_list_as_csv_holds_plain_amounts_and_nothing_that_a_spreadsheet_runs(run: Run, tmp_path: Path) -> None:
    result = run(FakeQueue(), "--csv", "queue.csv", "--xlsx", "queue.xlsx")
    rows = list(csv.DictReader((tmp_path / "queue.csv").read_text(encoding="utf-8").splitlines()))

    assert 0 == result.exit_code, result.output
    assert "Written: queue.csv" in result.stdout
    assert ("1020.00", "USD", "3") == (rows[0]["amount"], rows[0]["currency"], rows[0]["days"])
    assert "INV-1 600.00 USD, INV-2 500.00 USD, less CM-3 100.00 USD, 20.00 USD stays unapplied" == rows[0]["split"]
    assert "1: INV-8: 700.00 EUR; 2: INV-9: 700.00 EUR" == rows[3]["explanations"]
    assert "'=cmd()" == rows[4]["payment"]
    assert b"PK" == (tmp_path / "queue.xlsx").read_bytes()[:2]


def test_a_file_that_cannot_be_written_is_told(run: Run) -> None:
    result = run(FakeQueue(), "--csv", "nowhere/queue.csv")

    assert (2, True) == (result.exit_code, "Could not write nowhere/queue.csv" in result.stderr)


def test_one_payment_is_shown_whole(run: Run) -> None:
    result = run(FakeQueue(), "show", "ch_1")

    assert 0 == result.exit_code
    for part in ("one balance: none is 1,020.00 USD", "exact subset doesn't post by itself", "approve, edit, reject"):
        assert part in result.stdout


def test_a_payment_that_does_not_wait_is_explained_elsewhere(run: Run) -> None:
    result = run(FakeQueue(), "show", "ch_9")

    assert (1, True) == (result.exit_code, "`connector explain ch_9` tells of it" in result.stderr)


# ---- answering ----


def test_approving_takes_down_what_was_seen(run: Run) -> None:
    service = FakeQueue()
    result = run(service, "approve", "ch_1", "--who", "ana", "--reason", "called them", typed="y\n")

    assert 0 == result.exit_code, result.output
    assert [("ana", Asking("approve", "ch_1", seen="seen-ch_1", reason="called them"))] == service.asked
    assert "1 payment: 1,020.00 USD. The daemon acts on it at its next pass" in result.stdout
    assert "Approve as ana?" in result.stderr


def test_an_explanation_is_approved_by_its_number(run: Run) -> None:
    service = FakeQueue()
    run(service, "approve", "ch_4", "--choice", "2", "--who", "carl", "--yes")

    assert [("carl", Asking("approve", "ch_4", seen="seen-9", choice=2))] == service.asked


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_nothing_is_asked_for_unless_the_person_says_yes(run: Run, typed: str) -> None:
    service = FakeQueue()
    result = run(service, "approve", "ch_1", "--who", "ana", typed=typed)

    assert (1, []) == (result.exit_code, service.asked)
    assert "Nothing was asked for." in result.stderr
    assert "not foreseen" not in result.stderr


def test_a_whole_class_is_approved_as_far_as_the_person_may(run: Run) -> None:
    """Not the large one, which is another role's, and not the one that somebody has answered already."""
    service = FakeQueue()
    result = run(service, "approve", "--all-of-class", "exact_subset", "--who", "ana", "--yes")
    controller = FakeQueue()
    run(controller, "approve", "--all-of-class", "exact_subset", "--max-amount", "1020", "--who", "carl", "--yes")

    assert 0 == result.exit_code, result.output
    assert ["ch_1"] == [one.payment for _, one in service.asked]
    assert ["ch_1"] == [one.payment for _, one in controller.asked]
    assert "To be approved" in result.stdout


def test_many_are_shown_with_count_and_total_before_they_are_asked_for(run: Run) -> None:
    service = FakeQueue()
    result = run(service, "approve", "ch_1", "ch_2", "ch_1", "--who", "carl", typed="y\n")

    assert "2 payments: 51,020.00 USD" in result.stdout
    assert ["ch_1", "ch_2"] == [one.payment for _, one in service.asked]


@pytest.mark.parametrize("arguments", [(), ("ch_1", "--all-of-class", "exact_subset")])
def test_either_payments_or_a_class_are_approved(run: Run, arguments: tuple[str, ...]) -> None:
    service = FakeQueue()
    result = run(service, "approve", *arguments, "--yes")

    assert (2, []) == (result.exit_code, service.asked)
    assert "Nothing was asked for" in result.stderr


def test_what_was_not_taken_down_is_told_and_ends_with_one(run: Run) -> None:
    service = FakeQueue(refused=frozenset({"ch_2"}))
    result = run(service, "approve", "ch_1", "ch_2", "--who", "ana", "--yes")

    assert 1 == result.exit_code
    assert "ch_1: taken down: about ch_1" in result.stdout
    assert "ch_2: nothing was asked for: about ch_2" in result.stderr


def test_a_split_is_passed_on_as_it_was_typed(run: Run) -> None:
    service = FakeQueue()
    result = run(
        service, "edit", "ch_1", "INV-1=600.00", "A=B=400", "--credit", "CM-3=100.00", "--unapplied", "120.00",
        "--other-customer", "--held", "--who", "carl",
    )  # fmt: skip
    expected = Asking(
        "edit",
        "ch_1",
        parts=(("INV-1", "600.00"), ("A=B", "400")),
        credits=(("CM-3", "100.00"),),
        unapplied="120.00",
        other_customer=True,
        held=True,
    )

    assert 0 == result.exit_code, result.output
    assert [("carl", expected)] == service.asked


@pytest.mark.parametrize("part", ["INV-1", "INV-1=", "=600.00"])
def test_a_part_without_number_or_amount_is_a_wrong_command_line(run: Run, part: str) -> None:
    service = FakeQueue()
    result = run(service, "edit", "ch_1", part)

    assert (2, []) == (result.exit_code, service.asked)
    assert "such as INV-1001=600.00" in result.stderr


def test_rejecting_needs_a_reason(run: Run) -> None:
    service = FakeQueue()

    assert 2 == run(service, "reject", "ch_1").exit_code
    assert 0 == run(service, "reject", "ch_1", "--reason", "a deposit", "--who", "ana").exit_code
    assert [("ana", Asking("reject", "ch_1", seen="seen-ch_1", reason="a deposit"))] == service.asked


def test_without_who_the_user_of_this_computer_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "lwong")
    service = FakeQueue()
    run(service, "reject", "ch_1", "--reason", "a deposit")

    assert ["lwong"] == [who for who, _ in service.asked]


def test_answers_for_programs_are_one_document(run: Run) -> None:
    result = run(FakeQueue(), "approve", "ch_1", "--yes", "--json", "--who", "ana")

    assert {
        "payment": "ch_1",
        "amount": {"amount": "1020.00", "currency": "USD"},
        "accepted": True,
        "text": "about ch_1",
    } == json.loads(result.stdout)["asked"][0]


def test_a_fault_names_the_whole_command_to_run_again(run: Run) -> None:
    class Broken(FakeQueue):
        def queue(self) -> QueueReport:
            raise KeyError("a customer's name")

    result = run(Broken(), "show", "ch_1")

    assert "run it again as: connector --debug queue show" in result.stderr
    assert "a customer's name" not in result.stderr
