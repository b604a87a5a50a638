"""What was learned, as people see and change it: classes of evidence with their counts, and aliases of payers.

What makes more money post by itself (a lifted demotion, an alias) is for those whom the policy names; what takes
something back is for everybody. All of it is journalled with its person.
"""

from __future__ import annotations

from datetime import datetime

from connector.cash import trusted
from connector.decisions import teaching
from connector.decisions.payer import AliasKind
from connector.errors import Terminal
from connector.log import redact
from connector.policy import PROOFS, Policy
from connector.receivables import Rung
from connector.reports import AliasRow, EvidenceReport, EvidenceRow
from connector.store import Tx, approving, book, learning


def classes(tx: Tx, policy: Policy, now: datetime) -> EvidenceReport:
    """Every class of evidence, strictest first: does it post by itself, and how often was it right?"""
    found, demoted = trusted(tx, policy), learning.demoted(tx)
    rows = tuple(
        EvidenceRow(
            evidence=rung.value,
            is_proof=rung in PROOFS,
            is_on=rung in policy.trust.auto,
            may_post=one.may_post,
            right=one.tally.right,
            wrong=one.tally.wrong,
            unjudged=one.tally.unjudged,
            lower_bound=one.lower_bound,
            needed=one.needed,
            is_proposed=one.is_proposed,
            reason=redact(one.reason),
            demoted_at=demoted[rung].at if rung in demoted else None,
        )
        for rung, one in found.items()
        if rung is not Rung.BY_PERSON
    )
    return EvidenceReport(now, policy.version, policy.trust.precision_min, rows)


def lift(tx: Tx, policy: Policy, rung: Rung, who: str, reason: str) -> None:
    """Let a demoted class post again, if its measure allows it. Terminal if this person may not, or it isn't."""
    _require(teaching.why_not_judge(policy.approvals, who, rung), "Nothing was lifted")
    if not learning.lift(tx, rung, who, reason):
        raise Terminal(f"Nothing was lifted: {rung.value.replace('_', ' ')} is not demoted.")


def aliases(tx: Tx) -> tuple[AliasRow, ...]:
    """What people taught, also what doesn't count (yet)."""
    return tuple(
        AliasRow(
            one.id,
            one.kind.value,
            redact(one.key),
            redact(f"{one.customer_name} ({one.customer_id})" if one.customer_name else one.customer_id),
            one.state.value,
            one.who,
            one.at,
            one.learned_from,
            one.confirmed_by,
        )
        for one in learning.aliases(tx)
    )


def teach(
    tx: Tx, policy: Policy, kind: AliasKind, customer_id: str, who: str, *, key: str = "", payment_id: str = ""
) -> AliasRow:
    """Teach by hand that money with this key, or with what this payment says of its payer, is this customer's."""
    _require(teaching.why_not_teach(policy.approvals, who), "Nothing was learned")
    if customer_id not in book.customers_by_id(tx, [customer_id]):
        raise Terminal(f"Nothing was learned: no customer has the ERP's internal id {customer_id}.")
    said = _said(tx, kind, payment_id) if payment_id else key
    alias_id = learning.put_alias(tx, kind, said, customer_id, "", who)
    if not alias_id:
        raise Terminal(f"Nothing was learned: that is no {kind.value.replace('_', ' ')} to know a payer by.")
    return next(one for one in aliases(tx) if one.id == alias_id)


def _said(tx: Tx, kind: AliasKind, payment_id: str) -> str:
    if not approving.standing_of(tx, payment_id):
        raise Terminal(f"Nothing was learned: there is no payment {payment_id}.")
    payment = approving.payment_of(tx, payment_id)
    said = {
        AliasKind.BANK_ACCOUNT: payment.payer_bank,
        AliasKind.EMAIL: payment.payer_email,
        AliasKind.NAME: payment.payer_name,
    }[kind]
    if not said:
        raise Terminal(
            f"Nothing was learned: payment {payment_id} says no {kind.value.replace('_', ' ')} of its payer."
        )
    return said


def confirm(tx: Tx, policy: Policy, alias_id: int, who: str) -> AliasRow:
    """The second person confirms an alias; what contradicts it is removed."""
    one = next((row for row in aliases(tx) if row.id == alias_id), None)
    if one is None:
        raise Terminal(f"Nothing was confirmed: there is no alias {alias_id}.")
    is_bank = one.kind == AliasKind.BANK_ACCOUNT
    may = teaching.why_not_confirm if is_bank else teaching.why_not_teach
    _require(may(policy.approvals, who), "Nothing was confirmed")
    _require(learning.confirm_alias(tx, alias_id, who), "Nothing was confirmed")
    return next(row for row in aliases(tx) if row.id == alias_id)


def remove(tx: Tx, alias_id: int, who: str) -> None:
    if not learning.remove_alias(tx, alias_id, who):
        raise Terminal(f"Nothing was removed: there is no alias {alias_id}.")


def _require(why_not: str, what: str) -> None:
    if why_not:
        raise Terminal(f"{what}: {why_not.removesuffix('.')}.")
