"""How many ways are there to make up a sum, and which? Exactly, within a bound of work.

Amounts are minor units of one currency: invoices above zero, credits below, never zero. A subset is a tuple of
ascending positions; the empty one is never meant. Build one `Pool` for one set of amounts and ask it for every
payment: what it works out about the amounts themselves is kept.

    pool = Pool(amounts)
    pool.count(money, work=...)             0, 1 or 2 ("two or more"); None: given up
    pool.find(money, 5, work=...)           the sets themselves, smallest first; None: given up
    pool.expected_fits(money, fit)          how many other sets would be this sum by mere chance

A found set is believed when it is the only one *and* few others were to be expected: `count(...) == 1` and
`expected_fits(...) * one_in < 1`. For nearly all that is open (all but a few), ask with the few: they add up to the
rest of the pool, and are as many sets: `expected_fits(pool.total - money, few)`.
Whether another payment could use one of these items: `find` its sets, with a bound, and look; as many as the bound
means that it could.

The largest amounts are tried one after the other, as the set of all sums that may be left; for the smallest, all
sums that they can make are a table. Two sums that are equal are one, so equal amounts and price lists stay small.
What can't be reached any more is dropped: too large for all that follows, or no multiple of their greatest common
divisor. Amounts in whole hundreds come last if they are most, for the odd rest is then decided early and the table
counts in hundreds. Where many sets fit, two are found at once; where few do, there is little to try: the work is
spent only where a fit would be chance anyway.

One step of `work` is one sum looked at, or 512 bits of the table: about a fifth of a microsecond. The table is charged
in full to every question, whether it was there already or not, so that no answer depends on what was asked before.
With 200,000 steps, on pools of 10 to 300 price-list, log-normal and evenly spread amounts up to 10,000,000.00, with and
without a fit: 0 to 8 ms on average and 41 ms at most for `count` or `find`, under 3 ms for `expected_fits`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, islice
from math import comb, gcd

# The table of the smallest amounts: at most so many sums where they are listed, so many bits where they are marked.
_LISTED_SUMS_MAX = 1 << 15
_MARKED_BITS_MAX = 1 << 24
_BITS_A_STEP = 512
# Amounts in whole hundreds of minor units are tried last.
_WHOLE = 100
# Of sets of more than three items, the smallest among this many are found.
_COMPARED = 50

# Round sums meet round sums more often than others: multiples of these are also looked at by themselves.
GRAINS = (1, 10, 100, 1000, 10_000)
# Above this size "up to so many items" is "any number". Past so many bits that would be moved, no fit is believed.
_SIZE_MAX = 12
_HISTOGRAM_BITS_MAX = 1 << 27
# A sum is between 128 and 255 buckets wide, and looked at in a window of an eighth and of half of it to both sides.
_BUCKET_BITS = 8
_WINDOWS_ONE_IN = (8, 2)


def count(amounts: Sequence[int], target: int, *, at_most: int = 2, work: int) -> int | None:
    """As `Pool.count`, of amounts that only one question is asked about."""
    return Pool(amounts).count(target, at_most=at_most, work=work)


def find(amounts: Sequence[int], target: int, found_max: int, *, work: int) -> tuple[tuple[int, ...], ...] | None:
    """As `Pool.find`, of amounts that only one question is asked about."""
    return Pool(amounts).find(target, found_max, work=work)


def expected_fits(
    amounts: Sequence[int], target: int, fit: Sequence[int], *, grains: Sequence[int] = GRAINS
) -> Fraction:
    """As `Pool.expected_fits`, of amounts that only one question is asked about."""
    return Pool(amounts).expected_fits(target, fit, grains=grains)


@dataclass(frozen=True, slots=True)
class _Table:
    """All sums of the last amounts. `listed[i]` or `marked[i]`: the sums of those from the i-th of them on.

    Marked sums are bits, counted in `unit`, of which every sum is a multiple.
    """

    first: int  # the position in the pool's order of its first amount
    steps: int
    listed: tuple[frozenset[int], ...] = ()
    marked: tuple[bytes, ...] = ()
    unit: int = 1

    def has(self, stage: int, left: int) -> bool:
        if self.listed:
            return left in self.listed[stage]
        at, rest = divmod(left, self.unit)
        marked = self.marked[stage]
        return not rest and at >> 3 < len(marked) and bool(marked[at >> 3] >> (at & 7) & 1)

    def known(self, lefts: Iterable[int]) -> list[int]:
        """Those of these sums that the whole table can make."""
        if self.listed:
            return sorted(self.listed[0].intersection(lefts))
        return sorted(left for left in lefts if self.has(0, left))


@dataclass(slots=True)
class Pool:
    """Amounts of which sums are made. Equal pools give equal answers, in whatever order they are asked."""

    amounts: Sequence[int]
    total: int = field(init=False)
    _order: list[int] = field(init=False)  # positions, in the order in which the amounts are tried
    _sizes: list[int] = field(init=False)  # what each adds, without its sign
    _rest: list[int] = field(init=False)  # the sum of those from here on
    _unit: list[int] = field(init=False)  # their greatest common divisor
    _table: _Table | None = field(init=False, default=None)
    _whole: dict[int, list[tuple[int, ...]]] = field(init=False, default_factory=dict)  # sum -> all its sets, if known

    def __post_init__(self) -> None:
        amounts = self.amounts = tuple(self.amounts)
        if not all(amounts):
            raise ValueError("an amount of zero can't be counted: it is in no set and in all of them")
        self.total = sum(amounts)
        odd = sum(1 for amount in amounts if amount % _WHOLE)
        last = _WHOLE if 2 * odd <= len(amounts) else 1

        def first(position: int) -> tuple[bool, int, int, int]:
            amount = amounts[position]
            return (amount % last == 0, -abs(amount), amount, position)

        self._order = sorted(range(len(amounts)), key=first)
        self._sizes = [abs(amounts[position]) for position in self._order]
        self._rest = list(accumulate(reversed(self._sizes), initial=0))[::-1]
        self._unit = list(accumulate(reversed(self._sizes), gcd, initial=0))[::-1]

    def count(self, target: int, *, at_most: int = 2, work: int) -> int | None:
        """How many subsets add up to exactly this? Counted up to `at_most`; None if the work did not suffice."""
        found = self._search(target, at_most, work)
        if found is not None and len(found) < at_most:
            self._whole[target] = found  # what is counted is often looked at next
        return None if found is None else len(found)

    def find(self, target: int, found_max: int, *, work: int) -> tuple[tuple[int, ...], ...] | None:
        """Up to `found_max` subsets that add up to exactly this, smallest first; None if the work did not suffice.

        Where there are more, all of up to three items come first (up to two, of so many amounts that their pairs are
        more than the work), and the smallest of some others.
        """
        whole = self._whole.get(target)
        few = self._few(target, work) if whole is None else whole
        if whole is None and len(few) < found_max:
            found = self._search(target, max(found_max, _COMPARED), work)
            if found is None:
                return None
            few = list({*few, *found})
        return tuple(sorted(few, key=self._by_size)[:found_max])

    def expected_fits(self, target: int, fit: Sequence[int], *, grains: Sequence[int] = GRAINS) -> Fraction:
        """How many sets other than `fit`, and of no more items, are to be expected to be this sum by chance?

        Sets are counted in a window around the sum and spread over its width; the denser of a narrow and a wide
        window counts. Of a round sum also the sets of round items alone, spread over round sums. Another amount in the
        pool never lowers it. Amounts are taken to within one part in 128 of the target.
        """
        if target <= 0:
            raise ValueError(f"only a sum above zero has a neighbourhood, not {target}")
        expected = Fraction(0)
        for grain in grains:
            if target % grain:
                continue
            amounts = [amount for amount in self.amounts if amount % grain == 0]
            own = all(self.amounts[position] % grain == 0 for position in fit)
            for others, width in _near(amounts, target, len(fit)):
                expected = max(expected, Fraction(max(others - own, 0) * grain, width))
        return expected

    def _by_size(self, found: tuple[int, ...]) -> tuple[int, list[int], tuple[int, ...]]:
        """By amounts before positions, so that the order of the amounts does not choose between sets."""
        return (len(found), sorted(self.amounts[position] for position in found), found)

    def _few(self, target: int, work: int) -> list[tuple[int, ...]]:
        """All subsets of up to three items; up to two, if the work does not suffice."""
        amounts, where = self.amounts, defaultdict[int, list[int]](list)
        for position, amount in enumerate(amounts):
            where[amount].append(position)
        found: list[tuple[int, ...]] = [(position,) for position in where.get(target, ())]
        for first, amount in enumerate(amounts):
            found += [(first, last) for last in where.get(target - amount, ()) if last > first]
        if len(amounts) ** 2 > work:
            return found
        for first, amount in enumerate(amounts):
            left = target - amount
            for second in range(first + 1, len(amounts)):
                for last in where.get(left - amounts[second], ()):
                    if last > second:
                        found.append((first, second, last))
        return found

    def _search(self, target: int, found_max: int, work: int) -> list[tuple[int, ...]] | None:
        """The first `found_max` subsets of this sum, or all if there are fewer; None if the work did not suffice.

        A credit is turned round: leaving it out adds what it would take away. So all that is tried is above zero.
        """
        left = target - sum(amount for amount in self.amounts if amount < 0)
        if not 0 <= left <= self._rest[0] or (self._unit[0] and left % self._unit[0]):
            return []
        table = self._table = self._table or self._tabulate()
        wanted = found_max + (target == 0)
        levels = self._levels(left, table, wanted, work - table.steps)
        if levels is None:
            return None
        found = islice(self._trace(levels, table), wanted)
        subsets = (self._subset(chosen) for chosen in found)
        return [subset for subset in subsets if subset][:found_max]

    def _levels(self, left: int, table: _Table, wanted: int, work: int) -> list[set[int]] | None:
        """What may be left after each of the large amounts was taken or not, as far as needed for so many fits."""
        levels, level = [{left}], {left}
        fits = self._fits(table, level, wanted)
        for stage in range(table.first):
            if fits >= wanted:
                break
            size, most, unit = self._sizes[stage], self._rest[stage + 1], self._unit[stage + 1]
            work -= len(level)
            if work < 0:
                return None
            taken = {known - size for known in level if known >= size}
            fits += self._fits(table, taken - level, wanted - fits)
            level = level | taken
            if left > most:
                level = {known for known in level if known <= most}
            if unit != self._unit[stage]:
                level = {known for known in level if known % unit == 0} if unit else level & {0}
            levels.append(level)
        return levels if work >= 0 else None

    def _fits(self, table: _Table, lefts: set[int], wanted: int) -> int:
        """How many subsets of the table make one of these, up to `wanted`?"""
        fits = 0
        for left in table.known(lefts):
            fits += sum(1 for _ in islice(self._tails(table, left), wanted - fits))
            if fits >= wanted:
                break
        return fits

    def _trace(self, levels: list[set[int]], table: _Table) -> Iterator[list[int]]:
        """The places in the order of all that was taken, fit by fit. Every step back leads to one: none is in vain."""
        for left in table.known(levels[-1]):
            for tail in self._tails(table, left):
                stack = [(len(levels) - 1, left, tail)]
                while stack:
                    stage, now, chosen = stack.pop()
                    if not stage:
                        yield chosen
                        continue
                    before, size = levels[stage - 1], self._sizes[stage - 1]
                    if now + size in before:
                        stack.append((stage - 1, now + size, [stage - 1, *chosen]))
                    if now in before:
                        stack.append((stage - 1, now, chosen))

    def _tails(self, table: _Table, left: int) -> Iterator[list[int]]:
        """The ways to make this sum of the table's amounts alone."""
        stack: list[tuple[int, int, list[int]]] = [(0, left, [])]
        last = len(self._order) - table.first
        while stack:
            stage, now, chosen = stack.pop()
            if stage == last:
                yield chosen
                continue
            place = table.first + stage
            size = self._sizes[place]
            if now >= size and table.has(stage + 1, now - size):
                stack.append((stage + 1, now - size, [*chosen, place]))
            if table.has(stage + 1, now):
                stack.append((stage + 1, now, chosen))

    def _subset(self, places: list[int]) -> tuple[int, ...]:
        taken = {self._order[place] for place in places}
        return tuple(position for position, amount in enumerate(self.amounts) if (position in taken) == (amount > 0))

    def _tabulate(self) -> _Table:
        """The table that leaves the least to do: sums are listed, or marked where that reaches much further."""
        count = len(self._order)
        listed, steps = [frozenset([0])], 0
        for size in reversed(self._sizes):
            more = listed[-1] | {known + size for known in listed[-1]}
            if steps + len(more) > _LISTED_SUMS_MAX or len(more) > 1 << count - len(listed):
                break
            listed.append(more)
            steps += len(more)
        table = _Table(count - len(listed) + 1, steps, listed=tuple(reversed(listed)))
        first, bits = count, 0
        while first and self._bits(first - 1) <= _MARKED_BITS_MAX:
            first -= 1
            bits = self._bits(first)
        return table if 1 << table.first <= bits // _BITS_A_STEP + (1 << first) else self._mark(first, steps)

    def _bits(self, first: int) -> int:
        """How long is a table of marked sums from here on?"""
        return sum(self._rest[first:]) // self._unit[first]

    def _mark(self, first: int, steps: int) -> _Table:
        reached, marked = 1, [b"\1"]
        for place in reversed(range(first, len(self._order))):
            reached |= reached << self._sizes[place] // self._unit[first]
            marked.append(reached.to_bytes(reached.bit_length() // 8 + 1, "little"))
            steps += reached.bit_length() // _BITS_A_STEP + 1
        return _Table(first, steps, marked=tuple(reversed(marked)), unit=self._unit[first])


def _near(amounts: Sequence[int], target: int, size: int) -> Iterator[tuple[int, int]]:
    """How many sets of up to so many items have a sum in each window around the target, and how wide is it?

    The sums are a histogram in one large integer, a field for each bucket: adding an item is shifting by its bucket.
    """
    bucket = 1 << max(0, target.bit_length() - _BUCKET_BITS)
    middle = target // bucket
    top = middle + middle // min(_WINDOWS_ONE_IN)
    buckets = [(abs(amount) + bucket // 2) // bucket * (1 if amount > 0 else -1) for amount in amounts]
    below = -sum(at for at in buckets if at < 0)
    near = sorted(at for at in buckets if at <= top + below)
    sizes = range(1, size + 1) if size <= _SIZE_MAX else range(1, len(near) + 1)
    field = sum(comb(len(near), each) for each in sizes).bit_length() + 1
    if (below + top) * field * len(near) * min(size, _SIZE_MAX) > _HISTOGRAM_BITS_MAX:
        yield target, 1
        return
    sums = _histogram(near, size, field, below, top)
    for one_in in _WINDOWS_ONE_IN:
        half = middle // one_in
        window = sums >> (below + middle - half) * field & (1 << (2 * half + 1) * field) - 1
        # The sum of all fields: a digit sum is what is left after dividing by the base less one.
        yield window % ((1 << field) - 1), (2 * half + 1) * bucket


def _histogram(buckets: Sequence[int], size: int, field: int, below: int, top: int) -> int:
    """How many sets of up to so many items fall into each bucket from -below to top? `buckets` has credits first."""
    mask = (1 << (below + top + 1) * field) - 1
    empty = 1 << below * field
    if size > _SIZE_MAX:
        sums = empty
        for at in buckets:
            sums += sums << at * field & mask if at >= 0 else sums >> -at * field
        return sums - empty
    rows = [empty] + [0] * size
    for done, at in enumerate(buckets):
        for items in range(min(size, done + 1), 0, -1):
            rows[items] += rows[items - 1] << at * field & mask if at >= 0 else rows[items - 1] >> -at * field
    return sum(rows[1:])
