"""A real SMTP server on loopback that keeps what it received, in the world's order of commits.

A message counts as received at its final dot: that is where it gets its `sequence`. Refusals and silences are rules of
`faults` (service "smtp", operations MAIL, RCPT and DATA, the last meaning the final dot) or orders per address.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.faults import Faults, Kind, Rule
from sandbox.serving import LoopServer

MESSAGE_BYTES_MAX = 10_000_000
_REPLIES: dict[Kind, str] = {
    "record_refused": "550 5.1.1 No such mailbox",
    "server_error": "451 4.3.0 Requested action aborted: local error",
    "too_many": "421 4.7.0 Too many messages, closing the connection",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was received. `stamp` is what the test's own clock or counter said at the final dot."""

    sequence: int
    at: datetime
    stamp: int | None
    mail_from: str
    rcpt_to: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes

    def header(self, name: str) -> str:
        """The first header of that name, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Mailbox:
    """Takes mail for every address. `stamp` is called at each final dot, before the sender gets its answer."""

    KINDS: frozenset[Kind] = frozenset(
        {
            "record_refused",
            "server_error",
            "too_many",
            "timeout_before",
            "timeout_after",
            "drop_before",
            "drop_after",
        }
    )

    def __init__(
        self,
        clock: Callable[[], datetime],
        sequence: Callable[[str], int],
        faults: Faults,
        *,
        stamp: Callable[[], int] | None = None,
    ) -> None:
        self.stamp = stamp
        self._clock = clock
        self._sequence = sequence
        self._faults = faults
        self._messages: list[Message] = []
        self._refused: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._server: _Server | None = None
        self.host, self.port = "", 0

    def start(self) -> Mailbox:
        self._server = _Server(self)
        self.host, self.port = self._server.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def profile(self) -> dict[str, object]:
        return {"host": self.host, "port": self.port}

    def messages(self, after: int = 0) -> list[Message]:
        """What was received, oldest first; only what came after that sequence number."""
        with self._lock:
            return [message for message in self._messages if message.sequence > after]

    def counts(self) -> dict[str, int]:
        """SMTP commands that were looked at, by operation; DATA counts final dots."""
        with self._lock:
            return dict(self._counts)

    def refuse(self, address: str, reply: str = _REPLIES["record_refused"]) -> None:
        """Answer RCPT for this address with this reply from now on."""
        self._refused[address.lower()] = reply

    def accept(self, address: str) -> None:
        self._refused.pop(address.lower(), None)

    # -- aiosmtpd's hooks; all of them run on the mailbox's own loop ---------------------------------------------------

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        reply = await self._before(server, "MAIL")
        if reply is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        reply = await self._before(server, "RCPT") or self._refused.get(address.lower())
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        rule = self.meet("DATA")
        reply = await _carried_out(server, rule, "before")
        if reply is not None:
            return reply
        kept = self.receive(envelope.mail_from or "", envelope.rcpt_tos, cast(bytes, envelope.content))
        await _carried_out(server, rule, "after")
        return f"250 2.0.0 OK queued as {kept.sequence}"

    # -- what the server does, and whoever brings mail without one -----------------------------------------------------

    def receive(self, mail_from: str, rcpt_to: Sequence[str], raw: bytes) -> Message:
        """Keep a message: its final dot was read."""
        parsed = message_from_bytes(raw, policy=modern)
        with self._lock:
            message = Message(
                sequence=self._sequence(f"smtp.message {parsed.get('message-id', '')}"),
                at=self._clock(),
                stamp=self.stamp() if self.stamp is not None else None,
                mail_from=mail_from,
                rcpt_to=tuple(rcpt_to),
                headers=tuple((key, str(value)) for key, value in parsed.items()),
                text=_body(parsed, "plain"),
                html=_body(parsed, "html"),
                raw=raw,
            )
            self._messages.append(message)
            return message

    async def _before(self, server: SMTP, operation: str) -> str | None:
        return await _carried_out(server, self.meet(operation), "before")

    def meet(self, operation: str) -> Rule | None:
        """Which fault, if any, does this command get? Counts it, so ask exactly once."""
        with self._lock:
            self._counts[operation] += 1
        return self._faults.take("smtp", operation, self.KINDS)


class _Server(LoopServer):
    """aiosmtpd; its own Controller can't take a free port."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self._mailbox = mailbox

    async def _listen(self) -> asyncio.AbstractServer:
        return await self._loop.create_server(self._session, sock=self._socket)

    def _session(self) -> SMTP:
        return SMTP(self._mailbox, hostname="mailbox.example", data_size_limit=MESSAGE_BYTES_MAX, loop=self._loop)


async def _carried_out(server: SMTP, rule: Rule | None, stage: str) -> str | None:
    """Do what the rule says at this stage: a refusing reply, silence, or a closed connection."""
    if rule is None:
        return None
    if stage == "before" and rule.kind in _REPLIES:
        return rule.code or _REPLIES[rule.kind]
    if rule.kind == f"timeout_{stage}":
        await asyncio.sleep(rule.seconds)
    elif rule.kind != f"drop_{stage}":
        return None
    cast(asyncio.Transport, server.transport).abort()
    # The lost connection cancels this very task; without the wait an answer would go to a closed transport.
    await asyncio.sleep(10)
    return None


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""
