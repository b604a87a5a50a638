"""Who must look is told, once, answers or is passed over: the real loop with a CRM and a chat held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers_cases import POLICY, invoice, usd
from people_cases import OWNED, PeopleCase

from connector import escalate, notices, pauses
from connector.decisions import suppression
from connector.decisions.escalation import UNSEEN_RULE
from connector.decisions.suppression import SuppressionOutcome
from connector.errors import Transient
from connector.policy import (
    Addressee,
    Calendar,
    Criteria,
    EscalationRule,
    Exceptions,
    HandOff,
    LadderRung,
    Segment,
    Switch,
)
from connector.receivables import PauseKind, ReminderState
from connector.store import activity, book, gate, orders, relations, verdicts
from connector.store.relations import Escalated
from connector.surroundings import Surroundings

ISSUED_ON, DUE_ON = date(2026, 8, 20), date(2026, 9, 7)
PEOPLE = (
    (Addressee.COLLECTIONS, "collections@ours.example"),
    (Addressee.LEADERSHIP, "cfo@ours.example"),
    (Addressee.FINANCE, "finance@ours.example"),
)
LARGE = EscalationRule("large amount", 4, (usd("25000.00"),))
LATE = EscalationRule("long overdue", 4, stops_mail=False)
RULED = replace(
    POLICY, escalation=(LARGE, LATE), hand_off=HandOff(people=PEOPLE), exceptions=Exceptions(stalled_days=400)
)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[PeopleCase]:
    """It begins on the due date, a Monday."""
    found = PeopleCase(tmp_path, RULED)
    yield found
    found.store.close()


@pytest.fixture
def anywhere(tmp_path: Path, where: str) -> Iterator[PeopleCase]:
    """On SQLite and on PostgreSQL."""
    found = PeopleCase(tmp_path, RULED, where=where)
    yield found
    found.store.close()


def bill(case: PeopleCase, amount: str = "30000.00", number: str = "INV-1", **more: Any) -> None:
    case.bill(invoice(number, amount, ISSUED_ON, more.pop("due_on", DUE_ON), **more))


def until(case: PeopleCase, day: date, every: int = 3) -> None:
    """Live on to this day, with a pass now and then: seldom enough to be quick, often enough to be no outage."""
    case.work()
    while (left := (day - case.clock.at.date()).days) > 0:
        case.work(days=min(every, left))


def standing(case: PeopleCase) -> dict[str, Escalated]:
    with case.store.read() as tx:
        return relations.escalations(tx)


def exceptions(case: PeopleCase) -> dict[str, str]:
    with case.store.read() as tx:
        return {one.kind: one.reason for one in verdicts.open_exceptions(tx)}


def events(case: PeopleCase, name: str) -> list[dict[str, object]]:
    with case.store.read() as tx:
        return [line.fields for line in activity.lines(tx) if line.event == name]


def keeps_mail_back(case: PeopleCase) -> bool:
    """Does a person's work stand against mail about the invoice?"""
    with case.store.read() as tx:
        row, now = book.invoices_by_id(tx, ["1"])["1"], case.clock.at
        around = Surroundings(tx, case.parts(), now, now.date(), with_hours=False)
        facts = around.facts(row, book.invoice_of(row), None, now.date(), "+7")
    verdict = suppression.decide(facts, case.policy)
    return bool(facts.escalation) and verdict.outcome is SuppressionOutcome.HELD


# Friday, four days past due; two business days later is Tuesday.
FRIDAY, TUESDAY, WEDNESDAY = date(2026, 9, 11), date(2026, 9, 15), date(2026, 9, 16)


# ---- who is told, and how ----


