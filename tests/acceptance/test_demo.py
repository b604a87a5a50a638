"""The demo is run as its user runs it; what it prints for programs is what is promised."""

from __future__ import annotations

import csv
import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ROOT, SHARED

KEYS = [
    "invoices",
    "payments",
    "loops_closed",
    "open_with_reason",
    "reminders_sent",
    "reminders_cancelled",
    "sent_after_match",
    "applied_equals_truth",
    "acts_unfinished",
    "deposits",
    "deposits_equal_payouts",
    "account_team_tasks",
    "erp_reads",
    "erp_writes",
    "seconds",
]


def _demo(folder: Path, *arguments: str) -> dict[str, Any]:
    ended = subprocess.run(
        [ROOT / "scripts" / "demo", "--json", *arguments], cwd=folder, capture_output=True, text=True, timeout=3000
    )

    assert 0 == ended.returncode, ended.stderr
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


TOLD = (
    "not a single mail left",
    "one deposit ties to the cent",
    "it is recognised by its charge, and not posted again",
    "it waits as an exception, and nobody is reminded meanwhile",
    "the account team has one task in Salesforce about it",
    "the customer was never asked for it",
    "five invoices are closed in {erp} by one payment",
    "no reminder about LANTERN-1 left this morning",
    "it was looked up instead of sent again: one payment is there",
)


@pytest.mark.parametrize(("arguments", "erp"), [((), "NetSuite"), (("--erp", "intacct"), "Sage Intacct")])
def test_people_are_told_each_story_that_it_held_and_what_all_came_to(
    tmp_path: Path, arguments: tuple[str, ...], erp: str
) -> None:
    demo = [ROOT / "scripts" / "demo", *arguments]
    ended = subprocess.run(demo, cwd=tmp_path, capture_output=True, text=True, timeout=600)

    assert 0 == ended.returncode, ended.stdout
    assert [] == [fact for fact in TOLD if f"ok  {fact.format(erp=erp)}" not in ended.stdout]
    assert "NOT " not in ended.stdout
    summary = ended.stdout.partition("Summary\n")[2].splitlines()
    figures = {name: value for name, value in (line.strip().rsplit(maxsplit=1) for line in summary if line[:2] == "  ")}
    assert [name.replace("_", " ") for name in KEYS] == list(figures)[: len(KEYS)]
    assert ("72", "47", "49", "21") == tuple(
        figures[name] for name in ("invoices", "payments", "loops closed", "open with reason")
    )
    assert ("0", "True", "0") == tuple(
        figures[name] for name in ("sent after match", "applied equals truth", "acts unfinished")
    )
    assert ("8", "True", "1") == tuple(
        figures[name] for name in ("deposits", "deposits equal payouts", "account team tasks")
    )


def _by_a_plain_pass(folder: Path) -> tuple[int, float, float]:
    with (folder / "invoices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    day = date.fromisoformat
    days = sum((day(row["settled_on"]) - day(row["issued_on"])).days for row in rows)
    late = sum(day(row["settled_on"]) > day(row["due_on"]) for row in rows)
    return len(rows), days / len(rows), late / len(rows)


def _assert_played(figures: dict[str, Any], folder: Path) -> None:
    count, mean_days, late = _by_a_plain_pass(folder)
    assert [*KEYS, "mean_days_to_pay", "share_paid_late"] == list(figures)
    assert (count, count, count, 0) == tuple(
        figures[k] for k in ("invoices", "payments", "loops_closed", "open_with_reason")
    )
    assert (0, True, 0) == tuple(figures[k] for k in ("sent_after_match", "applied_equals_truth", "acts_unfinished"))
    assert pytest.approx(mean_days, abs=1e-9) == figures["mean_days_to_pay"]
    assert pytest.approx(late, abs=1e-9) == figures["share_paid_late"]


BOOK = """\
invoice_number,customer_id,country_code,currency,amount,issued_on,due_on,settled_on,disputed,bill_delivery
A-1,C-1,840,USD,100.00,2026-01-05,2026-02-04,2026-01-30,no,paper
A-2,C-1,840,USD,250.50,2026-01-06,2026-02-05,2026-02-20,no,electronic
B-1,C-2,840,USD,75.25,2026-01-10,2026-02-09,2026-02-09,yes,paper
B-2,C-2,840,USD,75.25,2026-01-12,2026-02-11,2026-02-10,no,paper
"""


@pytest.mark.parametrize("erp", ["netsuite", "intacct"])
def test_a_small_book_closes_every_loop_and_its_measures_are_those_of_a_plain_pass(tmp_path: Path, erp: str) -> None:
    (tmp_path / "invoices.csv").write_text(BOOK)

    _assert_played(_demo(tmp_path, "--erp", erp, "--book", str(tmp_path)), tmp_path)


@pytest.mark.long
def test_the_ledger_of_2466_invoices_closes_every_loop(tmp_path: Path) -> None:
    book = SHARED / "data" / "receivables"
    if not book.is_dir():
        pytest.skip("the ledger lies in ../shared/data/receivables, which is not here")

    _assert_played(_demo(tmp_path, "--book", str(book)), book)
