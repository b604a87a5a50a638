"""What the linter finds of a policy on a book: each finding once as it is found, and once where it just isn't."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from lint_cases import STEPS, TODAY, book, customer, found, invoice, one, policy, usd

from connector.conditions import compile_condition
from connector.lint import Check, Severity, Survey
from connector.lint.of_book import KINDS_MAX, LOOKED_AT_MAX
from connector.money import Money
from connector.policy import Cadence, Criteria, EscalationRule, HandOff, Policy, Segment, Step
from connector.receivables import Contact, Instalment, OpenInvoice, Pause, PauseKind, PaymentHistory, Profile, Traits

YELLOW = Severity.YELLOW
BIG = Segment("big", Criteria(min_amount=(usd("1000.00"),)))


# ---- segments ----


@pytest.mark.parametrize(("amount", "is_empty"), [("1000.00", False), ("999.99", True)])
def test_a_segment_that_no_open_invoice_is_in_is_told(amount: str, is_empty: bool) -> None:
    findings = found(policy(segments=(BIG,)), Check.SEGMENT_EMPTY, [invoice(amount=amount)])

    if is_empty:
        assert ("segments", 0) == one(findings, YELLOW, "segment big is empty", "no open invoice fits it").where
    else:
        assert [] == findings


def test_an_empty_segment_whose_invoices_others_take_says_who_takes_them() -> None:
    small = Segment("small", Criteria(max_amount=(usd("5000.00"),)))
    findings = found(policy(segments=(BIG, small)), Check.SEGMENT_EMPTY, [invoice(amount="2000.00")])

    one(findings, YELLOW, "segment small is empty", "1 open invoice (2,000.00 USD) would fit it", "big of 1")


@pytest.mark.parametrize(("amount", "overlaps"), [("4999.99", True), ("5000.00", False)])
def test_segments_that_overlap_are_told_with_counts_and_with_the_one_that_decides(amount: str, overlaps: bool) -> None:
    small = Segment("small", Criteria(max_amount=(usd("5000.00"),)))
    invoices = [invoice(amount=amount), invoice("INV-2", "10.00"), invoice("INV-3", "6000.00")]
    findings = found(policy(segments=(BIG, small)), Check.SEGMENT_OVERLAP, invoices)

    if overlaps:
        finding = one(findings, YELLOW, "1 open invoice (4,999.99 USD)", "segment small", "big of 1", "such as INV-1")
        assert ("segments", 1) == finding.where
    else:
        assert [] == findings


def test_of_a_large_book_some_are_looked_at_closely_and_the_finding_says_so() -> None:
    count = LOOKED_AT_MAX + 500
    both = (BIG, Segment("all", Criteria(min_amount=(usd("1.00"),))))
    invoices = [invoice(f"INV-{number:04}", "2000.00" if number % 2 else "10.00") for number in range(count)]
    of = policy(segments=both)
    survey = Survey(of, book(of, invoices))

    assert (count, count // 2) == (survey.count, survey.segments["big"].inside.count)
    assert LOOKED_AT_MAX // 2 <= survey.looked_at <= LOOKED_AT_MAX + KINDS_MAX
    one([each for each in survey.findings() if each.check is Check.SEGMENT_OVERLAP], YELLOW, " of 1,25", "looked at")


# ---- terms (M12) ----


@pytest.mark.parametrize(("net", "is_early"), [(7, False), (6, True), (0, True)])
def test_terms_so_short_that_a_step_comes_before_the_invoice_are_told(net: int, is_early: bool) -> None:
    short = invoice(due_on=TODAY, issued_on=TODAY - timedelta(days=net))
    findings = found(policy(), Check.STEP_BEFORE_ISSUE, [short])

    if is_early:
        finding = one(findings, YELLOW, f"terms of {net} days", "step -7 comes before", "1 invoice (1,000.00 USD)")
        assert ("steps",) == finding.where
        assert f"invoice.terms_days <= {net}" in finding.remedy
    else:
        assert [] == findings


def test_a_segment_for_short_terms_puts_it_right() -> None:
    soon = Segment("soon", Criteria(when=compile_condition("invoice.terms_days <= 6")), cadence="soon")
    of = policy(segments=(soon,), cadences=(Cadence("soon", (Step("-1", -1, "pre_due", "billing"),)),))
    short = invoice(due_on=TODAY, issued_on=TODAY - timedelta(days=6))

    assert [] == found(of, Check.STEP_BEFORE_ISSUE, [short])
    assert [] != found(replace(of, segments=()), Check.STEP_BEFORE_ISSUE, [short])
    still = replace(of, cadences=(Cadence("soon", (Step("-14", -14, "pre_due", "billing"),)),))
    assert ("cadences", "soon") == one(found(still, Check.STEP_BEFORE_ISSUE, [short]), YELLOW, "segment soon").where


# ---- contacts ----


def test_customers_who_cannot_be_reached_are_counted_and_listed() -> None:
    nobody = customer("C2", name="Sandbar Analytics", email="")
    invoices = [invoice(), invoice("INV-2", "70.00", customer_id="C2"), invoice("INV-3", "30.00", customer_id="C2")]
    finding = one(
        found(policy(), Check.NO_CONTACT, invoices, customers=(customer(), nobody)),
        YELLOW,
        "1 customer who owe 100.00 USD",
        "billing contact",
        "such as Sandbar Analytics",
    )

    assert [("C2", "Sandbar Analytics", usd("100.00"), "2 open invoices")] == [
        (each.customer_id, each.customer, each.amount, each.detail) for each in finding.listed
    ]


def test_who_is_excluded_or_mailed_by_the_parent_needs_no_address() -> None:
    parent, child = customer("P"), customer("C1", email="", parent_id="P", mails_parent=True)
    excluded = customer(email="", is_excluded=True)

    assert [] == found(policy(), Check.NO_CONTACT, [invoice()], customers=(parent, child))
    assert [] == found(policy(), Check.NO_CONTACT, [invoice()], customers=(excluded,))
    for lost in (replace(child, mails_parent=False), replace(child, parent_id="unknown")):
        assert [] != found(policy(), Check.NO_CONTACT, [invoice()], customers=(parent, lost))
    assert [] != found(policy(), Check.NO_CONTACT, [invoice()], customers=())


def test_a_channel_needs_a_contact_with_consent() -> None:
    by_sms = policy(steps=(*STEPS, Step("+30", 30, "final", "billing", "sms")))
    without, with_consent = Contact("sms", "+15550100"), Contact("sms", "+15550100", TODAY)

    assert [] == found(by_sms, Check.NO_CONTACT, [invoice()], customers=(customer(contacts=(with_consent,)),))
    for contacts in ((), (without,), (replace(with_consent, channel="chat"),)):
        findings = found(by_sms, Check.NO_CONTACT, [invoice()], customers=(customer(contacts=contacts),))
        one(findings, YELLOW, "sms contact with consent")


# ---- rules and the floor ----

LARGE = EscalationRule("large", 14, (usd("1000.00"),))


@pytest.mark.parametrize(
    ("rule", "profile", "amount", "reaches"),
    [
        (LARGE, Profile(), "1000.00", True),
        (LARGE, Profile(), "999.99", False),
        (EscalationRule("strategic", 1, only_strategic=True), Profile(is_strategic=True), "1.00", True),
        (EscalationRule("strategic", 1, only_strategic=True), Profile(), "1.00", False),
        (EscalationRule("renewal", 7, renewal_within_days=30), Profile(renews_on=date(2028, 1, 1)), "1.00", True),
        (EscalationRule("renewal", 7, renewal_within_days=30), Profile(), "1.00", False),
        (EscalationRule("tier", 7, tiers=frozenset({"SMB"})), Profile(Traits(tier="smb")), "1.00", True),
        (EscalationRule("tier", 7, tiers=frozenset({"SMB"})), Profile(Traits(tier="mid")), "1.00", False),
        (
            EscalationRule("again", 7, disputed_before=True),
            Profile(history=PaymentHistory(disputes_last_year=1)),
            "1.00",
            True,
        ),
        (EscalationRule("again", 7, disputed_before=True), Profile(), "1.00", False),
    ],
)
def test_a_rule_to_which_no_invoice_of_the_book_can_come_is_told(
    rule: EscalationRule, profile: Profile, amount: str, reaches: bool
) -> None:
    findings = found(
        policy(escalation=(rule,)), Check.RULE_UNREACHED, [invoice(amount=amount)], profiles={"C1": profile}
    )

    if reaches:
        assert [] == findings
    else:
        assert ("escalation",) == one(findings, YELLOW, f"rules: {rule.name}").where


def test_an_empty_book_says_nothing_of_rules() -> None:
    assert [] == found(policy(escalation=(LARGE,)), Check.RULE_UNREACHED)


def test_a_currency_without_a_floor_in_which_no_rule_counts_stays_unseen() -> None:
    """M38: with no rule and no floor a six-figure invoice could get as old as it likes, and nobody would look."""
    of = policy(escalation=(LARGE,))
    euros = [invoice("E-1", "250000.00", "EUR"), invoice("E-2", "10.00", "EUR")]

    finding = one(found(of, Check.NEVER_SEEN, [invoice(), *euros]), YELLOW, "2 invoices in EUR", "250,010.00 EUR")
    assert "the largest 250,000.00 EUR" in finding.what
    floor = HandOff(unseen_amount=(usd("100000.00"), Money.of("100000.00", "EUR")))
    assert [] == found(replace(of, hand_off=floor), Check.NEVER_SEEN, euros)
    # A rule for every amount is enough.
    assert [] == found(replace(of, escalation=(EscalationRule("long", 30),)), Check.NEVER_SEEN, euros)


# ---- pay links, pauses ----


def test_invoices_without_a_pay_link_are_counted() -> None:
    findings = found(policy(), Check.PAY_LINK, [invoice(), invoice("INV-2", "5.00", pay_url="")])

    one(findings, YELLOW, "1 invoice (5.00 USD) without a pay link", "INV-2")
    assert [] == found(policy(), Check.PAY_LINK, [invoice()])


OWNED = Pause(PauseKind.USAGE, "metering", "ana", until=TODAY)
# The last instalment ends it.
PLAN = Pause(PauseKind.PLAN, "three parts", "ana", instalments=(Instalment(TODAY, usd("1.00")),))


@pytest.mark.parametrize(
    ("kept", "lacking"),
    [
        ({"pauses": (OWNED,)}, ""),
        ({"pauses": (replace(OWNED, owner=""),)}, "usage: no owner"),
        ({"pauses": (replace(OWNED, until=None),)}, "usage: no end"),
        ({"pauses": (replace(OWNED, owner="", until=None),)}, "usage: no owner and no end"),
        ({"hold_reason": "asked us to wait"}, "hold: no owner and no end"),
        ({"hold_reason": "asked us to wait", "pauses": (replace(OWNED, kind=PauseKind.HOLD),)}, ""),
        # The last instalment ends a plan.
        (
            {
                "pauses": (
                    replace(OWNED, kind=PauseKind.PLAN, until=None, instalments=(Instalment(TODAY, usd("1.00")),)),
                )
            },
            "",
        ),
    ],
)
def test_what_people_keep_back_has_an_owner_and_an_end(kept: dict[str, Any], lacking: str) -> None:
    findings = found(policy(), Check.HOLD_OPEN_ENDED, [invoice(**kept), invoice("INV-2")])

    if lacking:
        finding = one(findings, YELLOW, "1 pause (1,000.00 USD)", "such as INV-1")
        assert [("INV-1", "Customer C1", lacking)] == [
            (each.invoice, each.customer, each.detail) for each in finding.listed
        ]
    else:
        assert [] == findings


# ---- the walk ----


def test_the_order_of_the_book_changes_nothing() -> None:
    of = policy(segments=(BIG,))
    customers = (customer(), customer("C2", email=""), customer("C3"))
    invoices = [
        invoice(f"INV-{number}", f"{number}00.00", customer_id=f"C{1 + number % 3}", po_number="PO" * (number % 2))
        for number in range(1, 20)
    ]

    def told(some: list[OpenInvoice], under: Policy) -> list[object]:
        survey = Survey(under, book(under, some, customers))
        return [list(survey.findings()), sorted(map(str, survey.kinds)), sorted(each.number for each in survey.many)]

    assert told(invoices, of) == told(invoices[::-1], of)
