"""The policy bench: a small book through all four questions, and the figures of its table. No time is judged here."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.decisions.segments import decide as segment_of

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))  # scripts are no package
bench: Any = importlib.import_module("bench_policy")

BOOK = bench.Book(invoices=2000, customers=80)
MEASURED = bench.Measured(
    invoices=100_000,
    customers=4_000,
    segments=20,
    segments_met=17,
    parts={"segment": 6.0, "cadence": 4.0, "suppression": 3.0, "escalation": 2.0},
    cold_seconds=16.0,
    changed=1000,
    changed_customers=1000,
    changed_seconds=0.32,
    stored_seconds=8.0,
    peak_mb=180.0,
)


def test_every_invoice_is_decided_once_and_most_segments_are_met() -> None:
    policy = bench.bench_policy()
    spent = bench.decide(BOOK, policy, BOOK.by_customer(range(BOOK.invoices)))

    assert (2000, 2000, 2000) == (spent.segments.total(), spent.outcomes.total(), len(spent.verdicts))
    assert 10 < len(spent.segments)
    # Steps that are due and such that wait, some held and some free to leave.
    assert {"due none", "waiting none", "due strategic", "due escalated"} <= spent.outcomes.keys()
    assert set(bench.PARTS) == spent.seconds.keys()


def test_working_a_customer_out_once_changes_no_verdict() -> None:
    policy = bench.bench_policy()
    few = BOOK.by_customer(range(0, BOOK.invoices, 37))
    spent = bench.decide(BOOK, policy, few)
    alone = {
        f"invoice:{one.id}": segment_of(BOOK.profile(number), one, policy, bench.ON).segment
        for number, some in few.items()
        for one in some
    }

    assert alone == {one.subject: one.outcome for one in spent.verdicts}


def test_the_policy_has_twenty_conditions_that_ask_for_customer_and_invoice() -> None:
    conditions = [one.criteria.when.text for one in bench.bench_policy().segments]

    assert 20 == len(set(conditions))
    assert all("customer." in text and "invoice." in text for text in conditions)


def test_a_day_changes_one_of_a_hundred_each_of_another_customer() -> None:
    book = bench.Book(invoices=100_000, customers=4_000)
    changed = list(book.changed())

    assert (1000, 1000, 1000) == (len(changed), len(set(changed)), len({one % book.customers for one in changed}))
    assert max(changed) < book.invoices


def test_verdicts_are_stored() -> None:
    spent = bench.decide(BOOK, bench.bench_policy(), BOOK.by_customer(range(40)))

    assert bench.store(spent.verdicts) > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deciding all, cold", 16.0),
        ("of it suppression", 3.0),
        ("invoices decided a second", 6250.0),
        ("a day with 1 % changed", 0.32),
        ("such a day / deciding all", 2.0),
        ("such a day, of its share", 2.0),
        ("storing / deciding all", 0.5),
    ],
)
def test_each_figure_is_what_its_name_says(name: str, value: float) -> None:
    (row,) = [row for row in bench.rows(MEASURED) if row.name == name]

    assert row.value == pytest.approx(value)


def test_an_aim_holds_up_to_its_figure_and_not_beyond() -> None:
    def holds(found: Any) -> list[bool]:
        return [row.holds for row in bench.rows(found) if row.aim_max is not None]

    assert [True, True] == holds(replace(MEASURED, cold_seconds=20.0))
    assert [False, True] == holds(replace(MEASURED, cold_seconds=20.1))
    assert [True, False] == holds(replace(MEASURED, changed_seconds=0.81))


def test_programs_get_all_figures_in_one_object() -> None:
    told = json.loads(json.dumps(bench.as_json(MEASURED, {"cores": 2})))

    assert [row.name for row in bench.rows(MEASURED)] == [one["name"] for one in told["figures"]]
    assert (20, 100_000) == (told["segments"], told["invoices"])
