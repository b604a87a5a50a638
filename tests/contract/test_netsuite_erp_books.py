"""What finance looks at in the sandbox: where payments stand, periods, balances, documents, what saved searches see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from connector.adapters.netsuite import NetSuiteErp
from connector.adapters.netsuite.settings import NativeDunning
from connector.money import Money
from connector.ports import Outcome
from connector.receivables import ArStatus, ExceptionRecord
from connector.settlement import (
    AccountBalance,
    AccountRole,
    DocumentKind,
    Period,
    Settlement,
    SettleThrough,
    first_open_on,
)
from tests.contract.netsuite_site import NOW, TODAY, Site, mapping, served, usd

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
CLEARING, RECEIVABLE = AccountRole.CLEARING, AccountRole.RECEIVABLE
DUNNING = NativeDunning(pause_field="custbody_3805_dunning_paused")


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        yield made


# ---- Where a payment stands ----


def test_settlements_are_told_with_the_roles_that_have_an_account(site: Site) -> None:
    erp = site.settled(accounts={"bank": "1", "clearing": "2", "fees": "3"}, journal_negative=True)

    roles = frozenset({AccountRole.BANK, CLEARING, AccountRole.FEES})
    assert (Settlement("USD", SettleThrough.CLEARING, "1", roles, True),) == erp.settlements
    assert not erp.pays_for_family


@pytest.mark.parametrize("through", [SettleThrough.UNDEPOSITED, None])
def test_a_payment_without_a_clearing_account_waits_in_undeposited_funds(
    site: Site, through: SettleThrough | None
) -> None:
    erp = site.settled(through) if through else site.erp
    intent = site.act({site.invoice(): "1000.00"})

    assert CREATED == erp.write_acts([intent])[0].payment.outcome

    undeposited = site.netsuite.accounts["undeposited"]
    assert [undeposited] == [payment["account"] for payment in site.netsuite.truth()["payments"]]
    assert EXISTS == erp.write_acts([intent])[0].payment.outcome


def test_a_payment_on_another_account_or_day_exists_different(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.write_acts([intent])
    later = replace(intent, payment=replace(intent.payment, received_on=TODAY - timedelta(days=1)))

    ours = site.settled().write_acts([later])[0].payment

    assert DIFFERENT == ours.outcome
    clearing = site.netsuite.accounts["clearing"]
    assert f"on Undeposited Funds instead of account {clearing}" in ours.message
    assert "dated 2026-11-23 instead of 2026-11-22" in ours.message


def test_a_payment_says_subsidiary_receivables_account_and_the_day_it_really_came(site: Site) -> None:
    erp = site.settled()
    intent = site.act({site.invoice(): "1000.00"})
    (read,) = erp.read_open().invoices
    payment = replace(intent.payment, subsidiary="1", ar_account=read.ar_account, really_received_on=date(2026, 10, 30))
    intent = replace(intent, payment=payment)

    assert CREATED == erp.write_acts([intent])[0].payment.outcome

    sql = 'SELECT custbody_arc_received_on AS day FROM "transaction" WHERE externalid = ?'
    (row,) = site.netsuite.rows(sql, payment.external_id)
    assert site.netsuite.accounts["receivable"] == read.ar_account
    assert row["day"].startswith("2026-10-30")
    assert EXISTS == erp.write_acts([intent])[0].payment.outcome


def test_a_receipt_of_another_subsidiary_is_refused_before_anything_is_sent(site: Site) -> None:
    erp = site.settled()
    intent = site.act({site.invoice(): "1000.00"})

    (answer,) = erp.write_acts([replace(intent, payment=replace(intent.payment, subsidiary="2"))])

    assert (REFUSED, "NOT_SENT") == (answer.payment.outcome, answer.payment.code)
    assert "settled by subsidiary 1, and this payment belongs to subsidiary 2" in answer.payment.message


def test_the_rate_of_a_converted_payment_is_the_given_one(site: Site) -> None:
    site.netsuite.set_rate("EUR", "1.10", date(2026, 1, 1))
    intent = site.act({site.invoice("100.00", "EUR"): "100.00"}, currency="EUR")
    payment = replace(intent.payment, exchange_rate="1.2345")

    assert CREATED == site.erp.write_acts([replace(intent, payment=payment)])[0].payment.outcome

    (row,) = site.netsuite.rows("SELECT exchangerate FROM \"transaction\" WHERE type = 'CustPymt'")
    assert "1.2345" == str(row["exchangerate"])


# ---- Periods ----


def test_periods_are_months_from_two_years_back_with_their_locks(site: Site) -> None:
    site.netsuite.close_period("2026-09")
    site.netsuite.lock_ar("2026-10")

    periods = site.erp.read_periods()

    assert date(2024, 11, 1) == periods[0].first_on
    assert Period("Nov 2026", date(2026, 11, 1), date(2026, 11, 30), False) in periods
    assert ["Sep 2026", "Oct 2026"] == [period.name for period in periods if period.is_locked]
    assert all(later.first_on == earlier.last_on + timedelta(days=1) for earlier, later in pairwise(periods))
    assert date(2026, 11, 1) == first_open_on(periods, date(2026, 9, 15))


# ---- Balances ----


def test_balances_are_by_subsidiary_and_currency(site: Site) -> None:
    second = site.netsuite.add_subsidiary("Second", "EUR")
    theirs = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", site.terms, "EUR", second)
    site.invoice("10.00")
    site.invoice("7000", "JPY")
    site.invoice("5.00", "EUR", customer=theirs)

    found = {(one.subsidiary, one.currency): one.amount for one in site.erp.read_balances(TODAY)}

    assert {
        ("1", "USD"): usd("10"),
        ("1", "JPY"): Money(7000, "JPY"),
        (second, "EUR"): Money.of("5.00", "EUR"),
    } == found


def test_receivables_of_several_accounts_are_one_balance(site: Site) -> None:
    other = site.netsuite.add_account("1110", "Other Receivables", "AcctRec")
    site.invoice("10.00")
    site.invoice("5.00", ar_account=other)

    assert (AccountBalance(RECEIVABLE, "USD", "1", usd("15"), TODAY),) == site.erp.read_balances(TODAY)


# ---- Documents ----


def test_documents_are_what_moved_receivables_in_the_period_and_what_is_still_open(site: Site) -> None:
    bad_debt = site.netsuite.accounts["bad_debt"]
    erp = site.with_mapping(bad_debt_accounts=(bad_debt,))
    old_open = site.invoice("70.00", issued_on=date(2026, 8, 1), due_on=date(2026, 8, 31))
    old_paid = site.invoice("30.00", issued_on=date(2026, 8, 1), due_on=date(2026, 8, 31))
    paid_before = site.netsuite.pay_by_hand(site.customer, "30.00", date(2026, 9, 1), [(old_paid, "30.00")])
    new = site.invoice("100.00")
    site.netsuite.dispute_line(new, 1, "count")
    paid = site.netsuite.pay_by_hand(site.customer, "60.00", date(2026, 10, 9), [(new, "40.00")])
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", date(2026, 10, 5), "5.00")
    site.netsuite.write_off(old_open, date(2026, 10, 7), "20.00")
    later = site.invoice("1.00", issued_on=date(2026, 11, 1))

    found = {one.id: one for one in erp.read_documents(date(2026, 10, 1), date(2026, 10, 31))}

    (written_off,) = (one for one in found.values() if one.kind is DocumentKind.WRITE_OFF)
    assert {old_open, new, paid, memo, written_off.id} == found.keys()
    assert {old_paid, paid_before, later}.isdisjoint(found)
    assert (usd("70"), usd("50"), None) == (
        found[old_open].amount,
        found[old_open].open_amount,
        found[old_open].closed_on,
    )
    assert (usd("100"), usd("60"), True) == (found[new].amount, found[new].open_amount, found[new].was_disputed)
    assert (DocumentKind.PAYMENT, usd("-60"), usd("20")) == (
        found[paid].kind,
        found[paid].amount,
        found[paid].open_amount,
    )
    assert (DocumentKind.CREDIT_MEMO, usd("-5")) == (found[memo].kind, found[memo].amount)
    assert usd("-20") == written_off.amount
    assert (site.customer, "1", date(2026, 10, 31)) == (
        found[new].customer_id,
        found[new].subsidiary,
        found[new].due_on,
    )


def test_a_journal_is_a_document_of_each_customer_that_it_moves(site: Site) -> None:
    other = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", site.terms)
    lines = [
        {"account": "receivable", "debit": "30.00", "customer_id": site.customer},
        {"account": "receivable", "credit": "12.00", "customer_id": other},
        {"account": "sales", "credit": "18.00"},
    ]
    journal = site.netsuite.journal_by_hand(date(2026, 8, 15), lines)

    found = site.erp.read_documents(date(2026, 10, 1), date(2026, 10, 31))

    assert {
        (site.customer, DocumentKind.OTHER, usd("30"), usd("30")),
        (other, DocumentKind.OTHER, usd("-12"), usd("12")),
    } == {(one.customer_id, one.kind, one.amount, one.open_amount) for one in found}
    assert {journal} == {one.id for one in found}


def test_a_write_off_by_journal_is_one_too(site: Site) -> None:
    bad_debt = site.netsuite.accounts["bad_debt"]
    invoice = site.invoice("20.00")
    site.netsuite.write_off(invoice, date(2026, 10, 7), by="journal")

    documents = site.with_mapping(bad_debt_accounts=(bad_debt,)).read_documents(date(2026, 10, 1), TODAY)

    assert {DocumentKind.INVOICE: usd("20"), DocumentKind.WRITE_OFF: usd("-20")} == {
        one.kind: one.amount for one in documents
    }


def test_intercompany_customers_are_marked_by_their_reason(site: Site) -> None:
    site.invoice()
    site.netsuite.edit_customer(site.customer, custentity_arc_exclude="Intercompany: our own subsidiary")

    assert [True] == [one.is_intercompany for one in site.erp.read_documents(date(2026, 10, 1), TODAY)]


def test_documents_tie_to_the_receivables_accounts(site: Site) -> None:
    other = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", site.terms)
    first, second = site.invoice("100.00"), site.invoice("40.00", customer=other)
    site.netsuite.pay_by_hand(site.customer, "70.00", date(2026, 10, 9), [(first, "60.00")])
    site.netsuite.write_off(second, date(2026, 10, 12), "5.00")
    site.netsuite.void(site.invoice("9.00"))

    documents = site.erp.read_documents(date(2020, 1, 1), TODAY)
    (balance,) = site.erp.read_balances(TODAY)

    assert balance.amount == Money.total((one.amount for one in documents), "USD")


def test_many_documents_come_page_by_page(site: Site) -> None:
    erp = NetSuiteErp(replace(site.settings, page_rows=7), mapping(), site)
    ids = [site.invoice() for _ in range(20)]

    assert ids == [one.id for one in erp.read_documents(date(2026, 10, 1), TODAY)]
    erp.close()


# ---- Facts on invoices and customers ----


def test_delivery_is_read_from_the_field_or_from_the_mail_log(site: Site) -> None:
    mailed, silent = site.invoice(), site.invoice(delivered_on=None)
    known = {mailed: date(2026, 10, 1), silent: None}

    assert known == {one.id: one.delivered_on for one in site.erp.read_open().invoices}
    by_log = site.with_mapping(delivery="email_log")
    assert known == {one.id: one.delivered_on for one in by_log.read_open().invoices}
    nothing = site.with_mapping(delivery="none")
    assert {None} == {one.delivered_on for one in nothing.read_open().invoices}


def test_a_mail_sent_later_is_a_change_where_the_log_is_the_evidence(site: Site) -> None:
    """Sending an invoice need not touch its own modified date."""
    erp = site.with_mapping(delivery="email_log")
    invoice = site.invoice(delivered_on=None)
    site.clock.move_to(NOW + timedelta(hours=5))
    site.netsuite.email_invoice(invoice, TODAY)
    site.netsuite.change("transaction", int(invoice), {"lastmodifieddate": "2026-11-23 08:00:00"})
    site.netsuite.db.execute("UPDATE message SET messagedate = '2026-11-23 17:00:00'")

    changed = erp.read_changed(NOW + timedelta(hours=4))

    assert [(invoice, TODAY)] == [(one.id, one.delivered_on) for one in changed.invoices]


def test_an_autopay_customer_is_known(site: Site) -> None:
    site.invoice()
    site.netsuite.edit_customer(site.customer, custentity_arc_autopay=True)

    assert [(True, False)] == [(one.autopay, one.is_excluded) for one in site.erp.read_open().customers]


# ---- NetSuite's own dunning ----


def test_an_account_without_dunning_has_no_other_sender_and_nothing_to_pause(site: Site) -> None:
    invoice = site.invoice()

    (answer,) = site.erp.pause_dunning([invoice])

    assert () == site.erp.other_senders()
    assert [None] == [one.is_native_dunning_paused for one in site.erp.read_open().invoices]
    assert (REFUSED, "NOT_SENT") == (answer.outcome, answer.code)


def test_dunning_that_nobody_told_us_about_is_found(site: Site) -> None:
    site.netsuite.install_dunning()
    site.invoice()

    (sender,) = site.erp.other_senders()

    assert "netsuite_dunning" == sender.name
    assert "not paused in it: 1; to have them paused" in sender.what
    assert "set native_dunning.pause_field: custbody_3805_dunning_paused" in sender.what


def test_pausing_ticks_one_box_of_each_invoice_and_nothing_else(site: Site) -> None:
    site.netsuite.install_dunning()
    erp = site.with_mapping(native_dunning=DUNNING)
    first, second = site.invoice(po="PO-7"), site.invoice()
    before = {one.id: one for one in erp.read_open().invoices}

    answers = erp.pause_dunning([first])

    after = {one.id: one for one in erp.read_open().invoices}
    assert [(first, CREATED)] == [(one.external_id, one.outcome) for one in answers]
    assert {first: True, second: False} == {id: one.is_native_dunning_paused for id, one in after.items()}
    assert replace(before[first], is_native_dunning_paused=True) == after[first]
    assert "not paused in it: 1" in erp.other_senders()[0].what
    erp.pause_dunning([second])
    assert () == erp.other_senders()


def test_an_invoice_that_cannot_be_paused_is_answered_by_itself(site: Site) -> None:
    site.netsuite.install_dunning()
    erp = site.with_mapping(native_dunning=DUNNING)
    good, gone = site.invoice(), "999999"

    answers = erp.pause_dunning([gone, good, "INV-1"])

    assert [(gone, REFUSED), (good, CREATED), ("INV-1", REFUSED)] == [(one.external_id, one.outcome) for one in answers]


def test_a_role_that_may_not_edit_invoices_is_refused_by_name(site: Site) -> None:
    site.netsuite.install_dunning()
    erp = site.with_mapping(native_dunning=DUNNING)
    invoice = site.invoice()
    site.netsuite.grant("TRAN_CUSTINVC", "view")

    (answer,) = erp.pause_dunning([invoice])

    assert (REFUSED, "INSUFFICIENT_PERMISSION") == (answer.outcome, answer.code)


# ---- The records that saved searches see ----


def test_an_exception_is_kept_current_until_it_is_closed(site: Site) -> None:
    invoice = site.invoice()
    record = ExceptionRecord(
        "arc-demo-exc-1", "ambiguous", "two fit", usd("1234.50"), "AR", TODAY, payment="ch_1", invoice_id=invoice
    )

    answers = site.erp.write_exceptions([record])
    site.erp.write_exceptions([replace(record, closed_on=TODAY, reason="decided", amount=None)])

    stored = site.netsuite.truth()["records"]["customrecord_arc_exception"]["arc-demo-exc-1"]
    assert [("arc-demo-exc-1", CREATED)] == [(one.external_id, one.outcome) for one in answers]
    assert ("ambiguous", "decided", "AR", "2026-11-23", "2026-11-23", "ch_1", int(invoice)) == tuple(
        stored[f"custrecord_arc_exc_{name}"]
        for name in ("kind", "reason", "owner", "opened", "closed", "payment", "invoice")
    )
    assert not stored.get("custrecord_arc_exc_amount")


def test_an_exception_about_no_invoice_names_its_amount(site: Site) -> None:
    site.erp.write_exceptions([ExceptionRecord("arc-demo-exc-2", "payout_held", "short", usd("5"), "", TODAY)])

    stored = site.netsuite.truth()["records"]["customrecord_arc_exception"]["arc-demo-exc-2"]
    assert "5.00 USD" == stored["custrecord_arc_exc_amount"]
    assert "custrecord_arc_exc_invoice" not in stored


def test_the_status_of_an_invoice_names_its_owner(site: Site) -> None:
    invoice = site.invoice()
    status = ArStatus(f"arc-demo-st-{invoice}", invoice, "escalated", "renews soon", owner="AR lead")

    site.erp.write_marks([], [status])

    stored = site.netsuite.truth()["records"]["customrecord_arc_status"][status.external_id]
    assert "AR lead" == stored["custrecord_arc_st_owner"]


# ---- How much is asked ----


def test_a_quiet_tick_asks_once_for_changes_and_once_for_totals(site: Site) -> None:
    for _ in range(5):
        site.invoice()
    site.erp.read_open()
    site.clock.move_to(NOW + timedelta(hours=5))
    before = site.netsuite.counts()["suiteql"]

    changed = site.erp.read_changed(NOW + timedelta(hours=4))
    site.erp.read_totals()

    assert ((), (), ()) == (changed.invoices, changed.credits, changed.customers)
    assert 2 == site.netsuite.counts()["suiteql"] - before


def test_a_large_ledger_comes_in_parts_of_a_page_each_read_once(site: Site) -> None:
    erp = NetSuiteErp(replace(site.settings, page_rows=10), mapping(), site)
    ids = [site.invoice() for _ in range(35)]
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", TODAY, "30.00")
    erp.read_totals()
    before = site.netsuite.counts()["suiteql"]

    parts = list(erp.read_open_by_part())
    asked = site.netsuite.counts()["suiteql"] - before

    assert [1, 10, 10, 10, 5, 1] == [len(part.customers) + len(part.invoices) + len(part.credits) for part in parts]
    assert ids == [one.id for part in parts for one in part.invoices]
    assert [memo] == [one.id for part in parts for one in part.credits]
    assert [site.customer] == [one.id for part in parts for one in part.customers]
    assert 1 + 4 + 4 + 1 == asked  # customers, pages of invoices, their lines, credits
    assert erp.read_open().invoices == tuple(one for part in parts for one in part.invoices)
    erp.close()


def test_a_customer_who_came_while_we_read_comes_with_its_invoice(site: Site) -> None:
    site.invoice()
    parts = site.erp.read_open_by_part()
    next(parts)
    other = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", site.terms)
    theirs = site.invoice(customer=other)

    (part,) = parts

    assert [other] == [one.id for one in part.customers]
    assert theirs in [one.id for one in part.invoices]
