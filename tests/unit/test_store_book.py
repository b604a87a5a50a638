"""What the store finds of the facts that were read, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from answers_cases import MONDAY, Case, invoice, usd

from connector.receivables import InvoiceStatus, Payment, PaymentState
from connector.store import Store, book

DAY = date(2026, 9, 1)


@pytest.fixture
def store(tmp_path: Path, where: str) -> Iterator[Store]:
    case = Case(tmp_path, where=where)
    yield case.store
    case.store.close()


def test_a_named_invoice_is_found_in_any_state_currency_family_and_spelling(store: Store) -> None:
    paid = invoice("INV-1", "10.00", DAY, DAY, status=InvoiceStatus.PAID)
    euro = invoice("inv-2", "20.00", DAY, DAY, currency="EUR")
    other = invoice("INV-3", "30.00", DAY, DAY, customer_id="C9")
    unnamed = invoice("INV-4", "40.00", DAY, DAY)
    with store.tx() as tx:
        book.put_invoices(tx, [paid, euro, other, unnamed], MONDAY, DAY)
    many = [f"PO-{n}" for n in range(book.IDS_AT_ONCE)]
    with store.read() as tx:
        found = book.named_invoices(tx, ["3", "3' OR 1=1"], [*many, "inv-1", "INV-2", "%"])

    assert ["1", "2", "3"] == [one.id for one in found]
    assert [usd("10.00"), euro.balance, usd("30.00")] == [one.balance for one in found]


def test_the_open_invoices_of_a_family_are_found_in_every_currency(store: Store) -> None:
    ours = [invoice("INV-1", "10.00", DAY, DAY), invoice("INV-2", "20.00", DAY, DAY, currency="EUR")]
    theirs = invoice("INV-3", "30.00", DAY, DAY, customer_id="C9")
    with store.tx() as tx:
        book.put_invoices(tx, [*ours, theirs], MONDAY, DAY)
    with store.read() as tx:
        found = book.open_invoices(tx, family="C1")

    assert ["1", "2"] == [one.id for one in found]


def test_a_debit_begun_before_the_cutover_and_received_after_it_is_matched_like_any_other(store: Store) -> None:
    begun = Payment("py_1", usd("10.00"), PaymentState.PROCESSING, MONDAY, DAY, customer_id="C1")
    received = replace(begun, state=PaymentState.SUCCEEDED)
    with store.tx() as tx:
        book.put_payment(tx, begun, MONDAY, observed=True)
        book.put_payment(tx, received, MONDAY, observed=False)
        waiting = book.waiting_payments(tx)

    assert ((received, usd("10.00")),) == waiting


def test_money_received_before_the_cutover_is_never_matched(store: Store) -> None:
    received = Payment("ch_1", usd("10.00"), PaymentState.SUCCEEDED, MONDAY, DAY, customer_id="C1")
    with store.tx() as tx:
        book.put_payment(tx, received, MONDAY, observed=True)
        book.put_payment(tx, replace(received, payer="cus_1"), MONDAY, observed=True)
        waiting = book.waiting_payments(tx)

    assert () == waiting
