"""Applying a payment that the account holds: what an update may do, and who may come between read and update."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests
from netsuite_account import Account, Control, Soap, served

from sandbox.world import serve


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account
        assert [] == account.books.truth()["violations"]


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def waiting(account: Account) -> tuple[str, str, str]:
    """A payment of 150 that a person entered and applied 60 of to the first of two invoices of 100."""
    customer = account.customer()
    first, second = account.invoice(customer, "100.00"), account.invoice(customer, "100.00")
    return account.books.enter_payment(customer, "150.00", date(2026, 10, 20), {first: "60.00"}), first, second


def applied(account: Account) -> list[tuple[str, str]]:
    return [(one["invoice"], one["amount"]) for payment in account.payments() for one in payment["applications"]]


def apply(soap: Soap, payment: str, *lines: tuple[str, str], replace_all: bool = False) -> Any:
    sent = soap.payment(None, None, list(lines), replace_all=replace_all, internalId=payment)
    return soap.write("updateList", sent)[0]


# ---- what an update does ----


def test_amounts_are_absolute_and_other_lines_stay(account: Account, soap: Soap) -> None:
    payment, first, second = waiting(account)

    assert apply(soap, payment, (second, "90.00")).ok

    assert [(first, "60.00"), (second, "90.00")] == applied(account)
    assert ["40.00", "10.00", "0.00"] == [
        account.balance(first),
        account.balance(second),
        account.payments()[0]["unapplied"],
    ]
    # Once more it is the same, not twice as much.
    assert apply(soap, payment, (second, "90.00")).ok
    assert [(first, "60.00"), (second, "90.00")] == applied(account)


def test_a_list_that_replaces_all_unapplies_what_it_leaves_out(account: Account, soap: Soap) -> None:
    payment, first, second = waiting(account)

    assert apply(soap, payment, (second, "90.00"), replace_all=True).ok

    assert [(second, "90.00")] == applied(account)
    assert ("100.00", "60.00") == (account.balance(first), account.payments()[0]["unapplied"])


@pytest.mark.parametrize(
    "amount, said", [("90.01", "more than the 150.00 of the payment"), ("100.01", "100.00 is due")]
)
def test_more_than_there_is_is_refused_and_nothing_changes(
    account: Account, soap: Soap, amount: str, said: str
) -> None:
    payment, first, second = waiting(account)

    status = apply(soap, payment, (second, amount))

    assert ("CANT_APPLY_PMT", True) == (status.code, said in status.message)
    assert [(first, "60.00")] == applied(account)


def test_lines_of_several_payments_do_not_meet(account: Account, soap: Soap) -> None:
    payment, first, second = waiting(account)
    customer = account.payments()[0]["customer"]
    other = account.books.enter_payment(customer, "40.00", date(2026, 10, 21), {first: "40.00"})

    assert apply(soap, payment, (second, "90.00"), replace_all=True).ok

    assert "60.00" == account.balance(first)
    assert [first] == [one["invoice"] for one in account.payments()[1]["applications"]]
    assert other == account.payments()[1]["id"]


@pytest.mark.parametrize(
    "state, code",
    [("closed", "TRAN_PERIOD_CLOSED"), ("locked", "TRAN_PERIOD_CLOSED"), ("allowed", ""), ("voided", "CANT_EDIT_TRAN")],
)
def test_a_period_or_a_void_stops_it(account: Account, soap: Soap, state: str, code: str) -> None:
    payment, _, second = waiting(account)
    if state == "voided":
        account.books.void_payment(payment)
    elif state == "locked":
        account.books.lock_ar("2026-10")
    else:
        account.books.close_period("2026-10", allow_non_gl_changes=state == "allowed")

    assert code == apply(soap, payment, (second, "90.00")).code


def test_an_update_moves_the_dates_of_payment_and_memo_and_not_the_invoices() -> None:
    with serve(customers=0, now=datetime(2026, 11, 2, 9, tzinfo=UTC)) as world:
        control = Control(world)
        control.post("customers", name="Northfield Robotics", key="northfield")
        control.post("invoices", customer="northfield", number="INV-1", amount="100.00")
        payment = control.post("netsuite/enter_payment", customer="northfield", amount="100.00")["id"]
        control.post("netsuite/credit_invoice", invoice="INV-1", amount="10.00")
        control.post("clock", advance_days=1)

        control.post(
            "netsuite/apply_payment", payment=payment, applied={"INV-1": "100.00"}, credits={"CM-INV-1": "10.00"}
        )

        sql = 'SELECT type, lastmodifieddate AS saved FROM "transaction" ORDER BY type'
        assert [
            ("CustCred", "2026-11-03"),
            ("CustInvc", "2026-11-02"),
            ("CustPymt", "2026-11-03"),
        ] == [(row["type"], row["saved"][:10]) for row in world.world.netsuite.rows(sql)]


# ---- who comes between ----


def test_somebody_applies_the_rest_just_before_the_update(account: Account, soap: Soap) -> None:
    payment, first, second = waiting(account)
    account.books.meanwhile("updateList", lambda: account.books.apply_payment(payment, {first: "100.00"}))

    status = apply(soap, payment, (second, "90.00"))

    assert ("CANT_APPLY_PMT", [(first, "100.00")]) == (status.code, applied(account))
    # It was for that one request.
    assert apply(soap, payment, (second, "50.00")).ok


def test_somebody_pays_the_invoice_just_before_the_update(account: Account, soap: Soap) -> None:
    payment, _, second = waiting(account)
    customer = account.payments()[0]["customer"]
    account.books.meanwhile(
        "updateList", lambda: account.books.pay_by_hand(customer, "100.00", date(2026, 11, 2), [(second, "100.00")])
    )

    assert "Unable to find a matching line" in apply(soap, payment, (second, "90.00")).message


def test_the_nth_request_is_waited_for_and_others_pass(account: Account, soap: Soap) -> None:
    invoice = account.invoice(account.customer())
    account.books.meanwhile("suiteql", lambda: account.books.set_hold(invoice, "legal"), nth=2)

    def held() -> str:
        return account.rows("SELECT custbody_arc_hold AS held FROM transaction WHERE id = ?", invoice)[0]["held"]

    soap.get(soap.ref("invoice", invoice))
    assert ["F", "T", "T"] == [held(), held(), held()]


def test_a_person_comes_between_over_the_control_api() -> None:
    with serve(customers=0, now=datetime(2026, 11, 2, 9, tzinfo=UTC)) as world:
        control = Control(world)
        control.post("customers", name="Northfield Robotics", key="northfield")
        control.post("invoices", customer="northfield", number="INV-1", amount="100.00")
        payment = control.post("netsuite/enter_payment", customer="northfield", amount="100.00")["id"]
        control.post(
            "netsuite/meanwhile",
            operation="suiteql",
            deed="apply_payment",
            arguments={"payment": payment, "applied": {"INV-1": "30.00"}},
        )

        before = control.get("truth")["payments"][0]["unapplied"]
        requests.post(f"{world.url}/netsuite/services/rest/query/v1/suiteql", data=b"{}", timeout=10)

        assert ("100.00", "70.00") == (before, control.get("truth")["payments"][0]["unapplied"])


# ---- straight to a bank account ----


@pytest.mark.parametrize("role", ["bank", "clearing"])
def test_a_payment_goes_straight_to_the_account_that_it_names(account: Account, soap: Soap, role: str) -> None:
    made = soap.add(_to(account, soap, account.books.accounts[role]))[0]

    record = soap.get(soap.ref("customerPayment", made.internal_id))[0]
    assert ("10.00", False, account.books.accounts[role]) == (
        account.account_balance(role),
        record.undepFunds,
        record.account.internalId,
    )
    assert "Deposited" == record.status


def test_a_payment_goes_to_an_account_of_ones_own(account: Account, soap: Soap) -> None:
    own = account.books.add_account("1020", "Lockbox", "Bank")

    assert soap.add(_to(account, soap, own))[0].ok

    assert "10.00" == account.books.balances()[own]


@pytest.mark.parametrize(
    "why, code",
    [
        ("inactive", "INVALID_KEY_OR_REF"),
        ("other subsidiary", "INVALID_KEY_OR_REF"),
        ("other currency", "TRANS_FORGN_CRNCY_MISMATCH"),
        ("no bank", "INVALID_KEY_OR_REF"),
        ("unknown", "INVALID_KEY_OR_REF"),
        ("not said", "USER_ERROR"),
    ],
)
def test_an_account_that_may_not_take_it_is_refused(account: Account, soap: Soap, why: str, code: str) -> None:
    books = account.books
    daughter = books.add_subsidiary("Daughter", "USD")
    accounts = {
        "inactive": books.add_account("1020", "Old bank", "Bank"),
        "other subsidiary": books.add_account("1030", "Daughter's bank", "Bank", subsidiary=daughter),
        "other currency": books.add_account("1040", "Euro bank", "Bank", currency="EUR"),
        "no bank": books.accounts["sales"],
        "unknown": "999999",
    }
    books.close_account(accounts["inactive"])

    status = soap.add(_to(account, soap, accounts.get(why)))[0]

    assert (False, code) == (status.ok, status.code), status
    assert [] == account.payments()


def test_an_account_that_is_reopened_takes_payments_again(account: Account, soap: Soap) -> None:
    account.books.close_account("clearing")
    closed = account.rows("SELECT isinactive FROM account WHERE id = ?", account.books.accounts["clearing"])
    account.books.reopen_account("clearing")

    assert [{"isinactive": "T"}] == closed
    assert soap.add(_to(account, soap, account.books.accounts["clearing"]))[0].ok


def _to(account: Account, soap: Soap, internal_id: str | None) -> Any:
    named = internal_id and soap.core.RecordRef(internalId=internal_id)
    return soap.payment(account.customer(), "10.00", account=named, undepFunds=False)
