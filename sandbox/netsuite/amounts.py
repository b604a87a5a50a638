"""Amounts inside the false NetSuite: integers of 1/10,000, so that no currency's cent can be lost in SQLite."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

PLACES = 4  # enough for every ISO 4217 currency
# Decimals by currency, for the currencies that a seed may name; any other has two.
DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "TND": 3}


def decimals(currency: str) -> int:
    return DECIMALS.get(currency, 2)


def units(amount: str | Decimal | int) -> int:
    """An exact decimal as units; ValueError for what is no finite decimal or finer than 1/10,000."""
    try:
        scaled = Decimal(amount).scaleb(PLACES)
        if scaled.is_finite() and scaled == scaled.to_integral_value():
            return int(scaled)
    except InvalidOperation:
        pass
    raise ValueError(f"{amount!r} can't be kept as an exact amount")


def converted(amount: int, rate: Decimal, currency: str) -> int:
    """An amount at an exchange rate, in the whole smallest units of the other currency, half up."""
    step = int(10 ** (PLACES - decimals(currency)))
    return int((amount * rate / step).quantize(Decimal(1), ROUND_HALF_UP)) * step


def fits(amount: int, currency: str) -> bool:
    """Does the amount have no more decimals than its currency?"""
    return amount % int(10 ** (PLACES - decimals(currency))) == 0


def fixed(amount: int, currency: str = "USD") -> str:
    """With all decimals of the currency, more only if the amount has more: '45000.00'."""
    value = Decimal(amount).scaleb(-PLACES)
    if fits(amount, currency):
        value = value.quantize(Decimal(1).scaleb(-decimals(currency)))
    return format(value, "f")


def shortest(amount: int | float) -> str:
    """As a query shows a number, without trailing zeros: '45000', '0.5'. An average is rounded to 1/10,000."""
    return format(Decimal(round(amount)).scaleb(-PLACES).normalize(), "f")
