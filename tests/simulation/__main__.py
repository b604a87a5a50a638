"""`scripts/simulate`: many stories from seeds, lived through over real HTTP or fakes; did every promise hold?"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from tests.harness import ROOT
from tests.simulation.desks import WAYS
from tests.simulation.plan import Deed, make
from tests.simulation.play import FAULT_RATE, Lived, Task, live, play
from tests.simulation.shrink import shrink

ERPS = ("netsuite", "intacct")
SHRINK_TRIES = 40
# Seeds that are drawn are far from those that people count up.
FRESH_FROM = 1_000_000
# What CI lives through each time: the first seeds, and as many that nobody has seen; minutes, not hours.
CI_SEEDS = 5
CI_DAYS = {"http": 6, "fakes": 20}


def main(argv: Sequence[str] | None = None) -> int:
    """0: every promise held in every story. 1: one did not; its seed and shortest story are printed."""
    asked = _arguments(argv)
    tasks = list(_tasks(asked))
    began, lived = time.monotonic(), []
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for one in pool.imap_unordered(live, tasks):
            lived.append(one)
            if not asked.json:
                print(_line(one), flush=True)
    seconds = time.monotonic() - began
    failed = sorted((one for one in lived if one.broken), key=lambda one: (one.seed, one.erp))
    if asked.json:
        stories = [one.as_json() for one in sorted(lived, key=lambda one: (one.seed, one.erp))]
        print(json.dumps({"commit": _commit(), "seconds": round(seconds, 1), "stories": stories}, indent=2))
    else:
        _tell(lived, seconds)
        for one in failed[:1]:
            _tell_failure(one, asked)
    return 1 if failed else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many stories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--fresh", type=int, default=0, help="so many more, drawn from the commit")
    parser.add_argument("--over", choices=(*WAYS, "both"), default="http", help="real HTTP, or fakes in one process")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--erp", choices=("turns", *ERPS, "both"), default="turns", help="both: each seed on each ERP")
    parser.add_argument(
        "--faults", type=float, default=FAULT_RATE, help="how many requests of a hundred go wrong, / 100"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-shrink", action="store_true", help="don't look for the shortest story that still fails")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ci", action="store_true", help="a few fixed seeds and a few fresh ones, over both")
    asked = parser.parse_args(argv)
    if asked.ci:
        asked.seeds, asked.fresh, asked.over = CI_SEEDS, CI_SEEDS, "both"
    return asked


def _tasks(asked: argparse.Namespace) -> Iterator[Task]:
    ways = WAYS if asked.over == "both" else (asked.over,)
    for seed in (*range(asked.first, asked.first + asked.seeds), *_fresh(asked.fresh)):
        both = {"both": ERPS, "turns": (ERPS[seed % 2],)}.get(asked.erp, (asked.erp,))
        for erp in both:
            for over in ways:
                yield Task(seed, erp, CI_DAYS[over] if asked.ci else asked.days, asked.faults, over)


def _fresh(count: int) -> list[int]:
    """Seeds that follow from the commit: others at every change, the same ones whoever looks at this one."""
    luck = random.Random(_commit())
    return sorted(luck.sample(range(FRESH_FROM, 2 * FRESH_FROM), count))


def _line(one: Lived) -> str:
    kept = f"broken on {one.on}: {'; '.join(one.broken)}" if one.broken else "held"
    return (
        f"seed {one.seed:>7}  {one.erp:<8}  {one.over:<5}  {one.passes:>4} passes  {one.mails:>4} mails  "
        f"{one.acts:>4} payments  {one.faults:>5} faults  {one.kills} kill  {one.sent_unknown} sent_unknown  {kept}"
    )


def _tell(lived: Sequence[Lived], seconds: float) -> None:
    def total(name: str) -> int:
        return sum(int(getattr(one, name)) for one in lived)

    days, broken = sum(one.days for one in lived), sum(bool(one.broken) for one in lived)
    print(
        f"{len(lived)} stories, {days:,} days in {seconds:,.0f} s ({days * 60 / max(seconds, 1):,.0f} days a minute): "
        f"{total('mails'):,} mails, {total('acts'):,} payments of ours, {total('faults'):,} faults, "
        f"{total('kills')} kills, {total('sent_unknown')} sent_unknown; {broken} stories broke a promise"
    )


def _tell_failure(one: Lived, asked: argparse.Namespace) -> None:
    deeds: Sequence[Deed] = make(one.seed, one.days)
    again = (
        f"scripts/simulate --first {one.seed} --seeds 1 --days {one.days} --erp {one.erp} --over {one.over} "
        f"--faults {asked.faults}"
    )
    print(f"\nseed {one.seed} on {one.erp} at commit {_commit()}: {one.broken[0]}\nagain: {again}")
    if asked.no_shrink:
        return
    promise = one.broken[0].partition(":")[0]

    def fails(some: Sequence[Deed]) -> bool:
        lived = play(one.seed, some, one.days, one.erp, asked.faults, one.over)
        return any(line.startswith(promise) for line in lived.broken)

    print(f"looking for the shortest story that still breaks {promise} ...", flush=True)
    for deed in shrink(deeds, fails, SHRINK_TRIES):
        print(f"    {deed}")


def _commit() -> str:
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
