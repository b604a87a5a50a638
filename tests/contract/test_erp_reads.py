"""The port `Erp`, whichever ERP it is: what is read of invoices, credits, customers, and of payments by others."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import chain

import pytest

from connector.errors import Terminal, Transient
from connector.money import Money
from connector.receivables import CreditKind, EarlyDiscount, InvoiceStatus
from tests.contract.erp_site import NOW, TODAY, ErpSite, usd
from tests.fakes.ledger_erp import At, Trouble

# ---- invoices ----


def test_open_invoices_come_with_lines_holds_disputes_and_their_customers(site: ErpSite) -> None:
    lines = [{"description": "Seats", "amount": "60.00"}, {"description": "Use", "amount": "40.00", "kind": "usage"}]
    held = site.invoice(lines=lines, po="PO-7", pay_url="https://pay.example/1")
    site.people.set_hold(held, "legal")
    site.people.dispute_line(held, 2, "wrong count")
    paid = site.invoice("5.00")
    site.people.pay_by_hand(site.customer, "5.00", TODAY, [(paid, "5.00")])

    read = site.erp.read_open()

    (invoice,) = read.invoices
    assert (held, usd("100"), usd("60"), "legal") == (invoice.id, invoice.balance, invoice.askable, invoice.hold_reason)
    assert ("INV-1", "PO-7", "https://pay.example/1") == (invoice.number, invoice.po_number, invoice.pay_url)
    assert (date(2026, 10, 1), date(2026, 10, 31)) == (invoice.issued_on, invoice.due_on)
    assert [("1", "Seats", usd("60"), ""), ("2", "Use", usd("40"), "usage")] == [
        (line.id, line.description, line.amount, line.kind) for line in invoice.lines
    ]
    assert [(site.customer, "Northfield Robotics", "ap@northfield.example")] == [
        (one.id, one.name, one.email) for one in read.customers
    ]
    assert (NOW, ()) == (read.requested_at, read.parked)


def test_more_invoices_than_a_page_are_read_whole(site: ErpSite) -> None:
    ids = [site.invoice() for _ in range(20)]

    erp = site.paged(7)

    assert sorted(ids) == sorted(invoice.id for invoice in erp.read_open().invoices)
    assert all(len(invoice.lines) == 1 for invoice in erp.read_open().invoices)
    assert [(20, usd("20000"))] == [(total.count, total.open_amount) for total in erp.read_totals()]


def test_part_by_part_is_read_what_is_read_at_once_and_customers_come_first(site: ErpSite) -> None:
    other = site.other_customer()
    for customer in (site.customer, other) * 5:
        site.invoice(customer=customer)
    site.memo("30.00")
    erp = site.paged(4)

    parts = list(erp.read_open_by_part())

    whole = erp.read_open()
    assert sorted(one.id for one in whole.invoices) == sorted(one.id for part in parts for one in part.invoices)
    assert {one.id for one in whole.credits} == {one.id for part in parts for one in part.credits}
    known: set[str] = set()
    for part in parts:
        known |= {customer.id for customer in part.customers}
        assert {invoice.customer_id for invoice in part.invoices} <= known


def test_totals_are_by_customer_and_currency(site: ErpSite) -> None:
    other = site.other_customer()
    site.invoice("10.00")
    site.invoice("5.00")
    site.invoice("7.00", "EUR")
    site.invoice("2.00", customer=other)

    totals = {(total.customer_id, total.currency): (total.count, total.open_amount) for total in site.erp.read_totals()}

    assert {
        (site.customer, "USD"): (2, usd("15")),
        (site.customer, "EUR"): (1, Money.of("7", "EUR")),
        (other, "USD"): (1, usd("2")),
    } == totals


def test_some_customers_can_be_read_alone(site: ErpSite) -> None:
    other = site.other_customer()
    site.invoice()
    theirs = site.invoice(customer=other)

    assert [theirs] == [invoice.id for invoice in site.erp.read_open([other]).invoices]
    assert () == site.erp.read_open([]).invoices
    assert () == site.erp.read_open(["nobody's id", ""]).invoices


def test_invoices_by_id_come_in_whatever_status(site: ErpSite) -> None:
    paid, voided, still_open = site.invoice("5.00"), site.invoice(), site.invoice()
    site.people.pay_by_hand(site.customer, "5.00", TODAY, [(paid, "5.00")])
    site.people.void(voided)

    read = site.erp.read_invoices([paid, voided, still_open, "999999", "not-an-id", ""])

    assert {paid: InvoiceStatus.PAID, voided: InvoiceStatus.VOIDED, still_open: InvoiceStatus.OPEN} == {
        invoice.id: invoice.status for invoice in read.invoices
    }
    assert () == read.parked


def test_an_invoice_that_is_not_understood_is_parked_and_the_rest_goes_on(site: ErpSite) -> None:
    bad = site.unreadable_invoice()
    good = site.invoice()

    read = site.erp.read_open()

    assert [good] == [invoice.id for invoice in read.invoices]
    assert [(bad, site.customer)] == [(item.record, item.customer_id) for item in read.parked]
    assert all(item.field and item.reason for item in read.parked)


def test_an_invoice_says_what_its_terms_let_the_customer_keep_back(site: ErpSite) -> None:
    terms = site.people.add_term("2% 10, Net 30", 30, "2", 10)
    issued_on = date(2026, 11, 16)
    invoice = site.invoice(issued_on=issued_on, due_on=issued_on + timedelta(days=30), terms_id=terms)
    plain = site.invoice()

    expected = {invoice: EarlyDiscount(usd("20"), date(2026, 11, 26)), plain: None}

    assert expected == {one.id: one.discount for one in site.erp.read_open().invoices}
    (seen,) = site.erp.read_acts([site.act({invoice: "1.00", plain: "1.00"})])
    assert expected == {one.id: one.discount for one in seen.invoices}


def test_the_read_back_of_an_act_shows_the_same_invoice(site: ErpSite) -> None:
    """Else an act's read-back would look like a change by a person."""
    lines = [{"description": "Seats", "amount": "60.00"}, {"description": "Use", "amount": "40.00", "kind": "usage"}]
    invoice = site.invoice(lines=lines, po="PO-7", pay_url="https://pay.example/1")
    site.people.set_hold(invoice, "legal")
    site.people.dispute_line(invoice, 2, "wrong count")

    (seen,) = site.erp.read_acts([site.act({invoice: "1.00"})])

    expected = site.read(invoice)
    (found,) = seen.invoices
    # An ERP's record may leave out the account of what is owed, which its query tells.
    assert expected.ar_account in (found.ar_account or expected.ar_account)
    assert (expected.lines, expected.pauses, expected.balance) == (found.lines, found.pauses, found.balance)
    assert (expected.number, expected.terms, expected.pay_url) == (found.number, found.terms, found.pay_url)
    assert (None, ()) == (seen.payment, seen.records)


