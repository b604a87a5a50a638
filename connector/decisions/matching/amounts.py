"""Bars and rungs of amount alone: one exact balance, the whole balance, one exact subset.

A sum that fits is no proof until nothing else fits, and few others were to be expected. Uniqueness is counted over the
whole pool with its memos, at the money and at each amount before a fee; what is found may then hold only what amount
alone may pay.
"""

from __future__ import annotations

from dataclasses import replace

from connector.decisions.matching import sums
from connector.decisions.matching.bars import rate
from connector.decisions.matching.case import EXPLANATIONS_MAX, Case, Owed, Part, Split, Verdict
from connector.decisions.matching.references import number_of
from connector.decisions.matching.references import shown as printable
from connector.receivables import ExceptionKind, Explanation, OpenInvoice, Rung

# Among more items than this no sets are searched for, only to be shown.
_SEARCHED_TO_SHOW = 12
# As many sets for a rival's money as this can't be told from more.
_SETS_MAX = 16


def bar_unexplained_reference(case: Case) -> Verdict | None:
    traces = [token for token in case.text.traces if case.owed.names.meant(token.text)]
    tokens = [*case.text.unknown, *(printable(token.text) for token in (*case.text.unexplained, *traces))]
    tokens += [case.amount(minor).plain() for minor in case.text.amounts if not _is_the_money(case, minor)]
    if not tokens:
        return None
    few = ", ".join(tokens[:EXPLANATIONS_MAX])
    reason = f"The text holds {few}, which looks like a reference that we don't know."
    return case.exception(ExceptionKind.UNEXPLAINED_REFERENCE, reason, _fitting(case))


def bar_rest(case: Case) -> Verdict | None:
    """What is over of a payment that named its invoices is not for others because it happens to fit them."""
    if not case.waiting.paid:
        return None
    reason = "It is the rest of a payment that pays the invoices it names; nothing says what more it is for."
    return case.exception(ExceptionKind.NO_EXPLANATION, reason, _fitting(case))


def bar_not_understood(case: Case) -> Verdict | None:
    if not case.book.parked:
        return None
    reason = "A record of this customer was not understood, so the open invoices at hand may not be all."
    return case.exception(ExceptionKind.NOT_UNDERSTOOD, reason, _fitting(case))


def bar_other_currency_only(case: Case) -> Verdict | None:
    others = sorted({invoice.balance.currency for invoice in case.book.ours} - {case.money.currency})
    if case.owed.invoices or not others:
        return None
    reason = f"It is in {case.money.currency}; the customer's open invoices are in {', '.join(others)}{rate(case)}."
    return case.exception(ExceptionKind.CURRENCY, reason)


def own_items(case: Case) -> Verdict | None:
    """What the payer itself owes comes first: whoever pays nearly always pays its own invoices."""
    own = case.book.owed_in(case.money.currency, case.payer_id)
    if own is case.owed or not own.items:
        return None
    verdict = all_items(replace(case, owed=own))
    if verdict is None:
        case.note(f"None of the payer's own {len(own.items)} open items add up to {case.money}.")
    return verdict


def all_items(case: Case) -> Verdict | None:
    """Everything, or exactly one set of what is owed; where sums lie dense, none is believed."""
    return _everything(case) or _too_many(case) or _one_fit(case)


def _everything(case: Case) -> Verdict | None:
    """All open invoices together are the money. No smaller set can be, so nothing needs to be searched."""
    if case.owed.memos or case.waiting.grosses or case.owed.pool.total != case.money.minor or not case.owed.invoices:
        return None
    return _accept(case, case.full(case.owed.invoices))


def _too_many(case: Case) -> Verdict | None:
    """So many sums lie around the money that one of them would be this amount by chance."""
    pool = case.owed.pool
    everything = range(len(case.owed.items))
    if not any(pool.expected_fits(target, everything, grains=(1,)) >= 1 for target in case.targets):
        return None
    reason = f"The customer has {len(everything)} open items; among so many a fitting sum proves nothing."
    singles = [[invoice] for invoice in case.owed.invoices if invoice.balance.minor in case.targets]
    return case.exception(ExceptionKind.TOO_MANY_CANDIDATES, reason, map(case.in_full, singles))


def _one_fit(case: Case) -> Verdict | None:
    """Exactly one set is the money; two are shown to a person, none is no explanation."""
    net = _find(case, case.money.minor) if case.waiting.grosses else []
    found = [_find(case, target) for target in case.targets]
    if net is None or any(one is None for one in found):
        reason = "The search for what adds up to the payment was given up within its bounds."
        return case.exception(ExceptionKind.WORK_SPENT, reason)
    fits = [split for one in found for split in one or ()] + _in_parts(case)
    if len(fits) + len(net) > 1:
        reason = f"{len(fits) + len(net)} or more sets of open invoices add up to {case.money}."
        return case.exception(ExceptionKind.AMBIGUOUS, reason, map(case.explained, [*fits, *net]))
    if net:
        reason = "Open invoices are what arrived, but the processor kept a fee of it: they can't be what was paid."
        return case.exception(ExceptionKind.FEE_NOT_STATED, reason, map(case.explained, net))
    return _accept(case, fits[0]) if fits else None


