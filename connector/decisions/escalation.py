"""Who must look at this, and when: has this invoice come to where a person takes over from machine mail?

Says by which rule, why, on which rung of the ladder and whom it goes to. Who that is by name is the CRM's word and the
policy's; that mail stops is acted on by `suppression`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.money import Money
from connector.policy import Addressee, EscalationRule, HandOff, LadderRung, Policy
from connector.receivables import InvoiceStatus, OpenInvoice, Profile

# The floor under every policy, as the ERP and the CRM show it.
UNSEEN_RULE = "unseen large invoice"
# No large invoice gets so far past due before a person has looked (M38); the policy may only ask for it earlier.
UNSEEN_DAYS_MAX = 60


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
    rung: LadderRung = LadderRung.FLAG
    to: Addressee = Addressee.ACCOUNT_MANAGER

    def __bool__(self) -> bool:
        return self.outcome is EscalationOutcome.ESCALATED


def decide(
    invoice: OpenInvoice, policy: Policy, on: date, *, profile: Profile, touched_on: date | None = None
) -> EscalationVerdict:
    """Must a person look at this invoice, and by which rule?

    Nobody is called for what is paid, wholly disputed (a dispute has its own owner), below the smallest amount that is
    asked for, or paid to `courtesy.paid_percent_min` (RULES 2.4). Else the first rule of the policy that fits decides,
    all that it asks for at once. Amounts are weighed as billed: what is paid, credited or disputed of a large invoice
    never gives it back to the machine. For the same reason a rule about earlier disputes never lets out mail that the
    other rules would stop.

    A renewal counts from `renewal_within_days` before it. One that passed while the invoice was overdue still counts:
    the CRM is often told late, and a person is at work by then. One from before the due date is an old entry.

    Above all rules stands the floor (M38): a large open balance that no person has touched since it fell due goes to
    leadership, held, disputed and almost paid invoices too. `touched_on` is the last day on which we know of a person
    at work on it, beside the ERP's own field. It says nothing about mail: that stays as the rules have it.
    """
    verdict = _by_rules(invoice, policy, on, profile)
    if _is_unseen(invoice, policy.hand_off, on, touched_on):
        reason = f"{invoice.balance} is open and no person has looked at it; {_past_due(invoice, on)}"
        # What nobody has looked at is no agency's yet.
        rung = LadderRung.CALL if verdict.rung is LadderRung.AGENCY else verdict.rung
        stops_mail = verdict.stops_mail
        return EscalationVerdict(
            EscalationOutcome.ESCALATED, reason, UNSEEN_RULE, stops_mail, rung, Addressee.LEADERSHIP
        )
    return verdict


def _by_rules(invoice: OpenInvoice, policy: Policy, on: date, profile: Profile) -> EscalationVerdict:
    if why_not := _nobody_is_needed(invoice, policy):
        return EscalationVerdict(EscalationOutcome.NONE, why_not)
    rule, reason = _first(policy.escalation, invoice, on, profile)
    if rule is None:
        return EscalationVerdict(EscalationOutcome.NONE, f"no rule fits; {_past_due(invoice, on)}")
    stops_mail = rule.stops_mail
    if rule.disputed_before:
        without, _ = _first((one for one in policy.escalation if not one.disputed_before), invoice, on, profile)
        stops_mail = stops_mail or (without is not None and without.stops_mail)
    return EscalationVerdict(EscalationOutcome.ESCALATED, reason, rule.name, stops_mail, rule.rung, rule.to)


def unseen_amount(hand_off: HandOff, currency: str) -> Money:
    """From how much on an invoice can't stay unseen.

    In a currency that the policy doesn't name it is as many of the smallest units as its lowest entry has: 100,000.00
    in dollars is 100,000.00 in euros and 10,000,000 in yen. Rather too low than none: the floor can't be switched off.
    """
    named = next((one for one in hand_off.unseen_amount if one.currency == currency), None)
    if named is not None:
        return named
    given = hand_off.unseen_amount or HandOff().unseen_amount
    return Money(min(one.minor for one in given), currency)


def _is_unseen(invoice: OpenInvoice, hand_off: HandOff, on: date, touched_on: date | None) -> bool:
    """Is so much so late, with no person at work on it since the first day past due?"""
    if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
        return False
    if invoice.balance < unseen_amount(hand_off, invoice.balance.currency):
        return False
    if invoice.days_past_due(on) < min(hand_off.unseen_days_past_due, UNSEEN_DAYS_MAX - 1):
        return False
    touches = [day for day in (invoice.touched_on, touched_on) if day is not None]
    return not any(day > invoice.due_on for day in touches)


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


def _first(
    rules: Iterable[EscalationRule], invoice: OpenInvoice, on: date, profile: Profile
) -> tuple[EscalationRule | None, str]:
    """The first rule that fits and why."""
    for rule in rules:
        if reason := _why(rule, invoice, on, profile):
            return rule, reason
    return None, ""


def _why(rule: EscalationRule, invoice: OpenInvoice, on: date, profile: Profile) -> str:
    """The reason if all that the rule asks for holds, else ''."""
    if invoice.days_past_due(on) < rule.days_past_due_min:
        return ""
    reasons: list[str] = []
    if rule.only_strategic:
        if not profile.is_strategic:
            return ""
        reasons.append("Strategic customer")
    if rule.tiers:
        if profile.traits.tier.casefold() not in {one.casefold() for one in rule.tiers}:
            return ""
        reasons.append(f"Tier {profile.traits.tier}")
    if rule.disputed_before:
        if profile.history.disputes_last_year <= 0:
            return ""
        reasons.append("Disputed an invoice within the last year")
    if rule.renewal_within_days is not None:
        renews_on = profile.renews_on
        if renews_on is None or renews_on < invoice.due_on or (renews_on - on).days > rule.renewal_within_days:
            return ""
        reasons.append(f"Renewal on {renews_on}, {_how_far((renews_on - on).days)}")
    if rule.min_amounts:
        smallest = next((one for one in rule.min_amounts if one.currency == invoice.amount.currency), None)
        if smallest is None or max(invoice.amount, invoice.balance) < smallest:
            return ""
        reasons.append(_how_much(invoice, smallest))
    return "; ".join([*reasons, _past_due(invoice, on)])


def _how_much(invoice: OpenInvoice, smallest: Money) -> str:
    if invoice.askable >= smallest:
        return f"{invoice.askable} is open, {smallest} or more"
    return f"{invoice.amount} was billed, {smallest} or more, and {invoice.askable} is open"


def _how_far(days: int) -> str:
    if days == 0:
        return "today"
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return f"in {count}" if days > 0 else f"{count} ago"


def _past_due(invoice: OpenInvoice, on: date) -> str:
    days = invoice.days_past_due(on)
    return "1 day past due" if days == 1 else f"{days} days past due" if days > 0 else "not past due"
