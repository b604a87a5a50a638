"""People work inside NetSuite: what they enter there is read by both services alike, what they look at is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connector.adapters.netsuite.settings import Fields
from connector.errors import Terminal
from connector.ports import Outcome
from connector.receivables import (
    ArStatus,
    ExceptionRecord,
    OpenInvoice,
    PauseKind,
)
from tests.contract.netsuite_site import NOW, TODAY, Site, mapping, served, usd


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        yield made


def read(site: Site, invoice: str) -> OpenInvoice:
    (found,) = site.erp.read_invoices([invoice]).invoices
    return found


def by_soap(site: Site, invoice: str) -> OpenInvoice:
    """The same invoice as the read-back of an act shows it."""
    (seen,) = site.erp.read_acts([site.act({invoice: "1.00"})])
    (found,) = seen.invoices
    return found


# ---- what people enter on an invoice ----

SINCE, UNTIL = date(2026, 11, 10), date(2026, 12, 20)


def entered(site: Site) -> str:
    """An invoice on which everything is filled in."""
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Use", "amount": "400.00", "kind": "usage"}]
    invoice = site.invoice(lines=lines, po="PO-7", pay_url="https://pay.example/1", delivered_on=SINCE)
    site.netsuite.set_hold(invoice, "another address", "format change", "ar", SINCE, UNTIL)
    site.netsuite.promise(invoice, UNTIL, "400.50", "R. Osei", "ar@us.example")
    site.netsuite.agree_plan(invoice, "2026-12-01 600.00\n2027-01-01 400.00 USD", "controller")
    site.netsuite.converse(invoice, UNTIL)
    site.netsuite.touch(invoice, TODAY)
    site.netsuite.own_dispute(invoice, "billing", UNTIL)
    site.netsuite.dispute_line(invoice, 1, "wrong count", SINCE, "40 seats\nwere agreed")
    site.netsuite.dispute_line(invoice, 2, "price", SINCE)
    site.netsuite.settle_dispute(invoice, 2, "rejected")
    return invoice


def test_both_services_give_the_same_invoice(site: Site) -> None:
    """Else an act's read-back would look like a change by a person."""
    invoice = entered(site)

    assert read(site, invoice) == by_soap(site, invoice)
    assert 5 == len(read(site, invoice).pauses)


def test_both_services_give_the_same_invoice_where_an_account_has_few_fields(site: Site) -> None:
    invoice = entered(site)
    left_out = {name: "" for name in ("invoice_plan", "invoice_hold_kind", "invoice_touched_on", "line_dispute_detail")}
    site.with_mapping(fields=Fields(**left_out))

    found = read(site, invoice)

    assert found == by_soap(site, invoice)
    kinds = [PauseKind.DISPUTE, PauseKind.HOLD, PauseKind.PROMISE, PauseKind.CONVERSATION]
    assert (kinds, None) == ([pause.kind for pause in found.pauses], found.touched_on)
    # Where no field holds what the customer said, the reason is that.
    assert ["wrong count", ""] == [line.dispute_detail for line in found.lines]


def may_be_left_out(name: str) -> bool:
    try:
        Fields(**{name: ""})
    except ValidationError:
        return False
    return True


def test_a_field_without_a_name_is_never_asked_for(site: Site) -> None:
    named = Fields().model_dump()
    optional = [name for name in named if may_be_left_out(name)]
    invoice = entered(site)
    for name in optional:
        site.netsuite.remove_field(named[name])

    with pytest.raises(Terminal, match="custentity_arc_tier"):
        site.erp.read_open()
    site.with_mapping(fields=Fields(**dict.fromkeys(optional, "")))

    assert 31 == len(optional)
    (found,) = site.erp.read_open().invoices
    assert (invoice, [PauseKind.HOLD]) == (found.id, [pause.kind for pause in found.pauses])
    assert [] == [finding.what for finding in site.erp.check() if not finding.ok]


