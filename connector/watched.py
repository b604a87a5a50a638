"""The book as the store has watched it: what was open on a day, and the measures of a period, where the ERP can't be
asked for its own documents.

A figure whose facts are not all known is None, and its formula says which are missing. A past day is answered only
where every balance of that day is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from connector import measures
from connector.errors import ConfigError
from connector.measures import Measure, Span
from connector.money import Money
from connector.receivables import InvoiceStatus, OpenInvoice
from connector.store import Tx, history, parse_instant
from connector.store.history import Ledger

COUNTBACK_MONTHS_MAX = 24
NAMES_MAX = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of one currency, how it was taken, and what it lacks: then it is n/a, whatever the arithmetic gave."""

    measure: Measure
    currency: str
    how: str = ""
    lacking: str = ""


def figures(
    tx: Tx, ledger: Ledger, invoices: Sequence[OpenInvoice], period: Span, today: date, zone: tzinfo
) -> tuple[Figure, ...]:
    """Every measure of every currency; `invoices` are those open at the period's end."""
    opening = _known_open(tx, ledger, period.first_on - timedelta(days=1), today, zone)
    found: list[Figure] = []
    for currency in sorted({row["currency"] for row in ledger.invoices}):
        found += _period(ledger, currency, period, today, invoices, opening)
        found += _paid(ledger, currency, period.last_on, zone)
    return tuple(found)


# ---- what was open ----


def open_on(tx: Tx, ledger: Ledger, on: date, today: date, zone: tzinfo) -> tuple[OpenInvoice, ...]:
    """Invoices with something left to pay at the end of this day, with their balances then, by the ERP's own dates.

    From today on these are the balances last read. For a past day our own applications are undone by the day their
    money was received, which is the ERP's date of them; changes by others since then have no known date, so they make
    the day unknown: ConfigError.
    """
    issued = [row for row in ledger.invoices if row["issued_on"] <= on.isoformat()]
    if on >= today:
        return tuple(_open(row, row["balance"]) for row in issued if history.is_open(row) and row["balance"])
    _require_exact(tx, ledger, issued, on, zone)
    found = []
    for row in issued:
        later = sum(minor for received_on, minor in ledger.posted.get(row["id"], ()) if received_on > on)
        left = later + (row["balance"] if history.is_open(row) else 0)
        if left and row["status"] != InvoiceStatus.VOIDED:
            found.append(_open(row, left))
    return tuple(found)


def _known_open(tx: Tx, ledger: Ledger, on: date, today: date, zone: tzinfo) -> tuple[OpenInvoice, ...] | None:
    try:
        return open_on(tx, ledger, on, today, zone)
    except ConfigError:
        return None


def _require_exact(tx: Tx, ledger: Ledger, issued: Sequence[Any], on: date, zone: tzinfo) -> None:
    refused = f"Could not report for {on}: "
    since = ledger.known_since
    if since is None:
        raise ConfigError(refused + "no invoice was read yet. Run `connector once` first, then ask for today.")
    if on < since:
        raise ConfigError(
            f"{refused}the ERP was first read on {since}, and what was settled before that was never seen. "
            f"Ask for {since} or later, or take that day's ageing from the ERP."
        )
    day_after = datetime.combine(on + timedelta(days=1), time(), zone)
    changed = history.changed_by_others(tx, day_after)
    unsure = {row["number"]: changed[row["id"]].astimezone(zone).date() for row in issued if row["id"] in changed}
    # First seen later, and by then no longer as it was issued.
    late = (row for row in issued if row["first_seen_on"] > on.isoformat() and not _is_untouched(ledger, row))
    unsure |= {row["number"]: date.fromisoformat(row["first_seen_on"]) for row in late}
    if unsure:
        names = ", ".join(sorted(unsure)[:NAMES_MAX]) + (", …" if len(unsure) > NAMES_MAX else "")
        raise ConfigError(
            f"{refused}others changed {len(unsure)} invoices in the ERP after it ({names}), and what was owed before "
            f"is not kept here. Ask for {max(unsure.values())} or later, or take that day's ageing from the ERP."
        )


def _is_untouched(ledger: Ledger, row: Any) -> bool:
    """Did only our own applications ever lower what is owed?"""
    ours = sum(minor for _, minor in ledger.posted.get(row["id"], ()))
    return bool((row["balance"] if history.is_open(row) else 0) + ours == row["amount"])


