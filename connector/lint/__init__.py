"""The linter: is the policy what finance means, held against the real book? `connector policy check` shows it.

`lint` is of values alone. Red findings would go wrong or surely aren't meant: nothing runs `auto` until they are put
right. Yellow ones are for a person to look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.lint import of_letters, of_policy
from connector.lint.findings import Check, LintFinding, Listed, Severity, are_red, in_short, red
from connector.lint.of_book import Book, Owed, SegmentSums, Survey
from connector.lint.of_letters import Preview
from connector.policy import Policy

__all__ = [
    "Book",
    "Check",
    "LintFinding",
    "Listed",
    "Owed",
    "Preview",
    "SegmentSums",
    "Severity",
    "Survey",
    "are_red",
    "in_short",
    "lint",
]


def lint(
    policy: Policy,
    book: Book,
    previews: Mapping[str, Preview],
    *,
    channels: Sequence[str] = ("email",),
    is_redirected: bool = False,
) -> tuple[LintFinding, ...]:
    """All findings, the red ones first, else in the order of the file. `previews`: what each channel would send;
    `channels`: those that are connected; `is_redirected`: no message reaches a customer.
    """
    survey = Survey(policy, book)
    found = [
        *of_policy.findings(policy, channels, is_redirected),
        *survey.findings(),
        *of_letters.findings(policy, survey, book, previews, is_redirected),
    ]
    if are_red(found) and (autos := of_policy.autos(policy)):
        what = f"{', '.join(autos)} on auto: held back as suggest until every red finding is put right"
        found.append(red(Check.AUTO_WHILE_RED, (), what, "Put the red findings right; the next check lifts it."))
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.RED))
