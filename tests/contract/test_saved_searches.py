"""Each recipe of mappings/netsuite/searches.yaml as SuiteQL over HTTP: what belongs comes, what just misses doesn't.

One book for all of them. The records of ours are put there as the connector writes them; the queries go through the
connector's own SuiteQL client.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteSettings
from connector.decisions.suppression import SuppressionReason
from connector.receivables import ExceptionKind, RecordState
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults
from sandbox.netsuite import NetSuite
from sandbox.netsuite.books import stored_day
from sandbox.serving import Background

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "mappings" / "netsuite"
BOOK = yaml.safe_load((FOLDER / "searches.yaml").read_text(encoding="utf-8"))
RECIPES: dict[str, dict[str, Any]] = BOOK["searches"]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
TODAY = NOW.date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass
class Book:
    """A NetSuite account in the making; `at` moves its clock on, so that things have their age."""

    netsuite: NetSuite
    clock: WorldClock
    ql: SuiteQl
    customer: str
    ids: dict[str, str] = field(default_factory=dict)

    def at(self, day: date, hour: int = 9, minute: int = 0) -> None:
        self.clock.move_to(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC))

    def invoice(self, number: str, amount: str = "100.00", due: date = TODAY, **more: Any) -> str:
        """`more`: kind of line, customer, issued, delivered_on; and columns of ours, set as a person sets them."""
        lines = [{"description": "Seats", "amount": amount, "kind": more.pop("kind", "subscription")}]
        owner, issued = more.pop("customer", self.customer), more.pop("issued", min(due - timedelta(days=30), TODAY))
        delivered = {"delivered_on": more.pop("delivered_on")} if "delivered_on" in more else {}
        self.ids[number] = self.netsuite.add_invoice(owner, number, issued, due, lines, **delivered)
        if more:
            self.netsuite.edit_invoice(self.ids[number], **more)
        return self.ids[number]

    def payment(self, number: str, amount: str, on: date, invoice: str = "", **more: Any) -> None:
        """`more`: account, external_id; and columns of ours."""
        parts = [(self.ids[invoice], amount)] if invoice else []
        given = {name: more.pop(name) for name in ("account", "external_id") if name in more}
        self.ids[number] = self.netsuite.pay_by_hand(self.customer, amount, on, parts, **given)
        self.netsuite.change("transaction", int(self.ids[number]), {"tranid": number, **more})

    def state(self, number: str, state: str, reason: str = "", next_on: str | None = None, **more: Any) -> None:
        """The AR status of an invoice; the invoice is made if it isn't there."""
        owner = more.pop("owner", "the analyst")
        if number not in self.ids:
            self.invoice(number, **more)
        fields = {"invoice": self.ids[number], "state": state, "reason": reason, "next_on": next_on, "owner": owner}
        self.record("status", "st", **fields)

    def record(self, table: str, short: str, /, **fields: object) -> None:
        now = self.netsuite.now()
        values = {f"custrecord_arc_{short}_{name}": value for name, value in fields.items()}
        self.netsuite.insert(f"customrecord_arc_{table}", {"created": now, "lastmodified": now, **values})

    def exception(
        self, reason: str, kind: str, opened: date, closed: date | None = None, deadline: date | None = None
    ) -> None:
        given = {"opened": opened, "closed": closed, "deadline": deadline}
        days = {name: on and on.isoformat() for name, on in given.items()}
        self.record("exception", "exc", kind=kind, reason=reason, amount="10.00 USD", **days)

    def mailed(self, number: str, **columns: object) -> None:
        """A line of NetSuite's e-mail log, and nothing in the invoice's own field."""
        values = {"transaction": self.ids[number], "messagedate": self.netsuite.now(), "emailed": "T", "incoming": "F"}
        self.netsuite.insert("message", values | columns)

    def run(self, name: str) -> list[dict[str, str]]:
        query, params = RECIPES[name]["query"].replace(":accounts", self.netsuite.accounts["clearing"]), []
        for mark in re.findall(r":(?:today|now)\b", query):
            params.append(TODAY.isoformat() if mark == ":today" else NOW.strftime("%Y-%m-%d %H:%M:%S"))
        return self.ql.by_offset(f"the recipe {name}", re.sub(r":(?:today|now)\b", "?", query), params)


