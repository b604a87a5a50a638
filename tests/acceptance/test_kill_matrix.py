"""The real process is killed with SIGKILL at each named point of an act, a send and a deposit, and started again.

What must hold afterwards, whatever the point: the ERP has one payment of the charge, applied as the payer meant to the
cent; no reminder about a paid invoice; a reminder leaves at most once; a payout is one deposit, equal to the cent.

On PostgreSQL all points of the deposit are tried and some of the others, with NetSuite; `scripts/test --all` tries all
of them there, with either ERP.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.store import activity, settling, verdicts
from connector.store.settling import DepositState
from sandbox.plan import Part
from tests.acceptance.settling import assert_ties, pay_out, settle, stripe
from tests.harness import Desk, banked, desk

pytestmark = pytest.mark.usefixtures("each_erp")

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
# Tried on PostgreSQL in every run: where the store and the engine have most to remember. The long tier has the rest.
ON_POSTGRES = ("match.committed", "act.answered", "reminder.dot", *DEPOSIT_POINTS)


def on_stores(*points: str, often: Sequence[str] = ON_POSTGRES) -> list[Any]:
    """(point, store); '' is the store that the run is told to use."""
    seldom = [pytest.mark.long]
    there = [pytest.param(point, "postgresql", marks=[] if point in often else seldom) for point in points]
    return [*((point, "") for point in points), *there]


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


@pytest.mark.parametrize(("point", "store"), on_stores(*ACT_POINTS))
def test_a_closing_act_killed_anywhere_is_finished_once(tmp_path: Path, point: str, store: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)

        _killed(at, point)
        _finished(at)

        _assert_paid_once(at)


@pytest.mark.parametrize(("point", "store"), on_stores("act.attempted", "act.answered", "act.confirmed"))
def test_an_act_finishes_though_the_engine_lost_all_its_tables(tmp_path: Path, point: str, store: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        _set_up(at)

        _killed(at, point)
        at.lose_engine()
        _finished(at)

        _assert_paid_once(at)


@pytest.mark.parametrize(("point", "store"), on_stores(*SEND_POINTS))
def test_a_reminder_killed_anywhere_leaves_at_most_once(tmp_path: Path, point: str, store: str) -> None:
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


@pytest.mark.parametrize("point", ["reminder.leaving", "reminder.dot"])
def test_a_payment_after_a_killed_send_still_cancels_everything(tmp_path: Path, point: str) -> None:
    with desk(tmp_path, now=None) as at:
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
        assert [DepositState.CLOSED] == [one.state for one in settling.deposits(tx, DepositState)]
        assert {"deposited"} == set(settling.standings(tx).values())
        assert () == verdicts.open_exceptions(tx)


@pytest.mark.parametrize(("point", "store"), on_stores(*DEPOSIT_POINTS))
def test_a_deposit_killed_anywhere_is_one_deposit_of_the_payout(tmp_path: Path, point: str, store: str) -> None:
    with _paid_out(tmp_path, store) as (at, accounts):
        _killed(at, point)
        _finished(at)

        _assert_deposited_once(at, accounts)


@pytest.mark.parametrize(
    ("point", "store"),
    on_stores("deposit.attempted", "deposit.answered", "deposit.written", often=["deposit.answered"]),
)
def test_a_deposit_finishes_though_the_engine_lost_all_its_tables(tmp_path: Path, point: str, store: str) -> None:
    with _paid_out(tmp_path, store) as (at, accounts):
        _killed(at, point)
        at.lose_engine()
        _finished(at)

        _assert_deposited_once(at, accounts)
