"""How many ways are there to make up a sum? Checked against trying all of them."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.matching import subsets

amounts = st.lists(st.integers(1, 30), max_size=9)


def all_subsets(of: list[int]) -> list[tuple[int, ...]]:
    return [chosen for size in range(1, len(of) + 1) for chosen in combinations(range(len(of)), size)]


@given(amounts, st.integers(-5, 120))
def test_every_subset_with_the_sum_is_counted_once(of, target):
    expected = [chosen for chosen in all_subsets(of) if sum(of[i] for i in chosen) == target]

    assert len(expected) == subsets.count(of, target)
    assert expected == list(subsets.find(of, target, 1000))


@given(amounts, st.integers(1, 100), st.integers(0, 30))
def test_every_subset_in_the_window_is_counted_once(of, low, width):
    expected = [chosen for chosen in all_subsets(of) if low <= sum(of[i] for i in chosen) <= low + width]

    assert len(expected) == subsets.count_within(of, low, low + width)


def test_no_more_than_asked_for_are_found():
    assert 3 == len(subsets.find([5] * 12, 30, 3))


@pytest.mark.parametrize("of", [[1] * (subsets.CANDIDATES_MAX + 1), [1, 0], [1, -1]])
def test_what_can_not_be_counted_exactly_is_refused(of):
    with pytest.raises(ValueError, match="count"):
        subsets.count(of, 1)
