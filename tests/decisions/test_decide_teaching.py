"""Who may change what the connector goes by? Those whom the policy names, and only what their role may do."""

from __future__ import annotations

import pytest

from connector.decisions import teaching
from connector.policy import Approvals, Deed, Role
from connector.receivables import Rung

ROLES = (
    Role("controller", confirms_bank_accounts=True),
    Role("analyst"),
    Role("editor", may=frozenset({Deed.EDIT})),
    Role("clerk", may=frozenset({Deed.REJECT})),
    Role("subsets", may=frozenset({Deed.APPROVE}), only=frozenset({"exact_subset", "ambiguous"})),
)
APPROVALS = Approvals(
    (("bo", "controller"), ("ana", "analyst"), ("ed", "editor"), ("cy", "clerk"), ("di", "subsets"), ("old", "gone")),
    ROLES,
)
NOT_LISTED = "mallory is not among the people of `approvals` in policy.yaml"


@pytest.mark.parametrize(
    ("who", "teach", "confirm", "judge"),
    [
        ("bo", "", "", ""),
        ("ana", "", "the role analyst does not confirm bank accounts", ""),
        ("ed", "", "the role editor does not confirm bank accounts", "the role editor may not approve"),
        (
            "cy",
            "the role clerk may not edit, so it teaches nothing either",
            "the role clerk does not confirm bank accounts",
            "the role clerk may not approve",
        ),
        (
            "di",
            "the role subsets may not edit, so it teaches nothing either",
            "the role subsets does not confirm bank accounts",
            "the role subsets does not answer printed reference",
        ),
        ("mallory", NOT_LISTED, NOT_LISTED, NOT_LISTED),
        ("BO", *["BO is not among the people of `approvals` in policy.yaml"] * 3),
        ("", *["nobody is not among the people of `approvals` in policy.yaml"] * 3),
        ("old", *["old is not among the people of `approvals` in policy.yaml"] * 3),
    ],
)
def test_who_may_teach_confirm_and_judge(who, teach, confirm, judge):
    assert teach == teaching.why_not_teach(APPROVALS, who)
    assert confirm == teaching.why_not_confirm(APPROVALS, who)
    assert judge == teaching.why_not_judge(APPROVALS, who, Rung.PRINTED_REFERENCE)


def test_a_role_for_some_classes_judges_these():
    assert "" == teaching.why_not_judge(APPROVALS, "di", Rung.EXACT_SUBSET)


def test_where_nobody_is_named_nobody_may():
    for told in (
        teaching.why_not_teach(Approvals(), "bo"),
        teaching.why_not_confirm(Approvals(), "bo"),
        teaching.why_not_judge(Approvals(), "bo", Rung.EXACT_SUBSET),
    ):
        assert "bo is not among the people of `approvals` in policy.yaml" == told