@contextmanager
def opened() -> Iterator[Book]:
    clock = WorldClock()
    clock.start_at(datetime(2026, 8, 3, 9, tzinfo=UTC))
    netsuite = NetSuite(clock, Sequence(clock), Faults(), account="1000001_SB1")
    with Background(Starlette(routes=[Mount("/netsuite", app=netsuite.app)])) as background:
        profile = netsuite.profile(f"{background.url}/netsuite")
        secrets = {n: SecretStr(profile[n]) for n in ("consumer_key", "consumer_secret", "token_id", "token_secret")}
        settings = NetSuiteSettings(account=profile["account"], base_url=profile["base_url"], read_seconds=5, **secrets)
        ql = SuiteQl(settings, Lanes(4, 1, time.sleep), time.time)
        customer = netsuite.add_customer("Northfield Robotics", "ap@northfield.example", None)
        yield Book(netsuite, clock, ql, customer)
        ql.close()


def day(on: date) -> str:
    return str(stored_day(on))


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    with opened() as made:
        _long_ago(made)
        _last_days(made)
        _today(made)
        yield made


def _long_ago(book: Book) -> None:
    """What was last touched more than seven days ago."""
    netsuite = book.netsuite
    book.at(ago(40))
    late = {"31": 31, "30": 30, "TALK": 60, "PROMISED": 60, "TOUCHED": 60, "TOUCHED-BEFORE": 60}
    for number, days in late.items():
        book.invoice(f"LATE-{number}", "100000.00", ago(days))
    netsuite.touch(book.ids["LATE-TOUCHED"], ago(59))
    netsuite.touch(book.ids["LATE-TOUCHED-BEFORE"], ago(60))
    book.invoice("LATE-SMALL", "99999.99", ago(60))
    netsuite.edit_invoice(book.ids["LATE-TALK"], custbody_arc_conversation_until=TODAY)
    netsuite.edit_invoice(book.ids["LATE-PROMISED"], custbody_arc_promise_on=TODAY)
    for number in ("8", "7", "DETAILED", "PAID", "UNDATED", "SETTLED", "LATE"):
        book.invoice(f"DISPUTED-{number}", due=TODAY + timedelta(days=30))
    book.at(ago(8))
    for number, detail in (("8", ""), ("DETAILED", "40 seats"), ("PAID", ""), ("SETTLED", ""), ("LATE", "price")):
        netsuite.dispute_line(book.ids[f"DISPUTED-{number}"], 1, "wrong seats", detail=detail)
    netsuite.settle_dispute(book.ids["DISPUTED-SETTLED"], 1, "rejected")
    netsuite.dispute_line(book.ids["DISPUTED-UNDATED"], 1, "wrong seats")
    netsuite.change(
        "transactionline", _line_key(book, "DISPUTED-UNDATED"), {"custcol_arc_disputed_on": None}, "uniquekey"
    )
    for number, deadline in (("8", TODAY), ("DETAILED", None), ("LATE", ago(1)), ("SETTLED", ago(1)), ("PAID", ago(1))):
        netsuite.own_dispute(book.ids[f"DISPUTED-{number}"], "billing", deadline)
    book.payment("PAY-DISPUTED", "100.00", ago(8), "DISPUTED-PAID")
    book.payment("OLD-UNAPPLIED", "70.00", ago(8))
    netsuite.add_credit_memo(book.customer, "CM-OPEN", ago(7), "30.00")
    book.at(ago(7), 0, 0)
    netsuite.dispute_line(book.ids["DISPUTED-7"], 1, "wrong seats")


def _line_key(book: Book, number: str) -> int:
    sql = "SELECT uniquekey FROM transactionline WHERE \"transaction\" = ? AND mainline = 'F'"
    return int(book.netsuite.rows(sql, int(book.ids[number]))[0]["uniquekey"])


