"""What every request to the gateway goes through: how long it may take, and what its HTTP answer means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.adapters import door
from connector.adapters.deadline import Deadline
from connector.adapters.intacct.settings import IntacctSettings
from connector.adapters.lanes import Lanes, TooMany
from connector.errors import OutcomeUnknown, Terminal, Transient

# What the gateway's front says on HTTP 200 when it let nothing through (sageintacctsdk of fyle).
_TURNED_AWAY = re.compile(rb"API rate limit exceeded", re.IGNORECASE)
# A proxy that gave up waiting for the body may have passed it on (RFC 9110, 408).
_SAYS_NOTHING = 408

LOGIN_REMEDY = (
    "Check sender_id and sender_password (both in their exact case), company, user and user_password, that the sender "
    "id stands under Company > Setup > Company > Security > Web Services authorizations, and that the user may sign in"
)
BUSY_REMEDY = "Other integrations share the company's two requests at once; if this stays, lower their number"


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
        self._session.auth = door.as_it_is

    def close(self) -> None:
        self._session.close()

    def post(self, doing: str, url: str, content: bytes, seconds: float) -> Reply:
        """Send this once. Raises Transient and Terminal where surely nothing ran, Unread where something may have."""
        with self._lanes.slot():
            return self._posted(doing, url, content, seconds)

    def _posted(self, doing: str, url: str, content: bytes, seconds: float) -> Reply:
        deadline = Deadline(self._settings.connect_seconds + seconds, self._monotonic)
        headers = {"Content-Type": "application/xml", "Accept": "application/xml"}
        limits = (self._settings.connect_seconds, seconds)
        try:
            with self._session.post(
                url, content, headers=headers, timeout=limits, allow_redirects=False, stream=True
            ) as response:
                return _judged(doing, response, door.whole(response.iter_content(door.PIECE), deadline))
        except requests.ConnectionError as error:
            if _was_never_sent(error):
                raise unavailable(doing, "no connection could be made; nothing was sent") from None
            raise Unread(doing, "the connection broke before the answer was read") from None
        except (requests.RequestException, TimeoutError) as error:
            raise Unread(doing, f"no whole answer came ({type(error).__name__})") from None


def _judged(doing: str, response: requests.Response, body: bytes) -> Reply:
    """The reply, unless its status says all: 524 is a front that gave up while the gateway goes on (Sage's PHP SDK)."""
    status, kind = response.status_code, words(response.headers.get("Content-Type", "no type"), 60)
    if status == 429:
        raise too_many(doing, "HTTP 429, too many requests at once", response.headers.get("Retry-After", ""))
    if _TURNED_AWAY.search(body[: door.PIECE]) and b"<control" not in body[: door.PIECE].lower():
        raise too_many(doing, "the gateway's rate limit is exceeded", response.headers.get("Retry-After", ""))
    if status >= 500 or status == _SAYS_NOTHING:
        raise Unread(doing, f"HTTP {status} came instead of an answer")
    if 300 <= status < 400:
        raise refused(doing, f"HTTP {status} sends us elsewhere, and we don't go", "Correct the url of the gateway")
    return Reply(status, body, kind)


def is_safe_url(url: str) -> bool:
    """May credentials be sent there: https, or this machine itself (a sandbox)?"""
    return door.place(url) is not None


def is_ours(endpoint: str, configured: str) -> bool:
    """May a session go on at this endpoint? One that a reply names must be Intacct's, or the very host we began at.

    Else whoever could forge one reply would be sent every further one, with the session that signs them.
    """
    return door.is_beneath(endpoint, configured) or door.is_of(endpoint, ("intacct.com",))


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


def _was_never_sent(error: requests.ConnectionError) -> bool:
    """Did the connection fail before it was made?"""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
