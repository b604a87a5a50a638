"""SuiteTalk SOAP: four list operations, each record answered by itself.

zeep builds the messages from a small WSDL of our own; it validates nothing, so each message is validated here before
it leaves. What comes back from a write is parsed strictly. Whatever goes wrong after the bytes of a write were sent
means that its outcome is unknown, and a write is never tried again here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests
import zeep
from lxml import etree
from urllib3.exceptions import MaxRetryError, NewConnectionError
from zeep.exceptions import Error as ZeepError
from zeep.transports import Transport

from connector.adapters import door
from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import wire
from connector.adapters.netsuite.settings import GET_LIST_MAX, NetSuiteSettings
from connector.errors import ConnectorError, InvariantBroken, OutcomeUnknown, Terminal

SCHEMA = Path(__file__).resolve().parent / "schema"
ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
# Which of NetSuite's namespaces holds the types of each of our schema files.
AREAS = {
    "core": "urn:core_{}.platform.webservices.netsuite.com",
    "messages": "urn:messages_{}.platform.webservices.netsuite.com",
    "customers": "urn:customers_{}.transactions.webservices.netsuite.com",
    "bank": "urn:bank_{}.transactions.webservices.netsuite.com",
    "general": "urn:general_{}.transactions.webservices.netsuite.com",
    "customization": "urn:customization_{}.setup.webservices.netsuite.com",
    "sales": "urn:sales_{}.transactions.webservices.netsuite.com",
}
NOT_THERE = "RCRD_DSNT_EXIST"

# Faults say that the whole request was not carried out (NetSuite help section_N3536574); the name of the fault tells
# why, except that UNEXPECTED_ERROR was seen inside others, so the code is looked at first (notes on NetSweet 323).
_BUSY_CODES = {"WS_CONCUR_SESSION_DISALLWD", "WS_REQUEST_BLOCKED", "CONCURRENCY_LIMIT_EXCEEDED"}
_BUSY_FAULTS = {"exceededConcurrentRequestLimitFault", "exceededRequestLimitFault", "exceededUsageLimitFault"}
_REFUSED_FAULTS = {
    "invalidCredentialsFault": wire.LOGIN_REMEDY,
    "invalidAccountFault": wire.LOGIN_REMEDY,
    "insufficientPermissionFault": "Grant the permission that is named to the integration role",
    "invalidVersionFault": "Set netsuite.soap_version to a release that the account serves, such as 2025_2",
    "exceededRecordCountFault": "Lower acts_per_request_max",
    "exceededRequestSizeFault": "Lower acts_per_request_max",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What NetSuite said of one record of a write. `saved_anyway`: an error came from a script after the save."""

    is_success: bool
    erp_id: str
    external_id: str
    code: str
    message: str
    saved_anyway: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One record of a read as XML, or the code that says why it is not there."""

    record: etree._Element | None
    code: str = ""
    message: str = ""


class _LocalOnly(Transport):
    """Loads schemas from one folder and nothing from elsewhere."""

    def __init__(self, folder: Path, session: requests.Session) -> None:
        super().__init__(cache=None, session=session)  # type: ignore[no-untyped-call]
        self._folder = folder

    def load(self, url: str) -> bytes:
        path = Path(url).resolve()
        if path.parent != self._folder.resolve():
            raise InvariantBroken(f"the SOAP schema asked for {url}, which is not ours")
        return path.read_bytes()


class Soap:
    """One account's SOAP port. Safe for several threads.

    `epoch` gives the seconds since 1970 of this machine: NetSuite refuses a signature that is five minutes off.
    Reads raise Transient and Terminal; writes also raise OutcomeUnknown, for all of their records.
    """

    def __init__(self, settings: NetSuiteSettings, lanes: Lanes, epoch: Callable[[], float]) -> None:
        self._settings = settings
        self._epoch = epoch
        self._lanes = lanes
        self._session = requests.Session()
        self._session.cookies.set_policy(wire.no_cookies())
        door.alone(self._session, lambda url: door.is_beneath(url, settings.root_url))
        self._client, self._schema = _load(settings.soap_version, self._session)
        version = settings.soap_version
        binding = f"{{urn:platform_{version}.webservices.netsuite.com}}NetSuiteBinding"
        self._service: Any = self._client.create_service(binding, settings.soap_url)
        self._binding = self._service._binding
        self._namespaces = {area: uri.format(version) for area, uri in AREAS.items()}

    def close(self) -> None:
        self._session.close()

    def new(self, type_name: str, **fields: object) -> Any:
        """A value of one of NetSuite's types, such as new('core:RecordRef', internalId='4'); unknown fields raise."""
        return self._client.get_type(self.tag(type_name))(**fields)

    def tag(self, name: str) -> str:
        """'core:RecordRef' -> the qualified name in this version's namespace."""
        area, local = name.split(":")
        return f"{{{self._namespaces[area]}}}{local}"

    def write(self, operation: str, doing: str, records: Sequence[Any]) -> tuple[Written, ...]:
        """Send one list of records, once; as many answers as records, in their order."""
        return self._lanes.write(partial(self._write, operation, doing, records))

    def _write(self, operation: str, doing: str, records: Sequence[Any]) -> tuple[Written, ...]:
        message = self._message(operation, doing, record=list(records))
        response = self._post(operation, doing, message, self._settings.write_seconds)
        try:
            self._raise_for(doing, response)
            answer = self._binding.process_reply(self._client, self._binding.get(operation), response)
            listed = answer.body.writeResponseList
            written = tuple(_written(item) for item in listed.writeResponse or ())
        except ConnectorError:
            raise
        except Exception as error:  # whatever it was, the bytes had been sent
            raise _unknown(doing, f"the answer could not be read ({type(error).__name__})") from None
        if len(written) != len(records):
            raise _unknown(doing, f"{len(written)} answers came for {len(records)} records")
        return written

    def read(self, doing: str, references: Sequence[Any]) -> tuple[Found, ...]:
        """Fetch records of any types by reference; as many answers as references, in their order.

        Answers are read from the XML, not by zeep: a real record has hundreds of fields that our schema leaves out.
        """
        found: list[Found] = []
        for start in range(0, len(references), GET_LIST_MAX):
            chunk = references[start : start + GET_LIST_MAX]
            found += self._lanes.read(partial(self._read_chunk, doing, chunk))
        return tuple(found)

    def _read_chunk(self, doing: str, references: Sequence[Any]) -> list[Found]:
        message = self._message("getList", doing, baseRef=list(references))
        try:
            response = self._post("getList", doing, message, self._settings.read_seconds)
            self._raise_for(doing, response)
        except _Unread as error:
            raise wire.unavailable(doing, error.came_back) from None
        listed = _parse(response.content).find(f".//{self.tag('messages:readResponseList')}")
        answers = [] if listed is None else listed.findall(self.tag("messages:readResponse"))
        if len(answers) != len(references):
            raise wire.unavailable(doing, f"{len(answers)} answers came for {len(references)} records")
        return [self._found(answer) for answer in answers]

    def _found(self, answer: etree._Element) -> Found:
        status = answer.find(self.tag("core:status"))
        if status is not None and status.get("isSuccess") in ("true", "1"):
            return Found(answer.find(self.tag("messages:record")))
        detail = f"{self.tag('core:statusDetail')}/{self.tag('core:')}"
        code = "" if status is None else status.findtext(f"{detail}code") or ""
        text = "" if status is None else status.findtext(f"{detail}message") or ""
        return Found(None, code or "UNREADABLE", wire.words(text))

    # ---- One message out, one response in ----

    def _message(self, operation: str, doing: str, **body: object) -> etree._Element:
        """The signed message, valid against our schema; each attempt needs a new one for its nonce."""
        headers = {"tokenPassport": self._token_passport()}
        if operation != "getList":
            # Else the account's own preference may turn a warning into a refusal.
            headers["preferences"] = {"warningAsError": False}
        try:
            message: etree._Element = self._client.create_message(
                self._service, operation, **body, _soapheaders=headers
            )
        except (ZeepError, TypeError, ValueError) as error:
            raise _not_sayable(doing, type(error).__name__) from error
        parts = [*message.iterfind(f"{ENVELOPE}Header/*"), *message.iterfind(f"{ENVELOPE}Body/*")]
        for part in parts:
            if not self._schema.validate(etree.fromstring(etree.tostring(part))):
                log: Any = self._schema.error_log
                wrong = log[0]
                raise _not_sayable(doing, f"line {wrong.line}: {wire.words(_without_values(wrong.message))}")
        return message

    def _token_passport(self) -> dict[str, object]:
        """NetSuite's token-based login, valid once (NetSuite help section_4395630653)."""
        settings = self._settings
        nonce, timestamp = secrets.token_hex(16), str(int(self._epoch()))
        key, token = settings.consumer_key.get_secret_value(), settings.token_id.get_secret_value()
        base = "&".join([settings.account_id, key, token, nonce, timestamp])
        secret = f"{settings.consumer_secret.get_secret_value()}&{settings.token_secret.get_secret_value()}"
        digest = hmac.new(secret.encode(), base.encode(), hashlib.sha256).digest()
        signature = {"_value_1": base64.b64encode(digest).decode(), "algorithm": "HMAC-SHA256"}
        return {
            "account": settings.account_id,
            "consumerKey": key,
            "token": token,
            "nonce": nonce,
            "timestamp": timestamp,
            "signature": signature,
        }

    def _post(self, operation: str, doing: str, message: etree._Element, seconds: float) -> requests.Response:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'}
        content = etree.tostring(message, xml_declaration=True, encoding="utf-8")
        limits = (self._settings.connect_seconds, seconds)
        try:
            with self._lanes.slot():
                return self._session.post(
                    self._settings.soap_url, content, headers=headers, timeout=limits, allow_redirects=False
                )
        except requests.ConnectionError as error:
            if _was_never_sent(error):
                raise wire.unavailable(doing, "no connection could be made; nothing was sent") from None
            raise _unknown(doing, "the connection broke before the answer was read") from None
        except requests.RequestException as error:
            raise _unknown(doing, f"no whole answer came ({type(error).__name__})") from None

    def _raise_for(self, doing: str, response: requests.Response) -> None:
        """Raise what an answer other than a result means; OutcomeUnknown where it does not say."""
        error = wire.by_http_status(doing, response.status_code, response.headers.get("Retry-After", ""))
        fault = _parse_or_none(response.content)
        node = None if fault is None else fault.find(f"{ENVELOPE}Body/{ENVELOPE}Fault")
        if node is not None:
            _raise_fault(doing, node)
        if error is not None:
            raise error
        if response.status_code != 200:
            raise _unknown(doing, f"HTTP {response.status_code} came, and no SOAP answer")
        if fault is None:
            kind = wire.words(response.headers.get("Content-Type", "no type"), 60)
            raise _unknown(doing, f"the answer is not whole XML ({kind})")


