"""Step 3: what is in this payout, does it add up, and which deposit does it become in the ERP?

The payout governs the deposit, never the match (RULES 1.1). Which ledger account a role is, is the ERP adapter's own
mapping; whether somebody else made the deposit already is found out by the payout's id before it is written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.money import Money
from connector.policy import ClosedPeriod
from connector.settlement import (
    AccountRole,
    BalanceTransaction,
    Category,
    DepositIntent,
    DepositKind,
    DepositLine,
    Payout,
    PayoutState,
    Period,
    Settlement,
    SettleThrough,
    first_open_on,
    why_closed,
)

NAMED_MAX = 5

# As in every external id of ours: readable in every ERP, in a URL and in a saved search.
_ID_CHARSET = re.compile(r"[A-Za-z0-9_-]+")

_ROLES = {
    # Clearing holds payments gross until their payout; a refund leaves it by the customer refund that billing posts.
    Category.CHARGE: AccountRole.CLEARING,
    Category.CHARGE_FAILURE: AccountRole.CLEARING,
    Category.REFUND: AccountRole.CLEARING,
    Category.REFUND_FAILURE: AccountRole.CLEARING,
    Category.DISPUTE: AccountRole.DISPUTES,
    Category.DISPUTE_REVERSAL: AccountRole.DISPUTES,
    Category.FEE: AccountRole.FEES,
    Category.ADJUSTMENT: AccountRole.ADJUSTMENTS,
    Category.RESERVE: AccountRole.RESERVES,
}


class PayoutOutcome(StrEnum):
    """What becomes of a payout."""

    OBSERVED = "observed"  # shown, and never posted by us
    REVERSED = "reversed"  # failed or cancelled: nothing of it is in the bank
    WAIT = "wait"  # for a fact that comes by itself
    HELD = "held"  # for a person
    POST = "post"


class PayoutHold(StrEnum):
    """Why a person must look at a payout, in the order in which it is decided."""

    ODD_ID = "odd_id"
    UNKNOWN_MEMBER = "unknown_member"
    CAME_BACK = "came_back"  # it pays out once more what an earlier payout brought back
    SUMS_DIFFER = "sums_differ"
    STRADDLES_CUTOVER = "straddles_cutover"
    MANUAL = "manual"  # in undeposited mode nobody can say which payments are in it
    PAYMENT_DIFFERS = "payment_differs"
    NEGATIVE = "negative"
    ROLE_WITHOUT_ACCOUNT = "role_without_account"
    CLOSED_PERIOD = "closed_period"


@dataclass(frozen=True, slots=True)
class PayoutVerdict:
    """`hold` is given with HELD only, `intent` with POST only; `reason` is for people and has the figures."""

    outcome: PayoutOutcome
    reason: str
    hold: PayoutHold | None = None
    intent: DepositIntent | None = None


def decide(
    payout: Payout,
    settlement: Settlement | None,
    payments: Mapping[str, tuple[str, Money]],
    *,
    cutover_on: date,
    periods: Sequence[Period],
    closed_period: ClosedPeriod,
    installation: str,
    generation: int,
    act_id: str,
    today: date,
    created_on: date | None = None,
) -> PayoutVerdict:
    """What becomes of this payout; if it is posted, as which deposit?

    First what is never ours (from before the cutover; no settlement with a bank account: None where somebody else
    posts), what is gone, what is still to come. Then what a person must see, in the order of `PayoutHold`; in
    undeposited mode a payment that isn't in the ERP yet is awaited. What is left is posted: payments + lines = amount.
    `payments`: charge id -> id and amount of its payment in the ERP. `created_on`: in the ledger's zone, else UTC.
    """
    made_on = created_on or payout.created_at.date()
    early = _not_ours(payout, settlement, made_on, cutover_on) or _not_now(payout, today)
    if early or (early := _not_understood(payout, cutover_on)):
        return early
    assert settlement is not None
    contents = _contents(payout, settlement, payments)
    if isinstance(contents, PayoutVerdict):
        return contents
    kind = DepositKind.DEPOSIT if payout.amount.minor > 0 else DepositKind.JOURNAL
    if held := _no_way_to_post(payout, settlement, kind, contents):
        return held
    arrived_on = payout.arrives_on
    on = first_open_on(periods, arrived_on, today)
    if on is None or (on != arrived_on and closed_period is ClosedPeriod.HOLD):
        return _held(PayoutHold.CLOSED_PERIOD, f"{_named(payout)}: {why_closed(periods, arrived_on)}")
    intent = DepositIntent(
        act_id=act_id,
        external_id=f"arc-{installation}-dep-{payout.id}-{generation}",
        payout_id=payout.id,
        kind=kind,
        amount=payout.amount,
        posted_on=on,
        payments=contents.payments,
        lines=contents.lines,
        memo=f"payout {payout.id}, arrived on {arrived_on}",
        subsidiary=settlement.subsidiary,
        arrived_on=arrived_on if on != arrived_on else None,
    )
    return PayoutVerdict(PayoutOutcome.POST, _equation(intent), intent=intent)


def _named(payout: Payout) -> str:
    return f"payout {payout.id} of {payout.amount}"


def _held(hold: PayoutHold, text: str) -> PayoutVerdict:
    return PayoutVerdict(PayoutOutcome.HELD, text, hold)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


# ---- what is never ours, and what is not there yet ----


def _not_ours(
    payout: Payout, settlement: Settlement | None, created_on: date, cutover_on: date
) -> PayoutVerdict | None:
    if created_on < cutover_on:
        text = (
            f"{_named(payout)} was made on {created_on}, before the cutover on {cutover_on}; it is never posted by us"
        )
        return PayoutVerdict(PayoutOutcome.OBSERVED, text)
    if payout.state in (PayoutState.FAILED, PayoutState.CANCELED):
        text = f"{_named(payout)} {'failed' if payout.state is PayoutState.FAILED else 'was cancelled'}"
        return PayoutVerdict(
            PayoutOutcome.REVERSED,
            f"{text}; nothing of it is in the bank. A deposit that stands in the ERP is reversed, and nothing else",
        )
    if settlement is None or AccountRole.BANK not in settlement.roles:
        text = (
            f"{_named(payout)} is shown only: for {payout.amount.currency} we don't post, or no bank account is mapped"
        )
        return PayoutVerdict(PayoutOutcome.OBSERVED, text)
    return None


def _not_now(payout: Payout, today: date) -> PayoutVerdict | None:
    if payout.state is not PayoutState.PAID or payout.arrives_on > today:
        return PayoutVerdict(PayoutOutcome.WAIT, f"{_named(payout)} is on its way; it arrives on {payout.arrives_on}")
    if payout.is_automatic and not payout.is_reconciled:
        return PayoutVerdict(PayoutOutcome.WAIT, f"{_named(payout)}: the processor hasn't finished listing its members")
    return None


# ---- what is in it ----


def _not_understood(payout: Payout, cutover_on: date) -> PayoutVerdict | None:
    """Is there anything in it, or about its sums, that we can't answer for?"""
    if not _ID_CHARSET.fullmatch(payout.id):
        return _held(PayoutHold.ODD_ID, f"{payout.id!r} has characters that can't be in an id of the ERP's")
    if not payout.is_automatic:
        return None
    unknown = [f"{member.id} ({member.words or 'no words'})" for member in payout.members if _is_unknown(member)]
    if unknown:
        return _held(PayoutHold.UNKNOWN_MEMBER, f"{_named(payout)} holds what we don't know: {_some(unknown)}")
    back = [member.id for member in payout.members if member.category is Category.PAYOUT_REVERSAL]
    if back:
        text = f"{_named(payout)} pays out again what an earlier payout brought back: {_some(back)}. Post it by hand"
        return _held(PayoutHold.CAME_BACK, f"{text}, so that the fees of the earlier one are booked once")
    return _off(payout) or _from_before(payout, cutover_on)


