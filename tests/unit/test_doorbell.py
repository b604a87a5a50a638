"""The doorbell: who may ring, what a ring does, and that a stranger can neither ring nor fill the disk."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import requests
import stripe
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connector import log
from connector.adapters.stripe_webhooks import HEADER, REPLAY_WINDOW, is_genuine
from connector.doorbell import BODY_BYTES_MAX, Bell, Doorbell

SECRET = "whsec_unit"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BODY = json.dumps({"id": "evt_1", "type": "charge.succeeded", "livemode": False, "data": {"object": {}}}).encode()
WITHIN = 10.0  # seconds; the machine may be busy
PAUSE = 0.05


def signed(body: bytes = BODY, at: datetime = NOW, secret: str = SECRET) -> str:
    """As Stripe signs."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp())))


# ---- whose is it, and of when? ----


def test_what_stripe_signed_just_now_is_genuine() -> None:
    assert is_genuine(BODY, signed(), SECRET, NOW)


def test_while_a_secret_is_rolled_either_signature_will_do() -> None:
    old, new = signed(secret="whsec_old"), signed()

    assert is_genuine(BODY, f"{old},v1={new.partition('v1=')[2]}", SECRET, NOW)


@pytest.mark.parametrize("sign", [1, -1], ids=["from the future", "replayed"])
def test_what_was_signed_outside_of_the_window_is_not_taken(sign: int) -> None:
    edge, beyond = NOW + sign * REPLAY_WINDOW, NOW + sign * (REPLAY_WINDOW + timedelta(seconds=1))

    assert is_genuine(BODY, signed(at=edge), SECRET, NOW)
    assert not is_genuine(BODY, signed(at=beyond), SECRET, NOW)


GIVEN = signed()
MARK = GIVEN.partition("v1=")[2]


@pytest.mark.parametrize(
    ("body", "signature", "secret"),
    [
        (BODY, "", SECRET),
        (BODY, signed(secret="whsec_other"), SECRET),
        (BODY + b" ", GIVEN, SECRET),
        (b"", GIVEN, SECRET),
        (b"\xff\xfe", GIVEN, SECRET),
        (BODY, f"v1={MARK}", SECRET),
        (BODY, GIVEN.replace("v1=", "v0="), SECRET),
        (BODY, f"{GIVEN},t={int(NOW.timestamp())}", SECRET),
        (BODY, f"t={int((NOW - timedelta(days=1)).timestamp())},{GIVEN}", SECRET),
        (BODY, f"t=99999999999999999999,v1={MARK}", SECRET),
        (BODY, f"t=99999999999,v1={MARK}", SECRET),
        (BODY, f"t=-1,v1={MARK}", SECRET),
        (BODY, f"t={int(NOW.timestamp())},v1=\xe4\xf6", SECRET),
        (BODY, signed(secret=" "), " "),
        (BODY, signed(), ""),
    ],
)
def test_nothing_else_is(body: bytes, signature: str, secret: str) -> None:
    assert not is_genuine(body, signature, secret, NOW)


@given(st.binary(max_size=200), st.text(max_size=120) | st.from_regex(r"t=\d{1,30},v1=.{0,80}"))
def test_no_request_however_odd_is_genuine_or_breaks_the_question(body: bytes, signature: str) -> None:
    assert not is_genuine(body, signature, SECRET, NOW)


# ---- what a ring does ----


class House:
    """A doorbell with its passes: how many began, and a way to hold one up."""

    def __init__(self, bell: Doorbell) -> None:
        self.bell, self.passes = bell, 0
        self.going_on = threading.Event()
        self.going_on.set()

    def work(self) -> None:
        self.passes += 1
        self.going_on.wait(WITHIN)

    def ring(self, body: bytes = BODY, signature: str | None = None, path: str = "/webhooks/stripe") -> int:
        headers = {HEADER: signed(body) if signature is None else signature}
        return requests.post(f"{self.url}{path}", data=body, headers=headers, timeout=WITHIN).status_code

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.bell.port}"

    def has_begun(self, passes: int) -> bool:
        end = time.monotonic() + WITHIN
        while self.passes < passes and time.monotonic() < end:
            time.sleep(0.005)
        return self.passes == passes


