"""Who must look at this, and when?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from decision_cases import DUE_ON, POLICY, invoice, line, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import escalation
from connector.decisions.escalation import EscalationOutcome, EscalationVerdict
from connector.money import Money
from connector.policy import EscalationRule
from connector.receivables import InvoiceStatus

# As shipped in mappings/policy.yaml.
RULES = (
    EscalationRule("strategic customer", 1, only_strategic=True),
    EscalationRule("renewal", 7, renewal_within_days=30),
    EscalationRule("large amount", 14, (usd("25000.00"),)),
    EscalationRule("long overdue", 30, stops_mail=False),
)
SHIPPED = replace(POLICY, escalation=RULES)
# Small invoices stay with the machine: the last rule has an amount of its own.
SMALL_STAY = replace(POLICY, escalation=(*RULES[:3], replace(RULES[3], min_amounts=(usd("5000.00"),))))


def decide(
    amount: str, days: int, policy=SHIPPED, *, strategic: bool = False, renewal: int | None = None, **more
) -> EscalationVerdict:
    """An invoice so many days past due; `renewal` counts from that day."""
    on = DUE_ON + timedelta(days=days)
    renews_on = None if renewal is None else on + timedelta(days=renewal)
    return escalation.decide(invoice("INV-1", amount, **more), policy, on, is_strategic=strategic, renews_on=renews_on)


@pytest.mark.parametrize(
    ("amount", "days", "strategic", "renewal", "rule"),
    [
        # M31: a standard customer at 30.
        ("9000.00", 29, False, None, ""),
        ("9000.00", 30, False, None, "long overdue"),
        ("9000.00", 400, False, None, "long overdue"),
        # M32: a large amount at 14.
        ("25000.00", 13, False, None, ""),
        ("25000.00", 14, False, None, "large amount"),
        ("24999.99", 14, False, None, ""),
        # M33: a strategic customer at once, which is the first day past due (RULES 5.5).
        ("10.00", 0, True, None, ""),
        ("10.00", 1, True, None, "strategic customer"),
        # M34: a renewal within 30 days, earlier.
        ("10.00", 6, False, 20, ""),
        ("10.00", 7, False, 20, "renewal"),
        ("10.00", 7, False, 30, "renewal"),
        ("10.00", 7, False, 31, ""),
        ("10.00", 7, False, 0, "renewal"),
        # The renewal passed while the invoice was overdue: a person is at work on it still.
        ("10.00", 7, False, -7, "renewal"),
        # An old entry, from before the invoice was due.
        ("10.00", 7, False, -8, ""),
        # M40: 200,000.00, 15 days late.
        ("200000.00", 15, False, None, "large amount"),
        # Several fit: the first.
        ("200000.00", 45, True, 10, "strategic customer"),
        ("200000.00", 45, False, 10, "renewal"),
        ("200000.00", 45, False, None, "large amount"),
        ("10.00", -7, True, 3, ""),
    ],
)
def test_the_first_rule_that_fits_calls_a_person(amount, days, strategic, renewal, rule):
    verdict = decide(amount, days, strategic=strategic, renewal=renewal)

    assert rule == verdict.rule
    assert (EscalationOutcome.ESCALATED if rule else EscalationOutcome.NONE) is verdict.outcome
    assert bool(rule) == bool(verdict)


@pytest.mark.parametrize(("days", "stops"), [(14, True), (30, True)])
def test_a_large_invoice_gets_a_human_instead_of_the_escalation_mail(days, stops):
    """M40: no automated mail any more, on the very day of the urgent step as well."""
    assert stops == decide("200000.00", days).stops_mail


def test_the_standard_hand_off_lets_the_last_mail_leave():
    verdict = decide("9000.00", 30)

    assert verdict
    assert not verdict.stops_mail


@pytest.mark.parametrize(
    ("amount", "days", "rule"), [("3000.00", 31, ""), ("3000.00", 90, ""), ("5000.00", 30, "long overdue")]
)
def test_a_small_invoice_stays_automated_past_30_days_where_finance_says_so(amount, days, rule):
    """M37."""
    assert rule == decide(amount, days, SMALL_STAY).rule


def test_a_six_figure_invoice_never_reaches_60_days_without_a_person():
    """M38: by the rule for amounts, and in a currency for which that has no amount by the last rule."""
    assert decide("100000.00", 59)
    assert decide("100000.00", 59, currency="EUR")


@pytest.mark.parametrize(
    ("days", "strategic", "renewal", "amount", "reason"),
    [
        (9, False, 20, "10.00", "Renewal on 2026-10-30, in 20 days; 9 days past due"),
        (9, False, 1, "10.00", "Renewal on 2026-10-11, in 1 day; 9 days past due"),
        (9, False, 0, "10.00", "Renewal on 2026-10-10, today; 9 days past due"),
        (9, False, -2, "10.00", "Renewal on 2026-10-08, 2 days ago; 9 days past due"),
        (1, True, None, "10.00", "Strategic customer; 1 day past due"),
        (14, False, None, "30000.00", "30,000.00 USD is open, 25,000.00 USD or more; 14 days past due"),
        (30, False, None, "10.00", "30 days past due"),
        (29, False, None, "10.00", "no rule fits; 29 days past due"),
        (0, False, None, "10.00", "no rule fits; not past due"),
    ],
)
def test_the_reason_says_what_a_person_must_know(days, strategic, renewal, amount, reason):
    assert reason == decide(amount, days, strategic=strategic, renewal=renewal).reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": InvoiceStatus.PAID}, "nothing is owed"),
        ({"status": InvoiceStatus.VOIDED}, "nothing is owed"),
        ({"balance": usd("0.00")}, "nothing is owed"),
        ({"lines": (line("50000.00", disputed=True),)}, "all of it is disputed"),
        ({"lines": (line("45000.01", disputed=True), line("4.99"))}, ""),
        ({"lines": (line("49995.01", disputed=True), line("4.99"))}, "4.99 USD is below the smallest"),
        # RULES 2.4, M46, M47: at 90 % paid escalation is cancelled.
        ({"balance": usd("5000.00")}, "45,000.00 USD of 50,000.00 USD is paid"),
        ({"balance": usd("5000.01")}, ""),
    ],
)
def test_nobody_is_called_for_what_is_not_asked_for(change, told):
    owed = replace(invoice("INV-1", "50000.00"), **change)
    on = DUE_ON + timedelta(days=400)
    verdict = escalation.decide(owed, SHIPPED, on, is_strategic=True, renews_on=on)

    assert bool(told) == (EscalationOutcome.NONE is verdict.outcome)
    assert told in verdict.reason


def test_amounts_are_what_is_asked_for_and_of_the_same_currency():
    disputed = (line("1.00", disputed=True), line("24999.00"))

    assert not decide("25000.00", 14, lines=disputed)
    assert not decide("9000000", 14, currency="JPY")
    yen = replace(RULES[2], min_amounts=(usd("25000.00"), Money(3_000_000, "JPY")))
    assert decide("3000000", 14, replace(POLICY, escalation=(yen,)), currency="JPY")


def test_a_rule_of_several_conditions_needs_all_of_them():
    both = replace(POLICY, escalation=(EscalationRule("both", 7, (usd("100.00"),), True, 30),))

    assert decide("100.00", 7, both, strategic=True, renewal=30)
    assert not decide("99.99", 7, both, strategic=True, renewal=30)
    assert not decide("100.00", 6, both, strategic=True, renewal=30)
    assert not decide("100.00", 7, both, strategic=False, renewal=30)
    assert not decide("100.00", 7, both, strategic=True, renewal=31)
    assert not decide("100.00", 7, both, strategic=True, renewal=None)


@given(
    st.integers(1, 10**8),
    st.integers(-30, 200),
    st.booleans(),
    st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1)),
)
def test_once_a_person_was_called_waiting_longer_does_not_call_it_off(minor, days, strategic, renews_on):
    """While nothing else changes: no mail goes out again behind the back of whoever is at work."""
    owed = replace(invoice("INV-1", "1.00"), amount=Money(minor, "USD"), balance=Money(minor, "USD"))
    policy = replace(SHIPPED, min_reminder_balance=())
    today, later = (
        escalation.decide(owed, policy, DUE_ON + timedelta(days=on), is_strategic=strategic, renews_on=renews_on)
        for on in (days, days + 1)
    )

    assert later or not today
    assert later.stops_mail or not today.stops_mail
