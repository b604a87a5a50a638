"""Credit memos in the false account: used with cash in a payment, applied by a person, made from an invoice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netsuite_account import ACCOUNT, NOW, REAL, Account, Soap, served

from sandbox.faults import Faults
from sandbox.netsuite import Guesses, NetSuite
from sandbox.netsuite.amounts import units
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, CreditLine, Lists, apply_lists, apply_memo
from sandbox.netsuite.settling import Part, shared_out

DAY = date(2026, 11, 20)
LINKS = """SELECT previousdoc, nextdoc, nexttype, foreignamount FROM nexttransactionlinelink
           WHERE linktype = 'Payment' ORDER BY previousdoc, nextdoc"""


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account
        assert [] == account.books.truth()["violations"]


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def links(account: Account) -> list[tuple[str, str, str]]:
    """(invoice, what is applied to it, how much)."""
    return [(row["previousdoc"], row["nextdoc"], row["foreignamount"]) for row in account.rows(LINKS)]


def unapplied(account: Account, payment: str) -> str:
    return next(str(one["unapplied"]) for one in account.payments() if one["id"] == payment)


# ---- cash and credits together ----


def test_cash_and_a_credit_settle_an_invoice_together(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer, "1000.00"), account.memo(customer, "300.00")

    made = soap.add(soap.payment(customer, "700.00", [(invoice, "1000.00")], credits=[(memo, "300.00")]))[0]

    assert made.ok, made.message
    assert ("0.00", "0.00", "0.00") == (
        account.balance(invoice),
        account.left(memo),
        unapplied(account, made.internal_id),
    )
    assert [(invoice, memo, "300"), (invoice, made.internal_id, "700")] == sorted(
        links(account), key=lambda link: int(link[1])
    )
    assert "0.00" == account.account_balance("receivable")


def test_a_payment_is_read_back_with_both_lists(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer, "1000.00", "INV-7"), account.memo(customer, "300.00", "CM-7")
    made = soap.add(soap.payment(customer, "800.00", [(invoice, "1000.00")], credits=[(memo, "250.00")]))[0]

    record = soap.get(soap.ref("customerPayment", made.internal_id))[0]

    line, credit = record.applyList.apply[0], record.creditList.credit[0]
    assert (int(invoice), "INV-7", 1000.0, 1000.0) == (line.doc, line.refNum, line.due, line.amount)
    assert (int(memo), "CM-7", "INV-7") == (credit.doc, credit.refNum, credit.appliedTo)
    assert (300.0, 300.0, 250.0) == (credit.total, credit.due, credit.amount)
    assert (800.0, 1050.0, 1000.0, 50.0) == (record.payment, record.total, record.applied, record.unapplied)


def test_what_is_not_applied_of_cash_and_credits_stays_as_cash(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer, "900.00"), account.memo(customer, "300.00")

    made = soap.add(soap.payment(customer, "700.00", [(invoice, "900.00")], credits=[(memo, "300.00")]))[0]

    assert ("100.00", "0.00") == (unapplied(account, made.internal_id), account.left(memo))


def test_a_credit_without_an_amount_is_used_up(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer, "1000.00"), account.memo(customer, "300.00")

    soap.add(soap.payment(customer, "100.00", [(invoice, None)], credits=[(memo, None)]))

    assert ("600.00", "0.00") == (account.balance(invoice), account.left(memo))


def test_an_invoice_that_a_credit_settles_alone_has_no_link_of_the_payment(account: Account, soap: Soap) -> None:
    customer = account.customer()
    first, second = account.invoice(customer, "100.00"), account.invoice(customer, "50.00")
    memo = account.memo(customer, "100.00")

    made = soap.add(soap.payment(customer, "50.00", [(first, "100.00"), (second, "50.00")], credits=[(memo, "100.00")]))

    assert [(first, memo, "100"), (second, made[0].internal_id, "50")] == links(account)
    record = soap.get(soap.ref("customerPayment", made[0].internal_id))[0]
    assert [(int(first), 100.0), (int(second), 50.0)] == [(line.doc, line.amount) for line in record.applyList.apply]


def test_an_account_may_show_the_payments_own_money_alone() -> None:
    with served(guesses=Guesses(apply_lines_show_credits=False)) as account:
        soap, customer = account.soap(), account.customer()
        first, second = account.invoice(customer, "300.00"), account.invoice(customer, "100.00")
        memo = account.memo(customer, "350.00")
        applied = [(first, "300.00"), (second, "100.00")]
        made = soap.add(soap.payment(customer, "50.00", applied, credits=[(memo, "350.00")]))[0]

        record = soap.get(soap.ref("customerPayment", made.internal_id))[0]

        assert [(int(second), 50.0, 100.0)] == [(line.doc, line.amount, line.due) for line in record.applyList.apply]
        assert [(int(memo), 350.0)] == [(line.doc, line.amount) for line in record.creditList.credit]


def test_an_account_may_show_what_could_be_applied_too() -> None:
    with served(guesses=Guesses(lists_show_what_is_open=True)) as account:
        soap, customer = account.soap(), account.customer()
        paid, opened = account.invoice(customer, "300.00"), account.invoice(customer, "100.00")
        used, free = account.memo(customer, "50.00"), account.memo(customer, "70.00")
        account.invoice(account.customer("Harbour"))
        made = soap.add(soap.payment(customer, "250.00", [(paid, "300.00")], credits=[(used, "50.00")]))[0]

        record = soap.get(soap.ref("customerPayment", made.internal_id))[0]

        assert [(int(paid), True, 300.0), (int(opened), False, None)] == [
            (line.doc, line.apply, line.amount) for line in record.applyList.apply
        ]
        assert [(int(used), True, 50.0), (int(free), False, None)] == [
            (line.doc, line.apply, line.amount) for line in record.creditList.credit
        ]


# ---- what is refused ----


REASONS = "other customer,child,other currency,other receivables,voided,used up,an invoice,no document"


@pytest.mark.parametrize("why", REASONS.split(","))
def test_a_credit_that_is_not_offered_has_no_line(account: Account, soap: Soap, why: str) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)
    control = account.books.add_account("1110", "Other receivables", "AcctRec")
    other = account.customer("Harbour", parent=customer if why == "child" else None)
    made: dict[str, Any] = {"other currency": {"currency": "EUR"}, "other receivables": {"ar_account": control}}
    memo = account.memo(other if why in ("other customer", "child") else customer, **made.get(why, {}))
    if why == "voided":
        account.books.void_document(memo)
    if why == "used up":
        account.books.apply_credit(memo, {account.invoice(customer): "300.00"})
    doc = {"an invoice": invoice, "no document": "999999"}.get(why, memo)

    status = soap.add(soap.payment(customer, "700.00", [(invoice, "800.00")], credits=[(doc, "100.00")]))[0]

    said = f"Unable to find a matching line for sub-list credit with key: [doc,line] and value: [{doc},0]."
    assert ("USER_ERROR", said) == (status.code, status.message)
    assert ([], "1000.00") == (account.payments(), account.balance(invoice))


def test_a_credit_of_another_subsidiary_has_no_line(account: Account, soap: Soap) -> None:
    daughter = account.books.add_subsidiary("Daughter", "USD")
    customer = account.customer()
    moved = account.memo(customer, "300.00")
    account.books.edit_customer(customer, subsidiary=daughter)
    invoice = account.invoice(customer)

    status = soap.add(soap.payment(customer, "700.00", [(invoice, "800.00")], credits=[(moved, "100.00")]))[0]

    assert (False, True) == (status.ok, "sub-list credit" in status.message)


def test_a_parent_uses_its_childs_credit_where_the_account_allows_it() -> None:
    with served(guesses=Guesses(parent_uses_childrens_credits=True)) as account:
        soap = account.soap()
        parent = account.customer("Northfield Group")
        child = account.customer("Northfield Robotics", parent=parent)
        invoice, memo = account.invoice(child, "100.00"), account.memo(child, "30.00")

        assert soap.add(soap.payment(parent, "70.00", [(invoice, "100.00")], credits=[(memo, "30.00")]))[0].ok


@pytest.mark.parametrize(
    "cash, applied, credit, code, said",
    [
        ("700.00", "1000.00", "300.01", "CANT_APPLY_PMT", "300.00 is due"),
        ("700.00", "1000.00", "299.99", "CANT_APPLY_PMT", "more than the 999.99"),
        ("700.00", "200.00", "300.00", "CANT_APPLY_PMT", "more than the 200.00 that is applied"),
        ("700.00", "1000.00", "-1.00", "INVALID_TRANS_AMT", "-1.00"),
        ("700.00", "1000.00", "1.005", "INVALID_TRANS_AMT", "1.005"),
        ("0.00", "300.00", "300.00", "INVALID_TRANS_AMT", "payment: 0.00"),
    ],
)
def test_amounts_that_do_not_fit_are_refused(
    account: Account, soap: Soap, cash: str, applied: str, credit: str, code: str, said: str
) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer), account.memo(customer)

    status = soap.add(soap.payment(customer, cash, [(invoice, applied)], credits=[(memo, credit)]))[0]

    assert (code, True) == (status.code, said in status.message), status
    assert ([], "1000.00", "300.00") == (account.payments(), account.balance(invoice), account.left(memo))


@pytest.mark.parametrize("allowed", [False, True])
def test_a_credit_of_a_closed_period_is_used_only_where_the_period_allows_it(
    account: Account, soap: Soap, allowed: bool
) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer), account.memo(customer, on=date(2026, 9, 15))
    account.books.close_period("2026-09", allow_non_gl_changes=allowed)

    status = soap.add(soap.payment(customer, "700.00", [(invoice, "1000.00")], credits=[(memo, "300.00")]))[0]

    assert (allowed, "" if allowed else "TRAN_PERIOD_CLOSED") == (status.ok, status.code)


# ---- updates ----


def paid(account: Account, soap: Soap) -> tuple[str, str, str, str]:
    """A payment of 500 that pays 600 of an invoice of 1000, with 100 of a memo of 300; and another memo."""
    customer = account.customer()
    invoice, memo, other = account.invoice(customer), account.memo(customer), account.memo(customer, "50.00")
    made = soap.add(soap.payment(customer, "500.00", [(invoice, "600.00")], credits=[(memo, "100.00")]))[0]
    return made.internal_id, invoice, memo, other


def test_an_update_adds_a_credit_and_leaves_the_others(account: Account, soap: Soap) -> None:
    payment, invoice, memo, other = paid(account, soap)

    update = soap.payment(None, None, [(invoice, "650.00")], credits=[(other, "50.00")], internalId=payment)
    assert soap.write("updateList", update)[0].ok

    assert ("350.00", "200.00", "0.00") == (account.balance(invoice), account.left(memo), account.left(other))
    assert "0.00" == unapplied(account, payment)


def test_an_update_of_the_applications_alone_leaves_the_credits(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    assert soap.write("updateList", soap.payment(None, None, [(invoice, "400.00")], internalId=payment))[0].ok

    assert ("600.00", "200.00", "200.00") == (
        account.balance(invoice),
        account.left(memo),
        unapplied(account, payment),
    )


def test_credits_that_are_not_sent_are_freed_where_the_list_replaces_all(account: Account, soap: Soap) -> None:
    payment, invoice, memo, other = paid(account, soap)

    # zeep fills in the schema's default, which is true.
    update = soap.payment(
        None, None, [(invoice, "550.00")], credits=[(other, "50.00")], replace_all=None, internalId=payment
    )
    assert soap.write("updateList", update)[0].ok

    assert ("450.00", "300.00", "0.00") == (account.balance(invoice), account.left(memo), account.left(other))


def test_a_line_taken_away_from_under_a_credit_is_refused(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    update = soap.payment(None, None, [(invoice, "600.00")], apply=False, internalId=payment)
    status = soap.write("updateList", update)[0]

    assert ("CANT_APPLY_PMT", "400.00", "200.00") == (status.code, account.balance(invoice), account.left(memo))


def test_both_lists_switched_off_free_both(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    update = soap.payment(
        None, None, [(invoice, "600.00")], credits=[(memo, "100.00")], apply=False, internalId=payment
    )
    assert soap.write("updateList", update)[0].ok

    assert ("1000.00", "300.00") == (account.balance(invoice), account.left(memo))
    assert ([], "500.00") == (links(account), unapplied(account, payment))


def test_an_upsert_again_uses_no_credit_twice(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer), account.memo(customer)
    sent = soap.payment(customer, "500.00", [(invoice, "600.00")], credits=[(memo, "100.00")], externalId="arc-1")

    for _ in range(2):
        assert soap.write("upsertList", sent)[0].ok

    assert ("400.00", "200.00", 1) == (account.balance(invoice), account.left(memo), len(account.payments()))


# ---- persons ----


@pytest.mark.parametrize("deed", ["void_payment", "delete_document"])
def test_a_payment_that_goes_frees_its_credits_and_opens_its_invoices(account: Account, soap: Soap, deed: str) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    getattr(account.books, deed)(payment)

    assert ("1000.00", "300.00", []) == (account.balance(invoice), account.left(memo), links(account))
    rows = account.rows("SELECT voided FROM transaction WHERE id = ?", payment)
    assert rows == ([{"voided": "T"}] if deed == "void_payment" else [])


def test_the_id_of_a_deleted_document_is_never_given_again(account: Account) -> None:
    customer = account.customer()
    gone = account.books.enter_payment(customer, "1.00", DAY)
    account.books.delete_document(gone)

    assert int(gone) + 1 == int(account.books.enter_payment(customer, "1.00", DAY))


def test_a_voided_memo_opens_what_it_settled_and_leaves_the_cash(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    account.books.void_document(memo)

    assert ("500.00", "0.00") == (account.balance(invoice), unapplied(account, payment))
    assert [(invoice, payment, "500")] == links(account)


def test_a_voided_invoice_frees_cash_and_credit(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    account.books.void(invoice)

    assert ("500.00", "300.00") == (unapplied(account, payment), account.left(memo))


def test_an_invoice_that_is_paid_cannot_be_deleted(account: Account, soap: Soap) -> None:
    _, invoice, *_ = paid(account, soap)

    with pytest.raises(Refusal, match="others are applied to it"):
        account.books.delete_document(invoice)


def test_a_person_applies_a_memo_by_itself_and_takes_it_off_again(account: Account, soap: Soap) -> None:
    customer = account.customer()
    old, new = account.invoice(customer, "200.00", "INV-OLD"), account.invoice(customer, issued_on=date(2026, 10, 9))
    memo = account.memo(customer)

    account.books.apply_credit(memo, fifo=True)

    record = soap.get(soap.ref("creditMemo", memo))[0]
    assert [(int(old), "INV-OLD", 200.0), (int(new), 100.0)] == [
        (record.applyList.apply[0].doc, record.applyList.apply[0].refNum, record.applyList.apply[0].amount),
        (record.applyList.apply[1].doc, record.applyList.apply[1].amount),
    ]
    assert (300.0, 0.0, "Fully Applied") == (record.applied, record.unapplied, record.status)
    account.books.unapply(memo, new)
    assert ("0.00", "1000.00", "100.00") == (account.balance(old), account.balance(new), account.left(memo))


@pytest.mark.parametrize(
    "amount, said", [("300.01", "more than the 300.00"), ("1000.01", "1000.00 is due"), ("-1.00", "-1.00 is not")]
)
def test_a_memo_settles_no_more_than_it_has(account: Account, amount: str, said: str) -> None:
    customer = account.customer()
    invoice, memo = account.invoice(customer), account.memo(customer)

    with pytest.raises(Refusal, match=said):
        account.books.apply_credit(memo, {invoice: amount})

    assert "1000.00" == account.balance(invoice)


def test_a_memo_used_with_a_payment_and_by_itself_is_two_links(account: Account, soap: Soap) -> None:
    payment, invoice, memo, _ = paid(account, soap)

    account.books.apply_credit(memo, {invoice: "200.00"})

    assert ("200.00", "0.00") == (account.balance(invoice), account.left(memo))
    assert [(payment, "100.00"), ("", "200.00")] == sorted(
        ((one["payment"], one["amount"]) for one in account.books.truth()["credits"][0]["applications"]), reverse=True
    )
    account.books.void_payment(payment)
    assert ("800.00", "100.00") == (account.balance(invoice), account.left(memo))


# ---- made from an invoice ----


def test_a_memo_made_from_an_invoice_says_so_everywhere(account: Account, soap: Soap) -> None:
    control = account.books.add_account("1110", "Other receivables", "AcctRec")
    customer = account.customer()
    invoice = account.invoice(customer, "1000.00", ar_account=control)

    memo = account.books.credit_invoice(invoice, DAY, "120.00", memo="wrong quantity")

    record = soap.get(soap.ref("creditMemo", memo))[0]
    assert (invoice, "wrong quantity", control) == (
        record.createdFrom.internalId,
        record.memo,
        record.account.internalId,
    )
    assert account.books.first_subsidiary == record.subsidiary.internalId
    query = "SELECT l.createdfrom FROM transactionline l WHERE l.transaction = ? AND l.mainline = 'T'"
    assert [{"createdfrom": invoice}] == account.rows(query, memo)
    query = "SELECT linktype, previousdoc, nexttype FROM nexttransactionlinelink WHERE nextdoc = ?"
    assert [{"linktype": "SaleRet", "previousdoc": invoice, "nexttype": "CustCred"}] == account.rows(query, memo)
    # It is no application: the invoice owes what it did.
    assert ("1000.00", "120.00") == (account.balance(invoice), account.left(memo))


def test_a_memo_may_be_applied_to_its_invoice_at_once(account: Account) -> None:
    invoice = account.invoice(account.customer(), "1000.00")

    memo = account.books.credit_invoice(invoice, DAY, apply=True)

    assert ("0.00", "0.00") == (account.balance(invoice), account.left(memo))


# ---- another currency ----


def test_in_another_currency_credits_leave_nothing_on_receivables(account: Account, soap: Soap) -> None:
    for on, rate in ((date(2026, 10, 1), "1.10"), (date(2026, 10, 15), "1.20"), (date(2026, 11, 1), "1.05")):
        account.books.set_rate("EUR", rate, on)
    customer = account.customer(currency="EUR")
    invoice = account.invoice(customer, "1000.00", currency="EUR")
    memo = account.memo(customer, "300.00")

    made = soap.add(soap.payment(customer, "700.00", [(invoice, "1000.00")], credits=[(memo, "300.00")]))[0]

    assert made.ok, made.message
    # The memo took 360 off receivables for 330 of the invoice; the payment brought 735 for 770.
    assert ("0.00", "5.00") == (account.account_balance("receivable"), account.account_balance("gain"))
    account.books.void_payment(made.internal_id)
    assert ("740.00", "0.00") == (account.account_balance("receivable"), account.account_balance("gain"))


# ---- the vendor's own contract ----


@pytest.mark.skipif(not REAL.is_dir(), reason="the vendor's 2023.2 contract is not on this machine")
def test_credits_and_discounts_go_both_ways_in_the_vendors_own_words() -> None:
    with served(wsdl_dir=REAL) as account:
        soap, customer = account.soap(), account.customer()
        term = account.books.add_term("2% 60 Net 90", 90, "2", 60)
        invoice, memo = account.invoice(customer, terms_id=term), account.memo(customer, memo="returned")
        sent = soap.payment(
            customer, "680.00", [(invoice, "980.00")], credits=[(memo, "300.00")], discounts={invoice: "20.00"}
        )
        made = soap.add(sent)[0]
        sent.depositList = soap.cust.CustomerPaymentDepositList(
            deposit=[soap.cust.CustomerPaymentDeposit(apply=True, doc=1)], replaceAll=False
        )

        payment, billed, credit = soap.get(
            soap.ref("customerPayment", made.internal_id), soap.ref("invoice", invoice), soap.ref("creditMemo", memo)
        )

        assert "does not play depositList" in soap.add(sent)[0].message
        assert (980.0, 20.0, 300.0) == (
            payment.applyList.apply[0].amount,
            payment.applyList.apply[0].disc,
            payment.creditList.credit[0].amount,
        )
        assert (20.0, 0.0) == (billed.discountAmount, billed.amountRemaining)
        assert (300.0, int(invoice)) == (credit.applied, credit.applyList.apply[0].doc)


# ---- whatever is done ----

cents = st.integers(0, 300).map(lambda minor: f"{minor // 100}.{minor % 100:02}")
line_sent = st.tuples(st.integers(0, 2), st.none() | cents, st.booleans())
write_sent = st.tuples(
    st.lists(line_sent, max_size=3), st.lists(line_sent, max_size=3), st.booleans(), st.booleans(), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(write_sent, min_size=1, max_size=6))
def test_no_cent_is_used_twice_or_lost(writes: list[tuple[Any, Any, bool, bool, bool]]) -> None:
    books = NetSuite(lambda: NOW, lambda _: 1, Faults(), account=ACCOUNT)
    customer = books.add_customer("Northfield Robotics", "", None)
    line = [{"description": "Usage", "amount": "2.00", "kind": "usage"}]
    billed = [int(books.add_invoice(customer, f"INV-{n}", date(2026, 10, 1), None, line)) for n in range(3)]
    memos = [int(books.add_credit_memo(customer, f"CM-{n}", date(2026, 10, 1), "1.50")) for n in range(3)]
    payment = int(books.pay_by_hand(customer, "2.50", date(2026, 11, 1)))

    for lines, credits, replace_lines, replace_credits, by_itself in writes:
        applied = tuple(ApplyLine(billed[n], units(part) if part else None, on) for n, part, on in lines)
        used = tuple(CreditLine(memos[n], units(part) if part else None, on) for n, part, on in credits)
        with contextlib.suppress(Refusal), books.saving():
            if by_itself:
                apply_memo(books, memos[0], applied)
            else:
                apply_lists(books, payment, Lists(applied, used, replace_lines, replace_credits))

    truth = books.truth()
    assert [] == truth["violations"]
    for one in (*truth["payments"], *truth["credits"]):
        assert Decimal(one["amount"]) == _applied(one) + Decimal(one["unapplied"]) >= _applied(one)
    for invoice in truth["invoices"]:
        settled = sum(_applied(one, invoice["id"]) for one in (*truth["payments"], *truth["credits"]))
        assert Decimal(invoice["amount"]) - settled == Decimal(invoice["balance"]) >= 0


def _applied(money: dict[str, Any], invoice: str = "") -> Decimal:
    parts = [part for part in money["applications"] if invoice in ("", part["invoice"])]
    return sum((Decimal(part["amount"]) for part in parts), Decimal(0))


@given(
    st.dictionaries(st.integers(1, 4), st.integers(1, 50), max_size=4),
    st.dictionaries(st.integers(11, 14), st.integers(1, 50), max_size=4),
    st.dictionaries(st.tuples(st.integers(11, 15), st.integers(1, 5)), st.integers(1, 60), max_size=6),
)
def test_credits_are_shared_out_to_the_last_unit(
    lines: dict[int, int], credits: dict[int, int], before: dict[tuple[int, int], int]
) -> None:
    credits = credits if sum(credits.values()) <= sum(lines.values()) else {}

    shares = shared_out({doc: Part(amount) for doc, amount in lines.items()}, credits, before)

    for credit, amount in credits.items():
        assert amount == sum(share for (one, _), share in shares.items() if one == credit)
    for doc, amount in lines.items():
        assert amount >= sum(share for (_, one), share in shares.items() if one == doc)
    assert {one for one, _ in shares} <= set(credits)
    # Sharing out once more moves nothing.
    assert shares == shared_out({doc: Part(amount) for doc, amount in lines.items()}, credits, shares)
