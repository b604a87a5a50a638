"""SuiteQL over NetSuite's REST service, by the `netsuite` package: raw requests only, one loop and one kept client.

The package's convenience calls hide failures and build a TLS context for each request, so its three inner methods
are overridden. Answers are parsed strictly: rows of strings with lower-case keys; a null column is an absent key.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from decimal import Decimal
from functools import partial
from http.cookiejar import CookieJar
from itertools import pairwise
from typing import Any

import httpx
from netsuite.config import Config, TokenAuth
from netsuite.rest_api import NetSuiteRestApi
from oauthlib import oauth1

from connector.adapters import door
from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import wire
from connector.adapters.netsuite.settings import NetSuiteSettings
from connector.errors import Terminal

Row = dict[str, str]
# A read of more pages than this is not a ledger but an endless answer.
PAGES_MAX = 2_000
# Headers that say how the body was carried, not what it is.
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding", "location"})
PERMISSION_REMEDY = (
    "Grant the integration role SuiteAnalytics Workbook, REST Web Services, Find Transaction and View on the record, "
    "and check that the field exists under the script id given in mappings/netsuite.yaml"
)


class _Signed(httpx.Auth):
    """OAuth 1.0 by oauthlib, signed anew for each request; the package's own signer breaks beside newer packages."""

    def __init__(self, settings: NetSuiteSettings, epoch: Callable[[], float]) -> None:
        self._settings = settings
        self._epoch = epoch

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        signer = oauth1.Client(
            self._settings.consumer_key.get_secret_value(),
            client_secret=self._settings.consumer_secret.get_secret_value(),
            resource_owner_key=self._settings.token_id.get_secret_value(),
            resource_owner_secret=self._settings.token_secret.get_secret_value(),
            realm=self._settings.account_id,
            signature_method=oauth1.SIGNATURE_HMAC_SHA256,
            nonce=secrets.token_hex(16),
            timestamp=str(int(self._epoch())),
        )
        _, headers, _ = signer.sign(str(request.url), "POST", realm=self._settings.account_id)
        request.headers["Authorization"] = headers["Authorization"]
        yield request


class _Api(NetSuiteRestApi):  # type: ignore[misc]  # the package has no types
    """The package's client with our URL, our signature and one client for life; it logs no request bodies."""

    def __init__(self, settings: NetSuiteSettings, epoch: Callable[[], float]) -> None:
        token = TokenAuth(
            consumer_key=settings.consumer_key.get_secret_value(),
            consumer_secret=settings.consumer_secret.get_secret_value(),
            token_id=settings.token_id.get_secret_value(),
            token_secret=settings.token_secret.get_secret_value(),
        )
        super().__init__(Config(account=settings.account_id, auth=token))
        self._settings = settings
        self._epoch = epoch
        self._client: httpx.AsyncClient | None = None

    def _make_url(self, subpath: str) -> str:
        return f"{self._settings.rest_url}{subpath}"

    def _make_auth(self) -> httpx.Auth:
        return _Signed(self._settings, self._epoch)

    async def _request_impl(self, method: str, subpath: str, **request_kw: Any) -> httpx.Response:
        if self._client is None:
            limits = httpx.Timeout(self._settings.read_seconds, connect=self._settings.connect_seconds)
            self._client = httpx.AsyncClient(
                timeout=limits, auth=self._make_auth(), cookies=CookieJar(wire.no_cookies())
            )
        headers = {**self._make_default_headers(), **request_kw.pop("headers", {})}
        url = self._make_url(subpath)
        if not door.is_beneath(url, self._settings.root_url):
            raise httpx.UnsupportedProtocol("an address that the credentials are not meant for")
        async with self._client.stream(method, url, headers=headers, **request_kw) as response:
            return await _bounded(response)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


