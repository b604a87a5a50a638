"""The XML gateway itself: one request in, one answer out.

A request is refused as a whole (NothingRan), or each of its functions gets an outcome. With transaction="true" they all
stand or none does. Sources: developer.intacct.com, "XML Requests", "XML Responses", "XML Functions", "Records" (up to
100 records a function, of mixed types), "API sessions"; counting of transactions as a Sage partner describes it (RKL).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from sandbox.faults import Rule
from sandbox.gate import Ask
from sandbox.intacct import lookups
from sandbox.intacct.answering import WAS_ROLLED_BACK, Answers, Outcome, Problem, failed
from sandbox.intacct.books import Who
from sandbox.intacct.control_ids import ControlIds, DoorGuesses
from sandbox.intacct.envelope import At, Element, Function, NothingRan, Request, children, plain_texts, read, text_of
from sandbox.intacct.reads import KEYS_MAX, Reads
from sandbox.intacct.refusal import COMMON, DATA, Refusal, refused
from sandbox.intacct.sessions import SIGN_IN, Session, Sessions
from sandbox.intacct.writing import Writing

log = logging.getLogger("sandbox.intacct")
GATEWAY, NODE = "/ia/xml/xmlgw.phtml", "/ia/xml/node2.phtml"
RECORDS_MAX = 100
MEDIA_TYPES = ("application/xml", "text/xml", "x-intacct-xml-request")
READS = ("query", "read", "readByName", "readByQuery", "readMore", "lookup", "inspect")
# Creates that post to a day, and so to a period that may be closed.
DATED = frozenset({"ARPYMT", "ARADVANCE", "GLBATCH"})
# The HTTP code and the body.
Answered = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the address it came to; or why it could not be taken apart."""

    url: str
    request: Request | NothingRan

    @property
    def path(self) -> str:
        """The door's own part of the address."""
        return NODE if urlsplit(self.url).path.endswith(NODE) else GATEWAY

    @property
    def node(self) -> str:
        """The address of sessions, on the host that the client spoke to."""
        return self.url.partition("?")[0].removesuffix(self.path) + NODE


@dataclass(frozen=True, slots=True)
class _Call:
    """What every function of a request needs to know."""

    asked: Asked
    request: Request
    session: Session
    who: Who
    rule: Rule | None


class _RolledBack(Exception):
    """A function of a transaction failed."""


