"""Salesforce over made-up answers: where requests go, what is repeated, what is believed, and what errors say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import responses
from pydantic import SecretStr

from connector.adapters.salesforce import CUSTOMERS_A_QUERY, SalesforceCrm
from connector.adapters.salesforce_api import ATTEMPTS_MAX, SalesforceSettings
from connector.adapters.salesforce_facts import AccountReader
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.errors import ConfigError, ConnectorError, Terminal, Transient
from connector.mapping import load
from connector.ports import Outcome
from connector.settlement import CrmTask

HOST = "https://acme.my.salesforce.com"
TOKEN = f"{HOST}/services/oauth2/token"
QUERY = f"{HOST}/services/data/v66.0/query/"
QUERY_ALL = f"{HOST}/services/data/v66.0/queryAll/"
UPSERT = f"{HOST}/services/data/v66.0/sobjects/Task/ARC_Id__c/arc-t1-esc-1"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = "very-secret-indeed"
PLAIN = SalesforceMapping(customer_id_field="ERP_Id__c", task={"external_id_field": "ARC_Id__c"})  # type: ignore[arg-type]
Json = dict[str, Any]


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(TOKEN, json={"access_token": "00D!token", "instance_url": HOST})
        yield mock


def crm(mapping: SalesforceMapping = PLAIN, naps: list[float] | None = None, **settings: Any) -> SalesforceCrm:
    given = {"domain": "acme.my", "client_id": "app", "client_secret": SecretStr(SECRET), **settings}
    return SalesforceCrm(
        SalesforceSettings(**given), mapping, ZoneInfo("UTC"), (naps if naps is not None else []).append
    )


def user(**changes: object) -> Json:
    return {"Id": "005A", "Name": "Account Manager", "Email": "am@northfield.example", "IsActive": True, **changes}


def account(**changes: object) -> Json:
    return {"Id": "001A", "Name": "Northfield Robotics", "ERP_Id__c": "101", "Owner": user(), **changes}


def page(*rows: Json, **changes: object) -> Json:
    return {"totalSize": len(rows), "done": True, "records": list(rows), **changes}


def error(code: str, message: str = "") -> list[Json]:
    return [{"errorCode": code, "message": message}]


def asked(web: responses.RequestsMock, start: str) -> list[Any]:
    return [call.request for call in web.calls if str(call.request.url).startswith(start)]


# ---- where requests go ----


def test_every_request_has_a_time_limit_and_goes_to_the_domain(web: responses.RequestsMock) -> None:
    web.get(QUERY, json=page(account()))

    crm(domain="ACME.my.salesforce.com", timeout_seconds=7).read_changed("", NOW)

    assert {"acme.my.salesforce.com"} == {requests.utils.urlparse(call.request.url).netloc for call in web.calls}
    assert {7} == {call.request.req_kwargs["timeout"] for call in web.calls}


def test_with_a_base_url_nothing_reaches_salesforce(web: responses.RequestsMock) -> None:
    base = "http://127.0.0.1:9/salesforce"
    web.post(f"{base}/services/oauth2/token", json={"access_token": "t", "instance_url": HOST})
    web.get(f"{base}/services/data/v66.0/query/", json=page(account()))

    crm(base_url=f"{base}/").read_changed("", NOW)

    assert ["/salesforce/services/oauth2/token", "/salesforce/services/data/v66.0/query/"] == [
        requests.utils.urlparse(call.request.url).path for call in web.calls
    ]
    assert {"127.0.0.1:9"} == {requests.utils.urlparse(call.request.url).netloc for call in web.calls}


def test_nothing_is_asked_before_it_is_needed(web: responses.RequestsMock) -> None:
    crm().close()

    assert 0 == len(web.calls)


def test_values_are_quoted_in_queries(web: responses.RequestsMock) -> None:
    mapping = SalesforceMapping(
        customer_id_field="ERP_Id__c",
        renewal_dates=[{"opportunity_types": ("Renewal's", 'a\\"b')}],  # type: ignore[list-item]
    )

    # From 60 days ago on: a renewal that passed is known for so long.
    assert "Type IN ('Renewal\\'s','a\\\\\\\"b') AND CloseDate >= 2026-09-03 AND IsClosed = false" in (
        AccountReader(mapping, date(2026, 11, 2)).fields()
    )


def test_many_changed_customers_are_asked_in_parts(web: responses.RequestsMock) -> None:
    ids = [str(number) for number in range(CUSTOMERS_A_QUERY + 1)]
    web.get(QUERY, json=page())
    web.get(QUERY_ALL, json=page(*({"Id": f"001{id}", "ERP_Id__c": id} for id in ids)))
    ours = crm()

    ours.read_changed(ours.read_changed("", NOW).cursor, NOW)

    assert 3 == len(asked(web, QUERY))  # everything, and two parts of what changed


# ---- what is repeated ----


@pytest.mark.parametrize(
    "answer, attempts",
    [
        ({"status": 503, "body": "<html>down</html>"}, ATTEMPTS_MAX),
        ({"status": 502, "body": "<html>gateway</html>"}, ATTEMPTS_MAX),
        ({"status": 429, "json": error("TOO_MANY_REQUESTS")}, ATTEMPTS_MAX),
        ({"status": 400, "json": error("UNABLE_TO_LOCK_ROW")}, ATTEMPTS_MAX),
        ({"status": 503, "json": error("SERVER_UNAVAILABLE")}, ATTEMPTS_MAX),
        ({"body": requests.ConnectionError("reset")}, ATTEMPTS_MAX),
        ({"body": requests.ReadTimeout("slow")}, 1),
        ({"body": requests.ConnectTimeout("slow")}, 1),
        ({"status": 500, "json": error("UNKNOWN_EXCEPTION")}, 1),
        ({"status": 403, "json": error("REQUEST_LIMIT_EXCEEDED")}, 1),
        ({"status": 200, "body": "{"}, 1),
        ({"status": 200, "json": []}, 1),
        ({"status": 200, "json": page(done=False)}, 1),
        ({"status": 200, "json": page({"Name": "no id"})}, 1),
        ({"status": 200, "json": {"totalSize": 2, "done": True, "records": [account()]}}, 1),
        ({"status": 401, "json": {"error": "not a list"}}, 1),
    ],
)
def test_what_passes_is_repeated_within_bounds_and_then_left_to_the_next_tick(
    web: responses.RequestsMock, answer: Json, attempts: int
) -> None:
    web.get(QUERY, **answer)
    naps: list[float] = []

    with pytest.raises(Transient):
        crm(naps=naps).read_changed("", NOW)

    assert attempts == len(asked(web, QUERY))
    assert attempts - 1 == len(naps)


def test_a_login_is_repeated_when_salesforce_is_down(web: responses.RequestsMock) -> None:
    web.replace(responses.POST, TOKEN, status=503, body="<html>down</html>")

    with pytest.raises(Transient, match=r"Could not log in to Salesforce to look at accounts \(503\)"):
        crm().read_changed("", NOW)

    assert ATTEMPTS_MAX == len(web.calls)


@pytest.mark.parametrize("answer", [{"json": []}, {"json": {"access_token": "t"}}, {"body": "ok"}])
def test_a_login_that_can_not_be_read_is_transient(web: responses.RequestsMock, answer: Json) -> None:
    web.replace(responses.POST, TOKEN, **answer)

    with pytest.raises(Transient):
        crm().read_changed("", NOW)


# ---- what errors say ----


@pytest.mark.parametrize(
    "status, told, family, words",
    [
        (400, error("INVALID_FIELD", "No such column 'A__c' on entity 'Account'"), Terminal, "Account.A__c is missing"),
        (400, error("INVALID_FIELD", "Didn't understand relationship 'A__r' in ..."), Terminal, "A__r is missing"),
        (400, error("INVALID_TYPE", "sObject type 'Contract' is not supported."), Terminal, "Contract is missing"),
        (400, error("INVALID_FIELD", "words nobody has seen yet"), Terminal, "something that mappings/salesforce.yaml"),
        (400, error("MALFORMED_QUERY", "unexpected token: 'x'"), Terminal, "the request was refused"),
        (403, error("INSUFFICIENT_ACCESS"), Terminal, "may not do this"),
        (403, error("API_DISABLED_FOR_ORG"), Terminal, "may not do this"),
        (403, error("REQUEST_LIMIT_EXCEEDED"), Transient, "used up. The last known facts stay"),
        (404, error("NOT_FOUND"), Terminal, "not there"),
        (500, error("UNKNOWN_EXCEPTION"), Transient, "The next tick tries again"),
        (500, "<html>", Transient, "The next tick tries again"),
    ],
)  # fmt: skip
def test_an_error_says_what_was_asked_what_came_back_and_what_to_do(
    web: responses.RequestsMock, status: int, told: Any, family: type[ConnectorError], words: str
) -> None:
    web.get(QUERY, status=status, **({"body": told} if isinstance(told, str) else {"json": told}))

    with pytest.raises(family) as raised:
        crm().read_changed("", NOW)

    assert words in str(raised.value)
    assert f"HTTP {status}" in str(raised.value)
    assert str(raised.value).startswith("Could not read accounts from Salesforce")


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_no_error_tells_a_secret_or_what_salesforce_quotes(web: responses.RequestsMock, status: int) -> None:
    """Salesforce quotes the query, which holds customers' ids, and whatever a script of the organisation says."""
    web.get(QUERY, status=status, json=error("SOMETHING_ELSE", f"the customer 4711 and {SECRET} and 00D!token"))

    with pytest.raises(ConnectorError) as raised:
        crm().read_changed("", NOW)

    assert not any(word in str(raised.value) for word in (SECRET, "4711", "00D!token", HOST))


