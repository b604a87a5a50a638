"""The HTTP door of the gateway: how many requests at once, and the faults before, after and long after the work.

Sources: developer.intacct.com, "Error handling" (GW-0010 with 429; no XML after a failure in mid-process); Sage's SDKs
(524: the network cut the connection while the system goes on); texts with 200 that another client has seen (fyle).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Cut, Dropped, Kind, Rule, Silence
from sandbox.gate import Ask, Gate
from sandbox.intacct.answering import XML_TYPE
from sandbox.intacct.envelope import At, NothingRan
from sandbox.intacct.gateway import Asked, Gateway

log = logging.getLogger("sandbox.intacct")
SERVICE = "intacct"
# A company may have two requests at once (domo, knowledgelib; the tiers' own figures are not public).
CONCURRENCY = 2
RATE_TEXT = "API rate limit exceeded"
KINDS: frozenset[Kind] = frozenset(
    {
        "cut_after",
        "drop_after",
        "drop_before",
        "fewer_rows",
        "html",
        "html_after",
        "late_commit",
        "maintenance",
        "partial_list",
        "period_closed",
        "rate_text",
        "record_refused",
        "server_error",
        "server_error_after",
        "session_lost",
        "timeout_after",
        "timeout_before",
        "too_many",
        "unauthorized",
        "unreadable_after",
    }
)


@dataclass(eq=False, slots=True)
class _Waiting:
    due: datetime
    work: Callable[[], object]


class Late:
    """Work that the vendor finishes after the network gave up: when the world's clock gets there, or real time does."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def add(self, seconds: float, work: Callable[[], object]) -> None:
        waiting = _Waiting(self._clock() + timedelta(seconds=seconds), work)
        with self._lock:
            self._waiting.append(waiting)
        timer = threading.Timer(seconds, self._finish, [waiting])
        timer.daemon = True
        timer.start()

    def catch_up(self) -> None:
        """Finish what is due by the world's clock."""
        now = self._clock()
        for waiting in [one for one in self._waiting if one.due <= now]:
            self._finish(waiting)

    def finish_all(self) -> int:
        """Finish all that waits, now; how many that were."""
        waiting = list(self._waiting)
        for one in waiting:
            self._finish(one)
        return len(waiting)

    def _finish(self, waiting: _Waiting) -> None:
        with self._lock:
            if waiting not in self._waiting:
                return
            self._waiting.remove(waiting)
        try:
            waiting.work()
        except Exception:
            log.exception("the sandbox itself failed")


class Door:
    """The ASGI endpoint of both addresses, the gateway's and the sessions' own.

    A request counts as in flight until its answer is known, and while a fault keeps it waiting before the work.
    """

    def __init__(self, gate: Gate, gateway: Gateway, late: Late) -> None:
        self._gate = gate
        self._gateway = gateway
        self._late = late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ask = await Ask.of(Request(scope, receive))
        asked = await run_in_threadpool(self._gateway.read, ask)
        names = ("unreadable",) if isinstance(asked.request, NothingRan) else asked.request.names
        rule = self._gate.faults.take(SERVICE, names[0], KINDS, names[1:])
        if not self._gate.enter(names[0]):
            await self._too_many()(scope, receive, send)
            return
        try:
            await run_in_threadpool(self._late.catch_up)
            early = self._before(rule) or await run_in_threadpool(self._later, asked, rule)
            if early is not None:
                await early(scope, receive, send)
                return
            await run_in_threadpool(self._gate.give_way, *names)
            response = await run_in_threadpool(self._answer, asked, rule)
        finally:
            self._gate.leave()
        await response(scope, receive, send)

    def _answer(self, asked: Asked, rule: Rule | None) -> ASGIApp:
        try:
            http, content = self._gateway.answer(asked, rule)
        except Exception:
            log.exception("the sandbox itself failed")
            return _broken()
        return _after(rule, content, http)

    def _later(self, asked: Asked, rule: Rule | None) -> ASGIApp | None:
        """524 and the work some time after it; None where the rule is another, or where nothing will run anyway."""
        if rule is None or rule.kind != "late_commit":
            return None
        try:
            self._late.add(rule.seconds, self._gateway.begun(asked, None))
        except NothingRan:
            return None
        return HTMLResponse("<html><body><h1>Error 524: a timeout occurred</h1></body></html>", 524)

    def _before(self, rule: Rule | None) -> ASGIApp | None:
        if rule is None:
            return None
        match rule.kind:
            case "too_many":
                return self._too_many()
            case "server_error":
                return _broken()
            case "maintenance":
                return HTMLResponse("<html><body><h1>The Service is Temporarily Off-line</h1></body></html>", 503)
            case "html":
                return _page()
            case "rate_text":
                return PlainTextResponse(rule.code or RATE_TEXT)
            case "drop_before":
                return Dropped()
            case "timeout_before":
                return Silence(rule.seconds)
        return None

    def _too_many(self) -> ASGIApp:
        problem = NothingRan(
            At.GATEWAY, "GW-0010", "", description="Too many requests: a concurrency limit was reached", http=429
        )
        http, content = self._gateway.refused(problem)
        return _xml(http, content)


def _after(rule: Rule | None, content: bytes, http: int) -> ASGIApp:
    """What a fault makes of an answer when all is committed already."""
    match rule.kind if rule else "":
        case "timeout_after":
            return Silence(rule.seconds if rule else 0)
        case "drop_after":
            return Dropped()
        case "cut_after":
            return Cut(content, XML_TYPE, http)
        case "unreadable_after":
            return _xml(http, content[: len(content) * 2 // 3])
        case "server_error_after":
            return _broken()
        case "html_after":
            return _page()
    return _xml(http, content)


def _xml(http: int, content: bytes) -> Response:
    return Response(content, http, headers={"Content-Type": XML_TYPE})


def _broken() -> Response:
    return HTMLResponse("<html><body><h1>500 Internal Server Error</h1></body></html>", 500)


def _page() -> Response:
    return HTMLResponse("<html><head><title>Sign in</title></head><body><p>Please sign in.<br></body></html>")
