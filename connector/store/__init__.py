"""The store: one database, short write transactions, a journal in the order of commits.

SQLite or PostgreSQL, by its path or URL; database.py makes them alike. One daemon at a time has the daemon role. No
network call but to the database happens inside a transaction.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, bindparam, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from connector.errors import RoleLost, StoreBusy, Transient
from connector.ports import Clock
from connector.store.database import open_database
from connector.store.migrations import migrate
from connector.store.role import Role
from connector.store.tables import journal, metadata, setting

# The database refused a statement: a transaction that met it can write nothing more.
StoreFault = SQLAlchemyError
# A daemon that stands by asks this often whether the role is free.
STAND_BY_SECONDS = 0.5
# Rows that a copy holds in memory at once.
ROWS_AT_ONCE = 5000

# Made once: for what is written as often as this, making the statement costs more than carrying it out.
_JOURNAL = insert(journal)
_GET = select(setting.c.value).where(setting.c.name == bindparam("named"))
_SET = setting.update().where(setting.c.name == bindparam("named")).values(value=bindparam("said"))
_ADD = insert(setting)


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

    @contextmanager
    def supposing(self) -> Iterator[None]:
        """What is written inside is seen inside, and never was when it is over."""
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()

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
        return int(self.execute(_JOURNAL, row).inserted_primary_key[0])

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
        value = self.execute(_GET, {"named": name}).scalar()
        return default if value is None else str(value)

    def set(self, name: str, value: str) -> None:
        if not self.execute(_SET, {"named": name, "said": value}).rowcount:
            self.execute(_ADD, {"name": name, "value": value})


class Store:
    """The store at this path (SQLite) or URL (PostgreSQL), brought up to this release's schema when it is opened.

    Raises Transient where the server can't be reached, here and in every transaction. Without `may_upgrade` a store of
    an earlier release is refused with ConfigError and left as it is.
    """

    def __init__(self, where: Path | str, clock: Clock, *, may_upgrade: bool = True) -> None:
        self.clock = clock
        self._database = open_database(where)
        self._engine = self._database.engine
        self._role = Role(self._database)
        self._writer = threading.Lock()
        self._term = 0  # the number of our term as the daemon; 0 while we aren't
        try:
            migrate(self._engine, self._database.name, may_upgrade)
        except BaseException:
            self.close()
            raise

    @property
    def engine_url(self) -> URL:
        """Where the durable engine keeps tables of its own: a file beside the store, or the store's own database."""
        return self._database.engine_url

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        """A write transaction: alone from its begin, committed at the end, rolled back on any exception.

        Raises RoleLost, and writes nothing, if this process was the daemon and another one has become it, or may have.
        """
        self._refuse_if_role_lost()
        # Threads of one process queue here: SQLite's own waiting polls with growing sleeps.
        with self._writer, self._engine.begin() as connection:
            tx = Tx(connection, self.clock.now())
            self._refuse_if_taken_over(tx)
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent read that doesn't wait for writers. Raises RoleLost as `tx` does: it is read to be acted on."""
        self._refuse_if_role_lost()
        at = self.clock.now()
        with self._engine.connect().execution_options(**self._database.reading) as connection:
            tx = Tx(connection, at)
            self._refuse_if_taken_over(tx)
            yield tx

    def copy(self, path: Path) -> Store:
        """A consistent copy of its own in a SQLite file, to decide on without writing here."""
        if self._engine.dialect.name == "sqlite":
            with (
                contextlib.closing(sqlite3.connect(self._database.name)) as ours,
                contextlib.closing(sqlite3.connect(path)) as theirs,
            ):
                ours.backup(theirs)
            return Store(path, self.clock)
        copied = Store(path, self.clock)
        with self.read() as source, copied.tx() as target:
            streamed = source.connection.execution_options(yield_per=ROWS_AT_ONCE)
            for table in metadata.sorted_tables:
                for rows in streamed.execute(select(table)).mappings().partitions():
                    target.execute(insert(table), [dict(row) for row in rows])
        return copied

    def last_seq(self) -> int:
        with self.read() as tx:
            return int(tx.execute(select(func.max(journal.c.seq))).scalar() or 0)

    # ---- the daemon role ----

    def become_daemon(self) -> None:
        """Take the daemon role, which is exclusive on one store; raises StoreBusy if another process has it.

        Having it proves that no other process can write as the daemon any more: it is dead, or (PostgreSQL, its session
        lost) its next write finds that its term is over. What it was writing is committed before this returns.
        """
        if holder := self._take_role():
            raise StoreBusy(
                f"Could not start: the store {self._database.name} is in use by another connector ({holder}). "
                "Nothing was read or written. Stop that one first, or give this one its own store (CONNECTOR_STORE)."
            )

    def wait_to_become_daemon(
        self,
        stop: threading.Event,
        standing_by: Callable[[str], None],
        taking_over: Callable[[str], None] = lambda silent: None,
    ) -> bool:
        """As become_daemon; on PostgreSQL it stands by while another has the role, until that is free or `stop` is set.

        Free it is when its holder ends or dies, when its host is lost, and when it has said nothing for SILENT_SECONDS:
        then this one ends the holder's session, so that the server itself says whose the role is. `standing_by` is told
        once who has it, `taking_over` each that was silent. Returns False if `stop` was set before the role was free.
        """
        if not self._database.is_shared:
            self.become_daemon()
            return True
        waiting = False
        while not stop.is_set():
            try:
                holder = self._take_role()
                if holder and waiting and (silent := self._database.end_silent_holder()):
                    taking_over(silent)
            except Transient:
                if not waiting:
                    raise
                holder = "unknown"  # the server is away: whoever comes first when it is back
            if not holder:
                if waiting:  # for days perhaps, in which another release may have upgraded the store
                    migrate(self._engine, self._database.name, may_upgrade=False)
                return True
            if not waiting:
                standing_by(holder)
            waiting = True
            stop.wait(STAND_BY_SECONDS)
        return False

    def wait_while_daemon(self, stop: threading.Event) -> None:
        """Until `stop` is set, or the daemon role is lost or can't be proved any more; `still_daemon` says which."""
        self._role.wait(stop)

    def still_daemon(self) -> bool:
        """Is the daemon role still ours? Asked before each tick; if not, this process must write nothing and end."""
        return self._term > 0 and self._role.is_proved()

    def _refuse_if_role_lost(self) -> None:
        if self._role.is_lost:
            raise RoleLost(
                f"The daemon's role on the store {self._database.name} can't be proved any more. This connector writes "
                "nothing more and ends; what it had begun is looked up and finished by the next one."
            )

    def _refuse_if_taken_over(self, tx: Tx) -> None:
        if self._term and int(tx.get("daemon_term", "0")) != self._term:
            raise RoleLost(
                f"Another connector has taken over the store {self._database.name}. This one writes nothing more and "
                "ends; what it had begun is looked up and finished by the other."
            )

    def _take_role(self) -> str:
        """'' if this process is the daemon now, else who is. Begins a new term, which ends that of any other."""
        if holder := self._role.take():
            return holder
        with self.tx() as tx:
            term = int(tx.get("daemon_term", "0")) + 1
            tx.set("daemon_term", str(term))
        self._term = term
        return ""

    def close(self) -> None:
        self._role.end()
        self._database.close()
