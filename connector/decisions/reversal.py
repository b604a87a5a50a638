"""Money that the bank took back after it was applied: is it taken back in the ERP by us, and as what (RULES 3)?

Only what is sure in every part: all of one payment of ours, applied in cash alone, as it still stands in the ERP.
Anything else is a person's, who is told exactly what to do and why we didn't. What the ERP itself forbids (a deposited
receipt, a payment in Undeposited Funds) it says when it is asked with the intent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.money import Money
from connector.policy import ClosedPeriod
from connector.receivables import CloseIntent, Payment, PaymentSeen
from connector.settlement import AccountRole, Period, ReversalIntent, Settlement, first_open_on, why_closed


class ReversalHoldReason(StrEnum):
    """Why a person takes it back, in the order in which it is decided: the first that holds."""

    SWITCHED_OFF = "switched_off"  # posting isn't auto, or finance wants to do it itself
    NOT_OURS = "not_ours"  # the ERP's payment was entered by somebody else
    A_PART = "a_part"  # of the money came back, or a part of it had been given back or left unposted before
    NOT_CASH_ALONE = "not_cash_alone"  # a discount or a credit was used beside it
    FOREIGN_RATE = "foreign_rate"  # converted by the processor, at a rate that the ERP would not use again
    CHANGED = "changed"  # a person changed in the ERP what it pays
    NO_ACCOUNT = "no_account"  # that the return hit is named
    CLOSED_PERIOD = "closed_period"
    THE_ERP = "the_erp"  # its own rules


@dataclass(frozen=True, slots=True)
class ReversalHold:
    """The exception stands; `text` is why we don't, without a full stop."""

    reason: ReversalHoldReason
    text: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What our closed acts put into the ERP of one payment: their intents, the first one first, and its id there.

    `applied`: invoice id -> what counts as paid by it now, over all acts.
    """

    intents: tuple[CloseIntent, ...]
    erp_id: str
    applied: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where it is booked: how its currency is settled, the ERP's periods and what policy says of closed ones."""

    settlement: Settlement | None
    periods: tuple[Period, ...]
    closed_period: ClosedPeriod
    today: date


def decide(
    payment: Payment,
    posted: Posted,
    seen: PaymentSeen | None,
    ledger: Ledger,
    *,
    returned_on: date,
    why_not: str,
    installation: str,
    generation: int,
) -> ReversalIntent | ReversalHold:
    """The reversal of this payment, or why a person does it.

    `seen`: the payment as the ERP holds it now; None if it holds none. `returned_on`: when its source doesn't say it,
    the day on which we saw it. `why_not`: why nothing may be written by itself now, '' if it may. `generation` counts
    the reversals of this payment, so that each has ids of its own.
    """
    if why_not:
        return ReversalHold(ReversalHoldReason.SWITCHED_OFF, why_not)
    if hold := _not_plain(payment, posted) or _not_as_posted(posted, seen):
        return hold
    role = _role(payment, posted)
    if role is AccountRole.DISPUTES and (ledger.settlement is None or role not in ledger.settlement.roles):
        text = f"no ledger account for disputes is named for {payment.amount.currency}, which is where it went back"
        return ReversalHold(ReversalHoldReason.NO_ACCOUNT, text)
    on = first_open_on(ledger.periods, returned_on, ledger.today)
    if on is None or (on != returned_on and ledger.closed_period is ClosedPeriod.HOLD):
        return ReversalHold(ReversalHoldReason.CLOSED_PERIOD, why_closed(ledger.periods, returned_on))
    first = posted.intents[0].payment
    return ReversalIntent(
        act_id=f"{payment.id}-rev-{generation}",
        external_id=f"arc-{installation}-rev-{payment.id}-{generation}",
        payment_id=payment.id,
        payment_external_id=first.external_id,
        payment_erp_id=posted.erp_id,
        customer_id=first.customer_id,
        amount=first.amount,
        applied=tuple(sorted(posted.applied)),
        role=role,
        returned_on=returned_on,
        posted_on=on,
        memo=f"{payment.source} {payment.id} came back on {returned_on}",
        subsidiary=first.subsidiary,
        ar_account=first.ar_account,
    )


def asked(intent: ReversalIntent, why_not: str) -> ReversalIntent | ReversalHold:
    """The same reversal, once the ERP was asked about it: `why_not` is why a person must do it by its own rules."""
    return ReversalHold(ReversalHoldReason.THE_ERP, why_not) if why_not else intent


def _not_plain(payment: Payment, posted: Posted) -> ReversalHold | None:
    """Is it more, or less, than one whole payment of ours?"""
    first = posted.intents[0].payment
    if first.erp_id:
        return ReversalHold(ReversalHoldReason.NOT_OURS, f"payment {first.erp_id} in the ERP was entered by somebody")
    back = payment.came_back.amount if payment.came_back else payment.amount
    if back != payment.amount:
        return ReversalHold(ReversalHoldReason.A_PART, f"only {back} of it came back, and nobody says of which invoice")
    if payment.refunded or first.amount != payment.amount:
        text = f"{first.amount} of it stand in the ERP, and {payment.refunded or 'nothing'} was given back before"
        return ReversalHold(ReversalHoldReason.A_PART, text)
    if any(one.payment.credits for one in posted.intents):
        return ReversalHold(ReversalHoldReason.NOT_CASH_ALONE, "credits were used beside it")
    if any(part.discount for one in posted.intents for part in one.payment.applications):
        return ReversalHold(ReversalHoldReason.NOT_CASH_ALONE, "a discount was taken with it, which would be lost")
    if first.exchange_rate:
        text = f"it was converted at {first.exchange_rate}: at another day's rate a gain or loss is left over"
        return ReversalHold(ReversalHoldReason.FOREIGN_RATE, text)
    return None


def _not_as_posted(posted: Posted, seen: PaymentSeen | None) -> ReversalHold | None:
    """Does the ERP hold something else by now than what we posted?"""
    first = posted.intents[0].payment
    if seen is None or seen.voided:
        return ReversalHold(ReversalHoldReason.CHANGED, "the payment does not stand in the ERP any more")
    if seen.erp_id != posted.erp_id:
        return ReversalHold(ReversalHoldReason.CHANGED, f"the ERP shows payment {seen.erp_id} of the same money")
    # A later act's application may stand on a record of its own there: then the ERP says what is different, if it is.
    pays_otherwise = len(posted.intents) == 1 and not _same(seen.applications, posted.applied)
    if seen.amount != first.amount or seen.credits or seen.discounts or pays_otherwise:
        pays = ", ".join(f"{amount} of invoice {id}" for id, amount in sorted(seen.applications)) or "nothing"
        return ReversalHold(ReversalHoldReason.CHANGED, f"somebody changed it in the ERP, where it pays {pays}")
    return None


def _same(left: Sequence[tuple[str, Money]], right: Sequence[tuple[str, Money]]) -> bool:
    return _summed(left) == _summed(right)


def _summed(parts: Sequence[tuple[str, Money]]) -> Mapping[str, Money]:
    found: dict[str, Money] = {}
    for id, amount in parts:
        found[id] = found[id] + amount if id in found else amount
    return {id: amount for id, amount in found.items() if amount}


def _role(payment: Payment, posted: Posted) -> AccountRole:
    """The account that the return hit: the bank's own of a wire, else what the processor's payouts book it on."""
    if posted.intents[0].payment.deposit_account:
        return AccountRole.BANK
    return AccountRole.DISPUTES if payment.came_back and payment.came_back.by_dispute else AccountRole.CLEARING
