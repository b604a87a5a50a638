"""The keys of mappings/policy.yaml: kinds, bounds, defaults and what each is for, as editors and the reference show it.

A key that is left out has the value of the file in the repository, so that an old file never lets out what a new rule
holds back; without `segments` everybody is treated as everybody was. (`Policy()` in code has no such caution: there
every limit is an argument.)
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from connector.mapping import Part, like
from connector.policy import (
    DEFAULT,
    EMAIL,
    PROOFS,
    Addressee,
    BacklogChoice,
    ClosedPeriod,
    Deed,
    LadderRung,
    PolicyApproval,
    Switch,
    Tone,
)
from connector.receivables import Rung

Address = Annotated[str, like(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", "one mail address such as billing@shop.example")]
Amounts = dict[str, Decimal]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Owner = Literal["us", "other"]


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("must be a time without a zone, such as 08:00; it is the ledger's")
    return value


Clock = Annotated[time, AfterValidator(_without_zone)]
# One word stands for all currencies.
Owners = Annotated[
    dict[str, Owner],
    BeforeValidator(
        lambda value: {"*": value} if isinstance(value, str) else value, json_schema_input_type=Owner | dict[str, Owner]
    ),
]
Percent = Annotated[int, Field(ge=0, le=100)]
# Held against a figure that is counted. In quotes, since YAML has a meaning of its own for '>'.
COMPARISON = r"(<=|>=|==|<|>) *(-?\d+(?:\.\d+)?)"
Compared = Annotated[
    str,
    like(COMPARISON, 'a comparison in quotes, such as ">= 2" or "== 0"'),
    Field(json_schema_extra={"pattern": f"^{COMPARISON}$"}),
]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
# What a message can leave by. E-mail is always on.
CHANNELS = (EMAIL, "sms")
Days = Annotated[int, Field(ge=0, le=365)]
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class StepPart(Part):
    """One reminder of the cadence."""

    days: int = Field(ge=-90, le=365, description="Calendar days from the due date; negative is before it, 0 the day.")
    template: str = Field(min_length=1, description="Name of the text in templates/.")
    sender: str = Field(min_length=1, description="One of the names under `senders`.")
    name: str = Field(default="", description="How reports call the step; left out, it is the days with their sign.")
    channel: str = Field(default=EMAIL, description="By what it leaves: email, or another that is on in `channels`.")
    tone: Tone = Field(default=Tone.NEUTRAL, description="How firmly the text speaks; reports and checks show it.")


def step_name(step: StepPart) -> str:
    """'-7', '0', '+14', unless the file gives a name."""
    return step.name or (f"{step.days:+d}" if step.days else "0")


class CourtesyPart(Part):
    """The one message for the rest of an almost paid invoice."""

    paid_percent_min: Percent = Field(default=90, description="From this share paid on, escalation stops.")
    after_days: Days = Field(default=7, description="Days after the payment until the courtesy message.")
    template: str = Field(default="courtesy", min_length=1, description="Name of the text in templates/.")
    sender: str = Field(default="billing", min_length=1, description="One of the names under `senders`.")


class MatchingPart(Part):
    """How much an amount may prove, and what may stay open on an invoice that was paid."""

    accidental_fit_one_in: int = Field(default=1000, ge=10, description="A sum counts if chance fits rarer than this.")
    work_max: int = Field(
        default=200_000, ge=10_000, le=1_000_000_000, description="Steps of one search at most; a payment asks a few."
    )
    tolerance: Amounts = Field(default={}, description="Currency -> a rest up to this is proposed for write-off.")
    wire_fee_max: Amounts = Field(default={}, description="Currency -> what banks may keep of a wire on its way.")
    discount_grace_days: int = Field(default=0, ge=0, le=30, description="Days after a discount's day it still counts.")
    apply_credits: bool = Field(default=True, description="Credit memos that exist may be used beside a payment.")


class TrustPart(Part):
    """Which evidence is applied without asking anybody."""

    auto: tuple[Rung, ...] = Field(
        default=tuple(rung for rung in Rung if rung in PROOFS - {Rung.BY_PERSON}),
        description="Classes of evidence that are posted by themselves; all others wait in the approval queue.",
    )
    precision_min: Decimal = Field(
        default=Decimal("0.99"), ge=0, le=1, description="A class that is no proof must be right at least so often."
    )


class RolePart(Part):
    """What the people of one role may answer in the approval queue."""

    may: Annotated[tuple[Deed, ...], Field(min_length=1)] = Field(
        default=tuple(Deed), description="What they may do: approve, edit, reject."
    )
    amount_max: Amounts = Field(
        default={}, description="Currency -> the largest payment they answer; others they don't. Left out: any payment."
    )
    only: tuple[str, ...] = Field(
        default=(), description="Evidence classes and exception kinds that they answer. Left out: all."
    )
    confirms_bank_accounts: bool = Field(
        default=False, description="They confirm, as the second person, whose bank account this is."
    )
    approves_policy: bool = Field(default=False, description="They approve a policy, so that it may run `auto`.")


class ApprovalsPart(Part):
    """Who answers what waits. Nobody is named: nobody may."""

    roles: dict[str, RolePart] = Field(default={}, description="Name of a role -> what it may answer.")
    people: dict[str, str] = Field(default={}, description="Login name -> the person's role.")
    policy: PolicyApproval = Field(
        default=PolicyApproval.TWO_PEOPLE,
        description="Until a policy runs `auto`: its author and another, or one alone.",
    )


class FreshnessPart(Part):
    """A reminder leaves only on facts younger than this."""

    erp_minutes_max: Minutes = Field(default=60, description="Age of the last read of the ERP at most.")
    payments_minutes_max: Minutes = Field(default=30, description="Age of the last read of payments at most.")
    statement_business_days_max: int = Field(
        default=1, ge=1, le=10, description="Age of the last bank statement at most, in business days."
    )
    reread_seconds_max: int = Field(default=120, ge=5, le=600, description="Age of the last look before a message.")
    crm_hours_max: int = Field(default=24, ge=1, le=24 * 14, description="Age of the last read of the CRM at most.")


class EscalationPart(Part):
    """When a person must look: from this day on, if all that is given holds. The first rule that fits decides."""

    name: str = Field(min_length=1, max_length=60, description="How saved searches and tasks call the rule.")
    days_past_due: int = Field(ge=1, le=365, description="Calendar days past the due date from which the rule counts.")
    min_amount: Amounts = Field(default={}, description="Currency -> what must be open at least; others don't fit.")
    only_strategic: bool = Field(default=False, description="Only customers that the CRM calls strategic.")
    renewal_within_days: Days | None = Field(default=None, description="Only if the contract renews within these days.")
    stops_mail: bool = Field(default=True, description="From then on no reminder leaves; a person is at work.")
    tier_in: Names | None = Field(default=None, description="Only customers of these tiers.")
    disputed_before: bool = Field(default=False, description="Only customers who disputed an invoice in the last year.")
    rung: LadderRung = Field(
        default=LadderRung.FLAG, description="What is done: flag, call, or agency (proposed only)."
    )
    to: Addressee = Field(default=Addressee.ACCOUNT_MANAGER, description="Who is told.")


class SegmentPart(Part):
    """Customers and invoices that are treated alike. All that is named must hold; the first that fits counts."""

    name: str = Field(min_length=1, max_length=60, description="How reports and the ERP call the segment.")
    reason: str = Field(default="", description="Why it is there, for those who read `connector explain`.")
    tier_in: Names | None = Field(default=None, description="The customer's tier is one of these.")
    contract_type_in: Names | None = Field(default=None, description="The type of its contract is one of these.")
    billing_model_in: Names | None = Field(default=None, description="How it is billed is one of these.")
    relationship_in: Names | None = Field(default=None, description="Its relationship to us is one of these.")
    min_arr: Amounts = Field(default={}, description="Currency -> its annual recurring revenue is at least this.")
    max_arr: Amounts = Field(default={}, description="Currency -> its annual recurring revenue is below this.")
    min_amount: Amounts = Field(default={}, description="Currency -> the invoice as billed is at least this.")
    max_amount: Amounts = Field(default={}, description="Currency -> the invoice as billed is below this.")
    late_payments_last_quarter: Compared | None = Field(
        default=None, description="Invoices that it settled late in the last 90 days."
    )
    average_days_late: Compared | None = Field(
        default=None, description="By how many days it settled late, on the average of a year; negative if early."
    )
    disputes_last_year: Compared | None = Field(default=None, description="Invoices of a year that it disputed.")
    settled_invoices: Compared | None = Field(default=None, description="Invoices that it settled within a year.")
    strategic: bool | None = Field(default=None, description="The CRM calls it strategic, or does not.")
    when: str | None = Field(default=None, description="A condition for what the keys above can't say; see README.md.")
    cadence: str = Field(default=DEFAULT, description="One of the names under `cadences`; default is `steps`.")
    post: Switch | None = Field(default=None, description="Posting, for this segment alone.")
    send: Switch | None = Field(default=None, description="Sending, for this segment alone.")
    backlog: BacklogChoice | None = Field(default=None, description="What becomes of its old overdue invoices.")
    escalation: tuple[EscalationPart, ...] | None = Field(
        default=None, description="When a person must look, instead of the rules for everybody; none: []."
    )
    strategic_mail_past_due: bool | None = Field(
        default=None, description="May its strategic customers get reminders after the due date?"
    )


class HandOffPart(Part):
    """What becomes of an escalation that nobody answers, and what is shown to leadership whatever the rules say."""

    answer_within_business_days: int = Field(default=2, ge=1, le=30, description="Then the next one up is told.")
    people: dict[Addressee, Address] = Field(
        default={}, description="Address of each role that the CRM doesn't name: collections, leadership, finance."
    )
    unseen_amount: Amounts = Field(
        default={"USD": Decimal("100000.00")},
        description="Currency -> an invoice of at least this is shown to leadership if nobody has touched it.",
    )
    unseen_days_past_due: int = Field(default=45, ge=1, le=59, description="On which day past due; before the 60th.")


class PausePart(Part):
    """Whose one kind of pause is, and how long it may last where the ERP's own fields don't say."""

    owner: str = Field(min_length=1, max_length=100, default="finance", description="Who looks after it.")
    days_max: int = Field(default=30, ge=1, le=365, description="Past it the owner is told, every week.")


class DisputePart(PausePart):
    """Lines that a customer disputes; the rest of the invoice goes on."""

    ping_after_days: int = Field(default=7, ge=1, le=90, description="No detail by then: the customer is asked, once.")
    resume_business_days: int = Field(default=5, ge=0, le=60, description="After it was rejected, no mail so long.")


class PromisePart(PausePart):
    """A promise to pay."""

    grace_business_days: int = Field(
        default=3, ge=0, le=30, description="It counts as kept if the money comes so late."
    )
    per_invoice_max: int = Field(default=2, ge=1, le=20, description="So many an invoice; no reminder waits for more.")


class ConversationPart(PausePart):
    """Somebody is talking with the customer."""

    business_days: int = Field(default=5, ge=1, le=60, description="A reply holds reminders so long.")


class ReturnedPart(Part):
    """Money that came and went back."""

    grace_days: int = Field(default=3, ge=0, le=30, description="Before the customer is told.")
    reverse: Literal["auto", "person"] = Field(
        default="auto", description="Who takes its applications back in the ERP; auto only where posting is auto."
    )


class StalledPart(Part):
    """An overdue invoice to which nothing happens is shown to a person, whatever the reason."""

    days: int = Field(default=14, ge=1, le=365, description="Nothing happened for so long.")
    days_past_due: int = Field(default=14, ge=1, le=365, description="And it is so late.")


class ExceptionsPart(Part):
    """How what isn't ordinary goes on. None of it moves a due date or the days past due."""

    dispute: DisputePart = DisputePart()
    hold: PausePart = Field(default=PausePart(), description="A person's own reason.")
    usage: PausePart = Field(default=PausePart(), description="What was used isn't signed off.")
    credit_memo: PausePart = Field(default=PausePart(), description="A credit is to come.")
    format_change: PausePart = Field(default=PausePart(), description="The customer wants the invoice in another form.")
    promise: PromisePart = PromisePart()
    plan: PausePart = Field(default=PausePart(), description="A payment plan.")
    conversation: ConversationPart = ConversationPart()
    returned: ReturnedPart = ReturnedPart()
    stalled: StalledPart = StalledPart()


