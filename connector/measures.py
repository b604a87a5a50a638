"""The measures of receivables (RULES 6): values in, exact values out, each with its formula.

Every figure is one currency's. A zero denominator, or nothing to measure yet, is None: 'n/a', never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from connector.money import Money, MoneyError
from connector.receivables import InvoiceStatus, OpenInvoice


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure, exact, with the formula that it is by and its unit; `value` None is 'n/a'."""

    name: str
    value: Fraction | None
    formula: str
    unit: str

    def rounded(self, digits: int = 2) -> Decimal | None:
        """For people, half to even; comparisons use `value`."""
        if self.value is None:
            return None
        return Decimal(round(self.value * 10**digits)).scaleb(-digits)


class AgeingBucket(StrEnum):
    """By days past due; the due day itself is current."""

    CURRENT = "current"
    DAYS_1_30 = "1-30"
    DAYS_31_60 = "31-60"
    DAYS_61_90 = "61-90"
    OVER_90 = "over 90"


@dataclass(frozen=True, slots=True)
class AgeingLine:
    currency: str
    bucket: AgeingBucket
    count: int
    total: Money


def bucket(days_past_due: int) -> AgeingBucket:
    """In which ageing bucket is this many days past due?"""
    if days_past_due <= 0:
        return AgeingBucket.CURRENT
    for days_max, found in ((30, AgeingBucket.DAYS_1_30), (60, AgeingBucket.DAYS_31_60), (90, AgeingBucket.DAYS_61_90)):
        if days_past_due <= days_max:
            return found
    return AgeingBucket.OVER_90


def ageing(invoices: Iterable[OpenInvoice], on: date) -> tuple[AgeingLine, ...]:
    """Count and sum of open balances by currency and bucket: all five buckets of each currency, empty ones too.

    Gross: credits and unapplied cash are shown apart. Neither a hold nor a dispute changes ageing (RULES 5.1).
    """
    found: dict[tuple[str, AgeingBucket], list[Money]] = {}
    currencies: set[str] = set()
    for invoice in invoices:
        if invoice.status is InvoiceStatus.OPEN and invoice.balance:
            currencies.add(invoice.balance.currency)
            key = (invoice.balance.currency, bucket(invoice.days_past_due(on)))
            found.setdefault(key, []).append(invoice.balance)
    return tuple(
        AgeingLine(currency, name, len(balances), Money.total(balances, currency))
        for currency in sorted(currencies)
        for name in AgeingBucket
        for balances in [found.get((currency, name), [])]
    )


def dso(closing_ar: Money, credit_sales: Money, days: int) -> Measure:
    """Days sales outstanding by the simple method; AR and sales are of the same period of this many days."""
    return Measure("dso", _ratio(closing_ar, credit_sales, days), "closing AR / credit sales x days", "days")


def best_possible_dso(not_yet_due_ar: Money, credit_sales: Money, days: int) -> Measure:
    """What DSO would be if nobody paid late; DSO less this is the average days delinquent."""
    formula = "not-yet-due AR / credit sales x days"
    return Measure("best_possible_dso", _ratio(not_yet_due_ar, credit_sales, days), formula, "days")


def dso_countback(closing_ar: Money, months: Sequence[tuple[int, Money]]) -> Measure:
    """Days sales outstanding by countback. `months`: (days, credit sales), the latest month first.

    A month with sales of zero or less counts its days and consumes nothing. None if the months given do not
    consume all of the AR, since then the answer is 'longer than was looked at'.
    """
    formula = "days of the latest months whose credit sales add up to closing AR, the last month pro rata"
    left, counted = closing_ar, Fraction(0)
    value: Fraction | None = None if closing_ar.minor > 0 else Fraction(0)
    for days, sales in months:
        if value is not None:
            break
        if sales.minor > 0 and sales >= left:
            value = counted + Fraction(days * left.minor, sales.minor)
        else:
            left = left - max(sales, Money.zero(sales.currency))
            counted += days
    return Measure("dso_countback", value, formula, "days")


def cei(opening_ar: Money, credit_sales: Money, closing_ar: Money, closing_not_due_ar: Money) -> Measure:
    """Collection effectiveness index: of what could be collected in the period, how much was, in percent?"""
    base = opening_ar + credit_sales
    formula = "(opening AR + credit sales - closing AR) / (opening AR + credit sales - closing not-yet-due AR) x 100"
    return Measure("cei", _ratio(base - closing_ar, base - closing_not_due_ar, 100), formula, "percent")


def match_rate(matched_count: int, received_count: int) -> Measure:
    """Of the payments received, how many did the matcher match without a person, in percent?"""
    value = Fraction(matched_count * 100, received_count) if received_count else None
    return Measure("match_rate", value, "payments matched without a person / payments received x 100", "percent")


def suppression_latency(latencies: Sequence[timedelta], percent: int) -> Measure:
    """Within which time were this many percent of the reminders cancelled after their payment was seen?

    Nearest rank: the smallest latency that at least `percent` of all do not exceed, so it is one that happened.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is no percentile; it is above 0 and at most 100")
    formula = f"nearest-rank {percent}th percentile of (reminders cancelled at - payment seen at)"
    value: Fraction | None = None
    if latencies:
        rank = -(-len(latencies) * percent // 100)
        value = Fraction(sorted(latencies)[rank - 1] // timedelta(microseconds=1), 1_000_000)
    return Measure(f"suppression_latency_p{percent}", value, formula, "seconds")


def mean_days_to_pay(invoices: Iterable[tuple[date, date]]) -> Measure:
    """From issue to settlement in full, the mean over settled invoices. Pairs are (issued_on, settled_on)."""
    days = [(settled_on - issued_on).days for issued_on, settled_on in invoices]
    value = Fraction(sum(days), len(days)) if days else None
    return Measure("mean_days_to_pay", value, "sum of (settled on - issued on) / settled invoices", "days")


def share_paid_late(invoices: Iterable[tuple[date, date]]) -> Measure:
    """Of the settled invoices, how many were settled after their due date? Pairs are (due_on, settled_on)."""
    late = [settled_on > due_on for due_on, settled_on in invoices]
    value = Fraction(sum(late) * 100, len(late)) if late else None
    return Measure(
        "share_paid_late", value, "invoices settled after their due date / settled invoices x 100", "percent"
    )


def _ratio(above: Money, below: Money, factor: int) -> Fraction | None:
    if above.currency != below.currency:
        raise MoneyError(f"{above} and {below} make no ratio: the currencies differ")
    return Fraction(above.minor * factor, below.minor) if below.minor else None
