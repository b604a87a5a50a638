"""The books of a false Intacct company without its door: what a client would send goes straight into them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.clock import WorldClock
from sandbox.intacct.books import Guesses, Row, Who
from sandbox.intacct.people import People

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = date(2026, 11, 20)
US_DAY = "11/20/2026"
DUE = date(2026, 12, 20)

Fields = Mapping[str, object]


@dataclass
class Desk:
    books: People
    clock: WorldClock
    commits: list[str]
    entity: str = ""

    @property
    def client(self) -> Who:
        return self.books.who("xml_user", self.entity)

    def customer(self, name: str = "Blue Heron Ltd", currency: str = "USD", **more: Any) -> str:
        if self.books.row("SELECT 1 FROM term WHERE name = 'Net 30'") is None:
            self.books.add_term("Net 30", 30)
        return self.books.add_customer(name, "ap@heron.example", "Net 30", currency, **more)

    def invoice(self, customer: str, number: str, *amounts: str, **more: Any) -> str:
        """One line an amount; issued three weeks ago."""
        lines = [{"amount": amount, "description": f"line {place}"} for place, amount in enumerate(amounts, 1)]
        more = {"currency": self.books.customer(customer)["currency"], "terms_id": "Net 30", **more}
        return self.books.add_invoice(customer, number, date(2026, 11, 1), DUE, lines, **more)

    def key(self, invoice: str) -> int:
        """The RECORDNO that an invoice has now."""
        return int(self.books.invoice(invoice)["recordno"])

    def lines(self, record: int) -> list[Row]:
        return self.books.entries(record)

    def entry(self, invoice: str, line_no: int) -> int:
        return int(self.lines(self.key(invoice))[line_no - 1]["recordno"])

    def dues(self, invoice: str) -> list[str]:
        return [line["due"] for line in self.shown(invoice)["lines"]]

    def shown(self, name: str) -> dict[str, Any]:
        """An invoice, payment or credit of the truth."""
        told = self.books.truth()
        found = [
            one for kind in ("invoices", "payments", "credits", "drafts") for one in told[kind] if one["id"] == name
        ]
        return dict(found[0])

    # ---- what a client sends ----

    def create(self, kind: str, fields: Fields) -> int:
        return self.books.create(kind, element(kind, fields), self.client)

    def update(self, kind: str, fields: Fields) -> int:
        return self.books.update(kind, element(kind, fields), self.client)

    def delete(self, kind: str, *keys: int) -> None:
        self.books.delete(kind, keys, self.client)

    def legacy(self, name: str, fields: Fields, key: int | None = None) -> int:
        return self.books.legacy(name, element(name, fields, key), self.client)

    def pay(self, customer: str, *details: Fields, **more: object) -> int:
        """An ARPYMT into checking over these details."""
        return self.create("ARPYMT", payment(customer, *details, **more))


def payment(customer: str, *details: Fields, **more: object) -> dict[str, object]:
    header: dict[str, object] = {
        "FINANCIALENTITY": "CHK-1000",
        "PAYMENTMETHOD": "EFT",
        "CUSTOMERID": customer,
        "CURRENCY": "USD",
        "RECEIPTDATE": US_DAY,
        "ARPYMTDETAILS": [("ARPYMTDETAIL", detail) for detail in details],
        **more,
    }
    return {name: value for name, value in header.items() if value is not None}


def legacy_day(on: date = DAY) -> dict[str, object]:
    return {"year": f"{on.year}", "month": f"{on.month:02d}", "day": f"{on.day:02d}"}


def element(tag: str, fields: Fields, key: int | None = None) -> etree._Element:
    """`fields`: texts, further fields, or a list of (tag, fields) for a collection."""
    attribute = f' key="{key}"' if key is not None else ""
    return etree.fromstring(f"<{tag}{attribute}>{_inner(fields)}</{tag}>")


def _inner(fields: Fields) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _inner(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(
            f"<{tag}>{_inner(one) if isinstance(one, Mapping) else escape(str(one))}</{tag}>" for tag, one in value
        )
    return escape(str(value))


def opened(guesses: Guesses | None = None) -> Desk:
    """A company of its own whose clock stands still."""
    clock = WorldClock()
    clock.start_at(NOW)
    commits: list[str] = []
    numbers = itertools.count(1)

    def sequence(what: str) -> int:
        commits.append(what)
        return next(numbers)

    return Desk(People(clock, sequence, guesses), clock, commits)