class PolitenessPart(Part):
    """How much one contact may hear from us, over all invoices and customers that share it."""

    messages_a_week_max: int = Field(default=7, ge=1, le=100, description="Messages in seven days at most.")
    new_address_days: int = Field(default=7, ge=0, le=90, description="An address that is younger is new.")
    new_address_amount: Amounts = Field(
        default={"USD": Decimal("25000.00")},
        description="Currency -> more than this is not asked for at a new address.",
    )


class ChannelPart(Part):
    """A way to reach customers beside e-mail. Nobody is reached by it without the day of their consent."""

    is_on: bool = Field(default=False, description="Steps may leave by it.")
    fallback: str = Field(default="", description="What surely failed leaves by this one instead, once.")


class FreezePart(Part):
    """Days on which nothing is posted, both included."""

    first_on: date = Field(description="The first day of it.")
    last_on: date = Field(description="The last day of it.")


class CalendarPart(Part):
    """When mail leaves and when nothing is posted. Days past due are the ledger's, whatever stands here."""

    send_from: Clock = Field(default=time(8), description="No mail leaves earlier in the day.")
    send_until: Clock = Field(default=time(18), description="No mail leaves later in the day.")
    send_weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = Field(
        default=WEEKDAYS[:5], description="On other weekdays no mail leaves."
    )
    no_send_on: tuple[date, ...] = Field(default=(), description="Days on which no mail leaves, such as holidays.")
    holidays: tuple[str, ...] = Field(
        default=(), description="Holiday calendars: a country (US), a part (DE-BY) or a market (ECB, XNYS)."
    )
    working_days: tuple[date, ...] = Field(default=(), description="Days that a calendar calls holidays and we don't.")
    customers_zone: bool = Field(default=True, description="Times are the customer's own where its zone is known.")
    no_posting: tuple[FreezePart, ...] = Field(default=(), description="Days on which nothing is posted: close days.")


