"""What goes wrong, when, and how: rules that a service asks for at the start of each request, and the responses that
really break a connection.

A service calls `Faults.take(service, operation)` once per request and carries out the rule it gets. The stage is in
the kind's name: `..._before` means that nothing was committed, `..._after` that everything was.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from starlette.types import Receive, Scope, Send

Kind = Literal[
    "too_many",  # 429, a concurrency fault
    "server_error",  # 5xx in the vendor's own envelope; nothing committed
    "server_error_after",  # committed, then a 500
    "timeout_before",  # silence for `seconds`, nothing committed
    "timeout_after",  # committed, then silence for `seconds`
    "cut_after",  # committed, then half an answer
    "unreadable_after",  # committed, then an answer that can't be parsed
    "drop_before",  # connection closed without an answer, nothing committed
    "drop_after",  # committed, connection closed without an answer
    "late_commit",  # 524 at once, committed `seconds` later: the network gave up, the vendor goes on
    "maintenance",  # an HTML page with 503
    "html",  # an HTML page with 200, nothing committed
    "html_after",  # committed, then an HTML page with 200
    "rate_text",  # 200 with the plain words of a rate limit (or with `code`), nothing committed
    "record_refused",  # record `record` of a list refused with `code`
    "after_submit_failed",  # record `record` written, its afterSubmit script failed
    "record_changed",  # somebody else saved the record just now
    "period_closed",
    "fewer_rows",  # a permission was lost: reads return fewer rows and no error
    "duplicate_page",
    "late_page",  # rows of a page show up one page later
    "unauthorized",
    "session_lost",  # the session is no longer known, long before its time
    "partial_list",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SERVICES = ("netsuite", "intacct", "stripe", "smtp", "salesforce", "imap", "sms", "chat")


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault: it fires from the `nth` fitting request after it was installed, `times` times.

    `operation` is the service's own word for the request ("addList", "charges.list", "DATA"); "*" fits all of them.
    """

    service: str
    kind: Kind
    operation: str = "*"
    nth: int = 1
    times: int = 1
    record: int | None = None
    code: str = ""
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.service not in SERVICES:
            raise ValueError(f"{self.service!r} is no service of the sandbox; known: {', '.join(SERVICES)}")
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; known: {', '.join(KINDS)}")
        if self.nth < 1 or self.times < 1 or self.seconds < 0:
            raise ValueError("nth and times count from 1, and seconds can't be negative")

    def fits(self, service: str, *operations: str) -> bool:
        return self.service == service and self.operation in ("*", *operations)


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that a request got. `request` counts the requests of that service and operation from 1."""

    rule: Rule
    service: str
    operation: str
    request: int


@dataclass(slots=True)
class _Installed:
    rule: Rule
    seen: int = 0
    fired: int = 0


class Faults:
    """The rules in force. Without rules and without a rate nothing ever goes wrong."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._rate = 0.0
        self._kinds: tuple[Kind, ...] = ()
        self._installed: list[_Installed] = []
        self._requests: Counter[tuple[str, str]] = Counter()
        self._fired: list[Fired] = []
        self._lock = threading.Lock()

    @classmethod
    def random(cls, seed: int, rate: float, kinds: Sequence[Kind]) -> Faults:
        """Faults drawn at random, the same ones for the same seed: each draw depends on the service, the operation and
        its count alone, not on how the requests of several operations interleave."""
        faults = cls(seed)
        faults.draw(seed, rate, kinds)
        return faults

    def install(self, rule: Rule) -> None:
        with self._lock:
            self._installed.append(_Installed(rule))

    def draw(self, seed: int, rate: float, kinds: Sequence[Kind]) -> None:
        """From now on draw faults at random, as `random` does from the start."""
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or not kinds or not 0 <= rate <= 1:
            raise ValueError(f"random faults need a rate of 0 to 1 and kinds of {', '.join(KINDS)}; not {unknown}")
        with self._lock:
            self._seed, self._rate, self._kinds = seed, rate, tuple(kinds)

    def clear(self) -> None:
        """No more faults, drawn ones included; what fired stays on record."""
        with self._lock:
            self._installed.clear()
            self._rate = 0.0

    def take(
        self, service: str, operation: str, kinds: Iterable[Kind] = KINDS, also: Iterable[str] = ()
    ) -> Rule | None:
        """Which fault, if any, does this request get? Counts the request, so ask exactly once.

        The rule installed first wins; a rule that came too late still counts the request as seen. `kinds`: what the
        service can carry out; nothing else is drawn at random. `also`: other names that a rule may know the request by.
        """
        with self._lock:
            self._requests[service, operation] += 1
            request = self._requests[service, operation]
            taken: Rule | None = None
            for installed in self._installed:
                if not installed.rule.fits(service, operation, *also):
                    continue
                installed.seen += 1
                ripe = installed.seen >= installed.rule.nth and installed.fired < installed.rule.times
                if taken is None and ripe:
                    installed.fired += 1
                    taken = installed.rule
            taken = taken or self._drawn(service, operation, request, kinds)
            if taken is not None:
                self._fired.append(Fired(taken, service, operation, request))
            return taken

    def fired(self) -> list[Fired]:
        with self._lock:
            return list(self._fired)

    def _drawn(self, service: str, operation: str, request: int, kinds: Iterable[Kind]) -> Rule | None:
        fitting = [kind for kind in self._kinds if kind in kinds]
        if not self._rate or not fitting:
            return None
        draw = random.Random(f"{self._seed}/{service}/{operation}/{request}")
        if draw.random() >= self._rate:
            return None
        return Rule(service, draw.choice(fitting), operation)


def _transport(scope: Scope) -> asyncio.Transport:
    try:
        return cast(asyncio.Transport, scope["state"]["transport"])
    except KeyError:
        raise RuntimeError("breaking a connection needs the sandbox's own server (sandbox.serving)") from None


async def _gone(receive: Receive) -> None:
    """Wait until the connection is closed, by either side."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Dropped:
    """The connection is closed and no byte of an answer was sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _transport(scope).abort()
        await _gone(receive)


class Silence:
    """No answer for `seconds`, then the connection is closed. Ends early when the client gives up."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.wait_for(_gone(receive), self.seconds)
        except TimeoutError:
            await Dropped()(scope, receive, send)


class Cut:
    """Good headers that promise the whole body, half of the body, and a closed connection."""

    def __init__(self, body: bytes, content_type: str = "application/json", code: int = 200) -> None:
        self.body = body
        self.content_type = content_type
        self.code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", self.content_type.encode("ascii")),
            (b"content-length", str(len(self.body)).encode("ascii")),
        ]
        await send({"type": "http.response.start", "status": self.code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        # close() flushes what was written before it closes; abort() might swallow the half that is to be seen.
        _transport(scope).close()
        await _gone(receive)
