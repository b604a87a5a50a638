"""How customers pay, by the ERP's past: each figure on both sides of its boundary, and on a real ledger."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.money import Money
from connector.paying import TREND_DAYS, Tally, histories, tallies
from connector.receivables import PaymentHistory, Trend
from connector.settlement import ArDocument, DocumentKind

TODAY = date(2026, 11, 23)
LEDGER = Path(__file__).resolve().parents[3] / "shared" / "data" / "receivables" / "invoices.csv"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def bill(settled: int | None, late: int = 0, *, issued: int | None = None, **more: object) -> ArDocument:
    """An invoice settled so many days ago and so many days late; issued a month before it was due unless said."""
    closed_on = None if settled is None else ago(settled)
    due_on = (closed_on or TODAY) - timedelta(days=late)
    on = ago(issued) if issued is not None else due_on - timedelta(days=30)
    given: dict[str, object] = {"id": "1", "number": "INV-1", "kind": DocumentKind.INVOICE, "customer_id": "C1"}
    given |= {"subsidiary": "1", "on": on, "amount": Money.of("100.00", "USD"), "due_on": due_on}
    return ArDocument(**(given | {"closed_on": closed_on} | more))  # type: ignore[arg-type]


def history(*documents: ArDocument) -> PaymentHistory:
    return histories(documents, TODAY).get("C1", PaymentHistory())


@pytest.mark.parametrize(
    ("settled", "late", "in_year", "late_in_quarter", "late_in_year"),
    [
        # settled today, tomorrow (which nobody knows yet), 89 and 90 days ago
        (0, 1, 1, 1, 1),
        (-1, 1, 0, 0, 0),
        (89, 1, 1, 1, 1),
        (90, 1, 1, 0, 1),
        # 364 and 365 days ago
        (364, 1, 1, 0, 1),
        (365, 1, 0, 0, 0),
        # on the due day, the day before, the day after
        (10, 0, 1, 0, 0),
        (10, -1, 1, 0, 0),
        (10, 1, 1, 1, 1),
        (None, 0, 0, 0, 0),
    ],
)
def test_what_is_settled_and_what_is_late(settled, late, in_year, late_in_quarter, late_in_year):
    found = history(bill(settled, late))

    assert (in_year, late_in_quarter, late_in_year) == (
        found.settled_count,
        found.late_last_quarter,
        found.late_last_year,
    )


@pytest.mark.parametrize(
    ("days_late", "expected"),
    [
        ([], None),
        ([0], "0.0"),
        ([-10], "-10.0"),
        ([-10, 30], "10.0"),  # early and late make up for each other
        ([1, 1, 2], "1.3"),
        ([1, 2, 2], "1.7"),
        ([0, 0, 0, 1], "0.2"),  # a half goes to the even tenth
        ([0, 0, 0, 3], "0.8"),
    ],
)
def test_the_average_is_told_to_one_decimal(days_late, expected):
    found = history(*(bill(20, days) for days in days_late)).average_days_late

    assert (None if expected is None else Decimal(expected)) == found
    assert found is None or -1 == found.as_tuple().exponent


@pytest.mark.parametrize(
    ("quarter", "before", "expected"),
    [
        ([10] * 3, [5] * 3, Trend.STEADY),  # five days more, which is the bound
        ([10, 10, 11], [5] * 3, Trend.WORSE),
        ([5] * 3, [10] * 3, Trend.STEADY),
        ([5] * 3, [10, 10, 11], Trend.BETTER),
        ([40] * 3, [0] * 3, Trend.WORSE),
        ([0] * 7, [40] * 3, Trend.BETTER),
        ([40] * 2, [0] * 3, Trend.UNKNOWN),
        ([40] * 3, [0] * 2, Trend.UNKNOWN),
        ([], [0] * 9, Trend.UNKNOWN),
        ([], [], Trend.UNKNOWN),
    ],
)
def test_the_trend(quarter, before, expected):
    documents = [bill(20, late) for late in quarter] + [bill(120, late) for late in before]

    assert expected == history(*documents).trend


@pytest.mark.parametrize(
    ("settled", "side"), [(89, "quarter"), (90, "before"), (364, "before"), (365, ""), (0, "quarter"), (-1, "")]
)
def test_the_two_spans_of_the_trend_touch_and_do_not_overlap(settled, side):
    (tally,) = tallies([bill(settled, 1)], TODAY).values()

    assert {"quarter": (1, 0), "before": (0, 1), "": (0, 0)}[side] == (tally.quarter.count, tally.before.count)


@pytest.mark.parametrize(
    ("issued", "disputed", "expected"), [(0, True, 1), (-1, True, 0), (364, True, 1), (365, True, 0), (10, False, 0)]
)
def test_disputes_count_by_the_day_of_issue_also_of_open_invoices(issued, disputed, expected):
    for closed_on in (None, TODAY):
        document = replace(bill(0, issued=issued), was_disputed=disputed, closed_on=closed_on)
        assert expected == history(document).disputes_last_year


def test_the_first_invoice_is_the_earliest_issued_open_or_not():
    documents = [bill(20, issued=60), bill(None, issued=500), bill(30, issued=90)]

    assert ago(500) == history(*documents).first_invoiced_on


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": DocumentKind.CREDIT_MEMO},
        {"kind": DocumentKind.PAYMENT},
        {"kind": DocumentKind.WRITE_OFF},
        {"kind": DocumentKind.OTHER},
        {"customer_id": ""},
        {"amount": Money.zero("USD")},  # nobody pays it: it settles itself on the day of issue
        {"on": TODAY + timedelta(days=1)},
    ],
)
def test_what_is_no_invoice_of_a_customer_says_nothing_of_how_it_pays(changes):
    assert {} == histories([replace(bill(20, 10), **changes)], TODAY)


def test_an_invoice_without_a_due_day_is_no_proof_of_lateness():
    found = history(replace(bill(20, 10), due_on=None, on=ago(70), was_disputed=True))

    assert PaymentHistory(disputes_last_year=1, first_invoiced_on=ago(70)) == found


# ---- properties ----

DOCUMENTS = st.lists(
    st.builds(
        lambda settled, late, issued, customer, disputed: replace(
            bill(settled, late, issued=issued), customer_id=customer, was_disputed=disputed
        ),
        st.none() | st.integers(-5, 400),
        st.integers(-40, 200),
        st.integers(-5, 450),
        st.sampled_from(["C1", "C2", "C3"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(DOCUMENTS, st.randoms())
def test_the_order_of_the_documents_changes_nothing(documents, random):
    shuffled = list(documents)
    random.shuffle(shuffled)

    assert histories(documents, TODAY) == histories(shuffled, TODAY)


@given(DOCUMENTS)
def test_tallies_of_customers_add_up_to_that_of_all_documents(documents):
    """A family's average is of all its invoices, not of its members' averages."""
    family = [replace(one, customer_id="F") for one in documents]
    added = sum(tallies(documents, TODAY).values(), Tally())

    assert histories(family, TODAY).get("F", PaymentHistory()) == added.history()


@given(DOCUMENTS)
def test_a_late_invoice_more_is_never_better(documents):
    before = history(*documents)
    after = history(*documents, bill(10, 200))

    assert before.late_last_quarter + 1 == after.late_last_quarter
    assert before.late_last_year + 1 == after.late_last_year
    assert before.average_days_late is None or before.average_days_late <= (after.average_days_late or 0)


@given(DOCUMENTS)
def test_the_counts_are_in_one_another(documents):
    for one in histories(documents, TODAY).values():
        assert 0 <= one.late_last_quarter <= one.late_last_year <= one.settled_count
        assert (one.average_days_late is None) == (one.settled_count == 0)


# ---- a real ledger ----


def ledger() -> list[ArDocument]:
    if not LEDGER.exists():
        pytest.skip(f"there is no {LEDGER.name} of a real ledger beside the project")
    with LEDGER.open(newline="") as file:
        return [
            ArDocument(
                id=row["invoice_number"],
                number=row["invoice_number"],
                kind=DocumentKind.INVOICE,
                customer_id=row["customer_id"],
                subsidiary="",
                on=date.fromisoformat(row["issued_on"]),
                amount=Money.of(row["amount"], row["currency"]),
                due_on=date.fromisoformat(row["due_on"]),
                closed_on=date.fromisoformat(row["settled_on"]),
                was_disputed=row["disputed"] == "yes",
            )
            for row in csv.DictReader(file)
        ]


def slowly(documents: list[ArDocument], on: date) -> dict[str, tuple[int, Fraction | None, int, int, str, int]]:
    """The same by lists and fractions, written from the definitions."""
    by_customer = defaultdict(list)
    for one in documents:
        if one.on <= on:
            by_customer[one.customer_id].append(one)
    found = {}
    for customer_id, some in by_customer.items():
        late = [((one.closed_on - one.due_on).days, (on - one.closed_on).days) for one in some if one.closed_on <= on]
        quarter, rest = ([days for days, age in late if lo <= age < hi] for lo, hi in ((0, 90), (90, 365)))
        year = quarter + rest
        trend = "unknown"
        if len(quarter) >= 3 and len(rest) >= 3:
            moved = Fraction(sum(quarter), len(quarter)) - Fraction(sum(rest), len(rest))
            trend = "worse" if moved > TREND_DAYS else "better" if moved < -TREND_DAYS else "steady"
        disputes = sum(one.was_disputed and (on - one.on).days < 365 for one in some)
        average = Fraction(sum(year), len(year)) if year else None
        late_counts = (sum(days > 0 for days in quarter), sum(days > 0 for days in year))
        found[customer_id] = (len(year), average, *late_counts, trend, disputes)
    return found


@pytest.mark.parametrize("on", ["2012-06-30", "2013-03-31", "2013-12-02", "2014-01-15"])
def test_a_real_ledger_of_a_hundred_customers(on):
    documents, day = ledger(), date.fromisoformat(on)

    found, expected = histories(documents, day), slowly(documents, day)

    assert {
        customer_id: (count, late_quarter, late_year, trend, disputes)
        for customer_id, (count, _, late_quarter, late_year, trend, disputes) in expected.items()
    } == {
        customer_id: (
            one.settled_count, one.late_last_quarter, one.late_last_year, str(one.trend), one.disputes_last_year
        )
        for customer_id, one in found.items()
    }  # fmt: skip
    for customer_id, one in found.items():
        average = expected[customer_id][1]
        assert average is None or abs(Fraction(one.average_days_late or 0) - average) <= Fraction(1, 20)


def test_what_the_real_ledger_says_at_the_end_of_its_second_year():
    found = histories(ledger(), date(2013, 12, 2))
    trends = Counter(str(one.trend) for one in found.values())

    assert {"steady": 39, "unknown": 46, "better": 11, "worse": 4} == trends
    assert (1309, 427, 83, 302) == tuple(
        sum(getattr(one, name) for one in found.values())
        for name in ("settled_count", "late_last_year", "late_last_quarter", "disputes_last_year")
    )
