"""`connector report` from the ERP's own books: the tie-out, the measures, the proofs, and an ERP that is away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from answers_cases import POLICY, ZONE, Case, invoice, usd

from connector import standing
from connector.config import read_settings
from connector.daemon import Service
from connector.decisions.clearing import ClearingItem, ClearingKind, ClearingProof
from connector.errors import ConfigError, Terminal, Transient
from connector.money import Money
from connector.policy import Switch
from connector.reports import BalanceRow, Report, Source
from connector.settlement import AccountBalance, AccountRole, ArDocument, DocumentKind
from connector.store import settling
from connector.store.book import to_json

TODAY = date(2026, 9, 7)


@dataclass
class LedgerBooks:
    """The two questions that a report asks of the ERP; `down` is what it answers instead."""

    counted_max = 0

    documents: list[ArDocument] = field(default_factory=list)
    control: dict[tuple[str, str], str] = field(default_factory=dict)  # subsidiary, currency -> balance
    down: Exception | None = None
    asked: list[tuple[date, date]] = field(default_factory=list)

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        if self.down:
            raise self.down
        self.asked.append((first_on, last_on))
        return tuple(self.documents)

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        clearing = AccountBalance(AccountRole.CLEARING, "USD", "1", usd("99.00"), on)
        return (
            clearing,
            *(
                AccountBalance(AccountRole.RECEIVABLE, currency, subsidiary, Money.of(amount, currency), on)
                for (subsidiary, currency), amount in self.control.items()
            ),
        )

    def add(self, kind: DocumentKind, amount: str, left: str = "0.00", on: date = TODAY, **more: Any) -> None:
        currency = more.pop("currency", "USD")
        given = {
            "id": str(len(self.documents) + 1),
            "number": "",
            "kind": kind,
            "customer_id": "C1",
            "subsidiary": "1",
            "on": on,
            "amount": Money.of(amount, currency),
            "due_on": on + timedelta(days=30) if kind is DocumentKind.INVOICE else None,
            "open_amount": Money.of(left, currency),
        }
        self.documents.append(ArDocument(**(given | more)))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    with contextlib.closing(made.store):
        yield made


@pytest.fixture
def books() -> LedgerBooks:
    return LedgerBooks()


def report(case: Case, books: LedgerBooks, on: date = TODAY, months: int = 3) -> Report:
    with case.store.read() as tx:
        opened = standing.opening_days(tx)
        found = standing.read_books(books, on, months, TODAY, opened)  # type: ignore[arg-type]
        return standing.report(tx, on, case.clock.now(), ZONE, months, found)


def figure(found: Report, name: str, currency: str = "", subsidiary: str = "") -> Decimal | Money | None:
    key = (name, currency, subsidiary)
    return next(one.value for one in found.measures if (one.name, one.currency, one.subsidiary) == key)


def lines(rows: tuple[BalanceRow, ...], currency: str = "USD") -> dict[str, Decimal]:
    return {row.line: row.amount.decimal() for row in rows if row.currency == currency}


# ---- the ageing against the AR control accounts ----


def test_ageing_ties_to_the_control_account_and_every_difference_has_a_name(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "100.00", "100.00")
    books.add(DocumentKind.INVOICE, "60.00", "60.00", due_on=None)
    books.add(DocumentKind.PAYMENT, "-40.00", "30.00")
    books.add(DocumentKind.CREDIT_MEMO, "-5.00", "5.00")
    books.add(DocumentKind.OTHER, "7.00", "7.00")
    books.add(DocumentKind.INVOICE, "900.00", "900.00", is_intercompany=True)
    books.add(DocumentKind.PAYMENT, "-11.00", "0.00", on=TODAY + timedelta(days=2))
    books.control["1", "USD"] = "1045.50"
    found = report(case, books)

    assert {
        "open_invoices": Decimal("100.00"),
        "unapplied_payments": Decimal("-30.00"),
        "open_credits": Decimal("-5.00"),
        "undated": Decimal("60.00"),
        "journals": Decimal("7.00"),
        "intercompany": Decimal("900.00"),
        "settled_later": Decimal("11.00"),
        "expected": Decimal("1043.00"),
        "control_account": Decimal("1045.50"),
        "unexplained": Decimal("2.50"),
    } == lines(found.control)
    assert [usd("100.00")] == [row.total for row in found.ageing]


def test_each_subsidiary_and_currency_ties_by_itself(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "100.00", "100.00")
    books.add(DocumentKind.INVOICE, "25.00", "25.00", subsidiary="2")
    books.add(DocumentKind.INVOICE, "700", "700", subsidiary="2", currency="JPY")
    books.control = {("1", "USD"): "100.00", ("2", "USD"): "24.00", ("2", "JPY"): "700", ("3", "EUR"): "1.00"}
    found = report(case, books)
    rests = {(row.subsidiary, str(row.amount)) for row in found.control if row.line == "unexplained"}

    assert {("1", "0.00 USD"), ("2", "-1.00 USD"), ("2", "0 JPY"), ("3", "1.00 EUR")} == rests
    assert [("JPY", "2", "700"), ("USD", "1", "100.00"), ("USD", "2", "25.00"), ("USD", "all", "125.00")] == [
        (row.currency, row.subsidiary, row.total.plain()) for row in found.ageing
    ]
    assert "Currencies are not added up: no closing rate is known here." in found.notes


def test_an_account_on_which_nothing_is_and_nothing_was_is_not_listed(case: Case, books: LedgerBooks) -> None:
    books.control["1", "USD"] = "0.00"

    assert ((), ()) == (report(case, books).control, report(case, books).ageing)


def test_documents_are_read_far_enough_back_and_ahead(case: Case, books: LedgerBooks) -> None:
    report(case, books)
    report(case, books, date(2026, 6, 30), months=24)

    assert [date(2025, 9, 1), date(2024, 6, 1)] == [first for first, _ in books.asked]
    assert all(last > TODAY for _, last in books.asked)


# ---- measures ----


def test_measures_come_with_the_amounts_that_they_are_made_of(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "920.00", "460.00", on=date(2026, 8, 1))
    books.add(DocumentKind.PAYMENT, "-460.00", "0.00", on=date(2026, 9, 1))
    found = report(case, books)

    # 8 June to 7 September have 92 days
    assert Decimal("46.00") == figure(found, "dso", "USD", "1")
    assert (usd("460.00"), usd("920.00"), usd("0.00"), Decimal(1)) == (
        figure(found, "closing_ar", "USD", "1"),
        figure(found, "credit_sales", "USD", "1"),
        figure(found, "opening_ar", "USD", "1"),
        figure(found, "invoices_issued", "USD", "1"),
    )
    assert (date(2026, 6, 8), 3, Source.ERP) == (found.first_on, found.months, found.source)
    assert all(one.formula for one in found.measures)


def test_a_past_days_not_yet_due_says_what_it_lacks(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "920.00", "460.00", on=date(2026, 8, 1))
    books.add(DocumentKind.PAYMENT, "-460.00", "0.00", on=date(2026, 9, 1))
    found = report(case, books, date(2026, 8, 31))
    formula = {one.name: one.formula for one in found.measures}

    assert usd("920.00") == figure(found, "closing_ar", "USD", "1")
    assert "by 460.00 USD of AR it isn't told on which invoices it stood that day" in formula["best_possible_dso"]
    assert "it isn't told" not in formula["dso"]


def test_a_period_that_has_not_ended_has_no_measures_but_an_ageing(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "920.00", "460.00", on=date(2026, 8, 1))
    found = report(case, books, date(2026, 9, 30))

    assert (None, None) == (figure(found, "dso", "USD", "1"), figure(found, "cei", "USD", "1"))
    assert [usd("460.00")] == [row.days_1_30 for row in found.ageing]
    assert [TODAY] == list({row.on for row in found.control})


def test_countback_that_the_months_looked_at_cannot_answer_says_so(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "920.00", "460.00", on=date(2020, 8, 1))
    found = report(case, books)
    formula = next(one.formula for one in found.measures if one.name == "dso_countback")

    assert None is figure(found, "dso_countback", "USD", "1")
    assert "the 13 months looked at don't add up to AR" in formula


def test_the_match_rate_is_of_payments_received_and_tells_suggestions_apart(tmp_path: Path, books: LedgerBooks) -> None:
    shadow = Case(tmp_path, POLICY.__class__(**{**_fields(POLICY), "post": Switch.SHADOW}))
    with contextlib.closing(shadow.store):
        shadow.bill(invoice("INV-1", "100.00", date(2026, 9, 1), date(2026, 10, 1)))
        shadow.pay("ch_1", "100.00", "INV-1")
        shadow.pay("ch_2", "1.00", "nothing known", customer_id="")
        shadow.pay("ch_3", "9.00", "INV-9", received_on=date(2025, 12, 31))  # before the cutover
        shadow.tick()
        found = report(shadow, books)

    names = ("match_rate", "suggested_rate", "payments_received", "payments_suggested", "payments_posted")
    assert [0, 50, 2, 1, 0] == [figure(found, name) for name in names]
    assert Decimal(0) == figure(found, "suppression_latency_p95")


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_a_payment_received_outside_the_period_is_not_counted(case: Case, books: LedgerBooks) -> None:
    case.pay("ch_1", "1.00", received_on=date(2026, 6, 7), customer_id="")
    case.pay("ch_2", "1.00", received_on=date(2026, 6, 8), customer_id="")
    case.tick()

    assert Decimal(1) == figure(report(case, books), "payments_received")


# ---- clearing and opening ----


def proof(ledger: str, processor: str, unexplained: str, *items: tuple[ClearingKind, str]) -> ClearingProof:
    named = tuple(ClearingItem(kind, kind.value, usd(amount), 2, ("po_1", "po_2")) for kind, amount in items)
    return ClearingProof(usd(ledger), usd(processor), named, usd(ledger) - usd(unexplained), usd(unexplained))


def keep(case: Case, day: date, made: ClearingProof) -> None:
    with case.store.tx() as tx:
        settling.put_proof(tx, day, "USD", made.unexplained, to_json(made))


def test_the_days_clearing_proof_stands_beside_the_measures(case: Case, books: LedgerBooks) -> None:
    keep(case, date(2026, 9, 6), proof("70.00", "50.00", "20.00"))
    keep(case, TODAY, proof("90.00", "50.00", "3.00", (ClearingKind.IN_TRANSIT, "30.00"), (ClearingKind.FEES, "7.00")))
    found = report(case, books)
    amounts = lines(found.clearing)

    assert ["processor", "in_transit", "fees", "expected", "clearing_account", "unexplained"] == list(amounts)
    assert [Decimal(n) for n in ("50.00", "30.00", "7.00", "87.00", "90.00", "3.00")] == list(amounts.values())
    assert ({TODAY}, ("po_1", "po_2")) == ({row.on for row in found.clearing}, found.clearing[1].ids)
    assert {date(2026, 9, 6)} == {row.on for row in report(case, books, date(2026, 9, 6)).clearing}
    assert {TODAY} == {row.on for row in report(case, books, date(2026, 9, 5)).clearing}


def test_the_opening_holds_receivables_and_clearing_of_the_first_proofs_day(case: Case, books: LedgerBooks) -> None:
    keep(case, date(2026, 9, 6), proof("70.00", "40.00", "20.00", (ClearingKind.IN_TRANSIT, "10.00")))
    keep(case, TODAY, proof("90.00", "50.00", "40.00"))
    books.add(DocumentKind.INVOICE, "100.00", "100.00", on=date(2026, 9, 1))
    books.add(DocumentKind.PAYMENT, "-8.00", "8.00", on=date(2026, 9, 2))
    books.add(DocumentKind.INVOICE, "500.00", "500.00")
    books.control["1", "USD"] = "95.00"
    found = report(case, books)

    assert {
        "open_invoices": Decimal("100.00"),
        "unapplied_payments": Decimal("-8.00"),
        "open_credits": Decimal("0.00"),
        "expected": Decimal("92.00"),
        "control_account": Decimal("95.00"),
        "ar_unexplained": Decimal("3.00"),
        "clearing_account": Decimal("70.00"),
        "processor": Decimal("40.00"),
        "in_transit": Decimal("10.00"),
        "unexplained": Decimal("20.00"),
    } == lines(found.opening)
    assert {date(2026, 9, 6)} == {row.on for row in found.opening}


def test_an_opening_too_long_ago_still_has_its_control_account(case: Case, books: LedgerBooks) -> None:
    keep(case, date(2025, 8, 31), proof("70.00", "70.00", "0.00"))
    books.control["1", "USD"] = "95.00"

    assert (Decimal("95.00"), Decimal("0.00")) == (
        lines(report(case, books).opening)["control_account"],
        lines(report(case, books).opening)["in_transit"],
    )


# ---- an ERP that is away ----


SETTINGS = {
    "CONNECTOR_INSTALLATION": "demo",
    "CONNECTOR_LEDGER_ZONE": "America/New_York",
    "CONNECTOR_NETSUITE_ACCOUNT": "1000001_SB1",
    "CONNECTOR_STRIPE_LIVEMODE": "false",
    "CONNECTOR_STRIPE_CUTOVER_ON": "2026-01-01",
}
CREDENTIALS = {
    "CONNECTOR_NETSUITE_CONSUMER_KEY": "key-of-consumer",
    "CONNECTOR_NETSUITE_CONSUMER_SECRET": "secret-of-consumer",
    "CONNECTOR_NETSUITE_TOKEN_ID": "id-of-token",
    "CONNECTOR_NETSUITE_TOKEN_SECRET": "secret-of-token",
    "CONNECTOR_STRIPE_API_KEY": "sk_test_1",
}


def service(case: Case, books: LedgerBooks, credentials: dict[str, str] = CREDENTIALS) -> Service:
    class Held:
        erp = books

    settings = read_settings(environ=SETTINGS | credentials)
    return Service(settings, case.store, lambda store: Held(), lambda parts: parts, lambda: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("error", [Transient("NetSuite answered 503"), Terminal("refused"), ConfigError("no key")])
def test_without_the_erp_the_report_is_of_the_last_read_and_says_so(
    case: Case, books: LedgerBooks, error: Exception
) -> None:
    case.bill(invoice("INV-1", "100.00", date(2026, 9, 1), TODAY))
    case.tick()
    books.down = error
    found = service(case, books).report(TODAY, 3)

    assert (Source.STORE, str(error)) == (found.source, found.trouble)
    assert [usd("100.00")] == [row.not_due for row in found.ageing]
    assert ((), case.clock.at) == (found.control, found.read_at)


def test_without_credentials_the_report_names_what_is_not_set(case: Case, books: LedgerBooks) -> None:
    found = service(case, books, {}).report(TODAY, 3)

    assert Source.STORE is found.source
    assert "CONNECTOR_NETSUITE_TOKEN_ID is not set" in found.trouble


def test_a_past_day_that_neither_knows_is_refused_with_both_reasons(case: Case, books: LedgerBooks) -> None:
    books.down = Transient("NetSuite answered 503")
    with pytest.raises(ConfigError, match=r"no invoice was read yet(.|\n)*NetSuite answered 503"):
        service(case, books).report(date(2026, 9, 1), 3)


def test_with_the_erp_a_past_day_needs_no_watching(case: Case, books: LedgerBooks) -> None:
    books.add(DocumentKind.INVOICE, "100.00", "0.00", on=date(2026, 5, 1), closed_on=date(2026, 7, 15))
    books.add(DocumentKind.PAYMENT, "-100.00", "0.00", on=date(2026, 7, 15))
    found = service(case, books).report(date(2026, 6, 30), 1)

    assert [usd("100.00")] == [row.total for row in found.ageing]
    assert ("", None) == (found.trouble, found.read_at)
