"""May anything leave, or be posted, now at all?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from statistics import median

import pytest
from decision_cases import POLICY
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import limits
from connector.policy import Calendar


@pytest.mark.parametrize(
    ("on", "frozen"),
    [
        (date(2026, 9, 30), False),
        (date(2026, 10, 1), True),
        (date(2026, 10, 3), True),
        (date(2026, 10, 4), False),
        (date(2027, 1, 4), True),
    ],
)
def test_nothing_is_posted_from_the_first_to_the_last_day_of_a_freeze(on, frozen):
    closing = ((date(2026, 10, 1), date(2026, 10, 3)), (date(2027, 1, 4), date(2027, 1, 4)))
    told = limits.why_frozen(Calendar(no_posting=closing), on)

    assert frozen == bool(told)
    assert not frozen or "no_posting" in told


@pytest.mark.parametrize(
    ("count", "earlier", "most"),
    [
        # A new installation has no ordinary day yet.
        (20, [], None),
        (21, [], 20),
        (21, [3, 4, 5], 20),
        (30, [10, 10, 10], None),
        (31, [10, 10, 10], 30),
        # Days without any say nothing about what is ordinary.
        (31, [10, 0, 10, 0, 0, 0, 10], 30),
        (37, [10, 15], None),
        (38, [10, 15], 37),
        # One wild day moves it little.
        (36, [10, 12, 4000], None),
        (37, [10, 12, 4000], 36),
    ],
)
def test_more_than_three_times_an_ordinary_day_waits_for_a_person(count, earlier, most):
    told = limits.why_too_many("mails", count, earlier, POLICY)

    assert (most is not None) == bool(told)
    assert most is None or f"{count} mails in one day are more than {most}," in told


@given(st.integers(0, 500), st.lists(st.integers(0, 200), max_size=30), st.integers(1, 5), st.integers(0, 40))
def test_the_breaker_is_the_median_times_the_factor_but_never_below_the_floor(count, earlier, factor, floor):
    policy = replace(POLICY, breaker_factor=factor, breaker_at_least=floor)
    ordinary = [one for one in earlier if one]
    most = max(factor * median(ordinary) if ordinary else 0, floor)

    assert (count > most) == bool(limits.why_too_many("postings", count, earlier, policy))
