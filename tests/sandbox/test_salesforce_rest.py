"""The false Salesforce through the real simple-salesforce: login, sessions, pages, describe, upsert, quota, faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from salesforce_site import START, CrmSite, crm_site
from simple_salesforce import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from sandbox.faults import Kind, Rule
from sandbox.salesforce import CLIENT_ID, REQUESTS_A_DAY


@pytest.fixture
def site() -> Iterator[CrmSite]:
    with crm_site() as made:
        yield made


def upsert(client: Client, key: str, **values: object) -> Any:
    return client.restful(f"sobjects/Task/ARC_Id__c/{key}", method="PATCH", data=json.dumps(values))


def code(error: SalesforceError) -> str:
    return str(error.content[0]["errorCode"])  # type: ignore[index]


# -- login and sessions ------------------------------------------------------------------------------------------------


def test_client_credentials_are_taken_by_http_basic(site: CrmSite) -> None:
    with site.client() as client:
        assert [] == client.query("SELECT Id FROM Account")["records"]


@pytest.mark.parametrize(
    "client_id, secret, expected",
    [("nobody", "sandbox-client-secret", "invalid_client_id"), (CLIENT_ID, "wrong", "invalid_client")],
)
def test_wrong_credentials_are_refused_in_oauths_own_words(
    site: CrmSite, client_id: str, secret: str, expected: str
) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as raised, site.client(client_id, secret):
        pass

    assert expected == raised.value.code


def test_another_grant_is_refused(site: CrmSite) -> None:
    form = {"grant_type": "password", "username": "u", "password": "p"}

    answer = requests.post(f"{site.base_url}/services/oauth2/token", form, timeout=5)

    assert (400, "unsupported_grant_type") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("minutes, logins", [(119, 1), (121, 2)])
def test_a_session_ends_two_hours_after_its_last_use(site: CrmSite, minutes: int, logins: int) -> None:
    with site.client() as client:
        client.query("SELECT Id FROM Account")
        site.clock.move_to(START + timedelta(minutes=minutes))
        client.query("SELECT Id FROM Account")

    assert logins == site.salesforce.counts()["token"]


def test_a_page_is_lost_with_the_session_that_asked_for_it(site: CrmSite) -> None:
    """The client logs in again by itself in mid-paging; the old session's locator is of no use to the new one."""
    site.salesforce.page_rows = 2
    for number in range(5):
        site.salesforce.org.add_account(f"Firm {number}")

    with site.client() as client:
        first = client.query("SELECT Id FROM Account")
        site.salesforce.expire_sessions()
        with pytest.raises(SalesforceMalformedRequest) as raised:
            client.query_more(first["nextRecordsUrl"], identifier_is_url=True)

    assert "INVALID_QUERY_LOCATOR" == code(raised.value)


# -- queries -----------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_to_the_last_row(site: CrmSite) -> None:
    site.salesforce.page_rows = 2
    ids = [site.salesforce.org.add_account(f"Firm {number}") for number in range(5)]

    with site.client() as client:
        first = client.query("SELECT Id FROM Account ORDER BY Id")
        everything = [row["Id"] for row in client.query_all_iter("SELECT Id FROM Account ORDER BY Id")]

    assert (5, False, 2) == (first["totalSize"], first["done"], len(first["records"]))
    assert ids == everything


def test_deleted_records_are_seen_by_query_all_only(site: CrmSite) -> None:
    org = site.salesforce.org
    kept, gone = org.add_account("Northfield Robotics"), org.add_account("Gone Ltd")
    org.add_contract(gone, "2027-01-31")
    org.delete_account(gone)

    with site.client() as client:
        live = client.query("SELECT Id FROM Account")["records"]
        every = client.query("SELECT Id, IsDeleted FROM Account ORDER BY Id", include_deleted=True)["records"]
        contracts = client.query("SELECT COUNT() FROM Contract")["totalSize"]

    assert [kept] == [row["Id"] for row in live]
    assert [(kept, False), (gone, True)] == [(row["Id"], row["IsDeleted"]) for row in every]
    assert 0 == contracts