def _load(version: str, session: requests.Session) -> tuple[Any, etree.XMLSchema]:
    """Render our schema for one release into a private folder, load it by path, and remove the folder."""
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    with tempfile.TemporaryDirectory(prefix="netsuite-schema-") as name:
        folder = Path(name)
        render(version, folder)
        wsdl, transport = str(folder / "netsuite.wsdl"), _LocalOnly(folder, session)
        client: Any = zeep.Client(wsdl, settings=settings, transport=transport)  # type: ignore[no-untyped-call]
        return client, schema_of(folder)


def render(version: str, folder: Path) -> None:
    """Write our WSDL and schemas for one release, such as '2025_2', into this folder."""
    for template in sorted(SCHEMA.iterdir()):
        text = template.read_text(encoding="utf-8").replace("@VERSION@", version)
        (folder / template.name).write_text(text, encoding="utf-8")


def schema_of(folder: Path) -> etree.XMLSchema:
    """All schema files of a folder as one schema."""
    imports = ""
    for path in sorted(folder.glob("*.xsd")):
        namespace = etree.parse(str(path)).getroot().get("targetNamespace")
        imports += f'<xsd:import namespace="{namespace}" schemaLocation="{path.name}"/>'
    driver = f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">{imports}</xsd:schema>'
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    return etree.XMLSchema(etree.fromstring(driver, parser, base_url=f"{folder}/driver.xsd"))