def _is_unknown(member: BalanceTransaction) -> bool:
    return member.category is not Category.PAYOUT_REVERSAL and member.category not in _ROLES


def _off(payout: Payout) -> PayoutVerdict | None:
    currency = payout.amount.currency
    foreign = [member.id for member in payout.members if member.net.currency != currency]
    if foreign:
        return _held(PayoutHold.SUMS_DIFFER, f"{_named(payout)} holds other currencies: {_some(foreign)}")
    torn = [member.id for member in payout.members if member.amount - member.fee != member.net]
    if torn:
        return _held(PayoutHold.SUMS_DIFFER, f"{_named(payout)}: amount less fee isn't the net of {_some(torn)}")
    total = Money.total((member.net for member in payout.members), currency)
    if total != payout.amount:
        text = f"{_named(payout)} has {len(payout.members)} members of {total} together, {payout.amount - total} off"
        return _held(PayoutHold.SUMS_DIFFER, text)
    return None


def _from_before(payout: Payout, cutover_on: date) -> PayoutVerdict | None:
    before = [member for member in payout.members if member.created_on < cutover_on]
    if not before:
        return None
    total = Money.total((member.net for member in before), payout.amount.currency)
    text = (
        f"{_named(payout)} holds {len(before)} of {len(payout.members)} members, {total} net, from before the cutover"
    )
    return _held(
        PayoutHold.STRADDLES_CUTOVER, f"{text} on {cutover_on}, which are not in our clearing; post it by hand"
    )


