"""May anything leave, or be posted, now at all? Hours, days, close days and the breaker (RULES 4.7).

Each answers with the reason why not, '' if it may. Cash is read, matched and shields all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from connector.policy import Calendar, Policy

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def why_quiet(calendar: Calendar, at: datetime) -> str:
    """Why may no mail leave at this time? `at` is in the ledger's zone; first and last minute are both allowed."""
    on = at.date()
    if on in calendar.no_send_on:
        return f"no mail leaves on {on}: the policy's no_send_on names that day"
    if on.weekday() not in calendar.send_weekdays:
        return f"no mail leaves on a {_DAYS[on.weekday()]}"
    clock = at.time().replace(microsecond=0, tzinfo=None)
    if not calendar.send_from <= clock <= calendar.send_until:
        return f"mail leaves between {calendar.send_from:%H:%M} and {calendar.send_until:%H:%M}; it is {clock:%H:%M}"
    return ""


def why_frozen(calendar: Calendar, on: date) -> str:
    """Why may nothing be posted on this day? First and last day of a freeze belong to it."""
    for first_on, last_on in calendar.no_posting:
        if first_on <= on <= last_on:
            return f"posting waits from {first_on} to {last_on}: the policy's no_posting"
    return ""


def why_too_many(what: str, count: int, earlier: Iterable[int], policy: Policy) -> str:
    """Why does a person have to look before more go out today; '' while the number is an ordinary one.

    `count` is what went out today and what is about to; `earlier` the counts of the last 30 days. Days on which nothing
    went out say nothing about what is ordinary and are left out. Never below `breaker_at_least`.
    """
    twice_median = _twice_median(earlier)
    most = max(policy.breaker_factor * twice_median // 2, policy.breaker_at_least)
    if count <= most:
        return ""
    return (
        f"{count} {what} in one day are more than {most}, the most that is ordinary; a person looks and lets them go on"
    )


def _twice_median(counts: Iterable[int]) -> int:
    """Two times the median, so that it stays whole."""
    ordered = sorted(count for count in counts if count)
    if not ordered:
        return 0
    middle = len(ordered) // 2
    return ordered[middle] + ordered[middle if len(ordered) % 2 else middle - 1]
