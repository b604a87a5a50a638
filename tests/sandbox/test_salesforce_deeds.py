"""Salesforce as a part of the world: deeds over the control API, the profile, the truth and the faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox.world import Served, serve

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(customers=0, now=NOW) as made:
        yield made


def post(served: Served, path: str, /, **body: Any) -> requests.Response:
    return requests.post(f"{served.url}/world/{path}", json=body, timeout=5)


def deed(served: Served, name: str, /, **body: Any) -> Any:
    answer = post(served, f"salesforce/{name}", **body)
    assert 200 == answer.status_code, answer.text
    return answer.json()["id"]


def test_a_customer_of_the_world_is_put_into_the_crm_with_all_that_belongs_to_it(served: Served) -> None:
    customer = post(served, "customers", name="Northfield Robotics").json()
    account = deed(served, "add_account", customer="Northfield Robotics", Tier__c="Strategic")
    keeper = deed(served, "add_user", name="Success Manager", email="csm@northfield.example")
    deed(served, "add_team_member", account=customer["id"], user=keeper)
    deed(served, "add_contract", account=account, ends_on="2027-03-31")
    deed(served, "add_opportunity", account="Northfield Robotics", closes_on="2027-03-31")
    deed(served, "set_field", record=customer["id"], field="Do_Not_Contact__c", value=True)

    row = served.world.salesforce.org.records["Account"][account]
    assert (customer["id"], "Strategic", True) == (row["ERP_Customer_Id__c"], row["Tier__c"], row["Do_Not_Contact__c"])


def test_the_truth_holds_every_task(served: Served) -> None:
    account = deed(served, "add_account", name="Eastgate Foods", erp_customer_id="e-1")
    task = deed(served, "add_task", account=account, subject="Call", ARC_Id__c="arc-1")

    tasks = requests.get(f"{served.url}/world/truth", timeout=5).json()["tasks"]

    assert [(task, "arc-1", account, "Call")] == [
        (one["id"], one["external_id"], one["account"], one["subject"]) for one in tasks
    ]


def test_the_profile_lets_a_connector_in(served: Served) -> None:
    profile = requests.get(f"{served.url}/world/profile", timeout=5).json()["salesforce"]

    answer = requests.post(
        f"{profile['base_url']}/services/oauth2/token",
        {"grant_type": "client_credentials"},
        auth=(profile["client_id"], profile["client_secret"]),
        timeout=5,
    )

    assert (200, profile["domain"]) == (
        answer.status_code,
        answer.json()["instance_url"].removeprefix("https://").removesuffix(".salesforce.com"),
    )


@pytest.mark.parametrize(
    "name, body, http, words",
    [
        ("add_unicorn", {}, 404, "nobody does 'add_unicorn'"),
        ("add_contract", {"account": "Nobody Ltd", "ends_on": "2027-01-31"}, 404, "no Account 'Nobody Ltd'"),
        ("add_contract", {"acount": "x", "ends_on": "2027-01-31"}, 400, "missing 1 required"),
        ("add_account", {"name": "Firm", "Nowhere__c": 1}, 400, "No such column 'Nowhere__c'"),
        ("add_account", {"name": "Firm", "Tier__c": "Huge"}, 400, "bad value for restricted picklist"),
        ("add_account", {"name": "Firm", "Renewal_Date__c": "31.01.2027"}, 400, "date"),
        ("hide_field", {"field": "Nowhere__c"}, 404, "Account has no field 'Nowhere__c'"),
        ("hide_object", {"object": "Nothing"}, 404, "no object 'Nothing'"),
    ],
)
def test_a_misspelt_deed_is_refused(served: Served, name: str, body: dict[str, Any], http: int, words: str) -> None:
    answer = post(served, f"salesforce/{name}", **body)

    assert (http, True) == (answer.status_code, words in answer.json()["error"]), answer.text


def test_faults_of_salesforce_are_taken_and_others_refused(served: Served) -> None:
    assert 200 == post(served, "faults", service="salesforce", kind="too_many").status_code
    assert 400 == post(served, "faults", service="salesforce", kind="period_closed").status_code
    requests.delete(f"{served.url}/world/faults", timeout=5)
