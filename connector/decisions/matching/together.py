"""Several payments of one family at once: none may take what another one has a claim to.

A claim counts whether or not it ends in a match, so that nothing that makes one payment doubtful makes another one
sure. A stricter channel beats a weaker one; claims of the same channel that an invoice can't satisfy together are
left to a person, all of them. So the order of the payments never matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connector.decisions.matching.case import Case, Verdict, value
from connector.decisions.matching.references import number_of
from connector.receivables import ExceptionKind, Explanation, Match, MatchException, PaymentState

# The channels are counted, strictest first: link, metadata, text; then what was found by a sum or a slip.
_WEAKEST = 3
_NEVER_COMES = frozenset({PaymentState.FAILED, PaymentState.RETURNED})


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one payment wants of one invoice or memo, and through which channel: 0 is the strictest."""

    item_id: str
    channel: int
    wants: int


def contested(cases: Sequence[Case], verdicts: Mapping[str, Verdict | None]) -> dict[str, Verdict]:
    """The matches by reference that must go to a person, because another payment claims the same."""
    if len(cases) < 2:
        return {}
    claims = {case.payment.id: _claims(case, verdicts[case.payment.id]) for case in cases}
    lost: dict[str, Verdict] = {}
    for case in cases:
        match = verdicts[case.payment.id]
        if not isinstance(match, Match):
            continue
        others = [claim for other, its in claims.items() if other != case.payment.id for claim in its]
        if rival := _beaten(case, claims[case.payment.id], others):
            reason = f"Another payment that waits names {rival} too, and it can't be for both."
            lost[case.payment.id] = case.exception(
                ExceptionKind.RIVAL_PAYMENT, reason, [Explanation(match.applications, match.equation, match.credits)]
            )
    return lost


def among(case: Case, cases: Sequence[Case], verdicts: Mapping[str, Verdict | None]) -> Case:
    """The case as amount alone must see it: what others claim is taken, and the rest of their money may want all."""
    others = [other for other in cases if other.payment.id != case.payment.id]
    if not others:
        return case
    taken = {claim.item_id for other in others for claim in _claims(other, verdicts[other.payment.id])}
    rivals = sorted(
        (other.payer_id, minor)
        for other in others
        if not isinstance(verdicts[other.payment.id], Match)
        and other.money.currency == case.money.currency
        and other.payment.state not in _NEVER_COMES
        for minor in other.targets
        if minor > 0
    )
    return replace(case, rivals=tuple(rivals), taken=frozenset(taken))


def _claims(case: Case, verdict: Verdict | None) -> list[_Claim]:
    """All that it names through any channel, and what its match takes beside."""
    if case.payment.state in _NEVER_COMES:
        return []
    claims: dict[str, _Claim] = {}
    for channel, reading in enumerate(case.readings):
        for item in reading.items:
            claims.setdefault(item.id, _Claim(item.id, channel, min(abs(value(item)), max(case.money.minor, 0))))
    takes: list[tuple[str, int]] = []
    if isinstance(verdict, Match):
        takes += [(part.invoice_id, part.settles.minor) for part in verdict.applications]
        takes += [(use.credit_id, use.amount.minor) for use in verdict.credits]
    elif isinstance(verdict, MatchException):
        for shown in verdict.explanations:
            takes += [(part.invoice_id, min(part.settles.minor, case.money.minor)) for part in shown.applications]
    for item_id, wants in takes:
        known = claims.get(item_id)
        # What is not named as it stands was found by its sum, or is one slip away.
        claims[item_id] = _Claim(item_id, known.channel if known else _WEAKEST, wants)
    return list(claims.values())


def _beaten(case: Case, own: Sequence[_Claim], others: Sequence[_Claim]) -> str:
    """The number of an item of which it and claims that it does not beat want more than there is."""
    for claim in own:
        item = next((item for item in case.owed.items if item.id == claim.item_id), None)
        if item is None:
            continue
        open_amount = abs(value(item))
        # A stricter claim beats a weaker one only by settling the item: else tomorrow the rest would go to the other.
        weakest = claim.channel if claim.wants == open_amount else _WEAKEST
        rivals = [other for other in others if other.item_id == claim.item_id and other.channel <= weakest]
        if rivals and claim.wants + sum(rival.wants for rival in rivals) > open_amount:
            return number_of(item)
    return ""
