"""The write of a deposit is broken in each way that a network, an ERP or a person can break it.

Never two deposits of a payout, never a cent off; what a person must see is an open exception with its figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.store import settling, verdicts
from connector.store.writing import WriteState
from tests.acceptance.settling import assert_ties, bill, booked, meant, pay, pay_out, settle, stripe
from tests.harness import Desk, banked, desk

pytestmark = pytest.mark.usefixtures("each_erp")

AFTER_COMMIT = ("timeout_after", "cut_after", "unreadable_after", "drop_after")
BEFORE_COMMIT = ("timeout_before", "drop_before", "server_error", "too_many", "maintenance")


@dataclass
class PaidOut:
    """A payout that arrived today; the payments in it are posted, its deposit isn't."""

    at: Desk
    accounts: dict[str, str]
    payout: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.payout["payout"])

    def break_write(self, kind: Any, **more: Any) -> None:
        self.at.break_erp(kind, "deposit", seconds=3.0, **more)

    def break_read_back(self, kind: Any, times: int) -> None:
        """In NetSuite the first such request reads the installation record."""
        nth = {"netsuite": 2, "intacct": 1}[self.at.world.erp_name]
        self.at.break_erp(kind, "read_back", nth=nth, times=times, seconds=6.0)

    def next_day(self) -> None:
        self.at.world.advance_to(self.at.world.clock() + timedelta(days=1))
        self.at.tick()

    def by_hand(self, off: str = "0", payout: str = "") -> str:
        """A person deposits the payout, as it should be or so much off; under this payout's id."""
        parts = meant(self.payout, self.accounts)
        parts[self.accounts["clearing"]] += Decimal(off)
        lines = [{"account": account, "amount": str(amount)} for account, amount in parts.items()]
        day = self.at.world.clock().date()
        return self.at.world.erp.deposit_by_hand(day, lines=lines, payout=payout or self.id)

    def move_line(self, role: str, other: str, amount: str = "") -> None:
        """A person moves a line of the one deposit to another account."""
        (deposit,) = self.deposits()
        self.at.world.erp.move_line(deposit["id"], self.accounts[role], self.accounts[other], amount)

    def deposits(self) -> list[dict[str, Any]]:
        """What the payout's bank account ever got, as the ERP records it: a deposit, or a journal."""
        return banked(self.at.truth(), self.accounts["bank"])

    def exceptions(self) -> dict[str, str]:
        with self.at.service.store.read() as tx:
            return {one.kind: one.reason for one in verdicts.open_exceptions(tx)}

    def states(self) -> list[WriteState]:
        with self.at.service.store.read() as tx:
            return [one.state for one in settling.deposits(tx, WriteState)]

    def standing(self) -> str:
        with self.at.service.store.read() as tx:
            return settling.standing(tx, self.id)

    def assert_deposited_once(self) -> None:
        assert_ties(self.at, self.accounts)
        assert 1 == len(self.deposits())
        assert ("deposited", {}) == (self.standing(), self.exceptions())
        assert WriteState.CLOSED == self.states()[-1]


@pytest.fixture
def paid_out(tmp_path: Path) -> Iterator[PaidOut]:
    with desk(tmp_path) as at:
        accounts = settle(at)
        customer = at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id
        for amount in ("1000.00", "234.56"):
            pay(at, customer, bill(at, customer, amount), amount)
        at.tick()
        at.world.advance_to(at.world.clock() + timedelta(days=2))
        stripe(at, "adjust", amount="-1.01")
        yield PaidOut(at, accounts, pay_out(at))


# ---- the answer is lost, or the write never arrives ----


@pytest.mark.parametrize("kind", AFTER_COMMIT)
def test_an_answer_lost_after_commit_makes_no_second_deposit(paid_out: PaidOut, kind: str) -> None:
    paid_out.break_write(kind)

    for _ in range(3):
        paid_out.at.tick()

    paid_out.assert_deposited_once()


@pytest.mark.parametrize("kind", BEFORE_COMMIT)
def test_a_write_that_never_arrived_is_made_once_later(paid_out: PaidOut, kind: str) -> None:
    paid_out.break_write(kind, times=4)

    for _ in range(5):
        paid_out.at.tick()
        # Until then an ERP may still carry out what it gave no answer to.
        paid_out.at.world.advance_to(paid_out.at.world.clock() + timedelta(minutes=30))

    paid_out.assert_deposited_once()


@pytest.mark.parametrize("kind", ["timeout_after", "server_error"])
def test_a_read_back_that_fails_is_made_again(paid_out: PaidOut, kind: str) -> None:
    paid_out.break_read_back(kind, times=4)
    paid_out.at.tick()
    assert [WriteState.WRITTEN] == paid_out.states()
    assert {} == paid_out.exceptions()  # nor does the clearing proof take it for missing

    for _ in range(2):
        paid_out.at.tick()

    paid_out.assert_deposited_once()


# ---- the ERP refuses ----


