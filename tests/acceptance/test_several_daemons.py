"""Two to four daemons on one PostgreSQL store, real processes: one works, the others stand by.

Killed, frozen, cut off from the store, or the store itself gone in the midst of an act: another goes on, and nothing is
done twice.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import select

from connector.store import closing, tables
from sandbox.plan import Part
from tests import postgres
from tests.acceptance.commands import bill, until
from tests.acceptance.test_daemon import ENDS_WITHIN, Daemon
from tests.harness import Desk, change_mapping, desk, erp_mapping, sandbox

# What the README promises, in seconds: after a kill, and after a host vanished or a process froze.
AFTER_A_KILL, AFTER_SILENCE = 5.0, 30.0
_WAITS = 25.0  # of the latter it only waits for a sign of life, however busy the machine
_LONG = pytest.mark.long


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, now=None, store="postgresql") as made:
        _set_up(made)
        yield made


@contextlib.contextmanager
def on_a_server_of_its_own(folder: Path) -> Iterator[tuple[Desk, postgres.Server]]:
    with postgres.server_of_its_own() as server, sandbox(None) as served:
        made = Desk(served, folder, None, server.url("postgres"))
        _set_up(made)
        yield made, server
        made.close()


def _set_up(at: Desk) -> None:
    at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
    at.world.add_customer("Sandbar Analytics", "ap@sandbar.example", 30)
    if at.world.erp_name == "intacct":
        # Its clock is the real one: nobody waits until what might still be carried out late surely isn't any more.
        change_mapping(erp_mapping(at.served, at.folder), {"facts": {"answers_within_minutes": 0}})


@contextlib.contextmanager
def workers(at: Desk, first: dict[str, str] | None = None, others: int = 1) -> Iterator[list[Daemon]]:
    """One at work, started with these settings of its own, and others that stand by; they end with the block."""
    started = [Daemon.start(at, name="first-", **(first or {}))]
    try:
        until(lambda: started[0].events("daemon_started") or started[0].process.poll() is not None)
        started += [Daemon.start(at, name=f"other{number}-") for number in range(others)]
        until(lambda: all(one.events("standing_by") or one.process.poll() is not None for one in started[1:]))
        yield started
    finally:
        for one in started:
            if one.process.poll() is None:
                one.process.kill()
            one.process.wait(ENDS_WITHIN)


def slowed(seconds: float) -> float:
    """What takes so long on an idle machine: here and now, where more may want to run than there are cores."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def pay(at: Desk, number: str = "INV-101", amount: str = "1000.00") -> None:
    bill(at, "Northfield Robotics", number, amount)
    at.world.pay("Northfield Robotics", amount, pays=[Part(number, amount)], description=number)


def finished(at: Desk, number: str = "INV-101") -> bool:
    if at.balance(number) != "0.00":
        return False
    with at.opened_store() as store, store.read() as tx:
        return not list(closing.acts(tx, closing.UNFINISHED))


def assert_paid_once(at: Desk, *numbers: str) -> None:
    truth = at.truth()
    named = {invoice["id"]: invoice["number"] for invoice in truth["invoices"]}
    applied = [named[part["invoice"]] for payment in truth["payments"] for part in payment["applications"]]
    assert sorted(numbers) == sorted(applied)
    assert ["0.00"] * len(numbers) == [at.balance(number) for number in numbers]
    assert [] == [number for number in numbers if at.mails_about(number)]


