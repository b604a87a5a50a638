"""Many invoices are closed in Sage Intacct while everything breaks: each cent is where the truth says, and few
transactions are spent on it.

Sage bills a company's transactions by the month, and a loop may not cost more than four written ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from connector.store import activity, verdicts
from sandbox.plan import Part
from tests.harness import Desk, desk

# What only this gateway can do to an answer, before and after it has committed; no other service is hit by these.
KINDS = ("html", "rate_text", "server_error_after", "html_after", "late_commit", "session_lost")
RATE = 0.03
# Ways in which the connection of an act breaks: each once in every hour.
BROKEN = ("drop_before", "drop_after", "cut_after", "unreadable_after", "server_error", "too_many")
PAID_AT_ONCE_MAX = 3
WRITES_A_LOOP_MAX = 4


def _bill(at: Desk, invoices: int, luck: Random) -> Iterator[tuple[str, list[Part]]]:
    """Ten invoices of two lines for each customer, due so far ahead that nobody is reminded; who pays what together."""
    today = at.world.clock().date()
    for place in range(invoices // 10):
        name, owed = f"Customer {place} & Sons", []
        at.world.add_customer(name, f"ap@customer{place}.example", 30)
        for number in (f"INV-{10 * place + nth:05}" for nth in range(10)):
            parts = [Decimal(luck.randint(100, 900_000)) / 100 for _ in range(2)]
            lines = [{"description": "Platform", "amount": str(part), "kind": "subscription"} for part in parts]
            at.world.add_invoice(name, number, today, today + timedelta(days=40), lines)
            owed.append(Part(number, str(sum(parts))))
        while owed:
            count = luck.randint(1, PAID_AT_ONCE_MAX)
            yield name, owed[:count]
            owed = owed[count:]


def _pay(at: Desk, customer: str, parts: list[Part]) -> None:
    amount = str(sum(Decimal(part.amount) for part in parts))
    at.world.pay(customer, amount, pays=parts, description=", ".join(part.invoice for part in parts))


def _break(at: Desk, hour: int) -> None:
    at.world.faults.clear()
    at.world.faults.draw(hour, RATE, KINDS)
    for nth, kind in enumerate(BROKEN, 1):
        at.break_erp(kind, "act", nth=7 * nth)


def _assert_paid_as_meant(at: Desk) -> None:
    """Each charge has one payment of ours, applied to what its payer meant and to nothing else; nothing is open."""
    truth = at.truth()
    assert [] == truth["violations"]
    assert {"0.00"} == {one["balance"] for one in truth["invoices"]}
    applied = {
        one["external_id"]: Counter({part["invoice"]: Decimal(part["amount"]) for part in one["applications"]})
        for one in truth["payments"]
        if not one["voided"]
    }
    assert len(truth["stripe_payments"]) == len(applied)
    for meant in truth["stripe_payments"]:
        (of_it,) = [parts for external_id, parts in applied.items() if meant["charge"] in external_id]
        assert {part["invoice"]: Decimal(part["amount"]) for part in meant["pays"]} == of_it


@pytest.mark.parametrize("invoices", [120, pytest.param(10_000, marks=pytest.mark.long)])
def test_every_cent_is_where_the_truth_says_and_a_loop_costs_few_transactions(tmp_path: Path, invoices: int) -> None:
    luck = Random(invoices)
    with desk(tmp_path, erp="intacct") as at:
        payments = list(_bill(at, invoices, luck))
        at.tick()
        before = at.world.intacct.counted()
        an_hour = max(len(payments) // 8, 1)
        for hour, first in enumerate(range(0, len(payments), an_hour)):
            _break(at, hour)
            for customer, parts in payments[first : first + an_hour]:
                _pay(at, customer, parts)
            at.world.advance_to(at.world.clock() + timedelta(hours=1))
            at.tick()
        at.world.faults.clear()
        for _ in range(4):
            at.world.advance_to(at.world.clock() + timedelta(days=1))
            at.tick()

        _assert_paid_as_meant(at)
        with at.service.store.read() as tx:
            assert () == verdicts.open_exceptions(tx)
            assert invoices == activity.standing(tx).loops_closed
        assert len(at.world.faults.fired()) > len(BROKEN)
        spent = at.world.intacct.counted()["writes"] - before["writes"]
        assert spent <= WRITES_A_LOOP_MAX * invoices