@pytest.mark.parametrize(
    "code, family",
    [
        ("invalid_client", Terminal),
        ("invalid_client_id", Terminal),
        ("invalid_grant", Terminal),
        ("server_error", Transient),
    ],
)
def test_a_refused_login_needs_a_person_unless_it_is_salesforces_own_fault(
    web: responses.RequestsMock, code: str, family: type[ConnectorError]
) -> None:
    web.replace(responses.POST, TOKEN, status=400, json={"error": code, "error_description": SECRET})

    with pytest.raises(family) as raised:
        crm().read_changed("", NOW)

    assert code in str(raised.value)
    assert SECRET not in str(raised.value)


# ---- what is believed ----


@pytest.mark.parametrize("name", ["Name", "Owner", "Tier__c", "Silent__c"])
def test_a_field_that_did_not_come_is_never_an_empty_one(web: responses.RequestsMock, name: str) -> None:
    mapping = SalesforceMapping(
        customer_id_field="ERP_Id__c", strategic={"Tier__c": ("Strategic",)}, do_not_contact_field="Silent__c"
    )
    row = account(Tier__c=None, Silent__c=False)
    del row[name]
    web.get(QUERY, json=page(row))

    read = crm(mapping).read_changed("", NOW)

    assert () == read.accounts
    assert [(name, "is not in Salesforce's answer", "101")] == [
        (one.field, one.reason, one.customer_id) for one in read.parked
    ]


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"Silent__c": None}, "Silent__c"),
        ({"Silent__c": "false"}, "Silent__c"),
        ({"Tier__c": 3}, "Tier__c"),
        ({"Renews__c": "31.01.2027"}, "Renews__c"),
        ({"Renews__c": 20270131}, "Renews__c"),
        ({"Name": 7}, "Name"),
        ({"Owner": "005A"}, "Owner"),
        ({"Owner": {"Id": "005A"}}, "Owner.IsActive"),
        ({"Contracts": {"totalSize": 1, "done": False, "records": []}}, "Contracts"),
        ({"Contracts": []}, "Contracts"),
        ({"Contracts": page({"EndDate": "soon"})}, "Contracts.EndDate"),
        ({"ERP_Id__c": 101}, "ERP_Id__c"),
        ({"ERP_Id__c": "  "}, "ERP_Id__c"),
    ],
)
def test_what_is_not_understood_is_parked_by_its_field(web: responses.RequestsMock, changes: Json, field: str) -> None:
    mapping = SalesforceMapping(
        customer_id_field="ERP_Id__c",
        strategic={"Tier__c": ("Strategic",)},
        do_not_contact_field="Silent__c",
        renewal_dates=[{"contract_statuses": ("Activated",)}, {"account_field": "Renews__c"}],  # type: ignore[list-item]
    )
    row = account(Tier__c="Growth", Silent__c=False, Renews__c=None, Contracts=None) | changes
    web.get(
        QUERY,
        json=page(
            row, account(Id="001B", ERP_Id__c="102", Tier__c=None, Silent__c=True, Renews__c=None, Contracts=None)
        ),
    )

    read = crm(mapping).read_changed("", NOW)

    assert ["102"] == [one.customer_id for one in read.accounts]
    assert [("001A", field)] == [(one.record, one.field) for one in read.parked]
    assert not read.is_whole


