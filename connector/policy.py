"""The policy as values: what finance decided. `config.py` reads it from mappings/policy.yaml.

Every number here is a person's choice with a documented default; a decision takes the part it needs as an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from connector.money import Money
from connector.receivables import Rung


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
    STATEMENT = "statement"  # one neutral statement per customer, then the next future step
    NEXT_STEP = "next_step"  # start at the next future step


class ClosedPeriod(StrEnum):
    """What happens to money whose day lies in a closed or AR-locked period (RULES 1.4)."""

    HOLD = "hold"
    FIRST_OPEN = "first_open"  # the first day of the first open period; the real day is kept and listed


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


# Evidence that proves itself: it may post from the first day.
PROOFS = frozenset({Rung.STRIPE_LINK, Rung.METADATA, Rung.PRINTED_REFERENCE, Rung.BY_PERSON})


@dataclass(frozen=True, slots=True)
class MatchingLimits:
    """Bounds on what amounts may prove; past them a payment is an exception: a unique sum is not a proof.

    Amounts are by currency; a currency without one has none (zero).
    """

    # Expected number of accidental fits must stay below one in this many.
    accidental_fit_one_in: int = 1000
    # Steps of one search; a payment asks a few. Bounds the worst case in time, the same on every machine.
    work_max: int = 200_000
    tolerance: tuple[Money, ...] = ()  # a residual up to this is proposed for write-off
    wire_fee_max: tuple[Money, ...] = ()  # what a wire may lose to banks on its way
    discount_grace_days: int = 0
    apply_credits: bool = True  # net existing credit memos as RULES 2.1 allows


@dataclass(frozen=True, slots=True)
class Trust:
    """Which evidence may post by itself. `auto`: classes that finance switched on.

    A class that is no proof posts only while it is measured to be right: the lower bound of its precision (Wilson,
    95 %) is at least `precision_min`. Reaching it proposes the switch, and never makes it.
    """

    auto: frozenset[Rung] = PROOFS
    precision_min: Decimal = Decimal("0.99")


class Deed(StrEnum):
    """What people do in the approval queue."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Role:
    """What one role may answer: `may`, up to `amount_max` by currency (none: no limit), of these exception kinds or
    evidence classes (`only` empty: all)."""

    name: str
    may: frozenset[Deed] = frozenset(Deed)
    amount_max: tuple[Money, ...] = ()
    only: frozenset[str] = frozenset()
    confirms_bank_accounts: bool = False


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who may answer what waits: person -> role."""

    people: tuple[tuple[str, str], ...] = ()
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """A reminder leaves only on facts younger than this."""

    erp_minutes_max: int = 60
    payments_minutes_max: int = 30
    statement_business_days_max: int = 1
    reread_seconds_max: int = 120


@dataclass(frozen=True, slots=True)
class BacklogLimits:
    """Past these an invoice of the backlog stays on the worklist, whatever was chosen (RULES 4.5)."""

    customers_a_day_max: int = 20
    days_past_due_max: int = 60
    amount_max: tuple[Money, ...] = ()  # one a currency; none: no limit


@dataclass(frozen=True, slots=True)
class EscalationRule:
    """When a person must look: from this DPD on, if all that is given holds. The first rule that fits decides.

    `stops_mail`: from then on no machine mail leaves about the invoice, since a person is at work.
    """

    name: str
    days_past_due_min: int
    min_amounts: tuple[Money, ...] = ()  # of the askable amount, one a currency; another currency: the rule doesn't fit
    only_strategic: bool = False
    renewal_within_days: int | None = None
    stops_mail: bool = True


@dataclass(frozen=True, slots=True)
class Calendar:
    """When nothing leaves or is posted. Times are in the ledger's zone; cash matches and suppresses all the same."""

    send_from: time = time(0, 0)
    send_until: time = time(23, 59, 59)
    send_weekdays: frozenset[int] = frozenset(range(7))  # Monday is 0
    no_send_on: frozenset[date] = frozenset()
    no_posting: tuple[tuple[date, date], ...] = ()  # first and last day, such as close days


@dataclass(frozen=True, slots=True)
class Policy:
    version: str
    steps: tuple[Step, ...]
    senders: tuple[tuple[str, str], ...]  # name -> address
    post: Switch = Switch.SHADOW
    send: Switch = Switch.SHADOW
    courtesy: Courtesy = Courtesy()
    matching: MatchingLimits = MatchingLimits()
    trust: Trust = Trust()
    approvals: Approvals = Approvals()
    apply_existing: bool = False  # may unapplied payments that are in the ERP already be applied by us (RULES 1.9)?
    freshness: Freshness = Freshness()
    first_contact_step_max: str = "+1"
    backlog: BacklogChoice = BacklogChoice.WORKLIST
    outage_business_days_max: int = 3
    shield_min_share_percent: int = 50
    open_drop_percent_max: int = 10
    min_reminder_balance: tuple[Money, ...] = field(default=())
    closed_period: ClosedPeriod = ClosedPeriod.HOLD
    posting_owners: tuple[tuple[str, str], ...] = (("*", "us"),)  # currency or '*' -> us | other
    escalation: tuple[EscalationRule, ...] = ()
    calendar: Calendar = Calendar()
    breaker_factor: int = 3  # sends or postings of a day above this many times the 30-day median pause
    breaker_at_least: int = 20  # ... but never below this many
    needs_delivery_evidence: bool = False
    delivered_late_business_days: int = 5
    strategic_mail_past_due: bool = False  # may a strategic customer get machine mail after the due date?
    acknowledged_senders: tuple[str, ...] = ()
    backlog_limits: BacklogLimits = BacklogLimits()
    crm_hours_max: int = 24

    def posts(self, currency: str) -> bool:
        """Do we post payments in this currency, or somebody else (RULES 1.10)?"""
        owners = dict(self.posting_owners)
        return owners.get(currency, owners.get("*", "us")) == "us"

    def sender(self, name: str) -> str:
        return dict(self.senders)[name]

    def min_balance(self, currency: str) -> Money:
        for amount in self.min_reminder_balance:
            if amount.currency == currency:
                return amount
        return Money.zero(currency)
