"""Our intents -> Intacct's objects, and the rows of our own custom objects -> values. Pure.

Payments, advances and invoices are Intacct's own objects, whose days are written mm/dd/yyyy; cancellations, receipts,
exceptions and the installation are custom objects, whose days are ISO (Sage's XML reference, Platform Services). An
empty element clears its field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from connector.adapters.intacct import names
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.lines import CreditNow, Detail
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.values import amount, day, iso_day
from connector.adapters.intacct.xmltext import Node, node, record
from connector.errors import Terminal
from connector.money import Money
from connector.ports import Installation
from connector.receivables import (
    ArStatus,
    Cancellation,
    CloseIntent,
    CreditKind,
    ExceptionRecord,
    PaymentToPost,
    ProofRecord,
    RecordState,
)
from connector.settlement import AccountRole, SettleThrough

INSTALLATION_ID = "arc-installation"
# The widths that mappings/intacct/definitions.yaml gives the connector's own fields; a payment's description is Sage's
# (REST schema of the payment, description).
TEXT_MAX, LONG_TEXT_MAX, DESCRIPTION_MAX = 255, 4_000, 1_000
_KIND = re.compile(r"^arc-[A-Za-z0-9]+-(can|rec)-")
_SOURCE_ID = re.compile(r"^arc-[A-Za-z0-9]+-pay-(.+)-[0-9]+$")


class Records:
    """Builds one company's objects, named as its mapping says."""

    def __init__(self, mapping: IntacctMapping) -> None:
        self._mapping = mapping

    # ---- Money ----

    def payment(self, post: PaymentToPost, act_id: str, details: Sequence[Detail], entity: str) -> Node:
        """A receipt that pays these details; what is left of its cash is the customer's overpayment.

        With a payer's name instead of a customer it may pay invoices of several customers (Sage's XML reference, AR
        payments); the name that we give is the payer's own customer id.
        """
        payer = "PAYERNAME" if is_of_family(post) else "CUSTOMERID"
        over: dict[str, str | None] = {}
        if not post.erp_id and post.amount > post.cash_applied:
            dimensions = self._mapping.dimensions_of(entity)
            over = {
                "OVERPAYMENTAMOUNT": amount(post.amount - post.cash_applied),
                "OVERPAYMENTLOCATIONID": dimensions.location,
                "OVERPAYMENTDEPARTMENTID": dimensions.department,
            }
        paid = node("ARPYMTDETAILS", *(_detail(one) for one in details))
        return record("ARPYMT", {payer: post.customer_id} | self._received(post, act_id) | over, paid)

    def draft(self, post: PaymentToPost, details: Sequence[Detail], entity: str, record_no: str = "") -> Node:
        """The same payment, not posted: a new one, or the draft of this number with all its details replaced."""
        said = (node("RECORDNO", record_no),) if record_no else ()
        fields = self.payment(post, "", details, entity).value
        return Node("ARPYMT", (*said, node("ACTION", "Draft"), *(part for part in fields if isinstance(part, Node))))

    def advance(self, post: PaymentToPost, act_id: str, entity: str) -> Node:
        """Money that pays no invoice yet. Only an advance can hold it: a payment has at least one detail."""
        mapping, dimensions = self._mapping, self._mapping.dimensions_of(entity)
        line = {
            "ACCOUNTNO": mapping.advance_account,
            "ACCOUNTLABEL": mapping.advance_label,
            "TRX_AMOUNT": amount(post.amount),
            "LOCATIONID": dimensions.location,
            "DEPARTMENTID": dimensions.department,
        }
        fields = {"CUSTOMERID": post.customer_id} | self._received(post, act_id)
        return record("ARADVANCE", fields, node("ARADVANCEITEMS", record("ARADVANCEITEM", line)))

    def place(self, post: PaymentToPost) -> dict[str, str | None]:
        """Where this money is: on our own bank account, or where money in its currency waits until it is paid out
        (RULES 1.2). Empty where the mapping doesn't say."""
        entry = self._mapping.settlement_of(post.amount.currency)
        account = post.deposit_account
        if not account and entry and entry.through is SettleThrough.CLEARING:
            account = entry.account_of(AccountRole.CLEARING)
        if account:
            return {"FINANCIALENTITY": account}
        undeposited = self._mapping.undeposited_account
        return {"UNDEPOSITEDACCOUNTNO": undeposited} if undeposited else {}

    def _received(self, post: PaymentToPost, act_id: str) -> dict[str, str | None]:
        """What a payment and an advance say alike."""
        fields = self._mapping.fields
        own = own_id(post, act_id)
        said = f"{own} {post.memo}".strip()
        # What only uses the rest of an earlier payment is not that money again, and doesn't carry its reference.
        reference = None if post.erp_id else names.tail(source_id(post.external_id), self._mapping.facts.reference_max)
        return {
            "PAYMENTMETHOD": self._mapping.payment_method,
            "RECEIPTDATE": day(post.received_on),
            "PAYMENTDATE": day(post.received_on),
            "CURRENCY": post.amount.currency,
            "EXCHANGE_RATE": post.exchange_rate or None,
            "DOCNUMBER": reference,
            "DESCRIPTION": fit(said, DESCRIPTION_MAX),
            **self.place(post),
            fields.payment_external_id: own,
            fields.payment_act: act_id or None,
            fields.payment_received_on: day(post.really_received_on) if post.really_received_on else None,
        }

    # ---- Flags of the invoice ----

    def status(self, status: ArStatus, record_no: str) -> Node:
        """Every field is sent, empty where there is nothing."""
        fields = self._mapping.status
        told = {
            fields.state: status.state,
            fields.reason: fit(status.reason, LONG_TEXT_MAX),
            fields.next_step: fit(status.next_step),
            fields.next_on: day(status.next_on) if status.next_on else "",
            fields.owner: fit(status.owner),
            fields.segment: fit(status.segment),
            fields.card: fit(status.card, LONG_TEXT_MAX),
        }
        return record("ARINVOICE", {"RECORDNO": record_no, **told})

    def pause(self, record_no: str) -> Node:
        """One tick on the invoice, and nothing else of it."""
        return record("ARINVOICE", {"RECORDNO": record_no, self._mapping.native_dunning.pause_field: "true"})

    # ---- The connector's own objects ----

    def cancellation(self, act_id: str, cancelled: Cancellation) -> Node:
        own = self._mapping.objects.cancellation
        number, customer, _ = names.parts(cancelled.invoice_id)
        told = {
            own.act: act_id,
            own.invoice: cancelled.invoice_id,
            own.invoice_number: number,
            own.customer: customer,
            own.steps: fit(" ".join(cancelled.steps), LONG_TEXT_MAX),
            own.reason: fit(cancelled.reason, LONG_TEXT_MAX),
            own.cancelled_at: cancelled.cancelled_at.isoformat(),
            own.state: RecordState.CLOSED.value,
        }
        return record(own.type, {"name": self.name_of(cancelled.external_id), **told})

    def receipt(self, intent: CloseIntent) -> Node:
        """Names its payment by external id; one that was there before, and may have none, by the ERP's own."""
        own, receipt = self._mapping.objects.receipt, intent.receipt
        told = {
            own.act: intent.act_id,
            own.payment: intent.payment.erp_id or receipt.payment_external_id,
            own.text: fit(receipt.text, LONG_TEXT_MAX),
            own.state: RecordState.CLOSED.value,
        }
        return record(own.type, {"name": self.name_of(receipt.external_id), **told})

    def state(self, external_id: str, key: str, state: RecordState, text: str = "") -> Node:
        """The new state of a record that is there, and its text where there is a new one."""
        cancellation, receipt = self._mapping.objects.cancellation, self._mapping.objects.receipt
        own, said = (
            (cancellation, cancellation.reason) if self.is_cancellation(external_id) else (receipt, receipt.text)
        )
        told = {own.state: state.value} | ({said: fit(text, LONG_TEXT_MAX)} if text else {})
        return record(own.type, {"id": key, **told})

    def exception(self, seen: ExceptionRecord) -> Node:
        """Every field is sent, as for a status."""
        own = self._mapping.objects.exception
        told = {
            own.kind: seen.kind,
            own.reason: fit(seen.reason, LONG_TEXT_MAX),
            own.amount: f"{seen.amount.plain()} {seen.amount.currency}" if seen.amount else "",
            own.owner: fit(seen.owner),
            own.opened_on: iso_day(seen.opened_on),
            own.closed_on: iso_day(seen.closed_on) if seen.closed_on else "",
            own.payment: fit(seen.payment),
            own.invoice: seen.invoice_id,
            own.invoice_number: _number_of(seen.invoice_id),
            own.deadline: iso_day(seen.deadline) if seen.deadline else "",
            own.outcome: fit(seen.outcome),
        }
        return record(own.type, {"name": self.name_of(seen.external_id), **told})

    def proof(self, made: ProofRecord) -> Node:
        own = self._mapping.objects.proof
        told = {
            own.day: iso_day(made.day),
            own.outcome: made.outcome,
            own.drifts: str(made.drifts),
            own.unfinished: str(made.unfinished),
            own.text: fit(made.text, LONG_TEXT_MAX),
            own.made_at: made.made_at.isoformat(),
        }
        return record(own.type, {"name": self.name_of(made.external_id), **told})

    def installation(self, value: Installation) -> Node:
        own = self._mapping.objects.installation
        told = {
            own.id: value.id,
            own.epoch: str(value.epoch),
            own.seen_at: value.last_seen_at.isoformat() if value.last_seen_at else "",
        }
        return record(own.type, {"name": INSTALLATION_ID, **told})

    def name_of(self, external_id: str) -> str:
        """Where a custom object keeps our external id."""
        return names.fitting(external_id, self._mapping.facts.name_max)

    def is_cancellation(self, external_id: str) -> bool:
        """The external id of an accompanying record says whether it is a cancellation or a receipt."""
        found = _KIND.match(external_id)
        if found is None:
            raise Terminal(
                f"{external_id} is neither the id of a cancellation nor of a receipt. Nothing was written. "
                "Please report this as a defect."
            )
        return found[1] == "can"

    def state_of(self, row: Row, external_id: str) -> RecordState:
        """The state of an accompanying record; one that is not ours counts as intended, so that it is set again."""
        objects = self._mapping.objects
        own = objects.cancellation.state if self.is_cancellation(external_id) else objects.receipt.state
        text = row.get(own.upper(), "")
        return RecordState(text) if text in set(RecordState) else RecordState.INTENDED

    def installation_of(self, row: Row) -> Installation:
        own = self._mapping.objects.installation
        told_id, epoch = row.get(own.id.upper(), ""), row.get(own.epoch.upper(), "")
        if not told_id or not (epoch.isascii() and epoch.isdigit()):
            raise Terminal(
                f"The installation record {INSTALLATION_ID} in Sage Intacct can't be read: {own.id} or {own.epoch} is "
                "not filled in as this connector does. Nothing is written. Correct or delete the record."
            )
        return Installation(told_id, int(epoch), _instant(row.get(own.seen_at.upper(), "")))


