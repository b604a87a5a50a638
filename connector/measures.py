"""The measures of receivables (RULES 6): values in, exact values out, each with its formula.

Every figure is one currency's. A zero denominator, or nothing to measure yet, is None: 'n/a', never 0. `survey` goes
once over the ERP's documents; everything else is arithmetic on what it found.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from connector.money import Money, MoneyError
from connector.receivables import InvoiceStatus, OpenInvoice, PauseKind
from connector.settlement import ArDocument, DocumentKind

# Stands for all subsidiaries together, where one currency is kept in several.
ALL = "all"


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


@dataclass(frozen=True, slots=True)
class Paused:
    """One pause with the amount that it keeps from being asked for. `has_owner`, `has_end`: people entered one."""

    kind: PauseKind
    since: date
    amount: Money
    has_owner: bool
    has_end: bool
    is_past_end: bool


class PausedAge(StrEnum):
    """By days since a pause began; the first day is day 0."""

    DAYS_0_7 = "0-7"
    DAYS_8_30 = "8-30"
    DAYS_31_60 = "31-60"
    OVER_60 = "over 60"


@dataclass(frozen=True, slots=True)
class PausedLine:
    """All pauses of one kind in one currency: their value by age, and how many lack what each must have."""

    kind: PauseKind
    currency: str
    count: int
    by_age: tuple[Money, ...]
    total: Money
    without_owner: int
    without_end: int
    past_end: int


def paused_age(days: int) -> PausedAge:
    """In which bucket is a pause that began so many days ago?"""
    for days_max, found in ((7, PausedAge.DAYS_0_7), (30, PausedAge.DAYS_8_30), (60, PausedAge.DAYS_31_60)):
        if days <= days_max:
            return found
    return PausedAge.OVER_60


def paused_value(pauses: Iterable[Paused], on: date) -> tuple[PausedLine, ...]:
    """How much is kept from being asked for, and since when? By kind and currency.

    Each pause counts with the whole amount behind it: an invoice that is kept back for two reasons is in both.
    """
    found: dict[tuple[PauseKind, str], list[Paused]] = {}
    for one in pauses:
        found.setdefault((one.kind, one.amount.currency), []).append(one)
    return tuple(
        PausedLine(
            kind,
            currency,
            len(some),
            tuple(
                Money.total((one.amount for one in some if paused_age((on - one.since).days) is age), currency)
                for age in PausedAge
            ),
            Money.total((one.amount for one in some), currency),
            sum(not one.has_owner for one in some),
            sum(not one.has_end for one in some),
            sum(one.is_past_end for one in some),
        )
        for (kind, currency), some in sorted(found.items())
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


def average_days_delinquent(closing_ar: Money, not_yet_due_ar: Money, credit_sales: Money, days: int) -> Measure:
    """How many days of DSO are there only because invoices are paid late?"""
    value = _ratio(closing_ar - not_yet_due_ar, credit_sales, days)
    return Measure("average_days_delinquent", value, "DSO - best possible DSO", "days")


def cei(opening_ar: Money, credit_sales: Money, closing_ar: Money, closing_not_due_ar: Money) -> Measure:
    """Collection effectiveness index: of what could be collected in the period, how much was, in percent?"""
    base = opening_ar + credit_sales
    formula = "(opening AR + credit sales - closing AR) / (opening AR + credit sales - closing not-yet-due AR) x 100"
    return Measure("cei", _ratio(base - closing_ar, base - closing_not_due_ar, 100), formula, "percent")


def cei_without_write_offs(
    opening_ar: Money, credit_sales: Money, closing_ar: Money, closing_not_due_ar: Money, written_off: Money
) -> Measure:
    """CEI in which what was written off counts as not collected; `written_off` is net of recoveries."""
    base = opening_ar + credit_sales
    formula = (
        "(opening AR + credit sales - closing AR - net write-offs) / "
        "(opening AR + credit sales - closing not-yet-due AR) x 100"
    )
    value = _ratio(base - closing_ar - written_off, base - closing_not_due_ar, 100)
    return Measure("cei_without_write_offs", value, formula, "percent")


def bad_debt_to_sales(written_off: Money, credit_sales: Money) -> Measure:
    """How much of what was billed in the period was given up in it? `written_off` is net of recoveries."""
    value = _ratio(written_off, credit_sales, 100)
    return Measure("bad_debt_to_sales", value, "(write-offs - recoveries) / credit sales x 100", "percent")


def bad_debt_to_ar(written_off: Money, opening_ar: Money, closing_ar: Money) -> Measure:
    """How much of what was owed on average in the period was given up in it? `written_off` is net of recoveries."""
    value = _ratio(written_off, opening_ar + closing_ar, 200)
    formula = "(write-offs - recoveries) / ((opening AR + closing AR) / 2) x 100"
    return Measure("bad_debt_to_ar", value, formula, "percent")


def dispute_rate(disputed_count: int, issued_count: int) -> Measure:
    """Of the invoices issued in the period, how many were ever disputed, in percent?"""
    value = Fraction(disputed_count * 100, issued_count) if issued_count else None
    formula = "invoices issued in the period and ever disputed / invoices issued x 100"
    return Measure("dispute_rate_count", value, formula, "percent")


def dispute_rate_by_value(disputed: Money, issued: Money) -> Measure:
    """As `dispute_rate`, by what was billed; a dispute counts with its whole invoice."""
    formula = "billed on invoices issued in the period and ever disputed / billed x 100"
    return Measure("dispute_rate_value", _ratio(disputed, issued, 100), formula, "percent")


def match_rate(posted_count: int, received_count: int) -> Measure:
    """Of the payments received, how many were matched and posted without a person, in percent?"""
    value = Fraction(posted_count * 100, received_count) if received_count else None
    formula = "payments matched and posted without a person / payments received x 100"
    return Measure("match_rate", value, formula, "percent")


def suggested_rate(suggested_count: int, received_count: int) -> Measure:
    """Of the payments received, how many were matched and wait for posting to be switched on or for a person?"""
    value = Fraction(suggested_count * 100, received_count) if received_count else None
    return Measure("suggested_rate", value, "payments matched and not posted / payments received x 100", "percent")


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


def share(part: Money, whole: Money) -> Measure:
    """How much of the whole is this part, in percent: one ageing bucket of all that is open?"""
    return Measure("share", _ratio(part, whole, 100), "part / whole x 100", "percent")


def _ratio(above: Money, below: Money, factor: int) -> Fraction | None:
    if above.currency != below.currency:
        raise MoneyError(f"{above} and {below} make no ratio: the currencies differ")
    return Fraction(above.minor * factor, below.minor) if below.minor else None


# ---- what the ERP's documents say of a day and of the period that ends with it ----


@dataclass(frozen=True, slots=True)
class Span:
    """A period of whole days, both included."""

    first_on: date
    last_on: date

    @property
    def days(self) -> int:
        return (self.last_on - self.first_on).days + 1


def span(on: date, months: int) -> Span:
    """The months that end with this day: three to 30 September begin on 1 July, three to 7 December on 8 September."""
    return Span(_months_before(on + timedelta(days=1), months), on)


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last one."""
    year, month = divmod(_month(day) - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _month(day: date) -> int:
    """Months counted through, so that they can be subtracted."""
    return day.year * 12 + day.month - 1


def watch_from(on: date, months: int) -> date:
    """From which day on must every document be known, to look back so many whole months before this day's own?"""
    return _months_before(on.replace(day=1), months)


@dataclass(frozen=True, slots=True)
class Survey:
    """Receivables of one subsidiary and currency at the end of a day, and what moved them in the period before it.

    Amounts are signed as on the AR account: what reduces it is negative. Intercompany is only in `intercompany`.
    `settled_later` is what documents of a later day have changed since: by how much they settled which invoice of an
    earlier one isn't told, so that the ageing of a past day is right but for this amount. `ar` is exact for any day.
    """

    subsidiary: str
    currency: str
    ageing: tuple[AgeingLine, ...]
    undated: Money  # open invoices without a due date: in no bucket
    unapplied: Money
    credits: Money
    others: Money
    settled_later: Money
    intercompany: Money
    ar: Money
    opening_ar: Money
    sales: Money
    written_off: Money  # net of recoveries, positive
    issued_count: int
    issued: Money
    disputed_count: int
    disputed: Money
    months: tuple[tuple[int, Money], ...]  # days and credit sales, the latest first
    paid: tuple[tuple[date, date, date | None], ...]  # issued, settled, due: invoices settled in the period

    @property
    def open_invoices(self) -> Money:
        return Money.total((line.total for line in self.ageing), self.currency)

    @property
    def not_due(self) -> Money:
        return next(line.total for line in self.ageing if line.bucket is AgeingBucket.CURRENT)


@dataclass(slots=True)
class _Sums:
    """Minor units by what they are; filled in one pass over the documents."""

    aged: dict[AgeingBucket, list[int]] = field(default_factory=lambda: {one: [0, 0] for one in AgeingBucket})
    by_month: dict[int, int] = field(default_factory=dict)
    paid: list[tuple[date, date, date | None]] = field(default_factory=list)
    undated: int = 0
    unapplied: int = 0
    credits: int = 0
    others: int = 0
    intercompany: int = 0
    now: int = 0  # what is left of all documents as the ERP says it today
    since: int = 0  # moved after the day
    since_opening: int = 0  # moved from the period's first day on
    sales: int = 0
    written_off: int = 0
    issued: int = 0
    issued_count: int = 0
    disputed: int = 0
    disputed_count: int = 0


def survey(
    documents: Iterable[ArDocument], day: date, period: Span, watched_from: date, ages_on: date | None = None
) -> tuple[Survey, ...]:
    """How do receivables stand at the end of this day, by subsidiary and currency?

    `documents`: all from `watched_from` to today or later, and those from before that have something left. Days past
    due are counted to `ages_on`, else to the day itself. A currency kept in several subsidiaries has a survey of ALL.
    """
    sums: dict[tuple[str, str], _Sums] = {}
    for document in documents:
        for subsidiary in (document.subsidiary, ALL):
            key = (subsidiary, document.amount.currency)
            if key not in sums:
                sums[key] = _Sums()
            _add(sums[key], document, day, period, ages_on or day)
    subsidiaries: dict[str, int] = {}
    for subsidiary, currency in sums:
        subsidiaries[currency] = subsidiaries.get(currency, 0) + (subsidiary != ALL)
    return tuple(
        _surveyed(key, sums[key], day, watched_from)
        for key in sorted(sums, key=lambda one: (one[1], one[0] == ALL, one[0]))
        if key[0] != ALL or subsidiaries[key[1]] > 1
    )


def _add(sums: _Sums, document: ArDocument, day: date, period: Span, ages_on: date) -> None:
    minor, left = document.amount.minor, _left(document)
    if document.is_intercompany:
        sums.intercompany += left - (minor if document.on > day else 0)
        return
    sums.now += left
    if document.on >= period.first_on:
        sums.since_opening += minor
    if document.on > day:
        sums.since += minor
        return
    then = _left_on(document, left, day)
    match document.kind:
        case DocumentKind.INVOICE:
            if document.due_on is None:
                sums.undated += then
            elif then:
                aged = sums.aged[bucket((ages_on - document.due_on).days)]
                aged[0], aged[1] = aged[0] + 1, aged[1] + then
        case DocumentKind.PAYMENT:
            sums.unapplied += then
        case DocumentKind.CREDIT_MEMO:
            sums.credits += then
        case _:
            sums.others += then
    if document.kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO):
        sums.by_month[_month(document.on)] = sums.by_month.get(_month(document.on), 0) + minor
    _add_turnover(sums, document, minor, period)


