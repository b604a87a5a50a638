"""The world's one clock and its one order of commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


class WorldClock:
    """Real time plus an offset, or standing still. Never goes back: what is committed stays in the past."""

    def __init__(self, real: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._real = real
        self._offset = timedelta(0)
        self._standing: datetime | None = None
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            return self._now()

    @property
    def frozen(self) -> bool:
        return self._standing is not None

    def start_at(self, instant: datetime) -> None:
        """Stand still at an instant, even an earlier one; for building a world that is not yet served."""
        with self._lock:
            self._standing = instant.astimezone(UTC)

    def move_to(self, instant: datetime) -> None:
        """Move on to a later instant; a standing clock goes on standing there, a running one runs from there."""
        with self._lock:
            now = self._now()
            if instant < now:
                raise ValueError(
                    f"the world's clock is at {now.isoformat()} and can't go back to {instant.isoformat()}"
                )
            if self._standing is not None:
                self._standing = instant.astimezone(UTC)
            else:
                self._offset += instant - now

    def freeze(self) -> None:
        with self._lock:
            self._standing = self._now()

    def run(self) -> None:
        """Run with real time from the present instant of the world."""
        with self._lock:
            if self._standing is not None:
                self._offset = self._standing - self._real()
                self._standing = None

    def _now(self) -> datetime:
        return self._standing if self._standing is not None else self._real() + self._offset


@dataclass(frozen=True, slots=True)
class Commit:
    sequence: int
    at: datetime
    what: str


class Sequence:
    """Numbers every commit of every service in one order, and keeps the list."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._commits: list[Commit] = []
        self._lock = threading.Lock()

    def __call__(self, what: str) -> int:
        with self._lock:
            number = len(self._commits) + 1
            self._commits.append(Commit(number, self._clock(), what))
            return number

    def commits(self, after: int = 0) -> list[Commit]:
        with self._lock:
            return self._commits[after:]
