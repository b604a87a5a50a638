"""What goes wrong at the gateway's door, and what is in the books afterwards."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
import requests
from intacct_company import NOW, Company, created, payment, query
from lxml import etree

from sandbox.faults import Kind
from sandbox.intacct import Intacct

BEFORE: tuple[Kind, ...] = (
    "too_many",
    "server_error",
    "maintenance",
    "html",
    "rate_text",
    "drop_before",
    "timeout_before",
    "unauthorized",
)
AFTER: tuple[Kind, ...] = (
    "server_error_after",
    "html_after",
    "cut_after",
    "unreadable_after",
    "drop_after",
    "timeout_after",
)


def receipt(name: str) -> str:
    return created("arc_receipt", name=name)


def act(company: Company, *names: str) -> bytes:
    """An act of receipts whose answer may be anything; '' for none at all."""
    session, endpoint = company.session()
    body = company.request(
        [receipt(name) for name in names],
        authentication=f"<sessionid>{session}</sessionid>",
        transaction="true",
        ids=[f"arc-{name}" for name in names],
    )
    try:
        return company.post(body, endpoint, timeout=0.5).content
    except requests.RequestException:
        return b""


def receipts(company: Company) -> list[str]:
    return sorted(row["name"] for row in company.query("arc_receipt", "name"))


def committed(content: bytes) -> bool:
    """Does this answer say that everything was carried out?"""
    try:
        root = etree.fromstring(content)
    except etree.XMLSyntaxError:
        return False
    statuses = [status.text for status in root.iterfind("operation/result/status")]
    return bool(statuses) and set(statuses) == {"success"}


@pytest.mark.parametrize("kind", BEFORE)
def test_before_the_work_nothing_was_done(company: Company, kind: Kind) -> None:
    company.fault(kind, "act")

    answer = act(company, "a", "b")

    assert not committed(answer)
    assert [] == receipts(company)
    assert [kind] == [fired.rule.kind for fired in company.faults.fired()]


@pytest.mark.parametrize("kind", AFTER)
def test_after_the_work_all_was_done_and_no_answer_says_so(company: Company, kind: Kind) -> None:
    company.fault(kind, "act")

    answer = act(company, "a", "b")

    assert not committed(answer)
    assert ["a", "b"] == receipts(company)


@pytest.mark.parametrize("kind", AFTER)
def test_a_retry_under_the_same_ids_after_that_is_refused(company: Company, kind: Kind) -> None:
    company.fault(kind, "act")
    act(company, "a", "b")

    again = act(company, "a", "b")

    assert b"previously executed" in again
    assert ["a", "b"] == receipts(company)


@pytest.mark.parametrize(
    ("kind", "http", "text"),
    [
        ("too_many", 429, b"GW-0010"),
        ("server_error", 500, b"<html>"),
        ("server_error_after", 500, b"<html>"),
        ("maintenance", 503, b"Temporarily Off-line"),
        ("html", 200, b"<html>"),
        ("html_after", 200, b"<html>"),
        ("rate_text", 200, b"API rate limit exceeded"),
        ("late_commit", 524, b"<html>"),
    ],
)
def test_answers_that_are_none(company: Company, kind: Kind, http: int, text: bytes) -> None:
    company.fault(kind, "create")

    reply = company.ask(receipt("a"))

    assert http == reply.http
    assert text in reply.content


def test_a_rate_limit_may_say_something_else(company: Company) -> None:
    company.fault("rate_text", "create", code="The Service is Temporarily Off-line")

    assert b"The Service is Temporarily Off-line" == company.ask(receipt("a")).content


def test_too_many_is_a_bare_control(company: Company) -> None:
    company.fault("too_many", "query")

    reply = company.ask(query("CUSTOMER", "NAME"))

    assert ["status"] == [child.tag for child in reply.root.find("control")]


def test_truncated_xml_comes_with_a_whole_http_answer(company: Company) -> None:
    company.fault("unreadable_after", "create")

    reply = company.ask(receipt("a"))

    assert 200 == reply.http
    assert reply.content.startswith(b"<?xml")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(reply.content)


# ---- a function refused ----


@pytest.mark.parametrize("place", [0, 1, 2, -1])
def test_a_function_of_an_act_is_refused_by_its_place(company: Company, place: int) -> None:
    company.fault("record_refused", "act", record=place, code="BL34000061")

    reply = company.act(receipt("a"), receipt("b"), receipt("c"))

    assert "BL34000061" == reply.results[place].errors[0][0]
    assert ["aborted"] * 3 == reply.statuses
    assert [] == receipts(company)


def test_all_but_the_first_are_refused_where_each_stands_for_itself(company: Company) -> None:
    company.fault("partial_list", "create")

    assert ["success", "failure", "failure"] == company.ask(receipt("a"), receipt("b"), receipt("c")).statuses


def test_a_period_closes_for_what_is_posted_to_a_day_and_for_nothing_else(company: Company) -> None:
    customer = company.customer()
    record = company.invoice(customer, "INV-1", "10.00")
    company.fault("period_closed", "act")

    reply = company.act(
        receipt("a"),
        payment(customer, company.books.accounts["bank"], {"RECORDKEY": record, "TRX_PAYMENTAMOUNT": "10.00"}),
    )

    assert [1, 3] == [len(result.errors) for result in reply.results]
    assert "period" in reply.results[1].errors[0][1]


def test_a_rule_may_name_any_function_of_a_request(company: Company) -> None:
    company.fault("server_error", "delete")

    assert 500 == company.ask(receipt("a"), "<delete><object>arc_receipt</object><keys>1</keys></delete>").http
    assert 200 == company.ask(receipt("a"), receipt("b")).http


def test_a_lost_permission_shows_fewer_rows_and_no_error(company: Company) -> None:
    for name in "abcdef":
        company.do(receipt(name))
    company.fault("fewer_rows", "query")

    found = company.do(query("arc_receipt", "name")).data

    assert (4, "4", "4", "0") == (len(found), found.get("count"), found.get("totalcount"), found.get("numremaining"))


# ---- 524 ----


def test_what_a_524_left_is_committed_later_by_the_worlds_clock(company: Company) -> None:
    company.fault("late_commit", "act", seconds=600)

    act(company, "a", "b")

    assert [] == receipts(company)
    company.clock.move_to(NOW + timedelta(minutes=11))
    assert ["a", "b"] == receipts(company)


def test_the_truth_knows_what_was_committed_late(company: Company) -> None:
    customer = company.customer()
    record = company.invoice(customer, "INV-1", "10.00")
    company.fault("late_commit", "create", seconds=600)
    company.ask(payment(customer, company.books.accounts["bank"], {"RECORDKEY": record, "TRX_PAYMENTAMOUNT": "10.00"}))

    before = company.books.truth()["payments"]
    company.clock.move_to(NOW + timedelta(minutes=11))

    assert (0, 1) == (len(before), len(company.books.truth()["payments"]))


def test_what_a_524_left_is_committed_later_by_real_time(company: Company) -> None:
    company.fault("late_commit", "act", seconds=0.2)

    act(company, "a")

    assert [] == receipts(company)
    deadline = time.monotonic() + 5
    while not receipts(company) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ["a"] == receipts(company)


def test_a_retry_before_a_late_commit_wins_and_the_late_one_is_refused(company: Company) -> None:
    company.fault("late_commit", "act", seconds=600)
    act(company, "a")

    again = act(company, "a")

    assert committed(again)
    assert 1 == company.books.finish_late()
    assert ["a"] == receipts(company)


def test_a_late_request_was_let_in_when_it_came(company: Company) -> None:
    """Its session may be over when the work is done."""
    company.ask(query("CUSTOMER", "NAME"))
    company.fault("late_commit", "act", seconds=86_400)
    act(company, "a")

    company.clock.move_to(NOW + timedelta(days=2))

    assert "failure" == company.ask(query("CUSTOMER", "NAME")).authentication, "the session is over"
    assert company.books.row("SELECT name FROM arc_receipt")


def test_a_524_to_somebody_who_may_not_come_in_leaves_nothing(company: Company) -> None:
    company.fault("late_commit", "create", seconds=600)

    reply = company.post(company.request([receipt("a")], authentication=company.login(password="wrong")))

    assert ("failure", 0) == (reply.authentication, company.books.finish_late())


# ---- many at once ----


def test_more_than_two_requests_at_once_are_too_many(company: Company) -> None:
    company.fault("timeout_before", "lookup", times=2, seconds=1.0)
    session, endpoint = company.session()

    def ask(which: str) -> int:
        body = company.request([which], authentication=f"<sessionid>{session}</sessionid>")
        try:
            return requests.post(endpoint, body, headers={"Content-Type": "application/xml"}, timeout=5).status_code
        except requests.RequestException:
            return 0

    waiting = [threading.Thread(target=ask, args=["<lookup><object>ARTERM</object></lookup>"]) for _ in range(2)]
    for thread in waiting:
        thread.start()
    deadline = time.monotonic() + 5
    while len(company.faults.fired()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)

    third = ask(query("CUSTOMER", "NAME"))
    for thread in waiting:
        thread.join(timeout=5)

    assert 429 == third
    assert 200 == ask(query("CUSTOMER", "NAME"))


def test_somebody_acts_just_before_a_request(company: Company) -> None:
    company.books.meanwhile("act", lambda: company.books.insert("arc_receipt", {"name": "a person's"}))
    company.act(receipt("a"))

    rows = company.query("arc_receipt", "id", "name")

    assert ["a person's", "a"] == [row["name"] for row in sorted(rows, key=lambda row: int(row["id"]))]


def test_every_kind_that_can_be_played_is_known(company: Company) -> None:
    assert {*BEFORE, *AFTER, "late_commit", "record_refused", "partial_list", "period_closed"} <= Intacct.KINDS
    assert {*Intacct.KINDS} >= {"fewer_rows", "session_lost"}
    assert "after_submit_failed" not in Intacct.KINDS
