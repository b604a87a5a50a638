"""Step 5: which ERP writes follow from a match, or why can there be none?

Makes values only; whether some of them exist already is found out by their external ids when they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from connector.money import Money
from connector.policy import ClosedPeriod
from connector.receivables import (
    Cancellation,
    CloseIntent,
    Match,
    OpenInvoice,
    Payment,
    PaymentApplication,
    PaymentToPost,
    Receipt,
)
from connector.settlement import Period, first_open_on, why_closed

# The connector's own choice (DESIGN 3): readable in every ERP, in a URL and in a saved search.
_ID_CHARSET = re.compile(r"[A-Za-z0-9_-]+")


class PostingError(ValueError):
    """No ERP records can be made of this match; nothing was written."""


class PostingHoldReason(StrEnum):
    """Why a match can't be posted and a person must look, in order of precedence: the first that holds (RULES 1.6)."""

    SEVERAL_SUBSIDIARIES = "several_subsidiaries"
    OTHER_SUBSIDIARY = "other_subsidiary"  # than the one that the money is settled for
    SEVERAL_AR_ACCOUNTS = "several_ar_accounts"
    RELATIVES = "relatives"  # a parent's payment over several customers, where the ERP takes none
    FEE_NOT_STATED = "fee_not_stated"  # a processor kept something, and nobody said what
    CLOSED_PERIOD = "closed_period"


