"""`connector preview`: what it shows is what leaves, word for word, and nothing is written or used up by looking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector import preview
from connector.adapters.email import EmailChannel, MailSettings
from connector.errors import ConfigError
from connector.policy import Calendar, EscalationRule, Policy, Segment, Step, Switch
from connector.ports import ReminderMail, SendOutcome, SendResult
from connector.receivables import Customer, Traits
from connector.reports_policy import PreviewReport
from connector.store import orders
from connector.store.tables import metadata
from tests.unit.answers_cases import POLICY as LOOP_POLICY
from tests.unit.answers_cases import Case, FixedClock, invoice

TEMPLATES = Path(__file__).resolve().parents[2] / "mappings" / "templates"
# 10:00 in New York, where the ledger is.
MONDAY = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
ME = "me@ours.example"


class Post(EmailChannel):
    """The real texts; what is sent is kept here."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(MailSettings("nowhere.example", 25), TEMPLATES, (), clock)
        self.mails: list[ReminderMail] = []

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        if not may_leave():
            return SendResult(SendOutcome.NOT_SENT, "called off")
        self.mails.append(mail)
        return SendResult(SendOutcome.SENT, "accepted with 250")


POLICY = replace(
    LOOP_POLICY,
    steps=(
        Step("-7", -7, "pre_due", "billing"),
        Step("0", 0, "due_today", "billing"),
        Step("+1", 1, "just_overdue", "billing"),
        Step("+7", 7, "firm", "billing"),
    ),
    calendar=Calendar(time(8), time(18), frozenset(range(5))),
)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path, POLICY)
    made.clock.at = MONDAY
    made.channel = Post(made.clock)  # type: ignore[assignment]
    made.erp.customers["C2"] = Customer("C2", "Globex", "pay@globex.example")
    with contextlib.closing(made.store):
        yield made


def post(case: Case) -> Post:
    assert isinstance(case.channel, Post)
    return case.channel


@pytest.fixture
def look(case: Case, tmp_path: Path) -> Callable[..., PreviewReport]:
    """As the service does it: on a copy."""
    looks = iter(range(100))

    def look(on: date | None = None, **more: Any) -> PreviewReport:
        with contextlib.closing(case.store.copy(tmp_path / f"copy-{next(looks)}.db")) as copy:
            return preview.preview(case.parts(copy), on, **more)

    return look


Look = Callable[..., PreviewReport]


def bill(case: Case, number: str, due_in: int, amount: str = "400.00", **more: Any) -> None:
    """An invoice that is due in so many days from the Monday."""
    due_on = MONDAY.date() + timedelta(days=due_in)
    case.bill(invoice(number, amount, due_on - timedelta(days=30), due_on, **more))


def leaving(report: PreviewReport) -> list[tuple[str, str]]:
    return [(item.invoice, item.step) for message in report.messages for item in message.items]


def content(case: Case) -> dict[str, list[str]]:
    with case.store.read() as tx:
        return {table.name: sorted(map(repr, tx.execute(select(table)))) for table in metadata.sorted_tables}


# ---- it shows what leaves ----


def test_what_is_shown_is_what_leaves_word_for_word(case: Case, look: Look) -> None:
    bill(case, "INV-1", 8)
    bill(case, "INV-2", 1, "250.00")
    bill(case, "INV-3", 8, "900.00", customer_id="C2")
    bill(case, "INV-4", 9)  # a day later
    case.tick()
    post(case).mails.clear()
    report = look()
    case.tick(days=1)

    assert date(2026, 9, 8) == report.on
    assert [("INV-3", "-7"), ("INV-2", "0"), ("INV-1", "-7")] == leaving(report)
    left = [post(case).preview(mail) for mail in post(case).mails]
    assert sorted((one.subject, one.text, one.html) for one in left) == sorted(
        (one.subject, one.text, one.html) for one in report.messages
    )
    assert "400.00 USD" in report.messages[1].text
    assert (0, "") == (report.messages[0].copies, report.messages[0].problem)


