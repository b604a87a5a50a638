"""Has an overdue invoice dropped out of everybody's sight? Whatever keeps it back, and without a list of patterns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from decision_cases import DUE_ON, POLICY, invoice, line, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.stalled import Happening, StalledOutcome, decide
from connector.policy import Exceptions
from connector.receivables import InvoiceLine, InvoiceStatus, OpenInvoice

PLAIN = invoice("INV-1", "40000.00")
USAGE = replace(PLAIN, lines=(InvoiceLine("1", "metered", usd("40000.00"), kind="Usage"),))


def dpd(days: int) -> date:
    return DUE_ON + timedelta(days=days)


@pytest.mark.parametrize(
    ("today", "happened", "outcome"),
    [
        (13, {}, "too_early"),
        (14, {}, "stalled"),
        (15, {}, "stalled"),
        (27, {Happening.MAIL: 14}, "moving"),
        (28, {Happening.MAIL: 14}, "stalled"),
        (29, {Happening.MAIL: 14}, "stalled"),
        (34, {Happening.PAUSE: 20}, "stalled"),  # M45: at 34 DPD, two weeks after the dispute
        (33, {Happening.PAUSE: 20}, "moving"),
        (34, {Happening.PAUSE: 27}, "moving"),  # the customer was asked on the seventh day
        (40, {Happening.TOUCH: 30, Happening.MAIL: 7}, "moving"),
        (40, {Happening.CASH: 27}, "moving"),
        (40, {Happening.ESCALATION: 26}, "stalled"),
        (40, {Happening.CHANGE: 27}, "moving"),
        (40, {Happening.SEEN: 27}, "moving"),  # a new installation has an old book
        (14, {Happening.MAIL: -7}, "stalled"),  # falling due is something that happens
        (0, {}, "too_early"),
        (-30, {}, "too_early"),
    ],
)
def test_an_invoice_that_nothing_happens_to_for_two_weeks_is_shown(
    today: int, happened: dict[Happening, int], outcome: str
) -> None:
    days = {what: dpd(count) for what, count in happened.items()}

    assert StalledOutcome(outcome) is decide(PLAIN, days, "", POLICY, dpd(today)).outcome


@pytest.mark.parametrize(
    ("found", "next_on", "held_by", "outcome"),
    [
        (PLAIN, 30, "", StalledOutcome.MOVING),  # sixteen days lie between the steps +14 and +30
        (PLAIN, 28, "", StalledOutcome.STALLED),  # it should have left today, and did not
        (PLAIN, 30, "A person is at work on it.", StalledOutcome.STALLED),
        (PLAIN, None, "", StalledOutcome.STALLED),
        (USAGE, 30, "", StalledOutcome.STALLED),
    ],
)
def test_the_gap_between_two_steps_is_no_silence(
    found: OpenInvoice, next_on: int | None, held_by: str, outcome: StalledOutcome
) -> None:
    day = dpd(next_on) if next_on is not None else None

    assert outcome is decide(found, {Happening.MAIL: dpd(14)}, held_by, POLICY, dpd(28), day).outcome


@pytest.mark.parametrize(
    ("agreed_until", "outcome"),
    [(27, StalledOutcome.STALLED), (28, StalledOutcome.MOVING), (60, StalledOutcome.MOVING)],
)
def test_what_was_agreed_with_the_customer_is_watched_until_its_day(agreed_until: int, outcome: StalledOutcome) -> None:
    held = "5,000.00 USD are promised."

    assert outcome is decide(USAGE, {}, held, POLICY, dpd(28), None, dpd(agreed_until)).outcome


@pytest.mark.parametrize(
    ("found", "today", "outcome"),
    [
        (USAGE, 18, StalledOutcome.STALLED),
        (USAGE, 13, StalledOutcome.TOO_EARLY),
        (PLAIN, 18, StalledOutcome.MOVING),
    ],
)
def test_mail_of_ours_moves_no_invoice_with_usage_on_it(
    found: OpenInvoice, today: int, outcome: StalledOutcome
) -> None:
    """M49: at 18 DPD it waits for a credit memo that nobody flagged, and is reminded step by step meanwhile."""
    verdict = decide(found, {Happening.MAIL: dpd(14)}, "", POLICY, dpd(today))

    assert outcome is verdict.outcome
    assert (outcome is StalledOutcome.STALLED) == ("waits for a correction" in verdict.reason)


@pytest.mark.parametrize(
    "found",
    [
        replace(PLAIN, status=InvoiceStatus.PAID, balance=usd("0.00")),
        replace(PLAIN, status=InvoiceStatus.VOIDED),
        replace(PLAIN, balance=usd("0.00")),
    ],
)
def test_what_is_settled_is_in_nobodys_way(found: OpenInvoice) -> None:
    assert StalledOutcome.SETTLED is decide(found, {}, "", POLICY, dpd(90)).outcome


def test_a_wholly_disputed_invoice_is_shown_like_any_other() -> None:
    disputed = replace(PLAIN, lines=(line("40000.00", disputed=True),))

    assert decide(disputed, {Happening.PAUSE: dpd(5)}, "", POLICY, dpd(34))


def test_the_person_sees_what_happened_last_and_what_keeps_it_back() -> None:
    verdict = decide(
        PLAIN, {Happening.MAIL: dpd(1), Happening.PAUSE: dpd(3)}, "A person put it on hold.", POLICY, dpd(20)
    )

    assert (
        "Invoice INV-1, due on 2026-10-01: nothing has happened since 2026-10-04, when a pause of it began, ended or "
        "was told to its owner. What keeps it back: A person put it on hold." == verdict.reason
    )


DUE = "Invoice INV-1, due on 2026-10-01: nothing has happened since 2026-10-01, when it fell due."
CORRECTION = "It has usage on it: perhaps the customer waits for a correction."


@pytest.mark.parametrize(
    ("found", "today", "happened", "held_by", "next_on", "agreed_until", "since", "reason"),
    [
        (replace(PLAIN, balance=usd("0.00")), 90, {}, "", None, None, None, "nothing is owed"),
        (PLAIN, 13, {}, "", None, None, None, "due on 2026-10-01, 13 days past due"),
        (PLAIN, 15, {Happening.CASH: 2}, "", None, None, 2, "the last that happened is of 2026-10-03: money came"),
        (PLAIN, 28, {Happening.MAIL: 14}, "", 30, None, 14, "the next step leaves on 2026-10-31"),
        (PLAIN, 28, {Happening.MAIL: 14}, "", None, 28, 14, "something is agreed until 2026-10-29"),
        (PLAIN, 28, {}, "", None, None, 0, f"{DUE} Nothing that is known here keeps it back."),
        (PLAIN, 28, {Happening.CASH: 0}, "", None, None, 0, f"{DUE} Nothing that is known here keeps it back."),
        (USAGE, 28, {}, "", None, None, 0, f"{DUE} Nothing that is known here keeps it back. {CORRECTION}"),
        (USAGE, 28, {}, "It waits for form X.", None, None, 0, f"{DUE} What keeps it back: It waits for form X."),
    ],
)
def test_the_verdict_says_in_one_sentence_on_what_it_rests_and_since_when(
    found: OpenInvoice,
    today: int,
    happened: dict[Happening, int],
    held_by: str,
    next_on: int | None,
    agreed_until: int | None,
    since: int | None,
    reason: str,
) -> None:
    days = {what: dpd(count) for what, count in happened.items()}
    following, agreed = (None if day is None else dpd(day) for day in (next_on, agreed_until))
    verdict = decide(found, days, held_by, POLICY, dpd(today), following, agreed)

    assert (reason, since) == (verdict.reason, verdict.since and (verdict.since - DUE_ON).days)


def test_of_several_that_happened_on_one_day_the_first_of_the_list_is_named() -> None:
    verdict = decide(PLAIN, {Happening.SEEN: dpd(3), Happening.CASH: dpd(3)}, "", POLICY, dpd(20))

    assert "when money came." in verdict.reason


def test_one_cent_that_is_owed_is_owed() -> None:
    assert decide(replace(PLAIN, balance=usd("0.01")), {}, "", POLICY, dpd(28))


def test_the_days_are_finances() -> None:
    hasty = replace(POLICY, exceptions=Exceptions(stalled_days=3, stalled_days_past_due=5))

    assert not decide(PLAIN, {}, "", hasty, dpd(4))
    assert decide(PLAIN, {}, "", hasty, dpd(5))
    assert not decide(PLAIN, {Happening.MAIL: dpd(3)}, "", hasty, dpd(5))


happenings = st.dictionaries(st.sampled_from(Happening), st.integers(-30, 60).map(dpd))


@given(happenings, st.sampled_from(Happening), st.integers(-30, 60), st.integers(0, 90))
def test_something_more_that_happened_never_stalls_it(
    happened: dict[Happening, date], what: Happening, day: int, today: int
) -> None:
    before = decide(PLAIN, happened, "", POLICY, dpd(today))
    later = happened | {what: max(dpd(day), happened.get(what, dpd(day)))}

    assert before or not decide(PLAIN, later, "", POLICY, dpd(today))


@given(happenings, st.integers(14, 400))
def test_no_overdue_invoice_is_silent_for_longer_than_two_weeks(happened: dict[Happening, date], today: int) -> None:
    last = max([*happened.values(), DUE_ON])
    verdict = decide(PLAIN, happened, "", POLICY, dpd(today))

    assert bool(verdict) == (dpd(today) - last >= timedelta(days=14))
