"""The judge itself (tests/contracts.py): it is there, it catches what is planted, and releases differ in names only."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pydantic import SecretStr

from connector.adapters.netsuite import NetSuiteErp
from connector.ports import Answer, Installation, Mark, Outcome
from connector.receivables import ArStatus, RecordState
from tests import contracts
from tests.contracts import ENVELOPE, Said, Traffic
from tests.harness import MONDAY, ROOT, WorldTime, sandbox
from tests.unit.netsuite_cases import act, mapping, settings

needs_contracts = pytest.mark.skipif(bool(contracts.ABSENT), reason=contracts.ABSENT or "at hand")


def test_what_the_tests_say_is_held_against_the_vendors_own_schemas() -> None:
    """The one test that is seen to be skipped where the contracts are not at hand: then no message is judged."""
    if contracts.ABSENT:
        pytest.skip(f"No message of any test is held against the vendors' own schemas. {contracts.ABSENT}")

    assert len(contracts.netsuite_port().actions) > 40
    assert contracts.netsuite_schema() is not None
    assert [] == contracts.stripe_problems({"object": "list", "url": "/v1/charges", "has_more": False, "data": []})


# ---- Our messages in each release ----


def _spoken(version: str, traffic: Traffic) -> list[Said]:
    """Each request that the adapter makes when it claims an account, writes an act, reads it back and marks it."""
    with sandbox(version=version, wsdl_dir=None) as served:
        profile = served.world.profile()["netsuite"]
        named = ("consumer_key", "consumer_secret", "token_id", "token_secret")
        secrets = {name: SecretStr(profile[name]) for name in named}
        ours = replace(settings(profile["base_url"]), soap_version=version, **secrets)
        customer = served.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        lines = [{"description": "Seats", "amount": "500.00", "kind": "subscription"}]
        today = MONDAY.date()
        invoice = served.world.add_invoice(customer.id, "INV-1", today, today, lines)
        intent = act(customer=customer.id, applied=((invoice, "200.00"),), received_on=today)
        erp = NetSuiteErp(ours, mapping(), WorldTime(served))
        traffic.take()

        answers: list[Answer] = [erp.write_installation(Installation("demo", 1, MONDAY))]
        for written in erp.write_acts([intent]):
            answers += [written.payment, *written.records]
        erp.read_acts([intent])
        marks = [Mark(intent.receipt.external_id, RecordState.WITHDRAWN, "refused")]
        answers += erp.write_marks(marks, [ArStatus(f"arc-demo-st-{invoice}", invoice, "reminding", "", "+7", today)])
        erp.close()

    assert {Outcome.CREATED} == {answer.outcome for answer in answers}
    return traffic.take()


def _bodies(said: list[Said]) -> list[bytes]:
    requests = [etree.fromstring(one.content) for one in said if one.side == "request"]
    return [etree.tostring(body) for envelope in requests for body in envelope.iter(f"{ENVELOPE}Body")]


def test_a_release_changes_the_namespaces_of_a_message_and_nothing_else(traffic: Traffic) -> None:
    older, newer = _spoken("2023_2", traffic), _spoken("2025_2", traffic)

    assert len(_bodies(older)) >= 4
    assert [body.replace(b"_2023_2.", b"_2025_2.") for body in _bodies(older)] == _bodies(newer)
    assert contracts.ABSENT or [] == contracts.problems(older + newer)


# ---- A planted fault is caught ----


@pytest.fixture
def said(traffic: Traffic) -> list[Said]:
    return _spoken("2025_2", traffic)


PLANTED = {
    "an element that NetSuite doesn't know": (b"addList", "request", b"undepFunds", b"bogus", "bogus"),
    "a date without its time": (b"addList", "request", b"T12:00:00Z", b"", "dateTime"),
    "an answer without its status": (b"addListResponse", "answer", b"isSuccess=", b"isFine=", "isFine"),
    "an operation that isn't there": (b"getList", "request", b"getList", b"getLots", "no operation"),
    "two releases in one message": (b"getList", "request", b"core_2025_2", b"core_2023_2", "mixes the releases"),
    "half a request": (b"getList", "request", b"</", b"<", "no XML"),
    "a header of another operation": (b"getList", "request", b"tokenPassport", b"searchPreferences", "may not have"),
}


@needs_contracts
@pytest.mark.parametrize("named, side, before, after, told", PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_in_a_message_is_caught(
    said: list[Said], named: bytes, side: str, before: bytes, after: bytes, told: str
) -> None:
    one = next(one for one in said if one.side == side and named in one.content and before in one.content)

    assert [] == contracts.soap_problems(one.content, one.side, one.action)
    planted = one.content.replace(before, after)
    assert told in " ".join(contracts.soap_problems(planted, one.side, one.action))


@needs_contracts
def test_a_wrong_soap_action_is_caught(said: list[Said]) -> None:
    one = next(one for one in said if one.side == "request")

    told = contracts.soap_problems(one.content, one.side, '"deleteList"')

    assert "goes with SOAPAction" in " ".join(told)


CHARGE: dict[str, Any] = {"object": "charge", "id": "ch_1", "amount": "12.00"}


@needs_contracts
@pytest.mark.parametrize(
    "body, told",
    [
        (CHARGE, "$.amount"),
        ({"object": "list", "url": "/v1/charges", "has_more": False, "data": [CHARGE]}, "$.amount"),
        ({"object": "list", "data": []}, "a list has the keys"),
        ({"object": "invention"}, "no object"),
        ({"error": {"type": "x", "reason": "y"}}, "unknown in an error"),
    ],
)
def test_an_answer_that_is_not_stripes_is_caught(body: dict[str, Any], told: str) -> None:
    assert told in " ".join(contracts.stripe_problems(body))


PLANTED_SUITE = '''
import pytest, requests
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from sandbox.serving import Background

SOAP = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
    <m:getList xmlns:m="urn:messages_2025_2.platform.webservices.netsuite.com"><m:%s/></m:getList>
</e:Body></e:Envelope>"""

async def port(request):
    await request.body()
    return PlainTextResponse("not XML, as a fault has it")

def charge(request):
    return JSONResponse({"object": "charge", "amount": "12.00"})
SOAP_PORT = "/netsuite/services/NetSuitePort_2025_2"
ROUTES = [Route(SOAP_PORT, port, methods=["POST"]), Route("/stripe/v1/charges/1", charge)]

@pytest.fixture
def url():
    with Background(Starlette(routes=ROUTES)) as served:
        yield served.url

def test_request(url):
    requests.post(url + SOAP_PORT, SOAP % "bogus", timeout=5)

def test_answer(url):
    requests.get(f"{url}/stripe/v1/charges/1", timeout=5)

@pytest.mark.wrong_on_purpose
def test_meant(url):
    requests.post(url + SOAP_PORT, SOAP % "bogus", timeout=5)

@pytest.mark.wrong_on_purpose
def test_marked_without_need(url):
    pass
'''


@needs_contracts
def test_a_test_whose_traffic_is_wrong_fails_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED_SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.contracts", "-p", "no:cacheprovider", "-q", "-rA"]

    ran = subprocess.run(
        [*command, "-c", "/dev/null", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    errors = {line.split("::")[1].split(" ")[0] for line in ran.stdout.splitlines() if line.startswith("ERROR ")}
    assert {"test_request", "test_answer", "test_marked_without_need"} == errors, ran.stdout
    assert "contracts: 4 SOAP messages and 1 Stripe answers" in ran.stdout