def _last_days(book: Book) -> None:
    """What is a few days old: what rests, what was escalated, what was promised."""
    book.at(ago(6))
    book.payment("UNDEPOSITED-6", "10.00", ago(6), account="undeposited")
    book.payment("DEPOSITED-6", "11.00", ago(6), account="bank")
    for number, more in (("CLEARED-6", {}), ("CLEARED-OURS", {"external_id": "arc-t1-pay-ch_2-0"})):
        book.invoice(f"{number}-INV")
        book.payment(number, "100.00", ago(6), f"{number}-INV", account="clearing", **more)
    book.at(ago(5))
    book.payment("UNDEPOSITED-5", "12.00", ago(5), account="undeposited")
    book.invoice("CLEARED-5-INV")
    book.payment("CLEARED-5", "100.00", ago(5), "CLEARED-5-INV", account="clearing")
    book.at(ago(2), 23, 59)
    later = {"due": TODAY + timedelta(days=5)}
    book.state("ESCALATED-2", "escalated", "renews in 20 days", **later)
    book.state("ESCALATED-TALK", "escalated", custbody_arc_conversation_until=TODAY, **later)
    book.state("ESCALATED-TALKED", "escalated", custbody_arc_conversation_until=ago(1), **later)
    book.state("ESCALATED-TOUCHED", "escalated", custbody_arc_touched_on=ago(2), **later)
    book.state("ESCALATED-TOUCHED-BEFORE", "escalated", custbody_arc_touched_on=ago(3), **later)
    book.state("HELD-2", "held", "hold", **later)
    book.at(ago(1), 0, 0)
    book.state("ESCALATED-1", "escalated", **later)
    book.record("cancellation", "can", invoice=book.ids["HELD-2"], steps="+1", reason="paid yesterday", state="closed")


def _today(book: Book) -> None:
    book.at(TODAY, 0, 0)
    invoice = book.ids["LATE-31"]
    book.record("cancellation", "can", invoice=invoice, steps="+1 +7", reason="paid today", state="closed", act="a1")
    book.record("cancellation", "can", invoice=invoice, steps="+1", reason="taken back", state="withdrawn", act="a2")
    future = {"due": TODAY + timedelta(days=7)}
    book.state("GOING", "reminding", "planned", TODAY.isoformat(), **future)
    book.state("GOING-YESTERDAY", "reminding", "planned", ago(1).isoformat(), **future)
    book.state("GOING-TOMORROW", "reminding", "planned", (TODAY + timedelta(days=1)).isoformat(), **future)
    book.state("GOING-HELD", "held", "hold", TODAY.isoformat(), **future)
    book.state("NO-STEP", "reminding", "no step is left", **future)
    book.state("APPROVE", "held", "A match that pays this invoice waits for a person's approval.", **future)
    book.state("BACKLOG-1", "backlog", due=ago(3))
    book.state("EXCEPTION-1", "exception", "ambiguous", due=ago(3))
    _holds(book)
    _promises(book)
    _exceptions(book)
    _delivery(book)
    book.payment("OURS", "15.00", TODAY, custbody_arc_act="a7", external_id="arc-t1-pay-ch_1-0")
    book.payment("THEIRS", "16.00", TODAY)
    book.payment("MOVED", "17.00", TODAY, custbody_arc_received_on=day(date(2026, 10, 30)))
    book.at(TODAY, 11, 0)
    book.record("receipt", "rec", act="a-hour", state=RecordState.INTENDED.value)
    book.record("receipt", "rec", act="a-closed", state=RecordState.CLOSED.value)
    book.at(TODAY, 11, 1)
    book.record("receipt", "rec", act="a-minutes", state=RecordState.INTENDED.value)
    book.at(TODAY, 12)


