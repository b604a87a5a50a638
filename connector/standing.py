"""How does the book stand on a day, and what moved it? Ageing and the measures (RULES 6), held against the accounts.

The history is the ERP's: its documents and the balances of its accounts, asked for each report; where they can't be
had, it is what the store has watched. Of the connector's own work the store is the only witness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from connector import measures, metered, watched
from connector.decisions.clearing import ClearingKind, ClearingProof
from connector.errors import ConfigError
from connector.measures import ALL, AgeingBucket, AgeingLine, Paused, Span, Survey
from connector.money import Money
from connector.ports import Erp
from connector.receivables import CreditKind, ReminderState
from connector.reports import AgeingRow, BalanceRow, Measure, PausedRow, Report, Source
from connector.settlement import AccountBalance, AccountRole
from connector.store import Tx, book, history, pauses, settling
from connector.watched import paid as paid

MONTHS = 3
# So far back every document is read, for countback and for invoices that took long to be paid.
LOOK_BACK_MONTHS = 12
# Documents may be dated ahead; what they settled is settled today.
LOOK_AHEAD = timedelta(days=366)

_NOTES = (
    "AR is what the AR account holds without intercompany: open invoices less unapplied payments and open credits. The "
    "ageing shows open invoices gross.",
    "Credit sales are the posted invoices less credit memos of the period, incl. tax, without intercompany: what was "
    "billed, not recognised revenue.",
    "Write-offs are credit memos and journal entries against the accounts under bad_debt_accounts in the mapping; "
    "where none are named there, none are known.",
    "An invoice is settled when nothing is left of it, by payment, credit or write-off.",
    "What people keep back counts with the whole amount behind it, of a dispute its lines; an invoice that is kept "
    "back for two reasons is in both.",
    "Currencies are not added up: no closing rate is known here.",
)


# ---- asking the ERP ----


@dataclass(frozen=True, slots=True)
class Opening:
    """The books on the day of the first clearing proof; no surveys where that is too long ago to be read."""

    on: date
    surveys: tuple[Survey, ...]
    control: tuple[AccountBalance, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What the ERP's documents and AR control accounts say of a day and of the months before it."""

    on: date  # the day of the balances: the report's own, never later than today
    watched_from: date
    surveys: tuple[Survey, ...]
    control: tuple[AccountBalance, ...]
    openings: tuple[Opening, ...] = ()


def opening_days(tx: Tx) -> tuple[date, ...]:
    return tuple(sorted({day for day, _, _ in history.first_proofs(tx)}))


def read_books(erp: Erp, on: date, months: int, today: date, opened: Iterable[date] = ()) -> Books:
    """Ask the ERP; its errors are the caller's. The documents are let go as soon as they are added up."""
    day, period = min(on, today), measures.span(on, months)
    since = measures.watch_from(on, max(months, LOOK_BACK_MONTHS))
    documents = erp.read_documents(since, today + LOOK_AHEAD)
    openings = [
        Opening(one, measures.survey(documents, one, Span(one, one), since) if one >= since else (), _control(erp, one))
        for one in opened
    ]
    surveys = measures.survey(documents, day, period, since, ages_on=on)
    return Books(day, since, surveys, _control(erp, day), tuple(openings))


def _control(erp: Erp, on: date) -> tuple[AccountBalance, ...]:
    return tuple(one for one in erp.read_balances(on) if one.role is AccountRole.RECEIVABLE)


# ---- the report ----


