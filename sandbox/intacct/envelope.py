"""What a client asks of the gateway: the request taken apart, and the refusals of a request as a whole.

Sources: developer.intacct.com, "XML Requests" (control, operation, authentication, content, function) and "Error
handling" (three levels); recorded answers in Sage's SDK tests (a 401 of the gateway, XL03000006 for a wrong sender).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

Element = etree._Element
FUNCTIONS_MAX = 1000  # K: the gateway has a limit by time, none by count; this one is only against a runaway client
_CONTROL = (
    "senderid",
    "password",
    "controlid",
    "uniqueid",
    "dtdversion",
    "includewhitespace",
    "policyid",
    "showadditionalerrorinfo",
    "debug",
)
_REQUIRED = ("senderid", "password", "controlid", "dtdversion")
_LOGIN = ("userid", "companyid", "password", "clientid", "locationid")
_BOOLEANS = {"true": True, "false": False}


class At(StrEnum):
    """Where a failure stands: as a bare gateway error, beside the control, or beside the operation."""

    GATEWAY = "gateway"
    CONTROL = "control"
    AUTHENTICATION = "authentication"


class NothingRan(Exception):
    """The request as a whole was refused before any of its functions was looked at."""

    def __init__(
        self,
        at: At,
        errorno: str,
        description2: str,
        *,
        description: str = "",
        correction: str = "",
        http: int = 200,
        control: Control | None = None,
    ) -> None:
        self.at = at
        self.errorno = errorno
        self.description = description
        self.description2 = description2
        self.correction = correction
        self.http = http
        self.control = control
        super().__init__(f"{at}: {errorno}: {description2 or description}")


@dataclass(frozen=True, slots=True)
class Control:
    """Who speaks, and how they want to be answered."""

    sender: str
    password: str
    control_id: str
    unique: bool = True
    version: str = "3.0"
    whitespace: bool = True
    more_about_errors: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    company: str
    password: str
    location: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """`body` is the function's one element; its tag is the function's name."""

    control_id: str
    body: Element

    @property
    def name(self) -> str:
        return str(self.body.tag)


@dataclass(frozen=True, slots=True)
class Request:
    control: Control
    sign_in: Login | str  # a string is a session id
    functions: tuple[Function, ...]
    is_transaction: bool

    @property
    def names(self) -> tuple[str, ...]:
        """By what names a fault or a count may know this request, the most telling one first; the last ones say of
        which objects it is: `query:GLENTRY`, `create:ARPYMT`."""
        names = [function.name for function in self.functions]
        of = [f"{function.name}:{name}" for function in self.functions for name in _objects(function.body)]
        return tuple(dict.fromkeys((*(["act"] if self.is_transaction else []), *names, *of)))


def _objects(body: Element) -> list[str]:
    """What a generic function reads or writes, in capitals."""
    if body.tag in ("create", "update"):
        return [str(record.tag).upper() for record in children(body)]
    return [(one.text or "").strip().upper() for one in children(body) if one.tag == "object"]


def parsed(content: bytes) -> Element:
    """The document's root; NothingRan for what is not well formed or brings a DOCTYPE."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise _unparsed(f"XML Parse schema error: Fatal Error: {problem}") from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise _unparsed("XML Parse schema error: a DOCTYPE is not allowed.")
    return root


def read(content: bytes) -> Request:
    """The request taken apart, or NothingRan: what it says of itself is true, who says it is not checked here."""
    root = parsed(content)
    if root.tag != "request":
        raise NothingRan(At.GATEWAY, "GW-0011", "", description="Invalid Request", http=400)
    control = _control(root)
    operation = _only(root, "operation", control)
    if [child.tag for child in children(root)] != ["control", "operation"]:
        raise _off_schema("request holds control and operation, each once and in this order", control)
    return Request(
        control, _sign_in(operation, control), _functions(operation, control), _is_transaction(operation, control)
    )


