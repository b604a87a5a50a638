"""The CRM against the sandbox's Salesforce: the real client, real HTTP, faults at every point of a read and a write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from connector.adapters import salesforce_api
from connector.adapters.salesforce import SalesforceCrm
from connector.adapters.salesforce_api import SalesforceSettings
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.errors import Terminal, Transient
from connector.ports import Outcome
from connector.receivables import Traits
from connector.settlement import CrmAccount, CrmTask
from sandbox.faults import Kind, Rule
from tests.contract.crm_world import SHIPPED, Site, changed, crm_world, only


@pytest.fixture
def site() -> Iterator[Site]:
    with crm_world() as made:
        yield made


def task(number: int = 1, account: str = "", owner: str = "", **more: Any) -> CrmTask:
    due_on = date(2026, 11, 4)
    return CrmTask(f"arc-t1-esc-{number}", account, owner, "Call Northfield Robotics", "INV-1 is 30 days late.", due_on)


# ---- what is read of an account ----


def test_an_account_is_read_with_all_that_the_mapping_names(site: Site) -> None:
    keeper = site.org.add_user("Success Manager", "csm@northfield.example")
    id = site.org.add_account("Northfield Robotics", "101", Tier__c="Strategic", Do_Not_Contact__c=True)
    site.org.add_team_member("101", "Success Manager")
    site.org.add_contract("101", "2027-03-31")
    site.org.add_task("101", "Asked about the new terms", Description="Wants net 60", ActivityDate="2026-10-30")

    assert only(site.crm(), site) == CrmAccount(
        id=id,
        customer_id="101",
        name="Northfield Robotics",
        renews_on=date(2027, 3, 31),
        is_strategic=True,
        do_not_contact=True,
        owner_id=keeper,
        owner="Success Manager",
        owner_email="csm@northfield.example",
        notes=("2026-10-30 · Asked about the new terms · Wants net 60",),
        traits=Traits(tier="Strategic"),
    )


def test_an_account_without_an_erp_id_is_none_of_ours(site: Site) -> None:
    site.org.add_account("Prospect Ltd")

    read = site.crm().read_changed("", site.now)

    assert ((), (), True) == (read.accounts, read.parked, read.is_whole)


@pytest.mark.parametrize(
    "contracts, opportunities, expected",
    [
        # the nearest day to come wins
        ([("2027-03-31", "Activated"), ("2027-01-31", "Activated")], [], date(2027, 1, 31)),
        # yesterday's is over, today's is still to come (in the ledger's zone)
        ([("2026-11-01", "Activated"), ("2027-01-31", "Activated")], [], date(2027, 1, 31)),
        ([("2026-11-02", "Activated"), ("2027-01-31", "Activated")], [], date(2026, 11, 2)),
        # a contract that isn't in force counts for nothing
        ([("2026-12-31", "Draft"), ("2027-01-31", "Activated")], [], date(2027, 1, 31)),
        # a contract is trusted more than a nearer forecast
        ([("2027-03-31", "Activated")], [("2026-12-15", "Renewal", False)], date(2027, 3, 31)),
        # without a contract to come the open renewal opportunity counts
        ([("2026-10-31", "Activated")], [("2026-12-15", "Renewal", False)], date(2026, 12, 15)),
        ([], [("2026-12-15", "Renewal", True)], None),
        ([], [("2026-12-15", "New Customer", False)], None),
        ([(None, "Activated")], [], None),
        ([], [], None),
    ],
)
def test_the_renewal_day(
    site: Site,
    contracts: list[tuple[str, str]],
    opportunities: list[tuple[str, str, bool]],
    expected: date | None,
) -> None:
    site.org.add_account("Northfield Robotics", "101")
    for ends_on, status in contracts:
        site.org.add_contract("101", ends_on, status=status)
    for closes_on, kind, is_closed in opportunities:
        site.org.add_opportunity("101", closes_on, kind, is_closed)

    assert expected == only(site.crm(), site).renews_on


def test_a_day_begins_in_the_ledgers_zone(site: Site) -> None:
    """At 03:00 UTC of the 3rd it is still the 2nd in New York: what ends on the 2nd is still to come."""
    site.org.add_account("Northfield Robotics", "101")
    site.org.add_contract("101", "2026-11-02")
    site.org.add_contract("101", "2027-03-31")
    site.later(hours=18)

    assert date(2026, 11, 2) == only(site.crm(), site).renews_on
    site.later(hours=2, minutes=30)
    assert date(2027, 3, 31) == only(site.crm(), site).renews_on


@pytest.mark.parametrize(
    "ends_on, closes_on, expected",
    [
        (["2026-10-29"], [], date(2026, 10, 29)),  # four days ago
        (["2026-10-29", "2026-10-01"], [], date(2026, 10, 29)),  # the latest of them
        (["2026-10-01"], ["2026-10-20"], date(2026, 10, 20)),  # whichever source says so
        (["2026-10-29"], ["2026-12-15"], date(2026, 12, 15)),  # one is to come
        (["2026-10-29", "2027-03-31"], [], date(2027, 3, 31)),
        (["2026-09-03"], [], date(2026, 9, 3)),  # 60 days ago
        (["2026-09-02"], [], None),
    ],
)
def test_a_renewal_that_passed_not_long_ago_is_told_where_none_is_to_come(
    site: Site, ends_on: list[str], closes_on: list[str], expected: date | None
) -> None:
    site.org.add_account("Northfield Robotics", "101")
    for day in ends_on:
        site.org.add_contract("101", day)
    for day in closes_on:
        site.org.add_opportunity("101", day)

    assert expected == only(site.crm(), site).renews_on


@pytest.mark.parametrize(
    "strategic, fields, expected",
    [
        ({"Tier__c": ("Strategic",)}, {"Tier__c": "Strategic"}, True),
        ({"Tier__c": ("Strategic",)}, {"Tier__c": "Growth"}, False),
        ({"Tier__c": ("strategic ",)}, {"Tier__c": "Strategic"}, True),
        ({"tier__c": ("Growth", "Strategic")}, {"Tier__c": "Growth"}, True),
        ({"Tier__c": ("Strategic",)}, {}, False),
        ({"Strategic_Account__c": (True,)}, {"Strategic_Account__c": True}, True),
        ({"Strategic_Account__c": (True,)}, {"Strategic_Account__c": False}, False),
        ({"Tier__c": ("Strategic",), "Strategic_Account__c": (True,)}, {"Strategic_Account__c": True}, True),
        ({"Description": ("Key",)}, {"Description": "Big; key ; old"}, True),
    ],
)
def test_who_is_strategic(
    site: Site, strategic: dict[str, tuple[str | bool, ...]], fields: dict[str, Any], expected: bool
) -> None:
    site.org.add_account("Northfield Robotics", "101", **fields)

    assert expected == only(site.crm(changed(strategic=strategic)), site).is_strategic


@pytest.mark.parametrize(
    "active, expected",
    [
        ((True, True, True), "Team"),
        ((False, True, True), "Lookup"),
        ((False, False, True), "Owner"),
        ((False, False, False), ""),
    ],
)
def test_somebody_who_left_looks_after_nobody(site: Site, active: tuple[bool, bool, bool], expected: str) -> None:
    team, lookup, owner = (
        site.org.add_user(name, f"{name.lower()}@northfield.example", is_active=is_active)
        for name, is_active in zip(("Team", "Lookup", "Owner"), active, strict=True)
    )
    site.org.add_account("Northfield Robotics", "101", owner=owner, CSM__c=lookup)
    site.org.add_team_member("101", team)
    fields = changed(owner={"team_role": "Customer Success Manager", "lookup_field": "CSM__c"})

    assert expected == only(site.crm(fields), site).owner


def test_what_the_mapping_leaves_out_needs_not_be_there(site: Site) -> None:
    for name in ("Contract", "Opportunity", "AccountTeamMember", "Task", "Event", "EmailMessage", "Case"):
        site.org.hide_object(name)
    for name in ("Tier__c", "Do_Not_Contact__c"):
        site.org.hide_field(name)
    site.org.add_account("Northfield Robotics", "101")
    crm = site.crm(SalesforceMapping(customer_id_field="ERP_Customer_Id__c"))

    assert ("101", False, False, None) == (
        (account := only(crm, site)).customer_id,
        account.is_strategic,
        account.do_not_contact,
        account.renews_on,
    )
    assert [] == [finding for finding in crm.check() if not finding.ok and finding.blocking]


# ---- what changed ----


def test_a_quiet_read_is_one_request_for_each_object(site: Site) -> None:
    site.org.add_account("Northfield Robotics", "101")
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(minutes=30)
    before = site.queries()

    read = crm.read_changed(cursor, now)

    assert ((), False, now) == (read.accounts, read.is_whole, read.fresh_as_of)
    assert 7 == site.queries() - before


@pytest.mark.parametrize("thing", ["account", "contract", "deleted contract", "opportunity", "team", "erp id"])
def test_a_change_of_an_account_or_of_what_hangs_on_it_is_seen(site: Site, thing: str) -> None:
    site.org.add_account("Northfield Robotics", "101", Tier__c="Growth")
    site.org.add_account("Eastgate Foods", "102")
    contract = site.org.add_contract("101", "2027-03-31")
    site.org.add_user("Success Manager", "csm@northfield.example")
    crm = site.crm()
    cursor = site.long_ago(crm)
    now = site.later(hours=2)
    match thing:
        case "account":
            site.org.set_field("101", "Tier__c", "Strategic")
        case "contract":
            site.org.set_field(contract, "EndDate", "2026-12-31", object="Contract")
        case "deleted contract":
            site.org.delete_record("Contract", contract)
        case "opportunity":
            site.org.add_opportunity("101", "2026-12-15")
        case "team":
            site.org.add_team_member("101", "Success Manager")
        case "erp id":
            site.org.set_field("101", "ERP_Customer_Id__c", "201")

    (account,) = crm.read_changed(cursor, now).accounts

    days = {"contract": date(2026, 12, 31), "deleted contract": None}
    assert account.customer_id == ("201" if thing == "erp id" else "101")
    assert account.is_strategic == (thing == "account")
    assert account.renews_on == days.get(thing, date(2027, 3, 31))
    assert account.owner == ("Success Manager" if thing == "team" else "Integration User")


@pytest.mark.parametrize("minutes, expected", [(14, 1), (16, 0)])
def test_a_read_reaches_back_over_the_one_before(site: Site, minutes: int, expected: int) -> None:
    """A record whose change became visible late is still found, if it is not later than the overlap."""
    site.org.add_account("Northfield Robotics", "101")
    crm = site.crm()
    now = site.later(minutes=minutes)
    cursor = crm.read_changed("", now).cursor

    assert expected == len(crm.read_changed(cursor, now).accounts)


@pytest.mark.parametrize("hours, expected", [(23, False), (24, True)])
def test_everything_is_read_once_a_day(site: Site, hours: int, expected: bool) -> None:
    """What leaves no time stamp on the account behind: here a user's new address."""
    user = site.org.add_user("Success Manager", "old@northfield.example")
    site.org.add_account("Northfield Robotics", "101", owner=user)
    crm = site.crm()
    cursor = site.long_ago(crm)
    site.org.set_field(user, "Email", "new@northfield.example", object="User")
    now = site.later(hours=hours)

    read = crm.read_changed(cursor, now)

    assert expected == read.is_whole
    assert [account.owner_email for account in read.accounts] == ["new@northfield.example"] * expected