def test_a_text_that_nobody_understands_parks_that_invoice_and_no_other(site: Site) -> None:
    bad, good = site.invoice(), site.invoice()
    site.netsuite.agree_plan(bad, "half now, half later")

    parked = site.erp.read_open()
    site.netsuite.agree_plan(bad, "2026-12-01 500.00")
    corrected = site.erp.read_open()

    assert [good] == [one.id for one in parked.invoices]
    assert [(bad, "plan", site.customer)] == [(one.record, one.field, one.customer_id) for one in parked.parked]
    assert ([bad, good], ()) == ([one.id for one in corrected.invoices], corrected.parked)


def test_past_holds_say_nothing_about_how_money_was_applied(site: Site) -> None:
    invoice = entered(site)
    site.netsuite.pay_by_hand(site.customer, "1000.00", TODAY, [(invoice, "1000.00")])

    (found,) = site.erp.read_history(date(2026, 10, 1), TODAY).invoices

    assert ((), "", None) == (found.pauses, found.hold_reason, found.touched_on)
    assert usd("1000") == found.askable
    assert {("", None, "", "")} == {
        (one.dispute_reason, one.disputed_on, one.dispute_detail, one.dispute_outcome) for one in found.lines
    }


# ---- what people say of a customer ----


def described(site: Site, **said: object) -> None:
    given: dict[str, object] = {
        "tier": "enterprise",
        "contract_type": "annual",
        "billing_model": "usage",
        "relationship": "partner",
        "arr": "120000.00",
        "arr_currency": "EUR",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "cc": "cfo@northfield.example, ap2@northfield.example",
        "sms": "+49 30 901820",
        "sms_consent_on": SINCE,
        "chat": "@northfield",
        "mails_parent": True,
    }
    site.netsuite.describe_customer(site.customer, **{**given, **said})


def test_a_parent_that_gets_the_reminders_is_read_with_its_child_though_it_owes_nothing(site: Site) -> None:
    parent = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", None)
    child = site.netsuite.add_customer("Harrow Lenses", "", None, parent=parent)
    site.customer = child
    invoice = site.invoice()

    def read_of_parent() -> list[list[str]]:
        reads = site.erp.read_open(), site.erp.read_open([child]), site.erp.read_invoices([invoice])
        return [[one.email for one in read.customers if one.id == parent] for read in reads]

    assert [[], [], []] == read_of_parent()
    site.netsuite.describe_customer(child, mails_parent=True)
    assert [["ap@harrow.example"]] * 3 == read_of_parent()
    changed = site.erp.read_changed(NOW - timedelta(hours=1)).customers
    assert {child, parent} <= {one.id for one in changed}


def test_the_country_is_that_of_the_default_billing_address_or_of_a_field(site: Site) -> None:
    described(site)
    described(site, country="AT")
    site.netsuite.edit_customer(site.customer, custentity_arc_country="CH")
    site.invoice()

    def country() -> str:
        (customer,) = site.erp.read_open().customers
        return customer.traits.country

    assert "AT" == country()
    site.with_mapping(country="field")
    assert "CH" == country()
    site.with_mapping(country="none")
    assert "" == country()


def test_a_customer_of_whom_a_field_is_not_understood_is_read_and_named(site: Site) -> None:
    described(site, time_zone="Berlin")
    invoice = site.invoice()

    parked = site.erp.read_open()
    site.clock.move_to(NOW + timedelta(hours=5))
    described(site)
    corrected = site.erp.read_changed(NOW + timedelta(hours=4))

    assert [invoice] == [one.id for one in parked.invoices]
    assert [("", "enterprise")] == [(one.traits.time_zone, one.traits.tier) for one in parked.customers]
    assert [("erp_customer", site.customer, "time_zone")] == [
        (one.source, one.record, one.field) for one in parked.parked
    ]
    assert (["Europe/Berlin"], ()) == ([one.traits.time_zone for one in corrected.customers], corrected.parked)