def children(element: Element) -> list[Element]:
    """The elements in it: no comments, no processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def text_of(element: Element | None) -> str:
    """Its text without the blanks around it; '' for an element that is not there."""
    return "" if element is None or element.text is None else element.text.strip()


def plain_texts(element: Element) -> list[str]:
    """All texts and attributes under an element."""
    found = [str(text) for text in element.itertext()]
    return found + [str(value) for child in element.iter() for value in child.attrib.values()]


def _unparsed(message: str, control: Control | None = None) -> NothingRan:
    return NothingRan(At.CONTROL, "XL03000003", message, control=control)


def _off_schema(message: str, control: Control | None = None) -> NothingRan:
    return _unparsed(f"XML Parse schema error: {message}", control)


def _only(parent: Element, tag: str, control: Control | None = None) -> Element:
    found = [child for child in children(parent) if child.tag == tag]
    if len(found) != 1:
        raise _off_schema(f"{parent.tag} needs one {tag}, not {len(found)}", control)
    return found[0]


def _control(root: Element) -> Control:
    element = _only(root, "control")
    given: dict[str, str] = {}
    for child in children(element):
        name = str(child.tag)
        if name not in _CONTROL or name in given or children(child):
            raise _off_schema(f"control can't hold {name} there")
        given[name] = text_of(child)
    lacking = [name for name in _REQUIRED if not given.get(name)]
    control = Control(given.get("senderid", ""), given.get("password", ""), given.get("controlid", ""))
    if lacking:
        raise _off_schema(f"control lacks {', '.join(lacking)}", control)
    if given["dtdversion"] != "3.0":
        raise NothingRan(At.CONTROL, "XL03000006", f"DTD version {given['dtdversion']} is not played.", control=control)
    if given.get("policyid"):
        raise NothingRan(
            At.CONTROL, "XL03000006", f"Transport policy {given['policyid']!r} not found.", control=control
        )
    switches = {}
    for name, default in (("uniqueid", True), ("includewhitespace", True), ("showadditionalerrorinfo", False)):
        text = given.get(name) or str(default).lower()
        if text not in _BOOLEANS:
            raise _off_schema(f"{name} is true or false, not {text!r}", control)
        switches[name] = _BOOLEANS[text]
    return Control(
        control.sender,
        control.password,
        control.control_id,
        switches["uniqueid"],
        given["dtdversion"],
        switches["includewhitespace"],
        switches["showadditionalerrorinfo"],
    )


def _is_transaction(operation: Element, control: Control) -> bool:
    unknown = set(operation.attrib) - {"transaction"}
    text = str(operation.get("transaction", "false"))
    if unknown or text not in _BOOLEANS:
        raise _off_schema("operation has one attribute: transaction, true or false", control)
    return _BOOLEANS[text]


def _sign_in(operation: Element, control: Control) -> Login | str:
    if [child.tag for child in children(operation)] != ["authentication", "content"]:
        raise _off_schema("operation holds authentication and content, each once and in this order", control)
    given = children(_only(operation, "authentication", control))
    if len(given) != 1 or given[0].tag not in ("sessionid", "login"):
        raise _off_schema("authentication holds one sessionid or one login", control)
    if given[0].tag == "sessionid":
        return text_of(given[0])
    login = {str(child.tag): text_of(child) for child in children(given[0])}
    if set(login) - set(_LOGIN) or not {"userid", "companyid", "password"} <= set(login):
        raise _off_schema(f"login holds {', '.join(_LOGIN)}; the first three are required", control)
    company, _, rest = login["companyid"].partition("|")
    client, _, entity = rest.partition("|")
    if client or login.get("clientid"):
        raise NothingRan(
            At.AUTHENTICATION, "XL03000006", "Signing in through a console is not played.", control=control
        )
    return Login(login["userid"], company, login["password"], login.get("locationid") or entity)


def _functions(operation: Element, control: Control) -> tuple[Function, ...]:
    functions = []
    for element in children(_only(operation, "content", control)):
        bodies = children(element)
        if element.tag != "function" or len(bodies) != 1 or set(element.attrib) - {"controlid"}:
            raise _off_schema("content holds functions with a controlid and one element each", control)
        control_id = str(element.get("controlid", ""))
        if control.unique and not control_id:
            raise _off_schema("a function needs a controlid where uniqueid is true", control)
        functions.append(Function(control_id, bodies[0]))
    if not functions or len(functions) > FUNCTIONS_MAX:
        raise _off_schema(f"content holds 1 to {FUNCTIONS_MAX} functions, not {len(functions)}", control)
    return tuple(functions)
