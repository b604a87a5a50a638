"""The thin wall around the durable engine (DBOS): run named steps so that a killed process finishes them after restart.

The engine holds no facts. A job is named by a key and reads its row in the store, which is the only truth; if the
engine's own tables are lost, the sweep in loop.py starts what is missing. Every step may run twice (killed after its
effect and before its checkpoint), so every step is written to look first.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

Step = tuple[str, Callable[[str], None]]

# Raise by hand when the steps of a job change in a way that a half-run job of the old kind can't continue.
JOBS_VERSION = "1"

_jobs: Mapping[str, Sequence[Step]] = {}


def reached(point: str) -> None:
    """A named point of the closing act or of a send. Tests kill the process here; otherwise nothing happens.

    Set CONNECTOR_KILL_AT to a point's name: the process gets SIGKILL when it first comes by.
    """
    if os.environ.get("CONNECTOR_KILL_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _durable() -> Callable[[str, str], None]:
    """The one workflow there is, registered once. Importing the engine takes a second that most commands don't need."""
    from dbos import DBOS

    def durable(job: str, key: str) -> None:
        for name, step in _jobs[job]:
            DBOS.run_step({"name": f"{job}.{name}"}, step, key)

    workflow: Callable[[str, str], None] = DBOS.workflow(name="durable", max_recovery_attempts=1000)(durable)
    return workflow


class Engine:
    """One per process. `path` is a file of the engine's own, so that losing it loses nothing."""

    def __init__(self, path: Path, jobs: Mapping[str, Sequence[Step]]) -> None:
        global _jobs
        self._path = path
        _jobs = jobs
        self._launched = False

    def launch(self) -> None:
        """Start, and go on with what a killed process left; jobs found there run in the background."""
        from dbos import DBOS, DBOSConfig

        _durable()
        with sqlite3.connect(self._path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        config: DBOSConfig = {
            "name": "connector",
            "system_database_url": f"sqlite:///{self._path}",
            "application_version": JOBS_VERSION,
            "executor_id": "daemon",
            "log_level": "CRITICAL",
            "run_migrations": True,
            # Ending waits for this poll; nobody here listens for its notifications.
            "notification_listener_polling_interval_sec": 0.1,
        }
        DBOS(config=config)
        DBOS.launch()
        self._launched = True

    def run(self, job: str, key: str) -> None:
        """Run the job to its end, or join it if it is running already. A key names one run for ever.

        Raises whatever a step raised; the store's rows then say how far it came.
        """
        from dbos import DBOS, SetWorkflowID

        with SetWorkflowID(f"{job}-{key}"):
            handle: Any = DBOS.start_workflow(_durable(), job, key)
        handle.get_result()

    def stop(self) -> None:
        if self._launched:
            from dbos import DBOS

            DBOS.destroy(workflow_completion_timeout_sec=5)
            self._launched = False