def test_a_refused_deposit_is_shown_and_tried_again_on_the_next_day_under_a_new_generation(paid_out: PaidOut) -> None:
    paid_out.break_write("record_refused", record=0, code="USER_ERROR")
    paid_out.at.tick()
    paid_out.at.tick()
    assert [] == paid_out.deposits()  # not hammered on the same day
    assert {"deposit_refused"} == paid_out.exceptions().keys()
    assert "nothing was posted" in paid_out.exceptions()["deposit_refused"].lower()

    paid_out.next_day()

    paid_out.assert_deposited_once()
    (deposit,) = paid_out.deposits()
    assert f"arc-t1-dep-{paid_out.id}-2" == deposit["external_id"]


def test_a_refused_deposit_that_a_person_makes_is_adopted(paid_out: PaidOut) -> None:
    paid_out.break_write("record_refused", record=0, code="USER_ERROR")
    paid_out.at.tick()
    paid_out.by_hand()

    paid_out.next_day()

    assert 1 == len(paid_out.deposits())
    assert ("adopted", {}) == (paid_out.standing(), paid_out.exceptions())


def test_a_period_that_closed_after_the_decision_refuses_then_holds_and_opens_again(paid_out: PaidOut) -> None:
    paid_out.break_write("too_many", times=9)
    paid_out.at.tick()
    assert [WriteState.INTENDED] == paid_out.states()
    paid_out.at.world.faults.clear()
    paid_out.at.world.erp.close_period("2026-09")

    paid_out.at.tick()
    assert "period" in paid_out.exceptions()["deposit_refused"]
    paid_out.next_day()
    assert "closed" in paid_out.exceptions()["payout_held"]
    assert [] == paid_out.deposits()

    paid_out.at.world.erp.open_period("2026-09")
    paid_out.next_day()
    paid_out.assert_deposited_once()
    assert "2026-09-09" == paid_out.deposits()[0]["on"]  # the day of its arrival


# ---- others were there ----


def test_a_deposit_of_others_is_adopted_and_nothing_is_posted_beside_it(paid_out: PaidOut) -> None:
    paid_out.by_hand()

    paid_out.at.tick()

    assert 1 == len(paid_out.deposits())
    assert ("adopted", {}, []) == (paid_out.standing(), paid_out.exceptions(), paid_out.states())


def test_a_deposit_of_others_with_another_amount_is_shown_until_it_is_void(paid_out: PaidOut) -> None:
    theirs = paid_out.by_hand("2.85")
    paid_out.at.tick()
    assert "held" == paid_out.standing()
    assert "1,200.00 USD" in paid_out.exceptions()["payout_held"]
    assert 1 == len(paid_out.deposits())

    paid_out.at.world.erp.void_document(theirs)
    paid_out.next_day()

    assert_ties(paid_out.at, paid_out.accounts)
    assert ("deposited", {}) == (paid_out.standing(), paid_out.exceptions())


@pytest.mark.parametrize("off", ["0", "-0.01"])
def test_what_others_post_between_decision_and_write_is_seen_before_the_write(paid_out: PaidOut, off: str) -> None:
    paid_out.break_write("too_many", times=9)
    paid_out.at.tick()
    assert [WriteState.INTENDED] == paid_out.states()
    paid_out.at.world.faults.clear()
    paid_out.by_hand(off)

    paid_out.at.tick()
    paid_out.next_day()

    assert 1 == len(paid_out.deposits())
    assert [WriteState.WITHDRAWN] == paid_out.states()
    if off == "0":
        assert ("adopted", {}) == (paid_out.standing(), paid_out.exceptions())
    else:
        told = {"payout_held", "clearing_unexplained", "day_drifts"}
        assert ("held", told) == (paid_out.standing(), set(paid_out.exceptions()))
        assert "1,197.14 USD" in paid_out.exceptions()["payout_held"]


def test_a_payout_that_fails_between_decision_and_write_is_not_deposited(paid_out: PaidOut) -> None:
    paid_out.break_write("too_many", times=9)
    paid_out.at.tick()
    paid_out.at.world.faults.clear()
    stripe(paid_out.at, "fail_payout", payout=paid_out.id)

    paid_out.at.tick()
    paid_out.next_day()

    assert [] == paid_out.deposits()
    assert ("gone", [WriteState.WITHDRAWN], {}) == (paid_out.standing(), paid_out.states(), paid_out.exceptions())


def test_a_deposit_that_a_person_undid_before_the_read_back_is_a_difference_and_is_not_written_again(
    paid_out: PaidOut,
) -> None:
    paid_out.break_read_back("maintenance", times=9)
    paid_out.at.tick()
    assert [WriteState.WRITTEN] == paid_out.states()
    paid_out.at.world.faults.clear()
    paid_out.at.world.erp.void_document(paid_out.deposits()[0]["id"])

    paid_out.at.tick()
    paid_out.at.tick()

    assert [WriteState.DIFFERENT] == paid_out.states()
    assert "voided" in paid_out.exceptions()["deposit_difference"]
    assert 1 == len(paid_out.deposits())