class BreakerPart(Part):
    """Far more sends or postings than on an ordinary day wait for a person."""

    factor: int = Field(default=3, ge=1, le=100, description="So many times the median of 30 days is still ordinary.")
    at_least: int = Field(default=20, ge=0, le=100_000, description="So many a day are ordinary in any case.")


class DeliveryPart(Part):
    """No reminder about an invoice that the customer may never have got."""

    required: bool = Field(default=True, description="Nothing leaves without the ERP's evidence of a delivery.")
    late_business_days: int = Field(default=5, ge=0, le=60, description="Delivered late: not called overdue so long.")


class BacklogLimitsPart(Part):
    """Past these an old invoice stays on the worklist, whatever `backlog` says."""

    customers_a_day_max: int = Field(default=20, ge=0, le=10_000, description="Customers who get a statement in a day.")
    days_past_due_max: int = Field(default=60, ge=1, le=3650, description="Older ones are for people only.")
    amount_max: Amounts = Field(default={"USD": Decimal("25000.00")}, description="Larger ones are for people only.")


_LARGE = {"USD": Decimal("25000.00")}
_SIX_FIGURES = {"USD": Decimal("100000.00")}
# The ladder of M30-M40, the highest rung first: the first rule that fits decides.
SHIPPED_ESCALATION = (
    EscalationPart(name="strategic customer", days_past_due=1, only_strategic=True),
    EscalationPart(name="agency", days_past_due=90, rung=LadderRung.AGENCY, to=Addressee.FINANCE),
    EscalationPart(
        name="six figures", days_past_due=30, min_amount=_SIX_FIGURES, rung=LadderRung.CALL, to=Addressee.LEADERSHIP
    ),
    EscalationPart(
        name="large amount, call", days_past_due=30, min_amount=_LARGE, rung=LadderRung.CALL, to=Addressee.COLLECTIONS
    ),
    EscalationPart(
        name="disputed before", days_past_due=7, min_amount=_LARGE, tier_in=("enterprise",), disputed_before=True
    ),
    EscalationPart(name="renewal", days_past_due=7, renewal_within_days=30),
    EscalationPart(name="large amount", days_past_due=14, min_amount=_LARGE),
    EscalationPart(name="call", days_past_due=45, rung=LadderRung.CALL, to=Addressee.COLLECTIONS),
    EscalationPart(name="long overdue", days_past_due=30, stops_mail=False),
)