def test_fields_are_found_in_any_case_as_in_soql(web: responses.RequestsMock) -> None:
    web.get(QUERY, json=page(account(TIER__C="Strategic")))
    mapping = SalesforceMapping(customer_id_field="erp_id__c", strategic={"Tier__c": ("Strategic",)})

    (found,) = crm(mapping).read_changed("", NOW).accounts

    assert ("101", True) == (found.customer_id, found.is_strategic)


@pytest.mark.parametrize(
    "email, expected",
    [
        ("am@northfield.example", "am@northfield.example"),
        ("am@northfield.example\nBcc: all@northfield.example", ""),
        ("nobody", ""),
        (None, ""),
    ],
)
def test_an_owners_address_is_an_address_or_nothing(
    web: responses.RequestsMock, email: str | None, expected: str
) -> None:
    web.get(QUERY, json=page(account(Owner=user(Email=email))))

    assert [expected] == [one.owner_email for one in crm().read_changed("", NOW).accounts]


def test_notes_are_short_and_leave_out_what_is_empty(web: responses.RequestsMock) -> None:
    mapping = SalesforceMapping(
        customer_id_field="ERP_Id__c",
        notes={"account_fields": ("Description", "Rating"), "latest_tasks": 2},  # type: ignore[arg-type]
    )
    tasks = page(
        {"ActivityDate": None, "Subject": "Call", "Description": "x" * 900},
        {"ActivityDate": None, "Subject": None, "Description": None},
    )
    web.get(QUERY, json=page(account(Description="Pays late", Rating=None, Tasks=tasks)))

    (found,) = crm(mapping).read_changed("", NOW).accounts

    assert ("Pays late", "Call · ") == (found.notes[0], found.notes[1][:7])
    assert (2, 500) == (len(found.notes), len(found.notes[1]))


