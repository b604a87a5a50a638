"""The database under the store: a SQLite file, or a PostgreSQL database named by a URL. All that differs is here.

Both give the same three things. One writer at a time: a write waits for the one before it, sees all that it committed,
and `journal.seq` is the order of commits. Reads that see one moment and wait for nobody. And a daemon role that one
process has at a time and gives back by dying.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError

from connector.errors import ConfigError, ConnectorError, Terminal, Transient

# Advisory locks are counted per database, and one database holds one store. The first number is ours, so that others
# who use such locks there don't meet us.
_OURS = 0x617263
_DISK_FULL = "53100"  # PostgreSQL's sqlstate
_WRITING, _DAEMON = 1, 2

# A daemon proves its role every few seconds (role.py). One that hasn't for so long was stopped, or its host can't reach
# the server: whoever stands by ends its session, and with it the role. Also the session in which it was writing, which
# may have spoken a little later; shorter by more than the time between two proofs, so that both are over at once.
SILENT_SECONDS = 25.0
_WRITER_SILENT_SECONDS = 20.0

# On both sides of the wire a peer that vanished is noticed after about 20 seconds: the server's side gives the locks of
# a lost host back. A writer that says nothing for a minute in the midst of a write was stopped; it must not stop all.
_CLIENT = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_SERVER = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
}


class Database(Protocol):
    """What the store needs of either."""

    name: str  # for people; never with a password
    engine: Engine
    engine_url: URL  # where the durable engine keeps tables of its own
    reading: Mapping[str, Any]  # execution options of a read
    is_shared: bool  # may a second daemon stand by?

    def take_role(self) -> str:
        """Take the daemon role if it is free: '' if this process has it now, else who has it."""
        ...

    def holds_role(self) -> bool:
        """Is the daemon role still this process's?"""
        ...

    def end_silent_holder(self) -> str:
        """End the role of a daemon that has not proved it for SILENT_SECONDS; who that was, '' if there is none."""
        ...

    def close(self) -> None: ...


def open_database(where: Path | str) -> Database:
    """The database at this path or URL; nothing is connected yet. Raises ConfigError if the URL can't be understood."""
    if isinstance(where, str) and "://" in where:
        return Postgres(where)
    return SqliteFile(Path(where))


class SqliteFile:
    """One file on a local disk, opened with WAL, synchronous=FULL and BEGIN IMMEDIATE: writers queue at their begin
    instead of failing in the middle. The daemon role is a lock on a file beside it: the kernel gives it back when the
    process dies, and only then.
    """

    is_shared = False
    reading: Mapping[str, Any] = {"arc_read": True}

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = str(path)
        self.engine = _sqlite_engine(path)
        self.engine_url = URL.create("sqlite", database=str(path.with_suffix(".engine")))
        self._lock: IO[str] | None = None

    def take_role(self) -> str:
        lock = open(f"{self.name}.lock", "a+")  # noqa: SIM115 (held for the life of the process)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            return f"process {holder}"
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        return ""

    def holds_role(self) -> bool:
        return self._lock is not None

    def end_silent_holder(self) -> str:
        return ""  # the kernel alone knows who is dead, and a stopped process isn't

    def close(self) -> None:
        self.engine.dispose()
        if self._lock:
            self._lock.close()
            self._lock = None