def test_the_account_manager_is_told_once_by_a_task_and_a_notice(case: PeopleCase) -> None:
    bill(case)
    case.work()
    with case.store.tx() as tx:
        (due_today,) = [one for one in gate.reminders(tx, ["1"])["1"] if one.step == "0"]
        gate.move(tx, due_today, ReminderState.SENT, "it left")
    until(case, FRIDAY)
    until(case, date(2026, 9, 13))

    assert case.crm is not None
    (task,) = case.crm.tasks.values()
    assert ("arc-demo-esc-1-large-amount", "A1", "U1", TUESDAY) == (
        task.external_id,
        task.account_id,
        task.owner_id,
        task.due_on,
    )
    assert "Invoice INV-1: 30,000.00 USD open, 4 days past due" == task.subject
    assert (
        "For Ana Gray. 30,000.00 USD is open, 25,000.00 USD or more; 4 days past due. "
        "Reminders sent so far: 0. Automatic reminders have stopped; please speak to the customer."
    ) == task.text
    assert [
        "Invoice INV-1 of Northfield Robotics needs a person. 30,000.00 USD is open, 25,000.00 USD or more; 4 days "
        "past due. Ana Gray: please speak to the customer."
    ] == case.told
    assert (True, TUESDAY, None) == (
        standing(case)["1"].is_told,
        standing(case)["1"].answer_by,
        standing(case)["1"].touched_on,
    )
    assert 1 == len(events(case, "invoice_escalated")) == len(events(case, "account_team_told"))


def test_a_holiday_gives_a_day_more(case: PeopleCase) -> None:
    case.policy = replace(RULED, version="policy-2", calendar=Calendar(no_send_on=frozenset({date(2026, 9, 14)})))
    bill(case)
    until(case, FRIDAY)

    assert WEDNESDAY == standing(case)["1"].answer_by


@pytest.mark.parametrize(
    ("account", "to", "people", "owner", "owner_id"),
    [
        (OWNED, Addressee.ACCOUNT_MANAGER, PEOPLE, "Ana Gray", "U1"),
        (replace(OWNED, owner="", owner_email="ana@ours.example"), Addressee.ACCOUNT_MANAGER, PEOPLE, "ana@", "U1"),
        # Nobody, or somebody inactive, looks after the customer.
        (replace(OWNED, owner_id="", owner=""), Addressee.ACCOUNT_MANAGER, PEOPLE, "collections@", ""),
        (replace(OWNED, owner_id="", owner=""), Addressee.ACCOUNT_MANAGER, PEOPLE[2:], "finance@", ""),
        (replace(OWNED, owner_id="", owner=""), Addressee.ACCOUNT_MANAGER, (), "finance", ""),
        (OWNED, Addressee.COLLECTIONS, PEOPLE, "collections@", "U1"),
        (OWNED, Addressee.COLLECTIONS, PEOPLE[2:], "finance@", "U1"),
        (OWNED, Addressee.LEADERSHIP, PEOPLE, "cfo@", "U1"),
        (OWNED, Addressee.FINANCE, PEOPLE, "finance@", "U1"),
        (OWNED, Addressee.FINANCE, (), "finance", "U1"),
    ],
)
def test_it_goes_to_whom_the_rule_says_or_to_the_next_who_is_there(
    tmp_path: Path, account: Any, to: Addressee, people: Any, owner: str, owner_id: str
) -> None:
    rules = (replace(LARGE, to=to),)
    case = PeopleCase(tmp_path, replace(RULED, escalation=rules, hand_off=HandOff(people=people)))
    assert case.crm is not None
    case.crm.accounts = [account]
    bill(case)
    until(case, FRIDAY)
    case.store.close()

    (task,) = case.crm.tasks.values()
    assert standing(case)["1"].owner.startswith(owner)
    assert (owner_id, True) == (task.owner_id, task.text.startswith(f"For {owner}"))


def test_each_segment_has_rules_of_its_own(case: PeopleCase) -> None:
    patient = Segment("large", Criteria(min_amount=(usd("50000.00"),)), escalation=(replace(LATE, name="patient"),))
    case.policy = replace(RULED, version="policy-2", segments=(patient,))
    bill(case, "30000.00", "INV-1")
    bill(case, "60000.00", "INV-2")
    until(case, FRIDAY)

    assert {"1": "large amount", "2": "patient"} == {id: one.rule for id, one in standing(case).items()}


