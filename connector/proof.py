"""Does the ledger's clearing account agree with the processor's balance and what is in transit? Once a day (RULES 1.2).

Every difference has a name (decisions/clearing.py). What differs without one on the first day is signed off with the
opening tie-out; what differs later is an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from connector.decisions import clearing
from connector.decisions.clearing import ClearingProof, Movement, PayoutOut
from connector.money import Money
from connector.parts import Parts
from connector.settlement import (
    AccountRole,
    BalanceTransaction,
    Category,
    PayoutState,
    Settlement,
    SettleThrough,
)
from connector.store import Tx, closing, instant, parse_instant, reversing, settling, verdicts
from connector.store.book import from_json, to_json
from connector.store.closing import ActState
from connector.store.writing import WriteState

# The processor's list of movements is read again this far back: some appear late.
MOVEMENTS_OVERLAP = timedelta(days=3)


def prove_clearing(parts: Parts, now: datetime, today: date) -> None:
    """Once a day: is the ledger's clearing account the processor's balance and what is in transit (RULES 1.2)?

    Not while the fate of a write is unknown: what the ledger holds could then be explained by nobody.
    """
    settled = [one for one in parts.erp.settlements if _is_proved(parts, one)]
    with parts.store.read() as tx:
        until = tx.get("movements_until")
        if not settled or tx.get("proved_on") == today.isoformat() or _in_flight(tx):
            return
    cutover = datetime.combine(parts.cutover_on, time(), parts.zone)
    read = parts.payments.read_balance(parse_instant(until) - MOVEMENTS_OVERLAP if until else cutover)
    ledger = {(one.role, one.currency): one.amount for one in parts.erp.read_balances(today)}
    balances = {amount.currency: amount for amount in read.balances}
    with parts.store.tx() as tx:
        settling.put_movements(tx, read.movements)
        tx.set("movements_until", instant(now))
        # Refunds are booked by people, with the refund's or the charge's id: asked for, as nothing else tells of them.
        refunds = {m.source_id for one in settled for m, _ in settling.movements(tx, one.currency) if _is_refund(m)}
    booked = parts.erp.find_cleared(sorted(refunds)) if refunds else {}
    with parts.store.tx() as tx:
        unread = {one.record.removeprefix("balance").strip().upper() for one in read.parked}
        for settlement in settled:
            currency = settlement.currency
            if unread & {currency, ""}:
                continue  # not zero: not known
            opening = _opening(tx, currency)
            proof = clearing.decide(
                ledger.get((AccountRole.CLEARING, currency), Money.zero(currency)),
                balances.get(currency, Money.zero(currency)),
                _movements(tx, currency, booked, parts.cutover_on),
                _payouts_out(tx, currency),
                opening=opening,
            )
            settling.put_proof(tx, today, currency, proof.unexplained, to_json(proof))
            if opening is not None:  # what differs on the first day is signed off with the opening tie-out
                _tell_unexplained(tx, currency, proof)
        tx.set("proved_on", today.isoformat())


def _in_flight(tx: Tx) -> bool:
    unknown = settling.deposits(tx, [WriteState.ATTEMPTED]) or closing.acts(tx, [ActState.ATTEMPTED])
    return bool(unknown or reversing.reversals(tx, [WriteState.ATTEMPTED]))


def _is_proved(parts: Parts, one: Settlement) -> bool:
    through_clearing = one.through is SettleThrough.CLEARING and AccountRole.CLEARING in one.roles
    return through_clearing and parts.policy.posts(one.currency)


def _is_refund(movement: BalanceTransaction) -> bool:
    return movement.category in (Category.REFUND, Category.REFUND_FAILURE, Category.CHARGE_FAILURE)


def _deposited(tx: Tx) -> set[str]:
    """Payouts whose deposit stands in the ledger, read back already or not."""
    standing = {id for id, standing in settling.standings(tx).items() if standing in settling.DEPOSITED}
    return standing | {deposit.payout_id for deposit in settling.deposits(tx, [WriteState.WRITTEN])}


def _movements(tx: Tx, currency: str, booked: Mapping[str, Money], cutover_on: date) -> list[Movement]:
    """Every movement since the cutover with what our ledger holds of it; what was before is in the opening one."""
    known = [one for one in settling.movements(tx, currency) if one[0].created_on >= cutover_on]
    deposited = _deposited(tx)
    # Who deposits a payout that pays out a bounced one again books the contents of that one with it.
    deposited |= {m.source_id for m, id in known if m.category is Category.PAYOUT_REVERSAL and id in deposited}
    posted = settling.posted_amounts(tx, [m.payment_id for m, _ in known if m.category is Category.CHARGE])
    left, found = dict(booked), []
    for movement, payout_id in known:
        there = Money.zero(currency)
        if movement.category is Category.CHARGE and movement.payment_id in posted:
            received, in_erp = posted[movement.payment_id]
            # Converted money is posted at the processor's own rate, so that clearing gets just what the processor got.
            there = movement.amount if in_erp == received else in_erp
        elif _is_refund(movement):
            # A refund and its failure have one id: what is booked under it counts once.
            there = left.pop(movement.source_id, there)
            if there.currency != currency:  # of converted money, as of its payment: what the processor made of it
                there = movement.amount
        found.append(Movement(movement, there, payout_id in deposited))
    return found


def _payouts_out(tx: Tx, currency: str) -> list[PayoutOut]:
    gone, deposited = (PayoutState.FAILED, PayoutState.CANCELED), _deposited(tx)
    return [
        PayoutOut(one.id, one.amount, one.id in deposited, one.state in gone)
        for one, standing in settling.all_payouts(tx, currency)
        if standing != "observed"
    ]


def _opening(tx: Tx, currency: str) -> Money | None:
    first = settling.first_proof(tx, currency)
    return from_json(ClearingProof, first).unexplained if first else None


def _tell_unexplained(tx: Tx, currency: str, proof: ClearingProof) -> None:
    if not proof.unexplained:
        verdicts.close_exceptions(tx, exception_id=f"clearing_unexplained:{currency}", reason="clearing agrees again")
        return
    verdicts.open_exception(
        tx,
        "clearing_unexplained",
        currency,
        f"the clearing account holds {proof.ledger}; by the processor's balance and all named items it should hold "
        f"{proof.expected}. Look at the account's entries that carry no Stripe id",
        amount=proof.unexplained,
    )
