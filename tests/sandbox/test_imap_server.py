"""Facts of the sandbox's IMAP server, asked by the clients that people use: imaplib and imap-tools."""

from __future__ import annotations

import imaplib
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from imap_tools import AND, MailBoxUnencrypted
from imap_tools.errors import MailboxLoginError

from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.imap import FOLDER, PASSWORD, USER, Imap
from sandbox.imap_answers import letter
from sandbox.world import Served, serve
from tests.harness import MONDAY

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def clock() -> WorldClock:
    made = WorldClock()
    made.start_at(START)
    return made


@pytest.fixture
def imap(faults: Faults, clock: WorldClock) -> Iterator[Imap]:
    started = Imap(clock, Sequence(clock), faults).start()
    yield started
    started.stop()


def _client(imap: Imap) -> imaplib.IMAP4:
    client = imaplib.IMAP4(imap.host, imap.port, timeout=2)
    client.login(USER, PASSWORD)
    return client


def _letter(subject: str = "hello") -> bytes:
    return letter("ana@firm.example", USER, subject, "Good morning.", START)


# ---- a reader ----


def test_a_message_is_read_as_it_was_delivered_and_nothing_is_marked(imap: Imap) -> None:
    uid = imap.deliver(_letter("Überfällig"))

    with MailBoxUnencrypted(imap.host, imap.port).login(USER, PASSWORD, initial_folder=None) as mailbox:
        mailbox.folder.set(FOLDER, readonly=True)
        (message,) = mailbox.fetch(mark_seen=False)

    assert (message.uid, message.subject, message.text.strip()) == (str(uid), "Überfällig", "Good morning.")
    assert message.size_rfc822 == len(imap.messages()[0].raw)
    assert imap.touched() == []


def test_opening_to_write_reading_without_peek_and_storing_are_noticed(imap: Imap) -> None:
    uid = str(imap.deliver(_letter()))
    client = _client(imap)
    client.select(FOLDER)
    client.uid("FETCH", uid, "(BODY[])")
    answer, _ = client.uid("STORE", uid, "+FLAGS", r"(\Seen)")
    client.logout()

    assert answer == "NO"
    assert imap.touched() == ["SELECT", "BODY[] without PEEK", "STORE"]


def test_searching_by_uid_and_by_day_of_arrival(imap: Imap, clock: WorldClock) -> None:
    imap.deliver(_letter())
    clock.move_to(START + timedelta(days=1))
    imap.deliver(_letter())
    imap.deliver(_letter())
    with MailBoxUnencrypted(imap.host, imap.port).login(USER, PASSWORD) as mailbox:
        since = mailbox.uids(AND(date_gte=date(2026, 11, 3)))
        found = [mailbox.uids(one) for one in ("ALL", "UID 2:*", "UID 9:*", "UID 1,3", "BEFORE 3-Nov-2026")]

    assert since == ["2", "3"]
    # A range to the end always holds the last message, even if it begins behind it (RFC 3501, 6.4.8).
    assert found == [["1", "2", "3"], ["2", "3"], ["3"], ["1", "3"], ["1"]]


def test_a_part_of_a_message_is_as_long_as_was_asked_for(imap: Imap) -> None:
    imap.deliver(_letter())
    client = _client(imap)
    client.select(FOLDER, readonly=True)
    _, answer = client.uid("FETCH", "1", "(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<5.20>)")
    client.logout()

    head, data = answer[0]
    assert data == imap.messages()[0].raw[5:25]
    assert b'INTERNALDATE "02-Nov-2026 09:00:00 +0000"' in head
    assert b"BODY[]<5>" in head


def test_a_password_may_hold_whatever_a_quoted_string_can(imap: Imap) -> None:
    client = imaplib.IMAP4(imap.host, imap.port, timeout=2)

    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(USER, 'wrong "one" \\ (x)')
    client.logout()


def test_without_login_or_folder_nothing_is_shown(imap: Imap) -> None:
    client = imaplib.IMAP4(imap.host, imap.port, timeout=2)
    client.state = "AUTH"
    with pytest.raises(imaplib.IMAP4.error, match="log in first"):
        client.select(FOLDER)
    client.shutdown()
    client = _client(imap)
    assert client.select("Elsewhere")[0] == "NO"
    client.logout()


def test_renumbering_changes_uidvalidity_and_the_uids(imap: Imap) -> None:
    for _ in range(3):
        imap.deliver(_letter())
    imap.remove(1)
    client = _client(imap)
    client.select(FOLDER, readonly=True)
    before = (client.response("UIDVALIDITY")[1], client.uid("SEARCH", "ALL")[1])
    imap.renumber()
    client.select(FOLDER, readonly=True)
    after = (client.response("UIDVALIDITY")[1], client.uid("SEARCH", "ALL")[1])
    client.logout()

    assert (before, after) == (([b"1"], [b"2 3"]), ([b"2"], [b"1 2"]))


# ---- faults ----


