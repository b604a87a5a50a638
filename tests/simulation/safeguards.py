"""`scripts/safeguards`: what each safeguard is worth. It is switched off, and the promise that it keeps must break.

A trial plays a short scene made for one safeguard, seed after seed, on one ERP: with it, and without it. With it every
promise must hold; without it the named one must break within the seeds. Of two that stand in for each other both are
off together, and that either alone has no effect in that scene is a result that is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from tests.harness import desk
from tests.simulation import scenes
from tests.simulation.desks import no_waiting
from tests.simulation.stage import SETTLED, Broken, Stage
from tests.simulation.switched_off import without

ERPS = ("netsuite", "intacct")
SEEDS = 50
# So many seeds are played with everything on, at least.
CONTROLS_MIN = 3


@dataclass(frozen=True)
class Safeguard:
    """`off` are the switches that are off together; with several each alone must have no effect in this scene."""

    name: str
    off: tuple[str, ...]
    scene: Callable[[Stage], None]
    promise: str
    mix: str  # what goes wrong in the scene, in a few words


SAFEGUARDS = (
    Safeguard(
        "send lease",
        ("send lease",),
        scenes.a_payment_at_the_final_dot,
        "never_chase_paid",
        "a match beside a mail at its final dot",
    ),
    Safeguard(
        "read-back", ("read-back",), scenes.entered_by_hand_too, "apply_once", "a person enters it while we write it"
    ),
    Safeguard(
        "external id",
        ("external id",),
        scenes.the_request_is_late,
        "apply_once",
        "a lost request arrives after its retry",
    ),
    Safeguard(
        "read-back + external id",
        ("read-back", "external id"),
        scenes.the_answer_is_lost,
        "apply_once",
        "the answer to a write is lost",
    ),
    Safeguard(
        "freshness: age",
        ("freshness: age",),
        scenes.the_feed_is_away,
        "never_chase_blind",
        "Stripe is away, and paid through",
    ),
    Safeguard(
        "freshness: read again",
        ("freshness: read again",),
        scenes.entered_between_read_and_mail,
        "never_chase_paid",
        "a cheque is applied between read and mail",
    ),
    Safeguard(
        "generation",
        ("generation",),
        scenes.given_back_after_all,
        "undo_restores",
        "what was undone is ours after all",
    ),
    Safeguard(
        "generation after a refusal",
        ("generation",),
        scenes.refused_once,
        "one_act",
        "a write is refused once and its id kept",
    ),
    Safeguard(
        "intent-first",
        ("intent-first",),
        scenes.killed_after_the_effect,
        "one_act",
        "SIGKILL just after the ERP took it",
    ),
    Safeguard(
        "sums check",
        ("sums check", "sums check of the store"),
        scenes.a_member_is_missing,
        "cents_conserve",
        "a payout's newest members are missing",
    ),
)


@dataclass(frozen=True)
class Task:
    """Seeds of one scene on one ERP with these switches off; `until_broken`: the first that breaks one is enough."""

    name: str
    erp: str
    off: tuple[str, ...]
    seeds: tuple[int, ...]
    until_broken: bool


@dataclass(frozen=True)
class Result:
    """`broken_at`: the seeds that broke a promise, `line` what the first of them broke. `stopped`: seeds in which the
    connector stopped by itself rather than go on."""

    name: str
    erp: str
    off: tuple[str, ...]
    played: int
    broken_at: tuple[int, ...]
    line: str
    stopped: int
    seconds: float


def play(safeguard: Safeguard, seed: int, erp: str, off: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """What broke in this scene of this seed, if anything; and why the connector stopped by itself, if it did."""
    with no_waiting(), without(off), tempfile.TemporaryDirectory(prefix="safeguards-") as folder:
        policy, settled = {"backlog": "next_step"}, SETTLED
        with desk(Path(folder), erp=erp, store="sqlite", policy=policy, settle_through=settled) as at:
            stage = Stage(at, random.Random(f"{safeguard.name}/{seed}"), frozenset(off))
            try:
                safeguard.scene(stage)
            except Broken as broken:
                return broken.lines, stage.stopped
            if stage.is_idle():
                raise RuntimeError(f"nothing happened in seed {seed} of {safeguard.name!r} on {erp}: it shows nothing")
            return (), stage.stopped


def carry_out(task: Task) -> Result:
    """Play the seeds of this task, in order."""
    safeguard = _named(task.name)
    began, played, stopped, line = time.monotonic(), 0, 0, ""
    broken_at: list[int] = []
    for seed in task.seeds:
        lines, why = play(safeguard, seed, task.erp, task.off)
        played, stopped = played + 1, stopped + bool(why)
        if lines:
            broken_at.append(seed)
            named = next((one for one in lines if one.startswith(f"{safeguard.promise}:")), lines[0])
            line = line or named
            if task.until_broken:
                break
    seconds = round(time.monotonic() - began, 1)
    return Result(task.name, task.erp, task.off, played, tuple(broken_at), line, stopped, seconds)


# ---- all of them ----


def tasks(chosen: Sequence[Safeguard], erps: Sequence[str], seeds: int) -> Iterator[Task]:
    """Without the safeguard until it breaks; and, of several, without each alone on every seed."""
    every = tuple(range(1, seeds + 1))
    for safeguard in chosen:
        for erp in erps:
            yield Task(safeguard.name, erp, safeguard.off, every, True)
            if len(safeguard.off) > 1:
                for one in safeguard.off:
                    yield Task(safeguard.name, erp, (one,), every, False)


def controls(results: Sequence[Result]) -> Iterator[Task]:
    """The seeds up to the one that broke, with everything on."""
    for one in results:
        if len(one.off) == len(_named(one.name).off):
            last = max(one.broken_at[0] if one.broken_at else one.played, CONTROLS_MIN)
            yield Task(one.name, one.erp, (), tuple(range(1, last + 1)), False)


def is_as_claimed(one: Result) -> bool:
    """With everything on, and where another one stands in, nothing breaks; else the named promise does."""
    safeguard = _named(one.name)
    if len(one.off) < len(safeguard.off):
        return not one.broken_at
    return bool(one.broken_at) and one.line.startswith(f"{safeguard.promise}:")


def _named(name: str) -> Safeguard:
    return next(one for one in SAFEGUARDS if one.name == name)


def _be_quiet() -> None:
    """In a process of its own: the connector's log is not shown."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)


