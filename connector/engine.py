"""The thin wall around the durable engine (DBOS): run named steps so that a killed process finishes them after restart.

The engine holds no facts. A job is named by a key and reads its row in the store, which is the only truth; if the
engine's own tables are lost, the sweep in loop.py starts what is missing. Every step may run twice (killed after its
effect and before its checkpoint), so every step is written to look first.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event

from connector.errors import Transient

if TYPE_CHECKING:
    import sqlalchemy
    from dbos import DBOSConfig
    from sqlalchemy.engine import ExceptionContext

Step = tuple[str, Callable[[str], None]]

# Where the engine keeps its tables in a PostgreSQL store: beside the store's own, and dropped without loss.
SCHEMA = "connector_engine"

# A job that still runs when the process ends is waited for this long; it goes on after the next start.
ENDS_WITHIN_SECONDS = 5

# Raise by hand when the steps of a job change in a way that a half-run job of the old kind can't continue.
JOBS_VERSION = "1"

_jobs: Mapping[str, Sequence[Step]] = {}


class _Running:
    """How many jobs run in this process just now, recovered ones included."""

    def __init__(self) -> None:
        self._count, self._lock = 0, threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1

    def __bool__(self) -> bool:
        return self._count > 0


_running = _Running()
_frozen: set[str] = set()


def reached(point: str) -> None:
    """A named point of a durable act or of a send. Tests kill or freeze the process here; otherwise nothing happens.

    Set CONNECTOR_KILL_AT to a point's name: the process gets SIGKILL when it first comes by. CONNECTOR_FREEZE_AT: it
    gets SIGSTOP, once, and goes on from there when somebody wakes it.
    """
    if os.environ.get("CONNECTOR_KILL_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("CONNECTOR_FREEZE_AT") == point and point not in _frozen:
        _frozen.add(point)
        os.kill(os.getpid(), signal.SIGSTOP)


@cache
def _durable() -> Callable[[str, str], None]:
    """The one workflow there is, registered once. Importing the engine takes a second that most commands don't need."""
    from dbos import DBOS

    def durable(job: str, key: str) -> None:
        with _running:
            for name, step in _jobs[job]:
                DBOS.run_step({"name": f"{job}.{name}"}, step, key)

    workflow: Callable[[str, str], None] = DBOS.workflow(name="durable", max_recovery_attempts=1000)(durable)
    return workflow


def forget(database: URL) -> None:
    """Drop the engine's own tables, which belong to a store that was replaced; the sweep starts what is missing."""
    if database.get_backend_name() == "sqlite":
        for ending in ("", "-wal", "-shm"):
            Path(f"{database.database}{ending}").unlink(missing_ok=True)
        return
    connections = create_engine(database, hide_parameters=True)
    with connections.begin() as connection:
        connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE')
    connections.dispose()


class Engine:
    """One per process, launched by the daemon only. `database` is a file of the engine's own, or a PostgreSQL database
    in which it keeps a schema of its own, so that losing it loses nothing.
    """

    def __init__(self, database: URL, jobs: Mapping[str, Sequence[Step]]) -> None:
        global _jobs
        self._url = database
        _jobs = jobs
        self._connections: sqlalchemy.Engine | None = None
        self._launched = False

    def prepare(self) -> None:
        """Load what launching needs, which takes a second: whoever stands by does it before the role is free."""
        _durable()

    def launch(self) -> None:
        """Start, and go on with what a killed process left; jobs found there run in the background.

        Only the process that has the daemon role may call this. So one name serves all daemons, and whoever has the
        role takes up what the one before it left, on whatever host that was.
        """
        from dbos import DBOS

        _durable()
        config: DBOSConfig = {
            "name": "connector",
            "application_version": JOBS_VERSION,
            "executor_id": "daemon",
            "log_level": "CRITICAL",
            "run_migrations": True,
            # Ending waits for this poll; nobody here listens for its notifications.
            "notification_listener_polling_interval_sec": 0.1,
            **self._place(),
        }
        DBOS(config=config)
        DBOS.launch()
        self._launched = True

    def _place(self) -> DBOSConfig:
        """Where its tables are. The connections to a server are made here, so that it tries to create no database."""
        if self._url.get_backend_name() == "sqlite":
            with sqlite3.connect(str(self._url.database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            return {"system_database_url": self._url.render_as_string()}
        self._connections = create_engine(self._url, hide_parameters=True, pool_pre_ping=True)
        event.listen(self._connections, "handle_error", _told)
        return {
            "system_database_engine": self._connections,
            "dbos_system_schema": SCHEMA,
            "use_listen_notify": False,
        }

    def run(self, job: str, key: str) -> None:
        """Run the job to its end, or join it if it is running already. A key names one run for ever.

        Raises whatever a step raised, and Transient where the engine's own tables can't be reached; the store's rows
        then say how far it came.
        """
        from dbos import DBOS, SetWorkflowID

        with SetWorkflowID(f"{job}-{key}"):
            handle: Any = DBOS.start_workflow(_durable(), job, key)
        handle.get_result()

    def stop(self) -> None:
        if self._launched:
            from dbos import DBOS

            # It waits in whole seconds, so only where there is something to wait for.
            DBOS.destroy(workflow_completion_timeout_sec=ENDS_WITHIN_SECONDS if _running else 0)
            self._launched = False
        if self._connections is not None:
            self._connections.dispose()
            self._connections = None


def _told(context: ExceptionContext) -> BaseException | None:
    """A connection that broke, in our words. The library would wait for the server without limit, and a pass with it;
    what it doesn't know it lets through, and the pass ends, finds the role lost, or is followed by the next."""
    dialect = context.dialect
    lost = dialect is not None and isinstance(context.original_exception, dialect.loaded_dbapi.OperationalError)
    if context.is_pre_ping or not (context.is_disconnect or lost):
        return None
    words = " ".join(str(context.original_exception).split())
    return Transient(
        f"Could not reach the durable engine's tables in the store's database: {words}. What was begun is looked up "
        "and finished by the next pass; if this lasts, look whether the server runs (CONNECTOR_STORE)."
    )
