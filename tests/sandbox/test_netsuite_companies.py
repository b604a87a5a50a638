"""Subsidiaries, periods, the integration's role, and what else an account has or hasn't got."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from netsuite_account import Account, Soap, served

from sandbox.netsuite import Guesses

DAY = date(2026, 11, 2)
SEPTEMBER = datetime(2026, 9, 15, 12, tzinfo=UTC)


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


# ---- subsidiaries ----


def abroad(account: Account) -> tuple[str, str]:
    """A subsidiary kept in euros, and a customer of it."""
    subsidiary = account.books.add_subsidiary("Daughter", "EUR")
    return subsidiary, account.customer("Harrow Optics", currency="EUR", subsidiary=subsidiary)


def test_a_document_is_posted_in_its_subsidiarys_own_currency(account: Account) -> None:
    subsidiary, customer = abroad(account)
    invoice = account.invoice(customer, "100.00", currency="EUR")

    rows = account.rows(
        """SELECT l.subsidiary, tal.amount FROM transactionline l, transactionaccountingline tal
           WHERE l.transaction = tal.transaction AND l.id = tal.transactionline AND l.transaction = ? AND l.id = 0""",
        invoice,
    )

    assert [{"subsidiary": subsidiary, "amount": "100"}] == rows


@pytest.mark.parametrize("field", ["subsidiary", "account"])
def test_a_payment_stays_in_its_subsidiary(account: Account, soap: Soap, field: str) -> None:
    subsidiary, customer = abroad(account)
    bank = account.profile["accounts"]["bank"]
    given = {"subsidiary": account.books.first_subsidiary, "account": bank}[field]

    status = soap.add(soap.payment(customer, "10.00", **{field: soap.core.RecordRef(internalId=given)}))[0]

    texts = {
        "subsidiary": f"Invalid customer reference key {customer} for subsidiary 1.",
        "account": f"Invalid account reference key {bank} for subsidiary {subsidiary}.",
    }
    assert ("INVALID_KEY_OR_REF", texts[field]) == (status.code, status.message)


def test_an_invoice_of_another_subsidiary_has_no_line_to_apply_to(account: Account, soap: Soap) -> None:
    parent = account.customer("Northfield Robotics", currency="EUR")
    subsidiary = account.books.add_subsidiary("Daughter", "EUR")
    child = account.customer("Northfield Optics", currency="EUR", subsidiary=subsidiary, parent=parent)
    invoice = account.invoice(child, currency="EUR")

    assert "Unable to find" in soap.add(soap.payment(parent, "10.00", [(invoice, "10.00")]))[0].message


def test_a_deposit_takes_payments_of_its_banks_subsidiary(account: Account, soap: Soap) -> None:
    subsidiary, customer = abroad(account)
    bank = account.books.add_account("1020", "Euro account", "Bank", "EUR", subsidiary)
    payment = account.books.pay_by_hand(customer, "100.00", DAY, account="undeposited")

    at_home = soap.add(soap.deposit(account.profile["accounts"]["bank"], [payment]))[0]
    abroad_too = soap.add(soap.deposit(bank, [payment]))[0]

    assert ("USER_ERROR", True) == (at_home.code, abroad_too.ok)


def test_a_journal_says_its_subsidiary_where_there_are_several(account: Account, soap: Soap) -> None:
    account.books.add_subsidiary("Daughter", "EUR")
    ids = account.profile["accounts"]
    lines = [(ids["fees"], "1.00", ""), (ids["bank"], "", "1.00")]

    silent, first, second = (
        soap.add(soap.journal(lines, **({"subsidiary": soap.core.RecordRef(internalId=key)} if key else {})))[0]
        for key in ("", "1", "2")
    )

    assert ("USER_ERROR", True, "INVALID_KEY_OR_REF") == (silent.code, first.ok, second.code)


def test_an_account_without_one_world_knows_no_subsidiary(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)
    account.books.leave_one_world()

    queries = [
        "SELECT id FROM subsidiary",
        "SELECT subsidiary FROM transactionline",
        "SELECT c.subsidiary FROM customer c",
        "SELECT subsidiary FROM account",
    ]
    assert [400] * 4 == [account.query(query).status_code for query in queries]
    assert 200 == account.query("SELECT id FROM transactionline").status_code
    sent = soap.payment(customer, "10.00", subsidiary=soap.core.RecordRef(internalId="1"))
    assert "INVALID_KEY_OR_REF" == soap.add(sent)[0].code
    assert soap.add(soap.payment(customer, "10.00", [(invoice, "10.00")]))[0].ok
    record = soap.get(soap.ref("invoice", invoice))[0]
    assert "subsidiary" not in dir(record) or record.subsidiary is None


def test_an_account_with_several_subsidiaries_keeps_one_world(account: Account) -> None:
    account.books.add_subsidiary("Daughter", "EUR")

    with pytest.raises(ValueError, match="several subsidiaries"):
        account.books.leave_one_world()


# ---- periods ----


def test_months_lie_in_quarters_and_years(account: Account) -> None:
    rows = account.rows(
        """SELECT p.periodname, q.periodname quarter, y.periodname whole, TO_CHAR(p.startdate, 'YYYY-MM-DD') first,
                  TO_CHAR(p.enddate, 'YYYY-MM-DD') last, p.isposting
           FROM accountingperiod p, accountingperiod q, accountingperiod y
           WHERE q.id = p.parent AND y.id = q.parent AND p.isquarter = 'F' AND p.isyear = 'F' AND p.isadjust = 'F'
             AND p.startdate >= TO_DATE('2028-02-01', 'YYYY-MM-DD')
             AND p.enddate < TO_DATE('2028-03-01', 'YYYY-MM-DD')"""
    )

    assert [
        {
            "periodname": "Feb 2028",
            "quarter": "Q1 2028",
            "whole": "FY 2028",
            "first": "2028-02-01",
            "last": "2028-02-29",
            "isposting": "T",
        }
    ] == rows


def flags(account: Account, name: str) -> list[str]:
    row = account.rows("SELECT closed, alllocked, arlocked FROM accountingperiod WHERE periodname = ?", name)[0]
    return [row["closed"], row["alllocked"], row["arlocked"]]


def test_a_quarter_is_closed_when_its_months_are(account: Account) -> None:
    for month in ("2026-07", "2026-08"):
        account.books.close_period(month)
    before = flags(account, "Q3 2026")
    account.books.close_period("2026-09")

    assert [["F"] * 3, ["T"] * 3, ["F"] * 3] == [before, flags(account, "Q3 2026"), flags(account, "FY 2026")]
    account.books.open_period("2026-08")
    assert ["F"] * 3 == flags(account, "Q3 2026")


def test_a_lock_of_receivables_binds_the_integration_and_not_people(account: Account, soap: Soap) -> None:
    customer = account.customer()
    account.books.lock_ar("2026-09")

    refused = soap.add(soap.payment(customer, "10.00", tranDate=SEPTEMBER))[0]
    account.books.pay_by_hand(customer, "10.00", SEPTEMBER.date())

    assert ("TRAN_PERIOD_CLOSED", ["F", "F", "T"]) == (refused.code, flags(account, "Sep 2026"))
    assert ["person"] == [one["made_by"] for one in account.payments()]


@pytest.mark.parametrize("allowed, code", [(True, ""), (False, "TRAN_PERIOD_CLOSED")])
def test_existing_cash_is_applied_in_a_closed_period_only_where_it_allows_that(
    account: Account, soap: Soap, allowed: bool, code: str
) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, "100.00", issued_on=date(2026, 9, 1))
    payment = account.books.pay_by_hand(customer, "100.00", date(2026, 9, 15))
    account.books.close_period("2026-09", allow_non_gl_changes=allowed)

    applied = soap.write("updateList", soap.payment(None, None, [(invoice, "100.00")], internalId=payment))[0]
    changed = soap.write("updateList", soap.payment(None, "110.00", internalId=payment))[0]

    assert (code, "TRAN_PERIOD_CLOSED") == (applied.code, changed.code)


def test_an_invoice_in_a_closed_period_may_refuse_even_a_flag() -> None:
    for locked in (False, True):
        with served(guesses=Guesses(closed_period_locks_invoice=locked)) as account:
            soap = account.soap()
            invoice = account.invoice(account.customer(), issued_on=date(2026, 9, 1))
            account.books.close_period("2026-09")

            status = soap.write("updateList", soap.sales.Invoice(internalId=invoice, memo="seen"))[0]

            assert ("TRAN_PERIOD_CLOSED" if locked else "") == status.code


# ---- the integration's role ----


@pytest.mark.parametrize(
    "permission, kind",
    [("TRAN_DEPOSIT", "deposit"), ("TRAN_JOURNAL", "journal"), ("TRAN_CUSTPYMT", "payment")],
)
def test_an_empty_record_tells_whether_the_role_may_write_it(
    account: Account, soap: Soap, permission: str, kind: str
) -> None:
    empty = {"deposit": soap.deposit(None), "journal": soap.journal([]), "payment": soap.payment(None, None)}[kind]

    codes = [soap.add(empty)[0].code]
    for level in ("view", "create"):
        account.books.grant(permission, level)
        codes.append(soap.add(empty)[0].code)
    account.books.revoke(permission)
    codes.append(soap.add(empty)[0].code)

    assert ["USER_ERROR", "INSUFFICIENT_PERMISSION", "USER_ERROR", "INSUFFICIENT_PERMISSION"] == codes


def test_a_change_of_nothing_tells_whether_the_role_may_edit(account: Account, soap: Soap) -> None:
    nobody = soap.sales.Invoice(internalId="999999999")

    allowed = soap.write("updateList", nobody)[0].code
    account.books.grant("TRAN_CUSTINVC", "view")

    assert ("RCRD_DSNT_EXIST", "INSUFFICIENT_PERMISSION") == (allowed, soap.write("updateList", nobody)[0].code)


@pytest.mark.parametrize(
    "permission, table",
    [
        ("LIST_ACCOUNT", "account"),
        ("LIST_CURRENCY", "currency"),
        ("LIST_SUBSIDIARY", "subsidiary"),
        ("ADMI_ACCTPERIODS", "accountingperiod"),
        ("LIST_MESSAGE_UNRESTRICTED", "message"),
        ("TRAN_FIND", "transactionaccountingline"),
    ],
)
def test_a_table_that_the_role_may_not_see_is_not_found(account: Account, permission: str, table: str) -> None:
    query = f"SELECT COUNT(*) FROM {table}"
    before = account.query(query).status_code
    account.books.revoke(permission)

    assert (200, 400) == (before, account.query(query).status_code)


def test_postings_of_documents_that_the_role_may_not_see_are_not_there(account: Account) -> None:
    account.invoice(account.customer())
    query = "SELECT COUNT(*) n FROM transactionaccountingline"
    before = account.rows(query)
    account.books.revoke("TRAN_CUSTINVC")

    assert [[{"n": "2"}], [{"n": "0"}]] == [before, account.rows(query)]


# ---- delivery, promises, NetSuite's own dunning ----


def evidence(account: Account, invoice: str) -> tuple[str, list[str]]:
    day = account.rows(
        "SELECT TO_CHAR(custbody_arc_delivered_on, 'YYYY-MM-DD') day FROM transaction WHERE id = ?", invoice
    )[0].get("day", "")
    log = """SELECT TO_CHAR(messagedate, 'YYYY-MM-DD') day FROM message
             WHERE transaction = ? AND emailed = 'T' AND incoming = 'F' ORDER BY id"""
    return day, [row["day"] for row in account.rows(log, invoice)]


def test_an_invoice_is_mailed_on_its_day_unless_told_otherwise(account: Account) -> None:
    customer = account.customer()

    usual, later, never = (
        account.invoice(customer, number=f"INV-{number}", **more)
        for number, more in enumerate([{}, {"delivered_on": date(2026, 10, 5)}, {"delivered_on": None}])
    )

    assert ("2026-10-01", ["2026-10-01"]) == evidence(account, usual)
    assert ("2026-10-05", ["2026-10-05"]) == evidence(account, later)
    assert ("", []) == evidence(account, never)
    account.books.email_invoice(never, date(2026, 10, 9))
    assert ("2026-10-09", ["2026-10-09"]) == evidence(account, never)


def test_what_people_note_on_an_invoice_is_shown_in_its_own_type(account: Account, soap: Soap) -> None:
    invoice = account.invoice(account.customer())
    account.books.edit_invoice(
        invoice, promise_on=date(2026, 12, 1), promise_amount="500.50", conversation_until=date(2026, 11, 30)
    )

    row = account.rows(
        """SELECT custbody_arc_promise_on, custbody_arc_promise_amount,
                  TO_CHAR(custbody_arc_conversation_until, 'YYYY-MM-DD') until FROM transaction WHERE id = ?""",
        invoice,
    )[0]

    assert {
        "custbody_arc_promise_on": "12/01/2026",
        "custbody_arc_promise_amount": "500.5",
        "until": "2026-11-30",
    } == row
    shown = {one.scriptId: one.value for one in soap.get(soap.ref("invoice", invoice))[0].customFieldList.customField}
    assert (date(2026, 12, 1), 500.5) == (
        shown["custbody_arc_promise_on"].date(),
        shown["custbody_arc_promise_amount"],
    )


def test_a_payment_carries_the_real_day_where_it_was_dated_later(account: Account, soap: Soap) -> None:
    core = soap.core
    day = core.DateCustomFieldRef(scriptId="custbody_arc_received_on", value=datetime(2026, 9, 30, tzinfo=UTC))
    text = core.StringCustomFieldRef(scriptId="custbody_arc_received_on", value="2026-09-30")
    customer = account.customer()

    taken, wrong = soap.add(
        *(
            soap.payment(customer, "10.00", customFieldList=core.CustomFieldList([field]), externalId=f"arc-{number}")
            for number, field in enumerate((day, text))
        )
    )

    assert (True, "INVALID_KEY_OR_REF") == (taken.ok, wrong.code)
    assert [{"day": "2026-09-30"}] == account.rows(
        "SELECT TO_CHAR(custbody_arc_received_on, 'YYYY-MM-DD') day FROM transaction WHERE externalid = 'arc-0'"
    )


def test_exceptions_and_the_owner_of_a_status_are_records(account: Account) -> None:
    kinds = account.rows("SELECT internalid FROM customrecordtype WHERE scriptid = 'customrecord_arc_exception'")

    assert [{"internalid": "125"}] == kinds
    assert 200 == account.query("SELECT custrecord_arc_exc_kind FROM customrecord_arc_exception").status_code
    assert 200 == account.query("SELECT custrecord_arc_st_owner FROM customrecord_arc_status").status_code


def test_dunning_fields_are_there_only_where_it_is_installed(account: Account) -> None:
    query = "SELECT custbody_3805_dunning_paused FROM transaction"
    account.invoice(account.customer())
    before = account.query(query).status_code
    account.books.install_dunning()

    assert (400, [{"custbody_3805_dunning_paused": "F"}]) == (before, account.rows(query))
    assert 3 == len(account.rows("SELECT id FROM customrecord_3805_dunning_level"))


@pytest.mark.parametrize("paid, letters", [("999.99", 1), ("1000.00", 0)])
def test_clearing_a_pause_mails_the_customer_of_an_open_invoice(
    account: Account, soap: Soap, paid: str, letters: int
) -> None:
    account.books.install_dunning()
    customer = account.customer()
    invoice = account.invoice(customer)

    def pause(on: bool) -> None:
        field = soap.core.BooleanCustomFieldRef(scriptId="custbody_3805_dunning_paused", value=on)
        record = soap.sales.Invoice(internalId=invoice, customFieldList=soap.core.CustomFieldList([field]))
        assert soap.write("updateList", record)[0].ok

    pause(True)
    account.books.pay_by_hand(customer, paid, DAY, [(invoice, paid)])
    assert [] == [what for what in account.deeds if "dunning" in what]
    pause(False)

    assert letters == account.deeds.count(f"netsuite.dunning_letter_mailed {invoice}")
    log = "SELECT COUNT(*) n FROM message WHERE subject LIKE 'Dunning%'"
    assert [{"n": str(letters)}] == account.rows(log)
