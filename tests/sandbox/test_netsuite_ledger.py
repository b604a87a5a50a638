"""The false account's ledger: what every document posts, in which currency, and that it always adds up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netsuite_account import Account, served

from sandbox.faults import Faults
from sandbox.netsuite import NetSuite
from sandbox.netsuite.amounts import shortest, units
from sandbox.netsuite.answers import Refusal

DAY = date(2026, 11, 2)
POSTINGS = """SELECT a.accttype type, tal.debit, tal.credit FROM transactionaccountingline tal, account a
              WHERE a.id = tal.account AND tal.transaction = ? ORDER BY tal.transactionline, a.id"""


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


def postings(account: Account, document: str) -> list[tuple[str, str, str]]:
    rows = account.rows(POSTINGS, document)
    return [(row["type"], row.get("debit", ""), row.get("credit", "")) for row in rows]


# ---- the chart ----


def test_the_profile_names_the_accounts_by_what_they_are_for(account: Account) -> None:
    named = account.profile["accounts"]

    wanted = {"bank", "clearing", "fees", "disputes", "refunds", "receivable", "undeposited", "bad_debt"}
    assert wanted <= set(named)
    rows = account.rows("SELECT id, acctnumber, accttype, BUILTIN.DF(currency) currency FROM account ORDER BY id")
    by_id = {row["id"]: row for row in rows}
    assert ("Bank", "US Dollar") == (by_id[named["clearing"]]["accttype"], by_id[named["clearing"]]["currency"])
    assert ("AcctRec", "1100") == (by_id[named["receivable"]]["accttype"], by_id[named["receivable"]]["acctnumber"])
    assert "currency" not in by_id[named["undeposited"]]


def test_an_account_may_have_several_receivables_accounts(account: Account) -> None:
    other = account.books.add_account("1110", "Receivables, public sector", "AcctRec")
    customer = account.customer()
    invoice = account.invoice(customer, ar_account=other)
    soap = account.soap()

    plain = soap.add(soap.payment(customer, "10.00", [(invoice, "10.00")]))[0]
    fitting = soap.add(
        soap.payment(customer, "10.00", [(invoice, "10.00")], arAcct=soap.core.RecordRef(internalId=other))
    )[0]

    assert ("USER_ERROR", "Unable to find a matching line") == (plain.code, plain.message[:30])
    assert fitting.ok
    assert "990.00" == account.books.balances()[other]


# ---- what a document posts ----


def test_an_invoice_debits_receivables_and_credits_sales_and_tax(account: Account) -> None:
    invoice = account.invoice(account.customer(), "1000.00", tax=["80.00"])

    assert [("AcctRec", "1080", ""), ("Income", "", "1000"), ("OthCurrLiab", "", "80")] == postings(account, invoice)


def test_an_invoice_that_waits_for_approval_is_not_posted(account: Account) -> None:
    invoice = account.invoice(account.customer(), approval="pending")
    rows = account.rows("SELECT DISTINCT posting FROM transactionaccountingline WHERE transaction = ?", invoice)

    assert [{"posting": "F"}] == rows
    assert "0.00" == account.account_balance("receivable")


@pytest.mark.parametrize("where, kind", [("undeposited", "OthCurrAsset"), ("clearing", "Bank"), ("bank", "Bank")])
def test_a_payment_debits_where_its_money_goes(account: Account, where: str, kind: str) -> None:
    payment = account.books.pay_by_hand(account.customer(), "10.00", DAY, account=where)

    assert [(kind, "10", ""), ("AcctRec", "", "10")] == postings(account, payment)
    assert "10.00" == account.account_balance(where)


def test_a_credit_memo_takes_back_sales(account: Account) -> None:
    memo = account.books.add_credit_memo(account.customer(), "CM-1", DAY, "25.00")

    assert [("AcctRec", "", "25"), ("Income", "25", "")] == postings(account, memo)


def test_what_is_voided_posts_nothing(account: Account) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)
    payment = account.books.pay_by_hand(customer, "1000.00", DAY, [(invoice, "1000.00")])

    account.books.void(invoice)
    account.books.void_payment(payment)

    assert ["0.00", "0.00"] == [account.account_balance(role) for role in ("receivable", "bank")]


def test_a_corrected_line_is_posted_anew(account: Account) -> None:
    invoice = account.invoice(account.customer(), "1000.00", tax=["80.00"])

    account.books.edit_line_amount(invoice, 1, "900.00")

    assert [("AcctRec", "980", ""), ("Income", "", "900"), ("OthCurrLiab", "", "80")] == postings(account, invoice)


def test_a_balance_is_that_of_its_day(account: Account) -> None:
    customer = account.customer()
    for day in (1, 2, 3):
        account.books.pay_by_hand(customer, "10.00", date(2026, 11, day), account="clearing")

    assert ["0.00", "20.00"] == [account.account_balance("clearing", date(2026, *day)) for day in ((10, 31), (11, 2))]
    query = """SELECT SUM(tal.amount) balance FROM transactionaccountingline tal, transaction t
               WHERE t.id = tal.transaction AND tal.account = ? AND tal.posting = 'T' AND tal.accountingbook = 1
                 AND t.trandate <= TO_DATE(?, 'YYYY-MM-DD')"""
    assert [{"balance": "20"}] == account.rows(query, account.profile["accounts"]["clearing"], "2026-11-02")


# ---- currencies ----


@pytest.mark.parametrize(
    "symbol, total, refused", [("JPY", "1000", "1000.50"), ("KWD", "10.125", "10.1255"), ("EUR", "10.50", "10.505")]
)
def test_a_currency_has_its_own_decimals(account: Account, symbol: str, total: str, refused: str) -> None:
    customer = account.customer(currency=symbol)

    payment = account.books.pay_by_hand(customer, total, DAY)
    with pytest.raises(Refusal, match="INVALID_TRANS_AMT"):
        account.books.pay_by_hand(customer, refused, DAY)

    assert [total] == [one["amount"] for one in account.payments() if one["id"] == payment]


def test_a_foreign_invoice_is_posted_at_the_rate_of_its_day(account: Account) -> None:
    account.books.set_rate("EUR", "1.20", date(2026, 10, 1))
    account.books.set_rate("EUR", "1.10", date(2026, 11, 1))
    invoice = account.invoice(account.customer(currency="EUR"), "100.00", currency="EUR", issued_on=date(2026, 10, 9))

    assert [("AcctRec", "120", ""), ("Income", "", "120")] == postings(account, invoice)
    assert [{"exchangerate": "1.2"}] == account.rows("SELECT exchangerate FROM transaction WHERE id = ?", invoice)


def test_the_difference_of_two_rates_is_realized_when_the_payment_is_applied(account: Account) -> None:
    account.books.set_rate("EUR", "1.20", date(2026, 10, 1))
    account.books.set_rate("EUR", "1.10", date(2026, 11, 1))
    customer = account.customer(currency="EUR")
    invoice = account.invoice(customer, "100.00", currency="EUR", issued_on=date(2026, 10, 9))

    payment = account.books.pay_by_hand(customer, "150.00", DAY, [(invoice, "100.00")])

    # 150 at 1.10 came in; 100 leave receivables at 1.20 and 50, unapplied, at 1.10.
    assert [("Bank", "165", ""), ("AcctRec", "", "175"), ("OthExpense", "10", "")] == postings(account, payment)
    account.books.void(invoice)
    assert [("Bank", "165", ""), ("AcctRec", "", "165")] == postings(account, payment)


def test_a_payment_is_in_the_invoices_currency(account: Account) -> None:
    soap = account.soap()
    customer = account.customer(currency="EUR")
    invoice = account.invoice(customer, currency="EUR")
    dollars = soap.core.RecordRef(internalId=account.rows("SELECT id FROM currency WHERE symbol = 'USD'")[0]["id"])

    status = soap.add(soap.payment(customer, "10.00", [(invoice, "10.00")], currency=dollars))[0]

    assert ("USER_ERROR", "Unable to find a matching line") == (status.code, status.message[:30])


def test_a_foreign_payment_goes_to_a_base_currency_account_at_the_rate_that_was_sent(account: Account) -> None:
    soap = account.soap()
    bank = soap.core.RecordRef(internalId=account.profile["accounts"]["clearing"])

    status = soap.add(
        soap.payment(account.customer(currency="EUR"), "100.00", undepFunds=False, account=bank, exchangeRate="1.15")
    )[0]

    assert [("Bank", "115", ""), ("AcctRec", "", "115")] == postings(account, status.internal_id)
    assert "115.00" == account.account_balance("clearing")


def test_a_bank_in_another_currency_takes_only_its_own(account: Account) -> None:
    soap = account.soap()
    yen = account.books.add_account("1020", "Yen account", "Bank", "JPY")
    bank = soap.core.RecordRef(internalId=yen)

    refused, taken = soap.add(
        soap.payment(account.customer("Euro", currency="EUR"), "100.00", account=bank),
        soap.payment(account.customer("Yen", currency="JPY"), "5000", account=bank),
    )

    assert ("TRANS_FORGN_CRNCY_MISMATCH", True) == (refused.code, taken.ok)
    assert "5000" == account.books.balances()[yen]


@pytest.mark.parametrize("rate, code", [("0", "INVALID_CRNCY_EXCH_RATE"), ("-1.1", "INVALID_CRNCY_EXCH_RATE")])
def test_a_rate_that_is_none_is_refused(account: Account, rate: str, code: str) -> None:
    soap = account.soap()

    assert code == soap.add(soap.payment(account.customer(currency="EUR"), "10.00", exchangeRate=rate))[0].code


# ---- always ----


def books() -> NetSuite:
    numbers = itertools.count(1)
    return NetSuite(
        lambda: datetime(2026, 11, 23, tzinfo=UTC), lambda what: next(numbers), Faults(), account="1000001_SB1"
    )


DEEDS = ("invoice", "pay", "overpay", "memo", "write_off", "write_off_journal", "refund", "deposit", "void", "journal")
APPLYING = ("mixed", "credit", "credit_invoice", "fifo", "unapply", "void_payment", "void_memo", "delete")


def act(ns: NetSuite, deed: str, cents: int, symbol: str, made: dict[str, list[str]]) -> None:
    """One deed on whatever is there; what the books refuse simply did not happen."""
    customer, amount = made["customer"][("USD", "EUR").index(symbol)], f"{cents // 100}.{cents % 100:02d}"
    invoice, payment = (made[kind][cents % len(made[kind])] if made[kind] else "0" for kind in ("invoice", "payment"))
    if deed in APPLYING:
        apply(ns, deed, amount, customer, made, cents)
    elif deed == "invoice":
        lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
        number = f"INV-{len(made['invoice'])}"
        issued, term = date(2026, 10, cents % 28 + 1), made["term"][cents % 2]
        made["invoice"].append(ns.add_invoice(customer, number, issued, DAY, lines, symbol, term))
    elif deed in ("pay", "overpay"):
        parts = [(invoice, amount)] if deed == "pay" else []
        where = ("undeposited", "clearing")[cents % 2]
        made["payment"].append(ns.pay_by_hand(customer, amount, DAY, parts, account=where))
    elif deed == "memo":
        made["memo"].append(ns.add_credit_memo(customer, "CM", date(2026, 10, cents % 28 + 1), amount))
    elif deed.startswith("write_off"):
        ns.write_off(invoice, DAY, by="journal" if deed.endswith("journal") else "memo")
    elif deed == "refund":
        ns.refund_by_hand(payment, amount, DAY)
    elif deed == "deposit":
        ns.deposit_by_hand(DAY, [payment], [{"account": "fees", "amount": "-0.01"}])
    elif deed == "void":
        ns.void(invoice)
    else:
        lines = [{"account": "fees", "debit": amount}, {"account": "clearing", "credit": amount}]
        ns.journal_by_hand(DAY, lines)


def apply(ns: NetSuite, deed: str, amount: str, customer: str, made: dict[str, list[str]], pick: int) -> None:
    """One deed of applying; a mixed payment takes the discount and as much of a memo as helps."""
    kinds = ("invoice", "payment", "memo")
    invoice, payment, memo = (made[kind][pick % len(made[kind])] if made[kind] else "0" for kind in kinds)
    if deed == "mixed":
        owed, credit = ns.transaction(int(invoice)), ns.transaction(int(memo))
        discount = min(owed["discountamount"] or 0, owed["foreignamountunpaid"])
        settled = min(owed["foreignamountunpaid"] - discount, units(amount) + credit["foreignpaymentamountunused"])
        used = min(credit["foreignpaymentamountunused"], settled)
        line = {"amount": shortest(settled), "discount": shortest(discount)}
        on = date.fromisoformat(owed["trandate"][:10])
        made["payment"].append(ns.enter_payment(customer, amount, on, {invoice: line}, {memo: shortest(used)}))
    elif deed == "credit_invoice":
        made["memo"].append(ns.credit_invoice(invoice, DAY, amount, apply=pick % 2 == 0))
    elif deed == "credit":
        ns.apply_credit(memo, fifo=True)
    elif deed == "fifo":
        ns.apply_payment(payment, fifo=True)
    elif deed == "unapply":
        ns.unapply(payment, invoice)
    elif deed == "void_payment":
        ns.void_payment(payment)
    elif deed == "void_memo":
        ns.void_document(memo)
    else:
        ns.delete_document(payment)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(DEEDS + APPLYING), st.integers(1, 50_000), st.sampled_from(["USD", "EUR"])),
        max_size=40,
    )
)
def test_debits_are_credits_in_every_document_and_receivables_are_what_is_open(
    deeds: list[tuple[str, int, str]],
) -> None:
    ns = books()
    ns.set_rate("EUR", "1.0713", date(2026, 10, 1))
    ns.set_rate("EUR", "1.1377", date(2026, 10, 15))
    customers = [ns.add_customer(f"Northfield {symbol}", "", None, symbol) for symbol in ("USD", "EUR")]
    terms = [ns.add_term("Net 30", 30), ns.add_term("2% 10 Net 30", 30, "2", 10)]
    made: dict[str, list[str]] = {"customer": customers, "term": terms, "invoice": [], "payment": [], "memo": []}
    for deed, cents, symbol in deeds:
        try:
            act(ns, deed, cents, symbol, made)
        except (Refusal, KeyError):
            continue

    unbalanced = ns.rows('SELECT "transaction" FROM transactionline GROUP BY "transaction" HAVING SUM(netamount) <> 0')
    assert [] == [tuple(row) for row in unbalanced]
    assert [] == ns.truth()["violations"]
    assert Decimal(0) == sum((Decimal(amount) for amount in ns.balances().values()), Decimal(0))
    for symbol in ("USD", "EUR"):
        assert open_by_documents(ns, symbol) == open_by_account(ns, symbol)


def open_by_account(ns: NetSuite, symbol: str) -> int:
    """The control account's side: its lines in the documents' own currency."""
    sql = """SELECT COALESCE(SUM(l.foreignamount), 0) AS s FROM transactionline l JOIN "transaction" t
             ON t.id = l."transaction" WHERE l._account = ? AND t.currency = ? AND t.posting = 'T'"""
    return int(ns.rows(sql, int(ns.accounts["receivable"]), ns.currency(symbol))[0]["s"])


def open_by_documents(ns: NetSuite, symbol: str) -> int:
    """The customers' side: what invoices owe and what was refunded of nothing (the payment was voided since), less what
    payments, memos and journals have left."""
    found: dict[str, Any] = dict(
        ns.rows(
            """SELECT COALESCE(SUM(foreignamountunpaid), 0) AS owed,
                      COALESCE(SUM(foreignpaymentamountunused), 0) AS left
               FROM "transaction" WHERE currency = ?""",
            ns.currency(symbol),
        )[0]
    )
    sql = """SELECT COALESCE(SUM(l.foreignpaymentamountunused), 0) AS left FROM transactionline l JOIN "transaction" t
             ON t.id = l."transaction" WHERE t.currency = ?"""
    of_journals = ns.rows(sql, ns.currency(symbol))[0]["left"]
    sql = """SELECT COALESCE(SUM(t._amount), 0) AS refunded FROM "transaction" t WHERE t.type = 'CustRfnd'
             AND t.currency = ? AND NOT EXISTS (SELECT 1 FROM nexttransactionlinelink l WHERE l.nextdoc = t.id)"""
    of_nothing = ns.rows(sql, ns.currency(symbol))[0]["refunded"]
    return int(found["owed"] + of_nothing - found["left"] - of_journals)
