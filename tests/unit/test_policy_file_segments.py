"""Segments, cadences, escalation, exceptions and channels in the policy file: what is read, what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from connector import policy_file
from connector.conditions import VARIABLES, Condition, Kind
from connector.errors import ConfigError
from connector.money import Money
from connector.policy import (
    DEFAULT,
    Addressee,
    BacklogChoice,
    Cadence,
    ChannelRule,
    Comparing,
    Comparison,
    Criteria,
    EscalationRule,
    LadderRung,
    PauseRule,
    Policy,
    PolicyApproval,
    Politeness,
    Segment,
    Step,
    Switch,
    Tone,
)
from connector.receivables import PauseKind

README = (Path(__file__).resolve().parents[2] / "mappings" / "README.md").read_text(encoding="utf-8")
# The least that a policy may say, each key on lines of its own.
LEAST = """\
steps:
  - { days: -7, template: pre_due, sender: billing }
  - { days: 1, template: overdue, sender: billing }
senders: { billing: billing@ours.example }
"""
# With the two cadences that the segments below are about.
WITH_CADENCES = (
    LEAST
    + """\
cadences:
  gentle:
    - { days: -3, template: pre_due, sender: billing, tone: informational }
    - { days: 20, template: overdue, sender: billing, tone: firm, name: late }
  close:
    - { days: 2, template: overdue, sender: billing }
"""
)


def file(tmp_path: Path, text: str) -> Path:
    (tmp_path / "templates").mkdir(exist_ok=True)
    for name in ("pre_due", "overdue", "courtesy"):
        (tmp_path / "templates" / f"{name}.txt.j2").write_text("text", encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: Path, text: str) -> Policy:
    return policy_file.read_policy(file(tmp_path, text))


def refused(tmp_path: Path, text: str) -> list[str]:
    """The lines that say what is wrong."""
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text)
    return str(raised.value).splitlines()[1:]


# ---- what is read ----


def test_an_old_file_means_what_it_meant(tmp_path: Path) -> None:
    policy = read(tmp_path, LEAST.replace("senders:", 'first_contact_step_max: "+1"\nsenders:'))

    assert ((), ()) == (policy.segments, policy.cadences)
    assert policy is policy.of(DEFAULT)
    assert (Step("-7", -7, "pre_due", "billing"), Step("+1", 1, "overdue", "billing")) == policy.steps
    assert ((), frozenset(), PolicyApproval.TWO_PEOPLE) == (
        policy.calendar.holidays,
        policy.calendar.working_days,
        policy.approvals.policy,
    )


def test_a_segment_is_read_with_all_its_criteria(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        WITH_CADENCES
        + """\
segments:
  - name: all of it
    reason: to see them
    tier_in: [SMB, self-serve]
    contract_type_in: [annual]
    billing_model_in: [usage]
    relationship_in: [partner]
    min_arr: { USD: 10.50, JPY: 500 }
    max_arr: { USD: 20.00 }
    min_amount: { USD: 1.00 }
    max_amount: { EUR: 2 }
    late_payments_last_quarter: ">= 2"
    average_days_late: "> -1.5"
    disputes_last_year: "==0"
    settled_invoices: "<  9"
    strategic: false
    when: customer.trend == "worse"
    cadence: gentle
    post: suggest
    send: suggest
    backlog: next_step
    strategic_mail_past_due: true
    escalation: []
""",
    )

    assert (
        Segment(
            "all of it",
            Criteria(
                tiers=frozenset({"SMB", "self-serve"}),
                contract_types=frozenset({"annual"}),
                billing_models=frozenset({"usage"}),
                relationships=frozenset({"partner"}),
                min_arr=(Money(1050, "USD"), Money(500, "JPY")),
                max_arr=(Money(2000, "USD"),),
                min_amount=(Money(100, "USD"),),
                max_amount=(Money(200, "EUR"),),
                late_last_quarter=Comparison(Comparing.AT_LEAST, Decimal(2)),
                average_days_late=Comparison(Comparing.MORE, Decimal("-1.5")),
                disputes_last_year=Comparison(Comparing.EQUAL, Decimal(0)),
                settled_count=Comparison(Comparing.LESS, Decimal(9)),
                is_strategic=False,
                when=Condition('customer.trend == "worse"'),
            ),
            reason="to see them",
            cadence="gentle",
            post=Switch.SUGGEST,
            send=Switch.SUGGEST,
            backlog=BacklogChoice.NEXT_STEP,
            escalation=(),
            strategic_mail_past_due=True,
        ),
    ) == policy.segments


def test_the_policy_of_a_segment_has_its_cadence_and_its_switches(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        WITH_CADENCES
        + """\
