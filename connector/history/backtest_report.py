"""Two plays of the same past side by side: what another policy adds and takes away, and where the overdue money sits.

Pure. What must be none is counted again from the past itself, never taken for granted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from connector.history.backtest import HandedOver, Past, Played, Sent, play
from connector.money import Money
from connector.policy import Policy, Tone
from connector.receivables import OpenInvoice, PauseKind, PaymentHistory
from connector.reports_policy import BacktestReport, BucketRow, DifferenceRow, ExampleRow, FigureRow

T = TypeVar("T", Sent, HandedOver)

EXAMPLES_MAX = 5
LARGEST = 3
NOT_KNOWN = "not known"
_WEEK = timedelta(days=6)
_TENTH = Decimal("0.1")
# Messages to one customer in the period, at most so many; the last has no bound.
_TOUCHES = (0, 2, 5, 10, 20)
# Sizes of invoices in the buckets.
_VALUES = (100, 1_000, 10_000, 100_000)


def backtest(
    past: Past, present: Policy, proposed: Policy, first_on: date, last_on: date, as_of: datetime
) -> BacktestReport:
    """Play the past under both and set them side by side."""
    sides = (play(past, present, first_on, last_on), play(past, proposed, first_on, last_on))
    known, overdue = _Known(past, first_on, last_on), buckets(past, first_on, last_on)
    return BacktestReport(
        as_of=as_of,
        first_on=first_on,
        last_on=last_on,
        present=present.version,
        proposed=proposed.version,
        invoices=known.invoices,
        customers=len(known.customers),
        figures=_figures(known, sides),
        steps=_by(sides, lambda one: (one.step, one.segment)),
        tones=_by(sides, lambda one: (one.tone.value, ""), [(tone.value, "") for tone in Tone]),
        hand_overs=_hand_overs(sides),
        held=_held(sides),
        touches=_touches(known, sides),
        weeks=_weeks(sides),
        examples=(*_examples(sides), *_handed_examples(sides)),
        buckets=overdue,
        notes=_notes(past, known, overdue),
    )


class _Known:
    """The past between two days: which invoices could be asked for at all, and of whom."""

    def __init__(self, past: Past, first_on: date, last_on: date) -> None:
        self.past = past
        self.by_id = {one.invoice.id: one for one in past.invoices}
        self._open = [
            one
            for one in past.invoices
            if one.invoice.issued_on <= last_on and (one.closed_on is None or one.closed_on >= first_on)
        ]
        self.invoices = len(self._open)
        self.customers = {one.invoice.customer_id for one in self._open}

    def after_paid(self, sent: Iterable[Sent]) -> int:
        """Reminders that would have left on or after the day on which nothing was left to pay."""
        closed = {one: self.by_id[one].closed_on for one in self.by_id}
        return sum((closed[one.invoice_id] or date.max) <= one.on for one in sent)

    def while_disputed(self, sent: Iterable[Sent]) -> int:
        """Reminders that would have left on a day on which all of the invoice is known to have been disputed."""
        return sum(self._is_disputed(one) for one in sent)

    def _is_disputed(self, one: Sent) -> bool:
        past = self.by_id[one.invoice_id]
        disputes = [kept for kept in past.kept_back if kept.kind is PauseKind.DISPUTE and kept.holds(one.on)]
        if any(kept.amount is None for kept in disputes):
            return True
        return bool(disputes) and sum(kept.amount.minor for kept in disputes if kept.amount) >= past.left(one.on).minor

    def of_disputed(self, sent: Iterable[Sent]) -> int:
        """Reminders of invoices that were disputed on days that nobody knows of."""
        return sum(
            past.was_disputed and not any(kept.kind is PauseKind.DISPUTE for kept in past.kept_back)
            for past in (self.by_id[one.invoice_id] for one in sent)
        )


_Sides = tuple[Played, Played]


def _figures(known: _Known, sides: _Sides) -> tuple[FigureRow, ...]:
    """What must be none stands first."""
    present, proposed = sides
    added, removed, changed = _differences(present.sent, proposed.sent)

    def row(name: str, count: Callable[[Played], int]) -> FigureRow:
        return FigureRow(name, count(present), count(proposed))

    return (
        row("reminders after the invoice was paid", lambda side: known.after_paid(side.sent)),
        row("reminders while the invoice was disputed", lambda side: known.while_disputed(side.sent)),
        row("reminders of invoices disputed on unknown days", lambda side: known.of_disputed(side.sent)),
        row("reminders", lambda side: len(side.sent)),
        row("messages", lambda side: len(_messages(side.sent))),
        row("hand-overs to people", lambda side: len(side.handed_over)),
        FigureRow("reminders that only one of them sends", len(removed), len(added)),
        FigureRow("reminders on the same day in other words", len(changed), len(changed)),
    )


def _messages(sent: Iterable[Sent]) -> set[tuple[str, date, str]]:
    return {(one.customer_id, one.on, one.channel) for one in sent}


def _differences(present: Sequence[Sent], proposed: Sequence[Sent]) -> tuple[list[Sent], list[Sent], list[Sent]]:
    """Reminders that are new, that are gone, and that leave on the same day as another step or in other words."""
    before = {(one.invoice_id, one.on): one for one in present}
    after = {(one.invoice_id, one.on): one for one in proposed}
    changed = [one for key, one in after.items() if key in before and _said(one) != _said(before[key])]
    return (
        [one for key, one in after.items() if key not in before],
        [one for key, one in before.items() if key not in after],
        changed,
    )


def _said(one: Sent) -> tuple[str, ...]:
    return one.step, one.template, one.tone.value, one.channel


def _by(
    sides: _Sides, key: Callable[[Sent], tuple[str, str]], order: Sequence[tuple[str, str]] = ()
) -> tuple[DifferenceRow, ...]:
    """Reminders by name and segment, in the order given or as they stand in a calendar."""
    present, proposed = sides
    added, removed, _ = _differences(present.sent, proposed.sent)
    counts = [Counter(key(one) for one in some) for some in (present.sent, proposed.sent, added, removed)]
    found = {name for count in counts for name in count}
    ordered = [name for name in order if name in found] or sorted(found, key=_step_order)
    rows = []
    for one in ordered:
        before, after, more, less = (count[one] for count in counts)
        rows.append(DifferenceRow(one[0], before, after, more, less, segment=one[1]))
    return tuple(rows)


def _step_order(key: tuple[str, str]) -> tuple[str, bool, int, str]:
    """By segment, then by the days of the step; what is beside the cadence comes last."""
    name, segment = key
    days = name.removeprefix("+")
    is_day = days.removeprefix("-").isdecimal()
    return segment, not is_day, int(days) if is_day else 0, name


def _hand_overs(sides: _Sides) -> tuple[DifferenceRow, ...]:
    """By rule: an invoice counts once a rule; a later day is no difference."""
    present, proposed = ({(one.rule, one.invoice_id) for one in side.handed_over} for side in sides)
    rows = []
    for rule in sorted({rule for rule, _ in present | proposed}):
        before, after, added, removed = (
            sum(one == rule for one, _ in some) for some in (present, proposed, proposed - present, present - proposed)
        )
        rows.append(DifferenceRow(rule, before, after, added, removed))
    return tuple(rows)


def _held(sides: _Sides) -> tuple[FigureRow, ...]:
    present, proposed = (side.held for side in sides)
    return tuple(
        FigureRow(reason.replace("_", " "), present.get(reason, 0), proposed.get(reason, 0))
        for reason in sorted(present.keys() | proposed.keys())
    )


# ---- what customers and people get of it ----


def _touches(known: _Known, sides: _Sides) -> tuple[FigureRow, ...]:
    """Messages a customer: most, mean, most within seven days, and how many customers got how many."""
    by_side = [_days_by_customer(side.sent) for side in sides]
    counts = [[len(days.get(one, ())) for one in sorted(known.customers)] for days in by_side]
    rows = [
        FigureRow("most messages to one customer", *(max(some, default=0) for some in counts)),
        FigureRow("mean messages a customer", *(_mean(some) for some in counts)),
        FigureRow("most within seven days", *(max(map(_busiest, days.values()), default=0) for days in by_side)),
    ]
    low = 0
    for high in _TOUCHES:
        name = "customers with none" if not high else f"customers with {low} to {high}"
        rows.append(FigureRow(name, *(sum(low <= one <= high for one in some) for some in counts)))
        low = high + 1
    rows.append(FigureRow(f"customers with {low} or more", *(sum(one >= low for one in some) for some in counts)))
    return tuple(rows)


def _days_by_customer(sent: Iterable[Sent]) -> dict[str, list[date]]:
    found: dict[str, list[date]] = defaultdict(list)
    for customer_id, on, _ in sorted(_messages(sent)):
        found[customer_id].append(on)
    return found


def _mean(counts: Sequence[int]) -> Decimal:
    return (Decimal(sum(counts)) / max(len(counts), 1)).quantize(_TENTH)


def _busiest(days: Sequence[date]) -> int:
    return max(sum(day - _WEEK <= one <= day for one in days) for day in days)


def _weeks(sides: _Sides) -> tuple[FigureRow, ...]:
    """Hand-overs by ISO week: what people would have had to do."""
    counts = [Counter(_week(one.on) for one in side.handed_over) for side in sides]
    return tuple(FigureRow(week, *(count[week] for count in counts)) for week in sorted({w for c in counts for w in c}))


def _week(on: date) -> str:
    year, week, _ = on.isocalendar()
    return f"{year}-W{week:02}"


def _examples(sides: _Sides) -> tuple[ExampleRow, ...]:
    """The largest of each kind."""
    added, removed, changed = _differences(*(side.sent for side in sides))
    before = {(one.invoice_id, one.on): one for one in sides[0].sent}

    def row(change: str, one: Sent, text: str) -> ExampleRow:
        return ExampleRow(change, "reminder", one.on, one.customer_id, one.number, one.asked, one.segment, text)

    return (
        *(row("added", one, _words(one)) for one in _largest(added, lambda one: one.asked)),
        *(row("removed", one, _words(one)) for one in _largest(removed, lambda one: one.asked)),
        *(
            row("changed", one, f"{_words(before[one.invoice_id, one.on])} -> {_words(one)}")
            for one in _largest(changed, lambda one: one.asked)
        ),
    )


def _words(one: Sent) -> str:
    return f"step {one.step}, {one.tone.value}, {one.channel}"


def _handed_examples(sides: _Sides) -> tuple[ExampleRow, ...]:
    present, proposed = ({(one.rule, one.invoice_id): one for one in side.handed_over} for side in sides)
    added = [one for key, one in proposed.items() if key not in present]
    removed = [one for key, one in present.items() if key not in proposed]

    def row(change: str, one: HandedOver) -> ExampleRow:
        text = f"{one.rule}, to {one.to.replace('_', ' ')}"
        return ExampleRow(change, "hand-over", one.on, one.customer_id, one.number, one.amount, one.segment, text)

    return (
        *(row("added", one) for one in _largest(added, lambda one: one.amount)),
        *(row("removed", one) for one in _largest(removed, lambda one: one.amount)),
    )


def _largest(found: Iterable[T], amount: Callable[[T], Money]) -> list[T]:
    ordered = sorted(found, key=lambda one: (-amount(one).decimal(), one.on, one.number))
    return ordered[:EXAMPLES_MAX]


# ---- where the overdue money sits (M27) ----


@dataclass(frozen=True, slots=True)
class _Alike:
    currency: str
    tier: str
    billing_model: str
    contract_type: str
    history: str
    value: str


def buckets(past: Past, first_on: date, last_on: date) -> tuple[BucketRow, ...]:
    """What was overdue at the month ends of the period, by what customers have in common, the largest first."""
    days = month_ends(first_on, last_on)
    sums: dict[_Alike, int] = defaultdict(int)
    customers: dict[_Alike, set[str]] = defaultdict(set)
    for on in days:
        for one in past.invoices:
            invoice = one.invoice
            if invoice.due_on < on and (left := one.left(on)):
                alike = _alike(past, invoice, on)
                sums[alike] += left.minor
                customers[alike].add(invoice.customer_id)
    rows = []
    for currency in sorted({one.currency for one in sums}):
        some = {one: minor for one, minor in sums.items() if one.currency == currency}
        rows += _ranked(some, customers, len(days))
    return tuple(rows)


def month_ends(first_on: date, last_on: date) -> tuple[date, ...]:
    """The last days of months within the period; its own last day where there is none."""
    found = []
    on = first_on
    while on <= last_on:
        following = (on.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = following - timedelta(days=1)
        if end <= last_on:
            found.append(end)
        on = following
    return tuple(found) or (last_on,)


def _alike(past: Past, invoice: OpenInvoice, on: date) -> _Alike:
    profile = past.profile(past.family(invoice.customer_id), on)
    of = profile.traits
    tier, billing, contract = (
        text.strip().lower() or NOT_KNOWN for text in (of.tier, of.billing_model, of.contract_type)
    )
    amount = invoice.amount
    return _Alike(amount.currency, tier, billing, contract, history_words(profile.history), value_words(amount))


def value_words(amount: Money) -> str:
    """How large an invoice is, in whole units of its own currency."""
    low = max((bound for bound in _VALUES if amount.decimal() >= bound), default=0)
    return f"{low:,} or more" if low else f"below {_VALUES[0]:,}"


def history_words(history: PaymentHistory) -> str:
    """How a customer has paid, in the words of the buckets."""
    if not history.settled_count:
        return "new"
    if not history.late_last_quarter:
        return "none late last quarter"
    return "1 late last quarter" if history.late_last_quarter == 1 else "2 or more late last quarter"


def _ranked(sums: Mapping[_Alike, int], customers: Mapping[_Alike, set[str]], days: int) -> list[BucketRow]:
    total, running = sum(sums.values()), 0
    rows = []
    for one, minor in sorted(sums.items(), key=lambda item: (-item[1], item[0].tier, item[0].history, str(item[0]))):
        running += minor
        rows.append(
            BucketRow(
                currency=one.currency,
                tier=one.tier,
                billing_model=one.billing_model,
                contract_type=one.contract_type,
                history=one.history,
                value=one.value,
                customers=len(customers[one]),
                overdue=Money(minor // days, one.currency),
                share=_percent(minor, total),
                running=_percent(running, total),
            )
        )
    return rows


def _percent(part: int, whole: int) -> Decimal:
    return (Decimal(100 * part) / whole).quantize(_TENTH)


# ---- what the past does not hold ----


def _notes(past: Past, known: _Known, found: Sequence[BucketRow]) -> tuple[str, ...]:
    disputed = sum(one.was_disputed for one in past.invoices)
    days_known = sum(bool(one.kept_back) for one in past.invoices)
    without = sum(not (past.customers.get(one) and past.customers[one].email) for one in known.customers)
    notes = [
        "A payment counts from its own day on, as the daemon looks for cash last before it speaks: so nothing that is "
        "paid is chased. The first figure counts it again, from the past itself.",
        f"{disputed} invoices were disputed at some time. On which days is known of the pauses that this connector has "
        f"kept itself: of {days_known} invoices.",
        "Both are played as if they had sent by themselves all the time: without shadow, stop, outage or backlog.",
        "Every invoice counts as delivered when it was issued. Customers, addresses, tiers, contracts, renewals and "
        "strategic accounts are those of today; how a customer had paid is worked out for each day.",
        "Money on its way, open credits, replies and what people did beside the machine are not in the past.",
        "A bucket is the mean of what was overdue at the month ends of the period; currencies are not added up.",
        *_largest_buckets(found),
    ]
    if without:
        notes.append(f"{without} customers have no billing contact today: nothing is sent to them under either policy.")
    return tuple(notes)


def _largest_buckets(found: Sequence[BucketRow]) -> Iterator[str]:
    """Do three buckets make most of it (M27)?"""
    for currency in sorted({one.currency for one in found}):
        some = [one for one in found if one.currency == currency]
        share = some[min(LARGEST, len(some)) - 1].running
        count = f"{LARGEST} largest of {len(some)} buckets hold" if len(some) > LARGEST else "buckets there are hold"
        yield f"The {count} {share} % of what was overdue in {currency}."
