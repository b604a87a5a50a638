"""What the tests of Intacct's wire share: settings, a gateway without waits, and answers as Intacct words them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

import requests
import responses
from lxml import etree
from pydantic import SecretStr

from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.settings import Facts, IntacctMapping, IntacctSettings

URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
NODE = "https://na12.intacct.com/ia/xml/xmlgw.phtml"
SENDER_PASSWORD, USER_PASSWORD, SESSION = "sender-secret-1", "user-secret-2", "session-secret-3"
ROLLED_BACK = "XL03000009"


def settings(**changes: object) -> IntacctSettings:
    given = IntacctSettings(
        sender_id="acme-sender",
        sender_password=SecretStr(SENDER_PASSWORD),
        company="acme-co",
        user="arc",
        user_password=SecretStr(USER_PASSWORD),
        livemode=False,
        read_seconds=5,
        write_seconds=5,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def mapping(**parts: object) -> IntacctMapping:
    return IntacctMapping(account_time_zone="UTC").model_copy(update=parts)


def facts(**changes: object) -> IntacctMapping:
    return mapping(facts=Facts().model_copy(update=changes))


def gateway(
    monotonic: Callable[[], float] = lambda: 0.0, names: IntacctMapping | None = None, **changes: object
) -> Gateway:
    """A gateway that never waits."""
    return Gateway(settings(**changes), names or mapping(), sleep=lambda _: None, monotonic=monotonic)


def only_our_answers() -> Iterator[None]:
    """For a fixture: answers come from `answers` and `signs_in` alone; nothing else can be reached."""
    with responses.mock:
        yield
    responses.mock.reset()


# ---- answers ----


def error(number: str, text: str, error_id: str = "") -> str:
    told = f"<additionalinfo><errorid>{error_id}</errorid></additionalinfo>" if error_id else ""
    return f"<error><errorno>{number}</errorno><description/><description2>{escape(text)}</description2>{told}</error>"


def control(status: str = "success", mark: str = "") -> str:
    return (
        f"<control><status>{status}</status><senderid>acme-sender</senderid><controlid>{mark}</controlid>"
        "<uniqueid>false</uniqueid><dtdversion>3.0</dtdversion></control>"
    )


def signed_in(status: str = "success", company: str = "acme-co", hours: int = 8) -> str:
    return (
        f"<authentication><status>{status}</status><userid>arc</userid><companyid>{company}</companyid><locationid/>"
        "<sessiontimestamp>2026-11-23T12:00:00-08:00</sessiontimestamp>"
        f"<sessiontimeout>2026-11-23T{12 + hours:02d}:00:00-08:00</sessiontimeout></authentication>"
    )


def answer(*results: str, hours: int = 8, said: str = "") -> str:
    """A whole answer; `said`: errors that stand under the operation itself."""
    message = f"<errormessage>{said}</errormessage>" if said else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<response>'
        f"{control()}<operation>{signed_in(hours=hours)}{''.join(results)}{message}</operation></response>"
    )


def refused_request(said: str) -> str:
    return f"<response>{control('failure')}<errormessage>{said}</errormessage></response>"


def refused_login(said: str) -> str:
    message = f"<errormessage>{said}</errormessage>"
    return f"<response>{control()}<operation>{signed_in('failure')}{message}</operation></response>"


def result(status: str, function: str, control_id: str, inside: str = "") -> str:
    return (
        f"<result><status>{status}</status><function>{function}</function><controlid>{control_id}</controlid>"
        f"{inside}</result>"
    )


def failed(function: str, control_id: str, *errors: str, status: str = "failure") -> str:
    return result(status, function, control_id, f"<errormessage>{''.join(errors)}</errormessage>" if errors else "")


def made(function: str, control_id: str, *keys: str, name: str = "arpymt") -> str:
    inside = "".join(f"<{name}><RECORDNO>{key}</RECORDNO></{name}>" for key in keys)
    return result("success", function, control_id, f'<data listtype="objects" count="{len(keys)}">{inside}</data>')


def session(endpoint: str = NODE, entity: str = "", session_id: str = SESSION, hours: int = 8) -> str:
    api = (
        f"<data><api><sessionid>{session_id}</sessionid><endpoint>{endpoint}</endpoint>"
        f"<locationid>{entity}</locationid></api></data>"
    )
    return answer(result("success", "getAPISession", "sign-in", api), hours=hours)


def page(object_name: str, rows: Iterable[str], total: int | None = None, offset: int = 0) -> str:
    """One page of a query; `rows` are the insides of its records."""
    listed = list(rows)
    total = offset + len(listed) if total is None else total
    left = total - offset - len(listed)
    inside = "".join(f"<{object_name}>{row}</{object_name}>" for row in listed)
    return answer(
        result(
            "success",
            "query",
            "query",
            f'<data listtype="{object_name}" totalcount="{total}" offset="{offset}" count="{len(listed)}" '
            f'numremaining="{left}">{inside}</data>',
        )
    )


# ---- what was sent ----


def answers(*bodies: str | tuple[int, str] | Exception, url: str = NODE) -> None:
    """These answers in this order at the session's endpoint."""
    for body in bodies:
        if isinstance(body, Exception):
            responses.add(responses.POST, url, body=body)
        else:
            status, text = body if isinstance(body, tuple) else (200, body)
            responses.add(responses.POST, url, body=text.encode(), status=status, content_type="application/xml")


def signs_in(**told: Any) -> None:
    responses.add(responses.POST, URL, body=session(**told).encode())


def sent(index: int) -> etree._Element:
    """The request of this number as XML, -1 is the last."""
    return etree.fromstring(body_of(index))


def body_of(index: int) -> bytes:
    request: requests.PreparedRequest = responses.calls[index].request  # type: ignore[union-attr]
    assert isinstance(request.body, bytes)
    return request.body


def urls() -> list[str | None]:
    return [call.request.url for call in responses.calls]
