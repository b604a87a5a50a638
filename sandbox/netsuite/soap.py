"""SuiteTalk SOAP: one request in, one answer out, and the faults that come between.

An operation commits record by record under the books' lock; a fault (SoapFault) means that nothing was carried out.
Sources: Oracle help sections N3418637 (limits), N3481360 / N3527652 / N3533243 (lists), N3536574 (faults).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.faults import Rule
from sandbox.netsuite import answers, writing
from sandbox.netsuite.answers import FAULTS, LIMITS, REFUSALS, Refusal
from sandbox.netsuite.auth import Guard, Passport
from sandbox.netsuite.books import Books
from sandbox.netsuite.contract import ENVELOPE, XSI, XSI_TYPE, Contract, parser
from sandbox.netsuite.door import Ask, after
from sandbox.netsuite.reading import Reader
from sandbox.netsuite.search import Searches
from sandbox.netsuite.sent import Sent, local, reference, xsi_type
from sandbox.netsuite.writing import Place

log = logging.getLogger("sandbox.netsuite")
XML_TYPE = "text/xml;charset=utf-8"
WRITES: dict[str, Callable[[Books, Sent], Place]] = {
    "addList": writing.add,
    "updateList": writing.update,
    "upsertList": writing.upsert,
}
OPERATIONS = (*WRITES, "get", "getList", "search", "searchMoreWithId")


class SoapFault(Exception):
    """Nothing of the request was carried out. `which` is a key of answers.FAULTS."""

    def __init__(self, which: str, **values: object) -> None:
        self.text = FAULTS[which]
        self.message = self.text.message.format(**values)
        super().__init__(f"{self.text.code}: {self.message}")


class NotUnderstood(Exception):
    """The request is not what the schema says; the fault then has no NetSuite detail."""


@dataclass(frozen=True, slots=True)
class Request:
    operation: str
    body: etree._Element
    headers: dict[str, etree._Element]
    passports: int


def parse(content: bytes) -> Request:
    """The envelope taken apart; hostile bytes, doctypes and unknown operations are NotUnderstood."""
    try:
        root = etree.fromstring(content, parser())
    except etree.XMLSyntaxError as problem:
        raise NotUnderstood(f"org.xml.sax.SAXParseException: {problem.msg}") from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise NotUnderstood("org.xml.sax.SAXException: DOCTYPE is not allowed")
    body = root.find(f"{{{ENVELOPE}}}Body")
    parts = [] if body is None else [part for part in body if isinstance(part.tag, str)]
    if root.tag != f"{{{ENVELOPE}}}Envelope" or len(parts) != 1:
        raise NotUnderstood("org.xml.sax.SAXException: this is not a SOAP 1.1 envelope with one body element")
    header = root.find(f"{{{ENVELOPE}}}Header")
    given = [] if header is None else [part for part in header if isinstance(part.tag, str)]
    names = [local(part) for part in given]
    return Request(local(parts[0]), parts[0], dict(zip(names, given, strict=True)), names.count("tokenPassport"))


class Soap:
    """The service behind the SOAP door; many threads may be in it at once."""

    def __init__(self, books: Books, contract: Contract, guard: Guard) -> None:
        self.books = books
        self.contract = contract
        self.guard = guard
        self.reader = Reader(books, contract)
        self.searches = Searches(books)
        self.violations: list[str] = []

    def read(self, ask: Ask) -> tuple[str, Request | NotUnderstood | SoapFault]:
        """The request taken apart, or why that can't be done."""
        if len(ask.body) > answers.REQUEST_BYTES_MAX:
            return "unreadable", SoapFault("too_large")
        try:
            request = parse(ask.body)
        except NotUnderstood as problem:
            return "unreadable", problem
        return request.operation if request.operation in OPERATIONS else "unreadable", request

    def answer(self, read: Request | NotUnderstood | SoapFault, rule: Rule | None) -> ASGIApp:
        try:
            if not isinstance(read, Request):
                raise read
            return after(rule, self._xml(self._carry_out(read, rule)), XML_TYPE)
        except SoapFault as fault:
            return self._fault_response(fault)
        except NotUnderstood as problem:
            log.warning("request not understood: %s", problem)
            return self._xml(self._plain_fault(str(problem)), 500)
        except Exception:
            log.exception("the sandbox itself failed")
            return self.refuse("unexpected")

    def refuse(self, which: str) -> ASGIApp:
        return self._fault_response(SoapFault(which))

    # ---- one request ----

    def _carry_out(self, request: Request, rule: Rule | None) -> etree._Element:
        self._check_version(request.body)
        if request.operation not in OPERATIONS:
            raise NotUnderstood(f"No such operation '{request.operation}'")
        for part in (*request.headers.values(), request.body):
            objection = self.contract.violation(part)
            if objection:
                raise NotUnderstood(f"org.xml.sax.SAXException: {objection}")
        self._authenticate(request, rule)
        if answers.SOAP_PERMISSION in self.books.revoked:
            raise SoapFault("permission", permission=answers.SOAP_PERMISSION)
        self._check_count(request)
        return self._perform(request, rule)

    def _perform(self, request: Request, rule: Rule | None) -> etree._Element:
        envelope, response = self._envelope(request.operation)
        with self.books.lock:
            if request.operation in WRITES:
                self._write(request, response, rule)
            elif request.operation == "get":
                self._read(response, request.body[0])
            elif request.operation == "getList":
                container = etree.SubElement(response, self.contract.name("platformMsgs", "readResponseList"))
                self._status(container)
                for index, element in enumerate(request.body):
                    self._read(container, element, hidden=_is_hidden(rule, index))
            else:
                self._search(request, response, rule)
        return envelope

    def _check_version(self, body: etree._Element) -> None:
        namespace = etree.QName(body).namespace or ""
        if namespace.startswith("urn:messages_") and namespace != self.contract.namespaces["platformMsgs"]:
            raise SoapFault("version", version=self.contract.version)

    def _authenticate(self, request: Request, rule: Rule | None) -> None:
        given = request.headers.get("tokenPassport")
        if given is None:
            raise SoapFault("no_passport")
        if "applicationInfo" in request.headers:
            raise SoapFault("ambiguous")
        account, consumer_key, token, nonce, timestamp, signature = (part.text or "" for part in given)
        algorithm = given[5].get("algorithm") or ""
        passport = Passport(account, consumer_key, token, nonce, timestamp, signature, algorithm)
        problem = self.guard.passport_problem(passport) or ("two passports" if request.passports > 1 else "")
        if rule is not None and rule.kind == "unauthorized":
            problem = "a fault rule says so"
        if answers.LOGIN_PERMISSION in self.books.revoked:
            problem = f"the role lacks {answers.LOGIN_PERMISSION}"
        if problem:
            log.warning("login refused: %s", problem)
            raise SoapFault("login")

    def _check_count(self, request: Request) -> None:
        limit, count = LIMITS.get(request.operation), len(request.body)
        if limit is not None and count > limit:
            raise SoapFault("too_many_records", operation=request.operation, limit=limit, count=count)

    # ---- writes ----

    def _write(self, request: Request, response: etree._Element, rule: Rule | None) -> None:
        records = [Sent.of(element) for element in request.body]
        seen: set[tuple[str, str]] = set()
        for sent in records:
            signature = writing.signature(self.books, sent)
            if signature is not None and signature in seen:
                raise SoapFault("same_external_id", external_id=sent.external_id)
            if signature is not None:
                seen.add(signature)
        container = etree.SubElement(response, self.contract.name("platformMsgs", "writeResponseList"))
        self._status(container)
        for index, sent in enumerate(records):
            self._write_one(request.operation, container, sent, _for_record(rule, index))

    def _write_one(self, operation: str, container: etree._Element, sent: Sent, rule: Rule | None) -> None:
        element = etree.SubElement(container, self.contract.name("platformMsgs", "writeResponse"))
        try:
            _refuse_by_rule(rule)
            with self.books.saving():
                place = WRITES[operation](self.books, sent)
        except Refusal as refusal:
            self._status(element, refusal.code, refusal.message)
            return
        if rule is not None and rule.kind == "after_submit_failed":
            text = REFUSALS["after_submit"]
            self._status(element, rule.code or text.code, text.message, after_submit=True)
        else:
            self._status(element)
        self._base_ref(element, place)

    def _base_ref(self, parent: etree._Element, place: Place) -> None:
        element = etree.SubElement(parent, self.contract.name("platformMsgs", "baseRef"))
        element.set("internalId", str(place.row_id))
        if place.external_id:
            element.set("externalId", place.external_id)
        if place.kind == "customRecord":
            element.set(XSI_TYPE, "platformCore:CustomRecordRef")
            element.set("typeId", place.type_id)
        else:
            element.set(XSI_TYPE, "platformCore:RecordRef")
            element.set("type", place.kind)

    # ---- reads ----

    def _read(self, parent: etree._Element, wanted: etree._Element, *, hidden: bool = False) -> None:
        element = etree.SubElement(parent, self.contract.name("platformMsgs", "readResponse"))
        try:
            if hidden:
                raise Refusal("permission", permission="to view it")
            place = self._place(wanted)
        except Refusal as refusal:
            self._status(element, refusal.code, refusal.message)
            return
        self._status(element)
        self.reader.fill(element, self.contract.name("platformMsgs", "record"), place)

    def _place(self, wanted: etree._Element) -> Place:
        kind = wanted.get("type") or ""
        given = reference(wanted)
        if xsi_type(wanted) == "CustomRecordRef":
            found = self.books.catalogue.record_type(given.type_id)
            if found is None:
                raise Refusal("bad_reference", field="typeId", key=given.type_id)
            kind, table, condition, permission = "customRecord", found.script_id, "", found.script_id
        elif kind == "customer":
            table, condition, permission = "customer", "", answers.RECORD_PERMISSIONS[kind]
        elif kind in writing.TRANSACTION_TYPES:
            table, condition = "transaction", f" AND type = '{writing.TRANSACTION_TYPES[kind]}'"
            permission = answers.RECORD_PERMISSIONS[kind]
        else:
            raise Refusal("not_played", what=f"reading {kind or 'untyped'} records")
        if not self.books.allows(permission, answers.Level.VIEW):
            raise Refusal("permission", permission=permission)
        key, value = ("id", given.internal_id) if given.internal_id else ("externalid", given.external_id)
        row = self.books.row(f'SELECT id, externalid FROM "{table}" WHERE {key} = ?{condition}', value)
        if row is None or not value:
            raise Refusal("absent")
        return Place(kind, table, row["id"], row["externalid"] or "", given.type_id)

    def _search(self, request: Request, response: etree._Element, rule: Rule | None) -> None:
        result = etree.SubElement(response, self.contract.name("platformCore", "searchResult"))
        try:
            if request.operation == "search":
                page = self.searches.start(request.body[0], request.headers.get("searchPreferences"))
            else:
                page = self.searches.more(request.body[0].text or "", int(request.body[1].text or 0))
        except IndexError:
            raise SoapFault("bad_page") from None
        except Refusal as refusal:
            self._status(result, refusal.code, refusal.message)
            return
        self._status(result)
        numbers = (page.total, page.size, page.pages, page.index)
        for name, value in zip(("totalRecords", "pageSize", "totalPages", "pageIndex"), numbers, strict=True):
            etree.SubElement(result, self.contract.name("platformCore", name)).text = str(value)
        etree.SubElement(result, self.contract.name("platformCore", "searchId")).text = page.search_id
        container = etree.SubElement(result, self.contract.name("platformCore", "recordList"))
        tag = self.contract.name("platformCore", "record")
        for index, place in enumerate(page.places):
            if not _is_hidden(rule, index):
                self.reader.fill(container, tag, place, body_only=page.body_only)

    # ---- envelopes ----

    def _envelope(self, operation: str) -> tuple[etree._Element, etree._Element]:
        names = {"soapenv": ENVELOPE, "xsi": XSI, **self.contract.namespaces}
        envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=names)
        header = etree.SubElement(envelope, f"{{{ENVELOPE}}}Header")
        info = etree.SubElement(header, self.contract.name("platformMsgs", "documentInfo"))
        run = f"WEBSERVICES_{self.guard.credentials.account}_{secrets.token_hex(12)}"
        etree.SubElement(info, self.contract.name("platformMsgs", "nsId")).text = run
        body = etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")
        return envelope, etree.SubElement(body, self.contract.name("platformMsgs", f"{operation}Response"))

    def _status(self, parent: etree._Element, code: str = "", message: str = "", *, after_submit: bool = False) -> None:
        core = self.contract.name
        status = etree.SubElement(parent, core("platformCore", "status"), isSuccess="false" if code else "true")
        if code:
            detail = etree.SubElement(status, core("platformCore", "statusDetail"), type="ERROR")
            etree.SubElement(detail, core("platformCore", "code")).text = code
            etree.SubElement(detail, core("platformCore", "message")).text = message
            if after_submit:
                etree.SubElement(detail, core("platformCore", "afterSubmitFailed")).text = "true"

    def _fault_response(self, fault: SoapFault) -> ASGIApp:
        envelope = self._plain_fault(fault.message)
        detail = etree.SubElement(envelope[0][0], "detail")
        element = etree.SubElement(detail, self.contract.name("platformFaults", fault.text.element))
        etree.SubElement(element, self.contract.name("platformFaults", "code")).text = fault.text.code
        etree.SubElement(element, self.contract.name("platformFaults", "message")).text = fault.message
        return self._xml(envelope, 500)

    def _plain_fault(self, message: str) -> etree._Element:
        names = {"soapenv": ENVELOPE, "platformFaults": self.contract.namespaces["platformFaults"]}
        envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=names)
        fault = etree.SubElement(etree.SubElement(envelope, f"{{{ENVELOPE}}}Body"), f"{{{ENVELOPE}}}Fault")
        etree.SubElement(fault, "faultcode").text = "soapenv:Server.userException"
        etree.SubElement(fault, "faultstring").text = message
        return envelope

    def _xml(self, envelope: etree._Element, http: int = 200) -> Response:
        for part in envelope.iter(f"{{{ENVELOPE}}}Header", f"{{{ENVELOPE}}}Body", "detail"):
            for child in part:
                if not str(child.tag).startswith(f"{{{ENVELOPE}}}"):
                    self._hold_to_schema(child)
        return Response(etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"), http, media_type=XML_TYPE)

    def _hold_to_schema(self, element: etree._Element) -> None:
        objection = self.contract.violation(element)
        if objection:
            log.error("the sandbox's own answer breaks the contract: %s", objection)
            self.violations.append(f"{local(element)}: {objection}")


def _for_record(rule: Rule | None, index: int) -> Rule | None:
    """Does the rule hit the record at this place? Without a place it hits the first, partial_list all but the first."""
    if rule is None:
        return None
    if rule.kind == "partial_list":
        return rule if index >= (1 if rule.record is None else rule.record) else None
    if rule.kind == "period_closed" and rule.record is None:
        return rule
    return rule if index == (rule.record or 0) else None


def _refuse_by_rule(rule: Rule | None) -> None:
    match rule.kind if rule else "":
        case "record_refused" | "partial_list":
            raise Refusal("refused", code=rule.code if rule else "")
        case "record_changed":
            raise Refusal("changed")
        case "period_closed":
            raise Refusal("period_closed", period="of the record")


def _is_hidden(rule: Rule | None, index: int) -> bool:
    """A lost permission: every third record can't be seen. A list by ids says so, a search has fewer rows."""
    return rule is not None and rule.kind == "fewer_rows" and index % 3 == 2
