"""What people did with payments before anybody looked, and what a reader of SuiteQL can learn of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from netsuite_account import Account, Control, served

from sandbox.netsuite.answers import Refusal
from sandbox.world import serve

NOW = "2026-11-23T09:30:00+00:00"
# All that a reader needs to judge how payments were applied.
APPLIED = """
    SELECT p.id AS payment, TO_CHAR(p.trandate, 'YYYY-MM-DD') AS paid_on, p.foreigntotal, p.memo, p.otherrefnum,
        i.tranid AS number, TO_CHAR(i.trandate, 'YYYY-MM-DD') AS billed_on, l.foreignamount, l.nexttype
    FROM nexttransactionlinelink l, transaction p, transaction i
    WHERE l.linktype = 'Payment' AND p.id = l.nextdoc AND i.id = l.previousdoc ORDER BY p.trandate, i.trandate, i.id"""


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account
        assert [] == account.books.truth()["violations"]


@pytest.fixture
def control() -> Iterator[Control]:
    with serve(customers=0, now=datetime.fromisoformat(NOW)) as world:
        control = Control(world)
        control.post("customers", name="Northfield Robotics", key="northfield")
        for month, amount in ((6, "100.00"), (7, "250.00"), (8, "75.50")):
            control.post(
                "invoices", customer="northfield", number=f"INV-{month}", amount=amount, issued_on=f"2026-0{month}-01"
            )
        yield control
        assert [] == control.get("truth")["violations"]


def billed(account: Account) -> tuple[str, list[str]]:
    customer = account.customer()
    months = ((6, "100.00"), (7, "250.00"), (8, "75.50"))
    invoices = [
        account.invoice(customer, amount, f"INV-{month}", issued_on=date(2026, month, 1)) for month, amount in months
    ]
    return customer, invoices


# ---- payments that people enter ----


def test_an_unapplied_payment_shows_what_the_person_wrote(account: Account) -> None:
    customer, _ = billed(account)

    account.books.enter_payment(
        customer, "175.50", date(2026, 11, 20), memo="wire NORTHFIELD INV 6+8", check="4711", number="PAY-9"
    )

    query = """SELECT t.tranid, t.memo, t.otherrefnum, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS on_day,
               t.foreignpaymentamountunused AS left FROM transaction t WHERE t.type = 'CustPymt'"""
    assert [
        {
            "tranid": "PAY-9",
            "memo": "wire NORTHFIELD INV 6+8",
            "otherrefnum": "4711",
            "on_day": "2026-11-20",
            "left": "175.5",
        }
    ] == account.rows(query)


def test_soap_shows_the_check_number_of_both_doors(account: Account) -> None:
    soap = account.soap()
    customer, _ = billed(account)
    by_hand = account.books.enter_payment(customer, "1.00", date(2026, 11, 20), check="4711")
    by_soap = soap.add(soap.payment(customer, "1.00", checkNum="815", tranId="PAY-1"))[0].internal_id

    records = soap.get(*(soap.ref("customerPayment", one) for one in (by_hand, by_soap)))

    assert ["4711", "815"] == [record.checkNum for record in records]
    assert [f"PYMT{by_hand}", "PAY-1"] == [record.tranId for record in records]


def test_a_payment_is_entered_applied_to_some(account: Account) -> None:
    customer, (first, second, _) = billed(account)
    memo = account.memo(customer, "50.00")

    payment = account.books.enter_payment(
        customer, "200.00", date(2026, 11, 20), {first: "100.00", second: "120.00"}, {memo: "50.00"}
    )

    assert ["0.00", "130.00", "0.00"] == [account.balance(first), account.balance(second), account.left(memo)]
    assert ["30.00"] == [one["unapplied"] for one in account.payments() if one["id"] == payment]


def test_oldest_first_stops_at_the_payments_day(account: Account) -> None:
    customer, (first, second, third) = billed(account)

    account.books.past_payment(customer, "400.00", date(2026, 7, 15), fifo=True)

    assert ["0.00", "0.00", "75.50"] == [account.balance(one) for one in (first, second, third)]
    assert "50.00" == account.payments()[0]["unapplied"]


# ---- long ago ----


def test_a_past_payment_looks_as_if_nobody_touched_it_since(account: Account) -> None:
    customer, (first, *_) = billed(account)

    account.books.past_payment(customer, "100.00", date(2026, 7, 15), {first: "100.00"}, memo="INV-6")

    query = """SELECT TO_CHAR(t.createddate, 'YYYY-MM-DD HH24:MI:SS') AS made,
                   TO_CHAR(t.closedate, 'YYYY-MM-DD') AS closed,
                   TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS saved
               FROM transaction t WHERE t.id IN (?, ?) ORDER BY t.id DESC"""
    payment = account.payments()[0]["id"]
    paid, invoice = account.rows(query, payment, first)
    assert ("2026-07-15 17:00:00", "2026-07-15 17:00:00") == (paid["made"], paid["saved"])
    assert "2026-07-15" == invoice["closed"]


def test_the_future_is_not_past(account: Account) -> None:
    customer, _ = billed(account)

    with pytest.raises(ValueError, match="2026-11-24 is not past"):
        account.books.past_payment(customer, "1.00", date(2026, 11, 24))


def test_a_closed_month_takes_no_past_payment(account: Account) -> None:
    customer, _ = billed(account)
    account.books.close_period("2026-07")

    with pytest.raises(Refusal, match="Jul 2026 is closed"):
        account.books.past_payment(customer, "1.00", date(2026, 7, 15))


def test_a_history_can_be_replayed_and_read(control: Control) -> None:
    def past(amount: str, on: str, **more: Any) -> None:
        control.post("netsuite/past_payment", customer="northfield", amount=amount, on=on, **more)

    control.post("netsuite/add_credit_memo", customer="northfield", number="CM-1", amount="25.50", on="2026-08-20")
    past("150.00", "2026-07-20", fifo=True)
    past("200.00", "2026-08-10", applied={"INV-7": "200.00"}, memo="INV-7 rest", check="99")
    past("50.00", "2026-09-01", applied={"INV-8": "75.50"}, credits={"CM-1": "25.50"}, memo="INV-8 less CM-1")

    truth = control.get("truth")
    assert ["0.00", "0.00", "0.00"] == [one["balance"] for one in truth["invoices"]]
    numbers = {one["id"]: one["number"] for one in truth["invoices"]}
    made = [
        (one["on"], [(numbers[part["invoice"]], part["amount"]) for part in one["applications"]])
        for one in truth["payments"]
    ]
    assert [
        ("2026-07-20", [("INV-6", "100.00"), ("INV-7", "50.00")]),
        ("2026-08-10", [("INV-7", "200.00")]),
        ("2026-09-01", [("INV-8", "50.00")]),
    ] == made
    assert [("INV-8", "25.50")] == [(numbers[one["invoice"]], one["amount"]) for one in truth["payments"][2]["credits"]]


def test_a_reader_of_suiteql_sees_who_paid_what_when(account: Account) -> None:
    customer, (_, second, third) = billed(account)
    memo = account.memo(customer, "25.50", "CM-1", on=date(2026, 8, 20), created_from=third)
    account.books.past_payment(customer, "150.00", date(2026, 7, 20), fifo=True)
    account.books.past_payment(customer, "50.00", date(2026, 9, 1), {third: "75.50"}, {memo: "25.50"}, memo="INV-8")

    seen = [(row["paid_on"], row["number"], row["foreignamount"], row["nexttype"]) for row in account.rows(APPLIED)]

    assert [
        ("2026-07-20", "INV-6", "100", "CustPymt"),
        ("2026-07-20", "INV-7", "50", "CustPymt"),
        ("2026-08-20", "INV-8", "25.5", "CustCred"),
        ("2026-09-01", "INV-8", "50", "CustPymt"),
    ] == seen
    assert "200.00" == account.balance(second)


# ---- people who apply later, and who come between ----


def test_a_person_applies_takes_back_and_deletes(control: Control) -> None:
    payment = control.post("netsuite/enter_payment", customer="northfield", amount="150.00")["id"]
    control.post("netsuite/apply_payment", payment=payment, applied={"INV-6": "100.00"})
    control.post("netsuite/apply_payment", payment=payment, fifo=True)

    def balances() -> list[str]:
        return [one["balance"] for one in control.get("truth")["invoices"]]

    applied = balances()
    control.post("netsuite/unapply", document=payment, invoice="INV-6")
    freed = balances()
    control.post("netsuite/delete_document", document=payment)

    assert ["0.00", "200.00", "75.50"] == applied
    assert ["100.00", "200.00", "75.50"] == freed
    assert (["100.00", "250.00", "75.50"], []) == (balances(), control.get("truth")["payments"])


def test_a_memo_is_made_from_an_invoice_and_applied_by_its_number(control: Control) -> None:
    control.post("netsuite/credit_invoice", invoice="INV-7", amount="50.00", number="CM-7", memo="returned")
    control.post("netsuite/apply_credit", credit="CM-7", applied={"INV-6": "20.00"})

    credit = control.get("truth")["credits"][0]

    assert ("30.00", "returned", "INV-7") == (
        credit["unapplied"],
        credit["memo"],
        next(one["number"] for one in control.get("truth")["invoices"] if one["id"] == credit["created_from"]),
    )


def test_oldest_first_adds_to_what_is_applied_already(account: Account) -> None:
    customer, (first, second, _) = billed(account)
    payment = account.books.enter_payment(customer, "300.00", date(2026, 11, 20), {first: "40.00"})

    account.books.apply_payment(payment, fifo=True)

    assert ["0.00", "50.00"] == [account.balance(first), account.balance(second)]


@pytest.mark.parametrize(
    "deed, body, status, said",
    [
        ("past_payment", {"customer": "northfield", "amount": "1.00"}, 400, "on"),
        (
            "past_payment",
            {"customer": "northfield", "amount": "1.00", "on": "2026-09-01", "applied": {"INV-9": "1.00"}},
            404,
            "INV-9",
        ),
        ("enter_payment", {"customer": "northfield", "amount": "1.00", "credits": {"CM-9": "1.00"}}, 404, "CM-9"),
        ("enter_payment", {"customer": "northfield", "amount": "1.00", "applied": {"INV-6": "1.01"}}, 409, "1.01"),
        ("apply_payment", {"payment": "1"}, 404, "no transaction 1"),
        ("apply_credit", {"credit": "CM-9", "applied": {}}, 404, "CM-9"),
        ("close_account", {"account": "vault"}, 404, "vault"),
        ("meanwhile", {"operation": "suiteql", "deed": "dance", "arguments": {}}, 404, "dance"),
        ("meanwhile", {"operation": "suiteql", "deed": "meanwhile", "arguments": {}}, 404, "meanwhile"),
    ],
)
def test_what_cannot_be_done_is_said(control: Control, deed: str, body: dict[str, Any], status: int, said: str) -> None:
    code, error = control.refused(f"netsuite/{deed}", **body)

    assert (status, True) == (code, said in error), error