send: suggest
segments:
  - name: small
    tier_in: [smb]
    cadence: gentle
    send: auto
    escalation: [{ name: call, days_past_due: 60, rung: call, to: collections }]
  - { name: large, tier_in: [enterprise] }
""",
    )
    small, large = policy.of("small"), policy.of("large")

    assert ("-3", "late") == tuple(step.name for step in small.steps)
    assert (Switch.AUTO, Switch.SHADOW) == (small.send, small.post)
    assert (EscalationRule("call", 60, rung=LadderRung.CALL, to=Addressee.COLLECTIONS),) == small.escalation
    assert (policy.steps, Switch.SUGGEST, policy.escalation) == (large.steps, large.send, large.escalation)
    assert policy is policy.of("gone")
    assert {"-7", "+1", "-3", "late", "+2"} <= policy.step_names


def test_cadences_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert (
        Cadence(
            "gentle",
            (
                Step("-3", -3, "pre_due", "billing", tone=Tone.INFORMATIONAL),
                Step("late", 20, "overdue", "billing", tone=Tone.FIRM),
            ),
        ),
        Cadence("close", (Step("+2", 2, "overdue", "billing"),)),
    ) == read(tmp_path, WITH_CADENCES).cadences


def test_the_rest_of_the_workflow_is_read(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        LEAST
        + """\
escalation:
  - name: after a dispute
    days_past_due: 7
    tier_in: [Enterprise]
    disputed_before: true
    rung: agency
    to: leadership
hand_off:
  answer_within_business_days: 1
  people: { leadership: cfo@ours.example }
  unseen_amount: { USD: 50000.00 }
  unseen_days_past_due: 30
exceptions:
  dispute: { owner: ann, days_max: 9, ping_after_days: 6, resume_business_days: 4 }
  usage: { owner: revenue, days_max: 12 }
  promise: { grace_business_days: 1, per_invoice_max: 3 }
  conversation: { business_days: 2 }
  returned: { grace_days: 8 }
  stalled: { days: 10, days_past_due: 11 }