def test_of_a_segment_that_does_not_send_nobody_is_told(case: PeopleCase) -> None:
    watched = Segment("large", Criteria(min_amount=(usd("50000.00"),)), send=Switch.SUGGEST)
    case.policy = replace(RULED, version="policy-2", segments=(watched,))
    bill(case, "30000.00", "INV-1")
    bill(case, "60000.00", "INV-2")
    until(case, WEDNESDAY)

    assert case.crm is not None
    assert {"1", "2"} == set(standing(case))
    assert (False, None) == (standing(case)["2"].is_told, standing(case)["2"].answer_by)
    assert not any("INV-2" in one for one in [*case.told, *(task.subject for task in case.crm.tasks.values())])


def test_in_shadow_nobody_is_told_and_no_clock_runs(case: PeopleCase) -> None:
    case.policy = replace(RULED, send=Switch.SHADOW)
    bill(case)
    until(case, date(2026, 9, 25))
    before = (dict(case.crm.tasks) if case.crm else None, list(case.told), standing(case)["1"].answer_by)
    unanswered = exceptions(case)
    case.policy = replace(RULED, version="policy-2")
    case.work(days=1)
    in_backlog = dict(case.crm.tasks) if case.crm else None
    with case.store.tx() as tx:
        # A person chose.
        book.out_of_backlog(tx, "1")
    case.work(days=1)

    assert ({}, [], None) == before
    assert {} == in_backlog
    assert "escalation_unanswered" not in unanswered
    assert case.crm is not None
    # Told late, with as long to answer as everybody.
    assert [date(2026, 9, 29)] == [task.due_on for task in case.crm.tasks.values()]


def test_while_sending_is_stopped_nobody_is_told(case: PeopleCase) -> None:
    bill(case)
    until(case, date(2026, 9, 10))
    with case.store.tx() as tx:
        orders.stop(tx, "send", "controller", "close days")
    until(case, date(2026, 9, 14))
    stopped = list(case.told)
    with case.store.tx() as tx:
        orders.lift(tx, "send", "controller", "")
    case.work(days=1)

    assert [] == stopped
    assert 1 == len(case.told)
    assert date(2026, 9, 17) == standing(case)["1"].answer_by


def test_a_crm_that_is_down_keeps_the_chat_from_nothing(case: PeopleCase) -> None:
    bill(case)
    until(case, date(2026, 9, 10))
    assert case.crm is not None
    case.crm.is_down = True
    case.clock.at += timedelta(days=1)
    with pytest.raises(Transient):
        escalate.escalate_invoices(case.parts(), FRIDAY)
    notices.tell(case.parts())
    told = list(case.told)
    case.crm.is_down = False
    case.work(minutes=20)

    assert 1 == len(told) == len(case.told)
    assert 1 == len(case.crm.tasks)
    assert standing(case)["1"].is_told


def test_a_task_that_the_crm_refuses_is_finances_to_tell(case: PeopleCase) -> None:
    assert case.crm is not None
    case.crm.refuses = True
    bill(case)
    until(case, date(2026, 9, 13))

    assert "the CRM took no task about invoice INV-1 for Ana Gray: no right" in exceptions(case)["task_refused"]
    assert 1 == len(case.told)


def test_without_a_crm_the_chat_and_the_erp_are_told(case: PeopleCase) -> None:
    case.crm = None
    bill(case)
    until(case, FRIDAY)

    assert 1 == len(case.told)
    assert ("collections@ours.example", TUESDAY) == (standing(case)["1"].owner, standing(case)["1"].answer_by)


# ---- mail ----


@pytest.mark.parametrize(("amount", "is_kept_back"), [("30000.00", True), ("300.00", False)])
def test_mail_stops_where_the_rule_says_so(case: PeopleCase, amount: str, is_kept_back: bool) -> None:
    bill(case, amount)
    until(case, FRIDAY)

    assert is_kept_back == keeps_mail_back(case)


def test_where_a_person_is_at_work_no_machine_writes_whatever_the_rule_says(case: PeopleCase) -> None:
    bill(case, "300.00")
    until(case, FRIDAY)
    by_task(case)
    case.work(days=1)

    assert keeps_mail_back(case)
    assert (True, date(2026, 9, 12)) == (standing(case)["1"].stops_mail, standing(case)["1"].touched_on)


