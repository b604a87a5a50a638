"""Payments that come back in NetSuite: a journal, the payment applied to it, and what only a person may take back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from connector.ports import Outcome
from connector.settlement import AccountRole, ReversalIntent
from tests.contract.erp_site import usd
from tests.contract.netsuite_site import Site, served
from tests.contract.test_erp_reversals import BACK_ON, came_back, paid

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
NEXT_MONTH = date(2026, 12, 1)


@pytest.fixture
def site() -> Iterator[Site]:
    with served(None) as made:
        made.settled()
        yield made


def journals(site: Site) -> list[tuple[str, str, list[tuple[str, str, str, str]]]]:
    """External id, day, and account, amount, customer and what is open of each line, of the journals in force."""
    truth = site.netsuite.truth()
    assert [] == truth["violations"]
    return [
        (
            one["external_id"],
            one["on"],
            [(line["account"], line["amount"], line["customer"], line["open"]) for line in one["lines"]],
        )
        for one in truth["journals"]
        if not one["voided"]
    ]


def on_journals(site: Site) -> list[str]:
    """What payments have on journals."""
    return [part["amount"] for one in site.netsuite.truth()["payments"] for part in one["journals"]]


def in_december(site: Site) -> ReversalIntent:
    """A payment of November that came back in December."""
    intent = paid(site, returned_on=NEXT_MONTH, posted_on=NEXT_MONTH)
    site.later(24 * 5)
    return intent


# ---- the journal and the update ----


@pytest.mark.parametrize(("role", "account"), [(AccountRole.CLEARING, "clearing"), (AccountRole.DISPUTES, "disputes")])
def test_a_journal_raises_receivables_of_the_customer_and_lowers_what_the_return_hit(
    site: Site, role: AccountRole, account: str
) -> None:
    intent = paid(site, role=role)
    chart = site.netsuite.accounts

    answer = site.erp.write_reversal(intent)

    lines = [(chart["receivable"], "1000.00", site.customer, "0.00"), (chart[account], "-1000.00", "", "0.00")]
    assert (CREATED, [("arc-demo-rev-cha1-0", "2026-11-26", lines)]) == (answer.outcome, journals(site))
    assert ["1000.00"] == on_journals(site)
    (payment,) = site.netsuite.truth()["payments"]
    assert (False, "1000.00", "0.00", []) == (
        payment["voided"],
        payment["amount"],
        payment["unapplied"],
        payment["applications"],
    )


def test_both_requests_go_out_once_and_a_repeat_sends_nothing(site: Site) -> None:
    intent = paid(site)
    before = site.netsuite.counts()

    outcomes = [site.erp.write_reversal(intent).outcome for _ in range(3)]

    after = site.netsuite.counts()
    assert [CREATED, EXISTS, EXISTS] == outcomes
    assert [1, 1] == [after.get(name, 0) - before.get(name, 0) for name in ("addList", "updateList")]


def test_a_payment_in_another_currency_is_taken_back_in_it_and_the_ledger_still_balances(site: Site) -> None:
    eur = site.netsuite.add_account("1011", "Stripe EUR", "Bank", "EUR", "1")
    site.settled(currency="EUR", accounts={"clearing": eur})
    invoice = site.invoice("120.50", "EUR")
    answer = site.answer(site.act({invoice: "120.50"}, currency="EUR"))
    site.later(72)
    euros = replace(usd("120.50"), currency="EUR")
    intent = came_back(site, answer.payment.erp_id, {}, "1.00")
    intent = replace(intent, amount=euros, applied=((invoice, euros),))

    assert CREATED == site.erp.write_reversal(intent).outcome

    assert {invoice: "120.50"} == site.balances()
    assert "0.00" == site.netsuite.balances()[eur]
    seen = site.erp.read_reversal(intent)
    assert seen is not None and (euros, ()) == (seen.amount, seen.applied)


# ---- what stands in the way ----


def by_hand(site: Site) -> ReversalIntent:
    """A person booked the journal, and has not taken the payment off its invoice yet."""
    intent = paid(site)
    lines = [
        {"account": "receivable", "debit": "1000.00", "customer_id": site.customer},
        {"account": "clearing", "credit": "1000.00"},
    ]
    site.netsuite.journal_by_hand(BACK_ON, lines, "returned: cha1")
    return intent


def in_a_closed_month(site: Site) -> ReversalIntent:
    intent = in_december(site)
    site.netsuite.close_period("2026-11")
    return intent


CASES: dict[str, tuple[Callable[[Site], ReversalIntent], str]] = {
    "by hand": (by_hand, "names cha1 already"),
    "the payment's month is closed": (in_a_closed_month, "allows no changes of what is applied"),
    "no account": (lambda site: (paid(site), site.with_mapping())[0], "names no account"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_only_a_person_may_take_back_is_told_and_refused(site: Site, case: str) -> None:
    made, why = CASES[case]
    intent = made(site)
    before = journals(site), site.balances()

    told, answer = site.erp.why_irreversible(intent), site.erp.write_reversal(intent)

    assert (why in told, REFUSED, True) == (True, answer.outcome, why in answer.message)
    assert before == (journals(site), site.balances())


def test_a_closed_month_that_lets_applications_change_lets_the_payment_be_taken_off(site: Site) -> None:
    intent = in_december(site)
    site.netsuite.close_period("2026-11", allow_non_gl_changes=True)

    assert ("", CREATED) == (site.erp.why_irreversible(intent), site.erp.write_reversal(intent).outcome)
    assert ["1000.00"] == on_journals(site)


def test_a_role_that_may_not_make_journals_is_refused_by_name_and_tried_again_later(site: Site) -> None:
    intent = paid(site)
    site.netsuite.limits["TRAN_JOURNAL"] = site.netsuite.limits["TRAN_CUSTRFND"]  # view alone

    answer = site.erp.write_reversal(intent)

    assert (REFUSED, True) == (answer.outcome, "TRAN_JOURNAL" in answer.message)
    del site.netsuite.limits["TRAN_JOURNAL"]
    assert CREATED == site.erp.write_reversal(intent).outcome


# ---- half of it ----


def half(site: Site) -> ReversalIntent:
    """The journal stands, and the payment's update was refused."""
    intent = paid(site)
    site.fault("record_refused", "updateList", record=0, code="RCRD_HAS_BEEN_CHANGED")
    answer = site.erp.write_reversal(intent)
    assert (UNKNOWN, True) == (answer.outcome, "is not applied to it" in answer.message)
    seen = site.erp.read_reversal(intent)
    assert seen is not None and (intent.amount, intent.applied) == (seen.amount, seen.applied)
    return intent


