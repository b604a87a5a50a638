"""A real PostgreSQL for tests, from the binaries of this machine: started when first asked for, a database for each.

Nothing is installed and no server of the machine is touched. It listens on the loopback only, keeps its files in a
temporary folder and ends with the test session. Without binaries the tests that need it are skipped and say so.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

USER = "connector"
MISSING = "no PostgreSQL on this machine (initdb and postgres in PATH or in /usr/lib/postgresql/*/bin)"
_STARTS_WITHIN = 60.0
_LIBC = ctypes.CDLL(None)


@dataclass
class Server:
    """One server process. Its password is a real one, so that tests can look for it where it must not be."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    password: str

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        self.go_away()
        shutil.rmtree(self.folder, ignore_errors=True)

    def go_away(self) -> None:
        """End all sessions and the server; what was committed stays."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def come_back(self) -> None:
        """The same server on the same port, after `go_away`."""
        folder = binaries()
        assert folder is not None
        self.process = _run(folder, self.folder, self.port)
        assert _answers(self), "PostgreSQL did not come back"


@cache
def binaries() -> Path | None:
    """The folder of initdb and postgres, of the newest release where there are several."""
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    folders = [Path(on_path).resolve().parent] if on_path else []
    for folder in [*folders, *reversed(installed)]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


_running: list[Server] = []
_numbers = itertools.count(1)


def server() -> Server:
    """The server of this test session; skips the test where there can be none."""
    if not _running:
        folder = binaries()
        if folder is None:
            pytest.skip(MISSING)
        _running.append(_start(folder))
    return _running[0]


def pytest_unconfigure() -> None:
    while _running:
        _running.pop().stop()


@contextlib.contextmanager
def server_of_its_own() -> Iterator[Server]:
    """A server that only this test uses, to be taken away; skips the test where there can be none."""
    folder = binaries()
    if folder is None:
        pytest.skip(MISSING)
    started = _start(folder)
    try:
        yield started
    finally:
        started.stop()


@contextlib.contextmanager
def database(*options: str) -> Iterator[str]:
    """The URL of a new, empty database, dropped at the end; `options` of CREATE DATABASE."""
    here = server()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with contextlib.closing(psycopg.connect(here.url("postgres"), autocommit=True)) as connection:
        create = sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), sql.SQL(" ".join(options)))
        connection.execute(create)
        try:
            yield here.url(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def on(store: str, folder: Path) -> Iterator[str]:
    """Where a store of this kind is: a file in the folder (`sqlite`), or a database (`postgresql`)."""
    if store == "postgresql":
        with database() as url:
            yield url
    else:
        yield str(folder / "connector.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A test that asks for this runs on both stores."""
    with on(request.param, tmp_path) as place:
        yield place


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with database() as url:
        yield url


def _start(folder: Path) -> Server:
    """Make a cluster and start it. initdb refuses root, so root hands it to an unprivileged user."""
    home = Path(tempfile.mkdtemp(prefix="connector-postgres-"))
    owner = _unprivileged()
    if owner:
        shutil.chown(home, owner)
    password = secrets.token_hex(16)
    secret = home / "password"
    secret.write_text(password)
    if owner:
        shutil.chown(secret, owner)
    data = home / "data"
    how = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    initdb = [folder / "initdb", "-D", data, "-U", USER, f"--pwfile={secret}", *how]
    made = subprocess.run(initdb, user=owner, cwd=home, capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise RuntimeError(f"initdb failed:\n{made.stderr}")
    for _ in range(3):  # a free port may be taken before the server has it
        port = _free_port()
        started = Server(_run(folder, home, port), home, port, password)
        if _answers(started):
            return started
    raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'said.txt').read_text()}")


def _run(folder: Path, home: Path, port: int) -> subprocess.Popen[bytes]:
    with (home / "said.txt").open("ab") as said:
        command = [folder / "postgres", "-D", home / "data", *_settings(port)]
        return subprocess.Popen(
            command, user=_unprivileged(), cwd=home, stdout=said, stderr=said, preexec_fn=_end_with_the_tests
        )


def _end_with_the_tests() -> None:
    """In the server, before it is one: killed tests leave no server behind (Linux: SIGINT when the parent dies)."""
    if sys.platform == "linux":
        _LIBC.prctl(1, signal.SIGINT)


def _settings(port: int) -> list[str]:
    """Loopback only, no socket file; not made to survive a power cut."""
    given = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "max_connections": 100,
    }
    return [word for name, value in given.items() for word in ("-c", f"{name}={value}")]


def _answers(started: Server) -> bool:
    deadline = time.monotonic() + _STARTS_WITHIN
    while started.process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(started.url("postgres"), connect_timeout=2).close()
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False


def _unprivileged() -> str | None:
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
