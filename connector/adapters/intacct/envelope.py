"""One request as bytes, and one answer as values: what stands around the functions (Sage's XML reference, requests).

request / control, operation / authentication, content / function
response / control, operation / authentication, result
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lxml import etree
from pydantic import SecretStr

from connector.adapters.intacct import errors
from connector.adapters.intacct.answers import Error, Record, Result, Row, Status
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.settings import IntacctSettings
from connector.adapters.intacct.xmltext import (
    Node,
    Unreadable,
    attribute,
    child,
    children,
    name_of,
    node,
    parsed,
    serialized,
    text_of,
)

_ToldOf = Callable[[etree._Element | None], tuple[Error, ...]]


class Level(StrEnum):
    """Which part of a request failed. Of the first three, nothing ran."""

    CONTROL = "control"
    AUTHENTICATION = "authentication"
    OPERATION = "operation"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Page:
    """What the <data> of a query says of itself; -1 where it doesn't."""

    count: int
    total: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came. `failed` is the level above the functions that failed, with its `errors`."""

    failed: Level | None
    errors: tuple[Error, ...]
    lifetime: timedelta | None  # of the session, from now on
    company: str
    results: tuple[Result, ...]
    page: Page | None  # of the first result that has one

    @property
    def said(self) -> str:
        """All that it says of a failure above the functions."""
        return " ".join(f"{error.code} {error.text}".strip() for error in self.errors) or "no reason was given"


class Envelopes:
    """Builds requests of one sender and opens the answers; no secret stands in anything it gives back but the bytes."""

    def __init__(self, settings: IntacctSettings, duplicates: Collection[str]) -> None:
        self._settings = settings
        self._duplicates = frozenset(duplicates)
        self._secrets = (settings.sender_password.get_secret_value(), settings.user_password.get_secret_value())
        self._number = itertools.count(1)

    def login(self, entity: str) -> Node:
        """Signing in as the web services user, at the top level or within an entity."""
        settings = self._settings
        parts = [
            node("userid", settings.user),
            node("companyid", settings.company),
            node("password", settings.user_password.get_secret_value()),
            *([node("locationid", entity)] if entity else []),
        ]
        return node("authentication", node("login", *parts))

    def signed(self, session_id: SecretStr) -> Node:
        return node("authentication", node("sessionid", session_id.get_secret_value()))

    def request(self, who: Node, functions: Sequence[Function], *, atomic: bool, unique: bool) -> tuple[bytes, str]:
        """The bytes of a request and its control id, a mere mark by which the answer is known as ours.

        `unique`: the gateway refuses functions whose controlid was carried out before. That is its default where the
        element is missing, so it always stands here.
        """
        settings, mark = self._settings, f"arc-{next(self._number)}"
        control = node(
            "control",
            node("senderid", settings.sender_id),
            node("password", settings.sender_password.get_secret_value()),
            node("controlid", mark),
            node("uniqueid", _flag(unique)),
            node("dtdversion", "3.0"),
            node("includewhitespace", "false"),
            node("showadditionalerrorinfo", "true"),
        )
        content = node("content", *(node("function", each.body, controlid=each.control_id) for each in functions))
        operation = node("operation", who, content, transaction=_flag(atomic))
        return serialized(node("request", control, operation)), mark

    def opened(self, content: bytes, mark: str, session_id: SecretStr | None = None) -> Answer:
        """The answer to the request of this mark; Unreadable if it is no answer of the gateway, or to another one."""
        told_of = self._told_of(session_id)
        root = parsed(content)
        control = child(root, "control")
        if name_of(root) != "RESPONSE" or control is None:
            raise Unreadable("XML that is no answer of the gateway")
        if text_of(control, "controlid") not in ("", mark):
            raise Unreadable("the answer to another request")
        if text_of(control, "status").lower() != "success":
            return _failure(Level.CONTROL, told_of(child(root, "errormessage")))
        operation = child(root, "operation")
        who = None if operation is None else child(operation, "authentication")
        if operation is None or who is None:
            raise Unreadable("an answer without an operation")
        if text_of(who, "status").lower() != "success":
            return _failure(Level.AUTHENTICATION, told_of(child(operation, "errormessage")))
        results = children(operation, "result")
        message = child(operation, "errormessage")
        if results and message is not None:
            raise Unreadable("an answer that refuses the operation and has results of it")
        if message is not None:
            return replace(_failure(Level.OPERATION, told_of(message)), lifetime=_lifetime(who))
        pages = [page for page in map(_page, results) if page is not None]
        return Answer(
            failed=None,
            errors=(),
            lifetime=_lifetime(who),
            company=text_of(who, "companyid"),
            results=tuple(_result(result, told_of) for result in results),
            page=pages[0] if pages else None,
        )

    def _told_of(self, session_id: SecretStr | None) -> _ToldOf:
        hidden = (*self._secrets, *([session_id.get_secret_value()] if session_id else []))
        return lambda message: errors.errors_of(message, self._duplicates, hidden)


def _failure(level: Level, told: tuple[Error, ...]) -> Answer:
    return Answer(failed=level, errors=told, lifetime=None, company="", results=(), page=None)


def _result(result: etree._Element, told_of: _ToldOf) -> Result:
    status = text_of(result, "status").lower()
    if status not in set(Status):
        raise Unreadable(f"a result of the status {status[:20]!r}")
    data = child(result, "data")
    records = tuple(_record(part) for part in data) if data is not None else ()
    return Result(
        control_id=text_of(result, "controlid"),
        function=text_of(result, "function"),
        status=Status(status),
        keys=_keys(result, records),
        records=records,
        errors=told_of(child(result, "errormessage")),
    )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _keys(result: etree._Element, records: Sequence[Record]) -> tuple[str, ...]:
    """RECORDNO of what a function made, a custom object's id, or the <key> that legacy functions answer with."""
    bare = text_of(result, "key") or text_of(child(result, "data"), "key")
    if bare:
        return (bare,)
    found = (each.fields.get("RECORDNO") or each.fields.get("ID") or each.fields.get("KEY") for each in records)
    return tuple(key for key in found if key)


def _record(element: etree._Element) -> Record:
    """An element as a record: texts are its fields, elements that hold records are its lines.

    An object in it that owns no records, such as a contact, gives fields with a dot, as a query names them.
    """
    fields: Row = {}
    lines: dict[str, tuple[Record, ...]] = {}
    _take(element, "", fields, lines)
    return Record(fields, lines)


def _take(element: etree._Element, before: str, fields: Row, lines: dict[str, tuple[Record, ...]]) -> None:
    for part in element:
        name = f"{before}{name_of(part)}"
        if not len(part):
            text = (part.text or "").strip()
            if text:
                fields[name] = text
        elif all(len(inner) for inner in part):
            lines[name] = tuple(_record(inner) for inner in part)
        else:
            _take(part, f"{name}.", fields, lines)


def _page(result: etree._Element) -> Page | None:
    data = child(result, "data")
    if data is None:
        return None
    return Page(*(_whole(attribute(data, name)) for name in ("count", "totalcount", "numremaining")))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


def _lifetime(who: etree._Element) -> timedelta | None:
    """How long the session lives from this answer on, by the gateway's own two instants: our clock has no say."""
    begins, ends = (_instant(text_of(who, name)) for name in ("sessiontimestamp", "sessiontimeout"))
    if begins is None or ends is None or (begins.tzinfo is None) != (ends.tzinfo is None):
        return None
    return ends - begins


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
