"""The policy file: the default says what the mission asks for, and a wrong one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from connector import config
from connector.errors import ConfigError
from connector.money import Money
from connector.policy import BacklogChoice, Courtesy, Freshness, MatchingLimits, Step, Switch

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
DEFAULT = (MAPPINGS / "policy.yaml").read_text(encoding="utf-8")
TEMPLATES = ("pre_due", "due_today", "just_overdue", "firm", "urgent", "final", "courtesy")


def written(tmp_path: Path, text: str) -> Path:
    """A mappings folder with all templates and this policy."""
    (tmp_path / "templates").mkdir(exist_ok=True)
    for name in TEMPLATES:
        (tmp_path / "templates" / f"{name}.txt").write_text("text", encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_cadence_is_the_missions(tmp_path: Path) -> None:
    policy = config.read_policy(written(tmp_path, DEFAULT))

    assert (
        Step("-7", -7, "pre_due", "billing"),
        Step("0", 0, "due_today", "billing"),
        Step("+1", 1, "just_overdue", "billing"),
        Step("+7", 7, "firm", "billing"),
        Step("+14", 14, "urgent", "billing"),
        Step("+30", 30, "final", "account_owner"),
    ) == policy.steps


def test_a_new_installation_changes_nothing_outside(tmp_path: Path) -> None:
    policy = config.read_policy(written(tmp_path, DEFAULT))

    assert (Switch.SHADOW, Switch.SHADOW, BacklogChoice.WORKLIST) == (policy.post, policy.send, policy.backlog)


def test_the_default_file_and_the_defaults_in_the_code_agree(tmp_path: Path) -> None:
    policy = config.read_policy(written(tmp_path, DEFAULT))

    assert (Courtesy(), MatchingLimits(), Freshness()) == (policy.courtesy, policy.matching, policy.freshness)
    assert (3, 50, 10, "+1", ()) == (
        policy.outage_business_days_max,
        policy.shield_min_share_percent,
        policy.open_drop_percent_max,
        policy.first_contact_step_max,
        policy.min_reminder_balance,
    )


def test_the_policy_in_the_repository_is_usable_as_it_is() -> None:
    if len(list((MAPPINGS / "templates").glob("*"))) < len(TEMPLATES):
        pytest.skip("the templates are not there yet")

    assert 6 == len(config.read_policy(MAPPINGS / "policy.yaml").steps)


def test_the_version_follows_the_content_and_not_the_comments(tmp_path: Path) -> None:
    first = config.read_policy(written(tmp_path, DEFAULT)).version
    comment = config.read_policy(written(tmp_path, f"# a remark\n{DEFAULT}\n\n")).version
    change = config.read_policy(written(tmp_path, DEFAULT.replace("shield_min_share_percent: 50", ""))).version
    other = config.read_policy(written(tmp_path, DEFAULT.replace("days: 14", "days: 15"))).version

    assert (first, first, 12) == (comment, change, len(first))
    assert other != first


def test_a_small_balance_is_read_as_money(tmp_path: Path) -> None:
    text = DEFAULT.replace("min_reminder_balance: {}", "min_reminder_balance: { USD: 5.00, JPY: 500 }")
    policy = config.read_policy(written(tmp_path, text))

    assert (Money(500, "USD"), Money(500, "JPY")) == policy.min_reminder_balance


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
]


@pytest.mark.parametrize(("old", "new", "expected"), TABLE, ids=[new[:40] for _, new, _ in TABLE])
def test_a_policy_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in DEFAULT
    path = written(tmp_path, DEFAULT.replace(old, new, 1))

    with pytest.raises(ConfigError) as raised:
        config.read_policy(path)
    text = str(raised.value)
    assert expected in text
    assert f"{path} line " in text


def test_posting_by_itself_is_allowed_once_we_own_it(tmp_path: Path) -> None:
    policy = config.read_policy(written(tmp_path, DEFAULT.replace("post: shadow", "post: auto\nposting_owner: us")))

    assert Switch.AUTO is policy.post


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    assert config.policy_schema() == (MAPPINGS / "policy.schema.json").read_text(encoding="utf-8")


def test_editors_accept_the_default_file_and_mark_a_misspelt_key() -> None:
    schema: dict[str, Any] = json.loads(config.policy_schema())
    data = YAML(typ="safe", pure=True).load(DEFAULT)
    jsonschema.validate(data, schema)

    with pytest.raises(jsonschema.ValidationError, match="unexpected"):
        jsonschema.validate({**data, "curtesy": {}}, schema)
