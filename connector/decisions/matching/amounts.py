"""Bars and rungs of amount alone: one exact balance, the whole balance, one exact subset.

A sum that fits is no proof until nothing else fits. Uniqueness is counted over the whole pool; what is found may then
hold only invoices that amount alone may pay.
"""

from __future__ import annotations

from connector.decisions.matching import subsets
from connector.decisions.matching.case import EXPLANATIONS_MAX, Case, Verdict
from connector.receivables import ExceptionKind, Explanation, OpenInvoice, Rung

# Half the width of the window around the money in which other sums are counted, as a part of the money.
_WINDOW_ONE_IN = 10


def bar_unexplained_reference(case: Case) -> Verdict | None:
    if not case.text.unknown:
        return None
    tokens = ", ".join(case.text.unknown[:EXPLANATIONS_MAX])
    reason = f"The text holds {tokens}, which looks like a reference that we don't know."
    return case.exception(ExceptionKind.UNEXPLAINED_REFERENCE, reason, _fitting(case))


def bar_not_understood(case: Case) -> Verdict | None:
    if not case.parked:
        return None
    reason = "A record of this customer was not understood, so the open invoices at hand may not be all."
    return case.exception(ExceptionKind.NOT_UNDERSTOOD, reason, _fitting(case))


def bar_other_currency_only(case: Case) -> Verdict | None:
    if case.pool or not case.other_currencies:
        return None
    reason = f"It is in {case.money.currency}; the customer's open invoices are in {', '.join(case.other_currencies)}."
    return case.exception(ExceptionKind.CURRENCY, reason)


def whole_pool(case: Case) -> Verdict | None:
    """All open invoices together are the money. No smaller set can be, so nothing needs to be searched."""
    if sum(_amounts(case)) != case.money.minor:
        return None
    return _accept(case, case.pool)


def bar_too_many(case: Case) -> Verdict | None:
    count = len(case.pool)
    if count <= _candidates_max(case):
        return None
    reason = f"The customer has {count} open invoices; among so many a fitting sum proves nothing."
    return case.exception(ExceptionKind.TOO_MANY_CANDIDATES, reason, _fitting(case))


def one_fit(case: Case) -> Verdict | None:
    """Exactly one subset is the money; two are shown to a person, none is no explanation."""
    fits = _find(case)
    if not fits:
        return None
    if len(fits) > 1:
        reason = f"{len(fits)} or more sets of open invoices add up to {case.money}."
        return case.exception(ExceptionKind.AMBIGUOUS, reason, map(case.in_full, fits))
    return _accept(case, fits[0])


def _accept(case: Case, fit: tuple[OpenInvoice, ...]) -> Verdict:
    """The only set that fits: may amount alone pay it?"""
    shown = [case.in_full(fit)]
    barred = next((why for invoice in fit if (why := _ineligible(case, invoice))), "")
    if barred:
        return case.exception(ExceptionKind.INELIGIBLE_ONLY, f"One set fits the amount, but {barred}.", shown)
    if _is_contested(case, fit):
        reason = "Another undecided payment of this customer could pay the same invoices."
        return case.exception(ExceptionKind.RIVAL_PAYMENT, reason, shown)
    full = [(invoice, invoice.balance) for invoice in fit]
    if len(fit) == 1:
        reason = f"{fit[0].number} is the only open invoice, alone or with others, that gives this amount."
        return case.match(Rung.EXACT_BALANCE, full, reason, rests_on=case.pool)
    if len(fit) == sum(not _ineligible(case, invoice) for invoice in case.pool):
        reason = "All open invoices that are not held or disputed are the payment, and no other set is."
        return case.match(Rung.WHOLE_BALANCE, full, reason, rests_on=case.pool)
    if _is_accidental(case):
        reason = "One set fits the amount, but so many sums lie near it that it may be chance."
        return case.exception(ExceptionKind.ACCIDENTAL_FIT, reason, shown)
    reason = f"These {len(fit)} of {len(case.pool)} open invoices are the only ones that give this amount."
    return case.match(Rung.EXACT_SUBSET, full, reason, rests_on=case.pool)


def _ineligible(case: Case, invoice: OpenInvoice) -> str:
    if invoice.hold_reason:
        return f"{invoice.number} is on hold"
    if invoice.disputed:
        return f"{invoice.number} is disputed"
    if invoice.issued_on > case.payment.received_on:
        return f"{invoice.number} was issued after the payment"
    if invoice.customer_id != case.payment.customer_id:
        return f"{invoice.number} belongs to another customer of the family"
    return ""


def _is_contested(case: Case, fit: tuple[OpenInvoice, ...]) -> bool:
    """Could another undecided payment, or all of them, pay one of these invoices, alone or together with this one?

    Each rival and the sum of all are tried, not every combination of them.
    """
    if not case.rivals:
        return False
    if len(case.pool) > _candidates_max(case):
        return True
    pool, chosen = _amounts(case), {invoice.id for invoice in fit}
    others = [invoice.balance.minor for invoice in case.pool if invoice.id not in chosen]
    for rival in {*case.rivals, sum(case.rivals)}:
        apart = subsets.count(others, rival)
        if subsets.count(pool, rival) > apart or subsets.count(pool, case.money.minor + rival) > apart:
            return True
    return False


def _is_accidental(case: Case) -> bool:
    """Is the expected number of accidental fits too high to trust the one that was found?

    Other sums are counted in a window around the money and spread over its width; a round amount meets round sums
    more often, so the width is counted in the payment's own round units. The count only rises with every further
    open invoice, so an unrelated invoice never makes a fit more believable. A global estimate, subsets of n over
    the spread of their sums, would miss invoices of like size.
    """
    money = case.money.minor
    window = money // _WINDOW_ONE_IN
    others = subsets.count_within(_amounts(case), money - window, money + window) - 1
    return others * _grain(money) * case.limits.accidental_fit_one_in >= 2 * window + 1


def _grain(minor: int) -> int:
    """The largest power of ten that divides an amount: 100 for whole dollars, 10,000 for whole hundreds."""
    grain = 1
    while minor % (grain * 10) == 0:
        grain *= 10
    return grain


def _fitting(case: Case) -> list[Explanation]:
    """What a person is shown: sets that give the amount, or single invoices if there are too many to search."""
    if len(case.pool) <= _candidates_max(case):
        return [case.in_full(fit) for fit in _find(case)]
    return [case.in_full([invoice]) for invoice in case.pool if invoice.balance == case.money]


def _find(case: Case) -> list[tuple[OpenInvoice, ...]]:
    """One more than can be shown, so that 'more' can be said."""
    found = subsets.find(_amounts(case), case.money.minor, EXPLANATIONS_MAX + 1)
    return [tuple(case.pool[position] for position in positions) for positions in found]


def _amounts(case: Case) -> list[int]:
    return [invoice.balance.minor for invoice in case.pool]


def _candidates_max(case: Case) -> int:
    return min(case.limits.subset_candidates_max, subsets.CANDIDATES_MAX)
