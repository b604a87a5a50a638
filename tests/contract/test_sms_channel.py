"""Text messages over real HTTP: at most once, only with the gate's yes, and honest about what became of them; and what
goes instead where one surely failed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from connector.acts import RemindAct
from connector.adapters.sms import TEXT_MAX, SmsChannel, SmsSettings
from connector.errors import ConfigError
from connector.money import Money
from connector.policy import EMAIL, ChannelRule, Policy, Step
from connector.ports import Channel, MailItem, ReminderMail, SendOutcome, SendResult
from connector.receivables import Contact, Customer, InvoiceStatus, OpenInvoice, Reminder, ReminderState
from connector.store import Store, book, gate, verdicts
from connector.store import tables as t
from connector.store.gate import Claim
from sandbox.faults import Rule
from sandbox.world import Served
from tests.harness import MONDAY, sandbox

FOLDER = Path(__file__).resolve().parents[2] / "mappings" / "templates"
NUMBER = "+4915112345678"
OWED = Money(4500000, "USD")
ITEM = MailItem("INV-1", date(2026, 9, 24), 7, OWED, OWED, "+7", "https://pay.example/i/INV-1")
TEXT = ReminderMail(
    message_id="<arc-t1-7-2026-10-01@seller.example>",
    customer_name="Northfield Robotics",
    to=NUMBER,
    sender="billing@seller.example",
    reply_to="ar@seller.example",
    template="firm",
    on=date(2026, 10, 1),
    items=(ITEM,),
    channel="sms",
)


@pytest.fixture(scope="module")
def world() -> Iterator[Served]:
    with sandbox() as served:
        yield served


@pytest.fixture
def served(world: Served) -> Iterator[Served]:
    yield world
    world.world.faults.clear()


def channel(served: Served, **changes: Any) -> SmsChannel:
    url = SecretStr(str(served.world.profile()["sms"]["url"]))
    settings = SmsSettings(url, pay_domains=("pay.example",), timeout_seconds=1)
    return SmsChannel(replace(settings, **changes), FOLDER, ("firm",))


def sent(served: Served, after: int = 0) -> list[tuple[str, str]]:
    return [(text.to, text.text) for text in served.world.sms.texts(after)]


def mark(served: Served) -> int:
    """Everything that is accepted from now on comes after this."""
    return served.world.sequence("test.mark")


def yes() -> bool:
    return True


# ---- a gateway that behaves ----


def test_a_text_that_may_leave_arrives_once_and_short(served: Served) -> None:
    before = mark(served)

    result = channel(served).send(TEXT, yes)

    assert result == SendResult(SendOutcome.SENT, "answered with 201")
    ((to, text),) = sent(served, before)
    assert to == NUMBER
    assert text == (
        "Invoice INV-1: payment is overdue. Please pay, or tell us on which day you will. To pay: 45,000.00 USD. "
        "https://pay.example/i/INV-1 Questions: ar@seller.example"
    )


def test_the_gate_is_asked_before_anything_is_written(served: Served) -> None:
    before, asked = mark(served), []

    def no() -> bool:
        asked.append(served.world.sms.counts()["send"])
        return False

    count = served.world.sms.counts()["send"]
    result = channel(served).send(TEXT, no)

    assert result == SendResult(SendOutcome.NOT_SENT, "called off before the request")
    assert (asked, served.world.sms.counts()["send"], sent(served, before)) == ([count], count, [])


def test_an_error_of_the_gate_itself_calls_the_text_off(served: Served) -> None:
    before = mark(served)

    def broken() -> bool:
        raise RuntimeError("the store is gone")

    with pytest.raises(RuntimeError, match="store is gone"):
        channel(served).send(TEXT, broken)
    assert sent(served, before) == []


@pytest.mark.parametrize(
    ("kind", "outcome", "arrives"),
    [
        ("too_many", SendOutcome.NOT_SENT, 0),
        ("unauthorized", SendOutcome.NOT_SENT, 0),
        ("server_error", SendOutcome.UNKNOWN, 0),
        ("maintenance", SendOutcome.UNKNOWN, 0),
        ("drop_before", SendOutcome.UNKNOWN, 0),
        ("drop_after", SendOutcome.UNKNOWN, 1),
        ("timeout_before", SendOutcome.UNKNOWN, 0),
        ("timeout_after", SendOutcome.UNKNOWN, 1),
        ("cut_after", SendOutcome.UNKNOWN, 1),
    ],
)
def test_only_what_surely_failed_is_not_sent(served: Served, kind: Any, outcome: SendOutcome, arrives: int) -> None:
    before = mark(served)
    served.world.install(Rule("sms", kind, seconds=3))

    result = channel(served).send(TEXT, yes)

    assert (result.outcome, len(sent(served, before))) == (outcome, arrives)
    assert NUMBER not in result.detail


def test_a_refused_number_and_a_gateway_that_is_not_there_are_surely_not_sent(served: Served) -> None:
    served.world.sms.refuse("+100000000")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    away = SecretStr(f"json://127.0.0.1:{port}/messages?:to={{to}}")

    refused = channel(served).send(replace(TEXT, to="+100000000"), yes)
    gone = channel(served, url=away).send(TEXT, yes)

    assert (refused.outcome, refused.detail) == (SendOutcome.NOT_SENT, "answered with 400")
    assert (gone.outcome, "not reached" in gone.detail) == (SendOutcome.NOT_SENT, True)


# ---- to whom ----


def test_redirected_texts_never_reach_the_customer(served: Served) -> None:
    before = mark(served)
    ours = channel(served, redirect_all_to="+15550100", mail_is_redirected=True)

    assert ours.send(TEXT, yes).outcome is SendOutcome.SENT
    assert [to for to, _ in sent(served, before)] == ["+15550100"]


def test_where_mail_is_redirected_and_texts_are_not_none_leaves(served: Served) -> None:
    before = mark(served)
    result = channel(served, mail_is_redirected=True).send(TEXT, yes)

    assert (result.outcome, "sms.redirect_all_to" in result.detail) == (SendOutcome.NOT_SENT, True)
    assert sent(served, before) == []


@pytest.mark.parametrize(
    ("written", "taken"),
    [("+49 (151) 123-45 678", NUMBER), ("0151/12345678", "015112345678"), ("ap@x.example", ""), ("+49&to=1", "")],
)
def test_numbers_are_taken_as_people_write_them(served: Served, written: str, taken: str) -> None:
    before = mark(served)

    result = channel(served).send(replace(TEXT, to=written), yes)

    assert [to for to, _ in sent(served, before)] == ([taken] if taken else [])
    assert result.address_refused == (not taken)


# ---- what it says ----


def test_every_shipped_text_is_short_and_names_no_bank(served: Served) -> None:
    """Also with as much as a message may hold: many invoices, two currencies, credits, long addresses."""
    names = sorted({path.name.split(".")[0] for path in FOLDER.glob("[!_]*.sms.j2")})
    many = tuple(replace(ITEM, number=f"INV-{number}", days_past_due=number - 2) for number in range(1, 40))
    euro = replace(ITEM, number="INV-99", askable=Money(123456789012, "EUR"))
    written = channel(served)
    for name in names:
        for items in ((ITEM,), (*many, euro)):
            mail = replace(TEXT, template=name, items=items, reply_to=f"accounts.receivable.{'x' * 40}@seller.example")
            letter = written.preview(mail)
            assert letter.trouble == ""
            assert len(letter.text) <= TEXT_MAX
            assert not {"iban", "account number", "routing"} & set(letter.text.lower().split())
    # What is beside the cadence, and long by its nature, goes by e-mail.
    mails = {path.name.split(".")[0] for path in FOLDER.glob("[!_]*.txt.j2")}
    assert mails - set(names) == {"dispute_detail", "payment_returned"}


def test_a_pay_link_elsewhere_is_left_out(served: Served) -> None:
    text = channel(served, pay_domains=("other.example",)).preview(TEXT).text

    assert "https://" not in text


def test_a_text_that_is_too_long_is_not_sent_at_all(served: Served, tmp_path: Path) -> None:
    (tmp_path / "firm.sms.j2").write_text("word " * 65)
    url = SecretStr(str(served.world.profile()["sms"]["url"]))
    before = mark(served)

    result = SmsChannel(SmsSettings(url), tmp_path, ("firm",)).send(TEXT, yes)

    assert (result.outcome, "at most 320" in result.detail, sent(served, before)) == (SendOutcome.NOT_SENT, True, [])


# ---- check ----


def test_check_renders_the_texts_and_looks_at_the_address(served: Served) -> None:
    good = channel(served, redirect_all_to="+15550100").check()
    bad = SmsChannel(SmsSettings(SecretStr("json://gateway.example/x"), mail_is_redirected=True), FOLDER, ("nothing",))

    assert [finding.ok for finding in good] == [True, True]
    assert [finding.what for finding in bad.check() if not finding.ok] == [
        "template nothing.sms.j2: there is no nothing.sms.j2",
        "JSON: what is sent would travel in the clear",
        "the number has no place in sms.url",
        "mail is redirected and texts aren't: none leaves",
    ]


def test_an_address_that_apprise_does_not_know_starts_nothing() -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_SMS_URL") as raised:
        SmsChannel(SmsSettings(SecretStr("carrier-pigeon://secret-token/{to}")), FOLDER, ())
    assert "secret-token" not in str(raised.value)


# ---- what goes instead ----


class Door:
    """A channel that answers as it is told, after it has asked the gate."""

    redirect_all_to = ""

    def __init__(self, name: str, result: SendResult) -> None:
        self.name, self.result = name, result
        self.mails: list[ReminderMail] = []

    def send(self, mail: ReminderMail, may_leave: Any) -> SendResult:
        self.mails.append(mail)
        return self.result if may_leave() else SendResult(SendOutcome.NOT_SENT, "called off")


SENT, FAILED = SendResult(SendOutcome.SENT, "taken"), SendResult(SendOutcome.NOT_SENT, "answered with 429")
UNKNOWN = SendResult(SendOutcome.UNKNOWN, "no answer")


class Clock:
    def now(self) -> Any:
        return MONDAY


class Office:
    """A store with one customer, one invoice and one step, leased to leave by text."""

    def __init__(self, folder: Path, texts: Channel, mails: Channel, fallback: str = EMAIL, **more: Any) -> None:
        self.store = Store(folder / "connector.db", Clock())
        contacts = (Contact("sms", NUMBER, date(2026, 1, 1)),)
        given = {"email": "ap@northfield.example", "contacts": contacts, "cc": ("cfo@northfield.example",), **more}
        customer = Customer("7", "Northfield Robotics", **given)
        invoice = OpenInvoice("1", "INV-1", "7", OWED, OWED, date(2026, 8, 1), date(2026, 9, 1), InvoiceStatus.OPEN)
        rules = (ChannelRule(EMAIL, True, "sms"), ChannelRule("sms", True, fallback))
        steps = (Step("+7", 7, "firm", "billing", channel="sms"),)
        self.policy = Policy("t", steps, (("billing", "billing@seller.example"),), channels=rules)
        self.act = RemindAct(self.store, {one.name: one for one in (texts, mails)}, "me", self.policy)
        with self.store.tx() as tx:
            book.put_customers(tx, [customer], MONDAY)
            book.put_invoices(tx, [invoice], MONDAY, MONDAY.date())
            gate.put_plan(tx, [Reminder("1", "+7", MONDAY.date(), ReminderState.PLANNED)])

    def send(self, mail: ReminderMail = TEXT) -> None:
        with self.store.tx() as tx:
            version = tx.execute(select(t.invoice.c.version)).scalar_one()
            assert gate.take_leases(tx, mail, "7", [Claim("1", version, "+7")], "me", MONDAY.replace(hour=23)) == ""
        self.act.send(f"me#{mail.message_id}#1")

    def close(self) -> tuple[ReminderState, list[str], list[str], bool]:
        """The step's state; the messages that are known; what was journalled of falling back; is a lease left?"""
        with self.store.read() as tx:
            state = gate.reminders(tx, ["1"])["1"][0].state
            messages = list(tx.execute(select(t.message.c.id).order_by(t.message.c.id)).scalars())
            fell = t.journal.c.event == "channel_fell_back"
            told = list(tx.execute(select(t.journal.c.message_id).where(fell)).scalars())
            leased = bool(gate.leased(tx, ["1"]))
            self.kinds = [one.kind for one in verdicts.open_exceptions(tx)]
        self.store.close()
        return state, messages, told, leased