def report(
    tx: Tx,
    on: date,
    now: datetime,
    zone: tzinfo = UTC,
    months: int = MONTHS,
    books: Books | None = None,
    trouble: str = "",
) -> Report:
    """Ageing and measures of one day in the ledger's zone, and of the months that end with it.

    Without the ERP's books, for which `trouble` is the reason, what the store knows: ConfigError for a past day that it
    doesn't know exactly.
    """
    period, today = measures.span(on, months), now.astimezone(zone).date()
    if books is not None:
        ageing = tuple(_ageing_row(one.ageing, one.subsidiary) for one in books.surveys if one.open_invoices)
        found = [figure for one in books.surveys for figure in _figures(one, period, books.on)]
    else:
        ageing, found = _watched(tx, period, today, zone, trouble)
    _, read_at, _ = book.source_state(tx, "erp")
    return Report(
        on=on,
        as_of=now,
        ageing=ageing,
        measures=(
            *found,
            *_matching(tx, period, zone),
            *_waiting(tx),
            *_reminders(tx),
            *metered.measures(tx, on, zone),
        ),
        read_at=read_at,
        first_on=period.first_on,
        months=months,
        source=Source.ERP if books else Source.STORE,
        trouble=trouble,
        control=tuple(_tied(books)) if books else (),
        clearing=tuple(_clearing(tx, on)),
        opening=tuple(_opening(tx, books)),
        notes=_notes(books),
        paused=tuple(_paused(tx, today)),
    )


def _notes(books: Books | None) -> tuple[str, ...]:
    if books is None:
        return _NOTES[-1:]
    return (
        *_NOTES,
        f"Documents were read from {books.watched_from} on, and older ones that have something left. What is "
        "unexplained of an AR account is most often an older entry that names no customer.",
    )


def _watched(
    tx: Tx, period: Span, today: date, zone: tzinfo, trouble: str
) -> tuple[tuple[AgeingRow, ...], list[Measure]]:
    ledger = history.ledger(tx)
    try:
        invoices = watched.open_on(tx, ledger, period.last_on, today, zone)
    except ConfigError as error:
        raise ConfigError(f"{error}\nThe ERP could not be asked: {trouble}" if trouble else str(error)) from error
    lines: dict[str, list[AgeingLine]] = {}
    for line in measures.ageing(invoices, period.last_on):
        lines.setdefault(line.currency, []).append(line)
    figures = watched.figures(tx, ledger, invoices, period, today, zone)
    shown = [_shown(one.measure, one.currency, one.how, one.lacking) for one in figures]
    return tuple(_ageing_row(some) for some in lines.values()), [*shown, *_credits(tx)]


def _ageing_row(lines: Sequence[AgeingLine], subsidiary: str = "") -> AgeingRow:
    totals = {line.bucket: line.total for line in lines}
    currency = lines[0].currency
    return AgeingRow(
        currency=currency,
        invoice_count=sum(line.count for line in lines),
        not_due=totals[AgeingBucket.CURRENT],
        days_1_30=totals[AgeingBucket.DAYS_1_30],
        days_31_60=totals[AgeingBucket.DAYS_31_60],
        days_61_90=totals[AgeingBucket.DAYS_61_90],
        days_over_90=totals[AgeingBucket.OVER_90],
        total=Money.total(totals.values(), currency),
        subsidiary=subsidiary,
    )


# ---- figures of the ERP's documents ----

_BY_INVOICE = ("best_possible_dso", "average_days_delinquent", "cei", "cei_without_write_offs")


def _figures(found: Survey, period: Span, day: date) -> Iterator[Measure]:
    """The measures, then the amounts that they are made of, so that anybody can work them out again."""
    lacking = "the period has not ended" if period.last_on > day else ""
    unsure = f"by {found.settled_later} of AR it isn't told on which invoices it stood that day"
    for one in measures.of_period(found, period.days):
        lacks = lacking
        if one.name == "dso_countback" and one.value is None:
            lacks = lacking or f"the {len(found.months)} months looked at don't add up to AR"
        how = unsure if one.name in _BY_INVOICE and found.settled_later else ""
        yield _shown(one, found.currency, how, lacks, found.subsidiary)
    amounts = (
        ("opening_ar", found.opening_ar, f"AR at the start of {period.first_on}"),
        ("closing_ar", found.ar, f"AR at the end of {day}"),
        ("not_yet_due_ar", found.not_due, f"open invoices that weren't past due on {day}"),
        ("credit_sales", found.sales, "invoices - credit memos of the period"),
        ("net_write_offs", found.written_off, "write-offs - recoveries of the period"),
        ("credit_memos_open", -found.credits, "open credit memos in the ERP; not deducted from ageing"),
        ("unapplied_payments_open", -found.unapplied, "unapplied payments in the ERP; not deducted from ageing"),
    )
    for name, amount, formula in amounts:
        yield Measure(name, amount, formula, "", found.currency, found.subsidiary)
    for name, number in (("issued", found.issued_count), ("settled", len(found.paid))):
        formula = f"invoices {name} in the period"
        yield Measure(f"invoices_{name}", Decimal(number), formula, "", found.currency, found.subsidiary)