# ---- tasks ----


def task(**changes: Any) -> CrmTask:
    given = {"external_id": "arc-t1-esc-1", "account_id": "001A", "owner_id": "", "subject": "Call", "text": "Late."}
    return CrmTask(**{**given, "due_on": date(2026, 11, 4), **changes})


def test_a_task_is_cut_to_what_salesforce_takes(web: responses.RequestsMock) -> None:
    web.get(QUERY_ALL, json=page())
    web.patch(UPSERT, status=201, json={"id": "00TA", "success": True, "errors": [], "created": True})

    (answer,) = crm().write_tasks([task(subject="s" * 300, text="t" * 40_000)])

    sent = json.loads(asked(web, UPSERT)[0].body)
    assert (Outcome.CREATED, "00TA") == (answer.outcome, answer.erp_id)
    assert (255, 32_000) == (len(sent["Subject"]), len(sent["Description"]))
    assert "OwnerId" not in sent


@pytest.mark.parametrize(
    "answer, expected",
    [
        ({"status": 200, "json": {"id": "00TA", "success": True, "created": False}}, Outcome.EXISTS),
        ({"status": 300, "json": ["/a", "/b"]}, Outcome.EXISTS_DIFFERENT),
        ({"status": 400, "json": error("FIELD_CUSTOM_VALIDATION_EXCEPTION")}, Outcome.REFUSED),
        ({"status": 204}, Outcome.UNKNOWN),
        ({"status": 500, "body": "<html>"}, Outcome.UNKNOWN),
        ({"body": requests.ReadTimeout("slow")}, Outcome.UNKNOWN),
        ({"body": requests.ConnectionError("reset")}, Outcome.UNKNOWN),
        ({"status": 201, "body": "{"}, Outcome.UNKNOWN),
    ],
)
def test_each_answer_to_a_task_has_its_outcome(web: responses.RequestsMock, answer: Json, expected: Outcome) -> None:
    web.get(QUERY_ALL, json=page())
    web.patch(UPSERT, **answer)

    assert [expected] == [one.outcome for one in crm().write_tasks([task()])]


@pytest.mark.parametrize(
    "status, code", [(403, "REQUEST_LIMIT_EXCEEDED"), (429, "TOO_MANY_REQUESTS"), (500, "UNKNOWN")]
)
def test_what_was_surely_not_written_is_raised(web: responses.RequestsMock, status: int, code: str) -> None:
    web.get(QUERY_ALL, json=page())
    web.patch(UPSERT, status=status, json=error(code))

    with pytest.raises(Transient):
        crm().write_tasks([task()])


# ---- the mapping ----


@pytest.mark.parametrize(
    "text, words",
    [
        ("strategic: {}", "customer_id_field: this key is missing"),
        ("customer_id_field: ERP Id", "customer_id_field: must be in another form"),
        ("customer_id_field: A__c\nrenewal_dates: [{}]", "exactly one of"),
        ("customer_id_field: A__c\nrenewal_dates: [{account_field: B__c, contract_statuses: [x]}]", "exactly one of"),
        ("customer_id_field: A__c\nrenewal_dates: [{contract_statuses: []}]", "exactly one of"),
        (
            "customer_id_field: A__c\nrenewal_dates: [{contract_statuses: [x]}, {contract_statuses: [y]}]",
            "contract_statuses is there twice",
        ),
        ("customer_id_field: A__c\nstrategic: {Tier__c: []}", "a list with at least one entry"),
        ("customer_id_field: A__c\nstrategic: {Tier__c: Strategic}", "a list"),
        ("customer_id_field: A__c\nowner: {lookup_field: OwnerId}", "lookup_field: must be in another form"),
        ("customer_id_field: A__c\ndo_not_contact: B__c", "did you mean 'do_not_contact_field'?"),
        ("customer_id_field: A__c\ntask: {status: Open}", "external_id_field: this key is missing"),
    ],
)
def test_a_mapping_that_can_not_be_meant_is_refused_by_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "salesforce.yaml"
    path.write_text(text + "\n", encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        load(path, SalesforceMapping)

    assert words in str(raised.value)
    assert "line" in str(raised.value)