def is_of_family(post: PaymentToPost) -> bool:
    """Does this payment pay invoices of other customers than the one that it is from?"""
    return any(names.parts(one.invoice_id)[1] != post.customer_id for one in post.applications)


def own_id(post: PaymentToPost, act_id: str) -> str:
    """The external id that our payment carries in Intacct. What uses a rest is a record of its own there, one for each
    act, while the heart goes on naming the payment whose rest it is."""
    return f"{post.external_id}-use-{act_id}" if post.erp_id else post.external_id


def source_id(external_id: str) -> str:
    """The source's own id of the payment within our external id, or all of it where it is none of ours."""
    found = _SOURCE_ID.match(external_id)
    return found[1] if found else external_id


def fit(text: str, limit: int = TEXT_MAX) -> str:
    """No longer than the field; a cut is shown, and made between two words: half an amount is another amount."""
    if len(text) <= limit:
        return text
    room = text[: limit - 1]
    whole_words, _, _ = room.rpartition(" ")
    return f"{(whole_words or room).rstrip()}…"


def _detail(detail: Detail) -> Node:
    """A credit is named as a whole: Intacct takes from its lines as it sees fit."""
    told: dict[str, str | None] = {"RECORDKEY": detail.record_key, "ENTRYKEY": detail.entry_key or None}
    if detail.credit is None:
        told["TRX_PAYMENTAMOUNT"] = amount(detail.amount)
    else:
        key, of = _credit_fields(detail.credit)
        told |= {key: detail.credit.record_no, of: amount(detail.amount)}
    told["TRX_TOTALDISCOUNTTOAPPLY"] = amount(detail.discount) if detail.discount else None
    return record("ARPYMTDETAIL", told)


def _credit_fields(credit: CreditNow) -> tuple[str, str]:
    """Where a detail names this credit, and what is used of it."""
    if credit.kind is CreditKind.CREDIT_MEMO:
        return "ADJUSTMENTKEY", "TRX_ADJUSTMENTAMOUNT"
    if names.is_advance(credit.id):
        return "ADVANCEKEY", "TRX_POSTEDADVANCEAMOUNT"
    return "OVERPAYMENTKEY", "TRX_POSTEDOVERPAYMENTAMOUNT"


def _number_of(invoice_id: str) -> str:
    try:
        return names.parts(invoice_id)[0]
    except ValueError:
        return ""


def _instant(text: str) -> datetime | None:
    """None for anything that isn't an instant with its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def unsayable_amount(money: Money) -> str:
    """Intacct's amounts have two decimals and are rounded to them (Sage's XML reference, AR payments)."""
    decimals = len(money.plain().partition(".")[2])
    return "" if decimals == 2 else f"Intacct keeps two decimals, and {money.currency} has {decimals}"
