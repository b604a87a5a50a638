"""`connector run` as a real process: it ticks, it alone holds its store, it obeys a stop at once, it ends well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from connector.store import closing
from sandbox.plan import Part
from tests.acceptance.commands import assert_discreet, bill, run, until
from tests.harness import Desk, desk

ENDS_WITHIN = 30  # seconds


@dataclass
class Daemon:
    """`connector run` beside the tests, with what it says on standard error kept in a file."""

    at: Desk
    process: subprocess.Popen[bytes]
    said_in: Path

    @classmethod
    def start(cls, at: Desk, *options: str, name: str = "", **more: str) -> Daemon:
        """With a name it is one of several; `more` are settings of this one, without their CONNECTOR_."""
        at.approve_policy()
        said_in = at.folder / f"{name}said.txt"
        ours = at.environ | {f"CONNECTOR_{key}": value for key, value in more.items()}
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")} | ours
        command = [sys.executable, "-m", "connector", *options, "run"]
        with said_in.open("wb") as said:
            process = subprocess.Popen(command, env=environ, cwd=at.folder, stdout=said, stderr=said)
        return cls(at, process, said_in)

    def said(self) -> str:
        return self.said_in.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its log lines of this event, as a program reads them."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def lives_through(self, passes: int) -> None:
        """Wait until so many more passes are done; one that was running when this began doesn't count."""
        done = len(self.events("tick_finished")) + 1 + passes
        until(lambda: self.process.poll() is not None or len(self.events("tick_finished")) >= done)
        assert self.process.poll() is None, self.said()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDS_WITHIN)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with desk(tmp_path_factory.mktemp("daemon"), now=None) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        at.world.add_customer("Brightwater Freight", "billing@brightwater.example", 30)
        bill(at, "Northfield Robotics", "INV-101", "1000.00", due_in=20)
        made = Daemon.start(at)
        try:
            until(lambda: made.events("tick_finished") or made.process.poll() is not None)
            yield made
        finally:
            made.stop()


def _unfinished(at: Desk) -> int:
    with at.opened_store() as store, store.read() as tx:
        return len(list(closing.acts(tx, closing.UNFINISHED)))


# ---- it works by itself ----


def test_it_ticks_every_second(daemon: Daemon) -> None:
    daemon.lives_through(3)

    instants = [datetime.fromisoformat(line["timestamp"]) for line in daemon.events("tick_finished")]
    apart = [(after - before).total_seconds() for before, after in pairwise(instants)]
    assert min(apart) > 0.2  # passes never overlap and never pile up
    assert [] == daemon.events("tick_failed")


def test_it_closes_a_payment_that_arrives_while_it_runs(daemon: Daemon) -> None:
    bill(daemon.at, "Northfield Robotics", "INV-102", "250.00", due_in=20)
    daemon.at.world.pay("Northfield Robotics", "250.00", pays=[Part("INV-102", "250.00")], description="INV-102")

    until(lambda: "0.00" == daemon.at.balance("INV-102"))
    until(lambda: 0 == _unfinished(daemon.at))
    assert 0 == len(daemon.at.mails_about("INV-102"))


# ---- it alone ----


@pytest.mark.parametrize("command", ["run", "once"])
def test_a_second_one_on_its_store_refuses_and_says_who_holds_it(daemon: Daemon, command: str) -> None:
    if command == "run" and "://" in daemon.at.store_at:
        pytest.skip("on a server a second daemon stands by: test_several_daemons.py")
    ended = run(daemon.at, command)

    assert 4 == ended.returncode
    assert f" is in use by another connector (process {daemon.process.pid}" in ended.stderr
    assert "Stop that one first" in ended.stderr


# ---- a person's stop ----


def test_a_stop_of_sending_holds_while_it_runs_until_it_is_lifted(daemon: Daemon) -> None:
    at = daemon.at
    stopped = run(at, "stop", "send", "--reason", "wrong template")
    bill(at, "Brightwater Freight", "INV-201", "700.00")
    daemon.lives_through(2)
    before = len(at.mails_about("INV-201"))
    lifted = run(at, "stop", "send", "--lift")

    until(lambda: at.mails_about("INV-201"))
    assert (0, 0, 0) == (stopped.returncode, lifted.returncode, before)
    assert "Sending reminders is stopped. To go on: connector stop send --lift" in stopped.stdout


def test_a_stop_of_posting_still_matches_and_writes_after_it_is_lifted(daemon: Daemon) -> None:
    at = daemon.at
    run(at, "stop", "post", "--reason", "close days")
    bill(at, "Northfield Robotics", "INV-103", "90.00")
    at.world.pay("Northfield Robotics", "90.00", pays=[Part("INV-103", "90.00")], description="INV-103")
    daemon.lives_through(2)
    before = at.balance("INV-103")
    run(at, "stop", "post", "--lift")

    until(lambda: "0.00" == at.balance("INV-103"))
    assert "90.00" == before
    assert 0 == len(at.mails_about("INV-103"))  # the match held the reminder although nothing was posted


# ---- the end ----


def test_it_ends_in_good_order_on_sigterm_and_said_nothing_that_is_nobodys_business(tmp_path: Path) -> None:
    with desk(tmp_path, now=None) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "Northfield Robotics", "INV-101", "1000.00")
        bill(at, "Northfield Robotics", "INV-102", "80.00")
        at.world.pay("Northfield Robotics", "1000.00", pays=[Part("INV-101", "1000.00")], description="INV-101")
        daemon = Daemon.start(at, "--debug")
        until(lambda: daemon.process.poll() is not None or "reminder_sent" in daemon.said())
        code = daemon.stop()

        assert 0 == code, daemon.said()[-2000:]
        assert 1 == len(daemon.events("daemon_stopped"))
        assert (0, "0.00") == (_unfinished(at), at.balance("INV-101"))
        assert_discreet(at, daemon.said())
        # Whom we bill stands in the store, not in a log.
        assert [] == [line[:200] for line in daemon.said().splitlines() if "Northfield" in line]


# ---- at once: in the midst of a pass, and after a kill ----


def test_a_stop_in_the_midst_of_sending_lets_no_further_mail_leave(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        for number in range(12):
            at.world.add_customer(f"Firm {number}", f"ap{number}@firm.example", 30)
            bill(at, f"Firm {number}", f"INV-{number}", "10.00")
        service = at.service
        ticking = Thread(target=at.tick)
        ticking.start()
        until(lambda: at.mails())
        service.stop("send", False, "controller", "wrong template")
        left = len(at.mails())
        ticking.join()

        # One may have been past its last look when the stop was committed.
        assert (n := len(at.mails())) <= left + 1, f"{n - left} mails left after the stop"


def test_a_stop_of_posting_outlives_a_kill_in_the_midst_of_a_write(tmp_path: Path) -> None:
    with desk(tmp_path, now=None) as at:
        at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        bill(at, "Northfield Robotics", "INV-101", "1000.00")
        at.world.pay("Northfield Robotics", "1000.00", pays=[Part("INV-101", "1000.00")], description="INV-101")
        assert -signal.SIGKILL == at.process("once", kill_at="act.attempted").returncode
        run(at, "stop", "post", "--reason", "close days")
        assert at.service  # started: what the killed one left goes on in the background
        time.sleep(3)
        at.tick()

        assert "1000.00" == at.balance("INV-101")
        assert 0 == len(at.mails_about("INV-101"))
