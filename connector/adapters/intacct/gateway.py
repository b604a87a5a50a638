"""Sage Intacct's XML gateway: reads page by page, writes in one operation, errors told at the level where they came.

Three levels can fail (Sage's XML reference, responses): the request (control), the login (authentication), a function
(result). Of the first two nothing ran. Whatever goes wrong after the bytes of a write were sent means that its outcome
is unknown, and a write is never tried again here.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from connector.adapters.intacct import filters, wire
from connector.adapters.intacct.answers import Error, Record, Result, Results, Row, Status, Why
from connector.adapters.intacct.envelope import Answer, Envelopes, Level, Page
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.session import Sessions, opened, raise_for_level
from connector.adapters.intacct.settings import READ_KEYS_MAX, IntacctMapping, IntacctSettings
from connector.adapters.intacct.xmltext import Node, node
from connector.adapters.lanes import Lanes
from connector.errors import ConnectorError, InvariantBroken, Terminal
from connector.ports import Counted

# A read of more pages than this is not a ledger but an endless answer.
PAGES_MAX = 5_000
PERMISSION_REMEDY = (
    "Grant the web services user the permissions that mappings/intacct/README.md lists, and check with `connector "
    "check` that every name in mappings/intacct.yaml is there"
)


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """One field as lookup describes it; `kind` is Intacct's own word, such as BOOLEAN, DATE or TEXT."""

    kind: str
    is_read_only: bool