@pytest.mark.parametrize(
    ("kind", "operation", "raised"),
    [
        ("unauthorized", "LOGIN", "AUTHENTICATIONFAILED"),
        ("drop_before", "LOGIN", "socket error|EOF|reset"),
        ("drop_before", "FETCH", "socket error|EOF|reset"),
        ("cut_after", "FETCH", "unexpected|EOF|socket error|command"),
        ("too_many", "EXAMINE", "too many connections"),
        ("server_error", "SEARCH", "try again later"),
    ],
)
def test_a_fault_strikes_once_at_its_command(
    imap: Imap, faults: Faults, kind: Any, operation: str, raised: str
) -> None:
    imap.deliver(_letter("long " * 50))
    faults.install(Rule("imap", kind, operation))

    with pytest.raises((OSError, imaplib.IMAP4.error), match=raised):
        _read_all(imap)
    assert _read_all(imap) == 1


def _read_all(imap: Imap) -> int:
    client = imaplib.IMAP4(imap.host, imap.port, timeout=1)
    try:
        client.login(USER, PASSWORD)
        client.select(FOLDER, readonly=True)
        answer, found = client.uid("SEARCH", "ALL")
        if answer != "OK":
            raise imaplib.IMAP4.error(str(found))
        _, data = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return sum(isinstance(one, tuple) for one in data)
    finally:
        client.shutdown()


def test_silence_lasts_as_long_as_its_rule_says(imap: Imap, faults: Faults) -> None:
    faults.install(Rule("imap", "timeout_before", "LOGIN", seconds=5))
    begun = time.monotonic()

    client = imaplib.IMAP4(imap.host, imap.port, timeout=0.3)
    with pytest.raises(OSError, match="timed out"):
        client.login(USER, PASSWORD)
    client.shutdown()
    assert time.monotonic() - begun < 2


def test_a_refused_login_is_what_imap_tools_calls_one(imap: Imap) -> None:
    with pytest.raises(MailboxLoginError), MailBoxUnencrypted(imap.host, imap.port) as mailbox:
        mailbox.login(USER, "wrong")


# ---- what customers answer ----


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(customers=0, now=MONDAY) as world:
        world.world.add_customer("Northfield", "ap@northfield.example", 30)
        _mail_to(world, "ap@northfield.example")
        yield world


def _mail_to(served: Served, address: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "billing@seller.example", address, "INV-1: payment is overdue"
    message["Message-ID"], message["Reply-To"] = "<ours-1@seller.example>", USER
    message.set_content("Please pay INV-1.")
    message.add_alternative("<p>Please pay INV-1.</p>", subtype="html")
    with smtplib.SMTP(str(served.world.mailbox.host), served.world.mailbox.port, timeout=2) as client:
        client.send_message(message)


def _do(served: Served, deed: str, **body: object) -> EmailMessage:
    from sandbox.imap_answers import answer_deed

    answer_deed(served.world, deed, body)
    return message_from_bytes(served.world.imap.messages()[-1].raw, policy=default)


def test_an_answer_names_our_message_and_quotes_it(served: Served) -> None:
    message = _do(served, "answer", customer="Northfield", text="We will pay on Friday.")

    assert (message["From"], message["To"]) == ("ap@northfield.example", USER)
    assert message["In-Reply-To"] == "<ours-1@seller.example>"
    assert str(message["References"]).endswith(" <ours-1@seller.example>")
    assert message.get_content().splitlines()[0] == "We will pay on Friday."
    assert "> Please pay INV-1." in message.get_content()


def test_an_answer_may_be_html_alone_with_something_attached(served: Served) -> None:
    message = _do(served, "answer", customer="Northfield", text="Paid.", html=True, attached_bytes=5000)

    assert message.get_body(preferencelist=("plain",)) is None
    assert [len(part.get_content()) for part in message.iter_attachments()] == [5000]


def test_a_bounce_is_a_delivery_report_with_our_headers(served: Served) -> None:
    message = _do(served, "bounce", customer="Northfield", status="5.1.1")

    assert message.get_content_type() == "multipart/report"
    parts: dict[str, Any] = {part.get_content_type(): part for part in message.walk()}
    recipient = parts["message/delivery-status"].get_payload()[1]
    assert (recipient["Final-Recipient"], recipient["Status"], recipient["Action"]) == (
        "rfc822; ap@northfield.example",
        "5.1.1",
        "failed",
    )
    assert "Message-ID: <ours-1@seller.example>" in parts["text/rfc822-headers"].get_payload()


def test_an_automatic_answer_and_foreign_mail(served: Served) -> None:
    away = _do(served, "out_of_office", customer="Northfield")
    other = _do(served, "write", sender="news@elsewhere.example", subject="Offers", text="Buy now")

    assert away["Auto-Submitted"] == "auto-generated"
    assert str(away["Subject"]).startswith("Automatic reply: ")
    assert (other["In-Reply-To"], other["Subject"]) == (None, "Offers")


@pytest.mark.parametrize(
    ("deed", "body", "error"),
    [
        ("answer", {"customer": "Nobody", "text": "x"}, LookupError),
        ("sing", {}, LookupError),
        ("answer", {"customer": "Northfield", "text": "x", "loud": True}, TypeError),
        ("write", {"sender": "a@b.example", "subject": "s", "text": "t", "loud": True}, ValueError),
    ],
)
def test_what_is_not_known_is_refused(served: Served, deed: str, body: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        _do(served, deed, **body)
