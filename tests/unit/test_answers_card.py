"""The why / why-not card: one card a reason, the same until something changes, never too long for the ERP's field."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connector import answers, display
from connector.answers_card import TEXT_MAX, TO_GO_ON, Known, card
from connector.decisions.suppression import SuppressionReason
from connector.policy import Calendar, Criteria, LadderRung, Policy, Segment, Step, Switch, Tone
from connector.receivables import InvoiceLine, InvoiceStatus, PauseKind, Reminder, ReminderState
from connector.reports_policy import Card, CardState, PauseRow
from connector.store.relations import Escalated
from tests.unit.answers_cases import POLICY as LOOP_POLICY
from tests.unit.answers_cases import ZONE, Case, invoice, usd

DUE_ON = date(2026, 10, 1)  # a Thursday
POLICY = Policy(
    version="3f2a91",
    steps=(
        Step("-7", -7, "upcoming", "billing", tone=Tone.INFORMATIONAL),
        Step("+7", 7, "firmer", "billing", tone=Tone.FIRM),
        Step("+30", 30, "final", "owner", "sms", Tone.FINAL),
    ),
    senders=(("billing", "billing@ours.example"),),
    send=Switch.AUTO,
    segment="enterprise usage",
    calendar=Calendar(send_weekdays=frozenset(range(5))),
)
ONE = invoice("INV-1", "40000.00", date(2026, 9, 1), DUE_ON)
HOLD = PauseRow(
    "hold", "A person put the invoice on hold: renewal talks.", "Ada", date(2026, 9, 20), date(2026, 10, 20)
)


def step(name: str, due_on: date, state: ReminderState = ReminderState.PLANNED, reason: str = "") -> Reminder:
    return Reminder("1", name, due_on, state, reason)


PLAN = (
    step("-7", date(2026, 9, 24), ReminderState.SENT),
    step("+7", date(2026, 10, 8)),
    step("+30", date(2026, 10, 31)),
)


def known(**more: Any) -> Known:
    values: dict[str, Any] = {
        "invoice": ONE,
        "steps": PLAN,
        "policy": POLICY,
        "segment_reason": "tier enterprise; few and large",
        "policy_since": date(2026, 9, 1),
    }
    return Known(**(values | more))


def escalated(*, stops_mail: bool = True, answer_by: date | None = date(2026, 10, 12)) -> Escalated:
    reason = "40,000.00 USD is open; 14 days past due"
    return Escalated(
        invoice_id="1",
        rule="large amount",
        reason=reason,
        stops_mail=stops_mail,
        owner="Pat Owner",
        task=None,
        rung=LadderRung.FLAG,
        since=datetime(2026, 10, 8, 9, tzinfo=UTC),
        answer_by=answer_by,
    )


def lines(found: Card) -> dict[str, str]:
    """The text by what each line is about."""
    return dict(line.split(": ", 1) for line in found.text.splitlines() if ": " in line)


# ---- what comes next ----


def test_a_planned_step_is_told_with_its_day_channel_tone_segment_and_policy() -> None:
    found = card(known())

    assert (CardState.PLANNED, "+7", date(2026, 10, 8), "email", "firm") == (
        found.state,
        found.step,
        found.step_on,
        found.channel,
        found.tone,
    )
    assert found.text == (
        "Next: Step +7 (firm, by e-mail) leaves on 2026-10-08.\n"
        "Segment: enterprise usage: tier enterprise; few and large\n"
        "Policy 3f2a91 since 2026-09-01."
    )


def test_a_step_that_falls_on_a_day_without_mail_is_told_with_the_next_day_that_has_some() -> None:
    found = card(known(steps=PLAN[2:]))

    # The 31st of October is a Saturday.
    assert "Step +30 (final, by sms) leaves on 2026-11-02." == found.next


@pytest.mark.parametrize(
    ("changed", "next_"),
    [
        ({"status": InvoiceStatus.PAID, "balance": usd("0")}, "Nothing: the invoice is paid."),
        ({"status": InvoiceStatus.VOIDED, "balance": usd("0")}, "Nothing: the invoice was voided."),
        ({"balance": usd("0")}, "Nothing: a payment covers it, and the ERP has yet to confirm."),
    ],
)
def test_a_closed_invoice_waits_for_nothing(changed: dict[str, Any], next_: str) -> None:
    found = card(known(invoice=replace(ONE, **changed), pauses=(HOLD,), in_backlog=True))

    assert (CardState.CLOSED, next_, "") == (found.state, found.next, found.why_not)


def test_after_the_last_step_people_see_it() -> None:
    gone = tuple(replace(one, state=ReminderState.SENT) for one in PLAN)
    found = card(known(steps=gone, policy=replace(POLICY, send=Switch.SHADOW)))

    assert (CardState.FINISHED, "") == (found.state, found.why_not)


# ---- why not ----


@pytest.mark.parametrize("reason", [one for one in SuppressionReason if one is not SuppressionReason.NONE])
def test_each_reason_that_holds_a_step_has_its_card(reason: SuppressionReason) -> None:
    held = (step("+7", date(2026, 10, 8), ReminderState.HELD, "Because of this."), *PLAN[2:])
    found = card(known(steps=held, held_by=reason, held_because="Because of this."))

    assert CardState.WAITS is found.state
    assert ("Because of this.", TO_GO_ON[reason]) == (found.why_not, found.to_go_on)
    assert {"Not now": "Because of this.", "To go on": f"{TO_GO_ON[reason]}."}.items() <= lines(found).items()
    assert "Step +7 (firm, by e-mail), due 2026-10-08, leaves when that is so." == found.next


# what is known before the step is due -> the reason that will stand against it
BEFORE_IT_IS_DUE: list[tuple[dict[str, Any], SuppressionReason, str]] = [
    ({"invoice": replace(ONE, hold_reason="renewal talks")}, SuppressionReason.HOLD, "renewal talks"),
    *(
        ({"pauses": (replace(HOLD, kind=kind.value),)}, of, "renewal talks")
        for kind, of in (
            (PauseKind.HOLD, SuppressionReason.HOLD),
            (PauseKind.USAGE, SuppressionReason.USAGE_OPEN),
            (PauseKind.CREDIT_MEMO, SuppressionReason.CREDIT_COMING),
            (PauseKind.FORMAT_CHANGE, SuppressionReason.FORMAT_CHANGE),
            (PauseKind.PROMISE, SuppressionReason.PROMISED),
            (PauseKind.PLAN, SuppressionReason.PAYMENT_PLAN),
            (PauseKind.CONVERSATION, SuppressionReason.IN_CONVERSATION),
            (PauseKind.DISPUTE, SuppressionReason.DISPUTED),
        )
    ),
    (
        {"invoice": replace(ONE, lines=(InvoiceLine("1", "all", usd("40000.00"), disputed=True),))},
        SuppressionReason.DISPUTED,
        "40,000.00 USD is disputed",
    ),
    ({"exception": "the payment came back"}, SuppressionReason.EXCEPTION, "the payment came back"),
    ({"escalated": escalated()}, SuppressionReason.ESCALATED, "14 days past due"),
    ({"in_backlog": True}, SuppressionReason.BACKLOG, "overdue before"),
    ({"policy": replace(POLICY, send=Switch.SHADOW)}, SuppressionReason.SHADOW, "shadow"),
]


@pytest.mark.parametrize(
    ("facts", "reason", "words"),
    BEFORE_IT_IS_DUE,
    ids=[f"{one[1]}-{number}" for number, one in enumerate(BEFORE_IT_IS_DUE)],
)
def test_what_will_stand_against_the_next_step_is_told_before_it_is_due(
    facts: dict[str, Any], reason: SuppressionReason, words: str
) -> None:
    found = card(known(**facts))

    assert (CardState.WAITS, TO_GO_ON[reason]) == (found.state, found.to_go_on)
    assert words in found.why_not


def test_a_dispute_of_one_line_holds_nothing_and_is_shown() -> None:
    part = replace(HOLD, kind="dispute", reason="Line 2 is disputed.", holds=False)
    found = card(known(pauses=(part,)))

    assert CardState.PLANNED is found.state
    assert "dispute since 2026-09-20 until 2026-10-20, Ada: Line 2 is disputed." == lines(found)["Paused"]


# ---- who and until when ----


def test_a_pause_is_told_with_its_owner_and_its_end() -> None:
    found = card(known(pauses=(HOLD,)))

    assert "The last pause ends on 2026-10-20." in found.next
    assert "hold since 2026-09-20 until 2026-10-20, Ada: A person put the invoice on hold: renewal talks." in found.text


def test_an_escalation_is_told_with_its_owner_and_the_day_of_the_answer() -> None:
    found = card(known(escalated=escalated()))

    assert "Pat Owner acts by 2026-10-12; no machine mail leaves before that is over." == found.next
    assert "(to Pat Owner, answer by 2026-10-12)" in lines(found)["Escalated"]


def test_an_escalation_that_lets_mail_go_on_shows_both() -> None:
    found = card(known(escalated=escalated(stops_mail=False, answer_by=None)))

    assert CardState.PLANNED is found.state
    assert {"Next", "Escalated"} <= lines(found).keys()


def test_money_in_flight_is_told() -> None:
    found = card(known(in_flight=usd("38000.00")))

    assert "38,000.00 USD of the customer was seen and is not matched yet." == lines(found)["In flight"]


def test_the_text_fits_the_field_whatever_people_wrote() -> None:
    long = "word " * 200
    pauses = tuple(replace(HOLD, reason=long, owner=long, since=date(2026, 9, day)) for day in range(1, 9))
    found = card(
        known(pauses=pauses, segment_reason=long, escalated=replace(escalated(), reason=long), in_flight=usd("1.00"))
    )

    assert len(found.text) <= TEXT_MAX
    assert {"Next", "Not now", "To go on", "Paused", "Escalated", "In flight", "Segment"} == lines(found).keys()
    assert "Paused: and 6 more." in found.text
    assert found.text.endswith("Policy 3f2a91 since 2026-09-01.")


# ---- from the store ----


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    with contextlib.closing(made.store):
        yield made


def explained(case: Case, number: str) -> Card:
    with case.store.read() as tx:
        found = answers.explain(tx, number, case.clock.now(), ZONE, case.policy)

    assert found is not None
    assert found.card is not None
    return found.card


def test_the_card_reads_the_same_while_nothing_changes(case: Case) -> None:
    case.bill(invoice("INV-1", "400.00", date(2026, 9, 1), date(2026, 10, 1), hold_reason="renewal talks"))
    case.tick()
    first = explained(case, "INV-1")
    case.tick(days=1, hours=5)

    assert first == explained(case, "INV-1")
    assert "renewal talks" in first.why_not


def test_what_holds_a_due_step_comes_with_the_code_of_its_verdict(case: Case) -> None:
    case.policy = replace(LOOP_POLICY, send=Switch.SHADOW)
    case.bill(invoice("INV-1", "400.00", date(2026, 8, 15), date(2026, 9, 14)))
    case.tick()
    found = explained(case, "INV-1")

    assert (CardState.WAITS, TO_GO_ON[SuppressionReason.SHADOW]) == (found.state, found.to_go_on)
    assert "-7" == found.step


def test_a_payment_that_waits_shows_as_money_in_flight(case: Case) -> None:
    case.bill(invoice("INV-1", "400.00", date(2026, 9, 1), date(2026, 10, 1)))
    case.tick()
    case.pay("ch_1", "123.00", "thank you")
    case.tick(hours=1)

    assert usd("123.00") == explained(case, "INV-1").in_flight


def test_without_a_policy_there_is_no_card_and_the_rest_is_told(case: Case) -> None:
    case.bill(invoice("INV-1", "400.00", date(2026, 9, 1), date(2026, 10, 1)))
    case.tick()
    with case.store.read() as tx:
        found = answers.explain(tx, "INV-1", case.clock.now(), ZONE)

    assert found is not None
    assert (None, "INV-1") == (found.card, found.invoice.number)


def test_explain_shows_the_card_first_and_the_segments_that_were_asked(case: Case) -> None:
    large = Segment("large", Criteria(min_amount=(usd("1000.00"),)), "few and large")
    every = Segment("the rest", Criteria(), "everybody else")
    case.policy = replace(LOOP_POLICY, segments=(large, every))
    case.bill(invoice("INV-1", "400.00", date(2026, 9, 1), date(2026, 10, 1)))
    case.tick()
    with case.store.read() as tx:
        found = answers.explain(tx, "INV-1", case.clock.now(), ZONE, case.policy)
    assert found is not None
    with (console := Console(width=160, highlight=False)).capture() as shown:
        display.show_explanation(console, found)
    lines_shown = [" ".join(line.split()) for line in shown.get().splitlines() if line.strip()]

    assert [("large", False), ("the rest", True)] == [(one.segment, one.fits) for one in found.segments]
    assert "1,000.00 USD" in found.segments[0].reason
    assert "In short" == lines_shown[0]
    assert lines_shown[1].startswith("next Step -7 (neutral, by e-mail) leaves on 2026-09-24.")
    assert any(line.startswith("segment the rest: ") and "everybody else" in line for line in lines_shown)
    assert any(line.startswith("large passed over ") for line in lines_shown)


def test_explain_shows_what_a_person_is_asked_about_a_pause(case: Case) -> None:
    line = InvoiceLine("1", "seats", usd("400.00"), disputed=True)
    case.bill(
        invoice("INV-1", "400.00", date(2026, 9, 1), date(2026, 10, 1), lines=(line,)),
        invoice("INV-2", "70.00", date(2026, 9, 1), date(2026, 10, 1)),
    )
    case.tick()
    with case.store.read() as tx:
        asked, other = (answers.explain(tx, number, case.clock.now(), ZONE) for number in ("INV-1", "INV-2"))

    assert asked is not None
    assert other is not None
    assert {"dispute_opened", "dispute_without_reason"} >= {one.kind for one in asked.exceptions} > set()
    assert () == other.exceptions
