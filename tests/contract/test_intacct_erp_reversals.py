"""Receipts that come back in Intacct: reversed as a whole, by one function, or left to a person with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.intacct.settings import Facts
from connector.ports import Outcome
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen, SettleThrough
from sandbox.intacct.books import Guesses
from tests.contract.erp_site import TODAY, usd
from tests.contract.intacct_site import Site, served, settlement
from tests.contract.test_erp_books import deposit
from tests.contract.test_erp_reversals import came_back, next_generation, paid

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
DISPUTES = AccountRole.DISPUTES
BACK_ON = TODAY + timedelta(days=3)


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        made.settled()
        yield made


def states(site: Site) -> list[tuple[str, str, str]]:
    """State, day and total of each payment record, rests left out."""
    rows = site.intacct.rows("SELECT * FROM record WHERE recordtype IN ('rp', 'rr') ORDER BY recordno")
    return [(row["state"], row["receiptdate"], f"{row['total'] / 100:.2f}") for row in rows]


def stands(site: Site, role: str) -> str:
    return str(site.intacct.balances()[site.intacct.accounts[role]])


# ---- reversing ----


def test_a_receipt_is_reversed_on_the_day_of_the_return_out_of_clearing_and_its_invoice_is_open(site: Site) -> None:
    intent = paid(site)
    before = site.intacct.counts()["act"]

    answer = site.erp.write_reversal(intent)

    assert CREATED == answer.outcome
    assert [("V", "2026-11-23", "1000.00"), ("R", "2026-11-26", "-1000.00")] == states(site)
    (invoice, _), *_ = intent.applied
    assert usd("1000") == site.read(invoice).balance
    assert "0.00" == stands(site, "clearing")
    (reversal,) = site.intacct.rows("SELECT * FROM record WHERE state = 'R'")
    assert "arc-demo-rev-cha1-0 Stripe cha1 came back" == reversal["description"]
    assert ReversalSeen(answer.erp_id, usd("1000"), BACK_ON) == site.erp.read_reversal(intent)
    assert EXISTS == site.erp.write_reversal(intent).outcome
    assert before + 1 == site.intacct.counts()["act"]
    assert [] == site.intacct.truth()["violations"]


def test_a_receipt_that_was_reversed_and_entered_anew_has_not_left_clearing(site: Site) -> None:
    intent = paid(site)
    site.intacct.void_payment(intent.payment_erp_id)
    assert {"cha1": usd("-1000")} == site.erp.find_cleared(["cha1"])

    site.answer(next_generation(site, {intent.applied[0][0]: "1000.00"}))

    assert {} == site.erp.find_cleared(["cha1"])


def test_a_receipt_of_an_entity_is_reversed_within_it_and_held_by_its_own_period(site: Site) -> None:
    entity = site.intacct.add_entity("E1")
    chart = site.intacct.accounts
    site.with_mapping(entities={entity: {}}, settlement=(settlement(chart, entity=entity),))
    invoice = site.invoice("50.00", entity=entity)
    answer = site.answer(site.act({invoice: "50.00"}))
    intent = came_back(site, answer.payment.erp_id, {invoice: "50.00"})
    site.intacct.close_period("2026-11", entity=entity)

    refused = site.erp.write_reversal(intent)

    assert (REFUSED, True) == (refused.outcome, "2026-11-26 is in a closed period" in refused.message)
    site.intacct.open_period("2026-11", entity=entity)
    assert CREATED == site.erp.write_reversal(intent).outcome
    assert [("V", entity), ("R", entity)] == [
        (row["state"], row["entity"]) for row in site.intacct.rows("SELECT * FROM record WHERE recordtype = 'rp'")
    ]


# ---- what only a person may do ----


def a_deposited_receipt(site: Site) -> ReversalIntent:
    site.settled(SettleThrough.UNDEPOSITED)
    intent = paid(site)
    payout = deposit(payments=((intent.payment_erp_id, "1000.00"),))
    assert CREATED == site.erp.write_deposit(payout).outcome
    return intent


def an_advance(site: Site) -> ReversalIntent:
    answer = site.answer(site.act({}, "70.00"))
    return came_back(site, answer.payment.erp_id, {}, "70.00")


def a_receipt_whose_rest_was_used(site: Site) -> ReversalIntent:
    invoice, later = site.invoice("60.00"), site.invoice("40.00")
    answer = site.answer(site.act({invoice: "60.00"}, "100.00"))
    site.write(site.rest(answer.payment.erp_id, "40.00", {later: "40.00"}))
    return came_back(site, answer.payment.erp_id, {invoice: "60.00", later: "40.00"})


CASES: dict[str, tuple[Callable[[Site], ReversalIntent], str]] = {
    "deposited": (a_deposited_receipt, "takes both the receipt and its return"),
    "advance": (an_advance, "lets only a person reverse one"),
    "rest used": (a_receipt_whose_rest_was_used, "another payment uses 40.00 USD"),
    "with its payout": (lambda site: paid(site, role=DISPUTES), "taken out twice"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_only_a_person_may_take_back_is_told_and_refused(site: Site, case: str) -> None:
    made, why = CASES[case]
    intent = made(site)
    before = site.intacct.dump()

    told, answer = site.erp.why_irreversible(intent), site.erp.write_reversal(intent)

    assert why in told
    assert REFUSED == answer.outcome
    assert None is site.erp.read_reversal(intent)
    assert before == site.intacct.dump()


def test_a_receipt_that_pays_something_else_by_now_is_not_touched(site: Site) -> None:
    first, second = site.invoice("60.00"), site.invoice("40.00")
    answer = site.answer(site.act({first: "60.00", second: "40.00"}))
    intent = came_back(site, answer.payment.erp_id, {first: "60.00", second: "40.00"})
    site.intacct.unapply(answer.payment.erp_id, second)

    told = site.erp.write_reversal(intent)

    assert (DIFFERENT, True) == (told.outcome, "instead of" in told.message)
    assert [("C", "2026-11-23", "100.00")] == states(site)


def test_what_somebody_reverses_between_our_look_and_our_write_is_not_ours(site: Site) -> None:
    intent = paid(site)
    site.intacct.meanwhile("reverse_arpayment", lambda: site.intacct.void_payment(intent.payment_erp_id))

    answer = site.erp.write_reversal(intent)

    assert (DIFFERENT, True) == (answer.outcome, "by somebody else" in answer.message)
    assert None is site.erp.read_reversal(intent)
    assert ("", 2) == (site.erp.why_irreversible(intent), len(states(site)))


def test_a_missing_right_to_reverse_is_a_named_refusal(site: Site) -> None:
    intent = paid(site)
    site.intacct.revoke("reverse_payments")

    answer = site.erp.write_reversal(intent)

    assert (REFUSED, True) == (answer.outcome, "may not reverse receipts" in answer.message)
    site.intacct.grant("reverse_payments")
    assert CREATED == site.erp.write_reversal(intent).outcome


# ---- answers that are lost, and repeats ----


def test_a_reversal_that_commits_after_we_gave_up_is_found_and_not_repeated(site: Site) -> None:
    intent = paid(site)
    site.fault("late_commit", "reverse_arpayment", seconds=600)
    assert UNKNOWN == site.erp.write_reversal(intent).outcome
    assert None is site.erp.read_reversal(intent)
    site.intacct.meanwhile("reverse_arpayment", site.intacct.finish_late)

    assert EXISTS == site.erp.write_reversal(intent).outcome

    assert 2 == len(states(site))


@pytest.mark.parametrize("are_free", [True, False])
def test_a_controlid_that_a_failure_used_up_is_left_behind_where_the_company_does_so(
    site: Site, are_free: bool
) -> None:
    site.intacct.at_the_door.failed_ids_are_free = False
    site.with_mapping(facts=Facts(failed_control_ids_are_free=are_free), settlement=site_settlement(site))
    intent = paid(site)
    site.fault("record_refused", "reverse_arpayment", record=0, code="BL01001973")
    assert REFUSED == site.erp.write_reversal(intent).outcome

    answer = site.erp.write_reversal(intent)

    assert (UNKNOWN if are_free else CREATED) == answer.outcome
    assert are_free == ("set facts.failed_control_ids_are_free: false" in answer.message)


def site_settlement(site: Site) -> tuple[Any, ...]:
    return (settlement(site.intacct.accounts),)


def test_a_company_that_keeps_no_memo_of_a_reversal_still_shows_that_it_stands() -> None:
    with served(guesses=Guesses(reversals_keep_memo=False)) as other:
        other.with_mapping(facts=Facts(reversals_keep_memo=False), settlement=site_settlement(other))
        intent = paid(other)

        assert None is other.erp.read_reversal(intent)
        assert CREATED == other.erp.write_reversal(intent).outcome
        assert EXISTS == other.erp.write_reversal(intent).outcome
        seen = other.erp.read_reversal(intent)
        assert seen is not None and (usd("1000"), ()) == (seen.amount, seen.applied)
