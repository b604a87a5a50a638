"""`connector report` without the ERP: ageing and measures of a book that the real loop has kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from answers_cases import ZONE, Case, invoice, usd
from rich.console import Console

from connector import display, standing
from connector.errors import ConfigError
from connector.money import Money
from connector.ports import SendOutcome
from connector.receivables import CreditMemo, PaymentState
from connector.reports import Report

SEP = date(2026, 9, 1)
TODAY = date(2026, 9, 7)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    with contextlib.closing(made.store):
        yield made


def report(case: Case, on: date) -> Report:
    with case.store.read() as tx:
        return standing.report(tx, on, case.clock.now(), ZONE)


def figure(found: Report, name: str, currency: str = "") -> Decimal | Money | None:
    return next(one.value for one in found.measures if (one.name, one.currency) == (name, currency))


def formula(found: Report, name: str) -> str:
    return next(one.formula for one in found.measures if one.name == name)


def total(found: Report) -> Money:
    return found.ageing[0].total


def test_ageing_is_gross_and_by_currency(case: Case) -> None:
    case.bill(
        invoice("INV-1", "100.00", SEP, TODAY),
        invoice("INV-2", "200.00", SEP, TODAY - timedelta(days=1)),
        invoice("INV-3", "300.00", date(2026, 5, 1), TODAY - timedelta(days=91)),
        invoice("INV-4", "40.00", SEP, TODAY - timedelta(days=31), currency="EUR"),
    )
    case.erp.credits = (CreditMemo("77", "CM-1", "C1", usd("30.00")),)
    case.tick()
    found = report(case, TODAY)
    euro, dollar = found.ageing

    assert ("EUR", 1, Money(4000, "EUR")) == (euro.currency, euro.invoice_count, euro.days_31_60)
    assert (usd("100.00"), usd("200.00"), usd("300.00"), usd("600.00"), 3) == (
        dollar.not_due,
        dollar.days_1_30,
        dollar.days_over_90,
        dollar.total,
        dollar.invoice_count,
    )
    assert usd("30.00") == figure(found, "credit_memos_open", "USD")
    assert case.clock.at == found.read_at


def test_a_later_day_ages_what_is_open_now(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, TODAY))
    case.tick()

    assert usd("100.00") == report(case, TODAY + timedelta(days=10)).ageing[0].days_1_30
    assert figure(report(case, TODAY + timedelta(days=10)), "dso", "USD") is None


def test_today_is_the_day_in_the_ledgers_zone(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, TODAY))
    case.tick(hours=12)  # 02:00 UTC of the next day, 22:00 in the ledger's zone
    case.erp.change("INV-1", balance=usd("60.00"))
    case.tick(minutes=5)

    assert usd("60.00") == total(report(case, TODAY))


def test_a_past_day_undoes_our_own_applications_by_the_day_the_money_was_received(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)), invoice("INV-2", "50.00", SEP, date(2026, 10, 1)))
    case.tick()
    case.clock.at += timedelta(days=2)
    case.pay("ch_1", "100.00", "INV-1")
    case.tick(days=1)

    # received on the 9th, posted on the 10th: the ERP dates it the 9th
    assert usd("150.00") == total(report(case, date(2026, 9, 8)))
    assert usd("50.00") == total(report(case, date(2026, 9, 9)))
    assert usd("50.00") == total(report(case, date(2026, 9, 10)))


def test_a_past_day_is_refused_when_others_changed_the_book_after_it(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)), invoice("INV-2", "50.00", SEP, date(2026, 10, 1)))
    case.tick()
    case.erp.change("INV-1", balance=usd("60.00"))
    case.tick(days=3)
    with pytest.raises(
        ConfigError, match=r"others changed 1 invoices in the ERP after it \(INV-1\).*Ask for 2026-09-10"
    ):
        report(case, date(2026, 9, 9))

    case.tick(days=3)

    assert usd("110.00") == total(report(case, date(2026, 9, 10)))


def test_a_day_before_the_first_read_is_refused(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.tick()
    with pytest.raises(ConfigError, match="first read on 2026-09-07"):
        report(case, date(2026, 9, 6))


def test_a_past_day_of_an_empty_store_is_refused(case: Case) -> None:
    with pytest.raises(ConfigError, match="no invoice was read yet"):
        report(case, date(2026, 9, 6))


def test_an_empty_store_has_a_report_of_today_without_figures(case: Case) -> None:
    found = report(case, TODAY)

    assert ((), None, None) == (found.ageing, found.read_at, figure(found, "match_rate"))
    assert Decimal(0) == figure(found, "sent_unknown")


def test_an_invoice_seen_late_and_already_part_paid_makes_its_issue_days_unknown(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.tick()
    case.bill(invoice("INV-2", "50.00", SEP, date(2026, 10, 1)))
    case.erp.change("INV-2", balance=usd("20.00"))
    case.tick(days=2)
    with pytest.raises(ConfigError, match="INV-2"):
        report(case, date(2026, 9, 8))


def test_days_to_pay_run_to_the_day_the_money_was_received(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 9, 8)), invoice("INV-2", "50.00", SEP, date(2026, 10, 1)))
    case.tick()
    case.clock.at += timedelta(days=2)
    case.pay("ch_1", "100.00", "INV-1")
    case.tick(days=1)
    case.erp.change("INV-2", balance=usd("0.00"))
    case.tick(days=1)
    found = report(case, date(2026, 9, 11))

    # INV-1 received on the 9th, a day late, after 8 days; INV-2 seen paid by others on the 11th after 10
    assert (Decimal("9.00"), Decimal("50.00")) == (
        figure(found, "mean_days_to_pay", "USD"),
        figure(found, "share_paid_late", "USD"),
    )


def test_the_match_rate_counts_what_the_matcher_decided(case: Case) -> None:
    case.bill(
        *(
            invoice(f"INV-{n}", amount, SEP, date(2026, 10, 1))
            for n, amount in ((1, "100.00"), (2, "50.00"), (3, "50.00"))
        )
    )
    case.pay("ch_1", "100.00", "INV-1")
    case.pay("ch_2", "50.00")
    case.tick()
    found = report(case, TODAY)

    assert Decimal("50.00") == figure(found, "match_rate")
    assert (Decimal(1), Decimal(1)) == (figure(found, "exceptions_open"), figure(found, "exceptions_open_ambiguous"))


def test_suppression_latency_runs_from_the_commit_that_saw_the_money_received(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.pay("ch_1", "100.00", "INV-1", state=PaymentState.PROCESSING)
    case.tick()
    case.payments.payments.clear()
    case.pay("ch_1", "100.00", "INV-1")
    case.tick(days=3)
    found = report(case, date(2026, 9, 10))

    assert Decimal("0.00") == figure(found, "suppression_latency_p50")
    assert Decimal("0.00") == figure(found, "suppression_latency_p95")


def test_a_payment_that_waited_for_its_invoice_shows_its_latency(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.pay("ch_1", "40.00", "INV-2")
    case.tick()
    case.bill(invoice("INV-2", "40.00", SEP, date(2026, 10, 1)))
    case.tick(minutes=2)

    assert Decimal("120.00") == figure(report(case, TODAY), "suppression_latency_p95")


def test_reminders_are_counted_by_what_became_of_them(case: Case) -> None:
    case.channel.outcome = SendOutcome.UNKNOWN
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 9, 14)), invoice("INV-2", "50.00", SEP, date(2026, 12, 1)))
    case.tick()
    case.pay("ch_1", "50.00", "INV-2")
    case.tick(hours=1)
    found = report(case, TODAY)

    assert (Decimal(0), Decimal(4), Decimal(0), Decimal(1)) == tuple(
        figure(found, name) for name in ("reminders_sent", "reminders_cancelled", "reminders_held", "sent_unknown")
    )


def test_dso_is_not_given_before_a_whole_period_was_watched(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.tick()
    found = report(case, TODAY)

    assert [None] * 4 == [figure(found, name, "USD") for name in ("dso", "best_possible_dso", "dso_countback", "cei")]
    assert "billings are known in full only since 2026-09-07" in formula(found, "dso")


def test_dso_and_cei_of_a_period_that_was_watched(case: Case) -> None:
    # watched from 7 September; the three months to 7 December begin on the 8th and have 91 days
    case.bill(invoice("INV-1", "100.00", SEP, date(2026, 10, 1)))
    case.tick()
    case.bill(
        invoice("INV-2", "300.00", date(2026, 10, 5), date(2026, 11, 4)),
        invoice("INV-3", "150.00", date(2026, 11, 20), date(2026, 12, 20)),
    )
    case.tick(days=80)
    case.pay("ch_1", "300.00", "INV-2")
    case.tick(days=11)
    found = report(case, date(2026, 12, 7))

    # AR 250, sales 450: 250 / 450 x 91; not due 150
    assert (Decimal("50.56"), Decimal("30.33")) == (
        figure(found, "dso", "USD"),
        figure(found, "best_possible_dso", "USD"),
    )
    # (100 + 450 - 250) / (100 + 450 - 150) x 100
    assert Decimal("75.00") == figure(found, "cei", "USD")
    # 7 days of December without sales, 30 of November take 150, October 100 of 300: 31 / 3
    assert Decimal("47.33") == figure(found, "dso_countback", "USD")
    assert "2026-09-08 to 2026-12-07" in formula(found, "dso")


def test_every_figure_is_shown_with_its_formula(case: Case) -> None:
    case.bill(invoice("INV-1", "100.00", SEP, TODAY))
    case.tick()
    found = report(case, TODAY)
    console = Console(width=400)
    with console.capture() as shown:
        display.show_report(console, found)

    assert all(one.formula for one in found.measures)
    assert "source: what the store knows; the ERP was last read 2026-09-07 14:00:00 UTC" in shown.get()
    assert "reminders that may have left" in shown.get()
