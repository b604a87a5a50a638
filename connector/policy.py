"""The policy as values: what finance decided. `config.py` reads it from mappings/policy.yaml.

Every number here is a person's choice with a documented default; a decision takes the part it needs as an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from connector.conditions import Condition
from connector.money import Money
from connector.receivables import PauseKind, Rung


class Switch(StrEnum):
    """How far the connector may go by itself. A new installation is in shadow for both posting and sending."""

    SHADOW = "shadow"  # decide and record, change nothing outside
    SUGGEST = (
        "suggest"  # for posting: the ERP's saved searches are kept up to date, and a person posts; sending: as shadow
    )
    AUTO = "auto"  # do it


_STRICTEST_FIRST = (Switch.SHADOW, Switch.SUGGEST, Switch.AUTO)


def strictest(switches: Iterable[Switch]) -> Switch:
    """An act takes the strictest of its invoices; of none, auto."""
    return min(switches, key=_STRICTEST_FIRST.index, default=Switch.AUTO)


def freest(switches: Iterable[Switch]) -> Switch:
    return max(switches, key=_STRICTEST_FIRST.index, default=Switch.SHADOW)


class BacklogChoice(StrEnum):
    """What happens to invoices that were overdue before sending was switched on (RULES 4.5)."""

    WORKLIST = "worklist"  # nothing leaves; people see them
    STATEMENT = "statement"  # one neutral statement per customer, then the next future step
    NEXT_STEP = "next_step"  # start at the next future step


class ClosedPeriod(StrEnum):
    """What happens to money whose day lies in a closed or AR-locked period (RULES 1.4)."""

    HOLD = "hold"
    FIRST_OPEN = "first_open"  # the first day of the first open period; the real day is kept and listed


class Tone(StrEnum):
    """How firmly a message speaks, gentlest first (M15)."""

    INFORMATIONAL = "informational"
    NEUTRAL = "neutral"
    FIRM = "firm"
    URGENT = "urgent"
    FINAL = "final"


# The channel that every customer has; the others need consent (RULES 5.7).
EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Step:
    """One reminder of a cadence; `days` counts from the due date, negative before it."""

    name: str
    days: int
    template: str
    sender: str
    channel: str = EMAIL
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Cadence:
    """The steps of one workflow, earliest first."""

    name: str
    steps: tuple[Step, ...]


# Steps that no cadence holds: the courtesy message for a residual; the one neutral message about a customer's old
# invoices (RULES 4.5); the one question for detail about disputed lines (RULES 5.3); the word that money came back.
COURTESY_STEP = "courtesy"
STATEMENT_STEP = "statement"
DISPUTE_STEP = "dispute_detail"
RETURNED_STEP = "payment_returned"

DEFAULT = "default"  # the cadence under `steps`, and the segment of whoever fits no other


class Comparing(StrEnum):
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    AT_LEAST = ">="
    MORE = ">"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure held against a bound, such as '>= 2'; what is not known satisfies none."""

    how: Comparing
    bound: Decimal

    def holds(self, figure: Decimal | int | None) -> bool:
        if figure is None:
            return False
        less, equal = figure < self.bound, figure == self.bound
        return {
            Comparing.LESS: less,
            Comparing.AT_MOST: less or equal,
            Comparing.EQUAL: equal,
            Comparing.AT_LEAST: not less,
            Comparing.MORE: not less and not equal,
        }[self.how]

    def __str__(self) -> str:
        return f"{self.how.value} {self.bound}"


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a segment asks for: all that is given must hold; nothing given holds for everybody.

    Words are compared without regard to case. Amounts are by currency: one without an entry doesn't fit.
    """

    tiers: frozenset[str] = frozenset()
    contract_types: frozenset[str] = frozenset()
    billing_models: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()
    min_arr: tuple[Money, ...] = ()
    max_arr: tuple[Money, ...] = ()  # below it
    min_amount: tuple[Money, ...] = ()  # of the invoice as billed
    max_amount: tuple[Money, ...] = ()  # below it
    late_last_quarter: Comparison | None = None
    average_days_late: Comparison | None = None
    disputes_last_year: Comparison | None = None
    settled_count: Comparison | None = None
    is_strategic: bool | None = None
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers and invoices that are treated alike. None: as the policy says for all."""

    name: str
    criteria: Criteria = Criteria()
    reason: str = ""  # why finance made it, shown by `explain`
    cadence: str = DEFAULT
    post: Switch | None = None
    send: Switch | None = None
    backlog: BacklogChoice | None = None
    escalation: tuple[EscalationRule, ...] | None = None
    strategic_mail_past_due: bool | None = None


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
    approves_policy: bool = False


