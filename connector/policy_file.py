"""mappings/policy.yaml -> a Policy; what makes no sense is refused, with file, line and what is probably meant.

A key that is left out has the value of the file in the repository, so that an old file never lets out what a new rule
holds back. (`Policy()` in code has no such caution: there every limit is an argument.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from connector import mapping
from connector.mapping import Part, like
from connector.money import Money, MoneyError, exponent
from connector.policy import (
    PROOFS,
    Approvals,
    BacklogChoice,
    BacklogLimits,
    Calendar,
    ClosedPeriod,
    Courtesy,
    Deed,
    EscalationRule,
    Freshness,
    MatchingLimits,
    Policy,
    Role,
    Step,
    Switch,
    Trust,
)
from connector.receivables import ExceptionKind, Rung

# The neutral text for old overdue invoices, if `backlog` is statement.
STATEMENT_TEMPLATE = "statement"

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
Days = Annotated[int, Field(ge=0, le=365)]
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class StepPart(Part):
    """One reminder of the cadence."""

    days: int = Field(ge=-90, le=365, description="Calendar days from the due date; negative is before it, 0 the day.")
    template: str = Field(min_length=1, description="Name of the text in templates/.")
    sender: str = Field(min_length=1, description="One of the names under `senders`.")
    name: str = Field(default="", description="How reports call the step; left out, it is the days with their sign.")


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


class ApprovalsPart(Part):
    """Who answers what waits. Nobody is named: nobody may."""

    roles: dict[str, RolePart] = Field(default={}, description="Name of a role -> what it may answer.")
    people: dict[str, str] = Field(default={}, description="Login name -> the person's role.")


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


class FreezePart(Part):
    """Days on which nothing is posted, both included."""

    first_on: date
    last_on: date


class CalendarPart(Part):
    """When mail leaves and when nothing is posted. Times and days are the ledger's."""

    send_from: Clock = Field(default=time(8), description="No mail leaves earlier in the day.")
    send_until: Clock = Field(default=time(18), description="No mail leaves later in the day.")
    send_weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS[:5]
    no_send_on: tuple[date, ...] = Field(default=(), description="Days on which no mail leaves, such as holidays.")
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


