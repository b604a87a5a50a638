"""Each command as a real process on a book that everybody knows: what it prints, what it changes, how it ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.plan import Part
from tests.acceptance.commands import bill, run, store_content, today
from tests.harness import Desk, desk

# Name of an answer -> its command line. These only ask, so that two may run at once.
PLANS = {"plan": ("plan",), "plan_json": ("plan", "--json")}
QUESTIONS = {
    "explain": ("explain", "INV-101"),
    "explain_json": ("explain", "INV-101", "--json"),
    "explain_unknown": ("explain", "inv-1O1"),
    "report": ("report",),
    "report_json": ("report", "--json"),
    "check": ("check",),
}

Answers = dict[str, subprocess.CompletedProcess[str]]


def _book(at: Desk) -> None:
    """Northfield pays two of its invoices in full, Brightwater 45K of 50K, and one invoice is on hold."""
    at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
    at.world.add_customer("Brightwater Freight", "billing@brightwater.example", 60)
    for number, amount in (("INV-101", "12000.00"), ("INV-102", "8000.00"), ("INV-103", "5000.00")):
        bill(at, "Northfield Robotics", number, amount)
    bill(at, "Brightwater Freight", "INV-201", "50000.00")
    bill(at, "Brightwater Freight", "INV-202", "1200.00")
    at.world.erp.set_hold(at.world.invoice_id("INV-103"), "waiting for the renewal")
    at.world.pay(
        "Northfield Robotics",
        "20000.00",
        pays=[Part("INV-101", "12000.00"), Part("INV-102", "8000.00")],
        description="INV-101, INV-102",
    )
    at.world.pay("Brightwater Freight", "45000.00", pays=[Part("INV-201", "45000.00")], description="INV-201")
    at.world.pay(None, "12.00", description="thank you")


@dataclass
class Told:
    """What the commands said, in the order of a first day: plan, once, then questions about it."""

    at: Desk
    answers: Answers
    store_before_plan: dict[str, list[str]]
    store_after_plan: dict[str, list[str]]
    after_plan: dict[str, Any]

    def json(self, name: str) -> Any:
        assert 0 == self.answers[name].returncode, self.answers[name].stderr
        return json.loads(self.answers[name].stdout)

    def lines(self, name: str) -> list[str]:
        """The lines as words with one blank between them: columns may be wide or narrow."""
        assert 0 == self.answers[name].returncode, self.answers[name].stderr
        return [" ".join(line.split()) for line in self.answers[name].stdout.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with desk(tmp_path_factory.mktemp("told"), now=None) as at:
        _book(at)
        before = store_content(at)
        answers = _ask(at, PLANS)
        made = Told(at, answers, before, store_content(at), at.world.requests() | {"mails": len(at.mails())})
        answers["once"] = run(at, "once", "--json")
        answers |= _ask(at, QUESTIONS)
        yield made


def _ask(at: Desk, questions: dict[str, tuple[str, ...]]) -> Answers:
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda arguments: run(at, *arguments), questions.values())
        return dict(zip(questions, ended, strict=True))


# ---- plan ----


def test_plan_writes_nothing_anywhere(told: Told) -> None:
    assert told.store_before_plan == told.store_after_plan
    assert (0, {}, 0) == (told.after_plan["erp_writes"], told.after_plan["smtp"], told.after_plan["mails"])
    assert told.after_plan["erp_reads"] > 0


def test_plan_shows_each_decision_with_its_reason(told: Told) -> None:
    lines = told.lines("plan")

    assert "Posting to the ERP: auto" in lines
    assert any("20,000.00 USD INV-101 12,000.00 USD printed reference" in line for line in lines)
    assert any("45,000.00 USD, 5,000.00 USD stays open" in line for line in lines)
    assert any(line.startswith("unidentified ch_") and "12.00 USD" in line for line in lines)
    assert any("INV-103" in line and "held A person put the invoice on hold" in line for line in lines)
    assert any(
        "INV-202 Brightwater Freight (102) -7 brightwater.example 1,200.00 USD may leave" in line for line in lines
    )


def test_plan_for_programs_has_exact_amounts(told: Told) -> None:
    plan = told.json("plan_json")

    paid = {(part["invoice"], part["amount"]["amount"]) for match in plan["matches"] for part in match["applied"]}
    assert {("INV-101", "12000.00"), ("INV-102", "8000.00"), ("INV-201", "45000.00")} == paid
    assert {"INV-103": "held", "INV-202": "may_leave"} == {r["invoice"]: r["verdict"] for r in plan["reminders"]}
    assert ["unidentified"] == [one["kind"] for one in plan["exceptions"]]


# ---- once ----


def test_once_closes_what_is_paid_and_reminds_of_the_rest(told: Told) -> None:
    report = told.json("once")

    counts = {name: report[name] for name in ("matched", "posted", "closed", "sent", "unfinished", "differences")}
    assert {"matched": 2, "posted": 2, "closed": 2, "sent": 1, "unfinished": 0, "differences": 0} == counts
    assert [] == report["troubles"]
    assert ["0.00", "0.00", "5000.00"] == [told.at.balance(n) for n in ("INV-101", "INV-102", "INV-201")]
    assert (0, 1) == (len(told.at.mails_about("INV-101")), len(told.at.mails_about("INV-202")))


# ---- explain ----


def test_explain_tells_why_an_invoice_is_as_it_is(told: Told) -> None:
    lines = told.lines("explain")

    assert "still owed 0.00 USD" in lines
    assert any(line.startswith("+30 ") and " cancelled paid: 12,000.00 USD of payment ch_" in line for line in lines)
    assert "12,000.00 + 8,000.00 = 20,000.00 USD" in lines
    assert any("receipt arc-t1-rec-" in line and line.endswith("closed, seen in the ERP") for line in lines)
    assert any("loop closed ERP, cash and reminders agree" in line for line in lines)


def test_explain_for_programs_has_the_whole_story(told: Told) -> None:
    story = told.json("explain_json")

    assert ("INV-101", "paid") == (story["invoice"]["number"], story["invoice"]["state"])
    assert {"cancelled"} == {reminder["state"] for reminder in story["reminders"]}
    assert "loop_closed" == story["timeline"][-1]["event"]
    assert "closed" == story["payments"][0]["act"]["state"]


def test_an_unknown_number_is_answered_with_those_that_look_like_it(told: Told) -> None:
    ended = told.answers["explain_unknown"]

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "There is no invoice inv-1O1. Did you mean INV-101, INV-201" in ended.stderr


# ---- report ----


def test_report_ages_the_book_to_the_cent(told: Told) -> None:
    report = told.json("report_json")

    [row] = report["ageing"]
    assert ("USD", 3, "11200.00") == (row["currency"], row["invoice_count"], row["total"]["amount"])
    assert row["not_due"] == row["total"]
    figures = {measure["name"]: measure for measure in report["measures"]}
    assert "66.67" == figures["match_rate"]["value"]
    assert all(measure["formula"] for measure in report["measures"])
    assert ("erp", "") == (report["source"], report["trouble"])
    assert [str(today())] == list({row["on"] for row in report["control"]})


def test_the_ageing_ties_to_the_ar_control_account(told: Told) -> None:
    rows = {row["line"]: row["amount"]["amount"] for row in told.json("report_json")["control"]}

    assert {
        "open_invoices": "11200.00",
        "unapplied_payments": "0.00",
        "open_credits": "0.00",
        "expected": "11200.00",
        "control_account": "11200.00",
        "unexplained": "0.00",
    } == rows


def test_report_names_its_measures_as_finance_does(told: Told) -> None:
    lines = told.lines("report")

    assert any(line.startswith("USD 3 11,200.00 USD 0.00 USD") for line in lines)
    # billed 76,200 in the period, of which 65,000 was paid; nothing is past due
    assert any(line.startswith("CEI USD 100.00 %") for line in lines)
    assert any(line.startswith("match rate 66.67 %") for line in lines)


def test_report_without_the_erp_is_of_the_last_read_and_says_so(told: Told) -> None:
    told.at.break_erp("maintenance", times=100)
    try:
        ended = run(told.at, "report", "--json")
    finally:
        told.at.world.faults.clear()
    report = json.loads(ended.stdout)

    assert (0, "store", []) == (ended.returncode, report["source"], report["control"])
    assert "NetSuite" in report["trouble"]
    assert ["11200.00"] == [row["total"]["amount"] for row in report["ageing"]]


# ---- check ----


def test_check_finds_a_new_account_in_order(told: Told) -> None:
    lines = told.lines("check")

    assert "ok login SuiteQL answers for account 1000001_SB1" in lines
    assert "Nothing stands against starting." == lines[-1]


def test_check_tells_where_the_books_stand_and_what_waits(told: Told) -> None:
    said = " ".join(told.lines("check"))

    for words in (
        "11,200.00 USD in 3 open invoices; the receivables accounts hold 11,200.00 USD",
        "unexplained 0.00 USD",
        "the ERP's installation record is ours: t1",
        "posting is in auto: it works by itself",
        "nobody else was found who reminds these customers",
        "every currency: we post payments",
        "the ERP: last read completely 0 minutes ago",
        "today's period",
        "no invoice is overdue from before sending was switched on",
    ):
        assert words in said, words


def test_check_names_each_missing_right_and_field_and_how_to_grant_it(told: Told, tmp_path: Path) -> None:
    erp, stripe = told.at.world.erp, told.at.world.stripe
    for permission in ("LIST_CUSTJOB", "customrecord_arc_status"):
        erp.revoke(permission)
    erp.remove_field("custbody_arc_hold")
    stripe.revoke("charges")
    sent = stripe.ledger.invoices.add_sent(
        told.at.world.customer("Northfield Robotics").stripe_id, "S-1", 900, "USD", None
    )
    try:
        ended = run(Desk(told.at.served, tmp_path), "check", "--json")
    finally:
        for permission in ("LIST_CUSTJOB", "customrecord_arc_status"):
            erp.grant(permission)
        erp.restore_field("custbody_arc_hold")
        stripe.grant("charges")
        stripe.ledger.invoices.void(sent)

    answer = json.loads(ended.stdout)
    found = [(one["what"], one["remedy"]) for one in answer["findings"] if not one["ok"]]
    assert (1, False) == (ended.returncode, answer["ok"])
    for what, remedy in (
        ("customer can't be seen", "Grant the integration role Lists > Customers (View)."),
        ("customrecord_arc_status can't be seen", "Custom Record > customrecord_arc_status (Edit)"),
        ("transaction has no field custbody_arc_hold", "Install the connector's fields"),
        ("the key may not read this", "Give the key the right to read Charges and Refunds."),
        ("Stripe mails invoices to customers itself", "name stripe_invoices under acknowledged_senders"),
        ("The ERP is in the hands of installation 't1'", "Find out which host is the right one"),
    ):
        assert [1] == [1 for said, advice in found if what in said and remedy in advice], what


@pytest.fixture
def stranger(told: Told, tmp_path: Path) -> Desk:
    """A connector on the same accounts whose credentials are wrong."""
    made = Desk(told.at.served, tmp_path)
    made.environ |= {
        "CONNECTOR_NETSUITE_TOKEN_SECRET": "not-the-secret-of-this-token",
        "CONNECTOR_STRIPE_API_KEY": "rk_test_of_somebody_else",
    }
    return made


def test_check_names_wrong_credentials(stranger: Desk) -> None:
    ended = run(stranger, "check")

    said = " ".join(ended.stdout.split())
    assert 1 == ended.returncode
    assert "NetSuite to do login" in said
    assert "account id, the token values or the role" in said
    assert "the key was refused" in said


def test_once_with_wrong_credentials_says_so_and_does_nothing(stranger: Desk) -> None:
    writes = stranger.world.requests()["erp_writes"]
    ended = run(stranger, "--debug", "once")

    assert 1 == ended.returncode
    assert "Check the account id and the four token values" in ended.stderr
    assert "the key was refused" in ended.stderr
    assert writes == stranger.world.requests()["erp_writes"]


def test_once_while_the_erp_is_down_says_that_it_tries_again(told: Told, tmp_path: Path) -> None:
    told.at.break_erp("maintenance", times=100)
    try:
        ended = run(Desk(told.at.served, tmp_path), "once")
    finally:
        told.at.world.faults.clear()

    assert 3 == ended.returncode
    assert "The next tick tries again" in ended.stdout + ended.stderr
