"""Stripe charges -> payments; step 3 of the loop. Reads only, never writes.

Events say *which* charges and cash balances to look at; each is fetched again, because an event's body is a copy of
what was true then. One quiet read is one request. A payment is known by its charge (`ch_`, `py_`) through its whole
life: an ACH debit in progress is the pending charge that succeeds or fails later under the same id. A bank transfer
that waits in a customer's cash balance is a payment too, known by its `funded` row (`ccsbtxn_`).

Facts about the API are those of the SDK's own annotations (stripe 16.1.0, API 2026-10-28.endive) unless a comment says
otherwise.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connector.adapters import stripe_cash, stripe_charges
from connector.adapters.stripe_api import Misread, StripeApi, StripeSettings
from connector.adapters.stripe_balance import BalanceReader
from connector.adapters.stripe_cash import CashReader
from connector.adapters.stripe_charges import ChargeReader
from connector.adapters.stripe_check import StripeCheck, wrong_mode
from connector.adapters.stripe_invoices import InvoiceReader
from connector.adapters.stripe_mapping import StripeMapping as StripeMapping
from connector.adapters.stripe_payouts import PayoutReader
from connector.adapters.stripe_wire import Named, Wire, id_of, instant, understood
from connector.errors import Terminal
from connector.ports import BalanceRead, Clock, Finding, OtherSender, PaymentRead, PayoutRead
from connector.receivables import Parked, Payment
from connector.settlement import Autopay

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
    stripe_cash.EVENT_TYPE,
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
# From so many charges on they are fetched by list, and a page of a hundred must bring at least so many of them.
LIST_FROM = 10


class _EventData(Wire):
    object: dict[str, Any]


class _Event(Wire):
    id: str
    type: str
    created: int
    data: _EventData

    @property
    def at(self) -> datetime:
        return instant(self.created)


class _CashEvent(Wire):
    """As much of a cash balance's row as an event is believed: which row, and whose."""

    id: str = Field(pattern=r"^ccsbtxn_\w+$")
    customer: Any


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
    """What to look at: charges as an id or, from a list, the object itself, and customers' cash balances."""

    charges: dict[str, object] = field(default_factory=dict)
    succeeded_at: dict[str, datetime] = field(default_factory=dict)  # when the poll saw them succeed
    cash: dict[str, list[str]] = field(default_factory=dict)  # Stripe's customer -> rows that events named
    parked: list[Parked] = field(default_factory=list)
    events: list[tuple[_Event, str]] = field(default_factory=list)  # newest first, with what they touched or ''


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
        self._first_at = datetime.combine(settings.cutover_on, time_of_day(), zone).astimezone(UTC)
        self._balance = BalanceReader(self._api, zone, settings.livemode, f"{self.name}_balance")
        self._invoices = InvoiceReader(self._api, mapping, zone, settings.livemode)

    def read_changed(self, cursor: str, now: datetime) -> PaymentRead:
        """All payments touched since the cursor, each fetched again; '' starts at `cutover_on`.

        After a gap longer than Stripe keeps events, the charges created since then (and 14 days before) are listed, and
        every customer with money in the cash balance: a debit that was still pending by then, and an older charge
        refunded in the gap, are for the caller to ask for. Money received before the cutover day is returned too: it
        shields, and is never posted. Raises Transient or Terminal when the read is not complete: nothing of it counts
        then, the cursor stays.
        """
        self._refuse_wrong_mode("payments")
        position = _Cursor.read(cursor)
        cash = CashReader(
            self._api, self._mapping, self._zone, self._settings.livemode, self.name, self._first_at - RELIST_MARGIN
        )
        if position is None:
            touched = self._listed(self._first_at - RELIST_MARGIN, cash)
        elif now - position.at > EVENTS_KEPT:
            touched = self._listed(max(position.at, self._first_at) - RELIST_MARGIN, cash)
        else:
            touched = self._polled(position)
        payments, parked, unread = self._read(touched, cash)
        return PaymentRead(now, now, self._next(touched, unread, now), payments, parked)

    def read_payouts(self, cursor: str, now: datetime) -> PayoutRead:
        """Payouts that are new or changed since the cursor; '' starts at the cutover day less the overlap."""
        self._refuse_wrong_mode("payouts")
        reader = PayoutReader(
            self._api,
            self._balance,
            self._settings.livemode,
            f"{self.name}_payouts",
            first_at=self._first_at,
            overlap=timedelta(days=self._mapping.payout_overlap_days),
        )
        return reader.read(cursor, now)

    def read_balance(self, since: datetime) -> BalanceRead:
        self._refuse_wrong_mode("the balance")
        return self._balance.read(since, self._clock.now())

    def read_autopay(self) -> tuple[Autopay, ...]:
        self._refuse_wrong_mode("invoices")
        return self._invoices.autopay()

    def other_senders(self) -> tuple[OtherSender, ...]:
        self._refuse_wrong_mode("invoices")
        return self._invoices.other_senders()

    def check(self) -> tuple[Finding, ...]:
        return StripeCheck(self._api, self._settings, self._mapping, self._clock).findings()

    def _refuse_wrong_mode(self, what: str) -> None:
        if problem := wrong_mode(self._settings):
            raise Terminal(f"Could not read {what} from Stripe: {problem} Nothing was read; set the right key.")

    def _listed(self, since: datetime, cash: CashReader) -> _Touched:
        touched = _Touched()
        expand = [f"data.{name}" for name in stripe_charges.EXPANDED]
        params = {"created": {"gte": int(since.timestamp())}, "expand": expand}
        for raw in self._api.pages("charges", self._api.v1.charges.list, params):
            touched.charges[str(raw["id"])] = raw
        touched.cash = {customer: [] for customer in cash.holders()}
        return touched

    def _polled(self, position: _Cursor) -> _Touched:
        touched = _Touched()
        since = position.at - timedelta(minutes=self._mapping.event_overlap_minutes)
        wanted = [name for name in EVENT_TYPES if self._mapping.read_cash_balance or name != stripe_cash.EVENT_TYPE]
        params = {"types": wanted, "created": {"gte": int(since.timestamp())}}
        for raw in self._api.pages("events", self._api.v1.events.list, params):
            try:
                event = understood(_Event, raw)
                if event.type in {"charge.succeeded", "charge.captured"}:
                    touched.succeeded_at.setdefault(id_of(event.data.object), event.at)
                touched.events.append((event, "" if event.id in position.seen else self._touch(touched, event)))
            except Misread as misread:
                touched.parked.append(Parked(self.name, str(raw["id"]), misread.field, misread.reason))
        self._fetch_together(touched)
        return touched

    def _fetch_together(self, touched: _Touched) -> None:
        """Many new charges by list, a hundred to a request; those that it doesn't show stay to be fetched by id."""
        begun = {id_of(event.data.object): event.data.object.get("created") for event, _ in touched.events}
        new = {id: at for id, found in touched.charges.items() if id == found and isinstance(at := begun.get(id), int)}
        if len(new) < LIST_FROM:
            return
        expand = [f"data.{name}" for name in stripe_charges.EXPANDED]
        params = {"created": {"gte": min(new.values()), "lte": max(new.values())}, "expand": expand}
        rows = self._api.pages("charges", self._api.v1.charges.list, params)
        for raw in islice(rows, 100 * (len(new) // LIST_FROM)):
            if new.pop(str(raw["id"]), None) is not None:
                touched.charges[str(raw["id"])] = raw
            if not new:
                return

    def _touch(self, touched: _Touched, event: _Event) -> str:
        """Note what an event is about, and say it: a charge, or the customer of a cash balance; '' if nothing."""
        if event.type == stripe_cash.EVENT_TYPE:
            row = understood(_CashEvent, event.data.object, "data.object")
            customer = id_of(row.customer)
            if not re.fullmatch(r"cus_\w+", customer):
                raise Misread("data.object.customer", "no customer id")
            touched.cash.setdefault(customer, []).append(row.id)
            return customer
        charge = self._charge_of(event)
        if charge:
            touched.charges[charge] = charge
        return charge

    def _charge_of(self, event: _Event) -> str:
        """The charge that an event is about: an id only, the rest of the body is not believed. '' if there is none."""
        thing = event.data.object
        kind = thing.get("object")
        if kind == "charge":
            charge = thing.get("id")
        elif kind in ("refund", "dispute"):  # no set: it may be anything, and a list can't be looked up in one
            charge = thing.get("charge")
        elif kind == "payment_intent":
            charge = thing.get("latest_charge") or self._latest_charge(thing.get("id"))
        else:
            raise Misread("data.object.object", f"{repr(kind)[:40]} is not expected in {event.type}")
        if isinstance(charge, dict):
            charge = charge.get("id")
        if charge is None and kind in ("payment_intent", "refund"):
            return ""  # no attempt to take money was made yet, or the money given back was never a charge
        if not isinstance(charge, str) or not charge:
            raise Misread("data.object.charge", "no charge id")
        return charge

    def _latest_charge(self, intent: object) -> object:
        if not isinstance(intent, str):
            raise Misread("data.object.id", "no PaymentIntent id")
        found = self._api.retrieve("PaymentIntents", self._api.v1.payment_intents.retrieve, intent)
        return understood(Named, found, "payment_intent").latest_charge

    def _read(
        self, touched: _Touched, cash: CashReader
    ) -> tuple[tuple[Payment, ...], tuple[Parked, ...], frozenset[str]]:
        """The payments, what was not understood, and what of the touched is therefore to be looked at again."""
        for customer, rows in touched.cash.items():
            made = cash.of(customer).charges
            for charge in (made[row] for row in rows if row in made):
                # Its wire shields by so much less now: the charge must be seen in the same read.
                touched.charges.setdefault(charge, charge)
        reader = ChargeReader(self._api, self._mapping, self._zone, self._settings.livemode, cash)
        payments: list[Payment] = []
        parked = list(touched.parked)
        for id, found in touched.charges.items():
            try:
                payment = reader.payment(found, touched.succeeded_at.get(id))
            except Misread as misread:
                parked.append(Parked(self.name, id, misread.field, misread.reason, misread.customer_id))
                continue
            if payment:
                payments.append(payment)
        parked += cash.parked.values()
        unread = frozenset(item.record for item in parked) | frozenset(cash.parked)
        return (*payments, *cash.payments), tuple(parked), unread

    def _next(self, touched: _Touched, unread: frozenset[str], now: datetime) -> str:
        """The next cursor remembers the events it will meet again, except those whose object was parked."""
        again = now - timedelta(minutes=self._mapping.event_overlap_minutes)
        seen = [event.id for event, about in touched.events if event.at >= again and about not in unread]
        return _Cursor(now, tuple(seen[:EVENTS_REMEMBERED_MAX])).text()