def test_a_refused_update_leaves_the_journal_and_the_next_write_goes_on_there(site: Site) -> None:
    intent = half(site)

    assert CREATED == site.erp.write_reversal(intent).outcome

    assert ["1000.00"] == on_journals(site)
    assert 1 == len(journals(site))


def test_a_payment_that_a_person_took_off_in_between_is_still_put_onto_the_journal(site: Site) -> None:
    intent = half(site)
    ((invoice, _),) = intent.applied
    site.netsuite.unapply(intent.payment_erp_id, invoice)
    seen = site.erp.read_reversal(intent)
    assert seen is not None and (("unapplied", usd("1000")),) == seen.applied

    assert CREATED == site.erp.write_reversal(intent).outcome
    assert ["1000.00"] == on_journals(site)


def test_a_payment_that_a_person_voided_in_between_leaves_a_journal_to_void(site: Site) -> None:
    intent = half(site)
    site.netsuite.void_payment(intent.payment_erp_id)

    answer = site.erp.write_reversal(intent)

    assert (DIFFERENT, True) == (answer.outcome, f"void journal {answer.erp_id}" in answer.message)
    seen = site.erp.read_reversal(intent)
    assert seen is not None and seen.voided


def test_what_a_person_changes_between_our_look_and_our_journal_is_found_before_the_update(site: Site) -> None:
    first, second = site.invoice("60.00"), site.invoice("40.00")
    answer = site.answer(site.act({first: "60.00", second: "40.00"}))
    site.later(72)
    intent = came_back(site, answer.payment.erp_id, {first: "60.00", second: "40.00"})
    site.netsuite.meanwhile("updateList", lambda: site.netsuite.unapply(intent.payment_erp_id, second))

    assert CREATED == site.erp.write_reversal(intent).outcome

    assert ({first: "60.00", second: "40.00"}, ["100.00"]) == (site.balances(), on_journals(site))


def test_a_journal_that_a_person_voided_afterwards_shows_as_voided_and_the_payment_is_free(site: Site) -> None:
    intent = paid(site)
    answer = site.erp.write_reversal(intent)
    site.netsuite.void_document(answer.erp_id)

    seen = site.erp.read_reversal(intent)

    assert seen is not None and (True, (("unapplied", usd("1000")),)) == (seen.voided, seen.applied)
    assert DIFFERENT == site.erp.write_reversal(intent).outcome