def _parse(content: bytes) -> etree._Element:
    """The whole answer as XML, else ValueError; no DTD, no entities, nothing fetched."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise ValueError("not well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError("a document type is not accepted")
    return root


def _parse_or_none(content: bytes) -> etree._Element | None:
    try:
        return _parse(content)
    except ValueError:
        return None


def _written(item: Any) -> Written:
    """One writeResponse. An error may carry no baseRef; `isSuccess` may come with warnings."""
    details = item.status.statusDetail or []
    errors = [detail for detail in details if detail.type in (None, "ERROR")] or details
    reference = item.baseRef
    return Written(
        is_success=item.status.isSuccess is True,
        erp_id=(reference.internalId if reference is not None else None) or "",
        external_id=(reference.externalId if reference is not None else None) or "",
        code=(errors[0].code or "") if errors else "",
        message=wire.words((errors[0].message or "") if errors else ""),
        saved_anyway=any(detail.afterSubmitFailed for detail in details),
    )


def _raise_fault(doing: str, fault: etree._Element) -> None:
    detail = fault.find("detail")
    inner = detail[0] if detail is not None and len(detail) else None
    name = etree.QName(inner).localname if inner is not None else ""
    code = wire.words(inner.findtext("{*}code") or "", 60) if inner is not None else ""
    said = f"fault {name} {code}: {wire.words(fault.findtext('faultstring') or '')}"
    if code in _BUSY_CODES:
        raise wire.too_many(doing, said)
    if code != "UNEXPECTED_ERROR" and name in _BUSY_FAULTS:
        raise wire.too_many(doing, said)
    if code != "UNEXPECTED_ERROR" and name in _REFUSED_FAULTS:
        raise wire.refused(doing, said, _REFUSED_FAULTS[name])
    raise _unknown(doing, said)


class _Unread(OutcomeUnknown):
    """An answer that does not say what became of the request."""

    def __init__(self, message: str, came_back: str) -> None:
        super().__init__(message)
        self.came_back = came_back


def _unknown(doing: str, came_back: str) -> OutcomeUnknown:
    return _Unread(f"{doing}: {came_back}. It may have been done; it is read back before anything else.", came_back)


def _not_sayable(doing: str, why: str) -> Terminal:
    return wire.refused(
        doing, f"the message would not be valid for NetSuite ({why}); it was not sent", "Please report this as a defect"
    )


def _without_values(message: str) -> str:
    """A schema error without the offending value, which may be a customer's text."""
    before, _, rest = message.partition(": '")
    return f"{before}{rest.partition(chr(39))[2]}" if rest else message


def _was_never_sent(error: requests.ConnectionError) -> bool:
    """Did the connection fail before it was made?"""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
