"""Where a story is lived through: over the sandbox's real HTTP, or over fakes in this process. Both do the same.

Over HTTP a kill is a process of its own and a real SIGKILL; over fakes it is an exception that nothing catches.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

import stripe

from connector.adapters import lanes
from connector.daemon import Service
from connector.reports import TickReport
from connector.wiring import open_service
from sandbox.world import ErpName, World
from tests.fakes.ledger_desk import ledger_desk
from tests.fakes.ledger_world import WorldNow
from tests.harness import ROOT, Desk, mappings, sandbox, settlement

WAYS = ("http", "fakes")
Policy = Mapping[str, str]


class Office(Protocol):
    """A connector on a world, as a story needs it."""

    world: World

    @property
    def clock(self) -> WorldNow: ...
    @property
    def service(self) -> Service: ...
    def tick(self) -> TickReport: ...
    def change_policy(self, policy: Policy) -> None: ...
    def killed(self, point: str) -> bool:
        """One pass that ends for good at this point; False if it never came by there."""
        ...

    def close(self) -> None: ...


@contextmanager
def office(over: str, erp: ErpName, now: datetime, policy: Policy) -> Iterator[Office]:
    """Over `http` or `fakes`; nothing of it is left on the disk."""
    # A story is written to no disk that could be slow, where there is memory to be written to.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="simulate-", dir=memory if memory.is_dir() else None) as folder:
        if over == "fakes":
            with ledger_desk(Path(folder), erp, now, policy) as at_hand:
                yield at_hand
            return
        with no_waiting(), sandbox(now, erp=erp) as served:
            at = HttpDesk(served, Path(folder), policy, crm=True, settled=[settlement(served, "USD")])
            try:
                yield at
            finally:
                at.close()


class HttpDesk(Desk):
    """The connector on the sandbox."""

    @property
    def clock(self) -> WorldNow:
        if "_clock" not in self.__dict__:
            self._clock = WorldNow(self.world)
        return self._clock

    @property
    def service(self) -> Service:
        if self._service is None:
            self._service = open_service(self.settings, self.clock)
            self.approve_policy()
            self._service.start()
        return self._service

    def change_policy(self, policy: Policy) -> None:
        """From the next start on."""
        self.close()
        mappings(self.folder, policy)

    def killed(self, point: str) -> bool:
        self.close()
        self.approve_policy()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")} | self.environ
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.one_pass", self.clock.now().isoformat()],
            env=environ | {"CONNECTOR_KILL_AT": point},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode not in (0, -9):
            raise RuntimeError(f"the pass that was to be killed at {point} ended with {done.returncode}: {done.stderr}")
        return done.returncode == -9


@contextmanager
def no_waiting() -> Iterator[None]:
    """The adapters and Stripe's library wait between two attempts of a read; in a story nobody has the time."""
    with ExitStack() as patched:
        for place, name, value in (
            (lanes.Lanes, "__init__", _impatient(lanes.Lanes.__init__)),
            (stripe.HTTPClient, "INITIAL_DELAY", 0),
            (stripe.HTTPClient, "MAX_DELAY", 0),
        ):
            patched.enter_context(patch.object(place, name, value))
        yield


def _impatient(made: Callable[..., None]) -> Callable[..., None]:
    def without(self: object, at_once: int, attempts: int, sleep: object = None, *rest: object) -> None:
        made(self, at_once, attempts, lambda _: None, *rest)

    return without
