"""One record as a client sent it: its elements by name, each read strictly, nothing written yet.

Generic objects take days as mm/dd/yyyy, legacy functions as year, month and day elements, custom objects as ISO days
(developer.intacct.com). An element that the record doesn't have is refused, so that no client can believe it was kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from sandbox.intacct.amounts import cents, rounded
from sandbox.intacct.refusal import refused

_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ACTIONS = {None: False, "Submit": False, "Draft": True}
_TRUTH = {"true": 1, "t": 1, "1": 1, "false": 0, "f": 0, "0": 0}


@dataclass(frozen=True, slots=True)
class Sent:
    element: etree._Element

    @property
    def name(self) -> str:
        return str(self.element.tag)

    def __iter__(self) -> Iterator[Sent]:
        return (Sent(child) for child in self.element if isinstance(child.tag, str))

    def require_known(self, names: str, *more: str) -> None:
        """Refuse an element that this record doesn't have, or one that stands there twice. `names`: with blanks."""
        known, seen = {*names.split(), *more}, set[str]()
        for child in self:
            if child.name not in known or child.name in seen:
                raise refused("no_such_field", field=child.name, what=self.name)
            seen.add(child.name)

    def child(self, name: str) -> Sent | None:
        return next((child for child in self if child.name == name), None)

    def has(self, name: str) -> bool:
        return self.child(name) is not None

    def text(self, name: str) -> str | None:
        """None where the element is missing or empty."""
        child = self.child(name)
        return (child.element.text or "").strip() or None if child is not None else None

    def needed(self, name: str) -> str:
        text = self.text(name)
        if text is None:
            raise refused("wants_value", field=name)
        return text

    def key(self, name: str) -> int | None:
        text = self.text(name)
        if text is not None and not text.isdecimal():
            raise refused("bad_value", field=name, value=text)
        return None if text is None else int(text)

    def money(self, name: str) -> int | None:
        """In cents, rounded to two decimals as Intacct does."""
        text = self.text(name)
        if text is None:
            return None
        amount = rounded(text)
        if amount is None:
            raise refused("bad_value", field=name, value=text)
        return amount

    def day(self, name: str) -> str | None:
        """A day of a generic object."""
        text = self.text(name)
        return None if text is None else us_day(text, name)

    def legacy_day(self, name: str) -> str | None:
        """A day of a legacy function."""
        child = self.child(name)
        if child is None or not len(child.element):
            return None
        parts = [child.needed(part) for part in ("year", "month", "day")]
        try:
            return date(*(int(part) for part in parts)).isoformat()
        except ValueError:
            raise refused("bad_value", field=name, value="-".join(parts)) from None

    def needed_day(self, name: str) -> str:
        return self._needed(self.day(name), name)

    def needed_legacy_day(self, name: str) -> str:
        return self._needed(self.legacy_day(name), name)

    @staticmethod
    def _needed(day: str | None, name: str) -> str:
        if day is None:
            raise refused("wants_value", field=name)
        return day

    def rate(self, name: str = "EXCHANGE_RATE") -> Decimal | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            rate = Decimal(text)
        except InvalidOperation:
            rate = Decimal(0)
        if not rate.is_finite() or rate <= 0:
            raise refused("bad_value", field=name, value=text)
        return rate

    def is_draft(self, name: str = "ACTION") -> bool:
        """What is to become of it: posted unless it says otherwise."""
        action = self.text(name)
        if action not in _ACTIONS:
            raise refused("bad_value", field=name, value=action)
        return _ACTIONS[action]

    @property
    def key_attribute(self) -> int:
        """The record that a legacy function names in its attribute."""
        key = self.element.get("key") or ""
        if not key.isdecimal():
            raise refused("wants_value", field="key")
        return int(key)

    def require_order(self, names: str) -> None:
        """Legacy functions want their elements in the documented order."""
        self.require_known(names)
        places = [names.split().index(child.name) for child in self]
        if places != sorted(places):
            raise refused("bad_value", field=self.name, value="elements in another order than documented")

    def lines(self, collection: str, line: str) -> list[Sent]:
        """The lines of an owned collection."""
        container = self.child(collection)
        if container is None:
            return []
        for child in container:
            if child.name != line:
                raise refused("no_such_field", field=child.name, what=collection)
        return list(container)


def us_day(text: str, field: str) -> str:
    match = _US_DAY.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        return date(int(match[3]), int(match[1]), int(match[2])).isoformat()
    except ValueError:
        raise refused("bad_value", field=field, value=text) from None


def stored(kind: str, text: str | None, field: str) -> object:
    """The value of a custom field as the books keep it; an empty element clears it."""
    if text is None:
        return None
    if kind == "boolean":
        if text.lower() not in _TRUTH:
            raise refused("bad_value", field=field, value=text)
        return _TRUTH[text.lower()]
    if kind == "date":
        return us_day(text, field)
    if kind == "money":
        amount = rounded(text)
        if amount is None:
            raise refused("bad_value", field=field, value=text)
        return amount
    return text


def stored_by_person(kind: str, value: object) -> object:
    """The same from a person's own words: a bool, a day, an ISO day or a text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if kind == "date":
        return date.fromisoformat(str(value)).isoformat()
    if kind == "money":
        return cents(str(value))
    return str(value)