class PolicyFile(Part):
    """mappings/policy.yaml: what finance decides."""

    post: Switch = Field(default=Switch.SHADOW, description="How far posting to the ERP may go by itself.")
    send: Switch = Field(default=Switch.SHADOW, description="How far sending reminders may go by itself.")
    posting_owner: Owners | None = Field(
        default=None, description="Who posts customer payments: us or other, for all or by currency."
    )
    closed_period: ClosedPeriod = Field(
        default=ClosedPeriod.HOLD, description="What happens to money whose day lies in a closed period."
    )
    steps: Annotated[tuple[StepPart, ...], Field(min_length=1)] = Field(description="The cadence, earliest step first.")
    cadences: dict[str, Annotated[tuple[StepPart, ...], Field(min_length=1)]] = Field(
        default={}, description="Name -> the steps of another cadence, for segments."
    )
    segments: tuple[SegmentPart, ...] = Field(
        default=(), description="Who is treated alike; the first that fits counts, whoever fits none gets `steps`."
    )
    senders: dict[str, Address] = Field(description="Name -> address mail comes from.")
    courtesy: CourtesyPart = CourtesyPart()
    matching: MatchingPart = MatchingPart()
    trust: TrustPart = TrustPart()
    approvals: ApprovalsPart = ApprovalsPart()
    apply_existing: bool = Field(
        default=False, description="Unapplied payments that people entered in the ERP may be applied by us."
    )
    freshness: FreshnessPart = FreshnessPart()
    first_contact_step_max: str = Field(default="+1", description="First contact is never firmer than this step.")
    backlog: BacklogChoice = Field(
        default=BacklogChoice.WORKLIST, description="What happens to invoices overdue at go-live."
    )
    outage_business_days_max: int = Field(default=3, ge=1, le=30, description="A longer outage makes a backlog.")
    shield_min_share_percent: Percent = Field(default=50, description="Unmatched money that covers this share shields.")
    open_drop_percent_max: Percent = Field(default=10, description="A bigger drop of open invoices stops everything.")
    min_reminder_balance: Amounts = Field(default={}, description="Currency -> balance below which nobody is reminded.")
    backlog_limits: BacklogLimitsPart = BacklogLimitsPart()
    escalation: tuple[EscalationPart, ...] = Field(
        default=SHIPPED_ESCALATION, description="When a person must look; the first rule that fits decides."
    )
    hand_off: HandOffPart = HandOffPart()
    strategic_mail_past_due: bool = Field(
        default=False, description="May strategic customers get reminders after the due date?"
    )
    exceptions: ExceptionsPart = ExceptionsPart()
    politeness: PolitenessPart = PolitenessPart()
    bcc_account_manager: bool = Field(
        default=False, description="Whom the CRM names for a customer gets a blind copy of each of its e-mails."
    )
    channels: dict[str, ChannelPart] = Field(
        default={"sms": ChannelPart(fallback=EMAIL)}, description="Channel -> how it is used; e-mail is always on."
    )
    delivery_evidence: DeliveryPart = DeliveryPart()
    acknowledged_senders: tuple[str, ...] = Field(
        default=(), description="Others who also write to these customers, and may."
    )
    calendar: CalendarPart = CalendarPart()
    breaker: BreakerPart = BreakerPart()
