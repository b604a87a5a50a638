"""Stripe charges -> payments; step 3 of the loop. Reads only, never writes.

Events say *which* charges to look at; every charge is fetched again, because an event's body is a copy of what was
true then. One quiet read is one request. A payment is known by its charge (`ch_`, `py_`) through its whole life: an
ACH debit in progress is the pending charge that succeeds or fails later under the same id.

Facts about the API are those of the SDK's own annotations (stripe 16.1.0, API 2026-10-28.endive) unless a comment says
otherwise.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from connector.adapters.stripe_api import Misread, StripeApi, StripeSettings
from connector.errors import ConnectorError, Terminal, Transient
from connector.money import Money, MoneyError
from connector.ports import Clock, Finding, PaymentRead
from connector.receivables import Parked, Payment, PaymentState, Remittance

# What can change what we know of a payment. Stripe takes at most 20 names.
EVENT_TYPES = [
    "charge.captured",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
]
EVENTS_KEPT = timedelta(days=29)  # Stripe keeps events for 30 days; a day less, so that the oldest are surely there
RELIST_MARGIN = timedelta(days=14)  # an ACH debit takes up to 4 business days; charges that began before the gap
EVENTS_REMEMBERED_MAX = 1000  # in the cursor; those beyond it are only read once more
CLOCK_SKEW_MAX = timedelta(minutes=5)
EXPANDED = ["customer", "payment_intent", "balance_transaction"]

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class StripeMapping(BaseModel):
    """mappings/stripe.yaml. Metadata keys are tried in the order given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id_keys: tuple[MetadataKey, ...] = ("netsuite_customer_id",)
    invoice_id_keys: tuple[MetadataKey, ...] = ("netsuite_invoice_id",)
    invoice_number_keys: tuple[MetadataKey, ...] = ("invoice_number",)
    read_invoice_links: bool = True
    event_overlap_minutes: int = Field(default=60, ge=5, le=1440)


# ---- Stripe's objects, as far as we read them ----


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Charge(_Wire):
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
    balance_transaction: Any = None
    failure_balance_transaction: Any = None


class _Named(_Wire):
    """A customer, PaymentIntent or invoice: what hangs on it. A deleted customer has neither."""

    id: str
    metadata: dict[str, str] = Field(default_factory=dict)
    description: str | None = None
    number: str | None = None
    latest_charge: Any = None


class _BalanceTransaction(_Wire):
    id: str
    created: int


class _InvoicePayment(_Wire):
    id: str
    status: str
    invoice: Any


class _EventData(_Wire):
    object: dict[str, Any]


class _Event(_Wire):
    id: str
    type: str
    created: int
    data: _EventData


def _understood(model: type[_WireT], raw: object, prefix: str = "") -> _WireT:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join([prefix, *map(str, first["loc"])]).strip(".")
        raise Misread(where or "object", first["msg"]) from None


_WireT = TypeVar("_WireT", bound=_Wire)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where reading got to, and the events of the overlap that were read already."""

    at: datetime
    seen: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> _Cursor | None:
        """A cursor is a hint: one that can't be read is dropped, and reading starts at the cutover again."""
        try:
            data = json.loads(text)
            at = datetime.fromisoformat(data["at"])
            return cls(at.astimezone(UTC), tuple(map(str, data["seen"]))) if at.tzinfo else None
        except (ValueError, TypeError, KeyError):
            return None

    def text(self) -> str:
        return json.dumps({"at": self.at.isoformat(), "seen": list(self.seen)})


@dataclass(slots=True)
class _Touched:
    """Charges to look at: as an id or, from a list, the object itself; and when the poll saw them succeed."""

    charges: dict[str, object] = field(default_factory=dict)
    succeeded_at: dict[str, datetime] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    events: list[tuple[_Event, str]] = field(default_factory=list)  # newest first, with their charge or ''