def _tied(books: Books) -> Iterator[BalanceRow]:
    """The ageing against the AR control account, by subsidiary and currency, every difference named."""
    surveys = {(one.currency, one.subsidiary): one for one in books.surveys if one.subsidiary != ALL}
    control = {(one.currency, one.subsidiary): one.amount for one in books.control}
    for key in sorted(surveys.keys() | control.keys()):
        held = control.get(key, Money.zero(key[0]))
        found = surveys.get(key)
        if held or found:
            yield from _held_against(books.on, *key, found, held)


def _held_against(
    on: date, currency: str, subsidiary: str, found: Survey | None, held: Money, prefix: str = ""
) -> Iterator[BalanceRow]:
    expected = found.ar + found.intercompany if found else Money.zero(currency)
    lines = [
        *(_parts_of(found, on) if found else ()),
        ("expected", "so the AR control account should hold", expected),
        ("control_account", "the AR control account holds", held),
        (f"{prefix}unexplained", "unexplained", held - expected),
    ]
    for line, label, amount in lines:
        yield BalanceRow(on, currency, subsidiary, line, label, amount)


def _parts_of(found: Survey, on: date) -> Iterator[tuple[str, str, Money]]:
    yield "open_invoices", "open invoices, as in the ageing", found.open_invoices
    yield "unapplied_payments", "unapplied payments", found.unapplied
    yield "open_credits", "open credit memos", found.credits
    rare = (
        ("undated", "open invoices without a due date, in no bucket", found.undated),
        ("journals", "journal entries and other documents", found.others),
        ("intercompany", "intercompany", found.intercompany),
        ("settled_later", f"settled by documents dated after {on}, not told by invoice", found.settled_later),
    )
    yield from (one for one in rare if one[2])


# ---- clearing, from the store's proofs ----


def _clearing(tx: Tx, on: date) -> Iterator[BalanceRow]:
    """The clearing proof of this day; where there is none, the latest."""
    for day, currency, text in settling.proofs(tx, on) or settling.proofs(tx):
        proof = book.from_json(ClearingProof, text)
        yield BalanceRow(day, currency, "", "processor", "the processor's balance", proof.processor)
        for item in proof.items:
            yield BalanceRow(day, currency, "", item.kind, item.label, item.amount, item.count, item.ids)
        yield BalanceRow(day, currency, "", "expected", "so the clearing account should hold", proof.expected)
        yield BalanceRow(day, currency, "", "clearing_account", "the clearing account holds", proof.ledger)
        yield BalanceRow(day, currency, "", "unexplained", "unexplained", proof.unexplained)


def _opening(tx: Tx, books: Books | None) -> Iterator[BalanceRow]:
    """RULES 1.11, of each currency on the day of its first proof."""
    openings = {one.on: one for one in books.openings} if books else {}
    for day, currency, text in history.first_proofs(tx):
        if day in openings:
            opened = openings[day]
            some = [one for one in opened.surveys if one.currency == currency]
            held = Money.total((one.amount for one in opened.control if one.currency == currency), currency)
            yield from _held_against(day, currency, "", some[-1] if some else None, held, "ar_")
        proof = book.from_json(ClearingProof, text)
        yield BalanceRow(day, currency, "", "clearing_account", "the clearing account holds", proof.ledger)
        yield BalanceRow(day, currency, "", "processor", "the processor's balance", proof.processor)
        in_transit = [item for item in proof.items if item.kind is ClearingKind.IN_TRANSIT]
        amount = Money.total((item.amount for item in in_transit), currency)
        yield BalanceRow(day, currency, "", "in_transit", "payouts on their way", amount)
        for item in proof.items:
            if item.kind is not ClearingKind.IN_TRANSIT:
                yield BalanceRow(day, currency, "", item.kind, item.label, item.amount, item.count, item.ids)
        yield BalanceRow(day, currency, "", "unexplained", "unexplained on clearing", proof.unexplained)


