"""Who may approve a policy, and which policy may run `auto`?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.decisions import policy_approval
from connector.decisions.policy_approval import ApprovingOutcome
from connector.policy import Approvals, PolicyApproval, Role

CONTROLLER = Role("controller", approves_policy=True)
TWO = Approvals(
    (("ana", "analyst"), ("bo", "controller"), ("cfo", "controller"), ("gone", "retired")),
    (Role("analyst"), CONTROLLER),
)
ONE = replace(TWO, policy=PolicyApproval.ONE_PERSON)
ALONE = Approvals((("bo", "controller"),), (CONTROLLER,))
NOBODY = Approvals((("ana", "analyst"),), (Role("analyst"),))


@pytest.mark.parametrize(
    ("counting", "proposed", "proposed_by", "who", "outcome"),
    [
        (TWO, TWO, "ana", "bo", "allowed"),
        (TWO, TWO, "bo", "cfo", "allowed"),
        (TWO, TWO, "somebody in sales", "bo", "allowed"),  # to propose is everybody's
        (TWO, TWO, "bo", "bo", "own_proposal"),
        (TWO, TWO, " BO ", "bo", "own_proposal"),
        (TWO, TWO, "", "bo", "not_proposed"),
        (TWO, TWO, "  ", "bo", "not_proposed"),
        (TWO, TWO, "bo", "ana", "other_role"),
        (TWO, TWO, "ana", "mallory", "not_listed"),
        (TWO, TWO, "ana", "gone", "not_listed"),
        (TWO, TWO, "ana", "", "not_listed"),
        (TWO, TWO, "ana", "Bo", "not_listed"),
        (TWO, TWO, "ana", "connector", "not_listed"),
        # One person is enough: whoever proposed it, or nobody did.
        (ONE, ONE, "bo", "bo", "allowed"),
        (ONE, ONE, "", "bo", "allowed"),
        (ONE, ONE, "bo", "ana", "other_role"),
        # What counts is what was approved before, not what the change itself says.
        (TWO, ONE, "bo", "bo", "own_proposal"),
        (ALONE, TWO, "ana", "cfo", "not_listed"),
        (TWO, ALONE, "ana", "cfo", "allowed"),
        # Where nobody is named nobody may, and nobody may bring that about.
        (NOBODY, TWO, "ana", "bo", "nobody_named"),
        (Approvals(), Approvals(), "ana", "bo", "nobody_named"),
        (TWO, NOBODY, "ana", "bo", "nobody_after"),
        (ONE, Approvals(), "bo", "bo", "nobody_after"),
        # Two at once: the first of the list of outcomes.
        (TWO, NOBODY, "bo", "bo", "own_proposal"),
        (TWO, NOBODY, "", "ana", "other_role"),
    ],
)
def test_its_author_does_not_approve_a_policy(
    counting: Approvals, proposed: Approvals, proposed_by: str, who: str, outcome: str
) -> None:
    verdict = policy_approval.decide(counting, proposed, proposed_by, who)

    assert ApprovingOutcome(outcome) is verdict.outcome
    assert (outcome == "allowed") is verdict.allowed
    assert verdict.text


@pytest.mark.parametrize(
    ("approved", "proposed_by", "counting", "red", "why"),
    [
        ("v2", "ana", TWO, "", ""),
        ("v2", "", Approvals(), "", ""),
        ("v2", "ana", TWO, "2 findings", "2 findings"),
        ("v1", "ana", TWO, "", "bo or cfo may, with `connector policy approve`"),
        ("v1", "bo", TWO, "", "not approved: cfo may, with `connector policy approve`"),
        ("v1", "bo", ALONE, "", "bo proposed it, and nobody else may approve it"),
        ("v1", "", TWO, "", "its author proposes it, then bo or cfo may approve it"),
        ("v1", "", ONE, "", "not approved: bo or cfo may"),
        ("v1", "bo", ONE, "", "not approved: bo or cfo may"),
        ("", "ana", TWO, "", "bo or cfo may"),
        ("", "ana", NOBODY, "", "give a role `approves_policy: true` and a person that role"),
        # What isn't approved is told first: the linter looked at another policy, perhaps.
        ("v1", "ana", TWO, "2 findings", "policy v2 is not approved"),
    ],
)
def test_only_what_was_approved_last_and_is_not_red_runs_auto(
    approved: str, proposed_by: str, counting: Approvals, red: str, why: str
) -> None:
    told = policy_approval.why_not_auto("v2", approved, proposed_by, counting, red)

    assert bool(why) is bool(told)
    assert why in told


def test_the_approvers_stand_in_the_order_of_the_policy() -> None:
    assert ("bo", "cfo") == policy_approval.approvers(TWO)
    assert () == policy_approval.approvers(Approvals())
