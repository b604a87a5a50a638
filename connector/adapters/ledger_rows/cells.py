"""One cell of a row at a time: text, day, instant, amount. What is not what it must be is named by its field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from connector.money import Money, MoneyError, exponent

Row = Mapping[str, str]
Currencies = Mapping[str, str]  # what the ERP calls it -> ISO code
# Invoices, credits and payments have ids that never meet within one ERP, so the id names a parked record.
SOURCE = "erp"
# Customers have another row of ids. What isn't understood of one holds its mail, and says nothing of its money.
CUSTOMER_SOURCE = "erp_customer"
WORDS_MAX = 300


class Unreadable(ValueError):
    """One field of one record is not what it must be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def text_of(row: Row, name: str) -> str:
    value = row.get(name, "")
    if not value:
        raise Unreadable(name, "is missing")
    return value


def currency_of(row: Row, currencies: Currencies) -> str:
    known = text_of(row, "currency")
    code = currencies.get(known, "")
    if not code:
        raise Unreadable("currency", f"{known} is not in the account's currency list")
    try:
        exponent(code)
    except MoneyError as error:
        raise Unreadable("currency", str(error)) from None
    return code


def money_of(row: Row, name: str, currency: str, missing: str = "", where: str = "") -> Money:
    text = row.get(name) or missing
    if not text:
        raise Unreadable(where + name, "is missing")
    try:
        return Money.of(text, currency)
    except MoneyError as error:
        raise Unreadable(where + name, str(error)) from None


def day_of(row: Row, column: str, name: str) -> date:
    text = row.get(name, "")
    if not text:
        raise Unreadable(column, "is missing")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(column, f"{text!r} is no day") from None


def maybe_day(row: Row, name: str) -> date | None:
    """A day that may be left out."""
    return day_of(row, name, name) if row.get(name) else None


def words_of(row: Row, name: str) -> str:
    """What a person wrote, on one line and bounded; '' where nothing is there."""
    printable = (letter if letter.isprintable() else " " for letter in row.get(name, ""))
    return " ".join("".join(printable).split())[:WORDS_MAX]


def instant(text: str, zone: ZoneInfo) -> datetime | None:
    """'2026-10-01 09:30:00' in the account's zone, or an ISO instant with its own offset, as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def unsigned(amount: Money) -> Money:
    return max(amount, -amount)