def test_a_merge_moves_the_children_and_leaves_a_deleted_record(site: CrmSite) -> None:
    org = site.salesforce.org
    keep, gone = org.add_account("Keep Inc", "1"), org.add_account("Double Inc", "2")
    contract = org.add_contract(gone, "2027-01-31")
    org.merge("Keep Inc", "Double Inc")

    with site.client() as client:
        moved = client.query("SELECT Id, AccountId FROM Contract")["records"]
        dead = client.query("SELECT MasterRecordId FROM Account WHERE IsDeleted = true", include_deleted=True)[
            "records"
        ]

    assert [(contract, keep)] == [(row["Id"], row["AccountId"]) for row in moved]
    assert [keep] == [row["MasterRecordId"] for row in dead]
    assert gone != keep


def test_a_change_of_a_child_leaves_its_account_as_it_was(site: CrmSite) -> None:
    org = site.salesforce.org
    account = org.add_account("Northfield Robotics")
    site.clock.move_to(START + timedelta(hours=1))
    org.add_contract(account, "2027-01-31")

    with site.client() as client:
        row = client.query("SELECT SystemModstamp, (SELECT SystemModstamp FROM Contracts) FROM Account")["records"][0]

    assert "2026-11-02T09:00:00.000+0000" == row["SystemModstamp"]
    assert "2026-11-02T10:00:00.000+0000" == row["Contracts"]["records"][0]["SystemModstamp"]


# -- describe and field-level security ---------------------------------------------------------------------------------


def test_describe_tells_fields_with_their_types_and_values(site: CrmSite) -> None:
    with site.client() as client:
        fields = {field["name"]: field for field in client.restful("sobjects/Account/describe")["fields"]}  # type: ignore[index]

    assert ("string", True) == (fields["ERP_Customer_Id__c"]["type"], fields["ERP_Customer_Id__c"]["externalId"])
    tiers = [one["value"] for one in fields["Tier__c"]["picklistValues"]]
    assert ["Standard", "SMB", "Growth", "Enterprise", "Strategic"] == tiers
    assert (["User"], "CSM__r") == (fields["CSM__c"]["referenceTo"], fields["CSM__c"]["relationshipName"])


def test_a_hidden_field_is_neither_described_nor_found(site: CrmSite) -> None:
    site.salesforce.org.hide_field("Tier__c")

    with site.client() as client:
        names = [field["name"] for field in client.restful("sobjects/Account/describe")["fields"]]  # type: ignore[index]
        with pytest.raises(SalesforceMalformedRequest) as raised:
            client.query("SELECT Tier__c FROM Account")
        site.salesforce.org.show_field("Tier__c")
        client.query("SELECT Tier__c FROM Account")

    assert "Tier__c" not in names
    assert "INVALID_FIELD" == code(raised.value)


def test_an_object_without_rights_is_not_there(site: CrmSite) -> None:
    site.salesforce.org.hide_object("AccountTeamMember")

    with site.client() as client:
        with pytest.raises(SalesforceResourceNotFound):
            client.restful("sobjects/AccountTeamMember/describe")
        for query in (
            "SELECT Id FROM AccountTeamMember",
            "SELECT Id, (SELECT Id FROM AccountTeamMembers) FROM Account",
        ):
            with pytest.raises(SalesforceMalformedRequest) as raised:
                client.query(query)
            assert "INVALID_TYPE" == code(raised.value)


# -- upsert ------------------------------------------------------------------------------------------------------------


def test_an_external_id_makes_one_task_and_then_changes_it(site: CrmSite) -> None:
    account = site.salesforce.org.add_account("Northfield Robotics")

    with site.client() as client:
        first = upsert(client, "arc-1", Subject="Call", WhatId=account, ActivityDate="2026-11-04")
        second = upsert(client, "arc-1", Subject="Call again")

    assert (True, False) == (first["created"], second["created"])
    assert first["id"] == second["id"]
    (task,) = site.salesforce.org.tasks()
    assert ("arc-1", "Call again", account) == (task["external_id"], task["subject"], task["account"])


