"""One apprise URL, and what surely happened to a message that was sent there.

apprise answers yes or no, and a no may mean that nobody was reached or that the answer got lost. Its plugins all speak
through the `requests` library, so we stand there and overhear how each request ended: refused before it was written or
answered with 4xx is surely not carried out, everything else nobody knows. Of a plugin that speaks otherwise a no is
always unknown (apprise 2.2, seen 2026-11-23).
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import apprise
import requests
from apprise.plugins.base import NotifyBase
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from connector.adapters import door
from connector.errors import ConfigError
from connector.ports import Finding, SendOutcome, SendResult

APP = "AR connector"
CALLED_OFF = "called off before the request"
# Answered so, a request was not carried out; a 408 may have been.
_REFUSED = frozenset(range(400, 500)) - {408}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AppriseWire:
    """The way to whatever one apprise URL names. The URL is a secret and is never shown."""

    def __init__(self, url: str, timeout_seconds: int, variable: str) -> None:
        """Touches nothing outside. Raises ConfigError, naming the variable, for a URL that apprise doesn't know."""
        plugin = _plugin(url)
        if plugin is None:
            raise ConfigError(
                f"{variable} is no address that apprise understands: set it to one such as "
                "https://hooks.slack.com/services/... or json://host/path, or leave the section out"
            )
        plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_seconds
        # A message names customers: it goes where the URL says and nowhere else.
        plugin.redirects = False
        self._plugin = plugin
        self._is_open = url.partition("://")[0].lower() in _schemes(plugin.protocol) and plugin.host not in _LOOPBACK
        self._is_overheard = _listen_in(plugin)

    def send(self, text: str, may_leave: Callable[[], bool] = lambda: True) -> SendResult:
        """Send it once. NOT_SENT means surely not carried out.

        `may_leave` is asked once, directly before the first request is written; if it says no, none is.
        """
        if not self._is_overheard and not may_leave():
            return SendResult(SendOutcome.NOT_SENT, CALLED_OFF)
        with _overhearing(may_leave) as ended:
            taken = self._plugin.notify(body=text, body_format=apprise.NotifyFormat.TEXT)
        words = "; ".join(one.words for one in ended)
        if taken:
            return SendResult(SendOutcome.SENT, words or "apprise says that it was taken")
        if not self._is_overheard:
            return SendResult(SendOutcome.UNKNOWN, "apprise says that it was not taken, and can't say why")
        if any(one.is_lost for one in ended):
            return SendResult(SendOutcome.UNKNOWN, words)
        return SendResult(SendOutcome.NOT_SENT, words or "apprise refused it before anybody was asked")

    def findings(self, area: str, key: str) -> tuple[Finding, ...]:
        """Does the URL keep our customers' names to ourselves? Only a message would tell whether it works."""
        name, found = str(self._plugin.service_name), []
        if self._is_open:
            remedy = f"Use the service's encrypted scheme in {key}."
            found.append(Finding(area, False, f"{name}: what is sent would travel in the clear", remedy))
        if not self._plugin.verify_certificate:
            what = f"{name}: the service's certificate is not checked"
            found.append(Finding(area, False, what, f"Take verify=no out of {key}."))
        if not self._is_overheard:
            what = f"{name}: whether a failed message was carried out can't be told, so it is never tried again"
            found.append(Finding(area, False, what, "Prefer a service that is reached by HTTP.", blocking=False))
        ok = f"{name}: the address is understood; the first message will show whether it is taken"
        return tuple(found) or (Finding(area, True, ok),)


def _plugin(url: str) -> NotifyBase | None:
    asset = apprise.AppriseAsset(app_id=APP, app_desc=APP, app_url="", async_mode=False)
    with warnings.catch_warnings(), _unlogged():
        # The first URL makes apprise load all its plugins, some of which import what Python is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = apprise.Apprise.instantiate(url, asset=asset)
    return made if isinstance(made, NotifyBase) else None


@contextmanager
def _unlogged() -> Iterator[None]:
    """apprise logs a URL that it doesn't know, whole."""
    logger = logging.getLogger("apprise")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _schemes(given: Any) -> frozenset[str]:
    """A plugin names its scheme or several."""
    return frozenset({given} if isinstance(given, str) else given or ())


# ---- what is overheard ----


@dataclass(frozen=True, slots=True)
class _End:
    """How one request ended. `is_lost`: nobody knows whether it was carried out."""

    words: str
    is_lost: bool


@dataclass(slots=True)
class _Ear:
    """What one message's requests came to, and whether they may be written at all; None: not asked yet."""

    may_leave: Callable[[], bool]
    ended: list[_End] = field(default_factory=list)
    allowed: bool | None = None

    def allows(self) -> bool:
        if self.allowed is None:
            self.allowed = self.may_leave()
        return self.allowed


_HEARD: ContextVar[_Ear | None] = ContextVar("heard", default=None)


@contextmanager
def _overhearing(may_leave: Callable[[], bool]) -> Iterator[list[_End]]:
    ear = _Ear(may_leave)
    before = _HEARD.set(ear)
    try:
        yield ear.ended
    finally:
        _HEARD.reset(before)


class _Overheard:
    """Stands where a plugin of apprise looks for the `requests` library, and does the same."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        ear = _HEARD.get()
        if ear is not None and not ear.allows():
            ear.ended.append(_End(CALLED_OFF, is_lost=False))
            raise requests.RequestException(CALLED_OFF)
        try:
            with door.alone(requests.Session(), lambda _: True) as session:
                answer = session.request(method, url, **more)
        except requests.RequestException as error:
            _note(_broken(error))
            raise
        _note(_answered(answer))
        return answer

    def get(self, url: str, params: Any = None, **more: Any) -> requests.Response:
        return self.request("get", url, params=params, **more)

    def post(self, url: str, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        return self.request("post", url, data=data, json=json, **more)

    def put(self, url: str, data: Any = None, **more: Any) -> requests.Response:
        return self.request("put", url, data=data, **more)


_OVERHEARD = _Overheard()


def _listen_in(plugin: NotifyBase) -> bool:
    """Let this plugin's module speak through us; False if it doesn't speak through `requests` at all."""
    module = sys.modules[type(plugin).__module__]
    if getattr(module, "requests", None) not in (requests, _OVERHEARD):
        return False
    module.requests = _OVERHEARD  # type: ignore[attr-defined]
    return True


def _note(end: _End) -> None:
    ear = _HEARD.get()
    if ear is not None:
        ear.ended.append(end)


def _answered(answer: requests.Response) -> _End:
    words = f"answered with {answer.status_code}"
    if answer.status_code == requests.codes.too_many_requests and (wait := answer.headers.get("Retry-After", "")):
        words += f", wait {wait[:20]} seconds"
    return _End(words, is_lost=answer.status_code not in _REFUSED)


def _broken(error: requests.RequestException) -> _End:
    """No answer: was the request surely never written?"""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    never_written = isinstance(reason, NewConnectionError | ConnectTimeoutError) or isinstance(
        error,
        requests.exceptions.ConnectTimeout
        | requests.exceptions.InvalidURL
        | requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema
        | requests.exceptions.InvalidHeader,
    )
    name = type(error).__name__
    return _End(f"not reached: {name}" if never_written else f"no answer: {name}", is_lost=not never_written)
