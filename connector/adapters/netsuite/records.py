"""Our intents -> NetSuite's SOAP records, and NetSuite's SOAP records -> rows that `reading` understands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from connector.adapters.ledger_rows.cells import Row, instant
from connector.adapters.netsuite.applied import Applied, meant
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.adapters.netsuite.soap import Soap
from connector.adapters.netsuite.values import LONG_TEXT_MAX, MEMO_MAX, Named, Values, fit
from connector.errors import Terminal
from connector.ports import Installation, Mark
from connector.receivables import (
    ArStatus,
    Cancellation,
    CloseIntent,
    ExceptionRecord,
    PaymentToPost,
    ProofRecord,
    RecordState,
)
from connector.settlement import SettleThrough

INSTALLATION_ID = "arc-installation"
_NOWHERE: Mapping[str, int] = {}
_KIND = re.compile(r"^arc-[A-Za-z0-9]+-(can|rec)-")


class Records:
    """Builds SOAP values for one account; `type_ids` are the numeric ids of its custom record types."""

    def __init__(self, soap: Soap, mapping: NetSuiteMapping, type_ids: dict[str, str]) -> None:
        self._values = Values(soap, mapping.zone)
        self._mapping = mapping
        self._type_ids = type_ids
        self._of_invoice, self._of_line = mapping.columns("invoice"), mapping.columns("line")

    # ---- to NetSuite ----

    def payment(self, intent: CloseIntent, currency_id: str) -> Any:
        """A customer payment that applies exactly what the intent says, and nothing by itself."""
        values, post, fields = self._values, intent.payment, self._mapping.fields
        real_day = post.really_received_on
        return values.new(
            "customers:CustomerPayment",
            externalId=post.external_id,
            customer=values.reference(post.customer_id),
            currency=values.reference(currency_id),
            payment=post.amount.plain(),
            autoApply=False,
            tranDate=values.noon(post.received_on),
            memo=fit(post.memo, MEMO_MAX),
            customFieldList=values.custom(
                [(fields.payment_act, intent.act_id)],
                day=(fields.payment_received_on, real_day) if real_day else None,
            ),
            **self._booked(post),
            **self._lists(meant(post)),
        )

    def application(
        self, payment_id: str, lines: Applied, off: Sequence[str] = (), places: Mapping[str, int] = _NOWHERE
    ) -> Any:
        """These lines of a payment that is there, with absolute amounts; nothing else of it is said.

        `off`: invoices that it pays no longer. `places`: journal -> its line, which a journal's application names.
        """
        lists = self._lists(lines, off, places)
        return self._values.new("customers:CustomerPayment", internalId=payment_id, **lists)

    def _lists(self, lines: Applied, off: Sequence[str] = (), places: Mapping[str, int] = _NOWHERE) -> dict[str, Any]:
        """What is applied, and which credits are used with it.

        `replaceAll` is set on every list: left out, NetSuite takes true and would unapply what is not listed.
        """
        new, listed = self._values.new, {}
        invoices = [
            new("customers:CustomerPaymentApply", apply=True, doc=int(invoice_id), amount=amount.plain())
            for invoice_id, amount in lines.invoices.items()
        ]
        for line in invoices:
            if (place := places.get(str(line.doc))) is not None:
                line.line = place
            if discount := lines.discounts.get(str(line.doc)):
                line.disc = discount.plain()
        invoices += [new("customers:CustomerPaymentApply", apply=False, doc=int(invoice_id)) for invoice_id in off]
        credits = [
            new("customers:CustomerPaymentCredit", apply=True, doc=int(credit_id), amount=amount.plain())
            for credit_id, amount in lines.credits.items()
        ]
        if invoices:
            listed["applyList"] = new("customers:CustomerPaymentApplyList", apply=invoices, replaceAll=False)
        if credits:
            listed["creditList"] = new("customers:CustomerPaymentCreditList", credit=credits, replaceAll=False)
        return listed

    def _booked(self, post: PaymentToPost) -> dict[str, Any]:
        """On which accounts, for whom and at what rate: what isn't given is left to NetSuite's own defaults."""
        account = self.cash_account(post)
        booked: dict[str, Any] = {"undepFunds": not account}
        if account:
            booked["account"] = self._values.reference(account)
        if post.ar_account:
            booked["arAcct"] = self._values.reference(post.ar_account)
        if post.subsidiary and self._mapping.facts.has_subsidiaries:
            booked["subsidiary"] = self._values.reference(post.subsidiary)
        if post.exchange_rate:
            booked["exchangeRate"] = post.exchange_rate
        return booked

    def cash_account(self, post: PaymentToPost) -> str:
        """Where this money is: on our own bank account, or where a payment in its currency waits until it is paid out
        (RULES 1.2); '' for Undeposited Funds."""
        if post.deposit_account:
            return post.deposit_account
        entry = self._mapping.settlement_of(post.amount.currency)
        return entry.accounts.clearing or "" if entry and entry.through is SettleThrough.CLEARING else ""

    def cancellation(self, act_id: str, record: Cancellation) -> Any:
        names = self._mapping.records.cancellation
        texts = [
            (names.act, act_id),
            (names.steps, fit(" ".join(record.steps))),
            (names.reason, fit(record.reason)),
            (names.cancelled_at, record.cancelled_at.isoformat()),
            (names.state, RecordState.INTENDED.value),
        ]
        return self._custom(names.type, record.external_id, texts, (names.invoice, record.invoice_id))

    def receipt(self, intent: CloseIntent) -> Any:
        """Names its payment by external id; one that was there before, and may have none, by internal id."""
        names, record = self._mapping.records.receipt, intent.receipt
        texts = [
            (names.act, intent.act_id),
            (names.payment, intent.payment.erp_id or record.payment_external_id),
            (names.text, fit(record.text, LONG_TEXT_MAX)),
            (names.state, RecordState.INTENDED.value),
        ]
        return self._custom(names.type, record.external_id, texts)

    def mark(self, mark: Mark) -> Any:
        """The new state of an accompanying record, and its text where there is a new one."""
        if _kind(mark.external_id) == "can":
            can = self._mapping.records.cancellation
            texts = [(can.state, mark.state.value)] + ([(can.reason, fit(mark.text))] if mark.text else [])
            return self._custom(can.type, mark.external_id, texts)
        rec = self._mapping.records.receipt
        texts = [(rec.state, mark.state.value)] + ([(rec.text, fit(mark.text, LONG_TEXT_MAX))] if mark.text else [])
        return self._custom(rec.type, mark.external_id, texts)

    def status(self, status: ArStatus) -> Any:
        """Every field is sent, empty where there is nothing: an empty text clears what was there."""
        names = self._mapping.records.status
        texts = [
            (names.state, status.state),
            (names.reason, fit(status.reason)),
            (names.step, status.next_step),
            (names.next_on, status.next_on.isoformat() if status.next_on else ""),
            (names.owner, fit(status.owner)),
            (names.segment, fit(status.segment)),
            (names.card, fit(status.card, LONG_TEXT_MAX)),
        ]
        return self._custom(names.type, status.external_id, texts, (names.invoice, status.invoice_id))

    def exception(self, record: ExceptionRecord) -> Any:
        """Every text is sent, as for a status."""
        names = self._mapping.records.exception
        texts = [
            (names.kind, record.kind),
            (names.reason, fit(record.reason, LONG_TEXT_MAX)),
            (names.amount, f"{record.amount.plain()} {record.amount.currency}" if record.amount else ""),
            (names.owner, fit(record.owner)),
            (names.opened_on, record.opened_on.isoformat()),
            (names.closed_on, record.closed_on.isoformat() if record.closed_on else ""),
            (names.payment, fit(record.payment)),
            (names.deadline, record.deadline.isoformat() if record.deadline else ""),
            (names.outcome, fit(record.outcome)),
        ]
        invoice = (names.invoice, record.invoice_id) if record.invoice_id else None
        return self._custom(names.type, record.external_id, texts, invoice)

    def proof(self, record: ProofRecord) -> Any:
        names = self._mapping.records.proof
        texts = [
            (names.day, record.day.isoformat()),
            (names.outcome, record.outcome),
            (names.drifts, str(record.drifts)),
            (names.unfinished, str(record.unfinished)),
            (names.text, fit(record.text, LONG_TEXT_MAX)),
            (names.made_at, record.made_at.isoformat()),
        ]
        return self._custom(names.type, record.external_id, texts)

    def installation(self, value: Installation) -> Any:
        names = self._mapping.records.installation
        seen = value.last_seen_at.isoformat() if value.last_seen_at else ""
        texts = [(names.id, value.id), (names.epoch, str(value.epoch)), (names.seen_at, seen)]
        return self._custom(names.type, INSTALLATION_ID, texts)

    def payment_reference(self, external_id: str) -> Any:
        return self._values.new("core:RecordRef", externalId=external_id, type="customerPayment")

    def payment_reference_by_id(self, internal_id: str) -> Any:
        return self._values.new("core:RecordRef", internalId=internal_id, type="customerPayment")

    def invoice_reference(self, invoice_id: str) -> Any:
        return self._values.new("core:RecordRef", internalId=invoice_id, type="invoice")

    def record_reference(self, external_id: str) -> Any:
        records = self._mapping.records
        script_id = records.cancellation.type if _kind(external_id) == "can" else records.receipt.type
        return self._values.new("core:CustomRecordRef", externalId=external_id, typeId=self._type_id(script_id))

    def installation_reference(self) -> Any:
        type_id = self._type_id(self._mapping.records.installation.type)
        return self._values.new("core:CustomRecordRef", externalId=INSTALLATION_ID, typeId=type_id)

    def _custom(self, script_id: str, external_id: str, texts: list[Named], invoice: Named | None = None) -> Any:
        return self._values.new(
            "customization:CustomRecord",
            externalId=external_id,
            recType=self._values.reference(self._type_id(script_id)),
            customFieldList=self._values.custom(texts, invoice=invoice),
        )

    def _type_id(self, script_id: str) -> str:
        try:
            return self._type_ids[script_id]
        except KeyError:
            raise Terminal(
                f"NetSuite has no custom record type {script_id}. Nothing was written. Install the connector's record "
                "types, or correct the name in mappings/netsuite.yaml, then run `connector check`."
            ) from None

    # ---- from NetSuite ----

    def invoice_row(self, record: etree._Element) -> tuple[Row, list[Row]]:
        """A SOAP invoice as the rows that SuiteQL would give: header and lines."""
        custom = self._values.customs(record, "sales")
        row = _named(self._of_invoice, custom) | {
            "id": record.get("internalId", ""),
            "tranid": self._values.text(record, "sales:tranId"),
            "entity": self._values.id(record, "sales:entity"),
            "currency": self._values.id(record, "sales:currency"),
            "foreigntotal": self._values.text(record, "sales:total"),
            "foreignamountunpaid": self._values.text(record, "sales:amountRemaining"),
            "voided": _voided(self._values.text(record, "sales:status")),
            "status": "B" if self._values.text(record, "sales:status").casefold() == "paid in full" else "",
            "issued_on": self._values.day(record, "sales:tranDate"),
            "due_on": self._values.day(record, "sales:dueDate"),
            "terms": self._values.name(record, "sales:terms"),
            "otherrefnum": self._values.text(record, "sales:otherRefNum"),
            "subsidiary": self._values.id(record, "sales:subsidiary"),
            "ar_account": self._values.id(record, "sales:account"),
        }
        if pause := self._mapping.native_dunning.pause_field:
            row["dunning_paused"] = custom.get(pause, "F")
        if (discount := self._mapping.early_discount).is_read:
            row["discount_amount"] = custom.get(discount.amount) or self._values.text(record, "sales:discountAmount")
            row["discount_until"] = custom.get(discount.until) or self._values.day(record, "sales:discountDate")
        return row, [self._line_row(item) for item in self._values.lines(record, "sales", "itemList/item")]

    def is_posted(self, invoice: etree._Element) -> bool:
        """Is the invoice approved? SOAP says so only by the words of its status."""
        return self._values.text(invoice, "sales:status").casefold() not in ("pending approval", "rejected")

    def _line_row(self, item: etree._Element) -> Row:
        return _named(self._of_line, self._values.customs(item, "sales")) | {
            "id": self._values.text(item, "sales:line"),
            "memo": self._values.text(item, "sales:description"),
            "foreignamount": self._values.text(item, "sales:amount"),
        }

    def payment_row(self, record: etree._Element) -> tuple[Row, list[Row], list[Row]]:
        """A SOAP customer payment as the rows that SuiteQL would give: header, applications, credits used with it.

        Both lists may also show what could be applied and is not.
        """
        values = self._values
        row = {
            "id": record.get("internalId", ""),
            "entity": values.id(record, "customers:customer"),
            "currency": values.id(record, "customers:currency"),
            "foreigntotal": values.text(record, "customers:payment"),
            "voided": _voided(values.text(record, "customers:status")),
            "received_on": values.day(record, "customers:tranDate"),
            "undeposited": values.flag(record, "customers:undepFunds"),
            "account": values.id(record, "customers:account"),
            "ar_account": values.id(record, "customers:arAcct"),
            "unapplied": values.text(record, "customers:unapplied"),
            "modified_at": values.text(record, "customers:lastModifiedDate"),
        }
        applied: list[Row] = [
            {
                "invoice": values.text(line, "customers:doc"),
                "amount": values.text(line, "customers:amount"),
                "discount": values.text(line, "customers:disc"),
            }
            for line in values.lines(record, "customers", "applyList/apply")
            if values.flag(line, "customers:apply") == "T"
        ]
        used: list[Row] = [
            {"credit": values.text(line, "customers:doc"), "amount": values.text(line, "customers:amount")}
            for line in values.lines(record, "customers", "creditList/credit")
            if values.flag(line, "customers:apply") == "T"
        ]
        return row, applied, used

    def state(self, record: etree._Element, external_id: str) -> RecordState:
        """The state of an accompanying record; one that is not ours counts as intended, so that it is set again."""
        records = self._mapping.records
        name = records.cancellation.state if _kind(external_id) == "can" else records.receipt.state
        text = self._values.customs(record, "customization").get(name, "")
        return RecordState(text) if text in set(RecordState) else RecordState.INTENDED

    def installation_of(self, record: etree._Element) -> Installation:
        names = self._mapping.records.installation
        values = self._values.customs(record, "customization")
        epoch = values.get(names.epoch, "")
        if not values.get(names.id) or not (epoch.isascii() and epoch.isdigit()):
            raise Terminal(
                f"The installation record {INSTALLATION_ID} in NetSuite can't be read: {names.id} or {names.epoch} is "
                "not filled in as this connector does. Nothing is written. Correct or delete the record."
            )
        return Installation(values[names.id], int(epoch), instant(values.get(names.seen_at, ""), self._mapping.zone))


def _named(names: dict[str, str], custom: dict[str, str]) -> dict[str, str]:
    """Custom fields under our names."""
    return {name: custom.get(script_id, "") for name, script_id in names.items()}


def _kind(external_id: str) -> str:
    """'can' for a cancellation, 'rec' for a receipt: the external id says which record it is."""
    found = _KIND.match(external_id)
    if found is None:
        raise Terminal(
            f"{external_id} is neither the id of a cancellation nor of a receipt. Nothing was written. "
            "Please report this as a defect."
        )
    return found[1]


def _voided(status: str) -> str:
    """SOAP has no flag for it; the record's own status text says so."""
    return "T" if status.casefold() == "voided" else "F"
