"""Requests to Salesforce: one client, bounded, repeated where that helps, and their errors said in our words.

`simple-salesforce` is the only client. Facts about it (tried with 1.12.10): it has no time limit, and repeats nothing
but a request whose session expired; it knows https and Salesforce's own hosts only; its `describe` and `upsert` log in
again and again for as long as a session is refused, so everything here goes through the one call that stops.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.format import format_external_id, format_soql
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from connector.adapters import door
from connector.errors import ConnectorError, OutcomeUnknown, Terminal, Transient

ATTEMPTS_MAX = 3
ROWS_A_QUERY = 2000
QUERIES_MAX = 1000  # of one read: two million rows
LOCATORS_LOST_MAX = 5
QUOTA = "REQUEST_LIMIT_EXCEEDED"
DOMAINS = ("salesforce.com",)
# What another attempt in a few seconds may well find gone. Not the day's quota: that is gone for hours.
_PASSING_CODES = {"SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW"}
_PASSING_HTTP = {429, 502, 503, 504}
# What simple-salesforce falls over when an answer is not the JSON that it expects.
_NOT_UNDERSTOOD = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
# OAuth's words for credentials that are wrong, and stay so.
_WRONG_CREDENTIALS = {"invalid_client", "invalid_client_id", "invalid_grant", "inactive_user", "unauthorized_client"}
_TEST_DOMAIN = re.compile(r"\.(sandbox|scratch|develop|trailblaze|patch)\.my$")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SalesforceSettings:
    """Which organisation, and the connected app that may use it. `is_test`: said where the domain doesn't say it."""

    domain: str  # My Domain, such as acme.my
    client_id: str
    client_secret: SecretStr
    base_url: str = ""  # empty: Salesforce itself
    api_version: str = "66.0"
    is_test: bool = False
    timeout_seconds: float = 30.0

    @property
    def host(self) -> str:
        """My Domain without the ending that simple-salesforce adds."""
        return self.domain.lower().removesuffix(".salesforce.com")

    @property
    def is_test_organisation(self) -> bool:
        return self.is_test or bool(self.base_url) or _TEST_DOMAIN.search(self.host) is not None


class Misread(Exception):
    """A field of one record was not understood; the record is parked. `customer_id`: whose it may be."""

    def __init__(self, where: str, reason: str, customer_id: str = "") -> None:
        super().__init__(f"{where}: {reason}")
        self.field, self.reason, self.customer_id = where, reason, customer_id


