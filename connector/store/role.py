"""The daemon role of this process: taken once, proved again every few seconds, lost once and for all."""

from __future__ import annotations

import threading

from connector.store.database import SILENT_SECONDS, Database

# Often enough that a daemon at work is never taken for a silent one, seldom enough to cost nothing.
PROVED_EVERY_SECONDS = 3.0
_WATCH_SECONDS = 1.0


class Role:
    """On a shared store a thread proves the role to the server, and so the server sees that this process lives.

    It is lost when the server says so. Where the server says nothing at all (its network swallows everything), it is
    lost after as many seconds of this process's own waking life as others would wait for its sign of life.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._proofs = 0
        self._keeper: threading.Thread | None = None
        self._is_lost = False
        self._ended = threading.Event()

    def take(self) -> str:
        """'' if this process has the role now, else who has it."""
        holder = self._database.take_role()
        if not holder and self._database.is_shared and self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="daemon-role", daemon=True)
            self._keeper.start()
        return holder

    @property
    def is_lost(self) -> bool:
        """Was it ours, and can't be proved any more? Needs no question: for whoever is about to write."""
        return self._is_lost

    def is_proved(self) -> bool:
        """Is it ours? The database says so now."""
        if not self._is_lost and self._database.holds_role():
            return True
        self._is_lost = self._keeper is not None
        return False

    def wait(self, stop: threading.Event) -> None:
        """Until `stop` is set, or the role is lost or could not be proved for too long."""
        if self._keeper is None:
            stop.wait()
            return
        seen, unproved = self._proofs, 0.0
        while not stop.wait(_WATCH_SECONDS) and not self._is_lost:
            # Seconds that were lived, not a clock's: a process that slept is asked by its own thread first.
            unproved = 0.0 if self._proofs != seen else unproved + _WATCH_SECONDS
            seen = self._proofs
            self._is_lost = unproved > SILENT_SECONDS

    def end(self) -> None:
        """Prove it no more; it is given back when the database is closed."""
        self._ended.set()
        if self._keeper is not None:
            self._keeper.join(_WATCH_SECONDS)  # unless it asks a server that never answers

    def _keep(self) -> None:
        while not self._ended.wait(PROVED_EVERY_SECONDS):
            if not self.is_proved():
                return
            self._proofs += 1
