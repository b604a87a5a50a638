"""A world from a seed: a B2B software company's book, with good payers and bad ones, and what each payment really pays.

The same seed, number of customers and day give the same plan to the cent. Invoices were issued over the last months;
what a payer will still pay lies in the plan's future and happens when the clock gets there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count

from sandbox.plan import (
    BILLED_AT,
    PAID_AT,
    POSTED_AT,
    Dated,
    Deed,
    Fail,
    Line,
    Method,
    NewCredit,
    NewCustomer,
    NewInvoice,
    NewPayment,
    Part,
    PostByHand,
    Reference,
    Settle,
    on_day,
    ordered,
)

HISTORY_DAYS = 150
# What reached Stripe longer ago than this was entered in the ERP by people the next day; the rest is still to be done.
UNPOSTED_DAYS = 2
ACH_DAYS = 4
CARD_MAX = Decimal("5000")
FIRST_INVOICE, FIRST_CREDIT = 10001, 501


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Northfield Alder Copper Harbor Granite Meridian Juniper Silverline Redwood Lakeshore Summit Prairie Cobalt Beacon "
    "Foxglove Ironbridge Larkspur Mosaic Nimbus Orchard Pinnacle Quarry Riverbend Saffron Tideway Umber Vantage Willow"
)
_SECOND = _words(
    "Robotics Analytics Logistics Biotech Foods Energy Media Textiles Dynamics Freight Optics Software Aerospace "
    "Insurance Materials Networks Packaging Pharma Retail Systems"
)


@dataclass(frozen=True, slots=True)
class Tier:
    """A kind of customer: its terms, how often and how much it is billed (whole dollars), and its share of the book."""

    name: str
    share: float
    terms_days: tuple[int, ...]
    every_days: int
    subscription: tuple[int, int]
    lines_max: int


TIERS = (
    Tier("smb", 0.55, (30,), 30, (400, 2_500), 2),
    Tier("mid", 0.30, (30, 30, 60), 30, (3_000, 18_000), 3),
    Tier("enterprise", 0.15, (60, 60, 90), 45, (25_000, 120_000), 4),
)


@dataclass(frozen=True, slots=True)
class Payer:
    """How a customer pays: days after the due date, how it names what it pays, how many invoices at once."""

    share: float
    late_days: tuple[int, int]
    references: tuple[Reference, ...]
    at_once_max: int = 1
    short_share: float = 0.0


PAYERS = (
    Payer(0.40, (-12, 0), ("description", "stripe_invoice", "metadata_number")),
    Payer(0.25, (1, 12), ("description", "metadata_id", "nothing")),
    Payer(0.15, (-5, 10), ("description", "metadata_number", "nothing"), at_once_max=3),
    Payer(0.12, (20, 60), ("description", "nothing")),
    Payer(0.08, (5, 40), ("nothing", "description"), at_once_max=2, short_share=0.4),
)


def seed_plan(seed: int, customers: int, now: datetime) -> tuple[Dated, ...]:
    """The book of `customers` customers as seen on the day of `now`."""
    if not 0 <= customers <= len(_FIRST) * len(_SECOND):
        raise ValueError(f"there are firm names for at most {len(_FIRST) * len(_SECOND)} customers")
    names = random.Random(f"{seed}/names").sample([f"{a} {b}" for a in _FIRST for b in _SECOND], customers)
    deeds: list[Dated] = []
    books: list[tuple[random.Random, NewCustomer, list[NewInvoice]]] = []
    for index, name in enumerate(names):
        draw = random.Random(f"{seed}/customer/{index}")
        tier = draw.choices(TIERS, [tier.share for tier in TIERS])[0]
        customer = _customer(draw, name, tier)
        books.append((draw, customer, list(_invoices(draw, customer, tier, now.date()))))
    opening = on_day(now.date() - timedelta(days=HISTORY_DAYS + 1), time(6))
    deeds.extend(Dated(opening, customer) for _, customer, _ in books)
    for draw, customer, invoices in _numbered(books):
        deeds.extend(Dated(on_day(invoice.issued_on, BILLED_AT), invoice) for invoice in invoices)
        deeds.extend(_dealings(draw, customer, invoices, now))
    return ordered(_credits_numbered(deeds))


def _customer(draw: random.Random, name: str, tier: Tier) -> NewCustomer:
    domain = name.lower().replace(" ", "-")
    return NewCustomer(domain, name, f"ap@{domain}.example", draw.choice(tier.terms_days), "USD", tier.name)


def _invoices(draw: random.Random, customer: NewCustomer, tier: Tier, today: date) -> Iterator[NewInvoice]:
    """Drafts without a number, oldest first."""
    day = today - timedelta(days=HISTORY_DAYS - draw.randrange(tier.every_days))
    base = Decimal(draw.randint(*tier.subscription))
    while day <= today:
        yield NewInvoice(
            number="",
            customer=customer.key,
            issued_on=day,
            due_on=day + timedelta(days=customer.terms_days),
            lines=tuple(_lines(draw, base, tier, day)),
            po=f"PO-{draw.randint(1000, 9999)}" if tier.name != "smb" else "",
        )
        day += timedelta(days=tier.every_days + draw.randint(-2, 2))


def _lines(draw: random.Random, base: Decimal, tier: Tier, day: date) -> Iterator[Line]:
    yield Line(f"Platform subscription, {day:%B %Y}", f"{base:.2f}", "subscription")
    extras = draw.randrange(tier.lines_max)
    for kind, text in (("usage", "Usage above plan"), ("usage", "API calls"), ("services", "Onboarding services"))[
        :extras
    ]:
        share = Decimal(draw.randint(300, 4500)) / 10_000
        yield Line(text, f"{(base * share).quantize(Decimal('0.01')):.2f}", kind)


_Books = Sequence[tuple[random.Random, NewCustomer, list[NewInvoice]]]


def _numbered(books: _Books) -> Iterator[tuple[random.Random, NewCustomer, list[NewInvoice]]]:
    """Invoice numbers run through the whole book in the order of issue."""
    places = [(row.issued_on, book, place) for book, (_, _, rows) in enumerate(books) for place, row in enumerate(rows)]
    numbers = {(book, place): f"INV-{number}" for number, (_, book, place) in enumerate(sorted(places), FIRST_INVOICE)}
    for book, (draw, customer, rows) in enumerate(books):
        yield (
            draw,
            customer,
            [
                replace(row, number=number, pay_url=f"https://pay.example/i/{number}")
                for place, row in enumerate(rows)
                for number in [numbers[book, place]]
            ],
        )


def _total(invoice: NewInvoice) -> Decimal:
    return sum((Decimal(line.amount) for line in invoice.lines), Decimal(0))


def _dealings(draw: random.Random, customer: NewCustomer, invoices: list[NewInvoice], now: datetime) -> Iterator[Dated]:
    """Credit memos and payments of one customer."""
    payer = draw.choices(PAYERS, [payer.share for payer in PAYERS])[0]
    waiting = list(invoices)
    keys = count(1)
    while waiting:
        together = [waiting.pop(0) for _ in range(min(len(waiting), draw.randint(1, payer.at_once_max)))]
        if draw.random() < 0.05:
            yield _credit(draw, customer, together[0])
        day = max(invoice.due_on for invoice in together) + timedelta(days=draw.randint(*payer.late_days))
        day = max(day, max(invoice.issued_on for invoice in together) + timedelta(days=1))
        key = f"{customer.key}/{next(keys)}"
        yield from _payment(draw, key, payer, together, day, now)


def _credit(draw: random.Random, customer: NewCustomer, invoice: NewInvoice) -> Dated:
    amount = (_total(invoice) * draw.randint(3, 12) / 100).quantize(Decimal("0.01"))
    day = invoice.issued_on + timedelta(days=draw.randint(3, 10))
    named = invoice.number if draw.random() < 0.5 else None
    return Dated(on_day(day, BILLED_AT, minute=30), NewCredit("", customer.key, day, f"{amount:.2f}", named))


def _payment(
    draw: random.Random, key: str, payer: Payer, invoices: list[NewInvoice], day: date, now: datetime
) -> Iterator[Dated]:
    """One payment of some invoices; an ACH debit succeeds days later, or comes back and is paid again."""
    parts = tuple(_part(draw, payer, invoice) for invoice in invoices)
    amount = sum((Decimal(part.amount) for part in parts), Decimal(0))
    method: Method = "card" if amount < CARD_MAX and draw.random() < 0.6 else "ach"
    payment = NewPayment(
        key=key,
        customer=invoices[0].customer,
        pays=parts,
        amount=f"{amount:.2f}",
        method=method,
        processing=method == "ach",
        reference=draw.choice(payer.references),
    )
    minute = draw.randrange(90)

    def at(day: date, time: time, deed: Deed) -> Dated:
        return Dated(on_day(day, time, minute=minute), deed)

    yield at(day, PAID_AT, payment)
    if method == "ach":
        day += timedelta(days=ACH_DAYS)
        if draw.random() < 0.04:
            yield at(day, PAID_AT, Fail(key))
            day += timedelta(days=3)
            yield at(day, PAID_AT, replace(payment, key=f"{key}/again", processing=False))
            key = f"{key}/again"
        else:
            yield at(day, PAID_AT, Settle(key))
    if on_day(day, PAID_AT) < now - timedelta(days=UNPOSTED_DAYS):
        yield at(day + timedelta(days=1), POSTED_AT, PostByHand(key, day))


def _part(draw: random.Random, payer: Payer, invoice: NewInvoice) -> Part:
    total = _total(invoice)
    if draw.random() < payer.short_share:
        total = (total * draw.randint(80, 97) / 100).quantize(Decimal("0.01"))
    return Part(invoice.number, f"{total:.2f}")


def _credits_numbered(deeds: list[Dated]) -> Iterator[Dated]:
    numbers = count(FIRST_CREDIT)
    for dated in ordered(deeds):
        if isinstance(dated.deed, NewCredit):
            dated = replace(dated, deed=replace(dated.deed, number=f"CM-{next(numbers)}"))
        yield dated
