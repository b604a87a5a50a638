"""Rows of customers -> `Customer`: whom to write to, who never is, and what segments look at.

A customer of whom one field is not understood is told all the same, without it, and beside it as parked: money is
matched and posted as ever, and no mail leaves until the field is corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from connector.adapters.ledger_rows.cells import (
    CUSTOMER_SOURCE,
    Currencies,
    Row,
    Unreadable,
    currency_of,
    maybe_day,
    money_of,
    text_of,
    words_of,
)
from connector.money import Money
from connector.receivables import Contact, Customer, Parked, Traits

T = TypeVar("T")

# Ways to reach somebody other than by e-mail.
SMS, CHAT = "sms", "chat"
CC_MAX = 20
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def customer(row: Row, currencies: Currencies) -> tuple[Customer, Parked | None]:
    """One customer, and the first of its fields that is not understood."""
    problems: list[Unreadable] = []

    def read(part: Callable[[], T], otherwise: T) -> T:
        try:
            return part()
        except Unreadable as error:
            problems.append(error)
            return otherwise

    exclusion, parent = _exclusion(row), row.get("parent", "")
    found = Customer(
        id=text_of(row, "id"),
        name=row.get("companyname") or row.get("entityid", ""),
        email=row.get("email", "").strip(),
        parent_id="" if parent == row["id"] else parent,
        is_excluded=bool(exclusion),
        exclusion=exclusion,
        autopay=row.get("autopay") == "T",
        traits=Traits(
            tier=words_of(row, "tier"),
            contract_type=words_of(row, "contract_type"),
            billing_model=words_of(row, "billing_model"),
            relationship=words_of(row, "relationship"),
            arr=read(lambda: _arr(row, currencies), None),
            country=read(lambda: _country(row), ""),
            time_zone=read(lambda: _time_zone(row), ""),
        ),
        cc=read(lambda: addresses(row.get("cc", "")), ()),
        contacts=tuple(one for one in (read(lambda: _sms(row), None), read(lambda: _chat(row), None)) if one),
        mails_parent=row.get("mails_parent") == "T",
    )
    if not problems:
        return found, None
    return found, Parked(CUSTOMER_SOURCE, found.id, problems[0].field, problems[0].reason, found.id)


def customers(rows: Sequence[Row], currencies: Currencies) -> tuple[tuple[Customer, ...], tuple[Parked, ...]]:
    read = [customer(row, currencies) for row in rows]
    return tuple(one for one, _ in read), tuple(parked for _, parked in read if parked is not None)


def _exclusion(row: Row) -> str:
    """Every reason never to write to them (RULES 4.1)."""
    reasons = [
        "inactive" if row.get("isinactive") == "T" else "",
        "do-not-contact" if row.get("do_not_contact") == "T" else "",
        row.get("exclude", "").strip(),
    ]
    return ", ".join(reason for reason in reasons if reason)


def _arr(row: Row, currencies: Currencies) -> Money | None:
    """A year's recurring revenue, in the currency that is said for it, else the customer's own."""
    if not row.get("arr"):
        return None
    said = words_of(row, "arr_currency").upper()
    if said:
        currency = currency_of({"currency": said}, {said: said})
    elif row.get("currency"):
        currency = currency_of(row, currencies)
    else:
        raise Unreadable("arr_currency", "is missing, and the customer has no currency of its own")
    arr = money_of(row, "arr", currency)
    if arr < Money.zero(currency):
        raise Unreadable("arr", f"{arr} is below zero")
    return arr


def _country(row: Row) -> str:
    said = words_of(row, "country")
    if said and not re.fullmatch(r"[A-Za-z]{2}", said):
        raise Unreadable("country", f"{said!r} is no country of two letters, such as US or DE")
    return said.upper()


def _time_zone(row: Row) -> str:
    said = words_of(row, "time_zone")
    try:
        return ZoneInfo(said).key if said else ""
    except (KeyError, ValueError, OSError):
        raise Unreadable("time_zone", f"{said!r} is no time zone such as America/New_York") from None


def addresses(text: str) -> tuple[str, ...]:
    """Bare e-mail addresses with commas, semicolons or lines between them, each once."""
    found = dict.fromkeys(filter(None, (part.strip() for part in re.split(r"[,;\r\n]", text))))
    for address in found:
        if not _ADDRESS.fullmatch(address):
            raise Unreadable("cc", f"{address[:80]!r} is no e-mail address")
    if len(found) > CC_MAX:
        raise Unreadable("cc", f"{len(found)} addresses are more than {CC_MAX}")
    return tuple(found)


def _sms(row: Row) -> Contact | None:
    number = re.sub(r"[\s().-]", "", row.get("sms", ""))
    if number and not _NUMBER.fullmatch(number):
        raise Unreadable("sms", f"{words_of(row, 'sms')!r} is no number with its country, such as +14155550123")
    return Contact(SMS, number, maybe_day(row, "sms_consent_on")) if number else None


def _chat(row: Row) -> Contact | None:
    address = row.get("chat", "").strip()
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        raise Unreadable("chat", "has blanks in it, which no address has")
    return Contact(CHAT, address, maybe_day(row, "chat_consent_on")) if address else None
