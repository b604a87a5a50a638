"""On which day may something be posted?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.settlement import Period, first_open_on, why_closed

AUGUST, SEPTEMBER, OCTOBER = (
    Period("Aug 2026", date(2026, 8, 1), date(2026, 8, 31), is_locked=False),
    Period("Sep 2026", date(2026, 9, 1), date(2026, 9, 30), is_locked=True),
    Period("Oct 2026", date(2026, 10, 1), date(2026, 10, 31), is_locked=False),
)
ALL = (AUGUST, SEPTEMBER, OCTOBER)
WEEK = Period("week 35", date(2026, 8, 24), date(2026, 8, 30), is_locked=True)


@pytest.mark.parametrize(
    ("periods", "day", "today", "expected"),
    [
        (ALL, date(2026, 8, 31), date(2026, 10, 5), date(2026, 8, 31)),
        (ALL, date(2026, 9, 1), date(2026, 10, 5), date(2026, 10, 1)),
        (ALL, date(2026, 9, 30), date(2026, 10, 5), date(2026, 10, 1)),
        (ALL, date(2026, 10, 1), date(2026, 10, 5), date(2026, 10, 1)),
        # The first open period begins tomorrow.
        (ALL, date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 1)),
        (ALL, date(2026, 9, 30), date(2026, 9, 30), None),
        # No period covers it: older than what was read, or not set up yet.
        (ALL, date(2026, 7, 31), date(2026, 10, 5), date(2026, 8, 1)),
        (ALL, date(2026, 11, 1), date(2026, 11, 1), None),
        ((), date(2026, 9, 30), date(2026, 9, 30), date(2026, 9, 30)),
        # A day in two periods, one of them closed.
        ((*ALL, WEEK), date(2026, 8, 24), date(2026, 10, 5), date(2026, 10, 1)),
    ],
)
def test_the_day_or_the_first_day_of_the_first_open_period(periods, day, today, expected):
    assert expected == first_open_on(periods, day, today)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 9, 30), "2026-09-30 lies in Sep 2026, which is closed"),
        (date(2026, 11, 1), "no accounting period of the ERP covers 2026-11-01"),
    ],
)
def test_why_is_said_with_the_periods_name(day, words):
    assert words == why_closed(ALL, day)


@given(
    st.lists(st.booleans(), min_size=1, max_size=24),
    st.integers(-40, 800),
    st.integers(0, 800),
    st.randoms(use_true_random=False),
)
def test_money_is_never_posted_before_its_day_nor_into_a_closed_period(locked, offset, ahead, order):
    start = date(2025, 1, 1)
    periods = [
        Period(f"P{n}", start + timedelta(days=30 * n), start + timedelta(days=30 * n + 29), is_locked=one)
        for n, one in enumerate(locked)
    ]
    day = start + timedelta(days=offset)
    today = day + timedelta(days=ahead)
    order.shuffle(periods)
    found = first_open_on(periods, day, today)
    open_days = [max(day, period.first_on) for period in periods if not period.is_locked and period.last_on >= day]

    assert found == min((on for on in open_days if on <= today), default=None)
