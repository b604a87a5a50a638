"""The reply-to mailbox over real IMAP: each answer read once, nothing marked, and no harm from what strangers write."""

from __future__ import annotations

import datetime as when
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.adapters.mailbox import MESSAGE_BYTES_MAX, MESSAGES_MAX, ImapMailbox, MailboxSettings
from connector.adapters.mailbox_mime import Unreadable, names_only, read
from connector.errors import Terminal, Transient
from connector.ports import MailboxRead, Reply
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.imap import PASSWORD, USER, Imap
from sandbox.imap_answers import answer, bounce, letter, out_of_office
from sandbox.mailbox import Message

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = "<arc-t1-7-2026-11-02@seller.example>"
AP = "ap@northfield.example"
SENT = Message(
    sequence=1,
    at=START,
    stamp=None,
    mail_from="billing@seller.example",
    rcpt_to=(AP,),
    headers=(("Message-ID", OURS), ("Subject", "INV-1: payment is overdue"), ("Reply-To", USER)),
    text="To accounts payable,\nplease pay INV-1, or tell us that it was paid.\n",
    html="<p>please pay INV-1, or tell us that it was paid.</p>",
    raw=b"",
)


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


def mailbox(imap: Imap, **changes: Any) -> ImapMailbox:
    settings = MailboxSettings(imap.host, imap.port, USER, SecretStr(PASSWORD), tls=False, timeout_seconds=3.0)
    return ImapMailbox(replace(settings, **changes))


def once(imap: Imap, raw: bytes) -> Reply:
    """What is read of this one message, over the wire."""
    imap.deliver(raw)
    (reply,) = mailbox(imap).read_since("", START).replies
    return reply


def subjects(done: MailboxRead) -> list[str]:
    return [reply.subject for reply in done.replies]


def put(imap: Imap, *names: str) -> None:
    for name in names:
        imap.deliver(letter("ana@firm.example", USER, name, "Hello.", START))


# ---- where to go on ----


def test_each_message_is_read_once_and_nothing_is_marked(imap: Imap) -> None:
    put(imap, "one", "two")
    box = mailbox(imap)
    first = box.read_since("", START)
    put(imap, "three")
    second = box.read_since(first.cursor, START)
    third = box.read_since(second.cursor, START)

    assert [subjects(one) for one in (first, second, third)] == [["one", "two"], ["three"], []]
    assert [one.cursor for one in (first, second, third)] == ["1:2", "1:3", "1:3"]
    assert (first.is_whole, first.requested_at) == (True, START)
    assert imap.touched() == []


def test_the_first_read_begins_with_what_came_today(imap: Imap, clock: WorldClock) -> None:
    put(imap, "of yesterday")
    clock.move_to(START + timedelta(days=1))
    first = mailbox(imap).read_since("", clock())
    put(imap, "of today")
    second = mailbox(imap).read_since(first.cursor, clock())

    assert (subjects(first), first.cursor) == ([], "1:1")
    assert (subjects(second), second.cursor) == (["of today"], "1:2")


def test_an_empty_folder_has_a_place_to_go_on_from(imap: Imap) -> None:
    first = mailbox(imap).read_since("", START)
    put(imap, "one")

    assert first.cursor == "1:0"
    assert subjects(mailbox(imap).read_since(first.cursor, START)) == ["one"]


def test_new_uids_mean_that_the_last_days_are_read_again(imap: Imap, clock: WorldClock) -> None:
    put(imap, "long ago")
    clock.move_to(START + timedelta(days=20))
    put(imap, "two", "three")
    before = mailbox(imap).read_since("1:1", clock())
    imap.renumber()
    put(imap, "four")
    after = mailbox(imap).read_since(before.cursor, clock())

    # None is missed, those of the last days come twice under their own Message-IDs, and the oldest do not.
    assert (before.cursor, subjects(after), after.cursor) == ("1:3", ["two", "three", "four"], "2:4")
    assert [one.id for one in after.replies][:2] == [one.id for one in before.replies]


def test_a_cursor_that_nobody_wrote_is_read_as_none(imap: Imap) -> None:
    put(imap, "one")

    assert subjects(mailbox(imap).read_since("whatever", START)) == ["one"]


def test_many_messages_are_read_in_parts(imap: Imap) -> None:
    put(imap, *(f"no {number}" for number in range(MESSAGES_MAX + 5)))
    first = mailbox(imap, timeout_seconds=30).read_since("", START)
    second = mailbox(imap).read_since(first.cursor, START)

    assert (len(first.replies), first.is_whole) == (MESSAGES_MAX, False)
    assert (len(second.replies), second.is_whole) == (5, True)


