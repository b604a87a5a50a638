"""Damaged XML of both ERPs: an answer to as many records as were sent, or an outcome that is told to be unknown."""

from __future__ import annotations

from collections.abc import Iterator

import intacct_wire_cases as intacct
import pytest
import responses
from damage import hurt_bytes, unstorable
from hypothesis import HealthCheck, given, settings
from netsuite_cases import NOW, TYPE_IDS, act, mapping
from test_netsuite_answers import OK, SETTINGS, base_ref, fault, refusal, written

from connector.adapters.intacct.answers import Status
from connector.adapters.intacct.envelope import Answer, Envelopes
from connector.adapters.intacct.xmltext import Unreadable
from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import acts
from connector.adapters.netsuite.records import Records
from connector.adapters.netsuite.soap import Soap
from connector.errors import ConnectorError, OutcomeUnknown, Terminal, Transient

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
WRITTEN = written(OK + base_ref("arc-demo-pay-cha1-0"), refusal("USER_ERROR"), OK).encode()
FAULT = fault("exceededRequestLimitFault", "WS_REQUEST_BLOCKED").encode()


@pytest.fixture(scope="module")
def soap() -> Iterator[Soap]:
    made = Soap(SETTINGS, Lanes(2, 1, lambda _: None), NOW.timestamp)
    yield made
    made.close()


@FEW
@given(hurt_bytes(WRITTEN) | hurt_bytes(FAULT))
def test_a_damaged_answer_to_a_write_is_whole_or_unknown(soap: Soap, raw: bytes) -> None:
    """Refused or busy may only be what a whole fault says: the records may stand."""
    records = [record for _, record in acts.built(Records(soap, mapping(), TYPE_IDS), act(), "1").items]
    with responses.RequestsMock() as web:
        web.post(SETTINGS.soap_url, body=raw, content_type="text/xml; charset=utf-8")
        try:
            made = soap.write("addList", "Could not write act a1", records)
        except OutcomeUnknown as error:
            assert "read back" in str(error)  # noqa: PT017 - either outcome is right, each with its own words
            return
        except (Transient, Terminal):
            assert b"Fault" in raw
            return
    assert 3 == len(made)
    assert [] == unstorable(made)


@FEW
@given(hurt_bytes(WRITTEN))
def test_what_answers_something_else_is_never_taken_for_a_record(soap: Soap, raw: bytes) -> None:
    reference = soap.new("core:RecordRef", internalId="9", type="customerPayment")
    with responses.RequestsMock() as web:
        web.post(SETTINGS.soap_url, body=raw, content_type="text/xml")
        with pytest.raises(ConnectorError):
            soap.read("Could not read", [reference])


# ---- Sage Intacct ----

SAVED = intacct.answer(
    intacct.made("create_arpayment", "arc-1", "77"),
    intacct.failed("create", "arc-2", intacct.error("BL01001973", "It is there already.")),
).encode()
PAGE = intacct.page("ARINVOICE", ["<RECORDNO>1</RECORDNO><STATE>Posted</STATE>", "<RECORDNO>2</RECORDNO>"]).encode()
SESSION = intacct.session().encode()


@FEW
@given(hurt_bytes(SAVED) | hurt_bytes(PAGE) | hurt_bytes(SESSION))
def test_a_damaged_answer_of_the_gateway_is_opened_or_unreadable(raw: bytes) -> None:
    envelopes = Envelopes(intacct.settings(), ())
    try:
        made = envelopes.opened(raw, "")
    except Unreadable as error:
        assert len(str(error)) < 500  # noqa: PT017 - either outcome is right
        return
    assert isinstance(made, Answer)
    assert [] == unstorable([made.results, made.errors])
    assert all(each.status in Status for each in made.results)
