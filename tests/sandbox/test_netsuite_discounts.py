"""Early discounts in the false account: what the terms offer, who may take it, and what it does to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from netsuite_account import Account, Soap, served

from sandbox.netsuite import Guesses
from sandbox.netsuite.answers import Refusal

LAST_DAY = date(2026, 11, 10)


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account
        assert [] == account.books.truth()["violations"]


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def offer(account: Account, amount: str = "1000.00", **more: Any) -> tuple[str, str]:
    """A customer, and an invoice of it on 2 % for ten days, the last of which is LAST_DAY."""
    customer = account.customer(currency=more.get("currency", "USD"))
    term = account.books.add_term("2% 10 Net 30", 30, "2", 10)
    issued = date(2026, 10, 31)
    return customer, account.invoice(customer, amount, issued_on=issued, terms_id=term, **more)


def on(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def pay(soap: Soap, customer: str, amount: str, invoice: str, discount: str, day: date = LAST_DAY, **more: Any) -> Any:
    applied = more.pop("applied", amount)
    return soap.add(
        soap.payment(customer, amount, [(invoice, applied)], discounts={invoice: discount}, tranDate=on(day), **more)
    )[0]


# ---- what is offered ----


def test_the_terms_and_the_invoice_show_what_is_offered(account: Account, soap: Soap) -> None:
    _, invoice = offer(account)

    terms = account.rows("SELECT daysuntilnetdue, discountpercent, daysuntilexpiry FROM term")
    query = "SELECT TO_CHAR(t.discountdate, 'YYYY-MM-DD') AS last, t.discountamount FROM transaction t WHERE t.id = ?"
    record = soap.get(soap.ref("invoice", invoice))[0]

    assert [{"daysuntilnetdue": "30", "discountpercent": "2", "daysuntilexpiry": "10"}] == terms
    assert [{"last": "2026-11-10", "discountamount": "20"}] == account.rows(query, invoice)
    assert (LAST_DAY, 20.0) == (record.discountDate.date(), record.discountAmount)


def test_an_invoice_without_a_discount_shows_none(account: Account, soap: Soap) -> None:
    invoice = account.invoice(account.customer(), terms_id=account.books.add_term("Net 30", 30))

    record = soap.get(soap.ref("invoice", invoice))[0]

    assert (None, None) == (record.discountDate, record.discountAmount)
    assert [{}] == account.rows("SELECT discountdate, discountamount FROM transaction WHERE id = ?", invoice)


def test_an_account_may_show_the_discount_of_the_terms_alone() -> None:
    with served(guesses=Guesses(query_shows_discount=False)) as account:
        _, invoice = offer(account)

        answer = account.query("SELECT discountdate FROM transaction WHERE id = ?", invoice)

        assert (400, True) == (answer.status_code, "discountdate" in answer.text)
        assert [{"discountpercent": "2"}] == account.rows("SELECT discountpercent FROM term")
        assert 20.0 == account.soap().get(account.soap().ref("invoice", invoice))[0].discountAmount


@pytest.mark.parametrize(
    "amount, percent, currency, offered",
    [
        ("0.25", "2", "USD", "0.01"),
        ("33.33", "2.5", "USD", "0.83"),
        ("150", "1", "JPY", "2"),
        ("10.00", "0.05", "USD", "0.01"),
    ],
)
def test_a_percentage_is_rounded_half_up_to_the_currencys_last_decimal(
    account: Account, amount: str, percent: str, currency: str, offered: str
) -> None:
    term = account.books.add_term("Early", 30, percent, 10)
    invoice = account.invoice(account.customer(currency=currency), amount, currency=currency, terms_id=term)

    shown = account.rows("SELECT discountamount FROM transaction WHERE id = ?", invoice)[0]["discountamount"]

    assert Decimal(offered) == Decimal(shown)


def test_the_offer_follows_what_a_person_changes(account: Account) -> None:
    _, invoice = offer(account)
    query = "SELECT TO_CHAR(t.discountdate, 'YYYY-MM-DD') AS last, t.discountamount FROM transaction t WHERE t.id = ?"

    account.books.edit_invoice(invoice, issued_on=date(2026, 11, 1))
    account.books.edit_line_amount(invoice, 1, "500.00")
    moved = account.rows(query, invoice)
    account.books.edit_invoice(invoice, terms_id=None)

    assert [{"last": "2026-11-11", "discountamount": "10"}] == moved
    assert [{}] == account.rows(query, invoice)


@pytest.mark.parametrize("percent", ["0", "100", "-1", "two"])
def test_terms_offer_a_part_and_no_more(account: Account, percent: str) -> None:
    with pytest.raises(ValueError, match=r"percent|decimal"):
        account.books.add_term("Odd", 30, percent, 10)


# ---- taking it ----


def test_a_discount_settles_what_the_cash_leaves_open(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)

    made = pay(soap, customer, "980.00", invoice, "20.00")

    assert made.ok, made.message
    record = soap.get(soap.ref("customerPayment", made.internal_id))[0]
    line = record.applyList.apply[0]
    assert ("0.00", 980.0, 20.0, 20.0) == (account.balance(invoice), line.amount, line.disc, line.discAmt)
    assert (980.0, 0.0, LAST_DAY, 1000.0) == (record.applied, record.unapplied, line.discDate.date(), line.due)
    query = "SELECT foreignpaymentamountused AS used, foreignpaymentamountunused AS left FROM transaction WHERE id = ?"
    assert [{"used": "980", "left": "0"}] == account.rows(query, made.internal_id)


def test_a_discount_is_posted_to_its_own_account(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)

    pay(soap, customer, "980.00", invoice, "20.00")

    roles = ("undeposited", "discounts", "receivable", "sales")
    assert ["980.00", "20.00", "0.00", "-1000.00"] == [account.account_balance(role) for role in roles]


def test_the_link_is_what_was_taken_off_receivables(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)

    pay(soap, customer, "980.00", invoice, "20.00")

    assert [{"foreignamount": "1000"}] == account.rows(
        "SELECT foreignamount FROM nexttransactionlinelink WHERE linktype = 'Payment'"
    )
    seen = account.payments()[0]["applications"][0]
    assert ("980.00", "20.00") == (seen["amount"], seen["discount"])


def test_no_discount_is_taken_that_was_not_sent(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)

    soap.add(soap.payment(customer, "980.00", [(invoice, "980.00")], tranDate=on(LAST_DAY)))

    assert "20.00" == account.balance(invoice)


@pytest.mark.parametrize("said, left", [(None, "0.00"), ("0.00", "20.00")])
def test_an_account_may_take_a_discount_unless_told_not_to(said: str | None, left: str) -> None:
    with served(guesses=Guesses(discount_taken_unsaid=True)) as account:
        soap = account.soap()
        customer, invoice = offer(account)
        discounts = {} if said is None else {invoice: said}

        sent = soap.payment(customer, "980.00", [(invoice, "980.00")], discounts=discounts, tranDate=on(LAST_DAY))

        assert (True, left) == (soap.add(sent)[0].ok, account.balance(invoice))


@pytest.mark.parametrize(
    "day, cash, discount, code, said",
    [
        (date(2026, 11, 11), "980.00", "20.00", "DISCOUNT_DISALLWD", "0.00 is offered on 2026-11-11"),
        (LAST_DAY, "979.99", "20.01", "DISCOUNT_DISALLWD", "20.00 is offered"),
        (LAST_DAY, "990.00", "20.00", "CANT_APPLY_PMT", "980.00 is due"),
        (LAST_DAY, "980.00", "-1.00", "INVALID_TRANS_AMT", "disc: -1.00"),
        (LAST_DAY, "980.00", "1.005", "INVALID_TRANS_AMT", "disc: 1.005"),
    ],
)
def test_a_discount_that_is_late_or_too_much_is_refused(
    account: Account, soap: Soap, day: date, cash: str, discount: str, code: str, said: str
) -> None:
    customer, invoice = offer(account)

    status = pay(soap, customer, cash, invoice, discount, day)

    assert (code, True) == (status.code, said in status.message), status
    assert ([], "1000.00") == (account.payments(), account.balance(invoice))


def test_no_discount_without_terms(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)

    assert "DISCOUNT_DISALLWD" == pay(soap, customer, "980.00", invoice, "20.00").code


def test_a_discount_is_taken_once(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)
    pay(soap, customer, "500.00", invoice, "12.00")

    over, rest = (pay(soap, customer, "100.00", invoice, part) for part in ("8.01", "8.00"))

    assert ("DISCOUNT_DISALLWD", True) == (over.code, rest.ok)
    assert "380.00" == account.balance(invoice)


def test_cash_a_credit_and_a_discount_settle_one_invoice(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)
    memo = account.memo(customer, "300.00", on=date(2026, 11, 1))

    made = pay(soap, customer, "680.00", invoice, "20.00", applied="980.00", credits=[(memo, "300.00")])

    assert made.ok, made.message
    assert ("0.00", "0.00", "0.00") == (
        account.balance(invoice),
        account.left(memo),
        account.payments()[0]["unapplied"],
    )


# ---- changing it ----


def test_an_update_that_says_nothing_of_a_discount_keeps_it(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)
    payment = pay(soap, customer, "980.00", invoice, "20.00").internal_id

    soap.write("updateList", soap.payment(None, None, [(invoice, "900.00")], internalId=payment))

    assert ("80.00", "20.00") == (account.balance(invoice), account.account_balance("discounts"))


def test_a_line_switched_off_gives_the_discount_back(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)
    payment = pay(soap, customer, "980.00", invoice, "20.00").internal_id

    soap.write("updateList", soap.payment(None, None, [(invoice, "980.00")], apply=False, internalId=payment))

    assert ("1000.00", "0.00", "980.00") == (
        account.balance(invoice),
        account.account_balance("discounts"),
        account.payments()[0]["unapplied"],
    )


def test_a_discount_is_posted_and_so_wants_an_open_period(account: Account, soap: Soap) -> None:
    customer, invoice = offer(account)
    payment = soap.add(soap.payment(customer, "980.00", tranDate=on(LAST_DAY)))[0].internal_id
    account.books.close_period("2026-11", allow_non_gl_changes=True)

    def apply(**taken: Any) -> str:
        sent = soap.payment(None, None, [(invoice, "980.00")], internalId=payment, **taken)
        return soap.write("updateList", sent)[0].code

    assert ["TRAN_PERIOD_CLOSED", ""] == [apply(discounts={invoice: "20.00"}), apply()]


@pytest.mark.parametrize("gone", ["payment", "invoice"])
def test_a_voided_document_takes_its_discount_with_it(account: Account, soap: Soap, gone: str) -> None:
    customer, invoice = offer(account)
    payment = pay(soap, customer, "980.00", invoice, "20.00").internal_id

    if gone == "payment":
        account.books.void_payment(payment)
    else:
        account.books.void(invoice)

    assert "0.00" == account.account_balance("discounts")
    assert ("1000.00" if gone == "payment" else "0.00") == account.balance(invoice)


def test_in_another_currency_a_discount_leaves_nothing_on_receivables(account: Account, soap: Soap) -> None:
    account.books.set_rate("EUR", "1.10", date(2026, 10, 1))
    account.books.set_rate("EUR", "1.20", date(2026, 11, 1))
    customer, invoice = offer(account, currency="EUR")

    made = pay(soap, customer, "980.00", invoice, "20.00")

    assert made.ok, made.message
    roles = ("receivable", "undeposited", "discounts", "gain")
    assert ["0.00", "1176.00", "24.00", "-100.00"] == [account.account_balance(role) for role in roles]


def test_a_person_takes_a_discount_by_the_same_rules(account: Account) -> None:
    customer, invoice = offer(account)
    early = {invoice: {"amount": "980.00", "discount": "20.00"}}

    with pytest.raises(Refusal, match=r"0\.00 is offered"):
        account.books.enter_payment(customer, "980.00", date(2026, 11, 12), early)
    account.books.enter_payment(customer, "980.00", LAST_DAY, early)

    assert "0.00" == account.balance(invoice)
