"""Who must look at this, and when?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from decision_cases import DUE_ON, POLICY, invoice, line, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import escalation
from connector.decisions.escalation import UNSEEN_DAYS_MAX, UNSEEN_RULE, EscalationOutcome, EscalationVerdict
from connector.money import Money
from connector.policy import Addressee, EscalationRule, HandOff, LadderRung
from connector.receivables import (
    InvoiceLine,
    InvoiceStatus,
    OpenInvoice,
    Pause,
    PauseKind,
    PaymentHistory,
    Profile,
    Traits,
)

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
# A whole ladder: what was disputed before is flagged early, then somebody calls, at last an agency is proposed.
LADDER = replace(
    POLICY,
    escalation=(
        EscalationRule(
            "agency", 90, stops_mail=False, rung=LadderRung.AGENCY, to=Addressee.FINANCE, tiers=frozenset({"smb"})
        ),
        EscalationRule(
            "disputed before", 7, (usd("100000.00"),), tiers=frozenset({"Enterprise"}), disputed_before=True
        ),
        EscalationRule("call", 30, rung=LadderRung.CALL, to=Addressee.COLLECTIONS),
    ),
)
NO_RULES = replace(POLICY, escalation=())


def who(*, strategic: bool = False, renews_on: date | None = None, tier: str = "", disputes: int = 0) -> Profile:
    return Profile(Traits(tier=tier), PaymentHistory(disputes_last_year=disputes), strategic, renews_on)


def decide(
    amount: str,
    days: int,
    policy=SHIPPED,
    *,
    strategic: bool = False,
    renewal: int | None = None,
    tier: str = "",
    disputes: int = 0,
    touched: int | None = None,
    **more: Any,
) -> EscalationVerdict:
    """An invoice so many days past due; `renewal` counts from that day, `touched` from the due date."""
    on = DUE_ON + timedelta(days=days)
    renews_on = None if renewal is None else on + timedelta(days=renewal)
    touched_on = None if touched is None else DUE_ON + timedelta(days=touched)
    profile = who(strategic=strategic, renews_on=renews_on, tier=tier, disputes=disputes)
    return escalation.decide(invoice("INV-1", amount, **more), policy, on, profile=profile, touched_on=touched_on)


@pytest.mark.parametrize(
    ("amount", "days", "strategic", "renewal", "rule"),
    [
        # M31: a standard customer at 30.
        ("9000.00", 29, False, None, ""),
        ("9000.00", 30, False, None, "long overdue"),
        ("9000.00", 31, False, None, "long overdue"),
        ("9000.00", 400, False, None, "long overdue"),
        # M32: a large amount at 14.
        ("25000.00", 13, False, None, ""),
        ("25000.00", 14, False, None, "large amount"),
        ("25000.00", 15, False, None, "large amount"),
        ("24999.99", 14, False, None, ""),
        ("24999.99", 29, False, None, ""),
        ("24999.99", 30, False, None, "long overdue"),
        ("25000.01", 13, False, None, ""),
        ("25000.01", 14, False, None, "large amount"),
        # M33: a strategic customer at once, which is the first day past due (RULES 5.5).
        ("10.00", 0, True, None, ""),
        ("10.00", 1, True, None, "strategic customer"),
        ("10.00", 2, True, None, "strategic customer"),
        # M34: a renewal within 30 days, earlier.
        ("10.00", 6, False, 20, ""),
        ("10.00", 7, False, 20, "renewal"),
        ("10.00", 8, False, 20, "renewal"),
        ("10.00", 7, False, 29, "renewal"),
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
        ("200000.00", 44, True, 10, "strategic customer"),
        ("200000.00", 44, False, 10, "renewal"),
        ("200000.00", 44, False, None, "large amount"),
        ("10.00", -7, True, 3, ""),
    ],
)
def test_the_first_rule_that_fits_calls_a_person(amount, days, strategic, renewal, rule):
    verdict = decide(amount, days, strategic=strategic, renewal=renewal)

    assert rule == verdict.rule
    assert (EscalationOutcome.ESCALATED if rule else EscalationOutcome.NONE) is verdict.outcome
    assert bool(rule) == bool(verdict)


@pytest.mark.parametrize(
    ("amount", "days", "tier", "disputes", "rule", "rung", "to"),
    [
        # M36: 200,000.00 of an enterprise with an earlier dispute: its account manager at 7, not at 30.
        ("200000.00", 6, "enterprise", 1, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("200000.00", 7, "enterprise", 1, "disputed before", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("200000.00", 8, "ENTERPRISE", 3, "disputed before", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("200000.00", 8, "enterprise", 0, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("200000.00", 8, "mid", 1, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("200000.00", 8, "", 1, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("99999.99", 8, "enterprise", 1, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        # M30, M39: then somebody of collections calls; at last an agency is proposed.
        ("9000.00", 29, "smb", 0, "", LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
        ("9000.00", 30, "smb", 0, "call", LadderRung.CALL, Addressee.COLLECTIONS),
        ("9000.00", 89, "smb", 0, "call", LadderRung.CALL, Addressee.COLLECTIONS),
        ("9000.00", 90, "smb", 0, "agency", LadderRung.AGENCY, Addressee.FINANCE),
        ("9000.00", 90, "enterprise", 0, "call", LadderRung.CALL, Addressee.COLLECTIONS),
    ],
)
def test_a_rule_says_on_which_rung_and_to_whom(amount, days, tier, disputes, rule, rung, to):
    verdict = decide(amount, days, LADDER, tier=tier, disputes=disputes)

    assert (rule, rung, to) == (verdict.rule, verdict.rung, verdict.to)


def test_an_agency_is_only_proposed_and_mail_goes_on_unless_the_rule_says_otherwise():
    agency = LADDER.escalation[0]

    assert not decide("9000.00", 90, LADDER, tier="smb").stops_mail
    assert decide("9000.00", 90, replace(POLICY, escalation=(replace(agency, stops_mail=True),)), tier="smb").stops_mail


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


# ---- the floor ----


@pytest.mark.parametrize(
    ("amount", "days", "is_seen"),
    [
        ("100000.00", 44, True),
        ("100000.00", 45, False),
        ("100000.00", 46, False),
        ("100000.00", 59, False),
        ("100000.00", 60, False),
        ("99999.99", 45, True),
        ("99999.99", 400, True),
        ("100000.01", 45, False),
    ],
)
def test_a_six_figure_invoice_that_nobody_touched_goes_to_leadership_whatever_the_rules_are(amount, days, is_seen):
    """M38."""
    verdict = decide(amount, days, NO_RULES)

    assert is_seen == (not verdict)
    assert (("", Addressee.ACCOUNT_MANAGER) if is_seen else (UNSEEN_RULE, Addressee.LEADERSHIP)) == (
        verdict.rule,
        verdict.to,
    )
    assert not verdict.stops_mail


@pytest.mark.parametrize(
    ("erp", "ours", "is_seen"),
    [
        (None, None, False),
        # On the due day nothing was overdue yet.
        (0, None, False),
        (None, 0, False),
        (-20, None, False),
        (1, None, True),
        (None, 1, True),
        (-5, 30, True),
        (30, -5, True),
    ],
)
def test_a_person_has_seen_it_who_touched_it_since_it_fell_due(erp, ours, is_seen):
    touched_on = None if erp is None else DUE_ON + timedelta(days=erp)

    assert is_seen == (not decide("100000.00", 59, NO_RULES, touched=ours, touched_on=touched_on))


@pytest.mark.parametrize(
    "change",
    [
        {"hold_reason": "asked for by the branch"},
        {"pauses": (Pause(PauseKind.PROMISE, "promised", until=date(2027, 1, 1)),)},
        {"lines": (line("100000.00", disputed=True),)},
        {"amount": usd("2000000.00")},  # 95 % of it is paid
    ],
)
def test_neither_a_hold_nor_a_dispute_nor_most_of_it_paid_lifts_the_floor(change):
    owed = replace(invoice("INV-1", "100000.00"), **change)
    verdict = escalation.decide(owed, SHIPPED, DUE_ON + timedelta(days=45), profile=Profile())

    assert UNSEEN_RULE == verdict.rule
    assert "100,000.00 USD is open and no person has looked at it; 45 days past due" == verdict.reason


def test_of_what_is_almost_paid_the_balance_counts():
    owed = replace(invoice("INV-1", "99999.99"), amount=usd("2000000.00"))

    assert not escalation.decide(owed, NO_RULES, DUE_ON + timedelta(days=90), profile=Profile())


@pytest.mark.parametrize("change", [{"status": InvoiceStatus.PAID}, {"status": InvoiceStatus.VOIDED}])
def test_what_is_not_owed_any_more_needs_nobody(change):
    assert not decide("500000.00", 90, **change)


@pytest.mark.parametrize(
    ("amounts", "currency", "floor"),
    [
        ((usd("100000.00"),), "USD", "100000.00"),
        ((usd("100000.00"),), "EUR", "100000.00"),
        ((usd("100000.00"),), "JPY", "10000000"),
        ((usd("100000.00"),), "KWD", "10000.000"),
        ((usd("250000.00"), Money.of("80000.00", "EUR")), "GBP", "80000.00"),
        ((usd("250000.00"), Money.of("15000000", "JPY")), "JPY", "15000000"),
        ((), "USD", "100000.00"),
    ],
)
def test_every_currency_has_a_floor(amounts, currency, floor):
    given = Money.of(floor, currency)

    assert given == escalation.unseen_amount(HandOff(unseen_amount=amounts), currency)


@pytest.mark.parametrize(
    ("rung", "shown"),
    [
        (LadderRung.FLAG, LadderRung.FLAG),
        (LadderRung.CALL, LadderRung.CALL),
        # What nobody has looked at is no agency's yet.
        (LadderRung.AGENCY, LadderRung.CALL),
    ],
)
def test_under_the_floor_the_rung_is_the_rules_but_no_agency_is_proposed(rung, shown):
    policy = replace(POLICY, escalation=(EscalationRule("late", 30, rung=rung),))

    assert (UNSEEN_RULE, shown) == (decide("100000.00", 90, policy).rule, decide("100000.00", 90, policy).rung)
    assert rung is decide("100000.00", 90, policy, touched=20).rung


def test_the_rule_that_stops_mail_still_stops_it_under_the_floor():
    assert decide("100000.00", 45).stops_mail
    assert UNSEEN_RULE == decide("100000.00", 45).rule
    assert "large amount" == decide("100000.00", 45, touched=20).rule


# Names are the policy's own: no two rules have the same.
_RULE = st.builds(
    EscalationRule,
    st.sampled_from(("one", "two", "three")),
    st.integers(-10, 120),
    st.sampled_from(((), (usd("25000.00"),), (usd("100000.00"),), (Money(1, "EUR"),))),
    only_strategic=st.booleans(),
    renewal_within_days=st.none() | st.integers(0, 90),
    stops_mail=st.booleans(),
    tiers=st.sampled_from((frozenset(), frozenset({"smb"}), frozenset({"enterprise"}))),
    disputed_before=st.booleans(),
    rung=st.sampled_from(LadderRung),
    to=st.sampled_from(Addressee),
)
_RULES = st.lists(_RULE, max_size=4).map(tuple)
_PROFILE = st.builds(
    who,
    strategic=st.booleans(),
    renews_on=st.none() | st.dates(date(2026, 9, 1), date(2027, 3, 1)),
    tier=st.sampled_from(("", "SMB", "enterprise")),
    disputes=st.integers(0, 2),
)
_HAND_OFF = st.builds(
    HandOff,
    unseen_amount=st.sampled_from(((), (usd("100000.00"),), (usd("250000.00"), Money(50, "JPY")))),
    unseen_days_past_due=st.integers(0, 500),
)


@given(
    _RULES,
    _PROFILE,
    _HAND_OFF,
    st.integers(0, 10**9),
    st.sampled_from(("USD", "EUR", "JPY")),
    st.integers(-60, 0),
    st.booleans(),
    st.integers(0, 100),
)
def test_under_any_rules_no_large_invoice_reaches_60_days_unseen(
    rules, profile, hand_off, more, currency, touched, is_held, percent_paid
):
    """M38, in whatever currency, however it is held, disputed or paid in part, and whatever the policy asks for."""
    policy = replace(POLICY, escalation=rules, hand_off=hand_off)
    balance = escalation.unseen_amount(hand_off, currency) + Money(more, currency)
    amount = Money(balance.minor * 100 // (101 - percent_paid), currency)
    owed = OpenInvoice(
        "1",
        "INV-1",
        "C1",
        max(amount, balance),
        balance,
        DUE_ON,
        DUE_ON,
        lines=(InvoiceLine("1", "", balance, disputed=is_held),),
        hold_reason="held" if is_held else "",
        touched_on=DUE_ON + timedelta(days=touched),
    )
    for days in (UNSEEN_DAYS_MAX - 1, UNSEEN_DAYS_MAX, 200):
        verdict = escalation.decide(owed, policy, DUE_ON + timedelta(days=days), profile=profile)

        assert verdict
        assert Addressee.LEADERSHIP is verdict.to


@given(_RULES, _PROFILE, st.integers(-5, 120), st.integers(1, 200_000_00), st.integers(0, 100), st.data())
def test_money_a_dispute_or_a_hold_never_gives_an_invoice_back_to_the_machine(
    rules, profile, days, minor, percent, data
):
    """Where mail was stopped it stays so, unless there is nothing to ask for or the courtesy message takes over."""
    policy = replace(POLICY, escalation=rules)
    amount = Money(minor, "USD")
    before = replace(invoice("INV-1", "1.00"), amount=amount, balance=amount)
    part = Money(minor * percent // 100, "USD")
    after = {
        "payment": replace(before, balance=amount - part),
        "dispute": replace(before, lines=(InvoiceLine("1", "", part, disputed=True),)),
        "hold": replace(before, hold_reason="held", pauses=(Pause(PauseKind.HOLD, "held"),)),
    }[data.draw(st.sampled_from(("payment", "dispute", "hold")))]
    disputes = profile.history.disputes_last_year + bool(after.disputed)
    known = replace(profile, history=replace(profile.history, disputes_last_year=disputes))
    on = DUE_ON + timedelta(days=days)
    was, now = (
        escalation.decide(before, policy, on, profile=profile),
        escalation.decide(after, policy, on, profile=known),
    )
    is_asked_for = bool(after.askable) and after.askable >= policy.min_balance("USD")
    is_almost_paid = (amount - after.balance).minor * 100 >= minor * 90 and after.balance != amount

    assert now.stops_mail or not was.stops_mail or not is_asked_for or is_almost_paid


# ---- what is said ----


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


def test_the_reason_names_tier_and_dispute_history():
    said = decide("200000.00", 7, LADDER, tier="enterprise", disputes=1).reason

    assert (
        "Tier enterprise; Disputed an invoice within the last year; 200,000.00 USD is open, 100,000.00 USD or more; "
        "7 days past due" == said
    )


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
    verdict = escalation.decide(owed, SHIPPED, on, profile=who(strategic=True, renews_on=on))

    assert bool(told) == (EscalationOutcome.NONE is verdict.outcome)
    assert told in verdict.reason


def test_amounts_are_as_billed_and_of_the_same_currency():
    """What is paid or disputed of a large invoice doesn't make it a small one."""
    disputed = (line("1.00", disputed=True), line("24999.00"))

    part_paid = replace(invoice("INV-1", "25000.00"), balance=usd("10000.00"))
    verdict = escalation.decide(part_paid, SHIPPED, DUE_ON + timedelta(days=14), profile=Profile())

    assert decide("25000.00", 14, lines=disputed)
    assert "25,000.00 USD was billed, 25,000.00 USD or more, and 10,000.00 USD is open; 14 days past due" == (
        verdict.reason
    )
    assert not decide("9000000", 14, currency="JPY")
    yen = replace(RULES[2], min_amounts=(usd("25000.00"), Money(3_000_000, "JPY")))
    assert decide("3000000", 14, replace(POLICY, escalation=(yen,)), currency="JPY")


def test_an_earlier_dispute_only_ever_adds_to_what_stops_mail():
    rules = (EscalationRule("disputed before", 7, stops_mail=False, disputed_before=True), RULES[2])
    policy = replace(POLICY, escalation=rules)

    assert decide("25000.00", 14, policy).stops_mail
    assert "disputed before" == decide("25000.00", 14, policy, disputes=1).rule
    assert decide("25000.00", 14, policy, disputes=1).stops_mail
    assert not decide("24999.99", 14, policy, disputes=1).stops_mail


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
    profile = who(strategic=strategic, renews_on=renews_on)
    today, later = (
        escalation.decide(owed, policy, DUE_ON + timedelta(days=on), profile=profile) for on in (days, days + 1)
    )

    assert later or not today
    assert later.stops_mail or not today.stops_mail
