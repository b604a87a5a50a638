"""Money that came back, in the small ledger. Functions of a book.

One that writes an act whole reverses the payment itself; one that writes record by record posts a journal, then applies
the payment to it in place of its invoices, and may be left between the two.
"""

from __future__ import annotations

from dataclasses import replace

from connector.money import Money
from connector.ports import Answer, Outcome
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen
from tests.fakes.ledger_book import UNDEPOSITED, LedgerBook, Received, Refused, Reversed

NOT_SENT = "NOT_SENT"


def reverse(book: LedgerBook, intent: ReversalIntent, halves: bool = False) -> Answer:
    """Call it within `whole`. `halves`: only the first of its steps is done."""
    known, paid = book.reversals.get(intent.external_id), book.payments.get(intent.payment_erp_id)
    if known is None and paid is not None and (paid.voided or paid.reversal):
        why = f"payment {paid.erp_id} was {'reversed' if paid.reversal else 'voided'} by somebody else already"
        return Answer(intent.external_id, Outcome.EXISTS_DIFFERENT, code=NOT_SENT, message=why)
    if wrong := (_differs(known, intent) if known else why_not(book, intent)):
        if known is None:
            raise Refused(NOT_SENT, wrong)
        return Answer(intent.external_id, Outcome.EXISTS_DIFFERENT, known.erp_id, message=wrong)
    assert paid is not None  # else there is a why not
    if not paid.reversal and (changed := _changed(book, intent, paid)):
        return Answer(
            intent.external_id, Outcome.EXISTS_DIFFERENT, known.erp_id if known else "", NOT_SENT, message=changed
        )
    if known is None:
        known = _post(book, intent, paid)
        outcome = Outcome.CREATED
    else:
        outcome = Outcome.EXISTS if paid.reversal else Outcome.CREATED
    if not (halves or paid.reversal):
        book.take_off(paid.erp_id)
        book.payments[paid.erp_id] = replace(book.payments[paid.erp_id], reversal=intent.external_id)
    return Answer(intent.external_id, outcome, known.erp_id)


def _post(book: LedgerBook, intent: ReversalIntent, paid: Received) -> Reversed:
    from_own = book.is_atomic or intent.role is AccountRole.BANK
    account = paid.account if from_own else str(intent.role)
    text = f"{intent.external_id} {intent.memo}"
    made = Reversed(
        book.next_id("rev"), intent.external_id, paid.erp_id, intent.amount, intent.posted_on, account, text
    )
    book.reversals[intent.external_id] = made
    return made


def seen(book: LedgerBook, intent: ReversalIntent) -> ReversalSeen | None:
    known = book.reversals.get(intent.external_id)
    if known is None:
        return None
    applied = book.seen(known.payment_id).applications
    return ReversalSeen(known.erp_id, known.amount, known.on, applied)


def why_not(book: LedgerBook, intent: ReversalIntent) -> str:
    """Why must a person take it back? '' where it can be written, or stands already."""
    paid = book.payments.get(intent.payment_erp_id)
    if paid is None:
        return f"there is no payment {intent.payment_erp_id} ({intent.payment_external_id})"
    if paid.voided or paid.reversal:
        return ""
    if paid.deposit:
        return f"payment {paid.erp_id} lies in deposit {paid.deposit}"
    if intent.posted_on < paid.on:
        return f"payment {paid.erp_id} is dated {paid.on}, after {intent.posted_on}"
    if f"{intent.posted_on:%Y-%m}" in book.closed_months:
        return f"{intent.posted_on} lies in {intent.posted_on:%b %Y}, which is closed"
    return _elsewhere(book, intent, paid.account)


def _elsewhere(book: LedgerBook, intent: ReversalIntent, account: str) -> str:
    """Is the payment on another account than the one that the return hit?"""
    fits = {
        AccountRole.CLEARING: account == AccountRole.CLEARING,
        AccountRole.BANK: account not in (AccountRole.CLEARING, UNDEPOSITED),
        AccountRole.DISPUTES: account == AccountRole.CLEARING and not book.is_atomic,
    }
    return "" if fits.get(intent.role, False) else f"the payment is on {account}, and the return hit {intent.role}"


def _differs(known: Reversed, intent: ReversalIntent) -> str:
    told = {
        f"amount {known.amount} instead of {intent.amount}": known.amount != intent.amount,
        f"dated {known.on} instead of {intent.posted_on}": known.on != intent.posted_on,
        f"of payment {known.payment_id}": known.payment_id != intent.payment_erp_id,
    }
    return "; ".join(text for text, is_so in told.items() if is_so)


def _changed(book: LedgerBook, intent: ReversalIntent, paid: Received) -> str:
    """In what is the payment another than the one that is to be taken back?"""
    pays = book.seen(paid.erp_id).applications
    told = {
        f"it belongs to customer {paid.customer_id} instead of {intent.customer_id}": (
            paid.customer_id != intent.customer_id
        ),
        f"amount {paid.amount} instead of {intent.amount}": paid.amount != intent.amount,
        f"it pays {_shown(pays)} instead of {_shown(intent.applied)}": dict(pays) != dict(intent.applied),
    }
    return "; ".join(text for text, is_so in told.items() if is_so)


def _shown(applied: tuple[tuple[str, Money], ...]) -> str:
    return ", ".join(f"{amount} of {one}" for one, amount in applied) or "nothing"
