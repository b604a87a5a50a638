"""What every HTTP door of an ERP has in common: a request read to its end, how many are in flight, who acts between."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.types import ASGIApp

from sandbox.faults import Faults, Rule

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ask:
    """An HTTP request, read to its end. `url` is the one that the client used, with its query."""

    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes

    @classmethod
    async def of(cls, request: Request) -> Ask:
        return cls(
            request.method,
            str(request.url),
            {name.lower(): value for name, value in request.headers.items()},
            dict(request.query_params),
            await request.body(),
        )


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

    def give_way(self, *operations: str) -> None:
        """Let those act who wait for this request, by any of its names; it is not carried out before they are done."""
        with self._lock:
            for waiting in self._meanwhile:
                waiting.left -= waiting.operation in operations
            due = [waiting for waiting in self._meanwhile if waiting.left <= 0]
            self._meanwhile = [waiting for waiting in self._meanwhile if waiting.left > 0]
        for waiting in due:
            waiting.act()


@dataclass(slots=True)
class _Waiting:
    operation: str
    left: int
    act: Callable[[], object]
