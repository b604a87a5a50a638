"""The bench: how long, how much memory, how many requests? A table, with the aim beside each figure that has one.

A false ERP and Stripe run as a process of their own and are asked over HTTP; this process is the connector, so its
peak memory is the connector's. Requests are the sandbox's own counts. Seconds are this machine's, and the sandbox needs
most of them: what says something are the ratios within one run. Nothing here fails because a figure is high.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import logging
import os
import platform
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import requests
from bench_table import Measured, Phase, as_json, median_phase, show
from rich.console import Console

from connector import (
    cash,
    deposits,
    erp_flags,
    escalate,
    log,
    loop,
    notices,
    pauses,
    plans,
    profiles,
    proof,
    pull,
    remind,
)
from connector.config import read_settings
from connector.daemon import Service
from connector.lint import look
from connector.wiring import open_service

ROOT = Path(__file__).resolve().parent.parent
# A Wednesday morning within the hours in which mail may leave.
NOW = datetime(2026, 9, 9, 9, 0, tzinfo=UTC)
# Due long enough ahead that no reminder falls due on the day of the bench; every fifth invoice waits in the backlog.
DUE_IN_DAYS = range(9, 60)
OVERDUE_DAYS = range(2, 28)
OVERDUE_EVERY = 5
TERMS = timedelta(days=60)

APPROVER = "controller"
APPROVALS = f"approvals:\n  roles: {{controller: {{approves_policy: true}}}}\n  people: {{{APPROVER}: controller}}"

QUIET_TICKS = 5
SINGLES = 10
BULK = 500
INVOICES_MIN = 200
STORE = "connector.db"
ERP_SETTINGS = {
    "netsuite": ("account", "base_url", "soap_version", "consumer_key", "consumer_secret", "token_id", "token_secret"),
    "intacct": ("sender_id", "sender_password", "company", "user", "user_password", "url", "livemode"),
}
# More running than this beside us, and the seconds say little.
BUSY = 0.5

# The steps of one tick, by the room and function that loop.py calls.
STEPS: tuple[tuple[ModuleType, str], ...] = (
    (pull, "read_invoices"),
    (pull, "read_periods"),
    (profiles, "read_past"),
    (pauses, "keep_pauses"),
    (plans, "plan_reminders"),
    (look, "lint_book"),
    (pull, "read_payments"),
    (pull, "read_payouts"),
    (pull, "read_autopay"),
    (pull, "read_other_senders"),
    (cash, "match_payments"),
    (loop, "carry_out"),
    (deposits, "settle_payouts"),
    (escalate, "escalate_invoices"),
    (remind, "send_reminders"),
    (pauses, "show_stalled"),
    (notices, "tell"),
    (erp_flags, "write_flags"),
    (erp_flags, "write_exceptions"),
    (proof, "prove_clearing"),
)

# ---- the world ----


class Sandbox:
    """The false world, over HTTP. Its clock runs with real time from NOW on."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.profile = ready
        self.erp = next(name for name in ERP_SETTINGS if name in ready)
        self._world, self._session = ready["world"], requests.Session()

    def get(self, path: str) -> Any:
        return self._answer(self._session.get(f"{self._world}/{path}", timeout=600))

    def post(self, path: str, **body: Any) -> Any:
        return self._answer(self._session.post(f"{self._world}/{path}", json=body, timeout=600))

    def requests(self) -> tuple[dict[str, int], dict[str, int]]:
        """Requests by kind, the ERP's writing one first, and what its contract counts, {} where it counts nothing."""
        served = self.get("requests")
        stripe = {"stripe": sum(served["stripe"].values())}
        if self.erp == "netsuite":
            suiteql = served["netsuite"].get("suiteql", 0)
            soap = sum(served["netsuite"].values()) - suiteql
            return {"netsuite_soap": soap, "netsuite_suiteql": suiteql} | stripe, {}
        kinds = {"intacct_writes": served["erp_writes"], "intacct_reads": served["erp_reads"]}
        return kinds | stripe, served["erp_counted"]

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if response.status_code >= 400:
            raise SystemExit(f"The sandbox refused {response.request.method} {response.url}: {response.text}")
        return response.json()