async def _bounded(response: httpx.Response) -> httpx.Response:
    """The answer with its body, unpacked and of a size that we take; nothing that it says sends us elsewhere."""
    taken, size = [], 0
    async for piece in response.aiter_bytes(door.PIECE):
        size += len(piece)
        if size > door.ANSWER_BYTES_MAX:
            raise httpx.DecodingError("the answer has more bytes than any answer has")
        taken.append(piece)
    kept = [(name, value) for name, value in response.headers.items() if name not in _OF_THE_WIRE]
    return httpx.Response(
        response.status_code, headers=kept, content=door.sound(b"".join(taken)), request=response.request
    )


class SuiteQl:
    """Ask NetSuite's SuiteQL. Safe for several threads; each question waits for its answer.

    `epoch` gives the seconds since 1970 of this machine: NetSuite refuses a signature that is five minutes off.
    Raises Transient when NetSuite could not answer just now and Terminal when it will refuse again.
    """

    def __init__(self, settings: NetSuiteSettings, lanes: Lanes, epoch: Callable[[], float]) -> None:
        self._settings = settings
        self._lanes = lanes
        self._api = _Api(settings, epoch)
        # The package's and httpx's objects belong to one event loop; it lives in its own thread until close().
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="netsuite-rest", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._api.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def by_key(self, what: str, sql: str, params: Sequence[str | int], key: str) -> list[Row]:
        """All rows of a query of any size, page by page along a unique whole-number key.

        `sql` ends in a condition `key > ?` (its last parameter) and `ORDER BY key`. Pages by key can't shift while
        rows come and go and have no upper limit, unlike pages by offset (NetSuite help section_156414087576).
        """
        return [row for page in self.pages(what, sql, params, key) for row in page]

    def pages(self, what: str, sql: str, params: Sequence[str | int], key: str) -> Iterator[list[Row]]:
        """As by_key, one page at a time, each asked for when it is wanted."""
        last: list[Row] = []
        for _ in range(PAGES_MAX):
            page, more = self._lanes.read(partial(self._page_after, what, sql, params, key, last))
            if page:
                yield page
            if not more:
                return
            last = page[-1:]
        raise _endless(what)

    def _page_after(
        self, what: str, sql: str, params: Sequence[str | int], key: str, last: list[Row]
    ) -> tuple[list[Row], bool]:
        doing = _doing(what)
        start = _whole(doing, last[0], key) if last else 0
        page, more = self._ask(doing, sql, [*params, start], 0)
        keys = [_whole(doing, row, key) for row in page]
        if any(later <= earlier for earlier, later in pairwise([start, *keys])):
            raise wire.unavailable(doing, "a page came twice or out of order")
        return page, more

    def by_offset(self, what: str, sql: str, params: Sequence[str | int] = ()) -> list[Row]:
        """All rows of a bounded query, no two alike; `sql` must order by something unique, or pages lose rows."""
        rows: list[Row] = []
        for _ in range(PAGES_MAX):
            page, more = self._lanes.read(partial(self._ask, _doing(what), sql, params, len(rows)))
            rows += page
            if not more:
                break
        else:
            raise _endless(what)
        if len({tuple(sorted(row.items())) for row in rows}) != len(rows):
            raise wire.unavailable(_doing(what), "a row came twice")
        return rows

    def some(self, what: str, sql: str, count: int) -> tuple[list[Row], int]:
        """The first rows of a query, at most so many, and how many it has in all; one request."""
        return self._lanes.read(partial(self._request, _doing(what), sql, (), 0, count))

    def _ask(self, doing: str, sql: str, params: Sequence[str | int], offset: int) -> tuple[list[Row], bool]:
        limit = self._settings.page_rows
        rows, total = self._request(doing, sql, params, offset, limit)
        return rows, total > offset + len(rows)

    def _request(
        self, doing: str, sql: str, params: Sequence[str | int], offset: int, limit: int
    ) -> tuple[list[Row], int]:
        """One page of at most `limit` rows, and how many rows there are in all."""
        request = self._api.request(
            "POST",
            "/query/v1/suiteql",
            headers={"Prefer": "transient"},
            params={"limit": limit, "offset": offset},
            content=json.dumps({"q": " ".join(sql.split()), "params": list(params)}).encode(),
        )
        seconds = self._settings.connect_seconds + self._settings.read_seconds
        try:
            with self._lanes.slot():
                response = self._answer(request, seconds)
        except FutureTimeoutError:
            raise wire.unavailable(doing, f"no whole answer within {seconds:g} s") from None
        except httpx.TimeoutException:
            raise wire.unavailable(doing, "no answer in time") from None
        except httpx.HTTPError as error:
            raise wire.unavailable(doing, f"the connection failed ({type(error).__name__})") from None
        _raise_for(doing, response)
        rows, more, total = _rows(doing, response)
        left = total - offset - len(rows)
        is_whole = left > 0 and len(rows) == limit if more else left == 0
        if not is_whole:
            raise wire.unavailable(doing, f"{len(rows)} rows came where the answer itself counts {total} in all")
        return rows, total

    def _answer(self, request: Coroutine[Any, Any, httpx.Response], seconds: float) -> httpx.Response:
        pending = asyncio.run_coroutine_threadsafe(request, self._loop)
        try:
            return pending.result(seconds)
        except FutureTimeoutError:
            pending.cancel()
            raise


