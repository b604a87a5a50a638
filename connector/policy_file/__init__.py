"""mappings/policy.yaml -> a Policy; what makes no sense is refused, with file, line and what is probably meant.

`parts` are the file's keys, `problems` what is wrong with them together; here they are read and made into values.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from connector import mapping
from connector.conditions import Condition
from connector.money import Money
from connector.policy import (
    EMAIL,
    Approvals,
    BacklogLimits,
    Cadence,
    Calendar,
    ChannelRule,
    Comparing,
    Comparison,
    Courtesy,
    Criteria,
    EscalationRule,
    Exceptions,
    Freshness,
    HandOff,
    MatchingLimits,
    PauseRule,
    Policy,
    Politeness,
    Role,
    Segment,
    Step,
    Trust,
)
from connector.policy_file.parts import (
    COMPARISON,
    WEEKDAYS,
    ApprovalsPart,
    CalendarPart,
    ChannelPart,
    EscalationPart,
    ExceptionsPart,
    HandOffPart,
    MatchingPart,
    Owner,
    PolitenessPart,
    SegmentPart,
    StepPart,
    step_name,
)
from connector.policy_file.parts import PolicyFile as PolicyFile
from connector.policy_file.problems import hidden_segments, problems
from connector.receivables import PauseKind, Rung


def read_policy(path: Path, templates: Path | None = None) -> Policy:
    """Read the policy; its version is a digest of what it says, so comments and spacing do not change it.

    `templates`: the folder of the texts that it names; None is `templates` beside the file.
    """
    texts = templates or path.parent / "templates"
    try:
        written = path.read_bytes()
    except OSError:
        written = b""  # told with its reason by whoever reads it
    return _read(path, written, texts, frozenset(item.name for item in texts.glob("*")))


@lru_cache(maxsize=16)
def _read(path: Path, written: bytes, texts: Path, names: frozenset[str]) -> Policy:
    """Parsed once for what stands there and beside it: many a question to the store needs the policy too."""
    document = mapping.read(path)
    file = mapping.validate(document, PolicyFile)
    if found := list(problems(file, texts)):
        raise document.refusal(found)
    policy = _policy(file)
    if hidden := list(hidden_segments({one.name: one.criteria for one in policy.segments})):
        raise document.refusal(hidden)
    return policy


def policy_schema() -> str:
    """The JSON Schema of policy.yaml for editors; `mappings/policy.schema.json` holds exactly this text."""
    schema = PolicyFile.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _policy(file: PolicyFile) -> Policy:
    canonical = json.dumps(file.model_dump(mode="json"), sort_keys=True)
    freshness = file.freshness.model_dump(exclude={"crm_hours_max"})
    return Policy(
        version=hashlib.sha256(canonical.encode()).hexdigest()[:12],
        steps=_steps(file.steps),
        cadences=tuple(Cadence(name, _steps(steps)) for name, steps in file.cadences.items()),
        segments=tuple(_segment(part) for part in file.segments),
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
        exceptions=_exceptions(file.exceptions),
        hand_off=_hand_off(file.hand_off),
        politeness=_politeness(file.politeness),
        bcc_account_manager=file.bcc_account_manager,
        channels=_channels(file.channels),
    )


def _steps(parts: Iterable[StepPart]) -> tuple[Step, ...]:
    return tuple(
        Step(step_name(part), part.days, part.template, part.sender, part.channel, part.tone) for part in parts
    )


def _segment(part: SegmentPart) -> Segment:
    criteria = Criteria(
        tiers=_words(part.tier_in),
        contract_types=_words(part.contract_type_in),
        billing_models=_words(part.billing_model_in),
        relationships=_words(part.relationship_in),
        min_arr=_amounts(part.min_arr),
        max_arr=_amounts(part.max_arr),
        min_amount=_amounts(part.min_amount),
        max_amount=_amounts(part.max_amount),
        late_last_quarter=_comparison(part.late_payments_last_quarter),
        average_days_late=_comparison(part.average_days_late),
        disputes_last_year=_comparison(part.disputes_last_year),
        settled_count=_comparison(part.settled_invoices),
        is_strategic=part.strategic,
        when=None if part.when is None else Condition(part.when),
    )
    return Segment(
        name=part.name,
        criteria=criteria,
        reason=part.reason,
        cadence=part.cadence,
        post=part.post,
        send=part.send,
        backlog=part.backlog,
        escalation=None if part.escalation is None else tuple(_rule(one) for one in part.escalation),
        strategic_mail_past_due=part.strategic_mail_past_due,
    )


def _words(words: tuple[str, ...] | None) -> frozenset[str]:
    return frozenset(words or ())


def _comparison(text: str | None) -> Comparison | None:
    found = re.fullmatch(COMPARISON, text) if text else None
    return Comparison(Comparing(found[1]), Decimal(found[2])) if found else None


def _exceptions(part: ExceptionsPart) -> Exceptions:
    pauses = {kind: getattr(part, kind.value) for kind in PauseKind}
    return Exceptions(
        pauses=tuple(PauseRule(kind, pause.owner, pause.days_max) for kind, pause in pauses.items()),
        dispute_ping_after_days=part.dispute.ping_after_days,
        dispute_resume_business_days=part.dispute.resume_business_days,
        promise_grace_business_days=part.promise.grace_business_days,
        promises_max=part.promise.per_invoice_max,
        conversation_business_days=part.conversation.business_days,
        returned_grace_days=part.returned.grace_days,
        returned_is_reversed=part.returned.reverse == "auto",
        stalled_days=part.stalled.days,
        stalled_days_past_due=part.stalled.days_past_due,
    )


def _hand_off(part: HandOffPart) -> HandOff:
    return HandOff(
        answer_within_business_days=part.answer_within_business_days,
        people=tuple(part.people.items()),
        unseen_amount=_amounts(part.unseen_amount),
        unseen_days_past_due=part.unseen_days_past_due,
    )


def _politeness(part: PolitenessPart) -> Politeness:
    return Politeness(part.messages_a_week_max, part.new_address_days, _amounts(part.new_address_amount))


def _channels(parts: Mapping[str, ChannelPart]) -> tuple[ChannelRule, ...]:
    given = {EMAIL: ChannelPart(is_on=True)} | dict(parts)
    return tuple(ChannelRule(name, part.is_on, part.fallback) for name, part in given.items())


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
        Role(
            name,
            frozenset(role.may),
            _amounts(role.amount_max),
            frozenset(role.only),
            role.confirms_bank_accounts,
            role.approves_policy,
        )
        for name, role in part.roles.items()
    )
    return Approvals(tuple(part.people.items()), roles, part.policy)


def _rule(part: EscalationPart) -> EscalationRule:
    return EscalationRule(
        name=part.name,
        days_past_due_min=part.days_past_due,
        min_amounts=_amounts(part.min_amount),
        only_strategic=part.only_strategic,
        renewal_within_days=part.renewal_within_days,
        stops_mail=part.stops_mail,
        tiers=_words(part.tier_in),
        disputed_before=part.disputed_before,
        rung=part.rung,
        to=part.to,
    )


def _calendar(part: CalendarPart) -> Calendar:
    return Calendar(
        send_from=part.send_from,
        send_until=part.send_until,
        send_weekdays=frozenset(WEEKDAYS.index(day) for day in part.send_weekdays),
        no_send_on=frozenset(part.no_send_on),
        no_posting=tuple((freeze.first_on, freeze.last_on) for freeze in part.no_posting),
        holidays=part.holidays,
        working_days=frozenset(part.working_days),
        customers_zone=part.customers_zone,
    )
