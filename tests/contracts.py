"""Is what the tests put on the wire the vendors' format? The vendors' own schemas judge, not either side of ours.

A pytest plugin. Every server that a test starts (`sandbox.serving.Background`) is listened to, byte by byte, whoever
speaks to it. When a test ends, each SOAP message of either side and each Stripe answer is held against NetSuite's own
2023.2 WSDL and schemas and Stripe's own types. Both lie beside the project; without them one skipped test says so.

SOAP of another release is judged with its namespaces' version replaced: nothing else of a message depends on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator
from lxml import etree
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.netsuite.contract import Contract
from sandbox.serving import Background

CONTRACTS = Path(__file__).resolve().parents[2] / "shared" / "contracts"
NETSUITE = CONTRACTS / "netsuite" / "v2023_2_0"
STRIPE = CONTRACTS / "stripe" / "objects.schema.json"
# Why nothing can be judged; empty where both contracts are at hand.
ABSENT = " ".join(f"The vendor's contract is not at {path}." for path in (NETSUITE, STRIPE) if not path.exists())

XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
BINDING = "{http://schemas.xmlsoap.org/wsdl/soap/}"
ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
RELEASE = re.compile(rb"urn:[a-z]+_(\d{4}_\d)\.")

Side = Literal["request", "answer"]


@dataclass(frozen=True, slots=True)
class Said:
    """One whole message on the wire. `action` is the SOAPAction header of a request."""

    path: str
    side: Side
    content: bytes
    action: str = ""

    @property
    def is_soap(self) -> bool:
        return "/services/NetSuitePort_" in self.path

    @property
    def is_stripe(self) -> bool:
        return self.path.startswith("/stripe/")


class Traffic:
    """All that was said since it was last taken. Servers add to it from their own threads."""

    def __init__(self) -> None:
        self._said: list[Said] = []

    def take(self) -> list[Said]:
        taken, self._said = self._said, []
        return taken

    def around(self, app: ASGIApp) -> ASGIApp:
        """The same app, overheard. A message is noted before the other side has all of it, so none comes too late."""

        async def overheard(scope: Scope, receive: Receive, send: Send) -> None:
            path = str(scope["path"])
            headers = dict(scope["headers"])
            request, answer = bytearray(), bytearray()

            async def hear() -> Message:
                message = await receive()
                if message["type"] == "http.request":
                    request.extend(message.get("body", b""))
                    if not message.get("more_body"):
                        self._note(Said(path, "request", bytes(request), headers.get(b"soapaction", b"").decode()))
                return message

            async def say(message: Message) -> None:
                if message["type"] == "http.response.body":
                    answer.extend(message.get("body", b""))
                    if not message.get("more_body"):
                        self._note(Said(path, "answer", bytes(answer)))
                await send(message)

            await app(scope, hear, say)

        return overheard

    def _note(self, said: Said) -> None:
        if said.is_soap or (said.is_stripe and said.side == "answer"):
            self._said.append(said)


# ---- NetSuite ----


@dataclass(frozen=True, slots=True)
class Port:
    """What the WSDL lets be said: by operation element its SOAPAction and headers, and the same for answers."""

    actions: dict[str, str]
    headers: dict[str, frozenset[str]]


@cache
def netsuite_schema() -> etree.XMLSchema:
    """NetSuite's 46 files as one schema; takes 1.5 s, once in a process."""
    driver = etree.Element(f"{XSD}schema")
    for path in sorted((NETSUITE / "xsd").glob("*.xsd")):
        namespace = etree.parse(path).getroot().get("targetNamespace")
        etree.SubElement(driver, f"{XSD}import", namespace=namespace, schemaLocation=path.name)
    located = etree.fromstring(etree.tostring(driver), base_url=(NETSUITE / "xsd" / "driver.xsd").as_uri())
    return etree.XMLSchema(located)