class RunningClock:
    """The world's time as it goes on: its instant when we asked, and what has passed here since."""

    def __init__(self, now: datetime) -> None:
        self._now, self._asked = now, time.monotonic()

    def now(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._asked)


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger that the sandbox begins with: everything open, the invoices spread evenly over the customers."""

    invoices: int
    customers: int

    def number(self, index: int) -> str:
        return f"INV-{index:06}"

    def customer(self, index: int) -> str:
        return f"C{index % self.customers}"

    def amount(self, index: int) -> str:
        return f"{400 + index % 9000}.{index % 97:02}"

    def due_on(self, index: int) -> date:
        """Every fifth invoice of each customer is overdue; the others fall due one after another."""
        place = index // self.customers
        if place % OVERDUE_EVERY == OVERDUE_EVERY - 1:
            return NOW.date() - timedelta(days=OVERDUE_DAYS[index % len(OVERDUE_DAYS)])
        return NOW.date() + timedelta(days=DUE_IN_DAYS[index % len(DUE_IN_DAYS)])

    def write(self, folder: Path) -> None:
        """As the sandbox reads it (sandbox/README.md)."""
        with (folder / "invoices.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["invoice_number", "customer_id", "currency", "amount", "issued_on", "due_on", "settled_on"])
            for index in range(self.invoices):
                due_on = self.due_on(index)
                of, amount = self.customer(index), self.amount(index)
                table.writerow([self.number(index), of, "USD", amount, due_on - TERMS, due_on, ""])


@contextlib.contextmanager
def running_sandbox(book: Path, erp: str) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--quiet", "--erp", erp, "--book", str(book), "--now", NOW.isoformat()]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise SystemExit("The sandbox did not start; its own words are above.")
        sandbox = Sandbox(json.loads(line))
        sandbox.post("clock", run=True)
        yield sandbox
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextlib.contextmanager
def running_connector(sandbox: Sandbox, folder: Path) -> Iterator[Service]:
    """The shipped policy and field maps, switched to auto."""
    maps = folder / "mappings"
    shutil.copytree(ROOT / "mappings", maps)
    policy = (maps / "policy.yaml").read_text()
    for shipped, wanted in (
        ("post: shadow", "post: auto"),
        ("send: shadow", "send: auto"),
        ("# posting_owner: us", "posting_owner: us"),
        ("  at_least: 20", "  at_least: 100000"),  # a bulk is far beyond an ordinary day
        ("approvals:\n  roles: {}\n  people: {}", APPROVALS),
    ):
        if shipped not in policy:
            raise SystemExit(f"mappings/policy.yaml has no {shipped!r} any more: nothing was measured.")
        policy = policy.replace(shipped, wanted)
    (maps / "policy.yaml").write_text(policy)
    if sandbox.erp == "intacct":
        _place_money(maps / "intacct.yaml", sandbox.profile["intacct"]["accounts"])
    clock = RunningClock(datetime.fromisoformat(sandbox.get("clock")["now"]))
    service = open_service(read_settings(environ=_environ(sandbox, folder, maps)), clock)
    try:
        # Nothing runs auto before a second person approved it.
        proposed = service.policies().propose("the author")
        service.policies().approve(proposed.version, APPROVER)
        service.start()
        yield service
    finally:
        service.close()


def _place_money(file: Path, accounts: Mapping[str, str]) -> None:
    """Where payments wait until they are deposited: each company has its own account for that."""
    given = file.read_text()
    for key, role in (("undeposited_account", "undeposited"), ("advance_account", "advances")):
        shipped = f"\n{key}: null"
        if shipped not in given:
            raise SystemExit(f"mappings/intacct.yaml has no {shipped.strip()!r} any more: nothing was measured.")
        given = given.replace(shipped, f'\n{key}: "{accounts[role]}"')
    file.write_text(given)


def _environ(sandbox: Sandbox, folder: Path, maps: Path) -> dict[str, str]:
    name = sandbox.erp.upper()
    erp, stripe, smtp = (sandbox.profile[name] for name in (sandbox.erp, "stripe", "smtp"))
    values = {f"{name}_{key.upper()}": erp[key] for key in ERP_SETTINGS[sandbox.erp]} | {
        "ERP": sandbox.erp,
        "INSTALLATION": "bench",
        "LEDGER_ZONE": "UTC",
        "STORE": str(folder / STORE),
        "MAPPINGS": str(maps),
        # The sandbox is one process on this machine: its longest answer must not count as none.
        f"{name}_READ_TIMEOUT_SECONDS": "600",
        f"{name}_WRITE_TIMEOUT_SECONDS": "600",
        "STRIPE_API_KEY": stripe["api_key"],
        "STRIPE_BASE_URL": stripe["base_url"],
        "STRIPE_LIVEMODE": "false",
        "STRIPE_CUTOVER_ON": NOW.date().isoformat(),
        "STRIPE_TIMEOUT_SECONDS": "600",
        "MAIL_HOST": smtp["host"],
        "MAIL_PORT": str(smtp["port"]),
        "MAIL_STARTTLS": "false",
        "MAIL_REDIRECT_ALL_TO": "ar-bench@sandbox.example",
        "MAIL_PAY_DOMAINS": "pay.example",
    }
    return {f"CONNECTOR_{name}": value for name, value in values.items()}


# ---- measuring ----


class Stopwatch:
    """Looks at the connector from outside: how long each step of a tick takes, and when a match was committed.

    It puts itself around the functions that loop.py calls; nothing in the connector knows of it.
    """

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self.read_at = 0.0  # when the payment source's answer was in our hands
        self.suppressed_at: list[float] = []  # each commit of a match: from it on nobody is reminded

    def attach(self, service: Service) -> None:
        for room, name in STEPS:
            setattr(room, name, self._timed(name, getattr(room, name)))
        source = service.parts().payments
        read = source.read_changed

        def read_changed(cursor: str, now: datetime) -> Any:
            answer = read(cursor, now)
            self.read_at = time.perf_counter()
            return answer

        def reached(point: str) -> None:
            if point == "match.committed":
                self.suppressed_at.append(time.perf_counter())

        setattr(source, "read_changed", read_changed)  # noqa: B010
        setattr(cash, "reached", reached)  # noqa: B010

    def _timed(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return act(*arguments, **named)
            finally:
                self.steps[name] = self.steps.get(name, 0.0) + time.perf_counter() - started

        return timed


class Bench:
    """One run: the phases in their order, each a tick of the real service."""

    def __init__(self, book: Book, sandbox: Sandbox, service: Service, store: Path, say: Callable[[str], None]) -> None:
        self._book, self._sandbox, self._service, self._store, self._say = book, sandbox, service, store, say
        self._watch = Stopwatch()
        self._watch.attach(service)
        self._paid = 0

    def run(self) -> Measured:
        first = self._tick("first tick")
        self._tick("settling")  # what was just written comes back as changed, once
        quiet = median_phase([self._tick("quiet tick") for _ in range(QUIET_TICKS)])
        book_bytes = self._stored()
        moved = self._move_due_dates(max(self._book.invoices // 100, 1))
        changed = self._tick(f"tick with {moved} invoices changed")
        singles, suppressed = [], []
        for _ in range(SINGLES):
            self._pay(1)
            singles.append(self._tick("tick with one payment", closes=1))
            suppressed.append(1000 * (self._watch.suppressed_at[0] - self._watch.read_at))
        self._tick("settling")
        before_bulk, count = self._stored(), min(BULK, self._book.invoices // 10)
        self._pay(count)
        bulk = self._tick(f"tick with {count} payments", closes=count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Measured(
            invoices=self._book.invoices,
            customers=self._book.customers,
            first=first,
            quiet=quiet,
            changed=changed,
            changed_count=moved,
            single=median_phase(singles),
            bulk=bulk,
            suppressed_ms=tuple(suppressed),
            peak_mb=peak / (2**20 if sys.platform == "darwin" else 2**10),
            book_bytes=book_bytes,
            bulk_bytes=self._stored() - before_bulk,
        )

    def _tick(self, what: str, closes: int = 0) -> Phase:
        self._watch.steps = {name: 0.0 for _, name in STEPS}
        self._watch.suppressed_at.clear()
        before, counted_before = self._sandbox.requests()
        started = time.perf_counter()
        report = self._service.tick()
        seconds = time.perf_counter() - started
        after, counted_after = self._sandbox.requests()
        self._say(f"  {what}: {seconds:.2f} s")
        if report.troubles or report.closed != closes:
            told = "\n".join((f"{what}: {report.closed} loops were closed, and {closes} paid.", *report.troubles))
            raise SystemExit(f"{told}\nNothing was measured.")
        asked = {kind: after[kind] - before[kind] for kind in after}
        counted = {kind: counted_after[kind] - counted_before[kind] for kind in counted_after}
        return Phase(seconds, dict(self._watch.steps), asked, closes, counted)

    def _move_due_dates(self, count: int) -> int:
        """People give some customers three days more; returns on how many invoices."""
        later = [index for index in range(self._book.invoices) if self._book.due_on(index) > NOW.date()]
        chosen = later[:: max(len(later) // count, 1)][:count]
        for index in chosen:
            due_on = (self._book.due_on(index) + timedelta(days=3)).isoformat()
            self._sandbox.post("erp/edit_invoice", invoice=self._book.number(index), due_on=due_on)
        return len(chosen)

    def _pay(self, count: int) -> None:
        """Card payments, one for each invoice, which they name."""
        for index in range(self._paid, self._paid + count):
            number, amount, customer = self._book.number(index), self._book.amount(index), self._book.customer(index)
            pays = [{"invoice": number, "amount": amount}]
            body = {"customer": customer, "amount": amount, "description": f"Invoice {number}", "pays": pays}
            self._sandbox.post("payments", **body)
        self._paid += count

    def _stored(self) -> int:
        """Bytes in use in the store, and in the engine's own file beside it."""
        return sum(_bytes_used(path) for path in (self._store, self._store.with_suffix(".engine")))


