"""Integer minor units and a currency: taken exactly or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.money import Money, MoneyError, exponent

currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "ISK"])
minors = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("45000.00", "USD", 4_500_000),
        ("45000", "USD", 4_500_000),
        ("4.5E4", "USD", 4_500_000),
        ("0.10", "USD", 10),
        ("1.100", "USD", 110),
        ("-0.01", "USD", -1),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        (Decimal("2.50"), "EUR", 250),
    ],
)
def test_an_amount_is_taken_exactly(amount, currency, minor):
    assert Money(minor, currency) == Money.of(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("0.001", "USD", "more than 2 decimals"),
        ("0.5", "JPY", "more than 0 decimals"),
        ("1.2345", "KWD", "more than 3 decimals"),
        ("NaN", "USD", "no finite amount"),
        ("Infinity", "USD", "no finite amount"),
        ("", "USD", "no decimal amount"),
        ("1,000.00", "USD", "no decimal amount"),
        ("ten", "USD", "no decimal amount"),
        ("1", "usd", "no ISO 4217"),
        ("1", "XYZ", "no ISO 4217"),
        ("1", "", "no ISO 4217"),
        ("1", "XAU", "no minor unit"),
    ],
)
def test_what_can_not_be_taken_exactly_is_refused_and_never_rounded(amount, currency, told):
    with pytest.raises(MoneyError, match=told):
        Money.of(amount, currency)


@pytest.mark.parametrize(
    ("units", "currency", "minor"),
    [(1999, "USD", 1999), (500, "JPY", 500), (50000, "ISK", 500), (1234, "KWD", 1234), (7, "MGA", 700)],
)
def test_an_amount_in_stripes_units_is_read_with_stripes_exponent(units, currency, minor):
    assert Money(minor, currency) == Money.of_system(units, currency, "stripe")


def test_stripe_units_finer_than_the_currency_are_refused():
    with pytest.raises(MoneyError, match="more than 0 decimals"):
        Money.of_system(50001, "ISK", "stripe")


def test_two_currencies_are_never_combined():
    dollars, euros = Money(1, "USD"), Money(1, "EUR")
    for combine in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(MoneyError, match="currencies differ"):
            combine(dollars, euros)
    assert dollars != euros


def test_an_amount_is_shown_as_people_and_as_erps_read_it():
    assert ("45,000.00 USD", "45000.00") == (str(Money(4_500_000, "USD")), Money(4_500_000, "USD").plain())
    assert ("500 JPY", "500") == (str(Money(500, "JPY")), Money(500, "JPY").plain())
    assert "-0.05" == Money(-5, "USD").plain()


@given(minors, currencies)
def test_the_plain_decimal_and_back_is_the_same_amount(minor, currency):
    amount = Money(minor, currency)

    assert amount == Money.of(amount.plain(), currency) == Money.of(amount.decimal(), currency)
    assert exponent(currency) == -amount.decimal().as_tuple().exponent


@given(st.lists(minors), currencies)
def test_a_total_is_the_sum_of_its_parts(parts, currency):
    assert Money(sum(parts), currency) == Money.total((Money(part, currency) for part in parts), currency)


@given(minors, minors)
def test_amounts_of_one_currency_are_ordered_like_their_minor_units(left, right):
    a, b = Money(left, "USD"), Money(right, "USD")

    assert (left < right, left <= right, left > right, left >= right) == (a < b, a <= b, a > b, a >= b)
    assert (bool(left), Money(left - right, "USD"), Money(-left, "USD")) == (bool(a), a - b, -a)
