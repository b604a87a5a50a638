"""Two daemons on one PostgreSQL store: one works, the other stands by and takes over when the first is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox.plan import Part
from tests.acceptance.commands import bill, until
from tests.acceptance.test_daemon import Daemon
from tests.harness import Desk, desk


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, now=None, store="postgresql") as made:
        made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(made, "Northfield Robotics", "INV-101", "1000.00")
        yield made


def pair(at: Desk) -> tuple[Daemon, Daemon]:
    """A daemon at work and one that stands by."""
    first = Daemon.start(at)
    until(lambda: first.events("tick_finished") or first.process.poll() is not None)
    at.folder = at.folder / "second"
    at.folder.mkdir()
    second = Daemon.start(at)
    until(lambda: second.events("standing_by") or second.process.poll() is not None)
    return first, second


def test_one_that_stands_by_does_nothing_and_takes_over_when_the_first_is_killed(at: Desk) -> None:
    first, second = pair(at)
    try:
        first.lives_through(2)
        idle = (len(second.events("standing_by")), second.events("daemon_started"), second.events("tick_finished"))
        first.process.kill()
        first.process.wait()
        at.world.pay("Northfield Robotics", "1000.00", pays=[Part("INV-101", "1000.00")], description="INV-101")
        until(lambda: "0.00" == at.balance("INV-101"))
    finally:
        first.stop()
        code = second.stop()

    assert (1, [], []) == idle
    assert 0 == code, second.said()[-2000:]


def test_one_that_stands_by_ends_in_good_order(at: Desk) -> None:
    first, second = pair(at)
    try:
        assert 0 == second.stop(), second.said()[-2000:]
    finally:
        first.stop()


def test_a_daemon_that_lost_its_role_ends_and_the_other_goes_on(at: Desk) -> None:
    first, second = pair(at)
    try:
        with psycopg.connect(at.store_at, autocommit=True) as connection:
            of_first = f"application_name LIKE 'connector process {first.process.pid} %'"
            holds = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND granted"
            ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_first} AND pid IN ({holds})"
            connection.execute(ended)
        until(lambda: first.process.poll() is not None)
        at.world.pay("Northfield Robotics", "1000.00", pays=[Part("INV-101", "1000.00")], description="INV-101")
        until(lambda: "0.00" == at.balance("INV-101"))
    finally:
        first.stop()
        second.stop()

    assert 1 == len(first.events("role_lost"))
    assert 1 == len([payment for payment in at.truth()["payments"] if payment["external_id"].startswith("arc-")])
