"""Has an overdue invoice dropped out of everybody's sight? (M45, M49, M53)

One question for all of them, whatever keeps them back: when did anything last happen? A dispute that was none, a credit
that nobody flagged, a hold that somebody forgot: each looks the same from here. So no list of patterns can have a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from connector.policy import Policy
from connector.receivables import InvoiceStatus, OpenInvoice

# The word for it in the kind of a line; what was used varies, and is argued about without anybody saying so.
_USAGE = "usage"


class Happening(StrEnum):
    """What counts as something that happened to an invoice; the first seen of several on one day is named."""

    CASH = "cash"
    TOUCH = "touch"  # a person worked on it
    PAUSE = "pause"  # one began or ended, the customer was asked for detail, its owner was told
    ESCALATION = "escalation"
    CHANGE = "change"  # the ERP showed it changed
    MAIL = "mail"
    SEEN = "seen"  # the first that we knew of it


class StalledOutcome(StrEnum):
    """In order of precedence: the first that holds."""

    SETTLED = "settled"
    TOO_EARLY = "too_early"  # not so long past due that anybody must look
    MOVING = "moving"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class StalledVerdict:
    """True where a person must look. `since` is the day of whatever happened last."""

    outcome: StalledOutcome
    reason: str
    since: date | None = None

    def __bool__(self) -> bool:
        return self.outcome is StalledOutcome.STALLED


_WORDS: Mapping[Happening, str] = {
    Happening.CASH: "money came",
    Happening.TOUCH: "a person worked on it",
    Happening.PAUSE: "a pause of it began, ended or was told to its owner",
    Happening.ESCALATION: "it was escalated",
    Happening.CHANGE: "the ERP showed it changed",
    Happening.MAIL: "a reminder left",
    Happening.SEEN: "it was first seen",
}


def decide(
    invoice: OpenInvoice,
    happened: Mapping[Happening, date],
    held_by: str,
    policy: Policy,
    on: date,
    next_on: date | None = None,
    agreed_until: date | None = None,
) -> StalledVerdict:
    """Must a person look at this invoice because nothing happened to it for too long? Says what keeps it back.

    `happened` has the last day of each. Falling due is something that happens. `next_on` is the day of its next step
    that nothing holds: the gap between two steps of a cadence is no silence. `agreed_until` is the last day of a
    promise, plan or conversation that stands: its day is known and watched. Of an invoice with usage on it our own
    mail doesn't count: a customer who waits for a correction and says nothing is reminded for ever (M49).
    """
    if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
        return StalledVerdict(StalledOutcome.SETTLED, "nothing is owed")
    rules, days_past_due = policy.exceptions, invoice.days_past_due(on)
    if days_past_due < rules.stalled_days_past_due:
        return StalledVerdict(StalledOutcome.TOO_EARLY, f"due on {invoice.due_on}, {days_past_due} days past due")
    counted = {one: day for one, day in happened.items() if one is not Happening.MAIL or not has_usage(invoice)}
    since, what = invoice.due_on, "it fell due"
    for one in Happening:
        if one in counted and counted[one] > since:
            since, what = counted[one], _WORDS[one]
    if on - since < timedelta(days=rules.stalled_days):
        return StalledVerdict(StalledOutcome.MOVING, f"the last that happened is of {since}: {what}", since)
    if next_on is not None and next_on > on and not held_by and not has_usage(invoice):
        return StalledVerdict(StalledOutcome.MOVING, f"the next step leaves on {next_on}", since)
    if agreed_until is not None and agreed_until >= on:
        return StalledVerdict(StalledOutcome.MOVING, f"something is agreed until {agreed_until}", since)
    why = f"What keeps it back: {held_by.rstrip('.')}." if held_by else "Nothing that is known here keeps it back."
    if has_usage(invoice) and not held_by:
        why += " It has usage on it: perhaps the customer waits for a correction."
    last = f"Invoice {invoice.number}, due on {invoice.due_on}: nothing has happened since {since}, when {what}."
    return StalledVerdict(StalledOutcome.STALLED, f"{last} {why}", since)


def has_usage(invoice: OpenInvoice) -> bool:
    return any(_USAGE in line.kind.casefold() for line in invoice.lines)
