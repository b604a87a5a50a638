"""One story, lived through: the deeds of its plan, the connector's pass after each, and what must hold after that."""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

from connector.receivables import ReminderState
from connector.store import history
from tests.harness import ROOT, Desk, desk
from tests.simulation import invariants
from tests.simulation.business import Business, day_of
from tests.simulation.plan import HOURS, Deed, make

FAULT_RATE = 0.04
# A pass that was to be killed and never came by the point is tried again, but not for ever.
KILL_TRIES = 3
# After the last deed nothing goes wrong any more, and what was begun comes to its end.
QUIET_DAYS = 4
# As a new installation has them, but switched on: what isn't proved waits for a person.
POLICY = {
    "trust": "{auto: [stripe_link, metadata, printed_reference], precision_min: 0}",
    "backlog": "next_step",
}


@dataclass
class Lived:
    """What a story came to. `broken` is empty if all promises held; `on` the day on which one didn't."""

    seed: int
    erp: str
    days: int
    broken: list[str] = field(default_factory=list)
    on: str = ""
    passes: int = 0
    mails: int = 0
    acts: int = 0
    faults: int = 0
    kills: int = 0
    sent_unknown: int = 0
    deeds: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Task:
    """One story to live through: a seed on an ERP."""

    seed: int
    erp: str
    days: int
    rate: float


def live(task: Task) -> Lived:
    """For a process of its own: the connector's log is not shown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return play(task.seed, make(task.seed, task.days), task.days, task.erp, task.rate)


def play(seed: int, deeds: Sequence[Deed], days: int, erp: str, rate: float = FAULT_RATE) -> Lived:
    """Live through all of it; stops at the first promise that is broken."""
    lived = Lived(seed, erp, days)
    first = datetime.combine(day_of(0), time(8), UTC)
    with (
        _no_waiting(),
        tempfile.TemporaryDirectory(prefix="simulate-") as folder,
        desk(Path(folder), now=first, policy=POLICY, erp=erp, store="sqlite") as at,
    ):
        business = Business(at.world)
        business.weather(seed, rate)
        _live(at, business, deeds, days, lived)
        lived.deeds = business.done
        _count(at, lived)
    return lived


def _live(at: Desk, business: Business, deeds: Sequence[Deed], days: int, lived: Lived) -> None:
    away_until, kill_at, tries = -1, "", KILL_TRIES
    for day in range(days + QUIET_DAYS):
        if day == days:
            business.clear_sky()
        for hour in HOURS:
            at.world.advance_to(datetime.combine(day_of(day), time(hour), UTC))
            now = [deed for deed in deeds if (deed.day, deed.hour) == (day, hour)]
            for deed in now:
                if deed.what == "away":
                    away_until = day + int(deed.get("days"))
                elif deed.what == "kill":
                    kill_at = str(deed.get("at"))
                elif deed.what == "policy":
                    _change_policy(at, int(deed.get("grace")))
                else:
                    business.do(deed)
            if (day < away_until and day < days) or not (now or hour == HOURS[0]):
                continue
            if kill_at and tries and _comes_by(kill_at, now):
                tries -= 1
                kill_at = _killed(at, kill_at, lived)
            at.tick()
            lived.passes += 1
            lived.broken = invariants.broken(at.world, at.service.store)
            if lived.broken:
                lived.on = day_of(day).isoformat()
                return
    lived.broken = invariants.unsettled(at.world, at.service.store)
    lived.on = "the end" if lived.broken else ""


def _comes_by(point: str, now: Sequence[Deed]) -> bool:
    """Is a pass likely to come by this point? A process of its own costs seconds."""
    return point.startswith("reminder.") or any(deed.what in ("pay", "bank_settles") for deed in now)


def _change_policy(at: Desk, grace_days: int) -> None:
    """Finance changes a figure; the policy is approved and the daemon started anew."""
    from tests.harness import mappings

    at.close()
    mappings(at.folder, {**POLICY, "exceptions": f"{{returned: {{grace_days: {grace_days}}}}}"})


def _killed(at: Desk, point: str, lived: Lived) -> str:
    """One pass in a process of its own that gets SIGKILL at this point; the point, if it never came by there."""
    at.close()
    at.approve_policy()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")} | at.environ
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.one_pass", at.world.clock().isoformat()],
        env=environ | {"CONNECTOR_KILL_AT": point},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lived.passes += 1
    if done.returncode == -9:
        lived.kills += 1
        return ""
    if done.returncode:
        raise RuntimeError(f"the pass that was to be killed at {point} ended with {done.returncode}: {done.stderr}")
    return point


def _count(at: Desk, lived: Lived) -> None:
    lived.mails = len(at.mails())
    lived.acts = sum(1 for one in at.truth()["payments"] if one["external_id"].startswith("arc-"))
    lived.faults = len(at.world.faults.fired())
    with at.service.store.read() as tx:
        lived.sent_unknown = history.reminder_counts(tx).get(ReminderState.UNKNOWN, 0)


@contextmanager
def _no_waiting() -> Iterator[None]:
    """The adapters wait between two attempts of a read; in a story nobody has the time."""
    from connector.adapters.intacct import wire as of_intacct
    from connector.adapters.netsuite import wire as of_netsuite

    with ExitStack() as patched:
        for lanes in (of_netsuite.Lanes, of_intacct.Lanes):
            patched.enter_context(patch.object(lanes, "__init__", _impatient(lanes.__init__)))
        yield


def _impatient(made: Callable[..., None]) -> Callable[..., None]:
    def without(lanes: object, at_once: int, attempts: int, sleep: object = None) -> None:
        made(lanes, at_once, attempts, lambda _: None)

    return without
