"""Who may change what the connector goes by: judge the past, lift a demotion, teach and confirm whose money is whose?

By finance's own list of people and roles, as in the approval queue; each answers with the reason why not, '' if they
may. To take something away that was taught is always safe and is everybody's.
"""

from __future__ import annotations

from connector.policy import Approvals, Deed, Role
from connector.receivables import Rung


def why_not_teach(approvals: Approvals, who: str) -> str:
    """Why may this person not teach whose money it is? Whoever may divide a payment otherwise than suggested may."""
    role = _role(approvals, who)
    if role is None:
        return _not_listed(who)
    return "" if Deed.EDIT in role.may else f"the role {role.name} may not edit, so it teaches nothing either"


def why_not_confirm(approvals: Approvals, who: str) -> str:
    """Why may this person not be the second one who confirms a bank account (RULES 8)?"""
    role = _role(approvals, who)
    if role is None:
        return _not_listed(who)
    return "" if role.confirms_bank_accounts else f"the role {role.name} does not confirm bank accounts"


def why_not_judge(approvals: Approvals, who: str, rung: Rung) -> str:
    """Why may this person not say whether this class of evidence was right, or let it post again?"""
    role = _role(approvals, who)
    if role is None:
        return _not_listed(who)
    if Deed.APPROVE not in role.may:
        return f"the role {role.name} may not approve"
    if role.only and rung.value not in role.only:
        return f"the role {role.name} does not answer {rung.value.replace('_', ' ')}"
    return ""


def _role(approvals: Approvals, who: str) -> Role | None:
    name = dict(approvals.people).get(who)
    return next((role for role in approvals.roles if role.name == name), None)


def _not_listed(who: str) -> str:
    return f"{who or 'nobody'} is not among the people of `approvals` in policy.yaml"