INSTEAD = "<arc-t1-7-2026-10-01+email@seller.example>"


def test_what_surely_failed_goes_by_the_other_channel_once(tmp_path: Path) -> None:
    sms, email = Door("sms", FAILED), Door(EMAIL, SENT)
    office = Office(tmp_path, sms, email)
    office.send()

    assert office.close() == (ReminderState.SENT, [INSTEAD], [INSTEAD], False)
    (mail,) = email.mails
    assert (mail.to, mail.channel, mail.instead_of) == ("ap@northfield.example", EMAIL, TEXT.message_id)
    assert (mail.items, mail.template, mail.cc) == (TEXT.items, "firm", ("cfo@northfield.example",))
    assert len(sms.mails) == 1


@pytest.mark.parametrize("first", [SENT, UNKNOWN])
def test_what_left_or_may_have_left_never_goes_twice(tmp_path: Path, first: SendResult) -> None:
    email = Door(EMAIL, SENT)
    office = Office(tmp_path, Door("sms", first), email)
    office.send()

    state, messages, told, leased = office.close()
    expected = ReminderState.SENT if first is SENT else ReminderState.UNKNOWN
    assert (state, messages, told, leased) == (expected, [TEXT.message_id], [], False)
    assert email.mails == []


def test_if_both_fail_the_step_is_planned_again_and_nothing_is_tried_a_third_time(tmp_path: Path) -> None:
    sms, email = Door("sms", FAILED), Door(EMAIL, FAILED)
    office = Office(tmp_path, sms, email)
    office.send()

    assert office.close() == (ReminderState.PLANNED, [], [INSTEAD], False)
    assert (len(sms.mails), len(email.mails)) == (1, 1)