def _doing(what: str) -> str:
    return f"Could not read {what} from NetSuite"


def _endless(what: str) -> Terminal:
    return Terminal(f"{_doing(what)}: more than {PAGES_MAX} pages came. Nothing was taken over.")


def _raise_for(doing: str, response: httpx.Response) -> None:
    """Raise what an answer other than 200 means (NetSuite help section_156570709583)."""
    status = response.status_code
    if status == 200:
        return
    error = wire.by_http_status(doing, status, response.headers.get("Retry-After", ""))
    code, detail = _error_of(response)
    said = f"HTTP {status} {code} {detail}".strip()
    if "CONCURRENCY_LIMIT_EXCEEDED" in code or "REQUEST_LIMIT_EXCEEDED" in code:
        raise wire.too_many(doing, said, response.headers.get("Retry-After", ""))
    if isinstance(error, Terminal):
        raise Terminal(f"{error} NetSuite said: {code} {detail}." if code else str(error))
    if error is not None:
        raise error
    if status >= 500:
        raise wire.unavailable(doing, said)
    raise wire.refused(doing, said, PERMISSION_REMEDY if status == 400 else "Check base_url and the account id")


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """Code and sentence of an error answer; ('', '') when it is none of NetSuite's (a page, a proxy)."""
    try:
        details = json.loads(response.content)["o:errorDetails"][0]
        return wire.words(str(details.get("o:errorCode", "")), 60), wire.words(str(details.get("detail", "")))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""


def _rows(doing: str, response: httpx.Response) -> tuple[list[Row], bool, int]:
    """The rows of an answer, whether more follow, and how many there are in all; anything unexpected is no answer."""
    try:
        body = json.loads(response.content, parse_float=Decimal)
        items, more, total = body["items"], body["hasMore"], body["totalResults"]
        if not (isinstance(items, list) and isinstance(more, bool) and isinstance(total, int)):
            raise TypeError
        if body["count"] != len(items):
            raise ValueError
        return [_row(item) for item in items], more, total
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        kind = wire.words(response.headers.get("Content-Type", "no type"), 60)
        raise wire.unavailable(doing, f"the answer is no SuiteQL answer ({kind})") from None


def _row(item: dict[str, Any]) -> Row:
    """Values are strings in NetSuite's answers; keys are lowered because their case may change by release."""
    return {name.lower(): _text(value) for name, value in item.items() if name != "links" and value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, (str, int, Decimal)):
        return str(value)
    raise TypeError(type(value).__name__)


def _whole(doing: str, row: Row, key: str) -> int:
    text = row.get(key, "")
    if not (text.isascii() and text.isdigit()):
        raise wire.unavailable(doing, f"a row has no whole number in {key}")
    return int(text)
