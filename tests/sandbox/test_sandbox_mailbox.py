"""Facts of the mailbox, over real SMTP."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest

from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.mailbox import Mailbox

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def mailbox(faults: Faults) -> Iterator[Mailbox]:
    clock = WorldClock()
    clock.start_at(START)
    started = Mailbox(clock, Sequence(clock), faults).start()
    yield started
    started.stop()


def _send(mailbox: Mailbox, to: str = "ap@firm.example", subject: str = "Invoice INV-1") -> str:
    """Send one message; "sent", or the name of what was raised with the reply code."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ar@seller.example", to, subject
    message["Message-ID"] = "<inv-1.step-0@seller.example>"
    message.set_content("Please pay 1.000 €.")
    message.add_alternative("<p>Please pay</p>", subtype="html")
    try:
        with smtplib.SMTP(mailbox.host, mailbox.port, timeout=0.3) as client:
            client.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        ((code, _),) = refused.recipients.values()
        return f"SMTPRecipientsRefused {code}"
    except smtplib.SMTPException as error:
        return f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()
    return "sent"


def test_a_message_is_kept_as_it_came(mailbox: Mailbox) -> None:
    _send(mailbox, subject="Überfällig")

    (message,) = mailbox.messages()
    assert ("ar@seller.example", ("ap@firm.example",)) == (message.mail_from, message.rcpt_to)
    assert ("Überfällig", "<inv-1.step-0@seller.example>") == (message.header("subject"), message.header("Message-ID"))
    assert ("Please pay 1.000 €.", "<p>Please pay</p>") == (message.text.strip(), message.html.strip())
    assert (START, None) == (message.at, message.stamp)


def test_messages_stand_in_the_worlds_order_of_commits(faults: Faults) -> None:
    clock = WorldClock()
    sequence = Sequence(clock)
    mailbox = Mailbox(clock, sequence, faults).start()
    _send(mailbox)
    sequence("netsuite.payment_added 1")
    _send(mailbox)
    mailbox.stop()

    assert [1, 3] == [message.sequence for message in mailbox.messages()]
    assert [3] == [message.sequence for message in mailbox.messages(after=1)]
    assert "smtp.message <inv-1.step-0@seller.example>" == sequence.commits()[0].what


def test_the_stamp_is_taken_at_the_final_dot(mailbox: Mailbox) -> None:
    stamps = iter([41, 42])
    mailbox.stamp = lambda: next(stamps)

    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=1) as client:
        client.ehlo()
        client.mail("ar@seller.example")
        client.rcpt("ap@firm.example")
        _send(mailbox)
        client.data(b"Subject: the later dot\r\n\r\nhello\r\n")

    assert [(41, "Invoice INV-1"), (42, "the later dot")] == [
        (message.stamp, message.header("subject")) for message in mailbox.messages()
    ]


@pytest.mark.parametrize(
    ("kind", "operation", "outcome", "kept"),
    [
        ("record_refused", "RCPT", "SMTPRecipientsRefused 550", 0),
        ("record_refused", "DATA", "SMTPDataError 550", 0),
        ("server_error", "RCPT", "SMTPRecipientsRefused 451", 0),
        ("server_error", "DATA", "SMTPDataError 451", 0),
        ("too_many", "MAIL", "SMTPSenderRefused 421", 0),
        ("timeout_before", "DATA", "SMTPServerDisconnected", 0),
        ("timeout_after", "DATA", "SMTPServerDisconnected", 1),
        ("drop_before", "DATA", "SMTPServerDisconnected", 0),
        ("drop_after", "DATA", "SMTPServerDisconnected", 1),
        ("drop_before", "MAIL", "SMTPServerDisconnected", 0),
    ],
)
def test_a_fault_strikes_before_or_after_the_message_is_kept(
    mailbox: Mailbox, faults: Faults, kind: Any, operation: str, outcome: str, kept: int
) -> None:
    faults.install(Rule("smtp", kind, operation))

    assert (outcome, kept) == (_send(mailbox), len(mailbox.messages()))
    assert "sent" == _send(mailbox)


def test_a_rules_code_is_the_reply(mailbox: Mailbox, faults: Faults) -> None:
    faults.install(Rule("smtp", "record_refused", "DATA", code="552 5.2.2 Mailbox full"))

    assert "SMTPDataError 552" == _send(mailbox)


def test_an_address_is_refused_until_it_is_accepted_again(mailbox: Mailbox) -> None:
    mailbox.refuse("AP@firm.example")
    refused = [_send(mailbox), _send(mailbox, to="other@firm.example")]
    mailbox.accept("ap@firm.example")

    assert ["SMTPRecipientsRefused 550", "sent"] == refused
    assert "sent" == _send(mailbox)
