"""A seed is a story; a story that fails is cut down to what makes it fail; and a few stories keep every promise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.simulation.plan import Deed, make
from tests.simulation.play import FAULT_RATE, play
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
        "customer", "invoice", "pay", "bank_settles", "bank_returns", "refund", "chargeback", "enter", "void_payment",
        "hold", "release", "dispute", "settle_dispute", "promise", "due", "amount", "void", "close_month", "address",
        "do_not_contact", "down", "up", "away", "policy", "kill",
    }  # fmt: skip


def test_a_failing_story_is_cut_down_to_the_deeds_that_make_it_fail() -> None:
    deeds = make(3, 60)
    guilty = {deeds[10], deeds[40], deeds[-1]}

    def fails(some: Sequence[Deed]) -> bool:
        return guilty <= set(some)

    assert guilty == set(shrink(deeds, fails, tries=500))


@pytest.mark.parametrize("erp", ["netsuite", "intacct"])
def test_every_promise_holds_under_every_fault_at_once(erp: str) -> None:
    """A short look at what `scripts/simulate` does at length."""
    lived = play(2, make(2, 10), 10, erp, FAULT_RATE)

    assert ([], True) == (lived.broken, lived.faults > 10)
