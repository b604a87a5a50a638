"""`connector policy`: what each command shows and changes, and how it ends; on a real store and the shipped files."""

from __future__ import annotations

import csv
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from lint_cases import HOST, customer, invoice
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from connector import cli, command, policy_file, policy_reference
from connector.adapters.email import EmailChannel, MailSettings
from connector.config import Settings
from connector.policy_desk import PolicyDesk
from connector.ports import Channel
from connector.store import Store, book, policies

MAPPINGS = Path(__file__).parents[2] / "mappings"
SETTINGS = """\
installation: demo
ledger_zone: UTC
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
APPROVALS = {
    "roles": {"analyst": {}, "controller": {"approves_policy": True}},
    "people": {"ana": "analyst", "bo": "controller", "cy": "controller"},
}


@dataclass
class Watch:
    at: datetime = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class Desk:
    """What the commands open: a store with a book, and a folder of mappings."""

    store: Store
    folder: Path
    redirect_all_to: str = "test@redirected.example"

    def policies(self) -> PolicyDesk:
        return PolicyDesk(self.store, self.folder / "policy.yaml", self._channels, UTC)

    def _channels(self, folder: Path) -> dict[str, Channel]:
        settings = MailSettings("localhost", 25, self.redirect_all_to, (f"pay.{HOST}",))
        return {"email": EmailChannel(settings, folder / "templates", (), self.store.clock)}

    def change(self, **keys: Any) -> None:
        yaml = YAML()
        file = self.folder / "policy.yaml"
        policy = yaml.load(file)
        policy.update(keys)
        yaml.dump(policy, file)

    def close(self) -> None: ...


Run = Callable[..., Result]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    shutil.copytree(MAPPINGS, tmp_path / "mappings")
    watch = Watch()
    store = Store(tmp_path / "connector.db", watch)
    with store.tx() as tx:
        book.put_customers(tx, [customer(), customer("C2", name="=Sandbar", email="")], watch.at)
        invoices = [invoice(), invoice("INV-2", "70.00", customer_id="C2"), invoice("INV-3", "5.00", "EUR")]
        book.put_invoices(tx, invoices, watch.at, date(2026, 11, 2))
    made = Desk(store, tmp_path / "mappings")
    made.change(approvals=APPROVALS)
    yield made
    store.close()


@pytest.fixture
def run(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    (tmp_path / "connector.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def runner(*arguments: str, typed: str = "") -> Result:
        def open_service(settings: Settings) -> command.Service:
            return cast(command.Service, desk)

        invocation = cli.Invocation(open_service=open_service)
        return CliRunner().invoke(cli.app, ["policy", *arguments], obj=invocation, input=typed)

    yield runner
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()


# ---- check ----


def test_check_names_file_line_and_key_and_what_to_do(run: Run, desk: Desk) -> None:
    ended = run("check")

    assert 0 == ended.exit_code, ended.output
    line = next(
        number
        for number, text in enumerate((desk.folder / "policy.yaml").read_text().splitlines(), 1)
        if text.startswith("  holidays")
    )
    assert f"policy.yaml line {line}: calendar.holidays" in ended.stdout
    assert "1 customer who owe 70.00 USD have no billing contact" in ended.stdout
    assert "0 red" in ended.stdout
    assert "@" not in ended.stdout


def test_check_ends_with_one_where_something_is_red_and_keeps_it_for_the_daemon(run: Run, desk: Desk) -> None:
    """Without a redirection the placeholders of the shipped file would reach customers."""
    desk.redirect_all_to = ""
    ended = run("check")

    assert 1 == ended.exit_code
    assert "red  the sender billing is at your-company.example" in ended.stdout
    with desk.store.read() as tx:
        assert "`connector policy check` is red" in tx.get(policies.RED)
    desk.change(senders={"billing": f"b@{HOST}", "account_owner": f"a@{HOST}"})
    assert 0 == run("check").exit_code
    with desk.store.read() as tx:
        assert "" == tx.get(policies.RED)


def test_check_of_another_file_changes_nothing_here(run: Run, desk: Desk, tmp_path: Path) -> None:
    with desk.store.tx() as tx:
        policies.register(tx, "another", "")
        before = tx.get(policies.RED)
    desk.redirect_all_to = ""
    elsewhere = tmp_path / "next.yaml"
    shutil.copy(desk.folder / "policy.yaml", elsewhere)

    ended = run("check", "--policy", str(elsewhere))
    assert (1, True) == (ended.exit_code, "next.yaml line" in ended.stdout), ended.output
    with desk.store.read() as tx:
        assert before == tx.get(policies.RED)


def test_a_draft_with_its_own_texts_is_checked_by_them(run: Run, desk: Desk, tmp_path: Path) -> None:
    """`cp -r mappings new-mappings`, and work there: nothing that runs is touched by what is red there."""
    draft = tmp_path / "new-mappings"
    shutil.copytree(desk.folder, draft)
    layout = draft / "templates" / "_layout.txt.j2"
    layout.write_text(layout.read_text(encoding="utf-8").replace("item.amount", "item.amonut"), encoding="utf-8")

    broken = run("check", "--policy", str(draft / "policy.yaml"))
    assert (1, True) == (broken.exit_code, "has no attribute 'amonut'" in broken.stdout), broken.output
    with desk.store.read() as tx:
        assert "" == tx.get(policies.RED)
    assert 0 == run("check").exit_code


def test_check_of_a_file_that_cannot_be_read_is_a_matter_of_its_form(run: Run, desk: Desk) -> None:
    desk.change(sned="auto")
    ended = run("check")

    assert 2 == ended.exit_code
    assert "did you mean 'send'?" in ended.stderr


def test_check_writes_one_row_a_record(run: Run, tmp_path: Path) -> None:
    assert 0 == run("check", "--csv", "found.csv").exit_code
    with (tmp_path / "found.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))

    (lost,) = [row for row in rows if row["finding"] == "no_contact"]
    # A name that a spreadsheet would run is quoted.
    assert ("yellow", "C2", "'=Sandbar", "70.00") == (
        lost["severity"],
        lost["customer"],
        lost["name"],
        lost["amount"].split()[0],
    )
    assert [""] == [row["customer"] for row in rows if row["finding"] == "no_holidays"]


def test_check_for_programs(run: Run) -> None:
    told = json.loads(run("check", "--json").stdout)

    assert 0 == told["red"]
    assert told["yellow"] == len(told["findings"])
    assert {"severity", "check", "where", "what", "remedy", "listed"} == set(told["findings"][0])


# ---- show ----


def test_show_counts_each_segment_and_says_how_the_policy_stands(run: Run) -> None:
    told = json.loads(run("show", "--json").stdout)
    default = told["segments"][-1]

    assert ("default", 3, "default", "shadow") == (
        default["name"],
        default["invoices"],
        default["cadence"],
        default["send"],
    )
    assert [("5.00", "EUR"), ("1070.00", "USD")] == [
        (amount["amount"], amount["currency"]) for amount in default["amounts"]
    ]
    assert [0] == sorted({one["invoices"] for one in told["segments"][:-1]})
    shown = run("show")
    assert "1,070.00 USD" in shown.stdout
    assert "may approve: bo, cy" in shown.stdout
    assert "is not approved" in shown.stdout


# ---- propose, approve, versions ----


def test_a_change_goes_from_its_author_to_another_person(run: Run, desk: Desk) -> None:
    proposed = run("propose", "--who", "bo", "--note", "go-live")
    assert "is proposed by bo" in proposed.stdout
    assert "cy may, with `connector policy approve`" in proposed.stdout

    refused = run("approve", "--who", "bo", "--yes")
    assert (1, True) == (refused.exit_code, "it takes a second person" in refused.stderr)
    approved = run("approve", "--who", "cy", "--yes")
    assert (0, True) == (approved.exit_code, "It may run auto" in approved.stdout)
    assert "is approved already" in run("approve", "--who", "cy", "--yes").stderr

    desk.change(outage_business_days_max=4)
    changed = run("propose", "--who", "ana")
    assert "outage_business_days_max" in changed.stdout
    assert 0 == run("approve", "--who", "bo", "--yes").exit_code


def test_nothing_is_approved_without_a_yes(run: Run, desk: Desk) -> None:
    run("propose", "--who", "ana")
    for typed in ("n\n", ""):
        ended = run("approve", "--who", "bo", typed=typed)
        assert (1, True) == (ended.exit_code, "Nothing was approved" in ended.stderr)
    with desk.store.read() as tx:
        assert "" == policies.approved_version(tx)
    assert 0 == run("approve", "--who", "bo", typed="y\n").exit_code


def test_a_second_author_is_told_who_proposed_it(run: Run) -> None:
    run("propose", "--who", "bo")
    ended = run("propose", "--who", "ana")

    assert (1, True) == (ended.exit_code, "proposed by bo already" in ended.stderr)


def test_one_person_may_do_it_alone_where_the_policy_says_so(run: Run, desk: Desk) -> None:
    desk.change(approvals={**APPROVALS, "policy": "one_person"})

    ended = run("approve", "--who", "bo", "--yes")
    assert (0, True) == (ended.exit_code, "is approved" in ended.stdout), ended.stderr
    with desk.store.read() as tx:
        (kept,) = policies.versions(tx)
    assert ("bo", "bo") == (kept.proposed_by, kept.approved_by)


def test_where_nobody_is_named_it_says_what_to_write(run: Run, desk: Desk) -> None:
    desk.change(approvals={})
    run("propose", "--who", "bo")
    ended = run("approve", "--who", "bo", "--yes")

    assert 1 == ended.exit_code
    assert "give a role `approves_policy: true` and a person that role" in ended.stderr


def test_versions_tell_who_when_and_what_changed(run: Run, desk: Desk, tmp_path: Path) -> None:
    assert (1, True) == (run("versions").exit_code, "No policy was" in run("versions").stderr)
    run("propose", "--who", "ana")
    run("approve", "--who", "bo", "--yes")
    desk.change(send="suggest", min_reminder_balance={"USD": 5})
    run("propose", "--who", "cy")

    listed = run("versions")
    assert ["ana", "bo", "cy", "in the file"] == [
        word for word in ("ana", "bo", "cy", "in the file") if word in listed.stdout
    ]
    latest, first = json.loads(run("versions", "--json").stdout)["versions"]
    assert (True, False, False, True) == (
        latest["is_in_file"],
        latest["is_approved"],
        first["is_in_file"],
        first["is_approved"],
    )
    assert [
        ("send", "shadow", "suggest"),
        ("min_reminder_balance.USD", "", "5"),
        ("min_reminder_balance", "{}", ""),
    ] == [(one["key"], one["before"], one["after"]) for one in latest["changes"]]
    one = run("versions", latest["version"])
    assert "min_reminder_balance.USD" in one.stdout
    assert 1 == run("versions", "nonsense").exit_code
    assert 0 == run("versions", "--csv", "changes.csv").exit_code
    assert "send" in (tmp_path / "changes.csv").read_text(encoding="utf-8-sig")


# ---- the pages that are made of the model ----


def test_the_reference_and_the_schema_are_what_stands_beside_the_policy(run: Run) -> None:
    """After a change of the model: connector policy reference > mappings/policy_reference.md, and schema likewise."""
    assert (MAPPINGS / "policy_reference.md").read_text(encoding="utf-8") == run("reference").stdout
    assert (MAPPINGS / "policy.schema.json").read_text(encoding="utf-8") == run("schema").stdout
    assert policy_file.policy_schema() == run("schema").stdout


def test_the_reference_has_every_key_of_the_file_with_a_meaning() -> None:
    page = policy_reference.reference()
    definitions = policy_file.PolicyFile.model_json_schema()
    keys = [key for part in (definitions, *definitions["$defs"].values()) for key in part.get("properties", {})]

    assert [] == [key for key in keys if f"| `{key}` |" not in page]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [] == [line for line in rows if line.rstrip().endswith("|  |")]
