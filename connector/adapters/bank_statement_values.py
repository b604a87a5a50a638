"""What every format of a bank statement comes down to: statements, entries, and what could not be read.

An amount is signed as our account sees it: above zero is money that came. Nothing here knows a format, a file or a
customer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from connector.money import Money, MoneyError

NO_REFERENCE = frozenset({"", "NONREF", "NOREF", "NOTPROVIDED", "NOTAVAILABLE", "NOTAPPLICABLE", "NA", "NONE"})


_SIGNS = re.compile(r"[^0-9A-Za-z]+")


class Unreadable(ValueError):
    """This is no statement, or not one that may be trusted; the text says why, as the end of a sentence."""


class Unfinished(Unreadable):
    """The file has no end: it is still being written, or was cut off."""


class Format(StrEnum):
    CAMT = "camt"
    MT940 = "mt940"
    BAI2 = "bai2"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement, or one of several payments that the bank booked as one line (`parts`)."""

    amount: Money
    booked_on: date
    value_on: date
    is_booked: bool = True  # False: announced, and may still vanish
    has_day: bool = True  # False: `booked_on` is only the statement's day, the bank doesn't tell the entry's own
    reference: str = ""  # the bank's own for this entry; empty where it has none
    references: tuple[str, ...] = ()  # every other id that an entry which takes it back may name
    reverses: bool = False  # it takes an earlier entry back: out again what had come, or back to us what we had sent
    instructed: Money | None = None  # what the payer sent, where the bank says that something was kept on the way
    code: str = ""  # the bank's word for what kind of entry it is
    method: str = ""  # 'wire', 'ach', 'check'; empty where the code doesn't tell
    payer_name: str = ""
    payer_bank: str = ""  # a fingerprint, see `fingerprint`
    text: str = ""
    raw: str = ""  # what the bank wrote of it, before anybody read it: tells entries without a reference apart
    parts: tuple[Entry, ...] = ()
    problem: str = ""  # why it can't be used as it stands

    @property
    def payments(self) -> tuple[Entry, ...]:
        """The entry itself, or what it is made of."""
        return self.parts or (self,)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement says of one account. `opening` may be unknown where `is_proved` holds by other sums."""

    format: Format
    account: str  # the number as the bank writes it
    currency: str
    number: str  # the bank's own number of this statement; may be empty
    closing_on: date
    entries: tuple[Entry, ...]
    opening: Money | None = None
    closing: Money | None = None
    is_final: bool = True  # False: a report of a day that isn't over, whose entries shield and are never posted
    made_at: datetime | None = None
    is_proved: bool = False  # the bank's own sums were checked and fit
    pages: tuple[int, bool] = (1, True)  # the page, and whether it is the last one
    file: str = ""

    @property
    def first_on(self) -> date:
        """The first day on which it shows an entry; of one without entries its closing day."""
        return min((entry.booked_on for entry in self.entries if entry.is_booked), default=self.closing_on)

    @property
    def booked(self) -> Money:
        """The sum of what was booked."""
        return Money.total((entry.amount for entry in self.entries if entry.is_booked), self.currency)


@dataclass(frozen=True, slots=True)
class Broken:
    """A statement of which nothing counts, with the reason; its account is empty if not even that could be read."""

    account: str
    number: str
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file holds. A file of neither is a `notice`: a message that repeats what statements show."""

    statements: tuple[Statement, ...] = ()
    broken: tuple[Broken, ...] = field(default=())
    notice: str = ""


def normal(number: str) -> str:
    """An account number, BIC or reference without the signs that people and banks put between its letters."""
    return number.upper() if number.isalnum() and number.isascii() else _SIGNS.sub("", number).upper()


def fingerprint(number: str, bank: str = "") -> str:
    """Tells bank accounts apart without keeping their number; '' for no number.

    An IBAN names its bank already, so that one which came with a BIC and one without are the same.
    """
    own, other = normal(number), normal(bank)
    if not own:
        return ""
    is_iban = re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", own)
    return hashlib.sha256((own if is_iban else f"{own}@{other}").encode()).hexdigest()[:16]


def masked(number: str) -> str:
    """An account number as people may see it: the last four signs."""
    return f"…{normal(number)[-4:]}"


def is_reference(text: str) -> bool:
    return normal(text) not in NO_REFERENCE


def lines(*texts: str) -> str:
    """The texts that say something, each once, one a line."""
    told = (re.sub(r"[^\S\n]+", " ", text).strip() for text in texts)
    return "\n".join(dict.fromkeys(text for text in told if text))


def amount(text: str, currency: str) -> Money:
    """An amount with a decimal point or none, exactly; no sign, no exponent, no thousands."""
    if not re.fullmatch(r"\d{1,18}(\.\d{0,10})?", text.strip()):
        raise Unreadable(f"{text[:40]!r} is no amount")
    try:
        return Money.of(text.strip(), currency)
    except MoneyError as error:
        raise Unreadable(str(error)) from None


def unwrapped(pieces: Iterable[str], width: int) -> str:
    """A text that was cut into pieces of this width: a full piece goes on in the next, a shorter one ends a line."""
    text = ""
    for piece in pieces:
        text += piece if len(piece) >= width else piece + "\n"
    return text.rstrip("\n")