class Gateway:
    """Carries out requests; many threads may be in it at once."""

    def __init__(self, books: Writing, sessions: Sessions, guesses: DoorGuesses) -> None:
        self.books = books
        self.sessions = sessions
        self.guesses = guesses
        self.control_ids = ControlIds(guesses)
        self.answers = Answers(sessions.credentials.company)
        self.counted: Counter[str] = Counter()
        self.violations: list[str] = []
        self._reads = Reads(books, guesses)

    # ---- the request as a whole ----

    def read(self, ask: Ask) -> Asked:
        """The request taken apart; what is wrong with its form is kept as a violation."""
        media = ask.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media not in MEDIA_TYPES:
                raise NothingRan(
                    At.GATEWAY, "GW-0011", "", description=f"Invalid Request: content type {media!r}", http=400
                )
            request = read(ask.body)
        except NothingRan as problem:
            self.violations.append(f"a request that nothing was done with: {problem}")
            return Asked(ask.url, problem)
        self._look_for_secrets(request)
        return Asked(ask.url, request)

    def answer(self, asked: Asked, rule: Rule | None) -> Answered:
        """What to send back; an exception is a fault of the sandbox itself."""
        try:
            return self.begun(asked, rule)()
        except NothingRan as problem:
            log.info("request refused: %s", problem)
            return self.refused(problem)

    def begun(self, asked: Asked, rule: Rule | None) -> Callable[[], Answered]:
        """The work that remains once it is clear who asks and that they may; NothingRan if that isn't so."""
        if isinstance(asked.request, NothingRan):
            raise asked.request
        call = self._called(asked, asked.request, rule)
        return lambda: self._carried_out(call)

    def refused(self, problem: NothingRan) -> Answered:
        return problem.http, self.answers.refused(problem)

    def _look_for_secrets(self, request: Request) -> None:
        """Passwords belong to control and login, and nowhere else."""
        ours = self.sessions.credentials
        for function in request.functions:
            texts = plain_texts(function.body)
            if any(secret in text for text in texts for secret in (ours.sender_password, ours.user_password)):
                self.violations.append(f"{function.name}: a password stands in a function")

    def _called(self, asked: Asked, request: Request, rule: Rule | None) -> _Call:
        control = request.control
        self.sessions.know_sender(control)
        if rule is not None and rule.kind == "unauthorized":
            raise NothingRan(At.AUTHENTICATION, "XL03000006", SIGN_IN, control=control)
        if rule is not None and rule.kind == "session_lost" and isinstance(request.sign_in, str):
            self.sessions.end(request.sign_in)
        session = self.sessions.sign_in(request.sign_in, asked.path, control)
        self.control_ids.check_request(request)
        return _Call(asked, request, session, self.books.who(session.user, session.location), rule)

    def _carried_out(self, call: _Call) -> Answered:
        with self.books.lock:
            outcomes = self._all_or_nothing(call) if call.request.is_transaction else self._each(call)
        return 200, self.answers.answered(call.request.control, call.session, outcomes)

    def _each(self, call: _Call) -> list[Outcome]:
        """Every function for itself: one that fails holds up no other."""
        outcomes = []
        for index, function in enumerate(call.request.functions):
            outcome = self._one(call, function, index)
            self.control_ids.remember(call.request.control, (function,), done=outcome.is_done)
            if outcome.is_done:
                self._count(function)
            outcomes.append(outcome)
        return outcomes

    def _all_or_nothing(self, call: _Call) -> list[Outcome]:
        functions, outcomes = call.request.functions, []
        seen: set[str] = set()
        try:
            with self.books.saving():
                for index, function in enumerate(functions):
                    outcome = self._one(call, function, index, seen)
                    outcomes.append(outcome)
                    if not outcome.is_done:
                        raise _RolledBack
        except _RolledBack:
            self.control_ids.remember(call.request.control, functions, done=False)
            return self._rolled_back(functions, outcomes[-1], len(outcomes) - 1)
        self.control_ids.remember(call.request.control, functions, done=True)
        for function in functions:
            self._count(function)
        return outcomes

    def _rolled_back(self, functions: tuple[Function, ...], offender: Outcome, place: int) -> list[Outcome]:
        """Everybody has the error of the rollback; only the offender has one of its own before it."""
        outcomes = []
        for index, function in enumerate(functions):
            own = offender.problems if index == place else ()
            is_failure = index == place and self.guesses.aborted == "others"
            status = "failure" if is_failure else "aborted"
            outcomes.append(Outcome(function.name, function.control_id, status, problems=(*own, WAS_ROLLED_BACK)))
        return outcomes

    # ---- one function ----

    def _one(self, call: _Call, function: Function, index: int, seen: set[str] | None = None) -> Outcome:
        try:
            self.control_ids.check(call.request.control, function, seen)
        except Refusal as refusal:
            return Outcome(function.name, function.control_id, "failure", problems=(Problem.of(refusal),))
        try:
            _refuse_by_rule(call.rule, function, index, len(call.request.functions))
            with self.books.saving():
                data, key = self._run(call, function)
        except Refusal as refusal:
            return failed(function.name, function.control_id, refusal, _record_of(function))
        return Outcome(function.name, function.control_id, data=data, key=key)

    def _run(self, call: _Call, function: Function) -> tuple[Element | None, str]:
        name, body = function.name, function.body
        if name in READS:
            return self._read(call, name, body), ""
        match name:
            case "getAPISession":
                return self._session(call, body), ""
            case "create":
                return self._written(body, lambda one: self.books.create(str(one.tag), one, call.who)), ""
            case "update":
                return self._written(body, lambda one: self.books.update(str(one.tag), one, call.who)), ""
            case "delete":
                self._delete(call, body)
                return None, ""
        return None, str(self.books.legacy(name, body, call.who))

    def _read(self, call: _Call, name: str, body: Element) -> Element:
        hides = call.rule is not None and call.rule.kind == "fewer_rows"
        match name:
            case "query":
                return self._reads.query(body, call.who, hides=hides)
            case "read" | "readByName":
                return self._reads.read(body, call.who)
            case "readByQuery":
                return self._reads.read_by_query(body, call.who)
            case "readMore":
                return self._reads.read_more(body)
            case "lookup":
                return lookups.looked_up(self.books, body)
        return lookups.inspected(self.books, body)

    def _session(self, call: _Call, body: Element) -> Element:
        if len(call.request.functions) > 1 or call.request.is_transaction:
            raise Refusal("XL03000006", "getAPISession must be the only function of a request.")
        given = body.find("locationid")
        location = None if given is None else text_of(given)
        if location and not self.sessions.knows_entity(location):
            raise Refusal("XL03000006", f"Location ID '{location}' is no entity of this company.", field="locationid")
        session = self.sessions.opened(call.session, location, NODE)
        data = etree.Element("data")
        told = etree.SubElement(data, "api")
        for tag, text in (
            ("sessionid", session.id),
            ("endpoint", call.asked.node),
            ("locationid", session.location),
        ):
            etree.SubElement(told, tag).text = text or None
        return data

    def _written(self, body: Element, write: Callable[[Element], object]) -> Element:
        """Up to 100 records of mixed types; all of them or none."""
        records = children(body)
        if not 1 <= len(records) <= RECORDS_MAX:
            raise Refusal(DATA, f"{body.tag} takes 1 to {RECORDS_MAX} records, not {len(records)}.")
        data = etree.Element("data", listtype="objects", count=str(len(records)))
        for record in records:
            key = write(record)
            kind = self.books.catalogue.object(str(record.tag))
            told = etree.SubElement(data, str(record.tag).lower())
            etree.SubElement(told, kind.key if kind else "RECORDNO").text = str(key)
        return data

    def _delete(self, call: _Call, body: Element) -> None:
        keys = _listed(body)
        if not 1 <= len(keys) <= KEYS_MAX:
            raise Refusal(DATA, f"keys holds 1 to {KEYS_MAX} keys, not {len(keys)}.", field="keys")
        self.books.delete(text_of(body.find("object")), keys, call.who)

    def _count(self, function: Function) -> None:
        """What the vendor bills: a page read, a record written; signing in and what was undone cost nothing."""
        match function.name:
            case "getAPISession":
                return
            case "create" | "update":
                self.counted["writes"] += len(children(function.body))
            case "delete":
                self.counted["writes"] += len(_listed(function.body))
            case name:
                self.counted["reads" if name in READS else "writes"] += 1


def _listed(body: Element) -> list[str]:
    return [key.strip() for key in text_of(body.find("keys")).split(",") if key.strip()]


def _record_of(function: Function) -> str:
    records = children(function.body)
    return str(records[0].tag) if function.name in ("create", "update") and records else ""


def _posts_to_a_day(function: Function) -> bool:
    if function.name in ("create", "update"):
        return any(str(record.tag) in DATED for record in children(function.body))
    return function.name not in (*READS, "delete", "getAPISession")


def _refuse_by_rule(rule: Rule | None, function: Function, index: int, count: int) -> None:
    """Does the rule hit this function? Without a place it hits the first that it can hit, below zero the places count
    from the last; partial_list hits all but the first one."""
    if rule is None:
        return
    match rule.kind:
        case "record_refused" if (rule.record or 0) in (index, index - count):
            raise Refusal(rule.code or COMMON, "The record was refused: a fault rule says so.", errorid="PL-0999")
        case "partial_list" if index >= (1 if rule.record is None else rule.record):
            raise Refusal(rule.code or COMMON, "The record was refused: a fault rule says so.", errorid="PL-0999")
        case "period_closed" if _posts_to_a_day(function) and rule.record in (None, index):
            raise refused("period_closed", month="of the record", where="")
