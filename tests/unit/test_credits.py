"""What the customer has in credit: kept until it was seen used up, and what a person did with a rest of ours."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from answers_cases import MONDAY, Case, LedgerErp, invoice, usd
from sqlalchemy import select

from connector.money import Money
from connector.receivables import CreditKind, CreditMemo, PaymentToPost
from connector.store import book, verdicts
from connector.store.tables import credit

ISSUED, DUE = date(2026, 8, 12), date(2026, 9, 20)


def memo(amount: str, id: str = "71", **changes: str) -> CreditMemo:
    return CreditMemo(id, "CM-1", "C1", usd(amount), **changes)  # type: ignore[arg-type]


def held(case: Case) -> dict[str, str]:
    with case.store.read() as tx:
        rows = tx.execute(select(credit).order_by(credit.c.id)).mappings()
        return {row["id"]: str(Money(row["open_amount"], row["currency"])) for row in rows}


def exceptions(case: Case) -> list[str]:
    with case.store.read() as tx:
        return [one.kind for one in verdicts.open_exceptions(tx)]


class SilentErp(LedgerErp):
    """It lists of what payments have left only what is put into `credits`."""

    def all_credits(self) -> tuple[CreditMemo, ...]:
        return self.credits


@pytest.fixture
def overpaid(tmp_path: Path) -> Case:
    """1,250.00 of 1,500.00 is applied; the ERP calls the payment 90, and lists no rest of it by itself."""
    case = Case(tmp_path)
    case.erp = SilentErp(case.clock)
    case.bill(invoice("INV-1001", "1250.00", ISSUED, DUE))
    case.pay("ch_1", "1500.00", "INV-1001")
    case.tick()
    return case


def test_a_credit_that_is_no_longer_listed_is_kept(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.erp.credits = (memo("100.00"),)
    case.tick()
    case.erp.credits = ()

    case.tick(days=1)

    assert {"71": "100.00 USD"} == held(case)


def test_a_credit_that_was_seen_with_nothing_left_is_forgotten(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.erp.credits = (memo("100.00"),)
    case.tick()
    case.erp.credits = (memo("0.00"),)

    case.tick(days=1)

    assert {} == held(case)


def test_an_older_read_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    case = Case(tmp_path)
    with case.store.tx() as tx:
        book.put_credits(tx, [memo("40.00")], MONDAY)
        book.put_credits(tx, [memo("100.00")], MONDAY - timedelta(seconds=1))

    assert {"71": "40.00 USD"} == held(case)


def test_a_rest_of_our_payment_is_one_credit_before_and_after_the_erp_lists_it(overpaid: Case) -> None:
    assert {"90": "250.00 USD"} == held(overpaid)

    overpaid.erp.credits = (memo("250.00", "90", kind=CreditKind.UNAPPLIED_PAYMENT),)
    overpaid.tick(minutes=5)

    assert {"90": "250.00 USD"} == held(overpaid)


def test_a_payment_that_the_erp_lists_takes_the_place_of_the_rest_that_was_expected(overpaid: Case) -> None:
    later = PaymentToPost("arc-demo-pay-ch_2-1", "C1", usd("30.00"), ISSUED, (), "")

    with overpaid.store.tx() as tx:
        book.put_own_credit(tx, "ch_2-1", later, usd("30.00"))
        book.put_credits(tx, [memo("30.00", "91", external_id=later.external_id)], MONDAY)

    assert {"90", "91"} == held(overpaid).keys()


@pytest.mark.parametrize(
    ("left", "shown"), [("250.00", ["unapplied_rest"]), ("1.00", ["unapplied_rest"]), ("0.00", [])]
)
def test_a_rest_is_shown_until_a_person_has_used_all_of_it(overpaid: Case, left: str, shown: list[str]) -> None:
    overpaid.erp.credits = (memo(left, "90", kind=CreditKind.UNAPPLIED_PAYMENT),)

    overpaid.tick(days=1)

    assert shown == exceptions(overpaid)


def test_a_rest_that_the_erp_does_not_list_is_still_shown(overpaid: Case) -> None:
    overpaid.tick(days=1)
    overpaid.tick(days=1)

    assert ["unapplied_rest"] == exceptions(overpaid)
