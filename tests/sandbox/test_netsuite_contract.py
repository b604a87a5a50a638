"""The sandbox's own schema says nothing that the vendor's contract doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from sandbox.netsuite.contract import OWN, XSD, Contract

REAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "contracts" / "netsuite" / "v2023_2_0"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the vendor's 2023.2 contract is not on this machine")

Named = dict[tuple[str, str, str], etree._Element]


def qualified(element: etree._Element, value: str | None) -> str:
    """A prefixed type or reference as {namespace}name, whatever the file calls its prefixes."""
    if value is None:
        return ""
    prefix, _, local = value.rpartition(":")
    return f"{{{element.nsmap.get(prefix or None)}}}{local}"


def declared(folder: Path, version: str) -> Named:
    """(kind, namespace, name) -> declaration, over all schema files of a folder."""
    found: Named = {}
    for path in sorted((folder / "xsd").glob("*.xsd")):
        root = etree.fromstring(path.read_bytes().replace(b"@VERSION@", version.encode()))
        for child in root:
            if isinstance(child.tag, str) and child.get("name"):
                kind = etree.QName(child).localname
                found[kind, str(root.get("targetNamespace")), str(child.get("name"))] = child
    return found


def members(declaration: etree._Element, tag: str) -> list[tuple[str, str, str | None]]:
    return [
        (
            str(member.get("name") or qualified(member, member.get("ref"))),
            qualified(member, member.get("type")),
            member.get("default"),
        )
        for member in declaration.iter(f"{{{XSD}}}{tag}")
        if member is not declaration
    ]


def is_ordered_subset(part: list[object], whole: list[object]) -> bool:
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in part)


@needs_real
def test_the_own_schema_is_an_ordered_subset_of_the_vendors() -> None:
    own, real = declared(OWN, "2023_2"), declared(REAL, "2023_2")

    strangers = sorted(str(key) for key in own if key not in real)
    assert strangers == []
    for key, declaration in own.items():
        for tag in ("element", "attribute"):
            ours, theirs = members(declaration, tag), members(real[key], tag)
            assert is_ordered_subset(list(ours), list(theirs)), (key, tag, ours)
        words = [value.get("value") for value in declaration.iter(f"{{{XSD}}}enumeration")]
        known = [value.get("value") for value in real[key].iter(f"{{{XSD}}}enumeration")]
        assert set(words) <= set(known), (key, set(words) - set(known))


@needs_real
def test_the_own_bases_and_types_are_the_vendors() -> None:
    own, real = declared(OWN, "2023_2"), declared(REAL, "2023_2")

    def base(declaration: etree._Element) -> tuple[str, str | None, str]:
        extension = declaration.find(f".//{{{XSD}}}extension")
        named = "" if extension is None else qualified(extension, extension.get("base"))
        return named, declaration.get("abstract"), qualified(declaration, declaration.get("type"))

    assert {key: base(declaration) for key, declaration in own.items()} == {key: base(real[key]) for key in own}


@pytest.mark.parametrize("version", ["2023_2", "2025_2"])
def test_every_namespace_of_the_own_schema_carries_the_version(version: str) -> None:
    contract = Contract(version)

    wsdl = contract.file("netsuite.wsdl", "http://127.0.0.1:1/x")

    assert wsdl is not None
    assert b"@" not in wsdl.split(b"<service", 1)[0]
    assert f"urn:messages_{version}.platform.webservices.netsuite.com".encode() in wsdl
    assert b'location="http://127.0.0.1:1/x"' in wsdl


@needs_real
def test_the_vendors_folder_is_served_with_our_address_and_its_own_version() -> None:
    contract = Contract("2025_2", REAL)

    wsdl = contract.file("netsuite.wsdl", "http://127.0.0.1:1/x")

    assert contract.version == "2023_2"
    assert wsdl is not None
    assert b"https://webservices.netsuite.com/services" not in wsdl
    assert b'location="http://127.0.0.1:1/x"' in wsdl


def test_a_file_outside_the_contract_is_not_served() -> None:
    assert Contract("2025_2").file("xsd/../netsuite.wsdl", "") is None
