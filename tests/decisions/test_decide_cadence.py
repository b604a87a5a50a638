"""Which reminder is due, from the invoice's own terms?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from decision_cases import DUE_ON, POLICY, STEPS, invoice
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import cadence
from connector.decisions.cadence import CadenceOutcome
from connector.receivables import Reminder, ReminderState

PLANNED, HELD, SENT, UNKNOWN, MISSED, CANCELLED, LEAVING = (
    ReminderState.PLANNED,
    ReminderState.HELD,
    ReminderState.SENT,
    ReminderState.UNKNOWN,
    ReminderState.MISSED,
    ReminderState.CANCELLED,
    ReminderState.LEAVING,
)


def day(offset: int) -> date:
    return DUE_ON + timedelta(days=offset)


def planned(**states: ReminderState) -> tuple[Reminder, ...]:
    """The whole plan of one invoice; `plus_7=SENT` sets the state of step +7."""
    names = {"minus_7": "-7", "zero": "0", "plus_1": "+1", "plus_7": "+7", "plus_14": "+14", "plus_30": "+30"}
    wanted = {names[key]: state for key, state in states.items()}
    plan = cadence.plan(invoice("INV-1", "100.00"), POLICY)
    return tuple(replace(reminder, state=wanted.get(reminder.step, PLANNED)) for reminder in plan)


def test_the_default_cadence_counts_from_the_due_date():
    """M10, M11: -7, 0, +1, +7, +14, +30, the first one before the due date."""
    plan = cadence.plan(invoice("INV-1", "100.00"), POLICY)

    assert [
        ("-7", date(2026, 9, 24)),
        ("0", date(2026, 10, 1)),
        ("+1", date(2026, 10, 2)),
        ("+7", date(2026, 10, 8)),
        ("+14", date(2026, 10, 15)),
        ("+30", date(2026, 10, 31)),
    ] == [(reminder.step, reminder.due_on) for reminder in plan]
    assert {PLANNED} == {reminder.state for reminder in plan}


@pytest.mark.parametrize(
    ("due_on", "steps"),
    [
        # Somebody mistyped the year: what lies before the first day that there is, or beyond the last, is left out.
        (date.max - timedelta(days=30), ["-7", "0", "+1", "+7", "+14", "+30"]),
        (date.max - timedelta(days=29), ["-7", "0", "+1", "+7", "+14"]),
        (date.max - timedelta(days=7), ["-7", "0", "+1", "+7"]),
        (date(9999, 12, 25), ["-7", "0", "+1"]),
        (date.max, ["-7", "0"]),
        (date.min + timedelta(days=7), ["-7", "0", "+1", "+7", "+14", "+30"]),
        (date.min + timedelta(days=6), ["0", "+1", "+7", "+14", "+30"]),
    ],
)
def test_a_step_beyond_the_calendar_is_left_out(due_on, steps):
    plan = cadence.plan(invoice("INV-1", "100.00", issued_on=date(2026, 9, 1), due_on=due_on), POLICY)

    assert steps == [reminder.step for reminder in plan]
    assert all(reminder.due_on - due_on == timedelta(days=int(reminder.step)) for reminder in plan)


def test_a_net_60_invoice_does_not_start_with_a_net_30_one_of_the_same_day():
    """M12: the most common configuration error."""
    net_30 = invoice("INV-1", "100.00", issued_on=date(2026, 9, 1), due_on=date(2026, 10, 1))
    net_60 = invoice("INV-2", "100.00", issued_on=date(2026, 9, 1), due_on=date(2026, 10, 31))
    starts = [cadence.plan(each, POLICY)[0].due_on for each in (net_30, net_60)]

    assert [date(2026, 9, 24), date(2026, 10, 24)] == starts
    verdict = cadence.decide(cadence.plan(net_60, POLICY), POLICY, date(2026, 9, 24))
    assert (CadenceOutcome.WAITING, date(2026, 10, 24)) == (verdict.outcome, verdict.next_on)


@pytest.mark.parametrize(
    ("states", "offset", "last_sent", "outcome", "step", "template", "missed", "next_offset"),
    [
        # states                              day last_sent outcome    step   template     missed                next
        ({}, -8, None, "waiting", "", "", [], -7),
        ({}, -7, None, "due", "-7", "upcoming", [], 0),
        ({"minus_7": SENT}, 0, -7, "due", "0", "due_today", [], 1),
        ({"minus_7": SENT, "zero": SENT}, 0, 0, "waiting", "", "", [], 1),
        ({"minus_7": SENT, "zero": SENT}, 1, 0, "due", "+1", "past_due", [], 7),
        ({"minus_7": SENT}, 8, -7, "due", "+7", "firmer", ["0", "+1"], 14),
        ({"minus_7": UNKNOWN}, 8, -7, "due", "+7", "firmer", ["0", "+1"], 14),
        # First contact is never firmer than +1, whichever step it is.
        ({}, 8, None, "due", "+7", "past_due", ["-7", "0", "+1"], 14),
        ({}, 31, None, "due", "+30", "past_due", ["-7", "0", "+1", "+7", "+14"], None),
        ({"minus_7": HELD, "zero": HELD}, 0, None, "due", "0", "due_today", ["-7"], 1),
        # At most one a day: the rest waits for tomorrow, and what is superseded is missed already now.
        ({"minus_7": SENT}, 8, 8, "waiting", "", "", ["0", "+1"], 9),
        ({"minus_7": SENT}, 8, 9, "waiting", "", "", ["0", "+1"], 10),
        ({"plus_1": LEAVING, "minus_7": SENT, "zero": SENT}, 7, 0, "waiting", "", "", [], 7),
        ({"plus_1": LEAVING, "minus_7": SENT, "zero": SENT}, 1, 0, "waiting", "", "", [], 7),
        # A step older than one that has left is never replayed.
        ({"plus_7": SENT}, 9, 7, "waiting", "", "", ["-7", "0", "+1"], 14),
        (
            dict.fromkeys(["minus_7", "zero", "plus_1", "plus_7", "plus_14", "plus_30"], SENT),
            40,
            30,
            "finished",
            "",
            "",
            [],
            None,
        ),
        (
            dict.fromkeys(["minus_7", "zero", "plus_1", "plus_7", "plus_14", "plus_30"], CANCELLED),
            1,
            None,
            "finished",
            "",
            "",
            [],
            None,
        ),
    ],
)
def test_the_latest_step_whose_day_has_come_is_due(
    states, offset, last_sent, outcome, step, template, missed, next_offset
):
    last_sent_on = None if last_sent is None else day(last_sent)
    verdict = cadence.decide(planned(**states), POLICY, day(offset), last_sent_on)

    assert outcome == verdict.outcome
    assert step == (verdict.reminder.step if verdict.reminder else "")
    assert template == verdict.template
    assert missed == [reminder.step for reminder in verdict.missed]
    assert {MISSED} >= {reminder.state for reminder in verdict.missed}
    assert (None if next_offset is None else day(next_offset)) == verdict.next_on
    assert verdict.reason


def test_every_outcome_is_reached():
    verdicts = {
        cadence.decide(planned(), POLICY, day(-8)).outcome,
        cadence.decide(planned(), POLICY, day(0)).outcome,
        cadence.decide((), POLICY, day(0)).outcome,
    }

    assert set(CadenceOutcome) == verdicts


def test_a_step_that_the_policy_no_longer_knows_is_missed():
    old = Reminder("1", "+3", day(3), PLANNED)
    verdict = cadence.decide((old,), POLICY, day(3))

    assert CadenceOutcome.FINISHED == verdict.outcome
    assert [("+3", MISSED)] == [(reminder.step, reminder.state) for reminder in verdict.missed]


def test_fifty_thousand_with_forty_five_paid_gets_one_courtesy_message_and_no_escalation():
    """M46, M47: the +14 mail must not fire on the residual."""
    residual = invoice("INV-1", "5000.00", amount="50000.00")
    before = planned(minus_7=SENT, zero=SENT, plus_1=SENT, plus_7=SENT)
    changed = cadence.replan(residual, 90, day(10), before, POLICY)
    after = {reminder.id: reminder for reminder in (*before, *changed)}.values()
    on_14 = cadence.decide(tuple(after), POLICY, day(14), day(7))
    on_17 = cadence.decide(tuple(after), POLICY, day(17), day(7))

    assert [("+14", CANCELLED), ("+30", CANCELLED), ("courtesy", PLANNED)] == [(r.step, r.state) for r in changed]
    assert (CadenceOutcome.WAITING, day(17)) == (on_14.outcome, on_14.next_on)
    assert (CadenceOutcome.DUE, "courtesy") == (on_17.outcome, on_17.template)
    assert () == on_17.missed


def test_below_the_bound_a_part_payment_changes_nothing():
    assert () == cadence.replan(invoice("INV-1", "5001.00", amount="50000.00"), 89, day(10), planned(), POLICY)


def test_a_fully_paid_invoice_gets_no_courtesy_message():
    changed = cadence.replan(invoice("INV-1", "0.00", amount="50000.00"), 100, day(10), planned(), POLICY)

    assert {CANCELLED} == {reminder.state for reminder in changed}
    assert len(STEPS) == len(changed)


def test_later_cash_moves_the_courtesy_message_that_has_not_left():
    waiting = Reminder("1", "courtesy", day(17), PLANNED)
    changed = cadence.replan(invoice("INV-1", "1.00"), 99, day(12), (waiting,), POLICY)

    assert (replace(waiting, due_on=day(19)),) == changed


@pytest.mark.parametrize("state", [SENT, UNKNOWN, MISSED, CANCELLED, LEAVING])
def test_there_is_one_courtesy_message_only(state):
    known = Reminder("1", "courtesy", day(17), state)

    assert () == cadence.replan(invoice("INV-1", "1.00"), 99, day(12), (known,), POLICY)


states = st.sampled_from(ReminderState)


@given(st.lists(states, min_size=6, max_size=6), st.integers(-10, 40), st.integers(-10, 40), st.randoms())
def test_the_order_of_the_reminders_never_matters(given_states, offset, sent, random):
    plan = [
        replace(r, state=s) for r, s in zip(cadence.plan(invoice("INV-1", "1.00"), POLICY), given_states, strict=True)
    ]
    shuffled = random.sample(plan, len(plan))

    assert cadence.decide(plan, POLICY, day(offset), day(sent)) == cadence.decide(
        shuffled, POLICY, day(offset), day(sent)
    )


@given(st.lists(states, min_size=6, max_size=6), st.integers(90, 100), st.integers(0, 40))
def test_replanning_twice_changes_nothing_more(given_states, percent, offset):
    residual = invoice("INV-1", "1.00")
    plan = [replace(r, state=s) for r, s in zip(cadence.plan(residual, POLICY), given_states, strict=True)]
    changed = cadence.replan(residual, percent, day(offset), plan, POLICY)
    after = {reminder.id: reminder for reminder in (*plan, *changed)}.values()

    assert () == cadence.replan(residual, percent, day(offset), tuple(after), POLICY)


@given(st.lists(states, min_size=6, max_size=6), st.integers(-10, 60), st.integers(0, 100))
def test_adding_a_payment_never_makes_the_cadence_harsher(given_states, offset, percent):
    residual = invoice("INV-1", "1.00")
    plan = [replace(r, state=s) for r, s in zip(cadence.plan(residual, POLICY), given_states, strict=True)]
    changed = cadence.replan(residual, percent, day(offset), plan, POLICY)
    after = tuple({reminder.id: reminder for reminder in (*plan, *changed)}.values())
    firmness = ["", "courtesy", *(step.template for step in STEPS)]
    before_template = cadence.decide(plan, POLICY, day(offset)).template
    after_template = cadence.decide(after, POLICY, day(offset)).template

    assert firmness.index(after_template) <= firmness.index(before_template)


# ---- the one statement of old invoices ----


def test_a_statement_has_its_own_text_and_is_no_step_of_the_cadence():
    """RULES 4.5: neutral, also as the first contact, and due on the day on which it was chosen."""
    statement = Reminder("1", cadence.STATEMENT_STEP, day(45), PLANNED)
    verdict = cadence.decide([statement], POLICY, day(45))

    assert (CadenceOutcome.DUE, statement, "statement") == (verdict.outcome, verdict.reminder, verdict.template)


def test_almost_paid_cancels_the_cadence_and_not_the_statement():
    statement = Reminder("1001", cadence.STATEMENT_STEP, day(45), PLANNED)
    owed = invoice("INV-1001", "5.00", amount="100.00")
    changed = cadence.replan(owed, 95, day(45), [*planned(), statement], POLICY)

    assert cadence.STATEMENT_STEP not in {reminder.step for reminder in changed}
    assert {"-7", "0", "+1", "+7", "+14", "+30"} == {r.step for r in changed if r.state is CANCELLED}


# ---- after a dispute ----


@pytest.mark.parametrize(
    ("resumes_after", "due", "template"),
    [
        ("", "+14", "urgent"),  # no dispute
        ("+7", "+14", "firmer"),
        ("+14", "+30", "urgent"),
        ("+7", "+30", "firmer"),
        ("-7", "+14", "past_due"),  # an overdue invoice isn't called upcoming
        ("0", "+14", "past_due"),
        ("+14", "+7", "firmer"),  # never firmer than its own step either
        ("of another cadence", "+14", "urgent"),
    ],
)
def test_after_a_rejected_dispute_the_next_message_is_no_firmer_than_the_last_that_left(resumes_after, due, template):
    """RULES 5.3. The step keeps its name and its day; only its words are gentler."""
    sent = Reminder("1", "-7", day(-7), ReminderState.SENT)
    step = Reminder("1", due, day(30), PLANNED)
    verdict = cadence.decide([sent, step], POLICY, day(30), None, resumes_after)

    assert (step, template) == (verdict.reminder, verdict.template)


def test_a_question_about_a_dispute_is_no_first_contact():
    asked = Reminder("1", cadence.DISPUTE_STEP, day(8), ReminderState.SENT)
    verdict = cadence.decide([asked, Reminder("1", "+30", day(30), PLANNED)], POLICY, day(30))

    assert "past_due" == verdict.template


# ---- what has a message of its own ----


@pytest.mark.parametrize("step", [cadence.DISPUTE_STEP, cadence.RETURNED_STEP])
def test_a_message_of_its_own_goes_first_and_takes_no_steps_place(step):
    """A later step never supersedes it, and the step of the day leaves on the day after."""
    own, earlier = Reminder("1", step, day(5), HELD), Reminder("1", "+1", day(1), HELD)
    later = Reminder("1", "+7", day(7), PLANNED)
    first = cadence.decide([own, earlier, later], POLICY, day(7))

    assert own == first.reminder
    assert ["+1"] == [one.step for one in first.missed]

    then = cadence.decide([replace(own, state=SENT), later], POLICY, day(8), day(7))

    assert ("+7", ()) == (then.reminder.step if then.reminder else "", then.missed)
