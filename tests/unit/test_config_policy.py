"""The policy file: the default says what the mission asks for, and a wrong one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from connector import policy_file
from connector.errors import ConfigError
from connector.money import Money
from connector.policy import (
    PROOFS,
    Addressee,
    Approvals,
    BacklogChoice,
    BacklogLimits,
    Calendar,
    ClosedPeriod,
    Courtesy,
    Deed,
    EscalationRule,
    Exceptions,
    Freshness,
    HandOff,
    LadderRung,
    MatchingLimits,
    Role,
    Step,
    Switch,
    Tone,
    Trust,
)
from connector.receivables import Rung

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
DEFAULT = (MAPPINGS / "policy.yaml").read_text(encoding="utf-8")
TEMPLATES = (
    *("pre_due", "due_today", "just_overdue", "firm", "urgent", "final", "courtesy"),
    *("personal_pre_due", "personal_overdue", "friendly_overdue"),
)


def written(tmp_path: Path, text: str) -> Path:
    """A mappings folder with all templates and this policy."""
    (tmp_path / "templates").mkdir(exist_ok=True)
    for name in TEMPLATES:
        (tmp_path / "templates" / f"{name}.txt").write_text("text", encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def with_approvals(text: str) -> str:
    return DEFAULT.replace("approvals:\n  roles: {}\n  people: {}", f"approvals:{text}")


def test_the_default_cadence_is_the_missions(tmp_path: Path) -> None:
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))

    assert (
        Step("-7", -7, "pre_due", "billing", tone=Tone.INFORMATIONAL),
        Step("0", 0, "due_today", "billing", tone=Tone.NEUTRAL),
        Step("+1", 1, "just_overdue", "billing", tone=Tone.NEUTRAL),
        Step("+7", 7, "firm", "billing", tone=Tone.FIRM),
        Step("+14", 14, "urgent", "billing", tone=Tone.URGENT),
        Step("+30", 30, "final", "account_owner", tone=Tone.FINAL),
    ) == policy.steps


def test_a_new_installation_changes_nothing_outside(tmp_path: Path) -> None:
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))

    assert (Switch.SHADOW, Switch.SHADOW, BacklogChoice.WORKLIST) == (policy.post, policy.send, policy.backlog)


def test_the_default_file_and_the_defaults_in_the_code_agree(tmp_path: Path) -> None:
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))

    assert (Courtesy(), MatchingLimits(), Freshness()) == (policy.courtesy, policy.matching, policy.freshness)
    assert (Exceptions(), HandOff()) == (policy.exceptions, policy.hand_off)
    assert (Trust(), Approvals(), False) == (policy.trust, policy.approvals, policy.apply_existing)
    assert (3, 50, 10, "+1", ()) == (
        policy.outage_business_days_max,
        policy.shield_min_share_percent,
        policy.open_drop_percent_max,
        policy.first_contact_step_max,
        policy.min_reminder_balance,
    )


def test_the_default_escalation_is_the_missions(tmp_path: Path) -> None:
    """M30 to M36, M39, RULES 5.5; the last rule lets the +30 step leave."""
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))
    large, six_figures = (Money(2_500_000, "USD"),), (Money(10_000_000, "USD"),)
    call, collections = LadderRung.CALL, Addressee.COLLECTIONS

    assert (
        EscalationRule("strategic customer", 1, only_strategic=True),
        EscalationRule("agency", 90, rung=LadderRung.AGENCY, to=Addressee.FINANCE),
        EscalationRule("six figures", 30, six_figures, rung=call, to=Addressee.LEADERSHIP),
        EscalationRule("large amount, call", 30, large, rung=call, to=collections),
        EscalationRule("disputed before", 7, large, tiers=frozenset({"enterprise"}), disputed_before=True),
        EscalationRule("renewal", 7, renewal_within_days=30),
        EscalationRule("large amount", 14, large),
        EscalationRule("call", 45, rung=call, to=collections),
        EscalationRule("long overdue", 30, stops_mail=False),
    ) == policy.escalation
    assert not policy.strategic_mail_past_due


def test_by_default_mail_leaves_in_office_hours_with_evidence_of_delivery_and_in_ordinary_numbers(
    tmp_path: Path,
) -> None:
    """RULES 4.1, 4.2, 4.4, 4.5, 4.7."""
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))

    assert Calendar(time(8), time(18), frozenset(range(5))) == policy.calendar
    assert (True, 5, ()) == (
        policy.needs_delivery_evidence,
        policy.delivered_late_business_days,
        policy.acknowledged_senders,
    )
    assert (3, 20, 24) == (policy.breaker_factor, policy.breaker_at_least, policy.crm_hours_max)
    assert BacklogLimits(20, 60, (Money(2_500_000, "USD"),)) == policy.backlog_limits
    assert ClosedPeriod.HOLD is policy.closed_period


def test_by_default_only_proofs_are_posted_nothing_is_tolerated_and_nobody_answers(tmp_path: Path) -> None:
    """RULES 2.2, 8."""
    policy = policy_file.read_policy(written(tmp_path, DEFAULT))

    assert PROOFS == policy.trust.auto
    assert ((), (), 0) == (
        policy.matching.tolerance,
        policy.matching.wire_fee_max,
        policy.matching.discount_grace_days,
    )
    assert ((), ()) == (policy.approvals.people, policy.approvals.roles)


def test_who_may_answer_what_is_read_by_role(tmp_path: Path) -> None:
    text = with_approvals(
        """
  roles:
    analyst: { may: [approve, reject], amount_max: { USD: 10000.00, JPY: 500000 }, only: [exact_subset, ambiguous] }
    controller: { confirms_bank_accounts: true }
  people: { ana: analyst, carl: controller }"""
    )
    approvals = policy_file.read_policy(written(tmp_path, text)).approvals
    limits = (Money(1_000_000, "USD"), Money(500_000, "JPY"))
    narrow = frozenset({Deed.APPROVE, Deed.REJECT}), limits, frozenset({"exact_subset", "ambiguous"})

    assert (("ana", "analyst"), ("carl", "controller")) == approvals.people
    assert (Role("analyst", *narrow), Role("controller", confirms_bank_accounts=True)) == approvals.roles


def test_a_class_that_finance_adds_is_trusted_beside_what_people_decide(tmp_path: Path) -> None:
    text = DEFAULT.replace("metadata, printed_reference]", "exact_balance]").replace("min: 0.99", "min: 0.995")
    trust = policy_file.read_policy(written(tmp_path, text)).trust

    assert Trust(frozenset({Rung.STRIPE_LINK, Rung.EXACT_BALANCE, Rung.BY_PERSON}), Decimal("0.995")) == trust


def test_a_key_that_is_left_out_has_the_value_of_the_file_in_the_repository(tmp_path: Path) -> None:
    """An old file lets nothing out that a new rule would hold back; without segments all are treated alike."""
    kept = [block for block in DEFAULT.split("\n\n") if "\nsteps:" in block or "\nsenders:" in block]
    whole, short = (policy_file.read_policy(written(tmp_path, text)) for text in (DEFAULT, "\n\n".join(kept)))

    assert 2 == len(kept)
    assert replace(whole, segments=(), cadences=(), version=short.version) == short


def test_the_policy_in_the_repository_is_usable_as_it_is() -> None:
    if len(list((MAPPINGS / "templates").glob("*"))) < len(TEMPLATES):
        pytest.skip("the templates are not there yet")

    assert 6 == len(policy_file.read_policy(MAPPINGS / "policy.yaml").steps)


def test_the_version_follows_the_content_and_not_the_comments(tmp_path: Path) -> None:
    first = policy_file.read_policy(written(tmp_path, DEFAULT)).version
    comment = policy_file.read_policy(written(tmp_path, f"# a remark\n{DEFAULT}\n\n")).version
    change = policy_file.read_policy(written(tmp_path, DEFAULT.replace("shield_min_share_percent: 50", ""))).version
    other = policy_file.read_policy(written(tmp_path, DEFAULT.replace("days: 14", "days: 15"))).version

    assert (first, first, 12) == (comment, change, len(first))
    assert other != first


def test_a_small_balance_is_read_as_money(tmp_path: Path) -> None:
    text = DEFAULT.replace("min_reminder_balance: {}", "min_reminder_balance: { USD: 5.00, JPY: 500 }")
    policy = policy_file.read_policy(written(tmp_path, text))

    assert (Money(500, "USD"), Money(500, "JPY")) == policy.min_reminder_balance


@pytest.mark.parametrize(
    ("owner", "ours", "others"),
    [
        ("us", ("USD", "EUR"), ()),
        ("other", (), ("USD", "EUR")),
        ("{ USD: us, EUR: other }", ("USD",), ("EUR", "JPY")),
        ('{ "*": us, EUR: other }', ("USD", "JPY"), ("EUR",)),
    ],
)
def test_who_posts_is_chosen_for_all_or_by_currency(tmp_path: Path, owner: str, ours: Any, others: Any) -> None:
    """RULES 1.10."""
    policy = policy_file.read_policy(written(tmp_path, f"{DEFAULT}\nposting_owner: {owner}\n"))

    assert all(policy.posts(currency) for currency in ours)
    assert not any(policy.posts(currency) for currency in others)


def test_one_currency_of_ours_is_enough_to_post_by_itself(tmp_path: Path) -> None:
    text = DEFAULT.replace("post: shadow", "post: auto\nposting_owner: { USD: us, EUR: other }")

    assert Switch.AUTO is policy_file.read_policy(written(tmp_path, text)).post


def test_close_days_and_holidays_are_read_as_days(tmp_path: Path) -> None:
    text = DEFAULT.replace("no_send_on: []", "no_send_on: [2026-12-25]").replace(
        "no_posting: []", "no_posting: [{ first_on: 2027-01-01, last_on: 2027-01-03 }]"
    )
    calendar = policy_file.read_policy(written(tmp_path, text)).calendar

    assert frozenset({date(2026, 12, 25)}) == calendar.no_send_on
    assert ((date(2027, 1, 1), date(2027, 1, 3)),) == calendar.no_posting


def test_a_statement_needs_its_text(tmp_path: Path) -> None:
    path = written(tmp_path, DEFAULT.replace("backlog: worklist", "backlog: statement"))
    with pytest.raises(ConfigError, match="backlog: statement needs a template 'statement'"):
        policy_file.read_policy(path)
    (tmp_path / "templates" / "statement.txt.j2").write_text("text", encoding="utf-8")

    assert BacklogChoice.STATEMENT is policy_file.read_policy(path).backlog


# what is changed in the default file -> what is said
TABLE = [
    ("days: 0,", "days: -8,", "steps[2].days: -8 must be later than the step before it (-7)"),
    ("days: 1,", "days: 0,", "steps[3].days: 0 must be later than the step before it (0)"),
    ("days: 7, template", 'days: 7, name: "-7", template', "steps[4].name: '-7' is already the name of step 1"),
    ("template: firm", "template: frim", "there is no template 'frim'; did you mean 'firm'?"),
    ("days: 30, template: final, sender: account_owner", "days: 30, template: final, sender: account_onwer", "owner'?"),
    ('first_contact_step_max: "+1"', 'first_contact_step_max: "+2"', "'+2' is no step; the steps are -7, 0, +1"),
    ('first_contact_step_max: "+1"', "first_contact_step_max: +1", "must be text, not 1; put it in quotes"),
    ("post: shadow", "post: auto", "post: auto needs posting_owner: us"),
    ("post: shadow", "post: auto\nposting_owner: other", "post: auto needs posting_owner: us"),
    ("send: shadow", "send: on", "must be one of shadow, suggest, auto"),
    ("paid_percent_min: 90", "paid_percent_min: 101", "courtesy.paid_percent_min: must be at most 100, not 101"),
    ("shield_min_share_percent: 50", "shield_min_share_percent: -1", "must be at least 0, not -1"),
    ("billing: billing@your-company.example", "billing: billing", "senders.billing: must be one mail address"),
    ("min_reminder_balance: {}", "min_reminder_balance: { USD: 5.001 }", "5.001 USD has more than 2 decimals"),
    ("min_reminder_balance: {}", "min_reminder_balance: { USD: -5 }", "min_reminder_balance.USD: must not be negative"),
    ("min_reminder_balance: {}", "min_reminder_balance: { DOLLAR: 5 }", "'DOLLAR' is no ISO 4217 currency code"),
    ("courtesy:", "curtesy:", "curtesy: unknown key; did you mean 'courtesy'?"),
    ("post: shadow", "post: auto\nposting_owner: { USD: other }", "post: auto needs posting_owner: us"),
    ("post: shadow", "post: shadow\nposting_owner: them", "must be one of us, other"),
    ("post: shadow", "post: shadow\nposting_owner: { USD: ours }", "posting_owner.USD: must be one of us, other"),
    ("post: shadow", "post: shadow\nposting_owner: { DOLLAR: us }", "posting_owner.DOLLAR: 'DOLLAR' is no ISO 4217"),
    ("post: shadow", "post: shadow\nposting_owner: 7", "posting_owner: must be keys with values of their own"),
    ("closed_period: hold", "closed_period: open", "must be one of hold, first_open"),
    (
        "name: agency, days_past_due: 90",
        "name: strategic customer, days_past_due: 90",
        "escalation[2].name: 'strategic",
    ),
    ("days_past_due: 7, renewal_within_days: 30", "days_past_due: 7", "'large amount' can never decide: 'renewal'"),
    ("days_past_due: 7, ren", "days_past_due: 0, ren", "escalation[6].days_past_due: must be at least 1, not 0"),
    (
        "14, min_amount: { USD: 25000.00 }",
        "14, min_amount: { USD: -1 }",
        "escalation[7].min_amount.USD: must not be neg",
    ),
    ("14, min_amount: { USD: 25000.00 }", "14, min_amont: {}", "unknown key; did you mean 'min_amount'?"),
    ("amount_max: { USD: 25000.00 }", "amount_max: { JPY: 0.5 }", "amount_max.JPY: 0.5 JPY has more than 0 decimals"),
    ("days_past_due_max: 60", "days_past_due_max: 0", "backlog_limits.days_past_due_max: must be at least 1, not 0"),
    ('send_until: "18:00"', 'send_until: "07:00"', "calendar.send_until: 07:00 must be later than send_from (08:00)"),
    ('send_until: "18:00"', 'send_until: "25:00"', 'calendar.send_until: must be a time such as "08:00", not "25:00"'),
    ('send_until: "18:00"', 'send_until: "18:00Z"', "must be a time without a zone"),
    ("send_weekdays: [mon, ", "send_weekdays: [monday, ", "calendar.send_weekdays[1]: must be one of mon, tue, wed"),
    ("send_weekdays: [mon, tue, wed, thu, fri]", "send_weekdays: []", "must be a list with at least one entry"),
    ("no_send_on: []", "no_send_on: [Christmas]", "calendar.no_send_on[1]: must be a day such as 2026-01-31"),
    (
        "no_posting: []",
        "no_posting: [{ first_on: 2027-01-03, last_on: 2027-01-01 }]",
        "calendar.no_posting[1].last_on: 2027-01-01 must not be before first_on (2027-01-03)",
    ),
    ("  required: true", "  required: yes", "delivery_evidence.required: must be true or false"),
    ("  factor: 3", "  factor: 0", "breaker.factor: must be at least 1, not 0"),
    ("crm_hours_max: 24", "crm_hours_max: 0", "freshness.crm_hours_max: must be at least 1, not 0"),
    ("tolerance: {}", "tolerance: { USD: -1 }", "matching.tolerance.USD: must not be negative"),
    ("wire_fee_max: {}", "wire_fee_max: { JPY: 0.5 }", "matching.wire_fee_max.JPY: 0.5 JPY has more than 0 decimals"),
    ("discount_grace_days: 0", "discount_grace_days: 31", "matching.discount_grace_days: must be at most 30, not 31"),
    ("work_max: 200000", "work_max: 10", "matching.work_max: must be at least 10000, not 10"),
    ("apply_credits: true", "apply_credits: always", "matching.apply_credits: must be true or false"),
    ("apply_existing: false", "apply_existing: no", "apply_existing: must be true or false"),
    ("[stripe_link, metadata,", "[stripe_link, meta_data,", "not \"meta_data\"; did you mean 'metadata'?"),
    ("[stripe_link, metadata,", "[by_person, metadata,", "trust.auto[1]: what a person decides is always posted"),
    ("precision_min: 0.99", "precision_min: 99", "trust.precision_min: must be at most 1, not 99"),
    ("statement_business_days_max: 1", "statement_business_days_max: 0", "must be at least 1, not 0"),
    ("people: {}", "people: { ana: analyst }", "approvals.people.ana: there is no role 'analyst'; add it under roles"),
    (
        "roles: {}\n  people: {}",
        "roles: { analyst: {} }\n  people: { ana: analist }",
        "there is no role 'analist'; did you mean 'analyst'?",
    ),
    ("roles: {}", "roles: { analyst: { may: [] } }", "roles.analyst.may: must be a list with at least one entry"),
    ("roles: {}", "roles: { analyst: { may: [aprove] } }", "did you mean 'approve'?"),
    ("roles: {}", "roles: { analyst: { only: [ambigous] } }", "only[1]: 'ambigous' is neither a class of evidence nor"),
    ("roles: {}", "roles: { analyst: { only: [ambigous] } }", "did you mean 'ambiguous'?"),
    ("roles: {}", "roles: { analyst: { amount_max: { USD: 1.001 } } }", "1.001 USD has more than 2 decimals"),
    ("roles: {}", "roles: { analyst: { amount: { USD: 1 } } }", "unknown key; did you mean 'amount_max'?"),
    ("acknowledged_senders: []", "acknowledged_senders: netsuite_dunning", "acknowledged_senders: must be a list"),
]


@pytest.mark.parametrize(("old", "new", "expected"), TABLE, ids=[new[:40] for _, new, _ in TABLE])
def test_a_policy_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in DEFAULT
    path = written(tmp_path, DEFAULT.replace(old, new, 1))

    with pytest.raises(ConfigError) as raised:
        policy_file.read_policy(path)
    text = str(raised.value)
    assert expected in text
    assert f"{path} line " in text


def test_posting_by_itself_is_allowed_once_we_own_it(tmp_path: Path) -> None:
    policy = policy_file.read_policy(
        written(tmp_path, DEFAULT.replace("post: shadow", "post: auto\nposting_owner: us"))
    )

    assert Switch.AUTO is policy.post


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    assert policy_file.policy_schema() == (MAPPINGS / "policy.schema.json").read_text(encoding="utf-8")


def test_editors_accept_the_default_file_and_mark_a_misspelt_key() -> None:
    schema: dict[str, Any] = json.loads(policy_file.policy_schema())
    data = YAML(typ="safe", pure=True).load(DEFAULT)
    jsonschema.validate(data, schema)

    with pytest.raises(jsonschema.ValidationError, match="unexpected"):
        jsonschema.validate({**data, "curtesy": {}}, schema)
