"""Do the ledger's clearing account and the processor's balance agree today, and if not, by what? (RULES 1.2)

A payment is posted gross onto clearing; fees, disputes and the like leave only with the deposit of their payout, while
they leave the processor's balance at once. So the two never agree as they stand: every difference has a name here, and
what has none is `unexplained`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.money import Money
from connector.settlement import BalanceTransaction, Category

IDS_MAX = 5

# What has an entry of its own on clearing: a payment that we post, a refund that billing books.
_OWN_ENTRY = (Category.CHARGE, Category.CHARGE_FAILURE, Category.REFUND, Category.REFUND_FAILURE)


class ClearingKind(StrEnum):
    """What stands between the processor's balance and the ledger's, in the order in which it is shown."""

    OPENING = "opening"
    IN_TRANSIT = "in_transit"
    BOUNCED = "bounced"
    NOT_POSTED = "not_posted"
    REFUNDS = "refunds"
    FEES = "fees"
    DISPUTES = "disputes"
    ADJUSTMENTS = "adjustments"
    NOT_UNDERSTOOD = "not_understood"
    ONLY_IN_LEDGER = "only_in_ledger"


_LABELS = {
    ClearingKind.OPENING: "difference on the opening day",
    ClearingKind.IN_TRANSIT: "payouts on their way, not in the ledger yet",
    ClearingKind.BOUNCED: "payouts that came back, their deposit not reversed",
    ClearingKind.NOT_POSTED: "payments received and not posted",
    ClearingKind.REFUNDS: "refunds and failed debits not booked",
    ClearingKind.FEES: "fees, booked with their payout",
    ClearingKind.DISPUTES: "disputes, booked with their payout",
    ClearingKind.ADJUSTMENTS: "adjustments and reserves, booked with their payout",
    ClearingKind.NOT_UNDERSTOOD: "movements that we don't know",
    ClearingKind.ONLY_IN_LEDGER: "posted and unknown to the processor",
}
_BY_CATEGORY = {
    Category.CHARGE: ClearingKind.NOT_POSTED,
    Category.CHARGE_FAILURE: ClearingKind.REFUNDS,
    Category.REFUND: ClearingKind.REFUNDS,
    Category.REFUND_FAILURE: ClearingKind.REFUNDS,
    Category.FEE: ClearingKind.FEES,
    Category.DISPUTE: ClearingKind.DISPUTES,
    Category.DISPUTE_REVERSAL: ClearingKind.DISPUTES,
    Category.ADJUSTMENT: ClearingKind.ADJUSTMENTS,
    Category.RESERVE: ClearingKind.ADJUSTMENTS,
    Category.UNKNOWN: ClearingKind.NOT_UNDERSTOOD,
}


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of the processor and what our ledger holds of it.

    `booked` is what its own entry put onto clearing: of a charge its posted payment, of a refund the customer refund
    (negative); nothing for all others. `is_deposited`: the deposit of its payout stands in the ledger.
    """

    movement: BalanceTransaction
    booked: Money
    is_deposited: bool


@dataclass(frozen=True, slots=True)
class PayoutOut:
    """A payout that left the processor's balance. `came_back`: it failed, so that its money is there again."""

    id: str
    amount: Money
    is_deposited: bool
    came_back: bool = False


@dataclass(frozen=True, slots=True)
class ClearingItem:
    """One named difference: the ledger holds this much more than the processor because of it; up to five ids."""

    kind: ClearingKind
    label: str
    amount: Money
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClearingProof:
    """processor + items = expected; ledger − expected = unexplained."""

    ledger: Money
    processor: Money
    items: tuple[ClearingItem, ...]
    expected: Money
    unexplained: Money


def decide(
    ledger: Money,
    processor: Money,
    movements: Iterable[Movement],
    payouts: Iterable[PayoutOut],
    *,
    only_in_ledger: Sequence[tuple[str, Money]] = (),
    opening: Money | None = None,
) -> ClearingProof:
    """By what do these two balances differ, and what of it is unexplained?

    `movements` are all since the cutover; those that are booked and deposited may be left out, and of a payout's own
    line only the fee counts. Where the entries of one payment come to what the processor has of it, nothing is named:
    a charge that was posted less what had been given back before. `payouts` that are deposited and didn't come back
    may be left out. `only_in_ledger`: id and amount of payments on clearing of which the processor knows nothing.
    `opening`: by how much the ledger held more than processor and transit at the cutover. All is in one currency.
    """
    currency = ledger.currency
    known = tuple(movements)
    parts = [
        *([(ClearingKind.OPENING, opening, "")] if opening else []),
        *(part for payout in payouts for part in _of_payout(payout)),
        *_own_entries(known, currency),
        *(part for one in known if not one.is_deposited for part in _not_deposited(one.movement)),
        *((ClearingKind.ONLY_IN_LEDGER, amount, erp_id) for erp_id, amount in only_in_ledger),
    ]
    items = tuple(item for kind in ClearingKind for item in _item(kind, parts, currency))
    expected = processor + Money.total((item.amount for item in items), currency)
    return ClearingProof(ledger, processor, items, expected, ledger - expected)


_Part = tuple[ClearingKind, Money, str]


def _of_payout(payout: PayoutOut) -> Iterable[_Part]:
    if payout.came_back and payout.is_deposited:
        yield ClearingKind.BOUNCED, -payout.amount, payout.id
    elif not payout.came_back and not payout.is_deposited:
        yield ClearingKind.IN_TRANSIT, payout.amount, payout.id


def _own_entries(movements: Sequence[Movement], currency: str) -> Iterable[_Part]:
    """What is missing of payments and refunds on clearing, or too much of it, payment by payment."""
    by_payment: dict[str, list[Movement]] = {}
    for one in movements:
        if one.movement.category in _OWN_ENTRY:
            by_payment.setdefault(one.movement.payment_id or one.movement.id, []).append(one)
    for some in by_payment.values():
        rests = [(one.movement, one.booked - one.movement.amount) for one in some]
        if Money.total((rest for _, rest in rests), currency):
            for movement, rest in rests:
                yield _BY_CATEGORY[movement.category], rest, movement.payment_id or movement.id


def _not_deposited(movement: BalanceTransaction) -> Iterable[_Part]:
    """What left the processor's balance already and leaves the ledger only with the payout's deposit."""
    yield ClearingKind.FEES, movement.fee, movement.id
    if movement.category not in _OWN_ENTRY and movement.category in _BY_CATEGORY:
        yield _BY_CATEGORY[movement.category], -movement.amount, movement.id


def _item(kind: ClearingKind, parts: Sequence[_Part], currency: str) -> Iterable[ClearingItem]:
    some = [(amount, of) for one, amount, of in parts if one is kind and amount]
    if some:
        ids = tuple(dict.fromkeys(of for _, of in some if of))[:IDS_MAX]
        yield ClearingItem(kind, _LABELS[kind], Money.total((amount for amount, _ in some), currency), len(some), ids)
