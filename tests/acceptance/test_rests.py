"""Money that is in the ERP already, unapplied: it is applied there by an update, once, and only while it is as it was.

RULES 1.9 and 4.3, and what a person is left with after a match: residuals and credits that nobody applied.
"""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.store import verdicts
from sandbox.plan import Part
from tests.harness import Desk, desk

pytestmark = pytest.mark.usefixtures("each_erp")

ENTERED = {"apply_existing": "true"}


def bill(at: Desk, number: str, amount: str, due_in: int = 7) -> None:
    today = at.world.clock().date()
    lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
    at.world.add_invoice(
        "Northfield Robotics", number, today - timedelta(days=23), today + timedelta(days=due_in), lines
    )


def enter(at: Desk, amount: str, memo: str) -> str:
    """A person records a payment in the ERP and applies nothing of it."""
    books, today = at.world.erp, at.world.clock().date()
    books.pay_by_hand(at.world.customer("Northfield Robotics").id, amount, today, (), memo)
    return next(str(one["id"]) for one in at.truth()["payments"] if one["memo"] == memo)


def set_up(at: Desk) -> None:
    at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
    bill(at, "A-1", "800.00")
    bill(at, "A-2", "333.00")


def applied(at: Desk) -> dict[str, Decimal]:
    """What the only payment in the ERP pays, by number."""
    (payment,) = at.truth()["payments"]
    numbers = {str(one["id"]): one["number"] for one in at.truth()["invoices"]}
    return {numbers[part["invoice"]]: Decimal(part["amount"]) for part in payment["applications"]}


def open_kinds(at: Desk) -> list[str]:
    with at.opened_store() as store, store.read() as tx:
        return [one.kind for one in verdicts.open_exceptions(tx)]


def test_what_a_person_entered_is_applied_to_the_invoice_that_it_names(tmp_path: Path) -> None:
    with desk(tmp_path, policy=ENTERED) as at:
        set_up(at)
        enter(at, "800.00", "A-1")

        at.tick()

        assert {"A-1": Decimal("800.00")} == applied(at)
        assert [] == at.mails_about("A-1")


def test_it_is_left_alone_unless_finance_allows_it(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        set_up(at)
        enter(at, "800.00", "A-1")

        at.tick()

        assert {} == applied(at)
        assert [] == at.mails_about("A-1")  # a customer in credit is not chased


def test_a_rest_that_somebody_used_meanwhile_is_not_applied(tmp_path: Path) -> None:
    """The person's edit lies between our read and our write."""
    with desk(tmp_path, policy=ENTERED) as at:
        set_up(at)
        payment, one = enter(at, "800.00", "A-1"), at.world.invoice_id("A-2")
        books = at.world.erp
        books.meanwhile(at.requests.before_update, lambda: books.apply_payment(payment, {one: "333.00"}))

        at.tick()

        assert {"A-2": Decimal("333.00")} == applied(at)
        assert ["posting_refused"] == open_kinds(at)


@pytest.mark.parametrize(
    "point",
    ["match.committed", "act.attempted", "act.answered", "act.written", "act.read_back", "act.confirmed", "act.marked"],
)
def test_an_update_killed_anywhere_is_finished_once(tmp_path: Path, point: str) -> None:
    with desk(tmp_path, now=None, policy=ENTERED) as at:
        set_up(at)
        enter(at, "800.00", "A-1")

        killed = at.process("once", kill_at=point)
        ended = at.process("once", "--json")

        assert -signal.SIGKILL == killed.returncode, killed.stderr
        assert 0 == ended.returncode, ended.stderr
        report: dict[str, Any] = json.loads(ended.stdout)
        assert 0 == report["unfinished"]
        assert {"A-1": Decimal("800.00")} == applied(at)
        assert "0.00" == at.balance("A-1")


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "unreadable_after", "drop_after"])
def test_an_answer_that_was_lost_is_looked_up_and_nothing_is_applied_twice(tmp_path: Path, kind: str) -> None:
    with desk(tmp_path, policy=ENTERED) as at:
        set_up(at)
        enter(at, "800.00", "A-1")
        at.break_erp(kind, "update", nth=1, seconds=3.0)

        for _ in range(3):
            at.tick()

        assert {"A-1": Decimal("800.00")} == applied(at)
        assert 0 == at.tick().unfinished


def test_credits_that_cover_what_is_overdue_wait_for_a_person_until_they_are_applied(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "A-1", "800.00", due_in=-2)
        payment = enter(at, "800.00", "from the spring")
        at.tick()
        waiting = open_kinds(at)

        at.world.erp.apply_payment(payment, {at.world.invoice_id("A-1"): "800.00"})
        at.world.advance_to(at.world.clock() + timedelta(minutes=30))
        at.tick()

        assert (["credits_to_apply"], []) == (waiting, open_kinds(at))
        assert [] == at.mails_about("A-1")


def test_what_was_lost_within_the_policys_bounds_is_a_persons_and_nobody_is_reminded_of_it(
    tmp_path: Path,
) -> None:
    with desk(tmp_path, policy={"matching": "{tolerance: {USD: 5.00}}"}) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "A-1", "800.00", due_in=8)
        at.world.pay("Northfield Robotics", "797.00", pays=[Part("A-1", "797.00")], description="A-1")
        at.tick()
        at.days(at.world.clock().date() + timedelta(days=16))

        assert ["residual"] == open_kinds(at)
        assert "3.00" == at.balance("A-1")
        assert [] == at.mails_about("A-1")
