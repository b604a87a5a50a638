"""Who may come in: the sender, the company's user, and sessions that belong to one endpoint and slide.

Sources: developer.intacct.com, "API sessions" (a session has an endpoint of its own; each call moves its end to now
plus the sign-in duration; a location moves into an entity, an empty one back to the top) and "Error handling" (the
texts for an unauthorised sender and a wrong sign-in).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sandbox.intacct.control_ids import DoorGuesses
from sandbox.intacct.envelope import At, Control, Login, NothingRan

SIGN_IN = "Sign-in information is incorrect"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Test strings, fixed, worth nothing anywhere else."""

    company: str
    sender_id: str = "sandbox-sender"
    sender_password: str = field(default="sandbox-sender-password", repr=False)
    user: str = "xml_gateway"
    user_password: str = field(default="sandbox-user-password", repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """`timestamp` is when the user signed in or last called, `timeout` when the session ends without another call."""

    id: str
    endpoint: str  # the path it belongs to
    user: str
    location: str
    timestamp: datetime
    timeout: datetime


class Sessions:
    """Sign-ins and sessions of one company, safe for many threads."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Callable[[], datetime],
        *,
        duration: timedelta,
        has_entity: Callable[[str], bool],
        guesses: DoorGuesses,
    ) -> None:
        self.credentials = credentials
        self.duration = duration
        self.authorised = {credentials.sender_id}  # the senders that the company lets in
        self._guesses = guesses
        self._clock = clock
        self._has_entity = has_entity
        self._sessions: dict[str, Session] = {}
        self._count = 0
        self._lock = threading.Lock()

    def know_sender(self, control: Control) -> None:
        """NothingRan at the control's level for an unknown sender; both parts are case sensitive."""
        ours = self.credentials
        if not (_same(control.sender, ours.sender_id) and _same(control.password, ours.sender_password)):
            raise NothingRan(At.CONTROL, "XL03000006", "Incorrect Intacct XML Partner ID or password.", control=control)

    def sign_in(self, given: Login | str, path: str, control: Control) -> Session:
        """Who speaks: a fresh sign-in, or the session with its end moved on."""
        if control.sender not in self.authorised:
            raise self._refused(
                f"The sender ID '{control.sender}' is not authorized to make Web Services requests to company ID "
                f"'{self.credentials.company}'.",
                control,
                description="Invalid Web Services Authorization",
                correction="Contact the company administrator to grant Web Services authorization to this sender ID.",
            )
        return self._resumed(given, path, control) if isinstance(given, str) else self._logged_in(given, path, control)

    def opened(self, who: Session, location: str | None, endpoint: str) -> Session:
        """A session of its own for who speaks now; a location of None stays where they are."""
        where = who.location if location is None else location
        with self._lock:
            self._count += 1
            name = hashlib.sha256(f"{self.credentials.company}/{self._count}".encode()).hexdigest()[:40]
            now = self._clock()
            session = Session(f"{name}..", endpoint, who.user, where, now, now + self.duration)
            self._sessions[session.id] = session
        return session

    def knows_entity(self, location: str) -> bool:
        return not location or self._has_entity(location)

    def end_all(self) -> None:
        """As when somebody changes the user's password: every session is gone."""
        with self._lock:
            self._sessions.clear()

    def end(self, session_id: str) -> None:
        with self._lock:
            self._sessions.pop(session_id, None)

    def _logged_in(self, login: Login, path: str, control: Control) -> Session:
        ours = self.credentials
        known = login.company == ours.company and _same(login.user, ours.user)
        if not (known and _same(login.password, ours.user_password)):
            if self._guesses.bad_login == "gateway":
                text = f"{SIGN_IN}. Please check your request."
                raise NothingRan(At.GATEWAY, "XMLGW_JPP0002", "", description=text, http=401)
            raise self._refused(SIGN_IN, control)
        if not self.knows_entity(login.location):
            raise self._refused(f"Location ID '{login.location}' is no entity of this company.", control)
        now = self._clock()
        return Session("", path, login.user, login.location, now, now + self.duration)

    def _resumed(self, session_id: str, path: str, control: Control) -> Session:
        with self._lock:
            now = self._clock()
            session = self._sessions.get(session_id)
            if session is None or session.timeout <= now:
                self._sessions.pop(session_id, None)
                raise self._refused("Your session is not valid, or it has timed out. Sign in again.", control)
            if session.endpoint != path:
                raise self._refused("The session belongs to another endpoint.", control)
            moved = replace(session, timestamp=now, timeout=now + self.duration)
            self._sessions[session_id] = moved
            return moved

    def _refused(self, text: str, control: Control, *, description: str = "", correction: str = "") -> NothingRan:
        return NothingRan(
            At.AUTHENTICATION, "XL03000006", text, description=description, correction=correction, control=control
        )


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(), ours.encode())
