"""Permissions that are missing, fields that are gone, and too many requests at once: each with its own symptom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import requests
from netsuite_account import ACCOUNT, Account, Soap, fault_code, served
from zeep.exceptions import Fault


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account


@pytest.fixture
def soap(account: Account) -> Soap:
    return account.soap()


def test_without_the_login_permission_nobody_gets_in(account: Account, soap: Soap) -> None:
    account.books.revoke("ADMI_LOGIN_OAUTH")

    with pytest.raises(Fault) as caught:
        soap.get(soap.ref("invoice", "1"))
    answer = account.query("SELECT id FROM customer")

    assert ("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS") == fault_code(caught.value)
    assert (401, True) == (answer.status_code, "INVALID_LOGIN" in answer.text)


def test_without_the_soap_permission_every_request_is_a_fault(account: Account, soap: Soap) -> None:
    account.books.revoke("ADMI_WEBSERVICES")

    with pytest.raises(Fault) as caught:
        soap.get(soap.ref("invoice", "1"))

    assert ("insufficientPermissionFault", "WS_PERMISSION_REQD") == fault_code(caught.value)


def test_without_the_rest_permission_a_query_is_a_403(account: Account) -> None:
    account.books.revoke("ADMI_RESTWEBSERVICES")

    answer = account.query("SELECT id FROM customer")

    assert (403, True) == (answer.status_code, "INSUFFICIENT_PERMISSION" in answer.text)


@pytest.mark.parametrize(
    "permission, table",
    [
        ("REPO_ANALYTICS", "transaction"),
        ("TRAN_FIND", "transaction"),
        ("LIST_CUSTJOB", "customer"),
        ("customrecord_arc_status", "customrecord_arc_status"),
    ],
)
def test_a_table_without_permission_is_not_found(account: Account, permission: str, table: str) -> None:
    query = f"SELECT id FROM {table}"
    before = account.query(query).status_code
    account.books.revoke(permission)
    refused = account.query(query)
    account.books.grant(permission)

    assert (200, 400, 200) == (before, refused.status_code, account.query(query).status_code)
    assert f"Record '{table}' was not found." in refused.text


def test_without_permission_for_payments_a_query_simply_has_fewer_rows(account: Account) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)
    account.books.pay_by_hand(customer, "10.00", date(2026, 11, 1), [(invoice, "10.00")])
    counts = [
        "SELECT COUNT(*) n FROM transaction",
        "SELECT COUNT(*) n FROM transactionline WHERE mainline = 'T'",
        "SELECT COUNT(*) n FROM nexttransactionlinelink",
    ]

    before = [account.rows(query)[0]["n"] for query in counts]
    account.books.revoke("TRAN_CUSTPYMT")

    assert ["2", "2", "1"] == before
    assert ["1", "1", "0"] == [account.rows(query)[0]["n"] for query in counts]


@pytest.mark.parametrize(
    "permission, expected",
    [
        ("TRAN_CUSTPYMT", ["INSUFFICIENT_PERMISSION", ""]),
        ("customrecord_arc_cancellation", ["", "INSUFFICIENT_PERMISSION"]),
    ],
)
def test_a_write_without_permission_is_refused_for_that_record(
    account: Account, soap: Soap, permission: str, expected: list[str]
) -> None:
    customer = account.customer()
    account.books.revoke(permission)

    statuses = soap.add(soap.payment(customer, "10.00"), soap.cancellation("arc-1"))

    assert expected == [one.code for one in statuses]


def test_a_read_without_permission_is_refused_for_that_record(account: Account, soap: Soap) -> None:
    customer = account.customer()
    invoice = account.invoice(customer)
    account.books.revoke("TRAN_CUSTINVC")

    found = soap.get(soap.ref("invoice", invoice), soap.ref("customer", customer))

    assert [False, True] == [one is not None for one in found]


def test_a_field_that_is_gone_is_refused_on_write_and_unknown_in_a_query(account: Account, soap: Soap) -> None:
    account.books.remove_field("custrecord_arc_can_state")
    query = "SELECT custrecord_arc_can_state FROM customrecord_arc_cancellation"

    status, answer = soap.add(soap.cancellation("arc-1"))[0], account.query(query)

    assert ("INVALID_KEY_OR_REF", True) == (status.code, "custrecord_arc_can_state" in status.message)
    assert (400, True) == (answer.status_code, "custrecord_arc_can_state" in answer.text)
    assert [] == account.rows("SELECT name FROM customfield WHERE scriptid = 'custrecord_arc_can_state'")
    account.books.restore_field("custrecord_arc_can_state")
    assert soap.add(soap.cancellation("arc-1"))[0].ok
    assert [{"custrecord_arc_can_state": "intended"}] == account.rows(query)


@pytest.mark.parametrize(
    "field, kind", [("custbody_arc_hold", "String"), ("custbody_arc_hold_reason", "Boolean"), ("custbody_arc_act", "")]
)
def test_a_field_of_another_type_or_record_is_refused(account: Account, soap: Soap, field: str, kind: str) -> None:
    invoice = account.invoice(account.customer())
    value = soap.core[f"{kind or 'String'}CustomFieldRef"](scriptId=field, value=kind == "Boolean" or "x")

    record = soap.sales.Invoice(internalId=invoice, customFieldList=soap.core.CustomFieldList([value]))

    assert "INVALID_KEY_OR_REF" == soap.write("updateList", record)[0].code


def test_the_sixth_request_in_flight_is_blocked_in_either_door(account: Account, soap: Soap) -> None:
    account.customer()
    account.fault("timeout_before", "suiteql", times=5, seconds=1.0)

    def slow(_: int) -> str:
        try:
            return str(account.query("SELECT id FROM customer").status_code)
        except requests.ConnectionError:
            return "silence"

    with ThreadPoolExecutor(5) as pool:
        waiting = pool.map(slow, range(5))
        while account.books.counts().get("suiteql", 0) < 5:
            time.sleep(0.01)
        blocked = account.query("SELECT id FROM customer")
        with pytest.raises(Fault) as caught:
            soap.get(soap.ref("invoice", "1"))
        assert ["silence"] * 5 == list(waiting)

    assert (429, True) == (blocked.status_code, "CONCURRENCY_LIMIT_EXCEEDED" in blocked.text)
    assert ("exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED") == fault_code(caught.value)
    assert 200 == account.query("SELECT id FROM customer").status_code


def test_many_requests_at_once_are_all_served_while_the_limit_allows_it() -> None:
    with served(concurrency=20) as account:
        customer = account.customer()
        soap = account.soap()

        def pay(number: int) -> bool:
            return bool(soap.add(soap.payment(customer, "1.00", externalId=f"arc-{number}"))[0].ok)

        with ThreadPoolExecutor(8) as pool:
            assert [True] * 40 == list(pool.map(pay, range(40)))
        assert 40 == len({one["external_id"] for one in account.payments()})


def test_the_account_counts_what_it_was_asked(account: Account, soap: Soap) -> None:
    customer = account.customer()
    soap.add(soap.payment(customer, "10.00"))
    soap.get(soap.ref("customer", customer), soap.ref("customer", customer))
    account.rows("SELECT id FROM customer")

    assert {"addList": 1, "getList": 1, "suiteql": 1} == account.books.counts()


def test_the_profile_says_where_and_with_what(account: Account) -> None:
    profile = account.profile

    assert (ACCOUNT, "2025_2", account.url) == (profile["account"], profile["soap_version"], profile["base_url"])
    assert profile["soap_url"].endswith("/netsuite/services/NetSuitePort_2025_2")
    assert 200 == requests.get(profile["wsdl_url"], timeout=10).status_code
    missing = profile["wsdl_url"].replace("netsuite.wsdl", "xsd/none.xsd")
    assert 404 == requests.get(missing, timeout=10).status_code


def test_no_secret_is_shown_by_accident(account: Account) -> None:
    assert account.profile["consumer_secret"] not in repr(account.books._credentials)
