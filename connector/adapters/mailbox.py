"""The reply-to mailbox over IMAP (RFC 3501): what customers answer to reminders.

Read only: the folder is opened with EXAMINE and messages are fetched with BODY.PEEK, so that nothing is marked, and
people may work in the same mailbox. Where to go on is UIDVALIDITY:UID. Another UIDVALIDITY means that all UIDs are
new: then the last days are read again, and whoever takes the answers takes each once, by its Message-ID.
"""

from __future__ import annotations

import imaplib
import io
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from imap_tools import AND, BaseMailBox
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError
from pydantic import SecretStr

from connector.adapters.deadline import Deadline, TimedReader
from connector.adapters.mailbox_mime import Unreadable, names_only, read
from connector.errors import ConnectorError, Terminal, Transient
from connector.ports import Finding, MailboxRead, Reply
from connector.receivables import Parked

# Messages that one read takes; the next goes on behind them.
MESSAGES_MAX = 200
# What is fetched of one message: its headers and words stand at its beginning, a file behind them.
MESSAGE_BYTES_MAX = 256 * 1024
# The last part of the time that one read has is kept for its end: what was read by then counts.
LATE_SHARE = 4
# How far back is read again when the server gave all messages new UIDs.
REREAD = timedelta(days=14)

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_INTERNALDATE = re.compile(rb'INTERNALDATE "([ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4})"')
_FETCHED_UID = re.compile(rb"\bUID (\d+)")
_CURSOR = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """How to reach the mailbox. `timeout_seconds` bounds one read as a whole."""

    host: str
    port: int
    user: str
    password: SecretStr
    folder: str = "INBOX"
    tls: bool = True  # off only for a server on this machine
    timeout_seconds: float = 60.0
    trusted: ssl.SSLContext | None = field(default=None, repr=False)  # None: whom this machine trusts


