"""Money as integer minor units and an ISO 4217 currency.

Decimal exists only at the edges (`of`, `decimal`), float nowhere. How many decimals a currency has
differs between systems, so an amount is always read with the system it came from: ISO 4217 is the
base, `OVERLAYS` holds what a system does differently.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import iso4217

# Stripe's API units where they differ from ISO 4217 (docs.stripe.com/currencies, read 2026-11-23).
# UGX and TWD are handled differently by public code; check them against the account before relying on this row.
OVERLAYS: dict[str, dict[str, int]] = {
    "iso": {},
    "stripe": {"MGA": 0, "UGX": 2, "ISK": 2},
}


# Of an amount in minor units: what a database keeps as a whole number.
DIGITS_MAX = 18


class MoneyError(ValueError):
    """An amount could not be taken exactly; nothing was rounded."""


@cache
def exponent(currency: str, system: str = "iso") -> int:
    """How many decimals does this currency have in this system?"""
    overlay = OVERLAYS[system]
    if currency in overlay:
        return overlay[currency]
    try:
        digits = iso4217.Currency(currency).exponent
    except ValueError:
        raise MoneyError(f"{currency!r} is no ISO 4217 currency code") from None
    if digits is None:
        raise MoneyError(f"{currency} has no minor unit and can't be used for invoices")
    return int(digits)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` ISO minor units of `currency`: Money(4500000, "USD") is 45,000.00 USD."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """Take a decimal amount exactly; more decimals than the currency has are refused, never rounded."""
        try:
            value = Decimal(amount)
        except ArithmeticError:
            raise MoneyError(f"{amount!r} is no decimal amount") from None
        if not value.is_finite():
            raise MoneyError(f"{amount!r} is no finite amount")
        decimals = exponent(currency)
        if value and value.adjusted() + decimals >= DIGITS_MAX:
            raise MoneyError(f"an amount of {currency} has more digits than any ledger holds")
        if value.adjusted() < -DIGITS_MAX or len(value.as_tuple().digits) > 2 * DIGITS_MAX - 8:
            # Beyond 28 digits Decimal would round by itself.
            raise MoneyError(f"an amount of {currency} has more than {decimals} decimals")
        scaled = value.scaleb(decimals) if value else Decimal()
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"{amount} {currency} has more than {decimals} decimals")
        return cls(int(scaled), currency)

    @classmethod
    def of_system(cls, units: int, currency: str, system: str) -> Money:
        """Take an amount in a system's own integer units, such as Stripe's."""
        theirs, ours = exponent(currency, system), exponent(currency)
        if abs(units) >= 10**DIGITS_MAX:
            raise MoneyError(f"an amount of {currency} has more digits than any ledger holds")
        return cls.of(Decimal(units).scaleb(-theirs), currency) if theirs != ours else cls(units, currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str) -> Money:
        result = cls.zero(currency)
        for amount in amounts:
            result = result + amount
        return result

    def decimal(self) -> Decimal:
        """The exact decimal, with all of the currency's decimals: Decimal('45000.00')."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def plain(self) -> str:
        """The decimal as ERPs read it, never in exponent form: '45000.00'."""
        return format(self.decimal(), "f")

    def __str__(self) -> str:
        return f"{self.decimal():,f} {self.currency}"

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise MoneyError(f"{self} and {other} can't be combined: the currencies differ")
        return other.minor

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0
