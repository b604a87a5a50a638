"""The policy bench: how long does it take to decide a whole book, and a day on which one invoice of a hundred changed?

100,000 invoices under 20 segments whose conditions are written in CEL: segment, cadence, suppression and escalation, by
the functions that the daemon uses, with what depends on the customer alone worked out once a customer. Storing the
verdicts is measured apart. The book is made here, by counting; nothing is drawn. Seconds of deciding are the
processor's and not the clock's, so that what else runs here counts little; most is said by the ratios within one run.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench_table import Row
from rich import box
from rich.console import Console
from rich.table import Table

from connector.conditions import compile_condition
from connector.decisions import cadence, escalation, suppression
from connector.decisions.segments import Chooser
from connector.decisions.suppression import SuppressionFacts
from connector.money import Money
from connector.policy import (
    Addressee,
    Cadence,
    Calendar,
    Criteria,
    EscalationRule,
    Policy,
    Segment,
    Step,
    Switch,
    Tone,
)
from connector.receivables import Customer, OpenInvoice, PaymentHistory, Profile, Reminder, Traits, Trend
from connector.store import Store, verdicts
from connector.store.verdicts import Verdict

ON = date(2026, 9, 9)
NOW = datetime(2026, 9, 9, 9, 0, tzinfo=UTC)
SEGMENTS = 20
COLD_SECONDS_MAX = 20
# A changed invoice mostly stands alone among its customer's, so that its customer is worked out for it alone.
DAY_PERCENT_MAX = 5
CHANGED_PER_HUNDRED = 1
STORED_AT_ONCE = 1000
PARTS = ("segment", "cadence", "suppression", "escalation")

TIERS = ("smb", "mid", "enterprise", "strategic", "")
BILLING = ("subscription", "usage", "services")
CONTRACTS = ("monthly", "annual", "multi_year")
TRENDS = tuple(Trend)


# ---- the book and the policy ----


@dataclass(frozen=True)
class Book:
    """So many invoices spread evenly over so many customers, each with a profile of its own."""

    invoices: int
    customers: int

    def profile(self, number: int) -> Profile:
        history = PaymentHistory(
            settled_count=number % 30,
            average_days_late=Decimal(number % 41 - 10),
            late_last_quarter=number % 5,
            late_last_year=number % 11,
            trend=TRENDS[number % len(TRENDS)],
            disputes_last_year=number % 3,
            first_invoiced_on=ON - timedelta(days=number % 1500),
        )
        traits = Traits(
            tier=TIERS[number % len(TIERS)],
            contract_type=CONTRACTS[number % len(CONTRACTS)],
            billing_model=BILLING[number % len(BILLING)],
            arr=Money(100 * (number % 700) * 1000, "USD"),
            country="US",
        )
        return Profile(traits, history, number % 97 == 0, ON + timedelta(days=number % 365))

    def invoice(self, index: int) -> OpenInvoice:
        amount = Money(40_000 + (index * 7919 % 9000) * 311, "USD")
        due_on = ON + timedelta(days=index % 90 - 45)
        customer = f"C{index % self.customers}"
        return OpenInvoice(
            str(index), f"INV-{index:06}", customer, amount, amount, due_on - timedelta(days=30), due_on, terms="Net 30"
        )

    def by_customer(self, chosen: Iterable[int]) -> dict[int, list[OpenInvoice]]:
        found: dict[int, list[OpenInvoice]] = {}
        for index in chosen:
            found.setdefault(index % self.customers, []).append(self.invoice(index))
        return found

    def changed(self) -> Iterator[int]:
        """One of a hundred, spread over the customers, so that few share one."""
        step = 100 // CHANGED_PER_HUNDRED
        return (index * (step + 1) % self.invoices for index in range(self.invoices // step))


def bench_policy() -> Policy:
    """Twenty segments; each condition asks for the customer and for the invoice, and few fit early."""
    cadences = tuple(Cadence(f"cadence {n}", _steps(n)) for n in range(5))
    return Policy(
        "bench",
        _steps(0),
        (("billing", "billing@bench.example"),),
        send=Switch.AUTO,
        calendar=Calendar(send_weekdays=frozenset(range(5))),
        escalation=(
            EscalationRule("strategic", 1, only_strategic=True),
            EscalationRule("renewal", 7, renewal_within_days=30),
            EscalationRule("disputed before", 7, (Money.of("20000", "USD"),), disputed_before=True),
            EscalationRule("large", 14, (Money.of("25000", "USD"),), to=Addressee.COLLECTIONS),
            EscalationRule("long overdue", 30, stops_mail=False),
        ),
        cadences=cadences,
        segments=tuple(
            Segment(f"segment {n:02}", Criteria(when=compile_condition(_condition(n))), "", cadences[n % 5].name)
            for n in range(SEGMENTS)
        ),
    )


def _steps(shift: int) -> tuple[Step, ...]:
    tones = (Tone.INFORMATIONAL, Tone.NEUTRAL, Tone.NEUTRAL, Tone.FIRM, Tone.URGENT, Tone.FINAL)
    days = (-7, 0, 1 + shift, 7 + shift, 14 + shift, 30 + shift)
    return tuple(
        Step(f"{day:+d}" if day else "0", day, "a text", "billing", tone=tone)
        for day, tone in zip(days, tones, strict=True)
    )


def _condition(n: int) -> str:
    """By turns: the customer first, the invoice first, and both at once, which is the dearest."""
    amount, late, days = 1000 * (25 - n), n % 4 + 1, 20 - n
    return (
        f'customer.tier == "{TIERS[n % 4]}" && customer.late_last_quarter >= {late} && invoice.amount.USD > {amount}',
        f"invoice.days_past_due > {days} && invoice.amount.USD > {amount} && customer.average_days_late > {n}",
        f'(customer.arr.USD > {amount * 20} || invoice.balance.USD > {amount}) && customer.trend == "worse"'
        f" && invoice.terms_days >= 30",
        f'customer.billing_model in ["usage", "services"] && (invoice.days_past_due >= {days} || '
        f"customer.disputes_last_year > 1) && invoice.askable.USD >= {amount}",
    )[n % 4]


# ---- deciding ----


@dataclass(slots=True)
class Spent:
    """Seconds by part of the decision, and what was decided."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    segments: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    verdicts: list[Verdict] = field(default_factory=list, repr=False)
    whole: float = 0.0


