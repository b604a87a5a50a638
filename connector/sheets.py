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
from connector.reports import AgeingRow, BalanceRow, Measure, Report, Source

Cell = str | int | Decimal | Money | date | None

NOT_AVAILABLE = "n/a"
# A spreadsheet takes a text that begins so for a formula, and may run it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
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
