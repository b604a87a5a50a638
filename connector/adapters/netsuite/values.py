"""The parts that NetSuite's SOAP records are made of, in both directions: references, days, custom fields, texts.

A day is a dateTime there, a checkbox a boolean; what is read comes out as SuiteQL would give it: strings, days as
YYYY-MM-DD, flags as 'T' and 'F', references as internal ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from connector.adapters.ledger_rows.cells import instant
from connector.adapters.netsuite.soap import Soap

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# What NetSuite's fields hold (its help on field types): free-form text, text area, a memo.
TEXT_MAX, LONG_TEXT_MAX, MEMO_MAX = 300, 3_999, 999
Named = tuple[str, str]  # a field's script id and its value


class Values:
    """Builds and reads the parts of SOAP records; days are those of `zone`."""

    def __init__(self, soap: Soap, zone: ZoneInfo) -> None:
        self.new = soap.new
        self.tag = soap.tag
        self._zone = zone

    # ---- to NetSuite ----

    def reference(self, internal_id: str) -> Any:
        return self.new("core:RecordRef", internalId=internal_id)

    def noon(self, on: date) -> datetime:
        """A day as NetSuite's dateTime. The server turns it into a day in the account's or the user's own zone;
        noon in the account's zone is the same day in both unless they are half the world apart."""
        return datetime.combine(on, time(12), tzinfo=self._zone)

    def custom(
        self,
        texts: Sequence[Named] = (),
        *,
        invoice: Named | None = None,
        day: tuple[str, date] | None = None,
        ticked: str = "",
    ) -> Any:
        """Custom fields: texts, a reference to an invoice, a day, and a checkbox that is set."""
        new = self.new
        fields = [new("core:StringCustomFieldRef", scriptId=name, value=text) for name, text in texts]
        if invoice:
            target = new("core:ListOrRecordRef", internalId=invoice[1])
            fields.append(new("core:SelectCustomFieldRef", scriptId=invoice[0], value=target))
        if day:
            fields.append(new("core:DateCustomFieldRef", scriptId=day[0], value=self.noon(day[1])))
        if ticked:
            fields.append(new("core:BooleanCustomFieldRef", scriptId=ticked, value=True))
        return new("core:CustomFieldList", customField=fields)

    # ---- from NetSuite ----

    def text(self, record: etree._Element, name: str) -> str:
        return record.findtext(self.tag(name)) or ""

    def flag(self, record: etree._Element, name: str) -> str:
        """'T' or 'F', '' where the record doesn't show the field."""
        text = self.text(record, name)
        return _flag(text) if text else ""

    def id(self, record: etree._Element, name: str) -> str:
        found = record.find(self.tag(name))
        return "" if found is None else found.get("internalId", "")

    def name(self, record: etree._Element, name: str) -> str:
        return record.findtext(f"{self.tag(name)}/{self.tag('core:name')}") or ""

    def day(self, record: etree._Element, name: str) -> str:
        return self._day(self.text(record, name))

    def lines(self, record: etree._Element, area: str, path: str) -> list[etree._Element]:
        """The lines of a list, such as lines(record, 'bank', 'otherList/depositOther')."""
        return record.findall("/".join(self.tag(f"{area}:{part}") for part in path.split("/")))

    def customs(self, record: etree._Element, area: str) -> dict[str, str]:
        """Script id -> value of the custom fields that the record shows."""
        found: dict[str, str] = {}
        for field in record.iterfind(f"{self.tag(f'{area}:customFieldList')}/{self.tag('core:customField')}"):
            value = field.find(self.tag("core:value"))
            if value is not None:
                text, kind = value.get("internalId") or value.text or "", field.get(XSI_TYPE, "")
                if kind.endswith("BooleanCustomFieldRef"):
                    text = _flag(text)
                elif kind.endswith("DateCustomFieldRef"):
                    text = self._day(text)
                found[field.get("scriptId", "")] = text
        return found

    def _day(self, text: str) -> str:
        """A SOAP dateTime stands for a day in the account's zone."""
        moment = instant(text, self._zone)
        return "" if moment is None else moment.astimezone(self._zone).date().isoformat()


def _flag(text: str) -> str:
    return "T" if text in ("true", "1") else "F"


def fit(text: str, limit: int = TEXT_MAX) -> str:
    """Without the control characters that XML can't carry, and no longer than the field.

    A cut is shown, and made between two words where there is one: half an amount would be another amount. Only a text
    area has lines.
    """
    kept = "\n" if limit == LONG_TEXT_MAX else ""
    printable = "".join(letter if letter.isprintable() or letter in kept else " " for letter in text)
    if len(printable) <= limit:
        return printable
    room = printable[: limit - 1]
    if printable[limit - 1] in " \n":
        return f"{room.rstrip()}…"
    words = max(room.rfind(" "), room.rfind("\n"))
    return f"{room[: words + 1].rstrip() if words > limit // 2 else room}…"