@cache
def netsuite_port() -> Port:
    root = etree.parse(NETSUITE / "netsuite.wsdl").getroot()
    messages = {message.get("name"): message for message in root.findall(f"{WSDL}message")}
    binding = root.find(f"{WSDL}binding")
    actions: dict[str, str] = {}
    headers: dict[str, frozenset[str]] = {}
    for operation in binding.findall(f"{WSDL}operation"):
        for side in ("input", "output"):
            bound = operation.find(f"{WSDL}{side}")
            part = messages[bound.get("name")].find(f"{WSDL}part")
            name = _resolved(part, part.get("element"))
            headers[name] = frozenset(
                _header(messages["headers"], header.get("part")) for header in bound.findall(f"{BINDING}header")
            )
            if side == "input":
                actions[name] = operation.find(f"{BINDING}operation").get("soapAction")
    return Port(actions, headers)


def _resolved(element: etree._Element, prefixed: str) -> str:
    prefix, _, local = prefixed.rpartition(":")
    return f"{{{element.nsmap[prefix]}}}{local}"


def _header(message: etree._Element, part: str) -> str:
    found = next(one for one in message.findall(f"{WSDL}part") if one.get("name") == part)
    return _resolved(found, found.get("element"))


def soap_problems(content: bytes, side: Side, action: str = "") -> list[str]:
    """What is wrong with this envelope by NetSuite's own WSDL and schemas?"""
    releases = set(RELEASE.findall(content))
    if len(releases) > 1:
        return [f"it mixes the releases {sorted(release.decode() for release in releases)}"]
    for release in releases:
        content = content.replace(b"_%s." % release, b"_2023_2.")
    try:
        envelope = etree.fromstring(content)
    except etree.XMLSyntaxError as error:
        # Half an answer, silence or a page in HTML is a fault that a test asked for; nobody asks for half a request.
        return [f"it is no XML: {error}"] if side == "request" else []
    headers, body = envelope.findall(f"{ENVELOPE}Header/*"), envelope.findall(f"{ENVELOPE}Body/*")
    if envelope.tag != f"{ENVELOPE}Envelope" or len(body) != 1:
        return ["it is no SOAP envelope with one body element"] if side == "request" else []
    if body[0].tag == f"{ENVELOPE}Fault":
        parts = body[0].findall("detail/*")
        problems = []
    else:
        parts = [*headers, *body]
        problems = _port_problems(str(body[0].tag), {str(header.tag) for header in headers}, action)
    return problems + [problem for part in parts for problem in _schema_problems(part)]


def _port_problems(operation: str, headers: set[str], action: str) -> list[str]:
    port = netsuite_port()
    if operation not in port.headers:
        return [f"the WSDL has no operation {operation}"]
    problems = [f"{operation} may not have the header {name}" for name in sorted(headers - port.headers[operation])]
    wanted = port.actions.get(operation)
    if action and wanted is not None and action.strip('"') != wanted:
        problems.append(f"{operation} goes with SOAPAction {wanted}, not {action}")
    return problems


def _schema_problems(part: etree._Element) -> list[str]:
    # Cut loose first: lxml would otherwise validate the whole envelope, which no schema of NetSuite's declares.
    alone = etree.fromstring(etree.tostring(part, with_tail=False))
    schema: Any = netsuite_schema()
    if schema.validate(alone):
        return []
    return [f"{etree.QName(part).localname}: {entry.message}" for entry in schema.error_log]


# ---- Stripe ----

LIST_KEYS = {"object", "url", "has_more", "data"}
ERROR_KEYS = {"type", "message", "code", "param", "doc_url", "request_log_url"}


@cache
def _stripe_checkers() -> dict[str, Draft202012Validator]:
    contract = json.loads(STRIPE.read_text())
    # No checker for "account": the contract has no type for it.
    return {
        kind: Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": contract["$defs"]})
        for kind, definition in contract["x-objects"].items()
    }


@cache
def _object_problems(kind: str, text: str) -> tuple[str, ...]:
    """Ticks read the same objects again and again: each is judged once."""
    errors = _stripe_checkers()[kind].iter_errors(json.loads(text))
    return tuple(f"{kind} {error.json_path}: {error.message[:200]}" for error in errors)


