"""The daemon role: one process has it, dying gives it back, and whoever lost it writes nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from connector.errors import RoleLost, StoreBusy
from connector.store import Store, database, role

ENDS_WITHIN = 30.0  # seconds; the machine may be busy
HOLDER = (
    "import sys; from datetime import UTC, datetime; from connector.store import Store\n"
    "class Noon:\n  def now(self): return datetime(2026, 11, 2, tzinfo=UTC)\n"
    "store = Store(sys.argv[1], Noon()); store.become_daemon(); print('daemon', flush=True); sys.stdin.readline()"
)
# A daemon that proves its role often, is in the midst of a write where it is told to be, and says how its writes end.
AT_WORK = (
    "import sys; from datetime import UTC, datetime; from connector.errors import ConnectorError\n"
    "from connector.store import Store, role\n"
    "class Noon:\n  def now(self): return datetime(2026, 11, 2, tzinfo=UTC)\n"
    "role.PROVED_EVERY_SECONDS = 0.2; store = Store(sys.argv[1], Noon()); store.become_daemon()\n"
    "def write():\n"
    "  with store.tx() as tx:\n"
    "    tx.set('epoch', 'of the first'); print('writing', flush=True); sys.stdin.readline()\n"
    "print('daemon', flush=True)\n"
    "while sys.stdin.readline():\n"
    "  try: write(); print('written', flush=True)\n"
    "  except ConnectorError as error: print(type(error).__name__, flush=True)\n"
)


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@contextmanager
def daemon(where: str, program: str = HOLDER) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the role."""
    command = [sys.executable, "-c", program, where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "daemon\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    opened = Store(where, Noon())
    yield opened
    opened.close()


@pytest.fixture
def stores(postgres_url: str) -> Iterator[tuple[Store, Store]]:
    both = Store(postgres_url, Noon()), Store(postgres_url, Noon())
    yield both
    for one in both:
        one.close()


def lose_session(url: str) -> None:
    """The server ends the sessions that hold a lock, as a failover does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")


def until_free(store: Store) -> None:
    """The server may take a moment to see that a client died."""
    deadline = time.monotonic() + ENDS_WITHIN
    while True:
        try:
            return store.become_daemon()
        except StoreBusy:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_role_is_one_processs_and_the_refusal_names_it(store: Store, where: str) -> None:
    with daemon(where) as other:
        with pytest.raises(StoreBusy, match=rf"in use by another connector \(process {other.pid}\b") as refused:
            store.become_daemon()
        with store.tx() as tx:  # a person's order needs no role
            tx.set("note", "1")

    assert not store.still_daemon()
    assert "Stop that one first" in str(refused.value)


def test_a_killed_daemon_gives_the_role_back_by_dying(store: Store, where: str) -> None:
    with daemon(where) as other:
        other.kill()
        other.wait()
        until_free(store)

        assert store.still_daemon()


def test_a_daemon_that_closed_its_store_gives_the_role_back(where: str) -> None:
    for _ in range(2):
        store = Store(where, Noon())
        store.become_daemon()
        with store.tx() as tx:
            tx.journal("daemon_started")
        store.close()
        assert not store.still_daemon()


def test_on_a_file_a_second_daemon_does_not_wait(tmp_path: object) -> None:
    where = f"{tmp_path}/connector.db"
    store = Store(where, Noon())
    with daemon(where), pytest.raises(StoreBusy):
        store.wait_to_become_daemon(threading.Event(), lambda holder: None)
    store.close()


def test_on_a_server_a_second_daemon_stands_by_until_the_first_is_dead(postgres_url: str) -> None:
    store, told = Store(postgres_url, Noon()), list[str]()
    with daemon(postgres_url) as other:
        threading.Timer(2.5, other.kill).start()
        gained = store.wait_to_become_daemon(threading.Event(), told.append)
        was_dead = other.wait(ENDS_WITHIN) != 0
    still = store.still_daemon()
    store.close()

    assert (True, True, True) == (gained, was_dead, still)
    assert 1 == len(told)
    assert told[0].startswith(f"process {other.pid} on ")


def test_one_that_stands_by_outlives_the_servers_restart(postgres_url: str) -> None:
    store, told = Store(postgres_url, Noon()), list[str]()
    with daemon(postgres_url) as other:

        def restart() -> None:
            with psycopg.connect(postgres_url, autocommit=True) as connection:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                connection.execute(f"{ended} AND pid <> pg_backend_pid()")
            other.kill()

        threading.Timer(1.5, restart).start()
        gained = store.wait_to_become_daemon(threading.Event(), told.append)
    store.close()

    assert (True, 1) == (gained, len(told))


def test_one_that_stands_by_ends_when_it_is_told_to(postgres_url: str) -> None:
    store, stop = Store(postgres_url, Noon()), threading.Event()
    with daemon(postgres_url):
        gained = store.wait_to_become_daemon(stop, lambda holder: stop.set())
    store.close()

    assert not gained


def test_a_daemon_whose_session_the_server_ended_is_none_any_more(
    stores: tuple[Store, Store], postgres_url: str
) -> None:
    store, _ = stores
    store.become_daemon()
    before = store.still_daemon()
    lose_session(postgres_url)

    assert (True, False) == (before, store.still_daemon())


def test_a_daemon_that_was_taken_over_writes_nothing_more_though_it_does_not_know(
    stores: tuple[Store, Store], postgres_url: str
) -> None:
    first, second = stores
    first.become_daemon()
    lose_session(postgres_url)
    second.become_daemon()
    with pytest.raises(RoleLost, match="has taken over the store postgresql://127"), first.tx() as tx:
        tx.set("epoch", "of the first")
    with second.tx() as tx:
        epoch = tx.get("epoch")
        tx.set("epoch", "of the second")

    assert "" == epoch
    assert not first.still_daemon()


def test_a_write_begun_before_the_takeover_is_there_before_the_new_daemon_is(
    stores: tuple[Store, Store], postgres_url: str
) -> None:
    """So what the new one buries is all that the old one ever wrote."""
    first, second = stores
    first.become_daemon()
    taking = threading.Thread(target=second.become_daemon)
    with first.tx() as tx:
        role_lost(postgres_url)
        taking.start()
        time.sleep(0.5)
        early = not taking.is_alive()
        tx.set("epoch", "1")
    taking.join(ENDS_WITHIN)
    with second.read() as tx:
        assert (False, "1") == (early, tx.get("epoch"))


def role_lost(url: str) -> None:
    """Only the session of the role is ended; the one that writes lives on."""
    with psycopg.connect(url, autocommit=True) as connection:
        holds_role = "locktype = 'advisory' AND objid = 2"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {holds_role}")


def test_the_pid_in_the_refusal_is_the_holders(store: Store, where: str) -> None:
    store.become_daemon()
    ended = subprocess.run([sys.executable, "-c", HOLDER, where], capture_output=True, text=True, check=False)

    assert 0 != ended.returncode
    assert f"(process {os.getpid()}" in ended.stderr


# ---- a daemon that says nothing ----


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands by waits two seconds for a sign of life instead of 25."""
    monkeypatch.setattr(database, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(database, "_WRITER_SILENT_SECONDS", 1.5)


def say(process: subprocess.Popen[str], text: str = "") -> None:
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def take_over(url: str, within: float) -> tuple[Store, bool, list[str]]:
    """One that stands by for so long: its store, whether it has the role now, and whose silence it ended."""
    store, stop, ended = Store(url, Noon()), threading.Event(), list[str]()
    giving_up = threading.Timer(within, stop.set)
    giving_up.start()
    gained = store.wait_to_become_daemon(stop, lambda holder: None, ended.append)
    giving_up.cancel()
    return store, gained, ended


@pytest.mark.usefixtures("_impatient")
def test_a_frozen_daemon_is_taken_over_and_writes_nothing_when_it_wakes(postgres_url: str) -> None:
    with daemon(postgres_url, AT_WORK) as other:
        other.send_signal(signal.SIGSTOP)
        store, gained, ended = take_over(postgres_url, ENDS_WITHIN)
        other.send_signal(signal.SIGCONT)
        say(other)
        answer = heard(other)
        with store.read() as tx:
            epoch = tx.get("epoch")
        store.close()

    assert (True, "RoleLost", "") == (gained, answer, epoch)
    assert [True] == [text.startswith(f"process {other.pid} on ") for text in ended]


@pytest.mark.usefixtures("_impatient")
def test_a_daemon_frozen_in_the_midst_of_a_write_holds_nobody_up(postgres_url: str) -> None:
    with daemon(postgres_url, AT_WORK) as other:
        say(other)
        assert "writing" == heard(other)
        other.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        store, gained, _ = take_over(postgres_url, ENDS_WITHIN)
        took = time.monotonic() - frozen
        with store.tx() as tx:
            tx.set("epoch", "of the second")
        other.send_signal(signal.SIGCONT)
        say(other)
        answer = heard(other)
        with store.read() as tx:
            epoch = tx.get("epoch")
        store.close()

    assert (True, "of the second") == (gained, epoch)
    assert took < 45, took  # the server by itself would end the broken-off write after 60 seconds
    assert answer in ("RoleLost", "Transient")  # whichever of its two broken sessions it came by first


@pytest.mark.usefixtures("_impatient")
def test_a_daemon_that_lives_keeps_its_role_however_long_it_does_nothing(postgres_url: str) -> None:
    with daemon(postgres_url, AT_WORK) as other:
        store, gained, ended = take_over(postgres_url, within=5.0)
        store.close()
        say(other)
        assert "writing" == heard(other)
        say(other)

        assert (False, [], "written") == (gained, ended, heard(other))


# ---- a daemon notices by itself ----


def test_a_daemon_whose_role_was_lost_is_woken_and_refuses_without_asking(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role, "PROVED_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(role, "_WATCH_SECONDS", 0.1)
    shared, stop = Store(postgres_url, Noon()), threading.Event()
    shared.become_daemon()
    lose_session(postgres_url)
    shared.wait_while_daemon(stop)

    assert not stop.is_set()
    for begun in (shared.tx, shared.read):
        with pytest.raises(RoleLost, match="can't be proved any more"), begun():
            pass
    shared.close()


class Swallowing:
    """A shared database whose server stopped answering, while nothing says that the connection broke."""

    is_shared = True

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.never = threading.Event()

    def take_role(self) -> str:
        return ""

    def holds_role(self) -> bool:
        self.asked.set()
        return self.never.wait()


def test_a_role_that_nobody_confirms_is_lost_after_as_long_as_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role, "PROVED_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(role, "_WATCH_SECONDS", 0.05)
    monkeypatch.setattr(role, "SILENT_SECONDS", 0.5)
    server = Swallowing()
    ours = role.Role(server)  # type: ignore[arg-type]
    assert "" == ours.take()
    assert server.asked.wait(ENDS_WITHIN)
    began = time.monotonic()
    ours.wait(threading.Event())

    assert ours.is_lost
    assert time.monotonic() - began >= 0.5
    server.never.set()