def is_frozen(one: Daemon) -> bool:
    return Path(f"/proc/{one.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def ends_as_not_the_daemon(one: Daemon) -> None:
    """It says that it lost its role, and ends with the exit code for that."""
    assert 4 == one.process.wait(ENDS_WITHIN), one.said()[-3000:]
    assert 1 == len(one.events("role_lost"))


def lose_role(at: Desk, one: Daemon) -> None:
    """The server ends the session that holds the role, as a failover does; the process knows nothing of it."""
    holds = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND granted"
    named = f"application_name LIKE 'connector process {one.process.pid} %'"
    with psycopg.connect(at.store_at, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {named} AND pid IN ({holds})")


def first_reminder(at: Desk, number: str) -> str:
    """What became of the reminder a week before an invoice is due."""
    with at.opened_store() as store, store.read() as tx:
        of = select(tables.reminder.c.state).join(tables.invoice, tables.invoice.c.id == tables.reminder.c.invoice_id)
        return str(tx.execute(of.where(tables.invoice.c.number == number, tables.reminder.c.step == "-7")).scalar())


# ---- killed ----


@pytest.mark.parametrize(
    ("point", "others"),
    [
        ("act.answered", 2),
        pytest.param("match.committed", 1, marks=_LONG),
        pytest.param("act.attempted", 3, marks=_LONG),
        pytest.param("act.read_back", 1, marks=_LONG),
    ],
)
def test_a_killed_workers_act_is_finished_by_another_within_five_seconds(at: Desk, point: str, others: int) -> None:
    with workers(at, {"KILL_AT": point}, others) as [first, *rest]:
        first.lives_through(1)
        busy = [one for one in rest if one.events("daemon_started") or one.events("tick_finished")]
        pay(at)
        until(lambda: first.process.poll() is not None)
        killed = time.monotonic()
        until(lambda: finished(at))
        took = time.monotonic() - killed
        started = [one for one in rest if one.events("daemon_started")]
        idle = [one.stop() for one in rest if one not in started]

    assert (-signal.SIGKILL, []) == (first.process.returncode, busy)
    assert 1 == len(started)
    assert [0] * (others - 1) == idle
    assert_paid_once(at, "INV-101")
    assert took < slowed(AFTER_A_KILL), f"finished {took:.1f} seconds after the kill"


# ---- woken after another took over ----


@pytest.mark.parametrize("point", ["act.attempted", pytest.param("act.answered", marks=_LONG)])
@pytest.mark.usefixtures("each_erp")
def test_one_that_wakes_in_the_midst_of_an_act_that_another_finished_changes_nothing(at: Desk, point: str) -> None:
    """Stopped between its commit and its write, it even writes: the ERP knows the payment already."""
    with workers(at, {"FREEZE_AT": point}) as [first, second]:
        pay(at)
        until(lambda: is_frozen(first))
        lose_role(at, first)
        until(lambda: finished(at))
        first.process.send_signal(signal.SIGCONT)
        ends_as_not_the_daemon(first)
        second.lives_through(2)

    assert_paid_once(at, "INV-101")
    with at.opened_store() as store, store.read() as tx:
        assert [] == list(closing.acts(tx, closing.UNFINISHED))


# Stopped where | how many messages may leave | what is said of the reminder
@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "mails", "state"),
    [
        ("reminder.body", (1,), "sent"),
        ("reminder.leaving", (0, 1), "sent_unknown"),  # none if it slept longer than a message may take
    ],
)
def test_a_reminder_of_one_that_froze_leaves_at_most_once(
    at: Desk, point: str, mails: tuple[int, ...], state: str
) -> None:
    with workers(at, {"FREEZE_AT": point}) as [first, second]:
        bill(at, "Sandbar Analytics", "OWED-1", "77.70")
        until(lambda: is_frozen(first))
        lose_role(at, first)
        until(lambda: second.events("daemon_started"))
        second.lives_through(2)
        first.process.send_signal(signal.SIGCONT)
        ends_as_not_the_daemon(first)
        second.lives_through(2)

    assert len(at.mails_about("OWED-1")) in mails
    assert state == first_reminder(at, "OWED-1")


# ---- silent: frozen, or cut off ----


@pytest.mark.long
@pytest.mark.usefixtures("each_erp")
def test_a_frozen_workers_act_is_finished_by_another_within_thirty_seconds(at: Desk) -> None:
    with workers(at, {"FREEZE_AT": "act.attempted"}, others=2) as [first, *rest]:
        pay(at)
        until(lambda: is_frozen(first))
        frozen = time.monotonic()
        until(lambda: finished(at))
        took = time.monotonic() - frozen
        first.process.send_signal(signal.SIGCONT)
        ends_as_not_the_daemon(first)
        taken = [event for one in rest for event in one.events("role_taken")]

    assert_paid_once(at, "INV-101")
    assert 1 == len(taken)
    assert f"process {first.process.pid} on " in taken[0]["silent"]
    assert took < _WAITS + slowed(AFTER_SILENCE - _WAITS), f"finished {took:.1f} seconds after it froze"


class Wire:
    """A way to the server that can go dead: nobody is told, and nothing comes through any more."""

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._to, self._dead, self._open = port, threading.Event(), list[socket.socket]()
        threading.Thread(target=self._accept, daemon=True).start()

    def die(self) -> None:
        self._dead.set()

    def close(self) -> None:
        self._dead.set()
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listening.accept()
                theirs = socket.create_connection(("127.0.0.1", self._to))
                self._open += [ours, theirs]
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)) and not self._dead.is_set():
                target.sendall(data)
            if not self._dead.is_set():
                target.shutdown(socket.SHUT_WR)


@pytest.mark.long
def test_one_that_is_cut_off_from_the_store_is_taken_over_and_ends(at: Desk) -> None:
    port = urlsplit(at.store_at).port
    assert port
    wire = Wire(port)
    with workers(at, {"STORE": at.store_at.replace(f":{port}/", f":{wire.port}/")}) as [first, second]:
        first.lives_through(1)
        wire.die()
        cut = time.monotonic()
        until(lambda: second.events("daemon_started"))
        took = time.monotonic() - cut
        pay(at)
        until(lambda: finished(at))
        assert 4 == first.process.wait(2 * ENDS_WITHIN), first.said()[-3000:]
        wire.close()

    assert 1 == len(first.events("role_lost"))
    assert_paid_once(at, "INV-101")
    assert took < _WAITS + slowed(AFTER_SILENCE - _WAITS), f"taken over {took:.1f} seconds after the wire went dead"


