"""Step 4: which invoices does this money pay, and how sure?

`LADDER` is the decision: an ordered table of rungs, strictest evidence first, with the bars between them that forbid
what comes below. Each looks at the same frozen `Case` and says a match, an exception, or nothing. All arithmetic
is in integer minor units. Which ERP records follow is `posting`; whether a match may post by itself is policy.

    case.py        what the rungs look at, and how a match is written down
    references.py  which invoices a remittance names
    named.py       bars and rungs of named invoices
    amounts.py     bars and rungs of amount alone
    subsets.py     how many ways there are to make up a sum
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connector.decisions.matching import amounts, named
from connector.decisions.matching.case import Case, Verdict, gather
from connector.decisions.matching.references import mentioned
from connector.money import Money
from connector.policy import MatchingLimits
from connector.receivables import (
    ExceptionKind,
    Explanation,
    Match,
    MatchException,
    OpenInvoice,
    Payment,
    Rung,
)

__all__ = ["LADDER", "ExceptionKind", "Explanation", "Match", "MatchException", "Rung", "decide", "mentioned"]

LADDER: tuple[Callable[[Case], Verdict | None], ...] = (
    named.bar_not_received,
    named.bar_nothing_to_apply,
    named.bar_other_family,
    named.bar_not_open,
    named.bar_currency,
    named.bar_twins,
    named.bar_readings_disagree,
    named.unidentified,
    named.stripe_link,
    named.metadata,
    named.printed_reference,
    amounts.bar_unexplained_reference,
    amounts.bar_not_understood,
    amounts.bar_other_currency_only,
    amounts.whole_pool,
    amounts.bar_too_many,
    amounts.one_fit,
)


def decide(
    payment: Payment,
    available: Money,
    invoices: Sequence[OpenInvoice],
    limits: MatchingLimits,
    *,
    family_ids: frozenset[str],
    parked: bool = False,
    rivals: Sequence[Money] = (),
) -> Match | MatchException:
    """Which invoices does this money pay, and how sure?

    Precedence is the order of `LADDER`. First what bars any match: money not received, nothing left, another family's
    invoice named, a named invoice that is not open, another currency, readings that disagree. Then Stripe's own link,
    metadata, printed numbers. Then what bars conclusions from the amount alone: an unexplained reference, an
    unknown customer, a parked record in the family, too many candidates, rival payments. Then one exact balance, the
    whole balance, one exact subset. Uniqueness is counted over all open invoices of the family in the currency, also
    over those that amount alone may not pay: held, disputed, issued after the money came, a relative's.

    `available` is what is left of the payment. `invoices` are the family's open ones in all currencies and every one,
    of whatever state or customer, that the remittance may name by id or as one of the numbers `mentioned`.
    `family_ids` are the customer ids of the payer's family. `rivals` are the family's other amounts that are undecided
    in the same tick. The order of none of these matters.
    """
    case = gather(payment, available, invoices, limits, family_ids, parked, rivals)
    for rung in LADDER:
        verdict = rung(case)
        if verdict is not None:
            return verdict
    return case.exception(
        ExceptionKind.NO_EXPLANATION, f"No open invoices of the customer add up to {case.money}, and it names none."
    )
