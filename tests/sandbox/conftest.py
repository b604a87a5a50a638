"""A Stripe account of its own behind a real server, and the checker of what it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import stripe
from intacct_company import Company, founded
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults
from sandbox.serving import Background
from sandbox.stripe import Stripe
from tests import contracts

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

Json = dict[str, Any]
Problems = Callable[[Json], list[str]]


@pytest.fixture(scope="session")
def stripe_problems() -> Problems:
    """What is wrong with this response body by Stripe's own types? Skips where the contract is absent."""
    if contracts.ABSENT:
        pytest.skip(contracts.ABSENT)
    return contracts.stripe_problems


class Door:
    """One server for all tests, with whatever stands behind it just now: stopping one takes a tenth of a second."""

    def __init__(self) -> None:
        self.behind: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.behind is not None
        await self.behind(scope, receive, send)


@dataclass(frozen=True)
class StripeSite:
    """A served account: what it holds, the real client to it, and its clock, faults and order of commits."""

    stripe: Stripe
    clock: WorldClock
    faults: Faults
    sequence: Sequence
    url: str
    session: requests.Session

    @property
    def client(self) -> stripe.StripeClient:
        return self.client_with("rk_test_sandbox")

    def client_with(self, key: str, timeout: float = 5.0) -> stripe.StripeClient:
        base = f"{self.url}/stripe"
        return stripe.StripeClient(
            key,
            base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
            http_client=stripe.RequestsClient(timeout=timeout, session=self.session),
        )


@pytest.fixture(scope="session")
def door() -> Iterator[tuple[Door, str]]:
    opened = Door()
    with Background(opened) as served:
        yield opened, served.url


@pytest.fixture
def site(door: tuple[Door, str]) -> Iterator[StripeSite]:
    opened, url = door
    clock = WorldClock()
    clock.start_at(START)
    sequence, faults = Sequence(clock), Faults()
    account = Stripe(clock, sequence, faults)
    opened.behind = Starlette(routes=[Mount("/stripe", app=account.app)])
    with requests.Session() as session:
        yield StripeSite(account, clock, faults, sequence, url, session)


@pytest.fixture
def company(door: tuple[Door, str]) -> Iterator[Company]:
    """A false Intacct company of this test's own."""
    opened, url = door
    with requests.Session() as session:
        made = founded(session, url)
        opened.behind = Starlette(routes=[Mount("/intacct", app=made.books.app)])
        yield made
