"""Does the money fit exactly what is named? Each way to fit is arithmetic to the minor unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.decisions.matching import subsets
from connector.decisions.matching.case import Case, Part, Split, value
from connector.decisions.matching.references import Item
from connector.receivables import CreditMemo, LineShare, OpenInvoice, ResidualReason

# How what is named adds up to the money, in the order in which it is tried, and what is said of it.
FULL, AMOUNTS, DISCOUNT, LINES, CREDIT = "full", "amounts", "discount", "lines", "credit"
REASONS = {
    FULL: "the balances add up to the payment",
    AMOUNTS: "the amounts that it states for each add up to the payment",
    DISCOUNT: "the balances less the discounts that may still be taken add up to the payment",
    LINES: "what is not disputed of them adds up to the payment",
    CREDIT: "the balances less the credit memos add up to the payment",
}


@dataclass(frozen=True, slots=True)
class Fit:
    way: str
    split: Split


def exact(case: Case, items: Sequence[Item], stated: Mapping[str, int], why_less: ResidualReason) -> Fit | None:
    """The first way in which these invoices and memos are the money, or the money before its fee."""
    invoices = [item for item in items if isinstance(item, OpenInvoice)]
    memos = tuple(item for item in items if isinstance(item, CreditMemo))
    if not invoices:
        return None
    used = sum(memo.open_amount.minor for memo in memos)
    total = sum(invoice.balance.minor for invoice in invoices) - used
    for target in case.targets:
        if total == target:
            return Fit(CREDIT if memos else FULL, case.full(items, target))
        gross = case.gross(target)
        for way, parts in _parts(case, invoices, stated, total - target, why_less):
            if sum(part.amount for part in parts) - used == target:
                return Fit(way, Split(parts, memos, gross))
    return None


def _parts(
    case: Case, invoices: Sequence[OpenInvoice], stated: Mapping[str, int], short: int, why_less: ResidualReason
) -> Iterator[tuple[str, tuple[Part, ...]]]:
    if stated and all(0 < stated.get(invoice.id, 0) <= invoice.balance.minor for invoice in invoices):
        yield AMOUNTS, tuple(Part(i, stated[i.id], why_less=why_less) for i in invoices)
    if short <= 0:
        return
    kept = discounts(case, invoices, short, in_time=True)
    if kept:
        yield DISCOUNT, tuple(Part(i, i.balance.minor - kept.get(i.id, 0), kept.get(i.id, 0)) for i in invoices)
    if any(invoice.disputed for invoice in invoices):
        yield LINES, tuple(map(undisputed, invoices))


def discounts(case: Case, invoices: Iterable[OpenInvoice], short: int, *, in_time: bool) -> dict[str, int]:
    """The discounts whose sum is what is short, if there is exactly one such choice: invoice id -> discount."""
    grace = timedelta(days=case.limits.discount_grace_days)
    offered = [
        (invoice.id, invoice.discount.amount.minor)
        for invoice in invoices
        if invoice.discount
        and invoice.discount.amount.currency == case.money.currency
        and 0 < invoice.discount.amount.minor < invoice.balance.minor
        and (case.payment.received_on <= invoice.discount.until + grace) is in_time
    ]
    if not offered:
        return {}
    found = subsets.find([amount for _, amount in offered], short, 2, work=case.limits.work_max)
    return dict(offered[position] for position in found[0]) if found and len(found) == 1 else {}


def undisputed(invoice: OpenInvoice) -> Part:
    """What of this invoice may be asked for, line by line as far as the lines say (RULES 1.5)."""
    left = invoice.askable.minor
    if not invoice.disputed:
        return Part(invoice, left)
    shares: list[LineShare] = []
    for line in sorted(invoice.lines, key=lambda line: line.id):
        share = min(line.amount.minor, left)
        if not line.disputed and share > 0:
            shares.append(LineShare(line.id, type(line.amount)(share, line.amount.currency)))
            left -= share
    return Part(invoice, invoice.askable.minor, lines=tuple(shares), why_less=ResidualReason.DISPUTED)


def with_memos(case: Case, items: Sequence[Item]) -> list[Split] | None:
    """These invoices less memos that are not named, where that is the money: the only way, or all ways that rival.

    A memo that was made from one of the invoices comes before one that merely fits (RULES 2.1). None: there are so
    many memos that the work did not suffice to tell.
    """
    invoices = [item for item in items if isinstance(item, OpenInvoice)]
    customers = {case.payer_id, *(invoice.customer_id for invoice in invoices)}
    memos = [m for m in case.owed.memos if m not in items and m.customer_id in customers and belongs(m, invoices)]
    if not memos or not invoices or not case.limits.apply_credits:
        return []
    ids = {invoice.id for invoice in invoices}
    made_from_them = [memo for memo in memos if memo.created_from in ids]
    for candidates in (made_from_them, memos):
        found = {target: _memo_sets(case, candidates, sum(map(value, items)) - target) for target in case.targets}
        splits: list[Split] = []
        for target, sets in found.items():
            if sets is None:
                return None
            splits += [case.full([*items, *(candidates[one] for one in some)], target) for some in sets]
        if splits and (len(splits) == 1 or candidates is memos):
            return splits
    return []


def _memo_sets(case: Case, memos: Sequence[CreditMemo], over: int) -> tuple[tuple[int, ...], ...] | None:
    if over <= 0 or not memos:
        return ()
    return subsets.find([memo.open_amount.minor for memo in memos], over, 2, work=case.limits.work_max)


def belongs(memo: CreditMemo, invoices: Iterable[OpenInvoice]) -> bool:
    """A memo pays only invoices of its own subsidiary and ledger account, as far as the ERP tells these."""
    return all(
        not (memo.subsidiary and invoice.subsidiary and memo.subsidiary != invoice.subsidiary)
        and not (memo.ar_account and invoice.ar_account and memo.ar_account != invoice.ar_account)
        for invoice in invoices
    )
