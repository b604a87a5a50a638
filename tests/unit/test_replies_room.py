"""What follows from a customer's answer: the real loop and store, answers over real IMAP; the rest in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from answers_cases import MONDAY, POLICY, Case, invoice, usd
from pydantic import SecretStr
from sqlalchemy import select

from connector import replies
from connector.adapters.mailbox import ImapMailbox, MailboxSettings
from connector.adapters.templates import Templates
from connector.decisions import replies as decision
from connector.errors import Transient
from connector.ports import MailItem, ReminderMail
from connector.receivables import Customer, PaymentState, ReminderState
from connector.store import Tx, book, gate, verdicts
from connector.store import tables as t
from connector.store.gate import MessageState
from connector.store.verdicts import OpenException
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.imap import PASSWORD, USER, Imap
from sandbox.imap_answers import answer, bounce, letter, out_of_office
from sandbox.mailbox import Message

AP = "ap@northfield.example"
TEMPLATES = Path(__file__).resolve().parents[2] / "mappings" / "templates"


class Answered(Case):
    """The small installation, with a reply-to mailbox on a real server."""

    def __init__(self, folder: Path, imap: Imap) -> None:
        super().__init__(folder, POLICY)
        self.imap, self.folder = imap, folder
        settings = MailboxSettings(imap.host, imap.port, USER, SecretStr(PASSWORD), tls=False, timeout_seconds=3)
        self.mailbox = ImapMailbox(settings)

    def parts(self, store: Any = None) -> Any:
        return replace(super().parts(store), mailbox=self.mailbox)

    def last(self) -> Message:
        """Our last mail as the customer has it."""
        mail = self.channel.mails[-1]
        headers = (("Message-ID", mail.message_id), ("Subject", "INV-1001: due soon"), ("Reply-To", USER))
        return Message(1, self.clock.at, None, mail.sender, (mail.to,), headers, "Please pay INV-1001.", "", b"")

    def answers(self, text: str, **more: Any) -> None:
        self.imap.deliver(answer(AP, self.last(), text, self.clock.at, **more))

    def open(self) -> list[OpenException]:
        with self.store.read() as tx:
            return list(verdicts.open_exceptions(tx))

    def kinds(self) -> list[str]:
        return [one.kind for one in self.open()]

    def mailed(self) -> list[str]:
        """Which invoices and steps were ever mailed about."""
        return [f"{item.number} {item.step}" for mail in self.channel.mails for item in mail.items]

    def steps(self, invoice_id: str = "1001") -> dict[str, ReminderState]:
        with self.store.read() as tx:
            return {one.step: one.state for one in gate.reminders(tx, [invoice_id])[invoice_id]}

    def taken(self) -> list[tuple[str, str]]:
        with self.store.read() as tx:
            rows = tx.execute(select(t.reply.c.kind, t.reply.c.customer_id).order_by(t.reply.c.taken_at))
            return [(kind, customer) for kind, customer in rows]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def case(tmp_path: Path, faults: Faults) -> Iterator[Answered]:
    clock = WorldClock()
    clock.start_at(MONDAY)
    imap = Imap(clock, Sequence(clock), faults).start()
    made = Answered(tmp_path, imap)
    made.bill(
        invoice("INV-1001", "100.00", date(2026, 8, 15), date(2026, 9, 14)),
        invoice("INV-1002", "250.00", date(2026, 8, 15), date(2026, 9, 14)),
        invoice("INV-1003", "70.00", date(2026, 8, 15), date(2026, 9, 30)),
    )
    made.tick()
    assert made.mailed() == ["INV-1001 -7", "INV-1002 -7"]
    yield made
    made.store.close()
    imap.stop()


# ---- a person ----


def test_a_persons_answer_pauses_the_customer_for_five_business_days_and_is_shown(case: Answered) -> None:
    case.answers("Who approved this? My number is 555-0100.", subject="Re: INV-1001, ask ana@northfield.example")
    case.tick(minutes=5)

    (shown,) = case.open()
    assert (shown.kind, shown.customer_id, shown.amount) == ("customer_answered", "C1", usd("350.00"))
    assert "Northfield Robotics answered our message of 2026-09-07 about INV-1001, INV-1002" in shown.reason
    assert "Re:" not in shown.reason  # the customer's own words stay in the mailbox
    assert "Reminders wait until 2026-09-14; please answer" in shown.reason
    case.tick(days=7)
    # Also what the answer didn't speak of waits, and on the next day all of it goes on.
    assert case.mailed() == ["INV-1001 -7", "INV-1002 -7"]
    case.tick(days=1)
    assert case.mailed()[2:] == ["INV-1001 +1", "INV-1002 +1"]
    case.tick(days=1)
    assert case.kinds() == []


def test_a_dispute_says_what_it_seems_to_be(case: Answered) -> None:
    case.answers("We dispute line 2: the seats were cancelled.")
    case.tick(minutes=5)

    assert "if that is a dispute, enter it in the ERP" in case.open()[0].reason


def test_a_second_answer_pauses_anew_and_is_one_exception(case: Answered) -> None:
    case.answers("Looking into it.")
    case.tick(minutes=5)
    case.answers("Still looking.")
    case.tick(days=2)

    assert case.kinds() == ["customer_answered"]
    assert "wait until 2026-09-16" in case.open()[0].reason


def test_nothing_that_was_written_is_kept(case: Answered, caplog: pytest.LogCaptureFixture) -> None:
    case.answers("The vault opens with swordfish-9.")
    case.tick(minutes=5)

    stored = b"".join(path.read_bytes() for path in case.folder.glob("connector*"))
    assert b"swordfish" not in stored
    assert "swordfish" not in caplog.text


# ---- nobody ----


@pytest.mark.parametrize("how", ["out of office", "bounce for now", "foreign"])
def test_what_no_person_wrote_to_us_changes_nothing(case: Answered, how: str) -> None:
    raw = {
        "out of office": out_of_office(AP, case.last(), case.clock.at),
        "bounce for now": bounce(case.last(), case.clock.at, status="4.4.7"),
        "foreign": letter("news@elsewhere.example", USER, "stop", "We have paid. Stop.", case.clock.at),
    }[how]
    case.imap.deliver(raw)
    case.tick(minutes=5)
    case.tick(days=7)

    expected = {"out of office": [("out_of_office", "C1")], "bounce for now": [("bounce_temporary", "C1")]}
    assert case.taken() == expected.get(how, [])
    assert case.kinds() == []
    assert case.mailed()[2:] == ["INV-1001 0", "INV-1002 0"]


# ---- once ----


def test_an_answer_is_taken_once_however_often_it_is_read(case: Answered) -> None:
    case.answers("Who approved this?")
    case.tick(minutes=5)
    case.imap.renumber()
    case.tick(minutes=5)
    case.tick(minutes=5)

    assert case.taken() == [("human", "C1")]
    with case.store.read() as tx:
        told = tx.execute(select(t.journal.c.invoice_id).where(t.journal.c.event == "reply_taken")).scalars().all()
        paused = tx.execute(select(t.pause.c.id)).scalars().all()
    assert (sorted(told), len(paused)) == (["1001", "1002"], 1)


def test_what_was_taken_before_a_crash_is_not_taken_again(case: Answered) -> None:
    """The cursor is committed with the answers: a restart reads on, or reads again and finds them taken."""
    case.answers("Who approved this?")
    case.tick(minutes=5)
    with case.store.tx() as tx:
        book.put_source(tx, "mailbox", cursor="", fresh_as_of=case.clock.at)
    case.tick(minutes=5)

    assert case.taken() == [("human", "C1")]


def test_a_mailbox_that_cant_be_read_is_told_and_stays_at_its_age(case: Answered, faults: Faults) -> None:
    faults.install(Rule("imap", "drop_before", "FETCH"))
    case.answers("Who approved this?")
    before = fresh(case)
    case.clock.at += timedelta(minutes=5)
    with pytest.raises(Transient):
        replies.read_replies(case.parts(), case.clock.at)
    assert (fresh(case), case.taken()) == (before, [])
    case.tick(minutes=5)
    assert (fresh(case), case.taken()) == (case.clock.at, [("human", "C1")])


def fresh(case: Answered) -> Any:
    with case.store.read() as tx:
        return book.source_state(tx, "mailbox")[1]


def test_without_a_mailbox_nothing_is_read(tmp_path: Path) -> None:
    alone = Case(tmp_path)
    replies.read_replies(alone.parts(), MONDAY)
    with alone.store.read() as tx:
        assert book.source_state(tx, "mailbox") == ("", None, None)
    alone.store.close()


@pytest.mark.parametrize(
    ("sender", "subject", "text", "taken"),
    [
        (AP, "INV-1001", "We have paid it.", [("already_paid", "C1")]),
        (AP.upper(), "your invoices", "INV-1002, which order is it?", [("human", "C1")]),
        (AP, "Automatic reply: Invoice INV-1001: due soon", "", [("out_of_office", "C1")]),
        # Another number, another sender, nothing named: not an answer to ours.
        (AP, "INV-10011", "We have paid it.", []),
        (AP, "Your price list", "We have paid enough.", []),
        ("news@elsewhere.example", "INV-1001", "We have paid it.", []),
    ],
)
def test_a_letter_that_names_no_message_is_known_by_its_sender_and_an_invoice(
    case: Answered, sender: str, subject: str, text: str, taken: list[tuple[str, str]]
) -> None:
    case.imap.deliver(letter(sender, USER, subject, text, case.clock.at))
    case.tick(minutes=5)

    assert case.taken() == taken


def test_such_a_letter_counts_for_two_weeks_after_our_message(case: Answered) -> None:
    case.imap._clock = lambda: MONDAY + timedelta(days=15)  # type: ignore[method-assign]
    case.imap.deliver(letter(AP, USER, "INV-1001", "We have paid it.", case.clock.at))
    replies.read_replies(case.parts(), case.clock.at)

    assert case.taken() == []


# ---- paid ----


def test_says_paid_holds_these_invoices_and_lists_the_money_that_waits(case: Answered) -> None:
    case.pay("ch_1", "33.00", "?", state=PaymentState.SUCCEEDED)
    case.tick(minutes=5)
    case.answers("Both invoices were paid last Friday.")
    case.tick(minutes=5)

    shown = next(one for one in case.open() if one.kind == "says_paid")
    assert "look for the money" in shown.reason
    assert shown.explanations == ("payment ch_1 of 33.00 USD, received on 2026-09-07, pays nothing yet",)
    case.tick(days=7)
    # What it did not speak of goes on.
    assert [one for one in case.mailed() if "INV-1001" in one or "INV-1002" in one] == ["INV-1001 -7", "INV-1002 -7"]


def test_says_paid_is_over_once_the_invoices_are_paid(case: Answered) -> None:
    case.answers("It has been paid.")
    case.tick(minutes=5)
    assert case.open()[0].explanations == ("no money of this customer waits to be matched",)
    for number in ("INV-1001", "INV-1002"):
        case.erp.change(number, balance=usd("0.00"))
    case.tick(minutes=5)
    case.tick(minutes=5)

    assert case.kinds() == []


def test_says_paid_holds_past_the_policys_longest_hold_until_a_person_has_looked(case: Answered) -> None:
    case.answers("It has been paid.")
    case.tick(minutes=5)
    for _ in range(32):
        case.tick(days=1)

    assert {"says_paid", "pause_overdue"} <= set(case.kinds())  # its owner is told, every week
    assert not [one for one in case.mailed()[2:] if "INV-1001" in one]

    with case.store.tx() as tx:
        replies.settle(tx, "C1", "controller", "there is no money", case.clock.at.date())
    case.tick(days=1)

    assert not {"says_paid", "pause_overdue"} & set(case.kinds())
    assert "INV-1001 +7" in case.mailed()


# ---- stop ----


def test_an_answer_that_no_rule_thought_of_is_for_a_person_and_keeps_no_other_mail_back(case: Answered) -> None:
    def falls_over(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the words of the mail")

    case.answers("1/0")
    with patch("connector.replies.decision.decide", falls_over):
        case.tick(minutes=5)

    assert [("human", "C1")] == case.taken()
    assert all("the words of the mail" not in one.reason for one in case.open())


def test_stop_holds_the_whole_customer_until_somebody_has_decided(case: Answered) -> None:
    case.answers("STOP")
    case.tick(minutes=5)
    case.tick(days=40)

    assert case.mailed() == ["INV-1001 -7", "INV-1002 -7"]
    assert "asked_to_stop" in case.kinds()
    assert "somebody has decided" in next(one for one in case.open() if one.kind == "asked_to_stop").reason
    case.erp.customers["C1"] = Customer("C1", "Northfield Robotics", AP, is_excluded=True, exclusion="do not contact")
    case.tick(minutes=5)
    case.tick(minutes=5)
    assert "asked_to_stop" not in case.kinds()
    assert case.mailed() == ["INV-1001 -7", "INV-1002 -7"]


# ---- dealt with ----


@pytest.mark.parametrize(
    ("text", "kind"), [("STOP", "asked_to_stop"), ("It was paid.", "says_paid"), ("Why so much?", "customer_answered")]
)
def test_what_a_person_has_dealt_with_goes_on(case: Answered, text: str, kind: str) -> None:
    case.answers(text)
    case.tick(minutes=5)
    assert case.kinds() == [kind]
    with case.store.tx() as tx:
        assert replies.settle(tx, "northfield ROBOTICS", "controller", "spoke to them", date(2026, 9, 8)) == (kind,)
        assert replies.settle(tx, "C1", "controller", "again", date(2026, 9, 8)) == ()
        assert replies.settle(tx, "Nobody", "controller", "", date(2026, 9, 8)) is None
    for _ in range(7):
        case.tick(days=1)

    assert case.kinds() == []
    assert case.mailed()[2:] == ["INV-1001 0", "INV-1002 0"]
    with case.store.read() as tx:
        (ended,) = tx.execute(select(t.exception.c.close_reason)).scalars()
    assert ended == "controller has dealt with it: spoke to them"


# ---- came back ----


@pytest.mark.parametrize("named", [True, False])
def test_a_mail_that_came_back_counts_as_not_sent_until_the_contact_is_corrected(case: Answered, named: bool) -> None:
    case.imap.deliver(bounce(case.last(), case.clock.at, with_original=named))
    case.tick(minutes=5)

    (shown,) = case.open()
    assert (shown.kind, shown.customer_id) == ("fix_contact", "C1")
    assert "came back with 5.1.1" in shown.reason
    assert case.steps()["-7"] is ReminderState.HELD
    case.tick(days=1)
    assert len(case.channel.mails) == 1
    case.erp.customers["C1"] = Customer("C1", "Northfield Robotics", "payables@northfield.example")
    case.tick(minutes=5)
    case.tick(minutes=5)
    assert case.kinds() == []
    assert [mail.to for mail in case.channel.mails] == [AP, "payables@northfield.example"]
    assert case.mailed()[2:] == ["INV-1001 -7", "INV-1002 -7"]


def test_a_step_that_came_back_late_is_not_sent_after_a_later_one(case: Answered) -> None:
    first = case.last()
    case.tick(days=7)
    case.erp.customers["C1"] = Customer("C1", "Northfield Robotics", "payables@northfield.example")
    case.tick(minutes=5)
    case.imap.deliver(bounce(first, case.clock.at))
    case.tick(days=1)

    # The address is another one by now: nobody has to correct it, and the later step has left.
    assert case.kinds() == []
    assert case.mailed()[2:] == ["INV-1001 0", "INV-1002 0", "INV-1001 +1", "INV-1002 +1"]
    assert case.steps()["-7"] is ReminderState.MISSED


def test_a_copy_that_came_back_leaves_the_message_delivered(case: Answered) -> None:
    with case.store.tx() as tx:
        keep_mail(tx, replace(case.channel.mails[-1], cc=("cfo@northfield.example",)))
    case.imap.deliver(bounce(case.last(), case.clock.at, failed="CFO@northfield.example"))
    case.tick(minutes=5)

    assert case.kinds() == ["fix_copy"]
    assert case.steps()["-7"] is ReminderState.SENT
    case.erp.customers["C1"] = Customer("C1", "Northfield Robotics", AP, cc=("controller@northfield.example",))
    case.tick(minutes=5)
    assert case.kinds() == []


def test_what_came_back_from_our_own_test_address_says_nothing_of_the_customers(case: Answered) -> None:
    case.channel.redirect_all_to = "everything@test.example"
    case.imap.deliver(bounce(case.last(), case.clock.at, failed="everything@test.example"))
    case.tick(minutes=5)

    assert (case.kinds(), case.steps()["-7"]) == ([], ReminderState.SENT)
    assert case.taken() == [("bounce_permanent", "C1")]


def keep_mail(tx: Tx, mail: ReminderMail) -> None:
    tx.execute(t.message.update().where(t.message.c.id == mail.message_id).values(mail=book.to_json(mail)))


def test_taking_a_mail_back_twice_is_as_once(case: Answered) -> None:
    message_id = case.channel.mails[-1].message_id
    with case.store.tx() as tx:
        assert gate.came_back(tx, message_id, "it came back")
        assert not gate.came_back(tx, message_id, "it came back")
        assert gate.read_message(tx, message_id) is not None
        assert gate.read_message(tx, message_id)[1] is MessageState.CAME_BACK  # type: ignore[index]


# ---- strangers ----


def test_what_cant_be_read_is_parked_for_a_while_and_holds_by_what_it_names(case: Answered) -> None:
    ours = case.last().header("Message-ID").encode()
    case.imap.deliver(b"In-Reply-To: " + ours + b"\r\n" + b"X-A: b\r\n" * 600 + b"\r\nhello")
    case.tick(minutes=5)

    assert case.kinds() == ["customer_answered"]
    assert parked(case) == [("1:1", "headers")]
    case.tick(days=15)
    assert parked(case) == []


def parked(case: Answered) -> list[tuple[str, str]]:
    with case.store.read() as tx:
        rows = tx.execute(select(t.parked.c.record, t.parked.c.field).where(t.parked.c.source == "mailbox"))
        return [(record, field) for record, field in rows]


def test_more_mail_than_one_read_takes_is_read_to_its_end(case: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.adapters.mailbox.MESSAGES_MAX", 3)
    for number in range(7):
        case.imap.deliver(letter("news@elsewhere.example", USER, f"no {number}", "Buy now", case.clock.at))
    case.answers("Who approved this?")
    case.tick(minutes=5)

    assert (case.taken(), fresh(case)) == ([("human", "C1")], case.clock.at)


# ---- our own words ----


@pytest.mark.parametrize("name", sorted({path.name.split(".")[0] for path in TEMPLATES.glob("[!_]*.txt.j2")}))
def test_our_own_words_mean_nothing_even_where_nothing_marks_them_as_quoted(name: str) -> None:
    owed, templates = usd("45000.00"), Templates(TEMPLATES, ("pay.example",))
    for days in (-7, 0, 7):
        item = MailItem("INV-1", date(2026, 9, 14), days, owed, owed, "+7", "https://pay.example/1", "PO", usd("10.00"))
        mail = ReminderMail(
            "<x@y.example>", "Northfield", AP, "b@ours.example", USER, name, date(2026, 9, 21), (item,), (usd("5.00"),)
        )
        found = decision.decide("Re: INV-1", templates.render(mail).text, answers_ours=True, seems_automatic=True)

        assert found.kind in {"human", "dispute"}
