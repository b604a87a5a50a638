"""Intacct's ledger as a whole: what is told of receivables comes to what stands on their accounts, by entity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from connector.money import Money
from connector.receivables import OpenInvoice
from connector.settlement import AccountRole, DocumentKind
from connector.standing import read_books
from tests.contract.erp_site import TODAY, usd, with_payment
from tests.contract.intacct_site import Site, served

LONG_AGO = date(2020, 1, 1)


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        made.with_mapping(receivable_accounts=_receivables(made))
        yield made


def _receivables(site: Site) -> tuple[str, ...]:
    """Where receivables stand: invoices and overpayments on one account, advances on another."""
    return (site.intacct.accounts["receivable"], site.intacct.accounts["advances"])


def held(site: Site, on: date = TODAY) -> dict[tuple[str, str], Money]:
    return {
        (one.subsidiary, one.currency): one.amount
        for one in site.erp.read_balances(on)
        if one.role is AccountRole.RECEIVABLE and one.amount
    }


def told(site: Site, first_on: date = LONG_AGO) -> dict[tuple[str, str], Money]:
    found: dict[tuple[str, str], Money] = {}
    for one in site.erp.read_documents(first_on, TODAY):
        key = (one.subsidiary, one.amount.currency)
        found[key] = found.get(key, Money.zero(one.amount.currency)) + one.amount
    return {key: amount for key, amount in found.items() if amount}


def unexplained(site: Site, on: date) -> list[Money]:
    """What a report of this day can't explain of the receivables accounts."""
    books = read_books(site.erp, on, 3, TODAY)
    control = {(one.currency, one.subsidiary): one.amount for one in books.control}
    expected = {(one.currency, one.subsidiary): one.ar for one in books.surveys if one.subsidiary != "all"}
    return [
        control.get(key, Money.zero(key[0])) - expected.get(key, Money.zero(key[0]))
        for key in sorted(control.keys() | expected.keys())
    ]


def test_everything_that_happens_to_receivables_is_told_to_the_cent(site: Site) -> None:
    people, customer = site.intacct, site.customer
    first, second, third = (site.invoice(amount) for amount in ("100.00", "200.00", "40.00"))
    people.pay_by_hand(customer, "130.00", date(2026, 10, 9), [(first, "100.00")])
    people.pay_by_hand(customer, "55.00", date(2026, 10, 10))
    memo = site.memo("25.00", on=date(2026, 10, 11))
    people.apply_credit(memo, {second: "15.00"})
    people.write_off(third, date(2026, 10, 12), "5.00")
    people.draft_payment(customer, "10.00", date(2026, 10, 13), [(second, "10.00")])
    voided = people.pay_by_hand(customer, "7.00", date(2026, 10, 14), [(second, "7.00")])
    people.void_payment(voided)
    people.void(site.invoice("9.00"))
    lines = [
        {"account": "receivable", "debit": "3.00", "customer_id": customer},
        {"account": "sales", "credit": "3.00"},
    ]
    people.journal_by_hand(date(2026, 10, 15), lines)

    # 340 billed, 130 and 55 received, 25 credited, 5 written off, 3 by a journal entry.
    assert {("", "USD"): usd("128")} == held(site) == told(site)
    assert [usd("0")] == unexplained(site, TODAY)
    assert [usd("0")] == unexplained(site, date(2026, 10, 10))


def test_a_discount_is_told_beside_the_payment_that_took_it(site: Site) -> None:
    terms = site.intacct.add_term("2/10 net 30", 30, discount_percent="2", discount_days=10)
    invoice = site.invoice("100.00", issued_on=date(2026, 11, 20), due_on=date(2026, 12, 20), terms_id=terms)
    (read,) = site.erp.read_open().invoices
    assert isinstance(read, OpenInvoice) and read.discount is not None
    act = site.act({invoice: "98.00"})
    (application,) = act.payment.applications
    taken = type(application)(invoice, usd("98.00"), discount=usd("2.00"))

    site.answer(with_payment(act, applications=(taken,)))

    assert {} == held(site) == told(site)
    kinds = {one.kind: one.amount for one in site.erp.read_documents(LONG_AGO, TODAY)}
    assert {
        DocumentKind.INVOICE: usd("100"),
        DocumentKind.PAYMENT: usd("-98"),
        DocumentKind.OTHER: usd("-2"),
    } == kinds


def test_each_entity_has_its_own_books(site: Site) -> None:
    first, second, other = (site.intacct.add_entity(name) for name in ("E1", "E2", "E9"))
    site.with_mapping(entities={first: {}, second: {}}, receivable_accounts=_receivables(site))
    for entity, amount in ((first, "100.00"), (second, "40.00"), (other, "7.00")):
        invoice = site.invoice(amount, entity=entity)
        site.intacct.pay_by_hand(site.customer, "30.00" if entity == first else "1.00", TODAY, [(invoice, "1.00")])

    expected = {("E1", "USD"): usd("70"), ("E2", "USD"): usd("39")}
    assert expected == held(site) == told(site)
    assert [usd("0"), usd("0")] == unexplained(site, TODAY)


def test_an_order_entry_invoice_that_was_edited_is_told_once(site: Site) -> None:
    invoice = site.invoice("100.00", order_entry=True)
    site.intacct.edit_order(invoice, 1, "120.00")

    (document,) = site.erp.read_documents(LONG_AGO, TODAY)

    assert (invoice, usd("120")) == (document.id, document.amount)
    assert {("", "USD"): usd("120")} == held(site)


def test_documents_of_a_period_and_open_ones_from_before_tie_without_the_rest(site: Site) -> None:
    for month in (6, 7, 8, 9, 10):
        invoice = site.invoice("100.00", issued_on=date(2026, month, 3), due_on=date(2026, month, 28))
        site.clock.move_to(datetime(2026, 11, 23, 12, month, tzinfo=UTC))
        paid = "100.00" if month < 8 else "60.00"
        site.intacct.pay_by_hand(site.customer, paid, date(2026, month, 20), [(invoice, paid)])

    assert {("", "USD"): usd("120")} == held(site)
    assert [usd("0")] == unexplained(site, TODAY)
    numbers = {one.number for one in site.erp.read_documents(date(2026, 10, 1), TODAY)}
    assert {"INV-3", "INV-4", "INV-5"} == {number for number in numbers if number.startswith("INV-")}