def test_an_unreadable_customer_says_nothing_about_how_money_was_applied(site: Site) -> None:
    described(site, time_zone="Berlin")
    invoice = site.invoice()
    site.netsuite.pay_by_hand(site.customer, "1000.00", TODAY, [(invoice, "1000.00")])

    history = site.erp.read_history(date(2026, 10, 1), TODAY)

    assert (1, 1, ()) == (len(history.payments), len(history.invoices), history.parked)


# ---- what people look at ----


def test_the_status_of_an_invoice_comes_with_its_segment_and_its_card(site: Site) -> None:
    invoice, name = site.invoice(), f"arc-demo-st-{NOW:%H}"
    card = "Held: a usage hold of revops until 2026-12-20.\nNext: +7 on 2026-12-21."
    status = ArStatus(name, invoice, "held", "usage hold", "+7", UNTIL, "revops", "enterprise", card)

    assert [Outcome.CREATED] == [answer.outcome for answer in site.erp.write_marks([], [status])]
    record = site.netsuite.truth()["records"]["customrecord_arc_status"][name]
    assert ("enterprise", card) == (record["custrecord_arc_st_segment"], record["custrecord_arc_st_card"])

    site.erp.write_marks([], [ArStatus(name, invoice, "closed", "paid")])
    record = site.netsuite.truth()["records"]["customrecord_arc_status"][name]
    assert not record.get("custrecord_arc_st_card") and not record.get("custrecord_arc_st_segment")


def test_a_card_longer_than_its_field_is_cut_between_two_words(site: Site) -> None:
    invoice, card = site.invoice(), " ".join(f"1,000.{number:02} USD" for number in range(90)) * 5

    site.erp.write_marks([], [ArStatus("arc-demo-st-1", invoice, "held", "hold", card=card)])

    written = site.netsuite.truth()["records"]["customrecord_arc_status"]["arc-demo-st-1"]["custrecord_arc_st_card"]
    assert len(written) <= 3999
    assert written.endswith("…") and card.startswith(written.removesuffix("…"))


def test_an_exception_comes_with_its_deadline_and_what_came_of_it(site: Site) -> None:
    invoice = site.invoice()
    opened = ExceptionRecord(
        "arc-demo-exc-1", "dispute_opened", "wrong count", usd("400"), "billing", TODAY, None, "", invoice, UNTIL
    )

    site.erp.write_exceptions([opened])
    first = dict(site.netsuite.truth()["records"]["customrecord_arc_exception"]["arc-demo-exc-1"])
    site.erp.write_exceptions([replace(opened, closed_on=TODAY, outcome="rejected by billing")])
    second = site.netsuite.truth()["records"]["customrecord_arc_exception"]["arc-demo-exc-1"]

    assert ("2026-12-20", None) == (
        first["custrecord_arc_exc_deadline"],
        first.get("custrecord_arc_exc_outcome") or None,
    )
    assert ("2026-12-20", "rejected by billing") == (
        second["custrecord_arc_exc_deadline"],
        second["custrecord_arc_exc_outcome"],
    )


# ---- payment history: what was settled when, and whether it was disputed ----


def test_one_document_that_can_not_be_read_does_not_hide_how_the_others_were_paid(site: Site) -> None:
    bad, good = site.invoice(), site.invoice()
    site.netsuite.edit_line_amount(bad, 1, "10.005")

    with pytest.raises(Terminal, match=f"document {bad}"):
        site.erp.read_documents(date(2025, 11, 1), TODAY)

    assert [good] == [one.id for one in site.erp.read_past_documents(date(2025, 11, 1), TODAY)]


@pytest.mark.parametrize("left_out", ["line_disputed_on", "line_dispute_outcome"])
def test_past_disputes_are_known_by_what_is_left_of_them(site: Site, left_out: str) -> None:
    invoice = site.invoice()
    site.netsuite.dispute_line(invoice, 1, "", SINCE)
    site.netsuite.settle_dispute(invoice, 1, "rejected")
    site.with_mapping(fields=mapping().fields.model_copy(update={left_out: ""}))

    (document,) = site.erp.read_documents(date(2025, 11, 1), TODAY)

    assert document.was_disputed
