"""Our small SOAP schema against the vendor's own contract: nothing in it is ours alone, and our messages are valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from netsuite_cases import CLEARING, NOW, TYPE_IDS, StandingClock, act, mapping, settings, with_credits

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import acts
from connector.adapters.netsuite.applied import meant
from connector.adapters.netsuite.deposits import Deposits
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Payments
from connector.adapters.netsuite.posting import Posting
from connector.adapters.netsuite.records import Records
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.soap import Soap, render
from connector.money import Money
from connector.ports import Installation, Mark
from connector.receivables import ArStatus, ExceptionRecord, RecordState
from connector.settlement import AccountRole, DepositIntent, DepositKind, DepositLine

CONTRACT = Path(__file__).resolve().parents[2] / ".." / "shared" / "contracts" / "netsuite" / "v2023_2_0"
XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
LINES = ((AccountRole.CLEARING, 10_000), (AccountRole.FEES, -290), (AccountRole.DISPUTES, -210))
Types = dict[str, etree._Element]  # qualified name -> definition
needs_contract = pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"NetSuite's 2023.2 contract is not at {CONTRACT}")


def resolved(node: etree._Element, attribute: str) -> str:
    """The qualified name that an attribute's value stands for, whatever its prefix."""
    prefix, _, local = node.get(attribute, "").rpartition(":")
    return f"{{{node.nsmap.get(prefix or None)}}}{local}"


def definitions(folder: Path, kinds: tuple[str, ...] = ("complexType", "element", "simpleType")) -> dict[str, Types]:
    """'complexType' -> qualified name -> definition, of all schema files of a folder."""
    found: dict[str, Types] = {kind: {} for kind in kinds}
    for path in folder.glob("*.xsd"):
        root = etree.parse(str(path)).getroot()
        for node in root:
            kind = etree.QName(node).localname if isinstance(node.tag, str) else ""
            if kind in found:
                found[kind][f"{{{root.get('targetNamespace')}}}{node.get('name')}"] = node
    return found


def shape(node: etree._Element, tag: str) -> Iterator[tuple[str, str, str]]:
    """(name, type, default) of the elements or attributes of a type, in order; a reference by what it refers to."""
    for part in node.iter(f"{XSD}{tag}"):
        name = part.get("name") or resolved(part, "ref")
        yield name, resolved(part, "type") if part.get("type") else "", part.get("default", "")