def test_a_slow_server_gets_on_read_by_read(imap: Imap) -> None:
    """Each look at the clock takes a tenth of a second: no read reaches the end, and none begins anew."""
    names = [f"no {number}" for number in range(40)]
    put(imap, *names)
    looks = count()
    settings = MailboxSettings(imap.host, imap.port, USER, SecretStr(PASSWORD), tls=False, timeout_seconds=10)
    slow, cursor, told, reads = ImapMailbox(settings, lambda: next(looks) / 10), "1:0", [], 0
    while len(told) < len(names):
        done = slow.read_since(cursor, START)
        assert done.is_whole == (len(told) + len(done.replies) == len(names))
        told += subjects(done)
        cursor, reads = done.cursor, reads + 1

    assert (told, reads > 1) == (names, True)


# ---- what an answer is ----


def test_a_persons_answer_without_what_it_quotes(imap: Imap) -> None:
    reply = once(imap, answer(f"Ana Ölker <{AP}>", SENT, "We will pay on Friday.", START))

    assert reply.answers == (OURS, "<thread-root@elsewhere.example>")
    assert (reply.sender, reply.received_at) == (AP, START)
    assert (reply.subject, reply.text) == ("Re: INV-1: payment is overdue", "We will pay on Friday.")
    assert (reply.is_automatic, reply.seems_automatic, reply.failed_with) == (False, False, "")


@pytest.mark.parametrize("how", [{"by_references": True}, {"html": True}, {"html": True, "attached_bytes": 3000}])
def test_it_is_found_by_references_alone_and_in_html_alone(imap: Imap, how: dict[str, Any]) -> None:
    reply = once(imap, answer(AP, SENT, "We will pay on Friday.", START, **how))

    assert OURS in reply.answers
    assert reply.text == "We will pay on Friday."


def test_a_large_file_is_not_fetched_and_the_words_before_it_are(imap: Imap) -> None:
    reply = once(imap, answer(AP, SENT, "See attached.", START, attached_bytes=4 * MESSAGE_BYTES_MAX))

    assert (reply.text, OURS in reply.answers) == ("See attached.", True)


def test_an_automatic_answer_and_a_ticket_system(imap: Imap) -> None:
    away = once(imap, out_of_office(AP, SENT, START))

    assert (away.is_automatic, away.seems_automatic) == (False, True)
    assert away.subject == "Automatic reply: INV-1: payment is overdue"


@pytest.mark.parametrize(
    ("headers", "is_automatic", "seems_automatic"),
    [
        ({"Auto-Submitted": "auto-replied"}, True, True),
        ({"Auto-Submitted": "Auto-Replied; owner=x"}, True, True),
        ({"Auto-Submitted": "auto-generated"}, False, True),
        ({"Auto-Submitted": "no"}, False, False),
        ({"Precedence": "auto_reply"}, True, True),
        ({"Precedence": "bulk"}, False, True),
        ({"Precedence": "list"}, False, True),
        ({"X-Auto-Response-Suppress": "OOF, AutoReply"}, False, True),
        ({"X-Autoreply": "yes"}, True, False),
        ({}, False, False),
    ],
)
def test_what_headers_say_of_who_wrote_it(
    imap: Imap, headers: dict[str, str], is_automatic: bool, seems_automatic: bool
) -> None:
    reply = once(imap, answer(AP, SENT, "Hello.", START, headers=headers))

    assert (reply.is_automatic, reply.seems_automatic) == (is_automatic, seems_automatic)


@pytest.mark.parametrize(
    ("raw", "failed_with", "failed_to", "names_ours"),
    [
        (bounce(SENT, START), "5.1.1", AP, True),
        (bounce(SENT, START, status="4.4.7"), "4.4.7", AP, True),
        (bounce(SENT, START, failed="else@northfield.example"), "5.1.1", "else@northfield.example", True),
        (bounce(SENT, START, with_original=False), "5.1.1", AP, False),
        (bounce(SENT, START).replace(b"Status: 5.1.1", b"Status: never"), "5.0.0", AP, True),
        (bounce(SENT, START).replace(b"Action: failed", b"Action: relayed"), "", "", True),
        # A mail server of old, which says it in words alone.
        (
            letter("MAILER-DAEMON@northfield.example", USER, "failure notice", f"<{AP}>: 550 5.1.1 unknown", START),
            "5.1.1",
            "",
            False,
        ),
        (letter("ana@northfield.example", USER, "failure", "our ticket 5.1.1 is open", START), "", "", False),
    ],
)
def test_a_delivery_report(imap: Imap, raw: bytes, failed_with: str, failed_to: str, names_ours: bool) -> None:
    reply = once(imap, raw)

    assert (reply.failed_with, reply.failed_to) == (failed_with, failed_to)
    assert (OURS in reply.answers) == names_ours


