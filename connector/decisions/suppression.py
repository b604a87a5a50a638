"""Step 6: may this reminder leave; if not, why?

Takes facts that others gathered and gives one reason, the first that holds. Which step is due is `cadence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.money import Money
from connector.policy import Policy, Switch
from connector.receivables import Customer, InvoiceStatus, OpenInvoice


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
    HOLD = "hold"
    DISPUTED = "disputed"
    MATCH_PENDING = "match_pending"
    AWAITING_APPROVAL = "awaiting_approval"
    IN_FLIGHT = "in_flight"
    EXCEPTION = "exception"
    CUSTOMER_IN_CREDIT = "customer_in_credit"
    PARKED = "parked"
    NO_CONTACT = "no_contact"
    BACKLOG = "backlog"
    STALE = "stale"
    CLOCK = "clock"
    STOPPED = "stopped"
    SHADOW = "shadow"
    NONE = "none"  # nothing stands against it


@dataclass(frozen=True, slots=True)
class SuppressionFacts:
    """What is known about one invoice on one day. All amounts are in the invoice's currency."""

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


@dataclass(frozen=True, slots=True)
class SuppressionVerdict:
    outcome: SuppressionOutcome
    reason: SuppressionReason
    text: str


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
    return SuppressionVerdict(SuppressionOutcome.MAY_LEAVE, SuppressionReason.NONE, "Nothing stands against it.")


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
    customer = facts.customer
    if customer is None or not (customer.is_excluded or customer.exclusion):
        return ""
    return f"The customer is never chased: {customer.exclusion or 'excluded in the ERP'}."


def _hold(facts: SuppressionFacts, policy: Policy) -> str:
    return f"A person put the invoice on hold: {facts.invoice.hold_reason}." if facts.invoice.hold_reason else ""


def _disputed(facts: SuppressionFacts, policy: Policy) -> str:
    invoice = facts.invoice
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
    inflight, askable = facts.inflight, facts.invoice.askable
    share = policy.shield_min_share_percent
    if inflight.minor > 0 and inflight.minor * 100 >= askable.minor * share:
        return f"{inflight} was seen but not matched yet; it covers at least {share} % of the {askable} asked for."
    return ""


def _exception(facts: SuppressionFacts, policy: Policy) -> str:
    return f"An exception is open: {facts.exception}." if facts.exception else ""


def _customer_in_credit(facts: SuppressionFacts, policy: Policy) -> str:
    """RULES 4.3. An invoice that is not overdue yet counts beside the overdue ones, since it would be asked for."""
    asked = facts.overdue_askable
    if facts.invoice.days_past_due(facts.on) <= 0:
        asked = asked + facts.invoice.askable
    if facts.credits.minor > 0 and facts.credits >= asked:
        return f"The customer has credits of {facts.credits} against {asked} asked for; they are to be applied first."
    return ""


def _parked(facts: SuppressionFacts, policy: Policy) -> str:
    return f"A record was not understood: {facts.parked}." if facts.parked else ""


def _no_contact(facts: SuppressionFacts, policy: Policy) -> str:
    if facts.customer is None:
        return f"Customer {facts.invoice.customer_id} was not read from the ERP; nobody is known to write to."
    return "" if facts.customer.email else "The ERP has no billing contact with an address."


def _backlog(facts: SuppressionFacts, policy: Policy) -> str:
    return "The invoice is in the backlog until a person chooses what happens to it." if facts.in_backlog else ""


def _stale(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Not read freshly enough: {', '.join(facts.stale_sources)}." if facts.stale_sources else ""


def _clock(facts: SuppressionFacts, policy: Policy) -> str:
    return "The clock of this machine is behind what it was before." if facts.clock_behind else ""


def _stopped(facts: SuppressionFacts, policy: Policy) -> str:
    return f"Sending is stopped: {facts.stopped}." if facts.stopped else ""


def _shadow(facts: SuppressionFacts, policy: Policy) -> str:
    return "" if facts.send is Switch.AUTO else f"Sending is in {facts.send}; only in auto do reminders leave."


_TESTS: tuple[tuple[SuppressionReason, Callable[[SuppressionFacts, Policy], str]], ...] = (
    (SuppressionReason.PAID, _paid),
    (SuppressionReason.VOIDED, _voided),
    (SuppressionReason.NOTHING_TO_ASK, _nothing_to_ask),
    (SuppressionReason.EXCLUDED, _excluded),
    (SuppressionReason.HOLD, _hold),
    (SuppressionReason.DISPUTED, _disputed),
    (SuppressionReason.MATCH_PENDING, _match_pending),
    (SuppressionReason.AWAITING_APPROVAL, _awaiting_approval),
    (SuppressionReason.IN_FLIGHT, _in_flight),
    (SuppressionReason.EXCEPTION, _exception),
    (SuppressionReason.CUSTOMER_IN_CREDIT, _customer_in_credit),
    (SuppressionReason.PARKED, _parked),
    (SuppressionReason.NO_CONTACT, _no_contact),
    (SuppressionReason.BACKLOG, _backlog),
    (SuppressionReason.STALE, _stale),
    (SuppressionReason.CLOCK, _clock),
    (SuppressionReason.STOPPED, _stopped),
    (SuppressionReason.SHADOW, _shadow),
)
_CANCELS = frozenset({SuppressionReason.PAID, SuppressionReason.VOIDED, SuppressionReason.NOTHING_TO_ASK})
