"""Our values as Intacct writes them: amounts with two decimals, and days in the three shapes that it uses."""

from __future__ import annotations

from datetime import date

from connector.adapters.intacct.xmltext import Node, node
from connector.money import Money


def amount(money: Money) -> str:
    """'1234.50'. A currency with other than two decimals can't be told: Intacct rounds to two (AR payments)."""
    plain = money.plain()
    if len(plain.partition(".")[2]) != 2:
        raise ValueError(f"{money} has other than the two decimals that Intacct keeps")
    return plain


def day(on: date) -> str:
    """In generic functions, for Intacct's own objects."""
    return f"{on:%m/%d/%Y}"


def iso_day(on: date) -> str:
    """In custom objects (Sage's XML reference, Platform Services)."""
    return on.isoformat()


def legacy_day(name: str, on: date) -> Node:
    """In legacy functions, as elements."""
    return node(name, node("year", str(on.year)), node("month", str(on.month)), node("day", str(on.day)))
