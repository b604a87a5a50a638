"""Which segment is this invoice in, and with it which workflow (M23-M29)? The first of the policy's segments that fits.

What depends on the customer alone is worked out once a customer, by `Chooser`; the amounts and conditions about the
invoice are all that is left for each of them. What is not known of a customer fits no criterion that asks for it, so
that somebody of whom nothing is known is treated as everybody is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain

from connector.conditions import Condition, Part, Values, customer_values, invoice_values
from connector.money import Money
from connector.policy import DEFAULT, Comparing, Comparison, Criteria, Policy, Segment
from connector.receivables import OpenInvoice, Profile

_NOTHING_FITS = "it fits no segment of the policy"
_NO_SEGMENTS = "the policy has no segments"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A segment that stands before the one that was found, and why it doesn't fit."""

    segment: str
    why_not: str


@dataclass(frozen=True, slots=True)
class SegmentVerdict:
    """`reason` names what the segment asks for with the figures that meet it: the customer's, then the invoice's."""

    segment: str
    reason: str
    passed_over: tuple[PassedOver, ...] = ()


def decide(profile: Profile, invoice: OpenInvoice, policy: Policy, on: date) -> SegmentVerdict:
    """Which segment is this invoice in? The first that fits; `default` where none does."""
    chooser = Chooser(profile, policy, on)
    return replace(chooser.decide(invoice), passed_over=chooser.passed_over(invoice))


class Chooser:
    """The same question for many invoices of one customer: what its profile alone decides is decided once."""

    def __init__(self, profile: Profile, policy: Policy, on: date) -> None:
        self._on = on
        self._policy = policy
        self._profile = profile
        self._customer = customer_values(profile, on)
        self._candidates: list[_Candidate] = []
        for segment in policy.segments:
            half = segment.criteria.when.understood.about_customer if segment.criteria.when else None
            if not all(fits for fits, _ in _asked_of_customer(segment.criteria, profile)):
                continue
            if half is not None and not half.holds(self._customer):
                continue
            self._candidates.append(_Candidate(segment))
            if not self._candidates[-1].asks_for_invoice:
                break  # whatever stands behind it is never reached

    def decide(self, invoice: OpenInvoice) -> SegmentVerdict:
        """`passed_over` is left empty: it takes longer than the verdict, and only an explanation asks for it."""
        values: Values | None = None
        for one in self._candidates:
            if one.asks_for_amount and not all(fits for fits, _ in _asked_of_invoice(one.segment.criteria, invoice)):
                continue
            if one.about_invoice is not None:
                values = values or self._values(invoice)
                if not one.about_invoice.holds(values):
                    continue
            return SegmentVerdict(one.segment.name, self._reason(one, invoice, values))
        return SegmentVerdict(DEFAULT, _NOTHING_FITS if self._policy.segments else _NO_SEGMENTS)

    def passed_over(self, invoice: OpenInvoice) -> tuple[PassedOver, ...]:
        """The segments before the one that was found, each with the first of its criteria that doesn't fit."""
        found: list[PassedOver] = []
        values = self._values(invoice)
        for segment in self._policy.segments:
            asked = chain(
                _asked_of_customer(segment.criteria, self._profile),
                _asked_of_invoice(segment.criteria, invoice),
                _asked_by_condition(segment.criteria, values),
            )
            why_not = next((told() for fits, told in asked if not fits), "")
            if not why_not:
                break
            found.append(PassedOver(segment.name, why_not))
        return tuple(found)

    def _values(self, invoice: OpenInvoice) -> Values:
        return self._customer | invoice_values(invoice, self._on)

    def _reason(self, one: _Candidate, invoice: OpenInvoice, values: Values | None) -> str:
        criteria = one.segment.criteria
        if one.met is None:
            one.met = [told() for _, told in _asked_of_customer(criteria, self._profile)]
        met = [*one.met, *(told() for _, told in _asked_of_invoice(criteria, invoice))]
        if criteria.when:
            met += [part.told(values or self._customer) for part in criteria.when.understood.parts]
        return "; ".join(met) or "it asks for nothing"


