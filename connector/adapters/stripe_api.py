"""Requests to Stripe: bounded, repeated where that helps, and their errors said in our words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import requests
import stripe
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from connector.adapters import door
from connector.errors import ConnectorError, Terminal, Transient

PAGES_MAX = 1000
PAGE_ATTEMPTS_MAX = 3
RATE_LIMIT_ATTEMPTS_MAX = 5

# Of Stripe's codes, parameters and request ids; nothing else of an error is told.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]]{0,79}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How to reach Stripe. `livemode` is what this installation is meant for; the key must agree."""

    api_key: SecretStr
    cutover_on: date  # money received before this day is somebody else's: never posted
    livemode: bool = False
    base_url: str = ""  # empty: Stripe itself
    timeout_seconds: float = 30.0


class Misread(Exception):
    """A field of one object was not understood; the object is parked. `customer_id`: whose money it may be."""

    def __init__(self, where: str, reason: str, customer_id: str = "") -> None:
        super().__init__(f"{where}: {reason}")
        self.field, self.reason, self.customer_id = where, reason, customer_id


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, newest first, and the headers that they came with."""

    rows: list[dict[str, Any]]
    has_more: bool
    headers: Mapping[str, str]


class StripeApi:
    """One key's client. Everything here reads, so anything may be asked twice.

    The SDK repeats what broke on the way, 409 and 5xx; it does not repeat 429 (tried with 16.1.0): that is done here.
    """

    def __init__(self, settings: StripeSettings, sleep: Callable[[float], None]) -> None:
        base = settings.base_url.rstrip("/")
        session = door.alone(requests.Session(), lambda url: door.is_beneath(url, base or stripe.DEFAULT_API_BASE))
        client = stripe.StripeClient(
            settings.api_key.get_secret_value(),
            # All four, so that nothing meant for another world can reach Stripe.
            base_addresses={"api": base, "connect": base, "files": base, "meter_events": base} if base else None,
            stripe_version=stripe.api_version,
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=settings.timeout_seconds, session=session),
        )
        self.v1 = client.v1
        self._sleep = sleep

    def ask(self, what: str, call: Callable[[], T]) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type(stripe.RateLimitError),
            wait=wait_random_exponential(multiplier=1, max=20),
            stop=stop_after_attempt(RATE_LIMIT_ATTEMPTS_MAX),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except stripe.StripeError as error:
            raise _translated(error, what) from None
        except (AttributeError, RecursionError, TypeError, ValueError) as error:
            # The SDK falls over its own feet when JSON is not the object that it expects, or too deep to be one.
            raise Transient(_unreadable(what, type(error).__name__)) from None

    def retrieve(self, what: str, call: Callable[..., Any], id: str, params: dict[str, Any] | None = None) -> object:
        """One object by id. One that Stripe does not have is a misread: what named it is parked."""
        return self.one(what, lambda: known(what, call, id)(params or {}))

    def one(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        """The one object that a request answers with."""
        return self.ask(what, lambda: _answer(call()))[0]

    def page(self, what: str, listing: Callable[..., Any], params: dict[str, Any]) -> Page:
        raw, headers = self.ask(what, lambda: _answer(listing(params)))
        rows = raw.get("data")
        if not isinstance(rows, list) or not isinstance(raw.get("has_more"), bool):
            raise Transient(_unreadable(what, "no list"))
        if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
            raise Transient(_unreadable(what, "a row without an id"))
        return Page(rows, raw["has_more"], headers)

    def pages(self, what: str, listing: Callable[..., Any], params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every row of a list, newest first, each id once. Raises when the end was not reached."""
        after, stalls, seen = "", 0, set[str]()
        for _ in range(PAGES_MAX):
            page = self.page(what, listing, {**params, "limit": 100} | ({"starting_after": after} if after else {}))
            ids = [row["id"] for row in page.rows]
            if (after and after in ids) or (page.has_more and not ids):
                # A page that holds the row it should start after is another page: ask again.
                stalls += 1
                if stalls >= PAGE_ATTEMPTS_MAX:
                    raise Transient(_unreadable(what, "the same page again and again"))
                continue
            yield from (row for row in page.rows if row["id"] not in seen)
            seen.update(ids)
            if not page.has_more:
                return
            after = ids[-1]
        raise Terminal(
            f"Could not read {what} from Stripe: there are more than {PAGES_MAX * 100}. Nothing of it was used; set "
            "`stripe.cutover_on` to a later day."
        )


def known(what: str, call: Callable[..., Any], id: str) -> Callable[[dict[str, Any]], Any]:
    """The request about the thing with this id. One that Stripe does not have is a misread."""

    def ask(params: dict[str, Any]) -> Any:
        try:
            return call(id, params)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing" and error.param != "starting_after":
                raise Misread("id", f"Stripe has no {what} {id}") from None
            raise

    return ask


def _answer(answered: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Body and headers, the body from its own text: the SDK makes floats of a rate, here it keeps its digits."""
    response = answered.last_response
    body = json.loads(response.body, parse_float=Decimal, parse_constant=_refused)
    if not isinstance(body, dict):
        raise TypeError("an object was expected")
    return body, response.headers


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _unreadable(what: str, how: str) -> str:
    return f"Could not read {what} from Stripe: the answer can't be read ({how}). The next tick asks again."


def _translated(error: stripe.StripeError, what: str) -> ConnectorError:
    """Stripe's error in our words. Its own text may hold personal data; class, code and request id are enough."""
    bits = [type(error).__name__, f"HTTP {error.http_status}" if error.http_status else "no answer"]
    told = (error.code, getattr(error, "param", None), error.request_id)
    bits += [bit for bit in told if isinstance(bit, str) and _NAME.fullmatch(bit)]
    said = f"Could not read {what} from Stripe ({', '.join(bits)})"
    if isinstance(error, stripe.AuthenticationError):
        return Terminal(f"{said}: the key was refused. Nothing was read; set a valid restricted key.")
    if isinstance(error, stripe.PermissionError):
        named = re.search(r"\brak_\w+", str(error.user_message or ""))
        right = f" ({named[0]})" if named else ""
        return Terminal(
            f"{said}: the key may not read this. Nothing was read; give the restricted key read access to "
            f"{what}{right} in Stripe's dashboard under Developers, API keys."
        )
    if isinstance(error, stripe.RateLimitError):
        return Transient(f"{said}: too many requests, {RATE_LIMIT_ATTEMPTS_MAX} attempts made. The next tick goes on.")
    status = error.http_status or 0
    if isinstance(error, stripe.APIConnectionError | stripe.APIError) or status >= 500 or status == 409:
        return Transient(f"{said}. Nothing was read; the next tick asks again.")
    return Terminal(f"{said}: the request was refused. Nothing was read; this needs a person.")
