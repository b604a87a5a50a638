"""Step 4: which invoices does this money pay, and how sure?

`LADDER` is the decision: an ordered table of rungs, strictest evidence first, with the bars between them that forbid
what comes below. Each looks at the same frozen `Case` and says a match, an exception, or nothing. All arithmetic
is in integer minor units. Which ERP records follow is `posting`; whether a match may post by itself is policy.

    case.py        what the rungs look at, and how a match is written down
    references.py  which invoices and memos a remittance names
    noisy.py       what a number may mean that is one slip away from ours
    bars.py        what bars any match
    sums.py        the ways in which what is named is exactly the money
    named.py       rungs of named invoices
    amounts.py     bars and rungs of amount alone
    together.py    several payments of one family at once
    subsets.py     how many ways there are to make up a sum
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from connector.decisions.matching import amounts, bars, named, together
from connector.decisions.matching.case import Case, FamilyBook, Verdict, Waiting, gather
from connector.decisions.matching.references import mentioned
from connector.policy import MatchingLimits
from connector.receivables import ExceptionKind, Explanation, Match, MatchException, PayerEvidence, Rung

__all__ = [
    "LADDER",
    "ExceptionKind",
    "Explanation",
    "FamilyBook",
    "Match",
    "MatchException",
    "Rung",
    "Waiting",
    "decide",
    "mentioned",
]

_Rung = Callable[[Case], Verdict | None]

BY_REFERENCE: tuple[_Rung, ...] = (
    bars.bar_not_received,
    bars.bar_nothing_to_apply,
    named.misprinted,
    bars.bar_other_family,
    bars.bar_not_open,
    bars.bar_currency,
    bars.bar_twins,
    bars.bar_readings_disagree,
    named.unidentified,
    named.stripe_link,
    named.metadata,
    named.text,
)
BY_AMOUNT: tuple[_Rung, ...] = (
    amounts.bar_unexplained_reference,
    amounts.bar_rest,
    amounts.bar_not_understood,
    amounts.bar_other_currency_only,
    amounts.own_items,
    amounts.all_items,
)
LADDER = (*BY_REFERENCE, *BY_AMOUNT)


def decide(waiting: Sequence[Waiting], book: FamilyBook, limits: MatchingLimits) -> dict[str, Match | MatchException]:
    """Which invoices does the money of one family pay, and how sure? The verdicts by payment id.

    Precedence is the order of `LADDER`. First what bars any match: money not received, nothing left, another family's
    invoice named, a named invoice that is not open, another currency, readings that disagree. Then Stripe's own link,
    metadata, numbers as printed, numbers one slip away. Then what bars conclusions from the amount alone: an
    unexplained reference, a parked record in the family, too many candidates, rival payments. Then one exact
    balance, the whole balance, all that is due, one exact subset. Uniqueness is counted over all that the payer owes in
    the currency, also over what amount alone may not pay: held, disputed, issued after the money came; only where
    nothing of its own fits, over the whole family's. A relative's invoice is paid by amount alone only by the head of
    the family, or beside the payer's own.

    All of one family that wait together are decided in one call: first what their references say, then the rest by
    amount. What one names or takes stays a rival for the others, and the order of nothing matters.
    """
    cases = [gather(one, _of(one, book), limits) for one in waiting]
    named_by = {case.payment.id: _first(BY_REFERENCE, case) for case in cases}
    verdicts: dict[str, Match | MatchException] = dict(together.contested(cases, named_by))
    for case in cases:
        verdict = verdicts.get(case.payment.id) or named_by[case.payment.id]
        verdicts[case.payment.id] = verdict or _by_amount(together.among(case, cases, named_by))
    return verdicts


def _of(one: Waiting, book: FamilyBook) -> FamilyBook:
    """The book as this payment's customer sees it, who belongs to its own family in any case."""
    customer = "" if one.payer_by is PayerEvidence.NONE else one.payment.customer_id
    if customer and customer not in book.family_ids:
        return replace(book, family_ids=book.family_ids | {customer})
    return book


def _by_amount(case: Case) -> Verdict:
    reason = f"No open invoices of the customer add up to {case.money}, and it names none."
    return _first(BY_AMOUNT, case) or case.exception(ExceptionKind.NO_EXPLANATION, reason)


def _first(rungs: Sequence[_Rung], case: Case) -> Verdict | None:
    for rung in rungs:
        verdict = rung(case)
        if verdict is not None:
            return verdict
    return None
