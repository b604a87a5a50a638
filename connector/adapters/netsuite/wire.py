"""What both of NetSuite's services share: how many requests at once, how often a read is tried, what an answer means.

A read is tried a few times, at this one layer only; a write is never tried again here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar

import tenacity

from connector.errors import ConnectorError, Terminal, Transient

T = TypeVar("T")

# NetSuite's own advice: growing, unsynchronised delays. A wait that the server asks for is honoured up to the limit.
WAIT_SECONDS_MAX = 8.0
ASKED_WAIT_SECONDS_MAX = 60.0

LOGIN_REMEDY = (
    "Check the account id and the four token values; the token's role needs the permissions Log in using Access "
    "Tokens, SOAP Web Services and REST Web Services, and the features of the same names must be on"
)
BUSY_REMEDY = "Other integrations share the account's request limit; if this stays, lower their number of requests"


class TooMany(Transient):
    """NetSuite answered that too many requests run at once; it is asked again after a wait."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Lanes:
    """At most `at_once` requests run at the same time, over both services and all threads."""

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
        answer: T = retrying(self.once, request)
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


def no_cookies() -> DefaultCookiePolicy:
    """Keeps a cookie jar empty: a session cookie beside a token is "ambiguous authentication" to NetSuite."""
    return DefaultCookiePolicy(allowed_domains=[])


def too_many(doing: str, came_back: str, retry_after: str = "") -> TooMany:
    asked = float(retry_after) if re.fullmatch(r"\d{1,4}", retry_after) else None
    return TooMany(f"{doing}: {came_back}. Nothing was done; the next tick tries again. {BUSY_REMEDY}.", asked)


def unavailable(doing: str, came_back: str) -> Transient:
    return Transient(f"{doing}: {came_back}. The next tick tries again. If it stays, look at status.netsuite.com.")


def refused(doing: str, came_back: str, remedy: str) -> Terminal:
    return Terminal(f"{doing}: {came_back}. Nothing was done, and it will be refused again. {remedy}.")


def by_http_status(doing: str, code: int, retry_after: str = "") -> ConnectorError | None:
    """What an HTTP status says by itself; None for 200 and for those whose body has to be read."""
    if code == 429:
        return too_many(doing, "HTTP 429, too many requests at once", retry_after)
    if code == 401:
        return refused(doing, "HTTP 401, the login was refused", LOGIN_REMEDY)
    if code == 403:
        return refused(doing, "HTTP 403, the role lacks a permission", "Grant it to the integration role")
    return None


def words(text: str, limit: int = 300) -> str:
    """A vendor's sentence on one line, bounded and without its full stop, for an error message."""
    return " ".join(text.split())[:limit].rstrip(".")
