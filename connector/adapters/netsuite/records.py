"""Our intents -> NetSuite's SOAP records, and NetSuite's SOAP records -> rows that `reading` understands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from lxml import etree

from connector.adapters.netsuite.reading import Row, instant
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.adapters.netsuite.soap import Soap
from connector.errors import Terminal
from connector.money import Money
from connector.ports import Installation, Mark
from connector.receivables import ArStatus, Cancellation, CloseIntent, Receipt, RecordState

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
INSTALLATION_ID = "arc-installation"
# What NetSuite's fields hold (its help on field types): free-form text, text area, a payment's memo.
TEXT_MAX, LONG_TEXT_MAX, MEMO_MAX = 300, 3_999, 999
_KIND = re.compile(r"^arc-[A-Za-z0-9]+-(can|rec)-")


class Records:
    """Builds SOAP values for one account; `type_ids` are the numeric ids of its custom record types."""

    def __init__(self, soap: Soap, mapping: NetSuiteMapping, type_ids: dict[str, str]) -> None:
        self._soap = soap
        self._mapping = mapping
        self._type_ids = type_ids

    # ---- to NetSuite ----

    def payment(self, intent: CloseIntent, applied: Mapping[str, Money], currency_id: str) -> Any:
        """A customer payment that applies exactly what the intent says, and nothing by itself.

        `replaceAll` is set on every list: left out, NetSuite takes true and would unapply what is not listed.
        """
        new, post, deposit = self._soap.new, intent.payment, self._mapping.deposit_to
        lines = [
            new("customers:CustomerPaymentApply", apply=True, doc=int(invoice_id), amount=amount.plain())
            for invoice_id, amount in applied.items()
        ]
        target: dict[str, Any] = {"undepFunds": deposit.undeposited}
        if deposit.account_id:
            target["account"] = self._reference(deposit.account_id)
        return new(
            "customers:CustomerPayment",
            externalId=post.external_id,
            customer=self._reference(post.customer_id),
            currency=self._reference(currency_id),
            payment=post.amount.plain(),
            autoApply=False,
            tranDate=self._noon(post.received_on),
            memo=_fit(post.memo, MEMO_MAX),
            applyList=new("customers:CustomerPaymentApplyList", apply=lines, replaceAll=False) if lines else None,
            customFieldList=self._fields([(self._mapping.fields.payment_act, intent.act_id)]),
            **target,
        )

    def cancellation(self, act_id: str, record: Cancellation) -> Any:
        names = self._mapping.records.cancellation
        texts = [
            (names.act, act_id),
            (names.steps, _fit(" ".join(record.steps))),
            (names.reason, _fit(record.reason)),
            (names.cancelled_at, record.cancelled_at.isoformat()),
            (names.state, RecordState.INTENDED.value),
        ]
        return self._custom(names.type, record.external_id, texts, (names.invoice, record.invoice_id))

    def receipt(self, act_id: str, record: Receipt) -> Any:
        names = self._mapping.records.receipt
        texts = [
            (names.act, act_id),
            (names.payment, record.payment_external_id),
            (names.text, _fit(record.text, LONG_TEXT_MAX)),
            (names.state, RecordState.INTENDED.value),
        ]
        return self._custom(names.type, record.external_id, texts)

    def mark(self, mark: Mark) -> Any:
        """The new state of an accompanying record, and its text where there is a new one."""
        if _kind(mark.external_id) == "can":
            can = self._mapping.records.cancellation
            texts = [(can.state, mark.state.value)] + ([(can.reason, _fit(mark.text))] if mark.text else [])
            return self._custom(can.type, mark.external_id, texts)
        rec = self._mapping.records.receipt
        texts = [(rec.state, mark.state.value)] + ([(rec.text, _fit(mark.text, LONG_TEXT_MAX))] if mark.text else [])
        return self._custom(rec.type, mark.external_id, texts)

    def status(self, status: ArStatus) -> Any:
        """Every field is sent, empty where there is nothing: an empty text clears what was there."""
        names = self._mapping.records.status
        texts = [
            (names.state, status.state),
            (names.reason, _fit(status.reason)),
            (names.step, status.next_step),
            (names.next_on, status.next_on.isoformat() if status.next_on else ""),
        ]
        return self._custom(names.type, status.external_id, texts, (names.invoice, status.invoice_id))

    def installation(self, value: Installation) -> Any:
        names = self._mapping.records.installation
        seen = value.last_seen_at.isoformat() if value.last_seen_at else ""
        texts = [(names.id, value.id), (names.epoch, str(value.epoch)), (names.seen_at, seen)]
        return self._custom(names.type, INSTALLATION_ID, texts)

    def payment_reference(self, external_id: str) -> Any:
        return self._soap.new("core:RecordRef", externalId=external_id, type="customerPayment")

    def invoice_reference(self, invoice_id: str) -> Any:
        return self._soap.new("core:RecordRef", internalId=invoice_id, type="invoice")

    def record_reference(self, external_id: str) -> Any:
        records = self._mapping.records
        script_id = records.cancellation.type if _kind(external_id) == "can" else records.receipt.type
        return self._soap.new("core:CustomRecordRef", externalId=external_id, typeId=self._type_id(script_id))

    def installation_reference(self) -> Any:
        type_id = self._type_id(self._mapping.records.installation.type)
        return self._soap.new("core:CustomRecordRef", externalId=INSTALLATION_ID, typeId=type_id)

    def _custom(
        self, script_id: str, external_id: str, texts: list[tuple[str, str]], invoice: tuple[str, str] | None = None
    ) -> Any:
        return self._soap.new(
            "customization:CustomRecord",
            externalId=external_id,
            recType=self._reference(self._type_id(script_id)),
            customFieldList=self._fields(texts, invoice),
        )

    def _fields(self, texts: list[tuple[str, str]], invoice: tuple[str, str] | None = None) -> Any:
        new = self._soap.new
        fields = [new("core:StringCustomFieldRef", scriptId=name, value=text) for name, text in texts]
        if invoice:
            name, invoice_id = invoice
            value = new("core:ListOrRecordRef", internalId=invoice_id)
            fields.append(new("core:SelectCustomFieldRef", scriptId=name, value=value))
        return new("core:CustomFieldList", customField=fields)

    def _reference(self, internal_id: str) -> Any:
        return self._soap.new("core:RecordRef", internalId=internal_id)

    def _type_id(self, script_id: str) -> str:
        try:
            return self._type_ids[script_id]
        except KeyError:
            raise Terminal(
                f"NetSuite has no custom record type {script_id}. Nothing was written. Install the connector's record "
                "types, or correct the name in mappings/netsuite.yaml, then run `connector check`."
            ) from None

    def _noon(self, on: date) -> datetime:
        """A day as NetSuite's dateTime. The server turns it into a day in the account's or the user's own zone;
        noon in the account's zone is the same day in both unless they are half the world apart."""
        return datetime.combine(on, time(12), tzinfo=self._mapping.zone)

    # ---- from NetSuite ----

    def invoice_row(self, record: etree._Element) -> tuple[Row, list[Row]]:
        """A SOAP invoice as the rows that SuiteQL would give: header and lines."""
        field, custom = self._mapping.fields, self._custom_values(record, "sales")
        row = {
            "id": record.get("internalId", ""),
            "tranid": self._value(record, "sales:tranId"),
            "entity": self._id(record, "sales:entity"),
            "currency": self._id(record, "sales:currency"),
            "foreigntotal": self._value(record, "sales:total"),
            "foreignamountunpaid": self._value(record, "sales:amountRemaining"),
            "voided": _voided(self._value(record, "sales:status")),
            "status": "B" if self._value(record, "sales:status").casefold() == "paid in full" else "",
            "issued_on": self._day(record, "sales:tranDate"),
            "due_on": self._day(record, "sales:dueDate"),
            "terms": self._name(record, "sales:terms"),
            "otherrefnum": self._value(record, "sales:otherRefNum"),
            "subsidiary": self._id(record, "sales:subsidiary"),
            "hold": custom.get(field.invoice_hold, ""),
            "hold_reason": custom.get(field.invoice_hold_reason, ""),
            "pay_url": custom.get(field.invoice_pay_url, ""),
        }
        items = record.iterfind(f"{self._soap.tag('sales:itemList')}/{self._soap.tag('sales:item')}")
        return row, [self._line_row(item) for item in items]

    def is_posted(self, invoice: etree._Element) -> bool:
        """Is the invoice approved? SOAP says so only by the words of its status."""
        return self._value(invoice, "sales:status").casefold() not in ("pending approval", "rejected")

    def _line_row(self, item: etree._Element) -> Row:
        field, custom = self._mapping.fields, self._custom_values(item, "sales")
        return {
            "id": self._value(item, "sales:line"),
            "memo": self._value(item, "sales:description"),
            "foreignamount": self._value(item, "sales:amount"),
            "kind": custom.get(field.line_kind, ""),
            "dispute": custom.get(field.line_dispute, ""),
            "dispute_reason": custom.get(field.line_dispute_reason, ""),
        }

    def payment_row(self, record: etree._Element) -> tuple[Row, list[Row]]:
        """A SOAP customer payment as the rows that SuiteQL would give: header and applications."""
        row = {
            "id": record.get("internalId", ""),
            "entity": self._id(record, "customers:customer"),
            "currency": self._id(record, "customers:currency"),
            "foreigntotal": self._value(record, "customers:payment"),
            "voided": _voided(self._value(record, "customers:status")),
            "modified_at": self._value(record, "customers:lastModifiedDate"),
        }
        lines = record.iterfind(f"{self._soap.tag('customers:applyList')}/{self._soap.tag('customers:apply')}")
        return row, [
            {"invoice": self._value(line, "customers:doc"), "amount": self._value(line, "customers:amount")}
            for line in lines
            if self._value(line, "customers:apply") in ("true", "1")
        ]

    def state(self, record: etree._Element, external_id: str) -> RecordState:
        """The state of an accompanying record; one that is not ours counts as intended, so that it is set again."""
        records = self._mapping.records
        name = records.cancellation.state if _kind(external_id) == "can" else records.receipt.state
        text = self._custom_values(record, "customization").get(name, "")
        return RecordState(text) if text in set(RecordState) else RecordState.INTENDED

    def installation_of(self, record: etree._Element) -> Installation:
        names = self._mapping.records.installation
        values = self._custom_values(record, "customization")
        epoch = values.get(names.epoch, "")
        if not values.get(names.id) or not (epoch.isascii() and epoch.isdigit()):
            raise Terminal(
                f"The installation record {INSTALLATION_ID} in NetSuite can't be read: {names.id} or {names.epoch} is "
                "not filled in as this connector does. Nothing is written. Correct or delete the record."
            )
        return Installation(values[names.id], int(epoch), instant(values.get(names.seen_at, ""), self._mapping.zone))

    def _custom_values(self, record: etree._Element, area: str) -> dict[str, str]:
        """Script id -> text of the custom fields: checkboxes as 'T' and 'F', references as their internal id."""
        found: dict[str, str] = {}
        for field in record.iterfind(
            f"{self._soap.tag(f'{area}:customFieldList')}/{self._soap.tag('core:customField')}"
        ):
            value = field.find(self._soap.tag("core:value"))
            if value is not None:
                text = value.get("internalId") or value.text or ""
                kind = field.get(XSI_TYPE, "")
                is_flag = kind.endswith("BooleanCustomFieldRef")
                found[field.get("scriptId", "")] = _flag(text) if is_flag else text
        return found

    def _value(self, record: etree._Element, name: str) -> str:
        return record.findtext(self._soap.tag(name)) or ""

    def _id(self, record: etree._Element, name: str) -> str:
        found = record.find(self._soap.tag(name))
        return "" if found is None else found.get("internalId", "")

    def _name(self, record: etree._Element, name: str) -> str:
        return record.findtext(f"{self._soap.tag(name)}/{self._soap.tag('core:name')}") or ""

    def _day(self, record: etree._Element, name: str) -> str:
        """A SOAP dateTime stands for a day in the account's zone."""
        moment = instant(self._value(record, name), self._mapping.zone)
        return "" if moment is None else moment.astimezone(self._mapping.zone).date().isoformat()


def _kind(external_id: str) -> str:
    """'can' for a cancellation, 'rec' for a receipt: the external id says which record it is."""
    found = _KIND.match(external_id)
    if found is None:
        raise Terminal(
            f"{external_id} is neither the id of a cancellation nor of a receipt. Nothing was written. "
            "Please report this as a defect."
        )
    return found[1]


def _flag(text: str) -> str:
    return "T" if text in ("true", "1") else "F"


def _voided(status: str) -> str:
    """SOAP has no flag for it; the record's own status text says so."""
    return "T" if status.casefold() == "voided" else "F"


def _fit(text: str, limit: int = TEXT_MAX) -> str:
    """Without the control characters that XML can't carry, and no longer than the field; a cut is shown."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"