def test_a_message_without_a_message_id_has_the_same_name_at_every_reading(imap: Imap) -> None:
    raw = b"From: ana@firm.example\r\nSubject: hi\r\n\r\nHello\r\n"
    first = once(imap, raw)
    imap.renumber()

    (again,) = mailbox(imap).read_since("1:1", START).replies
    assert first.id == again.id
    assert first.id.startswith("<no-id-")


# ---- what strangers write ----

HEAD = f"From: {AP}\r\nIn-Reply-To: {OURS}\r\nMessage-ID: <x@y.example>\r\n".encode()
HOSTILE = {
    "no headers": b"\r\nhello",
    "nothing": b"",
    "only a line break": b"\r\n",
    "a boundary that never comes": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nhello',
    "parts without end": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 500,
    "a charset that nobody knows": HEAD + b"Content-Type: text/plain; charset=martian\r\n\r\nhello",
    "bytes that are no text": HEAD + b"\r\n" + bytes(range(256)),
    "base64 that is none": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n&&&&",
    "a wrong encoded word": HEAD + b"Subject: =?utf-8?b?A?=\r\n\r\nhello",
    "eight-bit headers": HEAD + b"Subject: \xff\xfe hello\r\n\r\nhello",
    "many headers": HEAD + b"X-A: b\r\n" * 600 + b"\r\nhello",
    "a subject of many lines": HEAD + b"Subject: a\r\n b\r\n\tBcc: c\r\n\r\nhello",
    "from everywhere": b"From: <><@>,,;;\r\n\r\nhello",
    "html without end": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 5000 + b"hello",
    "a multipart that says it is base64": HEAD
    + b'Content-Type: multipart/mixed; boundary="b"\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nx\r\n--b--',
    "a charset with a null byte": HEAD + b'Content-Type: text/plain; charset="a\x00b"\r\n\r\nhello',
    "a report without parts": HEAD + b"Content-Type: multipart/report\r\n\r\nhello",
    "a report of reports": HEAD + b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_stops_nothing_and_is_read_or_parked(imap: Imap, name: str) -> None:
    imap.deliver(HOSTILE[name])
    put(imap, "the next one")

    done = mailbox(imap).read_since("", START)

    assert (subjects(done)[-1], done.cursor, done.is_whole) == ("the next one", "1:2", True)
    assert len(done.replies) == 2
    for parked in done.parked:
        assert (parked.source, parked.record) == ("mailbox", "1:1")
        assert "hello" not in parked.reason


def test_what_cant_be_read_still_says_what_it_answers(imap: Imap) -> None:
    imap.deliver(HOSTILE["many headers"])

    done = mailbox(imap).read_since("", START)

    assert [(one.field, one.reason) for one in done.parked] == [("headers", "more than 500")]
    assert (done.replies[0].answers[0], done.replies[0].text, done.replies[0].subject) == (OURS, "", "")


def test_a_subject_is_one_line_without_signs_that_turn_text_around(imap: Imap) -> None:
    raw = HEAD + b"Subject: =?utf-8?q?safe=E2=80=AEgnp=0D=0ABcc:_x?=\r\n\r\nhello"

    assert once(imap, raw).subject == "safe gnp Bcc: x"


def test_an_attached_message_is_nobodys_answer() -> None:
    raw = (
        HEAD
        + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
        + b"Subject: stop\r\n\r\nIt was paid.\r\n--b--\r\n"
    )

    assert read(raw, START).text == ""


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_answer_or_unreadable(raw: bytes) -> None:
    try:
        reply = read(HEAD + raw, START)
    except Unreadable:
        reply = names_only(HEAD + raw, START)
    assert OURS in reply.answers
    assert len(reply.text) <= 8000
    assert "\n" not in reply.subject


# ---- a server that can't, or may not be believed ----


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("drop_before", "LOGIN"),
        ("drop_before", "EXAMINE"),
        ("drop_before", "SEARCH"),
        ("drop_before", "FETCH"),
        ("cut_after", "FETCH"),
        ("server_error", "SEARCH"),
        ("server_error", "FETCH"),
        ("too_many", "EXAMINE"),
    ],
)
def test_what_goes_wrong_on_the_way_is_asked_again(imap: Imap, faults: Faults, kind: Any, operation: str) -> None:
    put(imap, "one")
    faults.install(Rule("imap", kind, operation))

    with pytest.raises(Transient, match="just now") as raised:
        mailbox(imap).read_since("1:0", START)
    assert PASSWORD not in str(raised.value)
    assert subjects(mailbox(imap).read_since("1:0", START)) == ["one"]


