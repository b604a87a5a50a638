"""The bench's arithmetic: which figure is divided by which, and when an aim holds. Nothing here looks at a time."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))  # scripts are no package
bench: Any = importlib.import_module("bench")
table: Any = importlib.import_module("bench_table")


def phase(seconds: float, soap: int, suiteql: int, stripe: int, loops: int = 0, **steps: float) -> Any:
    requests = {"netsuite_soap": soap, "netsuite_suiteql": suiteql, "stripe": stripe}
    return table.Phase(seconds, steps, requests, loops)


MEASURED = table.Measured(
    invoices=1000,
    customers=40,
    first=phase(30.0, 100, 50, 3, read_invoices=6.0, plan_reminders=4.0, write_flags=20.0),
    quiet=phase(0.2, 0, 2, 3),
    changed=phase(1.0, 1, 5, 3),
    changed_count=10,
    single=phase(0.5, 3, 7, 5, 1),
    bulk=phase(20.0, 60, 16, 24, 500),
    suppressed_ms=(30.0, 50.0, 90.0),
    peak_mb=500.0,
    book_bytes=5_000_000,
    bulk_bytes=4_000_000,
)


def figure(found: Any, name: str) -> Any:
    (row,) = [row for row in table.rows(found) if row.name == name]
    return row


@pytest.mark.parametrize(
    "name, value",
    [
        ("first pull", 10.0),  # reading and planning; writing is no part of it
        ("first tick, whole", 30.0),
        ("quiet tick / first pull", 2.0),
        ("tick with 1 % changed / first pull", 10.0),
        ("store, the open book", 5.0),
        ("store, each loop closed", 8.0),
        ("one act: ERP round trips", 3.0),
        ("one payment: requests beyond a quiet tick", 3.0 + 5.0 + 2.0),
        ("in bulk: requests a loop", 0.2),
        ("in bulk: ERP requests a loop", 0.152),
        ("in bulk: loops closed a second", 25.0),
        ("event read -> suppressed, median", 50.0),
        ("event read -> suppressed, worst", 90.0),
    ],
)
def test_each_figure_is_what_its_name_says(name: str, value: float) -> None:
    assert figure(MEASURED, name).value == pytest.approx(value)


@pytest.mark.parametrize(
    "name, beyond",
    [
        ("quiet tick / first pull", {"quiet": phase(0.201, 0, 2, 3)}),
        ("peak memory of the connector", {"peak_mb": 500.1}),
        ("one act: ERP round trips", {"single": phase(0.5, 4, 7, 5, 1)}),
        ("in bulk: requests a loop", {"bulk": phase(20.0, 60, 16, 25, 500)}),
        ("event read -> suppressed, median", {"suppressed_ms": (30.0, 50.1, 90.0)}),
    ],
)
def test_an_aim_holds_up_to_its_figure_and_not_beyond(name: str, beyond: dict[str, Any]) -> None:
    assert figure(MEASURED, name).holds is True
    assert figure(replace(MEASURED, **beyond), name).holds is False


def test_a_figure_without_an_aim_neither_holds_nor_not() -> None:
    assert figure(MEASURED, "first pull").holds is None


def counted(measured: Any, **spent: tuple[int, int]) -> Any:
    """The same with what the ERP's contract counts: reads and writes of each phase."""
    phases = {name: replace(getattr(measured, name), counted=dict(zip(("reads", "writes"), given, strict=True)))
              for name, given in spent.items()}  # fmt: skip
    return replace(measured, **phases)


def test_an_erp_that_counts_has_what_a_loop_and_a_months_quiet_ticks_spend() -> None:
    found = counted(MEASURED, quiet=(10, 0), single=(21, 4), bulk=(400, 1750))

    assert figure(found, "one loop: counted ERP writes").holds is True
    assert figure(found, "in bulk: counted ERP writes a loop").value == pytest.approx(3.5)
    assert figure(found, "in bulk: counted ERP reads a loop").value == pytest.approx(0.8)
    assert figure(found, "quiet ticks of a month: counted").value == 10 * 4 * 24 * 30
    beyond = counted(MEASURED, quiet=(35, 0), single=(21, 5), bulk=(400, 2001))
    aims = ["one loop: counted ERP writes", "in bulk: counted ERP writes a loop", "quiet ticks of a month: counted"]
    assert [False] * 3 == [figure(beyond, name).holds for name in aims]


def test_an_erp_that_counts_nothing_has_no_such_figures() -> None:
    assert [] == [row.name for row in table.rows(MEASURED) if "counted" in row.name]


def test_one_disturbed_tick_of_several_does_not_count() -> None:
    ticks = [phase(seconds, soap, 2, 3, carry_out=seconds / 2) for seconds, soap in ((0.2, 0), (9.0, 8), (0.4, 0))]

    middle = table.median_phase(ticks)

    assert (middle.seconds, middle.steps["carry_out"], middle.requests["netsuite_soap"]) == (0.4, 0.2, 0)


def test_the_book_has_every_fifth_invoice_overdue_and_nothing_due_on_the_day() -> None:
    book = bench.Book(invoices=1000, customers=40)
    days_to_go = [(book.due_on(index) - bench.NOW.date()).days for index in range(book.invoices)]

    assert 200 == sum(days < 0 for days in days_to_go)
    # A reminder falls due a week before the due date at the earliest.
    assert all(days < 0 or days > 7 for days in days_to_go)
    assert 40 == len({book.customer(index) for index in range(book.invoices)})


def test_programs_get_all_figures_in_one_object() -> None:
    told = json.loads(json.dumps(table.as_json(MEASURED, {"cores": 2})))

    assert [row.name for row in table.rows(MEASURED)] == [one["name"] for one in told["figures"]]
    assert told["steps"]["first"]["write_flags"] == 20.0