def _add_turnover(sums: _Sums, document: ArDocument, minor: int, period: Span) -> None:
    """What happened in the period."""
    is_invoice, in_period = document.kind is DocumentKind.INVOICE, document.on >= period.first_on
    settled_on = document.closed_on
    if is_invoice and minor and settled_on and period.first_on <= settled_on <= period.last_on:
        sums.paid.append((document.on, settled_on, document.due_on))
    if not in_period:
        return
    if document.kind is DocumentKind.WRITE_OFF:
        sums.written_off -= minor
    elif is_invoice or document.kind is DocumentKind.CREDIT_MEMO:
        sums.sales += minor
    if is_invoice and minor:  # a voided one is there with nothing
        sums.issued += minor
        sums.issued_count += 1
        if document.was_disputed:
            sums.disputed += minor
            sums.disputed_count += 1


def _left(document: ArDocument) -> int:
    """What is left of it today, signed. A journal line that names no customer can't be settled: it stays whole."""
    minor = document.amount.minor
    if document.open_amount is None:
        return minor if document.kind is DocumentKind.OTHER and not document.customer_id else 0
    return document.open_amount.minor if minor >= 0 else -document.open_amount.minor


def _left_on(document: ArDocument, left: int, day: date) -> int:
    """What was left of it at the end of an earlier day, as far as its own dates tell."""
    if document.closed_on is None:
        return left
    return document.amount.minor if document.closed_on > day else 0


