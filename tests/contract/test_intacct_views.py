"""Each recipe of mappings/intacct/views.yaml as a query over HTTP: what belongs comes, what just misses doesn't.

One book for all of them. What the connector writes is put there by the connector; the queries go through its own
gateway client.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.adapters.intacct import filters
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.values import day, iso_day
from connector.adapters.intacct.xmltext import Node, node
from connector.money import Money
from connector.ports import Outcome
from connector.receivables import ArStatus, ExceptionRecord
from tests.contract.erp_site import TODAY, with_payment
from tests.contract.intacct_site import Site, mapping, served

FOLDER = Path(__file__).resolve().parents[2] / "mappings" / "intacct"
VIEWS: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "views.yaml").read_text(encoding="utf-8"))["views"]
OPERATORS: dict[str, Callable[..., Node]] = {
    "equalto": filters.equal,
    "notequalto": filters.differs,
    "lessthan": filters.less,
    "lessthanorequalto": filters.at_most,
    "greaterthan": filters.greater,
    "greaterthanorequalto": filters.at_least,
    "between": filters.between,
    "like": filters.like,
    "notlike": lambda name, value: node("notlike", node("field", name), node("value", value)),
    "isnull": filters.is_null,
    "isnotnull": filters.is_not_null,
}
_DAY = re.compile(r":today([+-]\d+)?")


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass
class Book:
    """A company with everything that the views look for; `found` tells what a view shows."""

    site: Site
    gateway: Gateway
    names: dict[str, str] = field(default_factory=dict)  # a record's key -> how the tests call it

    def invoice(self, number: str, amount: str = "100.00", due: date = TODAY, **fields: Any) -> str:
        """`fields` are set as a person sets them; `delivered_on` None is left empty."""
        made = self.site.intacct.add_invoice(
            self.site.customer,
            number,
            min(due, TODAY) - timedelta(days=30),
            due,
            [{"description": "Seats", "amount": amount, "kind": "subscription"}],
            terms_id=self.site.terms,
            delivered_on=fields.pop("delivered_on", ago(40)),
        )
        if fields:
            self.site.intacct.edit_invoice(made, **fields)
        return str(made)

    def status(self, number: str, state: str, reason: str = "", next_on: date | None = None, **fields: Any) -> None:
        id_ = self.invoice(number, **fields)
        status = ArStatus(f"arc-demo-st-{number}", id_, state, reason, "+7", next_on)
        (answer,) = self.site.erp.write_marks([], [status])
        assert answer.outcome is not Outcome.REFUSED, answer.message

    def exception(self, name: str, kind: str, closed_on: date | None = None, deadline: date | None = None) -> None:
        amount = Money.of("5.00", "USD")
        record = ExceptionRecord(name, kind, "why", amount, "ann", ago(3), closed_on, deadline=deadline)
        (answer,) = self.site.erp.write_exceptions([record])
        assert Outcome.CREATED == answer.outcome, answer.message

    def found(self, name: str) -> list[str]:
        """What this view shows, by number or name, in its order."""
        view = VIEWS[name]
        key = "id" if view["object"].startswith("arc_") else "RECORDNO"
        rows = self.gateway.rows(view["object"], [key, *view["columns"], view["sort"]], self.where(view), key=key)
        return [self.names.get(row[key.upper()], row[key.upper()]) for row in rows]

    def where(self, view: dict[str, Any]) -> Node:
        is_own = view["object"].startswith("arc_")
        return filters.both(*(self._condition(one, is_own) for one in view["filter"]))

    def _condition(self, said: Any, is_own: bool) -> Node:
        if isinstance(said, dict):
            return filters.either(*(self._condition(one, is_own) for one in said["any"]))
        name, operator, *values = said
        is_text = operator in ("like", "notlike")
        return OPERATORS[operator](name, *(self._value(value, is_own or is_text) for value in values))

    def _value(self, value: str, is_iso: bool) -> str:
        def shown(found: re.Match[str]) -> str:
            on = TODAY + timedelta(days=int(found[1] or 0))
            return iso_day(on) if is_iso else day(on)

        banks = self.site.intacct.rows("SELECT glaccountno FROM bank WHERE bankaccountid = 'CHK-STRIPE'")
        return _DAY.sub(shown, value.replace(":clearing", banks[0]["glaccountno"]))


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    with served() as site:
        site.settled()
        gateway = Gateway(site.settings, mapping(site.intacct.accounts), time.sleep)
        made = Book(site, gateway)
        _statuses(made)
        _exceptions(made)
        _held_back(made)
        _disputes(made)
        _money(made)
        documents = "SELECT recordno AS k, recordid AS n FROM record WHERE recordtype IN ('ri', 'ra')"
        for sql in (documents, "SELECT id AS k, name AS n FROM arc_exception"):
            rows = site.intacct.rows(sql)
            made.names |= {str(row["k"]): row["n"] for row in rows}
        yield made
        gateway.close()


def _statuses(book: Book) -> None:
    book.status("OUT-0", "reminding", "planned", TODAY)
    book.status("OUT-1", "reminding", "planned", ago(1))
    book.status("OUT-LATER", "reminding", "planned", TODAY + timedelta(days=1))
    book.status("OUT-HELD", "reminding", "a mail was refused", TODAY)
    book.status("APPROVE", "held", "a payment waits for approval")
    book.status("HELD", "held", "promised", ARC_TOUCHED_ON=TODAY)
    book.status("BACKLOG", "backlog", "overdue from before")
    book.status("ESC", "escalated", "nobody answers")
    book.status("ESC-TOUCHED", "escalated", "nobody answers", ARC_TOUCHED_ON=ago(1))


def _exceptions(book: Book) -> None:
    book.exception("EXC-OPEN", "ambiguous", deadline=TODAY)
    book.exception("EXC-LATE", "unidentified", deadline=ago(1))
    book.exception("EXC-CLOSED", "unidentified", closed_on=ago(1), deadline=ago(2))
    book.exception("EXC-DIFF", "deposit_difference")


def _held_back(book: Book) -> None:
    held: dict[str, Any] = {"ARC_HOLD": True, "ARC_HOLD_REASON": "r", "ARC_HOLD_OWNER": "ann", "ARC_HOLD_UNTIL": TODAY}
    book.invoice("HOLD-WHOLE", **held)
    book.invoice("HOLD-USAGE", **{**held, "ARC_HOLD_KIND": "usage"})
    book.invoice("HOLD-NOBODYS", **{**held, "ARC_HOLD_OWNER": None})
    book.invoice("HOLD-ENDLESS", **{**held, "ARC_HOLD_UNTIL": None})
    book.invoice("HOLD-PAST", **{**held, "ARC_HOLD_UNTIL": ago(1)})
    book.invoice("HOLD-NONE", ARC_HOLD=False, ARC_HOLD_UNTIL=ago(1))
    for number, on in (("PROM-0", 0), ("PROM-6", -6), ("PROM-7", -7), ("PROM-GRACE", 3), ("PROM-BROKEN", 4)):
        book.invoice(number, ARC_PROMISE_ON=ago(on))
    book.invoice("PLAN", ARC_PLAN="2026-12-01 100.00")
    book.invoice("PLAN-APPROVED", ARC_PLAN="2026-12-01 100.00", ARC_PLAN_APPROVED_BY="ann")
    book.invoice("UNPROVED", due=ago(1), delivered_on=None)
    book.invoice("UNPROVED-NOT-DUE", delivered_on=None)
    book.invoice("LARGE", "100000.00", ago(31))
    book.invoice("LARGE-30", "100000.00", ago(30))
    book.invoice("SMALL", "99999.99", ago(31))
    book.invoice("LARGE-TOUCHED", "100000.00", ago(31), ARC_TOUCHED_ON=ago(1))


def _disputes(book: Book) -> None:
    people = book.site.intacct
    for number, on, detail in (("DISP-8", 8, ""), ("DISP-7", 7, ""), ("DISP-DETAIL", 8, "12 seats, not 15")):
        invoice = book.invoice(number)
        people.dispute_line(invoice, 1, "count", ago(on))
        if detail:
            people.give_detail(invoice, 1, detail)
    for number, until in (("DISP-LATE", 1), ("DISP-TODAY", 0)):
        people.own_dispute(book.invoice(number), "ann", ago(until))


def _money(book: Book) -> None:
    site, people = book.site, book.site.intacct
    selected = book.invoice("SELECTED")
    people.draft_payment(site.customer, "10.00", TODAY, [(selected, "10.00")])
    for number, amount in (("CM-OPEN", "7.00"), ("CM-USED", "8.00")):
        site.memo(amount, number, on=ago(5))
    used = book.invoice("NETTED", "8.00")
    people.apply_credit(people.credit_id("CM-USED"), {used: "8.00"})
    people.pay_by_hand(site.customer, "40.00", ago(3), memo="on account")
    over = book.invoice("OVERPAID", "30.00")
    people.pay_by_hand(site.customer, "35.00", ago(2), [(over, "30.00")])
    paid, late = book.invoice("PAID"), book.invoice("PAID-LATE")
    late_money = with_payment(site.act({late: "100.00"}, act_id="a2"), really_received_on=ago(60))
    for intent in (site.act({paid: "100.00"}), late_money):
        answer = site.answer(intent)
        assert Outcome.CREATED == answer.payment.outcome, answer.payment.message
    lines = [{"account": "refunds", "debit": "4.00"}, {"account": "clearing", "credit": "4.00"}]
    for on in (6, 5):
        people.journal_by_hand(ago(on), lines, memo="by hand")


def payments(book: Book, numbers: Sequence[str]) -> list[str]:
    """Amounts of these payments, by record number."""
    marks = ", ".join("?" * len(numbers))
    rows = book.site.intacct.rows(f"SELECT recordno, total FROM record WHERE recordno IN ({marks})", *map(int, numbers))
    return sorted(f"{row['total'] / 100:.2f}" for row in rows)


SHOWN = {
    "going_out_today": ["OUT-0", "OUT-1"],
    "needs_approval": ["APPROVE"],
    "open_exceptions": ["EXC-OPEN", "EXC-LATE", "EXC-DIFF"],
    "exceptions_past_deadline": ["EXC-LATE"],
    "backlog": ["BACKLOG"],
    "selected_by_drafts": ["SELECTED"],
    "open_credit_memos": ["CM-OPEN"],
    "unidentified_cash": ["EXC-LATE"],
    "disputes_past_deadline": ["DISP-LATE"],
    "usage_holds": ["HOLD-USAGE"],
    "holds_without_owner_or_end": ["HOLD-NOBODYS", "HOLD-ENDLESS"],
    "holds_past_their_end": ["HOLD-PAST"],
    "escalated_without_touch": ["ESC"],
    "large_and_late": ["LARGE"],
    "promises_due": ["PROM-0", "PROM-6"],
    "promises_broken": ["PROM-BROKEN"],
    "plans_to_approve": ["PLAN"],
    "overdue_without_delivery": ["UNPROVED"],
    "differences": ["EXC-DIFF"],
}
# Views of records without a number of their own: what they show, by amount.
AMOUNTS = {
    "unapplied_advances": ["40.00"],
    "unapplied_overpayments": ["5.00"],
    "posted_out_of_period": ["100.00"],
    "payments_by_the_integration_today": ["100.00", "100.00"],
    "drafts_of_ours": [],
}
LINES = {"disputed_without_detail": 1, "clearing_lines_of_others": 1, "cancelled_today": 2}


def test_every_view_is_proved() -> None:
    assert VIEWS.keys() == SHOWN.keys() | AMOUNTS.keys() | LINES.keys()


@pytest.mark.parametrize("name", SHOWN)
def test_a_view_finds_what_belongs_and_nothing_that_just_misses(book: Book, name: str) -> None:
    assert SHOWN[name] == book.found(name)


@pytest.mark.parametrize("name", AMOUNTS)
def test_a_view_of_payments_finds_those_that_belong(book: Book, name: str) -> None:
    found = book.found(name)

    assert AMOUNTS[name] == payments(book, found)


@pytest.mark.parametrize("name", LINES)
def test_a_view_of_lines_and_records_finds_as_many_as_belong(book: Book, name: str) -> None:
    assert LINES[name] == len(book.found(name))
