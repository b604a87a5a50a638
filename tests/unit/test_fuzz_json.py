"""Damaged JSON of Stripe, Salesforce and NetSuite: read, parked or refused in our words, and always storable."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import responses
import stripe
import stripe_cases as cases
from damage import hurt, hurt_bytes, unstorable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.adapters import door
from connector.adapters.netsuite import rest
from connector.adapters.salesforce import SalesforceCrm
from connector.adapters.salesforce_api import SalesforceSettings
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.adapters.stripe import StripeMapping
from connector.errors import ConnectorError, Transient

FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
MAPPING = StripeMapping(read_invoice_links=False, read_cash_balance=False)
CHARGE = cases.charge(
    refunded=True, refunds=cases.page({"id": "re_1", "object": "refund", "amount": 100, "status": "succeeded"})
)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)


def sent(value: Any) -> bytes:
    """As a sender writes it who does not look, half signs and all."""
    return json.dumps(value).encode()


def stripe_reads(bodies: dict[str, bytes], ask: str) -> object:
    """What our source makes of these answers, by path; anything else is not there."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        path = str(request.path_url).partition("?")[0]
        missing = sent({"error": {"type": "invalid_request_error", "code": "resource_missing", "param": "id"}})
        return (200, {}, bodies[path]) if path in bodies else (404, {}, missing)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.add_callback(responses.GET, re.compile(".*"), answer)
        try:
            source = cases.source(MAPPING)
            if ask == "payments":
                return source.read_changed(cases.position(), cases.NOW)
            if ask == "payouts":
                return source.read_payouts("", cases.NOW)
            return source.read_balance(cases.NOW)
        except ConnectorError as error:
            return str(error)


@FEW
@given(hurt(CHARGE))
def test_a_damaged_charge_is_read_or_parked(charge: Any) -> None:
    events = cases.page(cases.event("charge.succeeded", {"id": "ch_1", "object": "charge"}))
    made = stripe_reads({"/v1/events": sent(events), "/v1/charges/ch_1": sent(charge)}, "payments")

    assert [] == unstorable(made)


@FEW
@given(hurt(cases.page(cases.event("charge.succeeded", cases.charge()))))
@example(cases.page(cases.event("charge.succeeded", cases.charge(object=[]))))
def test_a_damaged_page_of_events_is_read_or_refused(events: Any) -> None:
    assert [] == unstorable(stripe_reads({"/v1/events": sent(events), "/v1/charges/ch_1": sent(CHARGE)}, "payments"))


@FEW
@given(hurt(cases.page(cases.payout())), hurt(cases.page(cases.movement())))
def test_damaged_payouts_and_their_members_are_read_held_or_refused(payouts: Any, members: Any) -> None:
    bodies = {"/v1/payouts": sent(payouts), "/v1/balance_transactions": sent(members)}

    assert [] == unstorable(stripe_reads(bodies, "payouts"))


@FEW
@given(hurt(cases.balance({"usd": 100}, {"usd": 5})), hurt(cases.page(cases.movement())))
def test_a_damaged_balance_is_read_or_refused(balance: Any, rows: Any) -> None:
    bodies = {"/v1/balance": sent(balance), "/v1/balance_transactions": sent(rows)}

    assert [] == unstorable(stripe_reads(bodies, "balance"))


@FEW
@given(hurt_bytes(sent(cases.page(cases.charge()))))
def test_bytes_that_are_no_answer_are_refused(raw: bytes) -> None:
    assert [] == unstorable(stripe_reads({"/v1/events": raw}, "payments"))


# ---- Salesforce ----

OWNER = {"Id": "005A", "Name": "Account Manager", "Email": "am@northfield.example", "IsActive": True}
ACCOUNT = {"Id": "001A", "Name": "Northfield Robotics", "ERP_Id__c": "101", "Owner": OWNER}
ACCOUNTS = {"totalSize": 1, "done": True, "records": [ACCOUNT]}


@FEW
@given(
    hurt(ACCOUNTS) | hurt_bytes(sent(ACCOUNTS)), hurt({"access_token": "t", "instance_url": "https://a.salesforce.com"})
)
def test_a_damaged_answer_of_the_crm_is_read_parked_or_refused(given_page: Any, login: Any) -> None:
    body = given_page if isinstance(given_page, bytes) else sent(given_page)
    crm = SalesforceCrm(
        SalesforceSettings("acme.my", "app", SecretStr("s"), "http://127.0.0.1:9"),
        SalesforceMapping(customer_id_field="ERP_Id__c"),
        ZoneInfo("UTC"),
        lambda _: None,
    )
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        web.post("http://127.0.0.1:9/services/oauth2/token", body=sent(login))
        web.add_callback(responses.GET, re.compile(".*"), lambda _: (200, {}, body))
        try:
            made: object = crm.read_changed("", cases.NOW)
        except ConnectorError as error:
            made = str(error)

    assert [] == unstorable(made)


# ---- NetSuite's SuiteQL ----

ROWS = {
    "links": [], "count": 1, "hasMore": False, "offset": 0, "totalResults": 1,
    "items": [{"links": [], "id": "1", "entity": "4", "foreigntotal": "1.00", "rate": 1.5, "voided": False}],
}  # fmt: skip


@given(hurt(ROWS) | hurt_bytes(sent(ROWS)))
def test_a_damaged_page_of_rows_is_texts_or_no_answer(page: Any) -> None:
    body = door.sound(page if isinstance(page, bytes) else sent(page))
    rows: list[rest.Row] = []
    total = 0
    with suppress(Transient):
        rows, _, total = rest._rows("Could not read", httpx.Response(200, content=body))

    assert [] == unstorable(rows) and isinstance(total, int)
    assert all(isinstance(value, str) for row in rows for value in row.values())


# ---- signs that no text has ----


@given(st.text(), st.text(alphabet='\\u0dD8bcef9 "{}', max_size=30))
def test_what_is_sound_stays_as_it_is_and_the_rest_can_be_stored(text: str, escapes: str) -> None:
    body = json.dumps({"a": text, "b": "\x00\ud800" + text}).encode()
    made = json.loads(door.sound(body))

    assert [] == unstorable(made)
    if not unstorable(text):
        assert text == made["a"]
        assert json.dumps([text]).encode() == door.sound(json.dumps([text]).encode())
    door.sound(f'["{escapes}"]'.encode())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (rb'["\u0000"]', "\ufffd"),
        (rb'["\ud83d\ude00"]', "\U0001f600"),
        (rb'["\ud83d"]', "\ufffd"),
        (rb'["\ude00\ud83d"]', "\ufffd\ufffd"),
        (rb'["\\u0000"]', "\\u0000"),
        (rb'["\\\u0000"]', "\\\ufffd"),
        (b'["\xed\xa0\x80"]', "\ufffd\ufffd\ufffd"),
        ('["é"]'.encode(), "é"),
    ],
)
def test_half_a_sign_becomes_the_sign_for_none(raw: bytes, expected: str) -> None:
    assert [expected] == json.loads(door.sound(raw))


def test_what_is_no_json_is_not_touched() -> None:
    assert rb"<x>\u0000</x>" == door.sound(rb"<x>\u0000</x>")
