"""The store: one database, short write transactions, a journal in the order of commits.

SQLite is opened with WAL, synchronous=FULL and BEGIN IMMEDIATE, so that writers queue instead of failing in the middle;
one daemon at a time is guarded by a lock on a file beside it. No network call happens inside a transaction.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select

from connector.errors import StoreBusy
from connector.ports import Clock
from connector.store.migrations import migrate
from connector.store.tables import journal, setting


def instant(value: datetime) -> str:
    """An instant as the store keeps it: UTC, fixed width, so that text order is time order."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


class Tx:
    """One transaction. Everything it journals commits or vanishes with it."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self.connection = connection
        self.at = at

    @property
    def at_text(self) -> str:
        return instant(self.at)

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        return self.connection.execute(statement, parameters) if parameters else self.connection.execute(statement)

    def journal(
        self,
        event: str,
        *,
        invoice: str | None = None,
        payment: str | None = None,
        act: str | None = None,
        message: str | None = None,
        **detail: object,
    ) -> int:
        """Append one line; returns its place in the store's order."""
        row = {
            "at": self.at_text,
            "event": event,
            "invoice_id": invoice,
            "payment_id": payment,
            "act_id": act,
            "message_id": message,
            "detail": json.dumps(detail, sort_keys=True, default=str),
        }
        return int(self.execute(insert(journal).values(**row)).inserted_primary_key[0])

    def journal_once(self, event: str, *, payment: str, **detail: object) -> None:
        """As journal, unless the payment's last such line says just this: a tick that finds nothing new is silent."""
        text = json.dumps(detail, sort_keys=True, default=str)
        last = (
            select(journal.c.event, journal.c.detail)
            .where(journal.c.payment_id == payment, journal.c.event == event)
            .order_by(journal.c.seq.desc())
            .limit(1)
        )
        if self.execute(last).first() != (event, text):
            self.journal(event, payment=payment, **detail)  # type: ignore[arg-type]

    def get(self, name: str, default: str = "") -> str:
        value = self.execute(select(setting.c.value).where(setting.c.name == name)).scalar()
        return default if value is None else str(value)

    def set(self, name: str, value: str) -> None:
        changed = self.execute(setting.update().where(setting.c.name == name).values(value=value))
        if not changed.rowcount:
            self.execute(insert(setting).values(name=name, value=value))


class Store:
    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = _open_sqlite(path)
        self._daemon_lock: IO[str] | None = None
        self._writer = threading.Lock()
        migrate(self._engine)

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        """A write transaction: begun IMMEDIATE, committed at the end, rolled back on any exception."""
        # Threads of one process queue here: SQLite's own waiting polls with growing sleeps.
        with self._writer:
            at = self.clock.now()
            with self._engine.begin() as connection:
                yield Tx(connection, at)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent read that doesn't wait for writers."""
        at = self.clock.now()
        with self._engine.connect().execution_options(arc_read=True) as connection:
            yield Tx(connection, at)

    def copy(self, path: Path) -> Store:
        """A consistent copy of its own, to decide on without writing here."""
        with (
            contextlib.closing(sqlite3.connect(self.path)) as ours,
            contextlib.closing(sqlite3.connect(path)) as theirs,
        ):
            ours.backup(theirs)
        return Store(path, self.clock)

    def last_seq(self) -> int:
        with self.read() as tx:
            return int(tx.execute(select(func.max(journal.c.seq))).scalar() or 0)

    def become_daemon(self) -> None:
        """Take the daemon role, which is exclusive on one store; raises StoreBusy if another process has it.

        The lock belongs to the process: the kernel gives it back when that dies, and only then can another hold it.
        """
        handle = open(f"{self.path}.lock", "a+")  # noqa: SIM115 (held for the life of the process)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            handle.close()
            raise StoreBusy(
                f"Could not start: the store {self.path} is in use by another connector (process {owner}). "
                "Nothing was read or written. Stop that one first, or give this one its own store (CONNECTOR_STORE)."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._daemon_lock = handle

    def close(self) -> None:
        self._engine.dispose()
        if self._daemon_lock:
            self._daemon_lock.close()
            self._daemon_lock = None


def _open_sqlite(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
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

    return engine
