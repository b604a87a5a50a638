"""The bench's table: from what was measured to figures, each with the aim beside it. Pure but for the printing."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

PHASES = ("first", "quiet", "changed", "single", "bulk")
# Until these are done the book is not known; what else the first tick does is writing.
PULLING = ("read_invoices", "read_periods", "plan_reminders")
# Sage Intacct's first performance tier, and how often a connector that is counted looks.
COUNTED_MAX = 100_000
QUARTERS_OF_A_MONTH = 4 * 24 * 30
LINKS = "one for each payment's Stripe invoice (read_invoice_links)"


@dataclass(frozen=True, slots=True)
class Phase:
    """One tick, or the median of several: seconds in all and by step, and the requests that it caused."""

    seconds: float
    steps: Mapping[str, float] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)  # by service; the ERP's in kinds, the writing one first
    loops: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)  # reads and writes that an ERP's contract counts, if any


@dataclass(frozen=True, slots=True)
class Measured:
    """All that one run measured."""

    invoices: int
    customers: int
    first: Phase
    quiet: Phase
    changed: Phase
    changed_count: int
    single: Phase  # with one payment; the median of several
    bulk: Phase
    suppressed_ms: tuple[float, ...]  # of each single payment: event read -> match committed
    peak_mb: float
    book_bytes: int  # the store before the first payment
    bulk_bytes: int  # by how much it grew with the bulk

    @property
    def pull_seconds(self) -> float:
        return sum(self.first.steps.get(step, 0.0) for step in PULLING)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `value` is the figure that the aim is about."""

    name: str
    value: float
    unit: str
    aim_max: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        return None if self.aim_max is None else self.value <= self.aim_max


def rows(found: Measured) -> tuple[Row, ...]:
    """The table: each figure with its aim. Ratios are to the first pull of the same run."""
    pulled, quiet, changed, bulk = found.pull_seconds, found.quiet, found.changed, found.bulk
    beyond_quiet = {name: count - quiet.requests.get(name, 0) for name, count in found.single.requests.items()}
    share, loops = 100 * found.changed_count / found.invoices, max(bulk.loops, 1)
    in_erp = sum(count for name, count in bulk.requests.items() if name != "stripe")
    written = next((count for name, count in beyond_quiet.items() if name != "stripe"), 0)
    return (
        Row("first pull", pulled, "s", note=f"{found.invoices} open invoices read and planned"),
        Row("first tick, whole", found.first.seconds, "s", note="and the AR status of each invoice written"),
        Row("quiet tick", quiet.seconds, "s", note=_by_kind(quiet.requests)),
        Row("quiet tick / first pull", 100 * quiet.seconds / pulled, "%", 2),
        Row(f"tick with {share:.3g} % changed", changed.seconds, "s", note=_by_kind(changed.requests)),
        Row(f"tick with {share:.3g} % changed / first pull", 100 * changed.seconds / pulled, "%"),
        Row("peak memory of the connector", found.peak_mb, "MB", 500),
        Row("store, the open book", found.book_bytes / 1e6, "MB"),
        Row("store, each loop closed", found.bulk_bytes / loops / 1e3, "kB"),
        Row("one act: ERP round trips", written, "", 3, "write, read back, end marks"),
        Row("one payment: requests beyond a quiet tick", sum(beyond_quiet.values()), "", note=_by_kind(beyond_quiet)),
        Row("in bulk: requests a loop", sum(bulk.requests.values()) / loops, "", 0.2, _by_kind(bulk.requests)),
        Row("in bulk: ERP requests a loop", in_erp / loops, "", 0.2, f"{bulk.loops} payments in one tick"),
        Row("in bulk: Stripe requests a loop", bulk.requests.get("stripe", 0) / loops, "", note=LINKS),
        Row("in bulk: loops closed a second", bulk.loops / bulk.seconds, "/s"),
        Row("event read -> suppressed, median", statistics.median(found.suppressed_ms), "ms", 50),
        Row("event read -> suppressed, worst", max(found.suppressed_ms), "ms", note=f"of {len(found.suppressed_ms)}"),
        *_counted(found),
    )


def _counted(found: Measured) -> tuple[Row, ...]:
    """Where the ERP's contract counts transactions: what a loop takes of them, and the quiet ticks of a month."""
    if not found.bulk.counted:
        return ()
    bulk, single = found.bulk, found.single
    each = f"each quarter of an hour; of {COUNTED_MAX} in all"
    quiet = sum(found.quiet.counted.values()) * QUARTERS_OF_A_MONTH
    return (
        Row("one loop: counted ERP writes", single.counted["writes"] / max(single.loops, 1), "", 4),
        Row("in bulk: counted ERP writes a loop", bulk.counted["writes"] / max(bulk.loops, 1), "", 4),
        Row("in bulk: counted ERP reads a loop", bulk.counted["reads"] / max(bulk.loops, 1), ""),
        Row("quiet ticks of a month: counted", quiet, "", COUNTED_MAX, each),
    )


def _by_kind(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items() if count) + " requests"


def as_json(found: Measured, machine: Mapping[str, Any]) -> dict[str, Any]:
    phases = {name: getattr(found, name) for name in PHASES}
    return {
        "machine": dict(machine),
        "invoices": found.invoices,
        "customers": found.customers,
        "figures": [
            {"name": r.name, "value": round(r.value, 4), "unit": r.unit, "aim_max": r.aim_max, "holds": r.holds}
            for r in rows(found)
        ],
        "steps": {
            name: {step: round(seconds, 4) for step, seconds in phase.steps.items()} for name, phase in phases.items()
        },
        "requests": {name: dict(phase.requests) for name, phase in phases.items()},
        "suppressed_ms": [round(one, 1) for one in found.suppressed_ms],
    }


def median_phase(phases: Sequence[Phase]) -> Phase:
    """The median of each figure, so that one disturbed tick doesn't count."""
    return Phase(
        seconds=statistics.median(phase.seconds for phase in phases),
        steps={name: statistics.median(phase.steps[name] for phase in phases) for name in phases[0].steps},
        requests={
            name: round(statistics.median(phase.requests.get(name, 0) for phase in phases))
            for name in phases[0].requests
        },
        loops=phases[0].loops,
        counted={
            name: round(statistics.median(phase.counted.get(name, 0) for phase in phases)) for name in phases[0].counted
        },
    )


def show(console: Console, found: Measured, here: Mapping[str, Any], *, with_steps: bool) -> None:
    table = Table(title=f"{found.invoices:,} open invoices, {found.customers:,} customers", box=box.SIMPLE)
    table.add_column("what", no_wrap=True)
    for heading in ("figure", "aim", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows(found):
        aim = "" if row.aim_max is None else f"<= {row.aim_max:g} {row.unit}".strip()
        table.add_row(row.name, f"{row.value:,.4g} {row.unit}".strip(), aim, _HOLDS[row.holds])
    console.print(table)
    for row in rows(found):
        if row.note:
            console.print(f"  {row.name}: {row.note}")
    console.print()
    if with_steps:
        console.print(_steps(found))
    console.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in here.items()))


_HOLDS = {True: "holds", False: "ABOVE", None: ""}


def _steps(found: Measured) -> Table:
    phases = {name: getattr(found, name) for name in PHASES}
    table = Table(title="seconds by step", box=box.SIMPLE)
    table.add_column("step")
    for name in phases:
        table.add_column(name, justify="right")
    for step in found.first.steps:
        table.add_row(step, *(f"{phase.steps.get(step, 0.0):.3f}" for phase in phases.values()))
    return table
