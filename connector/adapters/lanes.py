"""How many requests to one ERP run at once, how often a read is tried, and how we give way while others use it up.

All integrations of a company share one limit, and nobody is told how much of it is free: only a refusal says that none
is. Each refusal doubles the pause before our next requests, whichever thread makes them; each answer halves it. So we
leave room while it is short, and are back at full speed a few answers after it isn't. A read is tried a few times, at
this one layer only; a write is never tried again here.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import tenacity

from connector.errors import Transient

T = TypeVar("T")

# Both vendors ask for growing, unsynchronised delays. A wait that the server asks for is honoured up to the limit.
WAIT_SECONDS_MAX = 8.0
ASKED_WAIT_SECONDS_MAX = 60.0
_FIRST_SECONDS = 0.5


class TooMany(Transient):
    """The ERP answered that too many requests run at once; nothing was done, and it is asked again after a wait."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Lanes:
    """At most `at_once` requests run at the same time, over all services and threads of this process.

    `spread` draws from 0 to 1, so that integrations that were refused together don't come back together.
    """

    def __init__(
        self,
        at_once: int,
        attempts: int,
        sleep: Callable[[float], None],
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._attempts = attempts
        self._sleep = sleep
        self._spread = spread
        self._turn = threading.Lock()
        self._pause = 0.0
        self._asked = 0.0  # what the last refusal asked for, once

    def read(self, request: Callable[[], T]) -> T:
        """Make this read, again after a wait while it fails as Transient; the last error is raised."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=_wait,
            sleep=self._wait_for,
            reraise=True,
        )
        answer: T = retrying(self.write, request)
        return answer

    def write(self, request: Callable[[], T]) -> T:
        """Do this once, and learn from it how busy the ERP is."""
        try:
            answer = request()
        except TooMany as error:
            with self._turn:
                self._pause = min(max(2 * self._pause, _FIRST_SECONDS), WAIT_SECONDS_MAX)
                self._asked = min(error.wait_seconds or 0.0, ASKED_WAIT_SECONDS_MAX)
            raise
        with self._turn:
            self._pause = self._pause / 2 if self._pause > _FIRST_SECONDS else 0.0
        return answer

    @contextmanager
    def slot(self) -> Iterator[None]:
        """For one request on the wire: waits for a free lane, and gives way first if the ERP was busy."""
        with self._free:
            with self._turn:
                seconds = max(self._asked, self._pause * (1 + self._spread()) / 2)
                self._asked = 0.0
            self._wait_for(seconds)
            yield

    def _wait_for(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)


_growing = tenacity.wait_random_exponential(multiplier=0.5, max=WAIT_SECONDS_MAX)


def _wait(state: tenacity.RetryCallState) -> float:
    """Where the ERP is busy, the pause before the next request is the wait."""
    error = state.outcome.exception() if state.outcome else None
    return 0.0 if isinstance(error, TooMany) else _growing(state)
