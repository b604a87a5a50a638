"""What the ERP's documents say of a day: worked by hand, and held against a ledger that is played day by day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from decision_cases import usd
from hypothesis import given
from hypothesis import strategies as st

from connector import measures
from connector.measures import ALL, AgeingBucket, Span
from connector.money import Money
from connector.settlement import ArDocument, DocumentKind

DAY = date(2026, 9, 30)
QUARTER = Span(date(2026, 7, 1), DAY)
SINCE = date(2025, 9, 1)
KINDS = {
    "invoice": (DocumentKind.INVOICE, 1),
    "memo": (DocumentKind.CREDIT_MEMO, -1),
    "payment": (DocumentKind.PAYMENT, -1),
    "write-off": (DocumentKind.WRITE_OFF, -1),
    "recovery": (DocumentKind.WRITE_OFF, 1),
    "journal": (DocumentKind.OTHER, 1),
}


def document(
    kind: str, amount: str, on: date, left: str | None = "0.00", due_in: int = 30, **more: object
) -> ArDocument:
    """A document of one customer, of which so much is left today."""
    what, sign = KINDS[kind]
    billed = usd(amount)
    given: dict[str, object] = {
        "id": f"{kind}-{on}-{amount}",
        "number": "",
        "kind": what,
        "customer_id": "C1",
        "subsidiary": "1",
        "on": on,
        "amount": billed if sign > 0 else -billed,
        "due_on": on + timedelta(days=due_in) if kind == "invoice" else None,
        "open_amount": None if left is None else usd(left),
    }
    return ArDocument(**(given | more))  # type: ignore[arg-type]


def survey(*documents: ArDocument, day: date = DAY, period: Span = QUARTER) -> measures.Survey:
    (found,) = measures.survey(documents, day, period, SINCE)
    return found


@pytest.mark.parametrize(
    ("on", "months", "first_on"),
    [
        (date(2026, 9, 30), 3, date(2026, 7, 1)),
        (date(2026, 9, 29), 3, date(2026, 6, 30)),
        (date(2026, 12, 7), 3, date(2026, 9, 8)),
        (date(2026, 12, 31), 12, date(2026, 1, 1)),
        (date(2026, 5, 30), 3, date(2026, 2, 28)),
        (date(2028, 2, 29), 1, date(2028, 2, 1)),
        (date(2026, 1, 15), 1, date(2025, 12, 16)),
    ],
)
def test_a_period_is_the_months_that_end_with_its_day(on, months, first_on):
    period = measures.span(on, months)

    assert (first_on, on, (on - first_on).days + 1) == (period.first_on, period.last_on, period.days)


@pytest.mark.parametrize(
    ("on", "months", "since"),
    [(date(2026, 9, 30), 12, date(2025, 9, 1)), (date(2026, 9, 1), 1, date(2026, 8, 1))],
)
def test_whole_months_are_watched_before_the_days_own(on, months, since):
    assert since == measures.watch_from(on, months)


def test_ageing_is_gross_and_unapplied_money_stands_apart():
    found = survey(
        document("invoice", "100.00", date(2026, 9, 1), "100.00"),
        document("invoice", "200.00", date(2026, 8, 1), "150.00"),
        document("invoice", "70.00", date(2026, 1, 1), "0.00", closed_on=date(2026, 3, 1)),
        document("payment", "80.00", date(2026, 9, 5), "30.00"),
        document("memo", "20.00", date(2026, 9, 6), "20.00"),
        document("journal", "5.00", date(2026, 9, 7), "5.00"),
    )
    aged = {line.bucket: (line.count, line.total) for line in found.ageing if line.count}

    assert {AgeingBucket.CURRENT: (1, usd("100.00")), AgeingBucket.DAYS_1_30: (1, usd("150.00"))} == aged
    assert (usd("-30.00"), usd("-20.00"), usd("5.00")) == (found.unapplied, found.credits, found.others)
    assert (usd("250.00"), usd("205.00"), usd("0.00")) == (found.open_invoices, found.ar, found.settled_later)


def test_the_due_day_itself_is_not_yet_due():
    dues = [survey(document("invoice", "1.00", DAY - timedelta(days=n), "1.00")).not_due for n in (29, 30, 31)]

    assert [usd("1.00"), usd("1.00"), usd("0.00")] == dues


def test_an_invoice_without_a_due_date_is_in_no_bucket():
    found = survey(document("invoice", "10.00", DAY, "10.00", due_on=None))

    assert (usd("0.00"), usd("10.00"), usd("10.00")) == (found.open_invoices, found.undated, found.ar)


def test_intercompany_is_in_no_measure_and_stands_apart():
    found = survey(
        document("invoice", "10.00", DAY, "10.00"),
        document("invoice", "500.00", DAY, "400.00", is_intercompany=True),
        document("payment", "100.00", DAY + timedelta(days=1), "0.00", is_intercompany=True),
    )

    assert (usd("10.00"), usd("10.00"), 1, usd("500.00")) == (
        found.ar,
        found.sales,
        found.issued_count,
        found.intercompany,
    )


def test_a_journal_line_that_names_no_customer_stays_whole():
    lines = [document("journal", "5.00", DAY, None, customer_id=customer) for customer in ("", "C1")]

    assert usd("5.00") == survey(*lines).others


def test_sales_are_invoices_less_credit_memos_of_the_period():
    found = survey(
        document("invoice", "100.00", date(2026, 7, 1)),
        document("invoice", "1000.00", date(2026, 6, 30)),
        document("invoice", "40.00", DAY, was_disputed=True),
        document("invoice", "0.00", DAY),
        document("memo", "15.00", DAY),
        document("write-off", "9.00", DAY),
        document("recovery", "2.00", DAY),
        document("invoice", "7000.00", DAY + timedelta(days=1)),
    )

    assert (usd("125.00"), usd("7.00"), 2, usd("140.00")) == (
        found.sales,
        found.written_off,
        found.issued_count,
        found.issued,
    )
    assert (1, usd("40.00")) == (found.disputed_count, found.disputed)
    assert [(30, usd("25.00")), (31, usd("0.00")), (31, usd("100.00")), (30, usd("1000.00"))] == list(found.months[:4])
    assert 13 == len(found.months)


@pytest.mark.parametrize(
    ("closed_on", "counts"),
    [
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), True),
        (DAY, True),
        (DAY + timedelta(days=1), False),
        (None, False),
    ],
)
def test_days_to_pay_are_of_the_invoices_settled_in_the_period(closed_on, counts):
    found = survey(document("invoice", "10.00", date(2026, 6, 1), closed_on=closed_on))

    assert counts == bool(found.paid)


def test_a_past_day_takes_back_what_documents_moved_since():
    documents = [
        document("invoice", "100.00", date(2026, 8, 1), "0.00", closed_on=date(2026, 9, 20)),
        document("payment", "100.00", date(2026, 9, 20), "0.00"),
        document("invoice", "50.00", date(2026, 8, 2), "20.00"),
        document("payment", "30.00", date(2026, 9, 21), "0.00"),
    ]
    found = survey(*documents, day=date(2026, 9, 10), period=Span(date(2026, 9, 1), date(2026, 9, 10)))

    assert (usd("150.00"), usd("150.00")) == (found.ar, found.opening_ar)
    # Which invoices the 30 settled isn't told: the ageing lacks them, and says so.
    assert (usd("120.00"), usd("30.00")) == (found.open_invoices, found.settled_later)


def test_subsidiaries_stand_apart_and_together_where_one_currency_has_several():
    documents = [
        document("invoice", "10.00", DAY, "10.00", subsidiary="1"),
        document("invoice", "20.00", DAY, "20.00", subsidiary="2"),
        replace(document("memo", "0.07", DAY, subsidiary="2"), amount=Money(-7, "EUR"), open_amount=Money(7, "EUR")),
    ]
    found = {(one.subsidiary, one.currency): one.ar.minor for one in measures.survey(documents, DAY, QUARTER, SINCE)}

    assert {("2", "EUR"): -7, ("1", "USD"): 1000, ("2", "USD"): 2000, (ALL, "USD"): 3000} == found


def test_no_documents_make_no_survey():
    assert () == measures.survey((), DAY, QUARTER, SINCE)


# ---- a ledger played day by day ----


@dataclass
class Ledger:
    """Documents by day, and what each application took off on which day."""

    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, kind: DocumentKind, minor: int, on: date, due_on: date | None = None) -> None:
        left = {"kind": kind, "minor": minor, "on": on, "due_on": due_on, "applied": []}
        self.rows.append(left)

    def left(self, row: dict[str, object], on: date) -> int:
        took = sum(minor for day, minor in row["applied"] if day <= on)  # type: ignore[union-attr]
        return abs(row["minor"]) - took if row["on"] <= on else 0  # type: ignore[operator, arg-type]

    def apply(self, credit: dict[str, object], invoice: dict[str, object], share: int, on: date) -> None:
        minor = min(self.left(credit, on), self.left(invoice, on)) * share // 100
        if minor:
            credit["applied"].append((on, minor))  # type: ignore[attr-defined]
            invoice["applied"].append((on, minor))  # type: ignore[attr-defined]

    def documents(self, today: date) -> list[ArDocument]:
        """As the ERP shows them today."""
        found = []
        for number, row in enumerate(self.rows):
            left = self.left(row, today)
            days = [day for day, _ in row["applied"]]  # type: ignore[attr-defined]
            closed_on = max(days) if days and not left else None
            amount = Money(int(row["minor"]), "USD")  # type: ignore[call-overload]
            found.append(
                ArDocument(
                    str(number), "", row["kind"], "C1", "", row["on"], amount, row["due_on"], closed_on,  # type: ignore[arg-type]
                    Money(left, "USD"),
                )
            )  # fmt: skip
        return found


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Ledger, date]:
    ledger, day = Ledger(), date(2026, 1, 1)
    for _ in range(draw(st.integers(1, 25))):
        day += timedelta(days=draw(st.integers(0, 9)))
        minor = draw(st.integers(1, 10_000))
        match draw(st.sampled_from(("bill", "pay", "credit", "apply"))):
            case "bill":
                ledger.add(DocumentKind.INVOICE, minor, day, day + timedelta(days=draw(st.integers(0, 60))))
            case "pay":
                ledger.add(DocumentKind.PAYMENT, -minor, day)
            case "credit":
                ledger.add(DocumentKind.CREDIT_MEMO, -minor, day)
        invoices = [row for row in ledger.rows if row["kind"] is DocumentKind.INVOICE]
        credits = [row for row in ledger.rows if row["kind"] is not DocumentKind.INVOICE]
        if invoices and credits:
            ledger.apply(
                draw(st.sampled_from(credits)), draw(st.sampled_from(invoices)), draw(st.sampled_from((30, 100))), day
            )
    return ledger, day


@given(ledgers(), st.integers(0, 120), st.integers(1, 4))
def test_receivables_of_any_day_are_what_the_account_held_that_day(made, back, months):
    ledger, today = made
    day = today - timedelta(days=back)
    period = measures.span(day, months)
    documents = ledger.documents(today)
    found = measures.survey(documents, day, period, date(2025, 1, 1))

    def held(on: date) -> int:
        return sum(row["minor"] for row in ledger.rows if row["on"] <= on)

    for one in found:
        told = one.open_invoices + one.undated + one.unapplied + one.credits + one.others + one.settled_later
        assert (held(day), held(period.first_on - timedelta(days=1))) == (one.ar.minor, one.opening_ar.minor)
        assert one.ar == told


@given(ledgers())
def test_todays_ageing_is_exact_and_leaves_nothing_unnamed(made):
    ledger, today = made
    found = measures.survey(ledger.documents(today), today, measures.span(today, 3), date(2025, 1, 1))

    for one in found:
        assert 0 == one.settled_later.minor
        assert one.open_invoices.minor == sum(
            ledger.left(row, today) for row in ledger.rows if row["kind"] is DocumentKind.INVOICE
        )


@given(ledgers(), st.randoms())
def test_the_order_of_the_documents_changes_nothing(made, shuffle):
    ledger, today = made
    documents = ledger.documents(today)
    mixed = documents[:]
    shuffle.shuffle(mixed)

    def figures(some: list[ArDocument]) -> list[object]:
        found = measures.survey(some, today, measures.span(today, 3), date(2025, 1, 1))
        return [(one.name, one.value) for each in found for one in measures.of_period(each, 92)]

    assert figures(documents) == figures(mixed)


def test_the_measures_of_a_quarter_worked_by_hand():
    found = survey(
        document("invoice", "300.00", date(2026, 5, 1), "0.00", closed_on=date(2026, 7, 30)),
        document("payment", "300.00", date(2026, 7, 30), "0.00"),
        document("invoice", "460.00", date(2026, 8, 1), "230.00", was_disputed=True),
        document("payment", "200.00", date(2026, 9, 1), "0.00"),
        document("write-off", "30.00", date(2026, 9, 2), "0.00"),
        document("invoice", "100.00", date(2026, 9, 15), "100.00"),
        document("memo", "100.00", date(2026, 9, 16), "100.00"),
    )
    by_name = {one.name: one.value for one in measures.of_period(found, QUARTER.days)}

    # AR: opening 300, closing 300 + 460 + 100 - 300 - 200 - 30 - 100 = 230; sales 560 - 100 = 460; not due 100
    assert {
        "dso": Fraction(46),
        "dso_countback": Fraction(30) + Fraction(31, 2),  # September sold nothing net, August takes 230 of 460
        "best_possible_dso": Fraction(20),
        "average_days_delinquent": Fraction(26),
        "cei": Fraction(530 * 100, 660),
        "cei_without_write_offs": Fraction(500 * 100, 660),
        "bad_debt_to_sales": Fraction(3000, 460),
        "bad_debt_to_ar": Fraction(3000, 265),
        "dispute_rate_count": Fraction(50),
        "dispute_rate_value": Fraction(46000, 560),
        "mean_days_to_pay": Fraction(90),
        "share_paid_late": Fraction(100),
    } == by_name