class StripePayments:
    """The payment source over one Stripe key."""

    name = "stripe"

    def __init__(
        self,
        settings: StripeSettings,
        mapping: StripeMapping,
        zone: ZoneInfo,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.is_test = not settings.livemode
        self._settings, self._mapping, self._zone, self._clock = settings, mapping, zone, clock
        self._api = StripeApi(settings, sleep)

    def read_changed(self, cursor: str, now: datetime) -> PaymentRead:
        """All payments touched since the cursor, each fetched again; '' starts at `cutover_on`.

        After a gap longer than Stripe keeps events, the charges created since then (and 14 days before) are listed: a
        debit that was still pending by then, and an older charge refunded in the gap, are for the caller to ask for.
        Money received before the cutover day is returned too: it shields, and is never posted. Raises Transient or
        Terminal when the read is not complete: nothing of it counts then, the cursor stays.
        """
        if problem := self._wrong_mode():
            raise Terminal(f"Could not read payments from Stripe: {problem} Nothing was read; set the right key.")
        position = _Cursor.read(cursor)
        first_day = datetime.combine(self._settings.cutover_on, time_of_day(), self._zone).astimezone(UTC)
        if position is None:
            touched = self._listed(first_day - RELIST_MARGIN)
        elif now - position.at > EVENTS_KEPT:
            touched = self._listed(max(position.at, first_day) - RELIST_MARGIN)
        else:
            touched = self._polled(position)
        payments, parked = self._read(touched)
        return PaymentRead(now, now, self._next(touched, parked, now), payments, parked)

    def _listed(self, since: datetime) -> _Touched:
        touched = _Touched()
        params = {"created": {"gte": int(since.timestamp())}, "expand": [f"data.{name}" for name in EXPANDED]}
        for raw in self._api.pages("charges", self._api.v1.charges.list, params):
            touched.charges[str(raw["id"])] = raw
        return touched

    def _polled(self, position: _Cursor) -> _Touched:
        touched = _Touched()
        since = position.at - timedelta(minutes=self._mapping.event_overlap_minutes)
        params = {"types": EVENT_TYPES, "created": {"gte": int(since.timestamp())}}
        for raw in self._api.pages("events", self._api.v1.events.list, params):
            try:
                event = _understood(_Event, raw)
                charge = "" if event.id in position.seen else self._charge_of(event)
            except Misread as misread:
                touched.parked.append(Parked(self.name, str(raw["id"]), misread.field, misread.reason))
                continue
            touched.events.append((event, charge))
            if charge:
                touched.charges[charge] = charge
            if event.type in {"charge.succeeded", "charge.captured"}:
                touched.succeeded_at.setdefault(str(event.data.object.get("id")), _instant(event.created))
        return touched

    def _charge_of(self, event: _Event) -> str:
        """The charge that an event is about: an id only, the rest of the body is not believed. '' if there is none."""
        thing = event.data.object
        kind = thing.get("object")
        if kind == "charge":
            charge = thing.get("id")
        elif kind in {"refund", "dispute"}:
            charge = thing.get("charge")
        elif kind == "payment_intent":
            charge = thing.get("latest_charge") or self._latest_charge(thing.get("id"))
        else:
            raise Misread("data.object.object", f"{kind!r} is not expected in {event.type}")
        if isinstance(charge, dict):
            charge = charge.get("id")
        if charge is None and kind in {"payment_intent", "refund"}:
            return ""  # no attempt to take money was made yet, or the money given back was never a charge
        if not isinstance(charge, str) or not charge:
            raise Misread("data.object.charge", "no charge id")
        return charge

    def _latest_charge(self, intent: object) -> object:
        if not isinstance(intent, str):
            raise Misread("data.object.id", "no PaymentIntent id")
        found = self._api.retrieve("PaymentIntents", self._api.v1.payment_intents.retrieve, intent)
        return _understood(_Named, found, "payment_intent").latest_charge

    def _read(self, touched: _Touched) -> tuple[tuple[Payment, ...], tuple[Parked, ...]]:
        reading = _Reading(self._api, self._mapping, self._zone, self._settings.livemode)
        payments: list[Payment] = []
        parked = list(touched.parked)
        for id, found in touched.charges.items():
            try:
                payment = reading.payment(found, touched.succeeded_at.get(id))
            except Misread as misread:
                parked.append(Parked(self.name, id, misread.field, misread.reason, misread.customer_id))
                continue
            if payment:
                payments.append(payment)
        return tuple(payments), tuple(parked)

    def _next(self, touched: _Touched, parked: tuple[Parked, ...], now: datetime) -> str:
        """The next cursor remembers the events it will meet again, except those whose object was parked."""
        again = now - timedelta(minutes=self._mapping.event_overlap_minutes)
        unread = {item.record for item in parked}
        seen = [
            event.id for event, charge in touched.events if _instant(event.created) >= again and charge not in unread
        ]
        return _Cursor(now, tuple(seen[:EVENTS_REMEMBERED_MAX])).text()

    def _wrong_mode(self) -> str:
        prefix = re.match(r"[a-z]+_(live|test)_", self._settings.api_key.get_secret_value())
        wanted = "live" if self._settings.livemode else "test"
        if prefix and prefix[1] != wanted:
            return f"the key is for {prefix[1]} mode, this installation is set to {wanted} mode."
        return ""

    def check(self) -> tuple[Finding, ...]:
        """Is the key good, of the right mode, and may it read all that is needed? Is our clock right?"""
        if problem := self._wrong_mode():
            return (Finding("stripe", False, problem, "Set a key of the right mode, or correct `livemode`."),)
        findings: list[Finding] = []
        v1 = self._api.v1
        for right, listing in (
            ("Events", v1.events.list),
            ("Charges and Refunds", v1.charges.list),
            ("PaymentIntents", v1.payment_intents.list),
            ("Customers", v1.customers.list),
            ("Balance transactions", v1.balance_transactions.list),
            ("Invoices (invoice payments)", v1.invoice_payments.list),
        ):
            if right.startswith("Invoices") and not self._mapping.read_invoice_links:
                continue
            try:
                page = self._api.page(right, listing, {"limit": 1})
            except ConnectorError as error:
                if isinstance(error, Transient) or "AuthenticationError" in str(error):
                    # The same for every right: said once.
                    return (
                        *findings,
                        Finding("stripe", False, str(error), "See the sentence before, then run this again."),
                    )
                findings.append(Finding("stripe", False, str(error), f"Give the key the right to read {right}."))
                continue
            findings.append(self._right_mode(right, page))
            if right == "Events":
                findings.extend(self._clock_skew(page))
        return tuple(findings)

    def _right_mode(self, right: str, page: Any) -> Finding:
        modes = {item["livemode"] for item in page.to_dict()["data"] if "livemode" in item}
        if modes - {self._settings.livemode}:
            what = f"{right}: objects are not of the mode that this installation is set to"
            return Finding("stripe", False, what, "Set a key of the right mode, or correct `livemode`.")
        return Finding("stripe", True, f"{right}: can be read")

    def _clock_skew(self, page: Any) -> Iterator[Finding]:
        try:
            theirs = parsedate_to_datetime(page.last_response.headers["date"])
        except (AttributeError, KeyError, ValueError, TypeError):
            return
        skew = abs(self._clock.now() - theirs)
        what = f"clocks differ by {int(skew.total_seconds())} seconds from Stripe's"
        remedy = "" if skew <= CLOCK_SKEW_MAX else "Set this machine's clock by NTP."
        yield Finding("stripe", skew <= CLOCK_SKEW_MAX, what, remedy, blocking=False)


class _Reading:
    """Turns one charge, whose answer holds its customer, PaymentIntent and balance transaction, into a payment."""

    def __init__(self, api: StripeApi, mapping: StripeMapping, zone: ZoneInfo, livemode: bool) -> None:
        self._api, self._mapping, self._zone, self._livemode = api, mapping, zone, livemode

    def payment(self, found: object, succeeded_at: datetime | None) -> Payment | None:
        """The charge as a payment; None when it is no money: a card authorisation that was not captured."""
        if isinstance(found, str):
            found = self._api.retrieve("Charges", self._api.v1.charges.retrieve, found, {"expand": EXPANDED})
        try:
            return self._payment(found, succeeded_at)
        except Misread as misread:
            # Its payer is not chased while nobody knows what came.
            raise Misread(misread.field, misread.reason, self._payer_of(found)) from None

    def _payer_of(self, found: object) -> str:
        """The ERP customer as far as the raw object names it, however little else of it is understood."""
        if not isinstance(found, dict):
            return ""
        for holder in (found.get("customer"), found, found.get("payment_intent")):
            metadata = holder.get("metadata") if isinstance(holder, dict) else None
            if not isinstance(metadata, dict):
                continue
            for key in self._mapping.customer_id_keys:
                if isinstance(value := metadata.get(key), str) and value.strip():
                    return value.strip()
        return ""

    def _payment(self, found: object, succeeded_at: datetime | None) -> Payment | None:
        charge = _understood(_Charge, found)
        if charge.livemode != self._livemode:
            raise Misread("livemode", f"{charge.livemode} does not agree with this installation")
        state = _state(charge)
        if state is None:
            return None
        customer = _named("customer", charge.customer)
        intent = _named("payment_intent", charge.payment_intent)
        received_at = self._received_at(charge, state, succeeded_at)
        return Payment(
            id=charge.id,
            amount=_money("amount", charge.amount, charge.currency),
            state=state,
            received_at=received_at,
            received_on=received_at.astimezone(self._zone).date(),
            customer_id=self._customer_id(customer, charge, intent),
            payer=customer.id if customer else "",
            remittance=self._remittance(charge, intent, state),
            refunded=_money("amount_refunded", charge.amount_refunded, charge.currency)
            if charge.amount_refunded
            else None,
            livemode=charge.livemode,
        )

    def _received_at(self, charge: _Charge, state: PaymentState, succeeded_at: datetime | None) -> datetime:
        """When the charge succeeded; for one that never did, when it began.

        A charge does not say when it succeeded, and an ACH debit succeeds days after it was created. The instant of its
        `charge.succeeded` (or `charge.captured`) event is the best evidence; without that event at hand the balance
        transaction's, which is made with the success; without both, the charge's own.
        """
        if state not in {PaymentState.SUCCEEDED, PaymentState.RETURNED}:
            return _instant(charge.created)
        if succeeded_at:
            return succeeded_at
        if charge.balance_transaction is None:
            return _instant(charge.created)
        return _instant(_understood(_BalanceTransaction, charge.balance_transaction, "balance_transaction").created)

    def _customer_id(self, customer: _Named | None, charge: _Charge, intent: _Named | None) -> str:
        """The ERP customer by the payer's own record first; empty means unidentified cash."""
        for metadata in (thing.metadata for thing in (customer, charge, intent) if thing):
            for key in self._mapping.customer_id_keys:
                if value := metadata.get(key, "").strip():
                    return value
        return ""

    def _remittance(self, charge: _Charge, intent: _Named | None, state: PaymentState) -> Remittance:
        linked: list[_Named] = []
        if intent and state is PaymentState.SUCCEEDED and self._mapping.read_invoice_links:
            linked = list(self._linked_invoices(intent.id))
        sources = [thing.metadata for thing in (charge, intent, *linked) if thing]
        texts = [charge.description, intent.description if intent else None, charge.statement_descriptor_suffix]
        return Remittance(
            invoice_ids=_values(sources, self._mapping.invoice_id_keys),
            invoice_numbers=_values(sources, self._mapping.invoice_number_keys),
            linked_numbers=tuple(dict.fromkeys(invoice.number for invoice in linked if invoice.number)),
            text="; ".join(dict.fromkeys(text.strip() for text in texts if text and text.strip())),
        )

    def _linked_invoices(self, intent: str) -> Iterator[_Named]:
        """The Stripe invoices that this PaymentIntent pays; a charge no longer names its invoice (since 2025-03)."""
        params = {"payment": {"type": "payment_intent", "payment_intent": intent}, "expand": ["data.invoice"]}
        for raw in self._api.pages("invoice payments", self._api.v1.invoice_payments.list, params):
            link = _understood(_InvoicePayment, raw, "invoice_payment")
            if link.status != "canceled":
                invoice = _named("invoice_payment.invoice", link.invoice)
                if invoice:
                    yield invoice


def _named(where: str, value: object) -> _Named | None:
    """What hangs on an expanded field; an id that came back unexpanded is a misread."""
    return None if value is None else _understood(_Named, value, where)


def _state(charge: _Charge) -> PaymentState | None:
    """Where is this money? None: it is only authorised. Disputed money is for a person, also after it was won back."""
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
    return PaymentState.RETURNED if charge.disputed else PaymentState.SUCCEEDED


def _values(sources: Iterable[dict[str, str]], keys: Iterable[str]) -> tuple[str, ...]:
    """The comma-separated values under these metadata keys, each once, in order."""
    texts = [metadata.get(key, "") for metadata in sources for key in keys]
    return tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",") if part.strip()))


def _money(where: str, units: int, currency: str) -> Money:
    try:
        return Money.of_system(units, currency.upper(), "stripe")
    except MoneyError as error:
        raise Misread(where, str(error)) from None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
