"""Was this invoice overdue before sending was switched on, or during a long outage? (RULES 4.5)

Says when an invoice enters the backlog, and which way out a person's choice gives it. Nothing leaves the backlog
without that choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.business_days import business_days_between
from connector.policy import BacklogChoice, BacklogLimits, Policy
from connector.receivables import OpenInvoice


class BacklogOutcome(StrEnum):
    """In order of precedence: the first that holds is the verdict."""

    OVERDUE_AT_SWITCH = "overdue_at_switch"
    OVERDUE_AT_FIRST_SIGHT = "overdue_at_first_sight"
    OVERDUE_AFTER_OUTAGE = "overdue_after_outage"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class BacklogVerdict:
    """True where the invoice enters the backlog."""

    outcome: BacklogOutcome
    reason: str

    def __bool__(self) -> bool:
        return self.outcome is not BacklogOutcome.CURRENT


def decide(
    invoice: OpenInvoice,
    first_seen_on: date,
    auto_since: date | None,
    last_tick_on: date | None,
    on: date,
    policy: Policy,
) -> BacklogVerdict:
    """Does this invoice enter the backlog, from which nothing leaves until a person chooses?

    Overdue means past its due date on that day (DPD above 0). `auto_since` None is judged as if sending were
    switched on today, so that shadow shows what would happen. An invoice first seen when already overdue by more
    business days than an outage may last belongs to an old book that came into sight late. `last_tick_on` is the
    day of the last finished tick before this one; only whole business days between the two count as outage.
    """
    if invoice.due_on >= on:
        return BacklogVerdict(BacklogOutcome.CURRENT, f"due on {invoice.due_on}, not overdue")
    switched_on = auto_since or on
    if invoice.due_on < switched_on:
        when = f"when sending was switched on ({auto_since})" if auto_since else "when the connector first looked"
        reason = f"due on {invoice.due_on}, overdue {when}; the policy's `backlog` says what happens to it"
        return BacklogVerdict(BacklogOutcome.OVERDUE_AT_SWITCH, reason)
    if business_days_between(invoice.due_on, first_seen_on, policy.calendar) > policy.outage_business_days_max:
        reason = f"due on {invoice.due_on}, long overdue when it was first seen ({first_seen_on})"
        return BacklogVerdict(BacklogOutcome.OVERDUE_AT_FIRST_SIGHT, reason)
    if last_tick_on is not None:
        days = business_days_between(last_tick_on, on, policy.calendar)
        if days > policy.outage_business_days_max:
            reason = f"overdue after an outage of {days} business days (last tick {last_tick_on})"
            return BacklogVerdict(BacklogOutcome.OVERDUE_AFTER_OUTAGE, reason)
    return BacklogVerdict(BacklogOutcome.CURRENT, f"due on {invoice.due_on}, overdue while sending was on")


@dataclass(frozen=True, slots=True)
class WayOut:
    """What happens to an invoice of the backlog; `reason` is empty unless a limit overrules the choice."""

    choice: BacklogChoice
    reason: str = ""


def way_out(invoice: OpenInvoice, choice: BacklogChoice, limits: BacklogLimits, on: date) -> WayOut:
    """What happens to this invoice of the backlog? Past the limits it stays on the worklist, whatever was chosen."""
    days = invoice.days_past_due(on)
    if days > limits.days_past_due_max:
        return WayOut(
            BacklogChoice.WORKLIST, f"{days} days past due, more than {limits.days_past_due_max}: people only"
        )
    most = next((one for one in limits.amount_max if one.currency == invoice.balance.currency), None)
    if most is not None and invoice.balance > most:
        return WayOut(BacklogChoice.WORKLIST, f"{invoice.balance} is open, more than {most}: people only")
    return WayOut(choice)


@dataclass(frozen=True, slots=True)
class Statement:
    """The one neutral statement of a customer's old overdue invoices, by due date."""

    customer_id: str
    invoice_ids: tuple[str, ...]


def statements(
    invoices: Iterable[OpenInvoice], told: frozenset[str], told_today: int, limits: BacklogLimits, on: date
) -> tuple[Statement, ...]:
    """Which customers get their one statement today: those with the oldest debt first, so many a day.

    `invoices` are those of the backlog about which mail may leave otherwise. `told` are the customers who had their
    statement: nobody gets a second. `told_today` are already gone today. An invoice past the limits is in none.
    """
    by_customer: dict[str, list[OpenInvoice]] = {}
    for invoice in invoices:
        may = way_out(invoice, BacklogChoice.STATEMENT, limits, on).choice is BacklogChoice.STATEMENT
        if may and invoice.customer_id not in told:
            by_customer.setdefault(invoice.customer_id, []).append(invoice)
    found = [
        (min(invoice.due_on for invoice in some), customer_id, sorted(some, key=lambda one: (one.due_on, one.id)))
        for customer_id, some in by_customer.items()
    ]
    left = max(limits.customers_a_day_max - told_today, 0)
    ordered = sorted(found, key=lambda one: one[:2])[:left]
    return tuple(Statement(customer_id, tuple(one.id for one in some)) for _, customer_id, some in ordered)