def _bytes_used(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * size)


def machine() -> dict[str, Any]:
    cores = os.cpu_count() or 1
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    options = _options()
    log.configure(as_json=False, level=logging.ERROR)
    people = Console(stderr=True, quiet=options.json, highlight=False)
    here, book = machine(), Book(options.invoices, options.customers)
    if here["load_before"] > BUSY:
        people.print(f"Others use this machine (load {here['load_before']}): seconds will be too high, ratios less so.")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="connector-bench-")))
        book.write(folder)
        people.print(f"Starting a sandbox with {book.invoices:,} open invoices of {book.customers:,} customers.")
        sandbox = stack.enter_context(running_sandbox(folder, options.erp))
        service = stack.enter_context(running_connector(sandbox, folder))
        found = Bench(book, sandbox, service, folder / STORE, people.print).run()
    if options.json:
        print(json.dumps(as_json(found, here)))
    else:
        show(Console(highlight=False), found, here, with_steps=options.steps)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="How long, how much memory, how many requests, on a false world.",
        epilog="The whole size takes some 7 minutes on two cores; --invoices 20000 --customers 800 about 2. Below "
        "some thousand invoices a tick is mostly its fixed requests, and ratios say nothing. "
        "`scripts/bench matching DIR` measures what matching decides on a folder of books, `scripts/bench policy` what "
        "it takes to decide 100,000 invoices under 20 segments.",
    )
    parser.add_argument("--invoices", type=int, default=100_000, metavar="N", help="open invoices (default 100,000)")
    parser.add_argument("--customers", type=int, default=4_000, metavar="N", help="who owe them (default 4,000)")
    parser.add_argument("--erp", choices=tuple(ERP_SETTINGS), default="netsuite", help="whose requests are counted")
    parser.add_argument("--steps", action="store_true", help="show the seconds of each step as well")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    if not 1 <= options.customers <= options.invoices or options.invoices < INVOICES_MIN:
        parser.error(f"at least {INVOICES_MIN} invoices, and no more customers than invoices")
    return options


if __name__ == "__main__":
    sys.exit(main())