def _sqlite_engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # What is bound are customers' names and amounts, and errors end up in logs.
        hide_parameters=True,
        connect_args={"timeout": 30, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("arc_read")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def _told(context: ExceptionContext) -> BaseException | None:
        return _of_file(path, context.original_exception)

    return engine


def _of_file(path: Path, error: BaseException | None) -> ConnectorError | None:
    """What SQLite's own error means for the daemon (sqlite.org/rescode.html); None: the program's fault."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return Terminal(
            f"The store {path} is damaged ({error}). Nothing more is written or sent. Stop the daemon, keep the file "
            "aside, look at the disk, and put the last backup in its place: `connector restore FILE`."
        )
    if name.startswith("SQLITE_FULL"):
        return Transient(
            f"Could not write to the store: the disk of {path} is full. Nothing of it was written, and nothing is "
            "posted or sent until there is room. Free some space there; the next pass goes on by itself."
        )
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED")):
        return Transient(
            f"Could not use the store {path}: {error} ({name}). What was just being written is there as a whole or not "
            "at all; the next pass tries again. If this lasts, look at the disk, at the file's permissions, and "
            "whether another program holds it."
        )
    return None


class Postgres:
    """One PostgreSQL database, which holds this store and nothing else.

    A write takes one advisory lock as its first act and gives it back with its commit, after the commit is visible.
    That is BEGIN IMMEDIATE's meaning: one writer, so the journal's numbers are drawn in the order of commits, and what
    was looked up before an insert still stands. It holds at READ COMMITTED only, which each statement's snapshot makes:
    a higher level would look from before the lock was gained. Reads are REPEATABLE READ, READ ONLY: one moment.

    The daemon role is an advisory lock of a session of its own, kept for life and used every few seconds. It is given
    back when the server ends that session, which may be before the process knows: therefore the store counts the terms
    of its daemons.
    """

    is_shared = True
    reading: Mapping[str, Any] = {
        "arc_read": True,
        "isolation_level": "REPEATABLE READ",
        "postgresql_readonly": True,
    }

    def __init__(self, text: str) -> None:
        self.engine_url = _server_url(text)
        self.name = _name(self.engine_url)
        self.engine = _postgres_engine(self.engine_url, self.name)
        self._session: Any = None  # a driver's connection
        self._turn = threading.Lock()  # one question at a time in it

    def take_role(self) -> str:
        with self._turn:
            try:
                if self._session is None:
                    self._session = self._own_session()
                if self._ask(f"SELECT pg_try_advisory_lock({_OURS}, {_DAEMON})"):
                    return ""
                return _holder(self._ask(_HOLDER))
            except self._errors() as error:
                self._end_session()
                raise _lost(self.name, self.engine_url, error) from None

    def holds_role(self) -> bool:
        """Proved by the server: the session is there and has the lock (behind a pooler it may be somebody else's)."""
        with self._turn:
            try:
                if self._session is not None and self._ask(_HELD):
                    return True
            except self._errors():
                pass
            self._end_session()
            return False

    def end_silent_holder(self) -> str:
        """Told by the server's own clock of the holder's last word, which only users who may see its sessions see: the
        same user, as the README asks for."""
        with self._turn:
            try:
                silent = self._ask(_END_SILENT.format(lock=_locked(_DAEMON), seconds=SILENT_SECONDS))
                if silent is not None:
                    self._ask(_END_SILENT.format(lock=_locked(_WRITING), seconds=_WRITER_SILENT_SECONDS))
            except self._errors() as error:
                self._end_session()
                raise _lost(self.name, self.engine_url, error) from None
        return "" if silent is None else _holder(silent)

    def close(self) -> None:
        # Not in turn: a question that is never answered must not keep the process from its end.
        self._end_session()
        self.engine.dispose()

    def _own_session(self) -> Any:
        """A connection outside the pool: nobody else may use it or end it."""
        dialect = self.engine.dialect
        arguments, named = dialect.create_connect_args(self.engine_url)
        session: Any = dialect.connect(*arguments, **named)
        session.autocommit = True
        # A server may be told to end sessions that say nothing; this one says nothing between ticks.
        session.execute("SET idle_session_timeout = 0")
        return session

    def _ask(self, question: str) -> Any:
        row = self._session.execute(question).fetchone()
        return row[0] if row else None

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _errors(self) -> type[Exception]:
        errors: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        return errors


def _locked(lock: int) -> str:
    """The row of pg_locks of whoever has this lock."""
    return (
        f"locktype = 'advisory' AND classid = {_OURS} AND objid = {lock} AND objsubid = 2 AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def _holder(application: object) -> str:
    return str(application or "unknown").removeprefix("connector ")


_HELD = f"SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND {_locked(_DAEMON)}"
_HOLDER = (
    f"SELECT application_name FROM pg_stat_activity WHERE pid IN (SELECT pid FROM pg_locks WHERE {_locked(_DAEMON)})"
)
# Whoever has the lock, waits for its client (between two questions, or for an answer to be taken) and has done so for
# too long. A session that works is never ended.
_END_SILENT = (
    "SELECT application_name, pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid IN (SELECT pid FROM pg_locks WHERE {lock}) AND pid <> pg_backend_pid() "
    "AND wait_event_type = 'Client' AND clock_timestamp() - state_change > {seconds} * interval '1 second'"
)


def _server_url(text: str) -> URL:
    """The URL with what every connection of ours needs; what the given one says of it stands."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # whose words may quote the password
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ConfigError(
            "Could not open the store: CONNECTOR_STORE is not a URL such as postgresql://user@host:5432/database. "
            "Write signs like @ : / in the user or the password as %40 %3A %2F. Nothing was started."
        )
    given = {key: value if isinstance(value, str) else value[-1] for key, value in url.query.items()}
    process = f"connector process {os.getpid()} on {socket.gethostname()}"
    settings = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())
    query = {
        **_CLIENT,
        "application_name": process[:63],
        **given,
        "options": f"{settings} {given.get('options', '')}".strip(),
    }
    password = query.pop("password", None) or url.password
    return url.set(drivername="postgresql+psycopg", password=password, query=query)


def _name(url: URL) -> str:
    place = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"postgresql://{place}/{url.database or ''}"


def _postgres_engine(url: URL, name: str) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",  # whatever the database's own default
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.adapters.register_dumper(str, _text())

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("arc_read"):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_OURS}, {_WRITING})")

    @event.listens_for(engine, "handle_error")
    def _told(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if context.is_pre_ping:
            return None  # the pool connects anew
        if context.is_disconnect or isinstance(error, context.dialect.loaded_dbapi.OperationalError):
            return _lost(name, url, error)
        # PostgreSQL quotes the row that it refused: a customer's data, and errors end up in logs.
        for one in (error, context.sqlalchemy_exception):
            if one is not None and one.args:
                one.args = (str(one.args[0]).partition("\nDETAIL")[0], *one.args[1:])
        return None

    return engine


@cache
def _text() -> Any:
    """How text is sent. PostgreSQL's has no NUL, which SQLite's has: one in a stranger's words must not stop a pass."""
    from psycopg.types.string import StrDumperUnknown

    class Text(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    return Text


def _lost(name: str, url: URL, error: BaseException) -> Transient:
    words = " ".join(str(error).split())
    if url.password:
        words = words.replace(str(url.password), "***")
    if getattr(error, "sqlstate", "") == _DISK_FULL:
        return Transient(
            f"Could not write to the store {name}: its server's disk is full. Nothing of it was written, and nothing "
            "is posted or sent until there is room. Free some space there; the next pass goes on by itself."
        )
    return Transient(
        f"Could not reach the store {name}: {words}. What was just being written is there as a whole or not at all, "
        "and the next pass goes on from what is there. If this lasts, look whether the server runs and takes this user "
        "(CONNECTOR_STORE)."
    )
