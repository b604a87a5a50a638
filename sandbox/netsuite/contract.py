"""Which words may a SOAP message use? The WSDL and schemas in force, served to clients and held against every message.

Without a folder it is our own subset (schema/), whose namespaces take the version. With a folder it is the vendor's
contract as it lies there, and the version is the one in its namespaces.
"""

from __future__ import annotations

import re
import tempfile
import threading
from functools import cached_property
from pathlib import Path

from lxml import etree

OWN = Path(__file__).parent / "schema"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSI_TYPE = f"{{{XSI}}}type"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_VERSION = re.compile(rb'targetNamespace="urn:platform_(\d{4}_\d)\.webservices\.netsuite\.com"')
_ADDRESS = re.compile(rb'(<soap:address location=")[^"]*(")')


def parser() -> etree.XMLParser:
    """No entities, no DTD, no network: a request is a stranger's bytes."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class Contract:
    def __init__(self, version: str, folder: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._rendered: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self.version = version
            self._folder = self._render(version)
        else:
            self._folder = folder
            self.version = self._version_of(folder)
        self._files = {f"xsd/{path.name}": path for path in sorted((self._folder / "xsd").glob("*.xsd"))}
        self._files["netsuite.wsdl"] = self._folder / "netsuite.wsdl"
        self.namespaces = {
            "platformCore": f"urn:core_{self.version}.platform.webservices.netsuite.com",
            "platformMsgs": f"urn:messages_{self.version}.platform.webservices.netsuite.com",
            "platformFaults": f"urn:faults_{self.version}.platform.webservices.netsuite.com",
            "platformCommon": f"urn:common_{self.version}.platform.webservices.netsuite.com",
            "tranSales": f"urn:sales_{self.version}.transactions.webservices.netsuite.com",
            "tranCust": f"urn:customers_{self.version}.transactions.webservices.netsuite.com",
            "listRel": f"urn:relationships_{self.version}.lists.webservices.netsuite.com",
            "setupCustom": f"urn:customization_{self.version}.setup.webservices.netsuite.com",
        }

    @property
    def endpoint(self) -> str:
        return f"/services/NetSuitePort_{self.version}"

    @property
    def wsdl(self) -> str:
        return f"/wsdl/v{self.version}_0/netsuite.wsdl"

    def name(self, prefix: str, local: str) -> str:
        return f"{{{self.namespaces[prefix]}}}{local}"

    def file(self, name: str, address: str) -> bytes | None:
        """A file of the contract by its name relative to the WSDL's folder; the WSDL then points at `address`."""
        path = self._files.get(name)
        if path is None:
            return None
        content = path.read_bytes()
        return _ADDRESS.sub(rb"\g<1>" + address.encode() + rb"\g<2>", content) if name == "netsuite.wsdl" else content

    def violation(self, element: etree._Element) -> str:
        """What does the schema object to in this header or body child? Empty means nothing."""
        # Cut loose first: lxml would otherwise validate the whole envelope, which no schema here declares.
        alone = etree.fromstring(etree.tostring(element, with_tail=False), parser())
        with self._lock:
            schema = self._schema
            if schema.validate(alone):
                return ""
            return str(schema.error_log.last_error and schema.error_log[0].message)

    @cached_property
    def _schema(self) -> etree.XMLSchema:
        """All schema files as one. Takes 1.5 s for the vendor's 46 files, so only when the first message comes."""
        driver = etree.Element(f"{{{XSD}}}schema", nsmap={None: XSD})
        for name, path in self._files.items():
            if name.startswith("xsd/"):
                namespace = etree.parse(str(path), parser()).getroot().get("targetNamespace") or ""
                etree.SubElement(driver, f"{{{XSD}}}import", namespace=namespace, schemaLocation=path.name)
        text = etree.tostring(driver)
        return etree.XMLSchema(etree.fromstring(text, base_url=f"{(self._folder / 'xsd').as_uri()}/driver.xsd"))

    def _render(self, version: str) -> Path:
        self._rendered = tempfile.TemporaryDirectory(prefix="sandbox-netsuite-")
        folder = Path(self._rendered.name)
        (folder / "xsd").mkdir()
        for source in (OWN / "netsuite.wsdl", *sorted((OWN / "xsd").glob("*.xsd"))):
            text = source.read_text(encoding="utf-8").replace("@VERSION@", version)
            (folder / source.relative_to(OWN)).write_text(text, encoding="utf-8")
        return folder

    @staticmethod
    def _version_of(folder: Path) -> str:
        found = _VERSION.search((folder / "netsuite.wsdl").read_bytes())
        if found is None:
            raise ValueError(f"{folder} holds no NetSuite WSDL")
        return found.group(1).decode()
