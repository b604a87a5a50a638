"""One Stripe charge -> one payment: whose money it is, since when, how much, and what the payer said of it.

A charge is a claim on what the customer paid, so amount and currency are the charge's own; where Stripe converted, the
balance transaction's rate goes with it (RULES 1.7).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connector.adapters.stripe_api import Misread, StripeApi
from connector.adapters.stripe_cash import CashReader
from connector.adapters.stripe_mapping import StripeMapping
from connector.adapters.stripe_wire import (
    Named,
    Wire,
    customer_id,
    instant,
    money,
    named,
    payer_of,
    understood,
    values,
)
from connector.money import Money
from connector.receivables import CameBack, Payment, PaymentState, Remittance

EXPANDED = ["customer", "payment_intent", "balance_transaction", "failure_balance_transaction"]
# A rate is printed with some six digits and the converted amount is rounded: far less than a slipped decimal point.
RATE_OFF_MAX = Decimal("0.01")


class _Charge(Wire):
    id: str = Field(pattern=r"^(ch|py)_\w+$")
    amount: int = Field(gt=0)
    amount_captured: int = Field(ge=0)
    amount_refunded: int = Field(ge=0)
    currency: str = Field(pattern="^[a-z]{3}$")
    created: int
    livemode: bool
    status: str
    captured: bool
    disputed: bool
    metadata: dict[str, str]
    description: str | None = None
    statement_descriptor_suffix: str | None = None
    customer: Any = None
    payment_intent: Any = None
    payment_method_details: Any = None
    balance_transaction: Any = None
    failure_balance_transaction: Any = None

    @property
    def is_from_cash_balance(self) -> bool:
        return self._method == "customer_balance"

    @property
    def is_bank_debit(self) -> bool:
        """ACH, SEPA, Bacs, BECS and the like: the bank's return is final."""
        return self._method.endswith("_debit") or self._method in {"us_bank_account", "nz_bank_account"}

    @property
    def _method(self) -> str:
        details = self.payment_method_details
        return str(details.get("type", "")) if isinstance(details, dict) else ""


class _Booked(Wire):
    """The balance transaction of a charge; in another currency than the charge where Stripe converted."""

    id: str
    created: int
    amount: int | None = None
    currency: str = Field(default="", pattern="^([a-z]{3})?$")
    exchange_rate: Any = None


class _Dispute(Wire):
    id: str = Field(pattern=r"^(dp|du)_\w+$")
    amount: int = Field(gt=0)
    currency: str = Field(pattern="^[a-z]{3}$")
    created: int
    status: str