class ImapMailbox:
    """The port Mailbox, one connection a read."""

    name = "mailbox"

    def __init__(self, settings: MailboxSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._monotonic = settings, monotonic

    def read_since(self, cursor: str, now: datetime) -> MailboxRead:
        """All messages since the cursor, up to MESSAGES_MAX or to when it is late; `is_whole`: that was all.

        Transient where the server can't answer, Terminal where a person must change something. What can't be
        understood is parked by its UID, and is read no second time.
        """
        with self._opened() as (box, validity, next_uid):
            uids, is_known = self._after(box, cursor, validity, now)
            replies: list[Reply] = []
            parked: list[Parked] = []
            done: list[int] = []
            for uid in uids[:MESSAGES_MAX]:
                if done and box.is_late():
                    break
                done.append(uid)
                raw, received_at = _fetched(box, uid, now)
                if raw is None:
                    continue  # somebody took it away meanwhile
                try:
                    replies.append(read(raw, received_at))
                except Unreadable as error:
                    parked.append(Parked(self.name, f"{validity}:{uid}", error.field, error.reason))
                    # Somebody answered all the same: what it names is enough to hold by.
                    replies.append(names_only(raw, received_at))
        if done:
            reached = done[-1]
        else:
            reached = int(cursor.partition(":")[2]) if is_known else max(next_uid - 1, 0)
        is_whole = len(done) == len(uids)
        return MailboxRead(now, f"{validity}:{reached}", tuple(replies), tuple(parked), is_whole)

    def _after(self, box: _Box, cursor: str, validity: int, now: datetime) -> tuple[list[int], bool]:
        """The UIDs to read, ascending, and whether the cursor could be gone on from."""
        given = _CURSOR.fullmatch(cursor)
        if given is not None and int(given[1]) == validity:
            last = int(given[2])
            # A range to the end always holds the last message, even one before its beginning.
            return [uid for uid in _search(box, f"UID {last + 1}:*") if uid > last], True
        first_on: date = now.date() - (REREAD if cursor else timedelta())
        return _search(box, str(AND(date_gte=first_on))), False

    def check(self) -> tuple[Finding, ...]:
        """Does the server let us in, encrypted, and show the folder?"""
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            with self._opened() as (_, _, next_uid):
                what = f"{where}: folder {self._settings.folder} can be read; its next message gets UID {next_uid}"
                return (Finding("mailbox", True, what),)
        except ConnectorError as error:
            return (Finding("mailbox", False, str(error), "Correct the settings under mailbox."),)

    @contextmanager
    def _opened(self) -> Iterator[tuple[_Box, int, int]]:
        """The folder, open to be read: with its UIDVALIDITY and the UID that comes next (0 where that isn't told)."""
        where = f"The mailbox at {self._settings.host}:{self._settings.port}"
        if not self._settings.tls and self._settings.host not in _LOOPBACK:
            raise Terminal(f"{where} was not read: its password would travel in the clear. Switch tls on.")
        box: _Box | None = None
        try:
            box = _Box(self._settings, Deadline(self._settings.timeout_seconds, self._monotonic))
            box.login(self._settings.user, self._settings.password.get_secret_value(), initial_folder=None)
            box.folder.set(self._settings.folder, readonly=True)
            validity = _told(box, "UIDVALIDITY")
            if not validity:
                raise Terminal(f"{where} tells no UIDVALIDITY, so that nobody can know what was read already.")
            yield box, validity, _told(box, "UIDNEXT")
        except ConnectorError:
            raise
        except MailboxLoginError:
            raise Terminal(f"{where} refused the login of the user in the settings. Nothing was read.") from None
        except MailboxFolderSelectError:
            raise Terminal(f"{where} has no folder {self._settings.folder!r} for this user.") from None
        except ssl.SSLCertVerificationError as error:
            raise Terminal(f"{where} shows a certificate that isn't trusted: {error.verify_message}.") from None
        except (ImapToolsError, imaplib.IMAP4.error, OSError, ValueError) as error:
            # The server's own words may quote what it was sent.
            raise Transient(f"{where} could not be read just now ({type(error).__name__}).") from None
        finally:
            if box is not None:
                box.leave()


def _search(box: _Box, criteria: str) -> list[int]:
    return sorted(int(uid) for uid in box.uids(criteria, charset=None))


def _told(box: _Box, name: str) -> int:
    _, given = box.client.response(name)
    return int(given[-1]) if given and given[-1] else 0


def _fetched(box: _Box, uid: int, now: datetime) -> tuple[bytes | None, datetime]:
    """The beginning of one message and when it arrived; None if it isn't there any more."""
    answer, items = box.client.uid("FETCH", str(uid), f"(UID INTERNALDATE BODY.PEEK[]<0.{MESSAGE_BYTES_MAX}>)")
    if answer != "OK":
        raise Transient(f"The mailbox did not give message {uid} just now.")
    for item in items:
        if isinstance(item, tuple) and len(item) == 2:
            head: bytes = item[0] + b" " + _tail(items)
            named = _FETCHED_UID.search(head)
            if named is None or int(named[1]) == uid:
                return item[1][:MESSAGE_BYTES_MAX], _arrival(head, now)
    return None, now


def _tail(items: Sequence[Any]) -> bytes:
    """What the server says of a message behind its bytes."""
    return b" ".join(one for one in items if isinstance(one, bytes))


def _arrival(head: bytes, now: datetime) -> datetime:
    found = _INTERNALDATE.search(head)
    if found is None:
        return now
    try:
        return datetime.strptime(found[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        return now


# ---- the wire ----


class _Timed:
    """imaplib within one deadline for the whole conversation, and never more of one message than was asked for."""

    deadline: Deadline
    sock: Any
    file: Any

    def open(self, *args: Any, **more: Any) -> None:
        super().open(*args, **more)  # type: ignore[misc]
        self.file.close()
        self.file = io.BufferedReader(TimedReader(self.sock, self.deadline))

    def read(self, size: int) -> bytes:
        if size > MESSAGE_BYTES_MAX:
            raise imaplib.IMAP4.abort("more than was asked for")
        return bytes(self.file.read(size))

    def send(self, data: Any) -> None:
        self.sock.settimeout(self.deadline.left())
        super().send(data)  # type: ignore[misc]


class _Plain(_Timed, imaplib.IMAP4):
    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self.deadline = deadline
        imaplib.IMAP4.__init__(self, host, port, deadline.left())


class _Encrypted(_Timed, imaplib.IMAP4_SSL):
    def __init__(self, host: str, port: int, deadline: Deadline, context: ssl.SSLContext) -> None:
        self.deadline = deadline
        imaplib.IMAP4_SSL.__init__(self, host, port, ssl_context=context, timeout=deadline.left())


class _Box(BaseMailBox):
    """imap-tools on such a connection."""

    def __init__(self, settings: MailboxSettings, deadline: Deadline) -> None:
        self._settings, self._deadline = settings, deadline
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        given = self._settings
        if not given.tls:
            return _Plain(given.host, given.port, self._deadline)
        return _Encrypted(given.host, given.port, self._deadline, given.trusted or ssl.create_default_context())

    def is_late(self) -> bool:
        return self._deadline.left() < self._settings.timeout_seconds / LATE_SHARE

    def leave(self) -> None:
        """Say goodbye if there is somebody to say it to, and close."""
        try:
            self.client.logout()
        except (imaplib.IMAP4.error, OSError, ValueError):
            self.client.shutdown()
