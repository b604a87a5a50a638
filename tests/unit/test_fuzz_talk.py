"""Damaged talk: mails of strangers, and mail servers that say anything. A send has one end, a reply a name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path

from damage import hurt_bytes, unstorable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.adapters import mailbox_mime
from connector.adapters.email import EmailChannel, MailSettings
from connector.adapters.mailbox import ImapMailbox, MailboxSettings
from connector.errors import ConnectorError
from connector.money import Money
from connector.ports import MailboxRead, MailItem, ReminderMail, SendOutcome

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
REPLY = b"""Message-ID: <x@customer.example>\r
In-Reply-To: <arc-1@northfield.example>\r
From: =?utf-8?q?J=C3=B6?= <ap@customer.example>\r
Subject: =?iso-8859-1?Q?Re:_f=E4llig?=\r
Content-Type: multipart/alternative; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
We have paid this already.=20\r
> On Monday you wrote\r
--b\r
Content-Type: text/html; charset=iso-8859-1\r
Content-Transfer-Encoding: base64\r
\r
PGRpdj5XZSBoYXZlIHBhaWQ8L2Rpdj4=\r
--b--\r
"""
BOUNCE = b"""Message-ID: <y@mx.example>\r
From: MAILER-DAEMON@mx.example\r
Auto-Submitted: auto-replied\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; ap@customer.example\r
Action: failed\r
Status: 5.1.1\r
\r
--b\r
Content-Type: message/rfc822\r
\r
Message-ID: <arc-1@northfield.example>\r
\r
x\r
--b--\r
"""


# ---- mails ----


@given(hurt_bytes(REPLY) | hurt_bytes(BOUNCE) | st.binary(max_size=300))
@example(b"Subject: " + b"=?utf-8?q?" * 2000)
@example(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" * 500)
@example(b"From: " + b"(" * 50_000 + b"\r\n\r\nx")
@example(b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000)
@example(b"Content-Type: text/html\r\n\r\n" + b"<a " * 42_000)  # minutes, once
@example(b"References: " + b"<a@b> " * 20_000 + b"\r\n\r\nx")
def test_a_strangers_mail_is_an_answer_or_named(raw: bytes) -> None:
    named = mailbox_mime.names_only(raw, NOW)
    try:
        made = mailbox_mime.read(raw, NOW)
    except mailbox_mime.Unreadable as error:
        made = named
        assert len(str(error)) < 200  # noqa: PT017 - either outcome is right
    for one in (made, named):
        assert len(one.id) <= mailbox_mime.ID_MAX and len(one.text) <= mailbox_mime.TEXT_MAX
        assert [] == unstorable((one.id, one.answers, one.sender, one.failed_with, one.failed_to))
        assert not set(one.subject) & set("\r\n\0")


# ---- servers that say anything ----


@contextmanager
def saying(script: list[bytes]) -> Iterator[int]:
    """A server that says all of this at once, whatever it hears, and then nothing more."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with suppress(OSError):  # the client may have had enough
            line, _ = listener.accept()
            with line:
                line.sendall(b"".join(script))
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(10)
        listener.close()


POLITE = [b"220 hi\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"]
PIECES = st.sampled_from(
    (
        b"",
        b"\r\n",
        b"250 ok\r\n",
        b"250-",
        b"250-x\r\n",
        b"550 no\r\n",
        b"abc\r\n",
        b"\xff\xfe\r\n",
        b"2\r\n",
        b"999 x\r\n",
        b"A" * 9000,
    )
) | st.binary(max_size=20)


def mail() -> ReminderMail:
    usd = Money(100, "USD")
    item = MailItem("INV-1", date(2026, 11, 1), 22, usd, usd, "+7")
    return ReminderMail(
        "<arc-1@x.example>", "C", "ap@c.example", "ar@n.example", "", "reminder", date(2026, 11, 23), (item,)
    )


@FEW
@given(st.integers(0, len(POLITE)), st.lists(PIECES, max_size=4))
def test_whatever_a_mail_server_says_a_send_has_one_end(tmp_path: Path, polite: int, then: list[bytes]) -> None:
    for kind in ("txt", "html"):
        (tmp_path / f"reminder.{kind}.j2").write_text("Subject: s\n\nHello\n")
    with saying([*POLITE[:polite], *then]) as port:
        settings = MailSettings("127.0.0.1", port, deadline_seconds=2)
        made = EmailChannel(settings, tmp_path, ("reminder",), _Clock()).send(mail(), lambda: True)

    assert made.outcome in SendOutcome
    # Nothing was accepted, and nothing can be unknown, before the final dot was asked for.
    assert polite == len(POLITE) or b"354" in b"".join(then) or made.outcome is SendOutcome.NOT_SENT


GREETING = [b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1\r\nX OK\r\n"]
LINES = st.sampled_from(
    (
        b"", b"* BYE\r\n", b"* 1 EXISTS\r\n", b"* SEARCH 1 2 x\r\n", b"* OK [UIDVALIDITY 0]\r\n", b"{999999999}\r\n",
        b"* 1 FETCH (X {5}\r\n", b"A1 OK\r\n", b"A1 NO\r\n", b"\xff\r\n", b"+ \r\n", b"* LIST " + b"(" * 500 + b"\r\n",
    )
) | st.binary(max_size=30)  # fmt: skip


@FEW
@given(st.integers(0, len(GREETING)), st.lists(LINES, max_size=5))
def test_whatever_a_mailbox_says_it_is_read_or_told(polite: int, then: list[bytes]) -> None:
    with saying([*GREETING[:polite], *then]) as port:
        box = ImapMailbox(MailboxSettings("127.0.0.1", port, "ar", SecretStr("canary"), tls=False, timeout_seconds=2))
        try:
            made: object = box.read_since("", NOW)
        except ConnectorError as error:
            made = str(error)

    assert isinstance(made, MailboxRead) or (isinstance(made, str) and "canary" not in made)


class _Clock:
    def now(self) -> datetime:
        return NOW