def test_what_the_gate_called_off_leaves_by_no_other_door(tmp_path: Path) -> None:
    sms, email = Door("sms", SENT), Door(EMAIL, SENT)
    office = Office(tmp_path, sms, email)
    with office.store.tx() as tx:
        version = tx.execute(select(t.invoice.c.version)).scalar_one()
        gate.take_leases(tx, TEXT, "7", [Claim("1", version, "+7")], "me", MONDAY)  # its time is over at once
    office.act.send(f"me#{TEXT.message_id}#1")

    assert office.close() == (ReminderState.PLANNED, [], [], False)
    assert email.mails == []


@pytest.mark.parametrize("how", ["no fallback", "no contact", "not connected"])
def test_without_a_way_to_fall_back_to_the_step_is_planned_again(tmp_path: Path, how: str) -> None:
    email = Door("letter" if how == "not connected" else EMAIL, SENT)
    more = {"email": ""} if how == "no contact" else {}
    office = Office(tmp_path, Door("sms", FAILED), email, fallback="" if how == "no fallback" else EMAIL, **more)
    office.send()

    assert office.close() == (ReminderState.PLANNED, [], [], False)
    assert email.mails == []


def test_mail_falls_back_to_a_text_only_with_consent(tmp_path: Path) -> None:
    mail = replace(TEXT, channel=EMAIL, to="ap@northfield.example")
    found = []
    for folder, contacts in (
        ("with", (Contact("sms", NUMBER, date(2026, 1, 1)),)),
        ("without", (Contact("sms", "1"),)),
    ):
        (tmp_path / folder).mkdir()
        sms = Door("sms", SENT)
        office = Office(tmp_path / folder, sms, Door(EMAIL, FAILED), contacts=contacts)
        office.send(mail)
        found.append((office.close()[0], [one.to for one in sms.mails]))

    assert found == [(ReminderState.SENT, [NUMBER]), (ReminderState.PLANNED, [])]


def test_a_refused_address_is_shown_though_the_text_went_instead(tmp_path: Path) -> None:
    refused = SendResult(SendOutcome.NOT_SENT, "RCPT was answered 550", address_refused=True)
    office = Office(tmp_path, Door("sms", SENT), Door(EMAIL, refused))
    office.send(replace(TEXT, channel=EMAIL, to="ap@northfield.example"))

    assert office.close()[0] is ReminderState.SENT
    assert office.kinds == ["fix_contact"]


def test_a_channel_that_nobody_connected_is_as_one_that_failed(tmp_path: Path) -> None:
    email = Door(EMAIL, SENT)
    office = Office(tmp_path, Door("other", SENT), email)
    office.send()

    assert office.close()[0] is ReminderState.SENT
    assert [one.instead_of for one in email.mails] == [TEXT.message_id]


def test_whether_a_message_left_is_also_told_of_the_one_that_went_instead(tmp_path: Path) -> None:
    office = Office(tmp_path, Door("sms", FAILED), Door(EMAIL, SENT))
    office.send()
    with office.store.read() as tx:
        assert gate.has_left(tx, TEXT.message_id)
        assert not gate.has_left(tx, "<arc-t1-8-2026-10-01@seller.example>")
    office.store.close()
