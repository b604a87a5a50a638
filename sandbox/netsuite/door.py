"""What both doors have in common: a count of the requests in flight, and the faults before and after the work."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Cut, Dropped, Faults, Rule, Silence
from sandbox.netsuite.answers import MAINTENANCE_PAGE

SERVICE = "netsuite"
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ask:
    """An HTTP request, read to its end. `url` is the one that the client used, with its query."""

    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes


class Service(Protocol[R]):
    """`read` tells the operation's name, for counting and for faults; `answer` does the work, in a worker thread."""

    def read(self, ask: Ask) -> tuple[str, R]: ...
    def answer(self, read: R, rule: Rule | None) -> ASGIApp: ...
    def refuse(self, which: str) -> ASGIApp:
        """`which` is too_many or unexpected: nothing was done."""


class Gate:
    """How many requests are in flight, over all doors of the account, and how many came so far."""

    def __init__(self, faults: Faults, concurrency: int) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self._concurrency = concurrency
        self._in_flight = 0
        self._lock = threading.Lock()
        self._meanwhile: list[_Waiting] = []

    def enter(self, operation: str) -> bool:
        """False when the account's limit is reached; then there is nothing to leave."""
        with self._lock:
            self.counts[operation] += 1
            if self._in_flight >= self._concurrency:
                return False
            self._in_flight += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._in_flight -= 1

    def meanwhile(self, operation: str, nth: int, act: Callable[[], object]) -> None:
        """Somebody acts just before the `nth` request of this operation from now on is carried out."""
        with self._lock:
            self._meanwhile.append(_Waiting(operation, nth, act))

    def give_way(self, operation: str) -> None:
        """Let those act who wait for this request; it is not carried out before they are done."""
        with self._lock:
            for waiting in self._meanwhile:
                waiting.left -= waiting.operation == operation
            due = [waiting for waiting in self._meanwhile if waiting.left <= 0]
            self._meanwhile = [waiting for waiting in self._meanwhile if waiting.left > 0]
        for waiting in due:
            waiting.act()


@dataclass(slots=True)
class _Waiting:
    operation: str
    left: int
    act: Callable[[], object]


class Door(Generic[R]):
    """An ASGI endpoint. A request counts as in flight until its answer is known, and while a fault keeps it waiting
    before the work."""

    def __init__(self, gate: Gate, service: Service[R]) -> None:
        self._gate = gate
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        ask = Ask(
            request.method,
            str(request.url),
            {name.lower(): value for name, value in request.headers.items()},
            dict(request.query_params),
            await request.body(),
        )
        operation, read = await run_in_threadpool(self._service.read, ask)
        rule = self._gate.faults.take(SERVICE, operation)
        if not self._gate.enter(operation):
            await self._service.refuse("too_many")(scope, receive, send)
            return
        try:
            early = self._before(rule)
            if early is not None:
                await early(scope, receive, send)
                return
            await run_in_threadpool(self._gate.give_way, operation)
            response = await run_in_threadpool(self._service.answer, read, rule)
        finally:
            self._gate.leave()
        await response(scope, receive, send)

    def _before(self, rule: Rule | None) -> ASGIApp | None:
        if rule is None:
            return None
        match rule.kind:
            case "maintenance":
                return HTMLResponse(MAINTENANCE_PAGE, 503)
            case "drop_before":
                return Dropped()
            case "timeout_before":
                return Silence(rule.seconds)
            case "too_many":
                return self._service.refuse("too_many")
            case "server_error":
                return self._service.refuse("unexpected")
        return None


def after(rule: Rule | None, response: Response, content_type: str) -> ASGIApp:
    """What a fault makes of an answer when all is committed already."""
    if rule is None:
        return response
    content = bytes(response.body)
    match rule.kind:
        case "timeout_after":
            return Silence(rule.seconds)
        case "drop_after":
            return Dropped()
        case "cut_after":
            return Cut(content, content_type)
        case "unreadable_after":
            return Response(b"\x00<<" + content[: len(content) // 2] + b"}</a>", media_type=content_type)
    return response
