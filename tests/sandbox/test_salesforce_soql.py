"""SOQL in the sandbox: what it finds, and what it refuses with which code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Sequence, WorldClock
from sandbox.salesforce_org import Org, Refused
from sandbox.salesforce_schema import Json, long_id, record_id
from sandbox.salesforce_select import Selection
from sandbox.salesforce_soql import Malformed, parse

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def org() -> Org:
    """Three firms, an hour between them: a strategic one with two contracts, its child, and one without an ERP id."""
    clock = WorldClock()
    clock.start_at(START)
    made = Org(clock, Sequence(clock))
    keeper = made.add_user("Account Manager", "am@northfield.example")
    made.add_account("Northfield Robotics", "101", owner=keeper, Tier__c="Strategic", Renewal_Date__c="2027-01-31")
    made.add_contract("101", "2027-03-31")
    made.add_contract("101", "2026-12-31", status="Draft")
    clock.move_to(START + timedelta(hours=1))
    made.add_account(
        "Eastgate Foods", "102", Tier__c="Growth", Do_Not_Contact__c=True, ParentId=made.find("Account", "101")
    )
    clock.move_to(START + timedelta(hours=2))
    made.add_account("50% Off_Shop")
    return made


def rows(org: Org, query: str) -> list[Json]:
    return Selection(org).rows(parse(query))


def names(org: Org, where: str) -> list[str]:
    return [row["Name"].split()[0] for row in rows(org, f"SELECT Name FROM Account WHERE {where} ORDER BY Id")]


@pytest.mark.parametrize(
    "where, expected",
    [
        ("ERP_Customer_Id__c = '101'", ["Northfield"]),
        ("ERP_Customer_Id__c != '101'", ["Eastgate", "50%"]),  # an empty field is different too
        ("ERP_Customer_Id__c != null", ["Northfield", "Eastgate"]),
        ("ERP_Customer_Id__c = null", ["50%"]),
        ("ERP_Customer_Id__c IN ('101', '102')", ["Northfield", "Eastgate"]),
        ("ERP_Customer_Id__c NOT IN ('101')", ["Eastgate", "50%"]),
        ("tier__c = 'STRATEGIC'", ["Northfield"]),  # neither names nor text count case
        ("Name LIKE 'north%'", ["Northfield"]),
        ("Name LIKE '50_ Off%'", ["50%"]),
        ("Do_Not_Contact__c = true", ["Eastgate"]),
        ("Do_Not_Contact__c = false", ["Northfield", "50%"]),
        ("Renewal_Date__c = 2027-01-31", ["Northfield"]),
        ("Renewal_Date__c > 2027-01-30", ["Northfield"]),
        ("Renewal_Date__c > 2027-01-31", []),
        ("Renewal_Date__c < 2099-01-01", ["Northfield"]),  # nothing is before or after an empty date
        ("SystemModstamp >= 2026-11-02T10:00:00Z", ["Eastgate", "50%"]),
        ("SystemModstamp > 2026-11-02T10:00:00+00:00", ["50%"]),
        ("SystemModstamp <= 2026-11-02T05:00:00-05:00", ["Northfield", "Eastgate"]),
        ("Owner.Email = 'am@northfield.example'", ["Northfield"]),
        ("Parent.Tier__c = 'Strategic'", ["Eastgate"]),
        ("Parent.Owner.Name LIKE 'Account%'", ["Eastgate"]),
        ("Tier__c = 'Growth' OR Tier__c = 'Strategic'", ["Northfield", "Eastgate"]),
        ("(Tier__c = 'Growth' OR Tier__c = 'Strategic') AND NOT Do_Not_Contact__c = true", ["Northfield"]),
    ],
)
def test_a_condition_finds_these_accounts(org: Org, where: str, expected: list[str]) -> None:
    assert expected == names(org, where)


def test_rows_have_the_vendors_form(org: Org) -> None:
    (row,) = rows(org, "SELECT Id, Name, Owner.Email, Parent.Name FROM Account WHERE ERP_Customer_Id__c = '101'")

    assert "Account" == row["attributes"]["type"]
    assert row["attributes"]["url"].endswith(f"/sobjects/Account/{row['Id']}")
    assert (18, "001") == (len(row["Id"]), row["Id"][:3])
    assert "am@northfield.example" == row["Owner"]["Email"]
    assert row["Parent"] is None


def test_a_subquery_gives_each_account_its_own_children(org: Org) -> None:
    query = (
        "SELECT Name, (SELECT EndDate FROM Contracts WHERE Status = 'Activated' ORDER BY EndDate LIMIT 1) FROM Account"
    )

    found = {row["Name"]: row["Contracts"] for row in rows(org, query)}

    assert ["2027-03-31"] == [one["EndDate"] for one in found["Northfield Robotics"]["records"]]
    assert (1, True) == (found["Northfield Robotics"]["totalSize"], found["Northfield Robotics"]["done"])
    assert found["Eastgate Foods"] is None


def test_order_and_limit(org: Org) -> None:
    descending = rows(org, "SELECT Name FROM Account ORDER BY Renewal_Date__c DESC NULLS LAST, Name LIMIT 2")

    assert ["Northfield Robotics", "50% Off_Shop"] == [row["Name"] for row in descending]


def test_a_count_counts(org: Org) -> None:
    assert 2 == len(rows(org, "SELECT COUNT() FROM Account WHERE ERP_Customer_Id__c != null"))


def test_an_id_is_found_by_its_first_fifteen_characters(org: Org) -> None:
    (row,) = rows(org, "SELECT Id FROM Account WHERE ERP_Customer_Id__c = '101'")

    assert ["Northfield"] == names(org, f"Id = '{row['Id'][:15]}'")
    assert ["Eastgate", "50%"] == names(org, f"Id > '{row['Id']}'")


def test_ids_say_which_of_their_letters_are_capitals() -> None:
    assert "001D000000IqhSLIAZ" == long_id("001D000000IqhSL")
    assert 18 == len(record_id("001", 12345))


def test_ids_are_in_the_order_of_their_records() -> None:
    assert record_id("001", 10)[:15] < record_id("001", 11)[:15] < record_id("001", 62)[:15]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT FROM Account",
        "SELECT Id, FROM Account",
        "SELECT * FROM Account",
        "SELECT Id FROM Account WHERE",
        "SELECT Id FROM Account WHERE Name",
        "SELECT Id FROM Account WHERE Name = Northfield",
        "SELECT Id FROM Account WHERE Name = 'x' AND Tier__c = 'y' OR Tier__c = 'z'",
        "SELECT Id FROM Account WHERE Name IN ()",
        "SELECT Id FROM Account WHERE Name IN (SELECT Name FROM Account)",
        "SELECT Id FROM Account WHERE Renewal_Date__c > 2027-13-01",
        "SELECT Id FROM Account WHERE Name = 'open",
        "SELECT Id FROM Account LIMIT x",
        "SELECT Id FROM Account LIMIT 5 OFFSET 2",
        "SELECT Id FROM Account; DELETE",
    ],
)
def test_what_is_not_soql_is_malformed(query: str) -> None:
    with pytest.raises(Malformed, match="unexpected token"):
        parse(query)


@pytest.mark.parametrize(
    "query, code, words",
    [
        ("SELECT Nowhere__c FROM Account", "INVALID_FIELD", "No such column 'Nowhere__c' on entity 'Account'"),
        ("SELECT Id FROM Account WHERE Nowhere__c = null", "INVALID_FIELD", "No such column"),
        ("SELECT Id FROM Account ORDER BY Nowhere__c", "INVALID_FIELD", "No such column"),
        ("SELECT Owner.Nowhere FROM Account", "INVALID_FIELD", "on entity 'User'"),
        ("SELECT Boss__r.Name FROM Account", "INVALID_FIELD", "relationship 'Boss__r' in field path"),
        ("SELECT Id FROM Subscription__c", "INVALID_TYPE", "sObject type 'Subscription__c' is not supported"),
        ("SELECT Id, (SELECT Id FROM Orders) FROM Account", "INVALID_TYPE", "relationship 'Orders' in FROM"),
        ("SELECT Id, (SELECT Nowhere FROM Contracts) FROM Account", "INVALID_FIELD", "on entity 'Contract'"),
        ("SELECT Id FROM Account WHERE Renewal_Date__c > '2027-01-01'", "INVALID_FIELD", "should not be enclosed"),
        ("SELECT Id FROM Account WHERE Renewal_Date__c > 2027-01-01T00:00:00Z", "INVALID_FIELD", "of type date"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2027-01-01", "INVALID_FIELD", "of type datetime"),
        ("SELECT Id FROM Account WHERE Do_Not_Contact__c = 'true'", "INVALID_FIELD", "of type boolean"),
        ("SELECT Id FROM Account WHERE ERP_Customer_Id__c = 101", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Name > null", "INVALID_FIELD", "invalid operator"),
    ],
)
def test_what_the_organisation_does_not_have_is_refused_by_name(org: Org, query: str, code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as raised:
        rows(org, query)

    assert code == raised.value.code


def test_quotes_in_text_are_escaped(org: Org) -> None:
    made = org.add_account("O'Brien \\ Sons")

    assert [made] == [row["Id"] for row in rows(org, "SELECT Id FROM Account WHERE Name = 'O\\'Brien \\\\ Sons'")]
    org.delete_account(made)
