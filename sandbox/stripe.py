"""Stripe's read API on loopback, as the real `stripe` package speaks to it.

Lists are cursor-paged, newest first; errors come in Stripe's envelope. Sources: the annotations of `stripe` 16.1.0 and
docs.stripe.com/api (pagination, errors, expanding objects, versioning).
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import stripe_objects as objects
from sandbox.faults import Cut, Dropped, Faults, Kind, Rule, Silence
from sandbox.stripe_expand import expand
from sandbox.stripe_ledger import Ledger, NoSuchObject
from sandbox.stripe_lists import RESOURCES, Asked, Refused, missing, only_known, read_list, read_params
from sandbox.stripe_objects import Json
from sandbox.stripe_payouts import NotItemized

API_KEY = "rk_test_sandbox"
ACCOUNT_ID = "acct_sandbox0000001"
EVENTS_KEPT_DAYS = 30
# Documented for sandboxes: about 25 requests a second. Here the limit is of requests in flight.
CONCURRENCY = 25

# What a key may read besides the lists.
_SINGLES = frozenset({"account", "balance", "cash_balance"})


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names: the operation ("charges.retrieve"), the id in it, and the fields that the path itself fixes."""

    operation: str
    id: str = ""
    within: Mapping[str, str] = field(default_factory=dict)


_BEFORE: dict[Kind, tuple[int, str, str, str | None]] = {
    "too_many": (429, "Request rate limit exceeded. Try again later.", "invalid_request_error", "rate_limit"),
    "server_error": (500, "An unknown error occurred.", "api_error", None),
    "unauthorized": (401, "Invalid API Key provided: rk_test_*******", "invalid_request_error", None),
}