def test_an_external_id_of_two_records_is_three_hundred(site: CrmSite) -> None:
    account = site.salesforce.org.add_account("Northfield Robotics")
    for _ in range(2):
        site.salesforce.org.add_task(account, "Call", ARC_Id__c="arc-1")

    with site.client() as client, pytest.raises(SalesforceMoreThanOneRecord):
        upsert(client, "arc-1", Subject="Call")


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"Nowhere__c": 1}, "INVALID_FIELD"),
        ({"Subject": "x" * 256}, "STRING_TOO_LONG"),
        ({"Status": "Somehow"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"ActivityDate": "04.11.2026"}, "JSON_PARSER_ERROR"),
        ({"WhatId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"ARC_Id__c": "arc-1"}, "INVALID_FIELD"),
        ({"SystemModstamp": "2026-11-02T09:00:00.000+0000"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ],
)
def test_what_can_not_be_saved_is_refused(site: CrmSite, values: dict[str, object], expected: str) -> None:
    with site.client() as client, pytest.raises(SalesforceMalformedRequest) as raised:
        upsert(client, "arc-1", **values)

    assert expected == code(raised.value)
    assert [] == site.salesforce.org.tasks()


def test_a_task_can_not_be_given_to_somebody_who_left(site: CrmSite) -> None:
    gone = site.salesforce.org.add_user("Account Manager", is_active=False)

    with site.client() as client, pytest.raises(SalesforceMalformedRequest) as raised:
        upsert(client, "arc-1", OwnerId=gone)

    assert "INACTIVE_OWNER_OR_USER" == code(raised.value)


# -- quota and faults --------------------------------------------------------------------------------------------------


def test_each_answer_tells_how_much_of_the_day_is_used(site: CrmSite) -> None:
    with site.client() as client:
        client.query("SELECT Id FROM Account")
        client.query("SELECT Id FROM Account")

        assert (2, REQUESTS_A_DAY) == tuple(client.api_usage["api-usage"])


def test_a_spent_day_refuses_until_a_day_has_passed(site: CrmSite) -> None:
    with site.client() as client:
        site.salesforce.spend_quota(left=1)
        client.query("SELECT Id FROM Account")
        with pytest.raises(SalesforceRefusedRequest) as raised:
            client.query("SELECT Id FROM Account")
        site.clock.move_to(START + timedelta(days=1))
        client.query("SELECT Id FROM Account")

    assert "REQUEST_LIMIT_EXCEEDED" == code(raised.value)


@pytest.mark.parametrize(
    "kind, http",
    [("too_many", 429), ("server_error", 500), ("maintenance", 503), ("unreadable_after", 200)],
)
def test_a_fault_answers_once_and_then_it_works_again(site: CrmSite, kind: Kind, http: int) -> None:
    site.faults.install(Rule("salesforce", kind, "token"))
    form = {"grant_type": "client_credentials"}
    answers = [
        requests.post(
            f"{site.base_url}/services/oauth2/token", form, auth=(CLIENT_ID, "sandbox-client-secret"), timeout=5
        )
        for _ in range(2)
    ]

    assert [http, 200] == [answer.status_code for answer in answers]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "cut_after"])
def test_connections_really_break(site: CrmSite, kind: Kind) -> None:
    with site.client() as client:
        site.faults.install(Rule("salesforce", kind, "query"))
        with pytest.raises(requests.RequestException):
            client.query("SELECT Id FROM Account")


def test_a_task_stands_although_its_answer_was_lost(site: CrmSite) -> None:
    with site.client() as client:
        site.faults.install(Rule("salesforce", "drop_after", "upsert"))
        with pytest.raises(requests.RequestException):
            upsert(client, "arc-1", Subject="Call")

    assert ["Call"] == [task["subject"] for task in site.salesforce.org.tasks()]


def test_an_unknown_version_or_path_is_not_found(site: CrmSite) -> None:
    with site.client() as client:
        for path in ("composite", "../v99.0/query"):
            with pytest.raises(SalesforceResourceNotFound):
                client.restful(path, params={"q": "SELECT Id FROM Account"})
