"""What the gateway answers: control, operation and results as XML, with errors beside the part that failed.

Sources: developer.intacct.com, "XML Responses", "XML Requests" (both forms of an error, without and with
showadditionalerrorinfo) and "Error handling" (a bare control for gateway errors); Sage's SDK tests for `aborted`.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from lxml import etree

from sandbox.intacct.envelope import At, Control, Element, NothingRan
from sandbox.intacct.refusal import COMMON, Refusal
from sandbox.intacct.sessions import Session

ROLLED_BACK = "XL03000009"
ROLLED_BACK_TEXT = "The entire transaction in this operation has been rolled back due to an error."
XML_TYPE = 'text/xml; encoding="UTF-8"'


@dataclass(frozen=True, slots=True)
class Problem:
    """One error. The first of a message is the cause, later ones wrap it."""

    errorno: str
    description2: str
    description: str = ""
    correction: str = ""
    errorid: str = ""
    field: str = ""

    @classmethod
    def of(cls, refusal: Refusal) -> Problem:
        return cls(
            refusal.errorno,
            refusal.description2,
            correction=refusal.correction,
            errorid=refusal.errorid,
            field=refusal.field,
        )


WAS_ROLLED_BACK = Problem(ROLLED_BACK, ROLLED_BACK_TEXT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one function. `key` is what legacy functions answer, `data` what the others do."""

    function: str
    control_id: str
    status: str = "success"
    data: Element | None = None
    key: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.status == "success"


def failed(function: str, control_id: str, refusal: Refusal, what: str = "") -> Outcome:
    """A refused function; `what` is the record that could not be made or changed."""
    problems = [Problem.of(refusal)]
    data = None
    if function in ("create", "update"):
        data = etree.Element("data", listtype="objects", count="0")
        problems.append(Problem(COMMON, f"Could not {function} {what or 'record'} record!"))
    return Outcome(function, control_id, "failure", data, problems=tuple(problems))


class Answers:
    """Builds answers; each error gets a support id of its own."""

    def __init__(self, company: str) -> None:
        self.company = company
        self._count = itertools.count(1)

    def refused(self, refusal: NothingRan) -> bytes:
        """Nothing ran: the error stands beside the control, or beside the operation."""
        response = etree.Element("response")
        control = refusal.control
        if refusal.at is At.GATEWAY:
            _tell(etree.SubElement(response, "control"), {"status": "failure"})
            error = etree.SubElement(etree.SubElement(response, "errormessage"), "error")
            _tell(error, {"errorno": refusal.errorno, "description": self._with_request_id(refusal.description)})
            return _written(response, whitespace=True)
        is_control = refusal.at is At.CONTROL
        self._control(response, control, "failure" if is_control else "success")
        place = response
        if not is_control:
            place = etree.SubElement(response, "operation")
            signed_in = etree.SubElement(place, "authentication")
            _tell(signed_in, {"status": "failure", "userid": "", "companyid": self.company, "locationid": ""})
        problem = Problem(refusal.errorno, refusal.description2, refusal.description, refusal.correction)
        self._errors(place, [problem], more=control is not None and control.more_about_errors)
        return _written(response, whitespace=control is None or control.whitespace)

    def answered(self, control: Control, session: Session, outcomes: Iterable[Outcome]) -> bytes:
        """The functions were looked at; what became of each."""
        response = etree.Element("response")
        self._control(response, control, "success")
        operation = etree.SubElement(response, "operation")
        signed_in = {
            "status": "success",
            "userid": session.user,
            "companyid": self.company,
            "locationid": session.location,
            "sessiontimestamp": session.timestamp.isoformat(timespec="seconds"),
            "sessiontimeout": session.timeout.isoformat(timespec="seconds"),
        }
        _tell(etree.SubElement(operation, "authentication"), signed_in)
        for outcome in outcomes:
            result = etree.SubElement(operation, "result")
            names = {"status": outcome.status, "function": outcome.function, "controlid": outcome.control_id}
            _tell(result, names | ({"key": outcome.key} if outcome.key else {}))
            if outcome.data is not None:
                result.append(outcome.data)
            if outcome.problems:
                self._errors(result, outcome.problems, more=control.more_about_errors)
        return _written(response, whitespace=control.whitespace)

    def _control(self, response: Element, control: Control | None, status: str) -> None:
        known = control or Control("", "", "", unique=False)
        told = {
            "status": status,
            "senderid": known.sender,
            "controlid": known.control_id,
            "uniqueid": str(known.unique).lower(),
            "dtdversion": known.version,
        }
        _tell(etree.SubElement(response, "control"), told)

    def _errors(self, place: Element, problems: Sequence[Problem], *, more: bool) -> None:
        message = etree.SubElement(place, "errormessage")
        for problem in problems:
            error = etree.SubElement(message, "error")
            support_id = "" if problem.errorno == ROLLED_BACK else self._support_id()
            shown = f"{problem.description2} [Support ID: {support_id}]" if support_id else problem.description2
            told = {"errorno": problem.errorno, "description": problem.description, "description2": shown}
            _tell(error, told | {"correction": problem.correction})
            if more:
                _more_about(error, problem, support_id)

    def _support_id(self) -> str:
        """As Intacct writes them: URL-encoded, with a ~ in it."""
        digest = hashlib.sha256(f"{self.company}/{next(self._count)}".encode()).digest()[:18]
        text = base64.urlsafe_b64encode(digest).decode()
        return quote(f"{text[:5]}~{text[5:]}", safe="").replace("~", "%7E")

    def _with_request_id(self, text: str) -> str:
        return f"{text} [Request ID: {next(self._count):08X}]"


def _more_about(error: Element, problem: Problem, support_id: str) -> None:
    more = etree.SubElement(error, "additionalinfo")
    _tell(more, {"errorid": problem.errorid, "category": ""})
    _target(more, field=problem.field, request=support_id)
    for name in ("description", "cdescription", "correction"):
        part = etree.SubElement(more, name)
        etree.SubElement(part, "messageid")
        _target(part)
        etree.SubElement(part, "placeholders")


def _target(parent: Element, *, field: str = "", request: str = "") -> None:
    etree.SubElement(parent, "target", domain="", requestinfo=request, object="", field=field, businessinfo="")


def _tell(parent: Element, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        etree.SubElement(parent, name).text = text or None


def _written(response: Element, *, whitespace: bool) -> bytes:
    return etree.tostring(response, xml_declaration=True, encoding="UTF-8", pretty_print=whitespace)