class _Candidate:
    """A segment that one customer meets. `met` is what it meets, worked out when the first invoice is in it."""

    def __init__(self, segment: Segment) -> None:
        criteria = segment.criteria
        self.segment = segment
        self.met: list[str] | None = None
        self.about_invoice = criteria.when.understood.about_invoice if criteria.when else None
        self.asks_for_amount = bool(criteria.min_amount or criteria.max_amount)
        self.asks_for_invoice = self.asks_for_amount or self.about_invoice is not None


# Does a criterion fit, and what is told of it? Told only where somebody asks: words cost more than the verdict.
_Asked = Iterator[tuple[bool, Callable[[], str]]]


def _asked_of_customer(criteria: Criteria, profile: Profile) -> _Asked:
    """Each plain criterion about the customer that the segment names."""
    traits, history = profile.traits, profile.history
    if criteria.tiers:
        yield _one_of("tier", traits.tier, criteria.tiers)
    if criteria.contract_types:
        yield _one_of("contract type", traits.contract_type, criteria.contract_types)
    if criteria.billing_models:
        yield _one_of("billing model", traits.billing_model, criteria.billing_models)
    if criteria.relationships:
        yield _one_of("relationship", traits.relationship, criteria.relationships)
    if criteria.min_arr or criteria.max_arr:
        yield _within("ARR", traits.arr, criteria.min_arr, criteria.max_arr)
    if criteria.late_last_quarter:
        yield _compared("late payments last quarter", history.late_last_quarter, criteria.late_last_quarter)
    if criteria.average_days_late:
        yield _compared("average days late", history.average_days_late, criteria.average_days_late)
    if criteria.disputes_last_year:
        yield _compared("disputes last year", history.disputes_last_year, criteria.disputes_last_year)
    if criteria.settled_count:
        yield _compared("settled invoices", history.settled_count, criteria.settled_count)
    if criteria.is_strategic is not None:
        told = "strategic" if profile.is_strategic else "not strategic"
        yield profile.is_strategic is criteria.is_strategic, lambda: told


def _asked_of_invoice(criteria: Criteria, invoice: OpenInvoice) -> _Asked:
    if criteria.min_amount or criteria.max_amount:
        yield _within("amount", invoice.amount, criteria.min_amount, criteria.max_amount)


def _asked_by_condition(criteria: Criteria, values: Values) -> _Asked:
    for part in criteria.when.understood.parts if criteria.when else ():
        yield part.holds(values), partial(_does_not_hold, part, values)


def _does_not_hold(part: Part, values: Values) -> str:
    return f"not {part.told(values)}"


def _one_of(what: str, word: str, wanted: frozenset[str]) -> tuple[bool, Callable[[], str]]:
    fits = word.strip().lower() in _lowered(wanted)

    def told() -> str:
        if fits:
            return f"{what} {word.strip()}"
        return f"{what} {word.strip() or 'not known'} is not {' or '.join(sorted(wanted))}"

    return fits, told


@lru_cache(maxsize=1024)
def _lowered(words: frozenset[str]) -> frozenset[str]:
    """Without the empty word: what isn't known is no word."""
    return frozenset(word.strip().lower() for word in words) - {""}


_IN_WORDS = {
    Comparing.LESS: "less than",
    Comparing.AT_MOST: "at most",
    Comparing.EQUAL: "exactly",
    Comparing.AT_LEAST: "at least",
    Comparing.MORE: "more than",
}


def _compared(what: str, figure: Decimal | int | None, comparison: Comparison) -> tuple[bool, Callable[[], str]]:
    fits = comparison.holds(figure)

    def told() -> str:
        asked = f"{_IN_WORDS[comparison.how]} {comparison.bound}"
        return f"{what} {'not known' if figure is None else figure}, {'' if fits else 'not '}{asked}"

    return fits, told