class _Doorway(door.Door):
    """Gives every request a time limit and, with a base URL, sends all of them there: nothing meant for another world
    can reach Salesforce. Without one they go to Salesforce and nowhere else, whatever a login or a page names."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        super().__init__(lambda url: door.is_beneath(url, base_url) if base_url else door.is_of(url, DOMAINS))
        self._base_url, self._timeout_seconds = base_url.rstrip("/"), timeout_seconds

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        more["timeout"] = self._timeout_seconds
        if self._base_url:
            parts = urlsplit(str(request.url))
            request.url = f"{self._base_url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            more["proxies"] = {}
        return super().send(request, *args, **more)


class SalesforceApi:
    """One organisation's client, logged in when first needed."""

    def __init__(self, settings: SalesforceSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._sleep = settings, sleep
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Doorway(settings.base_url, settings.timeout_seconds))
        # Else a line of .netrc would take the place of our login.
        self._session.auth = door.as_it_is
        self._client: Salesforce | None = None

    def close(self) -> None:
        self._session.close()

    @property
    def usage(self) -> tuple[int, int] | None:
        """Requests of the last 24 hours, and how many are allowed, as the last answer told them."""
        found = self._client.api_usage.get("api-usage") if self._client else None
        return (found.used, found.total) if found else None

    # ---- what can be asked ----

    def rows(
        self, what: str, source: str, fields: str, condition: str, *, with_deleted: bool = False
    ) -> list[dict[str, Any]]:
        """Every record of a query, each once, in the order of ids. Raises when the last one was not reached.

        Each query begins after the last id read, so a page's locator is never needed for long: one dies with the
        session that made it, and simple-salesforce changes sessions in mid-paging.
        """
        found: dict[str, dict[str, Any]] = {}
        last, lost = "", 0
        for _ in range(QUERIES_MAX):
            after = f" AND Id > {quoted(last)}" if last else ""
            soql = f"SELECT {fields} FROM {source} WHERE ({condition}){after} ORDER BY Id LIMIT {ROWS_A_QUERY}"
            before, total = len(found), -1
            try:
                for page in self._pages(what, soql, with_deleted):
                    total = page["totalSize"] if total < 0 else total
                    found |= {row["Id"]: row for row in page["records"]}
            except _LocatorLost:
                lost += 1
                if lost > LOCATORS_LOST_MAX:
                    raise Transient(_unreadable(what, "its pages are lost again and again")) from None
                total = ROWS_A_QUERY
            else:
                if len(found) - before < total:
                    raise Transient(_unreadable(what, f"{len(found) - before} of {total} records came"))
            if total < ROWS_A_QUERY:
                return list(found.values())
            last = next(reversed(found), "")
        raise Terminal(f"Could not read {what} from Salesforce: there are too many records. Nothing of it was used.")

    def count(self, what: str, soql: str) -> int:
        """The answer to a SELECT COUNT()."""
        return int(self.ask(what, lambda client: _page(client.query(soql)))["totalSize"])

    def describe(self, name: str) -> dict[str, Any] | None:
        """An object's description as the connector's user sees it; None: there is none, or it may not be seen."""
        try:
            found = self.ask(f"the description of {name}", lambda client: client.restful(f"sobjects/{name}/describe"))
        except _NotFound:
            return None
        fields = found.get("fields") if isinstance(found, dict) else None
        if not isinstance(fields, list) or not all(isinstance(one, dict) and "name" in one for one in fields):
            raise Transient(_unreadable(f"the description of {name}", "no list of fields"))
        return found

    def upsert(self, what: str, name: str, field: str, key: str, values: dict[str, object]) -> tuple[str, bool]:
        """Create the record with this external id, or change it; its id, and was it created?

        Repeating it does no harm, so it is repeated like a read. OutcomeUnknown: it may have been written.
        """
        path = f"sobjects/{name}/{format_external_id(field, key)}"
        found = self.ask(
            what, lambda client: client.restful(path, method="PATCH", data=json.dumps(values)), writes=True
        )
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise OutcomeUnknown(f"Could not read Salesforce's answer about {what}. It is looked up before any retry.")
        return str(found["id"]), found.get("created") is True

    def ask(self, what: str, call: Callable[[Salesforce], T], *, writes: bool = False) -> T:
        """The call's answer; after a few attempts a Transient, a Terminal or, where it writes, an OutcomeUnknown."""
        retrying = Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_random_exponential(multiplier=1, max=20),
            stop=stop_after_attempt(ATTEMPTS_MAX),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(lambda: call(self._logged_in()))
        except SalesforceError as error:
            raise self._translated(error, what, writes) from None
        except (requests.RequestException, *_NOT_UNDERSTOOD) as error:
            name = type(error).__name__
            if writes and self._client is not None:
                raise OutcomeUnknown(_unknown(what, name)) from None
            if isinstance(error, _BROKEN):
                raise Transient(_no_answer(what, name)) from None
            raise Transient(_unreadable(what, name)) from None

    # ---- inside ----

    def _logged_in(self) -> Salesforce:
        if self._client is None:
            given = self._settings
            self._client = Salesforce(
                consumer_key=given.client_id,
                consumer_secret=given.client_secret.get_secret_value(),
                domain=given.host,
                version=given.api_version,
                session=self._session,
                parse_float=Decimal,
            )
        return self._client

    def _pages(self, what: str, soql: str, with_deleted: bool) -> Iterator[dict[str, Any]]:
        page = self.ask(what, lambda client: _page(client.query(soql, include_deleted=with_deleted)))
        yield page
        for _ in range(ROWS_A_QUERY):
            if page["done"]:
                return
            page = self._page_at(what, page["nextRecordsUrl"])
            yield page
        raise Transient(_unreadable(what, "its pages don't end"))

    def _page_at(self, what: str, url: str) -> dict[str, Any]:
        return self.ask(what, lambda client: _page(client.query_more(url, identifier_is_url=True)))

    def _translated(self, error: SalesforceError, what: str, writes: bool) -> Exception:
        """Salesforce's error in our words. Its own text may hold personal data; codes and field names are enough."""
        if isinstance(error, SalesforceAuthenticationFailed):
            return _no_login(error, what)
        codes, names = _codes(error), _names(error)
        if "INVALID_QUERY_LOCATOR" in codes:
            return _LocatorLost()
        said = f"Could not {'write' if writes else 'read'} {what} {'to' if writes else 'from'} Salesforce"
        said += f" ({', '.join([f'HTTP {error.status}', *codes, *names])})"
        if error.status == 404 and not writes:
            return _NotFound(f"{said}. It is not there, or the connector's user may not see it.")
        if QUOTA in codes:
            used = f" ({self.usage[0]} of {self.usage[1]} when last told)" if self.usage else ""
            return Transient(
                f"{said}: the organisation's requests of the last 24 hours are used up{used}. The last known facts "
                "stay; reading goes on by itself when requests are free again. See Setup, Company Information, API "
                "Requests for who uses them."
            )
        if "INVALID_FIELD" in codes or "INVALID_TYPE" in codes:
            missing = " and ".join(names) or "something that mappings/salesforce.yaml names"
            return Terminal(
                f"{said}: {missing} is missing there, or hidden from the connector's user. Nothing was "
                f"{'written' if writes else 'read'}; give the user's permission set the right to see it, or correct "
                "mappings/salesforce.yaml. `connector check` names everything that is missing."
            )
        if "INVALID_SESSION_ID" in codes:
            return Transient(f"{said}: the session is refused although it is new. The next tick logs in again.")
        if error.status >= 500 and writes and not codes:
            return OutcomeUnknown(_unknown(what, f"HTTP {error.status}"))
        if error.status >= 500 or error.status in _PASSING_HTTP or _PASSING_CODES.intersection(codes):
            return Transient(f"{said}. The next tick tries again.")
        if error.status == 403:
            return Terminal(f"{said}: the connector's user may not do this. Give its permission set the right to.")
        return Refusal(f"{said}: the request was refused.", codes[0] if codes else f"HTTP {error.status}")


