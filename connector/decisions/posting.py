"""Step 5: which ERP writes follow from a match?

Makes values only; whether some of them exist already is found out by their external ids when they are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connector.money import Money
from connector.receivables import (
    Cancellation,
    CloseIntent,
    Match,
    Payment,
    PaymentApplication,
    PaymentToPost,
    Receipt,
)

# The connector's own choice (DESIGN 3): readable in every ERP, in a URL and in a saved search.
_ID_CHARSET = re.compile(r"[A-Za-z0-9_-]+")


class PostingError(ValueError):
    """No ERP records can be made of this match; nothing was written."""


def decide(
    payment: Payment,
    match: Match,
    cancelled: Mapping[str, tuple[str, ...]],
    *,
    installation: str,
    generation: int,
    act_id: str,
    at: datetime,
    invoice_numbers: Mapping[str, str],
) -> CloseIntent:
    """Which records does this match put into the ERP?

    One payment over what was available, applied and unapplied together; one cancellation for each invoice that had
    pending steps (`cancelled`: invoice id -> their names); one receipt. The ids are deterministic, so that
    deciding again gives the same records; `generation` rises on every re-apply after an undo.
    Raises PostingError for an id with other characters than letters, digits, '-' and '_', and for a match of
    another payment.
    """
    if match.payment_id != payment.id:
        raise PostingError(f"The match of payment {match.payment_id} can't post payment {payment.id}.")
    payment_external_id = f"arc-{_checked(installation)}-pay-{_checked(payment.id)}-{generation}"
    act = f"arc-{installation}"
    cancellations = _cancellations(payment, match, cancelled, f"{act}-can-{_checked(act_id)}", at)
    return CloseIntent(
        act_id=_checked(act_id),
        payment=PaymentToPost(
            external_id=payment_external_id,
            customer_id=match.customer_id or payment.customer_id,
            amount=_posted(match),
            received_on=payment.received_on,
            applications=match.applications,
            memo=f"{payment.source} {payment.id}",
        ),
        cancellations=cancellations,
        receipt=Receipt(
            external_id=f"{act}-rec-{act_id}",
            payment_external_id=payment_external_id,
            text=_receipt_text(payment, match, cancellations, invoice_numbers),
        ),
    )


def _cancellations(
    payment: Payment, match: Match, cancelled: Mapping[str, tuple[str, ...]], prefix: str, at: datetime
) -> tuple[Cancellation, ...]:
    applied = {application.invoice_id: application.amount for application in match.applications}
    return tuple(
        Cancellation(
            external_id=f"{prefix}-{_checked(invoice_id)}",
            invoice_id=invoice_id,
            steps=steps,
            reason=_cancel_reason(payment, applied.get(invoice_id)),
            cancelled_at=at,
        )
        for invoice_id, steps in sorted(cancelled.items())
        if steps
    )


def _checked(part: str) -> str:
    if not _ID_CHARSET.fullmatch(part):
        raise PostingError(
            f"{part!r} can't be part of an external id: only letters, digits, '-' and '_' are allowed. "
            "Nothing was written; the payment is left to a person."
        )
    return part


def _posted(match: Match) -> Money:
    applied = (application.amount for application in match.applications)
    return match.unapplied + Money.total(applied, match.unapplied.currency)


def _cancel_reason(payment: Payment, applied: Money | None) -> str:
    return f"{applied} of payment {payment.id} was applied" if applied else f"payment {payment.id} names this invoice"


def _receipt_text(
    payment: Payment, match: Match, cancellations: tuple[Cancellation, ...], numbers: Mapping[str, str]
) -> str:
    """What a controller reads beside the payment: payment, invoices with amounts, rest, cancelled steps, evidence."""

    def line(application: PaymentApplication) -> str:
        return f"Invoice {numbers.get(application.invoice_id, application.invoice_id)}: {application.amount} applied"

    lines = [f"Payment {payment.id} of {payment.amount}, received on {payment.received_on.isoformat()}"]
    if payment.refunded:
        lines.append(f"Given back before: {payment.refunded}")
    lines += [line(application) for application in match.applications]
    lines += [f"Invoice {numbers.get(i, i)}: named, but on hold; its part stays unapplied" for i in match.withheld]
    if match.unapplied:
        lines.append(f"Unapplied: {match.unapplied}")
    lines.append(f"Matched by {match.rung.replace('_', ' ')}: {match.equation}")
    for record in cancellations:
        number = numbers.get(record.invoice_id, record.invoice_id)
        lines.append(f"Reminders cancelled for invoice {number}: {', '.join(record.steps)}")
    return "\n".join(lines)
