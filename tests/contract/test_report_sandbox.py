"""`connector report` over the sandbox's NetSuite: a book of all that moves receivables ties to its AR accounts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connector import sheets, standing
from connector.reports import Report, Source
from connector.store import Store
from tests.contract.netsuite_site import NOW, TODAY, Site, mapping, served, usd

ZERO = Decimal(0)


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        made.with_mapping(bad_debt_accounts=(made.netsuite.accounts["bad_debt"],))
        yield made


class Clock:
    def now(self) -> datetime:
        return NOW


def report(site: Site, folder: Path, on: date = TODAY, months: int = 3) -> Report:
    store = Store(folder / "connector.db", Clock())
    try:
        with store.read() as tx:
            books = standing.read_books(site.erp, on, months, TODAY)
            return standing.report(tx, on, NOW, months=months, books=books)
    finally:
        store.close()


def book(site: Site) -> None:
    """Paid, part paid, written off both ways, disputed, credited, refunded, journal, intercompany, another currency."""
    net = site.netsuite
    paid = site.invoice("500.00", issued_on=date(2026, 8, 3), due_on=date(2026, 9, 2))
    net.pay_by_hand(site.customer, "500.00", date(2026, 9, 20), [(paid, "500.00")])
    part = site.invoice("300.00", issued_on=date(2026, 9, 1), due_on=date(2026, 10, 1))
    net.pay_by_hand(site.customer, "120.00", date(2026, 11, 2), [(part, "100.00")])
    given_up = [site.invoice("40.00", issued_on=date(2026, 9, 2), due_on=date(2026, 10, 2)) for _ in range(2)]
    net.write_off(given_up[0], date(2026, 11, 3))
    net.write_off(given_up[1], date(2026, 11, 4), amount="15.00", by="journal")
    disputed = site.invoice("60.00", issued_on=date(2026, 11, 5), due_on=date(2026, 12, 5))
    net.dispute_line(disputed, 1, "wrong count")
    net.add_credit_memo(site.customer, "CM-1", date(2026, 11, 6), "12.00")
    much = net.pay_by_hand(site.customer, "90.00", date(2026, 11, 7))
    net.refund_by_hand(much, "33.00", date(2026, 11, 9), account="bank")
    net.journal_by_hand(
        date(2026, 11, 10),
        [
            {"account": "receivable", "debit": "7.00", "customer_id": site.customer},
            {"account": "sales", "credit": "7.00"},
        ],
    )
    sister = net.add_customer("Northfield Holding", "gl@holding.example", None)
    net.edit_customer(sister, custentity_arc_exclude="intercompany")
    site.invoice("10000.00", customer=sister)
    site.invoice("8000", "JPY", issued_on=date(2026, 11, 20), due_on=date(2026, 11, 20))


def amounts(found: Report, currency: str = "USD") -> dict[str, Decimal]:
    return {row.line: row.amount.decimal() for row in found.control if row.currency == currency}


def value(found: Report, name: str, currency: str = "USD") -> object:
    return next(one.value for one in found.measures if (one.name, one.currency) == (name, currency))


def test_the_ageing_ties_to_the_ar_accounts_and_leaves_nothing_unexplained(site: Site, tmp_path: Path) -> None:
    book(site)
    found = report(site, tmp_path)

    # open: 200 of the part paid and 25 of the written off, both past due; 60 not yet due
    assert {
        "open_invoices": Decimal("285.00"),
        "unapplied_payments": Decimal("-77.00"),
        "open_credits": Decimal("-12.00"),
        "journals": Decimal("7.00"),
        "intercompany": Decimal("10000.00"),
        "expected": Decimal("10203.00"),
        "control_account": Decimal("10203.00"),
        "unexplained": ZERO,
    } == amounts(found)
    assert [("JPY", "8000"), ("USD", "285.00")] == [(row.currency, row.total.plain()) for row in found.ageing]
    assert (usd("60.00"), usd("225.00")) == (found.ageing[1].not_due, found.ageing[1].days_31_60)
    assert Source.ERP is found.source


def test_measures_of_the_sandboxs_book_worked_by_hand(site: Site, tmp_path: Path) -> None:
    book(site)
    found = report(site, tmp_path)

    # 24 August to 23 November have 92 days; billed 300 + 40 + 40 + 60 less 12; AR 203, at the start 500
    assert (usd("428.00"), usd("500.00"), usd("203.00"), usd("55.00")) == (
        value(found, "credit_sales"),
        value(found, "opening_ar"),
        value(found, "closing_ar"),
        value(found, "net_write_offs"),
    )
    assert (Decimal("43.64"), Decimal("12.85"), Decimal("25.00"), Decimal("13.64")) == (
        value(found, "dso"),
        value(found, "bad_debt_to_sales"),
        value(found, "dispute_rate_count"),
        value(found, "dispute_rate_value"),
    )
    # 928 - 203 of 928 - 60
    assert (Decimal("83.53"), Decimal("77.19")) == (value(found, "cei"), value(found, "cei_without_write_offs"))
    # the one of 500 after 48 days, the one written off after 62
    assert Decimal("55.00") == value(found, "mean_days_to_pay")


@pytest.mark.parametrize("back", [1, 14, 22, 40, 70])
def test_receivables_of_a_past_day_are_what_the_ar_account_held_then(site: Site, tmp_path: Path, back: int) -> None:
    book(site)
    found = report(site, tmp_path, TODAY - timedelta(days=back))

    assert ZERO == amounts(found)["unexplained"]


def test_an_account_without_one_world_ties_as_well(site: Site, tmp_path: Path) -> None:
    site.netsuite.leave_one_world()
    site.with_mapping(facts=mapping().facts.model_copy(update={"has_subsidiaries": False}))
    book(site)
    found = report(site, tmp_path)

    assert {""} == {row.subsidiary for row in found.control}
    assert ZERO == amounts(found)["unexplained"]


def test_the_file_for_a_pivot_table_has_each_figure_once_with_its_day(site: Site, tmp_path: Path) -> None:
    book(site)
    text = io.StringIO()
    sheets.write_csv(report(site, tmp_path), text)
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    keys = [(row["section"], row["subsidiary"], row["currency"], row["item"]) for row in rows if row["item"] != "note"]

    assert len(keys) == len(set(keys))
    assert {TODAY.isoformat()} == {row["on"] for row in rows}
    assert "10203.00" in [row["value"] for row in rows if row["item"] == "control_account"]
