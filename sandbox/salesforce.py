"""Salesforce's REST API on loopback, as the real `simple-salesforce` speaks to it.

OAuth client credentials, SOQL with pages, describe, and upsert by an external id; sessions expire, a page's locator
belongs to the session that asked, and the day's requests run out. Sources: Salesforce's REST API Developer Guide.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Cut, Dropped, Faults, Kind, Rule, Silence
from sandbox.salesforce_org import MoreThanOne, Org, Refused
from sandbox.salesforce_schema import API_VERSION, Json
from sandbox.salesforce_select import Selection
from sandbox.salesforce_soql import Malformed, parse

DOMAIN = "northfield--arc.sandbox.my"
CLIENT_ID = "sandbox.connected.app"
CLIENT_SECRET = "sandbox-client-secret"
PAGE_ROWS = 2000  # Salesforce's own default
SESSION_GOOD_FOR = timedelta(hours=2)  # from its last use; the default of a new organisation
REQUESTS_A_DAY = 15_000  # of a Developer Edition
OLDEST_VERSION = 31

_BEFORE: dict[Kind, tuple[str, str, int]] = {
    "too_many": ("TOO_MANY_REQUESTS", "Too many requests at once.", 429),
    "server_error": ("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500),
    "unauthorized": ("INVALID_SESSION_ID", "Session expired or invalid", 401),
}


@dataclass(slots=True)
class _Session:
    token: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class _Locator:
    """The rest of a query's rows, for the session that asked."""

    token: str
    rows: list[Json]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, read: which of our operations, and what its path names."""

    operation: str
    version: str
    names: tuple[str, ...]
    params: dict[str, str]
    body: bytes
    authorization: str


_PATHS = (
    ("POST", "token", r"services/oauth2/token"),
    ("GET", "query", r"services/data/v([\d.]+)/query/?"),
    ("GET", "queryAll", r"services/data/v([\d.]+)/queryAll/?"),
    ("GET", "query.more", r"services/data/v([\d.]+)/query(?:All)?/(01g\w+)-(\d+)"),
    ("GET", "describe", r"services/data/v([\d.]+)/sobjects/(\w+)/describe/?"),
    ("PATCH", "upsert", r"services/data/v([\d.]+)/sobjects/(\w+)/(\w+)/([^/]+)"),
)


class Salesforce:
    """One organisation. `org` is what it holds; `app` is to be mounted under /salesforce."""

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
            "record_refused",
            "fewer_rows",
            "duplicate_page",
            "late_page",
        }
    )

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], faults: Faults) -> None:
        self.org = Org(clock, sequence)
        self.page_rows = PAGE_ROWS
        self._clock, self._faults = clock, faults
        self._selection = Selection(self.org)
        self._sessions: dict[str, _Session] = {}
        self._locators: dict[str, _Locator] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._used = 0
        self._used_since = clock()
        self.app: ASGIApp = Starlette(
            routes=[Route("/{path:path}", self._answer, methods=["GET", "POST", "PATCH", "DELETE"])]
        )

    def profile(self, base_url: str) -> dict[str, str]:
        """What a connector needs to know; `base_url` is where `.app` is mounted, in place of the domain's own host."""
        return {
            "domain": DOMAIN,
            "base_url": base_url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_version": API_VERSION,
        }

    def counts(self) -> dict[str, int]:
        """Requests by operation, such as `query`."""
        with self._lock:
            return dict(self._counts)

    def spend_quota(self, left: int = 0) -> None:
        """So many requests are left until the day is over."""
        self._used, self._used_since = REQUESTS_A_DAY - left, self._clock()

    def expire_sessions(self) -> None:
        """Every session ends now; pages that were not fetched yet are lost with it."""
        self._sessions.clear()

    # -- one request ---------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._answered, request, body)

    def _answered(self, request: Request, body: bytes) -> Response:
        rule: Rule | None = None
        try:
            asked = _asked(request, body)
            with self._lock:
                self._counts[asked.operation] += 1
            rule = self._faults.take("salesforce", asked.operation, self.KINDS)
            broken = _broken_before(rule, asked.operation)
            if broken is not None:
                return broken
            with self.org.lock:
                http, content = self._token(asked) if asked.operation == "token" else self._data(asked, rule)
            return self._sent(http, content, rule)
        except MoreThanOne as error:
            return self._sent(300, error.places, None)
        except Malformed as error:
            return self._sent(400, [{"message": str(error), "errorCode": "MALFORMED_QUERY"}], None)
        except Refused as error:
            return self._sent(error.http, [_error(error)], None)
        except _NoToken as error:
            return self._sent(400, {"error": error.code, "error_description": error.message}, None)

    def _sent(self, http: int, content: Any, rule: Rule | None) -> Response:
        encoded = json.dumps(content).encode()
        broken = _broken_after(rule, encoded)
        if broken is not None:
            return broken
        usage = {"Sforce-Limit-Info": f"api-usage={self._used}/{REQUESTS_A_DAY}"}
        return Response(encoded, http, usage, "application/json;charset=UTF-8")

    def _token(self, asked: _Asked) -> tuple[int, Json]:
        """A session for the connected app; its id and secret by HTTP Basic or in the form."""
        if asked.params.get("grant_type") != "client_credentials":
            raise _NoToken("unsupported_grant_type", "grant type not supported")
        given = _basic(asked.authorization) or (asked.params.get("client_id"), asked.params.get("client_secret"))
        if given[0] != CLIENT_ID:
            raise _NoToken("invalid_client_id", "client identifier invalid")
        if given[1] != CLIENT_SECRET:
            raise _NoToken("invalid_client", "invalid client credentials")
        token = f"00D!sandbox.{next(self._numbers)}"
        self._sessions[token] = _Session(token, self._clock())
        host = f"https://{DOMAIN}.salesforce.com"
        return 200, {
            "access_token": token,
            "instance_url": host,
            "id": f"{host}/id/00D/005",
            "token_type": "Bearer",
            "issued_at": str(int(self._clock().timestamp() * 1000)),
            "signature": "sandbox",
            "scope": "api",
        }

    def _data(self, asked: _Asked, rule: Rule | None) -> tuple[int, Any]:
        session = self._session(asked)
        self._spend()
        if not OLDEST_VERSION <= float(asked.version) <= float(API_VERSION):
            raise Refused("NOT_FOUND", "The requested resource does not exist", 404)
        if asked.operation == "query.more":
            return 200, self._more(session, asked, rule)
        if asked.operation in ("query", "queryAll"):
            return 200, self._query(session, asked, rule)
        if asked.operation == "describe":
            return 200, self.org.describe(asked.names[0])
        return self._upsert(asked, rule)

    def _session(self, asked: _Asked) -> _Session:
        scheme, _, token = asked.authorization.partition(" ")
        session = self._sessions.get(token) if scheme == "Bearer" else None
        now = self._clock()
        if session is None or now - session.used_at > SESSION_GOOD_FOR:
            raise Refused(*_BEFORE["unauthorized"])
        session.used_at = now
        return session

    def _spend(self) -> None:
        if self._clock() - self._used_since >= timedelta(days=1):
            self._used, self._used_since = 0, self._clock()
        if self._used >= REQUESTS_A_DAY:
            raise Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        self._used += 1

    # -- queries -------------------------------------------------------------------------------------------------------

    def _query(self, session: _Session, asked: _Asked, rule: Rule | None) -> Json:
        query = parse(asked.params.get("q", ""))
        rows = self._selection.rows(query, with_deleted=asked.operation == "queryAll")
        if query.counts:
            return {"totalSize": len(rows), "done": True, "records": []}
        if rule is not None and rule.kind == "fewer_rows":
            rows = rows[::2]  # the user sees only some of them, and no error says so
        if rule is not None and rule.kind == "late_page":
            rows = rows[: -(rule.record or 1)]  # the newest are not in the index yet
        if len(rows) <= self.page_rows:
            return {"totalSize": len(rows), "done": True, "records": rows}
        locator = f"01g8b00000{next(self._numbers):08d}AAQ"
        self._locators[locator] = _Locator(session.token, rows)
        return self._page(locator, rows, 0, asked.version)

    def _more(self, session: _Session, asked: _Asked, rule: Rule | None) -> Json:
        name, start = asked.names[0], int(asked.names[1])
        locator = self._locators.get(name)
        if locator is None or locator.token != session.token:
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        if rule is not None and rule.kind == "duplicate_page":
            start = 0  # the position is overlooked: the first page comes again
        return self._page(name, locator.rows, start, asked.version)

    def _page(self, locator: str, rows: list[Json], start: int, version: str) -> Json:
        end = start + self.page_rows
        page = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
        return page

    def _upsert(self, asked: _Asked, rule: Rule | None) -> tuple[int, Json]:
        if rule is not None and rule.kind == "record_refused":
            raise Refused(rule.code or "FIELD_CUSTOM_VALIDATION_EXCEPTION", "The record was refused.")
        try:
            values = json.loads(asked.body)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise Refused("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object.")
        object, field, key = asked.names
        id, created = self.org.upsert(object, field, key, values)
        return 201 if created else 200, {"id": id, "success": True, "errors": [], "created": created}


