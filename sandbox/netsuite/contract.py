"""Which words may a SOAP message use? The WSDL and schemas in force, served to clients and held against every message.

Without a folder it is our own subset (schema/), whose namespaces take the version. With a folder it is the vendor's
contract as it lies there, and the version is the one in its namespaces.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from lxml import etree

OWN = Path(__file__).parent / "schema"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSI_TYPE = f"{{{XSI}}}type"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
WSDL = "netsuite.wsdl"
_VERSION = re.compile(rb'targetNamespace="urn:platform_(\d{4}_\d)\.webservices\.netsuite\.com"')
_ADDRESS = re.compile(rb'(<soap:address location=")[^"]*(")')


def parser() -> etree.XMLParser:
    """No entities, no DTD, no network: a request is a stranger's bytes."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class Schema:
    """The schema files of one contract as one. Compiled at the first message: the vendor's 46 files take 1.5 s."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._lock = threading.Lock()

    def violation(self, element: etree._Element) -> str:
        """What does the schema object to in this header or body child? Empty means nothing."""
        # Cut loose first: lxml would otherwise validate the whole envelope, which no schema here declares.
        alone = etree.fromstring(etree.tostring(element, with_tail=False), parser())
        with self._lock:
            compiled = self._compiled
            if compiled.validate(alone):
                return ""
            # The stubs of lxml don't know that an error log can be iterated.
            return next((str(entry.message) for entry in cast(Any, compiled.error_log)), "not valid")

    @cached_property
    def _compiled(self) -> etree.XMLSchema:
        driver = etree.Element(f"{{{XSD}}}schema", nsmap=cast("dict[str, str]", {None: XSD}))
        for name, content in self._files.items():
            if name != WSDL:
                namespace = etree.fromstring(content, parser()).get("targetNamespace") or ""
                etree.SubElement(driver, f"{{{XSD}}}import", namespace=namespace, schemaLocation=name)
        reading = parser()
        reading.resolvers.add(_InMemory(self._files))
        return etree.XMLSchema(etree.fromstring(etree.tostring(driver), reading, base_url="contract:/driver.xsd"))


class _InMemory(etree.Resolver):
    """Schemas import each other by file name, in whatever folder notation."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]
        content = self._files[f"xsd/{system_url.rpartition('/')[2]}"]
        return self.resolve_string(content, context, base_url=system_url)


@cache
def _files(version: str, folder: Path | None) -> Mapping[str, bytes]:
    """The contract's files by name, relative to the WSDL's folder."""
    source = folder or OWN
    paths = [source / WSDL, *sorted((source / "xsd").glob("*.xsd"))]
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in paths}
    if folder is None:
        return {name: content.replace(b"@VERSION@", version.encode()) for name, content in files.items()}
    return files


@cache
def _schema(version: str, folder: Path | None) -> Schema:
    return Schema(_files(version, folder))


class Contract:
    def __init__(self, version: str, folder: Path | None = None) -> None:
        # The vendor's is one contract, compiled once, however its folder is spelt and whatever version was asked for.
        known = (version, None) if folder is None else ("", folder.resolve())
        self._files = _files(*known)
        self._schema = _schema(*known)
        found = _VERSION.search(self._files[WSDL])
        if found is None:
            raise ValueError(f"{folder} holds no NetSuite WSDL")
        self.version = found.group(1).decode()
        self.namespaces = {
            "platformCore": f"urn:core_{self.version}.platform.webservices.netsuite.com",
            "platformMsgs": f"urn:messages_{self.version}.platform.webservices.netsuite.com",
            "platformFaults": f"urn:faults_{self.version}.platform.webservices.netsuite.com",
            "platformCommon": f"urn:common_{self.version}.platform.webservices.netsuite.com",
            "tranSales": f"urn:sales_{self.version}.transactions.webservices.netsuite.com",
            "tranCust": f"urn:customers_{self.version}.transactions.webservices.netsuite.com",
            "tranBank": f"urn:bank_{self.version}.transactions.webservices.netsuite.com",
            "tranGeneral": f"urn:general_{self.version}.transactions.webservices.netsuite.com",
            "listRel": f"urn:relationships_{self.version}.lists.webservices.netsuite.com",
            "setupCustom": f"urn:customization_{self.version}.setup.webservices.netsuite.com",
        }

    @property
    def endpoint(self) -> str:
        return f"/services/NetSuitePort_{self.version}"

    @property
    def wsdl(self) -> str:
        return f"/wsdl/v{self.version}_0/{WSDL}"

    def name(self, prefix: str, local: str) -> str:
        return f"{{{self.namespaces[prefix]}}}{local}"

    def file(self, name: str, address: str) -> bytes | None:
        """A file of the contract by its name relative to the WSDL's folder; the WSDL then points at `address`."""
        content = self._files.get(name)
        if content is None or name != WSDL:
            return content
        return _ADDRESS.sub(rb"\g<1>" + address.encode() + rb"\g<2>", content)

    def violation(self, element: etree._Element) -> str:
        """What does the schema in force object to in this header or body child? Empty means nothing."""
        return self._schema.violation(element)