def test_another_policy_may_let_mail_go_on_without_telling_anybody_again(case: PeopleCase) -> None:
    bill(case)
    until(case, FRIDAY)
    case.policy = replace(RULED, version="policy-2", escalation=(replace(LARGE, stops_mail=False),))
    case.work(days=1)

    assert not keeps_mail_back(case)
    assert 1 == len(case.told)


# ---- answers ----


def silence(case: PeopleCase) -> tuple[bool, bool]:
    """Is it shown as unanswered, and was the next one up told?"""
    return "escalation_unanswered" in exceptions(case), standing(case)["1"].is_raised


def test_silence_goes_to_the_owners_superior_once(anywhere: PeopleCase) -> None:
    case = anywhere
    bill(case)
    until(case, FRIDAY)
    until(case, TUESDAY)
    on_the_last_day = silence(case)
    until(case, WEDNESDAY)
    until(case, date(2026, 9, 30))

    assert case.crm is not None
    assert (False, False) == on_the_last_day
    assert (True, True) == silence(case)
    assert ["arc-demo-esc-1-large-amount", "arc-demo-esc-1-large-amount-up"] == sorted(case.crm.tasks)
    theirs = case.crm.tasks["arc-demo-esc-1-large-amount-up"]
    assert ("U9", date(2026, 9, 18)) == (theirs.owner_id, theirs.due_on)
    assert theirs.text.startswith("For Mona Hale. Ana Gray was to answer by 2026-09-15 and has not.")
    assert (
        "nobody has looked at invoice INV-1: Ana Gray was to answer by 2026-09-15 and has not. 30,000.00 USD is open, "
        "25,000.00 USD or more; 4 days past due; Mona Hale was told"
    ) == exceptions(case)["escalation_unanswered"]
    assert [{"to": "Mona Hale", "owner": "Ana Gray", "rule": "large amount", "invoice": "1"}] == events(
        case, "escalation_unanswered"
    )
    assert 1 == len([one for one in case.told if "Mona Hale" in one])


@pytest.mark.parametrize(
    ("account", "people", "told"),
    [
        (replace(OWNED, manager_id="", manager=""), PEOPLE, "cfo@ours.example"),
        (replace(OWNED, manager_id="", manager=""), PEOPLE[2:], "finance@ours.example"),
        (replace(OWNED, manager="", manager_email="mona@ours.example"), PEOPLE, "mona@ours.example"),
        # Whom collections reports to the CRM doesn't know.
        (replace(OWNED, owner_id="", owner=""), PEOPLE, "cfo@ours.example"),
    ],
)
def test_where_nobody_is_above_them_leadership_or_finance_is_told(
    tmp_path: Path, account: Any, people: Any, told: str
) -> None:
    case = PeopleCase(tmp_path, replace(RULED, hand_off=HandOff(people=people)))
    assert case.crm is not None
    case.crm.accounts = [account]
    bill(case)
    until(case, WEDNESDAY)
    case.store.close()

    assert exceptions(case)["escalation_unanswered"].endswith(f"; {told} was told")


def by_task(case: PeopleCase) -> None:
    assert case.crm is not None
    case.crm.done = set(case.crm.tasks)


def by_the_erp(case: PeopleCase) -> None:
    case.erp.change("INV-1", touched_on=case.clock.at.date())


def by_talking(case: PeopleCase) -> None:
    today = case.clock.at.date()
    with case.store.tx() as tx:
        pauses.start(
            tx,
            customer_id="C1",
            kind=PauseKind.CONVERSATION,
            source="mailbox",
            reason="they wrote",
            owner="Ana Gray",
            since=today,
            until=today + timedelta(days=5),
        )


@pytest.mark.parametrize("answer", [by_task, by_the_erp, by_talking])
def test_an_answer_in_time_is_enough(case: PeopleCase, answer: Any) -> None:
    bill(case)
    until(case, FRIDAY)
    answer(case)
    until(case, date(2026, 9, 25))

    assert (False, False) == silence(case)
    assert 1 == len(events(case, "escalation_answered"))
    assert 1 == len(case.told)


@pytest.mark.parametrize("answer", [by_task, by_the_erp, by_talking])
def test_a_late_answer_ends_the_exception(case: PeopleCase, answer: Any) -> None:
    bill(case)
    until(case, WEDNESDAY)
    before = silence(case)
    answer(case)
    case.work(days=1)

    assert (True, True) == before
    assert (False, True) == silence(case)


