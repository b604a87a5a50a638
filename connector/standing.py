"""How does the book stand on a day? Ageing and the measures (RULES 6) from what the store knows.

A figure whose facts are not all known is None, and its formula says which are missing. A past day is answered only
where every balance of that day is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from connector import measures
from connector.errors import ConfigError
from connector.measures import AgeingBucket
from connector.money import Money
from connector.receivables import CreditKind, InvoiceStatus, OpenInvoice, ReminderState
from connector.reports import AgeingRow, Measure, Report
from connector.store import Tx, book, history, parse_instant
from connector.store.history import Ledger

PERIOD_DAYS = 90
COUNTBACK_MONTHS_MAX = 24
NAMES_MAX = 5


def report(tx: Tx, on: date, now: datetime, zone: tzinfo = UTC) -> Report:
    """Ageing and measures of one day in the ledger's zone; ConfigError for a past day that isn't known exactly."""
    ledger = history.ledger(tx)
    today = now.astimezone(zone).date()
    invoices = open_on(tx, ledger, on, today, zone)
    opening = _known_open(tx, ledger, on - timedelta(days=PERIOD_DAYS), today, zone)
    found: list[Measure] = []
    for currency in sorted({row["currency"] for row in ledger.invoices}):
        found += _period(ledger, currency, on, today, invoices, opening)
        found += _paid(ledger, currency, on, zone)
    _, read_at, _ = book.source_state(tx, "erp")
    return Report(
        on=on,
        as_of=now,
        ageing=_ageing(invoices, on),
        measures=(*found, *_credits(tx), *_matching(tx), *_waiting(tx), *_reminders(tx)),
        read_at=read_at,
    )


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


def _ageing(invoices: Iterable[OpenInvoice], on: date) -> tuple[AgeingRow, ...]:
    by_currency: dict[str, dict[AgeingBucket, measures.AgeingLine]] = {}
    for line in measures.ageing(invoices, on):
        by_currency.setdefault(line.currency, {})[line.bucket] = line
    rows = []
    for currency, lines in by_currency.items():
        rows.append(
            AgeingRow(
                currency=currency,
                invoice_count=sum(line.count for line in lines.values()),
                not_due=lines[AgeingBucket.CURRENT].total,
                days_1_30=lines[AgeingBucket.DAYS_1_30].total,
                days_31_60=lines[AgeingBucket.DAYS_31_60].total,
                days_61_90=lines[AgeingBucket.DAYS_61_90].total,
                days_over_90=lines[AgeingBucket.OVER_90].total,
                total=Money.total((line.total for line in lines.values()), currency),
            )
        )
    return tuple(rows)


# ---- figures of a period, by currency ----


def _period(
    ledger: Ledger,
    currency: str,
    on: date,
    today: date,
    invoices: Sequence[OpenInvoice],
    opening: Sequence[OpenInvoice] | None,
) -> list[Measure]:
    """DSO in three ways and CEI. They need every billing of the period, so n/a until it was watched from its start."""
    closing = [one for one in invoices if one.balance.currency == currency]
    ar, not_due = _total(closing, currency), _total([i for i in closing if i.due_on >= on], currency)
    first = on - timedelta(days=PERIOD_DAYS - 1)
    sales = _sales(ledger, currency, first, on)
    before = _total([i for i in opening or () if i.balance.currency == currency], currency)
    since = ledger.known_since
    lacking = ""
    if on > today:
        lacking = "the period has not ended"
    elif since is None or since >= first:
        lacking = f"billings are known in full only since {since}, the period begins on {first}"
    found = [measures.dso(ar, sales, PERIOD_DAYS), measures.best_possible_dso(not_due, sales, PERIOD_DAYS)]
    shown = [_shown(one, currency, _period_words(first, on), lacking) for one in found]
    countback = measures.dso_countback(ar, list(_months(ledger, currency, on)))
    too_short = "" if countback.value is not None else f"the months known since {since} don't add up to it"
    shown.append(_shown(countback, currency, _SALES, lacking if on > today else too_short))
    effectiveness = measures.cei(before, sales, ar, not_due)
    no_opening = "" if opening is not None else "the opening AR is not known exactly"
    return [*shown, _shown(effectiveness, currency, _period_words(first, on), lacking or no_opening)]


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


def _paid(ledger: Ledger, currency: str, on: date, zone: tzinfo) -> list[Measure]:
    issued, due = _settled(ledger, currency, on, zone)
    how = "settled on: the day the last money was received; for an invoice closed by others, the day that was seen"
    return [_shown(one, currency, how) for one in (issued, due)]


def _settled_on(ledger: Ledger, row: Any, zone: tzinfo) -> date | None:
    if row["status"] != InvoiceStatus.PAID or not row["closed_at"]:
        return None
    if row["id"] in ledger.closed_by_us and row["id"] in ledger.posted:
        return max(received_on for received_on, _ in ledger.posted[row["id"]])
    return parse_instant(row["closed_at"]).astimezone(zone).date()


# ---- figures of the connector's own work, as they stand now ----


def _credits(tx: Tx) -> list[Measure]:
    formula = {
        CreditKind.CREDIT_MEMO: "open credit memos in the ERP now; not deducted from ageing",
        CreditKind.UNAPPLIED_PAYMENT: "unapplied payments in the ERP now; not deducted from ageing",
    }
    return [
        Measure(f"{CreditKind(kind).value}s_open", total, formula[CreditKind(kind)], currency=currency)
        for (currency, kind), total in sorted(history.credit_totals(tx).items())
    ]


def _matching(tx: Tx) -> list[Measure]:
    matched, decided = history.matching_counts(tx)
    rate = replace(
        measures.match_rate(matched, decided), formula="payments matched without a person / payments decided x 100"
    )
    latencies = history.latencies(tx)
    how = "payment seen at: the commit that first saw it received; reminders are cancelled by the match's own commit"
    shown = [_shown(measures.suppression_latency(latencies, percent), "", how) for percent in (50, 95)]
    return [_shown(rate), *shown]


def _waiting(tx: Tx) -> list[Measure]:
    kinds = history.exception_counts(tx)
    found = [_count("exceptions_open", sum(kinds.values()), "what waits for a person now")]
    found += [_count(f"exceptions_open_{kind}", number, "of these") for kind, number in sorted(kinds.items())]
    return [*found, _count("records_parked", history.parked_count(tx), "records that were not understood, now")]


def _reminders(tx: Tx) -> list[Measure]:
    """What can't be known is shown as its own figure: it is neither sent nor not sent."""
    states, leaving = history.reminder_counts(tx), history.leaving_count(tx)
    found = [
        _count(f"reminders_{state.value}", states.get(state, 0), f"reminders in state {state.value} now")
        for state in (ReminderState.SENT, ReminderState.CANCELLED, ReminderState.HELD)
    ]
    unknown = states.get(ReminderState.UNKNOWN, 0)
    formula = (
        "reminders of which nobody can know whether they left: the connection or the process ended at the final dot"
    )
    found.append(_count("sent_unknown", unknown, formula))
    if leaving:
        found.append(
            _count("mails_leaving", leaving, "mails at their final dot now; the next start settles what is left")
        )
    return found


def _count(name: str, number: int, formula: str) -> Measure:
    return Measure(name, Decimal(number), formula)


def _shown(one: measures.Measure, currency: str = "", how: str = "", lacking: str = "") -> Measure:
    """The figure for people, to two decimals; what is `lacking` makes it n/a, whatever the arithmetic gave."""
    formula = f"{one.formula} ({how})" if how else one.formula
    if lacking:
        return Measure(one.name, None, f"{formula}; n/a: {lacking}", one.unit, currency)
    return Measure(one.name, one.rounded(), formula, one.unit, currency)