class Stripe:
    """One Stripe account in test mode. `ledger` is what it holds; `app` is to be mounted under /stripe.

    `on_response`, when set, sees every JSON body that is meant to be read; an error's body has the one key "error".
    """

    KINDS: frozenset[Kind] = frozenset(
        {
            "too_many",
            "server_error",
            "timeout_before",
            "timeout_after",
            "cut_after",
            "unreadable_after",
            "drop_before",
            "drop_after",
            "maintenance",
            "unauthorized",
            "duplicate_page",
            "late_page",
        }
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        sequence: Callable[[str], int],
        faults: Faults,
        *,
        seed: int = 0,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self.ledger = Ledger(clock, sequence, seed=seed)
        self.on_response: Callable[[Json], None] | None = None
        self.concurrency = concurrency
        self._faults = faults
        self._revoked: set[str] = set()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._requests = 0
        self._in_flight = 0
        self._routes = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST", "DELETE"])])
        self.app: ASGIApp = self._counted

    def profile(self, base_url: str) -> dict[str, object]:
        """What a connector needs to know; `base_url` is where `.app` is mounted."""
        return {
            "api_key": API_KEY,
            "base_url": base_url,
            "livemode": False,
            "account": ACCOUNT_ID,
            "api_version": objects.API_VERSION,
        }

    def counts(self) -> dict[str, int]:
        """Requests by operation, such as `charges.list`."""
        with self._lock:
            return dict(self._counts)

    def revoke(self, right: str) -> None:
        """Take the key's right to read a resource; reading it is then a 403."""
        known = sorted(_SINGLES.union(RESOURCES))
        if right not in known:
            raise ValueError(f"{right!r} is no right of the sandbox's key; known: {', '.join(known)}")
        self._revoked.add(right)

    def grant(self, right: str) -> None:
        self._revoked.discard(right)

    # -- one request ---------------------------------------------------------------------------------------------------

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        # On the event loop only, so a plain count is exact. A request that waits in a silent fault is in flight too.
        self._in_flight += 1
        scope["sandbox.in_flight"] = self._in_flight
        try:
            await self._routes(scope, receive, send)
        finally:
            self._in_flight -= 1

    def answer(self, request: Request) -> Response:
        """One request, also of a caller in this process; what breaks a connection is `Dropped`, `Silence` or `Cut`."""
        with self._lock:
            self._requests += 1
            headers = {
                "Request-Id": f"req_sandbox{self._requests:08d}",
                "Stripe-Version": request.headers.get("stripe-version", objects.API_VERSION),
            }
        try:
            target = self._target(request)
            self._admit(request, target.operation)
            rule = self._faults.take("stripe", target.operation, self.KINDS)
            broken = _broken_before(rule)
            if broken is not None:
                return broken
            params = read_params(request.query_params.multi_items())
            with self.ledger.lock:
                body = self._body(target, params, rule)
            return self._sent(200, body, headers, rule)
        except Refused as refused:
            return self._sent(refused.http, refused.body(), headers, None)

    def _target(self, request: Request) -> Target:
        version, _, path = request.path_params["path"].partition("/")
        found = _target_of(path) if request.method == "GET" and version == "v1" else None
        if found is None:
            raise Refused(
                404, f"Unrecognized request URL ({request.method}: /{version}/{path}); the sandbox only reads."
            )
        return found

    def _admit(self, request: Request, operation: str) -> None:
        with self._lock:
            self._counts[operation] += 1
        if _key(request) != API_KEY:
            raise Refused(*_BEFORE["unauthorized"])
        resource = operation.partition(".")[0]
        if resource in self._revoked:
            raise Refused(
                403,
                f"The provided key does not have the required permissions for this endpoint on account '{ACCOUNT_ID}'. "
                f"Read access to {resource} would allow this request to continue.",
            )
        if request.scope.get("sandbox.in_flight", 0) > self.concurrency:
            raise Refused(*_BEFORE["too_many"])

    def _body(self, target: Target, params: Json, rule: Rule | None) -> Json:
        resource, _, verb = target.operation.partition(".")
        if target.within:
            self._member("customers", Target("customers.retrieve", target.within["customer"]))
        if verb == "list":
            body = self._page(resource, target.within, read_list(resource, params), rule)
        else:
            only_known(params, frozenset({"expand"}))
            body = self._member(resource, target)
        for path in params.get("expand", ()):
            body = expand(self.ledger, body, path)
        return body

    def _member(self, resource: str, target: Target) -> Json:
        id = target.id
        if resource == "account":
            if id != ACCOUNT_ID:
                raise missing("account", id, "account")
            return objects.account(ACCOUNT_ID, 1_700_000_000)
        if resource == "balance":
            return self.ledger.balance.shown()
        kind = "customer" if resource == "cash_balance" else RESOURCES[resource].kind
        try:
            found = self.ledger.store.get(id, kind)
        except NoSuchObject:
            raise missing(kind, id, "id") from None
        if resource == "cash_balance":
            return self.ledger.cash.shown(id)
        strange = any(found[name] != value for name, value in target.within.items())
        if strange or (kind == "event" and found["created"] < self._events_since()):
            raise missing(kind, id, "id")
        return found

    def _page(self, resource: str, within: Mapping[str, str], asked: Asked, rule: Rule | None) -> Json:
        kind = RESOURCES[resource].kind
        after, before = asked.after, asked.before
        if rule is not None and rule.kind == "duplicate_page":
            after = before = ""  # the cursor is overlooked: the first page comes again
        since = max(asked.since, self._events_since()) if kind == "event" else asked.since
        try:
            rows = self.ledger.store.select(
                kind, {**asked.fields, **within}, since=since,
                below=asked.below, after=after, before=before, among=self._members(asked.payout),
            )  # fmt: skip
            found = list(islice(filter(asked.fits, rows), asked.limit + 1))
        except NoSuchObject as unknown:
            raise missing(kind, str(unknown), "starting_after" if after else "ending_before") from None
        page = found[: asked.limit]
        if before:
            page.reverse()
        elif rule is not None and rule.kind == "late_page":
            page = page[rule.record or 1 :]  # the newest are not there yet
        url = f"/v1/customers/{within['customer']}/{resource}" if within else f"/v1/{resource}"
        return {"object": "list", "url": url, "has_more": len(found) > asked.limit, "data": page}

    def _members(self, payout: str) -> list[str] | None:
        """The rows that Stripe shows for a payout; None if none was asked for."""
        if not payout:
            return None
        try:
            return self.ledger.payouts.listed(payout)
        except NoSuchObject:
            raise missing("payout", payout, "payout") from None
        except NotItemized:
            # In Stripe's words, as many have recorded them.
            raise Refused(
                400, "Balance transaction history can only be filtered on automatic transfers, not manual."
            ) from None

    def _events_since(self) -> int:
        return self.ledger.store.now() - EVENTS_KEPT_DAYS * objects.DAY_SECONDS

    def _sent(self, http: int, body: Json, headers: dict[str, str], rule: Rule | None) -> Response:
        if self.on_response is not None:
            self.on_response(body)
        content = json.dumps(body).encode()
        broken = _broken_after(rule, content)
        return broken if broken is not None else Response(content, http, headers, "application/json")


def _target_of(path: str) -> Target | None:
    match path.split("/"):
        case ["account"] | ["balance"]:
            return Target(f"{path}.retrieve", ACCOUNT_ID if path == "account" else "")
        case ["accounts", id] if id:
            return Target("account.retrieve", id)
        case ["customers", customer, "cash_balance"] if customer:
            return Target("cash_balance.retrieve", customer)
        case ["customers", customer, "cash_balance_transactions"] if customer:
            return Target("cash_balance_transactions.list", within={"customer": customer})
        case ["customers", customer, "cash_balance_transactions", id] if customer and id:
            return Target("cash_balance_transactions.retrieve", id, {"customer": customer})
        case [resource] if resource in RESOURCES and resource != "cash_balance_transactions":
            return Target(f"{resource}.list")
        case [resource, id] if resource in RESOURCES and resource != "cash_balance_transactions" and id:
            return Target(f"{resource}.retrieve", id)
    return None


def _broken_before(rule: Rule | None) -> Response | None:
    """The answer of a fault that strikes before anything is read; Refused for those in Stripe's own envelope."""
    if rule is None:
        return None
    if rule.kind in _BEFORE:
        raise Refused(*_BEFORE[rule.kind])
    if rule.kind == "maintenance":
        return HTMLResponse("<html><body><h1>We'll be back soon</h1></body></html>", 503)
    broken: dict[Kind, Any] = {"timeout_before": Silence(rule.seconds), "drop_before": Dropped()}
    return broken.get(rule.kind)


def _broken_after(rule: Rule | None, content: bytes) -> Response | None:
    if rule is None:
        return None
    broken: dict[Kind, Any] = {
        "timeout_after": Silence(rule.seconds),
        "drop_after": Dropped(),
        "cut_after": Cut(content),
        "unreadable_after": Response(b'{"object": "list", "data": [{', 200, media_type="application/json"),
    }
    return broken.get(rule.kind)


def _key(request: Request) -> str:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credential).decode("ascii").partition(":")[0]
        except ValueError:
            return ""
    return credential if scheme.lower() == "bearer" else ""
