"""May this person answer what waits? By finance's own list of people and roles; who isn't listed may do nothing.

Asked when a person answers, and again when the connector acts on it: a role that was taken back meanwhile counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connector.money import Money
from connector.policy import Approvals, Deed, Role


class ApprovalOutcome(StrEnum):
    """May they? The first that holds, in this order."""

    NOT_LISTED = "not_listed"  # nobody whom the policy doesn't name answers anything, the connector least of all
    OTHER_DEED = "other_deed"  # the role doesn't do this
    OTHER_KIND = "other_kind"  # the evidence or the exception is another role's
    ABOVE_LIMIT = "above_limit"  # the payment is larger than the role's limit, or in a currency without one
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class ApprovalVerdict:
    outcome: ApprovalOutcome
    role: str
    text: str

    @property
    def allowed(self) -> bool:
        return self.outcome is ApprovalOutcome.ALLOWED


@dataclass(frozen=True, slots=True)
class Answerer:
    """Somebody who may answer, and what they may do."""

    who: str
    role: str
    may: tuple[Deed, ...]

    def __str__(self) -> str:
        return f"{self.who} ({self.role})"


def decide(approvals: Approvals, who: str, deed: Deed, amount: Money, of: str) -> ApprovalVerdict:
    """May this person do this to a payment of this amount? `of`: the evidence class or the kind of exception.

    A role with limits answers only in the currencies that they name; a role without any answers every amount.
    """
    role = _role(approvals, who)
    if role is None:
        text = f"{who or 'nobody'} is not among the people of `approvals` in policy.yaml"
        return ApprovalVerdict(ApprovalOutcome.NOT_LISTED, "", text)
    if deed not in role.may:
        return ApprovalVerdict(ApprovalOutcome.OTHER_DEED, role.name, f"the role {role.name} may not {deed}")
    if role.only and of not in role.only:
        text = f"the role {role.name} does not answer {of.replace('_', ' ')}"
        return ApprovalVerdict(ApprovalOutcome.OTHER_KIND, role.name, text)
    limit = next((one for one in role.amount_max if one.currency == amount.currency), None)
    if role.amount_max and limit is None:
        text = f"the role {role.name} answers no payments in {amount.currency}"
        return ApprovalVerdict(ApprovalOutcome.ABOVE_LIMIT, role.name, text)
    if limit is not None and amount > limit:
        text = f"{amount} is above the {limit} that the role {role.name} answers"
        return ApprovalVerdict(ApprovalOutcome.ABOVE_LIMIT, role.name, text)
    return ApprovalVerdict(ApprovalOutcome.ALLOWED, role.name, f"{who} may, as {role.name}")


def who_may(approvals: Approvals, amount: Money, of: str) -> tuple[Answerer, ...]:
    """Everybody who may answer this in some way, in the order of the policy."""
    return tuple(_who_may(approvals, amount, of))


def _who_may(approvals: Approvals, amount: Money, of: str) -> Iterator[Answerer]:
    for who, role in approvals.people:
        may = tuple(deed for deed in Deed if decide(approvals, who, deed, amount, of).allowed)
        if may:
            yield Answerer(who, role, may)


def _role(approvals: Approvals, who: str) -> Role | None:
    name = dict(approvals.people).get(who)
    return next((role for role in approvals.roles if role.name == name), None)
