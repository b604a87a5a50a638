"""Step 7: do ERP, cash and reminders agree?

Compares what an act meant to write with what the ERP shows after it. Repairs nothing: a difference is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    different. A record that was withdrawn is missing. Absence proves nothing, so an invoice that was not returned
    differs; so does a balance that is lower than ours, since then somebody else paid the invoice too.
    All that is found is told, whatever the outcome.
    """
    wanted = [record.external_id for record in intent.cancellations] + [intent.receipt.external_id]
    states = dict(seen.records)
    lost = tuple(
        external_id for external_id in wanted if states.get(external_id, RecordState.WITHDRAWN) is RecordState.WITHDRAWN
    )
    if seen.payment is None:
        return ClosingVerdict(ClosingOutcome.PAYMENT_MISSING, (intent.payment.external_id, *lost))
    payment_differences = _payment_differences(intent.payment, seen.payment)
    balance_differences = _balance_differences(seen.invoices, expected)
    differences = payment_differences + balance_differences
    if payment_differences:
        return ClosingVerdict(ClosingOutcome.PAYMENT_DIFFERENT, lost, differences)
    if lost:
        return ClosingVerdict(ClosingOutcome.RECORDS_MISSING, lost, differences)
    if balance_differences:
        return ClosingVerdict(ClosingOutcome.BALANCE_DIFFERS, (), differences)
    return ClosingVerdict(ClosingOutcome.CLOSED)


def _payment_differences(meant: PaymentToPost, seen: PaymentSeen) -> tuple[str, ...]:
    found: list[str] = []
    if seen.voided:
        found.append(f"payment {meant.external_id} is voided in the ERP")
    if seen.customer_id != meant.customer_id:
        found.append(f"payment {meant.external_id} belongs to customer {seen.customer_id}, not {meant.customer_id}")
    if seen.amount != meant.amount:
        found.append(f"payment {meant.external_id} is {seen.amount}, not {meant.amount}")
    ours = {application.invoice_id: application.amount for application in meant.applications}
    theirs = dict(seen.applications)
    for invoice_id in sorted(ours.keys() | theirs.keys()):
        mine, its = ours.get(invoice_id), theirs.get(invoice_id)
        if mine != its:
            found.append(f"invoice {invoice_id} got {its or 'nothing'} of the payment, not {mine or 'nothing'}")
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
