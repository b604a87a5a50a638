"""The commands as processes of their own; whatever one says is held against every secret and every mail address."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from connector.store.tables import metadata
from tests.harness import Desk

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def today() -> date:
    """The ledger's day of a process that runs with real time."""
    return datetime.now(UTC).date()


def bill(at: Desk, customer: str, number: str, amount: str, *, due_in: int = 7, **more: Any) -> None:
    """An invoice of one line on net 30 that is due in so many days; 7 is the day of its first reminder."""
    due = (at.world.clock().date()) + timedelta(days=due_in)
    lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
    at.world.add_invoice(customer, number, due - timedelta(days=30), due, lines, **more)


def run(at: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command to its end. Its exit code and what it said are the caller's to judge, except what is never said."""
    ended = at.process(*arguments)
    assert_discreet(at, ended.stdout + ended.stderr)
    return ended


def assert_discreet(at: Desk, text: str) -> None:
    """No credential and no mail address stands in what a process said."""
    assert [] == [secret for secret in _secrets(at) if secret in text]
    assert [] == [found for found in ADDRESS.findall(text) if not found.startswith("arc-")]  # arc-: Message-IDs


def _secrets(at: Desk) -> Iterator[str]:
    kinds = ("CONSUMER_KEY", "CONSUMER_SECRET", "TOKEN_ID", "TOKEN_SECRET", "API_KEY", "PASSWORD")
    return (value for name, value in at.environ.items() if name.endswith(kinds))


def store_content(at: Desk) -> dict[str, list[str]]:
    """Every row of every table, so that two moments can be compared; without what the ERP's vendor counted, which
    grows with each question."""
    with at.opened_store() as store, store.read() as tx:
        rows = {table.name: [repr(row) for row in tx.execute(select(table))] for table in metadata.sorted_tables}
    return {name: sorted(row for row in some if "'erp_counted:" not in row) for name, some in rows.items()}


def until(reached: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a fact of the world; the machine may be busy."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain"
        time.sleep(0.05)
