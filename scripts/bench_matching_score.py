"""The matching bench's figures: verdicts against the truth, and the tables of both. Pure but for the printing.

`wrong` counts what was applied and is not exactly right or must be a person's; it matters most. `safe` is what was
applied, may be, and is exactly right, of all payments; its ceiling is the share that may be applied. `recall` is the
same of those that may be applied, `precision` of those that were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

BY = ("tier", "kind", "evidence")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `decide`: the payments of one family and day."""

    seconds: float
    payment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took, and how often it decided what: `matches` by evidence, `exceptions` by kind."""

    folder: str
    payments: int
    invoices: int
    reading_seconds: float
    deciding_seconds: float
    slowest: Call
    slowest_kinds: tuple[str, ...]
    peak_mb: float
    matches: Mapping[str, int]
    exceptions: Mapping[str, int]
    against: str = ""
    against_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return self.reading_seconds + self.deciding_seconds

    @property
    def ratio(self) -> float | None:
        return self.seconds / self.against_seconds if self.against_seconds else None


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened: how far each record's balance moved. `facts` are the other columns of its row."""

    payment_id: str
    moved: Mapping[str, int]
    may_apply: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict beside the truth; `evidence` is our class of it, a match's or an exception's."""

    truth: Truth
    moved: Mapping[str, int]
    evidence: str

    @property
    def is_applied(self) -> bool:
        return bool(self.moved)

    @property
    def is_right(self) -> bool:
        return self.is_applied and self.truth.may_apply and self.moved == self.truth.moved

    @property
    def is_wrong(self) -> bool:
        return self.is_applied and not self.is_right

    @property
    def is_missed(self) -> bool:
        return self.truth.may_apply and not self.is_applied

    @property
    def misapplied(self) -> int:
        """Minor units beyond the truth, over all records."""
        beyond = 0
        for record, ours in self.moved.items():
            theirs = self.truth.moved.get(record, 0)
            beyond += max(0, abs(ours) - abs(theirs)) if ours * theirs > 0 else abs(ours)
        return beyond


@dataclass(frozen=True, slots=True)
class Score:
    payments: int
    may_apply: int
    applied: int
    right: int
    wrong: int
    misapplied: int

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Score:
        return cls(
            payments=len(judged),
            may_apply=sum(one.truth.may_apply for one in judged),
            applied=sum(one.is_applied for one in judged),
            right=sum(one.is_right for one in judged),
            wrong=sum(one.is_wrong for one in judged),
            misapplied=sum(one.misapplied for one in judged),
        )

    @property
    def safe(self) -> float | None:
        return _share(self.right, self.payments)

    @property
    def ceiling(self) -> float | None:
        return _share(self.may_apply, self.payments)

    @property
    def recall(self) -> float | None:
        return _share(self.right, self.may_apply)

    @property
    def precision(self) -> float | None:
        return _share(self.right, self.applied)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def scores(judged: Sequence[Judged], by: Iterable[str]) -> dict[str, Score]:
    """All together, then by each of these columns of the truth, or by our own `evidence`."""
    found = {"all": Score.of(judged)}
    for column in by:
        groups: dict[str, list[Judged]] = defaultdict(list)
        for one in judged:
            groups[one.evidence if column == "evidence" else str(one.truth.facts.get(column, "-"))].append(one)
        found |= {f"{column} {name}": Score.of(group) for name, group in sorted(groups.items())}
    return found


def as_json(found: Measured, scored: Mapping[str, Score], machine: Mapping[str, Any]) -> dict[str, Any]:
    slowest = found.slowest
    told: dict[str, Any] = {
        "machine": dict(machine),
        "folder": found.folder,
        "payments": found.payments,
        "invoices": found.invoices,
        "seconds": round(found.seconds, 3),
        "reading_seconds": round(found.reading_seconds, 3),
        "payments_a_second": round(found.payments / found.seconds, 1),
        "slowest_ms": round(1000 * slowest.seconds, 3),
        "slowest_payments": list(slowest.payment_ids),
        "slowest_kinds": list(found.slowest_kinds),
        "peak_mb": round(found.peak_mb, 1),
        "matches": dict(found.matches),
        "exceptions": dict(found.exceptions),
    }
    if found.ratio is not None:
        told["against"] = {
            "name": found.against,
            "seconds": round(found.against_seconds, 3),
            "ratio": round(found.ratio, 2),
        }
    told["scores"] = {name: _score_as_json(score) for name, score in scored.items()}
    return told


def _score_as_json(score: Score) -> dict[str, Any]:
    counts = {
        name: getattr(score, name) for name in ("payments", "may_apply", "applied", "right", "wrong", "misapplied")
    }
    shares = {name: getattr(score, name) for name in ("safe", "ceiling", "recall", "precision")}
    return counts | {name: None if share is None else round(share, 4) for name, share in shares.items()}


def show(console: Console, found: Measured, scored: Mapping[str, Score], machine: Mapping[str, Any]) -> None:
    console.print(_figures(found))
    console.print(_kinds(found))
    if scored:
        console.print(_scores(scored))
    console.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items()))


def _figures(found: Measured) -> Table:
    table = Table(title=f"{found.folder}: {found.payments:,} payments, {found.invoices:,} invoices", box=box.SIMPLE)
    table.add_column("what", no_wrap=True)
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("")
    reading = f"of which {found.reading_seconds:.2f} s reading the files"
    table.add_row("in all", f"{found.seconds:.2f} s", reading)
    if found.ratio is not None:
        table.add_row(
            f"ours / {found.against}", f"{found.ratio:.2f} x", f"{found.against}: {found.against_seconds:.2f} s"
        )
    table.add_row("payments a second", f"{found.payments / found.seconds:,.0f}")
    ids, kinds = ", ".join(found.slowest.payment_ids[:5]), ", ".join(found.slowest_kinds)
    table.add_row("slowest call of decide", f"{1000 * found.slowest.seconds:.1f} ms", f"{ids}: {kinds}")
    table.add_row("peak memory", f"{found.peak_mb:.0f} MB")
    return table


def _kinds(found: Measured) -> Table:
    table = Table(title="verdicts", box=box.SIMPLE)
    for heading in ("", "evidence or kind"):
        table.add_column(heading, no_wrap=True)
    table.add_column("payments", justify="right")
    for what, counts in (("match", found.matches), ("exception", found.exceptions)):
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
            table.add_row(what, name, f"{count:,}")
    return table


def _scores(scored: Mapping[str, Score]) -> Table:
    table = Table(title="against the truth", box=box.SIMPLE)
    table.add_column("", no_wrap=True)
    for heading in ("payments", "wrong", "safe %", "ceiling %", "recall %", "precision", "misapplied"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, score in scored.items():
        table.add_row(
            name,
            f"{score.payments:,}",
            f"{score.wrong} of {score.applied:,}",
            _percent(score.safe),
            _percent(score.ceiling),
            _percent(score.recall),
            "-" if score.precision is None else f"{score.precision:.4f}",
            f"{score.misapplied / 100:,.2f}",
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
