"""How many ways are there to make up a sum, and which? Checked against trying all of them.

The books are small enough to try all subsets, and of the kinds that are hard: equal amounts, credits, price lists in
whole hundreds with a few odd amounts, a few cents beside millions.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.matching import subsets
from connector.decisions.matching.subsets import Pool

ENOUGH = 10**7
PRICES = [4900, 9900, 19900, 29900, 49900, 99900]

amounts_of = st.lists(st.integers(-12, 30).filter(bool), max_size=9)


def fits(amounts: list[int], target: int) -> list[tuple[int, ...]]:
    """All of them, smallest first, by trying all subsets."""
    return [
        chosen
        for size in range(1, len(amounts) + 1)
        for chosen in combinations(range(len(amounts)), size)
        if sum(amounts[position] for position in chosen) == target
    ]


def hard_book(random: Random) -> tuple[list[int], int]:
    """Up to nine amounts of one kind, a quarter of them credits, and a sum that mostly some of them have."""
    kind = random.choice(
        [
            lambda: random.randrange(1, 20),
            lambda: random.choice(PRICES),
            lambda: 100 * random.randrange(1, 8) + random.choice([0, 0, 0, 0, 7]),
            lambda: random.randrange(1, 10**6),
            lambda: random.choice([1, 2, 3, 10**9]),
        ]
    )
    amounts = [kind() * random.choice([1, 1, 1, -1]) for _ in range(random.randrange(10))]
    some = sum(amount for amount in amounts if random.random() < 0.5)
    return amounts, some if random.random() < 0.8 else random.randrange(-50, 100)


@pytest.mark.parametrize("seed", range(20))
def test_each_of_thousands_of_hard_books_is_counted_as_by_trying_all_subsets(seed):
    random = Random(seed)
    for _ in range(150):
        amounts, target = hard_book(random)
        expected, pool = fits(amounts, target), Pool(amounts)
        told = [pool.count(target, at_most=most, work=ENOUGH) for most in (1, 2, 3, 1000)]

        assert [min(most, len(expected)) for most in (1, 2, 3, 1000)] == told, (amounts, target)
        assert min(2, len(expected)) == subsets.count(amounts, target, work=ENOUGH)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_found_fits_and_the_smallest_sets_come_first(seed):
    random = Random(1000 + seed)
    for _ in range(100):
        amounts, target = hard_book(random)
        expected = fits(amounts, target)
        found = subsets.find(amounts, target, 5, work=ENOUGH)

        assert set(found) <= set(expected)
        assert len(found) == min(5, len(expected)), (amounts, target)
        assert [len(one) for one in expected if len(one) <= 3][:5] == [len(one) for one in found if len(one) <= 3]
        if len(expected) < 50:
            assert [len(one) for one in expected[:5]] == [len(one) for one in found], (amounts, target)


@pytest.mark.parametrize("seed", range(10))
def test_work_that_does_not_suffice_is_no_answer_and_never_a_wrong_one(seed):
    random = Random(2000 + seed)
    answers = Counter()
    for _ in range(100):
        amounts, target = hard_book(random)
        expected = len(fits(amounts, target))
        for work in (0, 1, 10, 40, 100):
            told, found = (
                subsets.count(amounts, target, work=work),
                subsets.find(amounts, target, 600, work=work),
            )
            answers[told is None] += 1

            assert told in (None, min(2, expected))
            assert found is None or len(found) == expected

    assert answers[True] > 50 < answers[False]


@given(amounts_of, st.integers(-20, 120), st.randoms())
def test_the_order_of_the_amounts_never_matters(amounts, target, random):
    mixed = random.sample(amounts, len(amounts))

    def told(of: list[int]) -> list[list[int]]:
        return [sorted(of[position] for position in one) for one in subsets.find(of, target, 4, work=ENOUGH)]

    assert told(amounts) == told(mixed)
    assert subsets.count(amounts, target, work=60) == subsets.count(mixed, target, work=60)


@given(amounts_of, st.lists(st.integers(1, 120), min_size=1, max_size=4), st.integers(1, 200))
def test_no_answer_depends_on_what_was_asked_of_the_pool_before(amounts, targets, work):
    pool = Pool(amounts)
    told = [pool.count(target, work=work) for target in [*targets, *reversed(targets)]]

    assert [subsets.count(amounts, target, work=work) for target in [*targets, *reversed(targets)]] == told


@pytest.mark.parametrize(
    ("what", "amounts", "target", "expected"),
    [
        ("no amounts", [], 100, 0),
        ("no amounts make nothing", [], 0, 0),
        ("one amount", [100], 100, 1),
        ("less than the smallest", [100, 200], 99, 0),
        ("more than all", [100, 200], 301, 0),
        ("all of them", [100, 200, 400], 700, 1),
        ("all of 400", [17 * n for n in range(1, 401)], 17 * 400 * 401 // 2, 1),
        ("all but the smallest of 400", [17 * n for n in range(1, 401)], 17 * (400 * 401 // 2 - 1), 1),
        ("all but one of 400, or all but two", [17 * n for n in range(1, 401)], 17 * (400 * 401 // 2 - 3), 2),
        ("400 in whole hundreds never make cents", [100 * n for n in range(1, 401)], 12_345, 0),
        ("of 401 the only one with cents", [100 * n for n in range(1, 401)] + [33], 33, 1),
        ("a credit brings it down", [900, -150], 750, 1),
        ("only credits", [-100, -250], -350, 1),
        ("the empty set is not meant", [100, -100], 0, 1),
        ("the empty set is no set of credits either", [-100], 0, 0),
        ("twenty equal ones", [4900] * 20, 9 * 4900, 2),
        ("twenty equal ones, all taken", [4900] * 20, 20 * 4900, 1),
        ("cents beside millions", [10**9, 10**9 - 1, 3, 5], 10**9 + 8, 1),
        ("300 of a price list", PRICES * 50, 999 * 100, 2),
    ],
)
def test_boundaries(what, amounts, target, expected):
    assert expected == subsets.count(amounts, target, work=200_000), what


def test_equal_amounts_are_ambiguous_and_both_are_shown():
    assert ((0,), (2,)) == subsets.find([4900, 9900, 4900], 4900, 5, work=ENOUGH)


def test_no_more_than_asked_for_are_found():
    assert 3 == len(subsets.find([5] * 12, 30, 3, work=ENOUGH))


def test_among_very_many_the_single_one_and_the_pairs_come_first():
    random = Random(5)
    amounts = [random.randrange(10_000, 1_000_000) for _ in range(300)] + [123_456, 100_000, 23_456]

    assert [(300,), (301, 302)] == list(subsets.find(amounts, 123_456, 20, work=200_000)[:2])


def test_an_amount_of_zero_is_refused():
    with pytest.raises(ValueError, match="zero"):
        Pool([1, 0])


# --- What is to be expected by chance


def near(amounts: list[int], low: int, high: int, size: int) -> int:
    return sum(low <= sum(chosen) <= high for items in range(1, size + 1) for chosen in combinations(amounts, items))


@pytest.mark.parametrize("seed", range(8))
def test_the_expected_number_of_other_fits_is_that_of_the_sums_near_by(seed):
    """Within a seventh: amounts are taken to one part in 128, so some sets at the edges of a window fall outside."""
    random = Random(seed)
    amounts = [random.randrange(1_000, 90_000) * 2 + 1 for _ in range(16)] + [-random.randrange(1_000, 9_000) * 2 - 1]
    fit = tuple(sorted(random.sample(range(16), 3)))
    target = sum(amounts[position] for position in fit)
    wide = near(amounts, target // 2, target * 3 // 2, 3)
    narrow = near(amounts, target * 7 // 8, target * 9 // 8, 3)
    density = max(Fraction(wide, target), Fraction(narrow, target // 4))

    assert density * 85 / 100 < Pool(amounts).expected_fits(target, fit, grains=(1,)) < density * 115 / 100


@given(st.lists(st.integers(-90, 9_000).filter(bool), min_size=1, max_size=7), st.integers(-90, 9_000).filter(bool))
def test_another_amount_never_makes_a_fit_more_believable(amounts, other):
    fit = tuple(position for position, amount in enumerate(amounts) if amount > 0)[:3]
    target = sum(amounts[position] for position in fit)
    if target > 0:
        assert Pool(amounts).expected_fits(target, fit) <= Pool([*amounts, other]).expected_fits(target, fit)


def test_a_larger_set_is_the_less_believable_the_more_sets_there_are_of_its_size():
    random = Random(3)
    amounts = [random.randrange(1_000, 90_000) for _ in range(24)]
    told = [Pool(amounts).expected_fits(300_000, tuple(range(size))) for size in range(1, 15)]

    assert sorted(told) == told
    assert told[0] < Fraction(1, 1000) < told[5] < told[12] == told[13]


def test_alone_in_the_pool_nothing_else_is_to_be_expected():
    assert 0 == Pool([500_000]).expected_fits(500_000, (0,))
    assert 0 == Pool([123_457]).expected_fits(123_457, (0,))


def test_a_round_sum_of_round_amounts_proves_less_than_one_with_cents():
    """Whole hundreds meet whole hundreds; whether amounts with cents happen to be near does not matter to that."""
    round_ones = [70_000, 110_000, 230_000, 410_000, 830_000]
    odd_ones = [amount + 100 * cents + 7 for cents, amount in enumerate(round_ones)]
    fit = (0, 3, 4)

    assert Pool(round_ones).expected_fits(1_310_000, fit) > 1000 * Pool(odd_ones).expected_fits(1_310_721, fit)
    assert Pool(odd_ones).expected_fits(1_310_000, fit) < Fraction(1, 10_000)


def test_the_order_of_the_amounts_never_matters_to_what_is_expected():
    random = Random(11)
    amounts = [random.randrange(-5_000, 90_000) or 1 for _ in range(40)]
    mixed = random.sample(amounts, 40)

    assert Pool(amounts).expected_fits(123_400, ()) == Pool(mixed).expected_fits(123_400, ())


@pytest.mark.parametrize("amounts", [[1_000 + n for n in range(2_000)], [-1_000_000_000_000, 5_000, 7_000]])
def test_past_its_bounds_everything_is_to_be_expected(amounts):
    assert 1000 < Pool(amounts).expected_fits(12_345, tuple(range(len(amounts))))


def test_a_credit_far_larger_than_the_sum_makes_nothing_believable_or_not():
    assert 0 == Pool([9_900, 1_506_682, -376_670]).expected_fits(9_900, (0,))


def test_nothing_can_be_near_a_sum_of_nothing():
    with pytest.raises(ValueError, match="above zero"):
        Pool([1]).expected_fits(0, ())
