"""Decimal strings at the control API, integer minor units inside."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

# docs.stripe.com/currencies (zero-decimal and three-decimal currencies; ISK and UGX keep two decimals in the API).
_NO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def decimals(currency: str) -> int:
    code = currency.upper()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def minor(amount: str | Decimal, currency: str) -> int:
    """'45000.00' USD as 4500000; an amount that has more decimals than its currency is refused."""
    if isinstance(amount, float):
        raise ValueError(f"{amount!r} is a float; amounts are decimal strings such as '45000.00'")
    try:
        scaled = Decimal(amount).scaleb(decimals(currency))
    except (InvalidOperation, TypeError):
        raise ValueError(f"{amount!r} is no decimal amount") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more than the {decimals(currency)} decimals of {currency.upper()}")
    return int(scaled)


def plain(units: int, currency: str) -> str:
    """4500000 USD as '45000.00'."""
    return format(Decimal(units).scaleb(-decimals(currency)), "f")
