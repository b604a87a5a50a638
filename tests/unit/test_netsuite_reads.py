"""SuiteQL over a small real HTTP server: pages, strict rows, and what each wrong answer means."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from netsuite_cases import NOW, settings
from oauthlib import oauth1

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite.rest import SuiteQl
from connector.errors import Terminal, Transient

Reply = tuple[int, dict[str, str], bytes]
SQL = "SELECT t.id FROM transaction t WHERE t.id > ? ORDER BY t.id"


class Server:
    """Answers each request with the next reply; the last one again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply | Callable[[dict[str, Any]], Reply]] = []
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((self.path, dict(self.headers), body))
                reply = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                status, headers, content = reply(body) if callable(reply) else reply
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def ql(server: Server, waits: list[float]) -> Iterator[SuiteQl]:
    given = settings(server.url, page_rows=3, read_seconds=2)
    made = SuiteQl(given, Lanes(2, 3, waits.append), NOW.timestamp)
    yield made
    made.close()


def page(*ids: object, more: bool = False, **changes: object) -> Reply:
    items = [{"links": [], "id": str(value)} for value in ids]
    total = 99 if more else len(items)
    body = {"links": [], "count": len(items), "hasMore": more, "items": items, "offset": 0, "totalResults": total}
    return 200, {"Content-Type": "application/json"}, json.dumps({**body, **changes}).encode()


def read(ql: SuiteQl) -> list[str]:
    return [row["id"] for row in ql.by_key("invoices", SQL, [], "id")]


def test_pages_go_along_the_key_from_offset_nought(server: Server, ql: SuiteQl) -> None:
    server.replies = [page(4, 5, 9, more=True), page(11)]

    assert ["4", "5", "9", "11"] == read(ql)
    assert [[0], [9]] == [body["params"] for _, _, body in server.seen]
    assert {"/services/rest/query/v1/suiteql?limit=3&offset=0"} == {path for path, _, _ in server.seen}
    assert "transient" == server.seen[0][1]["Prefer"]


def test_a_page_is_asked_for_when_it_is_wanted(server: Server, ql: SuiteQl) -> None:
    server.replies = [page(4, 5, 9, more=True), page(11)]

    pages = ql.pages("invoices", SQL, [], "id")

    assert ["4", "5", "9"] == [row["id"] for row in next(pages)]
    assert 1 == len(server.seen)
    assert [["11"]] == [[row["id"] for row in rows] for rows in pages]


def test_some_rows_come_with_the_number_of_all(server: Server, ql: SuiteQl) -> None:
    server.replies = [page(4, 5, more=True)]

    rows, count = ql.some("invoices", SQL, 2)

    assert (["4", "5"], 99) == ([row["id"] for row in rows], count)
    assert ["/services/rest/query/v1/suiteql?limit=2&offset=0"] == [path for path, _, _ in server.seen]


def test_pages_by_offset_are_whole(server: Server, ql: SuiteQl) -> None:
    server.replies = [page(1, 2, 3, more=True), page(4, totalResults=4)]

    assert 4 == len(ql.by_offset("lines", SQL))
    assert ["offset=0", "offset=3"] == [path.rpartition("&")[2] for path, _, _ in server.seen]


def test_the_signature_is_what_an_independent_signer_makes(server: Server, ql: SuiteQl) -> None:
    server.replies = [page()]
    read(ql)
    path, headers, _ = server.seen[0]
    given = dict(part.strip().split("=", 1) for part in headers["Authorization"].removeprefix("OAuth ").split(","))
    signer = oauth1.Client(
        "consumer-key",
        "consumer-secret",
        "token-id",
        "token-secret",
        realm="1000001_SB1",
        signature_method=oauth1.SIGNATURE_HMAC_SHA256,
        nonce=given["oauth_nonce"].strip('"'),
        timestamp=str(int(NOW.timestamp())),
    )
    _, expected, _ = signer.sign(server.url + path, "POST", realm="1000001_SB1")

    assert expected["Authorization"] == headers["Authorization"]


def test_values_are_text_keys_are_small_and_nulls_are_left_out(server: Server, ql: SuiteQl) -> None:
    item = {"links": [], "ID": 7, "Amount": 12.50, "Flag": True, "nothing": None, "text": "x"}
    server.replies = [page(items=[item], count=1, totalResults=1)]

    (row,) = ql.by_key("invoices", SQL, [], "id")

    assert {"id": "7", "amount": "12.5", "flag": "T", "text": "x"} == row


