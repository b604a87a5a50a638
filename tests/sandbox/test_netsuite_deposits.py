"""Deposits and journal entries over SOAP: what they post, what they refuse, and what people do with money by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from netsuite_account import REAL, Account, Soap, served

from sandbox.netsuite.answers import Refusal

DAY = date(2026, 11, 2)
AT = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def undeposited(account: Account, *amounts: str, currency: str = "USD") -> list[str]:
    customer = account.customer(f"Payer in {currency}", currency=currency)
    return [account.books.pay_by_hand(customer, amount, DAY, account="undeposited") for amount in amounts]


def statuses(account: Account) -> list[str]:
    rows = account.rows("SELECT BUILTIN.DF(status) status FROM transaction WHERE type = ? ORDER BY id", "CustPymt")
    return [row["status"].removeprefix("Customer Payment : ") for row in rows]


# ---- deposits ----


def test_a_payout_becomes_one_deposit_of_payments_less_fees(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    payments = undeposited(account, "100.00", "50.00")

    status = soap.add(
        soap.deposit(ids["bank"], payments, [(ids["fees"], "-4.65")], tranDate=AT, memo="po_1", externalId="arc-dep-1")
    )[0]

    assert ("", "arc-dep-1") == (status.code, status.external_id)
    balances = {role: account.account_balance(role) for role in ("bank", "undeposited", "fees")}
    assert {"bank": "145.35", "undeposited": "0.00", "fees": "4.65"} == balances
    assert ["Deposited", "Deposited"] == statuses(account)
    assert [{"type": "Deposit", "foreigntotal": "145.35", "memo": "po_1"}] == account.rows(
        "SELECT type, foreigntotal, memo FROM transaction WHERE externalid = ?", "arc-dep-1"
    )


def test_a_deposit_out_of_clearing_has_no_payments(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    account.books.pay_by_hand(account.customer(), "100.00", DAY, account="clearing")

    status = soap.add(soap.deposit(ids["bank"], (), [(ids["clearing"], "100.00"), (ids["fees"], "-3.20")]))[0]

    assert status.ok
    balances = {role: account.account_balance(role) for role in ("bank", "clearing", "fees")}
    assert {"bank": "96.80", "clearing": "0.00", "fees": "3.20"} == balances


def test_cash_back_goes_from_the_deposit_to_its_account(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]

    soap.add(soap.deposit(ids["bank"], undeposited(account, "100.00"), cash_back=[(ids["disputes"], "40.00")]))

    assert ["60.00", "40.00"] == [account.account_balance(role) for role in ("bank", "disputes")]


def test_a_deposit_is_read_back_as_it_was_written(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    payments = undeposited(account, "100.00", "50.00")
    status = soap.add(soap.deposit(ids["bank"], payments, [(ids["fees"], "-4.65")], tranDate=AT, externalId="d-1"))[0]

    by_id, by_external_id = soap.get(soap.ref("deposit", status.internal_id), soap.ref("deposit", None, "d-1"))

    assert by_id.internalId == by_external_id.internalId
    assert (145.35, ids["bank"], AT.date()) == (by_id.total, by_id.account.internalId, by_id.tranDate.date())
    listed = [(line.deposit, str(line.id), line.paymentAmount) for line in by_id.paymentList.depositPayment]
    assert [(True, payments[0], 100.0), (True, payments[1], 50.0)] == listed
    assert [(-4.65, ids["fees"])] == [(one.amount, one.account.internalId) for one in by_id.otherList.depositOther]


def test_which_deposit_holds_a_payment_can_be_asked(account: Account, soap: Soap) -> None:
    payments = undeposited(account, "100.00", "50.00")
    deposit = soap.add(soap.deposit(account.profile["accounts"]["bank"], payments))[0].internal_id

    linked = account.rows(
        "SELECT previousdoc, nexttype FROM nexttransactionlinelink WHERE nextdoc = ? ORDER BY previousdoc", deposit
    )

    assert [{"previousdoc": payment, "nexttype": "Deposit"} for payment in payments] == linked


def test_an_external_id_deposits_once(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    first, second = (soap.deposit(ids["bank"], (), [(ids["clearing"], "10.00")], externalId="d-1") for _ in range(2))

    assert [True, "DUP_RCRD"] == [soap.add(first)[0].ok, soap.add(second)[0].code]
    assert "10.00" == account.account_balance("bank")


@pytest.mark.parametrize("amount, ok", [("-99.99", True), ("-100.00", False), ("-100.01", False)])
def test_a_deposit_comes_to_more_than_nothing(account: Account, soap: Soap, amount: str, ok: bool) -> None:
    ids = account.profile["accounts"]

    status = soap.add(soap.deposit(ids["bank"], undeposited(account, "100.00"), [(ids["fees"], amount)]))[0]

    assert (ok, "" if ok else "USER_ERROR") == (status.ok, status.code)
    assert ["Deposited" if ok else "Not Deposited"] == statuses(account)


def test_a_payment_that_does_not_wait_in_undeposited_funds_is_not_offered(account: Account, soap: Soap) -> None:
    bank = account.profile["accounts"]["bank"]
    deposited, voided = undeposited(account, "1.00", "2.00")
    invoice = account.invoice(account.customer("Other"))
    elsewhere = account.books.pay_by_hand(account.customer("Third"), "3.00", DAY, account="clearing")
    soap.add(soap.deposit(bank, [deposited]))
    account.books.void_payment(voided)

    refused = [soap.add(soap.deposit(bank, [one]))[0] for one in (deposited, voided, invoice, elsewhere, "999999")]

    assert {"USER_ERROR"} == {one.code for one in refused}
    assert all("sub-list payment" in one.message for one in refused)


def test_a_payment_in_another_currency_than_the_banks_is_refused(account: Account, soap: Soap) -> None:
    payment = undeposited(account, "100.00", currency="EUR")

    assert "TRANS_FORGN_CRNCY_MISMATCH" == soap.add(soap.deposit(account.profile["accounts"]["bank"], payment))[0].code


def test_a_deposit_in_a_foreign_bank_keeps_that_currency(account: Account, soap: Soap) -> None:
    account.books.set_rate("EUR", "1.10", date(2026, 11, 1))
    account.books.set_rate("EUR", "1.20", date(2026, 11, 4))
    euros = account.books.add_account("1020", "Euro account", "Bank", "EUR")
    payments = undeposited(account, "100.00", currency="EUR")

    soap.add(soap.deposit(euros, payments, [(account.profile["accounts"]["fees"], "-10.00")], tranDate=AT))

    assert "90.00" == account.books.balances()[euros]
    # 100 came in at 1.10 and left at 1.20: ten dollars of gain; the fee is booked at the deposit's rate.
    assert ["0.00", "12.00", "-10.00"] == [account.account_balance(role) for role in ("undeposited", "fees", "gain")]


@pytest.mark.parametrize(
    "what, code, named",
    [
        ({"account": None}, "USER_ERROR", "Account"),
        ({"account": "999"}, "INVALID_KEY_OR_REF", "999"),
        ({"account": "fees"}, "INVALID_KEY_OR_REF", "account"),
        ({"others": [("999", "10.00")]}, "INVALID_KEY_OR_REF", "999"),
        ({"others": [("clearing", "0.00")]}, "INVALID_TRANS_AMT", "amount"),
        ({"others": [("clearing", "10.005")]}, "INVALID_TRANS_AMT", "10.005"),
        ({"others": []}, "USER_ERROR", "total"),
    ],
)
def test_what_a_deposit_lacks_is_named(
    account: Account, soap: Soap, what: dict[str, object], code: str, named: str
) -> None:
    ids = account.profile["accounts"]
    sent = {"account": "bank", "others": [("clearing", "10.00")]} | what
    key = ids.get(sent["account"], sent["account"])
    others = [(ids.get(one, one), amount) for one, amount in sent["others"]]

    status = soap.add(soap.deposit(key, (), others))[0]

    assert (code, True) == (status.code, named in status.message)
    assert "0.00" == account.account_balance("bank")


def test_a_closed_period_takes_no_deposit_and_a_lock_of_receivables_does_not_matter(
    account: Account, soap: Soap
) -> None:
    ids = account.profile["accounts"]
    deposit = soap.deposit(ids["bank"], (), [(ids["clearing"], "10.00")], tranDate=AT)
    account.books.close_period("2026-11")

    refused = soap.add(deposit)[0]
    account.books.open_period("2026-11")
    account.books.lock_ar("2026-11")

    assert ("TRAN_PERIOD_CLOSED", True) == (refused.code, soap.add(deposit)[0].ok)


def test_a_deposited_payment_can_still_be_applied_and_not_be_changed(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")
    payment = account.books.pay_by_hand(customer, "100.00", DAY, account="undeposited")
    soap.add(soap.deposit(account.profile["accounts"]["bank"], [payment]))

    smaller = soap.write("updateList", soap.payment(None, "90.00", internalId=payment))[0]
    applied = soap.write("updateList", soap.payment(None, None, [(invoice, "100.00")], internalId=payment))[0]

    assert ("CANT_EDIT_CUST_PMT", True, "0.00") == (smaller.code, applied.ok, account.balance(invoice))
    with pytest.raises(Refusal, match="CANT_EDIT_CUST_PMT"):
        account.books.void_payment(payment)


def test_a_voided_deposit_gives_its_payments_back(account: Account, soap: Soap) -> None:
    bank = account.profile["accounts"]["bank"]
    payment = undeposited(account, "100.00")
    deposit = soap.add(soap.deposit(bank, payment))[0].internal_id

    account.books.void_document(deposit)

    assert ["0.00", "100.00"] == [account.account_balance(role) for role in ("bank", "undeposited")]
    assert ["Not Deposited"] == statuses(account)
    assert soap.add(soap.deposit(bank, payment))[0].ok


# ---- journals ----


def test_a_journal_balances_and_is_read_back(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    lines = [(ids["clearing"], "30.00", ""), (ids["fees"], "1.50", ""), (ids["bank"], "", "31.50")]

    status = soap.add(soap.journal(lines, tranDate=AT, memo="negative payout po_9", externalId="arc-j-1"))[0]

    assert status.ok
    assert ["30.00", "1.50", "-31.50"] == [account.account_balance(role) for role in ("clearing", "fees", "bank")]
    record = soap.get(soap.ref("journalEntry", None, "arc-j-1"))[0]
    read = [(one.account.internalId, one.debit, one.credit) for one in record.lineList.line]
    assert [(ids["clearing"], 30.0, None), (ids["fees"], 1.5, None), (ids["bank"], None, 31.5)] == read
    assert ("negative payout po_9", True) == (record.memo, record.approved)


@pytest.mark.parametrize(
    "lines, code",
    [
        ([("fees", "10.00", ""), ("bank", "", "9.99")], "JE_AMOUNTS_MUST_BALANCE"),
        ([("fees", "10.00", "10.00")], "USER_ERROR"),
        ([("fees", "", ""), ("bank", "", "")], "USER_ERROR"),
        ([("fees", "-1.00", ""), ("bank", "", "-1.00")], "USER_ERROR"),
        ([], "USER_ERROR"),
        ([("receivable", "10.00", ""), ("bank", "", "10.00")], "USER_ERROR"),
        ([("999", "10.00", ""), ("bank", "", "10.00")], "INVALID_KEY_OR_REF"),
    ],
)
def test_a_journal_that_is_none_is_refused(
    account: Account, soap: Soap, lines: list[tuple[str, str, str]], code: str
) -> None:
    ids = account.profile["accounts"]
    named = [(ids.get(one, one), debit, credit) for one, debit, credit in lines]

    assert code == soap.add(soap.journal(named))[0].code
    assert "0.00" == account.account_balance("bank")


def test_an_external_id_makes_one_journal(account: Account, soap: Soap) -> None:
    ids = account.profile["accounts"]
    lines = [(ids["fees"], "1.00", ""), (ids["bank"], "", "1.00")]

    codes = [soap.add(soap.journal(lines, externalId="arc-j-1"))[0].code for _ in range(2)]

    assert ["", "DUP_RCRD"] == codes


@pytest.mark.skipif(not REAL.is_dir(), reason="the vendor's 2023.2 contract is not on this machine")
def test_deposits_and_journals_on_the_vendors_own_contract() -> None:
    with served(wsdl_dir=REAL) as account:
        soap, ids = account.soap(), account.profile["accounts"]
        payments = undeposited(account, "100.00")

        statuses = soap.add(
            soap.deposit(ids["bank"], payments, [(ids["fees"], "-3.20")], externalId="d-1"),
            soap.journal([(ids["fees"], "1.00", ""), (ids["bank"], "", "1.00")], externalId="j-1"),
        )

        assert [True, True] == [one.ok for one in statuses]
        refs = [soap.ref("deposit", None, "d-1"), soap.ref("journalEntry", None, "j-1")]
        assert [96.8, "JE"] == [
            one.total if one.internalId == statuses[0].internal_id else one.tranId[:2] for one in soap.get(*refs)
        ]


# ---- by hand ----


def test_a_refund_takes_what_is_unapplied_and_no_more(account: Account, soap: Soap) -> None:
    payment = account.books.pay_by_hand(account.customer(), "100.00", DAY, account="clearing")

    refund = account.books.refund_by_hand(payment, "40.00", DAY)

    assert ["60.00", "-60.00"] == [account.account_balance(role) for role in ("clearing", "receivable")]
    assert ["60.00"] == [one["unapplied"] for one in account.payments()]
    record = soap.get(soap.ref("customerRefund", refund))[0]
    applied = [(str(line.doc), line.amount) for line in record.applyList.apply]
    assert (40.0, [(payment, 40.0)]) == (record.total, applied)
    with pytest.raises(Refusal, match=r"60\.00 is unapplied"):
        account.books.refund_by_hand(payment, "60.01", DAY)


def test_the_role_of_the_integration_makes_no_refunds(account: Account, soap: Soap) -> None:
    refund = soap.cust.CustomerRefund(customer=soap.core.RecordRef(internalId=account.customer()))

    assert "INSUFFICIENT_PERMISSION" == soap.add(refund)[0].code


@pytest.mark.parametrize("by, kind", [("memo", "CustCred"), ("journal", "Journal")])
def test_a_write_off_closes_the_invoice_against_bad_debt(account: Account, by: str, kind: str) -> None:
    invoice = account.invoice(account.customer(), "100.00")

    written = account.books.write_off(invoice, date(2026, 11, 9), by=by)

    assert ["0.00", "100.00"] == [account.account_balance(role) for role in ("receivable", "bad_debt")]
    assert [{"type": kind}] == account.rows("SELECT type FROM transaction WHERE id = ?", written)
    assert [{"status": "B", "closed": "2026-11-09"}] == account.rows(
        "SELECT status, TO_CHAR(closedate, 'YYYY-MM-DD') closed FROM transaction WHERE id = ?", invoice
    )


def test_part_of_an_invoice_is_written_off_and_no_more_than_is_due(account: Account) -> None:
    invoice = account.invoice(account.customer(), "100.00")

    account.books.write_off(invoice, DAY, "30.00")

    assert "70.00" == account.balance(invoice)
    with pytest.raises(Refusal, match=r"70\.00 is due"):
        account.books.write_off(invoice, DAY, "70.01")


def test_others_post_under_their_own_ids(account: Account) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")
    account.books.stripe_connector_posts("ch_1", "60.00", customer, DAY, invoice)
    account.books.billing_platform_posts("bp-7", "60.00", customer, DAY, invoice, charge="ch_2")

    rows = account.rows("SELECT externalid, memo FROM transaction WHERE type = 'CustPymt' ORDER BY id")

    assert [
        {"externalid": "ch_1", "memo": "ch_1"},
        {"externalid": "bp-7", "memo": "Billing platform payment bp-7 ch_2"},
    ] == rows
    assert ["stripe connector", "billing platform"] == [one["made_by"] for one in account.payments()]
    assert ["60.00", "40.00"] == [one["applications"][0]["amount"] for one in account.payments()]


def test_a_person_deposits_a_payout_and_names_it(account: Account) -> None:
    payments = undeposited(account, "100.00")

    account.books.deposit_by_hand(DAY, payments, [{"account": "fees", "amount": "-3.20"}], payout="po_1")

    assert [{"memo": "Stripe payout po_1", "foreigntotal": "96.8"}] == account.rows(
        "SELECT memo, foreigntotal FROM transaction WHERE type = 'Deposit'"
    )
    made = account.books.truth()["deposits"][0]
    assert (payments, [("-3.20", "6100")]) == (
        made["payments"],
        [(line["amount"], number(account, line["account"])) for line in made["lines"]],
    )


def number(account: Account, key: str) -> str:
    return account.rows("SELECT acctnumber FROM account WHERE id = ?", key)[0]["acctnumber"]


def test_a_day_that_closed_an_invoice_goes_when_it_is_open_again(account: Account) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00")
    payment = account.books.pay_by_hand(customer, "100.00", date(2026, 11, 9), [(invoice, "100.00")])
    query = "SELECT TO_CHAR(closedate, 'YYYY-MM-DD') closed FROM transaction WHERE id = ?"

    closed = account.rows(query, invoice)
    account.books.void_payment(payment)

    assert [[{"closed": "2026-11-09"}], [{}]] == [closed, account.rows(query, invoice)]