# ---- figures of the connector's own work, as they stand now ----


def _credits(tx: Tx) -> list[Measure]:
    formula = {
        CreditKind.CREDIT_MEMO: "open credit memos in the ERP now; not deducted from ageing",
        CreditKind.UNAPPLIED_PAYMENT: "unapplied payments in the ERP now; not deducted from ageing",
        CreditKind.CUSTOMER_DEPOSIT: "customer deposits in the ERP now; not deducted from ageing",
    }
    return [
        Measure(f"{CreditKind(kind).value}s_open", total, formula[CreditKind(kind)], currency=currency)
        for (currency, kind), total in sorted(history.credit_totals(tx).items())
    ]


def _matching(tx: Tx, period: Span, zone: tzinfo) -> list[Measure]:
    first, last = period.first_on, period.last_on
    got = history.payments_received(tx, first, last)
    how = "received in the period; those from before the cutover are left out"
    start, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    latencies = history.latencies(tx, start, end)
    seen = (
        "payment seen at: the commit that first saw it received; a match cancels in its own commit, a suggestion holds"
    )
    return [
        _shown(measures.match_rate(got.posted, got.count), "", how),
        _shown(measures.suggested_rate(got.suggested, got.count), "", "in shadow or suggest, or waiting for a person"),
        _count("payments_received", got.count, f"payments {how}"),
        _count("payments_posted", got.posted, "of these matched and posted without a person"),
        _count("payments_suggested", got.suggested, "of these matched and not posted"),
        _count("payments_adopted", got.adopted, "of these posted by somebody else"),
        *(_shown(measures.suppression_latency(latencies, percent), "", seen) for percent in (50, 95)),
    ]


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


def _paused(tx: Tx, today: date) -> Iterator[PausedRow]:
    """Of a customer whose all is kept back in several currencies, each."""
    items = [
        Paused(
            kind=one.kept.known.entry.kind,
            since=one.kept.known.since,
            amount=amount,
            has_owner=bool(one.kept.known.entry.owner),
            has_end=one.kept.known.entry.until is not None,
            is_past_end=one.kept.verdict.until is not None and one.kept.verdict.until < today,
        )
        for one in pauses.values(tx)
        for amount in one.amounts
    ]
    for line in measures.paused_value(items, today):
        days_0_7, days_8_30, days_31_60, days_over_60 = line.by_age
        yield PausedRow(
            kind=line.kind.value,
            currency=line.currency,
            count=line.count,
            days_0_7=days_0_7,
            days_8_30=days_8_30,
            days_31_60=days_31_60,
            days_over_60=days_over_60,
            total=line.total,
            without_owner=line.without_owner,
            without_end=line.without_end,
            past_end=line.past_end,
        )


def _count(name: str, number: int, formula: str) -> Measure:
    return Measure(name, Decimal(number), formula)


def _shown(
    one: measures.Measure, currency: str = "", how: str = "", lacking: str = "", subsidiary: str = ""
) -> Measure:
    """The figure for people, to two decimals; what is `lacking` makes it n/a, whatever the arithmetic gave."""
    formula = f"{one.formula} ({how})" if how else one.formula
    if lacking:
        return Measure(one.name, None, f"{formula}; n/a: {lacking}", one.unit, currency, subsidiary)
    return Measure(one.name, one.rounded(), formula, one.unit, currency, subsidiary)
