"""A real IMAP4rev1 server on loopback (RFC 3501) with one folder: what customers answer to our mails.

As much of the protocol as a reader needs, and the truth about it: what was read, and whether anything was marked or
moved. Its messages come from `imap_answers`. No package was taken for it: pymap, and mail-devel on top of it, are
alphas with a backend, a clock and UIDs of their own, and none can drop a connection in the middle of an answer.

Faults are rules of `faults` (service "imap"; operations LOGIN, EXAMINE, SELECT, SEARCH, FETCH).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sandbox.faults import Faults, Kind, Rule
from sandbox.serving import LoopServer

USER, PASSWORD, FOLDER = "answers@seller.example", "imap-test-password", "INBOX"
CAPABILITIES = "CAPABILITY IMAP4rev1"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
_COMMAND_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """One message of the folder."""

    uid: int
    arrived_at: datetime
    raw: bytes


class Refused(Exception):
    """The command is answered with NO or BAD and these words."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class Imap:
    """The reply-to mailbox. `deliver` puts a message into it; the connector reads it over the wire."""

    KINDS: frozenset[Kind] = frozenset(
        {"unauthorized", "server_error", "too_many", "timeout_before", "drop_before", "cut_after", "fewer_rows"}
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        sequence: Callable[[str], int],
        faults: Faults,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock, self._sequence, self._faults, self.tls = clock, sequence, faults, tls
        self._kept: list[Kept] = []
        self._validity, self._next_uid = 1, 1
        self._counts: Counter[str] = Counter()
        self._touched: list[str] = []
        self._lock = threading.RLock()
        self._server: _Server | None = None
        self.host, self.port = "", 0

    def start(self) -> Imap:
        self._server = _Server(self)
        self.host, self.port = self._server.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def profile(self) -> dict[str, object]:
        return {
            "host": self.host,
            "port": self.port,
            "user": USER,
            "password": PASSWORD,
            "folder": FOLDER,
            "tls": self.tls is not None,
        }

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def deliver(self, raw: bytes) -> int:
        """A message arrives; returns its UID."""
        with self._lock:
            uid, self._next_uid = self._next_uid, self._next_uid + 1
            self._kept.append(Kept(uid, self._clock(), raw))
            self._sequence(f"imap.message {uid}")
            return uid

    def renumber(self) -> int:
        """The folder was made anew, as after a restore: another UIDVALIDITY, and every message gets another UID."""
        with self._lock:
            self._validity += 1
            # As high as the old ones, so that a reader who overlooks the change misses or doubles messages.
            self._kept = [Kept(number, one.arrived_at, one.raw) for number, one in enumerate(self._kept, 1)]
            self._next_uid = len(self._kept) + 1
            return self._validity

    def remove(self, uid: int) -> None:
        """A person tidies the mailbox."""
        with self._lock:
            self._kept = [one for one in self._kept if one.uid != uid]

    # -- what is known of it -------------------------------------------------------------------------------------------

    def messages(self) -> list[Kept]:
        with self._lock:
            return list(self._kept)

    def counts(self) -> dict[str, int]:
        """Commands that were looked at, by name."""
        with self._lock:
            return dict(self._counts)

    def touched(self) -> list[str]:
        """Everything by which a client marked, moved or opened for writing; a reader leaves this empty."""
        with self._lock:
            return list(self._touched)

    # -- for the sessions ----------------------------------------------------------------------------------------------

    def state(self) -> tuple[int, int, list[Kept]]:
        with self._lock:
            return self._validity, self._next_uid, list(self._kept)

    def take(self, operation: str) -> Rule | None:
        with self._lock:
            self._counts[operation] += 1
        return self._faults.take("imap", operation, self.KINDS)

    def note_touch(self, what: str) -> None:
        with self._lock:
            self._touched.append(what)


class _Session:
    """One connection, from the greeting to LOGOUT."""

    def __init__(self, imap: Imap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._imap, self._reader, self._writer = imap, reader, writer
        self._is_in = False
        self._opened = ""  # EXAMINE or SELECT

    async def run(self) -> None:
        try:
            self._say(f"* OK [{CAPABILITIES}] the sandbox's mailbox")
            await self._writer.drain()
            while await self._command():
                await self._writer.drain()
            await self._writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writer.close()

    async def _command(self) -> bool:
        """Read and answer one; False: it was the last."""
        line = await self._line()
        if not line:
            return False
        words = list(_tokens(line))
        if len(words) < 2:
            self._say("* BAD no command")
            return True
        tag, name, arguments = words[0], words[1].upper(), words[2:]
        if name == "UID" and arguments:
            name, arguments = arguments[0].upper(), arguments[1:]
        rule = self._imap.take(name)
        if await self._breaks(rule):
            return False
        try:
            done, goes_on = await self._answer(name, arguments, rule)
            self._say(f"{tag} {done}")
            return goes_on
        except Refused as refused:
            self._say(f"{tag} {refused.answer}")
            return True

    async def _answer(self, name: str, arguments: Sequence[str], rule: Rule | None) -> tuple[str, bool]:
        if rule is not None and rule.kind == "server_error":
            raise Refused("NO [UNAVAILABLE] try again later")
        match name:
            case "CAPABILITY":
                self._say(f"* {CAPABILITIES}")
            case "NOOP" | "CLOSE" | "UNSELECT":
                pass
            case "LOGOUT":
                self._say("* BYE until later")
                return "OK LOGOUT done", False
            case "LOGIN":
                self._login(arguments, rule)
            case "EXAMINE" | "SELECT":
                self._open(name, arguments)
                return f"OK [READ-{'ONLY' if name == 'EXAMINE' else 'WRITE'}] {name} done", True
            case "SEARCH":
                self._search(arguments, rule)
            case "FETCH":
                await self._fetch(arguments, rule)
            case "STORE" | "EXPUNGE" | "COPY" | "MOVE" | "APPEND" | "DELETE" | "RENAME":
                self._imap.note_touch(name)
                raise Refused("NO [NOPERM] nothing is changed here")
            case _:
                raise Refused(f"BAD {name} is not known here")
        return f"OK {name} done", True

    def _login(self, arguments: Sequence[str], rule: Rule | None) -> None:
        if list(arguments) != [USER, PASSWORD] or (rule is not None and rule.kind == "unauthorized"):
            raise Refused("NO [AUTHENTICATIONFAILED] no such user or password")
        self._is_in = True

    def _open(self, name: str, arguments: Sequence[str]) -> None:
        self._require(self._is_in, "log in first")
        if list(arguments) != [FOLDER]:
            raise Refused("NO [NONEXISTENT] no such folder")
        validity, next_uid, kept = self._imap.state()
        if name == "SELECT":
            self._imap.note_touch(name)
        self._opened = name
        for one in (
            r"FLAGS (\Answered \Flagged \Deleted \Seen \Draft)",
            f"{len(kept)} EXISTS",
            "0 RECENT",
            f"OK [UIDVALIDITY {validity}] UIDs valid",
            f"OK [UIDNEXT {next_uid}] predicted next UID",
        ):
            self._say(f"* {one}")

    def _search(self, arguments: Sequence[str], rule: Rule | None) -> None:
        self._require(bool(self._opened), "open a folder first")
        words = list(arguments)
        if words[:1] == ["CHARSET"]:
            words = words[2:]
        words = list(_tokens(" ".join(one.strip("()") for one in words).encode()))
        _, _, kept = self._imap.state()
        found = [str(one.uid) for one in kept if _fits(one, words, kept)]
        if rule is not None and rule.kind == "fewer_rows":
            found = found[1:]
        self._say(" ".join(["* SEARCH", *found]))

    async def _fetch(self, arguments: Sequence[str], rule: Rule | None) -> None:
        self._require(bool(self._opened) and len(arguments) >= 2, "what of which?")
        _, _, kept = self._imap.state()
        items = " ".join(arguments[1:]).strip("()").split()
        wanted = _uids(arguments[0], kept)
        for number, one in enumerate(kept, 1):
            if one.uid in wanted:
                answer = b"* %d FETCH (%s)\r\n" % (number, b" ".join(self._item(one, item) for item in items))
                if rule is not None and rule.kind == "cut_after":
                    self._writer.write(answer[: len(answer) // 2])
                    await self._writer.drain()
                    raise ConnectionAbortedError
                self._writer.write(answer)
                await self._writer.drain()

    def _item(self, one: Kept, item: str) -> bytes:
        upper = item.upper()
        if upper == "UID":
            return b"UID %d" % one.uid
        if upper == "FLAGS":
            return b"FLAGS ()"
        if upper == "RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(one.raw)
        if upper == "INTERNALDATE":
            at = one.arrived_at.astimezone(UTC)
            return f'INTERNALDATE "{at.day:02}-{_MONTHS[at.month - 1]}-{at:%Y %H:%M:%S} +0000"'.encode()
        asked = re.fullmatch(r"BODY(\.PEEK)?\[(HEADER)?\](?:<(\d+)\.(\d+)>)?", upper)
        if asked is None:
            raise Refused(f"BAD {item} is not known here")
        if not asked[1]:
            self._imap.note_touch("BODY[] without PEEK")
        data = one.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if asked[2] else one.raw
        label = f"BODY[{asked[2] or ''}]"
        if asked[3]:
            first = int(asked[3])
            data, label = data[first : first + int(asked[4])], f"{label}<{first}>"
        return label.encode() + b" {%d}\r\n" % len(data) + data

    # -- the wire ------------------------------------------------------------------------------------------------------

    async def _breaks(self, rule: Rule | None) -> bool:
        if rule is None:
            return False
        if rule.kind == "timeout_before":
            await asyncio.sleep(rule.seconds)
        elif rule.kind == "too_many":
            self._say("* BYE too many connections")
            await self._writer.drain()
            return True
        elif rule.kind != "drop_before":
            return False
        self._writer.transport.abort()
        return True

    async def _line(self) -> bytes:
        """One command with its literals, each asked for and put in as a quoted string."""
        whole = b""
        while True:
            line = await self._reader.readline()
            literal = _LITERAL.search(line)
            whole += line[: literal.start()] if literal else line
            if literal is None or len(whole) > _COMMAND_BYTES_MAX:
                return whole.strip()
            self._writer.write(b"+ go on\r\n")
            await self._writer.drain()
            data = await self._reader.readexactly(min(int(literal[1]), _COMMAND_BYTES_MAX))
            whole += b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    def _require(self, holds: bool, why: str) -> None:
        if not holds:
            raise Refused(f"BAD {why}")


def _tokens(line: bytes) -> Iterator[str]:
    """Atoms, quoted strings without their quotes, and whatever stands in round or square brackets as one."""
    text = line.decode("utf-8", "replace")
    for found in re.finditer(r'"((?:[^"\\]|\\.)*)"|((?:\([^)]*\)|\[[^\]]*\]|[^\s"()\[\]])+)', text):
        yield re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]


def _uids(chosen: str, kept: Sequence[Kept]) -> set[int]:
    """'3,5:7,9:*': `*` is the highest there is, and a range may stand the wrong way round (RFC 3501, 6.4.8)."""
    highest = max((one.uid for one in kept), default=0)
    found: set[int] = set()
    for part in chosen.split(","):
        ends = [highest if end == "*" else int(end) for end in part.split(":")]
        found |= {one.uid for one in kept if min(ends) <= one.uid <= max(ends)}
    return found


def _fits(one: Kept, words: Sequence[str], kept: Sequence[Kept]) -> bool:
    """All of these search keys; the days are those of arrival, whatever the hour (RFC 3501, 6.4.4)."""
    keys = iter(words)
    for key in keys:
        match key.upper():
            case "ALL":
                pass
            case "UID":
                if one.uid not in _uids(next(keys), kept):
                    return False
            case "SINCE":
                if one.arrived_at.astimezone(UTC).date() < _day(next(keys)):
                    return False
            case "BEFORE":
                if one.arrived_at.astimezone(UTC).date() >= _day(next(keys)):
                    return False
            case _:
                raise Refused(f"BAD search key {key} is not known here")
    return True


def _day(text: str) -> date:
    day, month, year = text.split("-")
    return date(int(year), _MONTHS.index(month) + 1, int(day))


class _Server(LoopServer):
    def __init__(self, imap: Imap) -> None:
        super().__init__()
        self._imap = imap

    async def _listen(self) -> asyncio.AbstractServer:
        return await asyncio.start_server(self._session, sock=self._socket, ssl=self._imap.tls)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Session(self._imap, reader, writer).run()
        except asyncio.CancelledError:  # the server stops; asyncio's own streams would call this a fault
            writer.transport.abort()