class _NoToken(Exception):
    """An answer in OAuth's error envelope."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


def _asked(request: Request, body: bytes) -> _Asked:
    path = request.path_params["path"]
    authorization = request.headers.get("authorization", "")
    for method, operation, pattern in _PATHS:
        found = re.fullmatch(pattern, path)
        if found is None or request.method != method:
            continue
        version, *names = found.groups() or ("",)
        params = dict(request.query_params)
        if operation == "token":
            params = _form(body)
        return _Asked(operation, version, tuple(names), params, body, authorization)
    raise Refused("NOT_FOUND", "The requested resource does not exist", 404)


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("ascii", "replace")))


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode("ascii").partition(":")
    except ValueError:
        return None
    return name, secret


def _error(error: Refused) -> Json:
    told = {"message": error.message, "errorCode": error.code}
    return told | {"fields": error.fields} if error.fields else told


def _broken_before(rule: Rule | None, operation: str) -> Response | None:
    """The answer of a fault that strikes before anything is read; Refused for those in Salesforce's own envelope."""
    if rule is None:
        return None
    if rule.kind == "unauthorized" and operation == "token":
        raise _NoToken("invalid_client", "invalid client credentials")
    if rule.kind in _BEFORE:
        raise Refused(*_BEFORE[rule.kind])
    if rule.kind == "maintenance":
        return HTMLResponse("<html><body><h1>We are down for maintenance</h1></body></html>", 503)
    broken: dict[Kind, Any] = {"timeout_before": Silence(rule.seconds), "drop_before": Dropped()}
    return broken.get(rule.kind)


def _broken_after(rule: Rule | None, content: bytes) -> Response | None:
    if rule is None:
        return None
    broken: dict[Kind, Any] = {
        "timeout_after": Silence(rule.seconds),
        "drop_after": Dropped(),
        "cut_after": Cut(content),
        "unreadable_after": Response(b'{"totalSize": 1, "records": [{', 200, media_type="application/json"),
    }
    return broken.get(rule.kind)