# ---- what it becomes ----


@dataclass(frozen=True, slots=True)
class _Contents:
    payments: tuple[tuple[str, Money], ...]
    lines: tuple[DepositLine, ...]


def _contents(
    payout: Payout, settlement: Settlement, payments: Mapping[str, tuple[str, Money]]
) -> _Contents | PayoutVerdict:
    """Payments and lines; a verdict where a payment is missing or isn't the charge."""
    currency = payout.amount.currency
    if settlement.through is SettleThrough.CLEARING:
        if not payout.is_automatic:
            memo = "a payout made by hand: out of clearing as it is"
            return _Contents((), (DepositLine(AccountRole.CLEARING, payout.amount, memo),))
        parts = [(_ROLES[member.category], member.amount, member.category.value) for member in payout.members]
        return _Contents((), _lines([*parts, *_fees(payout)], currency))
    if not payout.is_automatic:
        text = f"{_named(payout)} was made by hand, so nobody can say which payments in Undeposited Funds it is"
        return _held(PayoutHold.MANUAL, text)
    charges = [member for member in payout.members if member.category is Category.CHARGE]
    # Whatever this same payout gives back in full never needed a payment.
    wanted = [charge for charge in charges if charge.payment_id in payments or _left_of(charge, payout)]
    missing = [charge.payment_id or charge.id for charge in wanted if charge.payment_id not in payments]
    if missing:
        text = f"{_named(payout)} waits for payments that aren't in the ERP yet: {_some(missing)}"
        return PayoutVerdict(PayoutOutcome.WAIT, text)
    posted = [(charge, *payments[charge.payment_id]) for charge in wanted]
    if differing := _differing(payout, posted):
        return _held(PayoutHold.PAYMENT_DIFFERS, f"{_named(payout)}: {differing}")
    # What was given back before its payment was posted never was in the ledger: it meets its refund on one line.
    in_payments = Money.total((amount for _, _, amount in posted), currency)
    rest = Money.total((charge.amount for charge in charges), currency) - in_payments
    others = [
        (_undeposited_role(member.category), member.amount, member.category.value)
        for member in payout.members
        if member.category is not Category.CHARGE
    ]
    never_posted = [(AccountRole.REFUNDS, rest, "never posted")] if rest else []
    lines = _lines([*never_posted, *others, *_fees(payout)], currency)
    return _Contents(tuple((erp_id, amount) for _, erp_id, amount in posted), lines)


