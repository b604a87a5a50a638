"""May anything be posted now, and may so much leave in one day? Close days and the breaker (RULES 4.7).

Each answers with the reason why not, '' if it may. Cash is read, matched and shields all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from connector.policy import Calendar, Policy


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