def test_looking_writes_nothing_and_uses_nothing_up(case: Case, look: Look) -> None:
    bill(case, "INV-1", 8)
    case.tick()
    before = content(case)
    look(date(2026, 9, 11))

    assert before == content(case)
    assert [] == post(case).mails


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (MONDAY, date(2026, 9, 8)),
        (MONDAY + timedelta(days=4), date(2026, 9, 14)),  # from Friday to Monday
        (datetime(2026, 9, 8, 3, tzinfo=UTC), date(2026, 9, 8)),  # still Monday in New York
    ],
)
def test_without_a_day_it_is_the_next_one_on_which_mail_may_leave(
    case: Case, look: Look, now: datetime, day: date
) -> None:
    case.clock.at = now

    assert day == look().on


def test_on_the_same_day_it_is_what_would_leave_from_now_on(case: Case, look: Look) -> None:
    bill(case, "INV-1", 7)

    assert [("INV-1", "-7")] == leaving(look(MONDAY.date()))


def test_facts_are_as_fresh_then_as_they_are_now(case: Case, look: Look) -> None:
    bill(case, "INV-1", 14)
    case.tick()
    report = look(date(2026, 9, 14))

    assert [("INV-1", "-7")] == leaving(report)
    assert any("read as freshly then" in text for text in report.assumed)


def test_the_days_before_are_lived_through(case: Case, look: Look) -> None:
    bill(case, "INV-1", 7)  # its first step leaves today
    report = look(date(2026, 9, 14))

    assert [("INV-1", "0")] == leaving(report)
    assert any("counts as sent on its day: 1 messages" in text for text in report.assumed)


def test_the_days_ahead_are_no_outage(case: Case, look: Look) -> None:
    bill(case, "INV-1", 3)
    case.tick()
    # Overdue by then, and more business days on than an outage may last.
    report = look(date(2026, 9, 17))

    assert [("INV-1", "+7")] == leaving(report)


# ---- what would not leave ----


def test_what_would_not_leave_is_told_with_its_reason(case: Case, look: Look) -> None:
    bill(case, "INV-1", 8, hold_reason="renewal talks")
    bill(case, "INV-2", 8, "300.00", customer_id="C2")
    report = look()

    assert [("INV-2", "-7")] == leaving(report)
    assert [("INV-1", "-7", "held", "Northfield Robotics (C1)")] == [
        (one.invoice, one.step, one.verdict, one.customer) for one in report.held
    ]
    assert "renewal talks" in report.held[0].reason


def test_shadow_is_looked_past_and_told(case: Case, look: Look) -> None:
    case.policy = replace(POLICY, send=Switch.SHADOW)
    bill(case, "INV-1", 8)
    report = look()

    assert [("INV-1", "-7")] == leaving(report)
    assert any("Sending is not in auto (default)" in text for text in report.assumed)


def test_a_stop_is_told_and_not_looked_past(case: Case, look: Look) -> None:
    bill(case, "INV-1", 8)
    with case.store.tx() as tx:
        orders.stop(tx, "send", "Ada", "year end")
    report = look()

    assert [] == leaving(report)
    assert ["year end" in one.reason for one in report.held] == [True]


def test_an_escalation_of_the_days_until_then_stops_the_mail(case: Case, look: Look) -> None:
    case.policy = replace(POLICY, escalation=(EscalationRule("soon", 5),))
    bill(case, "INV-1", 1)
    case.tick()
    report = look(date(2026, 9, 15))

    assert [] == leaving(report)
    assert ["INV-1"] == [one.invoice for one in report.held]


def test_a_customer_whose_hours_never_meet_that_day_waits(case: Case, look: Look) -> None:
    case.erp.customers["C1"] = replace(case.erp.customers["C1"], traits=Traits(time_zone="Pacific/Auckland"))
    bill(case, "INV-1", 11)  # its first step is due on Friday, when it is Saturday in Auckland
    report = look(date(2026, 9, 11))

    assert ([], ["waits"]) == (leaving(report), [one.verdict for one in report.held])