SHIPPED_ESCALATION = (
    EscalationPart(name="strategic customer", days_past_due=1, only_strategic=True),
    EscalationPart(name="renewal", days_past_due=7, renewal_within_days=30),
    EscalationPart(name="large amount", days_past_due=14, min_amount={"USD": Decimal("25000.00")}),
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
    strategic_mail_past_due: bool = Field(
        default=False, description="May strategic customers get reminders after the due date?"
    )
    delivery_evidence: DeliveryPart = DeliveryPart()
    acknowledged_senders: tuple[str, ...] = Field(
        default=(), description="Others who also write to these customers, and may."
    )
    calendar: CalendarPart = CalendarPart()
    breaker: BreakerPart = BreakerPart()


def read_policy(path: Path) -> Policy:
    """Read the policy; its version is a digest of what it says, so comments and spacing do not change it."""
    document = mapping.read(path)
    policy = mapping.validate(document, PolicyFile)
    problems = [
        *_step_problems(policy),
        *_name_problems(policy, path.parent / "templates"),
        *_owner_problems(policy),
        *_money_problems(policy),
        *_trust_problems(policy.trust),
        *_approval_problems(policy.approvals),
        *_escalation_problems(policy),
        *_calendar_problems(policy.calendar),
    ]
    if problems:
        raise document.refusal(problems)
    return _policy(policy)


def policy_schema() -> str:
    """The JSON Schema of policy.yaml for editors; `mappings/policy.schema.json` holds exactly this text."""
    schema = PolicyFile.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _policy(file: PolicyFile) -> Policy:
    canonical = json.dumps(file.model_dump(mode="json"), sort_keys=True)
    freshness = file.freshness.model_dump(exclude={"crm_hours_max"})
    return Policy(
        version=hashlib.sha256(canonical.encode()).hexdigest()[:12],
        steps=tuple(Step(step_name(step), step.days, step.template, step.sender) for step in file.steps),
        senders=tuple(file.senders.items()),
        post=file.post,
        send=file.send,
        courtesy=Courtesy(**file.courtesy.model_dump()),
        matching=_matching(file.matching),
        trust=Trust(frozenset({*file.trust.auto, Rung.BY_PERSON}), file.trust.precision_min),
        approvals=_approvals(file.approvals),
        apply_existing=file.apply_existing,
        freshness=Freshness(**freshness),
        first_contact_step_max=file.first_contact_step_max,
        backlog=file.backlog,
        outage_business_days_max=file.outage_business_days_max,
        shield_min_share_percent=file.shield_min_share_percent,
        open_drop_percent_max=file.open_drop_percent_max,
        min_reminder_balance=_amounts(file.min_reminder_balance),
        closed_period=file.closed_period,
        posting_owners=_owners(file.posting_owner),
        escalation=tuple(_rule(part) for part in file.escalation),
        calendar=_calendar(file.calendar),
        breaker_factor=file.breaker.factor,
        breaker_at_least=file.breaker.at_least,
        needs_delivery_evidence=file.delivery_evidence.required,
        delivered_late_business_days=file.delivery_evidence.late_business_days,
        strategic_mail_past_due=file.strategic_mail_past_due,
        acknowledged_senders=file.acknowledged_senders,
        backlog_limits=BacklogLimits(
            file.backlog_limits.customers_a_day_max,
            file.backlog_limits.days_past_due_max,
            _amounts(file.backlog_limits.amount_max),
        ),
        crm_hours_max=file.freshness.crm_hours_max,
    )


def _amounts(by_currency: Mapping[str, Decimal]) -> tuple[Money, ...]:
    return tuple(Money.of(amount, code) for code, amount in by_currency.items())


def _owners(given: Mapping[str, Owner] | None) -> tuple[tuple[str, str], ...]:
    """Not chosen yet: as if it were us, so that shadow shows what we would do. A currency that is not named: not us."""
    if given is None:
        return (("*", "us"),)
    return tuple(({"*": "other"} | dict(given)).items())


def _matching(part: MatchingPart) -> MatchingLimits:
    return MatchingLimits(
        accidental_fit_one_in=part.accidental_fit_one_in,
        work_max=part.work_max,
        tolerance=_amounts(part.tolerance),
        wire_fee_max=_amounts(part.wire_fee_max),
        discount_grace_days=part.discount_grace_days,
        apply_credits=part.apply_credits,
    )


def _approvals(part: ApprovalsPart) -> Approvals:
    roles = tuple(
        Role(name, frozenset(role.may), _amounts(role.amount_max), frozenset(role.only), role.confirms_bank_accounts)
        for name, role in part.roles.items()
    )
    return Approvals(tuple(part.people.items()), roles)


def _rule(part: EscalationPart) -> EscalationRule:
    return EscalationRule(
        name=part.name,
        days_past_due_min=part.days_past_due,
        min_amounts=_amounts(part.min_amount),
        only_strategic=part.only_strategic,
        renewal_within_days=part.renewal_within_days,
        stops_mail=part.stops_mail,
    )


def _calendar(part: CalendarPart) -> Calendar:
    return Calendar(
        send_from=part.send_from,
        send_until=part.send_until,
        send_weekdays=frozenset(WEEKDAYS.index(day) for day in part.send_weekdays),
        no_send_on=frozenset(part.no_send_on),
        no_posting=tuple((freeze.first_on, freeze.last_on) for freeze in part.no_posting),
    )


def step_name(step: StepPart) -> str:
    """'-7', '0', '+14', unless the file gives a name."""
    return step.name or (f"{step.days:+d}" if step.days else "0")


def _step_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    for index, (before, step) in enumerate(zip(file.steps, file.steps[1:], strict=False), start=1):
        if step.days <= before.days:
            yield (
                ("steps", index, "days"),
                f"{step.days} must be later than the step before it ({before.days}); put the steps in order of days",
            )
    names = [step_name(step) for step in file.steps]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("steps", index, "name"), f"{name!r} is already the name of step {names.index(name) + 1}"
    if file.first_contact_step_max not in names:
        yield (
            ("first_contact_step_max",),
            f"{file.first_contact_step_max!r} is no step; the steps are {', '.join(names)}",
        )


def _name_problems(file: PolicyFile, templates: Path) -> Iterator[tuple[mapping.Loc, str]]:
    known = {item.name.split(".", 1)[0] for item in templates.glob("[!_.]*.*")}
    used: list[tuple[mapping.Loc, StepPart | CourtesyPart]] = [
        *((("steps", index), step) for index, step in enumerate(file.steps)),
        (("courtesy",), file.courtesy),
    ]
    if file.backlog is BacklogChoice.STATEMENT and STATEMENT_TEMPLATE not in known:
        yield ("backlog",), f"statement needs a template {STATEMENT_TEMPLATE!r}; put one into {templates}"
    for loc, part in used:
        if part.template not in known:
            near = mapping.did_you_mean(part.template, known)
            hint = f"; did you mean {near!r}?" if near else f"; put one into {templates}"
            yield (*loc, "template"), f"there is no template {part.template!r}{hint}"
        if part.sender not in file.senders:
            near = mapping.did_you_mean(part.sender, file.senders)
            hint = f"; did you mean {near!r}?" if near else "; add it under senders"
            yield (*loc, "sender"), f"there is no sender {part.sender!r}{hint}"


def _owner_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    owners = file.posting_owner or {}
    if file.post is Switch.AUTO and "us" not in owners.values():
        yield (
            ("post",),
            "auto needs posting_owner: us, so that payments are not posted twice; "
            "if somebody else posts them (Stripe's own connector, a person), leave post at suggest",
        )
    for code in owners.keys() - {"*"}:
        try:
            exponent(code)
        except MoneyError as error:
            yield ("posting_owner", code), str(error)


def _money_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    places: list[tuple[mapping.Loc, Amounts]] = [
        (("min_reminder_balance",), file.min_reminder_balance),
        (("backlog_limits", "amount_max"), file.backlog_limits.amount_max),
        (("matching", "tolerance"), file.matching.tolerance),
        (("matching", "wire_fee_max"), file.matching.wire_fee_max),
        *((("approvals", "roles", name, "amount_max"), role.amount_max) for name, role in file.approvals.roles.items()),
        *((("escalation", index, "min_amount"), part.min_amount) for index, part in enumerate(file.escalation)),
    ]
    for loc, amounts in places:
        for code, amount in amounts.items():
            try:
                if Money.of(amount, code) < Money.zero(code):
                    yield (*loc, code), "must not be negative"
            except MoneyError as error:
                yield (*loc, code), str(error)


def _trust_problems(part: TrustPart) -> Iterator[tuple[mapping.Loc, str]]:
    for index, rung in enumerate(part.auto):
        if rung is Rung.BY_PERSON:
            yield ("trust", "auto", index), "what a person decides is always posted; take by_person out of the list"


def _approval_problems(part: ApprovalsPart) -> Iterator[tuple[mapping.Loc, str]]:
    answerable = [member.value for member in (*Rung, *ExceptionKind)]
    for name, role in part.roles.items():
        for index, word in enumerate(role.only):
            if word not in answerable:
                near = mapping.did_you_mean(word, answerable)
                hint = f"; did you mean {near!r}?" if near else "; README.md lists them"
                text = f"{word!r} is neither a class of evidence nor a kind of exception{hint}"
                yield ("approvals", "roles", name, "only", index), text
    for person, name in part.people.items():
        if name not in part.roles:
            near = mapping.did_you_mean(name, part.roles)
            hint = f"; did you mean {near!r}?" if near else "; add it under roles"
            yield ("approvals", "people", person), f"there is no role {name!r}{hint}"


def _escalation_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    for index, part in enumerate(file.escalation):
        before = file.escalation[:index]
        if part.name in [one.name for one in before]:
            yield ("escalation", index, "name"), f"{part.name!r} is there twice"
        elif hider := next((one.name for one in before if _hides(one, part)), ""):
            yield ("escalation", index), f"{part.name!r} can never decide: {hider!r} before it fits whenever it does"


def _hides(first: EscalationPart, second: EscalationPart) -> bool:
    """Does the first rule surely fit whenever the second one does?"""
    near, nearer = first.renewal_within_days, second.renewal_within_days
    return (
        first.days_past_due <= second.days_past_due
        and first.min_amount in ({}, second.min_amount)
        and (not first.only_strategic or second.only_strategic)
        and (near is None or (nearer is not None and nearer <= near))
    )


def _calendar_problems(part: CalendarPart) -> Iterator[tuple[mapping.Loc, str]]:
    if part.send_until <= part.send_from:
        yield (
            ("calendar", "send_until"),
            f"{part.send_until:%H:%M} must be later than send_from ({part.send_from:%H:%M})",
        )
    for index, freeze in enumerate(part.no_posting):
        if freeze.last_on < freeze.first_on:
            text = f"{freeze.last_on} must not be before first_on ({freeze.first_on})"
            yield ("calendar", "no_posting", index, "last_on"), text