politeness: { messages_a_week_max: 2, new_address_days: 3, new_address_amount: { EUR: 5.00 } }
channels: { sms: { is_on: true, fallback: email } }
calendar: { holidays: [US, DE-BY, ECB], working_days: [2026-10-12], customers_zone: false }
approvals: { roles: { boss: { approves_policy: true } }, policy: one_person }
""",
    )
    exceptions = policy.exceptions

    assert (
        EscalationRule(
            "after a dispute",
            7,
            tiers=frozenset({"Enterprise"}),
            disputed_before=True,
            rung=LadderRung.AGENCY,
            to=Addressee.LEADERSHIP,
        ),
    ) == policy.escalation
    assert (1, ((Addressee.LEADERSHIP, "cfo@ours.example"),), (Money(5_000_000, "USD"),), 30) == (
        policy.hand_off.answer_within_business_days,
        policy.hand_off.people,
        policy.hand_off.unseen_amount,
        policy.hand_off.unseen_days_past_due,
    )
    assert PauseRule(PauseKind.DISPUTE, "ann", 9) == exceptions.rule(PauseKind.DISPUTE)
    assert PauseRule(PauseKind.USAGE, "revenue", 12) == exceptions.rule(PauseKind.USAGE)
    assert PauseRule(PauseKind.PLAN) == exceptions.rule(PauseKind.PLAN)
    assert set(PauseKind) == {one.kind for one in exceptions.pauses}
    assert (6, 4, 1, 3, 2, 8, 10, 11) == (
        exceptions.dispute_ping_after_days,
        exceptions.dispute_resume_business_days,
        exceptions.promise_grace_business_days,
        exceptions.promises_max,
        exceptions.conversation_business_days,
        exceptions.returned_grace_days,
        exceptions.stalled_days,
        exceptions.stalled_days_past_due,
    )
    assert Politeness(2, 3, (Money(500, "EUR"),)) == policy.politeness
    assert (ChannelRule("email", True), ChannelRule("sms", True, "email")) == policy.channels
    assert (("US", "DE-BY", "ECB"), frozenset({date(2026, 10, 12)}), False) == (
        policy.calendar.holidays,
        policy.calendar.working_days,
        policy.calendar.customers_zone,
    )
    assert (PolicyApproval.ONE_PERSON, True) == (policy.approvals.policy, policy.approvals.roles[0].approves_policy)


def test_a_change_of_any_of_it_is_another_version(tmp_path: Path) -> None:
    segment = "segments:\n  - { name: small, tier_in: [smb], cadence: gentle }\n"
    texts = [
        WITH_CADENCES,
        WITH_CADENCES + segment,
        WITH_CADENCES + segment.replace("gentle", "close"),
        WITH_CADENCES + segment.replace("tier_in: [smb]", "when: customer.is_strategic"),
        WITH_CADENCES + "exceptions: { dispute: { ping_after_days: 6 } }\n",
        WITH_CADENCES.replace("tone: firm", "tone: urgent"),
    ]

    assert len(texts) == len({read(tmp_path, text).version for text in texts})


# ---- mistakes ----

SEGMENT = "segments:\n  - "
TWO_SEGMENTS = "segments:\n  - {{ name: one, {} }}\n  - {{ name: two, {} }}\n"
# what stands below the two cadences -> what is said
MISTAKES = [
    (
        SEGMENT + "{ name: one, cadence: gentel }",
        "segments[1].cadence: there is no cadence 'gentel'; did you mean 'gentle'?",
    ),
    (SEGMENT + "{ name: one, cadence: weekly }", "there is no cadence 'weekly'; add it under cadences"),
    (
        TWO_SEGMENTS.format("tier_in: [a]", "tier_in: [b]").replace("two", "one"),
        "segments[2].name: 'one' is there twice",
    ),
    (
        SEGMENT + "{ name: default, tier_in: [smb] }",
        "segments[1].name: default is the segment of whoever fits no other",
    ),
    (SEGMENT + "{ name: '', tier_in: [smb] }", "segments[1].name: must be filled in"),
    (SEGMENT + "{ tier_in: [smb] }", "segments[1].name: this key is missing"),
    (SEGMENT + "{ name: one, tier: [smb] }", "segments[1].tier: unknown key; did you mean 'tier_in'?"),
    (SEGMENT + "{ name: one, tier_in: smb }", "segments[1].tier_in: must be a list"),
    (SEGMENT + "{ name: one, tier_in: [] }", "segments[1].tier_in: must be a list with at least one entry"),
    (SEGMENT + "{ name: one, tier_in: [''] }", "segments[1].tier_in[1]: must be filled in"),
    (SEGMENT + "{ name: one, min_arr: 100 }", "segments[1].min_arr: must be keys with values"),
    (SEGMENT + "{ name: one, min_arr: { DOLLAR: 1 } }", "segments[1].min_arr.DOLLAR: 'DOLLAR' is no ISO 4217"),
    (SEGMENT + "{ name: one, max_amount: { USD: 0.001 } }", "max_amount.USD: 0.001 USD has more than 2 decimals"),
    (SEGMENT + "{ name: one, min_amount: { USD: -1 } }", "segments[1].min_amount.USD: must not be negative"),
    (
        SEGMENT + "{ name: one, min_arr: { USD: 5 }, max_arr: { USD: 5 } }",
        "segments[1].max_arr.USD: nothing is at least 5 and below 5 USD",
    ),
    (SEGMENT + "{ name: one, average_days_late: 5 }", "average_days_late: must be text, not 5; put it in quotes"),
    (
        SEGMENT + "{ name: one, average_days_late: '5' }",
        'average_days_late: must be a comparison in quotes, such as ">= 2"',
    ),
    (SEGMENT + "{ name: one, average_days_late: '=> 5' }", "average_days_late: must be a comparison in quotes"),
    (SEGMENT + "{ name: one, settled_invoices: '>= two' }", "settled_invoices: must be a comparison in quotes"),
    (
        SEGMENT + "\n    name: one\n    average_days_late: >= 5",
        "but found '='; put a comparison in quotes: \">= 2\"",
    ),
    (
        SEGMENT + "\n    name: one\n    when: !known.customer.tier",
        "write a condition on a line of its own below `when: >-`",
    ),
    (SEGMENT + "{ name: one, strategic: maybe }", "segments[1].strategic: must be true or false"),
    (SEGMENT + "{ name: one, send: on }", "segments[1].send: must be one of shadow, suggest, auto"),
    (SEGMENT + "{ name: one, post: auto }", "segments[1].post: auto needs posting_owner: us"),
    (SEGMENT + "{ name: one, backlog: statement }", "segments[1].backlog: statement needs a template 'statement'"),
    (SEGMENT + "{ name: one, when: '' }", "segments[1].when: it is empty"),
    (
        SEGMENT + "{ name: one, when: customer.teir == 1 }",
        "segments[1].when: there is no 'customer.teir'; did you mean 'customer.tier'?",
    ),
    (
        SEGMENT + "{ name: one, when: customer.tier == 1 }",
        "segments[1].when: '==' can't be used between a word and a number",
    ),
    (
        SEGMENT + "{ name: one, escalation: [{ name: x, days_past_due: 0 }] }",
        "segments[1].escalation[1].days_past_due: must be at",
    ),
    (
        SEGMENT + "{ name: one, escalation: [{ name: x, days_past_due: 9 }, { name: y, days_past_due: 9 }] }",
        "segments[1].escalation[2]: 'y' can never decide: 'x' before it fits whenever it does",
    ),
    (
        TWO_SEGMENTS.format("tier_in: [a, b]", "tier_in: [B]"),
        "segments[2]: 'two' is never reached: 'one' before it fits",
    ),
    (TWO_SEGMENTS.format("cadence: close", "tier_in: [B]"), "segments[2]: 'two' is never reached"),
    (
        TWO_SEGMENTS.format("settled_invoices: '>= 2'", "settled_invoices: '> 2', strategic: true"),
        "'two' is never reached: 'one' before it fits whenever it does; put it before 'one'",
    ),
    ("post: shadow\nsegmnets: []", "segmnets: unknown key; did you mean 'segments'?"),
    (
        "escalation: [{ name: x, days_past_due: 9, to: boss }]",
        "escalation[1].to: must be one of account_manager, collections",
    ),
    (
        "escalation: [{ name: x, days_past_due: 9, rung: cal }]",
        "escalation[1].rung: must be one of flag, call, agency, not \"cal\"; did you mean 'call'?",
    ),
    ("escalation: [{ name: x, days_past_due: 9, tier_in: smb }]", "escalation[1].tier_in: must be a list"),
    (
        "escalation: [{ name: x, days_past_due: 9, tier_in: [a] }, { name: y, days_past_due: 9, tier_in: [A] }]",
        "'y' can never decide",
    ),
    (
        "escalation: [{ name: x, days_past_due: 9, min_amount: { USD: 5 } }, "
        "{ name: y, days_past_due: 9, min_amount: { USD: 9 } }]",
        "'y' can never decide",
    ),
    ("hand_off: { answer_within_business_days: 0 }", "hand_off.answer_within_business_days: must be at least 1"),
    ("hand_off: { unseen_days_past_due: 60 }", "hand_off.unseen_days_past_due: must be at most 59, not 60"),
    ("hand_off: { people: { boss: a@b.example } }", "hand_off.people.boss"),
    ("hand_off: { people: { leadership: boss } }", "hand_off.people.leadership: must be one mail address"),
    ("hand_off: { unseen_amount: { USD: -1 } }", "hand_off.unseen_amount.USD: must not be negative"),
    ("exceptions: { disputes: {} }", "exceptions.disputes: unknown key; did you mean 'dispute'?"),
    ("exceptions: { dispute: { ping_after_days: 0 } }", "exceptions.dispute.ping_after_days: must be at least 1"),
    (
        "exceptions: { usage: { ping_after_days: 7 } }",
        "exceptions.usage.ping_after_days: unknown key; the keys here are",
    ),
    ("exceptions: { hold: { owner: '' } }", "exceptions.hold.owner: must be filled in"),
    ("exceptions: { promise: { days_max: 0 } }", "exceptions.promise.days_max: must be at least 1"),
    ("politeness: { messages_a_week_max: 0 }", "politeness.messages_a_week_max: must be at least 1"),
    ("politeness: { new_address_amount: { JPY: 0.5 } }", "new_address_amount.JPY: 0.5 JPY has more than 0 decimals"),
    ("channels: { smss: { is_on: true } }", "channels.smss: there is no channel 'smss'; did you mean 'sms'?"),
    ("channels: { sms: { fallback: sms } }", "channels.sms.fallback: sms can't be its own fallback"),
    (
        "channels: { email: { is_on: true, fallback: sms } }",
        "channels.email.fallback: sms is off; write `channels: { sms: { is_on: true } }`",
    ),
    (
        "channels: { sms: { is_on: true, fallback: mail } }",
        "channels.sms.fallback: there is no channel 'mail'; did you mean 'email'?",
    ),
    ("channels: { email: { is_on: false } }", "channels.email: e-mail is always on"),
    ("calendar: { holidays: [DE-XX] }", "calendar.holidays[1]: DE has no part 'XX'"),
    ("calendar: { holidays: [US, ECBB] }", "calendar.holidays[2]: no holiday calendar is called 'ECBB'"),
    (
        "calendar: { no_send_on: [2026-12-24], working_days: [2026-12-24] }",
        "calendar.working_days[1]: 2026-12-24 stands in no_send_on, too",
    ),
    ("approvals: { policy: nobody }", "approvals.policy: must be one of two_people, one_person"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[text.replace("\n", " ")[:60] for text, _ in MISTAKES])
def test_a_mistake_is_refused_with_its_place_and_what_is_meant(tmp_path: Path, text: str, expected: str) -> None:
    said = refused(tmp_path, f"{WITH_CADENCES}{text}\n")

    assert expected in said[0]
    assert f"{tmp_path / 'policy.yaml'} line " in said[0]


# what is changed in the cadences -> what is said
IN_CADENCES = [
    ("days: 20", "days: -3", "cadences.gentle[2].days: -3 must be later than the step before it (-3)"),
    (
        "tone: firm",
        "tone: frim",
        "must be one of informational, neutral, firm, urgent, final, not \"frim\"; did you mean 'firm'?",
    ),
    (
        "tone: firm",
        "channel: sms",
        "cadences.gentle[2].channel: sms is off; write `channels: { sms: { is_on: true } }`",
    ),
    ("tone: firm", "channel: slack", "cadences.gentle[2].channel: there is no channel 'slack'; there are email, sms"),
    ("name: late", 'name: "-3"', "cadences.gentle[2].name: '-3' is already the name of step 1"),
    (
        "template: overdue, sender: billing, tone",
        "template: overdu, sender: billing, tone",
        "there is no template 'overdu'; did you mean 'overdue'?",
    ),
    (
        "template: overdue, sender: billing, tone",
        "template: overdue, sender: biling, tone",
        "there is no sender 'biling'; did you mean 'billing'?",
    ),
    ("  gentle:", "  default:", "cadences.default: default is the cadence under `steps`"),
    (
        "  close:\n    - { days: 2, template: overdue, sender: billing }",
        "  close: []",
        "cadences.close: must be a list with at least one entry",
    ),
    ("days: 20", "dayz: 20", "cadences.gentle[2].dayz: unknown key; did you mean 'days'?"),
]


@pytest.mark.parametrize(("old", "new", "expected"), IN_CADENCES)
def test_a_cadence_is_held_to_the_same_rules_as_the_steps(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in WITH_CADENCES

    assert any(expected in line for line in refused(tmp_path, WITH_CADENCES.replace(old, new, 1)))


def test_a_wrong_condition_is_shown_with_a_caret_at_its_place_in_the_line(tmp_path: Path) -> None:
    condition = 'customer.is_strategic ||\n      customer.teir == "smb" && true\n'
    said = refused(tmp_path, f"{WITH_CADENCES}segments:\n  - name: one\n    when: |\n      {condition}")

    assert f"{tmp_path / 'policy.yaml'} line 13: segments[1].when: there is no 'customer.teir'; " in said[0]
    assert ['    customer.teir == "smb" && true', "    ^"] == said[1:]


def test_the_caret_stays_beside_what_it_points_at_in_a_long_line(tmp_path: Path) -> None:
    condition = " && ".join(["customer.is_strategic"] * 12 + ["customer.teir > 1"])
    said = refused(tmp_path, f"{WITH_CADENCES}segments:\n  - name: one\n    when: {condition}\n")

    assert "customer.teir" == said[1][said[2].index("^") :][: len("customer.teir")]
    assert len(said[1]) < 120


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        f"{WITH_CADENCES}segments:\n  - {{ name: one, cadence: gentel }}\n  - {{ name: one, min_arr: {{ X: 1 }} }}\n",
    )

    assert ["segments[1].cadence", "segments[2].min_arr.X", "segments[2].name"] == [
        line.split(": ")[1] for line in said
    ]


def test_a_step_may_leave_by_a_channel_that_is_on(tmp_path: Path) -> None:
    text = WITH_CADENCES.replace("tone: firm", "channel: sms") + "channels: { sms: { is_on: true } }\n"

    assert "sms" == read(tmp_path, text).cadences[0].steps[1].channel


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("tier_in: [smb]", "strategic: true"),
        ("tier_in: [smb], strategic: true", "tier_in: [smb]"),
        ("settled_invoices: '> 2'", "settled_invoices: '>= 2'"),
        ("min_amount: { USD: 5 }", "min_amount: { EUR: 5 }"),
        ("when: customer.is_strategic", "when: invoice.is_disputed"),
    ],
)
def test_segments_that_overlap_only_in_part_are_allowed(tmp_path: Path, first: str, second: str) -> None:
    assert 2 == len(read(tmp_path, WITH_CADENCES + TWO_SEGMENTS.format(first, second)).segments)


# ---- editors and the reference ----


def test_editors_accept_segments_and_mark_a_comparison_that_is_none() -> None:
    schema: dict[str, Any] = YAML(typ="safe", pure=True).load(policy_file.policy_schema())
    data = YAML(typ="safe", pure=True).load(WITH_CADENCES)
    jsonschema.validate({**data, "segments": [{"name": "one", "average_days_late": ">= 2"}]}, schema)

    with pytest.raises(jsonschema.ValidationError, match="does not match"):
        jsonschema.validate({**data, "segments": [{"name": "one", "average_days_late": "2"}]}, schema)


def test_every_name_of_a_condition_is_explained() -> None:
    missing = [
        name
        for name, one in VARIABLES.items()
        if f"| `{name}{'.USD' if one.kind is Kind.AMOUNT else ''}` |" not in README
    ]

    assert [] == missing


@pytest.mark.parametrize(
    ("text", "shown"), [(">= 2", ">= 2"), ("<=-1.5", "<= -1.5"), ("==  0", "== 0"), ("> 3", "> 3"), ("<9", "< 9")]
)
def test_a_comparison_is_read_as_it_is_shown(tmp_path: Path, text: str, shown: str) -> None:
    policy = read(tmp_path, f"{WITH_CADENCES}{SEGMENT}{{ name: one, average_days_late: '{text}' }}\n")

    assert shown == str(policy.segments[0].criteria.average_days_late)