# ---- what changed ----


def test_changes_include_an_invoice_that_a_payment_closed(site: ErpSite) -> None:
    """A payment need not touch the invoice's own modified date."""
    old = [site.invoice("5.00"), site.invoice("6.00")]
    site.later(48)  # an ERP that doesn't say in which zone it counts is read from a little earlier
    new = site.invoice()
    payment = site.people.pay_by_hand(site.customer, "5.00", TODAY, [(old[0], "5.00")])

    read = site.erp.read_changed(NOW + timedelta(hours=24))

    assert {old[0]: InvoiceStatus.PAID, new: InvoiceStatus.OPEN} == {item.id: item.status for item in read.invoices}
    assert {payment: usd("0")}.items() >= {credit.id: credit.open_amount for credit in read.credits}.items()


def test_changes_include_a_customer_who_was_edited(site: ErpSite) -> None:
    site.later(48)
    site.people.edit_customer(site.customer, do_not_contact=True, exclude="test")

    (customer,) = site.erp.read_changed(NOW + timedelta(hours=24)).customers

    assert (True, "do-not-contact, test") == (customer.is_excluded, customer.exclusion)


def test_what_people_enter_comes_with_the_next_read_of_changes(site: ErpSite) -> None:
    invoice, still = site.invoice(), site.invoice()
    site.later(48)
    site.people.promise(invoice, date(2026, 12, 20))

    found = site.erp.read_changed(NOW + timedelta(hours=24)).invoices

    assert [invoice] == [one.id for one in found]
    assert still not in {one.id for one in found}