class Refusal(Terminal):
    """Salesforce refused this one request."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _NotFound(Terminal):
    """Salesforce doesn't have this, or the connector's user may not see it."""


class _LocatorLost(ConnectorError):
    """The rest of a query's pages is lost; it is asked again from the last record read."""


def _page(answer: object) -> dict[str, Any]:
    """A page of a query, if it is one. ValueError otherwise."""
    if not isinstance(answer, dict) or not isinstance(answer.get("totalSize"), int):
        raise ValueError("no page")
    done, records = answer.get("done"), answer.get("records")
    if not isinstance(done, bool) or not (done or isinstance(answer.get("nextRecordsUrl"), str)):
        raise ValueError("no end and no next page")
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise ValueError("no records")
    if not all(isinstance(row.get("Id"), str) and row["Id"] for row in records):
        raise ValueError("a record without an id")
    return answer


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, SalesforceAuthenticationFailed):
        return error.code in _PASSING_HTTP
    if isinstance(error, SalesforceError):
        codes = _codes(error)
        return QUOTA not in codes and (error.status in _PASSING_HTTP or bool(_PASSING_CODES.intersection(codes)))
    # A time-out is not repeated: each attempt would wait as long, and a tick has more to do than to wait for the CRM.
    return isinstance(error, _BROKEN) and not isinstance(error, requests.Timeout)


def _codes(error: SalesforceError) -> list[str]:
    """Salesforce's error codes; nothing else of its answer."""
    content: Any = error.content
    told = content if isinstance(content, list) else []
    codes = [str(one.get("errorCode", "")) for one in told if isinstance(one, dict)]
    return [code for code in codes if re.fullmatch(r"[A-Z_]{3,80}", code)]


def _names(error: SalesforceError) -> list[str]:
    """The fields, objects and relationships that Salesforce's message doesn't know, as it names them."""
    content: Any = error.content
    text = " ".join(
        str(one.get("message", "")) for one in (content if isinstance(content, list) else []) if isinstance(one, dict)
    )
    columns = re.findall(r"No such column '(\w+)' on (?:entity|sobject of type) '?(\w+)", text)
    others = re.findall(r"(?:sObject type|relationship) '(\w+)'", text)
    return [*(f"{object}.{name}" for name, object in columns), *others]


def _no_login(error: SalesforceAuthenticationFailed, what: str) -> ConnectorError:
    code = error.code if isinstance(error.code, int) or re.fullmatch(r"[a-z_]{3,60}", str(error.code)) else "?"
    said = f"Could not log in to Salesforce to look at {what} ({code})"
    if code in _WRONG_CREDENTIALS:
        return Terminal(
            f"{said}: the connected app's credentials were refused. Nothing was read or written; set "
            "`salesforce.domain`, `salesforce.client_id` and the client secret, and see that the app allows the client "
            "credentials flow with a user to run as."
        )
    return Transient(f"{said}. Nothing was read or written; the next tick tries again.")


def _no_answer(what: str, how: str) -> str:
    return f"Could not reach Salesforce to look at {what} ({how}). Nothing was read; the next tick asks again."


def _unreadable(what: str, how: str) -> str:
    return f"Could not read {what} from Salesforce: the answer can't be read ({how}). The next tick asks again."


def _unknown(what: str, how: str) -> str:
    return (
        f"Salesforce's answer about {what} was not read ({how}): it may be written. It is looked up before any retry."
    )


def quoted(value: str | date | Sequence[str]) -> str:
    """A value as SOQL writes it, with what needs it escaped; several as a list in parentheses."""
    return str(format_soql("{}", value))
