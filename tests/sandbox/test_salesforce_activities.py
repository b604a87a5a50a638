"""Mails, tasks and meetings in the sandbox's Salesforce: what Salesforce itself sets on them, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.clock import Sequence, WorldClock
from sandbox.salesforce_org import Org, Refused
from sandbox.salesforce_schema import Json
from sandbox.salesforce_select import Selection
from sandbox.salesforce_soql import parse
from sandbox.world import Served, serve

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
AT_NINE, AT_TEN = "2026-11-02T09:00:00.000+0000", "2026-11-02T10:00:00.000+0000"


@pytest.fixture
def clock() -> WorldClock:
    made = WorldClock()
    made.start_at(START)
    return made


@pytest.fixture
def org(clock: WorldClock) -> Org:
    made = Org(clock, Sequence(clock))
    made.add_account("Northfield Robotics", "101", ARR__c=500000)
    return made


def rows(org: Org, query: str) -> list[Json]:
    return Selection(org).rows(parse(query))


def test_a_task_knows_its_account_and_when_it_was_closed(org: Org, clock: WorldClock) -> None:
    task = org.add_task("101", "Call")
    opened = dict(org.records["Task"][task])
    clock.move_to(START + timedelta(hours=1))
    org.set_field(task, "Status", "Completed", object="Task")
    closed = dict(org.records["Task"][task])
    clock.move_to(START + timedelta(hours=2))
    org.set_field(task, "Subject", "Called", object="Task")
    edited = dict(org.records["Task"][task])
    org.set_field(task, "Status", "In Progress", object="Task")
    again = org.records["Task"][task]

    account = org.find("Account", "101")
    assert (account, False, None) == (opened["AccountId"], opened["IsClosed"], opened["CompletedDateTime"])
    assert (True, AT_TEN) == (closed["IsClosed"], closed["CompletedDateTime"])
    assert AT_TEN == edited["CompletedDateTime"]
    assert (False, None) == (again["IsClosed"], again["CompletedDateTime"])


@pytest.mark.parametrize("kind", ["Opportunity", "Contract"])
def test_an_activity_on_something_of_an_account_is_the_accounts(org: Org, kind: str) -> None:
    holder = org.add_opportunity("101", "2027-03-31") if kind == "Opportunity" else org.add_contract("101", None)
    task, event = org.add_task("101", "Call"), org.add_event("101", "2026-11-02T10:00:00Z")
    for id, object in ((task, "Task"), (event, "Event")):
        org.set_field(id, "WhatId", holder, object=object)

    found = rows(org, "SELECT Account.ERP_Customer_Id__c FROM Task") + rows(
        org, "SELECT Account.ERP_Customer_Id__c FROM Event"
    )
    assert ["101", "101"] == [one["Account"]["ERP_Customer_Id__c"] for one in found]


def test_an_activity_on_a_user_is_of_no_account(org: Org) -> None:
    task = org.add_task("101", "Call")
    org.set_field(task, "WhatId", org.add_user("Somebody"), object="Task")

    assert org.records["Task"][task]["AccountId"] is None


def test_nobody_sets_what_salesforce_sets(org: Org) -> None:
    for field, value in (("IsClosed", True), ("AccountId", org.find("Account", "101"))):
        with pytest.raises(Refused, match="check the security settings"):
            org.upsert("Task", "ARC_Id__c", "arc-1", {field: value})


def test_a_task_hangs_on_a_record_that_is_there(org: Org) -> None:
    with pytest.raises(Refused, match="id value of incorrect type"):
        org.upsert("Task", "ARC_Id__c", "arc-1", {"WhatId": "001000000000000AAA"})


def test_mails_are_found_by_their_account_their_case_and_their_hour(org: Org, clock: WorldClock) -> None:
    account, case = org.find("Account", "101"), org.add_case("101")
    plain = org.add_email("101", "About INV-1")
    on_case = org.add_email("101", "About INV-2", "2026-11-01T23:30:00+01:00", case=case)
    org.add_email("101", "Our answer", incoming=False)

    where = "Incoming = true AND MessageDate >= 2026-11-01T22:30:00Z"
    found = rows(org, f"SELECT Id, MessageDate, Parent.AccountId FROM EmailMessage WHERE {where} ORDER BY MessageDate")
    assert [(on_case, account), (plain, None)] == [(one["Id"], (one["Parent"] or {}).get("AccountId")) for one in found]
    assert AT_NINE == found[1]["MessageDate"]
    assert [plain] == [
        one["Id"]
        for one in rows(org, f"SELECT Id FROM EmailMessage WHERE RelatedToId IN ('{account}') AND Incoming = true")
    ]


def test_the_fields_of_an_object_that_is_hidden_are_not_found_by_way_of_another(org: Org) -> None:
    org.hide_object("Case")

    with pytest.raises(Refused, match="relationship 'Parent' in field path"):
        rows(org, "SELECT Parent.AccountId FROM EmailMessage")


@pytest.mark.parametrize(
    ("where", "count"),
    [("ARR__c >= 500000", 1), ("ARR__c > 500000", 0), ("ARR__c < 500000.01", 1), ("ARR__c = null", 0)],
)
def test_numbers_are_compared_as_numbers(org: Org, where: str, count: int) -> None:
    assert count == len(rows(org, f"SELECT Id FROM Account WHERE {where}"))


def test_a_number_is_not_text(org: Org) -> None:
    with pytest.raises(Refused, match="must be of type currency"):
        rows(org, "SELECT Id FROM Account WHERE ARR__c = '500000'")
    with pytest.raises(Refused, match="currency"):
        org.set_field("101", "ARR__c", "500000")
    with pytest.raises(Refused, match="datetime"):
        org.set_field(org.add_event("101", "2026-11-02T10:00:00Z"), "EndDateTime", "tomorrow", object="Event")


def test_an_account_that_is_deleted_takes_its_meetings_and_cases_with_it(org: Org) -> None:
    event, case = org.add_event("101", "2026-11-02T10:00:00Z"), org.add_case("101")
    org.delete_account("101")

    assert org.records["Event"][event]["IsDeleted"] and org.records["Case"][case]["IsDeleted"]


def test_tasks_are_ticked_off_by_what_they_are_about(org: Org) -> None:
    ours, other = org.add_task("101", "Invoice INV-1: 10.00 USD open"), org.add_task("101", "Invoice INV-2: open")

    assert [ours] == org.finish_tasks("INV-1")
    assert ("Completed", "Not Started") == (org.records["Task"][ours]["Status"], org.records["Task"][other]["Status"])
    with pytest.raises(LookupError, match="no open task about 'INV-1'"):
        org.finish_tasks("INV-1")


def test_somebody_reports_to_a_manager(org: Org) -> None:
    org.add_user("Keeper", manager=org.add_user("Head"))

    (found,) = rows(org, "SELECT Manager.Name FROM User WHERE Name = 'Keeper'")
    assert "Head" == found["Manager"]["Name"]


# ---- over the control API ----


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(customers=0, now=START) as made:
        yield made


def deed(served: Served, name: str, /, **body: Any) -> Any:
    answer = requests.post(f"{served.url}/world/salesforce/{name}", json=body, timeout=5)
    assert 200 == answer.status_code, answer.text
    return answer.json()["id"]


def test_people_do_all_of_it_over_the_control_api(served: Served) -> None:
    account = deed(served, "add_account", name="Eastgate Foods", erp_customer_id="e-1", ARR__c=12.5)
    case = deed(served, "add_case", account=account)
    mail = deed(served, "add_email", account="e-1", case=case, at="2026-11-02T08:00:00Z")
    event = deed(served, "add_event", account="Eastgate Foods", ends_at="2026-11-02T10:00:00Z")
    task = deed(served, "add_task", account="e-1", subject="INV-1")

    assert [task] == deed(served, "finish_tasks", about="INV-1")
    records = served.world.salesforce.org.records
    assert (case, account) == (records["EmailMessage"][mail]["ParentId"], records["Event"][event]["AccountId"])
