"""Was this invoice overdue before sending was switched on, or during a long outage? (RULES 4.5)

Says when an invoice enters the backlog. It leaves only by a person's choice, which the store keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from connector.receivables import OpenInvoice

_SATURDAY = 5


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
    outage_business_days_max: int,
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
    if business_days_between(invoice.due_on, first_seen_on) > outage_business_days_max:
        reason = f"due on {invoice.due_on}, long overdue when it was first seen ({first_seen_on})"
        return BacklogVerdict(BacklogOutcome.OVERDUE_AT_FIRST_SIGHT, reason)
    if last_tick_on is not None:
        days = business_days_between(last_tick_on, on)
        if days > outage_business_days_max:
            reason = f"overdue after an outage of {days} business days (last tick {last_tick_on})"
            return BacklogVerdict(BacklogOutcome.OVERDUE_AFTER_OUTAGE, reason)
    return BacklogVerdict(BacklogOutcome.CURRENT, f"due on {invoice.due_on}, overdue while sending was on")


def business_days_between(first: date, last: date) -> int:
    """Mondays to Fridays strictly between two days; public holidays are not known here and count as business days."""
    days = (last - first).days - 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    start = first + timedelta(days=1)
    return weeks * 5 + sum((start + timedelta(days=day)).weekday() < _SATURDAY for day in range(rest))
