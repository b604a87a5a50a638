"""What the Stripe tests have in common: made-up answers in Stripe's form, our source over them, a stopped clock.

Every object here has all that Stripe's own types ask of it; test_stripe_reads_balance.py holds them against those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import responses
import stripe
from pydantic import SecretStr

from connector.adapters.stripe import StripeMapping, StripePayments
from connector.adapters.stripe_api import StripeSettings

BASE = "https://stripe.invalid"
NOW = datetime(2026, 10, 20, 15, 0, tzinfo=UTC)
Json = dict[str, Any]


class StoppedClock:
    def now(self) -> datetime:
        return NOW


def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    """For a fixture: what isn't registered can't be reached, and nobody waits between attempts."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def source(
    mapping: StripeMapping | None = None,
    *,
    key: str = "rk_test_1",
    livemode: bool = False,
    naps: list[float] | None = None,
) -> StripePayments:
    settings = StripeSettings(SecretStr(key), date(2026, 10, 1), livemode=livemode, base_url=BASE)
    mapping = mapping or StripeMapping(read_invoice_links=False, read_cash_balance=False)
    sleep = (naps if naps is not None else []).append
    return StripePayments(settings, mapping, ZoneInfo("America/New_York"), StoppedClock(), sleep)


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def page(*rows: Json, more: bool = False) -> Json:
    return {"object": "list", "url": "/v1/things", "has_more": more, "data": list(rows)}


def position(at: datetime = NOW - timedelta(minutes=5), seen: tuple[str, ...] = ()) -> str:
    """The cursor of a read of payments that ended then."""
    return json.dumps({"at": at.isoformat(), "seen": list(seen)})


def query(call: responses.Call) -> Json:
    return dict(call.request.params)  # type: ignore[attr-defined]


def paths(web: responses.RequestsMock) -> list[str]:
    """What was asked for, in order, without its parameters."""
    return [str(call.request.path_url).partition("?")[0] for call in web.calls]  # type: ignore[union-attr]


# ---- Stripe's objects ----


def charge(**changes: object) -> Json:
    created = seconds(NOW - timedelta(days=1))
    booked = {name: changes.get(name, value) for name, value in (("amount", 4500000), ("currency", "usd"))}
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 4500000,
        "amount_captured": changes.get("amount", 4500000),
        "amount_refunded": 0,
        "billing_details": {},
        "currency": "usd",
        "created": created,
        "livemode": False,
        "status": "succeeded",
        "captured": True,
        "disputed": False,
        "paid": True,
        "refunded": False,
        "metadata": {},
        "description": None,
        "customer": customer(metadata={"netsuite_customer_id": "77"}),
        "payment_intent": intent(),
        "balance_transaction": movement(net=0, created=created, **booked),
        "failure_balance_transaction": None,
    } | changes


def customer(id: str = "cus_1", **changes: object) -> Json:
    return {"id": id, "object": "customer", "created": seconds(NOW), "livemode": False, "metadata": {}} | changes


def intent(id: str = "pi_1", **changes: object) -> Json:
    return {
        "id": id,
        "object": "payment_intent",
        "amount": 4500000,
        "amount_capturable": 0,
        "amount_received": 4500000,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "created": seconds(NOW),
        "currency": "usd",
        "description": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "payment_method_types": ["card"],
        "status": "succeeded",
    } | changes


def event(type: str, thing: Json, *, id: str = "evt_1", at: datetime = NOW) -> Json:
    return {
        "id": id,
        "object": "event",
        "type": type,
        "created": seconds(at),
        "livemode": False,
        "pending_webhooks": 0,
        "data": {"object": thing},
    }


def movement(**changes: object) -> Json:
    """A balance transaction: a card charge of 100.00 USD less a fee of 3.20."""
    made = {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": 10000,
        "available_on": seconds(NOW),
        "balance_type": "payments",
        "created": seconds(NOW - timedelta(days=1)),
        "currency": "usd",
        "fee": 320,
        "fee_details": [],
        "reporting_category": "charge",
        "source": None,
        "status": "available",
        "type": "charge",
    } | changes
    return made if "net" in made else made | {"net": made["amount"] - made["fee"]}


def payout(**changes: object) -> Json:
    """An automatic payout of 96.80 USD that arrived today and is reconciled."""
    return {
        "id": "po_1",
        "object": "payout",
        "amount": 9680,
        "arrival_date": seconds(datetime(2026, 10, 20, tzinfo=UTC)),
        "automatic": True,
        "created": seconds(NOW - timedelta(days=2)),
        "currency": "usd",
        "livemode": False,
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "status": "paid",
        "type": "bank_account",
    } | changes


def balance(available: Json, pending: Json) -> Json:
    """What is in our balance, by currency."""
    parts = {"available": available, "pending": pending}
    return {"object": "balance", "livemode": False} | {
        name: [{"amount": amount, "currency": currency} for currency, amount in part.items()]
        for name, part in parts.items()
    }


def invoice(**changes: object) -> Json:
    """An open Stripe invoice that it collects by itself and hasn't tried to yet."""
    owed = ("amount_due", "amount_remaining", "subtotal", "total")
    nothing = (
        "amount_overpaid",
        "amount_paid",
        "amount_shipping",
        "attempt_count",
        "post_payment_credit_notes_amount",
        "pre_payment_credit_notes_amount",
        "starting_balance",
    )
    return (
        dict.fromkeys(owed, 120000)
        | dict.fromkeys(nothing, 0)
        | dict.fromkeys(("created", "period_end", "period_start"), seconds(NOW))
        | {
            "id": "in_1",
            "object": "invoice",
            "attempted": False,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "collection_method": "charge_automatically",
            "currency": "usd",
            "customer": "cus_1",
            "default_tax_rates": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "lines": {"object": "list", "data": [], "has_more": False, "url": "/v1/invoices/in_1/lines"},
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": seconds(datetime(2026, 10, 22, 3, 0, tzinfo=UTC)),
            "number": "INV-1",
            "payment_settings": {},
            "status": "open",
            "status_transitions": {},
        }
        | changes
    )


def cash_row(type: str, net: int, *, id: str = "ccsbtxn_1", ending: int | None = None, **changes: object) -> Json:
    """A movement of a customer's cash balance; of a wire, its reference and sender."""
    said: Json = {}
    if type == "funded":
        us = {"network": "domestic_wire_us", "sender_name": "Northfield Robotics"}
        wire = {"reference": "INV-1 INV-2", "type": "us_bank_transfer", "us_bank_transfer": us}
        said = {"funded": {"bank_transfer": wire}}
    return {
        "id": id,
        "object": "customer_cash_balance_transaction",
        "created": seconds(NOW - timedelta(hours=3)),
        "currency": "usd",
        "customer": customer(metadata={"netsuite_customer_id": "77"}),
        "ending_balance": net if ending is None else ending,
        "livemode": False,
        "net_amount": net,
        "type": type,
    } | said | changes  # fmt: skip
