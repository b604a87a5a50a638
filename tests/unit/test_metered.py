"""What the ERP's vendor counts is added up by month, and the report says where the month is heading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from answers_cases import MONDAY, ZONE, Case, invoice

from connector import metered, standing
from connector.ports import Counted


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    made.erp.name, made.erp.is_atomic, made.erp.counted_max = "Sage Intacct", True, 100_000
    yield made
    made.store.close()


def figures(case: Case, on: date) -> dict[str, Decimal | None]:
    with case.store.read() as tx:
        return {one.name: one.value for one in metered.measures(tx, on, ZONE)}  # type: ignore[misc]


def test_each_pass_adds_what_was_counted_to_its_month(case: Case) -> None:
    today = MONDAY.astimezone(ZONE).date()
    for counted in (Counted(10, 3), Counted(5, 0)):
        case.erp.counted = counted
        case.tick()

    found = figures(case, today)

    assert (18, 15, 3) == tuple(found[f"erp_transactions{which}"] for which in ("", "_read", "_written"))
    assert 18 * 30 // today.day == found["erp_transactions_expected"]
    assert {} == figures(case, date(2026, 8, 31))


def test_writes_are_told_by_closed_loop(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", date(2026, 8, 10), date(2026, 9, 9)))
    case.pay("ch_1", "100.00", "INV-1")
    case.erp.counted = Counted(7, 4)
    case.tick()

    assert Decimal("4.0") == figures(case, MONDAY.astimezone(ZONE).date())["erp_writes_per_loop"]


def test_the_report_shows_the_budget_where_the_vendor_counts_and_else_nothing(case: Case, tmp_path: Path) -> None:
    today = MONDAY.astimezone(ZONE).date()
    case.erp.counted = Counted(1200, 34)
    case.tick()
    with case.store.read() as tx:
        shown = {one.name: one.formula for one in standing.report(tx, today, MONDAY, ZONE).measures}
    assert "of 100,000 that the tier of Sage Intacct includes in 2026-09; by our own count" == shown["erp_transactions"]

    (tmp_path / "netsuite").mkdir()
    other = Case(tmp_path / "netsuite")
    other.tick()
    assert {} == figures(other, today)
    other.store.close()
