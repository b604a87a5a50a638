"""A world's history and future as values: who buys, what is billed, and which payment really pays what.

A plan is made by `seed` or `book` and carried out by `world`, deed by deed, as its clock advances. Customers are named
by a key of the plan and invoices by their number; the vendors' ids exist only once a deed is carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

# The hours of a business day in the world, all in UTC.
BILLED_AT, PAID_AT, POSTED_AT = time(8), time(15), time(17)

Method = Literal["card", "ach"]
# How a payer says what a payment is for; "nothing" is said by many.
Reference = Literal["description", "metadata_number", "metadata_id", "stripe_invoice", "nothing"]


@dataclass(frozen=True, slots=True)
class NewCustomer:
    key: str
    name: str
    email: str
    terms_days: int
    currency: str = "USD"
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice; `amount` is a decimal string, `kind` subscription, usage or services."""

    description: str
    amount: str
    kind: str


@dataclass(frozen=True, slots=True)
class NewInvoice:
    number: str
    customer: str
    issued_on: date
    due_on: date
    lines: tuple[Line, ...]
    po: str = ""
    pay_url: str = ""


@dataclass(frozen=True, slots=True)
class NewCredit:
    number: str
    customer: str
    on: date
    amount: str
    created_from: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment really pays on one invoice."""

    invoice: str
    amount: str


@dataclass(frozen=True, slots=True)
class NewPayment:
    key: str
    customer: str
    pays: tuple[Part, ...]
    amount: str
    method: Method = "card"
    processing: bool = False
    reference: Reference = "description"


@dataclass(frozen=True, slots=True)
class Settle:
    payment: str


@dataclass(frozen=True, slots=True)
class Fail:
    payment: str


@dataclass(frozen=True, slots=True)
class PostByHand:
    """A person enters a Stripe payment in the ERP and applies it to what it really pays."""

    payment: str
    on: date


Deed = NewCustomer | NewInvoice | NewCredit | NewPayment | Settle | Fail | PostByHand


@dataclass(frozen=True, slots=True)
class Dated:
    at: datetime
    deed: Deed


def on_day(day: date, at: time, *, minute: int = 0) -> datetime:
    return datetime.combine(day, at, UTC) + timedelta(minutes=minute)


def ordered(deeds: Iterable[Dated]) -> tuple[Dated, ...]:
    """By instant; what falls on the same instant keeps its order."""
    return tuple(sorted(deeds, key=lambda dated: dated.at))