def _holds(book: Book) -> None:
    held = {"custbody_arc_hold": "T", "custbody_arc_hold_reason": "usage"}
    owned, ends = {"custbody_arc_hold_owner": "revops"}, {"custbody_arc_hold_until": TODAY}
    hold = held | owned | ends
    book.invoice("USAGE-KIND", "11.00", custbody_arc_hold_kind="Usage", **hold)
    book.invoice("USAGE-SMALL", "10.00", kind="usage", issued=ago(50), **hold)
    book.invoice("USAGE-LARGE", "90.00", kind="usage", **hold)
    book.invoice("USAGE-FREE", "95.00", kind="usage")
    book.invoice("SEATS-HELD", "96.00", **hold)
    book.invoice("HELD-NOBODY", custbody_arc_hold_since=ago(3), **held, **ends)
    book.invoice("HELD-ENDLESS", custbody_arc_hold_since=ago(2), **held, **owned)
    book.invoice("HELD-OVER", **{**hold, "custbody_arc_hold_until": ago(1)})
    book.invoice("HELD-RELEASED", custbody_arc_hold="F", custbody_arc_hold_until=ago(1))
    book.invoice("HELD-PAID", **{**held, "custbody_arc_hold_until": ago(1)})
    book.payment("HELD-PAID-P", "100.00", TODAY, "HELD-PAID")


def _promises(book: Book) -> None:
    for number, on in (("YESTERDAY", -1), ("TODAY", 0), ("DAY-6", 6), ("DAY-7", 7), ("BROKEN", -6), ("GRACE", -5)):
        book.invoice(f"PROMISE-{number}", custbody_arc_promise_on=TODAY + timedelta(days=on))
    book.invoice("PROMISE-KEPT", custbody_arc_promise_on=ago(6))
    book.payment("KEPT", "100.00", TODAY, "PROMISE-KEPT")
    book.invoice("PLAN-OPEN", custbody_arc_plan="2026-12-01 100.00")
    book.invoice("PLAN-APPROVED", custbody_arc_plan="2026-12-01 100.00", custbody_arc_plan_approved_by="controller")


def _exceptions(book: Book) -> None:
    book.exception("nobody we know", ExceptionKind.UNIDENTIFIED.value, ago(3), deadline=ago(1))
    book.exception("found meanwhile", ExceptionKind.UNIDENTIFIED.value, ago(4), closed=ago(1), deadline=ago(2))
    book.exception("fits twice", ExceptionKind.AMBIGUOUS.value, ago(2), deadline=TODAY)
    book.exception("address refused", "fix_contact", ago(1))
    book.exception("address corrected", "fix_contact", ago(2), closed=TODAY)
    book.exception("the ERP has 5.00 more", "difference", TODAY)
    book.exception("flag refused", "flag_refused", TODAY)
    book.exception("it agrees again", "difference", ago(9), closed=ago(8))


def _delivery(book: Book) -> None:
    nobody = book.netsuite.add_customer("Sable Ridge Metering", "", None)
    for number in ("PROOF-NONE", "PROOF-FIELD", "PROOF-MAIL", "PROOF-ANSWER"):
        book.invoice(number, due=ago(1), delivered_on=None)
    book.netsuite.edit_invoice(book.ids["PROOF-FIELD"], custbody_arc_delivered_on=ago(20))
    book.mailed("PROOF-MAIL")
    book.mailed("PROOF-ANSWER", incoming="T")
    book.invoice("NOBODY-1", due=ago(1), customer=nobody, delivered_on=None)
    book.invoice("PROOF-DUE-TODAY", delivered_on=None)
    book.invoice("NOBODY-DUE-TODAY", customer=nobody)