class PolicyApproval(StrEnum):
    """How many people it takes until a policy may run `auto` (RULES 7)."""

    TWO_PEOPLE = "two_people"  # who proposed it can't approve it
    ONE_PERSON = "one_person"


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who may answer what waits: person -> role."""

    people: tuple[tuple[str, str], ...] = ()
    roles: tuple[Role, ...] = ()
    policy: PolicyApproval = PolicyApproval.TWO_PEOPLE


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


class LadderRung(StrEnum):
    """The ladder above the machine's mail, lowest first (M30)."""

    FLAG = "flag"  # the account manager is told
    CALL = "call"  # somebody calls the customer
    AGENCY = "agency"  # proposed for an agency; only the controller hands it over (RULES 5.5)


class Addressee(StrEnum):
    """Who an escalation goes to (M39). An owner who is missing or inactive falls back to finance."""

    ACCOUNT_MANAGER = "account_manager"  # whom the CRM names
    COLLECTIONS = "collections"
    LEADERSHIP = "leadership"
    FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class EscalationRule:
    """When a person must look: from this DPD on, if all that is given holds. The first rule that fits decides.

    `stops_mail`: from then on no machine mail leaves about the invoice, since a person is at work.
    """

    name: str
    days_past_due_min: int
    min_amounts: tuple[Money, ...] = ()  # as billed, one a currency; in another currency the rule doesn't fit
    only_strategic: bool = False
    renewal_within_days: int | None = None
    stops_mail: bool = True
    tiers: frozenset[str] = frozenset()
    disputed_before: bool = False  # only customers who disputed an invoice within the last year (M36)
    rung: LadderRung = LadderRung.FLAG
    to: Addressee = Addressee.ACCOUNT_MANAGER


@dataclass(frozen=True, slots=True)
class HandOff:
    """What becomes of an escalation that nobody answers (RULES 5.5), and the floor under every policy (M38)."""

    answer_within_business_days: int = 2  # then the next one up is told
    people: tuple[tuple[Addressee, str], ...] = ()  # address of each role that the CRM doesn't name
    # An invoice of this much or more is shown to leadership at this DPD if no person has touched it, held or not.
    unseen_amount: tuple[Money, ...] = (Money(10_000_000, "USD"),)
    unseen_days_past_due: int = 45


@dataclass(frozen=True, slots=True)
class PauseRule:
    """What is demanded of one kind of pause: whose it is and when it ends, where the ERP's fields don't say."""

    kind: PauseKind
    owner: str = "finance"
    days_max: int = 30  # from its first day; past it its owner is told, every week, until somebody acts


@dataclass(frozen=True, slots=True)
class Exceptions:
    """How what is not ordinary goes on (M41-M53, RULES 5.3, 5.4, 5.6); calendar days unless named otherwise."""

    pauses: tuple[PauseRule, ...] = tuple(PauseRule(kind) for kind in PauseKind)
    dispute_ping_after_days: int = 7  # no detail by then: the customer is asked for it, once
    dispute_resume_business_days: int = 5  # after it was rejected
    promise_grace_business_days: int = 3
    promises_max: int = 2  # an invoice
    conversation_business_days: int = 5
    returned_grace_days: int = 3  # after money came back, before the customer is told
    returned_is_reversed: bool = True  # where posting is auto: taken back in the ERP by us; else a person does it
    # An overdue invoice that nothing happened to for so long is shown to a person, whatever the reason (M53).
    stalled_days: int = 14
    stalled_days_past_due: int = 14

    def rule(self, kind: PauseKind) -> PauseRule:
        return next((one for one in self.pauses if one.kind is kind), PauseRule(kind))


