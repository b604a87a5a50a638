"""Rows as Intacct would answer them, kept in memory, behind the reads of our gateway: for the rooms that read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from connector.adapters.intacct.answers import Record, Row
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import Keys
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.payments import Payments
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.xmltext import Node

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MAPPING = IntacctMapping(account_time_zone="UTC")


@dataclass
class Shelf(Gateway):
    """Answers queries from `rows` as the gateway's documented operators say; `asked` are the objects of each request.

    A field that a row doesn't have is null, and null meets no condition but isnull.
    """

    tables: dict[str, list[Row]] = field(default_factory=dict)
    details: dict[str, list[Row]] = field(default_factory=dict)  # RECORDNO of a payment -> its details
    page_rows: int = 2000
    asked: list[str] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)  # RECORDNOs that a read by key doesn't bring
    before: dict[str, Callable[[], None]] = field(default_factory=dict)  # what happens once, just before a query

    def put(self, object_name: str, *rows: Row) -> None:
        self.tables.setdefault(object_name, []).extend(rows)

    def pages(
        self,
        object_name: str,
        fields: Sequence[str],
        where: Node | None = None,
        *,
        key: str = "RECORDNO",
        entity: str = "",
    ) -> Iterator[list[Row]]:
        self.before.pop(object_name, lambda: None)()
        found = sorted(self._met(object_name, where), key=lambda row: int(row[key]))
        wanted = {*fields, key}
        for start in range(0, max(len(found), 1), self.page_rows):
            self.asked.append(object_name)
            page = found[start : start + self.page_rows]
            if page:
                yield [{name: value for name, value in row.items() if name in wanted and value} for row in page]

    def sums(
        self,
        object_name: str,
        by: Sequence[str],
        summed: Sequence[str],
        where: Node | None = None,
        *,
        counted: str = "",
        entity: str = "",
    ) -> list[Row]:
        self.asked.append(object_name)
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in self._met(object_name, where):
            groups.setdefault(tuple(row.get(name, "") for name in by), []).append(row)
        found = []
        for names, rows in groups.items():
            told = {name: value for name, value in zip(by, names, strict=True) if value}
            told |= {f"SUM.{name}": str(sum(Decimal(row.get(name) or "0") for row in rows)) for name in summed}
            found.append(told | {f"COUNT.{counted}": str(len(rows))})
        return found

    def read(self, object_name: str, keys: Sequence[str], *, entity: str = "") -> list[Record]:
        self.asked.append(f"read {object_name}")
        mine = [row for row in self.tables.get(object_name, []) if row.get("MEGAENTITYID", "") == entity]
        there = {row["RECORDNO"]: row for row in mine}
        return [
            Record(there[key], {"ARPYMTDETAILS": tuple(Record(row) for row in self.details.get(key, []))})
            for key in keys
            if key in there and key not in self.withheld
        ]

    def _met(self, object_name: str, where: Node | None) -> list[Row]:
        rows = self.tables.get(object_name, [])
        if object_name == "ARINVOICEITEM":
            rows = [*rows, *self._only_lines(rows)]
        return [row for row in rows if where is None or _meets(row, where)]

    def _only_lines(self, lines: list[Row]) -> list[Row]:
        """The one line of each invoice that was put here without any."""
        known = {line["RECORDKEY"] for line in lines}
        return [
            {"RECORDNO": f"9{no}", "RECORDKEY": no, "LINE_NO": "1", "TRX_AMOUNT": row["TRX_TOTALENTERED"]}
            for row in self.tables.get("ARINVOICE", [])
            if (no := row["RECORDNO"]) not in known
        ]


def _meets(row: Row, condition: Node) -> bool:
    parts = condition.value
    assert isinstance(parts, tuple)
    if condition.name in ("and", "or"):
        told = [_meets(row, part) for part in parts]
        return all(told) if condition.name == "and" else any(told)
    name, *values = (str(part.value) for part in parts)
    held = row.get(name, "")
    if condition.name in ("isnull", "isnotnull"):
        return (condition.name == "isnull") == (not held)
    return bool(held) and _OPERATORS[condition.name](held, values)


def _value(text: str) -> Decimal | str:
    """As the column compares: days and instants in their order, amounts as numbers."""
    day = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})(.*)", text)
    if day:
        return f"{day[3]}-{day[1]}-{day[2]}{day[4]}"
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _like(held: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace("%", ".*"), held, re.DOTALL) is not None


_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "equalto": lambda held, said: _value(held) == _value(said[0]),
    "notequalto": lambda held, said: _value(held) != _value(said[0]),
    "greaterthan": lambda held, said: _value(held) > _value(said[0]),  # type: ignore[operator]
    "greaterthanorequalto": lambda held, said: _value(held) >= _value(said[0]),  # type: ignore[operator]
    "lessthan": lambda held, said: _value(held) < _value(said[0]),  # type: ignore[operator]
    "lessthanorequalto": lambda held, said: _value(held) <= _value(said[0]),  # type: ignore[operator]
    "between": lambda held, said: _value(said[0]) <= _value(held) <= _value(said[1]),  # type: ignore[operator]
    "in": lambda held, said: held in said,
    "like": lambda held, said: _like(held, said[0]),
}


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Rooms:
    shelf: Shelf
    ledger: Ledger
    payments: Payments


def rooms(mapping: IntacctMapping = MAPPING, page_rows: int = 2000) -> Rooms:
    shelf = Shelf(page_rows=page_rows)
    keys = Keys(shelf, mapping)
    payments = Payments(shelf, mapping, keys)
    return Rooms(shelf, Ledger(shelf, mapping, Clock(), keys, payments), payments)


def invoice(record_no: int, number: str, customer: str = "C1", due: str = "100", **fields: str) -> Row:
    return {
        "RECORDNO": str(record_no),
        "RECORDID": number,
        "STATE": "Posted",
        "CUSTOMERID": customer,
        "WHENCREATED": "10/01/2026",
        "WHENDUE": "10/31/2026",
        "CURRENCY": "USD",
        "TRX_TOTALENTERED": "100",
        "TRX_TOTALDUE": due,
        "TRX_TOTALSELECTED": "0",
        "WHENMODIFIED": "11/01/2026 08:00:00",
        **fields,
    }


def customer(name: str, **fields: str) -> Row:
    number = str(9000 + int(re.sub(r"\D", "", name) or 0))
    return {"RECORDNO": number, "CUSTOMERID": name, "NAME": name, "STATUS": "active", **fields}


def memo(record_no: int, number: str, due: str = "-40", **fields: str) -> Row:
    return {
        "RECORDNO": str(record_no),
        "RECORDID": number,
        "STATE": "Posted",
        "CUSTOMERID": "C1",
        "WHENCREATED": "10/05/2026",
        "CURRENCY": "USD",
        "TRX_TOTALENTERED": "-40",
        "TRX_TOTALDUE": due,
        "WHENMODIFIED": "11/01/2026 08:00:00",
        **fields,
    }


def payment(record_no: int, amount: str = "100", **fields: str) -> Row:
    return {
        "RECORDNO": str(record_no),
        "RECORDTYPE": "rp",
        "STATE": "Complete",
        "CUSTOMERID": "C1",
        "RECEIPTDATE": "11/20/2026",
        "CURRENCY": "USD",
        "TRX_TOTALENTERED": amount,
        "TRX_TOTALDUE": "0",
        "WHENMODIFIED": "11/20/2026 08:00:00",
        **fields,
    }


def overpayment(record_no: int, of: int, left: str, **fields: str) -> Row:
    return payment(record_no, left, RECORDTYPE="ro", PARENTPAYMENTKEY=str(of), TRX_TOTALDUE=left, **fields)


def advance(record_no: int, left: str = "100", **fields: str) -> Row:
    found = payment(record_no, "100", TRX_TOTALDUE=left, **fields)
    del found["RECORDTYPE"]
    return found