def test_a_template_that_is_broken_is_told_with_its_place(case: Case, look: Look) -> None:
    case.policy = replace(POLICY, steps=(Step("-7", -7, "no_such_text", "billing"),))
    bill(case, "INV-1", 8)
    report = look()

    assert "no_such_text" in report.messages[0].problem


@pytest.mark.parametrize("days", [-1, 32])
def test_a_day_that_is_over_or_too_far_ahead_is_refused(look: Look, days: int) -> None:
    with pytest.raises(ConfigError, match="2026-09-07"):
        look(MONDAY.date() + timedelta(days=days))


# ---- to oneself ----


def test_messages_to_oneself_are_marked_and_go_nowhere_else(case: Case, look: Look) -> None:
    case.erp.customers["C1"] = replace(case.erp.customers["C1"], cc=("boss@northfield.example",))
    bill(case, "INV-1", 8)
    bill(case, "INV-2", 8, "900.00", customer_id="C2")
    case.tick()
    report = look(send_to=ME, at_most=10)

    assert [(ME, (), ""), (ME, (), "")] == [(mail.to, mail.cc, mail.bcc) for mail in post(case).mails]
    assert [
        "Preview of 2026-09-08: to Globex at globex.example. Only you got this; the customer got nothing.",
        "Preview of 2026-09-08: to Northfield Robotics at northfield.example, with 1 copy. Only you got this; the "
        "customer got nothing.",
    ] == [mail.note for mail in post(case).mails]
    assert [0, 1] == [one.copies for one in report.messages]
    assert [True, True] == [one.is_sent for one in report.mailed]
    assert [one.subject for one in report.messages] == [one.subject for one in report.mailed]


def test_the_real_message_ids_stay_free(case: Case, look: Look) -> None:
    bill(case, "INV-1", 8)
    case.tick()
    look(send_to=ME, at_most=10)
    look(send_to=ME, at_most=10)
    case.tick(days=1)
    first, second, real = post(case).mails

    assert [ME, ME, "ap@northfield.example"] == [first.to, second.to, real.to]
    assert real.message_id not in (first.message_id, second.message_id)
    assert "" == real.note


def test_no_more_than_asked_for_are_mailed(case: Case, look: Look) -> None:
    for number in range(3):
        case.erp.customers[f"D{number}"] = Customer(f"D{number}", "Acme", f"ap{number}@acme.example")
        bill(case, f"INV-{number}", 8, customer_id=f"D{number}")

    assert (3, 2) == (len((report := look(send_to=ME, at_most=2)).messages), len(report.mailed))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ap@northfield.example", "customer C1"),
        ("AP@Northfield.Example", "customer C1"),
        ("boss@northfield.example", "customer C1"),  # only in copy
        ("me", "one mail address"),
        ("me@ours.example,ap@northfield.example", "one mail address"),
    ],
)
def test_a_preview_never_goes_to_a_customer(case: Case, look: Look, address: str, told: str) -> None:
    case.erp.customers["C1"] = replace(case.erp.customers["C1"], cc=("boss@northfield.example",))
    bill(case, "INV-1", 8)

    with pytest.raises(ConfigError, match=told):
        look(send_to=address, at_most=10)
    assert [] == post(case).mails


def test_a_message_to_oneself_that_fails_is_told(case: Case, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    bill(case, "INV-1", 8)
    refused = SendResult(SendOutcome.NOT_SENT, "RCPT was answered 550")
    monkeypatch.setattr(Post, "send", lambda self, mail, may_leave: refused)
    report = look(send_to=ME, at_most=10)

    assert [(False, "RCPT was answered 550")] == [(one.is_sent, one.detail) for one in report.mailed]


def test_policy_as_if_sending_switches_every_segment(case: Case) -> None:
    shadow: Policy = replace(POLICY, send=Switch.SHADOW, segments=(Segment("a", send=Switch.SHADOW), Segment("b")))

    assert {Switch.AUTO} == {one.send for one in shadow.as_if_sending().everywhere}
    assert shadow.version == shadow.as_if_sending().version