# ---- the store itself ----


def test_a_store_that_goes_away_in_the_midst_of_an_act_ends_who_worked_and_another_finishes(tmp_path: Path) -> None:
    with (
        on_a_server_of_its_own(tmp_path) as (at, server),
        workers(at, {"FREEZE_AT": "act.attempted"}) as [first, second],
    ):
        pay(at)
        until(lambda: is_frozen(first))
        server.go_away()
        first.process.send_signal(signal.SIGCONT)
        ends_as_not_the_daemon(first)  # though the server is still away: it waits for nobody
        server.come_back()
        until(lambda: finished(at))
        assert second.process.poll() is None
        assert_paid_once(at, "INV-101")


@pytest.mark.long
def test_a_store_that_is_restarted_again_and_again_loses_nothing(tmp_path: Path) -> None:
    numbers = [f"INV-{number}" for number in range(1, 7)]
    with on_a_server_of_its_own(tmp_path) as (at, server), kept_running(at, 3) as daemons:
        for number in numbers:
            pay(at, number, "10.00")
            time.sleep(random.Random(number).uniform(0.0, 1.5))
            server.go_away()
            server.come_back()
            daemons.replace()
        until(lambda: all(finished(at, number) for number in numbers))
        assert_paid_once(at, *numbers)


# ---- under fire ----


class Running:
    """So many daemons, and whoever ends is replaced, as a process manager does."""

    def __init__(self, at: Desk, count: int) -> None:
        self._at, self._count, self._names = at, count, itertools.count(1)
        self.all: list[Daemon] = []

    def replace(self) -> None:
        alive = sum(one.process.poll() is None for one in self.all)
        self.all += [Daemon.start(self._at, name=f"{next(self._names)}-") for _ in range(self._count - alive)]

    def at_work(self) -> Daemon | None:
        alive = [one for one in self.all if one.process.poll() is None and one.events("daemon_started")]
        return alive[0] if alive else None


@contextlib.contextmanager
def kept_running(at: Desk, count: int) -> Iterator[Running]:
    running = Running(at, count)
    running.replace()
    try:
        until(running.at_work)
        yield running
    finally:
        for one in running.all:
            if one.process.poll() is None:
                one.process.kill()
            one.process.wait(ENDS_WITHIN)


@pytest.mark.long
def test_four_workers_killed_one_after_another_pay_everything_once_and_never_work_at_the_same_time(at: Desk) -> None:
    luck, numbers, owed = random.Random(7), list[str](), list[str]()
    with kept_running(at, 4) as daemons:
        for round_ in range(6):
            for number in (f"INV-{round_}-{one}" for one in range(4)):
                pay(at, number, "10.00")
                numbers.append(number)
            at.world.add_customer(f"Firm {round_}", f"ap{round_}@firm.example", 30)
            bill(at, f"Firm {round_}", f"OWED-{round_}", "77.70")
            owed.append(f"OWED-{round_}")
            until(daemons.at_work)
            time.sleep(luck.uniform(0.2, 2.5))
            if working := daemons.at_work():
                working.process.kill()
                working.process.wait(ENDS_WITHIN)
            daemons.replace()
        until(lambda: all(finished(at, number) for number in numbers), 120)
        until(lambda: all(first_reminder(at, number) in ("sent", "sent_unknown") for number in owed))

    assert_paid_once(at, *numbers)
    said = [(first_reminder(at, number), len(at.mails_about(number))) for number in owed]
    assert [] == [one for one in said if one not in (("sent", 1), ("sent_unknown", 0), ("sent_unknown", 1))]
    assert [] == overlapping(daemons.all)


def overlapping(daemons: Sequence[Daemon]) -> list[tuple[datetime, datetime]]:
    """Passes that began before the one before them, of whichever worker, was over: each reads every source."""
    passes = [
        (ended - timedelta(seconds=line["seconds"]), ended)
        for one in daemons
        for line in one.events("tick_finished")
        for ended in [datetime.fromisoformat(line["timestamp"])]
    ]
    return [
        (before, begun)
        for (_, before), (begun, _) in pairwise(sorted(passes))
        if begun < before - timedelta(milliseconds=5)
    ]


def test_one_that_stood_by_while_the_policy_changed_does_not_work_by_the_old_one(at: Desk) -> None:
    with workers(at) as [first, second]:
        change_mapping(at.folder / "mappings" / "policy.yaml", {"send": "shadow"})
        first.process.kill()
        assert 2 == second.process.wait(ENDS_WITHIN)

    assert "policy.yaml changed while this daemon stood by" in second.said()
    assert [] == second.events("daemon_started")
