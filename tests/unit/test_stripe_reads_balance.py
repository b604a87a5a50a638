"""What moves our balance at Stripe: how its own words are understood, what is in the balance, what is parked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses

from connector.adapters.stripe_balance import category_of
from connector.money import Money
from connector.settlement import Category
from tests import contracts
from tests.unit.stripe_cases import (
    BASE,
    NOW,
    Json,
    answering,
    balance,
    cash_row,
    charge,
    customer,
    event,
    intent,
    invoice,
    movement,
    page,
    paths,
    payout,
    query,
    seconds,
    source,
)

BALANCE, MOVEMENTS = "/v1/balance", "/v1/balance_transactions"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    yield from answering(monkeypatch)


@pytest.mark.skipif(bool(contracts.ABSENT), reason=contracts.ABSENT or "at hand")
def test_the_made_up_objects_are_as_stripes_own_types_say() -> None:
    made = [
        charge(),
        customer(),
        intent(),
        event("charge.succeeded", charge()),
        movement(),
        payout(),
        balance({"usd": 1}, {"usd": 2}),
        invoice(),
        cash_row("funded", 100),
    ]

    assert [] == [problem for one in made for problem in contracts.stripe_problems(one)]


# The category decides; the type is asked only where the category says nothing.
@pytest.mark.parametrize(
    ("category", "type", "meant"),
    [
        ("charge", "charge", Category.CHARGE),
        ("charge", "payment", Category.CHARGE),
        ("charge_failure", "payment_failure_refund", Category.CHARGE_FAILURE),
        ("refund", "refund", Category.REFUND),
        ("refund", "payment_refund", Category.REFUND),
        ("refund_failure", "refund_failure", Category.REFUND_FAILURE),
        ("refund_failure", "adjustment", Category.REFUND_FAILURE),
        ("dispute", "adjustment", Category.DISPUTE),
        ("dispute_reversal", "adjustment", Category.DISPUTE_REVERSAL),
        ("fee", "adjustment", Category.FEE),
        ("fee", "stripe_fee", Category.FEE),
        ("tax", "tax_fee", Category.FEE),
        ("tax", "tax_fund", Category.UNKNOWN),
        ("other_adjustment", "adjustment", Category.ADJUSTMENT),
        ("something_new", "adjustment", Category.UNKNOWN),
        ("risk_reserved_funds", "reserved_funds", Category.RESERVE),
        ("something_new", "reserve_hold", Category.RESERVE),
        ("payout", "payout", Category.PAYOUT),
        ("payout_reversal", "payout_failure", Category.PAYOUT_REVERSAL),
        ("payout_reversal", "payout_cancel", Category.PAYOUT_REVERSAL),
        ("something_new", "payment_reversal", Category.CHARGE_FAILURE),
        ("partial_capture_reversal", "refund", Category.UNKNOWN),  # no refund, whatever its type says
        ("platform_earning", "application_fee", Category.UNKNOWN),
        ("transfer", "transfer", Category.UNKNOWN),
        ("something_new", "something_else", Category.UNKNOWN),
    ],
)
def test_what_stripes_words_mean_to_the_ledger(category: str, type: str, meant: Category) -> None:
    assert category_of(category, type) is meant


@pytest.mark.parametrize(
    ("behind", "payment_id", "source_id"),
    [
        ({"id": "ch_1", "object": "charge"}, "ch_1", "ch_1"),
        ({"id": "py_1", "object": "charge"}, "py_1", "py_1"),
        ({"id": "re_1", "object": "refund", "charge": "ch_2"}, "ch_2", "re_1"),
        ({"id": "pyr_1", "object": "refund", "charge": {"id": "py_2", "object": "charge"}}, "py_2", "pyr_1"),
        ({"id": "re_1", "object": "refund", "charge": None}, "", "re_1"),
        ({"id": "du_1", "object": "dispute", "charge": "ch_3"}, "ch_3", "du_1"),
        ({"id": "ccsbtxn_1", "object": "customer_cash_balance_transaction"}, "", "ccsbtxn_1"),
        ({"id": "tr_1", "object": "transfer", "charge": "ch_4"}, "", "tr_1"),
        ("ch_5", "ch_5", "ch_5"),
        ("re_5", "", "re_5"),
        (None, "", ""),
        (7, "", ""),
    ],
)
def test_which_payment_a_movement_is_about(
    web: responses.RequestsMock, behind: object, payment_id: str, source_id: str
) -> None:
    web.get(f"{BASE}{BALANCE}", json=balance({}, {}))
    web.get(f"{BASE}{MOVEMENTS}", json=page(movement(source=behind)))

    (read,) = source().read_balance(NOW).movements

    assert (read.payment_id, read.source_id) == (payment_id, source_id)


def test_what_is_not_understood_keeps_stripes_own_words(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{BALANCE}", json=balance({}, {}))
    web.get(f"{BASE}{MOVEMENTS}", json=page(movement(type="contribution", reporting_category="climate")))

    (read,) = source().read_balance(NOW).movements

    assert (read.category, read.words) == (Category.UNKNOWN, "climate (contribution)")


def test_the_balance_is_what_is_available_and_pending_in_each_currency(web: responses.RequestsMock) -> None:
    available = {"usd": 120000, "jpy": 500, "eur": -300}
    web.get(f"{BASE}{BALANCE}", json=balance(available, {"usd": 4500, "kwd": 12340, "jpy": 0}))
    web.get(f"{BASE}{MOVEMENTS}", json=page(movement()))
    since = NOW - timedelta(days=3)

    read = source().read_balance(since)

    assert read.balances == (Money(124500, "USD"), Money(500, "JPY"), Money(-300, "EUR"), Money(12340, "KWD"))
    assert ([row.id for row in read.movements], read.parked, read.requested_at) == (["txn_1"], (), NOW)
    assert paths(web) == [BALANCE, MOVEMENTS]
    assert query(web.calls[1])["created[gte]"] == str(seconds(since))


def test_movements_of_another_balance_are_left_out(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{BALANCE}", json=balance({}, {}))
    web.get(f"{BASE}{MOVEMENTS}", json=page(movement(id="txn_2", balance_type="issuing"), movement()))

    assert [row.id for row in source().read_balance(NOW).movements] == ["txn_1"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (balance({"usd": 1}, {}) | {"livemode": True}, "livemode"),
        ({"object": "balance", "livemode": False, "available": []}, "pending"),
        ({"object": "balance", "livemode": False, "available": [], "pending": [{"amount": "1"}]}, "pending.0.amount"),
    ],
)
def test_a_balance_that_is_not_understood_is_no_balance(web: responses.RequestsMock, body: Json, field: str) -> None:
    web.get(f"{BASE}{BALANCE}", json=body)
    web.get(f"{BASE}{MOVEMENTS}", json=page())

    read = source().read_balance(NOW)

    assert read.balances == ()
    assert [(item.record, item.field) for item in read.parked] == [("balance", field)]


@pytest.mark.parametrize("currency", ["usdc", "xxq", "isk"])
def test_a_currency_that_cannot_be_taken_is_left_out_whole(web: responses.RequestsMock, currency: str) -> None:
    # 0.50 ISK: Stripe counts two decimals, ISO 4217 none.
    web.get(f"{BASE}{BALANCE}", json=balance({"usd": 100, currency: 50}, {"usd": 20, currency: 100}))
    web.get(f"{BASE}{MOVEMENTS}", json=page())

    read = source().read_balance(NOW)

    assert read.balances == (Money(120, "USD"),)
    assert [(item.record, item.field) for item in read.parked] == [(f"balance {currency}", "amount")]


def test_a_movement_that_is_not_understood_is_parked_and_the_rest_goes_on(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{BALANCE}", json=balance({}, {}))
    web.get(f"{BASE}{MOVEMENTS}", json=page(movement(id="txn_bad", net=0), movement()))

    read = source().read_balance(NOW)

    assert [row.id for row in read.movements] == ["txn_1"]
    assert [(item.source, item.record, item.field) for item in read.parked] == [("stripe_balance", "txn_bad", "net")]