def decide(book: Book, policy: Policy, invoices: Mapping[int, Sequence[OpenInvoice]]) -> Spent:
    """All four questions about each of these invoices; what is about a customer alone is asked once."""
    spent = Spent()
    with _timed(time.process_time) as whole:
        for number, some in invoices.items():
            _decide_customer(spent, policy, book.profile(number), Customer(f"C{number}", "", "ap@bench.example"), some)
    spent.whole = whole()
    return spent


def _decide_customer(
    spent: Spent, policy: Policy, profile: Profile, customer: Customer, invoices: Sequence[OpenInvoice]
) -> None:
    seconds, clock = spent.seconds, time.process_time
    zero = Money.zero("USD")
    started = clock()
    chooser = Chooser(profile, policy, ON)
    seconds["segment"] += clock() - started
    for invoice in invoices:
        at = clock()
        segment = chooser.decide(invoice)
        seen = policy.of(segment.segment)
        then, at = at, clock()
        seconds["segment"] += at - then
        plan = cadence.plan(invoice, seen)
        due = cadence.decide(plan, seen, ON)
        then, at = at, clock()
        seconds["cadence"] += at - then
        raised = escalation.decide(invoice, seen, ON, profile=profile)
        then, at = at, clock()
        seconds["escalation"] += at - then
        step = due.reminder.step if due.reminder else ""
        facts = SuppressionFacts(
            invoice=invoice,
            customer=customer,
            on=ON,
            inflight=zero,
            overdue_askable=zero,
            credits=zero,
            is_strategic=profile.is_strategic,
            escalation=raised.reason if raised.stops_mail else "",
            step=step,
        )
        verdict = suppression.decide(facts, seen)
        seconds["suppression"] += clock() - at
        spent.segments[segment.segment] += 1
        spent.outcomes[f"{due.outcome} {verdict.reason}"] += 1
        spent.verdicts.append(_verdict(invoice.id, segment.segment, segment.reason, due.reminder))


def _verdict(invoice_id: str, segment: str, reason: str, due: Reminder | None) -> Verdict:
    return Verdict(f"invoice:{invoice_id}", "segment", segment, reason, {"step": due.step if due else ""}, "bench")


class _Now:
    def now(self) -> datetime:
        return NOW


def store(found: Sequence[Verdict]) -> float:
    """Seconds to keep these verdicts in a new store, as a first day does."""
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as folder:
        kept = Store(Path(folder) / "bench.db", _Now())
        try:
            with _timed(time.perf_counter) as seconds:
                for start in range(0, len(found), STORED_AT_ONCE):
                    with kept.tx() as tx:
                        verdicts.put_verdicts(tx, found[start : start + STORED_AT_ONCE])
        finally:
            kept.close()
    return seconds()


