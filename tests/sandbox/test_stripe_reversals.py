"""Refunds, disputes and Stripe's own corrections in the sandbox, asked by the real SDK."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from sandbox.stripe_ledger import NotPossible


def _row(site: Any, source: str) -> tuple[str, str, int, int, int]:
    """The newest row of a source: type, category, amount, fee, net."""
    row = site.client.v1.balance_transactions.list({"source": source, "limit": 1}).data[0]
    return row.type, row.reporting_category, row.amount, row.fee, row.net


def _events(site: Any, pattern: str) -> list[str]:
    return [event.type for event in site.client.v1.events.list({"type": pattern, "limit": 100}).data]


def _ach(site: Any, amount: int = 10_000) -> str:
    return str(site.stripe.ledger.pay(None, amount, "USD", method="ach"))


# -- refunds


@pytest.mark.parametrize(("method", "type", "prefix"), [("card", "refund", "re_"), ("ach", "payment_refund", "pyr_")])
def test_a_refund_takes_the_amount_and_gives_no_fee_back(site: Any, method: str, type: str, prefix: str) -> None:
    intent = site.stripe.ledger.pay(None, 10_000, "USD", method=method)

    refund = site.stripe.ledger.refunds.create(intent, 4_000, reason="requested_by_customer")

    found = site.client.v1.refunds.retrieve(refund, {"expand": ["charge"]})
    assert refund.startswith(prefix)
    assert ("succeeded", 4_000, intent) == (found.status, found.amount, found.payment_intent)
    assert (4_000, False) == (found.charge.amount_refunded, found.charge.refunded)
    assert (type, "refund", -4_000, 0, -4_000) == _row(site, refund)


def test_a_payment_is_refunded_in_parts_up_to_its_amount(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 10_000, "USD")
    refunds = site.stripe.ledger.refunds
    made = [refunds.create(intent, 4_000), refunds.create(intent, 5_999)]
    with pytest.raises(NotPossible, match="1 left"):
        refunds.create(intent, 2)
    made.append(refunds.create(intent))

    charge = site.client.v1.charges.list({"expand": ["data.refunds"]}).data[0]
    assert (10_000, True) == (charge.amount_refunded, charge.refunded)
    assert made[::-1] == [row.id for row in site.client.v1.refunds.list({"charge": charge.id}).data]
    assert [1, 5_999, 4_000] == [row.amount for row in charge.refunds.data]
    assert made[::-1] == [row.id for row in site.client.v1.refunds.list({"payment_intent": intent}).data]


def test_a_refund_may_be_pending_and_succeed_or_fail_later(site: Any) -> None:
    refunds, intent = site.stripe.ledger.refunds, _ach(site)
    good, bad = (refunds.create(intent, 1_000, pending=True) for _ in range(2))
    pending = [site.client.v1.refunds.retrieve(id).status for id in (good, bad)]
    refunds.settle(good)
    refunds.fail(bad, "declined")

    found = site.client.v1.refunds.retrieve(bad, {"expand": ["failure_balance_transaction", "charge"]})
    assert ["pending", "pending"] == pending
    assert "succeeded" == site.client.v1.refunds.retrieve(good).status
    assert ("failed", "declined", 1_000) == (found.status, found.failure_reason, found.charge.amount_refunded)
    assert ("refund_failure", "refund_failure", 1_000) == (
        found.failure_balance_transaction.type,
        found.failure_balance_transaction.reporting_category,
        found.failure_balance_transaction.net,
    )
    assert ["refund.failed", "refund.updated", "refund.updated", "refund.created", "refund.created"] == _events(
        site, "refund.*"
    )


def test_a_refund_fails_once_even_after_it_succeeded_and_can_be_made_again(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 10_000, "USD")
    refund = site.stripe.ledger.refunds.create(intent)
    site.stripe.ledger.refunds.fail(refund)

    with pytest.raises(NotPossible):
        site.stripe.ledger.refunds.fail(refund)
    with pytest.raises(NotPossible):
        site.stripe.ledger.refunds.settle(refund)
    site.stripe.ledger.refunds.create(intent)


def test_money_that_never_came_or_went_back_can_not_be_refunded(site: Any) -> None:
    ledger = site.stripe.ledger
    processing = ledger.pay(None, 100, "USD", method="ach", processing=True)
    returned, disputed = _ach(site), ledger.pay(None, 100, "USD")
    ledger.fail(returned)
    ledger.disputes.open(disputed)

    for payment in (processing, returned, disputed):
        with pytest.raises(NotPossible):
            ledger.refunds.create(payment)


def test_a_refund_of_a_converted_charge_is_settled_at_the_rate_of_its_own_day(site: Any) -> None:
    ledger = site.stripe.ledger
    ledger.balance.convert("eur", "usd", Decimal("1.10"))
    intent = ledger.pay(None, 10_000, "EUR")
    ledger.balance.convert("eur", "usd", Decimal("1.05"))

    refund = ledger.refunds.create(intent)

    found = site.client.v1.refunds.retrieve(refund, {"expand": ["balance_transaction"]})
    assert ("eur", 10_000) == (found.currency, found.amount)
    assert ("usd", -10_500, 1.05) == (
        found.balance_transaction.currency,
        found.balance_transaction.amount,
        found.balance_transaction.exchange_rate,
    )


# -- disputes


def test_a_dispute_withdraws_its_amount_and_a_fee_at_once(site: Any) -> None:
    intent = site.stripe.ledger.pay(None, 10_000, "USD")

    dispute = site.stripe.ledger.disputes.open(intent, 6_000, reason="product_not_received")

    found = site.client.v1.disputes.retrieve(dispute, {"expand": ["charge"]})
    assert ("needs_response", 6_000, "product_not_received", True) == (
        found.status,
        found.amount,
        found.reason,
        found.charge.disputed,
    )
    assert ("adjustment", "dispute", -6_000, 1_500, -7_500) == _row(site, dispute)
    assert [-7_500] == [row.net for row in found.balance_transactions]
    assert ["charge.dispute.funds_withdrawn", "charge.dispute.created"] == _events(site, "charge.dispute.*")


@pytest.mark.parametrize(("outcome", "nets"), [("won", [-11_500, 11_500]), ("lost", [-11_500])])
def test_a_won_dispute_mirrors_the_withdrawal_and_a_lost_one_moves_nothing(
    site: Any, outcome: str, nets: list[int]
) -> None:
    ledger = site.stripe.ledger
    dispute = ledger.disputes.open(ledger.pay(None, 10_000, "USD"))
    ledger.disputes.close(dispute, outcome)

    found = site.client.v1.disputes.retrieve(dispute)
    assert (outcome, nets) == (found.status, [row.net for row in found.balance_transactions])
    assert "charge.dispute.closed" == _events(site, "charge.dispute.*")[0]
    assert ("charge.dispute.funds_reinstated" in _events(site, "charge.dispute.*")) == (outcome == "won")
    if outcome == "won":
        assert ("adjustment", "dispute_reversal", 10_000, -1_500, 11_500) == _row(site, dispute)
    with pytest.raises(NotPossible, match="closed already"):
        ledger.disputes.close(dispute, "won")


def test_a_late_ach_return_is_a_dispute_that_is_lost_from_the_start(site: Any) -> None:
    dispute = site.stripe.ledger.disputes.open(_ach(site), reason="insufficient_funds")

    found = site.client.v1.disputes.retrieve(dispute)
    assert ("lost", "insufficient_funds") == (found.status, found.reason)
    with pytest.raises(NotPossible):
        site.stripe.ledger.disputes.close(dispute, "won")


def test_an_inquiry_moves_no_money(site: Any) -> None:
    ledger = site.stripe.ledger
    dispute = ledger.disputes.open(ledger.pay(None, 10_000, "USD"), inquiry=True)
    with pytest.raises(NotPossible):
        ledger.disputes.close(dispute, "lost")
    ledger.disputes.close(dispute, "warning_closed")

    assert [] == site.client.v1.balance_transactions.list({"source": dispute}).data
    assert "warning_closed" == site.client.v1.disputes.retrieve(dispute).status


def test_disputes_are_found_by_their_charge(site: Any) -> None:
    ledger = site.stripe.ledger
    first, second = (ledger.pay(None, 100, "USD") for _ in range(2))
    made = [ledger.disputes.open(intent) for intent in (first, second)]

    v1 = site.client.v1
    assert [made[0]] == [row.id for row in v1.disputes.list({"charge": ledger.get(first)["latest_charge"]}).data]
    assert [made[1]] == [row.id for row in v1.disputes.list({"payment_intent": second}).data]


# -- corrections


@pytest.mark.parametrize(
    ("category", "amount", "type"),
    [
        ("other_adjustment", 500, "adjustment"),
        ("risk_reserved_funds", -2_000, "reserved_funds"),
        ("risk_reserved_funds", 2_000, "reserved_funds"),
        ("fee", -2_500, "stripe_fee"),
        ("tax", -300, "tax_fee"),
        ("never_heard_of", -1, "adjustment"),
    ],
)
def test_a_correction_is_a_row_about_no_payment(site: Any, category: str, amount: int, type: str) -> None:
    id = site.stripe.ledger.adjust(amount, "usd", category)

    row = site.client.v1.balance_transactions.retrieve(id, {"expand": ["source"]})
    assert (type, category, amount, 0, amount, None, "available") == (
        row.type,
        row.reporting_category,
        row.amount,
        row.fee,
        row.net,
        row.source,
        row.status,
    )
    assert amount == site.client.v1.balance.retrieve().available[0].amount


def test_a_type_that_nobody_knows_can_be_told(site: Any) -> None:
    id = site.stripe.ledger.adjust(-1, "usd", "contribution", type="climate_order_purchase")

    assert [id] == [row.id for row in site.client.v1.balance_transactions.list({"type": "climate_order_purchase"}).data]
    with pytest.raises(NotPossible):
        site.stripe.ledger.adjust(0, "usd", "fee")


def test_each_of_these_deeds_is_one_commit_of_the_world(site: Any) -> None:
    ledger = site.stripe.ledger
    before = len(site.sequence.commits())
    refund = ledger.refunds.create(ledger.pay(None, 100, "USD"))
    ledger.refunds.fail(refund)
    ledger.disputes.close(ledger.disputes.open(ledger.pay(None, 100, "USD")), "won")
    ledger.disputes.open(_ach(site))
    ledger.adjust(1, "usd", "fee")

    assert [
        "payment_intent.succeeded",
        "charge.refunded",
        "refund.failed",
        "payment_intent.succeeded",
        "charge.dispute.created",
        "charge.dispute.closed",
        "payment_intent.succeeded",
        "charge.dispute.created",
        "balance_transaction.stripe_fee",
    ] == [commit.what.removeprefix("stripe.").split()[0] for commit in site.sequence.commits(before)]


def test_refunds_and_disputes_are_read_only_with_the_right_to(site: Any) -> None:
    for right, read in (("refunds", site.client.v1.refunds.list), ("disputes", site.client.v1.disputes.list)):
        site.stripe.revoke(right)
        with pytest.raises(stripe.PermissionError, match=right):
            read()


def test_every_refund_and_dispute_keeps_to_stripes_own_types(site: Any, stripe_problems: Any) -> None:
    sent: list[dict[str, Any]] = []
    site.stripe.on_response = sent.append
    ledger, v1 = site.stripe.ledger, site.client.v1
    card, debit = ledger.pay(None, 10_000, "USD"), _ach(site)
    ledger.refunds.fail(ledger.refunds.create(card, 100))
    ledger.refunds.create(debit, 100, pending=True)
    ledger.disputes.close(ledger.disputes.open(card), "won")
    ledger.disputes.open(debit)
    ledger.disputes.open(ledger.pay(None, 100, "USD"), inquiry=True)
    ledger.adjust(-1, "usd", "never_heard_of", description="why")
    every = ["data.charge", "data.payment_intent"]
    v1.refunds.list({"expand": [*every, "data.balance_transaction", "data.failure_balance_transaction"]})
    v1.disputes.list({"expand": every})
    v1.charges.list({"expand": ["data.refunds.data.balance_transaction"]})
    v1.balance_transactions.list({"limit": 100, "expand": ["data.source"]})
    v1.events.list({"limit": 100})

    assert [] == [problem for body in sent for problem in stripe_problems(body)]
