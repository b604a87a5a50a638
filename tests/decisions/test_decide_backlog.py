"""Was this invoice overdue before sending was switched on, or during a long outage?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from decision_cases import invoice
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import backlog
from connector.decisions.backlog import BacklogOutcome

# Monday 2026-11-02 is the day of the decision unless said; the outage bound is 3 business days.
MON_2 = date(2026, 11, 2)
FRI_30, THU_29, WED_28, TUE_27, MON_26 = (MON_2 - timedelta(days=n) for n in (3, 4, 5, 6, 7))
SWITCHED_ON = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("due_on", "first_seen_on", "auto_since", "last_tick_on", "outcome"),
    [
        # due                first seen           auto since   last tick  outcome
        (date(2026, 11, 9), date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        (MON_2, date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        (date(2026, 9, 30), date(2026, 9, 1), SWITCHED_ON, MON_2, "overdue_at_switch"),
        (date(2026, 10, 1), date(2026, 9, 1), SWITCHED_ON, MON_2, "current"),
        # Not switched on yet: as if today, so that shadow shows what would happen.
        (FRI_30, date(2026, 9, 1), None, MON_2, "overdue_at_switch"),
        # An old book that came into sight late; due on receipt and read the next week is not one.
        (date(2026, 10, 5), FRI_30, SWITCHED_ON, MON_2, "overdue_at_first_sight"),
        (MON_26, FRI_30, SWITCHED_ON, MON_2, "current"),
        (date(2026, 10, 23), FRI_30, SWITCHED_ON, MON_2, "overdue_at_first_sight"),
        # Four whole business days without a tick, Tuesday to Friday.
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, MON_26, "overdue_after_outage"),
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, TUE_27, "current"),
        (MON_2, date(2026, 9, 1), SWITCHED_ON, MON_26, "current"),
        (FRI_30, date(2026, 9, 1), SWITCHED_ON, None, "current"),
        # Precedence: two or three at once.
        (date(2026, 9, 1), MON_26, SWITCHED_ON, MON_26, "overdue_at_switch"),
        (date(2026, 10, 5), FRI_30, SWITCHED_ON, MON_26, "overdue_at_first_sight"),
    ],
)
def test_what_enters_the_backlog(due_on, first_seen_on, auto_since, last_tick_on, outcome):
    verdict = backlog.decide(invoice("INV-1", "1.00", due_on=due_on), first_seen_on, auto_since, last_tick_on, MON_2, 3)

    assert outcome == verdict.outcome
    assert (outcome != "current") == bool(verdict)
    assert str(due_on) in verdict.reason or "outage" in verdict.reason


def test_every_outcome_is_named_in_the_table():
    assert {"current", "overdue_at_switch", "overdue_at_first_sight", "overdue_after_outage"} == set(BacklogOutcome)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-3, 60))
def test_business_days_are_counted_one_by_one(first, span):
    days = [first + timedelta(days=n) for n in range(1, span)]

    assert sum(day.weekday() < 5 for day in days) == backlog.business_days_between(first, first + timedelta(days=span))
