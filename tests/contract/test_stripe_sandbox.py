"""The payment source against the sandbox's Stripe: the real SDK, real HTTP, faults at every point of a read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connector.adapters.stripe_mapping import StripeMapping
from connector.errors import ConnectorError, Terminal, Transient
from connector.money import Money
from connector.receivables import PaymentState
from sandbox.faults import Kind, Rule
from tests.contract.stripe_world import START, World, serving


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from serving(monkeypatch)


def test_a_quiet_tick_is_one_request(world: World) -> None:
    ours = world.source()
    cursor = ours.read_changed("", START).cursor
    before = world.requests()

    read = ours.read_changed(cursor, START + timedelta(minutes=1))

    assert read.payments == ()
    assert world.requests() - before == 1


def test_a_card_payment_is_read_with_all_that_it_says(world: World) -> None:
    ours = world.source()
    cursor = ours.read_changed("", START).cursor
    world.stripe.ledger.pay(
        world.customer(),
        18000000,
        "USD",
        description="three invoices",
        metadata={"invoice_number": "INV-1, INV-2"},
        invoices=[("INV-3", 500)],
    )
    before = world.requests()

    (payment,) = ours.read_changed(cursor, START + timedelta(minutes=1)).payments

    assert (payment.amount, payment.state) == (Money(18000000, "USD"), PaymentState.SUCCEEDED)
    assert (payment.customer_id, payment.received_on) == ("77", date(2026, 10, 20))
    assert payment.remittance.invoice_numbers == ("INV-1", "INV-2")
    assert payment.remittance.linked_numbers == ("INV-3",)
    assert payment.remittance.text == "three invoices"
    assert world.requests() - before == 3


def test_a_debit_keeps_its_id_from_processing_to_success_and_return(world: World) -> None:
    ours = world.source()
    intent = world.stripe.ledger.pay(world.customer(), 4500000, "USD", method="ach", processing=True)
    first = ours.read_changed("", world.at)
    world.at += timedelta(days=4)
    world.stripe.ledger.settle(intent)
    second = ours.read_changed(first.cursor, world.at)
    world.at += timedelta(days=2)
    world.stripe.ledger.fail(intent)
    third = ours.read_changed(second.cursor, world.at)

    seen = [read.payments[0] for read in (first, second, third)]
    assert [payment.state for payment in seen] == [
        PaymentState.PROCESSING,
        PaymentState.SUCCEEDED,
        PaymentState.RETURNED,
    ]
    assert len({payment.id for payment in seen}) == 1
    assert [payment.received_on for payment in seen[1:]] == [date(2026, 10, 24), date(2026, 10, 24)]


def test_a_debit_that_fails_while_processing_was_never_received(world: World) -> None:
    ours = world.source()
    intent = world.stripe.ledger.pay(world.customer(), 100, "USD", method="ach", processing=True)
    first = ours.read_changed("", world.at)
    world.stripe.ledger.fail(intent)

    (payment,) = ours.read_changed(first.cursor, world.at).payments

    assert payment.state is PaymentState.FAILED


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_amounts_survive_the_wire_in_minor_units(world: World, currency: str) -> None:
    world.stripe.ledger.pay(world.customer(), 12340, currency)

    assert [payment.amount for payment in world.source().read_changed("", START).payments] == [Money(12340, currency)]


def test_two_hundred_and_fifty_payments_come_in_three_pages_and_the_customers_in_one(world: World) -> None:
    payer = world.customer()
    for _ in range(250):
        world.stripe.ledger.pay(payer, 100, "USD", method="ach", processing=True)
    before = world.requests()

    read = world.source().read_changed("", START)

    assert len({payment.id for payment in read.payments}) == 250
    assert world.requests() - before == 3 + 1


@pytest.mark.parametrize("count, requests", [(9, 1 + 9), (10, 1 + 1), (120, 3 + 2)])
def test_many_new_payments_are_fetched_a_page_at_a_time(world: World, count: int, requests: int) -> None:
    """One request a page of events, and one a payment or a page of payments."""
    ours = world.source(mapping=StripeMapping(read_invoice_links=False))
    cursor = ours.read_changed("", START).cursor
    payer = world.customer()
    for amount in range(100, 100 + count):
        world.stripe.ledger.pay(payer, amount, "USD")
    before = world.requests()

    read = ours.read_changed(cursor, START + timedelta(minutes=1))

    assert {payment.amount.minor for payment in read.payments} == set(range(100, 100 + count))
    assert {payment.state for payment in read.payments} == {PaymentState.SUCCEEDED}
    assert world.requests() - before == requests


def test_of_many_changed_payments_the_old_ones_are_fetched_one_by_one(world: World) -> None:
    ours = world.source(mapping=StripeMapping(read_invoice_links=False))
    payer = world.customer()
    old = world.stripe.ledger.pay(payer, 4500000, "USD")
    world.at += timedelta(days=3)
    cursor = ours.read_changed("", world.at).cursor
    world.stripe.ledger.refunds.create(old, 500000)
    for amount in range(100, 120):
        world.stripe.ledger.pay(payer, amount, "USD")

    read = ours.read_changed(cursor, world.at + timedelta(minutes=1))

    (refunded,) = [payment for payment in read.payments if payment.refunded]
    assert (refunded.amount, refunded.refunded) == (Money(4500000, "USD"), Money(500000, "USD"))
    assert len(read.payments) == 21


def test_after_a_long_outage_payments_are_listed_again(world: World) -> None:
    ours = world.source()
    cursor = ours.read_changed("", world.at).cursor
    world.at += timedelta(days=5)
    world.stripe.ledger.pay(world.customer(), 100, "USD")
    world.at += timedelta(days=40)

    assert len(ours.read_changed(cursor, world.at).payments) == 1


@pytest.mark.parametrize(
    "kind",
    [
        "too_many",
        "server_error",
        "timeout_before",
        "timeout_after",
        "cut_after",
        "drop_before",
        "drop_after",
        "duplicate_page",
    ],
)
@pytest.mark.parametrize("operation", ["charges.list", "invoice_payments.list"])
def test_one_fault_is_got_over_or_told_and_the_next_read_is_whole(world: World, kind: Kind, operation: str) -> None:
    world.stripe.ledger.pay(world.customer(), 100, "USD", invoices=[("INV-1", 100)])
    world.faults.install(Rule("stripe", kind, operation, seconds=1.5))
    ours = world.source()

    try:
        read = ours.read_changed("", START)
    except Transient:
        read = ours.read_changed("", START)

    assert [payment.remittance.linked_numbers for payment in read.payments] == [("INV-1",)]


@pytest.mark.parametrize("kind", ["maintenance", "unreadable_after", "server_error"])
def test_a_fault_that_stays_is_transient(world: World, kind: Kind) -> None:
    world.faults.install(Rule("stripe", kind, times=50))

    with pytest.raises(Transient):
        world.source().read_changed("", START)


def test_a_lost_right_is_named(world: World) -> None:
    ours = world.source()
    world.stripe.revoke("events")

    bad = [finding for finding in ours.check() if not finding.ok and finding.blocking]
    assert [finding.remedy for finding in bad] == ["Give the key the right to read Events."]
    with pytest.raises(Terminal, match="read access to events"):
        ours.read_changed(ours.read_changed("", START).cursor, START)


def test_check_finds_a_good_key_in_order_and_a_bad_one_refused(world: World) -> None:
    world.stripe.ledger.pay(world.customer(), 100, "USD", invoices=[("INV-1", 100)])

    assert [finding for finding in world.source().check() if not finding.ok and finding.blocking] == []
    refused = world.source("rk_test_wrong")
    assert {finding.ok for finding in refused.check()} == {False}
    with pytest.raises(ConnectorError, match="key was refused"):
        refused.read_changed("", START)