def test_a_deposit_that_a_person_changed_is_shown_with_both_figures_until_it_is_right_again(paid_out: PaidOut) -> None:
    paid_out.break_read_back("maintenance", times=9)
    paid_out.at.tick()
    paid_out.at.world.faults.clear()
    paid_out.move_line("fees", "adjustments")

    paid_out.at.tick()

    assert [WriteState.DIFFERENT] == paid_out.states()
    assert "fees: nothing, meant: -36.40 USD" in paid_out.exceptions()["deposit_difference"]
    paid_out.next_day()
    assert [WriteState.DIFFERENT] == paid_out.states()

    paid_out.move_line("adjustments", "fees", "-36.40")
    paid_out.next_day()
    paid_out.assert_deposited_once()


def test_a_deposit_that_a_person_undid_later_is_what_the_clearing_proof_cannot_explain(paid_out: PaidOut) -> None:
    paid_out.at.tick()
    paid_out.assert_deposited_once()
    paid_out.at.world.erp.void_document(paid_out.deposits()[0]["id"])

    paid_out.next_day()

    assert {"clearing_unexplained", "day_drifts"} == paid_out.exceptions().keys()
    assert "1,234.56 USD" in paid_out.exceptions()["clearing_unexplained"]  # what is on the account, and should not be
    assert 1 == len(paid_out.deposits())


# ---- the payout itself ----


def test_a_payout_that_does_not_add_up_is_held_with_its_figures_until_a_person_posts_it(paid_out: PaidOut) -> None:
    stripe(paid_out.at, "skew_payout", payout=paid_out.id, hide=paid_out.payout["members"][0]["id"])
    paid_out.at.tick()
    assert "970.70 USD off" in paid_out.exceptions()["payout_held"]
    assert [] == paid_out.deposits()

    paid_out.by_hand()
    paid_out.next_day()

    assert "adopted" == paid_out.standing()
    assert "payout_held" not in paid_out.exceptions()


def test_a_payout_that_bounces_after_its_deposit_is_shown_and_its_money_is_named_in_the_proof(
    paid_out: PaidOut,
) -> None:
    paid_out.at.tick()
    paid_out.assert_deposited_once()
    stripe(paid_out.at, "fail_payout", payout=paid_out.id)

    paid_out.next_day()

    assert {"payout_failed"} == paid_out.exceptions().keys()  # and the clearing account has no unexplained cent
    assert 1 == len(paid_out.deposits())

    paid_out.at.world.erp.void_document(paid_out.deposits()[0]["id"])
    paid_out.next_day()
    assert ("gone", {}) == (paid_out.standing(), paid_out.exceptions())

    # Paid out once more, with the fees of the first time: a person posts that, and it is adopted.
    again = pay_out(paid_out.at)
    paid_out.at.tick()
    assert "pays out again" in paid_out.exceptions()["payout_held"]
    paid_out.by_hand(payout=again["payout"])
    paid_out.next_day()
    assert {} == paid_out.exceptions()
    assert again["amount"] == paid_out.at.truth()["balances"][paid_out.accounts["bank"]]


@pytest.mark.parametrize("journal_negative", [False, True])
def test_a_payout_that_debits_our_bank_is_a_journal_where_that_is_allowed(
    tmp_path: Path, journal_negative: bool
) -> None:
    with desk(tmp_path) as at:
        accounts = settle(at, journal_negative=journal_negative)
        stripe(at, "adjust", amount="-25.00")
        payout = pay_out(at)

        at.tick()
        at.tick()

        with at.service.store.read() as tx:
            kinds = {one.kind for one in verdicts.open_exceptions(tx)}
        if journal_negative:
            assert [{accounts["adjustments"]: Decimal("-25.00")}] == booked(at.truth(), payout, accounts["bank"])
            assert (set(), "-25.00") == (kinds, at.truth()["balances"][accounts["bank"]])
        else:
            assert ({"payout_held"}, "0.00") == (kinds, at.truth()["balances"][accounts["bank"]])


def test_through_undeposited_funds_the_payments_themselves_are_deposited(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        accounts = settle(at, through="undeposited")
        customer = at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id
        for amount in ("1000.00", "234.56"):
            pay(at, customer, bill(at, customer, amount), amount)
        at.world.advance_to(at.world.clock() + timedelta(days=2))
        payout = pay_out(at)
        at.break_erp("cut_after", "deposit", nth=2)

        for _ in range(3):
            at.tick()

        truth = at.truth()
        (deposit,) = truth["deposits"]
        assert sorted(payment["id"] for payment in truth["payments"]) == deposit["payments"]
        assert payout["amount"] == deposit["amount"] == truth["balances"][accounts["bank"]]
        with at.service.store.read() as tx:
            assert () == verdicts.open_exceptions(tx)
