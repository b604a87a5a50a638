"""How people applied payments, as Intacct tells it: each application has a day of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from connector.money import Money
from connector.ports import History, PastPayment
from tests.contract.erp_site import usd
from tests.contract.intacct_site import Site, served

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def at(site: Site, on: date) -> None:
    """People work on this day from here on; what they apply is dated by it."""
    site.clock.move_to(datetime(on.year, on.month, on.day, 15, tzinfo=UTC))


def invoice(site: Site, amount: str, on: date = date(2026, 9, 20)) -> str:
    return site.invoice(amount, issued_on=on, due_on=on + timedelta(days=30))


def history(site: Site) -> History:
    return site.erp.read_history(FIRST, LAST)


def applied(payment: PastPayment) -> list[tuple[str, Money, date]]:
    return sorted(payment.applied, key=lambda one: one[2])


def test_money_that_was_left_and_applied_later_is_told_on_that_day(site: Site) -> None:
    first, second = invoice(site, "100.00"), invoice(site, "50.00")
    paid = site.intacct.pay_by_hand(site.customer, "150.00", date(2026, 10, 5), [(first, "100.00")])
    at(site, date(2026, 11, 24))
    site.intacct.apply_payment(paid, {second: "50.00"})

    (payment,) = history(site).payments

    assert [(first, usd("100"), date(2026, 10, 5)), (second, usd("50"), date(2026, 11, 24))] == applied(payment)
    assert () == history(site).settled_otherwise


def test_an_advance_is_a_payment_and_is_applied_when_somebody_does(site: Site) -> None:
    paid = site.intacct.pay_by_hand(site.customer, "100.00", date(2026, 10, 5))
    opened = invoice(site, "60.00", date(2026, 10, 20))
    at(site, date(2026, 11, 24))
    site.intacct.apply_payment(paid, {opened: "60.00"})

    (payment,) = history(site).payments

    assert (paid, usd("100")) == (payment.erp_id, payment.amount)
    assert [(opened, usd("60"), date(2026, 11, 24))] == applied(payment)


def test_the_rest_of_an_older_payment_settles_otherwise(site: Site) -> None:
    opened = invoice(site, "100.00")
    paid = site.intacct.pay_by_hand(site.customer, "40.00", date(2026, 8, 1))
    at(site, date(2026, 11, 24))
    site.intacct.apply_payment(paid, {opened: "40.00"})

    found = history(site)

    # The money was there before the invoice was.
    assert ((), ((opened, usd("40"), date(2026, 9, 20)),)) == (found.payments, found.settled_otherwise)


def test_a_draft_settles_nothing(site: Site) -> None:
    opened = invoice(site, "100.00")
    site.intacct.draft_payment(site.customer, "60.00", date(2026, 10, 6), [(opened, "60.00")])

    found = history(site)

    assert ((), (), [opened]) == (found.payments, found.settled_otherwise, [one.id for one in found.invoices])


def test_a_payment_of_what_is_not_understood_is_left_out_and_named(site: Site) -> None:
    odd, plain = invoice(site, "10.00"), invoice(site, "20.00")
    for one, amount in ((odd, "10.00"), (plain, "20.00")):
        site.intacct.past_payment(site.customer, amount, date(2026, 10, 6), {one: amount})
    site.intacct.edit_invoice(odd, due_on=None)

    found = history(site)

    assert [usd("20")] == [payment.amount for payment in found.payments]
    assert {"WHENDUE", "ARPYMTDETAILS"} == {parked.field for parked in found.parked}


def test_what_was_billed_is_told_as_billed_and_not_as_it_stands(site: Site) -> None:
    paid = invoice(site, "100.00")
    site.intacct.past_payment(site.customer, "100.00", date(2026, 10, 6), {paid: "100.00"})
    reversed_one = invoice(site, "30.00")
    site.intacct.void(reversed_one)

    (billed,) = history(site).invoices

    assert (paid, usd("100"), usd("100")) == (billed.id, billed.amount, billed.balance)