def _open(row: Any, left: int) -> OpenInvoice:
    currency = row["currency"]
    return OpenInvoice(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer_id"],
        amount=Money(row["amount"], currency),
        balance=Money(left, currency),
        issued_on=date.fromisoformat(row["issued_on"]),
        due_on=date.fromisoformat(row["due_on"]),
    )


# ---- figures of a period, by currency ----


def _period(
    ledger: Ledger,
    currency: str,
    period: Span,
    today: date,
    invoices: Sequence[OpenInvoice],
    opening: Sequence[OpenInvoice] | None,
) -> list[Figure]:
    """DSO in three ways and CEI. They need every billing of the period, so n/a until it was watched from its start."""
    first, on = period.first_on, period.last_on
    closing = [one for one in invoices if one.balance.currency == currency]
    ar, not_due = _total(closing, currency), _total([i for i in closing if i.due_on >= on], currency)
    sales = _sales(ledger, currency, first, on)
    before = _total([i for i in opening or () if i.balance.currency == currency], currency)
    since = ledger.known_since
    lacking = ""
    if on > today:
        lacking = "the period has not ended"
    elif since is None or since >= first:
        lacking = f"billings are known in full only since {since}, the period begins on {first}"
    found = [measures.dso(ar, sales, period.days), measures.best_possible_dso(not_due, sales, period.days)]
    shown = [Figure(one, currency, _period_words(first, on), lacking) for one in found]
    countback = measures.dso_countback(ar, list(_months(ledger, currency, on)))
    too_short = "" if countback.value is not None else f"the months known since {since} don't add up to it"
    shown.append(Figure(countback, currency, _SALES, lacking if on > today else too_short))
    effectiveness = measures.cei(before, sales, ar, not_due)
    no_opening = "" if opening is not None else "the opening AR is not known exactly"
    return [*shown, Figure(effectiveness, currency, _period_words(first, on), lacking or no_opening)]


_SALES = "credit sales: invoices issued, incl. tax, credit memos not deducted"


def _period_words(first: date, last: date) -> str:
    return f"{first} to {last}; {_SALES}"


def _total(invoices: Iterable[OpenInvoice], currency: str) -> Money:
    return Money.total((one.balance for one in invoices), currency)


def _sales(ledger: Ledger, currency: str, first: date, last: date) -> Money:
    issued = (
        Money(row["amount"], currency)
        for row in ledger.invoices
        if row["currency"] == currency
        and row["status"] != InvoiceStatus.VOIDED
        and first.isoformat() <= row["issued_on"] <= last.isoformat()
    )
    return Money.total(issued, currency)


def _months(ledger: Ledger, currency: str, on: date) -> Iterator[tuple[int, Money]]:
    """The months that were watched from their first day, the latest first, the running one up to this day."""
    first, last = on.replace(day=1), on
    for _ in range(COUNTBACK_MONTHS_MAX):
        if ledger.known_since is None or ledger.known_since >= first:
            return
        yield (last - first).days + 1, _sales(ledger, currency, first, last)
        last = first - timedelta(days=1)
        first = last.replace(day=1)


def paid(tx: Tx, currency: str, on: date, zone: tzinfo) -> tuple[measures.Measure, measures.Measure]:
    """Mean days to pay and share paid late of one currency, exact: reports round them."""
    return _settled(history.ledger(tx), currency, on, zone)


def _settled(ledger: Ledger, currency: str, on: date, zone: tzinfo) -> tuple[measures.Measure, measures.Measure]:
    rows = [row for row in ledger.invoices if row["currency"] == currency]
    settled = [(row, day) for row in rows if (day := _settled_on(ledger, row, zone)) is not None and day <= on]
    return (
        measures.mean_days_to_pay((date.fromisoformat(row["issued_on"]), day) for row, day in settled),
        measures.share_paid_late((date.fromisoformat(row["due_on"]), day) for row, day in settled),
    )


def _paid(ledger: Ledger, currency: str, on: date, zone: tzinfo) -> list[Figure]:
    issued, due = _settled(ledger, currency, on, zone)
    how = "settled on: the day the last money was received; for an invoice closed by others, the day that was seen"
    return [Figure(one, currency, how) for one in (issued, due)]


def _settled_on(ledger: Ledger, row: Any, zone: tzinfo) -> date | None:
    if row["status"] != InvoiceStatus.PAID or not row["closed_at"]:
        return None
    if row["id"] in ledger.closed_by_us and row["id"] in ledger.posted:
        return max(received_on for received_on, _ in ledger.posted[row["id"]])
    return parse_instant(row["closed_at"]).astimezone(zone).date()
