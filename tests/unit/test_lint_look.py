"""The linter on the store: it sees the open book as it is, once a day, and keeps why the policy may not run `auto`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answers_cases import Case
from lint_cases import HOST, TODAY, customer, good_letter, invoice, policy, usd

from connector import plans, segmentation
from connector.lint import Check, Survey, look
from connector.parts import Parts
from connector.policy import Cadence, Criteria, Policy, Segment, Step
from connector.ports import Letter, ReminderMail
from connector.receivables import Pause, PauseKind, Traits
from connector.store import book, policies
from connector.store.activity import lines

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SEGMENTS = (
    Segment("smb", Criteria(tiers=frozenset({"smb"}))),
    Segment("big", Criteria(min_amount=(usd("1000.00"),)), cadence="slow"),
)
SLOW = Cadence("slow", (Step("-3", -3, "pre_due", "billing"),))


class Typing:
    """E-mail that says all it should, but for the amount where it is broken."""

    name = "email"
    redirect_all_to = ""
    is_broken = False

    def preview(self, mail: ReminderMail) -> Letter:
        made = good_letter(mail)
        return replace(made, text="Please pay.") if self.is_broken else made


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path, policy(segments=SEGMENTS, cadences=(SLOW,)))
    made.clock.at = NOW
    invoices = [
        invoice("A-1", "1500.00"),
        invoice("A-2", "10.00"),
        invoice("S-1", "2000.00", customer_id="C2"),
        invoice("K-1", "30.00", customer_id="K"),
        invoice("H-1", "40.00", pauses=(Pause(PauseKind.USAGE, "metering"),)),
    ]
    customers = [
        customer(),
        customer("C2", traits=Traits(tier="SMB")),
        customer("K", parent_id="C2", email="", mails_parent=True),
    ]
    with made.store.tx() as tx:
        book.put_customers(tx, customers, NOW)
        book.put_invoices(tx, invoices, NOW, TODAY)
    yield made
    made.store.close()


def _survey(case: Case, of: Policy) -> Survey:
    with case.store.read() as tx:
        return Survey(of, look.book_now(tx, of, TODAY))


def _counts(survey: Survey) -> dict[str, tuple[int, str]]:
    return {name: (one.inside.count, one.inside.owed) for name, one in survey.segments.items()}


def _parts(case: Case, channel: Typing, owner: str = "owner-2") -> Parts:
    return replace(case.parts(), channel=channel, owner=owner)  # type: ignore[arg-type]


def test_the_book_is_the_same_by_stored_segments_and_by_segments_decided_here(case: Case) -> None:
    decided = _survey(case, case.policy)
    assert {
        # A child is what its family is.
        "smb": (2, "2,030.00 USD"),
        "big": (1, "1,500.00 USD"),
        "default": (2, "50.00 USD"),
    } == _counts(decided)

    plans.plan_reminders(case.parts(), TODAY)
    with case.store.read() as tx:
        assert segmentation.is_sorted(tx, case.policy, TODAY)
    stored = _survey(case, case.policy)
    assert _counts(decided) == _counts(stored)
    assert [one.what for one in decided.findings()] == [one.what for one in stored.findings()]


def test_what_is_paid_or_about_to_be_is_not_open(case: Case) -> None:
    closed = invoice("A-1", "1500.00")
    with case.store.tx() as tx:
        paid = replace(closed, balance=usd("0.00"), status=type(closed.status).PAID)
        book.put_invoices(tx, [paid], NOW + timedelta(minutes=1), TODAY)

    assert (0, "nothing") == _counts(_survey(case, case.policy))["big"]


def test_what_people_keep_back_is_read_whole(case: Case) -> None:
    (found,) = [one for one in _survey(case, case.policy).findings() if one.check is Check.HOLD_OPEN_ENDED]

    assert ["H-1"] == [one.invoice for one in found.listed]


def test_the_daemon_looks_once_a_day_and_keeps_what_is_red(case: Case) -> None:
    channel = Typing()
    parts = _parts(case, channel)
    look.lint_book(parts, NOW)
    assert "" == _red(case)

    channel.is_broken = True
    look.lint_book(parts, NOW + timedelta(hours=3))
    assert "" == _red(case)  # looked at this day already
    look.lint_book(parts, NOW + timedelta(days=1))
    assert "`connector policy check` is red" in _red(case)
    with case.store.read() as tx:
        assert "is red" in policies.blocked(tx, case.policy)

    channel.is_broken = False
    look.lint_book(_parts(case, channel, "owner-3"), NOW + timedelta(days=1))  # started again
    assert "" == _red(case)
    with case.store.read() as tx:
        told = [row.event for row in lines(tx, 0) if row.event in ("policy_red", "policy_green")]
    assert ["policy_red", "policy_green"] == told


def test_another_policy_is_looked_at_on_the_same_day(case: Case) -> None:
    channel = Typing()
    look.lint_book(_parts(case, channel), NOW)
    placeholder = replace(case.policy, version="v2", senders=(("billing", "billing@shop.example"),))
    look.lint_book(replace(_parts(case, channel), policy=placeholder), NOW)

    assert "the sender billing is at shop.example" in _red(case)
    assert HOST not in _red(case)


def _red(case: Case) -> str:
    with case.store.read() as tx:
        return str(tx.get(policies.RED))
