"""The door that requests leave by and answers come in by: to whom they are meant for only, not sent on, and bounded.

Credentials go to one place. Whatever an answer says of another one (a redirect, a link to the next page, an address of
a session) is held against the places that this vendor has; and an answer may be hostile: without an end, dripping, or
small and packed to be huge once it is unpacked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from connector.adapters.deadline import Deadline

# The largest answers are pages of some thousand rows, 10 MB; none is near this.
ANSWER_BYTES_MAX = 64_000_000
PIECE = 65_536

Place = tuple[str, str, str]

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[::1\])(?::(?P<port>\d{1,5}))?(?:[/?][!-\[\]-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NO_SIGN = re.compile(rb"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
# A pair that is one sign, or any escape by itself; so a backslash that is escaped itself begins none.
_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)
_HALF_RAW = re.compile(rb"\xed[\xa0-\xbf]")
_REPLACEMENT = b"\\ufffd"
_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")
_PORTS = {"https": "443", "http": "80"}


class Elsewhere(requests.exceptions.InvalidURL):
    """This address is not one that the credentials are meant for; nothing was sent."""


class TooLarge(requests.exceptions.ContentDecodingError):
    """The answer has more bytes than any answer has; it was not read to its end."""


class Door(HTTPAdapter):
    """Carries requests to addresses that `may_go` allows (else Elsewhere), and answers in, each whole and bounded.

    An answer never sends us elsewhere: its Location is taken off. One that takes longer in all than it may between two
    pieces is given up (ReadTimeout).
    """

    def __init__(self, may_go: Callable[[str], bool], monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._may_go, self._monotonic = may_go, monotonic

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        if not self._may_go(str(request.url)):
            raise Elsewhere("an address that the credentials are not meant for", request=request)
        deadline = Deadline(_seconds(timeout), self._monotonic)
        response = super().send(request, True, timeout, verify, cert, proxies)
        response.headers.pop("Location", None)
        try:
            # requests has no public way to hand over a body that was read already.
            response._content = sound(whole(response.iter_content(PIECE), deadline))
        except TimeoutError:
            raise requests.exceptions.ReadTimeout("the answer had no end in time", request=request) from None
        finally:
            response.close()
        return response


def whole(pieces: Iterable[bytes], deadline: Deadline | None = None) -> bytes:
    """All of a body that comes in pieces. TooLarge, or TimeoutError when the deadline has passed."""
    taken, size = [], 0
    for piece in pieces:
        if deadline is not None:
            deadline.left()
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise TooLarge(f"more than {ANSWER_BYTES_MAX} bytes came")
        taken.append(piece)
    return b"".join(taken)


def sound(body: bytes) -> bytes:
    """JSON without what no text has: a NUL, or half of a sign. Python takes both, and no database does.

    One such sign in one name would stop whoever stores it, and everything that was read with it.
    """
    if body.lstrip()[:1] not in (b"{", b"["):
        return body
    if _HALF_RAW.search(body):
        body = body.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(_whole_sign, body) if _SUSPECT.search(body) else body


def _whole_sign(escape: re.Match[bytes]) -> bytes:
    is_none = _NO_SIGN.fullmatch(escape[0]) is not None
    return _REPLACEMENT if is_none else escape[0]


def alone(session: requests.Session, may_go: Callable[[str], bool]) -> requests.Session:
    """This session, with the door before it and no login of its own: a line of .netrc would take the place of ours."""
    session.auth = as_it_is
    for scheme in ("https://", "http://"):
        session.mount(scheme, Door(may_go))
    return session


def place(url: str) -> Place | None:
    """Scheme, host and port of an address that credentials may be sent to; None for any other.

    That is https, or this machine itself (a sandbox), and only what every parser reads alike: without a user, a
    backslash or a fragment there is one host to see.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    if scheme != "https" and host not in _THIS_MACHINE:
        return None
    return scheme, host, found["port"] or _PORTS[scheme]


def is_beneath(url: str, base: str) -> bool:
    """Is this an address of the very place that `base` names?"""
    return (there := place(url)) is not None and there == place(base)


def is_of(url: str, domains: Sequence[str]) -> bool:
    """Is this an https address, at the usual port, of one of these domains or of a part of one?"""
    there = place(url)
    if there is None or (there[0], there[2]) != ("https", "443"):
        return False
    return any(there[1] == domain or there[1].endswith(f".{domain}") for domain in domains)


def _seconds(timeout: Any) -> float:
    """What requests calls a time-out, as seconds for the whole conversation."""
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    return sum(float(part) for part in parts if part is not None) or 600.0


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Auth that adds nothing, so that requests does not look for a login of its own."""
    return request