def test_a_memo_that_a_payment_used_up_is_a_change(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    memo, other = site.memo("200.00"), site.memo("200.00", "CM-2")
    site.later(48)
    site.people.enter_payment(site.customer, "800.00", TODAY, {invoice: "1000.00"}, {memo: "200.00"})

    changed = {one.id: one.open_amount for one in site.erp.read_changed(NOW + timedelta(hours=24)).credits}

    assert usd("0") == changed[memo]
    assert other not in changed


# ---- credits ----


def test_open_credits_are_memos_and_unapplied_payments(site: ErpSite) -> None:
    invoice, memo = site.invoice(), site.memo("30.00")
    unapplied = site.people.pay_by_hand(site.customer, "20.00", TODAY, memo="ch_9")
    in_part = site.people.pay_by_hand(site.customer, "25.00", TODAY, [(invoice, "10.00")])

    credits = {one.id: one for one in site.erp.read_open().credits}

    assert {
        memo: (CreditKind.CREDIT_MEMO, usd("30")),
        unapplied: (CreditKind.UNAPPLIED_PAYMENT, usd("20")),
        in_part: (CreditKind.UNAPPLIED_PAYMENT, usd("15")),
    } == {id: (one.kind, one.open_amount) for id, one in credits.items()}
    assert "ch_9" in credits[unapplied].memo
    assert {(site.customer, TODAY)} == {(one.customer_id, one.received_on) for one in credits.values()}
    assert "CM-1" == credits[memo].number


def test_credits_by_id_come_with_what_they_have_left_even_if_that_is_nothing(site: ErpSite) -> None:
    invoice, memo = site.invoice("5.00"), site.memo("30.00")
    used = site.memo("5.00", "CM-2")
    site.people.apply_credit(used, {invoice: "5.00"})

    read = site.erp.read_credits([memo, used, "999999", "not-an-id", ""])

    assert {memo: usd("30"), used: usd("0")} == {one.id: one.open_amount for one in read.credits}
    assert ((), ()) == (read.invoices, read.parked)


def test_a_credit_read_by_its_id_is_the_one_that_is_read_with_the_ledger(site: ErpSite) -> None:
    ids = [
        site.memo("30.00", memo="two seats too many"),
        site.people.enter_payment(site.customer, "500.00", date(2026, 11, 3), memo="ref INV-1", external_id="bank-9"),
    ]

    of_ledger, by_id = site.erp.read_open().credits, site.erp.read_credits(ids).credits

    assert set(of_ledger) == set(by_id)
    assert set(ids) == {one.id for one in by_id}


# ---- reads that fail ----


def test_a_read_that_keeps_failing_is_transient(site: ErpSite) -> None:
    site.invoice()
    site.erp.read_totals()
    site.upset(At.READ, Trouble.BUSY, times=20)

    with pytest.raises(Transient):
        site.erp.read_totals()


def test_a_refused_login_is_terminal(site: ErpSite) -> None:
    site.upset(At.READ, Trouble.LOGIN)

    with pytest.raises(Terminal):
        site.erp.read_totals()


# ---- payments by others ----


def test_a_payment_is_found_by_its_source_id_as_a_whole_word(site: ErpSite) -> None:
    invoice = site.invoice()
    site.people.pay_by_hand(site.customer, "10.00", TODAY, [(invoice, "10.00")], external_id="ch_111")
    by_memo = site.people.pay_by_hand(site.customer, "20.00", TODAY, memo="charge ch_222, thanks")
    site.people.pay_by_hand(site.customer, "30.00", TODAY, memo="ch_3334")

    found = site.erp.find_payments(["ch_111", "ch_222", "ch_333", "ch_444", ""])

    assert {"ch_111", "ch_222"} == set(found)
    assert ((invoice, usd("10")),) == found["ch_111"].applications
    assert (by_memo, usd("20"), False) == (found["ch_222"].erp_id, found["ch_222"].amount, found["ch_222"].voided)
    assert {} == site.erp.find_payments([])


def test_a_payment_in_force_is_found_before_a_voided_one(site: ErpSite) -> None:
    first = site.people.pay_by_hand(site.customer, "10.00", TODAY, memo="ch_111")
    site.people.void_payment(first)
    only_voided = site.erp.find_payments(["ch_111"])
    second = site.people.pay_by_hand(site.customer, "10.00", TODAY, memo="ch_111")

    assert {"ch_111"} == only_voided.keys() and only_voided["ch_111"].voided
    assert (second, False) == (
        site.erp.find_payments(["ch_111"])["ch_111"].erp_id,
        site.erp.find_payments(["ch_111"])["ch_111"].voided,
    )


def test_a_payment_that_a_person_entered_is_found_with_its_credits_and_discounts(site: ErpSite) -> None:
    """Else what people did could not be compared with what was suggested."""
    terms = site.people.add_term("2% 10, Net 30", 30, "2", 10)
    issued_on = date(2026, 11, 16)
    invoice = site.invoice(issued_on=issued_on, due_on=issued_on + timedelta(days=30), terms_id=terms)
    memo = site.memo("100.00")
    lines = {invoice: {"amount": "980.00", "discount": "20.00"}}
    made = site.people.enter_payment(site.customer, "880.00", TODAY, lines, {memo: "100.00"}, memo="ch_9")

    seen = site.erp.find_payments(["ch_9"])["ch_9"]

    assert (made, usd("880"), ((invoice, usd("980")),)) == (seen.erp_id, seen.amount, seen.applications)
    assert (((memo, usd("100")),), ((invoice, usd("20")),)) == (seen.credits, seen.discounts)


def test_payments_of_just_this_amount_and_these_days_may_be_the_same_money(site: ErpSite) -> None:
    first_on, last_on = date(2026, 11, 10), date(2026, 11, 20)
    other = site.other_customer()
    inside = [
        site.people.pay_by_hand(site.customer, "10.00", first_on),
        site.people.pay_by_hand(site.customer, "10.00", last_on),
    ]
    theirs = site.people.pay_by_hand(other, "10.00", last_on)
    site.people.pay_by_hand(site.customer, "10.00", last_on + timedelta(days=1))
    site.people.pay_by_hand(site.customer, "10.01", last_on)

    def similar(*customers: str) -> list[str]:
        return sorted(one.erp_id for one in site.erp.find_similar(customers, usd("10"), first_on, last_on))

    assert sorted(inside) == similar(site.customer)
    assert sorted([*inside, theirs]) == similar(*chain([site.customer], [other]))
    assert [] == similar()
