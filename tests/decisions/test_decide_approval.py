"""Who may answer what waits in the approval queue?"""

from __future__ import annotations

import pytest
from decision_cases import usd

from connector.decisions import approval
from connector.decisions.approval import ApprovalOutcome
from connector.money import Money
from connector.policy import Approvals, Deed, Role

ANALYST = Role(
    "analyst",
    frozenset({Deed.APPROVE, Deed.REJECT}),
    (usd("10000.00"), Money.of("9000.00", "EUR")),
    frozenset({"exact_subset", "ambiguous"}),
)
APPROVALS = Approvals(
    (("ana", "analyst"), ("carl", "controller"), ("gone", "retired")),
    (ANALYST, Role("controller"), Role("auditor", frozenset({Deed.REJECT}))),
)


@pytest.mark.parametrize(
    ("who", "deed", "amount", "of", "outcome"),
    [
        ("ana", "approve", "10000.00", "exact_subset", "allowed"),
        ("ana", "reject", "0.01", "ambiguous", "allowed"),
        ("ana", "approve", "10000.01", "exact_subset", "above_limit"),
        ("ana", "approve", "10.00", "printed_part", "other_kind"),
        ("ana", "edit", "10.00", "exact_subset", "other_deed"),
        ("carl", "edit", "9999999.99", "unidentified", "allowed"),
        # Two at once: the first of the list of outcomes.
        ("ana", "edit", "10000.01", "printed_part", "other_deed"),
        ("ana", "approve", "10000.01", "printed_part", "other_kind"),
        # Nobody but who is listed, with a role that there is: the connector and the empty name neither.
        ("mallory", "approve", "0.01", "exact_subset", "not_listed"),
        ("connector", "approve", "0.01", "exact_subset", "not_listed"),
        ("", "approve", "0.01", "exact_subset", "not_listed"),
        ("Ana", "approve", "0.01", "exact_subset", "not_listed"),
        ("gone", "approve", "0.01", "exact_subset", "not_listed"),
    ],
)
def test_the_policy_says_who_may(who: str, deed: str, amount: str, of: str, outcome: str) -> None:
    verdict = approval.decide(APPROVALS, who, Deed(deed), usd(amount), of)

    assert ApprovalOutcome(outcome) is verdict.outcome
    assert (outcome == "allowed") is verdict.allowed
    assert verdict.text


def test_a_limit_is_of_its_own_currency_and_a_currency_without_one_is_another_roles() -> None:
    """10,000 yen is not 10,000 dollars, and no limit in yen is not a limit in dollars."""
    euros, yen = Money.of("9000.00", "EUR"), Money(1, "JPY")

    assert approval.decide(APPROVALS, "ana", Deed.APPROVE, euros, "ambiguous").allowed
    verdict = approval.decide(APPROVALS, "ana", Deed.APPROVE, yen, "ambiguous")
    assert (ApprovalOutcome.ABOVE_LIMIT, "the role analyst answers no payments in JPY") == (
        verdict.outcome,
        verdict.text,
    )
    assert approval.decide(APPROVALS, "carl", Deed.APPROVE, yen, "ambiguous").allowed


def test_by_default_nobody_answers_anything() -> None:
    assert () == approval.who_may(Approvals(), usd("0.01"), "exact_subset")


def test_who_may_answer_is_shown_with_what_they_may() -> None:
    small = approval.who_may(APPROVALS, usd("500.00"), "ambiguous")
    large = approval.who_may(APPROVALS, usd("50000.00"), "ambiguous")

    assert [("ana", (Deed.APPROVE, Deed.REJECT)), ("carl", tuple(Deed))] == [(one.who, one.may) for one in small]
    assert ["carl (controller)"] == [str(one) for one in large]
