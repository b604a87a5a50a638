"""Where a world comes from: the same seed gives the same book, and a book folder is read strictly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from sandbox.book import BadBook, read_book
from sandbox.plan import (
    Dated,
    Fail,
    NewCredit,
    NewCustomer,
    NewInvoice,
    NewPayment,
    PostByHand,
    Settle,
)
from sandbox.seed import HISTORY_DAYS, seed_plan

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
T = TypeVar("T")
HEADER = "invoice_number,customer_id,country_code,currency,amount,issued_on,due_on,settled_on,disputed,bill_delivery"


@pytest.fixture(scope="module")
def plan() -> tuple[Dated, ...]:
    return seed_plan(7, 60, NOW)


def _of(plan: tuple[Dated, ...], kind: type[T]) -> list[T]:
    return [dated.deed for dated in plan if isinstance(dated.deed, kind)]


def test_the_same_seed_gives_the_same_book_and_another_seed_another(plan: tuple[Dated, ...]) -> None:
    assert plan == seed_plan(7, 60, NOW)
    assert plan != seed_plan(8, 60, NOW)


def test_the_plan_is_in_order_of_time(plan: tuple[Dated, ...]) -> None:
    assert sorted(dated.at for dated in plan) == [dated.at for dated in plan]


def test_a_seeded_book_has_tiers_terms_kinds_of_line_credit_memos_and_late_payers(plan: tuple[Dated, ...]) -> None:
    customers, invoices = _of(plan, NewCustomer), _of(plan, NewInvoice)
    due = {invoice.number: invoice.due_on for invoice in invoices}
    paid = [
        (dated.at.date() - due[part.invoice]).days
        for dated in plan
        if isinstance(dated.deed, NewPayment)
        for part in dated.deed.pays
    ]

    assert {"smb", "mid", "enterprise"} == {customer.tier for customer in customers}
    assert {30, 60, 90} == {customer.terms_days for customer in customers}
    assert {"subscription", "usage", "services"} == {line.kind for row in invoices for line in row.lines}
    assert 1 < max(len(invoice.lines) for invoice in invoices)
    assert _of(plan, NewCredit) and _of(plan, Fail) and _of(plan, Settle) and _of(plan, PostByHand)
    assert min(paid) < 0 and max(paid) > 30
    assert 60 == len({customer.name for customer in customers})


def test_invoices_were_issued_in_the_last_months_and_numbered_in_order_of_issue(plan: tuple[Dated, ...]) -> None:
    invoices = _of(plan, NewInvoice)

    assert [f"INV-{10001 + n}" for n in range(len(invoices))] == [invoice.number for invoice in invoices]
    assert all(0 <= (NOW.date() - invoice.issued_on).days <= HISTORY_DAYS for invoice in invoices)
    assert {f"https://pay.example/i/{invoice.number}" for invoice in invoices} == {row.pay_url for row in invoices}


def test_a_payment_pays_what_its_parts_say_and_an_invoice_is_paid_once(plan: tuple[Dated, ...]) -> None:
    payments = _of(plan, NewPayment)
    failed = {deed.payment for deed in _of(plan, Fail)}
    paid = Counter(part.invoice for payment in payments if payment.key not in failed for part in payment.pays)

    assert all(sum(Decimal(part.amount) for part in row.pays) == Decimal(row.amount) for row in payments)
    assert {1} == set(paid.values())


def test_no_customers_is_an_empty_plan() -> None:
    assert () == seed_plan(7, 0, NOW)


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, header: str = HEADER) -> Path:
        (tmp_path / "invoices.csv").write_text("\n".join([header, *lines]) + "\n")
        return tmp_path

    return write


def test_a_book_bills_on_the_day_of_issue_and_settles_on_its_day(book: Callable[..., Path]) -> None:
    folder = book(
        "0002,C-1,1,USD,20.5,2026-01-05,2026-02-04,2026-01-05,no,paper",
        "0001,C-1,1,USD,10.00,2026-01-02,2026-02-01,2026-03-01,yes,paper",
        "0003,C-2,1,USD,30.00,2026-01-06,2026-02-05,,no,paper",
    )

    plan = read_book(folder)

    assert [
        ("2026-01-02", "NewCustomer"),
        ("2026-01-02", "NewInvoice"),
        ("2026-01-05", "NewInvoice"),
        ("2026-01-05", "NewPayment"),
        ("2026-01-06", "NewCustomer"),
        ("2026-01-06", "NewInvoice"),
        ("2026-03-01", "NewPayment"),
    ] == [(f"{dated.at:%Y-%m-%d}", type(dated.deed).__name__) for dated in plan]
    assert ["0001", "0002", "0003"] == [invoice.number for invoice in _of(plan, NewInvoice)]
    assert [("0002", "20.50"), ("0001", "10.00")] == [
        (part.invoice, part.amount) for payment in _of(plan, NewPayment) for part in payment.pays
    ]
    assert [30, 30] == [customer.terms_days for customer in _of(plan, NewCustomer)]


GOOD = "0001,C-1,1,USD,10.00,2026-01-02,2026-02-01,2026-03-01,no,paper"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([GOOD, GOOD], "invoice 0001 is there twice"),
        ([GOOD.replace("10.00", "ten")], "line 2: amount can't be read: 'ten'"),
        ([GOOD.replace("10.00", "10.001")], "line 2: amount can't be read"),
        ([GOOD, GOOD.replace("0001", "0002").replace("2026-02-01", "soon")], "line 3: due_on can't be read: 'soon'"),
        ([GOOD.replace("0001", "")], "line 2: invoice_number can't be read"),
        ([GOOD.replace("2026-03-01", "2025-03-01")], "settled_on 2025-03-01 lies before issued_on 2026-01-02"),
        ([GOOD, GOOD.replace("0001", "0002").replace("USD", "EUR")], "customer C-1 has invoices in"),
    ],
)
def test_a_bad_book_is_refused_with_the_place(book: Callable[..., Path], lines: list[str], complaint: str) -> None:
    with pytest.raises(BadBook, match=complaint.replace("(", r"\(")):
        read_book(book(*lines))


def test_a_folder_without_invoices_or_with_missing_columns_is_no_book(
    book: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(BadBook, match=r"no invoices\.csv"):
        read_book(tmp_path)
    with pytest.raises(BadBook, match="due_on, settled_on are missing"):
        read_book(book(header="invoice_number,customer_id,currency,amount,issued_on"))


def test_the_real_shaped_ledger_is_read_whole() -> None:
    folder = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "receivables"
    if not (folder / "invoices.csv").is_file():
        pytest.skip(f"the ledger is not here ({folder})")

    plan = read_book(folder)

    assert (100, 2466, 2466) == tuple(len(_of(plan, kind)) for kind in (NewCustomer, NewInvoice, NewPayment))
    assert date(2012, 1, 3) == plan[0].at.date()