class Gateway:
    """One company. Safe for several threads; close() ends its connections.

    Reads raise Transient and Terminal. They run at the top level with everything private shown, or within one entity.
    """

    def __init__(
        self,
        settings: IntacctSettings,
        mapping: IntacctMapping,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._lanes = Lanes(settings.requests_at_once_max, settings.read_attempts_max, sleep)
        self._wire = wire.Wire(settings, self._lanes, monotonic)
        self._envelopes = Envelopes(settings, mapping.facts.duplicate_errors)
        self._sessions = Sessions(settings, self._envelopes, self._wire, monotonic)
        self._turn = threading.Lock()
        self._counted = Counted()

    def close(self) -> None:
        self._wire.close()

    def take_counted(self) -> Counted:
        """Transactions that were counted since this was last asked: a page, a record made or changed.

        What became of an unread write is not known; it is counted, so that the month's budget is never understated.
        """
        with self._turn:
            counted, self._counted = self._counted, Counted()
            return counted

    # ---- reads ----

    def pages(
        self,
        object_name: str,
        fields: Sequence[str],
        where: Node | None = None,
        *,
        key: str = "RECORDNO",
        entity: str = "",
    ) -> Iterator[list[Row]]:
        """All rows, page by page along this unique whole-number key (custom objects: "id"), each page when wanted.

        Pages by key neither miss nor repeat rows that come and go meanwhile; by offset each is a fresh query without a
        snapshot (Sage's XML reference, queries). Rows have their fields in capitals; one without a value is no key.
        """
        doing, last = _reading(object_name), 0
        wanted = [*fields, *([key] if key.upper() not in {field.upper() for field in fields} else [])]
        for _ in range(PAGES_MAX):
            after = [filters.greater(key, str(last))] if last else []
            conditions = [*([where] if where is not None else []), *after]
            query = self._query(object_name, [node("field", field) for field in wanted], conditions, [key], entity)
            rows, remaining = self._lanes.read(partial(self._page_after, doing, query, key.upper(), last, entity))
            if rows:
                yield rows
            if not remaining:
                return
            last = int(rows[-1][key.upper()])
        raise _endless(doing)

    def rows(
        self,
        object_name: str,
        fields: Sequence[str],
        where: Node | None = None,
        *,
        key: str = "RECORDNO",
        entity: str = "",
    ) -> list[Row]:
        """As pages, all at once."""
        return [row for page in self.pages(object_name, fields, where, key=key, entity=entity) for row in page]

    def some(
        self, object_name: str, fields: Sequence[str], count: int, where: Node | None = None, *, key: str = "RECORDNO"
    ) -> tuple[list[Row], int]:
        """The first rows by key, at most so many, and how many there are in all; one request."""
        selected = [node("field", field) for field in fields]
        query = self._query(object_name, selected, [where] if where is not None else [], [key], "", size=count)
        rows, page = self._lanes.read(partial(self._asked, _reading(object_name), query, 0, ""))
        return rows, page.total

    def sums(
        self,
        object_name: str,
        by: Sequence[str],
        summed: Sequence[str],
        where: Node | None = None,
        *,
        counted: str = "",
        entity: str = "",
    ) -> list[Row]:
        """The sums of these fields for each combination of the others: under SUM.X, and COUNT.X of what is counted.

        Sage's reference prints the tag of a sum with and without its function before the field's name; both are taken.
        """
        doing = _reading(f"totals of {object_name}")
        functions = [("sum", field) for field in summed] + ([("count", counted)] if counted else [])
        selected = [node("field", field) for field in by] + [node(name, field) for name, field in functions]
        query = self._query(object_name, selected, [where] if where is not None else [], by, entity)
        found: dict[tuple[str, ...], Row] = {}
        for _ in range(PAGES_MAX):
            rows, page = self._lanes.read(partial(self._asked, doing, query, len(found), entity))
            for row in rows:
                for name, field in functions:
                    if field.upper() in row and field not in by:
                        row.setdefault(f"{name.upper()}.{field.upper()}", row.pop(field.upper()))
                found[tuple(row.get(field.upper(), "") for field in by)] = row
            if not page.remaining:
                break
        else:
            raise _endless(doing)
        if len(found) != page.total:
            raise wire.unavailable(doing, "a combination came twice, or one is missing")
        return list(found.values())

    def read(self, object_name: str, keys: Sequence[str], *, entity: str = "") -> list[Record]:
        """These records whole, with the lines that they own; one that is not there is left out."""
        found: list[Record] = []
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), READ_KEYS_MAX):
            found += self._records(object_name, wanted[start : start + READ_KEYS_MAX], entity)
        return found

    def lookup(self, object_name: str) -> Mapping[str, FieldSeen] | None:
        """Field -> what it is, of an object as this user sees it; None: there is none, or it may not be seen."""
        doing = f"Could not look up {object_name} in Sage Intacct"
        body = node("lookup", node("object", object_name))
        result = self._lanes.read(partial(self._answered, doing, body, ""))[0]
        if not result.is_success:
            return None
        fields = [field.fields for record in result.records for field in record.owned("FIELDS")]
        if not fields:
            raise wire.unavailable(doing, "the answer lists no field")
        return {
            field["ID"].upper(): FieldSeen(field.get("DATATYPE", "").upper(), field.get("READONLY", "") == "true")
            for field in fields
            if "ID" in field
        }

    def _records(self, object_name: str, keys: Sequence[str], entity: str) -> list[Record]:
        doing = _reading(object_name)
        body = node("read", node("object", object_name), node("keys", ",".join(keys)), node("fields", "*"))
        result = self._lanes.read(partial(self._answered, doing, body, entity))[0]
        if result.is_success:
            return list(result.records)
        # What a read answers for a key that is gone is not documented: then the others are asked for without it.
        cause = result.cause
        if cause is None or cause.why is not Why.NOT_THERE or not _names(cause.text, keys):
            raise _refusal(doing, result)
        halves = () if len(keys) == 1 else (keys[: len(keys) // 2], keys[len(keys) // 2 :])
        return [record for half in halves for record in self._records(object_name, half, entity)]

    def _query(
        self,
        object_name: str,
        selected: Sequence[Node],
        conditions: Sequence[Node],
        order: Sequence[str],
        entity: str,
        size: int = 0,
    ) -> Node:
        """A query without its offset. An entity has nothing private to itself; at the top level all of it is shown."""
        orders = (node("order", node("field", field), node("ascending")) for field in order)
        options = [] if entity else [node("options", node("showprivate", "true"))]
        return node(
            "query",
            node("object", object_name),
            node("select", *selected),
            *([node("filter", filters.both(*conditions))] if conditions else []),
            node("orderby", *orders),
            *options,
            node("pagesize", str(size or self._settings.page_rows)),
        )

    def _page_after(self, doing: str, query: Node, key: str, last: int, entity: str) -> tuple[list[Row], int]:
        rows, page = self._asked(doing, query, 0, entity)
        keys = [_whole(doing, row, key) for row in rows]
        if any(later <= earlier for earlier, later in pairwise([last, *keys])):
            raise wire.unavailable(doing, "a page came twice or out of order")
        return rows, page.remaining

    def _asked(self, doing: str, query: Node, offset: int, entity: str) -> tuple[list[Row], Page]:
        """One page, checked against what the answer says of itself: a page that stops early would lose rows."""
        body = Node(query.name, (*_parts(query), node("offset", str(offset)))) if offset else query
        result, page = self._answered(doing, body, entity)
        if not result.is_success:
            raise _refusal(doing, result)
        rows = [record.fields for record in result.records]
        is_whole = page is not None and page.count == len(rows) and page.total == offset + len(rows) + page.remaining
        if page is None or not is_whole or (page.remaining and not rows):
            raise wire.unavailable(doing, f"{len(rows)} rows came, which is not what the answer itself counts")
        return rows, page

    def _answered(self, doing: str, body: Node, entity: str) -> tuple[Result, Page | None]:
        """One attempt at one read."""
        try:
            answer = self._exchanged(
                doing, entity, [Function(body.name, body)], self._settings.read_seconds, atomic=False, unique=False
            )
        except wire.Unread as error:
            raise wire.unavailable(doing, error.came_back) from None
        raise_for_level(doing, answer)
        if len(answer.results) != 1:
            raise wire.unavailable(doing, f"{len(answer.results)} results came for one function")
        result = answer.results[0]
        if _is_busy(result.errors):
            raise wire.too_many(doing, _said(result.errors))
        self._count(reads=1 if result.is_success else 0)
        return result, answer.page

    # ---- writes ----

    def run(self, functions: Sequence[Function], *, atomic: bool, entity: str = "", unique: bool = True) -> Results:
        """Carry these functions out in one operation, once; `atomic`: all or none of them.

        Answers for each function, refusals too. Raises Transient or Terminal only where nothing ran, OutcomeUnknown
        where something may have. `unique=False` is for what may be said again, such as a flag set back.
        """
        if not functions:
            return Results(())
        ids = [function.control_id for function in functions]
        if unique and len(set(ids)) != len(ids):
            raise InvariantBroken(f"two functions of one operation have the same controlid: {', '.join(ids)}")
        doing = f"Could not write to Sage Intacct ({', '.join(dict.fromkeys(each.name for each in functions))})"
        self._lanes.read(partial(self._sessions.of, entity))
        return self._lanes.write(partial(self._run, doing, functions, atomic, entity, unique))

    def _run(self, doing: str, functions: Sequence[Function], atomic: bool, entity: str, unique: bool) -> Results:
        try:
            answer = self._exchanged(doing, entity, functions, self._settings.write_seconds, atomic, unique)
            results = _results(doing, functions, answer, atomic)
        except wire.Unread:
            self._count(writes=sum(_records_of(function) for function in functions))
            raise
        if not results.is_committed and (atomic or not any(each.is_success for each in results.results)):
            told = [*results.errors, *(error for each in results.results for error in each.errors)]
            if _is_busy(told):
                raise wire.too_many(doing, _said(told))
        if results.is_committed or not atomic:
            pairs = zip(functions, results.results, strict=True)
            self._count(writes=sum(_records_of(function) for function, each in pairs if each.is_success))
        return results

    # ---- one exchange ----

    def _exchanged(
        self, doing: str, entity: str, functions: Sequence[Function], seconds: float, atomic: bool, unique: bool
    ) -> Answer:
        """Send this once; again with a new session where the gateway did not know the old one: nothing ran then."""
        for is_last in (False, True):
            session = self._sessions.of(entity)
            who = self._envelopes.signed(session.id)
            content, mark = self._envelopes.request(who, functions, atomic=atomic, unique=unique)
            reply = self._wire.post(doing, session.endpoint, content, seconds)
            answer = opened(doing, self._envelopes, reply, mark, session.id)
            if is_last or answer.failed is not Level.AUTHENTICATION or _is_busy(answer.errors):
                break
            self._sessions.forget(session)
        self._sessions.slide(session, answer.lifetime)
        return answer

    def _count(self, reads: int = 0, writes: int = 0) -> None:
        with self._turn:
            counted = self._counted
            self._counted = replace(counted, reads=counted.reads + reads, writes=counted.writes + writes)


def _results(doing: str, functions: Sequence[Function], answer: Answer, atomic: bool) -> Results:
    """One result for each function; Unread where the answer leaves open what became of one.

    A refusal of the whole operation is an answer too: its functions were not carried out, and a controlid that was used
    before may be refused there.
    """
    said = Results(tuple(Result(each.control_id, each.name, Status.ABORTED) for each in functions), answer.errors)
    if not _is_busy(answer.errors) and (answer.failed is Level.OPERATION or said.is_repeat):
        return said
    raise_for_level(doing, answer)
    told = {result.control_id: result for result in answer.results}
    if len(told) != len(answer.results) or not told.keys() <= {each.control_id for each in functions}:
        raise wire.Unread(doing, "the answer names other functions than were sent")
    found = tuple(told.get(each.control_id, Result(each.control_id, each.name, Status.ABORTED)) for each in functions)
    # Of a transaction that failed, nothing stands, whether or not every function is answered.
    if len(told) != len(functions) and not (atomic and any(not each.is_success for each in told.values())):
        raise wire.Unread(doing, f"{len(told)} results came for {len(functions)} functions")
    return Results(found)


def _is_busy(errors: Sequence[Error]) -> bool:
    return any(error.why is Why.BUSY for error in errors)


def _said(errors: Sequence[Error]) -> str:
    return "; ".join(f"{error.code} {error.text}".strip() for error in errors if error.why is Why.BUSY)


def _records_of(function: Function) -> int:
    """How many transactions a function counts for: each record, whatever it carries along (Sage's white paper on
    performance tiers)."""
    parts = _parts(function.body)
    if function.name in ("create", "update"):
        return len(parts)
    if function.name == "delete":
        keys = next((part.value for part in parts if part.name == "keys"), "")
        return keys.count(",") + 1 if isinstance(keys, str) else 0
    return 1


def _names(text: str, keys: Sequence[str]) -> bool:
    """Does this sentence speak of one of these keys, and not of the object as a whole?"""
    return not {*re.findall(r"[\w-]+", text)}.isdisjoint(keys)


def _parts(body: Node) -> tuple[Node, ...]:
    return () if isinstance(body.value, str) else body.value


def _reading(what: str) -> str:
    return f"Could not read {what} from Sage Intacct"


def _endless(doing: str) -> Terminal:
    return Terminal(f"{doing}: more than {PAGES_MAX} pages came. Nothing was taken over.")


def _refusal(doing: str, result: Result) -> ConnectorError:
    cause = result.cause
    return wire.refused(doing, f"{cause.code} {cause.text}" if cause else "no reason was given", PERMISSION_REMEDY)


def _whole(doing: str, row: Row, key: str) -> int:
    text = row.get(key, "")
    if not (text.isascii() and text.isdigit()):
        raise wire.unavailable(doing, f"a row has no whole number in {key}")
    return int(text)
