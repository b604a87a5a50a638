"""An SMS gateway over HTTP, in the plain JSON that apprise's `json://` writes; it keeps what it accepted.

A message counts when the request was read whole, in the world's order of commits. Faults are rules of `faults` (service
"sms", operation "send"); numbers can be refused, as a gateway refuses one that there isn't.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Cut, Dropped, Faults, Kind, Rule, Silence

_REFUSED: dict[Kind, int] = {"unauthorized": 401, "too_many": 429, "server_error": 500, "maintenance": 503}


@dataclass(frozen=True, slots=True)
class Text:
    sequence: int
    at: datetime
    to: str
    text: str


class SmsGateway:
    """Takes texts for every number that isn't refused."""

    KINDS: frozenset[Kind] = frozenset(
        {*_REFUSED, "timeout_before", "timeout_after", "drop_before", "drop_after", "cut_after"}
    )

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], faults: Faults) -> None:
        self._clock, self._sequence, self._faults = clock, sequence, faults
        self._texts: list[Text] = []
        self._refused: set[str] = set()
        self._count = 0
        self._lock = threading.Lock()
        self.app = Starlette(routes=[Route("/messages", self._take, methods=["POST"])])

    def profile(self, base_url: str) -> dict[str, object]:
        """`url` is how apprise names this gateway; the number that is written to is put in for {to}."""
        return {"url": f"{base_url.replace('http://', 'json://')}/messages?:to={{to}}"}

    def texts(self, after: int = 0) -> list[Text]:
        """What was accepted, oldest first."""
        with self._lock:
            return [text for text in self._texts if text.sequence > after]

    def counts(self) -> dict[str, int]:
        return {"send": self._count}

    def refuse(self, number: str) -> None:
        """From now on there is no such number."""
        self._refused.add(number)

    async def _take(self, request: Request) -> Response | ASGIApp:
        body = await request.json()
        with self._lock:
            self._count += 1
        rule = self._faults.take("sms", "send", self.KINDS)
        if rule is not None and rule.kind in _REFUSED:
            return JSONResponse({"error": rule.kind}, _REFUSED[rule.kind])
        if broken := _broken(rule, "before"):
            return broken
        if body["to"] in self._refused:
            return JSONResponse({"error": "there is no such number"}, 400)
        kept = self._keep(body)
        answer = JSONResponse({"id": kept.sequence}, 201)
        return _broken(rule, "after", bytes(answer.body)) or answer

    def _keep(self, body: dict[str, Any]) -> Text:
        with self._lock:
            kept = Text(self._sequence("sms.text"), self._clock(), str(body["to"]), str(body["message"]))
            self._texts.append(kept)
            return kept


def _broken(rule: Rule | None, stage: str, body: bytes = b"") -> ASGIApp | None:
    if rule is None:
        return None
    ways: dict[str, ASGIApp] = {"timeout": Silence(rule.seconds), "drop": Dropped(), "cut": Cut(body, code=201)}
    kind, _, when = rule.kind.partition("_")
    return ways.get(kind) if when == stage else None
