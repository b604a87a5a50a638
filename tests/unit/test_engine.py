"""The durable engine's wall: a server that goes away is told, not waited for; ending waits only where there is work."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from connector.engine import Engine
from connector.errors import Transient
from tests import postgres


def on_a_file(folder: Path) -> URL:
    return URL.create("sqlite", database=str(folder / "connector.engine"))


def test_a_server_that_goes_away_in_the_midst_of_a_job_is_told_and_not_waited_for() -> None:
    with postgres.server_of_its_own() as server:
        ran: list[str] = []

        def first(key: str) -> None:
            ran.append(f"first {key}")
            server.go_away()

        def second(key: str) -> None:
            ran.append(f"second {key}")

        database = make_url(server.url("postgres")).set(drivername="postgresql+psycopg")
        engine = Engine(database, {"close": (("first", first), ("second", second))})
        engine.launch()
        began = time.monotonic()
        with pytest.raises(Transient, match="Could not reach the durable engine's tables") as told:
            engine.run("close", "1")
        took = time.monotonic() - began
        engine.stop()
        server.come_back()

    assert ["first 1"] == ran
    assert took < 20, took  # most of it is the server's own end
    assert server.password not in str(told.value)


def test_an_engine_with_nothing_to_do_ends_at_once(tmp_path: Path) -> None:
    engine = Engine(on_a_file(tmp_path), {"close": (("only", lambda key: None),)})
    engine.launch()
    engine.run("close", "1")
    began = time.monotonic()
    engine.stop()

    assert time.monotonic() - began < 0.9  # the library waits in whole seconds


def test_an_engine_waits_for_the_job_that_runs(tmp_path: Path) -> None:
    begun, done = threading.Event(), list[str]()

    def slow(key: str) -> None:
        begun.set()
        time.sleep(0.5)
        done.append(key)

    engine = Engine(on_a_file(tmp_path), {"close": (("slow", slow),)})
    engine.launch()
    running = threading.Thread(target=engine.run, args=("close", "1"))
    running.start()
    assert begun.wait(20)
    engine.stop()

    assert ["1"] == done
    running.join()
