"""What the commands show of the policy at work: one invoice in short, tomorrow's messages, the past under another.

Frozen values, the same for people and for programs; `reports.as_json` prints them. A customer is named by its ERP id, a
mail address by its domain only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.money import Money

# ---- the card of one invoice ----


@dataclass(frozen=True, slots=True)
class PauseRow:
    """Why people keep reminders back; `until` None: its owner ends it. One that doesn't hold is only shown."""

    kind: str
    reason: str
    owner: str
    since: date
    until: date | None = None
    holds: bool = True


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment of the policy beside this invoice: the one that it is in, or one before it that doesn't fit."""

    segment: str
    fits: bool
    reason: str


class CardState(StrEnum):
    """What becomes of one invoice, the first that holds."""

    CLOSED = "closed"
    WAITS = "waits"  # for a fact or a person; `why_not` says for which
    PLANNED = "planned"
    FINISHED = "finished"  # nothing is left to send


@dataclass(frozen=True, slots=True)
class Card:
    """Why, why not, what next and when, of one invoice; `text` is all of it in a few lines, for the ERP's record.

    It tells days and never ages or hours, so that it reads the same until something changes. `step_on` is the first day
    on which the step may leave by the calendar; `to_go_on` what would have to happen for `why_not` to fall away.
    """

    state: CardState
    next: str
    segment: str = ""
    segment_reason: str = ""
    step: str = ""
    step_on: date | None = None
    channel: str = ""
    tone: str = ""
    why_not: str = ""
    to_go_on: str = ""
    pauses: tuple[PauseRow, ...] = ()
    escalation: str = ""
    escalated_to: str = ""
    answer_by: date | None = None
    in_flight: Money | None = None
    policy_version: str = ""
    policy_since: date | None = None
    text: str = ""


# ---- connector preview ----


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """One invoice in a message, with its step."""

    invoice: str
    step: str
    due_on: date
    days_past_due: int
    amount: Money
    segment: str


@dataclass(frozen=True, slots=True)
class PreviewMessage:
    """One message just as its reader would see it; `problem` says why it can't be made, with file and line."""

    customer: str
    to_domain: str
    channel: str
    sender: str
    template: str
    items: tuple[PreviewItem, ...]
    subject: str = ""
    text: str = ""
    html: str = ""
    copies: int = 0  # how many more people get it
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PreviewHeld:
    """A step that is due and would not leave."""

    invoice: str
    customer: str
    step: str
    amount: Money
    verdict: str
    reason: str
    segment: str


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """What would leave on a day. `assumed` says what was taken for granted; nothing was written."""

    as_of: datetime
    on: date
    at: datetime
    policy_version: str
    send: str
    messages: tuple[PreviewMessage, ...] = ()
    held: tuple[PreviewHeld, ...] = ()
    assumed: tuple[str, ...] = ()
    mailed: tuple[PreviewSent, ...] = ()  # to whoever asked for it


@dataclass(frozen=True, slots=True)
class PreviewSent:
    """One message that was mailed to whoever asked for it, or was not and why."""

    customer: str
    subject: str
    is_sent: bool
    detail: str = ""


# ---- connector backtest ----


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure under the policy of today and under the other."""

    name: str
    present: int | Decimal
    proposed: int | Decimal


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One kind of thing under both: `added` are only under the other policy, `removed` only under that of today."""

    name: str
    present: int
    proposed: int
    added: int
    removed: int
    segment: str = ""


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One send or hand-over that only one of the two has; `change` is added, removed or changed."""

    change: str
    what: str  # a send or a hand-over
    on: date
    customer: str
    invoice: str
    amount: Money
    segment: str
    text: str


@dataclass(frozen=True, slots=True)
class BucketRow:
    """What was overdue of what is alike (M27): the mean of the period's month ends, with its share of all."""

    currency: str
    tier: str
    billing_model: str
    contract_type: str
    history: str
    value: str  # of the invoice as billed
    customers: int
    overdue: Money
    share: Decimal  # percent
    running: Decimal  # percent, this and all larger ones


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What two policies would have done between two days, on the same past.

    `figures` begin with what must be none: who would have been chased after having paid, or while it was disputed.
    """

    as_of: datetime
    first_on: date
    last_on: date
    present: str
    proposed: str
    invoices: int
    customers: int
    figures: tuple[FigureRow, ...] = ()
    steps: tuple[DifferenceRow, ...] = ()
    tones: tuple[DifferenceRow, ...] = ()
    hand_overs: tuple[DifferenceRow, ...] = ()
    held: tuple[FigureRow, ...] = ()
    touches: tuple[FigureRow, ...] = ()
    weeks: tuple[FigureRow, ...] = ()
    examples: tuple[ExampleRow, ...] = ()
    buckets: tuple[BucketRow, ...] = ()
    notes: tuple[str, ...] = ()
