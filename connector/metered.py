"""What the ERP's vendor counts and may bill, by calendar month, against what is paid for.

Sage Intacct counts a page that is read and a record that is written, and bills what goes beyond the tier; NetSuite
counts nothing. It is our own count, of all processes of this installation: the vendor's usage page has the last word.
"""

from __future__ import annotations

import json
from calendar import monthrange
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from connector.ports import Erp
from connector.reports import Measure
from connector.store import Tx, activity

_NAME = "erp_counted:{:%Y-%m}"


def note(tx: Tx, erp: Erp, today: date) -> None:
    """Take down what was counted since the last time; where nobody counts, nothing."""
    if not erp.counted_max:
        return
    new, known = erp.take_counted(), _known(tx, today)
    counted = {
        "erp": erp.name,
        "max": erp.counted_max,
        "reads": known.get("reads", 0) + new.reads,
        "writes": known.get("writes", 0) + new.writes,
    }
    tx.set(_NAME.format(today), json.dumps(counted))


def measures(tx: Tx, on: date, zone: tzinfo) -> list[Measure]:
    """The month of this day up to now, where the ERP's vendor counts."""
    known = _known(tx, on)
    if not known:
        return []
    reads, writes, most = known["reads"], known["writes"], known["max"]
    days = monthrange(on.year, on.month)[1]
    by_the_end = Decimal((reads + writes) * days) / on.day
    first = datetime.combine(on.replace(day=1), time(), zone)
    closed = activity.count_of(tx, "act_closed", first, first + timedelta(days=days))
    month, erp = f"{on:%Y-%m}", known["erp"]
    return [
        _count(
            "erp_transactions",
            reads + writes,
            f"of {most:,} that the tier of {erp} includes in {month}; by our own count",
        ),
        _count("erp_transactions_read", reads, "of these pages that were read"),
        _count("erp_transactions_written", writes, "of these records that were written"),
        _count("erp_transactions_expected", int(by_the_end), f"{month} at the pace of its first {on.day} days"),
        Measure(
            "erp_writes_per_loop",
            round(Decimal(writes) / closed, 1) if closed else None,
            f"records written ÷ closing acts of {month}; flags and exceptions included",
        ),
    ]


def _known(tx: Tx, on: date) -> dict[str, int]:
    known: dict[str, int] = json.loads(tx.get(_NAME.format(on), "{}"))
    return known


def _count(name: str, number: int, formula: str) -> Measure:
    return Measure(name, Decimal(number), formula)
