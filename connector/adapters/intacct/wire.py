"""What every request to the gateway goes through: how many at once, how long, and what its HTTP answer means.

A read is tried a few times, at this one layer only; a write is never tried again here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar

import requests
import tenacity
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.adapters.deadline import Deadline
from connector.adapters.intacct.settings import IntacctSettings
from connector.adapters.intacct.xmltext import ANSWER_BYTES_MAX
from connector.errors import OutcomeUnknown, Terminal, Transient

T = TypeVar("T")

# Sage asks for waits that grow and differ; one that the gateway asks for is honoured up to the limit.
WAIT_SECONDS_MAX = 8.0
ASKED_WAIT_SECONDS_MAX = 60.0
# What the gateway's front says on HTTP 200 when it let nothing through (sageintacctsdk of fyle).
_TURNED_AWAY = re.compile(rb"API rate limit exceeded", re.IGNORECASE)
_PIECE = 65_536
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[::1\])(?::(?P<port>\d{1,5}))?(?:/[!-\[\]-~]*)?",
    re.IGNORECASE | re.ASCII,
)
# A proxy that gave up waiting for the body may have passed it on (RFC 9110, 408).
_SAYS_NOTHING = 408

LOGIN_REMEDY = (
    "Check sender_id and sender_password (both in their exact case), company, user and user_password, that the sender "
    "id stands under Company > Setup > Company > Security > Web Services authorizations, and that the user may sign in"
)
BUSY_REMEDY = "Other integrations share the company's two requests at once; if this stays, lower their number"


class TooMany(Transient):
    """The gateway answered that too many requests run; it is asked again after a wait."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Unread(OutcomeUnknown):
    """An answer that does not say what became of the request."""

    def __init__(self, doing: str, came_back: str) -> None:
        super().__init__(f"{doing}: {came_back}. It may have been done; it is read back before anything else.")
        self.came_back = came_back


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole. Its status is below 500 and not 429."""

    status: int
    content: bytes
    kind: str  # its Content-Type


class Lanes:
    """At most `at_once` requests run at the same time, over all threads and entities."""

    def __init__(self, at_once: int, attempts: int, sleep: Callable[[float], None]) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._attempts = attempts
        self._sleep = sleep

    def read(self, request: Callable[[], T]) -> T:
        """Make this read, again after a wait while it fails as Transient; the last error is raised."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        answer: T = retrying(request)
        return answer

    def once(self, request: Callable[[], T]) -> T:
        """Make this request once."""
        with self._free:
            return request()


_growing = tenacity.wait_random_exponential(multiplier=0.5, max=WAIT_SECONDS_MAX)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, TooMany) else None
    return _growing(state) if asked is None else min(asked, ASKED_WAIT_SECONDS_MAX)


class Wire:
    """Posts XML. Safe for several threads; close() ends its connections."""

    def __init__(self, settings: IntacctSettings, lanes: Lanes, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._lanes = lanes
        self._monotonic = monotonic
        self._session = requests.Session()
        # A session is named in the body; a cookie beside it could only contradict it.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Else a line of .netrc would add a second login.
        self._session.auth = _as_it_is

    def close(self) -> None:
        self._session.close()

    def post(self, doing: str, url: str, content: bytes, seconds: float) -> Reply:
        """Send this once. Raises Transient and Terminal where surely nothing ran, Unread where something may have."""
        return self._lanes.once(lambda: self._posted(doing, url, content, seconds))

    def _posted(self, doing: str, url: str, content: bytes, seconds: float) -> Reply:
        deadline = Deadline(self._settings.connect_seconds + seconds, self._monotonic)
        headers = {"Content-Type": "application/xml", "Accept": "application/xml"}
        limits = (self._settings.connect_seconds, seconds)
        try:
            with self._session.post(
                url, content, headers=headers, timeout=limits, allow_redirects=False, stream=True
            ) as response:
                body = _whole(response, deadline)
                return _judged(doing, response, body)
        except requests.ConnectionError as error:
            if _was_never_sent(error):
                raise unavailable(doing, "no connection could be made; nothing was sent") from None
            raise Unread(doing, "the connection broke before the answer was read") from None
        except (requests.RequestException, TimeoutError, _TooLarge) as error:
            raise Unread(doing, f"no whole answer came ({type(error).__name__.strip('_')})") from None


class _TooLarge(Exception):
    """The answer has more bytes than any answer of the gateway."""


def _whole(response: requests.Response, deadline: Deadline) -> bytes:
    """The body, however slowly it drips, within the deadline and the size that we take."""
    pieces, size = [], 0
    for piece in response.iter_content(_PIECE):
        deadline.left()
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise _TooLarge
        pieces.append(piece)
    return b"".join(pieces)


def _judged(doing: str, response: requests.Response, body: bytes) -> Reply:
    """The reply, unless its status says all: 524 is a front that gave up while the gateway goes on (Sage's PHP SDK)."""
    status, kind = response.status_code, words(response.headers.get("Content-Type", "no type"), 60)
    if status == 429:
        raise too_many(doing, "HTTP 429, too many requests at once", response.headers.get("Retry-After", ""))
    if _TURNED_AWAY.search(body[:_PIECE]) and b"<control" not in body[:_PIECE].lower():
        raise too_many(doing, "the gateway's rate limit is exceeded", response.headers.get("Retry-After", ""))
    if status >= 500 or status == _SAYS_NOTHING:
        raise Unread(doing, f"HTTP {status} came instead of an answer")
    if 300 <= status < 400:
        raise refused(doing, f"HTTP {status} sends us elsewhere, and we don't go", "Correct the url of the gateway")
    return Reply(status, body, kind)


def is_safe_url(url: str) -> bool:
    """May credentials be sent there: https, or this machine itself (a sandbox)?"""
    return _place(url) is not None


def is_ours(endpoint: str, configured: str) -> bool:
    """May a session go on at this endpoint? One that a reply names must be Intacct's, or the very host we began at.

    Else whoever could forge one reply would be sent every further one, with the session that signs them.
    """
    there = _place(endpoint)
    if there is None:
        return False
    scheme, host, port = there
    return there == _place(configured) or (scheme == "https" and host.endswith(".intacct.com") and port in ("", "443"))


def _place(url: str) -> tuple[str, str, str] | None:
    """Scheme, host and port of an address that credentials may be sent to, None for any other.

    Only what every parser reads alike: without a user, a backslash or a fragment there is one host to see.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return None
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"] or ""
    return (scheme, host, port) if scheme == "https" or host in ("127.0.0.1", "localhost", "[::1]") else None


def too_many(doing: str, came_back: str, retry_after: str = "") -> TooMany:
    asked = float(retry_after) if re.fullmatch(r"\d{1,4}", retry_after) else None
    return TooMany(f"{doing}: {came_back}. Nothing was done; the next tick tries again. {BUSY_REMEDY}.", asked)


def unavailable(doing: str, came_back: str) -> Transient:
    return Transient(f"{doing}: {came_back}. The next tick tries again. If it stays, look at status.intacct.com.")


def refused(doing: str, came_back: str, remedy: str) -> Terminal:
    return Terminal(f"{doing}: {came_back}. Nothing was done, and it will be refused again. {remedy}.")


def words(text: str, limit: int = 300) -> str:
    """A vendor's sentence on one line, bounded and without its full stop, for an error message."""
    return " ".join(text.split())[:limit].rstrip(".")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _was_never_sent(error: requests.ConnectionError) -> bool:
    """Did the connection fail before it was made?"""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
