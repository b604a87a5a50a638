"""The real process is killed with SIGKILL at each named point of every durable act, and started again.

What must hold afterwards, whatever the point, the ERP and the store: the ERP has one payment of the charge, applied as
the payer meant to the cent; no reminder about a paid invoice; a reminder leaves at most once; a payout is one deposit,
equal to the cent; money that came back is taken back once.

`scripts/test` tries every point with each ERP and with each store, `scripts/test --all` every point with each ERP on
each store; the run's last lines count them.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from connector import one_write
from connector.deposits import DepositAct
from connector.reversals import ReversalAct
from connector.store import activity, reversing, settling, verdicts
from connector.store.writing import WriteState
from sandbox.plan import Part
from sandbox.world import ERPS
from tests.acceptance.settling import assert_ties, bill, pay, pay_out, settle, stripe
from tests.harness import ROOT, Desk, banked, desk

ACT_POINTS = (
    "match.pending",
    "match.committed",
    "act.attempted",
    "act.answered",
    "act.written",
    "act.read_back",
    "act.confirmed",
    "act.marked",
    "act.closed",
)
# Point of a send -> messages that the mail server has accepted after kill and restart.
SEND_POINTS = {
    "reminder.leased": 1,  # surely not sent: planned again
    "reminder.body": 1,
    "reminder.leaving": 0,  # marked as leaving, then killed before the dot: nobody can know, so never again
    "reminder.dot": 1,  # accepted, then killed before it was recorded: not sent twice
    "reminder.sent": 1,
}
DEPOSIT_POINTS = (
    "deposit.committed",
    "deposit.attempted",
    "deposit.answered",
    "deposit.written",
    "deposit.read_back",
    "deposit.closed",
)
REVERSAL_POINTS = (
    "reversal.committed",
    "reversal.attempted",
    "reversal.answered",
    "reversal.written",
    "reversal.read_back",
    "reversal.closed",
)
STORES = ("sqlite", "postgresql")


def at_each(*points: str, seldom: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Every point with each ERP on each store. In the short tier with half of them, so that any two of the three meet:
    one point on the diagonal, the next one across; what is `seldom` is left to the long tier."""
    cells = []
    for number, point in enumerate(points):
        for (e, erp), (s, store) in product(enumerate(ERPS), enumerate(STORES)):
            if os.environ.get("ARC_TEST_ERP") in (None, "", erp):
                is_often = (number + e + s) % 2 == 0 and point not in seldom
                cells.append(pytest.param(point, erp, store, marks=() if is_often else pytest.mark.long))
    return pytest.mark.parametrize(("point", "each_erp", "store"), cells, indirect=["each_erp"])


def _set_up(at: Desk) -> dict[str, str]:
    """PAID-1 and PAID-2 are paid by one charge and due for a reminder today; OWED-1 is due for one and not paid."""
    today = at.world.clock().date()
    due, issued = today + timedelta(days=7), today - timedelta(days=23)
    payer = at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
    ower = at.world.add_customer("Sandbar Analytics", "ap@sandbar.example", 30)
    for customer, number, amount in (
        (payer, "PAID-1", "1000.00"),
        (payer, "PAID-2", "234.56"),
        (ower, "OWED-1", "77.70"),
    ):
        lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
        at.world.add_invoice(customer.id, number, issued, due, lines)
    at.world.pay(
        payer.id,
        "1234.56",
        pays=[Part("PAID-1", "1000.00"), Part("PAID-2", "234.56")],
        description="Invoices PAID-1 and PAID-2",
    )
    return {"payer": payer.id}


def _killed(at: Desk, point: str) -> None:
    ended = at.process("once", kill_at=point)

    assert -signal.SIGKILL == ended.returncode, ended.stderr


def _finished(at: Desk) -> dict[str, Any]:
    ended = at.process("once", "--json")

    assert 0 == ended.returncode, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    assert 0 == report["unfinished"]
    return report


def _assert_paid_once(at: Desk) -> None:
    truth = at.truth()
    ours = [p for p in truth["payments"] if p["external_id"].startswith("arc-")]
    assert 1 == len(ours)
    applied = {part["invoice"]: part["amount"] for part in ours[0]["applications"]}
    meant = {part["invoice"]: part["amount"] for part in truth["stripe_payments"][0]["pays"]}
    assert meant == applied
    assert "0.00" == at.balance("PAID-1") == at.balance("PAID-2")
    assert [] == at.mails_about("PAID-")
    assert ["closed", "closed"] == [row["state"] for row in at.kept("cancellation")]


@at_each(*ACT_POINTS)
def test_a_closing_act_killed_anywhere_is_finished_once(tmp_path: Path, point: str, each_erp: str, store: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)

        _killed(at, point)
        _finished(at)

        _assert_paid_once(at)


@at_each("act.answered", "act.attempted", "act.confirmed", seldom=["act.attempted", "act.confirmed"])
def test_an_act_finishes_though_the_engine_lost_all_its_tables(
    tmp_path: Path, point: str, each_erp: str, store: str
) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)

        _killed(at, point)
        at.lose_engine()
        _finished(at)

        _assert_paid_once(at)


@at_each(*SEND_POINTS)
def test_a_reminder_killed_anywhere_leaves_at_most_once(tmp_path: Path, point: str, each_erp: str, store: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)

        _killed(at, point)
        _finished(at)
        _finished(at)

        assert SEND_POINTS[point] == len(at.mails_about("OWED-1"))
        assert [] == at.mails_about("PAID-")


