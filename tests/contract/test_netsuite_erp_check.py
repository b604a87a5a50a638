"""`connector check` on the sandbox's NetSuite: what is missing or too much, and what in the data will go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from connector.adapters.netsuite import NetSuiteErp
from connector.adapters.netsuite.audit import EXAMPLES_MAX
from connector.adapters.netsuite.settings import EarlyDiscount, NativeDunning
from connector.ports import Finding
from tests.contract.netsuite_site import Site, mapping, served, settlement


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        yield made


def wrong(site: Site, area: str) -> list[str]:
    """What is not in order in this area."""
    return [finding.what for finding in site.erp.check() if finding.area == area and not finding.ok]


# ---- Login, permissions, fields ----


def test_an_account_in_order_has_only_good_findings(site: Site) -> None:
    site.invoice()

    assert [] == [finding for finding in site.erp.check() if not finding.ok]


@pytest.mark.parametrize(
    ("revoked", "area", "named"),
    [
        ("ADMI_LOGIN_OAUTH", "NetSuite login", "Log in using Access Tokens"),
        ("ADMI_RESTWEBSERVICES", "NetSuite login", "HTTP 403, the role lacks a permission"),
        ("ADMI_WEBSERVICES", "NetSuite SOAP", "insufficientPermissionFault"),
        ("TRAN_FIND", "NetSuite transaction", "Find Transaction"),
        ("LIST_CUSTJOB", "NetSuite customer", "Lists > Customers"),
        ("TRAN_CUSTPYMT", "NetSuite SOAP", "Transactions > Customer Payment"),
        ("TRAN_CUSTINVC", "NetSuite SOAP", "Transactions > Invoice"),
        ("TRAN_CUSTCRED", "NetSuite SOAP", "Transactions > Credit Memo (Edit)"),
        ("TRAN_DEPOSIT", "NetSuite SOAP", "Transactions > Make Deposit (Create)"),
        ("TRAN_JOURNAL", "NetSuite SOAP", "Transactions > Make Journal Entry (Create)"),
        ("LIST_ACCOUNT", "NetSuite account", "Lists > Accounts (View)"),
        ("ADMI_ACCTPERIODS", "NetSuite accountingperiod", "Manage Accounting Periods"),
        ("LIST_MESSAGE_UNRESTRICTED", "NetSuite message", "Track Messages"),
        ("customrecord_arc_exception", "NetSuite customrecord_arc_exception", "customrecord_arc_exception"),
        ("customrecord_arc_status", "NetSuite customrecord_arc_status", "customrecord_arc_status"),
    ],
)
def test_a_missing_permission_is_named_with_what_to_grant(site: Site, revoked: str, area: str, named: str) -> None:
    site.invoice()
    entry = settlement(site.netsuite.accounts, journal_negative=True)
    site.with_mapping(settlement=(entry,), delivery="email_log")
    site.netsuite.revoke(revoked)

    finding = site.finding(area)

    assert named in f"{finding.what} {finding.remedy}"
    assert finding.remedy


@pytest.mark.parametrize(
    ("script_id", "area"),
    [
        ("custbody_arc_hold", "NetSuite transaction"),
        ("custcol_arc_dispute", "NetSuite transactionline"),
        ("custentity_arc_exclude", "NetSuite customer"),
        ("custentity_arc_autopay", "NetSuite customer"),
        ("custbody_arc_received_on", "NetSuite transaction"),
        ("custbody_arc_delivered_on", "NetSuite transaction"),
        ("custrecord_arc_st_owner", "NetSuite customrecord_arc_status"),
        ("custrecord_arc_exc_kind", "NetSuite customrecord_arc_exception"),
        ("custrecord_arc_can_state", "NetSuite customrecord_arc_cancellation"),
        ("custbody_arc_plan", "NetSuite transaction"),
        ("custcol_arc_dispute_outcome", "NetSuite transactionline"),
        ("custentity_arc_tier", "NetSuite customer"),
        ("custrecord_arc_st_card", "NetSuite customrecord_arc_status"),
        ("custrecord_arc_exc_deadline", "NetSuite customrecord_arc_exception"),
    ],
)
def test_a_missing_field_is_named(site: Site, script_id: str, area: str) -> None:
    site.netsuite.remove_field(script_id)

    finding = site.finding(area)

    assert script_id in finding.what
    assert "mappings/netsuite.yaml" in finding.remedy


def test_fields_that_are_left_out_are_told_and_stop_nothing(site: Site) -> None:
    """A field that is missing stops every read; one without a name is what the account chose."""
    site.netsuite.remove_field("custbody_arc_plan")
    fields = mapping().fields.model_copy(update={"invoice_plan": ""})

    site.with_mapping(fields=fields)

    findings = site.erp.check()
    assert [] == [finding for finding in findings if not finding.ok and finding.blocking]
    (told,) = [finding.what for finding in findings if finding.area == "NetSuite fields for people"]
    assert told.endswith("never read: invoice_plan")


@pytest.mark.parametrize(("country", "sees"), [("billing_address", False), ("field", True), ("none", True)])
def test_addresses_that_can_not_be_seen_are_told_where_the_country_is_theirs(
    site: Site, country: str, sees: bool
) -> None:
    site.netsuite.revoke("LIST_CUSTJOB")
    site.with_mapping(country=country)

    findings = [one for one in site.erp.check() if one.area.startswith("NetSuite customeraddressbook")]

    assert sees == (not findings)
    assert all("another `country` in mappings/netsuite.yaml" in one.remedy for one in findings)


def test_a_soap_release_that_is_not_served_is_named(site: Site) -> None:
    erp = NetSuiteErp(replace(site.settings, soap_version="2019_1"), mapping(), site, site.waits.append)

    finding = next(item for item in erp.check() if item.area == "NetSuite SOAP")
    erp.close()

    assert not finding.ok
    assert "2019_1" in finding.what


def test_a_wrong_sign_of_lines_is_found(site: Site) -> None:
    site.invoice()
    facts = mapping().facts.model_copy(update={"line_amount_sign": "plus"})
    erp = NetSuiteErp(site.settings, mapping(facts=facts), site)

    findings = [item for item in erp.check() if not item.ok]
    erp.close()

    assert ["Set facts.line_amount_sign: minus in mappings/netsuite.yaml."] == [item.remedy for item in findings]


def test_a_name_of_the_early_discount_that_is_not_there_is_told(site: Site) -> None:
    site.with_mapping(early_discount=EarlyDiscount(amount="discountamt", until="discountdate"))

    assert ["transaction has no field discountamt"] == wrong(site, "NetSuite transaction")
    site.with_mapping(early_discount=EarlyDiscount(amount="", until=""))
    assert [] == wrong(site, "NetSuite transaction")


def test_a_pause_field_that_is_not_there_is_named(site: Site) -> None:
    site.with_mapping(native_dunning=NativeDunning(pause_field="custbody_3805_dunning_paused"))

    assert ["transaction has no field custbody_3805_dunning_paused"] == wrong(site, "NetSuite transaction")


def test_what_the_role_may_create_is_said_to_be_unknown(site: Site) -> None:
    site.settled(journal_negative=True)

    (finding,) = [one for one in site.erp.check() if "not looked at" in one.what]

    assert finding.ok
    creates = "Customer Payment, the connector's record types, Credit Memo (Edit), Make Deposit, Make Journal Entry"
    assert creates in finding.what
    assert "it also needs Customer Payment (Edit)" in finding.what


def test_a_role_that_sees_what_the_connector_never_reads_has_too_much(site: Site) -> None:
    site.netsuite.db.execute("CREATE TABLE employee (id INTEGER)")
    tables = site.netsuite.catalogue.shown()
    tables["employee"] = {"id": tables["term"]["id"]}  # type: ignore[index]
    site.netsuite.catalogue.generation += 1

    (finding,) = [one for one in site.erp.check() if one.area == "NetSuite role" and not one.ok]

    assert "the role sees employee, which the connector never reads" == finding.what
    assert not finding.blocking


# ---- The accounts of the settlement ----


def test_a_settlement_in_order_names_its_accounts(site: Site) -> None:
    site.settled()

    (finding,) = [one for one in site.erp.check() if one.area == "NetSuite settlement"]

    assert finding.ok
    assert "USD through clearing: bank 1000 Checking, clearing 1010 Stripe Clearing" in finding.what


def test_each_wrong_account_is_told_with_what_is_wrong(site: Site) -> None:
    accounts, netsuite = site.netsuite.accounts, site.netsuite
    second = netsuite.add_subsidiary("Second", "EUR")
    netsuite.db.execute("UPDATE account SET isinactive = 'T' WHERE id = ?", (accounts["reserves"],))
    site.settled(
        accounts={
            "bank": netsuite.add_account("1030", "Checking EUR", "Bank", "EUR"),
            "clearing": accounts["undeposited"],
            "fees": accounts["bank"],
            "refunds": "999999",
            "disputes": netsuite.add_account("1031", "Second Checking", "Bank", "USD", second),
            "adjustments": accounts["receivable"],
            "reserves": accounts["reserves"],
        }
    )

    told = wrong(site, "NetSuite settlement")

    assert [
        "USD: account 1030 Checking EUR for bank is kept in EUR",
        "USD: account 1090 Undeposited Funds for clearing is of type OthCurrAsset, not Bank",
        "USD: account 1000 Checking for fees is of type Bank, not Expense",
        "USD: account 999999 for refunds doesn't exist, or the role can't see it",
        f"USD: account 1031 Second Checking for disputes belongs to subsidiary {second}",
        "USD: account 1100 Accounts Receivable for adjustments is of type AcctRec, which a deposit can't use",
        "USD: account 1185 Stripe Reserves for reserves is inactive",
    ] == told


def test_a_currency_that_the_account_does_not_have_is_told(site: Site) -> None:
    site.settled(currency="CHF")

    assert "CHF: the currency isn't in NetSuite's list of currencies" in wrong(site, "NetSuite settlement")


@pytest.mark.parametrize(
    ("one_world", "subsidiary", "told"),
    [(True, None, "no subsidiary is given"), (False, "1", "a subsidiary is given")],
)
def test_subsidiaries_must_fit_the_account(site: Site, one_world: bool, subsidiary: str | None, told: str) -> None:
    facts = mapping().facts.model_copy(update={"has_subsidiaries": one_world})
    if not one_world:
        site.netsuite.leave_one_world()
    site.with_mapping(facts=facts, settlement=(settlement(site.netsuite.accounts, subsidiary=subsidiary),))

    assert [told] == [what[5 : 5 + len(told)] for what in wrong(site, "NetSuite settlement")]


def test_an_account_without_one_world_is_in_order(site: Site) -> None:
    facts = mapping().facts.model_copy(update={"has_subsidiaries": False})
    site.netsuite.leave_one_world()
    site.with_mapping(facts=facts, settlement=(settlement(site.netsuite.accounts, subsidiary=None),))
    site.invoice()

    assert [] == [finding for finding in site.erp.check() if not finding.ok]
    assert [""] == [invoice.subsidiary for invoice in site.erp.read_open().invoices]
    assert {""} == {balance.subsidiary for balance in site.erp.read_balances(date(2026, 11, 1))}
    assert [""] == [one.subsidiary for one in site.erp.read_documents(date(2026, 10, 1), date(2026, 11, 1))]


# ---- The audit of the data ----


def data(site: Site) -> list[Finding]:
    found = [finding for finding in site.erp.check() if finding.area == "NetSuite data" and not finding.ok]
    assert all(finding.remedy and not finding.blocking for finding in found)
    return found


def test_open_invoices_that_will_go_wrong_are_counted_with_their_numbers(site: Site) -> None:
    mute = site.netsuite.add_customer("Harrow Optics", "", site.terms)
    site.invoice(customer=mute)
    site.invoice(terms_id=None)
    site.invoice(due_on=None)
    site.invoice(due_on=date(2026, 9, 30))
    site.invoice(due_on=date(2026, 11, 1))
    site.invoice(delivered_on=None)
    paid = site.invoice("5.00", terms_id=None, delivered_on=None)
    site.netsuite.pay_by_hand(site.customer, "5.00", date(2026, 11, 1), [(paid, "5.00")])

    told = [finding.what for finding in data(site)]

    assert [
        "open invoices without a billing contact, since the customer has no e-mail address: 1 (INV-1)",
        "open invoices without terms: 1 (INV-2)",
        "open invoices without a due date, or with one before their own day: 2 (INV-3, INV-4)",
        "open invoices with another due date than their terms give: 2 (INV-4, INV-5)",
        "open invoices without evidence that the customer got them: 1 (INV-6)",
    ] == told


def test_holds_that_nobody_owns_or_ends_are_named(site: Site) -> None:
    until = date(2026, 12, 1)
    site.netsuite.set_hold(site.invoice(), "legal")
    site.netsuite.set_hold(site.invoice(), "legal", owner="counsel")
    site.netsuite.set_hold(site.invoice(), "legal", owner="counsel", until=until)
    site.netsuite.set_hold(site.invoice(), "legal", until=until)

    (finding,) = data(site)
    owners = mapping().fields.model_copy(update={"invoice_hold_until": ""})
    site.with_mapping(fields=owners)
    (with_owners_only,) = data(site)
    site.with_mapping(fields=owners.model_copy(update={"invoice_hold_owner": ""}))

    assert "open invoices on hold without an owner or an end: 3 (INV-1, INV-2, INV-4)" == finding.what
    assert with_owners_only.what.endswith(": 2 (INV-1, INV-4)")
    assert [] == data(site)


def test_no_more_than_five_examples_are_named(site: Site) -> None:
    for _ in range(EXAMPLES_MAX + 2):
        site.invoice(terms_id=None)

    (finding,) = data(site)

    assert "open invoices without terms: 7 (INV-1, INV-2, INV-3, INV-4, INV-5, …)" == finding.what


def test_evidence_is_looked_for_where_the_mapping_says(site: Site) -> None:
    site.invoice(delivered_on=None)

    assert 1 == len(data(site))
    site.with_mapping(delivery="email_log")
    assert 1 == len(data(site))
    site.with_mapping(delivery="none")
    assert [] == data(site)


def test_currencies_whose_payouts_nobody_said_how_to_book_are_named(site: Site) -> None:
    site.settled()
    site.invoice()
    site.invoice("7000", "JPY")

    (finding,) = data(site)

    assert "currencies without settlement: JPY (open invoices: 1, such as INV-2)" == finding.what


def test_customers_who_share_an_address_are_named_without_it(site: Site) -> None:
    twin = site.netsuite.add_customer("Harrow Optics", "AP@northfield.example", site.terms)
    child = site.netsuite.add_customer("Northfield West", "ap@northfield.example", site.terms, parent=site.customer)
    for customer in (site.customer, twin, child):
        site.invoice(customer=customer)

    (finding,) = data(site)

    assert "e-mail addresses of several customers: 1 (Harrow Optics and Northfield West)" == finding.what
    assert "@" not in finding.what


def test_a_family_may_share_an_address(site: Site) -> None:
    child = site.netsuite.add_customer("Northfield West", "ap@northfield.example", site.terms, parent=site.customer)
    site.invoice()
    site.invoice(customer=child)

    assert [] == data(site)


def test_what_cannot_be_looked_at_is_a_finding_and_the_rest_goes_on(site: Site) -> None:
    del site.netsuite.catalogue.shown()["term"]  # type: ignore[attr-defined]
    site.netsuite.catalogue.generation += 1
    site.invoice(delivered_on=None)

    told = [finding.what for finding in data(site)]

    assert any("'term' was not found" in what for what in told)
    assert any("without evidence" in what for what in told)
