"""Payouts with something odd about them, or beside them: each is settled by itself, and absence proves nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.decisions.clearing import ClearingKind, ClearingProof
from connector.errors import Terminal
from connector.money import Money
from connector.store import settling, verdicts
from connector.store.book import from_json
from connector.store.writing import WriteState
from tests.acceptance.settling import assert_ties, bill, booked, meant, pay, pay_out, settle, stripe
from tests.harness import Desk, banked, desk, mappings

pytestmark = pytest.mark.usefixtures("each_erp")


def customer(at: Desk) -> str:
    return at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30).id


def paid(at: Desk, of: str, amount: str) -> str:
    """A new invoice and its payment, which Stripe can pay out two days later; the PaymentIntent."""
    return pay(at, of, bill(at, of, amount), amount)


def later(at: Desk, days: int = 1) -> Any:
    at.world.advance_to(at.world.clock() + timedelta(days=days))
    return at.tick()


def exceptions(at: Desk) -> dict[str, str]:
    with at.service.store.read() as tx:
        return {one.kind: one.reason for one in verdicts.open_exceptions(tx)}


def deposits(at: Desk) -> list[dict[str, Any]]:
    """What our dollar account ever got, as the ERP records it: a deposit, or a journal."""
    return banked(at.truth(), at.world.erp.accounts["bank"])


def standing(at: Desk, payout: dict[str, Any]) -> str:
    with at.service.store.read() as tx:
        return settling.standing(tx, payout["payout"])


def by_hand(at: Desk, payout: dict[str, Any], accounts: dict[str, str]) -> str:
    """A person deposits this payout as it should be, and names it."""
    lines = [{"account": account, "amount": str(amount)} for account, amount in meant(payout, accounts).items()]
    return at.world.erp.deposit_by_hand(at.world.clock().date(), lines=lines, payout=payout["payout"])


# ---- what is in the deposit ----


@pytest.mark.parametrize("given_back", ["300.00", "1000.00"])
def test_a_payment_posted_less_an_earlier_refund_is_deposited_with_what_stands_in_the_erp(
    tmp_path: Path, given_back: str
) -> None:
    with desk(tmp_path) as at:
        accounts = settle(at, through="undeposited")
        of = customer(at)
        refunded = paid(at, of, "1000.00")
        paid(at, of, "234.56")
        stripe(at, "refund", payment=refunded, amount=given_back)
        later(at, 3)
        payout = pay_out(at)

        for _ in range(3):
            at.tick()

        truth = at.truth()
        (deposit,) = truth["deposits"]
        left = Decimal("1000.00") - Decimal(given_back)
        posted = {one["id"]: Decimal(one["amount"]) for one in truth["payments"]}
        assert sorted(one for one in (left, Decimal("234.56")) if one) == sorted(posted.values())
        assert sorted(posted) == deposit["payments"]
        assert payout["amount"] == deposit["amount"] == truth["balances"][accounts["bank"]]
        assert ("deposited", {}) == (standing(at, payout), exceptions(at))
        with at.service.store.read() as tx:
            assert [WriteState.CLOSED] == [one.state for one in settling.deposits(tx, WriteState)]


# ---- one payout and the others ----


@pytest.mark.parametrize(
    ("question", "error", "told"),
    [
        ("write_deposit", KeyError("an odd record"), "A fault of the program (KeyError)"),
        ("find_deposits", Terminal("One deposit can't be read."), "One deposit can't be read."),
        ("find_deposits", KeyError("an odd record"), "A fault of the program (KeyError)"),
    ],
)
def test_a_payout_in_trouble_keeps_no_other_from_its_deposit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, error: Exception, told: str
) -> None:
    with desk(tmp_path) as at:
        accounts = settle(at)
        of = customer(at)
        paid(at, of, "1000.00")
        later(at, 3)
        first = pay_out(at)
        paid(at, of, "200.00")
        at.world.advance_to(at.world.clock() + timedelta(days=3))
        second = pay_out(at)
        erp = at.service.parts().erp
        ask = getattr(erp, question)

        def ask_but_not_of_the_first(of: Any) -> Any:
            asked = of if question == "find_deposits" else [of.payout_id]
            if first["payout"] in asked:
                raise error
            return ask(of)

        monkeypatch.setattr(erp, question, ask_but_not_of_the_first)
        troubles = at.tick().troubles

        assert any(told in one for one in troubles)
        bank = accounts["bank"]
        assert ([], [meant(second, accounts)]) == (booked(at.truth(), first, bank), booked(at.truth(), second, bank))

        monkeypatch.undo()
        at.world.advance_to(at.world.clock() + timedelta(minutes=20))  # until nothing can be on its way any more
        at.tick()
        assert_ties(at, accounts)
        assert ("deposited", "deposited") == (standing(at, first), standing(at, second))


def test_a_deposit_is_not_written_any_more_once_somebody_else_posts_the_currency(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        settle(at)
        paid(at, customer(at), "1000.00")
        later(at, 3)
        payout = pay_out(at)
        at.break_erp("too_many", "act", times=30)
        at.tick()
        with at.service.store.read() as tx:
            assert [WriteState.INTENDED] == [one.state for one in settling.deposits(tx, WriteState)]
        at.world.faults.clear()
        at.close()
        mappings(tmp_path, {"posting_owner": '{"*": us, USD: other}'})

        at.tick()
        later(at)

        assert ("observed", []) == (standing(at, payout), deposits(at))
        assert {} == exceptions(at)


# ---- a bank account that was named late ----


def test_a_payout_from_before_its_bank_account_was_named_waits_for_a_person_and_is_then_adopted(
    tmp_path: Path,
) -> None:
    with desk(tmp_path) as at:
        of = customer(at)
        paid(at, of, "1000.00")
        later(at, 3)
        early = pay_out(at)
        at.tick()
        assert ("unsettled", {}) == (standing(at, early), exceptions(at))
        at.close()
        accounts = settle(at)

        at.tick()
        later(at)
        assert ("unsettled", []) == (standing(at, early), deposits(at))
        assert "before a bank account was named for USD" in exceptions(at)["payout_held"]

        theirs = by_hand(at, early, accounts)
        later(at)
        assert "adopted" == standing(at, early)
        assert "payout_held" not in exceptions(at)
        assert [theirs] == [one["id"] for one in deposits(at)]

        paid(at, of, "250.00")
        later(at, 3)
        late = pay_out(at)
        at.tick()
        assert "deposited" == standing(at, late)


# ---- a payout that bounced ----


def test_a_lost_permission_does_not_end_the_exception_of_a_bounced_payout(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        settle(at)
        paid(at, customer(at), "1000.00")
        later(at, 3)
        payout = pay_out(at)
        at.tick()
        stripe(at, "fail_payout", payout=payout["payout"])
        later(at)
        assert ("bounced", {"payout_failed"}) == (standing(at, payout), exceptions(at).keys())

        permission = {"netsuite": "TRAN_DEPOSIT", "intacct": "GLBATCH"}[at.world.erp_name]
        at.world.erp.revoke(permission)
        for _ in range(2):
            assert later(at).troubles
        assert "payout_failed" in exceptions(at)
        at.world.erp.grant(permission)
        later(at)
        assert ("bounced", {"payout_failed"}) == (standing(at, payout), exceptions(at).keys())

        at.world.erp.void_document(deposits(at)[0]["id"])
        later(at)
        assert ("gone", {}) == (standing(at, payout), exceptions(at))


def test_a_bounced_payout_is_over_when_its_deposit_was_deleted(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        settle(at)
        paid(at, customer(at), "1000.00")
        later(at, 3)
        payout = pay_out(at)
        at.tick()
        stripe(at, "fail_payout", payout=payout["payout"])
        at.tick()
        assert "bounced" == standing(at, payout)

        (deposit,) = deposits(at)
        at.world.erp.delete_document(deposit["id"])
        at.tick()

        assert ("gone", {}) == (standing(at, payout), exceptions(at))


# ---- the clearing account on the first day ----


def test_what_the_clearing_account_differs_by_on_the_first_day_is_the_opening_difference_from_then_on(
    tmp_path: Path,
) -> None:
    def onto_clearing(at: Desk, amount: str) -> None:
        day = at.world.clock().date()
        lines = [{"account": "clearing", "debit": amount}, {"account": "bank", "credit": amount}]
        at.world.erp.journal_by_hand(day, lines)

    def proof(at: Desk) -> ClearingProof:
        with at.service.store.read() as tx:
            ((_, _, text),) = settling.proofs(tx, at.world.clock().date())
        return from_json(ClearingProof, text)

    with desk(tmp_path) as at:
        settle(at)
        onto_clearing(at, "77.00")
        at.tick()
        assert Money(7700, "USD") == proof(at).unexplained
        assert {} == exceptions(at)

        for _ in range(2):
            later(at)
            ((kind, amount),) = [(one.kind, one.amount) for one in proof(at).items]
            assert (ClearingKind.OPENING, Money(7700, "USD")) == (kind, amount)
            assert not proof(at).unexplained
            assert {} == exceptions(at)

        onto_clearing(at, "5.00")
        later(at)
        assert Money(500, "USD") == proof(at).unexplained
        assert {"clearing_unexplained", "day_drifts"} == exceptions(at).keys()
