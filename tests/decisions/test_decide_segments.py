"""segments.decide: every criterion at its boundary, the shipped policy on the mission's scenarios, what always holds.

The scenarios are M23, M26, M28, M29 and M31 to M40: who gets which workflow, and when a person must look.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.conditions import Condition
from connector.config import read_policy
from connector.decisions import escalation, segments
from connector.decisions.segments import Chooser, PassedOver, SegmentVerdict
from connector.money import Money
from connector.policy import (
    DEFAULT,
    Addressee,
    Cadence,
    Comparing,
    Comparison,
    Criteria,
    LadderRung,
    Policy,
    Segment,
    Step,
    Switch,
    Tone,
)
from connector.receivables import InvoiceLine, OpenInvoice, PaymentHistory, Profile, Traits, Trend
from tests.decisions.decision_cases import DUE_ON, POLICY, invoice, usd

ON = DUE_ON + timedelta(days=7)
NOBODY = Profile()
SHIPPED = read_policy(Path(__file__).resolve().parents[2] / "mappings" / "policy.yaml")


def policy(*found: Segment) -> Policy:
    return replace(POLICY, segments=found)


def asking(**criteria: Any) -> Policy:
    """A policy of one segment, named 'it'."""
    return policy(Segment("it", Criteria(**criteria)))


def words(*some: str) -> frozenset[str]:
    return frozenset(some)


def compared(text: str) -> Comparison:
    how, _, bound = text.partition(" ")
    return Comparison(Comparing(how), Decimal(bound))


def who(**more: Any) -> Profile:
    """A profile from the fields of its traits, its history and itself."""
    fields: list[dict[str, Any]] = [
        {key: value for key, value in more.items() if key in kind.__dataclass_fields__}
        for kind in (Traits, PaymentHistory, Profile)
    ]
    return Profile(Traits(**fields[0]), PaymentHistory(**fields[1]), **fields[2])


# ---- one criterion at a time, the boundary on both sides ----

# criteria                                    | profile                                      | invoice     | fits?
TABLE: list[tuple[dict[str, Any], Profile, OpenInvoice, bool]] = [
    ({}, NOBODY, invoice("INV-1", "1.00"), True),
    ({"tiers": words("smb")}, who(tier="smb"), invoice("INV-1", "1.00"), True),
    ({"tiers": words("SMB", "self-serve")}, who(tier=" Smb "), invoice("INV-1", "1.00"), True),
    ({"tiers": words("smb")}, who(tier="mid-market"), invoice("INV-1", "1.00"), False),
    ({"tiers": words("smb")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"tiers": words("smb", "")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"contract_types": words("annual")}, who(contract_type="Annual"), invoice("INV-1", "1.00"), True),
    ({"contract_types": words("annual")}, who(contract_type="monthly"), invoice("INV-1", "1.00"), False),
    ({"billing_models": words("usage")}, who(billing_model="USAGE"), invoice("INV-1", "1.00"), True),
    ({"billing_models": words("usage")}, who(billing_model="subscription"), invoice("INV-1", "1.00"), False),
    ({"relationships": words("partner")}, who(relationship="partner"), invoice("INV-1", "1.00"), True),
    ({"relationships": words("partner")}, who(relationship=""), invoice("INV-1", "1.00"), False),
    ({"min_arr": (usd("100000.00"),)}, who(arr=usd("99999.99")), invoice("INV-1", "1.00"), False),
    ({"min_arr": (usd("100000.00"),)}, who(arr=usd("100000.00")), invoice("INV-1", "1.00"), True),
    ({"min_arr": (usd("100000.00"),)}, who(arr=Money(10**9, "EUR")), invoice("INV-1", "1.00"), False),
    ({"min_arr": (usd("0.00"),)}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"max_arr": (usd("100000.00"),)}, who(arr=usd("99999.99")), invoice("INV-1", "1.00"), True),
    ({"max_arr": (usd("100000.00"),)}, who(arr=usd("100000.00")), invoice("INV-1", "1.00"), False),
    ({"max_arr": (usd("100000.00"),)}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"min_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "24999.99"), False),
    ({"min_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "25000.00"), True),
    ({"min_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "1.00", amount="25000.00"), True),
    ({"min_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "25000.00", currency="EUR"), False),
    ({"min_amount": (usd("1.00"), Money(100, "EUR"))}, NOBODY, invoice("INV-1", "1.00", currency="EUR"), True),
    ({"max_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "24999.99"), True),
    ({"max_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "25000.00"), False),
    ({"max_amount": (usd("25000.00"),)}, NOBODY, invoice("INV-1", "1.00", currency="EUR"), False),
    ({"late_last_quarter": compared(">= 2")}, who(late_last_quarter=1), invoice("INV-1", "1.00"), False),
    ({"late_last_quarter": compared(">= 2")}, who(late_last_quarter=2), invoice("INV-1", "1.00"), True),
    ({"late_last_quarter": compared("> 2")}, who(late_last_quarter=2), invoice("INV-1", "1.00"), False),
    ({"late_last_quarter": compared("> 2")}, who(late_last_quarter=3), invoice("INV-1", "1.00"), True),
    ({"late_last_quarter": compared("== 0")}, NOBODY, invoice("INV-1", "1.00"), True),
    ({"late_last_quarter": compared("== 0")}, who(late_last_quarter=1), invoice("INV-1", "1.00"), False),
    ({"average_days_late": compared("<= 3")}, who(average_days_late=Decimal("3.0")), invoice("INV-1", "1.00"), True),
    ({"average_days_late": compared("<= 3")}, who(average_days_late=Decimal("3.1")), invoice("INV-1", "1.00"), False),
    ({"average_days_late": compared("< -2")}, who(average_days_late=Decimal("-2")), invoice("INV-1", "1.00"), False),
    ({"average_days_late": compared("< -2")}, who(average_days_late=Decimal("-2.1")), invoice("INV-1", "1.00"), True),
    ({"average_days_late": compared("<= 3")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"average_days_late": compared("> -90")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"disputes_last_year": compared("== 0")}, who(disputes_last_year=0), invoice("INV-1", "1.00"), True),
    ({"disputes_last_year": compared("== 0")}, who(disputes_last_year=1), invoice("INV-1", "1.00"), False),
    ({"settled_count": compared(">= 4")}, who(settled_count=3), invoice("INV-1", "1.00"), False),
    ({"settled_count": compared(">= 4")}, who(settled_count=4), invoice("INV-1", "1.00"), True),
    ({"is_strategic": True}, who(is_strategic=True), invoice("INV-1", "1.00"), True),
    ({"is_strategic": True}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"is_strategic": False}, NOBODY, invoice("INV-1", "1.00"), True),
    ({"is_strategic": False}, who(is_strategic=True), invoice("INV-1", "1.00"), False),
    ({"when": Condition('customer.trend == "worse"')}, who(trend=Trend.WORSE), invoice("INV-1", "1.00"), True),
    ({"when": Condition('customer.trend == "worse"')}, who(trend=Trend.STEADY), invoice("INV-1", "1.00"), False),
    ({"when": Condition('customer.trend != "worse"')}, NOBODY, invoice("INV-1", "1.00"), False),
    (
        {"when": Condition("customer.days_to_renewal <= 30")},
        who(renews_on=ON + timedelta(30)),
        invoice("INV-1", "1.00"),
        True,
    ),
    (
        {"when": Condition("customer.days_to_renewal <= 30")},
        who(renews_on=ON + timedelta(31)),
        invoice("INV-1", "1.00"),
        False,
    ),
    ({"when": Condition("invoice.days_past_due >= 7")}, NOBODY, invoice("INV-1", "1.00"), True),
    ({"when": Condition("invoice.days_past_due >= 8")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"when": Condition("invoice.terms_days > 30")}, NOBODY, invoice("INV-1", "1.00"), False),
    ({"when": Condition("invoice.terms_days >= 30")}, NOBODY, invoice("INV-1", "1.00"), True),
    # all that is given must hold
    ({"tiers": words("smb"), "settled_count": compared(">= 1")}, who(tier="smb"), invoice("INV-1", "1.00"), False),
    ({"tiers": words("smb"), "is_strategic": False}, who(tier="smb"), invoice("INV-1", "1.00"), True),
    (
        {"tiers": words("smb"), "min_amount": (usd("5.00"),), "when": Condition("invoice.days_past_due > 6")},
        who(tier="smb"),
        invoice("INV-1", "5.00"),
        True,
    ),
    (
        {"tiers": words("smb"), "min_amount": (usd("5.01"),), "when": Condition("invoice.days_past_due > 6")},
        who(tier="smb"),
        invoice("INV-1", "5.00"),
        False,
    ),
]


@pytest.mark.parametrize(("criteria", "profile", "about", "fits"), TABLE)
def test_a_criterion_holds_on_its_side_of_the_boundary(
    criteria: dict[str, Any], profile: Profile, about: OpenInvoice, fits: bool
) -> None:
    verdict = segments.decide(profile, about, asking(**criteria), ON)

    assert ("it" if fits else DEFAULT) == verdict.segment
    assert fits is (verdict.passed_over == ())


# ---- order, reasons ----


def test_the_first_segment_that_fits_decides() -> None:
    both = policy(
        Segment("small", Criteria(tiers=words("smb"))), Segment("late", Criteria(late_last_quarter=compared(">= 2")))
    )
    late_and_small = who(tier="smb", late_last_quarter=2)

    assert "small" == segments.decide(late_and_small, invoice("INV-1", "1.00"), both, ON).segment
    turned = policy(*reversed(both.segments))
    assert "late" == segments.decide(late_and_small, invoice("INV-1", "1.00"), turned, ON).segment


def test_without_segments_everybody_is_treated_alike() -> None:
    assert SegmentVerdict(DEFAULT, "the policy has no segments") == segments.decide(
        who(tier="smb"), invoice("INV-1", "1.00"), POLICY, ON
    )


def test_the_reason_names_what_is_asked_for_with_its_figures() -> None:
    found = policy(
        Segment("strategic", Criteria(is_strategic=True)),
        Segment("big", Criteria(min_amount=(usd("25000.00"),))),
        Segment(
            "often late",
            Criteria(
                tiers=words("smb"),
                min_arr=(usd("1000.00"),),
                max_arr=(usd("9000.00"),),
                late_last_quarter=compared(">= 2"),
                average_days_late=compared("> 5"),
                max_amount=(usd("5000.00"),),
                when=Condition('customer.trend == "worse" && invoice.days_past_due > 5'),
            ),
        ),
    )
    profile = who(
        tier="SMB", arr=usd("5000.00"), late_last_quarter=3, average_days_late=Decimal("6.5"), trend=Trend.WORSE
    )
    verdict = segments.decide(profile, invoice("INV-1", "1200.00"), found, ON)

    assert "often late" == verdict.segment
    assert [
        "tier SMB",
        "ARR 5,000.00 USD, at least 1,000.00 USD and less than 9,000.00 USD",
        "late payments last quarter 3, at least 2",
        "average days late 6.5, more than 5",
        "amount 1,200.00 USD, less than 5,000.00 USD",
        'customer.trend == "worse" (customer.trend is worse)',
        "invoice.days_past_due > 5 (invoice.days_past_due is 7)",
    ] == verdict.reason.split("; ")
    assert (
        PassedOver("strategic", "not strategic"),
        PassedOver("big", "amount 1,200.00 USD, not at least 25,000.00 USD"),
    ) == verdict.passed_over


WHY_NOT = [
    ({"tiers": words("smb", "mid")}, who(tier="Large"), "tier Large is not mid or smb"),
    ({"billing_models": words("usage")}, NOBODY, "billing model not known is not usage"),
    ({"min_arr": (usd("5.00"),)}, NOBODY, "ARR not known"),
    ({"min_arr": (usd("5.00"),)}, who(arr=Money(100, "EUR")), "ARR 1.00 EUR: the segment names no EUR"),
    ({"average_days_late": compared("> 5")}, NOBODY, "average days late not known, not more than 5"),
    ({"settled_count": compared(">= 4")}, who(settled_count=3), "settled invoices 3, not at least 4"),
    ({"is_strategic": False}, who(is_strategic=True), "strategic"),
    (
        {"when": Condition("invoice.days_past_due > 9")},
        NOBODY,
        "not invoice.days_past_due > 9 (invoice.days_past_due is 7)",
    ),
]


@pytest.mark.parametrize(("criteria", "profile", "expected"), WHY_NOT)
def test_a_segment_that_was_passed_over_says_why(criteria: dict[str, Any], profile: Profile, expected: str) -> None:
    verdict = segments.decide(profile, invoice("INV-1", "1200.00"), asking(**criteria), ON)

    assert (PassedOver("it", expected),) == verdict.passed_over
    assert "it fits no segment of the policy" == verdict.reason


# ---- the shipped segments on the mission's scenarios ----

CLEAN = {
    "settled_count": 12,
    "average_days_late": Decimal("-1.5"),
    "late_last_quarter": 0,
    "first_invoiced_on": ON - timedelta(days=730),
}
# profile | amount | segment
SCENARIOS = [
    # M26: three words about each, and three workflows
    (who(tier="enterprise", billing_model="usage", arr=usd("80000.00"), **CLEAN), "8000.00", "enterprise usage"),
    (who(tier="SMB", billing_model="subscription", late_last_quarter=2), "5000.00", "small and often late"),
    # M28: the amount alone makes the difference
    (who(tier="enterprise"), "500000.00", "key accounts"),
    (who(tier="smb", late_last_quarter=2), "5000.00", "small and often late"),
    (who(tier="smb"), "5000.00", DEFAULT),
    (who(tier="enterprise"), "99999.99", DEFAULT),
    (who(tier="enterprise"), "100000.00", "key accounts"),
    (who(tier="enterprise", arr=usd("249999.99")), "10.00", DEFAULT),
    (who(tier="enterprise", arr=usd("250000.00")), "10.00", "key accounts"),
    (who(tier="enterprise", is_strategic=True), "10.00", "key accounts"),
    # M29: always on time with a temporary issue, and new with a pattern of lateness
    (who(tier="smb", **CLEAN), "3000.00", "small and proven"),
    (
        who(tier="smb", settled_count=3, late_last_quarter=3, first_invoiced_on=ON - timedelta(90)),
        "3000.00",
        "small and often late",
    ),
    # M37 and its boundaries
    (who(tier="smb", **CLEAN | {"first_invoiced_on": ON - timedelta(days=729)}), "3000.00", DEFAULT),
    (who(tier="smb", **CLEAN | {"settled_count": 3}), "3000.00", DEFAULT),
    (who(tier="smb", **CLEAN | {"settled_count": 4}), "3000.00", "small and proven"),
    (who(tier="smb", **CLEAN | {"late_last_quarter": 1}), "3000.00", DEFAULT),
    (who(tier="smb", **CLEAN | {"late_last_quarter": 2}), "3000.00", "small and often late"),
    (who(tier="smb", **CLEAN | {"average_days_late": Decimal("3.0")}), "3000.00", "small and proven"),
    (who(tier="smb", **CLEAN | {"average_days_late": Decimal("3.1")}), "3000.00", DEFAULT),
    (who(tier="smb", **CLEAN, disputes_last_year=1), "3000.00", DEFAULT),
    (who(tier="smb", **CLEAN), "24999.99", "small and proven"),
    (who(tier="smb", **CLEAN), "25000.00", DEFAULT),
    (who(tier="smb", **CLEAN, is_strategic=True), "3000.00", DEFAULT),
    # of whom nothing is known
    (NOBODY, "500000.00", DEFAULT),
    (who(is_strategic=True), "8000.00", DEFAULT),
    (who(late_last_quarter=9, average_days_late=Decimal(40)), "8000.00", DEFAULT),
]


@pytest.mark.parametrize(("profile", "amount", "expected"), SCENARIOS)
def test_who_is_in_which_shipped_segment(profile: Profile, amount: str, expected: str) -> None:
    assert expected == segments.decide(profile, invoice("INV-1", amount), SHIPPED, ON).segment


def workflow(name: str) -> tuple[Step, ...]:
    return SHIPPED.of(name).steps


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("enterprise usage", "small and often late"),  # M26
        ("key accounts", "small and often late"),  # M28
        ("key accounts", DEFAULT),
        ("small and proven", "small and often late"),  # M29
    ],
)
def test_two_such_customers_share_neither_schedule_nor_rules(one: str, other: str) -> None:
    assert {step.days for step in workflow(one)} != {step.days for step in workflow(other)}
    assert SHIPPED.of(one).escalation != SHIPPED.of(other).escalation or one == "enterprise usage"


def test_a_500k_enterprise_invoice_and_a_5k_one_of_a_small_customer_share_no_message() -> None:
    """M28: not the same template, schedule or tone."""
    large, small = (
        segments.decide(profile, invoice("INV-1", amount), SHIPPED, ON).segment
        for profile, amount in ((who(tier="enterprise"), "500000.00"), (who(tier="smb"), "5000.00"))
    )
    first, second = workflow(large), workflow(small)

    assert set() == {step.template for step in first} & {step.template for step in second}
    assert set() == {step.days for step in first} & {step.days for step in second}
    assert Tone.FINAL not in {step.tone for step in first}
    assert {"account_owner"} == {step.sender for step in first}


def test_no_shipped_cadence_speaks_more_gently_as_it_grows_late() -> None:
    """M15: informational before the due date, and never a step back."""
    firmness = list(Tone)
    for cadence in (Cadence(DEFAULT, SHIPPED.steps), *SHIPPED.cadences):
        tones = [firmness.index(step.tone) for step in cadence.steps]

        assert sorted(tones) == tones, cadence.name
        assert {Tone.INFORMATIONAL} == {step.tone for step in cadence.steps if step.days < 0}, cadence.name


def test_first_contact_about_an_overdue_invoice_is_a_gentle_word_about_an_overdue_invoice() -> None:
    """RULES 4.5: never firmer than the +1 tone; and no text that says the invoice will be due."""
    for segment in (DEFAULT, *(one.name for one in SHIPPED.segments)):
        seen = SHIPPED.of(segment)
        first = next(step for step in seen.steps if step.name == seen.first_contact_step_max)

        assert first.days >= 1, segment
        assert first.tone in (Tone.INFORMATIONAL, Tone.NEUTRAL), segment


def test_every_shipped_segment_starts_before_the_due_date_and_changes_no_switch() -> None:
    """M11; a new installation is in shadow for everybody."""
    for one in SHIPPED.segments:
        seen = SHIPPED.of(one.name)

        assert seen.steps[0].days < 0, one.name
        assert (Switch.SHADOW, Switch.SHADOW) == (seen.post, seen.send), one.name


# ---- when a person must look, by the shipped policy ----

ENTERPRISE = who(tier="enterprise")
SMALL = who(tier="smb", **CLEAN)
RENEWS = timedelta(days=30)

# profile | amount | days past due -> rule ('' nobody), does mail stop?, rung, whom it goes to
LADDER = [
    (NOBODY, "3000.00", 29, "", False, None, None),  # M31
    (NOBODY, "3000.00", 30, "long overdue", False, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
    (NOBODY, "3000.00", 44, "long overdue", False, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
    (NOBODY, "3000.00", 45, "call", True, LadderRung.CALL, Addressee.COLLECTIONS),  # M30
    (NOBODY, "3000.00", 89, "call", True, LadderRung.CALL, Addressee.COLLECTIONS),
    (NOBODY, "3000.00", 90, "agency", True, LadderRung.AGENCY, Addressee.FINANCE),
    (NOBODY, "25000.00", 13, "", False, None, None),  # M32
    (NOBODY, "24999.99", 14, "", False, None, None),
    (NOBODY, "25000.00", 14, "large amount", True, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
    (NOBODY, "25000.00", 30, "large amount, call", True, LadderRung.CALL, Addressee.COLLECTIONS),  # M39
    (NOBODY, "99999.99", 30, "large amount, call", True, LadderRung.CALL, Addressee.COLLECTIONS),
    (NOBODY, "100000.00", 30, "six figures", True, LadderRung.CALL, Addressee.LEADERSHIP),
    (who(is_strategic=True), "10.00", 0, "", False, None, None),  # M33
    (who(is_strategic=True), "10.00", 1, "strategic customer", True, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
    (who(tier="smb", is_strategic=True, **CLEAN), "10.00", 1, "strategic customer", True, LadderRung.FLAG, None),
    (who(tier="enterprise", is_strategic=True), "10.00", 1, "strategic customer", True, LadderRung.FLAG, None),
    (who(tier="enterprise", is_strategic=True), "10.00", 30, "key account, call", True, LadderRung.CALL, None),
    (who(renews_on=DUE_ON + timedelta(6) + RENEWS), "10.00", 6, "", False, None, None),  # M34
    (who(renews_on=DUE_ON + timedelta(7) + RENEWS), "10.00", 7, "renewal", True, LadderRung.FLAG, None),
    (who(renews_on=DUE_ON + timedelta(8) + RENEWS), "10.00", 7, "", False, None, None),
    (who(tier="enterprise", disputes_last_year=1), "200000.00", 6, "", False, None, None),  # M36
    (who(tier="enterprise", disputes_last_year=1), "200000.00", 7, "key account", True, LadderRung.FLAG, None),
    (who(tier="enterprise", disputes_last_year=1), "25000.00", 7, "disputed before", True, LadderRung.FLAG, None),
    (who(tier="enterprise", disputes_last_year=1), "24999.99", 7, "", False, None, None),
    (who(tier="enterprise"), "25000.00", 7, "", False, None, None),
    (SMALL, "3000.00", 31, "", False, None, None),  # M37
    (SMALL, "3000.00", 59, "", False, None, None),
    (SMALL, "3000.00", 60, "proven, call", True, LadderRung.CALL, Addressee.COLLECTIONS),
    (replace(SMALL, renews_on=DUE_ON + RENEWS), "3000.00", 14, "renewal", True, LadderRung.FLAG, None),
    (ENTERPRISE, "200000.00", 15, "key account", True, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),  # M40
    (NOBODY, "200000.00", 15, "large amount", True, LadderRung.FLAG, Addressee.ACCOUNT_MANAGER),
    (who(tier="smb", late_last_quarter=2), "3000.00", 24, "", False, None, None),
    (who(tier="smb", late_last_quarter=2), "3000.00", 25, "often late, call", True, LadderRung.CALL, None),
]


@pytest.mark.parametrize(("profile", "amount", "days", "rule", "stops", "rung", "to"), LADDER)
def test_when_a_person_must_look_and_which(
    profile: Profile, amount: str, days: int, rule: str, stops: bool, rung: LadderRung | None, to: Addressee | None
) -> None:
    about, on = invoice("INV-1", amount), DUE_ON + timedelta(days=days)
    segment = segments.decide(profile, about, SHIPPED, on).segment
    verdict = escalation.decide(about, SHIPPED.of(segment), on, profile=profile, touched_on=on)

    assert (rule, stops) == (verdict.rule, verdict.stops_mail)
    assert rung in (None, verdict.rung)
    assert to in (None, verdict.to)


@pytest.mark.parametrize("segment", [DEFAULT, *(one.name for one in SHIPPED.segments)])
@pytest.mark.parametrize("amount", ["100000.00", "200000.00"])
def test_no_six_figure_invoice_is_without_a_person_on_day_59_in_any_segment(segment: str, amount: str) -> None:
    """M38: whatever the rules of a segment say, the floor is under all of them."""
    about, on = invoice("INV-1", amount), DUE_ON + timedelta(days=59)

    assert escalation.decide(about, SHIPPED.of(segment), on, profile=NOBODY)
    silent = replace(SHIPPED.of(segment), escalation=())
    assert escalation.decide(about, silent, on, profile=NOBODY)


# ---- what always holds ----

TIERS = st.sampled_from(["", "smb", "SMB", "enterprise", "mid-market"])
PROFILES = st.builds(
    lambda tier, model, arr, settled, days, late, disputes, strategic, trend: who(
        tier=tier,
        billing_model=model,
        arr=None if arr is None else Money(arr, "USD"),
        settled_count=settled,
        average_days_late=None if days is None else Decimal(days) / 10,
        late_last_quarter=late,
        disputes_last_year=disputes,
        is_strategic=strategic,
        trend=trend,
    ),
    TIERS,
    st.sampled_from(["", "usage", "subscription"]),
    st.none() | st.integers(0, 10**8),
    st.integers(0, 20),
    st.none() | st.integers(-100, 400),
    st.integers(0, 5),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(Trend),
)
INVOICES = st.builds(
    lambda minor, currency, kind: replace(
        invoice("INV-1", Money(minor, currency).plain(), currency=currency),
        lines=(InvoiceLine("1", "a line", Money(minor, currency), kind),),
    ),
    st.integers(100, 10**8),
    st.sampled_from(["USD", "EUR", "JPY"]),
    st.sampled_from(["", "usage", "subscription"]),
)
BOUNDS = st.sampled_from(["== 0", ">= 2", "> 2", "<= 3", "< 3", ">= 0"]).map(compared)
CRITERIA = st.builds(
    Criteria,
    tiers=st.sampled_from([words(), words("smb"), words("SMB", "mid-market"), words("enterprise")]),
    billing_models=st.sampled_from([words(), words("usage")]),
    min_arr=st.sampled_from([(), (usd("10000.00"),), (usd("500000.00"),)]),
    max_arr=st.sampled_from([(), (usd("500000.00"),), (usd("900000.00"),)]),
    min_amount=st.sampled_from([(), (usd("5000.00"),), (usd("25000.00"), Money(100, "EUR"))]),
    max_amount=st.sampled_from([(), (usd("50000.00"),), (usd("90000.00"), Money(10**7, "EUR"))]),
    late_last_quarter=st.none() | BOUNDS,
    average_days_late=st.none() | BOUNDS,
    disputes_last_year=st.none() | BOUNDS,
    settled_count=st.none() | BOUNDS,
    is_strategic=st.sampled_from([None, True, False]),
    when=st.sampled_from(
        [
            None,
            Condition('customer.trend == "worse"'),
            Condition('"usage" in invoice.line_kinds'),
            Condition('customer.trend == "worse" && "usage" in invoice.line_kinds'),
            Condition('customer.tier == "smb" || invoice.amount.USD > 20000'),
        ]
    ),
)


@given(PROFILES, st.lists(INVOICES, max_size=6), st.lists(CRITERIA, max_size=5))
def test_a_chooser_decides_as_decide_does_in_whatever_order(
    profile: Profile, some: list[OpenInvoice], criteria: list[Criteria]
) -> None:
    """Deciding twice equals deciding once, and no invoice of the customer changes the verdict on another."""
    found = policy(*(Segment(f"s{number}", one) for number, one in enumerate(criteria)))
    chooser = Chooser(profile, found, ON)
    alone = [segments.decide(profile, one, found, ON) for one in some]

    assert alone == [replace(chooser.decide(one), passed_over=chooser.passed_over(one)) for one in some]
    assert alone == [replace(chooser.decide(one), passed_over=chooser.passed_over(one)) for one in reversed(some)][::-1]


@given(PROFILES, INVOICES, st.lists(CRITERIA, min_size=1, max_size=5))
def test_exactly_the_segments_before_the_verdict_were_passed_over(
    profile: Profile, about: OpenInvoice, criteria: list[Criteria]
) -> None:
    names = [f"s{number}" for number in range(len(criteria))]
    found = policy(*(Segment(name, one) for name, one in zip(names, criteria, strict=True)))
    verdict = segments.decide(profile, about, found, ON)
    fits = [segments.decide(profile, about, policy(one), ON).segment == one.name for one in found.segments]

    assert (names[fits.index(True)] if any(fits) else DEFAULT) == verdict.segment
    assert names[: fits.index(True) if any(fits) else len(names)] == [one.segment for one in verdict.passed_over]
    assert all(one.why_not for one in verdict.passed_over)


@given(PROFILES, INVOICES, CRITERIA, CRITERIA)
def test_what_covers_another_fits_whenever_that_does(
    profile: Profile, about: OpenInvoice, first: Criteria, second: Criteria
) -> None:
    def fits(criteria: Criteria) -> bool:
        return segments.decide(profile, about, policy(Segment("it", criteria)), ON).segment == "it"

    assert segments.covers(first, first)
    assert segments.covers(Criteria(), second)
    if segments.covers(first, second) and fits(second):
        assert fits(first)


@given(INVOICES)
def test_of_whom_nothing_is_known_is_in_no_shipped_segment(about: OpenInvoice) -> None:
    assert DEFAULT == segments.decide(NOBODY, about, SHIPPED, ON).segment


# first | second | does the first cover the second?
COVERS = [
    ({}, {"tiers": words("smb")}, True),
    ({"tiers": words("smb")}, {}, False),
    ({"tiers": words("smb", "mid")}, {"tiers": words("SMB")}, True),
    ({"tiers": words("smb")}, {"tiers": words("smb", "mid")}, False),
    ({"min_arr": (usd("10.00"),)}, {"min_arr": (usd("10.00"),)}, True),
    ({"min_arr": (usd("10.00"),)}, {"min_arr": (usd("9.99"),)}, False),
    ({"min_arr": (usd("10.00"),)}, {"min_arr": (usd("20.00"),), "max_arr": (usd("30.00"),)}, True),
    ({"min_arr": (usd("10.00"),)}, {"min_arr": (usd("20.00"), Money(1, "EUR"))}, False),
    ({"min_amount": (usd("10.00"),)}, {"max_amount": (usd("30.00"),)}, False),
    ({"max_amount": (usd("10.00"),)}, {"max_amount": (usd("10.00"),)}, True),
    ({"max_amount": (usd("10.00"),)}, {"max_amount": (usd("10.01"),)}, False),
    ({"late_last_quarter": compared(">= 2")}, {"late_last_quarter": compared("> 2")}, True),
    ({"late_last_quarter": compared("> 2")}, {"late_last_quarter": compared(">= 2")}, False),
    ({"late_last_quarter": compared(">= 2")}, {"late_last_quarter": compared("== 2")}, True),
    ({"late_last_quarter": compared("> 2")}, {"late_last_quarter": compared("== 2")}, False),
    ({"late_last_quarter": compared("<= 2")}, {"late_last_quarter": compared("< 2")}, True),
    ({"late_last_quarter": compared("< 3")}, {"late_last_quarter": compared("<= 2")}, True),
    ({"late_last_quarter": compared(">= 2")}, {"late_last_quarter": compared("<= 2")}, False),
    ({"late_last_quarter": compared("== 2")}, {"late_last_quarter": compared("== 2")}, True),
    ({"late_last_quarter": compared("== 2")}, {"late_last_quarter": compared(">= 2")}, False),
    ({"is_strategic": True}, {"is_strategic": True}, True),
    ({"is_strategic": True}, {"is_strategic": False}, False),
    ({"when": Condition("customer.is_strategic")}, {}, False),
    ({"when": Condition("customer.is_strategic")}, {"when": Condition("customer.is_strategic && true")}, True),
    ({"when": Condition("customer.is_strategic && true")}, {"when": Condition("customer.is_strategic")}, False),
    (
        {"when": Condition("true  &&  customer.is_strategic")},
        {"when": Condition("customer.is_strategic && true")},
        True,
    ),
]


@pytest.mark.parametrize(("first", "second", "expected"), COVERS)
def test_whether_a_segment_hides_another(first: dict[str, Any], second: dict[str, Any], expected: bool) -> None:
    assert expected is segments.covers(Criteria(**first), Criteria(**second))