@dataclass(frozen=True, slots=True)
class PostingHold:
    """The match stands, and its invoices stay shielded; nothing is written until a person or an open period."""

    reason: PostingHoldReason
    text: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ERP allows where this money is posted: the settlement's subsidiary, its periods, its rule for families.

    `takes_relatives`: may one payment pay invoices of several customers? `today`: nothing is posted after it.
    """

    subsidiary: str = ""
    takes_relatives: bool = True
    periods: tuple[Period, ...] = ()
    closed_period: ClosedPeriod = ClosedPeriod.HOLD
    today: date = date.max


@dataclass(frozen=True, slots=True)
class Rest:
    """A payment that the ERP holds already: its internal id, its customer there and what of it is not applied."""

    erp_id: str
    customer_id: str
    unapplied: Money


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
    received_on: date | None = None,
    invoices: Sequence[OpenInvoice] = (),
    ledger: Ledger | None = None,
    rest: Rest | None = None,
    approved_by: str = "",
) -> CloseIntent | PostingHold:
    """Which records does this match put into the ERP, or why can there be none now?

    One payment over what was available, applied and unapplied together; one cancellation for each invoice that had
    pending steps (`cancelled`: invoice id -> their names); one receipt. The ids are deterministic, so that
    deciding again gives the same records; `generation` rises on every re-apply after an undo. Of a `rest` only
    applications are written, onto the payment that is there. `approved_by`: the person whose decision this is.

    `received_on` is the day in the subsidiary's zone; a closed period holds it or moves it on. Of `invoices` those
    that are paid are judged; what the ERP doesn't tell of them ('') is not.
    Raises PostingError for an id with other characters than letters, digits, '-' and '_', and for a match of
    another payment.
    """
    if match.payment_id != payment.id:
        raise PostingError(f"The match of payment {match.payment_id} can't post payment {payment.id}.")
    applied = {application.invoice_id for application in match.applications}
    paid = [invoice for invoice in invoices if invoice.id in applied]
    posted = _to_post(payment, match, paid, received_on or payment.received_on, ledger or Ledger())
    if isinstance(posted, PostingHold):
        return posted
    posted = replace(posted, external_id=f"arc-{_checked(installation)}-pay-{_checked(payment.id)}-{generation}")
    if rest:
        if rest.customer_id != posted.customer_id:
            text = f"Payment {rest.erp_id} in the ERP is of customer {rest.customer_id}, the invoices are not"
            return PostingHold(PostingHoldReason.RELATIVES, f"{text}; a person applies it.")
        posted = replace(posted, amount=rest.unapplied, erp_id=rest.erp_id, unapplied_before=rest.unapplied)
    act = f"arc-{installation}"
    cancellations = _cancellations(payment, match, cancelled, f"{act}-can-{_checked(act_id)}", at)
    receipt = _receipt_text(payment, match, posted, cancellations, invoice_numbers, approved_by)
    return CloseIntent(act_id, posted, cancellations, Receipt(f"{act}-rec-{act_id}", posted.external_id, receipt))


def _to_post(
    payment: Payment, match: Match, paid: Sequence[OpenInvoice], received_on: date, ledger: Ledger
) -> PaymentToPost | PostingHold:
    """The payment without its id, or why it is held."""
    customer_id = match.customer_id or payment.customer_id
    if match.fee:
        text = f"Payment {payment.id} fits net of {match.fee} that the processor kept and nobody stated"
        return PostingHold(PostingHoldReason.FEE_NOT_STATED, f"{text}; a person books the fee.")
    if hold := _no_one_payment(payment, paid, ledger.subsidiary, "" if ledger.takes_relatives else customer_id):
        return hold
    on = first_open_on(ledger.periods, received_on, ledger.today)
    if on is None or (on != received_on and ledger.closed_period is ClosedPeriod.HOLD):
        text = f"Payment {payment.id} can't be posted: {why_closed(ledger.periods, received_on)}."
        return PostingHold(PostingHoldReason.CLOSED_PERIOD, text)
    return PaymentToPost(
        external_id="",
        customer_id=customer_id,
        amount=_posted(match),
        received_on=on,
        applications=match.applications,
        memo=f"{payment.source} {payment.id}",
        subsidiary=_common(invoice.subsidiary for invoice in paid) or ledger.subsidiary,
        ar_account=_common(invoice.ar_account for invoice in paid),
        exchange_rate=payment.exchange_rate,
        really_received_on=received_on if on != received_on else None,
        credits=match.credits,
        deposit_account=payment.deposit_account,
    )


def _no_one_payment(
    payment: Payment, paid: Sequence[OpenInvoice], subsidiary: str, only_customer: str
) -> PostingHold | None:
    """Why no one ERP payment can pay these invoices (RULES 1.6); None if it can."""
    numbers = ", ".join(invoice.number for invoice in paid)
    several = sorted({invoice.subsidiary for invoice in paid} - {""})
    ledgers = sorted({invoice.ar_account for invoice in paid} - {""})
    if len(several) > 1:
        text = f"Payment {payment.id} pays invoices of subsidiaries {', '.join(several)} ({numbers})"
        return PostingHold(PostingHoldReason.SEVERAL_SUBSIDIARIES, f"{text}; one ERP payment can't.")
    if several and subsidiary and several != [subsidiary]:
        text = f"Payment {payment.id} is settled for subsidiary {subsidiary}, and pays {numbers} of {several[0]}"
        return PostingHold(PostingHoldReason.OTHER_SUBSIDIARY, f"{text}; a person books it between the two.")
    if len(ledgers) > 1:
        text = f"Payment {payment.id} pays invoices on AR accounts {', '.join(ledgers)} ({numbers})"
        return PostingHold(PostingHoldReason.SEVERAL_AR_ACCOUNTS, f"{text}; one ERP payment can't.")
    others = sorted({invoice.customer_id for invoice in paid} - {only_customer}) if only_customer else []
    if others:
        text = f"Payment {payment.id} of customer {only_customer} pays invoices of {', '.join(others)} ({numbers})"
        return PostingHold(PostingHoldReason.RELATIVES, f"{text}, and the ERP takes no payment over several customers.")
    return None


def _common(values: Iterable[str]) -> str:
    """The one value that is told; '' if none is."""
    return next((value for value in values if value), "")


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
    return match.unapplied + match.cash


def _cancel_reason(payment: Payment, applied: Money | None) -> str:
    return f"{applied} of payment {payment.id} was applied" if applied else f"payment {payment.id} names this invoice"


def _receipt_text(
    payment: Payment,
    match: Match,
    posted: PaymentToPost,
    cancellations: tuple[Cancellation, ...],
    numbers: Mapping[str, str],
    approved_by: str,
) -> str:
    """What a controller reads beside the payment: payment, invoices with amounts, rest, cancelled steps, evidence."""
    received_on = posted.really_received_on or posted.received_on
    lines = [f"Payment {payment.id} of {payment.amount}, received on {received_on.isoformat()}"]
    if posted.erp_id:
        lines.append(f"Applied from payment {posted.erp_id}, which was in the ERP with {posted.amount} unapplied")
    if posted.really_received_on:
        lines.append(f"Posted out of period, on {posted.received_on.isoformat()}: its own period is closed")
    if payment.refunded:
        lines.append(f"Given back before: {payment.refunded}")
    lines += [_applied(application, numbers) for application in match.applications]
    lines += [f"Credit {numbers.get(one.credit_id, one.credit_id)}: {one.amount} used" for one in match.credits]
    lines += [f"Invoice {numbers.get(i, i)}: named, but on hold; its part stays unapplied" for i in match.withheld]
    for left in match.residuals:
        number = numbers.get(left.invoice_id, left.invoice_id)
        lines.append(f"Invoice {number}: {left.amount} stays open, {left.reason.replace('_', ' ')}")
    if match.unapplied:
        lines.append(f"Unapplied: {match.unapplied}")
    lines.append(f"Matched by {match.rung.replace('_', ' ')}: {match.equation}")
    if approved_by:
        lines.append(f"Approved by {approved_by}")
    for record in cancellations:
        number = numbers.get(record.invoice_id, record.invoice_id)
        lines.append(f"Reminders cancelled for invoice {number}: {', '.join(record.steps)}")
    return "\n".join(lines)


def _applied(application: PaymentApplication, numbers: Mapping[str, str]) -> str:
    """One invoice's part. The ERP may apply to the whole invoice only; then the split by line stands here."""
    text = f"Invoice {numbers.get(application.invoice_id, application.invoice_id)}: {application.amount} applied"
    if application.discount:
        text += f", {application.discount} discount by its terms"
    if application.lines:
        shares = ", ".join(f"line {share.line_id}: {share.amount}" for share in application.lines)
        text += f" ({shares})"
    return text
