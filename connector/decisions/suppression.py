"""Step 6: may this reminder leave; if not, why?

Takes facts that others gathered and gives one reason, the first that holds. Which step is due is `cadence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from connector.business_days import business_days_later
from connector.money import Money
from connector.policy import DISPUTE_STEP, Policy, Switch
from connector.receivables import Customer, InvoiceStatus, OpenInvoice, PauseKind
from connector.settlement import Autopay

# The text of the first mail after the last attempt to collect failed, whichever step is due (RULES 4.2).
PAYMENT_METHOD_TEMPLATE = "payment_method"


class SuppressionOutcome(StrEnum):
    """What becomes of a reminder that is due."""

    MAY_LEAVE = "may_leave"
    HELD = "held"  # waits for a fact
    CANCELLED = "cancelled"  # never leaves


class SuppressionReason(StrEnum):
    """In order of precedence: the first that holds is the verdict. The first three cancel, the rest hold."""

    PAID = "paid"
    VOIDED = "voided"
    NOTHING_TO_ASK = "nothing_to_ask"
    EXCLUDED = "excluded"
    DO_NOT_CONTACT = "do_not_contact"
    HOLD = "hold"
    USAGE_OPEN = "usage_open"
    CREDIT_COMING = "credit_coming"
    FORMAT_CHANGE = "format_change"
    PROMISED = "promised"
    PAYMENT_PLAN = "payment_plan"
    IN_CONVERSATION = "in_conversation"
    DISPUTED = "disputed"
    MATCH_PENDING = "match_pending"
    AWAITING_APPROVAL = "awaiting_approval"
    IN_FLIGHT = "in_flight"
    EXCEPTION = "exception"
    CUSTOMER_IN_CREDIT = "customer_in_credit"
    PARKED = "parked"
    AUTOPAY = "autopay"
    STRATEGIC = "strategic"
    ESCALATED = "escalated"
    NO_CONTACT = "no_contact"
    NEW_ADDRESS = "new_address"
    POLITENESS = "politeness"
    NOT_DELIVERED = "not_delivered"
    BACKLOG = "backlog"
    STALE = "stale"
    CLOCK = "clock"
    OTHER_SENDER = "other_sender"
    STOPPED = "stopped"
    NOT_APPROVED = "not_approved"
    SHADOW = "shadow"
    QUIET_HOURS = "quiet_hours"
    NONE = "none"  # nothing stands against it


@dataclass(frozen=True, slots=True)
class SuppressionFacts:
    """What is known about one invoice on one day. All amounts are in the invoice's currency.

    `inflight` also counts money in the processor's cash balance. `has_autopay`: somebody collects this invoice by
    itself; `autopay` is what the processor says of it, `was_told_payment_failed` whether the customer heard of it.
    `quiet` is the reason of `business_days`, `escalation` that of an escalation which stops mail, `not_approved` why
    this policy may not run by itself. `pause` is why people keep the invoice back, and which kind. `heard` counts what
    the contact got from us within a week; `email_since` is the day on which its address changed.
    """

    invoice: OpenInvoice
    customer: Customer | None
    on: date
    inflight: Money  # seen but unmatched money of the family
    overdue_askable: Money  # of the family's overdue invoices together
    credits: Money  # the family's open memos, unapplied payments and deposits
    exception: str = ""
    awaiting_approval: bool = False
    parked: str = ""
    in_backlog: bool = False
    match_pending: bool = False
    stale_sources: tuple[str, ...] = ()
    clock_behind: bool = False
    stopped: str = ""
    send: Switch = Switch.AUTO
    do_not_contact: bool = False  # the CRM's word, for the whole family
    is_strategic: bool = False
    escalation: str = ""
    has_autopay: bool = False
    autopay: Autopay | None = None
    was_told_payment_failed: bool = False
    other_senders: tuple[str, ...] = ()
    quiet: str = ""
    step: str = ""
    pause: tuple[PauseKind, str] | None = None
    heard: int = 0
    email_since: date | None = None
    to: str | None = None  # whom the message would reach; None: the customer's own address
    reached: Customer | None = None  # whose contact that is, where it isn't the customer's own
    not_approved: str = ""


@dataclass(frozen=True, slots=True)
class SuppressionVerdict:
    """`template`, where given, replaces that of the step."""

    outcome: SuppressionOutcome
    reason: SuppressionReason
    text: str
    template: str = ""


def decide(facts: SuppressionFacts, policy: Policy) -> SuppressionVerdict:
    """May this reminder leave now; if not, which is the first reason against it (`SuppressionReason`'s order)?

    PAID and VOIDED need the ERP's own word; a zero or negative balance of an open invoice, or one below the
    policy's smallest, is NOTHING_TO_ASK. DISPUTED means that nothing is left to ask for beside the disputed lines.
    Text is one plain sentence for `connector explain`.
    """
    for reason, test in _TESTS:
        text = test(facts, policy)
        if text:
            outcome = SuppressionOutcome.CANCELLED if reason in _CANCELS else SuppressionOutcome.HELD
            return SuppressionVerdict(outcome, reason, text)
    template = ""
    if facts.autopay is not None and facts.autopay.has_failed and not facts.was_told_payment_failed:
        template = PAYMENT_METHOD_TEMPLATE
    text = "Nothing stands against it."
    return SuppressionVerdict(SuppressionOutcome.MAY_LEAVE, SuppressionReason.NONE, text, template)


def decide_net(verdict: SuppressionVerdict, asked: Money, credits: Money) -> SuppressionVerdict:
    """May this reminder leave in a mail that asks for `asked` in all, beside these credits of the customer?

    A mail asks for the net and never for nothing (RULES 4.3). It lists only what is due for a step that day, so
    credits below all that is overdue may still cover it.
    """
    if verdict.outcome is not SuppressionOutcome.MAY_LEAVE or not credits or credits < asked:
        return verdict
    text = f"The customer has credits of {credits} against {asked} asked for in one mail; they are to be applied first."
    return SuppressionVerdict(SuppressionOutcome.HELD, SuppressionReason.CUSTOMER_IN_CREDIT, text)


def _paid(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Invoice {facts.invoice.number} is paid." if facts.invoice.status is InvoiceStatus.PAID else ""


def _voided(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Invoice {facts.invoice.number} was voided." if facts.invoice.status is InvoiceStatus.VOIDED else ""


def _nothing_to_ask(facts: SuppressionFacts, policy: Policy) -> str:
    balance = facts.invoice.balance
    smallest = policy.min_balance(balance.currency)
    if balance.minor <= 0:
        return f"The balance of invoice {facts.invoice.number} is {balance}; there is nothing to ask for."
    if balance < smallest:
        return f"The balance {balance} is below the smallest that is asked for, {smallest}."
    return ""


def _excluded(facts: SuppressionFacts, policy: Policy) -> str:
    for who, customer in (("The customer", facts.customer), ("Its parent, which gets its mail,", facts.reached)):
        if customer is not None and (customer.is_excluded or customer.exclusion):
            return f"{who} is never chased: {customer.exclusion or 'excluded in the ERP'}."
    return ""


def _do_not_contact(facts: SuppressionFacts, policy: Policy) -> str:
    return "The CRM says that this customer must not be contacted." if facts.do_not_contact else ""


def _hold(facts: SuppressionFacts, policy: Policy) -> str:
    if facts.invoice.hold_reason:
        return f"A person put the invoice on hold: {facts.invoice.hold_reason}."
    return _paused(PauseKind.HOLD)(facts, policy)


def _paused(kind: PauseKind) -> Callable[[SuppressionFacts, Policy], str]:
    """The reason of a pause of this kind, in the words of whoever keeps it."""

    def text(facts: SuppressionFacts, policy: Policy) -> str:
        return facts.pause[1] if facts.pause and facts.pause[0] is kind else ""

    return text


def _disputed(facts: SuppressionFacts, policy: Policy) -> str:
    invoice = facts.invoice
    if facts.step == DISPUTE_STEP:
        return ""  # the question about the disputed lines asks for no money
    if why := _paused(PauseKind.DISPUTE)(facts, policy):
        return why
    if invoice.disputed and (not invoice.askable or invoice.askable < policy.min_balance(invoice.balance.currency)):
        return f"{invoice.disputed} of the balance {invoice.balance} is disputed; {invoice.askable} is left to ask for."
    return ""


def _match_pending(facts: SuppressionFacts, policy: Policy) -> str:
    return "A payment for this invoice is being matched just now." if facts.match_pending else ""


def _awaiting_approval(facts: SuppressionFacts, policy: Policy) -> str:
    return "A match that pays this invoice waits for a person's approval." if facts.awaiting_approval else ""


def _in_flight(facts: SuppressionFacts, policy: Policy) -> str:
    """The in-flight cash shield, invoice by invoice.

    Nobody knows yet which invoice the money is for, so each invoice that it alone could cover to
    `shield.min_share` is shielded; one and the same money may shield several.
    """
    if facts.step == DISPUTE_STEP:
        return ""  # it asks for no money
    inflight, askable = facts.inflight, facts.invoice.askable
    share = policy.shield_min_share_percent
    if inflight.minor > 0 and inflight.minor * 100 >= askable.minor * share:
        return f"{inflight} was seen but not matched yet; it covers at least {share} % of the {askable} asked for."
    return ""


def _exception(facts: SuppressionFacts, policy: Policy) -> str:
    return f"An exception is open: {facts.exception}." if facts.exception else ""


def _customer_in_credit(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 4.3. An invoice that is not overdue yet counts beside the overdue ones, since it would be asked for."""
    if facts.step == DISPUTE_STEP:
        return ""
    asked = facts.overdue_askable
    if facts.invoice.days_past_due(facts.on) <= 0:
        asked = asked + facts.invoice.askable
    if facts.credits.minor > 0 and facts.credits >= asked:
        return f"The customer has credits of {facts.credits} against {asked} asked for; they are to be applied first."
    return ""


def _parked(facts: SuppressionFacts, policy: Policy) -> str:
    return f"A record was not understood: {facts.parked}." if facts.parked else ""


def _autopay(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 4.2: not before the charge date, nor while an attempt is set or a debit is on its way.

    Whatever money of the family is in flight counts as the debit, since it isn't matched yet. After the last attempt
    failed the cadence goes on, and where nobody tells when it is collected, from the day after the due date.
    """
    autopay = facts.autopay
    if autopay is None and not facts.has_autopay:
        return ""
    if autopay is not None and autopay.next_attempt_on is not None:
        return f"The invoice is collected by itself; the next attempt is set for {autopay.next_attempt_on}."
    if facts.inflight.minor > 0:
        return f"The invoice is collected by itself, and {facts.inflight} is on its way."
    has_failed = autopay is not None and autopay.has_failed
    if not has_failed and facts.on <= facts.invoice.due_on:
        return f"The invoice is collected by itself when it is due, on {facts.invoice.due_on}."
    return ""


def _strategic(facts: SuppressionFacts, policy: Policy) -> str:
    if not facts.is_strategic or policy.strategic_mail_past_due or facts.invoice.days_past_due(facts.on) <= 0:
        return ""
    return "The customer is strategic: past due, its owner speaks to it and no machine."


def _escalated(facts: SuppressionFacts, policy: Policy) -> str:
    return f"A person is at work on it: {facts.escalation}." if facts.escalation else ""


def _no_contact(facts: SuppressionFacts, policy: Policy) -> str:
    if facts.customer is None:
        return f"Customer {facts.invoice.customer_id} was not read from the ERP; nobody is known to write to."
    to = facts.customer.email if facts.to is None else facts.to
    if not to and facts.customer.mails_parent:
        return "The customer's reminders go to its parent, of which the ERP has no billing contact with an address."
    return "" if to else "The ERP has no billing contact with an address."


def _new_address(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 5.2: a large invoice isn't asked for at an address that somebody has just changed.

    It is weighed as billed: a part payment must not let out a message that was held.
    """
    rule, billed = policy.politeness, facts.invoice.amount
    most = next((one for one in rule.new_address_amount if one.currency == billed.currency), None)
    if facts.email_since is None or most is None or billed <= most:
        return ""
    first_on = facts.email_since + timedelta(days=rule.new_address_days)
    if facts.on >= first_on:
        return ""
    return f"The contact's address changed on {facts.email_since}; more than {most} isn't asked for before {first_on}."


def _politeness(facts: SuppressionFacts, policy: Policy) -> str:
    most = policy.politeness.messages_a_week_max
    if facts.heard < most:
        return ""
    return f"The contact got {facts.heard} messages from us within a week, the most that is polite: {most}."


def _not_delivered(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 4.4. Delivered later than it was issued, an invoice isn't called overdue for the policy's business days."""
    invoice = facts.invoice
    if invoice.delivered_on is None:
        needed = policy.needs_delivery_evidence
        return f"The ERP has no evidence that the customer got invoice {invoice.number}." if needed else ""
    if invoice.delivered_on <= invoice.issued_on or invoice.days_past_due(facts.on) <= 0:
        return ""
    first_on = business_days_later(invoice.delivered_on, policy.delivered_late_business_days, policy.calendar)
    if facts.on >= first_on:
        return ""
    return f"The customer got the invoice on {invoice.delivered_on}; it isn't called overdue before {first_on}."


def _backlog(facts: SuppressionFacts, policy: Policy) -> str:
    return "The invoice is in the backlog until a person chooses what happens to it." if facts.in_backlog else ""


def _stale(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Not read freshly enough: {', '.join(facts.stale_sources)}." if facts.stale_sources else ""


def _clock(facts: SuppressionFacts, policy: Policy) -> str:
    return "The clock of this machine is behind what it was before." if facts.clock_behind else ""


def _other_sender(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 4.2: each must be switched off or acknowledged, or two systems write to one customer."""
    others = [name for name in facts.other_senders if name not in policy.acknowledged_senders]
    if not others:
        return ""
    what = f"Others write to these customers too: {', '.join(others)}"
    return f"{what}. Switch them off, or name them under acknowledged_senders in the policy."


def _stopped(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Sending is stopped: {facts.stopped}." if facts.stopped else ""


def _shadow(facts: SuppressionFacts, policy: Policy) -> str:
    return "" if facts.send is Switch.AUTO else f"Sending is in {facts.send}; only in auto do reminders leave."


def _not_approved(facts: SuppressionFacts, policy: Policy) -> str:
    return f"The policy may not send by itself: {facts.not_approved}." if facts.not_approved else ""


def _quiet_hours(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Not now: {facts.quiet}." if facts.quiet else ""


_TESTS: tuple[tuple[SuppressionReason, Callable[[SuppressionFacts, Policy], str]], ...] = (
    (SuppressionReason.PAID, _paid),
    (SuppressionReason.VOIDED, _voided),
    (SuppressionReason.NOTHING_TO_ASK, _nothing_to_ask),
    (SuppressionReason.EXCLUDED, _excluded),
    (SuppressionReason.DO_NOT_CONTACT, _do_not_contact),
    (SuppressionReason.HOLD, _hold),
    (SuppressionReason.USAGE_OPEN, _paused(PauseKind.USAGE)),
    (SuppressionReason.CREDIT_COMING, _paused(PauseKind.CREDIT_MEMO)),
    (SuppressionReason.FORMAT_CHANGE, _paused(PauseKind.FORMAT_CHANGE)),
    (SuppressionReason.PROMISED, _paused(PauseKind.PROMISE)),
    (SuppressionReason.PAYMENT_PLAN, _paused(PauseKind.PLAN)),
    (SuppressionReason.IN_CONVERSATION, _paused(PauseKind.CONVERSATION)),
    (SuppressionReason.DISPUTED, _disputed),
    (SuppressionReason.MATCH_PENDING, _match_pending),
    (SuppressionReason.AWAITING_APPROVAL, _awaiting_approval),
    (SuppressionReason.IN_FLIGHT, _in_flight),
    (SuppressionReason.EXCEPTION, _exception),
    (SuppressionReason.CUSTOMER_IN_CREDIT, _customer_in_credit),
    (SuppressionReason.PARKED, _parked),
    (SuppressionReason.AUTOPAY, _autopay),
    (SuppressionReason.STRATEGIC, _strategic),
    (SuppressionReason.ESCALATED, _escalated),
    (SuppressionReason.NO_CONTACT, _no_contact),
    (SuppressionReason.NEW_ADDRESS, _new_address),
    (SuppressionReason.POLITENESS, _politeness),
    (SuppressionReason.NOT_DELIVERED, _not_delivered),
    (SuppressionReason.BACKLOG, _backlog),
    (SuppressionReason.STALE, _stale),
    (SuppressionReason.CLOCK, _clock),
    (SuppressionReason.OTHER_SENDER, _other_sender),
    (SuppressionReason.STOPPED, _stopped),
    (SuppressionReason.NOT_APPROVED, _not_approved),
    (SuppressionReason.SHADOW, _shadow),
    (SuppressionReason.QUIET_HOURS, _quiet_hours),
)
_CANCELS = frozenset({SuppressionReason.PAID, SuppressionReason.VOIDED, SuppressionReason.NOTHING_TO_ASK})
