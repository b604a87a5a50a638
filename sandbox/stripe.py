"""Stripe's read API on loopback, as the real `stripe` package speaks to it.

Lists are cursor-paged, newest first; errors come in Stripe's envelope. Sources: the annotations of `stripe` 16.1.0 and
docs.stripe.com/api (pagination, errors, expanding objects, versioning).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from sandbox.stripe_ledger import Ledger, NoSuchObject
from sandbox.stripe_objects import Json

API_KEY = "rk_test_sandbox"
ACCOUNT_ID = "acct_sandbox0000001"
EVENTS_KEPT_DAYS = 30
PAGE_DEFAULT, PAGE_MAX = 10, 100
EXPAND_DEPTH_MAX = 4
EVENT_TYPES_MAX = 20
# Documented for sandboxes: about 25 requests a second. Here the limit is of requests in flight.
CONCURRENCY = 25


@dataclass(frozen=True, slots=True)
class Resource:
    """A list and its members: Stripe's object name and the filters that the list takes besides paging and `created`."""

    kind: str
    filters: frozenset[str]


RESOURCES = {
    "customers": Resource("customer", frozenset({"email"})),
    "payment_intents": Resource("payment_intent", frozenset({"customer"})),
    "charges": Resource("charge", frozenset({"customer", "payment_intent"})),
    "balance_transactions": Resource("balance_transaction", frozenset({"currency", "source", "type"})),
    "invoices": Resource("invoice", frozenset({"customer", "status"})),
    "invoice_payments": Resource("invoice_payment", frozenset({"invoice", "payment", "status"})),
    "events": Resource("event", frozenset({"type", "types"})),
}
_PAGING = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})
_EXPANDABLE = frozenset(
    {
        ("balance_transaction", "source"),
        ("charge", "balance_transaction"),
        ("charge", "customer"),
        ("charge", "failure_balance_transaction"),
        ("charge", "payment_intent"),
        ("invoice", "customer"),
        ("invoice_payment", "invoice"),
        ("invoice_payment.payment", "payment_intent"),
        ("payment_intent", "customer"),
        ("payment_intent", "latest_charge"),
    }
)
_BRACKETS = re.compile(r"\[([^\]]*)\]")


