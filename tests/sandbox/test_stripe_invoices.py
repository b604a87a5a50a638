"""Invoices that stand in Stripe: collected by Stripe, mailed by Stripe, or only linked; asked by the real SDK."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.stripe_ledger import NotPossible


@pytest.fixture
def payer(site: Any) -> str:
    return str(site.stripe.ledger.add_customer("Northfield Robotics", "ap@northfield.example"))


def _soon(site: Any, days: int = 3) -> int:
    return int(site.clock().timestamp()) + days * 86_400


def _autopay(site: Any, payer: str, **more: Any) -> str:
    invoices = site.stripe.ledger.invoices
    return str(invoices.add_autopay(payer, "INV-1", 10_000, "usd", _soon(site), **more))


def _invoice(site: Any, id: str) -> Any:
    return site.client.v1.invoices.retrieve(id, {"expand": ["payments"]})


def test_an_invoice_that_stripe_collects_says_when_it_tries_next(site: Any, payer: str) -> None:
    found = _invoice(site, _autopay(site, payer))

    assert ("open", "charge_automatically", "INV-1", _soon(site), 0, None) == (
        found.status,
        found.collection_method,
        found.number,
        found.next_payment_attempt,
        found.attempt_count,
        found.due_date,
    )
    settings = site.client.v1.customers.retrieve(payer).invoice_settings
    assert settings.default_payment_method.startswith("pm_")


def test_without_a_stored_method_there_is_none_to_collect_from(site: Any, payer: str) -> None:
    _autopay(site, payer, has_method=False)

    assert None is site.client.v1.customers.retrieve(payer).invoice_settings.default_payment_method


def test_a_successful_attempt_pays_the_invoice(site: Any, payer: str) -> None:
    invoice = _autopay(site, payer)
    intent = site.stripe.ledger.invoices.attempt("INV-1", True)

    found = _invoice(site, invoice)
    assert ("paid", 10_000, 0, None, 1) == (
        found.status,
        found.amount_paid,
        found.amount_remaining,
        found.next_payment_attempt,
        found.attempt_count,
    )
    assert [(intent, "paid")] == [(row.payment.payment_intent, row.status) for row in found.payments.data]
    assert [(10_000, "charge")] == [(row.amount, row.type) for row in site.client.v1.balance_transactions.list().data]
    told = [event.type for event in site.client.v1.events.list({"type": "invoice.*"}).data]
    assert ["invoice.paid", "invoice.finalized", "invoice.created"] == told


def test_a_declined_attempt_leaves_a_failed_charge_and_the_next_date(site: Any, payer: str) -> None:
    invoice = _autopay(site, payer)
    first = site.stripe.ledger.invoices.attempt(invoice, False, _soon(site, 5))
    between = _invoice(site, invoice)
    second = site.stripe.ledger.invoices.attempt(invoice, False, None, code="expired_card")
    last = _invoice(site, invoice)

    charges = site.client.v1.charges.list({"payment_intent": first}).data
    assert [("open", 1, _soon(site, 5)), ("open", 2, None)] == [
        (found.status, found.attempt_count, found.next_payment_attempt) for found in (between, last)
    ]
    assert first == second
    assert [("failed", "expired_card"), ("failed", "card_declined")] == [
        (charge.status, charge.failure_code) for charge in charges
    ]
    assert [] == site.client.v1.balance_transactions.list().data
    assert 2 == len(site.client.v1.events.list({"type": "invoice.payment_failed"}).data)


def test_an_attempt_may_succeed_after_others_failed(site: Any, payer: str) -> None:
    invoice = _autopay(site, payer)
    for succeeds in (False, False, True):
        site.stripe.ledger.invoices.attempt(invoice, succeeds)

    found = _invoice(site, invoice)
    assert ("paid", 3, 1) == (found.status, found.attempt_count, len(found.payments.data))
    with pytest.raises(NotPossible):
        site.stripe.ledger.invoices.attempt(invoice, True)


def test_a_debit_that_stripe_began_settles_or_comes_back_like_any(site: Any, payer: str) -> None:
    invoice = _autopay(site, payer)
    intent = site.stripe.ledger.invoices.attempt(invoice, True, method="ach")
    states = [_invoice(site, invoice).status]
    with pytest.raises(NotPossible, match="under way"):
        site.stripe.ledger.invoices.attempt(invoice, True)
    for fate in (site.stripe.ledger.settle, site.stripe.ledger.fail):
        fate(intent)
        states.append(_invoice(site, invoice).status)

    assert ["open", "paid", "open"] == states


def test_a_mailed_invoice_is_paid_by_its_number_whole_or_in_parts(site: Any, payer: str) -> None:
    ledger = site.stripe.ledger
    invoice = ledger.invoices.add_sent(payer, "INV-7", 10_000, "usd", _soon(site))
    ledger.pay(payer, 4_000, "USD", invoices=[("INV-7", 4_000)])
    part = _invoice(site, invoice)
    ledger.pay(payer, 6_000, "USD", invoices=[("INV-7", 6_000)])
    whole = _invoice(site, invoice)

    assert ("send_invoice", True, _soon(site)) == (part.collection_method, part.auto_advance, part.due_date)
    assert [("open", 4_000, 6_000), ("paid", 10_000, 0)] == [
        (found.status, found.amount_paid, found.amount_remaining) for found in (part, whole)
    ]
    assert [invoice] == [row.id for row in site.client.v1.invoices.list().data]
    with pytest.raises(NotPossible):
        ledger.invoices.attempt(invoice, True)


def test_open_invoices_are_found_by_how_they_are_collected_and_whose_they_are(site: Any, payer: str) -> None:
    invoices, other = site.stripe.ledger.invoices, site.stripe.ledger.add_customer("Alder Foods", "")
    collected, mailed = _autopay(site, payer), invoices.add_sent(payer, "INV-2", 1, "usd", _soon(site, 9))
    strange, void = invoices.add_sent(other, "INV-3", 1, "usd"), invoices.add_sent(other, "INV-4", 1, "usd")
    invoices.void("INV-4")

    def found(**params: object) -> list[str]:
        return [row.id for row in site.client.v1.invoices.list(params).data]

    assert [strange, mailed, collected] == found(status="open")
    assert [collected] == found(status="open", collection_method="charge_automatically")
    assert [mailed] == found(customer=payer, collection_method="send_invoice")
    assert [mailed] == found(due_date={"gte": _soon(site, 9), "lt": _soon(site, 10)})
    assert [void] == found(status="void")
    assert "invoice.voided" == site.client.v1.events.list().data[0].type
    with pytest.raises(LookupError):
        invoices.void("INV-9")


@pytest.mark.parametrize("number", ["INV-1", None])
def test_an_invoice_above_zero_for_a_customer_who_exists(site: Any, payer: str, number: str | None) -> None:
    with pytest.raises(NotPossible if number else LookupError):
        site.stripe.ledger.invoices.add_sent(payer if number else "cus_none", "INV-1", 0 if number else 1, "usd")


def test_every_invoice_keeps_to_stripes_own_types(site: Any, payer: str, stripe_problems: Any) -> None:
    sent: list[dict[str, Any]] = []
    site.stripe.on_response = sent.append
    ledger, v1 = site.stripe.ledger, site.client.v1
    invoice = _autopay(site, payer)
    for succeeds in (False, True):
        ledger.invoices.attempt(invoice, succeeds, _soon(site))
    ledger.invoices.add_sent(payer, "INV-2", 100, "usd")
    ledger.pay(payer, 40, "USD", invoices=[("INV-2", 40)])
    ledger.invoices.void("INV-2")
    v1.invoices.list({"expand": ["data.payments", "data.customer"]})
    v1.invoice_payments.list({"expand": ["data.invoice", "data.payment.payment_intent"]})
    v1.payment_intents.list({"expand": ["data.latest_charge"]})
    v1.customers.list()
    v1.events.list({"limit": 100})

    assert [] == [problem for body in sent for problem in stripe_problems(body)]