def test_the_superior_may_answer_in_the_owners_place(case: PeopleCase) -> None:
    bill(case)
    until(case, WEDNESDAY)
    assert case.crm is not None
    case.crm.done = {"arc-demo-esc-1-large-amount-up"}
    case.work(days=1)

    assert "escalation_unanswered" not in exceptions(case)


def test_what_somebody_did_before_the_escalation_is_no_answer(case: PeopleCase) -> None:
    bill(case, touched_on=date(2026, 9, 10))
    until(case, WEDNESDAY)

    assert (True, True) == silence(case)


def test_an_escalation_that_was_paid_takes_its_exceptions_with_it(case: PeopleCase) -> None:
    bill(case)
    until(case, WEDNESDAY)
    case.erp.change("INV-1", balance=usd("0.00"))
    case.work(days=1)

    assert {} == standing(case)
    assert "escalation_unanswered" not in exceptions(case)


def test_the_crm_is_asked_only_for_what_waits_and_only_as_often_as_it_is_read(case: PeopleCase) -> None:
    bill(case)
    bill(case, "300.00", "INV-2", due_on=date(2026, 9, 30))
    until(case, FRIDAY)
    assert case.crm is not None
    asked = []
    for _ in range(2):
        for _ in range(10):
            case.work(minutes=1)
        asked.append(len(case.crm.asked))
    case.crm.done = set(case.crm.tasks)
    case.work(hours=1)
    answered = len(case.crm.asked)
    until(case, date(2026, 9, 25))

    # Read anew after a quarter of an hour.
    assert [1, 2] == asked
    assert {("arc-demo-esc-1-large-amount",)} == set(case.crm.asked)
    assert 3 == answered == len(case.crm.asked)


def test_who_is_called_a_second_time_is_told_a_second_time(case: PeopleCase) -> None:
    """The task of the first time is closed long since, and is no answer to the second."""
    bill(case)
    until(case, FRIDAY)
    by_task(case)
    case.work(days=1)
    case.erp.change("INV-1", balance=usd("0.00"))
    case.work(days=1)
    bill(case)
    case.work(days=1)
    case.work(days=1)

    assert case.crm is not None
    assert ["arc-demo-esc-1-large-amount", "arc-demo-esc-1-large-amount-2"] == sorted(case.crm.tasks)
    assert (True, None) == (standing(case)["1"].is_told, standing(case)["1"].touched_on)
    assert 2 == len(case.told)


# ---- the ladder ----


LADDER = replace(
    RULED,
    escalation=(
        EscalationRule("agency", 12, stops_mail=False, rung=LadderRung.AGENCY, to=Addressee.FINANCE),
        EscalationRule("call", 8, stops_mail=False, rung=LadderRung.CALL, to=Addressee.COLLECTIONS),
        EscalationRule("flag", 4, stops_mail=False),
    ),
)


def test_the_ladder_is_climbed_rung_by_rung_and_the_agency_only_proposed(case: PeopleCase) -> None:
    case.policy = LADDER
    bill(case, "300.00")
    until(case, date(2026, 9, 18))
    before = exceptions(case)
    until(case, date(2026, 9, 19))

    assert case.crm is not None
    assert ["agency", "call", "flag"] == sorted(
        id.removeprefix("arc-demo-esc-1-") for id in case.crm.tasks if not id.endswith("-up")
    )
    assert "Please call the customer." in case.crm.tasks["arc-demo-esc-1-call"].text
    assert "agency_proposed" not in before
    assert "If the controller agrees, hand it over" in exceptions(case)["agency_proposed"]
    assert LadderRung.AGENCY is standing(case)["1"].rung
    # Nothing was handed over, and mail has not stopped.
    assert not standing(case)["1"].stops_mail
    assert not keeps_mail_back(case)

    case.erp.change("INV-1", balance=usd("0.00"))
    case.work(days=1)

    assert "agency_proposed" not in exceptions(case)


