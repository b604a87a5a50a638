"""`connector check` on the sandbox's Intacct: what is missing or named wrong, and what in the data will go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from connector.adapters.intacct.audit import EXAMPLES_MAX
from connector.adapters.intacct.settings import Facts, Fields, NativeDunning
from connector.errors import Terminal
from connector.ports import Finding
from connector.settlement import SettleThrough
from tests.contract.erp_site import TODAY
from tests.contract.intacct_site import Site, served, settlement


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def bad(site: Site) -> list[Finding]:
    return [finding for finding in site.erp.check() if not finding.ok]


def wrong(site: Site, area: str) -> str:
    """All that is not in order in this area, with what to do."""
    return " ".join(f"{one.what} {one.remedy}" for one in bad(site) if one.area == area)


# ---- login, objects, fields, accounts ----


def test_a_company_in_order_has_only_good_findings_and_nothing_is_written(site: Site) -> None:
    site.settled()
    site.invoice()
    before = site.intacct.dump()

    assert [] == bad(site)
    assert before == site.intacct.dump()


def test_where_the_login_is_refused_only_that_is_told(site: Site) -> None:
    site.fault("unauthorized", "*", times=10)

    (finding,) = site.erp.check()

    assert (False, "Intacct login", True) == (finding.ok, finding.area, finding.blocking)
    assert "authorise the sender" in finding.remedy


@pytest.mark.parametrize(
    ("revoked", "area", "granted"),
    [
        ("ARINVOICE", "Intacct ARINVOICE", "Invoices (list, view)"),
        ("ARPYMT", "Intacct ARPYMT", "Receive payments (list, view)"),
        ("ARC_EXCEPTION", "Intacct arc_exception", "Platform Services > arc_exception"),
        ("REPORTINGPERIOD", "Intacct REPORTINGPERIOD", "Reporting periods (list)"),
        ("ARINVOICEBATCH", "Intacct ARINVOICEBATCH", "Invoice summaries (list)"),
        ("GLDETAIL", "Intacct GLDETAIL", "General ledger details (list)"),
        ("GLACCOUNT", "Intacct settlement", "list accounts"),
        ("DUNNINGDEFINITION", "Intacct dunning", "Dunning levels (list)"),
    ],
)
def test_a_missing_right_is_named_with_what_to_grant(site: Site, revoked: str, area: str, granted: str) -> None:
    site.settled()
    site.invoice()
    site.intacct.revoke(revoked)

    assert granted in wrong(site, area)


@pytest.mark.parametrize("field", ["ARC_HOLD", "ARC_STATE", "ARC_DISPUTE", "ARC_EXCLUDE", "ARC_EXTERNAL_ID"])
def test_a_missing_field_stops_everything_and_is_named(site: Site, field: str) -> None:
    site.intacct.remove_field(field)

    assert field in wrong(site, "Intacct objects and fields")
    with pytest.raises(Terminal, match=field):
        site.erp.read_totals()
    site.intacct.restore_field(field)
    site.erp.read_totals()


def test_a_field_that_may_be_left_out_is_left_empty_in_the_mapping(site: Site) -> None:
    site.intacct.remove_field("ARC_TIER")
    assert "ARC_TIER" in wrong(site, "Intacct objects and fields")

    site.with_mapping(fields=Fields(customer_tier=""))

    assert "" == wrong(site, "Intacct objects and fields")
    (told,) = [one.what for one in site.erp.check() if one.area == "Intacct fields for people"]
    assert "customer_tier" in told


@pytest.mark.parametrize(
    ("role", "account", "what"),
    [
        ("bank", "NOWHERE", "checking account NOWHERE for bank doesn't exist"),
        ("fees", "9999", "GL account 9999 for fees doesn't exist"),
    ],
)
def test_an_account_of_the_settlement_that_is_not_there_is_named(
    site: Site, role: str, account: str, what: str
) -> None:
    site.with_mapping(settlement=(settlement({**site.intacct.accounts, role: account}),))

    assert what in wrong(site, "Intacct settlement")


def test_a_bank_account_in_another_currency_is_named(site: Site) -> None:
    site.with_mapping(settlement=(settlement(site.intacct.accounts, currency="EUR"),))

    assert "is kept in USD" in wrong(site, "Intacct settlement")


def test_a_journal_that_is_not_there_is_named_where_one_is_used(site: Site) -> None:
    entry = settlement(site.intacct.accounts)
    site.with_mapping(settlement=(entry,), journal="PAYJ")
    assert "journal PAYJ doesn't exist" in wrong(site, "Intacct settlement")

    site.with_mapping(
        settlement=(settlement(site.intacct.accounts, through=SettleThrough.UNDEPOSITED),), journal="PAYJ"
    )
    assert "" == wrong(site, "Intacct settlement")


def test_undeposited_funds_without_negative_receipts_are_warned_of(site: Site) -> None:
    entry = settlement(site.intacct.accounts, through=SettleThrough.UNDEPOSITED)
    site.with_mapping(settlement=(entry,), facts=Facts(negative_receipts=False))

    assert "settle this currency through clearing" in wrong(site, "Intacct settlement")


def test_a_deposit_that_could_not_be_read_back_is_warned_of(site: Site) -> None:
    entry = settlement(site.intacct.accounts, through=SettleThrough.UNDEPOSITED)
    site.with_mapping(settlement=(entry,))
    assert "" == wrong(site, "Intacct settlement")

    site.with_mapping(settlement=(entry,), facts=Facts(deposit_receipt_field="OTHER"))
    assert "DEPOSITENTRY has no field OTHER" in wrong(site, "Intacct settlement")


def test_what_is_not_given_is_told_and_stops_nothing(site: Site) -> None:
    site.with_mapping(undeposited_account=None, advance_account=None, receivable_accounts=())

    found = {one.area: one for one in bad(site)}

    assert {"Intacct settlement", "Intacct receivables"} == found.keys()
    assert not any(one.blocking for one in bad(site))
    assert "advance_label" in wrong(site, "Intacct settlement")


# ---- entities ----


def test_entities_that_the_mapping_does_not_name_are_told(site: Site) -> None:
    ours, other = site.intacct.add_entity("E1"), site.intacct.add_entity("E2")
    assert "the mapping names none" in wrong(site, "Intacct data")

    site.with_mapping(entities={ours: {}})
    site.invoice(entity=other)
    assert "entities with open invoices left alone: E2" in wrong(site, "Intacct data")
    (inside,) = [one for one in site.erp.check() if one.area == "Intacct entities"]
    assert inside.ok


def test_an_entity_that_is_not_there_is_told(site: Site) -> None:
    site.with_mapping(entities={"E9": {}})

    assert "E9" in wrong(site, "Intacct entities")


# ---- facts ----


def test_a_draft_tells_how_the_due_amount_counts_what_it_selected(site: Site) -> None:
    invoice = site.invoice("100.00")
    site.intacct.draft_payment(site.customer, "60.00", TODAY, [(invoice, "60.00")])
    assert "" == wrong(site, "Intacct drafts")

    site.with_mapping(facts=Facts(total_due_counts_selected=False))
    assert "facts.total_due_counts_selected: true" in wrong(site, "Intacct drafts")


def test_currencies_without_two_decimals_are_told_and_stop_nothing(site: Site) -> None:
    site.intacct.set_rate("JPY", "0.0067", date(2026, 1, 1))
    site.invoice("7000", "JPY")

    (finding,) = [one for one in bad(site) if one.area == "Intacct currencies"]

    assert ("JPY" in finding.what, finding.blocking) == (True, False)


# ---- the data ----


def test_the_audit_counts_and_names_what_will_go_wrong(site: Site) -> None:
    site.settled()
    silent = site.intacct.add_customer("Silent", "", site.terms)
    for number in range(EXAMPLES_MAX + 2):
        site.invoice(delivered_on=None, customer=silent if number == 0 else "")
    held = site.invoice()
    site.intacct.set_hold(held, "legal")
    other = site.intacct.add_customer("Twin", "ap@northfield.example", site.terms)
    site.invoice(customer=other)

    told = wrong(site, "Intacct data")

    assert f"evidence that the customer got them: {EXAMPLES_MAX + 2} (INV-1, INV-2, INV-3, INV-4, INV-5, …)" in told
    assert f"no e-mail address: 1 ({silent})" in told
    assert "on hold without an owner or an end: 1 (INV-8)" in told
    assert f"{site.customer} and {other}" in told
    assert not any(one.blocking for one in bad(site))


def test_a_currency_that_is_owed_and_not_settled_is_told(site: Site) -> None:
    site.settled()
    site.intacct.set_rate("EUR", "1.10", date(2026, 1, 1))
    site.invoice("5.00", "EUR")

    assert "currencies without settlement: EUR" in wrong(site, "Intacct data")


# ---- Intacct's own dunning ----


def test_a_company_without_dunning_levels_has_no_other_sender(site: Site) -> None:
    site.invoice()

    assert () == site.erp.other_senders()


def test_dunning_levels_count_as_somebody_who_may_write_to_the_same_customers(site: Site) -> None:
    site.invoice()
    site.intacct.install_dunning()

    (sender,) = site.erp.other_senders()

    assert ("intacct_dunning", True) == (sender.name, "Level-1, Level-2, Level-3" in sender.what)


def test_dunning_that_every_open_invoice_is_kept_out_of_is_nobody(site: Site) -> None:
    """A checkbox of the company's own, here one of ours that is there anyway."""
    first, second = site.invoice(), site.invoice()
    site.intacct.install_dunning()
    site.with_mapping(native_dunning=NativeDunning(pause_field="ARC_HOLD"))
    site.intacct.set_hold(first, "dunned by hand")
    assert "not paused in it: 1" in site.erp.other_senders()[0].what

    site.intacct.set_hold(second, "dunned by hand")
    assert () == site.erp.other_senders()


def test_dunning_that_may_not_be_seen_is_none_unless_the_mapping_says_otherwise(site: Site) -> None:
    site.intacct.install_dunning()
    site.intacct.revoke("DUNNINGDEFINITION")
    assert () == site.erp.other_senders()

    site.with_mapping(native_dunning=NativeDunning(pause_field="ARC_HOLD"))
    with pytest.raises(Terminal):
        site.erp.other_senders()
