"""The port `Erp`, whichever ERP it is: what people enter on invoices and say of customers is read as it was meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from connector.money import Money
from connector.receivables import Contact, Instalment, InvoiceLine, Pause, PauseKind, Traits
from tests.contract.erp_site import TODAY, ErpSite, usd

SINCE, UNTIL = date(2026, 11, 10), date(2026, 12, 20)


def test_holds_promises_plans_and_conversations_are_read(site: ErpSite) -> None:
    invoice = site.invoice()
    site.people.set_hold(invoice, "metric not signed off", "usage", "revops", SINCE, UNTIL)
    site.people.promise(invoice, UNTIL, "400.00", "R. Osei", "ar@us.example")
    site.people.agree_plan(invoice, "2026-12-01 600.00;\n2027-01-01 400.00", "controller")
    site.people.converse(invoice, UNTIL)
    site.people.touch(invoice, TODAY)

    found = site.read(invoice)

    parts = (Instalment(date(2026, 12, 1), usd("600")), Instalment(date(2027, 1, 1), usd("400")))
    told = "payment plan of 2 instalments"
    assert (
        Pause(PauseKind.USAGE, "metric not signed off", "revops", SINCE, UNTIL),
        Pause(PauseKind.PROMISE, "promised by R. Osei", "ar@us.example", until=UNTIL, amount=usd("400")),
        Pause(PauseKind.PLAN, told, until=date(2027, 1, 1), instalments=parts, approved_by="controller"),
        Pause(PauseKind.CONVERSATION, f"entered in {site.erp.name}", until=UNTIL),
    ) == found.pauses
    assert ("", TODAY) == (found.hold_reason, found.touched_on)


def test_a_hold_for_a_persons_own_reason_is_a_hold_and_a_pause(site: ErpSite) -> None:
    invoice = site.invoice()
    site.people.set_hold(invoice, 'legal <& "counsel\'s" Prüfung 法務>')

    found = site.read(invoice)

    reason = 'legal <& "counsel\'s" Prüfung 法務>'
    assert (reason, (Pause(PauseKind.HOLD, reason),)) == (found.hold_reason, found.pauses)
    site.people.clear_hold(invoice)
    assert ("", ()) == (site.read(invoice).hold_reason, site.read(invoice).pauses)


def test_a_dispute_goes_from_its_flag_to_its_outcome(site: ErpSite) -> None:
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Use", "amount": "400.00"}]
    invoice = site.invoice(lines=lines)
    site.people.dispute_line(invoice, 2, "wrong count", SINCE)
    site.people.own_dispute(invoice, "billing", UNTIL)

    flagged = site.read(invoice)
    site.people.give_detail(invoice, 2, "40 seats were agreed")
    detailed = site.read(invoice)
    site.people.settle_dispute(invoice, 2, "written off")
    settled = site.read(invoice)

    disputed = InvoiceLine("2", "Use", usd("400"), "", True, "wrong count", SINCE)
    assert (InvoiceLine("1", "Seats", usd("600")), disputed) == flagged.lines
    assert (Pause(PauseKind.DISPUTE, "wrong count", "billing", SINCE, UNTIL),) == flagged.pauses
    assert usd("600") == flagged.askable
    assert replace(disputed, dispute_detail="40 seats were agreed") == detailed.lines[1]
    over = InvoiceLine("2", "Use", usd("400"), disputed_on=SINCE, dispute_outcome="written_off")
    assert (over, (), usd("1000")) == (settled.lines[1], settled.pauses, settled.askable)


def test_what_segments_and_channels_need_is_read_of_a_customer(site: ErpSite) -> None:
    site.people.describe_customer(
        site.customer,
        tier="enterprise",
        contract_type="annual",
        billing_model="usage",
        relationship="partner",
        arr="120000.00",
        arr_currency="EUR",
        country="DE",
        time_zone="Europe/Berlin",
        cc="cfo@northfield.example, ap2@northfield.example",
        sms="+49 30 901820",
        sms_consent_on=SINCE,
        chat="@northfield",
        mails_parent=True,
    )
    site.invoice()

    (customer,) = site.erp.read_open().customers

    arr = Money.of("120000.00", "EUR")
    assert Traits("enterprise", "annual", "usage", "partner", arr, "DE", "Europe/Berlin") == customer.traits
    assert ("cfo@northfield.example", "ap2@northfield.example") == customer.cc
    assert (Contact("sms", "+4930901820", SINCE), Contact("chat", "@northfield")) == customer.contacts
    assert customer.mails_parent


def test_a_parent_that_gets_the_reminders_is_read_with_its_child_though_it_owes_nothing(site: ErpSite) -> None:
    parent = site.people.add_customer("Harrow Optics", "ap@harrow.example", site.terms)
    child = site.people.add_customer("Harrow Lenses", "", site.terms, parent=parent)
    invoice = site.invoice(customer=child)
    site.people.describe_customer(child, mails_parent=True)

    reads = site.erp.read_open(), site.erp.read_open([child]), site.erp.read_invoices([invoice])

    assert [["ap@harrow.example"]] * 3 == [[one.email for one in read.customers if one.id == parent] for read in reads]
    assert {parent} == {one.parent_id for read in reads for one in read.customers if one.id == child}


def test_names_go_there_and_back_whatever_letters_they_have(site: ErpSite) -> None:
    name = 'O\'Brien & Söhne <GmbH> "日本" Ω'
    site.customer = site.people.add_customer(name, "ap@obrien.example", site.terms)
    invoice = site.invoice()

    assert [name] == [one.name for one in site.erp.read_open().customers if one.id == site.customer]
    intent = site.act({invoice: "1000.00"})
    assert "created" == site.write(replace(intent, receipt=replace(intent.receipt, text=f"of {name}")))[0]
    assert [f"of {name}"] == [one["text"] for one in site.people.kept("receipt")]


def test_who_is_not_to_be_written_to_says_why(site: ErpSite) -> None:
    site.invoice()
    site.people.edit_customer(site.customer, do_not_contact=True, exclude="Intercompany: our own subsidiary")

    (customer,) = site.erp.read_open().customers

    assert (True, "do-not-contact, Intercompany: our own subsidiary") == (customer.is_excluded, customer.exclusion)
    assert [True] == [one.is_intercompany for one in site.erp.read_documents(date(2026, 10, 1), TODAY)]