def _within(
    what: str, amount: Money | None, at_least: tuple[Money, ...], below: tuple[Money, ...]
) -> tuple[bool, Callable[[], str]]:
    """A currency that isn't named in bounds that are given is never within them."""
    if amount is None:
        return False, lambda: f"{what} not known"
    low, high = _in_currency(at_least, amount.currency), _in_currency(below, amount.currency)
    fits = (not at_least or (low is not None and amount >= low)) and (not below or (high is not None and amount < high))

    def told() -> str:
        if (at_least and low is None) or (below and high is None):
            return f"{what} {amount}: the segment names no {amount.currency}"
        bounds = [f"at least {low}" if low else "", f"less than {high}" if high else ""]
        return f"{what} {amount}, {'' if fits else 'not '}{' and '.join(one for one in bounds if one)}"

    return fits, told


def _in_currency(amounts: Iterable[Money], currency: str) -> Money | None:
    return next((one for one in amounts if one.currency == currency), None)


# ---- of segments alone ----


def covers(first: Criteria, second: Criteria) -> bool:
    """Does the first surely fit whatever the second fits? Then a segment behind it is never reached.

    "Surely": by the criteria alone. Conditions are compared by what stands between their outermost `&&`.
    """
    words = (
        (first.tiers, second.tiers),
        (first.contract_types, second.contract_types),
        (first.billing_models, second.billing_models),
        (first.relationships, second.relationships),
    )
    figures = (
        (first.late_last_quarter, second.late_last_quarter),
        (first.average_days_late, second.average_days_late),
        (first.disputes_last_year, second.disputes_last_year),
        (first.settled_count, second.settled_count),
    )
    return (
        all(not wide or (bool(narrow) and _lowered(narrow) <= _lowered(wide)) for wide, narrow in words)
        and all(wide is None or (narrow is not None and _implied(wide, narrow)) for wide, narrow in figures)
        and first.is_strategic in (None, second.is_strategic)
        and _amounts_cover((first.min_arr, first.max_arr), (second.min_arr, second.max_arr))
        and _amounts_cover((first.min_amount, first.max_amount), (second.min_amount, second.max_amount))
        and _conjuncts(first.when) <= _conjuncts(second.when)
    )


_UPWARDS = (Comparing.AT_LEAST, Comparing.MORE)
_DOWNWARDS = (Comparing.AT_MOST, Comparing.LESS)


def _implied(wide: Comparison, narrow: Comparison) -> bool:
    """Does every figure that meets the second meet the first?"""
    if narrow.how is Comparing.EQUAL:
        return wide.holds(narrow.bound)
    if wide.bound == narrow.bound:
        includes_it = (Comparing.AT_LEAST, Comparing.AT_MOST)
        same_way = (wide.how in _UPWARDS) == (narrow.how in _UPWARDS) and wide.how is not Comparing.EQUAL
        return same_way and (wide.how in includes_it or narrow.how not in includes_it)
    if narrow.how in _UPWARDS:
        return wide.how in _UPWARDS and wide.bound < narrow.bound
    return wide.how in _DOWNWARDS and wide.bound > narrow.bound


_Bounds = tuple[tuple[Money, ...], tuple[Money, ...]]


def _amounts_cover(wide: _Bounds, narrow: _Bounds) -> bool:
    """Does every amount within the second bounds lie within the first? No amount is below zero."""
    currencies = [{one.currency for one in bounds} for bounds in narrow if bounds]
    if not any(wide):
        return True
    if not currencies:
        return False
    for currency in sorted(set.intersection(*currencies)):
        low, high = (_in_currency(bounds, currency) for bounds in wide)
        inner_low, inner_high = (_in_currency(bounds, currency) for bounds in narrow)
        if wide[0] and (low is None or low > (inner_low or Money.zero(currency))):
            return False
        if wide[1] and (high is None or inner_high is None or high < inner_high):
            return False
    return True


def _conjuncts(condition: Condition | None) -> frozenset[str]:
    return frozenset(" ".join(part.text.split()) for part in condition.understood.parts) if condition else frozenset()
