"""Bank transfers in the sandbox: funded, applied to payments, given back; asked by the real SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.stripe_cash import Drawn
from sandbox.stripe_ledger import NotPossible


@pytest.fixture
def payer(site: Any) -> str:
    return str(site.stripe.ledger.add_customer("Northfield Robotics", "ap@northfield.example"))


def _available(site: Any, payer: str) -> dict[str, int] | None:
    found = site.client.v1.customers.cash_balance.retrieve(payer).to_dict()
    available: dict[str, int] | None = found["available"]
    return available


def _movements(site: Any, payer: str, **params: object) -> list[Any]:
    return list(site.client.v1.customers.cash_balance_transactions.list(payer, params).auto_paging_iter())


def test_a_wire_waits_in_the_cash_balance_with_the_payers_own_words(site: Any, payer: str) -> None:
    made = site.stripe.ledger.cash.fund(payer, 18_000_000, "usd", reference="INV-1 INV-2", network="fednow")

    found = site.client.v1.customers.cash_balance_transactions.retrieve(payer, made)
    transfer = found.funded.bank_transfer
    assert ("funded", 18_000_000, 18_000_000, "usd") == (
        found.type,
        found.net_amount,
        found.ending_balance,
        found.currency,
    )
    assert ("INV-1 INV-2", "fednow", "Northfield Robotics") == (
        transfer.reference,
        transfer.us_bank_transfer.network,
        transfer.us_bank_transfer.sender_name,
    )
    assert {"usd": 18_000_000} == _available(site, payer)


def test_a_wire_alone_moves_no_balance_and_makes_no_charge(site: Any, payer: str) -> None:
    site.stripe.ledger.cash.fund(payer, 18_000_000, "usd")

    v1 = site.client.v1
    assert [[], [], 0] == [
        v1.charges.list().data,
        v1.balance_transactions.list().data,
        v1.balance.retrieve().available[0].amount,
    ]
    assert ["cash_balance.funds_available", "customer_cash_balance_transaction.created", "customer.created"] == [
        event.type for event in v1.events.list().data
    ]


def test_a_wire_for_three_invoices_becomes_three_charges(site: Any, payer: str) -> None:
    cash = site.stripe.ledger.cash
    cash.fund(payer, 18_000_000, "usd")

    intents = cash.apply(payer, "usd", [Drawn(5_000_000), Drawn(6_000_000, "INV-2"), Drawn(7_000_000)])

    charges = site.client.v1.charges.list({"expand": ["data.balance_transaction"]}).data
    rows = [charge.balance_transaction for charge in charges]
    assert [("py_", 7_000_000, None), ("py_", 6_000_000, "INV-2"), ("py_", 5_000_000, None)] == [
        (charge.id[:3], charge.amount, charge.description) for charge in charges
    ]
    assert {"customer_balance"} == {charge.payment_method_details.type for charge in charges}
    assert [("payment", "charge", 500)] * 3 == [(row.type, row.reporting_category, row.fee) for row in rows]
    moved = _movements(site, payer, expand=["data.applied_to_payment.payment_intent"])
    assert [(-7_000_000, 0), (-6_000_000, 7_000_000), (-5_000_000, 13_000_000), (18_000_000, 18_000_000)] == [
        (row.net_amount, row.ending_balance) for row in moved
    ]
    assert [*reversed(intents)] == [row.applied_to_payment.payment_intent.id for row in moved[:3]]
    assert None is _available(site, payer)


@pytest.mark.parametrize(("amounts", "possible"), [((60, 40), True), ((60, 41), False), ((), False), ((-1, 50), False)])
def test_no_more_is_applied_than_is_there(site: Any, payer: str, amounts: tuple[int, ...], possible: bool) -> None:
    site.stripe.ledger.cash.fund(payer, 100, "usd")
    drawn = [Drawn(amount) for amount in amounts]

    if possible:
        site.stripe.ledger.cash.apply(payer, "usd", drawn)
    else:
        with pytest.raises(NotPossible):
            site.stripe.ledger.cash.apply(payer, "usd", drawn)

    assert (None if possible else {"usd": 100}) == _available(site, payer)


def test_money_nobody_applied_is_sent_back(site: Any, payer: str) -> None:
    cash = site.stripe.ledger.cash
    cash.fund(payer, 100, "usd")
    cash.send_back(payer, "usd", 30)
    part = _available(site, payer)
    cash.send_back(payer, "usd")
    with pytest.raises(NotPossible):
        cash.send_back(payer, "usd")

    assert [{"usd": 70}, None] == [part, _available(site, payer)]
    assert [("return_initiated", -70), ("return_initiated", -30), ("funded", 100)] == [
        (row.type, row.net_amount) for row in _movements(site, payer)
    ]


def test_a_refund_of_applied_cash_goes_back_into_the_cash_balance(site: Any, payer: str) -> None:
    ledger = site.stripe.ledger
    ledger.cash.fund(payer, 100, "usd")
    (intent,) = ledger.cash.apply(payer, "usd", [Drawn(100)])

    refund = ledger.refunds.create(intent, 40)

    newest = _movements(site, payer, expand=["data.refunded_from_payment.refund"])[0]
    assert ("refunded_from_payment", 40, refund) == (
        newest.type,
        newest.net_amount,
        newest.refunded_from_payment.refund.id,
    )
    assert {"usd": 40} == _available(site, payer)
    with pytest.raises(NotPossible):
        ledger.refunds.fail(refund)
    with pytest.raises(NotPossible):
        ledger.disputes.open(intent)


@pytest.mark.parametrize(
    ("currency", "type"),
    [
        ("usd", "us_bank_transfer"),
        ("eur", "eu_bank_transfer"),
        ("gbp", "gb_bank_transfer"),
        ("jpy", "jp_bank_transfer"),
        ("mxn", "mx_bank_transfer"),
    ],
)
def test_a_transfer_is_of_the_kind_of_its_currency(site: Any, payer: str, currency: str, type: str) -> None:
    site.stripe.ledger.cash.fund(payer, 100, currency)

    assert type == _movements(site, payer)[0].funded.bank_transfer.type
    assert {currency: 100} == _available(site, payer)


@pytest.mark.parametrize(("amount", "currency"), [(0, "usd"), (-1, "usd"), (100, "chf")])
def test_a_transfer_is_above_zero_and_in_a_currency_that_has_virtual_accounts(
    site: Any, payer: str, amount: int, currency: str
) -> None:
    with pytest.raises(NotPossible):
        site.stripe.ledger.cash.fund(payer, amount, currency)


def test_movements_are_paged_within_their_customer(site: Any, payer: str) -> None:
    other = site.stripe.ledger.add_customer("Alder Foods", "ap@alder.example")
    made = []
    for number in range(5):
        made.append(site.stripe.ledger.cash.fund(payer, 100 + number, "usd"))
        strange = site.stripe.ledger.cash.fund(other, 1, "usd")

    rows = _movements(site, payer, limit=2)

    assert made[::-1] == [row.id for row in rows]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        site.client.v1.customers.cash_balance_transactions.retrieve(payer, strange)
    assert 404 == refused.value.http_status
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        _movements(site, payer, created={"gte": 1})


def test_a_customer_shows_its_cash_balance_when_asked_to(site: Any, payer: str) -> None:
    site.stripe.ledger.cash.fund(payer, 100, "usd")

    (plain,) = site.client.v1.customers.list().data
    (expanded,) = site.client.v1.customers.list({"expand": ["data.cash_balance"]}).data

    assert "cash_balance" not in plain.to_dict()
    assert {"usd": 100} == expanded.cash_balance.available.to_dict()


def test_what_is_no_customer_has_no_cash_balance(site: Any) -> None:
    for read in (
        site.client.v1.customers.cash_balance.retrieve,
        site.client.v1.customers.cash_balance_transactions.list,
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            read("cus_none")
        assert (404, "resource_missing") == (refused.value.http_status, refused.value.code)


def test_there_is_no_list_of_movements_across_customers(site: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        site.client.raw_request("get", "/v1/cash_balance_transactions")


def test_every_cash_balance_and_movement_keeps_to_stripes_own_types(
    site: Any, payer: str, stripe_problems: Any
) -> None:
    sent: list[dict[str, Any]] = []
    site.stripe.on_response = sent.append
    ledger, v1 = site.stripe.ledger, site.client.v1
    for currency in ("usd", "eur", "gbp", "jpy", "mxn"):
        ledger.cash.fund(payer, 1_000, currency, reference="x")
    (intent,) = ledger.cash.apply(payer, "usd", [Drawn(500, "INV-1", {"a": "b"}, [("INV-1", 500)])])
    ledger.refunds.create(intent, 100)
    ledger.cash.send_back(payer, "usd")
    expand = ["data.customer", "data.applied_to_payment.payment_intent", "data.refunded_from_payment.refund"]
    _movements(site, payer, expand=expand)
    _available(site, payer)
    v1.customers.list({"expand": ["data.cash_balance"]})
    v1.charges.list()
    v1.payment_intents.list()
    v1.invoice_payments.list({"expand": ["data.invoice"]})
    v1.events.list({"limit": 100})

    assert {"cash_balance", "list"} <= {body["object"] for body in sent}
    assert [] == [problem for body in sent for problem in stripe_problems(body)]