def _find(case: Case, target: int) -> list[Split] | None:
    """A few sets that are this sum; None if the work did not suffice."""
    pool, work = case.owed.pool, case.limits.work_max
    count = pool.count(target, work=work)
    if not count:
        return None if count is None else []
    found = pool.find(target, 1 if count == 1 else EXPLANATIONS_MAX + 1, work=work)
    if found is None:
        return None
    return [case.full((case.owed.items[position] for position in positions), target) for positions in found]


def _in_parts(case: Case) -> list[Split]:
    """One invoice whose undisputed lines are the money, or whose balance is it less a discount that may be taken."""
    found = []
    for invoice in case.owed.invoices:
        for target in case.targets:
            short = invoice.balance.minor - target
            if short <= 0:
                continue
            if invoice.disputed.minor == short:
                found.append(Split((sums.undisputed(invoice),), gross=case.gross(target)))
            elif sums.discounts(case, [invoice], short, in_time=True):
                found.append(Split((Part(invoice, target, short),), gross=case.gross(target)))
    return found


def _accept(case: Case, split: Split) -> Verdict:
    """The only set that fits: may amount alone pay it?"""
    explained = [case.explained(split)]
    barred = next((why for part in split.parts if (why := _ineligible(case, part))), "")
    barred = barred or _relative(case, split) or _memo_barred(case, split)
    if barred:
        return case.exception(ExceptionKind.INELIGIBLE_ONLY, f"One set fits the amount, but {barred}.", explained)
    if _is_contested(case, split):
        reason = "Another undecided payment of this customer could pay the same invoices."
        return case.exception(ExceptionKind.RIVAL_PAYMENT, reason, explained)
    if case.rivals:
        case.note(f"None of {len(case.rivals)} other waiting amounts of the family could pay it.")
    rung, reason = _class_of(case, split)
    if not _is_simple(case, rung, split) and _is_accidental(case, split):
        reason = "One set fits the amount, but so many sums lie near it that it may be chance."
        return case.exception(ExceptionKind.ACCIDENTAL_FIT, reason, explained)
    return case.match(rung, split, reason, rests_on=case.owed.items)


def _class_of(case: Case, split: Split) -> tuple[Rung, str]:
    invoices = [part.invoice for part in split.parts]
    own = {invoice.customer_id for invoice in invoices}
    own = own if own == {case.payer_id} else {invoice.customer_id for invoice in case.owed.invoices}
    others = [
        i
        for i in case.owed.invoices
        if i not in invoices and i.customer_id in own and not _ineligible(case, Part(i, i.balance.minor))
    ]
    if split.memos:
        return Rung.EXACT_CREDIT, "These invoices less these credit memos are the only way to give this amount."
    if split.parts[0].lines:
        return (
            Rung.EXACT_LINES,
            f"What is not disputed of {number_of(invoices[0])} is the payment, and nothing else is.",
        )
    if len(invoices) == 1:
        reason = f"{number_of(invoices[0])} is the only open invoice, alone or with others, that gives this amount."
        return Rung.EXACT_BALANCE, reason
    if not others:
        reason = "All open invoices that are not held or disputed are the payment, and no other set is."
        return Rung.WHOLE_BALANCE, reason
    last = max(invoice.due_on for invoice in invoices)
    if all(invoice.due_on > last for invoice in others):
        reason = f"All open invoices due until {last} are the payment, and no other set is."
        return Rung.DUE_BUCKET, reason
    count = len(case.owed.invoices)
    reason = f"These {len(invoices)} of {count} open invoices are the only ones that give this amount."
    return Rung.EXACT_SUBSET, reason


def _is_simple(case: Case, rung: Rung, split: Split) -> bool:
    """One invoice, all that is due until a day, or everything; less all open memos of the payer, or none.

    There are few such sets, so one that fits by chance is rare; any other must be unlikely to be found at all.
    """
    is_of_relatives = any(part.invoice.customer_id != case.payer_id for part in split.parts)
    if rung is Rung.EXACT_SUBSET or (is_of_relatives and case.payer_id != case.book.parent_id):
        return False
    if not split.memos:
        return True
    memos = [memo for memo in case.owed.memos if memo.customer_id == case.payer_id]
    bare = _class_of(case, Split(split.parts))[0]
    return bare is not Rung.EXACT_SUBSET and len(split.memos) == len(memos)