def is_in_order(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    render("2023_2", folder)
    return folder


@needs_contract
def test_every_type_of_ours_is_a_part_of_the_vendors_in_the_vendors_order(ours: Path) -> None:
    local, real = definitions(ours), definitions(CONTRACT / "xsd")
    enumerations = real["simpleType"].keys()
    text = f"{XSD}string"

    wrong = []
    for name, node in local["complexType"].items():
        theirs = real["complexType"].get(name)
        if theirs is None:
            wrong.append(f"{name} is no type of the vendor")
            continue
        for tag in ("element", "attribute"):
            mine, whole = list(shape(node, tag)), list(shape(theirs, tag))
            known = {item[0]: item for item in whole}
            if not is_in_order([item[0] for item in mine], [item[0] for item in whole]):
                wrong.append(f"{name}: {tag}s {[item[0] for item in mine]} are not in the vendor's order")
            for field, kind, default in mine:
                _, real_kind, real_default = known.get(field, ("", "", ""))
                is_text_for_enumeration = kind == text and real_kind in enumerations
                if (kind != real_kind and not is_text_for_enumeration) or default != real_default:
                    wrong.append(f"{name}.{field}: {kind} {default!r} instead of {real_kind} {real_default!r}")
        if [resolved(base, "base") for base in node.iter(f"{XSD}extension")] != [
            resolved(base, "base") for base in theirs.iter(f"{XSD}extension")
        ] or node.get("abstract") != theirs.get("abstract"):
            wrong.append(f"{name}: another base")

    assert [] == wrong
    assert len(local["complexType"]) > 20


@needs_contract
def test_every_element_of_ours_has_the_vendors_type(ours: Path) -> None:
    local, real = definitions(ours)["element"], definitions(CONTRACT / "xsd")["element"]

    assert {name: resolved(node, "type") for name, node in local.items()} == {
        name: resolved(real[name], "type") for name in local
    }


@needs_contract
def test_every_operation_of_ours_has_the_vendors_message_headers_and_action(ours: Path) -> None:
    local = etree.parse(str(ours / "netsuite.wsdl")).getroot()
    real = etree.parse(str(CONTRACT / "netsuite.wsdl")).getroot()

    def binding(root: etree._Element) -> dict[str, tuple[str, set[str]]]:
        found = {}
        for operation in root.iterfind(f"{WSDL}binding/{WSDL}operation"):
            action = operation.find("{http://schemas.xmlsoap.org/wsdl/soap/}operation")
            headers = operation.iterfind(f"{WSDL}input/{{http://schemas.xmlsoap.org/wsdl/soap/}}header")
            assert action is not None
            found[operation.get("name", "")] = (
                action.get("soapAction", ""),
                {item.get("part", "") for item in headers},
            )
        return found

    theirs = binding(real)
    for name, (action, headers) in binding(local).items():
        assert action == theirs[name][0]
        assert headers <= theirs[name][1]


@pytest.fixture(scope="module")
def real_schema() -> etree.XMLSchema:
    folder = CONTRACT / "xsd"
    driver = etree.Element(f"{XSD}schema")
    for path in sorted(folder.glob("*.xsd")):
        namespace = etree.parse(str(path)).getroot().get("targetNamespace", "")
        etree.SubElement(driver, f"{XSD}import", namespace=namespace, schemaLocation=path.name)
    parser = etree.XMLParser(no_network=True)
    return etree.XMLSchema(etree.fromstring(etree.tostring(driver), parser, base_url=f"{folder}/driver.xsd"))


def spoken(records: Records, deposits: Deposits, posting: Posting) -> dict[str, tuple[str, list[object]]]:
    """Everything that the adapter says, by what it is for: operation and records (references for getList)."""
    rich = replace(act(), payment=replace(act().payment, subsidiary="1", ar_account="119", exchange_rate="1.10"))
    redated = replace(rich, payment=replace(rich.payment, really_received_on=NOW.date()))
    netted = with_credits()
    lines = [DepositLine(role, Money(minor, "USD"), "po_1") for role, minor in LINES]
    payout = DepositIntent(
        act_id="po_1-0",
        external_id="arc-demo-dep-po_1-0",
        payout_id="po_1",
        kind=DepositKind.DEPOSIT,
        amount=Money(10_000, "USD"),
        posted_on=NOW.date(),
        payments=(("7", Money(500, "USD")),),
        lines=tuple(lines),
        memo="Stripe payout po_1",
        subsidiary="1",
    )
    exception = ExceptionRecord("arc-demo-exc-1", "ambiguous", "two fit", Money(5, "USD"), "AR", NOW.date(), None)
    return {
        "write_acts": ("addList", [item for _, item in acts.built(records, act(), "1").items]),
        "write_all_of_a_payment": ("addList", [records.payment(redated, "1")]),
        "write_a_payment_with_credits": ("addList", [records.payment(netted, "1")]),
        "apply_what_is_there": ("updateList", [records.application("77", meant(netted.payment))]),
        "write_deposit": ("addList", [deposits._deposit(payout, CLEARING)]),
        "write_journal": ("addList", [deposits._journal(payout, CLEARING, "1")]),
        "write_marks": (
            "upsertList",
            [
                records.mark(Mark("arc-demo-can-a1-104", RecordState.CLOSED)),
                records.mark(Mark("arc-demo-rec-a1", RecordState.WITHDRAWN, "refused")),
                records.status(ArStatus("arc-demo-st-104", "104", "closed", "paid", owner="AR")),
            ],
        ),
        "write_exceptions": ("upsertList", [records.exception(replace(exception, invoice_id="104"))]),
        "pause_dunning": ("updateList", [posting._pause("104", "custbody_3805_dunning_paused")]),
        "write_installation": ("upsertList", [records.installation(Installation("demo", 3, NOW))]),
        "read_acts": (
            "getList",
            [
                records.payment_reference("arc-demo-pay-1-0"),
                records.payment_reference_by_id("77"),
                records.record_reference("arc-demo-can-a1-104"),
                records.invoice_reference("104"),
                deposits._reference(DepositKind.DEPOSIT, externalId="arc-demo-dep-po_1-0"),
                deposits._reference(DepositKind.JOURNAL, internalId="7"),
            ],
        ),
    }


KINDS = [
    "write_acts",
    "write_all_of_a_payment",
    "write_a_payment_with_credits",
    "apply_what_is_there",
    "write_deposit",
    "write_journal",
    "write_marks",
    "write_exceptions",
    "pause_dunning",
    "write_installation",
    "read_acts",
]


@needs_contract
@pytest.mark.parametrize("kind", KINDS)
def test_our_messages_are_valid_by_the_vendors_schema(kind: str, real_schema: etree.XMLSchema) -> None:
    given, names = settings(soap_version="2023_2"), mapping("America/New_York", settlement=(CLEARING,))
    lanes = Lanes(1, 1, lambda _: None)
    soap, ql = Soap(given, lanes, NOW.timestamp), SuiteQl(given, lanes, NOW.timestamp)
    known = Names(ql, soap, names)
    deposits = Deposits(names, ql, soap, known)
    posting = Posting(given, names, soap, ql, known, Payments(soap, ql, known, names), StandingClock())
    everything = spoken(Records(soap, names, TYPE_IDS), deposits, posting)
    operation, items = everything[kind]
    message = soap._message(operation, "test", **{"baseRef" if operation == "getList" else "record": items})
    soap.close()
    ql.close()

    assert KINDS == list(everything)
    parts = [*message[0], *message[1]]
    for part in parts:
        assert real_schema.validate(etree.fromstring(etree.tostring(part))), real_schema.error_log
    assert len(parts) == (2 if operation == "getList" else 3)
    assert b'replaceAll="true"' not in etree.tostring(message)


@needs_contract
def test_the_vendors_schema_would_object_to_a_field_that_is_not_there(real_schema: etree.XMLSchema) -> None:
    """The control of the test above: validation really looks."""
    namespace = "urn:messages_2023_2.platform.webservices.netsuite.com"

    assert not real_schema.validate(etree.fromstring(f'<addList xmlns="{namespace}"><bogus/></addList>'))
