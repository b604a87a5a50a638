"""`connector backtest` on a whole connector: NetSuite's own past under the policy of today and under another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connector.errors import ConfigError
from tests.acceptance.commands import bill, run, store_content, today
from tests.harness import Desk, desk

FIRST, LAST = today() - timedelta(days=100), today() - timedelta(days=1)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Due 60 days ago: one paid on time, one 20 days late, one in two parts; one is open to this day."""
    with desk(tmp_path_factory.mktemp("past"), now=None) as made:
        payer = made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id
        for number in range(1, 5):
            bill(made, "Northfield Robotics", f"INV-{number}", f"{number}00.00", due_in=-60)
        books, due_on = made.world.erp, today() - timedelta(days=60)
        invoices = {number: made.world.invoice_id(f"INV-{number}") for number in range(1, 5)}
        books.past_payment(payer, "100.00", due_on, {invoices[1]: "100.00"}, memo="INV-1")
        books.past_payment(payer, "200.00", due_on + timedelta(days=20), {invoices[2]: "200.00"}, memo="INV-2")
        books.past_payment(payer, "150.00", due_on + timedelta(days=3), {invoices[3]: "150.00"}, memo="INV-3")
        books.past_payment(payer, "150.00", due_on + timedelta(days=10), {invoices[3]: "150.00"}, memo="INV-3")
        run(made, "once")
        _write_other(made)
        yield made


def _write_other(at: Desk) -> None:
    """Another policy, in a folder of its own: it asks once, five days late."""
    yaml = YAML()
    policy = yaml.load(at.folder / "mappings" / "policy.yaml")
    policy["steps"] = [{"days": 5, "template": "firm", "sender": "billing"}]
    policy["first_contact_step_max"] = "+5"
    (at.folder / "drafts").mkdir()
    yaml.dump(policy, at.folder / "drafts" / "other.yaml")


def played(at: Desk) -> Any:
    other = str(at.folder / "drafts" / "other.yaml")
    ended = run(at, "backtest", "--policy", other, "--from", FIRST.isoformat(), "--to", LAST.isoformat(), "--json")
    assert 0 == ended.returncode, ended.stderr
    return json.loads(ended.stdout)


def test_the_past_of_the_erp_is_played_and_nothing_is_written(at: Desk) -> None:
    before, writes = store_content(at), at.world.requests()["erp_writes"]
    report = played(at)
    rows = {one["name"]: (one["present"], one["proposed"]) for one in report["figures"]}
    steps = {one["name"]: (one["present"], one["proposed"]) for one in report["steps"]}

    assert (4, 1) == (report["invoices"], report["customers"])
    assert (0, 0) == rows["reminders after the invoice was paid"]
    # Five days past due three are open; the one that was paid on its due day was only asked for before.
    assert (0, 3) == steps["+5"]
    assert 4 == steps["-7"][0]
    assert (before, writes) == (store_content(at), at.world.requests()["erp_writes"])


def test_the_same_past_gives_the_same_answer(at: Desk) -> None:
    first, second = (at.service.backtest(at.folder / "drafts" / "other.yaml", FIRST, LAST) for _ in range(2))

    assert first == replace(second, as_of=first.as_of)
    assert any("so nothing that is paid is chased" in note for note in first.notes)


def test_a_policy_that_makes_no_sense_is_refused_with_its_line(at: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((at.folder / "drafts" / "other.yaml").read_text().replace("template: firm", "template: frim"))

    with pytest.raises(ConfigError, match=r"line \d+: .*did you mean 'firm'"):
        at.service.backtest(wrong, FIRST, LAST)