@dataclass
class Refused(Exception):
    """An answer in Stripe's error envelope."""

    http: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None

    def body(self) -> Json:
        error = {"type": self.type, "message": self.message, "code": self.code, "param": self.param}
        return {"error": {key: value for key, value in error.items() if value is not None}}


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
        self._routes = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "DELETE"])])
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
        if right not in RESOURCES and right != "account":
            raise ValueError(f"{right!r} is no right of the sandbox's key; known: account, {', '.join(RESOURCES)}")
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

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self._requests += 1
            headers = {
                "Request-Id": f"req_sandbox{self._requests:08d}",
                "Stripe-Version": request.headers.get("stripe-version", objects.API_VERSION),
            }
        try:
            operation, rest = self._operation(request)
            self._admit(request, operation)
            rule = self._faults.take("stripe", operation, self.KINDS)
            broken = _broken_before(rule)
            if broken is not None:
                return broken
            params = _params(request)
            with self.ledger.lock:
                body = self._body(operation, rest, params, rule)
            return self._sent(200, body, headers, rule)
        except Refused as refused:
            return self._sent(refused.http, refused.body(), headers, None)

    def _operation(self, request: Request) -> tuple[str, str]:
        """The operation's name and the id in the path: ("charges.retrieve", "ch_1")."""
        version, _, path = request.path_params["path"].partition("/")
        resource, _, id = path.partition("/")
        if request.method == "GET" and version == "v1" and "/" not in id:
            if resource in RESOURCES:
                return f"{resource}.{'retrieve' if id else 'list'}", id
            if path == "account" or (resource == "accounts" and id):
                return "account.retrieve", id or ACCOUNT_ID
        raise Refused(404, f"Unrecognized request URL ({request.method}: /{version}/{path}); the sandbox only reads.")

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
        if request.scope["sandbox.in_flight"] > self.concurrency:
            raise Refused(*_BEFORE["too_many"])

    def _body(self, operation: str, id: str, params: Json, rule: Rule | None) -> Json:
        resource, _, verb = operation.partition(".")
        if verb == "list":
            body = self._page(resource, params, rule)
        else:
            _known(params, frozenset({"expand"}))
            body = self._member(resource, id)
        for path in params.get("expand", ()):
            if path.count(".") >= EXPAND_DEPTH_MAX:
                raise Refused(400, f"You cannot expand more than {EXPAND_DEPTH_MAX} levels of a property: {path}")
            body = self._expanded(body, path.split("."), "")
        return body

    def _member(self, resource: str, id: str) -> Json:
        if resource == "account":
            if id != ACCOUNT_ID:
                raise _missing("account", id, "account")
            return objects.account(ACCOUNT_ID, 1_700_000_000)
        kind = RESOURCES[resource].kind
        try:
            found = self.ledger.get(id)
        except NoSuchObject:
            raise _missing(kind, id, "id") from None
        if found["object"] != kind or (kind == "event" and found["created"] < self._events_since()):
            raise _missing(kind, id, "id")
        return found

    def _page(self, resource: str, params: Json, rule: Rule | None) -> Json:
        known = RESOURCES[resource]
        _known(params, known.filters | _PAGING)
        limit = _limit(params)
        after, before = params.get("starting_after"), params.get("ending_before")
        if after and before:
            raise Refused(400, "You cannot parameterize ending_before when starting_after is set.")
        if rule is not None and rule.kind == "duplicate_page":
            after = before = None  # the cursor is overlooked: the first page comes again
        try:
            rows = self._rows(known.kind, params, after, before)
            found = list(islice(rows, limit + 1))
        except NoSuchObject as missing:
            raise _missing(known.kind, str(missing), "starting_after" if after else "ending_before") from None
        page = found[:limit]
        if before:
            page.reverse()
        elif rule is not None and rule.kind == "late_page":
            page = page[rule.record or 1 :]  # the newest are not there yet
        return {"object": "list", "url": f"/v1/{resource}", "has_more": len(found) > limit, "data": page}

    def _rows(self, kind: str, params: Json, after: str | None, before: str | None) -> Iterator[Json]:
        fits = _filter(params)
        newest_first = before is None
        rows = self.ledger.oldest_first(kind, before) if before else self.ledger.newest_first(kind, after)
        since = max(_created_from(params), self._events_since() if kind == "event" else 0)
        for row in rows:
            if row["created"] < since:
                if newest_first:
                    return
                continue
            if fits(row):
                yield row

    def _events_since(self) -> int:
        return self.ledger.now_seconds() - EVENTS_KEPT_DAYS * objects.DAY_SECONDS

    def _expanded(self, value: Json, path: list[str], owner: str) -> Json:
        """A copy of the value in which the ids that the path names are replaced by their objects."""
        head, rest = path[0], path[1:]
        if value.get("object") == "list":
            if head != "data" or not rest:
                raise Refused(400, f"This property cannot be expanded ({head}); expand lists by data.<property>.")
            return value | {"data": [self._expanded(row, rest, "") for row in value["data"]]}
        owner = owner or value["object"]
        child = value.get(head)
        if isinstance(child, dict):
            inner = "" if "object" in child else f"{owner}.{head}"
            return value | {head: self._expanded(child, rest, inner)} if rest else value
        if (owner, head) not in _EXPANDABLE:
            raise Refused(400, f"This property cannot be expanded ({head}).")
        if child is None:
            return value
        found = self.ledger.get(child)
        return value | {head: self._expanded(found, rest, "") if rest else found}

    def _sent(self, http: int, body: Json, headers: dict[str, str], rule: Rule | None) -> Response:
        if self.on_response is not None:
            self.on_response(body)
        content = json.dumps(body).encode()
        broken = _broken_after(rule, content)
        return broken if broken is not None else Response(content, http, headers, "application/json")


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


