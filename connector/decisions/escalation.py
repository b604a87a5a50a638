"""Who must look at this, and when: has this invoice come to where a person takes over from machine mail?

Says by which rule and why. Whom to tell is the CRM's word (its owner of the customer); that mail stops is acted on by
`suppression`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.policy import EscalationRule, Policy
from connector.receivables import InvoiceStatus, OpenInvoice


class EscalationOutcome(StrEnum):
    """Does a person have to look?"""

    NONE = "none"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True)
class EscalationVerdict:
    """`rule` is the policy's name for it; `stops_mail`: no machine mail about the invoice from now on."""

    outcome: EscalationOutcome
    reason: str
    rule: str = ""
    stops_mail: bool = False

    def __bool__(self) -> bool:
        return self.outcome is EscalationOutcome.ESCALATED


def decide(
    invoice: OpenInvoice, policy: Policy, on: date, *, is_strategic: bool, renews_on: date | None
) -> EscalationVerdict:
    """Must a person look at this invoice, and by which rule?

    Nobody is called for what is paid, wholly disputed (a dispute has its own owner), below the smallest amount that is
    asked for, or paid to `courtesy.paid_percent_min` (RULES 2.4). Else the first rule of the policy that fits decides.

    A renewal counts from `renewal_within_days` before it. One that passed while the invoice was overdue still counts:
    the CRM is often told late, and a person is at work by then. One from before the due date is an old entry.
    """
    if why_not := _nobody_is_needed(invoice, policy):
        return EscalationVerdict(EscalationOutcome.NONE, why_not)
    for rule in policy.escalation:
        reason = _why(rule, invoice, on, is_strategic, renews_on)
        if reason:
            return EscalationVerdict(EscalationOutcome.ESCALATED, reason, rule.name, rule.stops_mail)
    return EscalationVerdict(EscalationOutcome.NONE, f"no rule fits; {_past_due(invoice, on)}")


def _nobody_is_needed(invoice: OpenInvoice, policy: Policy) -> str:
    if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
        return "nothing is owed"
    if not invoice.askable:
        return "all of it is disputed"
    if invoice.askable < policy.min_balance(invoice.askable.currency):
        return f"{invoice.askable} is below the smallest amount that is asked for"
    paid = invoice.amount - invoice.balance
    # Compared crosswise, so that 89.9 % is not 90 %.
    if paid.minor * 100 >= invoice.amount.minor * policy.courtesy.paid_percent_min and paid:
        return f"{paid} of {invoice.amount} is paid"
    return ""


def _why(rule: EscalationRule, invoice: OpenInvoice, on: date, is_strategic: bool, renews_on: date | None) -> str:
    """The reason if all that the rule asks for holds, else ''."""
    reasons: list[str] = []
    if invoice.days_past_due(on) < rule.days_past_due_min:
        return ""
    if rule.only_strategic:
        if not is_strategic:
            return ""
        reasons.append("Strategic customer")
    if rule.renewal_within_days is not None:
        if renews_on is None or renews_on < invoice.due_on or (renews_on - on).days > rule.renewal_within_days:
            return ""
        reasons.append(f"Renewal on {renews_on}, {_how_far((renews_on - on).days)}")
    if rule.min_amounts:
        smallest = next((one for one in rule.min_amounts if one.currency == invoice.askable.currency), None)
        if smallest is None or invoice.askable < smallest:
            return ""
        reasons.append(f"{invoice.askable} is open, {smallest} or more")
    return "; ".join([*reasons, _past_due(invoice, on)])


def _how_far(days: int) -> str:
    if days == 0:
        return "today"
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"in {count}" if days > 0 else f"{count} ago"


def _past_due(invoice: OpenInvoice, on: date) -> str:
    days = invoice.days_past_due(on)
    return "1 day past due" if days == 1 else f"{days} days past due" if days > 0 else "not past due"
