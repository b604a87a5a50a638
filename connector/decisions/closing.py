"""Step 7: do ERP, cash and reminders agree?

Compares what an act meant to write with what the ERP shows after it. Repairs nothing: a difference is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.money import Money
from connector.receivables import ActSeen, CloseIntent, OpenInvoice, PaymentSeen, PaymentToPost, RecordState


class ClosingOutcome(StrEnum):
    """In order of precedence: the first that holds is the verdict."""

    PAYMENT_MISSING = "payment_missing"
    PAYMENT_DIFFERENT = "payment_different"
    RECORDS_MISSING = "records_missing"
    BALANCE_DIFFERS = "balance_differs"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ClosingVerdict:
    """`missing`: external ids that the ERP does not hold in force; `differences`: one sentence each."""

    outcome: ClosingOutcome
    missing: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


def decide(intent: CloseIntent, seen: ActSeen, expected: Mapping[str, Money]) -> ClosingVerdict:
    """Does the ERP hold all of this act, and is each invoice's balance what must be left (`expected`)?

    A payment that is missing or different makes the rest meaningless, so it is told first; a voided payment is
    different, and the rest of an older payment of which nothing was applied since is missing. A record that was
    withdrawn is missing. Absence proves nothing, so an invoice that was not returned
    differs; so does a balance that is lower than ours, since then somebody else paid the invoice too.
    All that is found is told, whatever the outcome.
    """
    wanted = [record.external_id for record in intent.cancellations] + [intent.receipt.external_id]
    states = dict(seen.records)
    lost = tuple(
        external_id for external_id in wanted if states.get(external_id, RecordState.WITHDRAWN) is RecordState.WITHDRAWN
    )
    if seen.payment is None or _is_untouched(intent.payment, seen.payment):
        return ClosingVerdict(ClosingOutcome.PAYMENT_MISSING, (intent.payment.external_id, *lost))
    compare = _rest_differences if intent.payment.erp_id else _payment_differences
    payment_differences = compare(intent.payment, seen.payment)
    balance_differences = _balance_differences(seen.invoices, expected)
    differences = payment_differences + balance_differences
    if payment_differences:
        return ClosingVerdict(ClosingOutcome.PAYMENT_DIFFERENT, lost, differences)
    if lost:
        return ClosingVerdict(ClosingOutcome.RECORDS_MISSING, lost, differences)
    if balance_differences:
        return ClosingVerdict(ClosingOutcome.BALANCE_DIFFERS, (), differences)
    return ClosingVerdict(ClosingOutcome.CLOSED)


def _is_untouched(meant: PaymentToPost, seen: PaymentSeen) -> bool:
    """A payment that was in the ERP before: has it still as much to apply as when this was decided?"""
    others = {amount.currency for _, amount in (*seen.applications, *seen.credits)} - {seen.amount.currency}
    if meant.unapplied_before is None or seen.voided or others:
        return False
    applied = Money.total((amount for _, amount in seen.applications), seen.amount.currency)
    used = Money.total((amount for _, amount in seen.credits), seen.amount.currency)
    return seen.amount + used - applied == meant.unapplied_before


def _payment_differences(meant: PaymentToPost, seen: PaymentSeen) -> tuple[str, ...]:
    found: list[str] = []
    if seen.voided:
        found.append(f"payment {meant.external_id} is voided in the ERP")
    if seen.customer_id != meant.customer_id:
        found.append(f"payment {meant.external_id} belongs to customer {seen.customer_id}, not {meant.customer_id}")
    if seen.amount != meant.amount:
        found.append(f"payment {meant.external_id} is {seen.amount}, not {meant.amount}")
    found += _apart("invoice", {one.invoice_id: one.amount for one in meant.applications}, dict(seen.applications))
    found += _apart("credit", {one.credit_id: one.amount for one in meant.credits}, dict(seen.credits))
    return tuple(found)


def _apart(what: str, ours: Mapping[str, Money], theirs: Mapping[str, Money]) -> Iterator[str]:
    for id in sorted(ours.keys() | theirs.keys()):
        mine, its = ours.get(id), theirs.get(id)
        if mine != its:
            got = "got {} of the payment" if what == "invoice" else "gave {} beside the payment"
            yield f"{what} {id} {got.format(its or 'nothing')}, not {mine or 'nothing'}"


def _rest_differences(meant: PaymentToPost, seen: PaymentSeen) -> tuple[str, ...]:
    """Of a payment that the ERP had before: our lines are in force; what others applied of it is theirs."""
    found: list[str] = []
    if seen.voided:
        found.append(f"payment {meant.erp_id} is voided in the ERP")
    if seen.customer_id != meant.customer_id:
        found.append(f"payment {meant.erp_id} belongs to customer {seen.customer_id}, not {meant.customer_id}")
    theirs = dict(seen.applications)
    for one in meant.applications:
        its = theirs.get(one.invoice_id)
        if its is None or its.currency != one.amount.currency or its < one.amount:
            found.append(f"invoice {one.invoice_id} got {its or 'nothing'} of the payment, not {one.amount}")
    used = dict(seen.credits)
    for use in meant.credits:
        gave = used.get(use.credit_id)
        if gave is None or gave.currency != use.amount.currency or gave < use.amount:
            found.append(f"credit {use.credit_id} gave {gave or 'nothing'} beside the payment, not {use.amount}")
    return tuple(found)


def _balance_differences(invoices: tuple[OpenInvoice, ...], expected: Mapping[str, Money]) -> tuple[str, ...]:
    balances = {invoice.id: invoice.balance for invoice in invoices}
    numbers = {invoice.id: invoice.number for invoice in invoices}
    found: list[str] = []
    for invoice_id, ours in sorted(expected.items()):
        theirs = balances.get(invoice_id)
        number = numbers.get(invoice_id, invoice_id)
        if theirs is None:
            found.append(f"invoice {invoice_id} was not returned by the ERP; {ours} should be left")
        elif theirs.currency != ours.currency:
            found.append(f"invoice {number} has {theirs} left, not {ours}")
        elif theirs < ours:
            found.append(f"invoice {number} has {theirs} left, not {ours}: somebody else paid or credited it too")
        elif theirs > ours:
            found.append(f"invoice {number} has {theirs} left, not {ours}: less was applied than we meant")
    return tuple(found)
