"""SuiteQL over REST: POST .../query/v1/suiteql, its envelope, its pages and its errors.

Sources: Oracle help section_157909186990 and 156414087576 (SuiteQL), section_156570709583 (errors).
"""

from __future__ import annotations

import json
import logging
import random
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from sandbox.faults import Rule
from sandbox.netsuite import answers
from sandbox.netsuite.answers import REST_ERRORS
from sandbox.netsuite.auth import Guard
from sandbox.netsuite.books import Books
from sandbox.netsuite.door import Ask, after
from sandbox.netsuite.suiteql import Queries, QueryRefused

log = logging.getLogger("sandbox.netsuite")
SUITEQL = "/services/rest/query/v1/suiteql"
JSON_TYPE = "application/vnd.oracle.resource+json; type=collection"
# Where the type of an error points: the section of RFC 9110 on its code; 429 is not in that document (K).
SECTIONS = {
    400: "section-15.5.1",
    401: "section-15.5.2",
    403: "section-15.5.4",
    429: "section-15.5",
    500: "section-15.6.1",
}
PAGE_MAX, ROWS_MAX, PAGES_MAX = 1000, 100_000, 1000

Item = dict[str, object]


class RestError(Exception):
    """`which` is a key of answers.REST_ERRORS."""

    def __init__(self, which: str, **values: object) -> None:
        self.text = REST_ERRORS[which]
        self.detail = self.text.detail.format(**values)
        super().__init__(f"{self.text.code}: {self.detail}")

    def response(self) -> Response:
        detail = {"detail": self.detail, "o:errorCode": self.text.code}
        body: dict[str, object] = {
            "type": f"https://www.rfc-editor.org/rfc/rfc9110.html#{SECTIONS[self.text.http]}",
            "title": self.text.title,
            "status": self.text.http,
            "o:errorDetails": [detail],
        }
        if self.text.http == 429:
            body["o:errorCode"] = answers.TOO_MANY_TOP_CODE
        headers = {"WWW-Authenticate": 'OAuth realm=""'} if self.text.http == 401 else None
        return JSONResponse(body, self.text.http, headers, media_type=answers.REST_ERROR_TYPE)


@dataclass(frozen=True, slots=True)
class Window:
    limit: int
    offset: int


class SuiteQl:
    """The service behind the SuiteQL door. Faults about pages remember the last page of each query text."""

    def __init__(self, books: Books, guard: Guard) -> None:
        self._books = books
        self._guard = guard
        self._queries = Queries(books)
        self._last_page: dict[str, list[Item]] = {}
        self._late: dict[str, list[Item]] = {}
        self._asked = 0

    def read(self, ask: Ask) -> tuple[str, Ask]:
        return "suiteql", ask

    def answer(self, read: Ask, rule: Rule | None) -> ASGIApp:
        try:
            return after(rule, self._carry_out(read, rule), JSON_TYPE)
        except RestError as problem:
            return problem.response()
        except Exception:
            log.exception("the sandbox itself failed")
            return self.refuse("unexpected")

    def refuse(self, which: str) -> ASGIApp:
        return RestError(which).response()

    def _carry_out(self, ask: Ask, rule: Rule | None) -> Response:
        self._authenticate(ask, rule)
        if answers.REST_PERMISSION in self._books.revoked:
            raise RestError("permission", permission=answers.REST_PERMISSION)
        if "transient" not in ask.headers.get("prefer", ""):
            raise RestError("no_prefer")
        window = _window(ask)
        text, params = _query(ask.body)
        try:
            # The order of rows without ORDER BY differs from request to request, and is the same in every run.
            with self._books.lock:
                self._asked += 1
                found = self._queries.page(text, params, window.limit, window.offset, random.Random(self._asked))
        except QueryRefused as problem:
            log.info("query refused: %s", problem)
            raise RestError("query", detail=problem) from None
        total = min(found.total, ROWS_MAX)
        items: list[Item] = [{"links": [], **row} for row in found.rows[: max(0, total - window.offset)]]
        return self._envelope(ask, window, self._by_rule(text, items, rule), total)

    def _authenticate(self, ask: Ask, rule: Rule | None) -> None:
        problem = self._guard.oauth_problem(ask.method, ask.url, ask.headers.get("authorization", ""), ask.body)
        if rule is not None and rule.kind == "unauthorized":
            problem = "a fault rule says so"
        if answers.LOGIN_PERMISSION in self._books.revoked:
            problem = f"the role lacks {answers.LOGIN_PERMISSION}"
        if problem:
            log.warning("login refused: %s", problem)
            raise RestError("login")

    def _by_rule(self, text: str, items: list[Item], rule: Rule | None) -> list[Item]:
        kind = "" if rule is None else rule.kind
        items = self._late.pop(text, []) + items
        if kind == "fewer_rows":
            items = [item for number, item in enumerate(items, start=1) if number % 3]
        elif kind == "duplicate_page":
            items = self._last_page.get(text, items)
        elif kind == "late_page" and items:
            self._late[text] = items[-max(1, len(items) // 4) :]
            items = items[: -len(self._late[text])]
        self._last_page[text] = items
        return items

    def _envelope(self, ask: Ask, window: Window, items: list[Item], total: int) -> Response:
        base = ask.url.partition("?")[0]
        has_more = window.offset + window.limit < total

        def link(rel: str, offset: int) -> dict[str, str]:
            return {"rel": rel, "href": f"{base}?limit={window.limit}&offset={offset}"}

        links = [link("self", window.offset)]
        if has_more:
            last = (total - 1) // window.limit * window.limit
            links += [link("next", window.offset + window.limit), link("last", last)]
        if window.offset:
            links += [link("first", 0), link("previous", max(0, window.offset - window.limit))]
        body = {
            "links": links,
            "count": len(items),
            "hasMore": has_more,
            "items": items,
            "offset": window.offset,
            "totalResults": total,
        }
        return Response(json.dumps(body), media_type=JSON_TYPE)


def _window(ask: Ask) -> Window:
    try:
        limit, offset = int(ask.query.get("limit", PAGE_MAX)), int(ask.query.get("offset", 0))
    except ValueError:
        raise RestError("page", detail="limit and offset must be whole numbers") from None
    if not 1 <= limit <= PAGE_MAX:
        raise RestError("page", detail=f"limit must be between 1 and {PAGE_MAX}")
    if offset < 0 or offset % limit:
        raise RestError("page", detail="offset must be a multiple of limit")
    if offset >= ROWS_MAX or offset // limit >= PAGES_MAX:
        raise RestError("page", detail=f"a query gives at most {ROWS_MAX} rows in {PAGES_MAX} pages")
    return Window(limit, offset)


def _query(content: bytes) -> tuple[str, list[object]]:
    try:
        body = json.loads(content, parse_float=str)  # an amount never becomes a float
    except ValueError:
        raise RestError("content", detail="The body is not JSON.") from None
    if not isinstance(body, dict) or not isinstance(body.get("q"), str) or not body["q"].strip():
        raise RestError("content", detail="The body must be an object with the query in q.")
    params = body.get("params", [])
    unknown = set(body) - {"q", "params"}
    if unknown or not isinstance(params, list) or any(isinstance(value, (dict, list)) for value in params):
        raise RestError("content", detail="The body may hold q and a flat list of params.")
    return body["q"], params
