"""A report as tables: the same for a terminal, a workbook and a file for other programs.

`tables` is for reading, one table a question. `write_csv` is for working on: one row a figure, each with its day, so
that the files of several days can be put under each other and be pivoted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TextIO

from connector import measures
from connector.money import Money
from connector.reports import (
    AgeingRow,
    AliasRow,
    AppliedRow,
    BalanceRow,
    ChoiceRow,
    EvidenceReport,
    HistoryReport,
    Measure,
    PausedRow,
    QueueReport,
    QueueRow,
    Report,
    Source,
)

Cell = str | int | Decimal | Money | date | None

NOT_AVAILABLE = "n/a"
# A spreadsheet takes a text that begins so for a formula, and may run it: OWASP's list, with the wide forms that some
# versions take alike.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_COLUMNS = ("on", "as_of", "section", "subsidiary", "currency", "item", "value", "unit", "count", "detail")
# The names that programs read -> what people read; any other name is shown with spaces.
_WORDS = {
    "dso": "DSO",
    "best_possible_dso": "best possible DSO",
    "dso_countback": "DSO by countback",
    "average_days_delinquent": "average days delinquent (ADD)",
    "cei": "CEI",
    "cei_without_write_offs": "CEI without write-offs",
    "bad_debt_to_sales": "bad debt, of credit sales",
    "bad_debt_to_ar": "bad debt, of average AR",
    "dispute_rate_count": "dispute rate, by invoices",
    "dispute_rate_value": "dispute rate, by value",
    "opening_ar": "opening AR",
    "closing_ar": "closing AR",
    "not_yet_due_ar": "AR not yet due",
    "suggested_rate": "matched and not posted",
    "suppression_latency_p50": "payment seen to reminders stopped, median",
    "suppression_latency_p95": "payment seen to reminders stopped, 95 of 100",
    "sent_unknown": "reminders that may have left",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. `name` is short enough for a workbook's tab; amounts and numbers are values, never text."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[str, ...] = ()  # heads of columns that hold figures

    def column(self, head: str) -> tuple[Cell, ...]:
        number = self.heads.index(head)
        return tuple(row[number] for row in self.rows)


def tables(report: Report) -> tuple[Sheet, ...]:
    """Every table of a report, empty ones too: that nothing is there is an answer."""
    return (
        _ageing(report.ageing),
        _shares(report.ageing),
        _balance("AR control", "Ageing against the AR control accounts", report.control),
        _measures("Measures", "Measures of receivables", [one for one in report.measures if one.currency]),
        _paused(report.paused),
        _measures("Connector", "The connector's own work", [one for one in report.measures if not one.currency]),
        _balance("Clearing", "Clearing against the processor's balance", report.clearing),
        _balance("Opening", "How the book stood at the first clearing proof", report.opening),
    )


def parameters(report: Report) -> tuple[tuple[str, str], ...]:
    """By what the report was made; it stands on every sheet."""
    read = f"last read {report.read_at:%Y-%m-%d %H:%M:%S} UTC" if report.read_at else "never read"
    found = [
        ("day", report.on.isoformat()),
        ("period", _period(report) if report.first_on else ""),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        (
            "source",
            "the ERP's documents" if report.source is Source.ERP else f"what the store knows; the ERP was {read}",
        ),
        ("trouble", report.trouble),
    ]
    return tuple((name, text) for name, text in found if text)


def _period(report: Report) -> str:
    days = (report.on - report.first_on).days + 1 if report.first_on else 0
    return f"{report.first_on} to {report.on}, {days} days"


def words(name: str) -> str:
    """The name of a measure as finance says it."""
    return _WORDS.get(name, name.replace("_", " "))


def _ageing(rows: Sequence[AgeingRow]) -> Sheet:
    amounts = ("not due", "1-30", "31-60", "61-90", "over 90", "total")
    return Sheet(
        "Ageing",
        "Ageing: open amounts by days past due",
        ("currency", "subsidiary", "invoices", *amounts),
        tuple((row.currency, row.subsidiary, row.invoice_count, *_amounts(row)) for row in rows),
        right=("invoices", *amounts),
    )


def _shares(rows: Sequence[AgeingRow]) -> Sheet:
    shares = ("not due", "1-30", "31-60", "61-90", "over 90")
    return Sheet(
        "Ageing percent",
        "Ageing in percent of the open amounts",
        ("currency", "subsidiary", *shares),
        tuple((row.currency, row.subsidiary, *_percent(row)) for row in rows),
        right=shares,
    )


def _amounts(row: AgeingRow) -> tuple[Money, ...]:
    return (row.not_due, row.days_1_30, row.days_31_60, row.days_61_90, row.days_over_90, row.total)


def _percent(row: AgeingRow) -> tuple[Cell, ...]:
    return tuple(_known(measures.share(amount, row.total).rounded()) for amount in _amounts(row)[:-1])


def _known(figure: Decimal | Money | None) -> Cell:
    return NOT_AVAILABLE if figure is None else figure


def _paused(rows: Sequence[PausedRow]) -> Sheet:
    amounts = ("0-7", "8-30", "31-60", "over 60", "total")
    counts = ("without owner", "without end", "past end")
    return Sheet(
        "Paused",
        "Kept back by people now, by days since it began",
        ("why", "currency", "count", *amounts, *counts),
        tuple((words(row.kind), row.currency, row.count, *_kept_back(row), *_lacking(row)) for row in rows),
        right=("count", *amounts, *counts),
    )


def _kept_back(row: PausedRow) -> tuple[Money, ...]:
    return row.days_0_7, row.days_8_30, row.days_31_60, row.days_over_60, row.total


def _lacking(row: PausedRow) -> tuple[int, ...]:
    return row.without_owner, row.without_end, row.past_end


def _measures(name: str, title: str, found: Sequence[Measure]) -> Sheet:
    return Sheet(
        name,
        title,
        ("measure", "currency", "subsidiary", "value", "unit", "formula"),
        tuple(
            (words(one.name), one.currency, one.subsidiary, _known(one.value), _unit(one.unit), one.formula)
            for one in found
        ),
        right=("value",),
    )


def _unit(unit: str) -> str:
    return "%" if unit == "percent" else unit


def _balance(name: str, title: str, rows: Sequence[BalanceRow]) -> Sheet:
    return Sheet(
        name,
        title,
        ("on", "currency", "subsidiary", "line", "amount", "count", "records"),
        tuple(
            (row.on, row.currency, row.subsidiary, row.label, row.amount, row.count, ", ".join(row.ids)) for row in rows
        ),
        right=("amount", "count"),
    )


# ---- the replayed past, classes of evidence, aliases ----

# For working on and for judging, not for a narrow screen.
WIDE_ONLY = frozenset({"currency", "equation", "our reason", "by", "why"})


def agreement(report: HistoryReport) -> tuple[Sheet, ...]:
    """The replay of the past: agreement class by class, what we would have asked, the disagreements to judge."""
    counts = ("agreed", "differed", "ours right", "ours wrong", "not judged")
    return (
        Sheet(
            "Agreement",
            "Agreement with what people applied",
            ("class", *counts, "agreement"),
            tuple(
                (
                    *(words(one.evidence), one.agreed, one.differed, one.right, one.wrong, one.unjudged),
                    f"{one.agreed} of {one.agreed + one.differed}",
                )
                for one in report.classes
            ),
            right=counts,
        ),
        Sheet(
            "Asked",
            "Where we would have asked a person",
            ("exception", "payments"),
            tuple((words(one.kind), one.count) for one in report.asked),
            right=("payments",),
        ),
        Sheet(
            "Disagreements",
            "Disagreements to judge",
            (
                *("payment", "received on", "customer", "amount", "currency", "class", "we", "people", "text"),
                *("equation", "our reason", "judgement", "by", "why"),
            ),
            tuple(
                (
                    *(one.payment, one.received_on, one.customer, one.amount, one.amount.currency),
                    *(words(one.evidence), _parts(one.ours), _parts(one.theirs), one.text),
                    *(one.equation, one.reason, one.judgement, one.judged_by, one.why),
                )
                for one in report.disagreements
            ),
            right=("amount",),
        ),
    )


def agreement_parameters(report: HistoryReport) -> tuple[tuple[str, str], ...]:
    """By what the past was replayed, and what its figures may be called."""
    agreed = f"{report.agreed} agree, {report.differed} differ, {sum(one.count for one in report.asked)} we would ask"
    open_count = sum(not one.judgement for one in report.disagreements)
    called = f"agreement, not precision: {open_count} disagreements are not judged"
    if not open_count:
        called = "precision: every disagreement was judged" if report.is_precision else "agreement: nothing differs"
    parked = f"; {report.parked} records of the ERP were not understood" if report.parked else ""
    return (
        ("period", f"{report.first_on} to {report.last_on}"),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("policy", report.policy_version),
        ("payments", f"{report.payments}: {agreed} about, {report.left} were left unapplied{parked}"),
        ("called", called),
    )


def evidence(report: EvidenceReport) -> Sheet:
    """Every class of evidence: does it post by itself, and how often was it right?"""
    return Sheet(
        "Classes",
        "Classes of evidence",
        ("class", "posts by itself", "wrong", "of", "not judged", "right in at least", "needed", "why"),
        tuple(
            (
                words(one.evidence),
                "proposed" if one.is_proposed else "yes" if one.may_post else "demoted" if one.demoted_at else "no",
                one.wrong,
                one.right + one.wrong,
                one.unjudged,
                f"{(one.lower_bound * 100).normalize():f} %",
                "" if one.is_proof else "no count would do" if one.needed is None else one.needed,
                f"{one.reason} Since {one.demoted_at:%Y-%m-%d}." if one.demoted_at else one.reason,
            )
            for one in report.rows
        ),
        right=("wrong", "of", "not judged", "right in at least", "needed"),
    )


def aliases(rows: Sequence[AliasRow]) -> Sheet:
    """What people taught of payers, and whether it counts."""
    return Sheet(
        "Aliases",
        "What was learned of payers",
        ("id", "kind", "key", "customer", "counts", "taught by", "on", "by payment", "confirmed by"),
        tuple(
            (
                *(one.id, words(one.kind), one.key, one.customer, words(one.state), one.taught_by),
                *(one.taught_at.date(), one.learned_from, one.confirmed_by),
            )
            for one in rows
        ),
        right=("id",),
    )


def _parts(rows: Sequence[AppliedRow]) -> str:
    return "; ".join(f"{one.invoice} {one.amount}" for one in rows) or "nothing"


# ---- for other programs and for pivot tables ----


def write_csv(report: Report, file: TextIO) -> None:
    """One row a figure; amounts as plain decimals, what a spreadsheet might run as a formula as quoted text."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    as_of = report.as_of.isoformat()
    for on, *cells in _rows(report):
        writer.writerow([on.isoformat(), as_of, *(_plain(cell) for cell in cells)])


