"""Faults: which request gets one, and what it does to a real connection."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import stripe

from sandbox.faults import KINDS, Faults, Rule


def _taken(faults: Faults, operation: str, count: int) -> list[str | None]:
    found = [faults.take("stripe", operation) for _ in range(count)]
    return [rule.kind if rule is not None else None for rule in found]


def test_without_rules_nothing_goes_wrong() -> None:
    assert [None] * 5 == _taken(Faults(), "charges.list", 5)


@pytest.mark.parametrize(
    ("nth", "times", "expected"),
    [
        (1, 1, [1, 0, 0, 0]),
        (2, 1, [0, 1, 0, 0]),
        (2, 2, [0, 1, 1, 0]),
        (1, 9, [1, 1, 1, 1]),
        (5, 1, [0, 0, 0, 0]),
    ],
)
def test_a_rule_fires_from_the_nth_request_on_so_many_times(nth: int, times: int, expected: list[int]) -> None:
    faults = Faults()
    faults.install(Rule("stripe", "server_error", "charges.list", nth=nth, times=times))

    assert expected == [int(kind is not None) for kind in _taken(faults, "charges.list", 4)]


def test_requests_are_counted_from_the_installation_of_the_rule() -> None:
    faults = Faults()
    _taken(faults, "charges.list", 3)
    faults.install(Rule("stripe", "server_error", nth=2))

    assert [None, "server_error"] == _taken(faults, "charges.list", 2)


def test_a_rule_touches_only_its_service_and_operation() -> None:
    faults = Faults()
    faults.install(Rule("netsuite", "server_error", "addList"))

    assert [None] == _taken(faults, "addList", 1)
    assert faults.take("netsuite", "search") is None
    assert faults.take("netsuite", "addList") is not None


def test_the_rule_installed_first_wins_and_the_next_one_follows() -> None:
    faults = Faults()
    faults.install(Rule("stripe", "server_error"))
    faults.install(Rule("stripe", "too_many"))

    assert ["server_error", "too_many", None] == _taken(faults, "charges.list", 3)


def test_what_fired_stays_on_record_after_the_rules_are_cleared() -> None:
    faults = Faults()
    faults.install(Rule("stripe", "server_error", times=5))
    _taken(faults, "charges.list", 2)
    faults.clear()

    assert [None] == _taken(faults, "charges.list", 1)
    assert [("charges.list", 1), ("charges.list", 2)] == [(one.operation, one.request) for one in faults.fired()]


def test_random_faults_of_one_seed_do_not_depend_on_the_order_of_the_operations() -> None:
    one, other = Faults.random(7, 0.3, KINDS), Faults.random(7, 0.3, KINDS)
    lists = _taken(one, "charges.list", 50)
    events = _taken(one, "events.list", 50)
    mixed = [(_taken(other, "events.list", 1)[0], _taken(other, "charges.list", 1)[0]) for _ in range(50)]

    assert (events, lists) == ([event for event, _ in mixed], [charge for _, charge in mixed])
    assert 5 < sum(kind is not None for kind in lists) < 30


def test_a_random_fault_is_one_that_the_service_can_carry_out() -> None:
    faults = Faults.random(7, 1.0, ("period_closed", "server_error"))

    drawn = [faults.take("stripe", "charges.list", ("server_error", "too_many")) for _ in range(20)]

    assert {"server_error"} == {rule.kind for rule in drawn if rule is not None}


@pytest.mark.parametrize(
    "wrong", [{"service": "bank"}, {"kind": "sabotage"}, {"nth": 0}, {"times": 0}, {"seconds": -1.0}]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Rule(**({"service": "stripe", "kind": "server_error"} | wrong))


# -- on the wire, with Stripe as the service ------------------------------------------------------------


def test_too_many_is_a_rate_limit_error(site: Any) -> None:
    site.faults.install(Rule("stripe", "too_many", "charges.list"))

    with pytest.raises(stripe.RateLimitError) as refused:
        site.client.v1.charges.list()

    assert "rate_limit" == refused.value.json_body["error"]["code"]
    assert [] == site.client.v1.charges.list().data


def test_a_server_error_is_an_api_error(site: Any) -> None:
    site.faults.install(Rule("stripe", "server_error"))

    with pytest.raises(stripe.APIError) as refused:
        site.client.v1.charges.list()

    assert 500 == refused.value.http_status


def test_the_maintenance_page_is_html(site: Any) -> None:
    site.faults.install(Rule("stripe", "maintenance"))

    with pytest.raises(stripe.APIError) as refused:
        site.client.v1.charges.list()

    assert 503 == refused.value.http_status
    assert "<html>" in refused.value.http_body


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "drop_before", "drop_after", "cut_after"])
def test_a_broken_connection_is_a_connection_error(site: Any, kind: Any) -> None:
    site.faults.install(Rule("stripe", kind))
    began = time.monotonic()

    with pytest.raises(stripe.APIConnectionError):
        site.client_with("rk_test_sandbox", timeout=0.3).v1.charges.list()

    assert time.monotonic() - began < 2
    assert [] == site.client.v1.charges.list().data


def test_garbage_after_commit_can_not_be_read(site: Any) -> None:
    site.faults.install(Rule("stripe", "unreadable_after"))

    with pytest.raises(stripe.APIError, match="Invalid response body"):
        site.client.v1.charges.list()


@contextmanager
def _asked(site: Any, kind: Any, seconds: float = 30.0) -> Iterator[http.client.HTTPConnection]:
    site.faults.install(Rule("stripe", kind, seconds=seconds))
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.request("GET", "/stripe/v1/charges", headers={"Authorization": "Bearer rk_test_sandbox"})
        yield connection


def test_a_cut_answer_promises_more_than_it_delivers(site: Any) -> None:
    with (
        _asked(site, "cut_after") as connection,
        connection.getresponse() as response,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        response.read()

    assert (200, b'{"object": "list"') == (response.status, cut.value.partial[:17])


@pytest.mark.parametrize(("kind", "at_least"), [("drop_before", 0.0), ("drop_after", 0.0), ("timeout_after", 0.2)])
def test_a_dropped_connection_closes_without_a_byte(site: Any, kind: Any, at_least: float) -> None:
    began = time.monotonic()

    with _asked(site, kind, seconds=0.2) as connection, pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()

    assert at_least <= time.monotonic() - began < 2


def test_more_requests_in_flight_than_allowed_are_too_many(site: Any) -> None:
    site.stripe.concurrency = 2
    site.faults.install(Rule("stripe", "timeout_before", times=2, seconds=0.5))

    def waiting() -> None:
        with pytest.raises(stripe.APIConnectionError):
            site.client_with("rk_test_sandbox").v1.charges.list()

    threads = [threading.Thread(target=waiting) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(site.faults.fired()) < 2:
        time.sleep(0.005)

    with pytest.raises(stripe.RateLimitError):
        site.client.v1.charges.list()
    for thread in threads:
        thread.join()
    assert [] == site.client.v1.charges.list().data


def test_a_duplicate_page_comes_twice(site: Any) -> None:
    made = [site.stripe.ledger.add_customer(f"Firm {n}", "") for n in range(4)][::-1]
    site.faults.install(Rule("stripe", "duplicate_page", "customers.list", nth=2))

    found = [row.id for row in site.client.v1.customers.list({"limit": 2}).auto_paging_iter()]

    assert made[:2] + made[:2] + made[2:] == found


def test_a_late_page_lacks_the_newest_until_the_next_request(site: Any) -> None:
    made = [site.stripe.ledger.add_customer(f"Firm {n}", "") for n in range(3)][::-1]
    site.faults.install(Rule("stripe", "late_page", "customers.list"))

    pages = [[row.id for row in site.client.v1.customers.list().data] for _ in range(2)]

    assert [made[1:], made] == pages
