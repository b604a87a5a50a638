"""What the linter finds in the policy alone: each finding once as it is found, and once where it just isn't."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from lint_cases import HOST, STEPS, book, found, good_letter, invoice, one, policy, usd

from connector.lint import Check, Severity, in_short, lint
from connector.lint.of_policy import autos
from connector.policy import (
    Addressee,
    Cadence,
    Calendar,
    Comparing,
    Comparison,
    Criteria,
    EscalationRule,
    HandOff,
    Segment,
    Step,
    Switch,
)

RED, YELLOW = Severity.RED, Severity.YELLOW


def at_least(bound: int) -> Comparison:
    return Comparison(Comparing.AT_LEAST, Decimal(bound))


# ---- cadences ----


@pytest.mark.parametrize(("days", "is_late"), [(-1, False), (0, False), (1, True)])
def test_a_cadence_that_begins_after_the_due_date_is_told(days: int, is_late: bool) -> None:
    """M11. On the due day itself nobody is late yet."""
    findings = found(policy(steps=(Step("a", days, "pre_due", "billing"),)), Check.STARTS_LATE)

    if is_late:
        one(findings, YELLOW, "1 days after the due date")
    else:
        assert [] == findings


def test_a_cadence_that_nobody_uses_is_told() -> None:
    slow = policy(cadences=(Cadence("slow", STEPS),))

    one(found(slow, Check.CADENCE_UNUSED), YELLOW, "no segment uses the cadence slow")
    assert [] == found(replace(slow, segments=(Segment("big", cadence="slow"),)), Check.CADENCE_UNUSED)


# ---- escalation ----

LONG = EscalationRule("long", 30)


def test_somebody_to_whom_escalations_go_must_have_an_address() -> None:
    to_leadership = policy(escalation=(replace(LONG, to=Addressee.LEADERSHIP),))
    nobody = replace(to_leadership, hand_off=HandOff(people=((Addressee.LEADERSHIP, ""),)))

    assert [] == found(to_leadership, Check.NO_ADDRESSEE)
    one(found(nobody, Check.NO_ADDRESSEE), YELLOW, "'long'", "leadership")
    # Whom the account manager is the CRM knows.
    assert [] == found(policy(escalation=(LONG,), hand_off=HandOff()), Check.NO_ADDRESSEE)


# ---- channels, senders, calendar ----


def test_a_step_by_a_channel_that_is_not_connected_is_told() -> None:
    sms = policy(steps=(*STEPS, Step("+30", 30, "final", "billing", "sms")))

    assert [] == found(sms, Check.CHANNEL_ABSENT, channels=("email", "sms"))
    assert ("steps", 3, "channel") == one(found(sms, Check.CHANNEL_ABSENT), YELLOW, "sms isn't connected").where


@pytest.mark.parametrize("host", ["your-company.example", "shop.invalid", "a.TEST"])
def test_a_sender_that_can_be_nobody_is_red_where_mail_really_leaves(host: str) -> None:
    placeholder = policy(senders=(("billing", f"billing@{host}"),))

    one(found(placeholder, Check.PLACEHOLDER), RED, "sender billing", host)
    one(found(placeholder, Check.PLACEHOLDER, is_redirected=True), YELLOW, host)
    assert [] == found(policy(senders=(("billing", f"billing@{HOST}"),)), Check.PLACEHOLDER)
    # Nobody uses it.
    assert [] == found(policy(senders=(*policy().senders, ("spare", f"spare@{host}"))), Check.PLACEHOLDER)


def test_a_policy_without_holidays_is_told() -> None:
    one(found(policy(calendar=Calendar()), Check.NO_HOLIDAYS), YELLOW, "no calendar of holidays")
    assert [] == found(policy(), Check.NO_HOLIDAYS)


# ---- what becomes of it ----

PLACEHOLDER = policy(senders=(("billing", "billing@shop.example"),))


def test_red_holds_auto_back_and_says_which_switches() -> None:
    big = Segment("big", Criteria(min_amount=(usd("1.00"),)), send=Switch.AUTO)
    on = replace(PLACEHOLDER, post=Switch.AUTO, segments=(big,))

    assert ("post", "send of big") == autos(on)
    one(found(on, Check.AUTO_WHILE_RED, [invoice()]), RED, "post, send of big on auto")
    assert [] == found(PLACEHOLDER, Check.AUTO_WHILE_RED)
    assert [] == found(replace(on, senders=policy().senders), Check.AUTO_WHILE_RED)


def test_the_reason_in_one_sentence_names_the_first_red_finding_and_counts_the_others() -> None:
    steps = (*STEPS, Step("+30", 30, "final", "spare"))
    two = found(policy(steps=steps, senders=(*PLACEHOLDER.senders, ("spare", "spare@b.test"))), Check.PLACEHOLDER)

    assert 2 == len(two)
    assert in_short(two).startswith("`connector policy check` is red: the sender billing")
    assert in_short(two).endswith(", and 1 more")
    assert "@" not in in_short(two)
    assert "" == in_short(found(policy(calendar=Calendar()), Check.NO_HOLIDAYS))


def test_a_policy_in_order_has_no_finding() -> None:
    invoices = [invoice(), invoice("INV-2", "25.00")]
    assert () == lint(policy(), book(policy(), invoices), {"email": good_letter})
