"""What people keep back, on a real store and through the real loop: begun, asked about, told to its owner, ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers_cases import POLICY, Case, invoice, usd
from sqlalchemy import select

from connector import pauses, standing
from connector.policy import DISPUTE_STEP, Exceptions
from connector.receivables import Customer, InvoiceLine, Pause, PauseKind, ReminderState
from connector.store import Tx, activity, gate, tables, verdicts
from connector.store import pauses as kept

ISSUED_ON, DUE_ON = date(2026, 9, 1), date(2026, 9, 14)
# Every invoice is asked for from the due date on, so that what holds one is its pause alone.
LAX = replace(POLICY, exceptions=Exceptions(stalled_days=400))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    found = Case(tmp_path, LAX)
    yield found
    found.store.close()


@pytest.fixture
def anywhere(tmp_path: Path, where: str) -> Iterator[Case]:
    """On SQLite and on PostgreSQL."""
    found = Case(tmp_path, LAX, where=where)
    yield found
    found.store.close()


def line(number: str, amount: str, **more: Any) -> InvoiceLine:
    return InvoiceLine(number, f"line {number}", usd(amount), **more)


DISPUTED = {"disputed": True, "dispute_reason": "metered twice"}


def bill(case: Case, number: str = "INV-1", amount: str = "1000.00", **more: Any) -> None:
    case.bill(invoice(number, amount, ISSUED_ON, DUE_ON, **more))


def exceptions(case: Case) -> list[str]:
    with case.store.read() as tx:
        return sorted(f"{one.kind} {one.amount}" for one in verdicts.open_exceptions(tx))


def holding(case: Case) -> dict[str, tuple[PauseKind, str]]:
    with case.store.read() as tx:
        return pauses.holding(tx, case.clock.at.date())


def journal(case: Case, event: str) -> list[dict[str, Any]]:
    with case.store.read() as tx:
        return [line.fields for line in activity.lines(tx) if line.event == event]


def mails(case: Case) -> list[tuple[str, str, str]]:
    """Of every mail so far: what it was about, in which words, asking for what."""
    return [
        (", ".join(f"{item.number} {item.step}" for item in mail.items), mail.template, str(mail.items[0].askable))
        for mail in case.channel.mails
    ]


def until(case: Case, day: date) -> None:
    """One pass a day, up to this day."""
    while case.clock.at.date() < day:
        case.tick(days=1)


# ---- from the ERP's fields ----


def test_a_usage_hold_holds_until_it_is_released_and_the_journal_says_both(anywhere: Case) -> None:
    bill(anywhere, pauses=(Pause(PauseKind.USAGE, "the meter is read again", owner="kim"),))
    anywhere.tick()
    until(anywhere, DUE_ON + timedelta(days=7))

    assert {"1": (PauseKind.USAGE, "What was used is not signed off yet: the meter is read again.")} == holding(
        anywhere
    )
    assert [] == mails(anywhere)

    anywhere.erp.change("INV-1", pauses=())
    anywhere.tick(hours=1)

    assert {} == holding(anywhere)
    assert [("INV-1 +7", "past_due", "1,000.00 USD")] == mails(anywhere)
    assert ["usage kim"] == [f"{one['kind']} {one['owner']}" for one in journal(anywhere, "pause_started")]
    assert ["usage cleared"] == [f"{one['kind']} {one['outcome']}" for one in journal(anywhere, "pause_ended")]


def test_a_quiet_day_writes_nothing_about_a_pause(case: Case) -> None:
    bill(case, pauses=(Pause(PauseKind.HOLD, "ask Kim"),), lines=(line("1", "1000.00", **DISPUTED),))
    case.tick()
    with case.store.read() as tx:
        before = tx.execute(select(tables.pause)).all()
        versions = tx.execute(select(tables.invoice.c.version)).all()
    case.tick(days=1)
    case.tick(hours=1)

    with case.store.read() as tx:
        assert before == tx.execute(select(tables.pause)).all()
        assert versions == tx.execute(select(tables.invoice.c.version)).all()


def test_a_pause_past_its_end_still_holds_and_its_owner_is_told_every_week(case: Case) -> None:
    bill(case, pauses=(Pause(PauseKind.HOLD, "ask Kim", until=date(2026, 9, 9)),))
    case.tick()
    until(case, date(2026, 9, 9))

    assert [] == exceptions(case)

    until(case, date(2026, 9, 24))

    assert ["pause_overdue 1,000.00 USD"] == exceptions(case)
    assert ["1"] == list(holding(case))
    assert 3 == len(journal(case, "pause_owner_told"))  # on the 10th, 17th and 24th

    case.erp.change("INV-1", pauses=())
    case.tick(hours=1)

    assert [] == exceptions(case)


def test_an_exception_about_a_pause_names_its_owner_its_end_and_its_invoice(case: Case) -> None:
    bill(case, lines=(line("1", "600.00", **DISPUTED), line("2", "400.00")))
    case.tick()
    with case.store.read() as tx:
        (shown,) = verdicts.open_exceptions(tx)

    assert ("dispute_opened", usd("600.00"), "finance", date(2026, 10, 7)) == (
        shown.kind,
        shown.amount,
        shown.owner,
        shown.deadline,
    )
    assert "1" == kept.about_invoice(shown.id)
    assert "" == kept.about_invoice("difference:1")


# ---- disputes ----


def test_a_disputed_line_is_not_asked_for_and_the_customer_is_asked_for_detail_once(
    anywhere: Case,
) -> None:
    """M41, M44: and the two other lines go on as if nothing were."""
    lines = (line("1", "600.00", **DISPUTED), line("2", "300.00"), line("3", "100.00"))
    bill(anywhere, lines=lines)
    anywhere.tick()  # the 7th: seven days before the due date
    until(anywhere, date(2026, 9, 30))

    assert (
        [
            ("INV-1 -7", "upcoming", "400.00 USD"),
            (f"INV-1 {DISPUTE_STEP}", DISPUTE_STEP, "400.00 USD"),
            ("INV-1 +1", "past_due", "400.00 USD"),  # the step of the day itself gave way to the question
        ]
        == mails(anywhere)[:3]
    )
    assert 1 == sum(DISPUTE_STEP in about for about, _, _ in mails(anywhere))
    assert ["dispute_opened 600.00 USD"] == exceptions(anywhere)


def test_a_dispute_that_was_none_is_asked_about_on_day_seven_though_nothing_else_may_leave(case: Case) -> None:
    """M45."""
    bill(case, lines=(line("1", "1000.00", **DISPUTED),))
    case.tick()
    until(case, date(2026, 9, 13))

    assert [] == mails(case)

    case.tick(days=1)

    assert [DISPUTE_STEP] == [template for _, template, _ in mails(case)]


def test_detail_that_comes_before_the_question_leaves_makes_it_needless(case: Case) -> None:
    case.policy = replace(LAX, calendar=replace(LAX.calendar, no_send_on=frozenset({date(2026, 9, 14)})))
    bill(case, lines=(line("1", "1000.00", **DISPUTED),))
    case.tick()
    until(case, date(2026, 9, 14))
    with case.store.read() as tx:
        planned = [one for one in gate.reminders(tx, ["1"])["1"] if one.step == DISPUTE_STEP]

    assert [ReminderState.PLANNED] == [one.state for one in planned]

    case.erp.change("INV-1", lines=(line("1", "1000.00", **DISPUTED, dispute_detail="see the meter"),))
    case.tick(days=1)

    assert [] == mails(case)


def test_after_a_rejection_nothing_leaves_for_five_business_days(case: Case) -> None:
    bill(case, lines=(line("1", "1000.00", **DISPUTED, dispute_detail="d"),))
    case.tick()
    until(case, date(2026, 9, 22))  # a Tuesday
    case.erp.change("INV-1", lines=(line("1", "1000.00"),))
    case.tick(hours=1)

    assert ["1"] == list(holding(case))
    assert [] == exceptions(case)

    until(case, date(2026, 9, 28))

    assert [] == mails(case)

    case.tick(days=1)

    assert ["1,000.00 USD"] == [asked for _, _, asked in mails(case)]
    assert ["rejected"] == [one["outcome"] for one in journal(case, "pause_ended")]


def test_after_a_rejection_the_next_message_is_no_firmer_than_the_last_one(case: Case) -> None:
    bill(case)
    case.tick()
    until(case, date(2026, 9, 16))  # two days past due
    case.erp.change("INV-1", lines=(line("1", "1000.00", **DISPUTED, dispute_detail="d"),))
    until(case, date(2026, 9, 22))
    case.erp.change("INV-1", lines=(line("1", "1000.00", dispute_outcome="rejected"),))
    until(case, date(2026, 9, 30))

    assert [("INV-1 +1", "past_due"), ("INV-1 +7", "past_due")] == [mail[:2] for mail in mails(case)[-2:]]


def test_an_accepted_dispute_waits_for_the_credit_and_not_for_cash(case: Case) -> None:
    lines = (line("1", "600.00", **DISPUTED, dispute_detail="d"), line("2", "400.00"))
    bill(case, lines=lines)
    case.tick()
    case.pay("P-1", "400.00", "INV-1")
    case.tick(hours=1)
    accepted = (line("1", "600.00", dispute_outcome="accepted"), line("2", "400.00"))
    case.erp.change("INV-1", lines=accepted)
    until(case, date(2026, 9, 30))

    assert usd("600.00") == case.erp.invoices["1"].balance
    assert ["1"] == list(holding(case))
    assert ["credit_awaited 600.00 USD"] == exceptions(case)
    sent = len(mails(case))

    case.erp.change("INV-1", balance=usd("0.00"))
    case.tick(days=1)

    assert {} == holding(case)
    assert [] == exceptions(case)
    assert sent == len(mails(case))


# ---- promises ----


def promise(day: date, amount: str = "1000.00") -> Pause:
    return Pause(PauseKind.PROMISE, "promised by Lee", owner="kim", until=day, amount=usd(amount))


def test_a_promise_is_kept_by_cash_that_we_match(case: Case) -> None:
    bill(case, pauses=(promise(date(2026, 9, 16), "400.00"),))
    case.tick()
    until(case, date(2026, 9, 15))
    case.pay("P-1", "400.00", "INV-1")
    case.tick(hours=1)
    case.tick(days=1)

    assert ["kept"] == [one["outcome"] for one in journal(case, "pause_ended")]
    assert {} == holding(case)


def test_a_broken_promise_is_told_to_its_owner_and_the_next_step_leaves(case: Case) -> None:
    bill(case, pauses=(promise(date(2026, 9, 16)),))
    case.tick()
    until(case, date(2026, 9, 21))  # Wednesday and three business days

    assert [] == mails(case)

    case.tick(days=1)

    assert ["promise_broken 1,000.00 USD"] == exceptions(case)
    assert ["INV-1 +7"] == [about for about, _, _ in mails(case)]

    case.erp.change("INV-1", balance=usd("0.00"))
    case.tick(days=1)

    assert [] == exceptions(case)


def test_a_third_promise_holds_nothing_and_says_so(case: Case) -> None:
    bill(case, pauses=(promise(date(2026, 9, 9)),))
    case.tick()
    until(case, date(2026, 9, 10))
    for day in (date(2026, 9, 11), date(2026, 9, 30)):
        case.erp.change("INV-1", pauses=(promise(day),))
        case.tick(days=1)

    # The second one holds to its own end, whatever is entered after it.
    assert ["1"] == list(holding(case))
    assert ["promise_too_many 1,000.00 USD"] == exceptions(case)

    until(case, date(2026, 9, 17))

    assert {} == holding(case)
    assert ["promise_broken 1,000.00 USD", "promise_too_many 1,000.00 USD"] == exceptions(case)


# ---- what others start ----


def begin(case: Case, tx: Tx, **more: Any) -> None:
    today = case.clock.at.date()
    values: dict[str, Any] = {
        "customer_id": "C1",
        "kind": PauseKind.CONVERSATION,
        "source": "mailbox",
        "reason": "they wrote",
        "owner": "finance",
        "since": today,
        "until": today + timedelta(days=4),
    }
    pauses.start(tx, **(values | more))


def test_a_conversation_holds_all_invoices_of_the_customer_and_ends_by_itself(anywhere: Case) -> None:
    bill(anywhere)
    bill(anywhere, "INV-2")
    bill(anywhere, "INV-3", customer_id="C2")
    anywhere.erp.customers["C2"] = Customer("C2", "Other", "ap@other.example")
    anywhere.clock.at -= timedelta(days=1)
    anywhere.tick()
    with anywhere.store.tx() as tx:
        begin(anywhere, tx)  # until the 10th

    assert ["1", "2"] == sorted(holding(anywhere))

    until(anywhere, date(2026, 9, 10))

    assert [("INV-3 -7", "upcoming", "1,000.00 USD")] == mails(anywhere)

    anywhere.tick(days=1)

    assert {} == holding(anywhere)
    assert [("INV-1 -7, INV-2 -7", "upcoming", "1,000.00 USD")] == mails(anywhere)[1:]
    assert ["over"] == [one["outcome"] for one in journal(anywhere, "pause_ended")]


def test_the_same_again_only_moves_its_end_further_away(case: Case) -> None:
    bill(case)
    case.tick()
    today = case.clock.at.date()
    with case.store.tx() as tx:
        begin(case, tx, until=today + timedelta(days=4))
        begin(case, tx, until=today + timedelta(days=2))
        begin(case, tx, until=today + timedelta(days=6), reason="they wrote again")
        begin(case, tx, until=today + timedelta(days=4), source="crm")
        found = kept.standing(tx)

    assert [("mailbox", today + timedelta(days=6)), ("crm", today + timedelta(days=4))] == [
        (one.known.entry.source, one.verdict.until) for one in found
    ]
    assert "they wrote again" in found[0].verdict.reason


def test_a_hold_that_rests_on_a_customers_answer_stands_until_a_person_ends_it(case: Case) -> None:
    bill(case)
    case.tick()
    today = case.clock.at.date()
    with case.store.tx() as tx:
        begin(case, tx, kind=PauseKind.HOLD, invoice_id="1", until=today + timedelta(days=1))
    until(case, today + timedelta(days=3))

    assert ["1"] == list(holding(case))
    assert ["pause_overdue 1,000.00 USD"] == exceptions(case)

    with case.store.tx() as tx:
        (one,) = kept.standing(tx)
        pauses.end(tx, one, "the money is there", case.clock.at.date())

    assert {} == holding(case)
    assert [] == exceptions(case)
    assert ["cleared"] == [one["outcome"] for one in journal(case, "pause_ended")]


# ---- the measure ----


def test_paused_value_is_reported_by_kind_and_age(case: Case) -> None:
    bill(case, lines=(line("1", "600.00", **DISPUTED), line("2", "400.00")))
    bill(case, "INV-2", "50.00", pauses=(Pause(PauseKind.HOLD, "h", "kim", date(2026, 8, 1), date(2026, 8, 31)),))
    bill(case, "INV-3", "70.00", pauses=(Pause(PauseKind.HOLD, "h", "kim", until=date(2026, 12, 1)),))
    case.tick()
    with case.store.read() as tx:
        found = standing.report(tx, case.clock.at.date(), case.clock.at).paused

    assert [
        ("dispute", 1, "600.00", "0.00", "0.00", "0.00", "600.00", 1, 1, 0),
        ("hold", 2, "70.00", "0.00", "50.00", "0.00", "120.00", 0, 0, 1),
    ] == [
        (
            *(one.kind, one.count, one.days_0_7.plain(), one.days_8_30.plain(), one.days_31_60.plain()),
            *(one.days_over_60.plain(), one.total.plain(), one.without_owner, one.without_end, one.past_end),
        )
        for one in found
    ]


# ---- in nobody's sight ----


def test_an_invoice_that_nothing_happens_to_is_shown_with_what_keeps_it_back_until_somebody_works_on_it(
    anywhere: Case,
) -> None:
    """M49, M53: no rule of its own for the case that it is."""
    case = anywhere
    case.policy = POLICY
    bill(case, pauses=(Pause(PauseKind.USAGE, "reconciling"),))
    case.tick()
    until(case, DUE_ON + timedelta(days=13))

    assert [] == exceptions(case)

    case.tick(days=1)
    with case.store.read() as tx:
        (shown,) = verdicts.open_exceptions(tx)

    assert ("stalled", usd("1000.00"), "1") == (shown.kind, shown.amount, kept.about_invoice(shown.id))
    assert "What keeps it back: What was used is not signed off yet: reconciling." in shown.reason

    case.erp.change("INV-1", touched_on=case.clock.at.date())
    case.tick(days=1)

    assert [] == exceptions(case)


def test_an_invoice_that_is_reminded_is_not_shown(case: Case) -> None:
    case.policy = POLICY
    bill(case)
    case.tick()
    until(case, DUE_ON + timedelta(days=20))

    assert "+7" in mails(case)[-1][0]
    assert [] == exceptions(case)

    case.tick(days=1)  # fourteen days after the last mail

    assert ["stalled 1,000.00 USD"] == exceptions(case)
