"""The mail channel against real SMTP servers on loopback: a message counts from its final dot, and only from there."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from connector.adapters.email import EmailChannel, MailSettings
from connector.money import Money
from connector.ports import MailItem, ReminderMail, SendOutcome, SendResult

FOLDER = Path(__file__).resolve().parents[2] / "mappings" / "templates"
OWED = Money(4500000, "USD")
MAIL = ReminderMail(
    message_id="<act-1@billing.example>",
    customer_name="Northfield Robotics",
    to="ap@northfield.example",
    sender="billing@seller.example",
    reply_to="",
    template="firm",
    on=date(2026, 10, 1),
    items=(MailItem("INV-1", date(2026, 9, 24), 7, OWED, OWED, "+7"),),
)


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


class Inbox:
    """What a real server received, and what it is told to answer."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.data_answer = "250 2.0.0 kept"
        self.answers: dict[str, str] = {}

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 ok")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer.startswith("250"):
            self.received.append(envelope)
        return self.data_answer


class OnFreePort(Controller):
    """aiosmtpd's controller insists on a port that it knows; this one tells which it got."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    kept = Inbox()
    controller = OnFreePort(kept, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield kept, controller.port
    finally:
        controller.stop()


def channel(port: int, **changes: object) -> EmailChannel:
    settings = replace(MailSettings("127.0.0.1", port, deadline_seconds=3.0), **changes)  # type: ignore[arg-type]
    return EmailChannel(settings, FOLDER, ("firm",), StoppedClock())


def yes() -> bool:
    return True


def text_of(envelope: Envelope) -> str:
    assert isinstance(envelope.content, bytes)
    body = message_from_bytes(envelope.content, policy=default).get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


# ---- A server that behaves ----


def test_a_mail_that_may_leave_is_received_once_and_whole(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    result = channel(port).send(MAIL, yes)

    assert result == SendResult(SendOutcome.SENT, "accepted with 250")
    (envelope,) = kept.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("billing@seller.example", ["ap@northfield.example"])
    assert "To pay: 45,000.00 USD" in text_of(envelope)


def test_a_mail_called_off_after_its_body_is_never_received(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    asked: list[int] = []

    def no() -> bool:
        asked.append(len(kept.received))
        return False

    result = channel(port).send(MAIL, no)

    assert result == SendResult(SendOutcome.NOT_SENT, "called off before the final dot")
    assert asked == [0]
    # The server has seen the connection end once it answers the next one.
    assert channel(port).send(replace(MAIL, message_id="<act-2@billing.example>"), yes).outcome is SendOutcome.SENT
    assert ["act-2" in str(envelope.content) for envelope in kept.received] == [True]


def test_an_error_of_the_gate_itself_calls_the_mail_off(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    def broken() -> bool:
        raise RuntimeError("the store is gone")

    with pytest.raises(RuntimeError, match="store is gone"):
        channel(port).send(MAIL, broken)
    assert kept.received == []


def test_lines_that_begin_with_a_dot_arrive_as_they_were(inbox: tuple[Inbox, int], tmp_path: Path) -> None:
    kept, port = inbox
    (tmp_path / "firm.txt.j2").write_text("Subject: dots\n.\n..\n.hidden\nend\n")
    (tmp_path / "firm.html.j2").write_text("<p>.</p>\n.\n")
    dotted = EmailChannel(MailSettings("127.0.0.1", port), tmp_path, ("firm",), StoppedClock())

    assert dotted.send(MAIL, yes).outcome is SendOutcome.SENT
    assert text_of(kept.received[0]).splitlines() == [".", "..", ".hidden", "end"]


def test_redirected_mail_never_has_the_customer_in_its_envelope(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    channel(port, redirect_all_to="test@seller.example").send(MAIL, yes)

    (envelope,) = kept.received
    assert envelope.rcpt_tos == ["test@seller.example"]
    assert text_of(envelope).startswith("Test: without redirect_all_to this message would go to ap@northfield.example.")


COPIED = replace(MAIL, cc=("cfo@northfield.example", "ops@northfield.example"), bcc="manager@seller.example")


def headers_of(envelope: Envelope) -> dict[str, str]:
    assert isinstance(envelope.content, bytes)
    return {name: str(value) for name, value in message_from_bytes(envelope.content, policy=default).items()}


def test_copies_stand_in_one_envelope_and_the_unseen_one_only_there(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    result = channel(port).send(COPIED, yes)

    (envelope,) = kept.received
    assert result == SendResult(SendOutcome.SENT, "accepted with 250")
    assert envelope.rcpt_tos == [MAIL.to, "cfo@northfield.example", "ops@northfield.example", "manager@seller.example"]
    assert headers_of(envelope)["Cc"] == "cfo@northfield.example, ops@northfield.example"
    assert b"manager@seller.example" not in bytes(envelope.content or b"")


@pytest.mark.parametrize("answer", ["550 5.1.1 no such mailbox", "450 4.2.1 busy"])
def test_a_refused_copy_does_not_cost_the_customer_the_message(inbox: tuple[Inbox, int], answer: str) -> None:
    kept, port = inbox
    kept.answers |= {"cfo@northfield.example": answer, "manager@seller.example": answer}

    result = channel(port).send(COPIED, yes)

    code = answer[:3]
    assert result == SendResult(SendOutcome.SENT, f"accepted with 250; 2 of 3 copies refused with {code}, {code}")
    assert [envelope.rcpt_tos for envelope in kept.received] == [[MAIL.to, "ops@northfield.example"]]


def test_without_the_customer_there_are_no_copies(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    kept.answers[MAIL.to] = "550 5.1.1 no such mailbox"

    assert channel(port).send(COPIED, yes) == SendResult(SendOutcome.NOT_SENT, "RCPT was answered 550", True)
    assert kept.received == []


def test_copies_that_no_address_or_the_customers_own_are_left_out(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    odd = replace(MAIL, cc=("AP@northfield.example", "nobody", "a@x.example\r\nBcc: all@evil.example"), bcc=MAIL.to)

    assert channel(port).send(odd, yes).outcome is SendOutcome.SENT
    (envelope,) = kept.received
    assert (envelope.rcpt_tos, "Cc" in headers_of(envelope)) == ([MAIL.to], False)


def test_redirected_mail_has_no_copies_and_says_who_would_get_them(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    channel(port, redirect_all_to="test@seller.example").send(COPIED, yes)

    (envelope,) = kept.received
    found = headers_of(envelope)
    assert envelope.rcpt_tos == ["test@seller.example"]
    assert "Cc" not in found
    assert found["X-AR-Would-Copy-To"] == "cfo@northfield.example, ops@northfield.example, manager@seller.example"
    assert "with copies to cfo@northfield.example" in " ".join(text_of(envelope).split())


@pytest.mark.parametrize(
    ("answer", "refused"), [("550 5.1.1 ap@northfield.example: no such mailbox", True), ("450 4.2.1 busy", False)]
)
def test_only_a_lasting_refusal_condemns_the_address(inbox: tuple[Inbox, int], answer: str, refused: bool) -> None:
    kept, port = inbox
    kept.answers["ap@northfield.example"] = answer

    result = channel(port).send(MAIL, yes)

    assert result == SendResult(SendOutcome.NOT_SENT, f"RCPT was answered {answer[:3]}", refused)
    assert kept.received == []


def test_a_refused_redirect_address_says_nothing_about_the_customers(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    kept.answers["test@seller.example"] = "550 no"

    assert not channel(port, redirect_all_to="test@seller.example").send(MAIL, yes).address_refused


def test_a_refused_sender_condemns_no_address(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    kept.answers["MAIL"] = "550 5.7.1 not you"

    assert channel(port).send(MAIL, yes) == SendResult(SendOutcome.NOT_SENT, "MAIL was answered 550")


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "554 5.7.1 content refused"])
def test_an_answer_to_the_dot_that_refuses_means_not_sent(inbox: tuple[Inbox, int], answer: str) -> None:
    kept, port = inbox
    kept.data_answer = answer

    result = channel(port).send(MAIL, yes)

    assert result == SendResult(SendOutcome.NOT_SENT, f"the message was refused with {answer[:3]}")


def test_a_header_with_a_line_break_opens_no_connection() -> None:
    bad = replace(MAIL, to="ap@northfield.example\r\nBcc: all@evil.example")

    result = channel(free_port()).send(bad, yes)

    assert (result.outcome, "line break" in result.detail) == (SendOutcome.NOT_SENT, True)


# ---- Servers that do not behave ----


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@pytest.fixture
def scripted() -> Iterator[Callable[..., int]]:
    """A server that follows a script: what to answer at greeting, EHLO, MAIL, RCPT, DATA and the final dot."""
    over = threading.Event()
    open_sockets: list[socket.socket] = []

    def serve(**script: bytes | str) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(server)
        threading.Thread(target=follow, args=(server, script), daemon=True).start()
        return int(server.getsockname()[1])

    def follow(server: socket.socket, script: dict[str, bytes | str]) -> None:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        open_sockets.append(connection)
        lines = connection.makefile("rb")
        usual = {"EHLO": b"250 hello\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n"}
        if not say(connection, script.get("greeting", b"220 here\r\n")):
            return
        try:
            in_body = False
            for line in lines:
                word = "dot" if in_body and line == b".\r\n" else line[:4].decode("ascii", "replace").upper()
                if in_body and word != "dot":
                    continue
                in_body = word == "DATA"
                if not say(connection, script.get(word, usual.get(word, b"250 ok\r\n"))):
                    return
        except OSError:
            return

    def say(connection: socket.socket, answer: bytes | str) -> bool:
        if answer == "silence":
            over.wait(20)
            return False
        if answer == "drip":
            while not over.wait(0.2):
                try:
                    connection.sendall(b"250-more\r\n")
                except OSError:
                    break
            return False
        if answer == "close":
            connection.shutdown(socket.SHUT_RDWR)
            return False
        assert isinstance(answer, bytes)
        connection.sendall(answer)
        return True

    yield serve
    over.set()
    for one in open_sockets:
        one.close()


@pytest.mark.parametrize(
    "answer", ["silence", "drip", "close", b"what?\r\n", b"250-cut\r\n", b"\r\n", b"9" * 10000 + b"\r\n"]
)
def test_without_a_readable_answer_to_the_dot_nobody_knows(scripted: Callable[..., int], answer: bytes | str) -> None:
    port = scripted(dot=answer)
    begun = time.monotonic()

    result = channel(port, deadline_seconds=1.5).send(MAIL, yes)

    assert result.outcome is SendOutcome.UNKNOWN
    assert result.detail.startswith("after the final dot")
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["silence", "drip", "close", b"554 no\r\n", b"what?\r\n"])
def test_whatever_happens_before_the_dot_means_not_sent(
    scripted: Callable[..., int], stage: str, answer: bytes | str
) -> None:
    # A server that knows no EHLO is asked by HELO, which it may know.
    script = {stage: answer, "HELO": answer} if stage == "EHLO" else {stage: answer}
    asked: list[bool] = []

    def gate() -> bool:
        asked.append(True)
        return True

    begun = time.monotonic()

    result = channel(scripted(**script), deadline_seconds=0.6).send(MAIL, gate)

    assert (result.outcome, asked) == (SendOutcome.NOT_SENT, [])
    assert result.address_refused == (stage == "RCPT" and answer == b"554 no\r\n")
    assert time.monotonic() - begun < 2


def test_a_server_that_is_not_there_means_not_sent() -> None:
    assert channel(free_port()).send(MAIL, yes).outcome is SendOutcome.NOT_SENT


def test_a_gate_that_takes_too_long_calls_the_mail_off(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    now = [0.0]

    def slow() -> bool:
        now[0] = 25.0
        return True

    settings = MailSettings("127.0.0.1", port, deadline_seconds=30.0)
    late = EmailChannel(settings, FOLDER, ("firm",), StoppedClock(), lambda: now[0])

    assert late.send(MAIL, slow) == SendResult(SendOutcome.NOT_SENT, "too slow: called off before the final dot")
    assert kept.received == []


def test_starttls_that_is_not_offered_stops_the_mail(inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox

    result = channel(port, starttls=True).send(MAIL, yes)

    assert (result.outcome, "STARTTLS" in result.detail, kept.received) == (SendOutcome.NOT_SENT, True, [])


def test_a_refused_login_shows_no_secret(inbox: tuple[Inbox, int]) -> None:
    _, port = inbox

    result = channel(port, user="billing", password=SecretStr("hunter-2")).send(MAIL, yes)

    assert result.outcome is SendOutcome.NOT_SENT
    assert "hunter-2" not in result.detail


# ---- check ----


def test_check_greets_the_server_and_renders_the_templates(inbox: tuple[Inbox, int]) -> None:
    _, port = inbox

    findings = channel(port, redirect_all_to="test@seller.example", pay_domains=("pay.example",)).check()

    assert [finding.ok for finding in findings] == [True, True, True]
    assert "no message reaches a customer" in findings[-1].what


def test_check_says_that_the_server_is_not_there_and_that_pay_links_are_left_out() -> None:
    bad = [finding for finding in channel(free_port()).check() if not finding.ok]

    assert [(finding.blocking, "ConnectionRefusedError" in finding.what) for finding in bad] == [
        (True, True),
        (False, False),
    ]


def test_check_refuses_a_password_in_the_clear() -> None:
    settings = MailSettings("mail.seller.example", 25, user="billing", password=SecretStr("hunter-2"))

    bad = [item for item in EmailChannel(settings, FOLDER, ("firm",), StoppedClock()).check() if not item.ok]

    assert bad[0].what == "the password would travel in the clear"