def test_in_an_old_book_no_agency_is_proposed_before_people_have_chosen(case: PeopleCase) -> None:
    case.policy = replace(RULED, escalation=(EscalationRule("agency", 90, rung=LadderRung.AGENCY),))
    bill(case, "300.00", due_on=DUE_ON - timedelta(days=100))
    case.work()
    before = exceptions(case)
    with case.store.tx() as tx:
        book.out_of_backlog(tx, "1")
    case.work(days=1)

    assert "agency_proposed" not in before
    assert "agency_proposed" in exceptions(case)


def test_who_is_at_work_goes_on_until_the_next_rung(case: PeopleCase) -> None:
    renamed = (replace(LATE, name="sooner", days_past_due_min=6), replace(LATE, name="soon"))
    case.policy = replace(RULED, escalation=renamed)
    bill(case, "300.00")
    until(case, FRIDAY)
    by_task(case)
    until(case, date(2026, 9, 16))

    assert "soon" == standing(case)["1"].rule
    assert 1 == len(case.told)


# ---- the floor ----


NO_RULES = replace(RULED, escalation=())


def six_figures(case: PeopleCase, **more: Any) -> None:
    """Far past due before the connector came: it is in the backlog."""
    case.policy = NO_RULES
    bill(case, "120000.00", due_on=DUE_ON - timedelta(days=44), **more)


@pytest.mark.parametrize("more", [{}, {"hold_reason": "a person's own reason"}])
def test_a_large_invoice_that_nobody_touched_goes_to_leadership_even_out_of_the_backlog(
    case: PeopleCase, more: dict[str, Any]
) -> None:
    six_figures(case, **more)
    case.work()
    before = standing(case)
    case.work(days=1)

    assert case.crm is not None
    assert {} == before
    assert (UNSEEN_RULE, "cfo@ours.example", False) == (
        standing(case)["1"].rule,
        standing(case)["1"].owner,
        standing(case)["1"].stops_mail,
    )
    (task,) = case.crm.tasks.values()
    assert "Please look at it, and note in the ERP that you did." in task.text
    assert 1 == len(case.told)


@pytest.mark.parametrize("answer", [by_task, by_the_erp])
def test_once_somebody_looked_it_is_not_shown_again(case: PeopleCase, answer: Any) -> None:
    six_figures(case)
    case.work()
    case.work(days=1)
    answer(case)
    for _ in range(30):
        case.work(days=1)

    assert 1 == len(case.told) == len(events(case, "invoice_escalated"))
    assert "escalation_unanswered" not in exceptions(case)


def test_where_leadership_stays_silent_finance_is_told(case: PeopleCase) -> None:
    six_figures(case)
    until(case, date(2026, 9, 16))

    assert "cfo@ours.example was to answer by 2026-09-14 and has not" in exceptions(case)["escalation_unanswered"]
    assert exceptions(case)["escalation_unanswered"].endswith("; finance@ours.example was told")


def test_the_floor_takes_over_from_a_rule_that_nobody_answered(case: PeopleCase) -> None:
    bill(case, "120000.00")
    until(case, DUE_ON + timedelta(days=45))

    assert case.crm is not None
    assert (UNSEEN_RULE, True) == (standing(case)["1"].rule, standing(case)["1"].stops_mail)
    assert "arc-demo-esc-1-unseen-large-invoice" in case.crm.tasks


def test_where_the_account_manager_is_at_work_leadership_is_left_alone(case: PeopleCase) -> None:
    bill(case, "120000.00")
    until(case, FRIDAY)
    by_task(case)
    until(case, DUE_ON + timedelta(days=70))

    assert "large amount" == standing(case)["1"].rule
    assert 1 == len(case.told)


# ---- a first day, and every day ----


def test_three_hundred_at_once_are_one_message(case: PeopleCase) -> None:
    for number in range(300):
        bill(case, "300.00", f"INV-{number}", due_on=date(2026, 9, 10))
    until(case, date(2026, 9, 14))

    (digest,) = case.told
    assert digest.startswith("300 notices:")


def test_deciding_twice_changes_nothing(case: PeopleCase) -> None:
    bill(case)
    until(case, FRIDAY)
    before = standing(case)
    for _ in range(3):
        case.work(minutes=1)

    assert before == standing(case)
    assert 1 == len(events(case, "invoice_escalated"))
