"""A world from a real-shaped ledger: a folder with `invoices.csv`, one invoice a line and the day it was settled."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from sandbox.amounts import minor, plain
from sandbox.plan import BILLED_AT, PAID_AT, Dated, Line, NewCustomer, NewInvoice, NewPayment, Part, on_day, ordered

REQUIRED = ("invoice_number", "customer_id", "currency", "amount", "issued_on", "due_on", "settled_on")


T = TypeVar("T")


class BadBook(ValueError):
    """The book can't be read; the message names file, line and column."""


def read_book(folder: Path) -> tuple[Dated, ...]:
    """Each invoice billed on the day it was issued, each settlement a Stripe payment of the whole on its day.

    A customer comes into being with the first of its invoices. An empty `settled_on` is an invoice never paid.
    """
    path = folder / "invoices.csv"
    if not path.is_file():
        raise BadBook(f"{folder} is no book: there is no invoices.csv in it")
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = [column for column in REQUIRED if column not in (rows.fieldnames or ())]
        if missing:
            raise BadBook(f"{path}: the columns {', '.join(missing)} are missing")
        invoices = [_row(path, line, row) for line, row in enumerate(rows, start=2)]
    return _plan(path, sorted(invoices, key=lambda found: found[0].issued_on))


_Read = tuple[NewInvoice, str, date | None]  # the invoice, its currency, the day of its settlement


def _row(path: Path, line: int, row: dict[str, str]) -> _Read:
    def field(column: str, read: Callable[[str], T]) -> T:
        try:
            return read(row[column])
        except (ValueError, TypeError):
            raise BadBook(f"{path}, line {line}: {column} can't be read: {row[column]!r}") from None

    number = field("invoice_number", _text)
    currency = field("currency", _text).upper()
    amount = field("amount", lambda text: plain(minor(text, currency), currency))
    issued_on, due_on = field("issued_on", date.fromisoformat), field("due_on", date.fromisoformat)
    settled_on = field("settled_on", lambda text: date.fromisoformat(text) if text else None)
    if settled_on is not None and settled_on < issued_on:
        raise BadBook(f"{path}, line {line}: settled_on {settled_on} lies before issued_on {issued_on}")
    invoice = NewInvoice(
        number=number,
        customer=field("customer_id", _text),
        issued_on=issued_on,
        due_on=due_on,
        lines=(Line(f"Services, invoice {number}", amount, "services"),),
        pay_url=f"https://pay.example/i/{number}",
    )
    return invoice, currency, settled_on


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("empty")
    return value.strip()


def _plan(path: Path, invoices: list[_Read]) -> tuple[Dated, ...]:
    deeds: list[Dated] = []
    currencies: dict[str, str] = {}
    numbers: set[str] = set()
    for invoice, currency, settled_on in invoices:
        if invoice.number in numbers:
            raise BadBook(f"{path}: invoice {invoice.number} is there twice")
        numbers.add(invoice.number)
        if currencies.setdefault(invoice.customer, currency) != currency:
            raise BadBook(f"{path}: customer {invoice.customer} has invoices in {currency} and in another currency")
        billed = on_day(invoice.issued_on, BILLED_AT)
        deeds.append(Dated(billed, _customer(invoice, currency)))
        deeds.append(Dated(billed, invoice))
        if settled_on is not None:
            deeds.append(Dated(on_day(settled_on, PAID_AT), _settlement(invoice)))
    return ordered(_first_of_each_customer(deeds))


def _customer(invoice: NewInvoice, currency: str) -> NewCustomer:
    key = invoice.customer
    return NewCustomer(
        key=key,
        name=f"Customer {key}",
        email=f"billing@{key.lower()}.example",
        terms_days=(invoice.due_on - invoice.issued_on).days,
        currency=currency,
    )


def _settlement(invoice: NewInvoice) -> NewPayment:
    (line,) = invoice.lines
    return NewPayment(
        key=f"settlement of {invoice.number}",
        customer=invoice.customer,
        pays=(Part(invoice.number, line.amount),),
        amount=line.amount,
    )


def _first_of_each_customer(deeds: list[Dated]) -> list[Dated]:
    seen: set[str] = set()
    kept = []
    for dated in deeds:
        if isinstance(dated.deed, NewCustomer):
            if dated.deed.key in seen:
                continue
            seen.add(dated.deed.key)
        kept.append(dated)
    return kept
