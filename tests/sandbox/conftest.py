"""A Stripe account of its own behind a real server, and the checker of what it sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults
from sandbox.serving import Background
from sandbox.stripe import Stripe

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"

Json = dict[str, Any]
Problems = Callable[[Json], list[str]]


@pytest.fixture(scope="session")
def stripe_problems() -> Problems:
    """What is wrong with this response body by Stripe's own types? Skips where the contract is absent."""
    path = SHARED / "contracts" / "stripe" / "objects.schema.json"
    if not path.is_file():
        pytest.skip(f"Stripe's response contract is not here ({path})")
    contract = json.loads(path.read_text())
    checkers: dict[str, Draft202012Validator] = {}
    # "account" has no type in the contract.
    for kind, definition in contract["x-objects"].items():
        schema = {"$ref": f"#/$defs/{definition}", "$defs": contract["$defs"]}
        checkers[kind] = Draft202012Validator(schema)

    def problems(body: Json) -> list[str]:
        if "error" in body:
            known = {"type", "message", "code", "param", "doc_url", "request_log_url"}
            return [f"unknown in an error: {set(body['error']) - known}"] if set(body["error"]) - known else []
        kind = body["object"]
        if kind == "list":
            assert {"object", "url", "has_more", "data"} == set(body)
            return [problem for row in body["data"] for problem in problems(row)]
        if kind == "account":
            return []
        found = [f"{kind} {error.json_path}: {error.message[:200]}" for error in checkers[kind].iter_errors(body)]
        return found + (problems(body["data"]["object"]) if kind == "event" else [])

    return problems


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
