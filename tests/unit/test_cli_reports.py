"""A report as JSON: exact amounts, ISO days, the field names as keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.money import Money
from connector.policy import Switch
from connector.reports import TickReport, as_json, plain


@dataclass(frozen=True, slots=True)
class Sample:
    amount: Money
    on: date
    parts: tuple[Money, ...] = ()


# value -> what JSON holds
TABLE: list[tuple[object, Any]] = [
    (Money(4500000, "USD"), {"amount": "45000.00", "currency": "USD"}),
    (Money(-5, "USD"), {"amount": "-0.05", "currency": "USD"}),
    (Money(500, "JPY"), {"amount": "500", "currency": "JPY"}),
    (Money(1, "BHD"), {"amount": "0.001", "currency": "BHD"}),
    (date(2026, 1, 2), "2026-01-02"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    (Decimal("1E+3"), "1000"),
    (Switch.AUTO, "auto"),
    (Path("a/b"), "a/b"),
    (None, None),
    ({"a": (1, True)}, {"a": [1, True]}),
    (
        Sample(Money(1, "USD"), date(2026, 1, 2), (Money(2, "USD"),)),
        {
            "amount": {"amount": "0.01", "currency": "USD"},
            "on": "2026-01-02",
            "parts": [{"amount": "0.02", "currency": "USD"}],
        },
    ),
]


@pytest.mark.parametrize(("value", "expected"), TABLE, ids=[str(value)[:30] for value, _ in TABLE])
def test_a_value_keeps_its_meaning_in_json(value: object, expected: object) -> None:
    assert expected == plain(value)
    assert expected == json.loads(as_json(value))


def test_the_keys_of_a_report_are_its_fields_in_order() -> None:
    assert list(TickReport.__dataclass_fields__) == list(json.loads(as_json(TickReport())))
