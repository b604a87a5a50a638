"""The HTTP door of both services: the faults before and after the work."""

from __future__ import annotations

from typing import Generic

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Cut, Dropped, Rule, Silence
from sandbox.gate import Ask, Gate, R, Service
from sandbox.netsuite.answers import MAINTENANCE_PAGE

__all__ = ["Ask", "Door", "Gate", "after"]

SERVICE = "netsuite"


class Door(Generic[R]):
    """An ASGI endpoint. A request counts as in flight until its answer is known, and while a fault keeps it waiting
    before the work."""

    def __init__(self, gate: Gate, service: Service[R]) -> None:
        self._gate = gate
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ask = await Ask.of(Request(scope, receive))
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