def _ineligible(case: Case, part: Part) -> str:
    invoice = part.invoice
    if invoice.withheld_because:
        return f"{number_of(invoice)} is on hold"
    if invoice.disputed and part.amount == invoice.balance.minor:
        return f"{number_of(invoice)} is disputed"
    if invoice.issued_on > case.payment.received_on:
        return f"{number_of(invoice)} was issued after the payment"
    return ""


def _relative(case: Case, split: Split) -> str:
    """A relative's invoice is paid by the head of the family, or beside the payer's own (RULES 1.6)."""
    invoices = [part.invoice for part in split.parts]
    relatives = [invoice for invoice in invoices if invoice.customer_id != case.payer_id]
    if not relatives:
        return ""
    if case.payer_id != case.book.parent_id and len(relatives) == len(invoices):
        return f"{number_of(relatives[0])} belongs to another customer of the family"
    if len({(invoice.subsidiary, invoice.ar_account) for invoice in invoices}) > 1:
        return f"{number_of(relatives[0])} of another customer is not of the same subsidiary and ledger account"
    return ""


def _memo_barred(case: Case, split: Split) -> str:
    invoices = [part.invoice for part in split.parts]
    for memo in split.memos:
        if not case.limits.apply_credits:
            return f"{number_of(memo)} may not be used without a person"
        if not invoices or not sums.belongs(memo, invoices):
            return f"{number_of(memo)} is of another subsidiary or ledger account"
        if memo.customer_id not in {case.payer_id, *(invoice.customer_id for invoice in invoices)}:
            return f"{number_of(memo)} belongs to another customer of the family"
    return ""


def _is_contested(case: Case, split: Split) -> bool:
    """Does other money name one of these, or could it pay one, alone or together with this one?

    Each rival is tried, and the sum of all of the same customer; not every combination of them. What can't be counted
    counts as contested.
    """
    chosen = split.ids
    if chosen & case.taken:
        return True
    own = [minor for payer_id, minor in case.rivals if payer_id == case.payer_id]
    alone = {*case.rivals, *([(case.payer_id, sum(own))] if own else [])}
    if any(_pays_in_part(part.invoice, minor) for part in split.parts for _, minor in alone):
        return True
    if any(_wants(case, payer_id, minor, chosen) for payer_id, minor in sorted(alone)):
        return True
    total = split.gross if split.gross is not None else case.money.minor
    both = [_sets(case, case.owed, total + minor) for minor in sorted({*own, sum(own)} - {0})]
    # A set that holds all of these is these and a set of the other money beside them.
    return any(sets is None or not all(chosen <= one for one in sets) for sets in both)


def _wants(case: Case, payer_id: str, minor: int, chosen: frozenset[str]) -> bool:
    """Could this money of this payer pay one of the chosen? It pays its own first, and only then its family's."""
    currency = case.money.currency
    sets = _sets(case, case.book.owed_in(currency, payer_id), minor)
    if sets == []:
        sets = _sets(case, case.book.owed_in(currency), minor)
    return sets is None or any(chosen & one for one in sets)


def _sets(case: Case, owed: Owed, minor: int) -> list[frozenset[str]] | None:
    """All sets of this sum; None if they are too many to be told, or the work did not suffice."""
    work = case.limits.work_max
    if owed.pool.count(minor, at_most=1, work=work) == 0:
        return []
    found = owed.pool.find(minor, _SETS_MAX, work=work)
    if found is None or len(found) == _SETS_MAX:
        return None
    return [frozenset(owed.items[position].id for position in positions) for positions in found]


def _pays_in_part(invoice: OpenInvoice, minor: int) -> bool:
    """Is this what is not disputed of the invoice, or its balance less a discount, whenever that may be taken?"""
    discount = invoice.discount.amount.minor if invoice.discount else 0
    return invoice.balance.minor - minor in {invoice.disputed.minor, discount} - {0}


def _is_accidental(case: Case, split: Split) -> bool:
    """Were other sets of this size to be expected at this sum? Then the one that was found proves little."""
    fit = [position for position, item in enumerate(case.owed.items) if item.id in split.ids]
    target = split.gross if split.gross is not None else case.money.minor
    expected = case.owed.pool.expected_fits(target, fit)
    believed = expected * case.limits.accidental_fit_one_in < 1
    rather = "fewer" if believed else "more"
    case.note(f"By chance {rather} than one in {case.limits.accidental_fit_one_in} such sums would fit.")
    return not believed


def _is_the_money(case: Case, minor: int) -> bool:
    return minor in {case.money.minor, case.payment.amount.minor, *case.targets}


def _fitting(case: Case) -> list[Explanation]:
    """What a person is shown: sets that give the amount, or single invoices if there are many to choose from."""
    if len(case.owed.items) > _SEARCHED_TO_SHOW:
        return [case.in_full([invoice]) for invoice in case.owed.invoices if invoice.balance.minor in case.targets]
    found = [split for target in case.targets for split in _find(case, target) or ()]
    return [case.explained(split) for split in found if split.parts]
