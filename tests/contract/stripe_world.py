"""A Stripe account on loopback, with a clock that stands still until it is moved, and our source over both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
import stripe
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.stripe import StripeMapping, StripePayments
from connector.adapters.stripe_api import StripeSettings
from sandbox.faults import Faults
from sandbox.serving import Background
from sandbox.stripe import API_KEY, Stripe

START = datetime(2026, 10, 20, 15, 0, tzinfo=UTC)


@dataclass
class World:
    stripe: Stripe
    faults: Faults
    url: str = ""
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def source(self, key: str = API_KEY, mapping: StripeMapping | None = None) -> StripePayments:
        settings = StripeSettings(SecretStr(key), date(2026, 10, 1), base_url=f"{self.url}/stripe", timeout_seconds=1)
        zone = ZoneInfo("America/New_York")
        return StripePayments(settings, mapping or StripeMapping(), zone, self, lambda seconds: None)

    def requests(self) -> int:
        return sum(self.stripe.counts().values())

    def customer(self, erp_id: str = "77") -> str:
        metadata = {"netsuite_customer_id": erp_id}
        return self.stripe.ledger.add_customer("Northfield Robotics", "ap@northfield.example", metadata=metadata)


def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """For a fixture: nobody waits between attempts."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)
    faults, order = Faults(None), count(1)
    made = World(None, faults)  # type: ignore[arg-type]
    made.stripe = Stripe(made.now, lambda what: next(order), faults)
    with Background(Starlette(routes=[Mount("/stripe", app=made.stripe.app)])) as served:
        made.url = served.url
        yield made
