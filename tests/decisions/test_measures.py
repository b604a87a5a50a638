"""The measures of RULES 6, worked by hand."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from decision_cases import DUE_ON, invoice, usd

from connector import measures
from connector.measures import AgeingBucket, Paused, PausedAge
from connector.money import Money, MoneyError
from connector.receivables import InvoiceStatus, PauseKind

LEDGER = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "receivables" / "invoices.csv"


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-40, "current"), (0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"),
        (90, "61-90"), (91, "over 90"), (900, "over 90"),
    ],
)  # fmt: skip
def test_the_ageing_bucket_follows_the_days_past_due(days, bucket):
    assert AgeingBucket(bucket) is measures.bucket(days)


def test_ageing_counts_and_sums_open_balances_by_currency():
    book = [
        invoice("INV-1", "10.00"),
        invoice("INV-2", "20.00", amount="90.00"),
        invoice("INV-3", "5.00", due_on=DUE_ON - timedelta(days=100)),
        invoice("INV-4", "0.00", status=InvoiceStatus.PAID),
        invoice("INV-5", "700", currency="JPY", due_on=DUE_ON + timedelta(days=30)),
    ]
    lines = measures.ageing(book, DUE_ON + timedelta(days=7))
    filled = [(line.currency, str(line.bucket), line.count, str(line.total)) for line in lines if line.count]

    assert 10 == len(lines)
    assert [
        ("JPY", "current", 1, "700 JPY"),
        ("USD", "1-30", 2, "30.00 USD"),
        ("USD", "over 90", 1, "5.00 USD"),
    ] == filled


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, "0-7"), (0, "0-7"), (7, "0-7"), (8, "8-30"), (30, "8-30"), (31, "31-60"), (60, "31-60"), (61, "over 60"),
        (900, "over 60"),
    ],
)  # fmt: skip
def test_the_age_of_a_pause_is_counted_from_the_day_on_which_it_began(days, age):
    assert PausedAge(age) is measures.paused_age(days)


def test_paused_value_is_summed_by_kind_currency_and_age_with_what_is_lacking():
    def paused(days, amount, kind=PauseKind.USAGE, *lacking):
        has = {name: name not in lacking for name in ("has_owner", "has_end")}
        return Paused(kind, DUE_ON - timedelta(days=days), amount, **has, is_past_end="past" in lacking)

    lines = measures.paused_value(
        [
            paused(7, usd("1.00")),
            paused(8, usd("2.00")),
            paused(30, usd("4.00"), PauseKind.USAGE, "has_owner"),
            paused(31, usd("8.00"), PauseKind.USAGE, "has_owner", "has_end"),
            paused(61, usd("16.00"), PauseKind.USAGE, "past"),
            paused(0, Money(700, "JPY")),
            paused(0, usd("32.00"), PauseKind.DISPUTE),
        ],
        DUE_ON,
    )

    assert [
        ("dispute", "USD", 1, ["32.00", "0.00", "0.00", "0.00"], "32.00 USD", (0, 0, 0)),
        ("usage", "JPY", 1, ["700", "0", "0", "0"], "700 JPY", (0, 0, 0)),
        ("usage", "USD", 5, ["1.00", "6.00", "8.00", "16.00"], "31.00 USD", (2, 1, 1)),
    ] == [
        (
            *(one.kind.value, one.currency, one.count, [age.plain() for age in one.by_age], str(one.total)),
            (one.without_owner, one.without_end, one.past_end),
        )
        for one in lines
    ]


def test_dso_is_closing_ar_over_sales_times_days():
    assert Fraction(45) == measures.dso(usd("150.00"), usd("300.00"), 90).value
    assert Fraction(30) == measures.best_possible_dso(usd("100.00"), usd("300.00"), 90).value


@pytest.mark.parametrize(
    ("closing", "months", "days"),
    [
        ("0.00", [(30, "100.00")], Fraction(0)),
        ("50.00", [(30, "100.00")], Fraction(15)),
        ("100.00", [(30, "100.00")], Fraction(30)),
        ("150.00", [(30, "100.00"), (31, "200.00")], Fraction(30) + Fraction(31, 4)),
        ("150.00", [(30, "100.00"), (31, "0.00"), (30, "100.00")], Fraction(61 + 15)),
        ("150.00", [(30, "100.00"), (31, "-20.00"), (30, "100.00")], Fraction(61 + 15)),
        ("150.00", [(30, "100.00")], None),
        ("150.00", [], None),
    ],
)
def test_countback_consumes_ar_by_the_latest_months_first(closing, months, days):
    assert days == measures.dso_countback(usd(closing), [(n, usd(sales)) for n, sales in months]).value


def test_cei_is_what_was_collected_of_what_could_be():
    verdict = measures.cei(usd("100.00"), usd("200.00"), usd("120.00"), usd("60.00"))

    assert Fraction(75) == verdict.value
    assert Decimal("75.00") == verdict.rounded()


@pytest.mark.parametrize(
    "measure",
    [
        measures.dso(usd("1.00"), usd("0.00"), 30),
        measures.cei(usd("0.00"), usd("5.00"), usd("5.00"), usd("5.00")),
        measures.cei_without_write_offs(usd("0.00"), usd("5.00"), usd("5.00"), usd("5.00"), usd("1.00")),
        measures.average_days_delinquent(usd("1.00"), usd("1.00"), usd("0.00"), 30),
        measures.bad_debt_to_sales(usd("1.00"), usd("0.00")),
        measures.bad_debt_to_ar(usd("1.00"), usd("5.00"), usd("-5.00")),
        measures.dispute_rate(0, 0),
        measures.dispute_rate_by_value(usd("0.00"), usd("0.00")),
        measures.share(usd("0.00"), usd("0.00")),
        measures.suggested_rate(0, 0),
        measures.match_rate(0, 0),
        measures.suppression_latency([], 95),
        measures.mean_days_to_pay([]),
        measures.share_paid_late([]),
    ],
)
def test_nothing_to_measure_is_not_available_and_never_zero(measure):
    assert measure.value is None
    assert measure.rounded() is None
    assert measure.formula
    assert measure.unit


def test_the_match_rate_and_the_shares_are_exact():
    late = measures.share_paid_late([(DUE_ON, DUE_ON), (DUE_ON, DUE_ON + timedelta(days=1)), (DUE_ON, DUE_ON)])

    assert Fraction(200, 3) == measures.match_rate(2, 3).value
    assert (Fraction(100, 3), Decimal("33.33")) == (late.value, late.rounded())
    assert Fraction(1, 2) == measures.mean_days_to_pay([(DUE_ON, DUE_ON), (DUE_ON, DUE_ON + timedelta(days=1))]).value


@pytest.mark.parametrize(("percent", "seconds"), [(1, 1), (50, 2), (75, 3), (76, 4), (100, 4)])
def test_the_latency_percentile_is_a_latency_that_happened(percent, seconds):
    latencies = [timedelta(seconds=n) for n in (4, 1, 3, 2)]

    assert seconds == measures.suppression_latency(latencies, percent).value


def test_a_percentile_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="percentile"):
        measures.suppression_latency([timedelta(1)], 0)


def test_two_currencies_make_no_ratio():
    with pytest.raises(MoneyError, match="currencies differ"):
        measures.dso(usd("1.00"), invoice("INV-1", "1.00", currency="EUR").balance, 30)


def test_what_was_written_off_is_not_collected():
    collected = measures.cei_without_write_offs(usd("100.00"), usd("200.00"), usd("120.00"), usd("60.00"), usd("24.00"))

    assert Fraction(65) == collected.value
    assert Fraction(12) == measures.bad_debt_to_sales(usd("24.00"), usd("200.00")).value
    assert Fraction(2400, 110) == measures.bad_debt_to_ar(usd("24.00"), usd("100.00"), usd("120.00")).value


def test_days_delinquent_are_what_is_left_of_dso_above_the_best_possible():
    figures = usd("150.00"), usd("100.00"), usd("300.00")

    assert Fraction(15) == measures.average_days_delinquent(*figures, 90).value


def test_days_to_pay_of_a_real_shaped_ledger_equal_a_plain_pass_over_the_file():
    if not LEDGER.exists():
        pytest.skip("the shared ledger is not here")
    with LEDGER.open(newline="") as file:
        rows = [
            [date.fromisoformat(row[c]) for c in ("issued_on", "due_on", "settled_on")] for row in csv.DictReader(file)
        ]
    days = late = 0
    for issued_on, due_on, settled_on in rows:
        days += (settled_on - issued_on).days
        late += settled_on > due_on

    assert Fraction(days, len(rows)) == measures.mean_days_to_pay((i, s) for i, _, s in rows).value
    assert Fraction(late * 100, len(rows)) == measures.share_paid_late((d, s) for _, d, s in rows).value
