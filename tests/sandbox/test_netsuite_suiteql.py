"""SuiteQL over real HTTP: what it shows, how it pages, and whom and what it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import requests
from netsuite_account import Account, served

from sandbox.netsuite import Guesses


@pytest.fixture(scope="module")
def shared() -> Iterator[Account]:
    """A book that no test changes: INV-0 (1,000.00, 480.10 paid), INV-1 (0.30) and its payment of 500.00."""
    with served() as account:
        term = account.books.add_term("Net 30", 30)
        customer = account.customer()
        invoice = account.invoice(customer, "1000.00", "INV-0", terms_id=term, po="PO-7", tax=["80.00"])
        account.invoice(customer, "0.30", "INV-1")
        account.books.pay_by_hand(customer, "500.00", date(2026, 11, 2), [(invoice, "480.10")], memo="wire")
        yield account


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


# ---- what a row looks like ----


def test_open_invoices_as_a_connector_reads_them(shared: Account) -> None:
    rows = shared.rows(
        """SELECT t.id, t.tranid, t.externalid, t.entity, TO_CHAR(t.trandate, 'YYYY-MM-DD') trandate,
                  TO_CHAR(t.duedate, 'YYYY-MM-DD') duedate, BUILTIN.DF(t.terms) terms_name, t.otherrefnum,
                  c.symbol currency, t.foreigntotal, t.foreignamountunpaid, tl.subsidiary, t.custbody_arc_hold,
                  TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') changed, BUILTIN.DF(t.status) status
             FROM transaction t, transactionline tl, currency c
            WHERE tl.transaction = t.id AND tl.mainline = 'T' AND c.id = t.currency AND t.type = 'CustInvc'
              AND t.posting = 'T' AND t.voided = 'F' AND t.foreignamountunpaid > 0 AND t.id > ?
            ORDER BY t.id""",
        0,
    )

    assert {
        "id": "5001",
        "tranid": "INV-0",
        "entity": "101",
        "trandate": "2026-10-01",
        "duedate": "2026-10-31",
        "terms_name": "Net 30",
        "otherrefnum": "PO-7",
        "currency": "USD",
        "foreigntotal": "1080",
        "foreignamountunpaid": "599.9",
        "subsidiary": "1",
        "custbody_arc_hold": "F",
        "changed": "2026-11-23 09:30:00",
        "status": "Invoice : Open",
    } == rows[0]
    assert ["INV-0", "INV-1"] == [row["tranid"] for row in rows]


def test_every_value_is_a_string_and_nulls_are_left_out(shared: Account) -> None:
    rows = shared.query("SELECT * FROM transaction").json()["items"]

    assert {str, list} == {type(value) for row in rows for value in row.values()}
    assert [] == [row for row in rows if "externalid" in row]
    assert all(row["links"] == [] and all(name == name.lower() for name in row) for row in rows)


def test_the_envelope_counts_and_links(shared: Account) -> None:
    body = shared.query("SELECT id FROM transaction ORDER BY id", limit=2, offset=0).json()

    assert (2, 0, 3, True) == (body["count"], body["offset"], body["totalResults"], body["hasMore"])
    assert ["self", "next", "last"] == [link["rel"] for link in body["links"]]
    assert {"5001", "5002"} == {item["id"] for item in body["items"]}


@pytest.mark.parametrize(
    "select, params, expected",
    [
        # Amounts are exact, whatever is done to them.
        ("SUM(foreigntotal) FROM transaction WHERE type = 'CustInvc'", [], "1080.3"),
        ("SUM(foreigntotal) - 1080.2 FROM transaction WHERE type = 'CustInvc'", [], "0.1"),
        ("COUNT(*) FROM transaction WHERE foreignamountunpaid > 0.29", [], "2"),
        ("COUNT(*) FROM transaction WHERE foreignamountunpaid > ?", ["0.30"], "1"),
        ("COUNT(*) FROM transaction WHERE foreignamountunpaid BETWEEN 0.3 AND ?", [599.9], "2"),
        ("COUNT(*) FROM transaction WHERE foreigntotal IN (0.3, 1080)", [], "2"),
        ("ROUND(foreignamountunpaid, 0) FROM transaction WHERE tranid = 'INV-0'", [], "600"),
        ("MAX(NVL(foreignamountunpaid, 0)) FROM transaction", [], "599.9"),
        ("foreigntotal / 2 FROM transaction WHERE tranid = 'INV-1'", [], "0.15"),
        ("CASE WHEN foreigntotal > 1 THEN foreigntotal ELSE 0.5 END FROM transaction WHERE id = 5002", [], "0.5"),
        ("'due ' || foreignamountunpaid FROM transaction WHERE id = 5001", [], "due 599.9"),
        ("DECODE(type, 'CustInvc', foreigntotal, 7) FROM transaction WHERE id = 5002", [], "0.3"),
        # Keys and texts.
        ("tranid FROM transaction WHERE id = ?", ["5001"], "INV-0"),
        ("COUNT(*) FROM transaction WHERE id IN (?, ?)", ["5001", 5002], "2"),
        ("COUNT(*) FROM transaction WHERE tranid LIKE 'inv%'", [], "0"),
        ("UPPER(companyname) FROM customer", [], "NORTHFIELD ROBOTICS"),
        # Dates.
        ("trandate FROM transaction WHERE id = 5001", [], "10/01/2026"),
        ("COUNT(*) FROM transaction WHERE trandate >= TO_DATE(?, 'YYYY-MM-DD')", ["2026-11-01"], "1"),
        ("COUNT(*) FROM transaction WHERE lastmodifieddate > TO_DATE(?, 'YYYY-MM-DD HH24:MI:SS')",
         ["2026-11-23 09:30:00"], "0"),
        ("COUNT(*) FROM transaction WHERE trandate >= '11/01/2026'", [], "1"),
        ("COUNT(*) FROM transaction WHERE trandate > SYSDATE - 30", [], "1"),
        ("TO_CHAR(TRUNC(lastmodifieddate), 'YYYY-MM-DD HH24:MI:SS') FROM transaction WHERE id = 5001", [],
         "2026-11-23 00:00:00"),
        # Shapes.
        ("x.total FROM (SELECT SUM(foreigntotal) total FROM transaction WHERE type = ?) x", ["CustInvc"], "1080.3"),
        ("(SELECT SUM(l.foreignamount) FROM transactionline l WHERE l.transaction = t.id AND l.mainline = 'F')"
         " FROM transaction t WHERE t.id = 5001", [], "-1080"),
        ("COUNT(*) FROM transaction t, nexttransactionlinelink l WHERE l.previousdoc(+) = t.id", [], "3"),
        ("l.foreignamount FROM nexttransactionlinelink l WHERE l.previousdoc = 5001 AND l.nexttype = 'CustPymt'", [],
         "480.1"),
        ("scriptid FROM customrecordtype WHERE internalid = '121'", [], "customrecord_arc_cancellation"),
    ],
)  # fmt: skip
def test_what_a_query_gives(shared: Account, select: str, params: list[object], expected: str) -> None:
    rows = shared.rows(f"SELECT {select}", *params)

    assert [expected] == [value for row in rows for value in row.values()]


def test_lines_have_the_ledgers_signs(shared: Account) -> None:
    rows = shared.rows(
        "SELECT t.type, l.mainline, l.taxline, l.foreignamount FROM transaction t, transactionline l"
        " WHERE l.transaction = t.id AND t.id IN (5001, 5003) ORDER BY t.id, l.id"
    )

    assert [
        ("CustInvc", "T", "F", "1080"),
        ("CustInvc", "F", "F", "-1000"),
        ("CustInvc", "F", "T", "-80"),
        ("CustPymt", "T", "F", "500"),
        ("CustPymt", "F", "F", "-500"),
    ] == [tuple(row.values()) for row in rows]


# ---- pages ----


def test_without_order_by_pages_overlap(account: Account) -> None:
    customer = account.customer()
    invoices = {account.invoice(customer, number=f"INV-{number}") for number in range(30)}

    def ids(order: str) -> list[str]:
        query = f"SELECT id FROM transaction{order}"
        return [row["id"] for offset in (0, 10, 20) for row in account.rows(query, limit=10, offset=offset)]

    unordered, ordered = ids(""), ids(" ORDER BY id")
    assert 30 == len(unordered) and invoices != set(unordered)
    assert sorted(invoices, key=int) == ordered


def test_rows_that_order_by_leaves_equal_are_shuffled_too(account: Account) -> None:
    customer = account.customer()
    for number in range(30):
        account.invoice(customer, number=f"INV-{number}")
    query = "SELECT id FROM transaction ORDER BY entity"

    assert account.rows(query) != account.rows(query)


def test_the_shuffle_is_the_same_in_every_run() -> None:
    def run() -> list[dict[str, str]]:
        with served() as account:
            customer = account.customer()
            for number in range(20):
                account.invoice(customer, number=f"INV-{number}")
            return account.rows("SELECT id FROM transaction")

    assert run() == run()


def test_a_keyset_walk_over_a_large_book_is_quick(account: Account) -> None:
    customers = [account.customer(f"Customer {number}") for number in range(100)]
    for number in range(3000):
        account.invoice(customers[number % 100], number=f"INV-{number}")
    query = """SELECT t.id, BUILTIN.DF(t.entity) customer, t.foreignamountunpaid FROM transaction t, transactionline tl
               WHERE tl.transaction = t.id AND tl.mainline = 'T' AND t.type = 'CustInvc'
                 AND t.foreignamountunpaid > 0 AND t.id > ? ORDER BY t.id"""
    seen: list[str] = []
    started = time.perf_counter()
    while rows := account.rows(query, seen[-1] if seen else 0):
        seen += [row["id"] for row in rows]

    assert 3000 == len(set(seen)) == len(seen)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "window", [{"limit": 1001}, {"limit": 0}, {"limit": 10, "offset": 5}, {"limit": 1000, "offset": 100_000}]
)
def test_a_page_outside_the_bounds_is_refused(shared: Account, window: dict[str, int]) -> None:
    answer = shared.query("SELECT id FROM transaction", **window)

    assert (400, "INVALID_PARAMETER") == (answer.status_code, error_code(answer))


# ---- refusals ----


def error_code(answer: requests.Response) -> str:
    return str(answer.json()["o:errorDetails"][0]["o:errorCode"])


@pytest.mark.parametrize(
    "query, named",
    [
        ("SELECT bogus FROM transaction", "bogus"),
        ("SELECT t.bogus FROM transaction t", "bogus"),
        ("SELECT t._amount FROM transaction t", "_amount"),
        ("SELECT id FROM nosuchtable", "nosuchtable"),
        ("SELECT name FROM sqlite_master", "sqlite_master"),
        ("DELETE FROM transaction", "SELECT"),
        ("SELECT id FROM customer; SELECT id FROM customer", "SELECT"),
        ("SELECT load_extension('x') FROM customer", "load_extension"),
        ("SELECT ns_now() FROM customer", "ns_now"),
        ("SELECT id FROM customer WHERE ROWNUM < 3", "ROWNUM"),
        ("SELECT id FROM", "Expected"),
        ("SELECT id FROM customer WHERE id = ?", "parameters"),
        ("SELECT id, entityid id FROM customer", "same name"),
        ("SELECT id FROM transaction WHERE foreigntotal > 'abc'", "abc"),
        ("SELECT BUILTIN.CONSOLIDATE(foreigntotal) FROM transaction", "CONSOLIDATE"),
    ],
)
def test_a_query_that_cannot_be_run_is_refused_by_name(shared: Account, query: str, named: str) -> None:
    answer = shared.query(query)

    assert (400, "Bad Request", 400) == (answer.status_code, answer.json()["title"], answer.json()["status"])
    assert named.lower() in answer.text.lower()


def test_an_iso_date_without_to_date_is_an_error(shared: Account) -> None:
    assert 400 == shared.query("SELECT id FROM transaction WHERE trandate >= '2026-01-01'").status_code


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"q": ""}', '{"q": "SELECT 1", "params": {}}', '{"q": 7}'])
def test_a_body_that_is_not_what_it_should_be_is_refused(shared: Account, body: str) -> None:
    assert (400, "INVALID_CONTENT") == (
        (answer := shared.query("", body=body)).status_code,
        error_code(answer),
    )


def test_the_prefer_header_is_required(shared: Account) -> None:
    assert 400 == shared.query("SELECT id FROM customer", headers={"Prefer": ""}).status_code


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "wrong"},
        {"resource_owner_secret": "wrong"},
        {"client_key": "wrong"},
        {"realm": "1000001-sb1"},
        {"signature_method": "HMAC-SHA1"},
        {"timestamp": str(int(time.time()) - 600)},
    ],
)
def test_a_signature_that_is_wrong_in_one_part_is_a_401(shared: Account, wrong: dict[str, Any]) -> None:
    answer = shared.query("SELECT id FROM customer", signer=shared.signer(**wrong))

    assert (401, "INVALID_LOGIN") == (answer.status_code, error_code(answer))
    assert "OAuth" in answer.headers["WWW-Authenticate"]


def test_a_nonce_is_good_for_one_request(shared: Account) -> None:
    signer = shared.signer(nonce="a" * 20, timestamp=str(int(time.time())))

    codes = [shared.query("SELECT id FROM customer", signer=signer).status_code for _ in range(2)]

    assert [200, 401] == codes


@pytest.mark.parametrize("tampered", ["body", "query"])
def test_what_was_changed_after_signing_is_a_401(shared: Account, tampered: str) -> None:
    url, body = f"{shared.profile['suiteql_url']}?limit=5&offset=0", json.dumps({"q": "SELECT id FROM customer"})
    headers = {"Content-Type": "application/json", "Prefer": "transient"}
    _, headers, _ = shared.signer().sign(url, "POST", body, headers)
    assert "oauth_body_hash" in headers["Authorization"]
    if tampered == "body":
        body = body.replace("customer", "term")
    else:
        url = url.replace("limit=5", "limit=6")

    assert 401 == requests.post(url, body, headers=headers, timeout=10).status_code


def test_an_unsigned_request_is_a_401(shared: Account) -> None:
    assert 401 == requests.post(shared.profile["suiteql_url"], json={"q": "SELECT 1"}, timeout=10).status_code


# ---- faults ----


@pytest.mark.parametrize(
    "kind, http, code",
    [
        ("too_many", 429, "CONCURRENCY_LIMIT_EXCEEDED"),
        ("server_error", 500, "UNEXPECTED_ERROR"),
        ("unauthorized", 401, "INVALID_LOGIN"),
    ],
)
def test_a_fault_that_has_words_says_the_vendors(account: Account, kind: str, http: int, code: str) -> None:
    account.fault(kind, "suiteql")  # type: ignore[arg-type]

    answer = account.query("SELECT id FROM customer")

    assert (http, http, code) == (answer.status_code, answer.json()["status"], error_code(answer))
    assert 200 == account.query("SELECT id FROM customer").status_code


def test_the_429_has_the_vendors_odd_envelope(account: Account) -> None:
    account.fault("too_many")

    body = account.query("SELECT id FROM customer").json()

    assert ("Bad Request", "USER_ERROR") == (body["title"], body["o:errorCode"])


def test_maintenance_is_a_page_for_people(account: Account) -> None:
    account.fault("maintenance")

    answer = account.query("SELECT id FROM customer")

    assert (503, True) == (answer.status_code, answer.text.startswith("<!DOCTYPE html>"))


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "drop_before", "drop_after", "cut_after"])
def test_a_broken_connection_is_an_error_to_the_client(account: Account, kind: str) -> None:
    account.fault(kind, seconds=0.2)  # type: ignore[arg-type]

    with pytest.raises(requests.RequestException):
        account.query("SELECT id FROM customer")


def test_an_unreadable_answer_is_no_json(account: Account) -> None:
    account.fault("unreadable_after")

    with pytest.raises(requests.JSONDecodeError):
        account.query("SELECT id FROM customer").json()


def test_pages_may_be_short_repeated_or_late(account: Account) -> None:
    customer = account.customer()
    invoices = [account.invoice(customer, number=f"INV-{number}") for number in range(8)]
    query = "SELECT id FROM transaction WHERE id > ? ORDER BY id"
    middle = invoices[3]

    def ids(after: str) -> list[str]:
        return [row["id"] for row in account.rows(query, after, limit=4)]

    account.fault("fewer_rows", "suiteql")
    assert [invoices[0], invoices[1], invoices[3]] == ids("0")
    account.fault("duplicate_page", "suiteql", nth=2)
    assert [invoices[:4], invoices[:4]] == [ids("0"), ids(middle)]
    account.fault("late_page", "suiteql")
    assert [invoices[:3], [invoices[3], *invoices[4:]]] == [ids("0"), ids(middle)]


def test_a_delta_by_date_may_miss_what_was_paid() -> None:
    """A payment does not move its invoice's last modified date, unless the account is told so."""
    for moved in (False, True):
        with served(guesses=Guesses(payment_moves_invoice_date=moved)) as account:
            customer = account.customer()
            invoice = account.invoice(customer)
            account.books.change("transaction", int(invoice), {"lastmodifieddate": "2026-11-01 00:00:00"})
            account.books.pay_by_hand(customer, "1000.00", date(2026, 11, 20), [(invoice, "1000.00")])

            rows = account.rows(
                "SELECT status FROM transaction WHERE id = ? AND lastmodifieddate > TO_DATE(?, 'YYYY-MM-DD')",
                invoice,
                "2026-11-02",
            )
            assert ([{"status": "B"}] if moved else []) == rows


def test_queries_see_what_soap_wrote(account: Account) -> None:
    soap = account.soap()
    customer = account.customer()
    invoice = account.invoice(customer)

    soap.add(
        soap.payment(customer, "10.00", [(invoice, "10.00")], externalId="arc-1"), soap.cancellation("c-1", invoice)
    )

    found = account.rows("SELECT externalid, custrecord_arc_can_invoice FROM customrecord_arc_cancellation")
    assert [{"externalid": "c-1", "custrecord_arc_can_invoice": invoice}] == found
    assert [{"externalid": "arc-1", "foreignpaymentamountunused": "0"}] == account.rows(
        "SELECT externalid, foreignpaymentamountunused FROM transaction WHERE type = 'CustPymt'"
    )
