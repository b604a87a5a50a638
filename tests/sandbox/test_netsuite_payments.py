"""What a payment may pay in the false account, and what a person's deeds do to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netsuite_account import ACCOUNT, NOW, Account, Soap, served

from sandbox.faults import Faults
from sandbox.netsuite import Guesses, NetSuite
from sandbox.netsuite.amounts import fixed, shortest, units
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, apply


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def applications(account: Account) -> list[tuple[str, str]]:
    return [(one["invoice"], one["amount"]) for payment in account.payments() for one in payment["applications"]]


# ---- applying ----


def test_a_short_pay_leaves_the_rest_open(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "50000.00")

    soap.add(soap.payment(customer, "45000.00", [(invoice, "45000.00")]))

    assert "5000.00" == account.balance(invoice)
    assert [("A", "45000", "5000")] == [
        (row["status"], row["foreignamountpaid"], row["foreignamountunpaid"])
        for row in account.rows(
            "SELECT status, foreignamountpaid, foreignamountunpaid FROM transaction WHERE id = ?", invoice
        )
    ]


def test_an_overpayment_leaves_a_remainder_unapplied(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")

    soap.add(soap.payment(customer, "130.00", [(invoice, "100.00")]))

    payment = account.payments()[0]
    assert ("130.00", "30.00", "0.00") == (payment["amount"], payment["unapplied"], account.balance(invoice))


def test_a_line_without_amount_applies_what_fits(account: Account, soap: Soap) -> None:
    customer = account.customer()
    first, second = account.invoice(customer, "100.00"), account.invoice(customer, "100.00")

    soap.add(soap.payment(customer, "150.00", [(first, None), (second, None)]))

    assert [(first, "100.00"), (second, "50.00")] == applications(account)


@pytest.mark.parametrize(
    "amount, part, code",
    [
        ("100.00", "100.01", "CANT_APPLY_PMT"),  # more than the payment
        ("2000.00", "1000.01", "CANT_APPLY_PMT"),  # more than is due
        ("100.00", "-1.00", "INVALID_TRANS_AMT"),
        ("100.00", "1.005", "INVALID_TRANS_AMT"),
        ("0.00", None, "INVALID_TRANS_AMT"),
        ("10.001", None, "INVALID_TRANS_AMT"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused(
    account: Account, soap: Soap, amount: str, part: str | None, code: str
) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "1000.00")

    status = soap.add(soap.payment(customer, amount, [(invoice, part)] if part else []))[0]

    assert (False, code) == (status.ok, status.code)
    assert ([], "1000.00") == (account.payments(), account.balance(invoice))


@pytest.mark.parametrize("why", ["paid", "voided", "pending", "other customer", "other currency", "no invoice"])
def test_an_invoice_that_is_not_offered_has_no_line_to_apply_to(account: Account, soap: Soap, why: str) -> None:
    customer = account.customer()
    stranger = account.customer("Harbour Analytics")
    invoice = account.invoice(
        stranger if why == "other customer" else customer,
        currency="EUR" if why == "other currency" else "USD",
        approval="pending" if why == "pending" else "approved",
    )
    if why == "paid":
        account.books.pay_by_hand(customer, "1000.00", date(2026, 11, 1), [(invoice, "1000.00")])
    if why == "voided":
        account.books.void(invoice)
    doc = "999999" if why == "no invoice" else invoice

    status = soap.add(soap.payment(customer, "10.00", [(doc, "10.00")], externalId="arc-1"))[0]

    # The caller sent line 0; the text that users report shows what was sent.
    assert f"Unable to find a matching line for sub-list apply with key: [doc,line] and value: [{doc},0]." == (
        status.message
    )
    assert [] == [one for one in account.payments() if one["external_id"]]


def test_a_parent_pays_its_childs_invoice_where_the_account_allows_it() -> None:
    for allowed in (True, False):
        with served(guesses=Guesses(parent_pays_children=allowed)) as account:
            soap = account.soap()
            parent = account.customer("Northfield Group")
            invoice = account.invoice(account.customer("Northfield Robotics", parent=parent))

            assert allowed == soap.add(soap.payment(parent, "10.00", [(invoice, "10.00")]))[0].ok


# ---- replaceAll ----


def paid_in_two(account: Account, soap: Soap) -> tuple[str, str, str]:
    customer = account.customer()
    first, second = account.invoice(customer, "100.00"), account.invoice(customer, "100.00")
    soap.add(soap.payment(customer, "200.00", [(first, "60.00"), (second, "40.00")], externalId="arc-1"))
    return account.payments()[0]["id"], first, second


def test_an_update_without_replace_all_false_unapplies_what_it_does_not_send(account: Account, soap: Soap) -> None:
    payment, first, second = paid_in_two(account, soap)

    # zeep fills in the schema's default, which is true.
    soap.write("updateList", soap.payment(None, None, [(second, "40.00")], replace_all=None, internalId=payment))

    assert [(second, "40.00")] == applications(account)
    assert "100.00" == account.balance(first)


def test_an_update_with_replace_all_false_keeps_what_it_does_not_send(account: Account, soap: Soap) -> None:
    payment, first, second = paid_in_two(account, soap)

    soap.write("updateList", soap.payment(None, None, [(second, "90.00")], replace_all=False, internalId=payment))

    assert [(first, "60.00"), (second, "90.00")] == applications(account)


@pytest.mark.parametrize("amount, apply", [("60.00", False), ("0.00", True)])
def test_a_line_switched_off_or_set_to_zero_is_unapplied(
    account: Account, soap: Soap, amount: str, apply: bool
) -> None:
    payment, first, second = paid_in_two(account, soap)

    soap.write("updateList", soap.payment(None, None, [(first, amount)], apply=apply, internalId=payment))

    assert [(second, "40.00")] == applications(account)


def test_an_update_without_apply_list_leaves_the_applications(account: Account, soap: Soap) -> None:
    payment, first, second = paid_in_two(account, soap)

    status = soap.write("updateList", soap.cust.CustomerPayment(internalId=payment, memo="seen"))[0]

    assert (True, "seen") == (status.ok, account.payments()[0]["memo"])
    assert [(first, "60.00"), (second, "40.00")] == applications(account)


def test_a_payment_cannot_become_smaller_than_what_it_applies(account: Account, soap: Soap) -> None:
    payment, *_ = paid_in_two(account, soap)

    status = soap.write("updateList", soap.payment(None, "99.00", internalId=payment))[0]

    assert "CANT_APPLY_PMT" == status.code
    assert "200.00" == account.payments()[0]["amount"]


def test_an_upsert_again_applies_nothing_twice(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")
    payment = soap.payment(customer, "60.00", [(invoice, "60.00")], externalId="arc-1")

    for _ in range(2):
        assert soap.write("upsertList", payment)[0].ok

    assert [(invoice, "60.00")] == applications(account)
    assert "40.00" == account.balance(invoice)


def test_an_item_list_sent_without_replace_all_false_loses_the_other_lines(account: Account, soap: Soap) -> None:
    lines = [{"description": kind, "amount": "100.00", "kind": kind} for kind in ("subscription", "usage")]
    invoice = account.invoice(account.customer(), lines=lines)
    disputed = soap.core.CustomFieldList([soap.core.BooleanCustomFieldRef(scriptId="custcol_arc_dispute", value=True)])

    def mark(**listed: bool) -> None:
        item = soap.sales.InvoiceItem(line=1, customFieldList=disputed)
        items = soap.sales.InvoiceItemList(item=[item], **listed)
        assert soap.write("updateList", soap.sales.Invoice(internalId=invoice, itemList=items))[0].ok

    mark(replaceAll=False)
    assert "200.00" == account.balance(invoice)
    mark()
    assert "100.00" == account.balance(invoice)


# ---- what is asked of a payment ----


@pytest.mark.parametrize(
    "change, code, named",
    [
        ({"customer": None}, "USER_ERROR", "Customer"),
        ({"amount": None}, "USER_ERROR", "Payment Amount"),
        ({"customer": "424242"}, "INVALID_KEY_OR_REF", "424242"),
    ],
)
def test_what_a_payment_lacks_is_named(
    account: Account, soap: Soap, change: dict[str, str | None], code: str, named: str
) -> None:
    sent = {"customer": account.customer(), "amount": "10.00"} | change

    status = soap.add(soap.payment(sent["customer"], sent["amount"]))[0]

    assert (code, True) == (status.code, named in status.message)


def test_a_payment_falls_on_the_day_of_its_instant_in_the_accounts_zone() -> None:
    with served(guesses=Guesses(zone="America/Los_Angeles")) as account:
        soap = account.soap()
        midnight = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)

        soap.add(soap.payment(account.customer(), "10.00", tranDate=midnight))

        assert "2026-11-01" == account.payments()[0]["on"]


def test_a_closed_period_takes_no_payment_until_it_is_opened(account: Account, soap: Soap) -> None:
    payment = soap.payment(account.customer(), "10.00", tranDate=datetime(2026, 9, 30, tzinfo=UTC))
    account.books.close_period("2026-09")

    refused = soap.add(payment)[0]
    account.books.open_period("2026-09")
    taken = soap.add(payment)[0]

    assert ("TRAN_PERIOD_CLOSED", True) == (refused.code, taken.ok)


def test_a_record_points_only_to_an_invoice_that_is_there(account: Account, soap: Soap) -> None:
    assert "INVALID_KEY_OR_REF" == soap.add(soap.cancellation("arc-1", "999999"))[0].code


# ---- persons ----


def test_a_voided_payment_opens_what_it_paid(account: Account, soap: Soap) -> None:
    payment, first, _ = paid_in_two(account, soap)

    account.books.void_payment(payment)

    assert ("100.00", []) == (account.balance(first), applications(account))
    assert [{"voided": "T", "status": "V", "foreigntotal": "0"}] == account.rows(
        "SELECT voided, status, foreigntotal FROM transaction WHERE id = ?", payment
    )


def test_a_voided_invoice_frees_the_cash_that_paid_it(account: Account, soap: Soap) -> None:
    _, first, _ = paid_in_two(account, soap)

    account.books.void(first)

    assert "160.00" == account.payments()[0]["unapplied"]


def test_a_person_holds_disputes_and_edits_and_soap_shows_it(account: Account, soap: Soap) -> None:
    invoice = account.invoice(account.customer())
    account.books.set_hold(invoice, "legal")
    account.books.dispute_line(invoice, 1, "wrong quantity")
    account.books.edit_invoice(invoice, due_on=date(2026, 12, 1), po="PO-7")

    record = soap.get(soap.ref("invoice", invoice))[0]

    body = {one.scriptId: one.value for one in record.customFieldList.customField}
    line = {one.scriptId: one.value for one in record.itemList.item[0].customFieldList.customField}
    assert (True, "legal") == (body["custbody_arc_hold"], body["custbody_arc_hold_reason"])
    assert (True, "wrong quantity") == (line["custcol_arc_dispute"], line["custcol_arc_dispute_reason"])
    assert (date(2026, 12, 1), "PO-7") == (record.dueDate.date(), record.otherRefNum)


def test_a_hand_made_payment_closes_an_invoice(account: Account) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "1000.00")

    account.books.pay_by_hand(customer, "1000.00", date(2026, 11, 2), [(invoice, "1000.00")], memo="wire")

    truth = account.books.truth()
    assert ("0.00", True) == (truth["invoices"][0]["balance"], truth["invoices"][0]["closed"])
    assert "person" == truth["payments"][0]["made_by"]


def test_every_commit_gets_its_place_in_the_worlds_order(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")

    soap.add(soap.payment(customer, "60.00", [(invoice, "60.00")], externalId="arc-1"), soap.cancellation("arc-2"))

    kinds = [deed.split()[0] for deed in account.deeds]
    assert [
        "netsuite.customer_added",
        "netsuite.invoice_added",
        "netsuite.payment_added",
        "netsuite.payment_applied",
        "netsuite.record_added",
    ] == kinds


# ---- whatever is sent ----

cents = st.integers(0, 300).map(lambda minor: f"{minor // 100}.{minor % 100:02}")
lines_sent = st.lists(st.tuples(st.integers(0, 2), st.none() | cents, st.booleans()), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(lines_sent, st.booleans()), min_size=1, max_size=6))
def test_no_cent_is_applied_twice_or_lost(writes: list[tuple[list[tuple[int, str | None, bool]], bool]]) -> None:
    books = NetSuite(lambda: NOW, lambda _: 1, Faults(), account=ACCOUNT)
    customer = books.add_customer("Northfield Robotics", "", None)
    line = [{"description": "Usage", "amount": "2.00", "kind": "usage"}]
    billed = [books.add_invoice(customer, f"INV-{n}", date(2026, 10, 1), None, line) for n in range(3)]
    payment = int(books.pay_by_hand(customer, "2.50", date(2026, 11, 1)))

    for sent, replace_all in writes:
        applied = [ApplyLine(int(billed[n]), units(part) if part else None, on) for n, part, on in sent]
        with contextlib.suppress(Refusal), books.saving():
            apply(books, payment, applied, replace_all=replace_all)

    truth = books.truth()
    for one in truth["payments"]:
        used = sum(Decimal(part["amount"]) for part in one["applications"])
        assert Decimal(one["amount"]) == used + Decimal(one["unapplied"])
        assert Decimal(one["unapplied"]) >= 0
    for one in truth["invoices"]:
        paid = sum(
            Decimal(part["amount"])
            for payment_seen in truth["payments"]
            for part in payment_seen["applications"]
            if part["invoice"] == one["id"]
        )
        assert Decimal(one["amount"]) - paid == Decimal(one["balance"]) >= 0


# ---- amounts ----


@pytest.mark.parametrize(
    "text, currency, shown, plain",
    [
        ("45000.00", "USD", "45000.00", "45000"),
        ("0.1", "USD", "0.10", "0.1"),
        ("1500", "JPY", "1500", "1500"),
        ("1.234", "KWD", "1.234", "1.234"),
        ("10.005", "USD", "10.0050", "10.005"),
        ("-0.01", "USD", "-0.01", "-0.01"),
    ],
)
def test_an_amount_is_kept_to_the_last_cent(text: str, currency: str, shown: str, plain: str) -> None:
    assert (shown, plain) == (fixed(units(text), currency), shortest(units(text)))


@pytest.mark.parametrize("text", ["", "abc", "NaN", "INF", "1.00001", "1e-9"])
def test_what_is_no_exact_amount_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError):
        units(text)