def test_another_mapping_reads_everything_again(site: Site) -> None:
    site.org.add_account("Northfield Robotics", "101", Tier__c="Growth")
    cursor = site.crm().read_changed("", site.now).cursor
    now = site.later(hours=1)

    read = site.crm(changed(strategic={"Tier__c": ("Growth",)})).read_changed(cursor, now)

    assert [True] == [account.is_strategic for account in read.accounts]
    assert read.is_whole


@pytest.mark.parametrize("cursor", ["", "{}", "not json", '{"at": 1}', "null"])
def test_a_cursor_that_can_not_be_read_reads_everything(site: Site, cursor: str) -> None:
    site.org.add_account("Northfield Robotics", "101")

    assert site.crm().read_changed(cursor, site.now).is_whole


# ---- pages ----


@pytest.fixture
def small_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Salesforce gave seven rows a query, in pages of three."""
    monkeypatch.setattr(salesforce_api, "ROWS_A_QUERY", 7)


@pytest.mark.parametrize("count", [0, 1, 3, 6, 7, 8, 14, 20])
def test_every_account_of_every_page_is_read_once(site: Site, small_queries: None, count: int) -> None:
    site.service.page_rows = 3
    for number in range(count):
        site.org.add_account(f"Firm {number}", str(100 + number))

    read = site.crm().read_changed("", site.now)

    assert [str(100 + number) for number in range(count)] == [account.customer_id for account in read.accounts]


def test_a_session_that_ends_in_mid_paging_costs_no_row(site: Site, small_queries: None) -> None:
    """The client logs in again, the new session doesn't know the old one's pages: reading goes on after the last."""
    site.service.page_rows = 3
    for number in range(20):
        site.org.add_account(f"Firm {number}", str(100 + number))
    site.faults.install(Rule("salesforce", "unauthorized", "query.more", nth=2))

    read = site.crm().read_changed("", site.now)

    assert 20 == len({account.id for account in read.accounts}) == len(read.accounts)
    assert 2 == site.service.counts()["token"]


def test_pages_that_are_lost_again_and_again_are_given_up(site: Site) -> None:
    site.service.page_rows = 1
    for number in range(20):
        site.org.add_account(f"Firm {number}", str(100 + number))
    site.faults.install(Rule("salesforce", "unauthorized", "query.more", times=99))

    with pytest.raises(Transient):
        site.crm().read_changed("", site.now)


def test_a_page_that_comes_twice_costs_no_row(site: Site) -> None:
    site.service.page_rows = 2
    for number in range(5):
        site.org.add_account(f"Firm {number}", str(100 + number))
    site.faults.install(Rule("salesforce", "duplicate_page", "query.more", nth=2))
    crm = site.crm()

    read = crm.read_changed("", site.now)

    assert 5 == len(read.accounts)


def test_an_account_that_comes_late_is_read_next_time(site: Site) -> None:
    site.org.add_account("Northfield Robotics", "101")
    site.org.add_account("Eastgate Foods", "102")
    site.faults.install(Rule("salesforce", "late_page", "query"))
    crm = site.crm()

    first = crm.read_changed("", site.now)
    second = crm.read_changed(first.cursor, site.later(minutes=5))

    assert ["101"] == [account.customer_id for account in first.accounts]
    assert {"101", "102"} == {account.customer_id for account in second.accounts}


# ---- what is not believed ----


def test_two_accounts_with_one_erp_id_are_parked_until_one_is_left(site: Site) -> None:
    first = site.org.add_account("Northfield Robotics", "101", Tier__c="Strategic")
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor
    second = site.org.add_account("Northfield Robotics (old)", "101")

    doubled = crm.read_changed(cursor, site.later(minutes=60))
    still = crm.read_changed(doubled.cursor, site.later(minutes=60))
    site.org.set_field(second, "ERP_Customer_Id__c", None)
    solved = crm.read_changed(still.cursor, site.later(minutes=60))

    for read in (doubled, still):
        assert [(first, "101"), (second, "101")] == [(one.record, one.customer_id) for one in read.parked]
        assert {"ERP_Customer_Id__c"} == {one.field for one in read.parked}
        assert () == read.accounts
    assert ([first], ()) == ([account.id for account in solved.accounts], solved.parked)


def test_a_whole_read_with_something_parked_is_not_whole(site: Site) -> None:
    """Else the last facts known of the parked one would be forgotten."""
    for name in ("Northfield Robotics", "Northfield Robotics (old)"):
        site.org.add_account(name, "101")
    site.org.add_account("Eastgate Foods", "102")

    read = site.crm().read_changed("", site.now)

    assert (["102"], 2, False) == ([account.customer_id for account in read.accounts], len(read.parked), read.is_whole)


@pytest.mark.parametrize(
    "fields, named",
    [
        (changed(strategic={"Tier__c": (True,)}), "Tier__c"),
        (changed(strategic={"Do_Not_Contact__c": ("Yes",)}), "Do_Not_Contact__c"),
        (changed(do_not_contact_field="Tier__c"), "Tier__c"),
        (changed(renewal_dates=({"account_field": "Name"},)), "Name"),
    ],
)
def test_a_field_of_another_kind_parks_the_account_by_its_name(
    site: Site, fields: SalesforceMapping, named: str
) -> None:
    site.org.add_account("Northfield Robotics", "101", Tier__c="Strategic")

    read = site.crm(fields).read_changed("", site.now)

    assert ((), [(named, "101")]) == (read.accounts, [(one.field, one.customer_id) for one in read.parked])


@pytest.mark.parametrize("name", ["ERP_Customer_Id__c", "Tier__c", "Do_Not_Contact__c"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_flag_that_vanished_stops_the_reading(site: Site, name: str, is_first: bool) -> None:
    """Never an empty value: a silently absent flag would let a strategic customer be chased."""
    site.org.add_account("Northfield Robotics", "101", Tier__c="Strategic")
    crm = site.crm()
    cursor = "" if is_first else crm.read_changed("", site.now).cursor
    site.org.hide_field(name)

    with pytest.raises(Terminal, match=rf"Account\.{name} is missing there, or hidden"):
        crm.read_changed(cursor, site.now)


@pytest.mark.parametrize("name, said", [("Contract", "Contracts"), ("AccountTeamMember", "AccountTeamMembers")])
def test_an_object_that_vanished_stops_the_reading(site: Site, name: str, said: str) -> None:
    site.org.hide_object(name)

    with pytest.raises(Terminal, match=f"{said} is missing there, or hidden"):
        site.crm().read_changed("", site.now)


@pytest.mark.parametrize("gone, is_refused", [(2, False), (3, True)])
def test_fewer_accounts_than_the_day_before_are_not_believed(site: Site, gone: int, is_refused: bool) -> None:
    ids = [site.org.add_account(f"Firm {number}", str(100 + number)) for number in range(20)]
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor
    for id in ids[:gone]:
        site.org.set_field(id, "ERP_Customer_Id__c", None)
    now = site.later(hours=25)

    if is_refused:
        with pytest.raises(Terminal, match="More likely a permission was lost"):
            crm.read_changed(cursor, now)
        meant = site.crm(changed(accounts_drop_percent_max=50))
        assert 20 - gone == len(meant.read_changed(cursor, now).accounts)
    else:
        assert crm.read_changed(cursor, now).is_whole


def test_accounts_that_were_deleted_may_be_gone(site: Site) -> None:
    ids = [site.org.add_account(f"Firm {number}", str(100 + number)) for number in range(10)]
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor
    for id in ids[:5]:
        site.org.delete_account(id)

    read = crm.read_changed(cursor, site.later(hours=25))

    assert (5, True) == (len(read.accounts), read.is_whole)


def test_rows_that_are_silently_withheld_are_an_alarm(site: Site) -> None:
    for number in range(10):
        site.org.add_account(f"Firm {number}", str(100 + number))
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor
    site.faults.install(Rule("salesforce", "fewer_rows", "query", times=5))

    with pytest.raises(Terminal, match="Let the connector's user see all"):
        crm.read_changed(cursor, site.later(hours=25))


# ---- tasks ----


def test_a_task_is_made_once_and_left_as_people_change_it(site: Site) -> None:
    owner = site.org.add_user("Success Manager")
    account = site.org.add_account("Northfield Robotics", "101")
    crm = site.crm()

    (first,) = crm.write_tasks([task(1, account, owner)])
    site.org.set_field(first.erp_id, "Status", "Completed", object="Task")
    (second,) = crm.write_tasks([task(1, account, owner)])

    assert (Outcome.CREATED, Outcome.EXISTS) == (first.outcome, second.outcome)
    assert first.erp_id == second.erp_id
    (made,) = site.org.tasks()
    assert ("arc-t1-esc-1", account, owner, "High", "Completed") == (
        made["external_id"],
        made["account"],
        made["owner"],
        made["priority"],
        made["status"],
    )
    assert ("Call Northfield Robotics", "INV-1 is 30 days late.", "2026-11-04") == (
        made["subject"],
        made["description"],
        made["due_on"],
    )


def test_a_task_that_a_person_deleted_is_not_made_again(site: Site) -> None:
    account = site.org.add_account("Northfield Robotics", "101")
    crm = site.crm()
    (first,) = crm.write_tasks([task(1, account)])
    site.org.delete_record("Task", first.erp_id)

    assert [Outcome.EXISTS] == [answer.outcome for answer in crm.write_tasks([task(1, account)])]
    assert 1 == len(site.org.tasks())


def test_a_task_that_differs_or_is_there_twice_is_told(site: Site) -> None:
    account, other = site.org.add_account("Northfield Robotics", "101"), site.org.add_account("Eastgate Foods", "102")
    for _ in range(2):
        site.org.add_task(account, "Call", ARC_Id__c="arc-t1-esc-1")
    site.org.add_task(other, "Call", ARC_Id__c="arc-t1-esc-2")

    answers = site.crm().write_tasks([task(1, account), task(2, account)])

    assert [Outcome.EXISTS_DIFFERENT] * 2 == [answer.outcome for answer in answers]


def test_one_refused_task_leaves_the_others(site: Site) -> None:
    account = site.org.add_account("Northfield Robotics", "101")
    gone = site.org.add_user("Success Manager", is_active=False)

    answers = site.crm().write_tasks([task(1, account), task(2, account, gone), task(3, account)])

    assert [Outcome.CREATED, Outcome.REFUSED, Outcome.CREATED] == [answer.outcome for answer in answers]
    assert "INACTIVE_OWNER_OR_USER" == answers[1].code


def test_without_a_task_in_the_mapping_none_is_written(site: Site) -> None:
    crm = site.crm(SalesforceMapping(customer_id_field="ERP_Customer_Id__c"))

    assert [(Outcome.REFUSED, "not_configured")] == [(one.outcome, one.code) for one in crm.write_tasks([task()])]


@pytest.mark.parametrize("kind", ["timeout_after", "drop_after", "cut_after", "unreadable_after"])
def test_a_task_whose_answer_was_lost_is_looked_up_and_never_made_twice(site: Site, kind: Kind) -> None:
    account = site.org.add_account("Northfield Robotics", "101")
    site.faults.install(Rule("salesforce", kind, "upsert", times=3, seconds=1.5))
    crm = site.crm()

    (first,) = crm.write_tasks([task(1, account)])
    site.faults.clear()
    (second,) = crm.write_tasks([task(1, account)])

    assert (Outcome.UNKNOWN, Outcome.EXISTS) == (first.outcome, second.outcome)
    assert 1 == len(site.org.tasks())


def test_a_locked_row_is_tried_again(site: Site) -> None:
    account = site.org.add_account("Northfield Robotics", "101")
    site.faults.install(Rule("salesforce", "record_refused", "upsert", code="UNABLE_TO_LOCK_ROW", times=2))

    assert [Outcome.CREATED] == [answer.outcome for answer in site.crm().write_tasks([task(1, account)])]


@pytest.mark.parametrize("left, outcomes", [(1, []), (2, [Outcome.CREATED, Outcome.UNKNOWN])])
def test_a_day_that_runs_out_while_tasks_are_written(site: Site, left: int, outcomes: list[Outcome]) -> None:
    """Nothing written: the whole call is told to try again. Something written: the rest is asked for once more."""
    account = site.org.add_account("Northfield Robotics", "101")
    crm = site.crm()
    site.service.spend_quota(left=left)

    if outcomes:
        answers = crm.write_tasks([task(1, account), task(2, account)])
        assert outcomes == [answer.outcome for answer in answers]
    else:
        with pytest.raises(Transient, match="used up"):
            crm.write_tasks([task(1, account), task(2, account)])
    site.later(days=1)
    assert {Outcome.CREATED, Outcome.EXISTS} >= {
        answer.outcome for answer in crm.write_tasks([task(1, account), task(2, account)])
    }
    assert 2 == len(site.org.tasks())


# ---- sessions, quota, faults ----


def test_an_expired_session_is_renewed(site: Site) -> None:
    crm = site.crm()
    crm.read_changed("", site.now)
    site.service.expire_sessions()

    crm.read_changed("", site.now)

    assert 2 == site.service.counts()["token"]


def test_a_session_that_is_refused_for_good_is_given_up_after_a_few_logins(site: Site) -> None:
    site.faults.install(Rule("salesforce", "unauthorized", "query", times=99))

    with pytest.raises(Transient, match="session is refused"):
        site.crm().read_changed("", site.now)
    assert site.service.counts()["token"] < 10


@pytest.mark.parametrize("wrong", [{"client_secret": SecretStr("wrong")}, {"client_id": "nobody"}])
def test_wrong_credentials_need_a_person(site: Site, wrong: dict[str, Any]) -> None:
    crm = site.crm(**wrong)

    with pytest.raises(Terminal, match="credentials were refused"):
        crm.read_changed("", site.now)
    (finding,) = crm.check()
    assert (False, True) == (finding.ok, finding.blocking)


def test_a_spent_quota_is_told_once_and_not_tried_again(site: Site) -> None:
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor
    site.service.spend_quota()
    before = site.queries()

    with pytest.raises(Transient, match=r"requests of the last 24 hours are used up \(4 of 15000 when last told\)"):
        crm.read_changed(cursor, site.now)

    assert 1 == site.queries() - before


FAULTS: list[Kind] = [
    "too_many",
    "server_error",
    "maintenance",
    "timeout_before",
    "timeout_after",
    "cut_after",
    "unreadable_after",
    "drop_before",
    "drop_after",
    "unauthorized",
]


# Credentials that are refused at the login need a person: they have a test of their own.
PASSING = [
    (operation, kind)
    for operation in ("token", "query", "query.more", "queryAll")
    for kind in FAULTS
    if (operation, kind) != ("token", "unauthorized")
]


@pytest.mark.parametrize("operation, kind", PASSING)
def test_one_fault_is_got_over_or_told_and_the_next_read_is_whole(site: Site, operation: str, kind: Kind) -> None:
    site.service.page_rows = 2
    for number in range(5):
        site.org.add_account(f"Firm {number}", str(100 + number))
    crm = site.crm()
    cursor = crm.read_changed("", site.now).cursor if operation == "queryAll" else ""
    site.faults.install(Rule("salesforce", kind, operation, seconds=1.5))

    try:
        read = crm.read_changed(cursor, site.now)
    except Transient:
        read = crm.read_changed(cursor, site.now)

    assert {str(100 + number) for number in range(5)} == {account.customer_id for account in read.accounts}


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if not kind.startswith("timeout")])
def test_a_fault_that_stays_is_transient(site: Site, kind: Kind) -> None:
    site.faults.install(Rule("salesforce", kind, "query", times=50))

    with pytest.raises(Transient):
        site.crm().read_changed("", site.now)


# ---- check ----


def test_check_finds_a_good_organisation_in_order(site: Site) -> None:
    site.org.add_account("Northfield Robotics", "101")

    findings = site.crm().check()

    assert [] == [finding for finding in findings if not finding.ok]
    assert any("1 accounts carry an ERP customer id" in finding.what for finding in findings)


@pytest.mark.parametrize("name", ["ERP_Customer_Id__c", "Tier__c", "Do_Not_Contact__c"])
def test_check_names_each_hidden_field(site: Site, name: str) -> None:
    site.org.hide_field(name)

    (bad,) = [finding for finding in site.crm().check() if not finding.ok]

    assert f"Account.{name} is missing, or hidden from the connector's user" == bad.what
    assert "permission set Read on it" in bad.remedy
    assert bad.blocking


def test_check_names_a_right_that_is_never_used(site: Site) -> None:
    """Least privilege: whoever gets hold of the credentials should be able to do no more than we do."""
    site.org.add_account("Northfield Robotics", "101")
    site.org.deletable.add("Account")

    (bad,) = [finding for finding in site.crm().check() if not finding.ok]

    assert "may change or delete Account, which it never does" in bad.what
    assert "Read alone" in bad.remedy and not bad.blocking


def test_check_names_a_hidden_object_and_what_to_do(site: Site) -> None:
    site.org.hide_object("AccountTeamMember")

    (bad,) = [finding for finding in site.crm().check() if not finding.ok]

    assert "AccountTeamMember is missing, or hidden" in bad.what
    assert "switch on account teams" in bad.remedy


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"strategic": {"Tier__c": ("Stategic",)}}, "Account.Tier__c has no value 'Stategic'"),
        ({"strategic": {"Tier__c": (True,)}}, "Account.Tier__c is picklist, not a checkbox"),
        ({"do_not_contact_field": "Tier__c"}, "Account.Tier__c is picklist, not a checkbox"),
        ({"customer_id_field": "Renewal_Date__c"}, "Account.Renewal_Date__c is date, not text"),
        ({"renewal_dates": ({"account_field": "Name"},)}, "Account.Name is string, not a date"),
        ({"renewal_dates": ({"opportunity_types": ("Renewals",)},)}, "Opportunity.Type has no value 'Renewals'"),
        ({"renewal_dates": ({"contract_statuses": ("Active",)},)}, "Contract.Status has no value 'Active'"),
        ({"owner": {"team_role": "CSM"}}, "AccountTeamMember.TeamMemberRole has no value 'CSM'"),
        ({"owner": {"lookup_field": "Tier__c"}}, "Account.Tier__c is picklist, not a lookup to User"),
        ({"task": {"external_id_field": "Subject"}}, "Task.Subject is no external id"),
        ({"task": {"external_id_field": "ARC_Id__c", "priority": "Urgent"}}, "Task.Priority has no value 'Urgent'"),
    ],
)
def test_check_names_what_is_of_the_wrong_kind(site: Site, fields: dict[str, Any], words: str) -> None:
    bad = [finding.what for finding in site.crm(changed(**fields)).check() if not finding.ok and finding.blocking]

    assert any(what.startswith(words) for what in bad), bad


def test_check_finds_that_no_account_is_known(site: Site) -> None:
    site.org.add_account("Prospect Ltd")

    (bad,) = [finding for finding in site.crm().check() if not finding.ok]

    assert "no account that the connector's user may see" in bad.what


def test_check_warns_when_few_requests_are_left_and_when_nobody_is_strategic(site: Site) -> None:
    site.org.add_account("Northfield Robotics", "101")
    site.service.spend_quota(left=100)
    fields = changed(strategic={})

    bad = [(finding.what, finding.blocking) for finding in site.crm(fields).check() if not finding.ok]

    assert ["nobody counts as strategic", "of 15000 requests"] == [
        next(words for words in ("nobody counts as strategic", "of 15000 requests") if words in what) for what, _ in bad
    ]
    assert {False} == {blocking for _, blocking in bad}


@pytest.mark.parametrize(
    "domain, base_url, is_said, expected",
    [
        ("acme.my", "", False, False),
        ("acme.my.salesforce.com", "", False, False),
        ("acme.my", "", True, True),
        ("acme.my", "http://127.0.0.1:1", False, True),
        ("acme--uat.sandbox.my", "", False, True),
        ("acme-dev-ed.develop.my", "", False, True),
        ("acme-dev.scratch.my.salesforce.com", "", False, True),
    ],
)
def test_a_test_organisation_is_known_by_its_domain_or_the_setting(
    domain: str, base_url: str, is_said: bool, expected: bool
) -> None:
    settings = SalesforceSettings(domain, "id", SecretStr("s"), base_url, is_test=is_said)

    assert expected == SalesforceCrm(settings, SHIPPED, ZoneInfo("UTC")).is_test