# What a dispute's `status` means for the money; `warning_*` are inquiries, which move none.
_IS_OPEN = {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
_IS_OVER = {"won", "warning_closed", "prevented"}
_IS_LOST = "lost"


class _InvoicePayment(Wire):
    id: str
    status: str
    invoice: Any


class ChargeReader:
    """Turns one charge, whose answer holds its customer, PaymentIntent and balance transaction, into a payment."""

    def __init__(
        self, api: StripeApi, mapping: StripeMapping, zone: ZoneInfo, livemode: bool, cash: CashReader
    ) -> None:
        self._api, self._mapping, self._zone, self._livemode, self._cash = api, mapping, zone, livemode, cash

    def payment(self, found: object, succeeded_at: datetime | None) -> Payment | None:
        """The charge as a payment; None when it is no money: a card authorisation that was not captured."""
        if isinstance(found, str):
            found = self._api.retrieve("Charges", self._api.v1.charges.retrieve, found, {"expand": EXPANDED})
        try:
            return self._payment(found, succeeded_at)
        except Misread as misread:
            # Its payer is not chased while nobody knows what came.
            holders = [found.get("customer"), found, found.get("payment_intent")] if isinstance(found, dict) else []
            payer = payer_of(holders, self._mapping.customer_id_keys)
            raise Misread(misread.field, misread.reason, payer) from None

    def _payment(self, found: object, succeeded_at: datetime | None) -> Payment | None:
        charge = understood(_Charge, found)
        if charge.livemode != self._livemode:
            raise Misread("livemode", f"{charge.livemode} does not agree with this installation")
        state = _state(charge)
        if state is None:
            return None
        came_back = self._failed_back(charge) if state is PaymentState.RETURNED else None
        if charge.disputed and state is PaymentState.SUCCEEDED:
            state, came_back = self._disputed(charge)
        customer = named("customer", charge.customer)
        intent = named("payment_intent", charge.payment_intent)
        received_at = self._received_at(charge, state, succeeded_at)
        amount = money("amount", charge.amount, charge.currency)
        root_id, reference = "", ""
        if charge.is_from_cash_balance and customer and intent:
            root_id, reference = self._cash.of(customer.id).drawn.get(intent.id, ("", ""))
        return Payment(
            id=charge.id,
            amount=amount,
            state=state,
            received_at=received_at,
            received_on=received_at.astimezone(self._zone).date(),
            customer_id=customer_id(
                [thing.metadata for thing in (customer, charge, intent) if thing], self._mapping.customer_id_keys
            ),
            payer=customer.id if customer else "",
            remittance=self._remittance(charge, intent, state, reference),
            refunded=money("amount_refunded", charge.amount_refunded, charge.currency)
            if charge.amount_refunded
            else None,
            livemode=charge.livemode,
            root_id=root_id,
            exchange_rate=_exchange_rate(charge, amount),
            came_back=came_back,
        )

    def _failed_back(self, charge: _Charge) -> CameBack | None:
        """A bank debit that failed after it was credited: the day on which its money left again."""
        failure = charge.failure_balance_transaction
        if isinstance(failure, str):
            return None  # not expanded: the day is not known, that it came back is
        booked = understood(_Booked, failure, "failure_balance_transaction")
        on = instant(booked.created, "failure_balance_transaction.created").astimezone(self._zone).date()
        return CameBack(on, money("amount", charge.amount, charge.currency))

    def _disputed(self, charge: _Charge) -> tuple[PaymentState, CameBack | None]:
        """Where disputed money is, by the disputes themselves: `disputed` stays true when one was won.

        A bank debit that comes back late comes back as a dispute that is lost from the start and can't be contested
        (docs.stripe.com/payments/ach-direct-debit#disputed-payments): that is the bank's return, no chargeback.
        """
        rows = self._api.pages("disputes", self._api.v1.disputes.list, {"charge": charge.id})
        found = [understood(_Dispute, raw, "dispute") for raw in rows]
        for one in found:
            if one.status not in _IS_OPEN | _IS_OVER | {_IS_LOST}:
                raise Misread("dispute.status", f"{one.status!r} is not known")
        lost = [one for one in found if one.status == _IS_LOST]
        if lost and charge.is_bank_debit:
            on = max(instant(one.created, "dispute.created") for one in lost).astimezone(self._zone).date()
            amount = Money.total((money("dispute.amount", d.amount, d.currency) for d in lost), charge.currency.upper())
            return PaymentState.RETURNED, CameBack(on, amount, by_dispute=True)
        if lost:
            return PaymentState.CHARGED_BACK, None
        is_over = bool(found) and all(one.status in _IS_OVER for one in found)
        return PaymentState.SUCCEEDED if is_over else PaymentState.DISPUTED, None

    def _received_at(self, charge: _Charge, state: PaymentState, succeeded_at: datetime | None) -> datetime:
        """When the charge succeeded; for one that never did, when it began.

        A charge does not say when it succeeded, and an ACH debit succeeds days after it was created. The instant of its
        `charge.succeeded` (or `charge.captured`) event is the best evidence; without that event at hand the balance
        transaction's, which is made with the success; without both, the charge's own.
        """
        if state in {PaymentState.PROCESSING, PaymentState.FAILED}:
            return instant(charge.created)
        if succeeded_at:
            return succeeded_at
        booked = _booked(charge)
        return instant(booked.created, "balance_transaction.created") if booked else instant(charge.created)

    def _remittance(self, charge: _Charge, intent: Named | None, state: PaymentState, reference: str) -> Remittance:
        linked: list[Named] = []
        if intent and state is PaymentState.SUCCEEDED and self._mapping.read_invoice_links:
            linked = list(self._linked_invoices(intent.id))
        sources = [thing.metadata for thing in (charge, intent, *linked) if thing]
        texts = [
            charge.description,
            intent.description if intent else None,
            charge.statement_descriptor_suffix,
            reference,
        ]
        return Remittance(
            invoice_ids=values(sources, self._mapping.invoice_id_keys),
            invoice_numbers=values(sources, self._mapping.invoice_number_keys),
            linked_numbers=tuple(dict.fromkeys(invoice.number for invoice in linked if invoice.number)),
            text="; ".join(dict.fromkeys(text.strip() for text in texts if text and text.strip())),
        )

    def _linked_invoices(self, intent: str) -> Iterator[Named]:
        """The Stripe invoices that this PaymentIntent pays; a charge no longer names its invoice (since 2025-03)."""
        params = {"payment": {"type": "payment_intent", "payment_intent": intent}, "expand": ["data.invoice"]}
        for raw in self._api.pages("invoice payments", self._api.v1.invoice_payments.list, params):
            link = understood(_InvoicePayment, raw, "invoice_payment")
            if link.status != "canceled":
                invoice = named("invoice_payment.invoice", link.invoice)
                if invoice:
                    yield invoice


def _booked(charge: _Charge) -> _Booked | None:
    if charge.balance_transaction is None:
        return None
    return understood(_Booked, charge.balance_transaction, "balance_transaction")


def _exchange_rate(charge: _Charge, amount: Money) -> str:
    """The rate by which Stripe converted, in its own digits: settlement currency per unit of the charge's.

    '' where it did not convert. Whether the rate of two currencies with unlike decimals counts whole units or minor
    ones is not documented: one that does not lead to the converted amount is not believed.
    """
    booked = _booked(charge)
    if booked is None or booked.currency in ("", charge.currency):
        return ""
    where = "balance_transaction.exchange_rate"
    if type(booked.exchange_rate) not in (Decimal, int) or booked.amount is None:
        raise Misread(where, f"{charge.currency} became {booked.currency} without a rate")
    rate = Decimal(booked.exchange_rate)
    there = money("balance_transaction.amount", booked.amount, booked.currency).decimal()
    unit = Money(1, booked.currency.upper()).decimal()
    if rate <= 0 or abs(amount.decimal() * rate - there) > abs(there) * RATE_OFF_MAX + unit:
        raise Misread(where, f"{amount} by {rate} is not {there} {booked.currency.upper()}")
    return format(rate, "f")


def _state(charge: _Charge) -> PaymentState | None:
    """Where is this money, disputes apart? None: it is only authorised."""
    if charge.status == "pending":
        return PaymentState.PROCESSING
    if charge.status == "failed":
        # Money that was credited and taken back again has a balance transaction for that.
        return PaymentState.RETURNED if charge.failure_balance_transaction else PaymentState.FAILED
    if charge.status != "succeeded":
        raise Misread("status", f"{charge.status!r} is not known")
    if not charge.captured:
        return None
    if charge.amount_captured != charge.amount:
        # Whether the rest counts as refunded is not documented; a guess could take it off twice.
        raise Misread("amount_captured", "only a part of the amount was captured")
    if charge.amount_refunded > charge.amount:
        raise Misread("amount_refunded", "more than the amount")
    return PaymentState.SUCCEEDED
