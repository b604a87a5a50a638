"""One record as a SOAP client sent it: its fields by name, each read strictly, nothing written yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.netsuite.amounts import units
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, CreditLine, Lists
from sandbox.netsuite.books import stored_day
from sandbox.netsuite.catalogue import Catalogue, Kind
from sandbox.netsuite.contract import XSI_TYPE

# SOAP's types of custom field values, and the kind of field that each may fill.
CUSTOM_TYPES = {
    "BooleanCustomFieldRef": Kind.FLAG,
    "DateCustomFieldRef": Kind.DATE,
    "DoubleCustomFieldRef": Kind.MONEY,
    "StringCustomFieldRef": Kind.TEXT,
    "SelectCustomFieldRef": Kind.KEY,
}
# xsi:type of a record -> what the rest of this package calls it.
RECORD_KINDS = {
    "CustomerPayment": "customerPayment",
    "CustomRecord": "customRecord",
    "Invoice": "invoice",
    "Customer": "customer",
    "CreditMemo": "creditMemo",
    "CustomerRefund": "customerRefund",
    "Deposit": "deposit",
    "JournalEntry": "journalEntry",
}


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def xsi_type(element: etree._Element) -> str:
    """The local name of xsi:type; the schema has checked its namespace already."""
    return str(element.get(XSI_TYPE) or "").rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Reference:
    internal_id: str
    external_id: str
    type_id: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """`kind` is one of RECORD_KINDS' values, or the type as sent when it isn't known here."""

    element: etree._Element
    kind: str
    internal_id: str
    external_id: str

    @classmethod
    def of(cls, element: etree._Element) -> Sent:
        kind = xsi_type(element)
        return cls(
            element, RECORD_KINDS.get(kind, kind), element.get("internalId") or "", element.get("externalId") or ""
        )

    def child(self, name: str) -> etree._Element | None:
        return next((child for child in self.element if isinstance(child.tag, str) and local(child) == name), None)

    def has(self, name: str) -> bool:
        return self.child(name) is not None

    def text(self, name: str) -> str | None:
        child = self.child(name)
        return None if child is None else (child.text or "")

    def flag(self, name: str) -> bool | None:
        return truth_value(self.text(name))

    def reference(self, name: str) -> Reference | None:
        child = self.child(name)
        return None if child is None else reference(child)

    def money(self, name: str, currency: str) -> int | None:
        text = self.text(name)
        return None if text is None else amount_of(text, name, currency)

    def day(self, name: str, zone: str) -> str | None:
        """A dateTime as the day that it falls on in the account's zone; without an offset it is taken as local."""
        text = self.text(name)
        return None if text is None else day_of(text, zone)

    def rate(self) -> Decimal | None:
        """The exchange rate that was sent; refused when it is none."""
        text = self.text("exchangeRate")
        if text is None:
            return None
        rate = Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else Decimal(0)
        if rate <= 0:
            raise Refusal("bad_rate", rate=text.strip())
        return rate

    def lines(self, name: str) -> list[Sent]:
        """The lines of a list, each readable as a record is."""
        container = self.child(name)
        return [] if container is None else [Sent(line, self.kind, "", "") for line in container]

    def nulls(self) -> frozenset[str]:
        """Names in nullFieldList: fields to be emptied."""
        child = self.child("nullFieldList")
        return frozenset() if child is None else frozenset(name.text or "" for name in child)

    def replaces_all(self, name: str) -> bool:
        """The list's replaceAll, which is true when it was not sent (schema default)."""
        child = self.child(name)
        return child is None or truth_value(child.get("replaceAll", "true")) is not False

    def lists(self, currency: str) -> Lists:
        """A payment's apply and credit lists; one that was not sent replaces nothing."""
        applies, credits = self.lines("applyList"), self.lines("creditList")
        return Lists(
            tuple(_apply_line(line.element, currency) for line in applies),
            tuple(_credit_line(line.element, currency) for line in credits),
            self.has("applyList") and self.replaces_all("applyList"),
            self.has("creditList") and self.replaces_all("creditList"),
        )

    def custom(self, catalogue: Catalogue, record: str, zone: str) -> dict[str, object]:
        """Custom field values by script id; a field that the record doesn't have, or of another type, is refused."""
        return custom_values(self.child("customFieldList"), catalogue, record, zone)


def day_of(text: str, zone: str) -> str:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        moment = moment.astimezone(ZoneInfo(zone))
    return str(stored_day(moment.date()))


def custom_values(container: etree._Element | None, catalogue: Catalogue, record: str, zone: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for sent in container if container is not None else ():
        script_id = sent.get("scriptId") or ""
        field = catalogue.fields.get(script_id)
        if field is None or record not in field.records:
            raise Refusal("no_such_field", field=script_id or sent.get("internalId") or "without scriptId")
        kind = xsi_type(sent)
        if CUSTOM_TYPES.get(kind) is not field.kind:
            raise Refusal("wrong_field_type", field=script_id, kind=field.type, sent=kind)
        values[script_id] = _custom_value(sent, field.kind, script_id, zone)
    return values


def _custom_value(sent: etree._Element, kind: Kind, script_id: str, zone: str) -> object:
    value = sent[0]
    if kind is Kind.FLAG:
        return "T" if truth_value(value.text) else "F"
    if kind is Kind.DATE:
        return day_of(value.text or "", zone)
    if kind is Kind.MONEY:
        return amount_of(value.text or "", script_id, "its currency")
    if kind is Kind.KEY:
        return reference(value).internal_id
    return value.text or None  # an empty string empties the field


def reference(element: etree._Element) -> Reference:
    return Reference(element.get("internalId") or "", element.get("externalId") or "", element.get("typeId") or "")


def truth_value(text: str | None) -> bool | None:
    return None if text is None else text.strip() in ("true", "1")


def amount_of(text: str, field: str, currency: str) -> int:
    """An xsd:double as an exact amount; what is no finite decimal amount is refused, never rounded."""
    try:
        return units(text.strip())
    except ValueError:
        raise Refusal("bad_amount", field=field, amount=text.strip(), currency=currency) from None


def _apply_line(line: etree._Element, currency: str) -> ApplyLine:
    doc, amount, applied, number, fields = _list_line(line, currency)
    discount = amount_of(fields["disc"], "disc", currency) if "disc" in fields else None
    return ApplyLine(doc, amount, applied, number, discount)


def _credit_line(line: etree._Element, currency: str) -> CreditLine:
    doc, amount, applied, number, _ = _list_line(line, currency)
    return CreditLine(doc, amount, applied, number)


def _list_line(line: etree._Element, currency: str) -> tuple[int, int | None, bool, str, dict[str, str]]:
    fields: dict[str, str] = dict(_texts(line))
    if "doc" not in fields:
        raise Refusal("wants_value", field="doc")
    amount = amount_of(fields["amount"], "amount", currency) if "amount" in fields else None
    # A line without `apply` is one that is not to be applied (K).
    applied = truth_value(fields.get("apply")) or False
    return int(fields["doc"]), amount, applied, fields.get("line", "null"), fields


def _texts(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in element:
        if isinstance(child.tag, str):
            yield local(child), (child.text or "").strip()
