"""What kind of customer it is, who is above its owner, and which tasks are done: against the sandbox's Salesforce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.errors import ConfigError, Terminal
from connector.mapping import load
from connector.money import Money
from connector.receivables import Traits
from sandbox.faults import Rule
from tests.contract.crm_world import SHIPPED, Site, changed, crm_world, only

FIRM = "Northfield Robotics"


@pytest.fixture
def site() -> Iterator[Site]:
    with crm_world() as made:
        yield made


# ---- traits ----


def test_all_traits_are_read_by_their_fields(site: Site) -> None:
    site.org.add_account(
        FIRM,
        "101",
        Tier__c="Enterprise",
        ARR__c=500000.0,
        CurrencyIsoCode="EUR",
        Contract_Type__c="annual",
        Billing_Model__c="usage",
        Type="Customer - Direct",
        BillingCountryCode="de",
        Time_Zone__c="Europe/Berlin",
    )

    expected = Traits(
        tier="Enterprise",
        contract_type="annual",
        billing_model="usage",
        relationship="Customer - Direct",
        arr=Money.of("500000.00", "EUR"),
        country="DE",
        time_zone="Europe/Berlin",
    )
    assert expected == only(site.crm(), site).traits


def test_what_is_empty_there_is_not_said(site: Site) -> None:
    site.org.add_account(FIRM, "101")

    assert Traits() == only(site.crm(), site).traits


@pytest.mark.parametrize("country", ["Germany", "DEU", "D", "1D"])
def test_a_country_that_is_no_code_is_none(site: Site, country: str) -> None:
    site.org.add_account(FIRM, "101", BillingCountryCode=country)

    assert "" == only(site.crm(), site).traits.country


@pytest.mark.parametrize(
    ("number", "currency", "expected"),
    [
        (500000, "USD", "500000.00"),
        (0, "USD", "0.00"),
        (249999.999, "USD", "249999.99"),  # cut: a bound of 250,000 is not reached
        (0.1, "USD", "0.10"),  # as it was written, never by way of a float
        (1234567.5, "JPY", "1234567"),
        (-12.345, "USD", "-12.35"),
    ],
)
def test_revenue_is_exact_to_its_currencys_decimals(site: Site, number: float, currency: str, expected: str) -> None:
    site.org.add_account(FIRM, "101", ARR__c=number, CurrencyIsoCode=currency)

    assert Money.of(expected, currency) == only(site.crm(), site).traits.arr


def test_one_currency_for_all_needs_no_field(site: Site) -> None:
    site.org.add_account(FIRM, "101", ARR__c=12.5, CurrencyIsoCode="EUR")
    crm = site.crm(changed(traits={"arr": {"field": "ARR__c", "currency": "GBP"}}))

    assert Money.of("12.50", "GBP") == only(crm, site).traits.arr


def test_revenue_without_a_currency_parks_the_account(site: Site) -> None:
    """Nobody knows whether 500,000 are dollars or yen, and so neither which segment it is."""
    site.org.add_account(FIRM, "101", ARR__c=500000, CurrencyIsoCode=None)

    read = site.crm().read_changed("", site.now)

    assert ([("CurrencyIsoCode", "101")], ()) == (
        [(one.field, one.customer_id) for one in read.parked],
        read.accounts,
    )


def test_a_change_of_a_trait_is_seen(site: Site) -> None:
    site.org.add_account(FIRM, "101", Tier__c="SMB")
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    site.org.set_field("101", "Tier__c", "Enterprise")

    assert ["Enterprise"] == [one.traits.tier for one in crm.read_changed(cursor, now).accounts]


@pytest.mark.parametrize("name", ["ARR__c", "CurrencyIsoCode", "Contract_Type__c", "Time_Zone__c"])
def test_a_trait_that_is_hidden_stops_the_reading_and_check_names_it(site: Site, name: str) -> None:
    site.org.add_account(FIRM, "101")
    site.org.hide_field(name)
    crm = site.crm()

    with pytest.raises(Terminal, match=rf"Account\.{name} is missing there, or hidden"):
        crm.read_changed("", site.now)
    assert [f"Account.{name} is missing, or hidden from the connector's user"] == [
        one.what for one in crm.check() if not one.ok
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"traits": {"tier": "Do_Not_Contact__c"}}, "Account.Do_Not_Contact__c is boolean, not text or a picklist"),
        ({"traits": {"country": "ARR__c"}}, "Account.ARR__c is currency, not text or a picklist"),
        ({"traits": {"arr": {"field": "Name", "currency": "USD"}}}, "Account.Name is string, not a number"),
        (
            {"traits": {"arr": {"field": "ARR__c", "currency": "ARR__c"}}},
            "Account.ARR__c is currency, not text or a picklist",
        ),
    ],
)
def test_check_names_a_trait_of_the_wrong_kind(site: Site, fields: dict[str, Any], words: str) -> None:
    site.org.add_account(FIRM, "101")

    assert [words] == [one.what for one in site.crm(changed(**fields)).check() if not one.ok]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arr: {field: ARR__c}", "traits.arr.currency: this key is missing"),
        ("arr: {field: ARR__c, currency: XXQ}", "'XXQ' is no ISO 4217 currency code"),
        ("arr: {field: ARR__c, currency: Currency Code}", "traits.arr.currency: must be in another form"),
        ("tiers: Tier__c", "did you mean 'tier'?"),
    ],
)
def test_a_mapping_of_traits_that_can_not_be_meant_is_refused(tmp_path: Any, text: str, words: str) -> None:
    path = tmp_path / "salesforce.yaml"
    path.write_text(f"customer_id_field: A__c\ntraits:\n  {text}\n", encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        load(path, SalesforceMapping)

    assert words in str(raised.value)


# ---- the owner's manager ----


@pytest.mark.parametrize("way", ["team", "lookup", "owner"])
@pytest.mark.parametrize("is_active", [True, False])
def test_the_manager_is_the_owners_own_if_still_there(site: Site, way: str, is_active: bool) -> None:
    boss = site.org.add_user("Head of Accounts", "head@northfield.example", is_active=is_active)
    keeper = site.org.add_user("Keeper", "keeper@northfield.example", manager=boss)
    fields = {"lookup": {"CSM__c": keeper}, "owner": {"OwnerId": keeper}}.get(way, {})
    site.org.add_account(FIRM, "101", **fields)
    if way == "team":
        site.org.add_team_member("101", keeper)
    owner = {"team_role": "Customer Success Manager", "lookup_field": "CSM__c", "manager": True}

    found = only(site.crm(changed(owner=owner)), site)

    expected = ("Head of Accounts", boss, "head@northfield.example") if is_active else ("", "", "")
    assert ("Keeper", *expected) == (found.owner, found.manager, found.manager_id, found.manager_email)


def test_nobody_above_is_nobody(site: Site) -> None:
    keeper = site.org.add_user("Keeper", "keeper@northfield.example")
    site.org.add_account(FIRM, "101", owner=keeper)

    assert ("Keeper", "") == ((found := only(site.crm(), site)).owner, found.manager)


def test_a_manager_is_asked_for_only_where_the_mapping_says_so(site: Site) -> None:
    site.org.hide_field("ManagerId", object="User")
    site.org.add_account(FIRM, "101")

    assert "" == only(site.crm(changed(owner={"team_role": "Customer Success Manager"})), site).manager
    with pytest.raises(Terminal, match="Manager is missing there"):
        site.crm().read_changed("", site.now)
    assert ["User.ManagerId is missing, or hidden from the connector's user"] == [
        one.what for one in site.crm().check() if not one.ok
    ]


# ---- which tasks are done ----


def test_a_task_is_done_when_a_person_closed_it(site: Site) -> None:
    site.org.add_account(FIRM, "101")
    for number, status in enumerate(("Not Started", "In Progress", "Completed", "Completed"), 1):
        task = site.org.add_task("101", "Call", ARC_Id__c=f"arc-{number}", Status=status)
    site.org.delete_record("Task", task)

    done = site.crm().read_done([*(f"arc-{number}" for number in range(1, 6)), "arc-3"])

    assert {"arc-3"} == done


def test_a_task_that_was_opened_again_is_not_done(site: Site) -> None:
    site.org.add_account(FIRM, "101")
    task = site.org.add_task("101", "Call", ARC_Id__c="arc-1", Status="Completed")
    crm = site.crm()
    assert {"arc-1"} == crm.read_done(["arc-1"])
    site.org.set_field(task, "Status", "In Progress", object="Task")

    assert frozenset() == crm.read_done(["arc-1"])


def test_many_tasks_are_asked_for_in_parts(site: Site) -> None:
    site.org.add_account(FIRM, "101")
    for number in (0, 150, 249):
        site.org.add_task("101", "Call", ARC_Id__c=f"arc-{number}", Status="Completed")

    assert {"arc-0", "arc-150", "arc-249"} == site.crm().read_done([f"arc-{number}" for number in range(250)])
    assert 3 == site.queries()


def test_without_tasks_there_is_nothing_to_ask(site: Site) -> None:
    plain = SalesforceMapping(customer_id_field="ERP_Customer_Id__c")

    assert frozenset() == site.crm(plain).read_done(["arc-1"])
    assert frozenset() == site.crm(SHIPPED).read_done([])
    assert 0 == site.queries()


def test_what_can_not_be_read_is_never_done(site: Site) -> None:
    site.org.add_account(FIRM, "101")
    site.org.add_task("101", "Call", ARC_Id__c="arc-1", Status="Completed")
    site.faults.install(Rule("salesforce", "late_page", "queryAll"))

    assert frozenset() == site.crm().read_done(["arc-1"])
