"""When customers and our people last talked, as the sandbox's Salesforce shows it (RULES 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from connector.adapters import salesforce
from connector.errors import Terminal, Transient
from sandbox.faults import Rule
from tests.contract.crm_world import SHIPPED, START, Site, changed, crm_world, only

FIRM = "Northfield Robotics"
TODAY = date(2026, 11, 2)  # 09:00 UTC, four in the morning in New York


@pytest.fixture
def site() -> Iterator[Site]:
    with crm_world() as made:
        made.org.add_account(FIRM, "101")
        yield made


def days_ago(days: float) -> str:
    return (START - timedelta(days=days)).isoformat()


def talks(**more: Any) -> Any:
    return changed(conversations=SHIPPED.conversations.model_dump() | more)


def test_nobody_talked(site: Site) -> None:
    assert only(site.crm(), site).talked_on is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (days_ago(0), TODAY),
        ("2026-11-02T04:59:59Z", date(2026, 11, 1)),  # it was still the first in the ledger's zone
        ("2026-11-02T05:00:00Z", TODAY),
        (days_ago(14), date(2026, 10, 19)),
        ("2026-10-19T08:59:59Z", None),  # a second more than 14 days
        ("2026-11-02T09:00:01Z", None),  # in a second from now
    ],
)
def test_a_customers_mail_is_a_conversation_on_its_day(site: Site, at: str, expected: date | None) -> None:
    site.org.add_email("101", "About INV-1", at)

    assert expected == only(site.crm(), site).talked_on


def test_the_latest_of_all_counts(site: Site) -> None:
    site.org.add_email("101", at=days_ago(5))
    site.org.add_email("101", at=days_ago(3))
    site.org.add_event("101", days_ago(4))

    assert date(2026, 10, 30) == only(site.crm(), site).talked_on


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"incoming": False}, None),  # our own people's, or our own reminder that somebody logs there
        ({"subject": "Automatic reply: About INV-1"}, None),
        ({"subject": "AUTOMATIC REPLY: About INV-1"}, None),
        ({"subject": "Re: Automatic reply"}, TODAY),
        ({"subject": ""}, TODAY),
    ],
)
def test_only_what_a_person_at_the_customers_wrote_counts(site: Site, more: Any, expected: date | None) -> None:
    site.org.add_email("101", **more)

    assert expected == only(site.crm(), site).talked_on


def test_a_mail_on_a_case_counts_for_its_account_where_the_mapping_says_so(site: Site) -> None:
    site.org.add_email("101", case=site.org.add_case("101"))

    assert TODAY == only(site.crm(), site).talked_on
    assert only(site.crm(talks(emails=("account",))), site).talked_on is None
    assert TODAY == only(site.crm(talks(emails=("case",))), site).talked_on


def test_a_mail_on_an_opportunity_or_on_nothing_is_nobodys(site: Site) -> None:
    opportunity = site.org.add_opportunity("101", "2027-03-31")
    mail = site.org.add_email("101")
    site.org.set_field(mail, "RelatedToId", opportunity, object="EmailMessage")
    site.org.set_field(site.org.add_email("101"), "RelatedToId", None, object="EmailMessage")

    assert only(site.crm(), site).talked_on is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Status": "Completed"}, TODAY),
        ({"Status": "Completed", "TaskSubtype": "Call"}, TODAY),
        ({"Status": "In Progress"}, None),
        ({"Status": "Completed", "ARC_Id__c": "arc-t1-esc-1"}, None),  # our own
        ({"Status": "Completed", "TaskSubtype": "Email"}, None),  # Salesforce's own record of a mail
        ({"Status": "Completed", "TaskSubtype": "ListEmail"}, None),
    ],
)
def test_a_task_that_somebody_closed_is_a_conversation(site: Site, fields: Any, expected: date | None) -> None:
    site.org.add_task("101", "Called about INV-1", **fields)

    assert expected == only(site.crm(), site).talked_on


def test_a_task_of_an_opportunity_counts_for_its_account(site: Site) -> None:
    task = site.org.add_task("101", "Called", Status="Completed")
    site.org.set_field(task, "WhatId", site.org.add_opportunity("101", "2027-03-31"), object="Task")

    assert TODAY == only(site.crm(), site).talked_on


def test_what_the_mapping_leaves_out_is_not_asked_for(site: Site) -> None:
    site.org.add_email("101")
    site.org.add_task("101", "Called", Status="Completed")
    site.org.add_event("101", days_ago(1))
    before = site.queries()

    assert only(site.crm(changed(conversations={})), site).talked_on is None
    assert 1 == site.queries() - before
    assert date(2026, 11, 1) == only(site.crm(changed(conversations={"events": True})), site).talked_on


# ---- what changed ----


def test_a_mail_makes_its_account_be_read_again_and_no_other(site: Site) -> None:
    site.org.add_account("Eastgate Foods", "102")
    site.org.add_account("Prospect Ltd")
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    site.org.add_email("101")
    site.org.add_email("Prospect Ltd")

    read = crm.read_changed(cursor, now)

    assert [("101", TODAY)] == [(one.customer_id, one.talked_on) for one in read.accounts]


def test_an_account_that_changed_otherwise_keeps_its_conversation(site: Site) -> None:
    site.org.add_email("101", at=days_ago(6))
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    site.org.set_field("101", "Tier__c", "Growth")

    (found,) = crm.read_changed(cursor, now).accounts

    assert ("Growth", date(2026, 10, 27)) == (found.traits.tier, found.talked_on)


def test_a_second_mail_of_a_day_changes_nothing(site: Site) -> None:
    site.org.add_email("101")
    crm = site.crm()
    cursor = site.long_ago(crm)
    before = only(crm, site)
    now = site.later(minutes=30)
    site.org.add_email("101")

    assert (before,) == crm.read_changed(cursor, now).accounts


def test_a_meeting_counts_from_when_it_is_over_though_nobody_touches_it(site: Site) -> None:
    site.org.add_event("101", "2026-11-02T15:00:00Z")
    crm = site.crm()
    cursor = site.long_ago(crm)
    at_ten = crm.read_changed(cursor, site.later(minutes=30))
    at_noon = crm.read_changed(at_ten.cursor, site.later(hours=2))
    at_three = crm.read_changed(at_noon.cursor, site.later(hours=3))

    assert [(), (), (TODAY,)] == [tuple(one.talked_on for one in read.accounts) for read in (at_ten, at_noon, at_three)]


def test_a_mail_that_was_deleted_was_none(site: Site) -> None:
    mail = site.org.add_email("101")
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    site.org.delete_record("EmailMessage", mail)

    assert [None] == [one.talked_on for one in crm.read_changed(cursor, now).accounts]


def test_a_conversation_grows_old_by_the_next_whole_read(site: Site) -> None:
    site.org.add_email("101", at=days_ago(13.5))
    crm = site.crm()
    cursor = site.long_ago(crm)

    read = crm.read_changed(cursor, site.later(hours=24))

    assert (True, [None]) == (read.is_whole, [one.talked_on for one in read.accounts])


def test_more_accounts_talking_than_can_be_asked_for_one_by_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salesforce, "TOUCHED_MAX", 3)
    crm = site.crm()
    cursor = site.long_ago(crm)
    for number in range(4):
        site.org.add_account(f"Firm {number}")
    now = site.later(hours=2)
    for number in range(4):
        site.org.add_email(f"Firm {number}")

    assert crm.read_changed(cursor, now).is_whole


def test_many_conversations_come_in_pages_and_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.service.page_rows = 40
    for number in range(120):
        site.org.add_account(f"Firm {number}", str(1000 + number))
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    for number in range(120):
        site.org.add_email(str(1000 + number))

    read = crm.read_changed(cursor, now)

    assert {str(1000 + number): TODAY for number in range(120)} == {
        one.customer_id: one.talked_on for one in read.accounts
    }
    assert site.crm().read_changed("", site.now).accounts[1:] == read.accounts


# ---- what is not there, and faults ----


@pytest.mark.parametrize("name", ["EmailMessage", "Event", "Case"])
def test_an_object_that_is_missing_stops_the_reading_and_check_names_it(site: Site, name: str) -> None:
    site.org.hide_object(name)
    crm = site.crm()

    with pytest.raises(Terminal, match=f"{'Parent' if name == 'Case' else name} is missing there, or hidden"):
        crm.read_changed("", site.now)
    (bad,) = [one for one in crm.check() if not one.ok]
    assert f"{name} is missing, or hidden from the connector's user" in bad.what
    assert "conversations." in bad.remedy


@pytest.mark.parametrize(
    ("object", "field", "key"),
    [
        ("EmailMessage", "Incoming", "conversations.emails"),
        ("EmailMessage", "RelatedToId", "conversations.emails"),
        ("EmailMessage", "ParentId", "conversations.emails"),
        ("Task", "CompletedDateTime", "conversations.tasks"),
        ("Task", "TaskSubtype", "conversations.tasks"),
        ("Event", "EndDateTime", "conversations.events"),
    ],
)
def test_check_names_a_hidden_field_of_a_conversation(site: Site, object: str, field: str, key: str) -> None:
    site.org.hide_field(field, object=object)

    (bad,) = [one for one in site.crm().check() if not one.ok]

    assert f"{object}.{field} is missing, or hidden from the connector's user" == bad.what
    assert key in bad.remedy


def test_a_read_whose_conversations_fail_counts_for_nothing(site: Site) -> None:
    """Half a read would say that nobody talks."""
    site.org.add_email("101")
    site.faults.install(Rule("salesforce", "server_error", "query", nth=2))
    crm = site.crm()

    with pytest.raises(Transient):
        crm.read_changed("", site.now)
    assert TODAY == only(crm, site).talked_on