# recipe -> the column that names a row, which come in which order, and which just miss.
EXPECTED = {
    "going_out_today": ("tranid", ["GOING-YESTERDAY", "GOING"], ["GOING-TOMORROW", "GOING-HELD", "NO-STEP"]),
    "cancelled_today": ("reason", ["paid today"], ["paid yesterday", "taken back"]),
    "needs_approval": ("tranid", ["APPROVE"], ["GOING-HELD"]),
    "open_exceptions": (
        "reason",
        ["nobody we know", "fits twice", "address refused", "the ERP has 5.00 more", "flag refused"],
        ["found meanwhile", "address corrected", "it agrees again"],
    ),
    "exceptions_past_deadline": (
        "reason",
        ["nobody we know"],
        ["found meanwhile", "fits twice", "address refused"],
    ),
    "backlog": ("tranid", ["BACKLOG-1"], ["EXCEPTION-1"]),
    "unapplied_money": (
        "tranid",
        ["OLD-UNAPPLIED", "CM-OPEN", "UNDEPOSITED-6", "DEPOSITED-6", "UNDEPOSITED-5", "OURS", "THEIRS", "MOVED"],
        ["PAY-DISPUTED", "KEPT"],
    ),
    "unidentified_cash": ("reason", ["nobody we know"], ["found meanwhile", "fits twice"]),
    "undeposited_too_long": ("tranid", ["UNDEPOSITED-6"], ["UNDEPOSITED-5", "DEPOSITED-6"]),
    "clearing_lines_of_others": ("tranid", ["CLEARED-6"], ["CLEARED-OURS", "CLEARED-5", "DEPOSITED-6"]),
    "posted_out_of_period": ("tranid", ["MOVED"], ["THEIRS"]),
    "payments_by_the_integration_today": ("tranid", ["OURS"], ["THEIRS"]),
    "disputed_without_detail": (
        "tranid",
        ["DISPUTED-8", "DISPUTED-UNDATED"],
        ["DISPUTED-7", "DISPUTED-DETAILED", "DISPUTED-PAID", "DISPUTED-SETTLED"],
    ),
    "disputes_past_deadline": (
        "tranid",
        ["DISPUTED-LATE"],
        ["DISPUTED-8", "DISPUTED-DETAILED", "DISPUTED-SETTLED", "DISPUTED-PAID"],
    ),
    "usage_holds": ("tranid", ["USAGE-LARGE", "USAGE-KIND", "USAGE-SMALL"], ["USAGE-FREE", "SEATS-HELD"]),
    "holds_without_owner_or_end": (
        "tranid",
        ["HELD-NOBODY", "HELD-ENDLESS"],
        ["USAGE-LARGE", "HELD-RELEASED", "HELD-PAID"],
    ),
    "holds_past_their_end": ("tranid", ["HELD-OVER"], ["USAGE-LARGE", "HELD-ENDLESS", "HELD-RELEASED", "HELD-PAID"]),
    "escalated_without_touch": (
        "tranid",
        ["ESCALATED-2", "ESCALATED-TALKED", "ESCALATED-TOUCHED-BEFORE"],
        ["ESCALATED-1", "ESCALATED-TALK", "ESCALATED-TOUCHED", "HELD-2"],
    ),
    "large_and_late": (
        "tranid",
        ["LATE-31", "LATE-TOUCHED-BEFORE"],
        ["LATE-30", "LATE-SMALL", "LATE-TALK", "LATE-PROMISED", "LATE-TOUCHED"],
    ),
    "plans_to_approve": ("tranid", ["PLAN-OPEN"], ["PLAN-APPROVED", "PROMISE-TODAY"]),
    "promises_due": (
        "tranid",
        ["LATE-PROMISED", "PROMISE-TODAY", "PROMISE-DAY-6"],
        ["PROMISE-YESTERDAY", "PROMISE-DAY-7"],
    ),
    "promises_broken": ("tranid", ["PROMISE-BROKEN"], ["PROMISE-GRACE", "PROMISE-KEPT"]),
    "overdue_without_delivery": (
        "tranid",
        ["PROOF-NONE", "PROOF-ANSWER", "NOBODY-1"],
        ["PROOF-FIELD", "PROOF-MAIL", "PROOF-DUE-TODAY", "LATE-31"],
    ),
    "overdue_without_contact": ("customer", ["Sable Ridge Metering"], ["Northfield Robotics"]),
    "bounced": ("reason", ["address refused"], ["address corrected", "fits twice"]),
    "acts_not_closed": ("act", ["a-hour"], ["a-minutes", "a-closed"]),
    "differences": ("reason", ["the ERP has 5.00 more", "flag refused"], ["it agrees again", "fits twice"]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recipe_finds_what_belongs_and_leaves_out_what_just_misses(book: Book, name: str) -> None:
    column, expected, misses = EXPECTED[name]
    found = [row[column] for row in book.run(name)]

    assert expected == found
    assert expected and misses and set() == set(expected) & set(misses)
    assert column != "tranid" or set(misses) <= book.ids.keys()


# ---- the recipes themselves ----

OURS = re.compile(r"\bcust(?:body|col|entity|record|omrecord)_[a-z0-9_]+")
# NetSuite's own fields, as its search screens call them.
STANDARD = {
    "Account", "Amount", "Amount (Foreign Currency)", "Amount Remaining", "Amount Remaining (Foreign Currency)",
    "Created By", "Currency", "Customer (Main Line)", "Date", "Date Created", "Days Overdue", "Document Number",
    "Due Date", "Email", "Field", "Last Modified", "Line ID", "Main Line", "Memo", "Name", "New Value", "Period",
    "Posting", "Set By", "Status", "System Notes", "Type",
}  # fmt: skip


def own_labels() -> dict[str, str]:
    """Script id -> label or record name of everything that the SDF project defines."""
    found: dict[str, str] = {}
    for path in (FOLDER / "src" / "Objects").glob("*.xml"):
        for element in etree.parse(path).iter("*"):
            label = element.findtext("label") or element.findtext("recordname")
            if label and element.get("scriptid"):
                found[str(element.get("scriptid"))] = label
    return found


def test_every_recipe_is_proved() -> None:
    assert RECIPES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_uses_standard_fields_and_our_own_only(name: str) -> None:
    recipe, labels = RECIPES[name], own_labels()
    fields = [str(cells[0]) for cells in (*recipe["criteria"], *recipe["columns"])]
    parts = [part for one in fields if not one.startswith("Formula") for part in one.split(" > ")]

    assert set() == {part for part in parts if part not in labels} - STANDARD
    assert set() == set(OURS.findall(" ".join([*fields, recipe["query"]]))) - labels.keys()
    assert recipe["record"] in {"Transaction", *labels.values()}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is_for_and_gives_the_same_fields_to_the_search_and_to_the_query(name: str) -> None:
    recipe = RECIPES[name]
    criteria = set(OURS.findall(" ".join(str(cells[0]) for cells in recipe["criteria"])))

    assert recipe["question"].endswith("?") and recipe["for"] and recipe["filled_by"]
    assert all(cells[0] and len(cells) in (2, 3) for cells in recipe["criteria"])
    assert any("sort 1" in str(cells[-1]) for cells in recipe["columns"])
    assert set() == criteria - set(OURS.findall(recipe["query"]))
    assert "ORDER BY" in recipe["query"] and "SYSDATE" not in recipe["query"]
    assert re.fullmatch(r"[a-z_]{1,34}", name)


def test_the_words_that_recipes_look_for_are_the_connectors() -> None:
    decisions = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "connector" / "decisions").glob("*.py"))
    sources = decisions + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "connector").glob("*.py"))
    words = {"reminding", "held", "escalated", "backlog", "planned", "difference", "flag_refused", "fix_contact"}

    assert set() == {word for word in words if f'"{word}"' not in sources}
    assert SuppressionReason.AWAITING_APPROVAL in SuppressionReason
    assert "approval" in decisions
    assert "unidentified" == ExceptionKind.UNIDENTIFIED and "intended" == RecordState.INTENDED


def test_the_page_for_people_says_what_the_recipes_say() -> None:
    """`scripts/recipes` writes it anew."""
    command = [sys.executable, ROOT / "scripts" / "recipes.py"]
    written = subprocess.run(command, capture_output=True, check=True, text=True)

    assert (FOLDER / "searches.md").read_text(encoding="utf-8") == written.stdout
