"""May this policy run `auto`, and who may approve it (RULES 7: its author is not its approver)?

The people and roles that count are those of the policy that was approved last: whoever makes himself an approver in a
change is nobody yet for that change. Only where nothing was ever approved does the new policy's own list count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.policy import Approvals, PolicyApproval, Role


class ApprovingOutcome(StrEnum):
    """May they approve it? The first that holds, in this order."""

    NOBODY_NAMED = "nobody_named"  # no role of anybody approves policies
    NOT_LISTED = "not_listed"
    OTHER_ROLE = "other_role"  # the person's role doesn't approve policies
    NOT_PROPOSED = "not_proposed"  # its author is not known, so nobody can be another than the author
    OWN_PROPOSAL = "own_proposal"
    NOBODY_AFTER = "nobody_after"  # with this policy nobody could ever approve another one
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class ApprovingVerdict:
    outcome: ApprovingOutcome
    text: str

    @property
    def allowed(self) -> bool:
        return self.outcome is ApprovingOutcome.ALLOWED


def decide(counting: Approvals, proposed: Approvals, proposed_by: str, who: str) -> ApprovingVerdict:
    """May this person approve a policy? `counting`: the approvals that count; `proposed`: those of the policy itself.

    Names are compared as they stand in the policy; that two are the same person is seen in any spelling.
    """
    if not approvers(counting):
        return ApprovingVerdict(ApprovingOutcome.NOBODY_NAMED, NOBODY_NAMED)
    role = _role(counting, who)
    if role is None:
        return ApprovingVerdict(
            ApprovingOutcome.NOT_LISTED, f"{who or 'nobody'} is not among the people of the approvals that count"
        )
    if not role.approves_policy:
        text = f"the role {role.name} does not approve policies; {_those(approvers(counting))} may"
        return ApprovingVerdict(ApprovingOutcome.OTHER_ROLE, text)
    if counting.policy is PolicyApproval.TWO_PEOPLE:
        if not proposed_by.strip():
            text = "nobody proposed it: its author does so with `connector policy propose`, then another one approves"
            return ApprovingVerdict(ApprovingOutcome.NOT_PROPOSED, text)
        if proposed_by.strip().casefold() == who.strip().casefold():
            text = f"{who} proposed it; it takes a second person to approve it"
            return ApprovingVerdict(ApprovingOutcome.OWN_PROPOSAL, text)
    if not approvers(proposed):
        text = f"it names nobody who may approve the next one; {_HOW}"
        return ApprovingVerdict(ApprovingOutcome.NOBODY_AFTER, text)
    return ApprovingVerdict(ApprovingOutcome.ALLOWED, f"{who} may, as {role.name}")


def why_not_auto(version: str, approved: str, proposed_by: str, counting: Approvals, red: str) -> str:
    """Why may this version not run `auto`? '' if it may. `approved`: the version approved last; `red`: what the linter
    found that must not run.
    """
    if version == approved:
        return red
    who = approvers(counting)
    if not who:
        return f"policy {version} is not approved, and {NOBODY_NAMED}"
    others = tuple(one for one in who if one.casefold() != proposed_by.strip().casefold())
    if counting.policy is PolicyApproval.ONE_PERSON:
        others = who
    elif not proposed_by:
        return f"policy {version} is not approved: its author proposes it, then {_those(who)} may approve it"
    elif not others:
        return f"policy {version} is not approved: {proposed_by} proposed it, and nobody else may approve it"
    return f"policy {version} is not approved: {_those(others)} may, with `connector policy approve`"


def approvers(approvals: Approvals) -> tuple[str, ...]:
    """Everybody whose role approves policies, in the order of the policy."""
    return tuple(who for who, _ in approvals.people if (role := _role(approvals, who)) and role.approves_policy)


_HOW = "under `approvals` in policy.yaml, give a role `approves_policy: true` and a person that role"
NOBODY_NAMED = f"nobody may approve it: {_HOW}"


def _role(approvals: Approvals, who: str) -> Role | None:
    name = dict(approvals.people).get(who)
    return next((role for role in approvals.roles if role.name == name), None)


def _those(people: tuple[str, ...]) -> str:
    return " or ".join(people)
