"""Amounts inside the false Intacct: whole cents, two places in every currency.

Source: developer.intacct.com (create payment): amounts with more than two decimals are rounded to two. So a currency of
three decimals can't be kept exactly, and one without decimals gets two.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_CENT = Decimal("0.01")
# Currencies whose amounts people write without decimals; in the books they have two like all others.
_WHOLE = frozenset({"JPY", "KRW", "VND"})


def cents(amount: str | Decimal | int) -> int:
    """An exact decimal of people as cents; ValueError for what is no finite decimal or finer than a cent."""
    value = _decimal(amount)
    if value is None or value != value.quantize(_CENT):
        raise ValueError(f"{amount!r} can't be kept as an exact amount of two decimals")
    return int(value.scaleb(2))


def rounded(text: str) -> int | None:
    """An amount as a client sent it, rounded to two decimals as Intacct does; None for what is no number."""
    value = _decimal(text.strip())
    return None if value is None else int(value.quantize(_CENT, ROUND_HALF_UP).scaleb(2))


def converted(amount: int, rate: Decimal) -> int:
    """Cents of one currency in cents of the other, half up."""
    return int((amount * rate).quantize(Decimal(1), ROUND_HALF_UP))


def fixed(amount: int, currency: str = "USD") -> str:
    """With two decimals: '45000.00'; yen as '45000', as the rest of the world writes them."""
    if currency in _WHOLE and amount % 100 == 0:
        return str(amount // 100)
    return format(Decimal(amount).scaleb(-2), ".2f")


def _decimal(amount: str | Decimal | int) -> Decimal | None:
    try:
        value = Decimal(amount)
    except (InvalidOperation, ValueError, TypeError):
        return None
    return value if value.is_finite() and abs(value) < Decimal(10) ** 15 else None
