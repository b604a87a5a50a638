"""What the linter says: values that can be shown, exported and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from connector.money import Money

# So many examples stand in a sentence; the export has all of them.
EXAMPLES_MAX = 3

# Where in policy.yaml: keys, and numbers of list entries from 0 on.
Where = tuple[int | str, ...]


class Severity(StrEnum):
    RED = "red"  # would go wrong, or surely isn't what was meant: nothing runs `auto` until it is put right
    YELLOW = "yellow"  # a person should look, and may leave it


class Check(StrEnum):
    """What is looked at. The reference page of the policy has the sentence of each."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Check:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    STARTS_LATE = "starts_late", "A cadence begins after the due date."
    CADENCE_UNUSED = "cadence_unused", "No segment uses a cadence."
    SEGMENT_EMPTY = "segment_empty", "No open invoice is in a segment now."
    SEGMENT_OVERLAP = "segment_overlap", "Open invoices fit several segments; the order decides."
    RULE_UNREACHED = "rule_unreached", "No open invoice could ever come to some escalation rules."
    NEVER_SEEN = "never_seen", "However late they get, no rule shows these invoices to a person."
    NO_ADDRESSEE = "no_addressee", "An escalation goes to somebody who has no address."
    STEP_BEFORE_ISSUE = "step_before_issue", "Terms so short that a step comes before the invoice is issued."
    NO_CONTACT = "no_contact", "Customers who can't be reached by a channel that their segment uses."
    CHANNEL_ABSENT = "channel_absent", "A step uses a channel that isn't connected."
    PLACEHOLDER = "placeholder", "A sender's address can't be anybody's."
    TEMPLATE_BROKEN = "template_broken", "A text can't be made of an invoice of the book."
    AMOUNT_WRONG = "amount_wrong", "A message doesn't name what is asked for, or names another amount."
    LINK_BROKEN = "link_broken", "A link in a message leads nowhere, or not over https."
    PAY_LINK = "pay_link", "Invoices whose pay link is missing or isn't on an allowed domain."
    HOLD_OPEN_ENDED = "hold_open_ended", "Something is held back without an owner or an end."
    NO_HOLIDAYS = "no_holidays", "No calendar of holidays is named."
    AUTO_WHILE_RED = "auto_while_red", "A switch is on `auto`, and red findings hold it back."


@dataclass(frozen=True, slots=True)
class Listed:
    """One record that a finding is about, for the export."""

    customer_id: str
    customer: str
    invoice: str = ""
    amount: Money | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """`what` says it whole, with counts and amounts; `remedy` what to do."""

    severity: Severity
    check: Check
    where: Where
    what: str
    remedy: str
    listed: tuple[Listed, ...] = ()


def red(check: Check, where: Where, what: str, remedy: str, listed: Iterable[Listed] = ()) -> LintFinding:
    return LintFinding(Severity.RED, check, where, what, remedy, tuple(listed))


def yellow(check: Check, where: Where, what: str, remedy: str, listed: Iterable[Listed] = ()) -> LintFinding:
    return LintFinding(Severity.YELLOW, check, where, what, remedy, tuple(listed))


def are_red(findings: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    return tuple(one for one in findings if one.severity is Severity.RED)


def in_short(findings: Iterable[LintFinding]) -> str:
    """Why nothing may run `auto`, as one sentence; '' where nothing is red."""
    found = are_red(findings)
    if not found:
        return ""
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"`connector policy check` is red: {found[0].what}{more}"


class Sums:
    """Counts and sums by currency, and the first few records, of whatever is found."""

    def __init__(self) -> None:
        self.count = 0
        self._minor: dict[str, int] = {}
        self._examples: list[str] = []

    def add(self, amount: Money, example: str) -> None:
        self.add_minor(amount.minor, amount.currency, example)

    def add_minor(self, minor: int, currency: str, example: str) -> None:
        self.count += 1
        self._minor[currency] = self._minor.get(currency, 0) + minor
        if len(self._examples) < EXAMPLES_MAX:
            self._examples.append(example)

    @property
    def amounts(self) -> tuple[Money, ...]:
        return tuple(Money(minor, currency) for currency, minor in sorted(self._minor.items()))

    @property
    def owed(self) -> str:
        return " + ".join(str(amount) for amount in self.amounts) or "nothing"

    @property
    def examples(self) -> str:
        """'such as INV-1, INV-2'; '' without any."""
        return f"such as {', '.join(self._examples)}" if self._examples else ""


def counted(count: int, noun: str) -> str:
    """'1 invoice', '2 invoices', '1,200 invoices'."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
