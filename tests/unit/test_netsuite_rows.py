"""NetSuite's rows become our values; what is not understood is parked with its field's name, and nothing is derived."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.netsuite import reading
from connector.money import Money
from connector.receivables import (
    CreditKind,
    CreditMemo,
    EarlyDiscount,
    InvoiceStatus,
    OpenInvoice,
    Parked,
)

CURRENCIES = {"1": "USD", "2": "JPY", "3": "KWD", "9": "Credits"}
ROW = {
    "id": "104",
    "tranid": "INV-1",
    "entity": "4",
    "currency": "1",
    "foreigntotal": "1650.00",
    "foreignamountunpaid": "1650.00",
    "status": "A",
    "voided": "F",
    "issued_on": "2026-10-01",
    "due_on": "2026-10-31",
    "terms": "Net 30",
    "otherrefnum": "PO-7",
    "subsidiary": "1",
    "hold": "F",
}
LINES = [
    {"id": "1", "memo": "Seats", "foreignamount": "1000.00", "taxline": "F", "kind": "subscription", "dispute": "F"},
    {"id": "2", "memo": "Use", "foreignamount": "500.00", "taxline": "F", "dispute": "T", "dispute_reason": "count"},
    {"id": "3", "memo": "Tax", "foreignamount": "150.00", "taxline": "T", "dispute": "F"},
]


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def taken(row: dict[str, str], lines: list[dict[str, str]] | None = None) -> OpenInvoice:
    found = reading.invoice(row, LINES if lines is None else lines, CURRENCIES)
    assert isinstance(found, OpenInvoice), found
    return found


def test_an_open_invoice_is_taken_over_with_its_terms_and_lines() -> None:
    invoice = taken(ROW)

    assert (invoice.id, invoice.number, invoice.customer_id) == ("104", "INV-1", "4")
    assert (invoice.amount, invoice.balance, invoice.status) == (usd("1650"), usd("1650"), InvoiceStatus.OPEN)
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (invoice.terms, invoice.po_number, invoice.subsidiary) == ("Net 30", "PO-7", "1")
    assert [(line.id, line.kind, line.disputed) for line in invoice.lines] == [
        ("1", "subscription", False),
        ("2", "", True),
    ]


def test_a_disputed_line_takes_its_share_of_the_tax_with_it() -> None:
    invoice = taken(ROW)

    assert [usd("1100"), usd("550")] == [line.amount for line in invoice.lines]
    assert usd("1100") == invoice.askable


def test_a_header_discount_lowers_each_lines_share() -> None:
    lines = [*LINES[:2], {"id": "3", "memo": "Discount", "foreignamount": "-150.00", "taxline": "F"}]

    invoice = taken({**ROW, "foreigntotal": "1350.00", "foreignamountunpaid": "1350.00"}, lines)

    assert [usd("900"), usd("450")] == [line.amount for line in invoice.lines]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), st.integers(1, 10**10))
def test_the_shares_of_lines_always_sum_to_the_invoice(amounts: list[int], total: int) -> None:
    rows = [{"id": str(n), "foreignamount": Money(minor, "USD").plain()} for n, minor in enumerate(amounts, 1)]

    shares = [line.amount.minor for line in reading.invoice_lines(rows, Money(total, "USD"))]

    assert total == sum(shares)
    assert all(abs(share - total * amount / sum(amounts)) < 1 for share, amount in zip(shares, amounts, strict=True))


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"due_on": ""}, "duedate", "is missing"),
        ({"issued_on": ""}, "trandate", "is missing"),
        ({"due_on": "2026-09-30"}, "duedate", "2026-09-30 is before the invoice's own day 2026-10-01"),
        ({"due_on": "31.10.2026"}, "duedate", "'31.10.2026' is no day"),
        ({"foreigntotal": "-5.00"}, "foreigntotal", "-5.00 USD is not above zero"),
        ({"foreigntotal": "0"}, "foreigntotal", "0.00 USD is not above zero"),
        ({"foreigntotal": ""}, "foreigntotal", "is missing"),
        ({"foreigntotal": "1650.005"}, "foreigntotal", "1650.005 USD has more than 2 decimals"),
        ({"foreigntotal": "NaN"}, "foreigntotal", "'NaN' is no finite amount"),
        ({"foreigntotal": "1,650.00"}, "foreigntotal", "'1,650.00' is no decimal amount"),
        ({"currency": "2"}, "foreigntotal", None),
        ({"currency": "7"}, "currency", "7 is not in the account's currency list"),
        ({"currency": "9"}, "currency", "'Credits' is no ISO 4217 currency code"),
        ({"currency": ""}, "currency", "is missing"),
        ({"foreignamountunpaid": ""}, "foreignamountunpaid", "is missing"),
        ({"foreignamountunpaid": "-1"}, "foreignamountunpaid", "-1.00 USD is below zero"),
        ({"foreignamountunpaid": "1650.01"}, "foreignamountunpaid", "1,650.01 USD is more than the invoice's"),
        ({"delivered_on": "1.10.2026"}, "delivered_on", "'1.10.2026' is no day"),
        ({"discount_amount": "-1", "discount_until": "2026-10-11"}, "discount_amount", "-1.00 USD is below zero"),
        (
            {"discount_amount": "1650", "discount_until": "2026-10-11"},
            "discount_amount",
            "1,650.00 USD is no less than",
        ),
        ({"discount_amount": "33", "discount_until": "11.10.2026"}, "discount_until", "'11.10.2026' is no day"),
        ({"tranid": ""}, "tranid", "is missing"),
        ({"entity": ""}, "entity", "is missing"),
    ],
)
def test_what_is_not_understood_is_parked_with_its_field(
    change: dict[str, str], field: str, reason: str | None
) -> None:
    row = {name: value for name, value in {**ROW, **change}.items() if value}
    if change.get("currency") == "2":
        row["foreigntotal"] = "1650.50"  # yen have no decimals
        reason = "1650.50 JPY has more than 0 decimals"

    found = reading.invoice(row, LINES, CURRENCIES)

    assert isinstance(found, Parked)
    assert ("erp", "104", field) == (found.source, found.record, found.field)
    assert found.reason.startswith(reason or "")
    assert row.get("entity", "") == found.customer_id


def test_a_line_that_is_not_understood_parks_the_invoice_and_names_the_line() -> None:
    found = reading.invoice(ROW, [*LINES, {"id": "4", "foreignamount": "x"}], CURRENCIES)

    assert isinstance(found, Parked)
    assert "line 4 foreignamount" == found.field


@pytest.mark.parametrize(
    ("currency", "text", "minor"), [("2", "120000", 120000), ("3", "12.345", 12345), ("1", "1.0E7", 1_000_000_000)]
)
def test_amounts_keep_the_decimals_of_their_currency(currency: str, text: str, minor: int) -> None:
    invoice = taken({**ROW, "currency": currency, "foreigntotal": text, "foreignamountunpaid": text}, [])

    assert Money(minor, CURRENCIES[currency]) == invoice.balance


@pytest.mark.parametrize(
    ("change", "status", "balance"),
    [
        ({"foreignamountunpaid": "0"}, InvoiceStatus.PAID, "0"),
        ({"foreignamountunpaid": "", "status": "B"}, InvoiceStatus.PAID, "0"),
        ({"foreignamountunpaid": "0.01"}, InvoiceStatus.OPEN, "0.01"),
        ({"voided": "T", "foreigntotal": "0", "foreignamountunpaid": ""}, InvoiceStatus.VOIDED, "0"),
        ({"voided": "T"}, InvoiceStatus.VOIDED, "0"),
    ],
)
def test_the_status_follows_from_balance_and_void(change: dict[str, str], status: InvoiceStatus, balance: str) -> None:
    row = {name: value for name, value in {**ROW, **change}.items() if value}

    invoice = taken(row, [])

    assert (status, usd(balance)) == (invoice.status, invoice.balance)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hold": "F", "hold_reason": "legal"}, ""),
        ({"hold": "T", "hold_reason": "legal"}, "legal"),
        ({"hold": "T"}, "hold"),
        ({"hold": "T", "hold_reason": "  "}, "hold"),
    ],
)
def test_a_hold_without_a_reason_is_a_hold_all_the_same(change: dict[str, str], reason: str) -> None:
    assert reason == taken({**ROW, **change}).hold_reason


@pytest.mark.parametrize(
    ("change", "delivered_on", "paused"),
    [
        ({}, None, None),
        ({"delivered_on": "2026-10-02", "dunning_paused": "F"}, date(2026, 10, 2), False),
        ({"delivered_on": "", "dunning_paused": "T"}, None, True),
    ],
)
def test_delivery_and_a_pause_are_told_where_the_account_has_them(
    change: dict[str, str], delivered_on: date | None, paused: bool | None
) -> None:
    invoice = taken({**ROW, "ar_account": "119", **change})

    assert ("119", delivered_on, paused) == (
        invoice.ar_account,
        invoice.delivered_on,
        invoice.is_native_dunning_paused,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"discount_amount": "33.00", "discount_until": "2026-10-11"}, EarlyDiscount(usd("33"), date(2026, 10, 11))),
        ({"discount_amount": "33.00", "discount_until": ""}, None),
        ({"discount_amount": "", "discount_until": "2026-10-11"}, None),
        ({"discount_amount": "0", "discount_until": "2026-10-11"}, None),
        ({}, None),
    ],
)
def test_an_early_discount_is_an_amount_and_a_day(change: dict[str, str], expected: EarlyDiscount | None) -> None:
    assert expected == taken({**ROW, **change}).discount


def test_a_credit_shows_all_that_it_can_be_recognised_by() -> None:
    row = {"id": "7", "type": "CustPymt", "tranid": "P-7", "entity": "4", "currency": "1", "received_on": "2026-10-02"}
    told = {"otherrefnum": "1042", "memo": "ref INV-1", "externalid": "bank-9", "subsidiary": "1", "ar_account": "119"}
    made = {"created_from": "104"}

    credit = reading.credit({**row, **told, **made, "foreignpaymentamountunused": "5"}, CURRENCIES)

    assert isinstance(credit, CreditMemo)
    assert ("P-7", "1042", "ref INV-1", "bank-9") == (credit.number, credit.reference, credit.memo, credit.external_id)
    assert ("1", "119", "104") == (credit.subsidiary, credit.ar_account, credit.created_from)


def test_credit_memos_and_payments_show_what_they_have_left() -> None:
    row = {"id": "7", "type": "CustCred", "tranid": "CM-1", "entity": "4", "currency": "1", "received_on": "2026-10-02"}

    memo = reading.credit({**row, "foreignpaymentamountunused": "5.00"}, CURRENCIES)
    paid = reading.credit({**row, "type": "CustPymt", "foreignpaymentamountunused": "9", "voided": "T"}, CURRENCIES)
    odd = reading.credit({**row, "foreignpaymentamountunused": "-9"}, CURRENCIES)

    assert CreditMemo("7", "CM-1", "4", usd("5"), CreditKind.CREDIT_MEMO, "", "", date(2026, 10, 2)) == memo
    assert isinstance(paid, CreditMemo)
    assert (CreditKind.UNAPPLIED_PAYMENT, usd("0")) == (paid.kind, paid.open_amount)
    assert isinstance(odd, Parked)


def test_a_payment_has_no_sign() -> None:
    row = {"id": "9", "entity": "4", "currency": "1", "foreigntotal": "-50.00", "modified_at": "2026-10-02 01:30:00"}

    seen = reading.payment(row, [{"invoice": "104", "amount": "-20.00"}], CURRENCIES, ZoneInfo("America/New_York"))

    assert (usd("50"), (("104", usd("20")),)) == (seen.amount, seen.applications)
    assert datetime(2026, 10, 2, 5, 30, tzinfo=UTC) == seen.modified_at
