"""The past under another policy: played by the decisions themselves, and the same each time."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.conditions import compile_condition
from connector.history.backtest import KeptBack, Past, PastInvoice, Played, play
from connector.history.backtest_report import backtest, buckets, history_words, month_ends, value_words
from connector.money import Money
from connector.policy import (
    Addressee,
    Cadence,
    Calendar,
    Comparing,
    Comparison,
    Courtesy,
    Criteria,
    EscalationRule,
    Policy,
    Segment,
    Step,
    Switch,
    Tone,
)
from connector.receivables import Customer, OpenInvoice, PauseKind, PaymentHistory, Profile, Traits
from connector.reports_policy import BacktestReport

LEDGER = Path(__file__).resolve().parents[3] / "shared" / "data" / "receivables" / "invoices.csv"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DUE_ON = date(2026, 3, 2)  # a Monday
CALENDAR = Calendar(send_weekdays=frozenset(range(5)))


def steps(*days: int) -> tuple[Step, ...]:
    """-7 speaks gently, what is past due firmly."""
    return tuple(
        Step(f"{day:+d}" if day else "0", day, f"text {day}", "billing", tone=Tone.FIRM if day > 0 else Tone.NEUTRAL)
        for day in days
    )


PRESENT = Policy(
    "present",
    steps(-7, 0, 7, 14, 30),
    (("billing", "billing@ours.example"),),
    send=Switch.SHADOW,  # what is switched on today says nothing about the past
    calendar=CALENDAR,
    needs_delivery_evidence=True,
    courtesy=Courtesy(90, 7),
    escalation=(EscalationRule("large", 14, (Money.of("25000", "USD"),), to=Addressee.COLLECTIONS),),
)


def usd(amount: str | int) -> Money:
    return Money.of(str(amount), "USD")


def day(days_past_due: int) -> date:
    return DUE_ON + timedelta(days=days_past_due)


def past_invoice(
    number: str, amount: str | int = 100, *paid: tuple[int, str | int], customer_id: str = "C1", **more: Any
) -> PastInvoice:
    """Net 30, due on DUE_ON; `paid`: days past due and amount of each payment."""
    due_on = more.pop("due_on", DUE_ON)
    billed = OpenInvoice(number, number, customer_id, usd(amount), usd(amount), due_on - timedelta(days=30), due_on)
    return PastInvoice(billed, tuple((day(on), usd(part)) for on, part in paid), **more)


def past(*invoices: PastInvoice, **more: Any) -> Past:
    ids = {one.invoice.customer_id for one in invoices}
    return Past(invoices, {one: Customer(one, one, f"ap@{one.lower()}.example") for one in ids}, **more)


def days_sent(played: Played) -> list[tuple[str, int]]:
    return [(one.step, (one.on - DUE_ON).days) for one in played.sent]


# ---- playing ----


def test_what_is_never_paid_gets_its_whole_cadence_on_days_that_mail_leaves_on() -> None:
    played = play(past(past_invoice("1")), PRESENT, FIRST, LAST)

    # 30 days after a Monday is a Wednesday.
    assert [("-7", -7), ("0", 0), ("+7", 7), ("+14", 14), ("+30", 30)] == days_sent(played)


def test_a_step_that_falls_on_a_weekend_leaves_on_monday() -> None:
    played = play(past(past_invoice("1")), replace(PRESENT, steps=steps(5, 7)), FIRST, LAST)

    # Both are due on the Monday: the later one leaves, the earlier one is never made up for.
    assert [("+7", 7)] == days_sent(played)


@pytest.mark.parametrize(
    ("paid_on", "last"),
    [(13, [("+7", 7)]), (14, [("+7", 7)]), (15, [("+7", 7), ("+14", 14)])],
)
def test_a_payment_counts_from_its_own_day_on(paid_on: int, last: list[tuple[str, int]]) -> None:
    found = past(past_invoice("1", 100, (paid_on, 100)))

    assert last == days_sent(play(found, PRESENT, FIRST, LAST))[2:]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        ("89.99", [("+14", 14), ("+30", 30)]),
        ("90.00", [("courtesy", 17)]),
    ],
)
def test_almost_paid_gets_one_courtesy_message_instead_of_the_cadence(part: str, sent: list[tuple[str, int]]) -> None:
    found = past(past_invoice("1", 100, (10, part)))

    assert sent == days_sent(play(found, PRESENT, FIRST, LAST))[3:]


def test_while_people_keep_it_back_nothing_leaves_and_afterwards_only_the_latest_step() -> None:
    held = KeptBack(PauseKind.HOLD, day(-10), day(15), "renewal talks")
    played = play(past(past_invoice("1", kept_back=(held,))), PRESENT, FIRST, LAST)

    assert [("+14", 16), ("+30", 30)] == days_sent(played)
    assert {"hold": 4} == played.held


def test_a_dispute_of_a_part_leaves_the_rest_to_be_asked_for() -> None:
    line = KeptBack(PauseKind.DISPUTE, day(-10), None, "", usd(40))
    played = play(past(past_invoice("1", 100, kept_back=(line,))), PRESENT, FIRST, LAST)

    assert {usd(60)} == {one.asked for one in played.sent}
    assert 5 == len(played.sent)


def test_an_escalation_stops_the_mail_and_is_handed_over_once() -> None:
    played = play(past(past_invoice("1", 30000)), PRESENT, FIRST, LAST)

    assert [("-7", -7), ("0", 0), ("+7", 7)] == days_sent(played)
    # After the rule of the policy comes the floor under it: nobody is known to have looked.
    assert [("large", 14, "collections")] == [
        (one.rule, (one.on - DUE_ON).days, one.to) for one in played.handed_over if one.rule == "large"
    ]


def test_no_six_figure_invoice_comes_to_60_days_past_due_unseen_under_any_policy() -> None:
    played = play(past(past_invoice("1", 100000)), replace(PRESENT, escalation=()), FIRST, LAST)

    assert [45] == [(one.on - DUE_ON).days for one in played.handed_over]


def test_only_what_falls_between_the_two_days_is_told_though_all_is_played() -> None:
    played = play(past(past_invoice("1")), PRESENT, day(8), day(20))

    # First contact was long before: the step speaks with its own text.
    assert [("+14", "text 14")] == [(one.step, one.template) for one in played.sent]


def test_all_that_is_due_for_one_customer_is_one_message_in_the_firmest_tone() -> None:
    found = past(
        past_invoice("1"), past_invoice("2", due_on=day(7)), past_invoice("3", customer_id="C2", due_on=day(7))
    )
    on_that_day = [one for one in play(found, PRESENT, FIRST, LAST).sent if one.on == day(7)]

    assert [("C1", "1", Tone.FIRM), ("C1", "2", Tone.FIRM), ("C2", "3", Tone.NEUTRAL)] == [
        (one.customer_id, one.number, one.tone) for one in on_that_day
    ]


def test_an_invoice_moves_to_another_cadence_as_its_customer_becomes_late() -> None:
    late = Comparison(Comparing.AT_LEAST, Decimal(1))
    policy = replace(
        PRESENT,
        steps=steps(-7, 20),
        cadences=(Cadence("hard", steps(1, 10, 12)),),
        segments=(Segment("late payers", Criteria(late_last_quarter=late), cadence="hard"),),
    )
    # The other invoice is settled late on the 11th day past this one's due date.
    other = past_invoice("2", 50, (11, 50), due_on=day(-40))
    played = play(past(past_invoice("1"), other), policy, FIRST, LAST)

    # +1 and +10 lie behind it by then and are not made up for.
    assert [("-7", -7, "default"), ("+12", 14, "late payers")] == [
        (one.step, (one.on - DUE_ON).days, one.segment) for one in played.sent if one.number == "1"
    ]


def test_nobody_without_an_address_is_written_to() -> None:
    found = Past((past_invoice("1"),), {"C1": Customer("C1", "Northfield")})
    played = play(found, PRESENT, FIRST, LAST)

    assert ((), {"no_contact": 5}) == (played.sent, played.held)


@given(st.permutations([past_invoice(str(n), 100 + n, (n * 7, 100 + n), customer_id=f"C{n % 3}") for n in range(8)]))
def test_the_order_of_the_past_changes_nothing(invoices: Sequence[PastInvoice]) -> None:
    ordered = sorted(invoices, key=lambda one: one.invoice.id)

    assert play(past(*ordered), PRESENT, FIRST, LAST) == play(past(*invoices), PRESENT, FIRST, LAST)


PARTS = st.lists(st.tuples(st.integers(-20, 40), st.integers(1, 60)), max_size=3)


@given(PARTS, st.integers(-20, 40))
def test_money_that_settles_it_never_adds_a_reminder(parts: list[tuple[int, int]], paid_on: int) -> None:
    without = play(past(past_invoice("1", 100, *parts)), PRESENT, FIRST, LAST)
    settled = play(past(past_invoice("1", 100, *parts, (paid_on, 100))), PRESENT, FIRST, LAST)

    assert {(one.on, one.step) for one in settled.sent} <= {(one.on, one.step) for one in without.sent}
    assert all(one.on < day(paid_on) for one in settled.sent)


@given(PARTS, st.integers(-20, 40), st.integers(0, 30), st.sampled_from(PauseKind))
def test_what_people_keep_back_never_adds_a_reminder_on_those_days(
    parts: list[tuple[int, int]], first: int, length: int, kind: PauseKind
) -> None:
    kept = KeptBack(kind, day(first), day(first + length), "because")
    played = play(past(past_invoice("1", 100, *parts, kept_back=(kept,))), PRESENT, FIRST, LAST)

    assert not [one for one in played.sent if kept.holds(one.on)]


# ---- two policies side by side ----


def compared(found: Past, proposed: Policy, first_on: date = FIRST, last_on: date = LAST) -> BacktestReport:
    return backtest(found, PRESENT, replace(proposed, version="proposed"), first_on, last_on, NOW)


def figures(report: BacktestReport) -> dict[str, tuple[Any, Any]]:
    return {one.name: (one.present, one.proposed) for one in (*report.figures, *report.touches)}


def test_the_same_policy_changes_nothing() -> None:
    report = compared(past(past_invoice("1"), past_invoice("2", 30000, customer_id="C2")), PRESENT)

    assert (0, 0) == figures(report)["reminders that only one of them sends"]
    assert () == report.examples
    assert {(0, 0)} == {(one.added, one.removed) for one in (*report.steps, *report.tones, *report.hand_overs)}


def test_a_moved_step_is_one_send_removed_and_one_added() -> None:
    report = compared(past(past_invoice("1")), replace(PRESENT, steps=steps(-7, 0, 9, 14, 30)))

    rows = {one.name: (one.present, one.proposed, one.added, one.removed) for one in report.steps}
    assert ((1, 0, 0, 1), (0, 1, 1, 0)) == (rows["+7"], rows["+9"])
    assert [("added", day(9), "step +9, firm, email"), ("removed", day(7), "step +7, firm, email")] == [
        (one.change, one.on, one.text) for one in report.examples
    ]


def test_another_text_on_the_same_day_is_neither_added_nor_removed() -> None:
    firmer = tuple(replace(one, tone=Tone.FINAL) if one.days == 30 else one for one in PRESENT.steps)
    report = compared(past(past_invoice("1")), replace(PRESENT, steps=firmer))

    assert (1, 1) == figures(report)["reminders on the same day in other words"]
    assert ["step +30, firm, email -> step +30, final, email"] == [one.text for one in report.examples]


def test_hand_overs_are_counted_by_rule_and_by_week() -> None:
    sooner = (EscalationRule("large", 7, (usd(25000),)), EscalationRule("long", 30, stops_mail=False))
    report = compared(
        past(past_invoice("1", 30000), past_invoice("2", customer_id="C2")), replace(PRESENT, escalation=sooner)
    )

    assert [("large", 1, 1, 0, 0), ("long", 0, 1, 1, 0)] == [
        (one.name, one.present, one.proposed, one.added, one.removed) for one in report.hand_overs
    ]
    # 9 March, 16 March and 1 April.
    assert [("2026-W11", 0, 1), ("2026-W12", 1, 0), ("2026-W14", 0, 1)] == [
        (one.name, one.present, one.proposed) for one in report.weeks
    ]


def test_touches_are_messages_by_customer() -> None:
    found = past(past_invoice("1"), past_invoice("2"), past_invoice("3", 100, (-20, 100), customer_id="C2"))
    told = figures(compared(found, replace(PRESENT, steps=steps(7))))

    assert (5, 1) == told["most messages to one customer"]
    assert (Decimal("2.5"), Decimal("0.5")) == told["mean messages a customer"]
    assert ((1, 1), (0, 1), (1, 0)) == (
        told["customers with none"],
        told["customers with 1 to 2"],
        told["customers with 3 to 5"],
    )
    assert (1, 1) == told["most within seven days"]


def test_what_must_be_none_is_counted_from_the_past_itself() -> None:
    whole = KeptBack(PauseKind.DISPUTE, day(-20), None, "wrong price")
    found = past(
        past_invoice("1", 100, (8, 100)),
        past_invoice("2", kept_back=(whole,), was_disputed=True, customer_id="C2"),
        past_invoice("3", was_disputed=True, customer_id="C3"),
    )
    told = figures(compared(found, replace(PRESENT, steps=steps(1))))

    assert ((0, 0), (0, 0)) == (
        told["reminders after the invoice was paid"],
        told["reminders while the invoice was disputed"],
    )
    # Nobody knows on which days the third one was disputed.
    assert (5, 1) == told["reminders of invoices disputed on unknown days"]


# ---- buckets ----


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (PaymentHistory(), "new"),
        (PaymentHistory(settled_count=4), "none late last quarter"),
        (PaymentHistory(settled_count=4, late_last_quarter=1), "1 late last quarter"),
        (PaymentHistory(settled_count=4, late_last_quarter=2), "2 or more late last quarter"),
    ],
)
def test_a_history_in_the_words_of_the_buckets(history: PaymentHistory, words: str) -> None:
    assert words == history_words(history)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("99.99", "below 100"),
        ("100.00", "100 or more"),
        ("999.99", "100 or more"),
        ("100000.00", "100,000 or more"),
    ],
)
def test_the_size_of_an_invoice_in_the_words_of_the_buckets(amount: str, words: str) -> None:
    assert words == value_words(usd(amount))


def test_month_ends_or_else_the_last_day() -> None:
    assert (date(2026, 1, 31), date(2026, 2, 28)) == month_ends(date(2026, 1, 31), date(2026, 3, 30))
    assert (date(2026, 3, 30),) == month_ends(date(2026, 3, 1), date(2026, 3, 30))


def test_buckets_are_ranked_by_what_was_overdue_with_running_shares() -> None:
    found = past(
        past_invoice("1", 600),
        past_invoice("2", 300, customer_id="C2"),
        past_invoice("3", 100, customer_id="C3"),
        past_invoice("4", 9000, customer_id="C4", due_on=date(2026, 6, 1)),  # not overdue yet
        profiles={"C1": Profile(Traits(tier="Enterprise", billing_model="usage")), "C2": Profile(Traits(tier="smb"))},
    )
    rows = buckets(found, date(2026, 3, 1), date(2026, 4, 30))

    assert [
        ("enterprise", "usage", usd(600), Decimal("60.0"), Decimal("60.0")),
        ("smb", "not known", usd(300), Decimal("30.0"), Decimal("90.0")),
        ("not known", "not known", usd(100), Decimal("10.0"), Decimal("100.0")),
    ] == [(one.tier, one.billing_model, one.overdue, one.share, one.running) for one in rows]


# ---- a real ledger ----


def ledger() -> Past:
    with LEDGER.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    invoices = []
    for row in rows:
        issued_on, due_on, settled_on = (
            date.fromisoformat(row[name]) for name in ("issued_on", "due_on", "settled_on")
        )
        amount, number = Money.of(row["amount"], row["currency"]), row["invoice_number"]
        billed = OpenInvoice(number, number, row["customer_id"], amount, amount, issued_on, due_on)
        invoices.append(PastInvoice(billed, ((settled_on, amount),), was_disputed=row["disputed"] == "yes"))
    ids = sorted({row["customer_id"] for row in rows})
    return Past(tuple(invoices), {one: Customer(one, one, f"ap@{one.lower()}.example") for one in ids})


PROPOSED = replace(
    PRESENT,
    version="proposed",
    steps=steps(-3, 1, 5, 14, 21, 40),
    cadences=(Cadence("soft", steps(-7, 3, 20)), Cadence("hard", steps(0, 1, 3, 7, 10))),
    segments=(
        Segment(
            "often late",
            Criteria(
                late_last_quarter=Comparison(Comparing.AT_LEAST, Decimal(2)),
                when=compile_condition("invoice.amount.USD > 20"),
            ),
            cadence="hard",
        ),
        Segment("on time", Criteria(late_last_quarter=Comparison(Comparing.EQUAL, Decimal(0))), cadence="soft"),
    ),
    escalation=(EscalationRule("long", 30, stops_mail=False),),
)


@pytest.mark.skipif(not LEDGER.exists(), reason="there is no ledger of receivables beside the project")
def test_a_ledger_of_2466_invoices_is_played_the_same_each_time_and_nothing_paid_is_chased() -> None:
    found, first_on, last_on = ledger(), date(2013, 1, 1), date(2013, 12, 31)
    started = time.process_time()
    report = backtest(found, PRESENT, PROPOSED, first_on, last_on, NOW)
    seconds = time.process_time() - started
    shuffled = replace(found, invoices=found.invoices[::-1])

    assert 2466 == len(found.invoices)
    assert report == backtest(shuffled, PRESENT, PROPOSED, first_on, last_on, NOW)
    assert (0, 0) == figures(report)["reminders after the invoice was paid"]
    assert all(count > 0 for count in figures(report)["reminders that only one of them sends"])
    assert {"default", "often late", "on time"} == {one.segment for one in report.steps}
    assert Decimal(100) == report.buckets[-1].running
    assert seconds < 10  # of the processor, so that what else runs here counts little