def stripe_problems(body: dict[str, Any]) -> list[str]:
    """What is wrong with this answer by Stripe's own types?"""
    if "error" in body:
        unknown = set(body["error"]) - ERROR_KEYS
        return [f"unknown in an error: {sorted(unknown)}"] if unknown else []
    kind = str(body.get("object"))
    if kind == "list":
        keys = [] if set(body) == LIST_KEYS else [f"a list has the keys {sorted(body)}"]
        return keys + [problem for row in body["data"] for problem in stripe_problems(row)]
    if kind == "account":
        return []
    if kind not in _stripe_checkers():
        return [f"Stripe has no object {kind!r}"]
    problems = [*_object_problems(kind, json.dumps(body, sort_keys=True))]
    return problems + (stripe_problems(body["data"]["object"]) if kind == "event" else [])


def _stripe_bytes_problems(content: bytes) -> list[str]:
    try:
        body = json.loads(content)
    except ValueError:
        return []  # half an answer or a page in HTML: a fault that a test asked for
    return stripe_problems(body)


# ---- The judgement on each test ----

TRAFFIC = Traffic()
JUDGED = pytest.StashKey[dict[str, int]]()


def problems(said: Iterable[Said]) -> list[tuple[Said, list[str]]]:
    """The messages that a vendor's contract objects to, each with its objections."""
    judged = [(one, _objections(one)) for one in said]
    return [(one, objections) for one, objections in judged if objections]


def _objections(one: Said) -> list[str]:
    return soap_problems(one.content, one.side, one.action) if one.is_soap else _stripe_bytes_problems(one.content)


def _shown(one: Said, objections: list[str]) -> str:
    told = "".join(f"\n  - {objection}" for objection in objections[:5])
    return f"{one.side} on {one.path}:{told}\n  in {one.content[:3000].decode(errors='replace')}"


@pytest.fixture(autouse=True)
def traffic(request: pytest.FixtureRequest) -> Iterator[Traffic]:
    """What this test said on the wire; after the test all of it is judged that the test did not take."""
    TRAFFIC.take()
    yield TRAFFIC
    if ABSENT:
        return
    said = TRAFFIC.take()
    judged = request.config.stash[JUDGED]
    for one in said:
        judged["SOAP messages" if one.is_soap else "Stripe answers"] += 1
    found = problems(said)
    if request.node.get_closest_marker("wrong_on_purpose"):
        meant = [one for one, _ in found if one.side == "request"]
        found = [each for each in found if each[0].side == "answer"]
        if not meant:
            pytest.fail("marked wrong_on_purpose, and every request was right", pytrace=False)
    if found:
        told = "\n".join(_shown(*each) for each in found[:3])
        pytest.fail(f"{len(found)} messages are not as the vendor's contract says:\n{told}", pytrace=False)


@pytest.fixture(params=[None] if ABSENT else [None, NETSUITE], ids=lambda folder: "vendors" if folder else "subset")
def wsdl_dir(request: pytest.FixtureRequest) -> Path | None:
    """The contract that the sandbox is to serve: its own subset (None), and the vendor's in this folder."""
    folder: Path | None = request.param
    if folder:
        # Compiled now and kept: it takes longer than a connector under test waits for its first answer.
        Contract("", folder).violation(etree.Element("nothing"))
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "wrong_on_purpose: sends SOAP that breaks the schema, to see it refused")
    config.stash[JUDGED] = {"SOAP messages": 0, "Stripe answers": 0}
    Background.ear = TRAFFIC.around


def pytest_unconfigure() -> None:
    Background.ear = None


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["judged"] = session.config.stash[JUDGED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    total = node.config.stash[JUDGED]
    for kind, count in getattr(node, "workeroutput", {}).get("judged", {}).items():
        total[kind] += count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[JUDGED]
    told = " and ".join(f"{count} {kind}" for kind, count in counts.items())
    verdict = f"not judged: {ABSENT}" if ABSENT else f"{told} held against the vendors' own schemas"
    terminalreporter.write_line(f"contracts: {verdict}")