def _surveyed(key: tuple[str, str], sums: _Sums, day: date, watched_from: date) -> Survey:
    subsidiary, currency = key

    def money(minor: int) -> Money:
        return Money(minor, currency)

    ageing = tuple(AgeingLine(currency, one, count, money(minor)) for one, (count, minor) in sums.aged.items())
    ar = sums.now - sums.since
    told = sum(line.total.minor for line in ageing) + sums.undated + sums.unapplied + sums.credits + sums.others
    return Survey(
        subsidiary=subsidiary,
        currency=currency,
        ageing=ageing,
        undated=money(sums.undated),
        unapplied=money(sums.unapplied),
        credits=money(sums.credits),
        others=money(sums.others),
        settled_later=money(ar - told),
        intercompany=money(sums.intercompany),
        ar=money(ar),
        opening_ar=money(sums.now - sums.since_opening),
        sales=money(sums.sales),
        written_off=money(sums.written_off),
        issued_count=sums.issued_count,
        issued=money(sums.issued),
        disputed_count=sums.disputed_count,
        disputed=money(sums.disputed),
        months=tuple((days, money(sums.by_month.get(month, 0))) for month, days in _months_watched(day, watched_from)),
        paid=tuple(sums.paid),
    )


def _months_watched(day: date, watched_from: date) -> Iterable[tuple[int, int]]:
    """Each month that was watched as a whole, the latest first, with its days; the running one up to this day."""
    first, last = day.replace(day=1), day
    while first >= watched_from:
        yield _month(first), (last - first).days + 1
        last = first - timedelta(days=1)
        first = last.replace(day=1)


def of_period(found: Survey, days: int) -> tuple[Measure, ...]:
    """Every measure of RULES 6 that documents alone can give, of a period of this many days."""
    ar, not_due, sales = found.ar, found.not_due, found.sales
    opening, gone = found.opening_ar, found.written_off
    return (
        dso(ar, sales, days),
        dso_countback(ar, found.months),
        best_possible_dso(not_due, sales, days),
        average_days_delinquent(ar, not_due, sales, days),
        cei(opening, sales, ar, not_due),
        cei_without_write_offs(opening, sales, ar, not_due, gone),
        bad_debt_to_sales(gone, sales),
        bad_debt_to_ar(gone, opening, ar),
        dispute_rate(found.disputed_count, found.issued_count),
        dispute_rate_by_value(found.disputed, found.issued),
        mean_days_to_pay((issued_on, settled_on) for issued_on, settled_on, _ in found.paid),
        share_paid_late((due_on, settled_on) for _, settled_on, due_on in found.paid if due_on),
    )