def _differing(payout: Payout, posted: Sequence[tuple[BalanceTransaction, str, Money]]) -> str:
    """Is a payment in the ERP another amount than its charge, or deposited twice by this? '' if not."""
    seen: set[str] = set()
    for charge, erp_id, amount in posted:
        if amount not in (charge.amount, _left_of(charge, payout)):
            return f"charge {charge.payment_id} is {charge.amount}, its payment {erp_id} in the ERP is {amount}"
        if erp_id in seen:
            return f"payment {erp_id} in the ERP would be deposited twice"
        seen.add(erp_id)
    return ""


def _left_of(charge: BalanceTransaction, payout: Payout) -> Money:
    """The charge less what this same payout gives back of it."""
    refunds = (
        member.amount
        for member in payout.members
        if member.category is Category.REFUND and member.payment_id == charge.payment_id
    )
    return charge.amount + Money.total(refunds, charge.amount.currency)


def _undeposited_role(category: Category) -> AccountRole:
    """Money that came back has no payment in Undeposited Funds to be taken out."""
    role = _ROLES[category]
    return AccountRole.REFUNDS if role is AccountRole.CLEARING else role


def _fees(payout: Payout) -> list[tuple[AccountRole, Money, str]]:
    return [(AccountRole.FEES, -member.fee, "fee") for member in payout.members if member.fee]


def _lines(parts: Iterable[tuple[AccountRole, Money, str]], currency: str) -> tuple[DepositLine, ...]:
    """One line a role, in the order of the roles; a role that comes to nothing has none."""
    grouped: dict[AccountRole, list[tuple[Money, str]]] = {}
    for role, amount, word in parts:
        grouped.setdefault(role, []).append((amount, word))
    lines = (
        DepositLine(role, Money.total((amount for amount, _ in some), currency), _counted(word for _, word in some))
        for role, some in sorted(grouped.items(), key=lambda item: list(AccountRole).index(item[0]))
    )
    return tuple(line for line in lines if line.amount)


def _counted(words: Iterable[str]) -> str:
    """'40 charges, 1 refund'."""
    counts = Counter(word.replace("_", " ") for word in words)
    return ", ".join(f"{count} {word if count == 1 or ' ' in word else word + 's'}" for word, count in counts.items())


def _no_way_to_post(
    payout: Payout, settlement: Settlement, kind: DepositKind, contents: _Contents
) -> PayoutVerdict | None:
    if kind is DepositKind.JOURNAL and contents.payments:
        text = f"{_named(payout)} can't be a deposit, and no journal can take its payments out of Undeposited Funds"
        return _held(PayoutHold.NEGATIVE, text)
    if kind is DepositKind.JOURNAL and not settlement.journal_negative:
        text = f"{_named(payout)} debits our bank, and a deposit can't be negative; post a transfer or journal by hand"
        return _held(PayoutHold.NEGATIVE, f"{text}, or allow `journal_negative`")
    without = [line.role.value for line in contents.lines if line.role not in settlement.roles]
    if without:
        text = f"{_named(payout)} needs an account for {', '.join(without)}; name it in the settlement's `accounts`"
        return _held(PayoutHold.ROLE_WITHOUT_ACCOUNT, text)
    return None


def _equation(intent: DepositIntent) -> str:
    """'payments 500.00 + fees -14.80 = 485.20 USD'."""
    parts = [f"{line.role.value} {line.amount.plain()}" for line in intent.lines]
    if intent.payments:
        paid = Money.total((amount for _, amount in intent.payments), intent.amount.currency)
        parts.insert(0, f"{len(intent.payments)} payments {paid.plain()}")
    return f"payout {intent.payout_id}: {' + '.join(parts) or 'nothing'} = {intent.amount}"
