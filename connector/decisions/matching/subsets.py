"""How many ways are there to make up a sum? Counted exactly, by meeting in the middle.

Amounts are positive minor units. The work grows with 2 to the half of the count, so callers bound the count.
A subset is a tuple of ascending positions; the empty one is never meant.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence

# Past this the two halves no longer fit into memory and time of one decision.
CANDIDATES_MAX = 40


def count(amounts: Sequence[int], target: int) -> int:
    """How many subsets add up to exactly this?"""
    if target <= 0:
        return 0
    left, right = _halves(amounts)
    found = Counter(right)
    return sum(found[target - amount] for amount in left)


def count_within(amounts: Sequence[int], low: int, high: int) -> int:
    """How many subsets add up to something from `low` to `high`, both included? `low` must be above zero."""
    left, right = _halves(amounts)
    right.sort()
    return sum(bisect_right(right, high - amount) - bisect_left(right, low - amount) for amount in left)


def find(amounts: Sequence[int], target: int, found_max: int) -> tuple[tuple[int, ...], ...]:
    """Up to `found_max` subsets that add up to exactly this, smallest sets first among those found."""
    if target <= 0:
        return ()
    left, right = _halves(amounts)
    masks: dict[int, list[int]] = defaultdict(list)
    for mask, amount in enumerate(right):
        masks[amount].append(mask)
    shift = len(amounts) // 2
    found: list[tuple[int, ...]] = []
    for low, amount in enumerate(left):
        for high in masks.get(target - amount, ()):
            mask = low | high << shift
            found.append(tuple(position for position in range(len(amounts)) if mask >> position & 1))
            if len(found) == found_max:
                return tuple(sorted(found, key=lambda subset: (len(subset), subset)))
    return tuple(sorted(found, key=lambda subset: (len(subset), subset)))


def _halves(amounts: Sequence[int]) -> tuple[list[int], list[int]]:
    """The sums of all subsets of each half; a sum's position is the bit mask of its subset."""
    if len(amounts) > CANDIDATES_MAX:
        raise ValueError(f"{len(amounts)} amounts are too many to count; the bound is {CANDIDATES_MAX}")
    if any(amount <= 0 for amount in amounts):
        raise ValueError("only positive amounts can be counted")
    middle = len(amounts) // 2
    return _sums(amounts[:middle]), _sums(amounts[middle:])


def _sums(amounts: Sequence[int]) -> list[int]:
    sums = [0]
    for amount in amounts:
        sums += [known + amount for known in sums]
    return sums
