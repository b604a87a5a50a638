"""What may stand in a log line, and what must not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from connector.log import Event, Log, configure, redact
from connector.money import Money


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers, root.level = before
    for name in ("netsuite", "zeep", "httpx", "httpcore", "stripe", "dbos", "apscheduler", "urllib3", "sqlalchemy"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(logging.NOTSET)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_event_is_named_like_its_member_and_has_one_sentence() -> None:
    wrong = [
        event
        for event in Event
        if event.value != event.name.lower() or not event.sentence.endswith(".") or "\n" in event.sentence
    ]

    assert [] == wrong


def test_a_line_holds_the_event_the_bound_ids_and_the_figures(stream: io.StringIO) -> None:
    configure(stream=stream)
    Log(tick_id=812).bind(invoice="INV-1").info(
        Event.PAYMENT_MATCHED, payment="ch_1", amount=Money(100000, "USD"), received_on=date(2026, 1, 2)
    )

    [line] = lines(stream)
    assert {
        "event": "payment_matched",
        "level": "info",
        "logger": "connector",
        "tick_id": 812,
        "invoice": "INV-1",
        "payment": "ch_1",
        "amount": "1,000.00 USD",
        "received_on": "2026-01-02",
    } == {key: value for key, value in line.items() if key != "timestamp"}
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("key sk_test_abc123 used", "key [secret] used"),
        ("rk_live_9 and whsec_zz", "[secret] and [secret]"),
        ("Authorization: Bearer abc.def", "Authorization: [secret]"),
        ("mail to jo.doe+x@pay.example refused", "mail to ***@pay.example refused"),
        ("no address: @ or a@b", "no address: @ or a@b"),
        ("plain INV-1 of 1,000.00 USD", "plain INV-1 of 1,000.00 USD"),
    ],
)
def test_credentials_and_addresses_are_redacted(given: str, expected: str) -> None:
    assert expected == redact(given)


def test_a_secret_is_hidden_by_its_field_its_type_and_its_value(stream: io.StringIO) -> None:
    configure(stream=stream, secrets=["correct horse"])
    Log().warning(
        Event.SOURCE_UNAVAILABLE,
        consumer_key="abc",
        given=SecretStr("def"),
        answer="we got correct horse from you",
        nested={"api_key": "ghi", "to": ["jo@shop.example"]},
    )

    [line] = lines(stream)
    assert "[secret]" == line["given"]
    assert "we got [secret] from you" == line["answer"]
    assert {"api_key": "[secret]", "to": ["***@shop.example"]} == line["nested"]
    assert "[secret]" == line["consumer_key"]


def test_a_message_id_stays_readable(stream: io.StringIO) -> None:
    configure(stream=stream)
    Log().info(Event.REMINDER_SENT, message_id="<arc-demo-1@mail.example>")

    assert "<arc-demo-1@mail.example>" == lines(stream)[0]["message_id"]


def test_a_traceback_is_redacted_too(stream: io.StringIO) -> None:
    configure(stream=stream)
    try:
        raise ValueError("sk_live_secret of jo@shop.example")
    except ValueError:
        Log().error(Event.TICK_FAILED, exc_info=True)

    text = stream.getvalue()
    assert "ValueError" in text
    assert "sk_live" not in text
    assert "jo@" not in text


def test_libraries_say_only_warnings_and_once(stream: io.StringIO) -> None:
    configure(stream=stream)
    for name in ("zeep.transports", "netsuite", "dbos", "stripe", "httpx"):
        logging.getLogger(name).info("request with everything in it")
        logging.getLogger(name).warning("slow: %s", "jo@shop.example")

    assert ["slow: ***@shop.example"] * 5 == [line["event"] for line in lines(stream)]


def test_even_with_debug_a_library_never_shows_whole_requests(stream: io.StringIO) -> None:
    configure(stream=stream, level=logging.DEBUG)
    logging.getLogger("zeep.transports").debug("<soap:Envelope>")
    Log().debug(Event.TICK_FINISHED, tick_id=1)

    assert ["tick_finished"] == [line["event"] for line in lines(stream)]


def test_the_console_form_is_for_people(stream: io.StringIO) -> None:
    configure(as_json=False, stream=stream)
    Log().info(Event.REMINDER_CANCELLED, invoice="INV-1", reason="paid")

    assert "reminder_cancelled" in stream.getvalue()
    assert "invoice=INV-1" in stream.getvalue()
