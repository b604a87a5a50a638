"""`connector match` on a whole connector: NetSuite's own past replayed, judged, and what that changes."""

from __future__ import annotations

import csv
import getpass
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connector import cli
from tests.acceptance.commands import assert_discreet, bill, store_content, today
from tests.acceptance.commands import run as run_process
from tests.harness import Desk, desk

ME = getpass.getuser()
PEOPLE = (
    f"{{roles: {{controller: {{confirms_bank_accounts: true}}, clerk: {{may: [reject]}}}}, "
    f"people: {{{ME}: controller, bo: controller, cy: clerk}}}}"
)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Seven weeks ago: two payments applied as the payer said, one first in, first out, one in no way clear."""
    with desk(tmp_path_factory.mktemp("past"), now=None, policy={"approvals": PEOPLE}) as made:
        payer = made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id
        for number in range(1, 7):
            bill(made, "Northfield Robotics", f"INV-{number}", f"{number}00.00", due_in=-60)
        invoices = {number: made.world.invoice_id(f"INV-{number}") for number in range(1, 7)}
        books, then = made.world.erp, today() - timedelta(days=50)
        books.past_payment(payer, "100.00", then, {invoices[1]: "100.00"}, memo="INV-1")
        books.past_payment(payer, "400.00", then, {invoices[2]: "200.00", invoices[3]: "200.00"}, memo="INV-4")
        books.past_payment(payer, "55.55", then, {invoices[6]: "55.55"}, memo="thanks", check="4711")
        books.past_payment(payer, "500.00", then + timedelta(days=3), {invoices[5]: "500.00"}, memo="INV-5")
        yield made


def run(at: Desk, *arguments: str) -> Result:
    """One command to its end, in this process; the first replay runs in one of its own."""
    at.close()
    ended = CliRunner().invoke(cli.app, ["match", *arguments], env=at.environ)
    assert_discreet(at, ended.stdout + ended.stderr)
    return ended


def told(at: Desk, *arguments: str) -> Any:
    ended = run(at, *arguments, "--json")
    assert 0 == ended.exit_code, ended.stderr
    return json.loads(ended.stdout)


def refused(at: Desk, *arguments: str) -> tuple[int, str]:
    ended = run(at, *arguments)
    return ended.exit_code, ended.stderr.strip()


def lines(ended: Result) -> list[str]:
    assert 0 == ended.exit_code, ended.stderr
    return [" ".join(line.split()) for line in ended.stdout.splitlines()]


def test_before_the_first_replay_there_is_nothing_to_show(at: Desk) -> None:
    assert (1, "Nothing was replayed yet. Run: connector match history") == refused(at, "history", "--last")


def test_the_past_is_replayed_out_of_the_erp_and_nothing_is_written_there(at: Desk, tmp_path: Path) -> None:
    written = at.world.requests()["erp_writes"]
    ended = run_process(at, "match", "history", "--months", "4", "--json", "--csv", str(tmp_path / "to_judge.csv"))
    report = json.loads(ended.stdout)

    assert written == at.world.requests()["erp_writes"]
    counts = [report[name] for name in ("payments", "agreed", "differed", "left", "parked", "is_precision")]
    assert [4, 2, 1, 0, 0, False] == counts
    assert 1 == sum(one["count"] for one in report["asked"])
    (row,) = report["disagreements"]
    assert ["INV-4"] == [part["invoice"] for part in row["ours"]]
    assert ["INV-2", "INV-3"] == [part["invoice"] for part in row["theirs"]]
    with (tmp_path / "to_judge.csv").open(newline="") as file:
        (exported,) = csv.DictReader(file)
    assert (row["payment"], "400.00", "INV-4 400.00 USD", "") == (
        *(exported["payment"], exported["amount"], exported["we"], exported["judgement"]),
    )


def test_people_read_the_same_without_asking_the_erp_again(at: Desk, tmp_path: Path) -> None:
    reads = at.world.requests()["erp_reads"]
    shown = lines(run(at, "history", "--last"))

    assert any(line.startswith("payments: 4: 2 agree, 1 differ, 1 we would ask about") for line in shown)
    assert "called: agreement, not precision: 1 disagreements are not judged" in shown
    assert "printed reference 2 1 0 0 1 2 of 3" in shown
    assert "Who was right? connector match judge PAYMENT ours|theirs|neither --reason WHY" in shown
    assert 0 == run(at, "history", "--last", "--xlsx", str(tmp_path / "past.xlsx")).exit_code
    assert (tmp_path / "past.xlsx").stat().st_size > 5000
    assert reads == at.world.requests()["erp_reads"]


def test_a_judgement_changes_what_posts_and_is_kept_over_a_replay(at: Desk) -> None:
    payment = told(at, "history", "--last")["disagreements"][0]["payment"]
    assert (1, "Nothing was judged: the role clerk may not approve.") == refused(
        at, "judge", payment, "theirs", "--reason", "so it seems", "--who", "cy"
    )
    assert 2 == refused(at, "judge", payment, "theirs", "--reason", " ")[0]
    assert "theirs" == told(at, "judge", payment, "theirs", "--reason", "asked the customer")["judgement"]
    classes = {row["evidence"]: row for row in told(at, "classes")["rows"]}
    assert (False, 2, 1, 0) == tuple(
        classes["printed_reference"][name] for name in ("may_post", "right", "wrong", "unjudged")
    )
    assert "asked the customer" in classes["printed_reference"]["reason"]
    shown = lines(run(at, "classes"))
    assert any(line.startswith("printed reference demoted 1 3 0 20.76 %") for line in shown)

    assert (2, "There is no class of evidence 'exact_subst'. Did you mean 'exact_subset'?") == refused(
        at, "lift", "exact_subst", "--reason", "x"
    )
    lifted = lines(run(at, "lift", "printed_reference", "--reason", "one clerk's slip"))
    assert ["printed reference is no longer demoted; the policy and its measure decide again."] == lifted
    again = told(at, "history", "--months", "4")
    assert [("theirs", ME)] == [(row["judgement"], row["judged_by"]) for row in again["disagreements"]]
    assert again["is_precision"]
    assert (1, "Nothing was lifted: printed reference is not demoted.") == refused(
        at, "lift", "printed_reference", "--reason", "x"
    )


def test_aliases_are_taught_confirmed_and_removed(at: Desk) -> None:
    at.tick()  # the store knows the customers from here on
    payer = at.world.customer("Northfield Robotics").id
    assert [] == told(at, "aliases")["aliases"]
    taught = told(at, "alias", "add", "name", payer, "--key", "NORTHFIELD TREASURY")
    assert ("active", ME) == (taught["state"], taught["taught_by"])
    assert (2, "Give --key or --payment, one of the two. Nothing was learned.") == refused(
        at, "alias", "add", "name", payer
    )
    assert (2, "A bank account is known from a payment only: give --payment. Nothing was learned.") == refused(
        at, "alias", "add", "bank_account", payer, "--key", "DE89370400440532013000"
    )
    assert (1, f"Nothing was confirmed: Alias {taught['id']} was taught by {ME}; somebody else confirms it.") == (
        refused(at, "alias", "confirm", str(taught["id"]))
    )
    assert "bo" == told(at, "alias", "confirm", str(taught["id"]), "--who", "bo")["confirmed_by"]
    shown = lines(run(at, "aliases"))
    assert any(f"name northfield treasury Northfield Robotics ({payer}) active {ME}" in line for line in shown)

    assert [f"Alias {taught['id']} is removed."] == lines(run(at, "alias", "remove", str(taught["id"])))
    assert (1, f"Nothing was removed: there is no alias {taught['id']}.") == refused(
        at, "alias", "remove", str(taught["id"])
    )
    assert [] == told(at, "aliases")["aliases"]


def test_questions_write_nothing(at: Desk) -> None:
    before = store_content(at)
    for question in (("classes",), ("aliases",), ("history", "--last")):
        told(at, *question)

    assert before == store_content(at)