_Figure = tuple[date, str, str, str, str, Cell, str, int | None, str]


def _rows(report: Report) -> Iterator[_Figure]:
    """(day, section, subsidiary, currency, item, value, unit, count, detail)"""
    on = report.on
    for name, text in (*parameters(report), *(("note", note) for note in report.notes)):
        yield on, "parameters", "", "", name, text, "", None, ""
    buckets = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "total")
    for row in report.ageing:
        for bucket, amount in zip(buckets, _amounts(row), strict=True):
            count = row.invoice_count if bucket == "total" else None
            yield on, "ageing", row.subsidiary, row.currency, bucket, amount, "", count, ""
        for bucket, percent in zip(buckets, _percent(row), strict=False):
            yield on, "ageing", row.subsidiary, row.currency, f"{bucket}_percent", percent, "percent", None, ""
    ages = ("days_0_7", "days_8_30", "days_31_60", "days_over_60", "total")
    for paused in report.paused:
        for age, amount in zip(ages, _kept_back(paused), strict=True):
            count = paused.count if age == "total" else None
            yield on, "paused", "", paused.currency, f"{paused.kind}_{age}", amount, "", count, ""
        for lacking, number in zip(("without_owner", "without_end", "past_end"), _lacking(paused), strict=True):
            yield on, "paused", "", paused.currency, f"{paused.kind}_{lacking}", number, "", number, ""
    for one in report.measures:
        known = _known(one.value)
        yield on, "measures", one.subsidiary, one.currency, one.name, known, one.unit, None, one.formula
    sections = (("ar_control", report.control), ("clearing", report.clearing), ("opening", report.opening))
    for section, lines in sections:
        for line in lines:
            yield (
                *(line.on, section, line.subsidiary, line.currency, line.line, line.amount, "", line.count),
                " ".join((line.label, *line.ids)),
            )


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return quoted(cell)
    if isinstance(cell, Money):
        return cell.plain()
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def quoted(text: str) -> str:
    """Text that a spreadsheet shows and never runs: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


# ---- the approval queue ----


def queue(report: QueueReport) -> Sheet:
    """What waits for a person, one row a payment, for a workbook and for other programs."""
    heads = ("payment", "customer", "amount", "currency", "received on", "days", "standing", "class or kind", "split")
    told = ("explanations", "reason", "waits because", "considered", "payer", "payer wrote", "who may answer")
    return Sheet(
        "Queue",
        "Waiting for a person's answer",
        (*heads, *told, "asked", "answered before", "what to do"),
        tuple(_queued(row) for row in report.rows),
        right=("amount", "days"),
    )


def _queued(row: QueueRow) -> tuple[Cell, ...]:
    suggested = [choice for choice in row.choices if not choice.number]
    return (
        row.payment,
        row.customer,
        row.amount,
        row.amount.currency,
        row.received_on,
        row.age_days,
        row.standing,
        row.kind,
        "; ".join(split_words(choice) for choice in suggested),
        "; ".join(f"{choice.number}: {choice.text}" for choice in row.choices if choice.number),
        row.reason,
        row.waits,
        "; ".join(row.considered),
        row.payer,
        row.text,
        answerers(row),
        row.asked,
        row.answered,
        row.remedy,
    )


def split_words(choice: ChoiceRow) -> str:
    """'INV-1 600.00 USD, INV-2 500.00 USD, less CM-3 100.00 USD, 20.00 USD stays unapplied'"""
    parts = [_part(one) for one in choice.applied] + [f"less {_part(one)}" for one in choice.credits]
    return ", ".join([*parts, *([f"{choice.unapplied} stays unapplied"] if choice.unapplied else [])])


def _part(one: AppliedRow) -> str:
    return f"{one.invoice} {one.amount}"


def answerers(row: QueueRow) -> str:
    """Who may answer and as what; that nobody may is an answer too."""
    return ", ".join(f"{one.who} ({one.role})" for one in row.may_answer) or "nobody: see approvals in policy.yaml"


def write_sheet_csv(sheet: Sheet, file: TextIO) -> None:
    """One table as CSV; amounts as plain decimals, what a spreadsheet might run as a formula as quoted text."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(sheet.heads)
    writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