@dataclass(frozen=True, slots=True)
class Politeness:
    """How much one contact may hear from us in seven days, over all invoices and customers that share it."""

    messages_a_week_max: int = 7
    new_address_days: int = 7  # an address changed since: more than the amount waits (RULES 5.2)
    new_address_amount: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """One way to reach customers. E-mail is always on; where a message surely failed, `fallback` gets it, once."""

    name: str
    is_on: bool = False
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When nothing leaves or is posted; cash matches and suppresses all the same.

    Send times are in the customer's own zone where it is known, else in the ledger's. `holidays`: country or financial
    calendar, such as US, DE-BY or ECB, whose holidays are no business days and on which nothing leaves.
    """

    send_from: time = time(0, 0)
    send_until: time = time(23, 59, 59)
    send_weekdays: frozenset[int] = frozenset(range(7))  # Monday is 0
    no_send_on: frozenset[date] = frozenset()
    no_posting: tuple[tuple[date, date], ...] = ()  # first and last day, such as close days
    holidays: tuple[str, ...] = ()
    working_days: frozenset[date] = frozenset()  # business days here, whatever weekday and calendar say
    customers_zone: bool = True


@dataclass(frozen=True)
class Policy:
    """Everything that finance decided. `of` is the policy as one segment sees it: decisions take that one."""

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
    cadences: tuple[Cadence, ...] = ()  # beside `steps`, which is the default one
    segments: tuple[Segment, ...] = ()  # the first that fits decides; whoever fits none is in the default one
    segment: str = DEFAULT  # of which this is the policy
    exceptions: Exceptions = Exceptions()
    hand_off: HandOff = HandOff()
    politeness: Politeness = Politeness()
    bcc_account_manager: bool = False  # does whoever the CRM names get a blind copy of each message (RULES 5.2)?
    channels: tuple[ChannelRule, ...] = (ChannelRule(EMAIL, is_on=True),)

    def of(self, segment: str) -> Policy:
        """The policy as this segment sees it; of a segment that is gone, as everybody sees it."""
        return self._by_segment.get(segment, self)

    @cached_property
    def _by_segment(self) -> dict[str, Policy]:
        return {one.name: self._in_segment(one) for one in self.segments}

    def _in_segment(self, one: Segment) -> Policy:
        steps = next((cadence.steps for cadence in self.cadences if cadence.name == one.cadence), self.steps)
        return replace(
            self,
            segment=one.name,
            segments=(),
            steps=steps,
            first_contact_step_max=self._first_contact(steps),
            post=self.post if one.post is None else one.post,
            send=self.send if one.send is None else one.send,
            backlog=self.backlog if one.backlog is None else one.backlog,
            escalation=self.escalation if one.escalation is None else one.escalation,
            strategic_mail_past_due=(
                self.strategic_mail_past_due if one.strategic_mail_past_due is None else one.strategic_mail_past_due
            ),
        )

    def _first_contact(self, steps: Sequence[Step]) -> str:
        """The gentlest word that another cadence has about an overdue invoice, else its last."""
        latest = next((step.days for step in self.steps if step.name == self.first_contact_step_max), 1)
        return next((step.name for step in steps if step.days >= latest), steps[-1].name)

    @cached_property
    def step_names(self) -> frozenset[str]:
        """Of all cadences."""
        return frozenset(step.name for one in (Cadence(DEFAULT, self.steps), *self.cadences) for step in one.steps)

    def as_if_sending(self) -> Policy:
        """The same with every segment sending by itself: what `preview` and `backtest` decide by."""
        return replace(self, send=Switch.AUTO, segments=tuple(replace(one, send=None) for one in self.segments))

    @property
    def everywhere(self) -> tuple[Policy, ...]:
        """The policy of every segment, the default one first."""
        return (self, *self._by_segment.values())

    def switched(self, what: str) -> str:
        """How far `post` or `send` may go: 'auto', or what differs by segment: 'suggest for default; auto for smb'."""
        found = [(each.segment, each.post if what == "post" else each.send) for each in self.everywhere]
        named = {switch: ", ".join(segment for segment, one in found if one is switch) for switch in Switch}
        told = [f"{switch.value} for {names}" for switch, names in named.items() if names]
        return found[0][1].value if len(told) == 1 else "; ".join(told)

    def channel(self, name: str) -> ChannelRule:
        return next((one for one in self.channels if one.name == name), ChannelRule(name))

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
