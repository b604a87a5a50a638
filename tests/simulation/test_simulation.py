"""A seed is a story; a story that fails is cut down to what makes it fail; and a few stories keep every promise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.plan import Part
from tests.fakes.ledger_desk import ledger_desk
from tests.simulation import invariants
from tests.simulation.plan import Deed, make
from tests.simulation.play import FAULT_RATE, POLICY, play
from tests.simulation.shrink import shrink


def test_a_seed_is_a_story() -> None:
    assert make(7, 40) == make(7, 40)
    assert make(7, 40) != make(8, 40)


def test_a_story_is_in_the_order_in_which_it_happens_and_bills_before_it_is_paid() -> None:
    deeds = make(11, 60)
    billed = {deed.of: index for index, deed in enumerate(deeds) if deed.what == "invoice"}
    paid = [(index, deed) for index, deed in enumerate(deeds) if deed.what == "pay"]

    assert [(deed.day, deed.hour) for deed in deeds] == sorted((deed.day, deed.hour) for deed in deeds)
    assert paid
    assert all(billed[number] < index for index, deed in paid for number, _ in deed.get("pays"))


def test_every_kind_of_deed_happens_within_a_few_seeds() -> None:
    told = {deed.what for seed in range(40) for deed in make(seed, 60)}

    assert told >= {
        "customer", "invoice", "pay", "bank_settles", "bank_returns", "comes_back", "refund", "chargeback",
        "chargeback_ends", "payout", "payout_arrives", "payout_fails", "enter", "apply_rest", "void_payment", "hold",
        "release", "dispute", "settle_dispute", "promise", "due", "amount", "void", "credit", "use_credit",
        "close_month", "address", "do_not_contact", "account", "crm_silence", "crm_tier", "answer", "stop", "lift",
        "clock", "down", "up", "away", "policy", "kill",
    }  # fmt: skip


def test_a_failing_story_is_cut_down_to_the_deeds_that_make_it_fail() -> None:
    deeds = make(3, 60)
    guilty = {deeds[10], deeds[40], deeds[-1]}

    def fails(some: Sequence[Deed]) -> bool:
        return guilty <= set(some)

    assert guilty == set(shrink(deeds, fails, tries=500))


@pytest.mark.parametrize("erp", ["netsuite", "intacct"])
def test_every_promise_holds_under_every_fault_at_once_over_fakes(erp: str) -> None:
    """A short look at what `scripts/simulate --over fakes` does at length."""
    lived = play(2, make(2, 14), 14, erp, FAULT_RATE, "fakes")

    assert ([], True, True) == (lived.broken, lived.faults > 5, lived.mails > 0)


@pytest.mark.parametrize("erp", ["netsuite", "intacct"])
def test_every_promise_holds_under_every_fault_at_once_over_http(erp: str) -> None:
    """A short look at what `scripts/simulate` does at length."""
    deeds = [deed for deed in make(2, 6) if deed.what != "kill"]
    lived = play(2, deeds, 6, erp, FAULT_RATE)

    assert ([], True) == (lived.broken, lived.faults > 5)


def test_a_killed_connector_gets_no_further_and_is_alive_again(tmp_path: Path) -> None:
    """Over fakes a kill is an exception; what a dead process can't do, the dead connector here can't do either."""
    with ledger_desk(tmp_path, "netsuite", datetime(2026, 9, 1, 8, tzinfo=UTC), POLICY) as at:
        world = at.world
        world.add_customer("Northfield", "ap@northfield.example", 30, key="C1")
        line = {"description": "Seats", "amount": "100.00", "kind": "subscription"}
        world.add_invoice("C1", "INV-1", date(2026, 8, 1), date(2026, 8, 31), [line])
        at.tick()
        world.pay("C1", "100.00", pays=[Part("INV-1", "100.00")], description="Invoice INV-1")
        world.advance_to(datetime(2026, 9, 1, 9, tzinfo=UTC))

        assert at.killed("act.answered")
        assert ["0.00"] == [one["balance"] for one in world.truth()["invoices"]]
        at.tick()

        assert ([], []) == (invariants.broken(world, at.service.store), invariants.unsettled(world, at.service.store))
        assert 1 == len(world.truth()["payments"])
