"""The policy as values: what finance decided. `config.py` reads it from mappings/policy.yaml.

Every number here is a person's choice with a documented default; a decision takes the part it needs as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from connector.money import Money


class Switch(StrEnum):
    """How far the connector may go by itself. A new installation is in shadow for both posting and sending."""

    SHADOW = "shadow"  # decide and record, change nothing outside
    SUGGEST = (
        "suggest"  # for posting: the ERP's saved searches are kept up to date, and a person posts; sending: as shadow
    )
    AUTO = "auto"  # do it


class BacklogChoice(StrEnum):
    """What happens to invoices that were overdue before sending was switched on (RULES 4.5)."""

    WORKLIST = "worklist"  # nothing leaves; people see them
    NEXT_STEP = "next_step"  # start at the next future step


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder of the cadence; `days` counts from the due date, negative before it."""

    name: str
    days: int
    template: str
    sender: str


@dataclass(frozen=True, slots=True)
class Courtesy:
    """The one message for the residual of an almost paid invoice (RULES 2.4)."""

    paid_percent_min: int = 90
    after_days: int = 7
    template: str = "courtesy"
    sender: str = "billing"


@dataclass(frozen=True, slots=True)
class MatchingLimits:
    """Bounds on what amount alone may prove; past them a payment is an exception: a unique sum is not a proof."""

    subset_candidates_max: int = 20
    # Expected number of accidental fits must stay below one in this many.
    accidental_fit_one_in: int = 1000


@dataclass(frozen=True, slots=True)
class Freshness:
    """A reminder leaves only on facts younger than this."""

    erp_minutes_max: int = 60
    payments_minutes_max: int = 30
    reread_seconds_max: int = 120


@dataclass(frozen=True, slots=True)
class Policy:
    version: str
    steps: tuple[Step, ...]
    senders: tuple[tuple[str, str], ...]  # name -> address
    post: Switch = Switch.SHADOW
    send: Switch = Switch.SHADOW
    courtesy: Courtesy = Courtesy()
    matching: MatchingLimits = MatchingLimits()
    freshness: Freshness = Freshness()
    first_contact_step_max: str = "+1"
    backlog: BacklogChoice = BacklogChoice.WORKLIST
    outage_business_days_max: int = 3
    shield_min_share_percent: int = 50
    open_drop_percent_max: int = 10
    min_reminder_balance: tuple[Money, ...] = field(default=())

    def sender(self, name: str) -> str:
        return dict(self.senders)[name]

    def min_balance(self, currency: str) -> Money:
        for amount in self.min_reminder_balance:
            if amount.currency == currency:
                return amount
        return Money.zero(currency)