@contextmanager
def living(port: int = 0) -> Iterator[House]:
    bells = (Bell("/webhooks/stripe", lambda body, headers: is_genuine(body, headers.get(HEADER, ""), SECRET, NOW)),)
    house = House(Doorbell("127.0.0.1", port, bells, log.Log(), pause_seconds=PAUSE))
    with house.bell.open(house.work):
        yield house
        house.going_on.set()


@pytest.fixture
def house() -> Iterator[House]:
    with living() as house:
        yield house


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(stream=stream)
    yield stream
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_ring_makes_one_pass(house: House) -> None:
    assert 204 == house.ring()
    assert house.has_begun(1)


def test_many_rings_and_repeated_ones_make_two_passes_at_most(house: House) -> None:
    house.going_on.clear()
    assert 204 == house.ring()
    assert house.has_begun(1)

    assert {204} == {house.ring() for _ in range(20)}
    assert 1 == house.passes
    house.going_on.set()

    assert house.has_begun(2)
    time.sleep(4 * PAUSE)
    assert 2 == house.passes


@pytest.mark.parametrize(
    ("body", "signature", "path", "code"),
    [
        (BODY, "", "/webhooks/stripe", 400),
        (BODY, signed(at=NOW - timedelta(hours=1)), "/webhooks/stripe", 400),
        (BODY, signed(secret="whsec_guessed"), "/webhooks/stripe", 400),
        (b"x" * (BODY_BYTES_MAX + 1), None, "/webhooks/stripe", 413),
        (BODY, None, "/webhooks/other", 404),
        (BODY, None, "/", 404),
    ],
)
def test_whoever_is_not_believed_makes_no_pass(
    house: House, body: bytes, signature: str | None, path: str, code: int
) -> None:
    assert code == house.ring(body, signature, path)
    time.sleep(4 * PAUSE)
    assert 0 == house.passes


def test_only_posts_ring(house: House) -> None:
    assert 405 == requests.get(f"{house.url}/webhooks/stripe", timeout=WITHIN).status_code
    assert 0 == house.passes


def test_a_body_without_end_is_cut_off(house: House) -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 1024 + 4096):
            yield b"x" * 1024

    try:
        answer = requests.post(f"{house.url}/webhooks/stripe", data=drops(), timeout=WITHIN)
    except requests.ConnectionError:
        pass  # cut off while it was still sending
    else:
        assert 413 == answer.status_code
    assert 204 == house.ring()
    assert house.has_begun(1)


def test_what_is_no_http_is_turned_away_and_the_bell_goes_on(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.bell.port), WITHIN) as line:
        line.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n" + b"A" * 100_000)
        line.settimeout(WITHIN)
        assert line.recv(100)[9:12] in (b"400", b"")
    assert 204 == house.ring()
    assert house.has_begun(1)


def test_nothing_of_a_request_is_told_and_fifty_of_them_are_one_line(said: io.StringIO) -> None:
    with living() as house:
        for number in range(50):
            house.ring(f"secret words of a customer {number}".encode(), "t=1,v1=forged")

    told = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [("webhook_turned_away", 400)] == [
        (line["event"], line["code"]) for line in told if line["event"] == "webhook_turned_away"
    ]
    assert "secret words" not in said.getvalue() and "forged" not in said.getvalue()


def test_where_it_can_not_listen_the_daemon_works_on(said: io.StringIO) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, living(taken.getsockname()[1]) as house:
        assert 0 == house.passes

    assert "doorbell_silent" in said.getvalue()


def test_once_it_is_left_nobody_can_ring() -> None:
    with living() as house:
        url = house.url
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/webhooks/stripe", data=BODY, timeout=WITHIN)
