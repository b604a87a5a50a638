"""Facts of the Stripe account, asked by the real `stripe` package."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.stripe_ledger import NotPossible
from sandbox.stripe_objects import fee_minor


def _ids(page: Any) -> list[str]:
    return [row.id for row in page.data]


def test_a_list_is_newest_first(site: Any) -> None:
    paid = [site.stripe.ledger.pay(None, 100 + n, "USD") for n in range(3)]

    page = site.client.v1.payment_intents.list()

    assert paid[::-1] == _ids(page)


def test_paging_walks_the_whole_list_without_gap_or_repeat(site: Any) -> None:
    made = [site.stripe.ledger.add_customer(f"Firm {n}", "") for n in range(25)]

    found = [row.id for row in site.client.v1.customers.list({"limit": 10}).auto_paging_iter()]

    assert made[::-1] == found
    assert {"customers.list": 3} == site.stripe.counts()


def test_ending_before_gives_the_newer_neighbours_newest_first(site: Any) -> None:
    made = [site.stripe.ledger.add_customer(f"Firm {n}", "") for n in range(5)]

    page = site.client.v1.customers.list({"limit": 2, "ending_before": made[1]})

    assert [made[3], made[2]] == _ids(page)
    assert page.has_more


@pytest.mark.parametrize("limit", [0, 101, -1, "ten"])
def test_a_limit_outside_1_to_100_is_refused(site: Any, limit: object) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        site.client.v1.charges.list({"limit": limit})

    assert "limit" == refused.value.param


def test_a_cursor_that_is_no_object_of_the_list_is_refused(site: Any) -> None:
    customer = site.stripe.ledger.add_customer("Firm", "")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        site.client.v1.charges.list({"starting_after": customer})

    assert ("resource_missing", "starting_after") == (refused.value.code, refused.value.param)


def test_an_unknown_parameter_is_refused(site: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        site.client.v1.balance_transactions.list({"status": "available"})

    assert "parameter_unknown" == refused.value.code


def test_created_filters_keep_both_bounds(site: Any) -> None:
    made = []
    for _ in range(4):
        made.append((int(site.clock().timestamp()), site.stripe.ledger.pay(None, 500, "USD")))
        site.clock.move_to(site.clock() + timedelta(days=1))

    page = site.client.v1.payment_intents.list({"created": {"gte": made[1][0], "lt": made[3][0]}})

    assert [made[2][1], made[1][1]] == _ids(page)


def test_a_card_payment_succeeds_at_once(site: Any) -> None:
    customer = site.stripe.ledger.add_customer("Firm", "ap@firm.example", metadata={"netsuite_customer_id": "7"})
    intent = site.stripe.ledger.pay(customer, 10_000, "USD", description="INV-1", metadata={"invoice_number": "INV-1"})

    found = site.client.v1.payment_intents.retrieve(
        intent, {"expand": ["latest_charge.balance_transaction", "customer"]}
    )

    charge = found.latest_charge
    assert ("succeeded", 10_000) == (found.status, found.amount_received)
    assert ("succeeded", "usd", "INV-1") == (charge.status, charge.currency, charge.description)
    assert {"invoice_number": "INV-1"} == charge.metadata.to_dict()
    assert {"netsuite_customer_id": "7"} == found.customer.metadata.to_dict()
    assert (10_000, 320, 9_680, "charge", "charge") == (
        charge.balance_transaction.amount,
        charge.balance_transaction.fee,
        charge.balance_transaction.net,
        charge.balance_transaction.type,
        charge.balance_transaction.reporting_category,
    )
    assert charge.id.startswith("ch_")


def test_an_ach_debit_is_pending_without_money_then_succeeds(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 4_500_000, "USD", method="ach", processing=True)

    before = site.client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    site.stripe.ledger.settle(intent)
    after = site.client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.balance_transaction"]})

    assert ("processing", 0, "pending", None) == (
        before.status,
        before.amount_received,
        before.latest_charge.status,
        before.latest_charge.balance_transaction,
    )
    assert ("succeeded", 4_500_000, "succeeded") == (after.status, after.amount_received, after.latest_charge.status)
    assert (500, "payment") == (
        after.latest_charge.balance_transaction.fee,
        after.latest_charge.balance_transaction.type,
    )
    assert after.latest_charge.id.startswith("py_")


def test_an_ach_debit_that_fails_while_pending_never_moves_money(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 4_500_000, "USD", method="ach", processing=True)
    site.stripe.ledger.fail(intent, "account_closed")

    found = site.client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})

    assert ("requires_payment_method", "failed", "account_closed") == (
        found.status,
        found.latest_charge.status,
        found.latest_charge.failure_code,
    )
    assert [] == site.client.v1.balance_transactions.list().data


def test_an_ach_debit_that_comes_back_after_success_takes_its_money_back(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 4_500_000, "USD", method="ach", processing=True)
    site.stripe.ledger.settle(intent)
    site.stripe.ledger.fail(intent)

    rows = site.client.v1.balance_transactions.list({"expand": ["data.source"]}).data

    assert [("payment_failure_refund", "charge_failure", -4_500_000, 0), ("payment", "charge", 4_500_000, 500)] == [
        (row.type, row.reporting_category, row.amount, row.fee) for row in rows
    ]
    assert rows[0].id == rows[0].source.failure_balance_transaction


def test_a_card_payment_can_be_neither_settled_twice_nor_returned(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 100, "USD")

    with pytest.raises(NotPossible):
        site.stripe.ledger.settle(intent)
    with pytest.raises(NotPossible):
        site.stripe.ledger.fail(intent)


@pytest.mark.parametrize(
    ("amount", "method", "fee"),
    [
        # 2.9 % + 0.30, the percentage rounded half up to the cent
        (10_000, "card", 320),
        (100, "card", 33),
        (50, "card", 31),
        (4_999, "card", 175),
        # 0.8 %, at most 5.00
        (10_000, "ach", 80),
        (62_500, "ach", 500),
        (62_499, "ach", 500),
        (18_000_000, "ach", 500),
        (62, "ach", 0),
        (63, "ach", 1),
    ],
)
def test_fees_are_whole_minor_units(amount: int, method: str, fee: int) -> None:
    assert fee == fee_minor(amount, method)


def test_money_is_pending_until_its_day(site: Any) -> None:
    site.stripe.ledger.pay(None, 10_000, "USD")

    before = site.client.v1.balance_transactions.list().data[0].status
    site.clock.move_to(site.clock() + timedelta(days=2))
    after = site.client.v1.balance_transactions.list().data[0].status

    assert ("pending", "available") == (before, after)


def test_invoice_payments_link_a_payment_to_stripe_invoices_by_number(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 300, "USD", invoices=[("INV-1", 100), ("INV-2", 200)])
    site.stripe.ledger.pay(None, 50, "USD", invoices=[("INV-3", 50)])

    page = site.client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}, "expand": ["data.invoice"]}
    )

    assert [("INV-2", 200, "paid"), ("INV-1", 100, "paid")] == [
        (row.invoice.number, row.amount_paid, row.status) for row in page.data
    ]
    assert "INV-2" == site.client.v1.invoices.retrieve(page.data[0].invoice.id).number
    assert intent == site.client.v1.invoice_payments.retrieve(page.data[0].id).payment.payment_intent


def test_an_invoice_payment_of_a_processing_debit_is_open_until_it_settles(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 100, "USD", method="ach", processing=True, invoices=[("INV-1", 100)])

    def states() -> list[tuple[str, str]]:
        rows = site.client.v1.invoice_payments.list({"expand": ["data.invoice"]}).data
        return [(row.status, row.invoice.status) for row in rows]

    processing = states()
    site.stripe.ledger.settle(intent)
    settled = states()
    site.stripe.ledger.fail(intent)

    assert [("open", "open")] == processing
    assert [("paid", "paid")] == settled
    assert [("open", "open")] == states()


def test_the_events_tell_an_ach_debit_newest_first(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 100, "USD", method="ach", processing=True)
    site.stripe.ledger.settle(intent)

    found = site.client.v1.events.list({"limit": 100}).data

    assert [
        "payment_intent.succeeded",
        "charge.succeeded",
        "charge.pending",
        "payment_intent.processing",
        "payment_intent.created",
    ] == [event.type for event in found]


def test_an_event_keeps_the_object_as_it_was(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 100, "USD", method="ach", processing=True)
    site.stripe.ledger.settle(intent)

    page = site.client.v1.events.list({"types": ["payment_intent.processing", "payment_intent.succeeded"]})

    assert ["succeeded", "processing"] == [event.data.object.status for event in page.data]


def test_polling_events_with_an_overlap_sees_each_of_them(site: Any) -> None:
    seen: set[str] = set()
    made: set[str] = set()
    since = int(site.clock().timestamp())
    for _ in range(5):
        made.add(site.stripe.ledger.pay(None, 100, "USD"))
        polled = int(site.clock().timestamp())
        events = site.client.v1.events.list(
            {"types": ["payment_intent.succeeded"], "created": {"gte": since - 60}, "limit": 2}
        )
        seen |= {event.data.object.id for event in events.auto_paging_iter()}
        since = polled
        site.clock.move_to(site.clock() + timedelta(seconds=30))

    assert made == seen


def test_events_are_kept_for_30_days_of_the_worlds_clock(site: Any) -> None:
    site.stripe.ledger.pay(None, 100, "USD")
    (old, *_) = _ids(site.client.v1.events.list())
    site.clock.move_to(site.clock() + timedelta(days=30))
    kept = len(site.client.v1.events.list().data)
    site.clock.move_to(site.clock() + timedelta(seconds=1))

    assert (3, []) == (kept, site.client.v1.events.list().data)
    with pytest.raises(stripe.InvalidRequestError):
        site.client.v1.events.retrieve(old)


def test_expanding_what_has_no_object_behind_it_is_refused(site: Any) -> None:
    site.stripe.ledger.pay(None, 100, "USD")

    for path in ("data.description", "balance_transaction", "data.invoice"):
        with pytest.raises(stripe.InvalidRequestError, match="expanded"):
            site.client.v1.charges.list({"expand": [path]})


def test_expanding_goes_four_levels_deep_at_most(site: Any) -> None:
    site.stripe.ledger.pay(None, 100, "USD")
    deep = "data.payment_intent.latest_charge.balance_transaction"

    row = site.client.v1.charges.list({"expand": [deep]}).data[0]

    assert 33 == row.payment_intent.latest_charge.balance_transaction.fee
    with pytest.raises(stripe.InvalidRequestError, match="levels"):
        site.client.v1.charges.list({"expand": [f"{deep}.source"]})


def test_a_wrong_key_is_refused(site: Any) -> None:
    with pytest.raises(stripe.AuthenticationError):
        site.client_with("rk_test_other").v1.charges.list()


def test_a_right_that_was_taken_is_refused_by_name_until_it_is_given_back(site: Any) -> None:
    site.stripe.revoke("charges")

    with pytest.raises(stripe.PermissionError, match="charges"):
        site.client.v1.charges.list()
    assert [] == site.client.v1.events.list().data
    site.stripe.grant("charges")

    assert [] == site.client.v1.charges.list().data


def test_an_object_that_is_not_there_is_resource_missing(site: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        site.client.v1.charges.retrieve("ch_none")

    assert (404, "resource_missing") == (refused.value.http_status, refused.value.code)


def test_what_the_sandbox_does_not_have_is_an_unrecognized_url(site: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        site.client.v1.topups.list()
    with pytest.raises(stripe.InvalidRequestError, match="only reads"):
        site.client.v1.customers.create({"name": "Firm"})


def test_the_asked_version_and_a_request_id_come_back(site: Any) -> None:
    response = site.client.v1.customers.list(options={"stripe_version": "2026-10-28.endive"}).last_response

    assert "2026-10-28.endive" == response.headers["Stripe-Version"]
    assert response.request_id.startswith("req_")


def test_the_account_says_who_it_is_and_nothing_is_live(site: Any) -> None:
    site.stripe.ledger.pay(None, 100, "USD")

    assert "acct_sandbox0000001" == site.client.v1.accounts.retrieve_current().id
    assert {False} == {row.livemode for row in site.client.v1.charges.list().data}


def test_each_deed_is_one_commit_of_the_world(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 100, "USD", method="ach", processing=True)
    site.stripe.ledger.settle(intent)
    site.stripe.ledger.fail(intent)

    assert [
        (1, f"stripe.payment_intent.processing {intent}"),
        (2, f"stripe.payment_intent.succeeded {intent}"),
        (3, f"stripe.payment_intent.payment_failed {intent}"),
    ] == [(commit.sequence, commit.what) for commit in site.sequence.commits()]


def test_every_response_keeps_to_stripes_own_types(site: Any, stripe_problems: Any) -> None:
    sent: list[dict[str, Any]] = []
    site.stripe.on_response = sent.append
    ledger, v1 = site.stripe.ledger, site.client.v1
    customer = ledger.add_customer("Firm", "ap@firm.example", metadata={"netsuite_customer_id": "7"})
    ledger.pay(customer, 10_000, "USD", description="INV-1", invoices=[("INV-1", 10_000)])
    for fate in (None, ledger.settle, ledger.fail):
        intent = ledger.pay(customer, 500_000, "USD", method="ach", processing=True, invoices=[("INV-2", 500_000)])
        if fate is not None:
            fate(intent)
    ledger.settle(returned := ledger.pay(customer, 700_000, "USD", method="ach", processing=True))
    ledger.fail(returned)

    everything = {"limit": 100}
    lists: list[tuple[Any, list[str]]] = [
        (v1.customers, []),
        (v1.payment_intents, ["data.latest_charge", "data.customer"]),
        (v1.charges, ["data.balance_transaction", "data.payment_intent", "data.failure_balance_transaction"]),
        (v1.balance_transactions, ["data.source"]),
        (v1.invoices, ["data.customer"]),
        (v1.invoice_payments, ["data.invoice", "data.payment.payment_intent"]),
        (v1.events, []),
    ]
    for service, expand in lists:
        rows = service.list(everything).data
        service.list(everything | {"expand": expand})
        for row in rows:
            service.retrieve(row.id)
    v1.accounts.retrieve_current()
    for wrong in (v1.charges.retrieve, v1.events.retrieve):
        with pytest.raises(stripe.InvalidRequestError):
            wrong("none")

    assert {"list", "customer", "payment_intent", "charge", "balance_transaction", "invoice", "invoice_payment"} <= {
        body.get("object") for body in sent
    }
    assert [] == [problem for body in sent for problem in stripe_problems(body)]