def main(argv: Sequence[str] | None = None) -> int:
    """0: each safeguard is worth what is claimed. 1: one isn't; its line says so."""
    asked = _arguments(argv)
    chosen = [one for one in SAFEGUARDS if asked.without in ("", one.name)]
    erps = ERPS if asked.erp == "both" else (asked.erp,)
    results: list[Result] = []
    with multiprocessing.get_context("spawn").Pool(asked.processes, _be_quiet) as pool:
        for one in pool.imap(carry_out, list(tasks(chosen, erps, asked.seeds))):
            _take(one, results, asked.json)
        for one in pool.imap(carry_out, list(controls(results))):
            _take(one, results, asked.json)
    wrong = [one for one in results if not is_as_claimed(one)]
    if asked.json:
        shown = [asdict(one) | {"promise": _named(one.name).promise, "as_claimed": one not in wrong} for one in results]
        print(json.dumps(shown, indent=2))
    else:
        print(f"{len(results)} trials, {sum(one.played for one in results)} scenes; {len(wrong)} not as claimed")
    return 1 if wrong else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/safeguards", description=__doc__)
    names = ["", *(one.name for one in SAFEGUARDS)]
    parser.add_argument("--without", default="", choices=names, help="only this safeguard; left out, each of them")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="within so many seeds it must break")
    parser.add_argument("--erp", choices=(*ERPS, "both"), default="both")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def _take(one: Result, results: list[Result], is_json: bool) -> None:
    results.append(one)
    if not is_json:
        print(_line(one), flush=True)


def _line(one: Result) -> str:
    safeguard = _named(one.name)
    off = f"without {' and '.join(one.off)}" if one.off else "with everything"
    told = f"{one.erp:<8}  {safeguard.mix:<42}  {off:<48}  "
    if one.broken_at:
        told += f"broken at seed {one.broken_at[0]} of {one.played}: {one.line}"
    elif len(one.off) == len(safeguard.off):
        told += f"NOT BROKEN within {one.played} seeds, claimed: {safeguard.promise}"
    else:
        told += f"{'no effect alone' if one.off else 'held'} in {one.played} seeds"
    told += f" ({one.stopped} times it stopped by itself)" if one.stopped else ""
    return told if is_as_claimed(one) else f"{told}  <- not as claimed"


if __name__ == "__main__":
    sys.exit(main())