def _params(request: Request) -> Json:
    """Stripe's bracket notation as values: created[gte]=1 -> {"created": {"gte": "1"}}, expand[0]=a -> a list."""
    found: Json = {}
    for key, value in request.query_params.multi_items():
        name, keys = key.partition("[")[0], _BRACKETS.findall(key)
        if not keys:
            found[name] = value
        elif keys[0] == "" or keys[0].isdigit():
            found.setdefault(name, []).append(value)
        else:
            found.setdefault(name, {})[keys[0]] = value
    for name in ("expand", "types"):
        if name in found and not isinstance(found[name], list):
            raise Refused(400, f"Invalid array: {name}", param=name)
    return found


def _known(params: Json, known: frozenset[str]) -> None:
    for name in params:
        if name not in known:
            raise Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def _integer(value: object, param: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise Refused(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)


def _limit(params: Json) -> int:
    limit = _integer(params.get("limit", str(PAGE_DEFAULT)), "limit")
    if not 1 <= limit <= PAGE_MAX:
        bound = f"greater than or equal to 1 (it currently is '{limit}')"
        if limit > PAGE_MAX:
            bound = f"less than or equal to {PAGE_MAX} (it currently is '{limit}')"
        raise Refused(400, f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return limit


def _created_from(params: Json) -> int:
    created = params.get("created")
    if not isinstance(created, dict):
        return 0
    lower = [
        _integer(created[key], f"created[{key}]") + extra for key, extra in (("gte", 0), ("gt", 1)) if key in created
    ]
    return max(lower, default=0)


def _filter(params: Json) -> Callable[[Json], bool]:
    """Which rows do the list's own parameters let through? The lower bound of `created` is kept by the caller."""
    tests: list[Callable[[Json], bool]] = []
    created = params.get("created")
    if isinstance(created, dict):
        for key in created:
            if key not in ("gt", "gte", "lt", "lte"):
                raise Refused(400, f"Received unknown parameter: created[{key}]", code="parameter_unknown")
        below = [_integer(created[key], "created") + extra for key, extra in (("lt", 0), ("lte", 1)) if key in created]
        if below:
            tests.append(lambda row: row["created"] < min(below))
    elif created is not None:
        exactly = _integer(created, "created")
        tests.append(lambda row: row["created"] == exactly)
    for name in ("customer", "payment_intent", "email", "currency", "source", "status", "invoice"):
        if name in params:
            tests.append(lambda row, name=name: row[name] == params[name])  # type: ignore[misc]
    tests.extend(_filter_types(params))
    if "payment" in params:
        tests.append(_filter_payment(params["payment"]))
    return lambda row: all(test(row) for test in tests)


def _filter_types(params: Json) -> Iterator[Callable[[Json], bool]]:
    if "type" in params:
        wanted = params["type"]
        if wanted.endswith(".*"):
            yield lambda row: row["type"].startswith(wanted[:-1])
        else:
            yield lambda row: row["type"] == wanted
    if "types" in params:
        types = params["types"]
        if "type" in params:
            raise Refused(400, "You may only specify one of these parameters: type, types.")
        if len(types) > EVENT_TYPES_MAX:
            raise Refused(400, f"types may hold at most {EVENT_TYPES_MAX} event types.", param="types")
        yield lambda row: row["type"] in types


def _filter_payment(payment: object) -> Callable[[Json], bool]:
    if not isinstance(payment, dict) or "type" not in payment:
        raise Refused(400, "Missing required param: payment[type].", code="parameter_missing", param="payment[type]")
    return lambda row: all(row["payment"].get(key) == value for key, value in payment.items())


def _missing(kind: str, id: str, param: str) -> Refused:
    return Refused(404 if param == "id" else 400, f"No such {kind}: '{id}'", code="resource_missing", param=param)
