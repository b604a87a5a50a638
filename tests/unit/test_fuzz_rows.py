"""Damaged rows of both ledgers: each becomes a value or is parked by itself, and keeps no other from being read."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from damage import TEXTS, hurt_row, unstorable
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intacct_read_cases import MAPPING, NOW, Rooms, advance, customer, invoice, memo, overpayment, payment, rooms
from test_netsuite_rows import CURRENCIES, LINES, ROW

from connector.adapters.intacct import credit_rows, filters
from connector.adapters.ledger_rows import customers, pauses
from connector.adapters.ledger_rows.cells import Unreadable
from connector.adapters.netsuite import reading
from connector.money import Money, MoneyError
from connector.receivables import CreditMemo, OpenInvoice, Parked

FEW = settings(max_examples=40)
ZONE = ZoneInfo("America/New_York")
PAUSED = ROW | {
    "dispute": "T", "dispute_reason": "price", "dispute_amount": "10.00", "dispute_until": "2026-12-01",
    "hold": "T", "hold_reason": "legal", "hold_until": "2026-12-01", "promise_on": "2026-12-01",
    "dispute_owner": "ann", "promise_amount": "100.00", "plan": "2026-12-01 100.00; 2027-01-01 100.00",
    "conversation_until": "2026-12-01", "delivered_on": "2026-10-02",
    "discount_amount": "5.00", "discount_until": "2026-10-10",
}  # fmt: skip
PAYMENT = {
    "id": "9", "entity": "4", "currency": "1", "foreigntotal": "-50.00", "modified_at": "2026-10-02 01:30:00",
    "voided": "F",
}  # fmt: skip
CREDIT = {
    "id": "7", "type": "CustCred", "tranid": "CM-1", "entity": "4", "currency": "1", "received_on": "2026-10-02",
    "foreignpaymentamountunused": "5.00", "memo": "x", "created_from": "104",
}  # fmt: skip
CUSTOMER = {
    "id": "4", "companyname": "Northfield", "email": "ap@northfield.example", "currency": "1", "arr": "10,000.00 USD",
    "country": "US", "time_zone": "America/New_York", "isinactive": "F", "sms": "+15550100",
    "chat": "https://a.example", "cc": "a@b.example; c@d.example", "parent": "3",
}  # fmt: skip


# ---- NetSuite ----


@FEW
@given(hurt_row(PAUSED), st.lists(hurt_row(LINES[0]) | st.just(LINES[1]), max_size=3))
def test_a_damaged_invoice_of_netsuite_is_read_or_parked(row: dict[str, str], lines: list[dict[str, str]]) -> None:
    made = reading.invoice(row, lines, CURRENCIES)

    assert isinstance(made, OpenInvoice | Parked)
    assert isinstance(made, Parked) or not made.balance < Money.zero(made.balance.currency)
    assert [] == unstorable(made)


@FEW
@given(hurt_row(CREDIT))
def test_a_damaged_credit_of_netsuite_is_read_or_parked(row: dict[str, str]) -> None:
    made = reading.credit(row, CURRENCIES)

    assert isinstance(made, CreditMemo | Parked)
    assert [] == unstorable(made)


@FEW
@given(hurt_row(PAYMENT), st.lists(hurt_row({"invoice": "104", "amount": "-20.00"}), max_size=2))
def test_a_damaged_payment_of_netsuite_is_read_or_named(row: dict[str, str], applied: list[dict[str, str]]) -> None:
    try:
        made: object = reading.payment(row, applied, CURRENCIES, ZONE)
    except Unreadable as error:
        made = (error.field, error.reason)

    assert [] == unstorable(made)


@FEW
@given(hurt_row({"entity": "4", "currency": "1", "unpaid": "5.00", "invoices": "2"}))
def test_a_damaged_total_is_read_or_left_out(row: dict[str, str]) -> None:
    assert [] == unstorable(reading.total(row, CURRENCIES))


@FEW
@given(hurt_row(CUSTOMER))
def test_a_damaged_customer_is_always_somebody(row: dict[str, str]) -> None:
    """Whatever of a customer can't be read: who it is stays, or its invoices would be of nobody."""
    made, parked = customers.customer({**row, "id": "4"}, CURRENCIES)

    assert "4" == made.id
    assert [] == unstorable((made, parked))


@given(TEXTS, st.integers(0, 10**8))
def test_a_plan_is_understood_or_named(text: str, total: int) -> None:
    try:
        made = pauses.instalments(text, Money(total, "USD"))
    except Unreadable:
        return
    assert total >= sum(one.amount.minor for one in made)


# ---- Sage Intacct ----


def numbers(shelf: Rooms) -> list[str]:
    """Of the invoices that are read; each part of what was read can be stored."""
    parts = list(shelf.ledger.invoice_parts(NOW, filters.greater("RECORDNO", "0"), set()))

    assert [] == unstorable(parts)
    return [one.number for part in parts for one in part.invoices]


@FEW
@given(hurt_row(invoice(1, "INV-1")))
def test_a_damaged_invoice_of_intacct_is_parked_and_the_next_one_read(bad: dict[str, str]) -> None:
    shelf = rooms()
    shelf.shelf.put("ARINVOICE", {**bad, "RECORDNO": "1"}, invoice(2, "INV-2", "C2"))
    shelf.shelf.put("ARINVOICEITEM", {"RECORDNO": "91", "RECORDKEY": "1", "LINE_NO": "1", "TRX_AMOUNT": "100"})
    shelf.shelf.put("CUSTOMER", customer("C1"), customer("C2"))

    assert "INV-2" in numbers(shelf)


@FEW
@given(hurt_row(customer("C1", STATUS="active", PARENTID="C0", COMMENTS="x")))
def test_a_damaged_customer_of_intacct_keeps_its_invoices(row: dict[str, str]) -> None:
    shelf = rooms()
    shelf.shelf.put("CUSTOMER", {**row, "RECORDNO": "9001", "CUSTOMERID": "C1"})
    shelf.shelf.put("ARINVOICE", invoice(1, "INV-1"))

    assert ["INV-1"] == numbers(shelf)


@FEW
@given(hurt_row(memo(3, "CM-1")), hurt_row(advance(4)), hurt_row(payment(5)), hurt_row(overpayment(6, 5, "20")))
def test_a_damaged_credit_of_intacct_is_read_parked_or_none(
    credit: dict[str, str], early: dict[str, str], paid: dict[str, str], over: dict[str, str]
) -> None:
    made = [
        credit_rows.memo({**credit, "RECORDNO": "3"}, MAPPING),
        credit_rows.advance({**early, "RECORDNO": "4"}, MAPPING),
        credit_rows.rest({**paid, "RECORDNO": "5"}, [{**over, "RECORDNO": "6"}], MAPPING),
    ]

    assert [] == unstorable(made)


# ---- amounts ----


@example("0", "XAU")
@given(
    TEXTS | st.from_regex(r"-?\d{0,30}(\.\d{0,30})?([eE][-+]?\d{1,9})?", fullmatch=True),
    st.sampled_from(("USD", "JPY", "KWD", "XAU", "")),
)
def test_an_amount_is_exact_or_none(text: str, currency: str) -> None:
    try:
        made = Money.of(text, currency)
    except MoneyError:
        return
    assert [] == unstorable(made)
    assert Money.of(made.plain(), currency) == made