def test_a_server_that_is_too_slow_ends_with_the_deadline(imap: Imap, faults: Faults) -> None:
    faults.install(Rule("imap", "timeout_before", "SEARCH", seconds=10))
    begun = time.monotonic()

    with pytest.raises(Transient):
        mailbox(imap, timeout_seconds=0.7).read_since("", START)
    assert time.monotonic() - begun < 3


def test_a_server_that_drips_ends_with_the_deadline() -> None:
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while not over.wait(0.1):
                try:
                    connection.sendall(b"*")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        settings = MailboxSettings("127.0.0.1", server.getsockname()[1], USER, SecretStr("x"), tls=False)
        begun = time.monotonic()
        with pytest.raises(Transient):
            ImapMailbox(replace(settings, timeout_seconds=0.8)).read_since("", START)
        assert time.monotonic() - begun < 3
        over.set()
        thread.join(5)


def test_a_wrong_password_and_a_folder_that_isnt_there_are_for_a_person(imap: Imap, faults: Faults) -> None:
    with pytest.raises(Terminal, match="refused the login") as raised:
        mailbox(imap, password=SecretStr("hunter-22")).read_since("", START)
    assert "hunter-22" not in str(raised.value)
    with pytest.raises(Terminal, match="no folder 'Elsewhere'"):
        mailbox(imap, folder="Elsewhere").read_since("", START)
    faults.install(Rule("imap", "unauthorized", "LOGIN"))
    with pytest.raises(Terminal, match="refused the login"):
        mailbox(imap).read_since("", START)


def test_nobody_there_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])

    with pytest.raises(Transient, match="ConnectionRefusedError"):
        ImapMailbox(MailboxSettings("127.0.0.1", port, USER, SecretStr("x"), tls=False)).read_since("", START)


# ---- encryption ----


def test_a_password_never_travels_in_the_clear_beyond_this_machine() -> None:
    settings = MailboxSettings("imap.seller.example", 143, USER, SecretStr(PASSWORD), tls=False)

    with pytest.raises(Terminal, match="in the clear"):
        ImapMailbox(settings).read_since("", START)
    (finding,) = ImapMailbox(settings).check()
    assert (finding.ok, finding.blocking) == (False, True)


@pytest.fixture
def encrypted(faults: Faults, clock: WorldClock, tmp_path: Path) -> Iterator[tuple[Imap, ssl.SSLContext]]:
    """A server with a certificate of its own for 127.0.0.1, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imap.test")])
    now = when.datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, secret)
    started = Imap(clock, Sequence(clock), faults, tls=serving).start()
    yield started, ssl.create_default_context(cafile=str(chain))
    started.stop()


def test_over_tls_it_is_read_as_over_any_wire(encrypted: tuple[Imap, ssl.SSLContext]) -> None:
    imap, trusted = encrypted
    put(imap, "one")

    assert subjects(mailbox(imap, tls=True, trusted=trusted).read_since("", START)) == ["one"]


def test_a_certificate_that_isnt_trusted_gets_no_password(encrypted: tuple[Imap, ssl.SSLContext]) -> None:
    imap, _ = encrypted

    with pytest.raises(Terminal, match="certificate that isn't trusted"):
        mailbox(imap, tls=True).read_since("", START)
    assert imap.counts() == {}


# ---- check ----


def test_check_opens_the_folder_and_says_what_is_wrong(imap: Imap) -> None:
    put(imap, "one")
    (good,) = mailbox(imap).check()
    (bad,) = mailbox(imap, folder="Elsewhere").check()

    assert (good.area, good.ok) == ("mailbox", True)
    assert "its next message gets UID 2" in good.what
    assert (bad.ok, bad.remedy) == (False, "Correct the settings under mailbox.")
