"""Reading receivables from a false Intacct company over the wire: what no other ERP has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connector.errors import Terminal
from connector.money import Money
from connector.ports import Counted, Outcome
from connector.receivables import ArStatus, CreditKind, CustomerTotal, InvoiceStatus
from tests.contract.erp_site import NOW, TODAY, usd, with_payment
from tests.contract.intacct_site import Site, served

CHARGE = "pi_3QabcdefghijklmnopqrstuvW"


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def test_an_order_that_is_edited_stays_the_same_invoice_though_every_record_number_changes(site: Site) -> None:
    invoice = site.invoice("1000.00", order_entry=True)
    before, records = site.read(invoice), records_of(site, invoice)
    site.later(24)

    site.people.edit_order(invoice, 1, "1200.00")

    (changed,) = site.erp.read_changed(NOW + timedelta(hours=23)).invoices
    assert (invoice, usd("1200")) == (changed.id, changed.balance)
    assert [line.id for line in before.lines] == [line.id for line in changed.lines]
    assert records != records_of(site, invoice)
    assert ([], []) == ([*site.erp.read_open().parked], [*site.erp.read_changed(NOW).parked])


def records_of(site: Site, invoice: str) -> list[str]:
    """The record number of an invoice as a payment would name it just now, with those of its lines."""
    row = site.people.invoice(invoice)
    lines = site.people.rows("SELECT recordno FROM entry WHERE recordkey = ?", row["recordno"])
    return [str(row["recordno"]), *(str(line["recordno"]) for line in lines)]


def test_what_a_person_drafted_is_neither_asked_for_nor_paid_until_it_is_posted(site: Site) -> None:
    invoice = site.invoice("1000.00")

    draft = site.people.draft_payment(site.customer, "1000.00", TODAY, [(invoice, "1000.00")])

    drafted = site.read(invoice)
    assert (usd("0"), InvoiceStatus.OPEN) == (drafted.balance, drafted.status)
    assert (CustomerTotal(site.customer, "USD", 1, usd("0")),) == site.erp.read_totals()
    assert [invoice] == [one.id for one in site.erp.read_open().invoices]
    assert () == site.erp.find_similar([site.customer], usd("1000"), TODAY, TODAY)

    site.people.submit_payment(draft)

    assert InvoiceStatus.PAID is site.read(invoice).status
    assert ((), ()) == (site.erp.read_totals(), site.erp.read_open().invoices)
    assert [((invoice, usd("1000")),)] == [
        one.applications for one in site.erp.find_similar([site.customer], usd("1000"), TODAY, TODAY)
    ]


def test_a_draft_of_ours_leaves_its_invoice_as_open_as_it_was(site: Site) -> None:
    site.with_mapping(suggest_as_draft=True)
    invoice = site.invoice("1000.00")
    site.people.draft_payment(site.customer, "100.00", TODAY, [(invoice, "100.00")])
    intent = site.act({invoice: "400.00"})

    (answer,) = site.erp.write_drafts([intent.payment])

    assert "created" == answer.outcome, answer
    assert "S" == site.people.truth()["invoices"][0]["state"]
    assert usd("900") == site.read(invoice).balance
    assert (CustomerTotal(site.customer, "USD", 1, usd("900")),) == site.erp.read_totals()
    assert {} == site.erp.find_payments(["cha1", intent.payment.external_id])


def test_an_invoice_of_an_entity_is_read_from_the_top_and_its_payment_in_the_entity(site: Site) -> None:
    entity = site.people.add_entity("E 100", "Europe")
    other = site.people.add_entity("E200")
    site.with_mapping(entities={entity: {}})
    first, elsewhere = site.invoice("300.00", entity=entity), site.invoice("50.00", entity=other)
    top = site.invoice("20.00")
    site.people.stripe_connector_posts(CHARGE, "300.00", site.customer, TODAY, first)

    assert (f"INV-1__{site.customer}__E_20100", entity) == (first, site.read(first).subsidiary)
    assert ((first, usd("300")),) == site.erp.find_payments([CHARGE])[CHARGE].applications
    assert InvoiceStatus.PAID is site.read(first).status
    read = site.erp.read_open()
    assert ([top], ()) == ([one.id for one in read.invoices], read.parked)
    assert () == site.erp.read_invoices([elsewhere]).invoices
    assert (CustomerTotal(site.customer, "USD", 1, usd("20")),) == site.erp.read_totals()


def test_a_company_that_was_said_to_have_one_entity_parks_what_belongs_to_another(site: Site) -> None:
    invoice = site.invoice(entity=site.people.add_entity("E1"))

    (parked,) = site.erp.read_open().parked

    assert ("MEGAENTITYID", site.customer) == (parked.field, parked.customer_id)
    assert () == site.erp.read_invoices([invoice]).invoices


@pytest.mark.parametrize("number", ["INV & <7>", "INV__7", "Ünvoice “7”", "7/2026 (a)", "发票-7", "cm-7"])
def test_a_number_of_whatever_letters_names_its_invoice(site: Site, number: str) -> None:
    customer = site.people.add_customer('A&B <Söhne> "GmbH"', "ap@ab.example", site.terms)
    invoice = site.people.add_invoice(
        customer, number, date(2026, 10, 1), date(2026, 10, 31), [{"description": "Seats", "amount": "10.00"}]
    )
    site.people.pay_by_hand(customer, "4.00", TODAY, [(invoice, "4.00")], memo=f"{CHARGE} & <{number}>")

    read = site.erp.read_invoices([invoice])

    assert [(invoice, number, usd("6"))] == [(one.id, one.number, one.balance) for one in read.invoices]
    assert ['A&B <Söhne> "GmbH"'] == [one.name for one in read.customers]
    assert ((invoice, usd("4")),) == site.erp.find_payments([CHARGE])[CHARGE].applications


def test_an_advance_is_a_credit_and_the_payment_that_it_came_by(site: Site) -> None:
    site.invoice("1000.00")
    advance = site.people.stripe_connector_posts(CHARGE, "250.00", site.customer, TODAY)

    (credit,) = site.erp.read_open().credits

    assert (advance, CreditKind.UNAPPLIED_PAYMENT, usd("250")) == (credit.id, credit.kind, credit.open_amount)
    seen = site.erp.find_payments([CHARGE])[CHARGE]
    assert (advance, usd("250"), ()) == (seen.erp_id, seen.amount, seen.applications)


def test_the_rest_of_a_payment_is_a_credit_under_the_payments_own_id_until_it_is_used(site: Site) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("500.00")
    intent = with_payment(site.act({invoice: "1000.00"}, amount="1200.00"))
    payment = site.answer(intent).payment.erp_id

    assert [(payment, usd("200"))] == [(one.id, one.open_amount) for one in site.erp.read_open().credits]

    site.people.apply_payment(payment, {other: "150.00"})

    assert [(payment, usd("50"))] == [(one.id, one.open_amount) for one in site.erp.read_credits([payment]).credits]
    assert usd("350") == site.read(other).balance


@pytest.mark.parametrize("field", ["ARC_HOLD", "ARC_DISPUTE", "ARC_EXTERNAL_ID", "ARC_CARD"])
def test_nothing_is_asked_of_a_company_that_lacks_a_field_of_ours(site: Site, field: str) -> None:
    site.people.remove_field(field)

    with pytest.raises(Terminal, match=field):
        site.erp.read_open()

    assert "query" not in site.people.counts()
    site.people.restore_field(field)
    assert () == site.erp.read_open().invoices


def test_pages_neither_miss_nor_repeat_what_comes_and_goes_between_them(site: Site) -> None:
    site.paged(3)
    invoices = [site.invoice("10.00") for _ in range(8)]
    site.erp.read_totals()  # so that all lookups are over

    def somebody_pays_and_bills() -> None:
        site.people.pay_by_hand(site.customer, "10.00", TODAY, [(invoices[0], "10.00")])
        site.invoice("77.00")

    site.people.meanwhile("query", somebody_pays_and_bills, nth=4)
    read = [one.id for part in site.erp.read_open_by_part() for one in part.invoices]

    assert len(set(read)) == len(read)
    assert {*invoices, f"INV-9__{site.customer}"} == set(read) | {invoices[0]}


def test_an_order_that_is_edited_between_two_pages_is_no_double(site: Site) -> None:
    site.paged(2)
    order, *others = (site.invoice("10.00", order_entry=True) for _ in range(5))
    site.erp.read_totals()

    site.people.meanwhile("query", lambda: site.people.edit_order(order, 1, "12.00"), nth=5)
    parts = list(site.erp.read_open_by_part())

    assert [] == [one for part in parts for one in part.parked]
    last = {one.id: one.balance for part in parts for one in part.invoices}
    assert {order: usd("12"), **dict.fromkeys(others, usd("10"))} == last
    assert 2 == sum(one.id == order for part in parts for one in part.invoices)  # the earlier record, then the later


def test_a_quiet_tick_costs_six_transactions(site: Site) -> None:
    site.invoice()
    site.erp.read_open()
    site.erp.take_counted()
    before = site.people.counted()
    site.later(24)

    site.erp.read_changed(NOW + timedelta(hours=23))
    site.erp.read_totals()

    after = site.people.counted()
    assert Counted(reads=6, writes=0) == site.erp.take_counted()
    assert (6, 0) == (after["reads"] - before["reads"], after["writes"] - before["writes"])


def test_invoices_in_several_currencies_are_summed_by_currency(site: Site) -> None:
    site.people.set_rate("EUR", "1.10", date(2026, 9, 1))
    site.invoice("100.00"), site.invoice("30.00", currency="EUR")

    assert {
        CustomerTotal(site.customer, "EUR", 1, Money.of("30", "EUR")),
        CustomerTotal(site.customer, "USD", 1, usd("100")),
    } == set(site.erp.read_totals())
    assert {"100.00 USD", "30.00 EUR"} == {str(one.balance) for one in site.erp.read_open().invoices}


@pytest.mark.parametrize("what", ["unreadable", "paid"])
def test_people_see_the_status_of_an_invoice_that_no_payment_may_touch(site: Site, what: str) -> None:
    invoice = site.invoice("100.00")
    if what == "unreadable":
        site.people.agree_plan(invoice, "half now, half later", "Ines")
    else:
        site.people.pay_by_hand(site.customer, "100.00", TODAY, [(invoice, "100.00")])

    (answer,) = site.erp.write_marks([], [ArStatus("st-1", invoice, "exception", "somebody must look")])

    assert Outcome.CREATED is answer.outcome, answer
    assert ["somebody must look"] == [one["reason"] for one in site.people.kept("status")]