@pytest.mark.parametrize(
    "replies",
    [
        [page(4, 5, 9, more=True), page(4, 5, 9, more=True)],
        [page(5, 4)],
        [page(5, 5)],
        [page("x")],
        [page("-1")],
        [page(more=True)],
        [page(1, count=2)],
        [page(1, totalResults=2)],
        [page(1, totalResults=0)],
        [page(1, totalResults="1")],
        [page(1, 2, more=True)],
        [page(1, hasMore="no")],
        [page(items={})],
        [page(items=[{"id": ["1"]}], count=1, totalResults=1)],
        [page(items=["1"], count=1, totalResults=1)],
        [(200, {}, b"{")],
        [(200, {}, b"")],
        [(200, {}, b"[]")],
        [(200, {}, b"\xff\xfe")],
        [(200, {"Content-Type": "text/html"}, b"<html>Down for maintenance</html>")],
        [(200, {}, b"[" * 5000)],
        [(500, {}, b"[" * 5000)],
        [(500, {}, b"")],
        [(502, {}, b"<html>Bad gateway</html>")],
        [(503, {}, b"<html>Down for maintenance</html>")],
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_transient(
    server: Server, ql: SuiteQl, waits: list[float], replies: list[Reply]
) -> None:
    server.replies = [*replies]

    with pytest.raises(Transient) as caught:
        read(ql)

    assert "Could not read invoices from NetSuite" in str(caught.value)
    assert 2 == len(waits)


def test_a_row_that_came_twice_is_no_answer(server: Server, ql: SuiteQl) -> None:
    server.replies = [page(1, 2, 3, more=True), page(3, totalResults=4)]

    with pytest.raises(Transient, match="a row came twice"):
        ql.by_offset("lines", SQL)


def test_no_cookie_is_kept(server: Server, ql: SuiteQl) -> None:
    status, headers, content = page(1)
    server.replies = [(status, {**headers, "Set-Cookie": "JSESSIONID=1; Path=/"}, content)]
    read(ql)
    read(ql)

    assert [] == [headers for _, headers, _ in server.seen if "Cookie" in headers or "cookie" in headers]


def error(status: int, code: str, detail: str) -> Reply:
    body = {"title": "Error", "status": status, "o:errorDetails": [{"detail": detail, "o:errorCode": code}]}
    return status, {"Content-Type": "application/vnd.oracle.resource+json; type=error"}, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (error(400, "INVALID_PARAMETER", "Unknown identifier 'custbody_arc_hold'"), "custbody_arc_hold"),
        (error(401, "INVALID_LOGIN", "Invalid login attempt."), "NetSuite said: INVALID_LOGIN Invalid login attempt."),
        (error(403, "INSUFFICIENT_PERMISSION", "Find Transaction"), "INSUFFICIENT_PERMISSION Find Transaction"),
        ((404, {}, b"<html>Not found</html>"), "HTTP 404. Nothing was done"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), "HTTP 302"),
    ],
)
def test_what_will_be_refused_again_is_terminal_and_asked_once(
    server: Server, ql: SuiteQl, reply: Reply, told: str
) -> None:
    server.replies = [reply]

    with pytest.raises(Terminal) as caught:
        read(ql)

    assert told in str(caught.value)
    assert 1 == len(server.seen)


@pytest.mark.parametrize(
    ("headers", "low", "high"), [({"Retry-After": "7"}, 7, 7), ({"Retry-After": "9999"}, 60, 60), ({}, 0, 8)]
)
def test_a_wait_that_the_server_asks_for_is_honoured_within_bounds(
    server: Server, ql: SuiteQl, waits: list[float], headers: dict[str, str], low: float, high: float
) -> None:
    status, given, content = error(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded.")
    server.replies = [(status, {**given, **headers}, content), page(1)]

    assert ["1"] == read(ql)
    assert 1 == len(waits)
    assert low <= waits[0] <= high


def test_several_threads_share_one_client(server: Server, ql: SuiteQl) -> None:
    server.replies = [lambda body: page(body["params"][0])]
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda number=number: found.extend(row["id"] for row in ql.by_offset("lines", SQL, [number]))
        )
        for number in range(1, 13)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(str(number) for number in range(1, 13)) == sorted(found)


def test_closing_twice_is_harmless(ql: SuiteQl) -> None:
    ql.close()
    ql.close()
