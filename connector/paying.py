"""How does a customer pay, by the ERP's own past? (M23, M29, M36)

An invoice is settled on the day on which nothing was left of it, by whatever settled it: the documents don't say
whether by cash, a memo or a write-off. What is still open says nothing here, however late it is: DPD says that.
Pure: documents and a day in, figures out. What was issued or settled after the day is not known yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from connector.receivables import PaymentHistory, Trend
from connector.settlement import ArDocument, DocumentKind

# The last day counts: of 90 days the first is 89 days ago.
QUARTER_DAYS = 90
YEAR_DAYS = 365
# Fewer settled invoices than this, in the quarter or in the 275 days before it, show no trend.
TREND_COUNT_MIN = 3
# The average has to move by more than this many days to be better or worse.
TREND_DAYS = 5

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Settled:
    """Invoices that were settled within some days. `days_late`: all of them added up, below zero where it was early."""

    count: int = 0
    days_late: int = 0
    late: int = 0  # of them settled after the due date

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.count + other.count, self.days_late + other.days_late, self.late + other.late)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a payment history is made of. Those of several customers add up, which averages don't."""

    quarter: Settled = Settled()  # settled in the last 90 days
    before: Settled = Settled()  # in the 275 days before these
    disputes: int = 0  # invoices of the year that were ever disputed
    first_invoiced_on: date | None = None

    def __add__(self, other: Tally) -> Tally:
        first = [day for day in (self.first_invoiced_on, other.first_invoiced_on) if day]
        return Tally(
            self.quarter + other.quarter,
            self.before + other.before,
            self.disputes + other.disputes,
            min(first, default=None),
        )

    def history(self) -> PaymentHistory:
        year = self.quarter + self.before
        return PaymentHistory(
            settled_count=year.count,
            average_days_late=(Decimal(year.days_late) / year.count).quantize(_TENTH) if year.count else None,
            late_last_quarter=self.quarter.late,
            late_last_year=year.late,
            trend=_trend(self.quarter, self.before),
            disputes_last_year=self.disputes,
            first_invoiced_on=self.first_invoiced_on,
        )


def histories(documents: Iterable[ArDocument], on: date) -> dict[str, PaymentHistory]:
    """Customer -> how it has paid up to the end of this day."""
    return {customer_id: tally.history() for customer_id, tally in tallies(documents, on).items()}


def tallies(documents: Iterable[ArDocument], on: date) -> dict[str, Tally]:
    """Customer -> what its history is made of. Only invoices count, and none of nothing: it settles itself."""
    found: dict[str, Tally] = {}
    for one in documents:
        if one.kind is DocumentKind.INVOICE and one.customer_id and one.amount.minor > 0 and one.on <= on:
            found[one.customer_id] = found.get(one.customer_id, Tally()) + _tally(one, on)
    return found


def _tally(invoice: ArDocument, on: date) -> Tally:
    disputes = int(invoice.was_disputed and _within(invoice.on, on, YEAR_DAYS))
    settled_on, due_on = invoice.closed_on, invoice.due_on
    if settled_on is None or due_on is None or not _within(settled_on, on, YEAR_DAYS):
        return Tally(disputes=disputes, first_invoiced_on=invoice.on)
    days = (settled_on - due_on).days
    settled = Settled(1, days, int(days > 0))
    if _within(settled_on, on, QUARTER_DAYS):
        return Tally(settled, Settled(), disputes, invoice.on)
    return Tally(Settled(), settled, disputes, invoice.on)


def _within(day: date, on: date, days: int) -> bool:
    return on - timedelta(days=days) < day <= on


def _trend(quarter: Settled, before: Settled) -> Trend:
    """Is the quarter's average more than TREND_DAYS away from that of the 275 days before? Exact, without dividing."""
    if min(quarter.count, before.count) < TREND_COUNT_MIN:
        return Trend.UNKNOWN
    moved, bound = quarter.days_late * before.count - before.days_late * quarter.count, quarter.count * before.count
    if abs(moved) <= TREND_DAYS * bound:
        return Trend.STEADY
    return Trend.WORSE if moved > 0 else Trend.BETTER