def test_a_reminder_of_unknown_fate_is_shown_and_not_called_sent(tmp_path: Path) -> None:
    with desk(tmp_path, now=None) as at:
        _set_up(at)

        _killed(at, "reminder.leaving")
        _finished(at)

        ended = at.process("explain", "OWED-1", "--json")
        states = {row["step"]: row["state"] for row in json.loads(ended.stdout)["reminders"]}
        assert "sent_unknown" == states["-7"]


@at_each("reminder.leaving", "reminder.dot")
def test_a_payment_after_a_killed_send_still_cancels_everything(
    tmp_path: Path, point: str, each_erp: str, store: str
) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)
        _killed(at, point)
        at.world.pay("Sandbar Analytics", "77.70", pays=[Part("OWED-1", "77.70")], description="OWED-1")

        _finished(at)

        assert "0.00" == at.balance("OWED-1")
        assert len(at.mails_about("OWED-1")) <= 1
        with at.opened_store() as store, store.read() as tx:
            assert () == activity.sent_after_match(tx)


# ---- the deposit ----


@contextmanager
def _paid_out(folder: Path, store: str) -> Iterator[tuple[Desk, dict[str, str]]]:
    """A payout of two charges, their fees and a correction arrived today; the connector has seen nothing of it yet."""
    now = datetime.now(UTC)
    with desk(folder, now=now - timedelta(days=5), store=store) as at:
        accounts = settle(at)
        _set_up(at)
        at.world.pay("Sandbar Analytics", "77.70", pays=[Part("OWED-1", "77.70")], description="OWED-1", method="ach")
        stripe(at, "adjust", amount="-1.01")
        at.world.advance_to(now)
        pay_out(at)
        at.world.clock.run()
        yield at, accounts


def _assert_deposited_once(at: Desk, accounts: dict[str, str]) -> None:
    assert 1 == len(banked(at.truth(), accounts["bank"]))
    assert_ties(at, accounts)
    with at.opened_store() as store, store.read() as tx:
        assert [WriteState.CLOSED] == [one.state for one in settling.deposits(tx, WriteState)]
        assert {"deposited"} == set(settling.standings(tx).values())
        assert () == verdicts.open_exceptions(tx)


@at_each(*DEPOSIT_POINTS)
def test_a_deposit_killed_anywhere_is_one_deposit_of_the_payout(
    tmp_path: Path, point: str, each_erp: str, store: str
) -> None:
    with _paid_out(tmp_path, store) as (at, accounts):
        _killed(at, point)
        _finished(at)

        _assert_deposited_once(at, accounts)


@at_each("deposit.answered", "deposit.attempted", "deposit.written", seldom=["deposit.attempted", "deposit.written"])
def test_a_deposit_finishes_though_the_engine_lost_all_its_tables(
    tmp_path: Path, point: str, each_erp: str, store: str
) -> None:
    with _paid_out(tmp_path, store) as (at, accounts):
        _killed(at, point)
        at.lose_engine()
        _finished(at)

        _assert_deposited_once(at, accounts)


# ---- what came back ----


@contextmanager
def _come_back(folder: Path, store: str) -> Iterator[tuple[Desk, dict[str, str], str]]:
    """A bank debit was posted and applied, and then the bank took it back; the connector hasn't seen that yet."""
    with desk(folder, now=None, store=store) as at:
        accounts = settle(at)
        at.world.add_customer("Sandbar Analytics", "ap@sandbar.example", 30)
        number = bill(at, "Sandbar Analytics", "77.70")
        debit = pay(at, "Sandbar Analytics", number, "77.70", method="ach", processing=True)
        at.world.stripe.ledger.settle(debit)
        _finished(at)
        assert ("0.00", "77.70") == (at.balance(number), at.truth()["balances"][accounts["clearing"]])
        at.world.stripe.ledger.fail(debit)
        yield at, accounts, number


@at_each(*REVERSAL_POINTS)
def test_a_reversal_killed_anywhere_takes_back_once(tmp_path: Path, point: str, each_erp: str, store: str) -> None:
    with _come_back(tmp_path, store) as (at, accounts, number):
        _killed(at, point)
        _finished(at)
        _finished(at)

        assert ("77.70", "0.00") == (at.balance(number), at.truth()["balances"][accounts["clearing"]])
        with at.opened_store() as opened, opened.read() as tx:
            assert [WriteState.CLOSED] == [one.state for one in reversing.reversals(tx, WriteState)]
            assert () == verdicts.open_exceptions(tx)


# ---- the matrix is whole ----


def test_every_named_point_of_a_durable_act_is_in_the_matrix() -> None:
    """Those of a restore and of an upgrade are killed in test_backup.py."""
    named = {
        point
        for file in (ROOT / "connector").rglob("*.py")
        for point in re.findall(r'reached\("([a-z_.]+)"\)', file.read_text(encoding="utf-8"))
        if not point.startswith(("restore.", "upgrade."))
    }
    shared = re.findall(r'reached\(f"\{self.kind\}(\.[a-z_]+)"\)', inspect.getsource(one_write))
    assert 5 == len(shared)
    named |= {f"{act.kind}{point}" for act in (DepositAct, ReversalAct) for point in shared}

    assert named == {*ACT_POINTS, *SEND_POINTS, *DEPOSIT_POINTS, *REVERSAL_POINTS}