@contextmanager
def _timed(clock: Callable[[], float]) -> Iterator[Callable[[], float]]:
    started, ended = clock(), list[float]()
    yield lambda: ended[0]
    ended.append(clock() - started)


# ---- what came of it ----


@dataclass(frozen=True, slots=True)
class Measured:
    """All that one run measured."""

    invoices: int
    customers: int
    segments: int  # of the policy
    segments_met: int  # into which invoices fell, the default one with them
    parts: Mapping[str, float]
    cold_seconds: float
    changed: int
    changed_customers: int
    changed_seconds: float
    stored_seconds: float
    peak_mb: float


def measure(book: Book) -> Measured:
    policy = bench_policy()
    everything, changed = book.by_customer(range(book.invoices)), book.by_customer(book.changed())
    cold = decide(book, policy, everything)
    daily = decide(book, policy, changed)
    stored = store(cold.verdicts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measured(
        invoices=book.invoices,
        customers=len(everything),
        segments=len(policy.segments),
        segments_met=len(cold.segments),
        parts=cold.seconds,
        cold_seconds=cold.whole,
        changed=sum(map(len, changed.values())),
        changed_customers=len(changed),
        changed_seconds=daily.whole,
        stored_seconds=stored,
        peak_mb=peak / (2**20 if sys.platform == "darwin" else 2**10),
    )


def rows(found: Measured) -> tuple[Row, ...]:
    """The table: each figure with its aim. The second ratio is to what the share of the book would take."""
    share, ratio = found.changed / found.invoices, found.changed_seconds / found.cold_seconds
    alone = f"{found.changed} invoices of {found.changed_customers} customers"
    return (
        Row("deciding all, cold", found.cold_seconds, "s", COLD_SECONDS_MAX, f"{found.segments_met} segments were met"),
        *(Row(f"of it {part}", found.parts[part], "s") for part in PARTS),
        Row("invoices decided a second", found.invoices / found.cold_seconds, "/s"),
        Row(f"a day with {100 * share:.3g} % changed", found.changed_seconds, "s", note=alone),
        Row("such a day / deciding all", 100 * ratio, "%", DAY_PERCENT_MAX),
        Row("such a day, of its share", ratio / share, "x", note="1: just in proportion; customers of one cost more"),
        Row("storing the verdicts, apart", found.stored_seconds, "s", note="by the clock; later only what changed"),
        Row("storing / deciding all", found.stored_seconds / found.cold_seconds, "x"),
        Row("peak memory", found.peak_mb, "MB", note="book and verdicts at once; the daemon goes by parts"),
    )


def as_json(found: Measured, machine: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": dict(machine),
        "invoices": found.invoices,
        "customers": found.customers,
        "segments": found.segments,
        "figures": [
            {"name": r.name, "value": round(r.value, 4), "unit": r.unit, "aim_max": r.aim_max, "holds": r.holds}
            for r in rows(found)
        ],
    }


def show(console: Console, found: Measured, machine: Mapping[str, Any]) -> None:
    title = f"{found.invoices:,} invoices, {found.customers:,} customers, {found.segments} segments"
    table = Table(title=title, box=box.SIMPLE)
    table.add_column("what", no_wrap=True)
    for heading in ("figure", "aim", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows(found):
        aim = "" if row.aim_max is None else f"<= {row.aim_max:g} {row.unit}"
        held = "" if row.holds is None else "holds" if row.holds else "ABOVE"
        table.add_row(row.name, f"{row.value:,.4g} {row.unit}", aim, held)
    console.print(table)
    for row in rows(found):
        if row.note:
            console.print(f"  {row.name}: {row.note}")
    console.print("\n" + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items()))


def main() -> int:
    options = _options()
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }
    gc.freeze()  # what was imported is no garbage
    found = measure(Book(options.invoices, options.customers))
    if options.json:
        print(json.dumps(as_json(found, machine)))
    else:
        show(Console(highlight=False), found, machine)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench policy",
        description="Decides segment, cadence, suppression and escalation of a whole book, and of one day's changes.",
    )
    parser.add_argument("--invoices", type=int, default=100_000, metavar="N", help="open invoices (default 100,000)")
    parser.add_argument("--customers", type=int, default=4_000, metavar="N", help="who owe them (default 4,000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    if not 1 <= options.customers <= options.invoices or options.invoices < 100:
        parser.error("at least 100 invoices, and no more customers than invoices")
    return options


if __name__ == "__main__":
    sys.exit(main())
