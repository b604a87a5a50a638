"""What one SOAP answer means: as many statuses as records, or the outcome is unknown; a fault says what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
import responses
from netsuite_cases import NOW, SEEN, TYPE_IDS, act, mapping, settings

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import acts
from connector.adapters.netsuite.records import Records
from connector.adapters.netsuite.soap import AREAS, Soap, Written
from connector.errors import ConnectorError, OutcomeUnknown, Terminal, Transient
from connector.ports import Mark, Outcome
from connector.receivables import ArStatus, RecordState

SETTINGS = settings("https://netsuite.example")
SPACES = " ".join(f'xmlns:{name}="{uri.format(SETTINGS.soap_version)}"' for name, uri in AREAS.items())
FAULTS = f"urn:faults_{SETTINGS.soap_version}.platform.webservices.netsuite.com"
OK = '<core:status isSuccess="true"/>'


def envelope(body: str, header: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f"{SPACES}>{header}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )


def written(*statuses: str) -> str:
    listed = "".join(f"<messages:writeResponse>{status}</messages:writeResponse>" for status in statuses)
    return envelope(
        f"<messages:addListResponse><messages:writeResponseList>{OK}{listed}</messages:writeResponseList>"
        "</messages:addListResponse>"
    )


def fault(name: str, code: str, text: str = "No.") -> str:
    detail = f'<f:{name} xmlns:f="{FAULTS}"><f:code>{code}</f:code><f:message>{text}</f:message></f:{name}>'
    return envelope(
        f"<soapenv:Fault><faultcode>soapenv:Server.userException</faultcode><faultstring>{text}</faultstring>"
        f"<detail>{detail}</detail></soapenv:Fault>"
    )


def refusal(code: str, extra: str = "", kind: str = "ERROR") -> str:
    return (
        f'<core:status isSuccess="false"><core:statusDetail type="{kind}"><core:code>{code}</core:code>'
        f"<core:message>Because.</core:message>{extra}</core:statusDetail></core:status>"
    )


def base_ref(external_id: str) -> str:
    return f'<messages:baseRef xsi:type="core:RecordRef" internalId="9" externalId="{external_id}"/>'


@pytest.fixture
def soap() -> Iterator[Soap]:
    made = Soap(SETTINGS, Lanes(2, 2, lambda _: None), NOW.timestamp)
    yield made
    made.close()


@pytest.fixture
def wired() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def send(soap: Soap, wired: responses.RequestsMock, **answer: Any) -> tuple[Written, ...]:
    """Write one payment with its two records and get this answer."""
    wired.add(responses.POST, SETTINGS.soap_url, **{"content_type": "text/xml; charset=utf-8", **answer})
    items = acts.built(Records(soap, mapping(), TYPE_IDS), act(), "1").items
    return soap.write("addList", "Could not write act a1", [record for _, record in items])


def test_statuses_come_by_position_with_their_codes(soap: Soap, wired: responses.RequestsMock) -> None:
    body = written(OK + base_ref("arc-demo-pay-cha1-0"), refusal("USER_ERROR"), OK)

    first, second, third = send(soap, wired, body=body)

    assert Written(True, "9", "arc-demo-pay-cha1-0", "", "") == first
    assert Written(False, "", "", "USER_ERROR", "Because") == second
    assert Written(True, "", "", "", "") == third


def test_a_message_goes_out_once_with_its_action_and_no_redirect(soap: Soap, wired: responses.RequestsMock) -> None:
    with pytest.raises(OutcomeUnknown):
        send(soap, wired, status=302, headers={"Location": "https://elsewhere.example/"})

    (call,) = wired.calls
    assert '"addList"' == call.request.headers["SOAPAction"]
    assert b'replaceAll="false"' in call.request.body


def test_no_cookie_is_kept(soap: Soap, wired: responses.RequestsMock) -> None:
    for _ in range(2):
        send(soap, wired, body=written(OK, OK, OK), headers={"Set-Cookie": "JSESSIONID=1; Path=/"})

    assert [] == [call for call in wired.calls if "Cookie" in call.request.headers]


def test_a_nonce_is_used_once(soap: Soap, wired: responses.RequestsMock) -> None:
    for _ in range(2):
        send(soap, wired, body=written(OK, OK, OK))

    nonces = {call.request.body.split(b"nonce")[1] for call in wired.calls}
    assert 2 == len(nonces)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"body": written(OK, OK)}, "2 answers came for 3 records"),
        ({"body": written(OK, OK, OK, OK)}, "4 answers came for 3 records"),
        ({"body": written(OK, OK, OK)[:-40]}, "the answer is not whole XML"),
        ({"body": ""}, "the answer is not whole XML"),
        ({"body": b"\x00\xff\xfe"}, "the answer is not whole XML"),
        ({"body": "<html><body>Down for maintenance</body></html>"}, "the answer could not be read"),
        ({"body": "<html><body>Bad gateway</body></html>", "status": 502}, "HTTP 502 came, and no SOAP answer"),
        ({"body": "", "status": 524}, "HTTP 524"),
        ({"body": written(OK, OK, f"{OK}<messages:more/>")}, "the answer could not be read"),
        ({"body": written(OK, OK, OK + base_ref("x").replace("RecordRef", "Unheard"))}, "could not be read"),
        ({"body": written(OK, OK, OK).replace("?><", '?><!DOCTYPE x [<!ENTITY e "e">]><', 1)}, "not whole XML"),
        ({"body": envelope("")}, "the answer could not be read"),
        ({"body": requests.exceptions.ReadTimeout("slow")}, "no whole answer came (ReadTimeout)"),
        ({"body": requests.exceptions.ChunkedEncodingError("cut")}, "no whole answer came (ChunkedEncodingError)"),
        ({"body": requests.exceptions.ConnectionError("reset")}, "the connection broke before the answer was read"),
        ({"body": fault("unexpectedErrorFault", "UNEXPECTED_ERROR"), "status": 500}, "UNEXPECTED_ERROR"),
        ({"body": fault("invalidCredentialsFault", "UNEXPECTED_ERROR"), "status": 500}, "UNEXPECTED_ERROR"),
        ({"body": fault("asyncFault", "NOBODY_KNOWS"), "status": 500}, "asyncFault NOBODY_KNOWS"),
    ],
)
def test_an_answer_that_does_not_say_what_happened_is_unknown(
    soap: Soap, wired: responses.RequestsMock, answer: dict[str, Any], told: str
) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        send(soap, wired, **answer)

    assert told in str(caught.value)
    assert "It may have been done; it is read back before anything else." in str(caught.value)
    assert 1 == len(wired.calls)


@pytest.mark.parametrize(
    ("family", "answer"),
    [
        (Transient, {"body": fault("exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED"), "status": 500}),
        (Transient, {"body": fault("exceededRequestLimitFault", "WS_CONCUR_SESSION_DISALLWD"), "status": 500}),
        (Transient, {"body": fault("unexpectedErrorFault", "WS_REQUEST_BLOCKED"), "status": 500}),
        (Transient, {"body": "", "status": 429}),
        (Terminal, {"body": fault("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS"), "status": 500}),
        (Terminal, {"body": fault("insufficientPermissionFault", "WS_PERMISSION_REQD"), "status": 500}),
        (Terminal, {"body": fault("exceededRecordCountFault", "MAX_RCRDS_EXCEEDED"), "status": 500}),
        (Terminal, {"body": fault("invalidVersionFault", "UNSUPPORTED_WS_VERSION"), "status": 500}),
        (Terminal, {"body": "", "status": 401}),
        (Terminal, {"body": "<html/>", "status": 403}),
    ],
)
def test_an_answer_that_says_that_nothing_was_done_is_believed(
    soap: Soap, wired: responses.RequestsMock, family: type[ConnectorError], answer: dict[str, Any]
) -> None:
    with pytest.raises(family) as caught:
        send(soap, wired, **answer)

    assert family in type(caught.value).__mro__
    assert "Could not write act a1" in str(caught.value)
    assert "Nothing was done" in str(caught.value)


def test_a_connection_that_was_never_made_sent_nothing() -> None:
    soap = Soap(settings("http://127.0.0.1:9"), Lanes(1, 1, lambda _: None), NOW.timestamp)

    with pytest.raises(Transient, match="nothing was sent"):
        soap.write("addList", "Could not write act a1", [Records(soap, mapping(), TYPE_IDS).payment(act(), "1")])
    soap.close()


def test_a_message_that_the_schema_objects_to_does_not_leave(soap: Soap, wired: responses.RequestsMock) -> None:
    record = soap.new("customers:CustomerPayment", externalId="x", payment="1,000.00 of a secret customer")

    with pytest.raises(Terminal, match="it was not sent") as caught:
        soap.write("addList", "Could not write act a1", [record])

    assert "secret customer" not in str(caught.value)
    assert 0 == len(wired.calls)


def test_a_schema_is_loaded_from_nowhere_but_its_folder(soap: Soap) -> None:
    with pytest.raises(AssertionError, match="which is not ours"):
        soap._client.transport.load("/etc/hostname")


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        (Written(True, "9", "", "", ""), Outcome.CREATED),
        (Written(True, "9", "", "SOME_WARNING", "careful"), Outcome.CREATED),
        (Written(False, "9", "", "UNEXPECTED_ERROR", "script", saved_anyway=True), Outcome.CREATED),
        (Written(False, "", "", "DUP_RCRD", "exists"), Outcome.EXISTS),
        (Written(False, "", "", "UNEXPECTED_ERROR", ""), Outcome.UNKNOWN),
        (Written(False, "", "", "", ""), Outcome.UNKNOWN),
        (Written(False, "", "", "USER_ERROR", ""), Outcome.REFUSED),
        (Written(False, "", "", "RCRD_HAS_BEEN_CHANGED", ""), Outcome.REFUSED),
    ],
)
def test_a_status_gives_its_outcome(item: Written, outcome: Outcome) -> None:
    assert outcome == acts.answer("x", item).outcome


def test_after_submit_failed_is_read_from_the_answer(soap: Soap, wired: responses.RequestsMock) -> None:
    body = written(refusal("UNEXPECTED_ERROR", "<core:afterSubmitFailed>true</core:afterSubmitFailed>"), OK, OK)

    assert send(soap, wired, body=body)[0].saved_anyway


def test_answers_about_other_records_are_all_unknown() -> None:
    told = acts.answers(["a", "b"], [Written(True, "1", "a", "", ""), Written(True, "2", "c", "", "")])

    assert [Outcome.UNKNOWN, Outcome.UNKNOWN] == [answer.outcome for answer in told]


def test_an_update_is_answered_by_internal_ids() -> None:
    """An invoice may carry an external id of another system."""
    written = [Written(True, "7", "from-billing", "", ""), Written(False, "", "", "RCRD_DSNT_EXIST", "gone")]

    told = acts.answers(["7", "8"], written, by_internal_id=True)

    assert [("7", Outcome.CREATED), ("8", Outcome.REFUSED)] == [(one.external_id, one.outcome) for one in told]
    mixed = acts.answers(["8", "7"], written, by_internal_id=True)
    assert {Outcome.UNKNOWN} == {one.outcome for one in mixed}


SHOWN = {"received_on": "2026-11-20", "undeposited": "F", "account": "222", "ar_account": "119"}


@pytest.mark.parametrize(
    ("row", "clearing", "told"),
    [
        (SHOWN, "222", []),
        ({}, "222", []),  # what isn't shown is not compared
        ({}, "", []),
        ({**SHOWN, "account": "221"}, "222", ["on account 221 instead of account 222"]),
        ({**SHOWN, "undeposited": "T"}, "222", ["on Undeposited Funds instead of account 222"]),
        ({**SHOWN, "undeposited": "T"}, "", []),
        (SHOWN, "", ["on account 222 instead of Undeposited Funds"]),
        ({**SHOWN, "received_on": "2026-11-21"}, "222", ["dated 2026-11-21 instead of 2026-11-20"]),
        ({**SHOWN, "ar_account": "120"}, "222", ["receivables account 120 instead of 119"]),
    ],
)
def test_a_payment_is_compared_in_all_that_it_shows(row: dict[str, str], clearing: str, told: list[str]) -> None:
    intent = act()
    intent = replace(intent, payment=replace(intent.payment, ar_account="119"))

    assert told == acts.differences(intent, SEEN, row, clearing)


@pytest.mark.parametrize(("count", "requests_made"), [(1, [1]), (25, [25]), (26, [25, 1]), (60, [25, 25, 10])])
def test_acts_are_packed_up_to_their_number(count: int, requests_made: list[int]) -> None:
    made = [acts.Act(act(f"a{number}"), (("x", None),) * 3) for number in range(count)]

    assert requests_made == [len(request) for request in acts.packed(made, 25)]


def test_acts_are_packed_up_to_netsuites_record_limit() -> None:
    made = [acts.Act(act(f"a{number}"), (("x", None),) * 90) for number in range(5)]

    assert [2, 2, 1] == [len(request) for request in acts.packed(made, 25)]


def test_a_text_that_is_too_long_for_its_field_is_cut_visibly_and_cleaned(soap: Soap) -> None:
    records = Records(soap, mapping(), TYPE_IDS)
    long = ArStatus("arc-demo-st-1", "1", "held", "a\x00b\n" + "x" * 400)

    fields = records.status(long).customFieldList.customField

    (reason,) = [field.value for field in fields if field.scriptId == "custrecord_arc_st_reason"]
    assert 300 == len(reason)
    assert reason.startswith("a b x")
    assert reason.endswith("x…")


def test_an_id_that_is_of_no_known_kind_is_not_written(soap: Soap) -> None:
    with pytest.raises(Terminal, match="neither the id of a cancellation nor of a receipt"):
        Records(soap, mapping(), TYPE_IDS).mark(Mark("arc-demo-pay-ch1-0", RecordState.CLOSED))


def test_a_record_type_that_is_not_installed_is_named(soap: Soap) -> None:
    with pytest.raises(Terminal, match="customrecord_arc_receipt"):
        Records(soap, mapping(), {}).mark(Mark("arc-demo-rec-a1", RecordState.CLOSED))
