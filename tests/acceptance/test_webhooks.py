"""A webhook closes the loop in seconds where the next pass was an hour away; a forged one does nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
import requests
import stripe

from sandbox.plan import Part
from tests.acceptance.commands import assert_discreet, bill, until
from tests.acceptance.test_daemon import Daemon
from tests.harness import Desk, desk

SECRET = "whsec_of_the_endpoint"
# A body is never a fact: this one speaks of money that nobody gave.
BODY = json.dumps({"id": "evt_x", "type": "charge.succeeded", "data": {"object": {"id": "ch_x", "amount": 99}}})


@pytest.fixture
def daemon(at: Desk) -> Iterator[Daemon]:
    made = Daemon.start(at)
    try:
        until(lambda: made.events("tick_finished") or made.process.poll() is not None)
        yield made
    finally:
        made.stop()


@pytest.fixture
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with desk(tmp_path_factory.mktemp("webhooks"), now=None) as at:
        at.environ |= {
            "CONNECTOR_TIMINGS_TICK_SECONDS": "3600",
            "CONNECTOR_WEBHOOKS_PORT": str(port),
            "CONNECTOR_WEBHOOKS_STRIPE_SECRET": SECRET,
        }
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "Northfield Robotics", "INV-101", "1000.00", due_in=20)
        yield at


def ring(at: Desk, secret: str = SECRET) -> int:
    url = f"http://127.0.0.1:{at.environ['CONNECTOR_WEBHOOKS_PORT']}/webhooks/stripe"
    signature = stripe.WebhookSignature.generate_signature_header(BODY, secret, int(time.time()))
    return requests.post(url, data=BODY, headers={"Stripe-Signature": signature}, timeout=10).status_code


def test_a_ring_closes_the_loop_and_a_forged_one_does_nothing(at: Desk, daemon: Daemon) -> None:
    at.world.pay("Northfield Robotics", "1000.00", pays=[Part("INV-101", "1000.00")], description="INV-101")

    assert 400 == ring(at, "whsec_guessed")
    assert [1, "1000.00"] == [len(daemon.events("tick_finished")), at.balance("INV-101")]

    assert {204} == {ring(at) for _ in range(3)}
    until(lambda: "0.00" == at.balance("INV-101"))
    assert 0 == daemon.stop()
    assert 2 <= len(daemon.events("tick_finished")) <= 4
    assert 1 == len(daemon.events("act_closed"))
    assert_discreet(at, daemon.said())
    assert SECRET not in daemon.said() and "ch_x" not in daemon.said()
