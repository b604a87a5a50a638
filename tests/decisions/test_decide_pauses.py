"""Why do people keep an invoice back, until when, and what came of it? A table a rule, and what holds for any pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from decision_cases import DUE_ON, POLICY, invoice, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.pauses import (
    Entry,
    Known,
    Owed,
    Pair,
    PauseOutcome,
    PauseProblem,
    PauseState,
    PauseVerdict,
    decide,
    decide_invoice,
    entries,
    held_by,
    pairs,
    said,
)
from connector.money import Money
from connector.policy import Calendar, Exceptions, PauseRule
from connector.receivables import Instalment, InvoiceLine, InvoiceStatus, OpenInvoice, Pause, PauseKind

MONDAY = date(2026, 9, 7)
THURSDAY = date(2026, 9, 10)
FRIDAY = date(2026, 9, 11)


def day(count: int) -> date:
    """So many calendar days after the Monday on which everything begins."""
    return MONDAY + timedelta(days=count)


def owed(balance: str = "1000.00", *, credited: str = "0.00", coming: str = "0.00", is_open: bool = True) -> Owed:
    return Owed("INV-1", is_open, usd(balance), usd(credited), usd(coming))


def known(kind: PauseKind, since: date = MONDAY, **more: Any) -> Known:
    """What was entered on the Monday about an invoice of 1,000.00 USD."""
    of_pause = {
        name: more.pop(name) for name in ("number", "outcome", "outcome_on", "asked_on", "told_on") if name in more
    }
    return Known(Entry(kind, **({"reason": "why"} | more)), since, usd("1000.00"), **of_pause)


def problems(verdict: PauseVerdict) -> list[PauseProblem]:
    return [problem for problem, _ in verdict.problems]


def on(one: Known, today: date, now: Entry | str | None = "same", **more: Any) -> PauseVerdict:
    """The verdict on this day; unless said, the source still says what it said, and nothing came."""
    entry = one.entry if isinstance(now, str) else now
    return decide(one, entry, more.pop("owed", owed()), more.pop("policy", POLICY), today, **more)


# ---- what the ERP says ----


def line(number: str, amount: str, **more: Any) -> InvoiceLine:
    return InvoiceLine(number, f"line {number}", usd(amount), **more)


def test_each_disputed_line_is_a_pause_of_its_own_with_the_owner_and_the_end_that_stand_on_the_invoice() -> None:
    disputed = {
        "disputed": True,
        "dispute_reason": "metered twice",
        "disputed_on": MONDAY,
        "dispute_detail": "see mail",
    }
    found = invoice(
        "INV-1",
        "1000.00",
        lines=(line("1", "600.00", **disputed), line("2", "300.00"), line("3", "100.00", disputed=True)),
        pauses=(Pause(PauseKind.DISPUTE, "disputed", "kim", until=FRIDAY),),
    )

    assert (
        Entry(PauseKind.DISPUTE, "metered twice", "kim", MONDAY, FRIDAY, usd("600.00"), line_id="1", detail="see mail"),
        Entry(PauseKind.DISPUTE, owner="kim", until=FRIDAY, amount=usd("100.00"), line_id="3"),
    ) == entries(found)


def test_a_dispute_without_a_disputed_line_is_of_the_whole_invoice_and_holds_it() -> None:
    found = invoice("INV-1", "1000.00", pauses=(Pause(PauseKind.DISPUTE, "not what we ordered", "kim"),))
    (verdict,) = decide_invoice(found, (), lambda one: owed(), POLICY, MONDAY)

    assert verdict.holds
    assert "All of invoice INV-1 is disputed since 2026-09-07: not what we ordered." == verdict.problems[0][1]


def test_the_erps_one_tick_is_one_hold_of_whatever_kind() -> None:
    plain = invoice("INV-1", "1000.00", hold_reason="ask Kim")
    usage = replace(plain, pauses=(Pause(PauseKind.USAGE, "not signed off"),))

    assert (Entry(PauseKind.HOLD, "ask Kim"),) == entries(plain)
    assert (Entry(PauseKind.USAGE, "not signed off"),) == entries(usage)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_of_a_kind_the_one_that_holds_longer_counts(is_first: bool) -> None:
    long, short = Pause(PauseKind.PROMISE, "all", until=FRIDAY), Pause(PauseKind.PROMISE, "part", until=THURSDAY)
    found = invoice("INV-1", "1000.00", pauses=(long, short) if is_first else (short, long))

    assert [FRIDAY] == [one.entry.until for one in begun(found)]


# ---- what begins ----


def begun(found: OpenInvoice, *before: Known, today: date = MONDAY) -> list[Known]:
    return [pair.known for pair in pairs(found, before, POLICY, today) if not pair.known.id]


def test_a_pause_that_the_erp_shows_for_the_first_time_begins_on_its_own_day_or_today() -> None:
    old = Pause(PauseKind.USAGE, "u", since=date(2026, 8, 1))
    ahead = Pause(PauseKind.CREDIT_MEMO, "c", since=day(1))
    found = invoice("INV-1", "1000.00", pauses=(old, ahead, Pause(PauseKind.HOLD, "h")))

    assert [date(2026, 8, 1), MONDAY, MONDAY] == [one.since for one in begun(found)]
    assert [usd("1000.00")] * 3 == [one.balance for one in begun(found)]


def test_a_dispute_that_is_over_when_it_is_first_seen_begins_nothing() -> None:
    found = invoice("INV-1", "1000.00", lines=(line("1", "600.00", dispute_outcome="accepted"),))

    assert [] == begun(found)


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (PauseOutcome.BROKEN, False),
        (PauseOutcome.KEPT, False),
        (PauseOutcome.OVER, False),
        (PauseOutcome.CLEARED, True),
    ],
)
def test_what_ended_by_itself_begins_once_though_the_erp_shows_it_for_ever(outcome: PauseOutcome, again: bool) -> None:
    promise = Pause(PauseKind.PROMISE, "promised", until=day(30), amount=usd("100.00"))
    found = invoice("INV-1", "1000.00", pauses=(promise,))
    ended = replace(
        known(PauseKind.PROMISE, until=day(30), amount=usd("100.00")), id=1, outcome=outcome.value, ended_on=MONDAY
    )

    assert [2] * again == [one.number for one in begun(found, ended)]


def test_a_hold_that_is_put_back_begins_again() -> None:
    found = invoice("INV-1", "1000.00", hold_reason="why")
    ended = replace(known(PauseKind.HOLD), id=1, outcome=PauseOutcome.CLEARED.value, ended_on=MONDAY)

    assert [PauseKind.HOLD] == [one.entry.kind for one in begun(found, ended)]


@pytest.mark.parametrize(("until", "begins"), [(day(-5), True), (day(-6), False)])
def test_a_promise_whose_days_are_past_when_it_is_entered_is_history(until: date, begins: bool) -> None:
    """Wednesday and three business days are the Monday; Tuesday and three are the Friday before."""
    found = invoice("INV-1", "1000.00", pauses=(Pause(PauseKind.PROMISE, "promised", until=until),))

    assert begins == bool(begun(found))


def test_of_an_invoice_that_is_not_open_nothing_begins_and_all_ends() -> None:
    paid = invoice("INV-1", "0.00", status=InvoiceStatus.PAID, hold_reason="why")
    standing = replace(known(PauseKind.HOLD), id=1)
    found = list(decide_invoice(paid, [standing], lambda one: owed("0.00", is_open=False), POLICY, MONDAY))

    assert [(1, "closed")] == [(one.known.id, one.known.outcome) for one in found]
    assert [] == list(decide_invoice(paid, [], lambda one: owed("0.00", is_open=False), POLICY, MONDAY))


def test_a_voided_invoice_does_not_keep_a_promise() -> None:
    promise = known(PauseKind.PROMISE, until=day(30), amount=usd("100.00"))

    assert "kept" == on(promise, day(10), owed=owed("0.00", is_open=False)).known.outcome
    assert "closed" == on(promise, day(10), owed=owed("1000.00", is_open=False)).known.outcome


@pytest.mark.parametrize(
    ("until", "amount", "today", "balance", "outcome"),
    [
        # Promised for Thursday the 10th: its last day is Tuesday the 15th.
        (THURSDAY, "600.00", day(8), "0.00", "kept"),
        (THURSDAY, "600.00", day(9), "0.00", "closed"),  # paid, but not by the promised day
        (THURSDAY, "600.00", day(8), "400.00", "kept"),  # just what was promised came
        (THURSDAY, "600.00", day(8), "400.01", "closed"),
        (THURSDAY, None, day(8), "0.00", "kept"),
    ],
)
def test_a_promise_on_a_closed_invoice_was_kept_if_all_of_it_came_by_its_last_day(
    until: date, amount: str | None, today: date, balance: str, outcome: str
) -> None:
    verdict = on(promise(amount, until), today, owed=owed(balance, is_open=False))

    assert outcome == verdict.known.outcome


@pytest.mark.parametrize(
    ("now", "before", "outcome"),
    [
        ("accepted", "", "accepted"),
        ("written_off", "", "written_off"),
        ("written_off", "accepted", "written_off"),  # what people say now goes before what was known
        (None, "accepted", "accepted"),
        ("", "accepted", "accepted"),
        (None, "", "closed"),
        ("rejected", "", "closed"),
    ],
)
def test_a_dispute_of_a_closed_invoice_ends_as_people_said(now: str | None, before: str, outcome: str) -> None:
    entry = None if now is None else stated(now)
    verdict = on(dispute(outcome=before), day(3), entry, owed=owed("0.00", is_open=False))

    assert (PauseState.ENDED, outcome, day(3)) == (verdict.state, verdict.known.outcome, verdict.known.ended_on)
    assert "Invoice INV-1 is not open any more." == verdict.reason


def test_of_an_invoice_that_is_not_open_a_pause_ends_as_its_source_last_said() -> None:
    paid = invoice("INV-1", "0.00", status=InvoiceStatus.PAID)
    standing = replace(dispute(), id=1, entry=stated("accepted"))
    found = list(decide_invoice(paid, [standing], lambda one: owed("0.00", is_open=False), POLICY, MONDAY))

    assert [(1, "accepted")] == [(one.known.id, one.known.outcome) for one in found]


@pytest.mark.parametrize(
    ("of_pause", "amount", "currency", "at_stake"),
    [
        (PauseKind.DISPUTE, "300.00", "USD", "300.00"),
        (PauseKind.DISPUTE, "1000.01", "USD", "1000.00"),
        (PauseKind.DISPUTE, "300.00", "EUR", "1000.00"),
        (PauseKind.DISPUTE, None, "USD", "1000.00"),
        (PauseKind.PROMISE, "300.00", "USD", "1000.00"),
        (PauseKind.HOLD, None, "USD", "1000.00"),
    ],
)
def test_only_of_a_dispute_less_than_the_balance_is_at_stake(
    of_pause: PauseKind, amount: str | None, currency: str, at_stake: str
) -> None:
    one = known(of_pause, amount=Money.of(amount, currency) if amount else None)

    assert usd(at_stake) == one.at_stake(usd("1000.00"))


# ---- disputes ----


def dispute(since: date = MONDAY, **more: Any) -> Known:
    return known(PauseKind.DISPUTE, since, **({"line_id": "2", "amount": usd("300.00")} | more))


def test_a_dispute_that_stands_holds_its_line_and_not_the_invoice_and_finance_sees_it() -> None:
    verdict = on(dispute(), day(1))

    assert PauseState.STANDING is verdict.state
    assert not verdict.holds
    assert [PauseProblem.DISPUTE_OPENED] == problems(verdict)
    assert "Line 2 of invoice INV-1 is disputed since 2026-09-07: why." == verdict.problems[0][1]


@pytest.mark.parametrize(("reason", "lacks"), [("", True), ("  ", True), ("metered twice", False)])
def test_a_dispute_needs_a_reason_and_without_one_its_line_is_not_asked_for_either(reason: str, lacks: bool) -> None:
    verdict = on(dispute(reason=reason), day(1))

    assert lacks == (PauseProblem.DISPUTE_WITHOUT_REASON in problems(verdict))
    assert PauseState.STANDING is verdict.state


@pytest.mark.parametrize(
    ("days", "detail", "asked_on", "asks"),
    [
        (6, "", None, False),
        (7, "", None, True),
        (8, "", None, True),
        (8, "the meter was wrong", None, False),
        (8, " ", None, True),
        (8, "", day(7), False),
        (40, "", day(7), False),
    ],
)
def test_the_customer_is_asked_for_detail_once_from_the_seventh_day_on(
    days: int, detail: str, asked_on: date | None, asks: bool
) -> None:
    assert asks == on(dispute(detail=detail, asked_on=asked_on), day(days)).asks


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"asked_on": day(7)}, "The customer was asked for detail on 2026-09-14 and gave none yet."),
        ({"asked_on": day(-7)}, "about another dispute on 2026-08-31, and is not asked again by itself."),
        ({"detail": "the meter was wrong"}, "The customer says: the meter was wrong."),
    ],
)
def test_finance_sees_what_the_customer_said_of_a_dispute(more: dict[str, Any], said: str) -> None:
    assert on(dispute(**more), day(8)).problems[0][1].endswith(said)


@pytest.mark.parametrize(
    ("now", "today", "state"),
    [
        # Off on Monday: Tuesday to the next Monday are five business days.
        (None, day(0), PauseState.RESUMING),
        (None, day(4), PauseState.RESUMING),  # 4 business days
        (None, day(6), PauseState.RESUMING),
        (None, day(7), PauseState.ENDED),  # 5
        (None, day(8), PauseState.ENDED),  # 6
    ],
)
def test_after_a_rejection_nothing_leaves_for_five_business_days(now: None, today: date, state: PauseState) -> None:
    """A tick that is taken off without a word counts as rejected."""
    off = on(dispute(day(-10)), MONDAY, now).known
    verdict = on(off, today, now)

    assert state is verdict.state
    assert (state is PauseState.RESUMING) == verdict.holds
    assert PauseOutcome.REJECTED.value == verdict.known.outcome


def test_a_holiday_is_no_business_day_of_a_rejection() -> None:
    off = on(dispute(day(-10)), MONDAY, None).known
    closed = replace(POLICY, calendar=Calendar(no_send_on=frozenset({day(2)})))

    assert PauseState.RESUMING is on(off, day(7), None, policy=closed).state
    assert PauseState.ENDED is on(off, day(8), None, policy=closed).state


def test_a_line_that_is_disputed_again_after_a_rejection_is_in_dispute() -> None:
    off = on(dispute(), day(1), None).known
    verdict = on(off, day(2), dispute().entry)

    assert (PauseState.STANDING, "", None) == (verdict.state, verdict.known.outcome, verdict.known.outcome_on)


def stated(outcome: str, *, is_on: bool = False) -> Entry:
    return replace(dispute().entry, outcome=outcome, is_on=is_on)


@pytest.mark.parametrize(
    ("now", "credited", "state", "holds", "outcome"),
    [
        (None, "0.00", PauseState.RESUMING, True, "rejected"),
        (None, "0.01", PauseState.RESUMING, True, "rejected"),  # something came off, but not what was disputed
        (None, "299.99", PauseState.RESUMING, True, "rejected"),
        (None, "300.00", PauseState.ENDED, False, "cleared"),  # just that came off: somebody saw to it
        (None, "300.01", PauseState.RESUMING, True, "rejected"),
        (stated("rejected"), "0.00", PauseState.RESUMING, True, "rejected"),
        (stated("rejected"), "300.00", PauseState.RESUMING, True, "rejected"),
        (stated("accepted"), "0.00", PauseState.AWAITING_CREDIT, True, "accepted"),
        (stated("accepted"), "299.99", PauseState.AWAITING_CREDIT, True, "accepted"),
        (stated("accepted"), "300.01", PauseState.AWAITING_CREDIT, True, "accepted"),  # cash of other lines, or more
        (stated("accepted"), "300.00", PauseState.ENDED, False, "accepted"),
        (
            stated("accepted", is_on=True),
            "0.00",
            PauseState.AWAITING_CREDIT,
            False,
            "accepted",
        ),  # its line isn't asked for
        (
            stated("accepted", is_on=True),
            "300.00",
            PauseState.AWAITING_CREDIT,
            False,
            "accepted",
        ),  # the tick is left on
        (stated("written_off"), "0.00", PauseState.AWAITING_CREDIT, True, "written_off"),
        (stated("written_off"), "300.00", PauseState.ENDED, False, "written_off"),
    ],
)
def test_how_a_dispute_ends(now: Entry | None, credited: str, state: PauseState, holds: bool, outcome: str) -> None:
    verdict = on(dispute(), day(3), now, owed=owed(credited=credited))

    assert (state, holds, outcome) == (verdict.state, verdict.holds, verdict.known.outcome)
    assert (PauseProblem.CREDIT_AWAITED in problems(verdict)) == (state is PauseState.AWAITING_CREDIT)


def test_what_was_paid_of_other_lines_is_no_credit_for_the_accepted_one() -> None:
    """700.00 of our own matches came: the balance fell, and the 300.00 are still to be credited."""
    verdict = on(dispute(), day(3), stated("accepted"), owed=owed("300.00", credited="0.00"))

    assert PauseState.AWAITING_CREDIT is verdict.state


@pytest.mark.parametrize(("days", "overdue"), [(32, False), (33, False), (34, True)])
def test_a_credit_that_does_not_come_is_told_to_its_owner(days: int, overdue: bool) -> None:
    """Accepted on the third day, with thirty for the memo."""
    accepted = on(dispute(), day(3), stated("accepted")).known
    verdict = on(accepted, day(days), stated("accepted"))

    assert overdue == (PauseProblem.PAUSE_OVERDUE in problems(verdict))
    assert (PauseState.AWAITING_CREDIT, True) == (verdict.state, verdict.holds)


def test_the_credit_is_there_though_less_is_owed_by_now_than_was_disputed() -> None:
    """300.00 were disputed and credited; of the other 700.00 people paid 500.00."""
    verdict = on(dispute(), day(3), stated("accepted"), owed=owed("200.00", credited="300.00"))

    assert (PauseState.ENDED, "accepted") == (verdict.state, verdict.known.outcome)


def test_the_days_for_a_credit_are_those_of_a_credit_memo() -> None:
    rules = Exceptions(pauses=(PauseRule(PauseKind.CREDIT_MEMO, "credits@ours.example", 5),))
    accepted = on(dispute(), day(3), stated("accepted")).known
    verdict = on(accepted, day(9), stated("accepted"), policy=replace(POLICY, exceptions=rules))

    assert day(8) == verdict.until
    assert [PauseProblem.CREDIT_AWAITED, PauseProblem.PAUSE_OVERDUE] == problems(verdict)
    assert (
        "The dispute of invoice INV-1 since 2026-09-07 was to end by 2026-09-15, and still stands: why. Its owner is "
        "finance." == verdict.problems[1][1]
    )


@pytest.mark.parametrize(
    ("now", "credited", "reason"),
    [
        (("accepted", False), "0.00", "The dispute of line 2 was accepted; 300.00 USD is to be credited."),
        (("written_off", False), "0.00", "The dispute of line 2 was written off; 300.00 USD is to be credited."),
        (
            ("written_off", True),
            "300.00",
            "The dispute of line 2 was written off, and the books show it; take the tick off.",
        ),
    ],
)
def test_an_accepted_dispute_says_what_is_waited_for(now: tuple[str, bool], credited: str, reason: str) -> None:
    verdict = on(dispute(), day(3), stated(now[0], is_on=now[1]), owed=owed(credited=credited))

    assert reason == verdict.reason
    assert ((PauseProblem.CREDIT_AWAITED, f"Invoice INV-1: {reason}"),) == verdict.problems


# ---- what stands until a person ends it ----

UNTIL_RELEASED = (PauseKind.HOLD, PauseKind.USAGE, PauseKind.CREDIT_MEMO, PauseKind.FORMAT_CHANGE)


@pytest.mark.parametrize("kind", UNTIL_RELEASED)
@pytest.mark.parametrize(
    ("days", "state", "told"),
    [
        (0, PauseState.STANDING, False),
        (7, PauseState.STANDING, False),  # M48: not at 7 DPD, not at all
        (30, PauseState.STANDING, False),
        (31, PauseState.PAST_END, True),
        (400, PauseState.PAST_END, True),
    ],
)
def test_what_people_entered_holds_past_its_end_as_well_and_its_owner_is_told(
    kind: PauseKind, days: int, state: PauseState, told: bool
) -> None:
    verdict = on(known(kind), day(days))

    assert (state, True) == (verdict.state, verdict.holds)
    assert [PauseProblem.PAUSE_OVERDUE] * told == problems(verdict)
    assert day(30) == verdict.until


@pytest.mark.parametrize("kind", UNTIL_RELEASED)
def test_it_ends_when_a_person_takes_it_off(kind: PauseKind) -> None:
    verdict = on(known(kind), day(60), None)

    assert (PauseState.ENDED, False, "cleared") == (verdict.state, verdict.holds, verdict.known.outcome)


@pytest.mark.parametrize(
    ("days", "state"), [(3, PauseState.STANDING), (4, PauseState.STANDING), (5, PauseState.PAST_END)]
)
def test_the_erps_own_end_and_owner_go_before_the_policys(days: int, state: PauseState) -> None:
    verdict = on(known(PauseKind.HOLD, until=FRIDAY, owner="kim"), day(days))

    assert state is verdict.state
    assert all("Its owner is kim." in text for _, text in verdict.problems)


def test_an_owner_and_an_end_are_the_policys_where_the_erp_has_none() -> None:
    rules = Exceptions(pauses=(PauseRule(PauseKind.USAGE, "usage@ours.example", 3),))
    verdict = on(known(PauseKind.USAGE), day(4), policy=replace(POLICY, exceptions=rules))

    assert day(3) == verdict.until
    assert "Its owner is usage@ours.example." in verdict.problems[0][1]


@pytest.mark.parametrize(
    ("told_on", "days", "now_told_on"),
    [
        (None, 31, day(31)),
        (day(31), 37, day(31)),  # six days later
        (day(31), 38, day(38)),  # seven
        (day(31), 39, day(39)),
    ],
)
def test_an_owner_is_told_every_seven_days(told_on: date | None, days: int, now_told_on: date) -> None:
    assert now_told_on == on(known(PauseKind.HOLD, told_on=told_on), day(days)).known.told_on


@pytest.mark.parametrize(("days", "state"), [(30, PauseState.STANDING), (31, PauseState.PAST_END)])
def test_a_hold_that_rests_on_a_customers_answer_is_ended_by_people_too(days: int, state: PauseState) -> None:
    """An invoice that is said to be paid is not asked for again because nobody looked."""
    verdict = on(known(PauseKind.HOLD, source="mailbox"), day(days))

    assert (state, True) == (verdict.state, verdict.holds)


# ---- promises ----


def promise(amount: str | None = "600.00", until: date = THURSDAY, **more: Any) -> Known:
    return known(PauseKind.PROMISE, until=until, amount=usd(amount) if amount else None, **more)


@pytest.mark.parametrize(
    ("today", "balance", "state", "outcome"),
    [
        # Promised for Thursday: the three business days of grace are Friday, Monday and Tuesday.
        (day(3), "1000.00", PauseState.STANDING, ""),
        (day(7), "1000.00", PauseState.STANDING, ""),  # 2 business days later
        (day(8), "1000.00", PauseState.STANDING, ""),  # 3
        (day(9), "1000.00", PauseState.ENDED, "broken"),  # 4
        (day(8), "400.00", PauseState.ENDED, "kept"),
        (day(1), "399.99", PauseState.ENDED, "kept"),
        (day(8), "400.01", PauseState.STANDING, ""),  # one cent short, and there is time
        (day(9), "400.01", PauseState.ENDED, "partly_kept"),
        (day(9), "999.99", PauseState.ENDED, "partly_kept"),
    ],
)
def test_a_promise_is_kept_if_the_amount_came_by_its_day_and_three_business_days(
    today: date, balance: str, state: PauseState, outcome: str
) -> None:
    verdict = on(promise(), today, owed=owed(balance))

    assert (state, outcome) == (verdict.state, verdict.known.outcome)
    assert (state is PauseState.STANDING) == verdict.holds
    assert [PauseProblem.PROMISE_BROKEN] * (outcome in ("broken", "partly_kept")) == problems(verdict)


def test_a_promise_that_was_partly_kept_shows_the_rest() -> None:
    verdict = on(promise(), day(9), owed=owed("600.00"))

    assert (
        "600.00 USD of invoice INV-1 was promised for 2026-09-10; 400.00 USD came, 200.00 USD did not."
        == verdict.problems[0][1]
    )


@pytest.mark.parametrize(("balance", "outcome"), [("0.01", "partly_kept"), ("0.00", "kept")])
def test_without_an_amount_all_that_was_open_is_promised(balance: str, outcome: str) -> None:
    assert outcome == on(promise(None), day(9), owed=owed(balance)).known.outcome


@pytest.mark.parametrize(
    ("coming", "state"),
    [("599.99", PauseState.ENDED), ("600.00", PauseState.STANDING)],
)
def test_money_that_is_seen_and_not_matched_yet_breaks_no_promise(coming: str, state: PauseState) -> None:
    assert state is on(promise(), day(9), owed=owed(coming=coming)).state


@pytest.mark.parametrize(("number", "holds"), [(1, True), (2, True), (3, False)])
def test_at_most_two_promises_of_an_invoice_hold_and_the_third_says_so(number: int, holds: bool) -> None:
    verdict = on(promise(number=number), day(1))

    assert holds == verdict.holds
    assert [PauseProblem.PROMISE_TOO_MANY] * (not holds) == problems(verdict)
    assert (PauseState.STANDING if holds else PauseState.WITHOUT_EFFECT) is verdict.state


TOO_MANY = (
    "600.00 USD of invoice INV-1 was promised for 2026-09-10: promise 3 of this invoice. At most 2 hold reminders "
    "back; this doesn't."
)


def test_a_promise_too_many_is_shown_until_its_last_day_and_says_why_it_holds_nothing() -> None:
    verdict = on(promise(number=3), day(8))

    assert (PauseState.WITHOUT_EFFECT, day(8), TOO_MANY) == (verdict.state, verdict.until, verdict.reason)
    assert ((PauseProblem.PROMISE_TOO_MANY, TOO_MANY),) == verdict.problems
    assert promise(number=3) == verdict.known


def test_a_promise_too_many_is_over_when_its_days_are() -> None:
    assert "over" == on(promise(number=3), day(9)).known.outcome


def promised(until: date, amount: str = "600.00") -> OpenInvoice:
    return invoice("INV-1", "1000.00", pauses=(Pause(PauseKind.PROMISE, "why", until=until, amount=usd(amount)),))


def test_another_day_is_another_promise_and_the_one_before_is_replaced() -> None:
    first = replace(promise(), id=1)
    found = pairs(promised(FRIDAY), [first], POLICY, day(1))

    assert [(1, True), (0, False)] == [(pair.known.id, pair.is_replaced) for pair in found]
    assert 2 == found[1].known.number
    assert "replaced" == on(first, day(1), None, is_replaced=True).known.outcome


def test_a_promise_that_is_put_right_on_its_own_day_is_the_same() -> None:
    first = replace(promise(), id=1)
    found = pairs(promised(FRIDAY, "500.00"), [first], POLICY, MONDAY)

    assert [1] == [pair.known.id for pair in found]
    assert "500.00 USD is promised for 2026-09-11" in on(first, MONDAY, found[0].now).reason


def test_a_promise_that_may_not_be_made_any_more_takes_nothing_from_the_one_before() -> None:
    second = replace(promise(number=2), id=2)
    found = pairs(
        promised(day(60)), [replace(promise(), id=1, ended_on=MONDAY, outcome="broken"), second], POLICY, day(1)
    )

    assert [Pair(second, second.entry), Pair(replace(second, id=0, number=3, since=day(1), entry=found[1].known.entry),
                                             found[1].now)] == list(found)  # fmt: skip
    assert [True, False] == [decide(pair.known, pair.now, owed(), POLICY, day(1)).holds for pair in found]


def test_a_promise_that_people_took_off_is_cleared_and_not_replaced() -> None:
    first = replace(promise(), id=1)

    assert (Pair(first, None),) == pairs(invoice("INV-1", "1000.00"), [first], POLICY, day(1))


def test_a_hold_whose_end_or_reason_was_changed_is_the_same_hold() -> None:
    first = replace(known(PauseKind.HOLD, until=THURSDAY), id=1)
    found = invoice("INV-1", "1000.00", pauses=(Pause(PauseKind.HOLD, "longer", until=FRIDAY),))

    assert (Pair(first, Entry(PauseKind.HOLD, "longer", until=FRIDAY)),) == pairs(found, [first], POLICY, day(1))


# ---- plans ----

PLAN = (Instalment(THURSDAY, usd("400.00")), Instalment(day(33), usd("600.00")))


def plan(**more: Any) -> Known:
    return known(PauseKind.PLAN, **({"instalments": PLAN, "approved_by": "Kim"} | more))


@pytest.mark.parametrize(("approved_by", "holds"), [("", False), (" ", False), ("Kim", True)])
def test_a_plan_counts_once_it_is_approved(approved_by: str, holds: bool) -> None:
    verdict = on(plan(approved_by=approved_by), day(1))

    assert holds == verdict.holds
    assert [PauseProblem.PLAN_NOT_APPROVED] * (not holds) == problems(verdict)


@pytest.mark.parametrize(
    ("today", "balance", "coming", "state", "outcome"),
    [
        (day(3), "1000.00", "0.00", PauseState.STANDING, ""),
        (day(8), "1000.00", "0.00", PauseState.STANDING, ""),  # the grace of a promise
        (day(9), "1000.00", "0.00", PauseState.BROKEN, ""),
        (day(9), "600.01", "0.00", PauseState.BROKEN, ""),
        (day(9), "600.00", "0.00", PauseState.STANDING, ""),
        (day(9), "1000.00", "400.00", PauseState.STANDING, ""),  # it is on its way
        (day(36), "600.00", "0.00", PauseState.STANDING, ""),
        (day(60), "600.00", "0.00", PauseState.BROKEN, ""),
        (day(60), "0.00", "0.00", PauseState.ENDED, "kept"),
    ],
)
def test_a_plan_is_held_instalment_by_instalment(
    today: date, balance: str, coming: str, state: PauseState, outcome: str
) -> None:
    verdict = on(plan(), today, owed=owed(balance, coming=coming))

    assert (state, outcome) == (verdict.state, verdict.known.outcome)
    assert (state is not PauseState.ENDED) == verdict.holds  # a broken plan is its owner's to decide
    assert [PauseProblem.PLAN_BROKEN] * (state is PauseState.BROKEN) == problems(verdict)


def test_other_instalments_are_another_plan_and_count_from_now_on() -> None:
    """What came for the plan before is not paid twice."""
    anew = (Instalment(day(10), usd("300.00")), Instalment(day(40), usd("300.00")))
    pause = Pause(PauseKind.PLAN, "why", instalments=anew, approved_by="Kim")
    first = replace(plan(), id=1)
    found = pairs(invoice("INV-1", "600.00", pauses=(pause,)), [first], POLICY, day(5))

    assert [(1, True), (0, False)] == [(pair.known.id, pair.is_replaced) for pair in found]
    assert usd("600.00") == found[1].known.balance
    assert PauseState.BROKEN is on(found[1].known, day(20), owed=owed("600.00")).state
    assert PauseState.STANDING is on(found[1].known, day(20), owed=owed("300.00")).state


def test_a_plan_that_is_approved_later_is_the_same_plan() -> None:
    first = replace(plan(approved_by=""), id=1)
    found = pairs(
        invoice("INV-1", "1000.00", pauses=(Pause(PauseKind.PLAN, "why", instalments=PLAN, approved_by="Kim"),)),
        [first],
        POLICY,
        day(5),
    )

    assert [1] == [pair.known.id for pair in found]
    assert decide(found[0].known, found[0].now, owed(), POLICY, day(5)).holds


def test_a_plan_says_what_is_due_next() -> None:
    assert (
        "A payment plan is approved by Kim; 600.00 USD is due on 2026-10-10."
        == on(plan(), day(9), owed=owed("600.00")).reason
    )


# ---- conversations ----


@pytest.mark.parametrize(
    ("until", "today", "state"),
    [
        (FRIDAY, FRIDAY, PauseState.STANDING),
        (FRIDAY, day(5), PauseState.ENDED),
        # Five business days after a Monday are the next Monday.
        (None, day(4), PauseState.STANDING),
        (None, day(7), PauseState.STANDING),
        (None, day(8), PauseState.ENDED),
    ],
)
@pytest.mark.parametrize("of_customer", [True, False])
def test_a_conversation_holds_until_its_last_day(
    until: date | None, today: date, state: PauseState, of_customer: bool
) -> None:
    verdict = on(known(PauseKind.CONVERSATION, until=until), today, owed=None if of_customer else owed())

    assert (state, state is PauseState.STANDING) == (verdict.state, verdict.holds)
    assert [] == problems(verdict)


@pytest.mark.parametrize(
    ("of_customer", "until", "reason"),
    [
        (False, FRIDAY, "Our people are in touch with the customer until 2026-09-11: why."),
        (True, None, "Our people are in touch with the customer until 2026-09-14: why."),
    ],
)
def test_a_conversation_says_until_when(of_customer: bool, until: date | None, reason: str) -> None:
    verdict = on(known(PauseKind.CONVERSATION, until=until), day(1), owed=None if of_customer else owed())

    assert (reason, until or day(7)) == (verdict.reason, verdict.until)


# ---- how each ends, in one sentence, and on which day ----


@pytest.mark.parametrize(
    ("one", "now", "of_invoice", "outcome", "reason"),
    [
        (known(PauseKind.HOLD), None, owed(), "cleared", "A person took it off."),
        (known(PauseKind.HOLD), "same", owed(is_open=False), "closed", "Invoice INV-1 is not open any more."),
        (known(PauseKind.CONVERSATION), "same", owed(), "over", "Its last day, 2026-09-14, has passed."),
        (
            known(PauseKind.PROMISE, until=THURSDAY, number=3),
            "same",
            owed(),
            "over",
            "Its day has passed; it held nothing.",
        ),
        (
            known(PauseKind.PROMISE, until=THURSDAY),
            *("same", owed(), "broken"),
            "1,000.00 USD of invoice INV-1 was promised for 2026-09-10, and nothing came.",
        ),
        (known(PauseKind.PROMISE, until=THURSDAY), "same", owed("0.00"), "kept", "1,000.00 USD was promised and came."),
        (
            known(PauseKind.DISPUTE, line_id="2", amount=usd("300.00")),
            *(None, owed(credited="300.00"), "cleared"),
            "The dispute is off, and less is owed since.",
        ),
        (
            known(PauseKind.DISPUTE, line_id="2", amount=usd("300.00"), outcome="written_off"),
            *(None, owed(credited="300.00"), "written_off"),
            "The dispute was written off, and the books show it.",
        ),
    ],
)
def test_what_ends_says_why_and_is_kept_with_its_day(
    one: Known, now: str | None, of_invoice: Owed, outcome: str, reason: str
) -> None:
    verdict = on(one, day(20), now, owed=of_invoice)

    assert (PauseState.ENDED, outcome, reason) == (verdict.state, verdict.known.outcome, verdict.reason)
    assert (day(20), day(20)) == (verdict.known.outcome_on, verdict.known.ended_on)
    assert (False, None) == (verdict.holds, verdict.until)


def test_the_day_on_which_an_outcome_was_known_stays_though_it_ends_later() -> None:
    rejected = dispute(outcome="rejected", outcome_on=day(1))
    verdict = on(rejected, day(20), None)

    assert (day(1), day(20)) == (verdict.known.outcome_on, verdict.known.ended_on)
    assert "The dispute was rejected on 2026-09-08." == verdict.reason


# ---- several at once, and any of them ----


def test_the_kind_that_is_named_first_is_the_one_that_people_are_told() -> None:
    both = [on(known(PauseKind.PROMISE, until=FRIDAY), MONDAY), on(known(PauseKind.USAGE), MONDAY)]
    found = held_by(both)

    assert found is not None
    assert PauseKind.USAGE is found.known.entry.kind
    assert held_by([on(dispute(), MONDAY)]) is None


days = st.integers(-20, 80).map(day)
amounts = st.integers(1, 100_000).map(lambda minor: Money(minor, "USD"))
plans = st.lists(st.builds(Instalment, days, amounts), max_size=3).map(tuple)
entered = st.builds(
    Pause,
    st.sampled_from([kind for kind in PauseKind if kind is not PauseKind.DISPUTE]),
    st.sampled_from(["", "why"]),
    since=st.none() | days,
    until=st.none() | days,
    amount=st.none() | amounts,
    instalments=plans,
    approved_by=st.sampled_from(["", "Kim"]),
)
disputed_lines = st.builds(
    InvoiceLine,
    st.sampled_from("12"),
    st.just("a line"),
    amounts,
    disputed=st.booleans(),
    disputed_on=st.none() | days,
    dispute_outcome=st.sampled_from(["", "rejected", "accepted", "written_off"]),
)


def verdicts(found: OpenInvoice, before: tuple[Known, ...], today: date) -> list[PauseVerdict]:
    return list(decide_invoice(found, before, lambda one: owed(str(found.balance.decimal())), POLICY, today))


def kept(found: OpenInvoice, before: tuple[Known, ...], today: date) -> tuple[Known, ...]:
    """All that the invoice ever had once this day is decided, as the store keeps it: each with a number."""
    book = {one.id: one for one in before}
    for one in verdicts(found, before, today):
        number = one.known.id or len(book) + 1
        book[number] = replace(one.known, id=number)
    return tuple(book.values())


@given(st.lists(entered, max_size=4), entered, st.lists(disputed_lines, max_size=2, unique_by=lambda one: one.id), days)
def test_one_more_pause_never_lets_more_leave(
    standing: list[Pause], more: Pause, lines: list[InvoiceLine], today: date
) -> None:
    before = invoice("INV-1", "1000.00", pauses=tuple(standing), lines=tuple(lines))
    after = replace(before, pauses=(*before.pauses, more))
    held_before, held_after = held_by(verdicts(before, (), today)), held_by(verdicts(after, (), today))

    assert held_before is None or held_after is not None


@given(
    st.lists(entered, max_size=4), st.lists(disputed_lines, max_size=2, unique_by=lambda one: one.id), st.lists(days)
)
def test_deciding_twice_is_deciding_once(
    standing: list[Pause], lines: list[InvoiceLine], looked_on: list[date]
) -> None:
    found = invoice("INV-1", "1000.00", pauses=tuple(standing), lines=tuple(lines))
    before: tuple[Known, ...] = ()
    for today in sorted(looked_on):
        before = once = kept(found, before, today)

        assert once == kept(found, once, today)


@given(st.lists(entered, max_size=4), st.lists(disputed_lines, max_size=2, unique_by=lambda one: one.id), days)
def test_a_pause_moves_no_due_date_and_no_ageing(standing: list[Pause], lines: list[InvoiceLine], today: date) -> None:
    plain = invoice("INV-1", "1000.00")
    paused = replace(plain, pauses=tuple(standing), lines=tuple(lines))

    assert (DUE_ON, plain.days_past_due(today)) == (paused.due_on, paused.days_past_due(today))


@pytest.mark.parametrize("kind", PauseKind)
def test_every_kind_says_in_words_of_its_own_why_it_holds(kind: PauseKind) -> None:
    others = [said(Entry(other, "why"), FRIDAY) for other in PauseKind if other is not kind]

    assert said(Entry(kind, "why"), FRIDAY) not in others
    assert said(Entry(kind, "why."), FRIDAY).endswith(": why.")
