"""The reports as tables for people, and as files. Amounts stand with their currency; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector import sheets
from connector.errors import ConfigError
from connector.money import Money, exponent
from connector.ports import Finding
from connector.reports import (
    ActRow,
    ChoiceRow,
    ExceptionRow,
    Explanation,
    HistoryReport,
    InvoiceRow,
    PaymentExplanation,
    PaymentRow,
    PlanReport,
    QueueReport,
    QueueRow,
    Report,
    TickReport,
)
from connector.reports_policy import PreviewMessage

Cell = object

# How a payer is known, what became of money, and how far a payment has come, as people say it.
_KNOWN_BY = {
    "id": "customer id",
    "bank_account": "bank account, learned and confirmed",
    "email": "e-mail address, learned",
    "name": "name",
    "reference": "only by the invoices that it names",
    "none": "nothing",
}
_MONEY = {"succeeded": "received", "processing": "on its way", "funded": "in the processor's cash balance"}
_STANDINGS = {
    "waiting": "to be decided at the next pass",
    "matched": "matched",
    "suggested": "suggested, waits for an answer in the queue",
    "exception": "waits for a person",
    "refused": "refused by the ERP, tried again tomorrow",
    "adopted": "posted by somebody else",
    "observed": "from before the cutover, never posted by us",
}

# A spreadsheet keeps 15 digits of a number; an amount of more is written as text, to the last digit.
DIGITS_MAX = 15
WIDTH_MAX = 60

# The names that programs read -> what people read; any other name is shown with spaces.
_COUNTS = {
    "read": "records read",
    "matched": "payments matched",
    "exceptions": "new cases for a person",
    "posted": "payments posted to the ERP",
    "closed": "loops closed",
    "cancelled": "reminders cancelled",
    "sent": "reminders sent",
    "held": "reminders held now",
    "parked": "records not understood",
    "unfinished": "acts unfinished",
    "differences": "differences from the ERP",
}


def show_tick(console: Console, report: TickReport) -> None:
    apart = ("seconds", "troubles", "alarm", "clamped")
    names = [item.name for item in fields(report) if item.name not in apart]
    counts = [(_COUNTS.get(name, _spaced(name)), getattr(report, name)) for name in names]
    _table(console, "This pass of the loop", ("what", "count"), counts, right=("count",))
    _line(console, f"{report.seconds:.1f} seconds")
    if report.exceptions or report.parked:
        _line(console, "What waits for a person, and why: connector plan")
    if report.differences:
        _line(console, f"Differences between the ERP and our book need a person: {report.differences}.")
    if report.unfinished:
        _line(console, f"Acts that are unfinished go on by themselves at the next pass: {report.unfinished}.")
    for trouble in report.troubles:
        _line(console, trouble)
    if report.clamped:
        _line(console, f"What is auto ran as suggest: {report.clamped}. See: connector policy show")
    if report.alarm:
        _line(console, f"Everything is stopped: {report.alarm}.")


def show_plan(console: Console, report: PlanReport, rows_max: int | None) -> None:
    """What would happen now; `rows_max` None shows every row."""
    _line(console, f"Decided at {_text(report.as_of)} by policy {report.policy_version}; nothing was written.")
    _line(console, f"Posting to the ERP: {report.post}")
    _line(console, f"Sending reminders: {report.send}")
    _table(
        console,
        "Payments that match",
        ("payment", "customer", "amount", "pays", "how", "why"),
        [
            (
                row.payment,
                row.customer,
                row.amount,
                "\n".join(f"{part.invoice} {part.amount}" for part in row.applied),
                _spaced(row.rung),
                row.reason,
            )
            for row in report.matches
        ],
        right=("amount", "pays"),
        rows_max=rows_max,
    )
    _show_exceptions(console, report.exceptions, rows_max)
    _table(
        console,
        "Reminders that are due",
        ("invoice", "customer", "step", "to", "amount", "verdict", "why"),
        [
            (row.invoice, row.customer, row.step, row.to_domain, row.amount, _spaced(row.verdict), row.reason)
            for row in report.reminders
        ],
        right=("amount",),
        rows_max=rows_max,
    )


def show_explanation(console: Console, explanation: Explanation) -> None:
    if explanation.card is not None:
        _table(console, "In short", ("", ""), [_apart(line) for line in explanation.card.text.splitlines()])
    _show_invoice(console, explanation.invoice)
    _table(
        console,
        "Reminders",
        ("step", "due on", "state", "why", "since"),
        [(row.step, row.due_on, row.state, row.reason, row.changed_at) for row in explanation.reminders],
    )
    _table(
        console,
        "Verdicts",
        ("question", "verdict", "why", "since", "policy"),
        [
            (row.question, _spaced(row.outcome), row.reason, row.since, row.policy_version)
            for row in explanation.verdicts
        ],
    )
    if explanation.segments:
        _table(
            console,
            "Segments of the policy, up to the first that fits",
            ("segment", "", "because"),
            [(row.segment, "fits" if row.fits else "passed over", row.reason) for row in explanation.segments],
        )
    _title(console, "Payments", bool(explanation.payments))
    for payment in explanation.payments:
        _show_payment(console, payment)
    _show_exceptions(console, explanation.exceptions)
    _table(
        console,
        "What happened",
        ("at", "event", "detail"),
        [(row.at, _spaced(row.event), row.detail) for row in explanation.timeline],
    )


def _apart(line: str) -> tuple[str, str]:
    """A line of a card as what it is about, and what it says."""
    name, mark, text = line.partition(": ")
    return (name.lower(), text) if mark else ("", line)


def show_payment(console: Console, found: PaymentExplanation) -> None:
    facts = [
        ("customer", found.customer or "not known"),
        ("known by", _KNOWN_BY.get(found.payer_by)),
        ("amount", found.amount),
        ("not applied yet", found.left),
        ("received on", found.received_on),
        ("state", f"{_MONEY.get(found.state, _spaced(found.state))}, {_STANDINGS.get(found.standing)}"),
        ("says it is for", found.remittance or "nothing"),
        ("verdict", f"{_spaced(found.verdict) or 'not decided yet'}"),
        ("because", found.reason),
        ("equation", found.equation),
        ("not posted, because", found.waits),
        ("this evidence", found.trust),
        ("decided", f"{_text(found.since)} under policy {found.policy_version}" if found.since else ""),
    ]
    _table(
        console,
        f"Payment {found.payment} ({found.source})",
        ("", ""),
        [(name, value) for name, value in facts if value != ""],
    )
    _table(
        console, "Pays", ("invoice", "amount", "state"), [(p.invoice, p.amount, _spaced(p.state)) for p in found.parts]
    )
    _table(console, "What else was considered", ("",), [(text,) for text in found.considered])
    for act in found.acts:
        _show_act(console, act)
    _show_exceptions(console, found.exceptions)
    _table(
        console,
        "What happened",
        ("at", "event", "detail"),
        [(row.at, _spaced(row.event), row.detail) for row in found.timeline],
    )


def show_queue(console: Console, report: QueueReport, rows: Sequence[QueueRow], rows_max: int | None) -> None:
    """What waits, with a figure at the end that says how much money that is."""
    _table(
        console,
        "Waiting for a person's answer",
        ("payment", "customer", "amount", "days", "evidence or exception", "what was found", "who may answer"),
        [
            (
                row.payment,
                row.customer or "not known",
                row.amount,
                row.age_days,
                _spaced(row.kind),
                "\n".join(_found(row)),
                sheets.answerers(row),
            )
            for row in rows
        ],
        right=("amount", "days"),
        rows_max=rows_max,
    )
    if rows:
        _line(console, f"{totals(row.amount for row in rows)}; posting is in {report.post}")


def totals(amounts: Iterable[Money]) -> str:
    """'3 payments: 40.00 EUR, 1,250.00 USD'"""
    given = list(amounts)
    by_currency = {code: [one for one in given if one.currency == code] for code in sorted({a.currency for a in given})}
    sums = ", ".join(str(Money.total(some, code)) for code, some in by_currency.items())
    return f"{len(given)} {'payment' if len(given) == 1 else 'payments'}: {sums}" if given else "no payments"


def _found(row: QueueRow) -> list[str]:
    """Split, equation and reason of a suggestion; of an exception its reason and what one may choose from."""
    lines = [] if row.standing == "suggested" else [row.reason]
    for choice in row.choices:
        split = sheets.split_words(choice)
        lines += [f"{choice.number}: {choice.text}", f"   {split}"] if choice.number else [split, choice.text]
    if row.standing == "suggested":
        lines.append(row.reason)
    return [*lines, *(text for text in (row.asked, row.answered) if text)]


def show_queued(console: Console, row: QueueRow) -> None:
    """All of one payment that waits."""
    facts = [
        ("customer", row.customer or "not known"),
        ("payer", row.payer),
        ("payer wrote", row.text),
        ("to be divided", row.amount),
        ("received on", f"{row.received_on}, {row.age_days} days ago"),
        ("standing", f"{_spaced(row.standing)}, {_spaced(row.kind)}"),
        ("reason", row.reason),
        ("not posted, because", row.waits),
        ("asked", row.asked),
        ("answered before", row.answered),
        ("what to do", row.remedy),
    ]
    _table(console, f"Payment {row.payment}", ("", ""), [fact for fact in facts if fact[1]])
    _table(
        console,
        "Suggested" if row.standing == "suggested" else "Explanations to choose from",
        ("choice", "pays", "equation"),
        [(choice.number or "", sheets.split_words(choice), choice.text) for choice in row.choices],
    )
    _table(console, "What else was considered", ("",), [(text,) for text in row.considered])
    _table(
        console,
        "Who may answer",
        ("who", "role", "may"),
        [(one.who, one.role, ", ".join(one.may)) for one in row.may_answer],
    )


def show_to_approve(console: Console, rows: Sequence[tuple[QueueRow, ChoiceRow | None]]) -> None:
    """What a person is about to approve, line by line, with count and total."""
    _table(
        console,
        "To be approved",
        ("payment", "customer", "amount", "evidence or exception", "pays"),
        [
            (
                row.payment,
                row.customer or "not known",
                row.amount,
                _spaced(row.kind),
                sheets.split_words(choice) if choice else "",
            )
            for row, choice in rows
        ],
        right=("amount",),
    )
    _line(console, totals(row.amount for row, _ in rows))


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """By side, with what to do beneath each; what must be done stands once more at the end, where a person looks."""
    words = {(True, True): "ok", (True, False): "ok", (False, True): "to do", (False, False): "advice"}
    for side in dict.fromkeys(item.area.partition(" ")[0] for item in findings):
        rows = [
            (words[item.ok, item.blocking], item.area.partition(" ")[2], _with_remedy(item))
            for item in findings
            if item.area.partition(" ")[0] == side
        ]
        if not any(part for _, part, _ in rows):
            rows = [(word, text, "") for word, _, text in rows]
        _table(console, side[:1].upper() + side[1:], ("", "", ""), rows)
    console.print()
    advice = sum(1 for item in findings if not item.blocking and not item.ok)
    if advice:
        _line(console, f"Advice: {advice}. Nothing waits for it.")
    to_do = [item for item in findings if item.blocking and not item.ok]
    _line(
        console, f"To do before the connector can work: {len(to_do)}." if to_do else "Nothing stands against starting."
    )
    for item in to_do:
        _line(console, f"  {item.area}: {item.what}")


def _with_remedy(item: Finding) -> str:
    return f"{item.what}\n-> {item.remedy}" if item.remedy else item.what


def show_report(console: Console, report: Report) -> None:
    """Every table of it; subsidiaries only where there are several."""
    show_parameters(console, report)
    for sheet in sheets.tables(report):
        named = set(sheet.column("subsidiary")) - {""} if "subsidiary" in sheet.heads else set()
        left_out = {"unit"} if len(named) > 1 else {"unit", "subsidiary"}
        kept = [head for head in sheet.heads if head not in left_out]
        rows = [dict(zip(sheet.heads, row, strict=True)) for row in sheet.rows]
        _table(console, sheet.title, kept, [[_figure(row, head) for head in kept] for row in rows], right=sheet.right)
    if report.notes:
        console.print()
    for note in report.notes:
        _line(console, note)


def show_parameters(console: Console, report: Report) -> None:
    for name, text in sheets.parameters(report):
        if name != "trouble":
            _line(console, f"{name}: {text}")
    if report.trouble:
        _line(console, f"The ERP could not be asked; this is what the store knows. {report.trouble}")


def _figure(row: Mapping[str, sheets.Cell], head: str) -> Cell:
    """A figure with its unit."""
    has_unit = head == "value" and row[head] != sheets.NOT_AVAILABLE
    return f"{_text(row[head])} {row['unit']}".rstrip() if has_unit else row[head]


def write_csv(report: Report, path: Path) -> None:
    """One row a figure, for pivot tables and other programs; ConfigError if it can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            sheets.write_csv(report, file)
    except OSError as error:
        raise _unwritable(path, error) from None


def write_workbook(report: Report, path: Path) -> None:
    """The report as XLSX: a sheet a table, each with the parameters above it; ConfigError if it can't be written."""
    above = [*sheets.parameters(report), *(("note", note) for note in report.notes)]
    _write_book(path, report.as_of, sheets.tables(report), above)


def _write_book(path: Path, made: datetime, pages: Sequence[sheets.Sheet], above: Sequence[tuple[str, str]]) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    book = xlsxwriter.Workbook(path)
    book.set_properties({"created": made.replace(tzinfo=None)})
    for sheet in pages:
        _write_sheet(book, sheet, above)
    try:
        book.close()
    except (OSError, XlsxWriterException) as error:
        raise _unwritable(path, error) from None


def write_queue_csv(report: QueueReport, path: Path) -> None:
    """What waits, one row a payment; ConfigError if it can't be written."""
    write_sheet_csv(sheets.queue(report), path)


def write_queue_workbook(report: QueueReport, path: Path) -> None:
    """What waits, as XLSX; ConfigError if it can't be written."""
    above = [
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("policy", report.policy_version),
        ("posting", report.post),
    ]
    _write_book(path, report.as_of, [sheets.queue(report)], above)


def show_sheets(
    console: Console, pages: Sequence[sheets.Sheet], above: Sequence[tuple[str, str]] = (), rows_max: int | None = None
) -> None:
    """Tables as they stand, without the columns that only a file has room for."""
    for name, text in above:
        _line(console, f"{name}: {text}")
    for sheet in pages:
        kept = [number for number, head in enumerate(sheet.heads) if head not in sheets.WIDE_ONLY]
        rows = [[row[number] for number in kept] for row in sheet.rows]
        heads = [sheet.heads[number] for number in kept]
        _table(console, sheet.title, heads, rows, right=sheet.right, rows_max=rows_max)


def write_pages_workbook(
    path: Path, made: datetime, pages: Sequence[sheets.Sheet], above: Sequence[tuple[str, str]]
) -> None:
    """Tables as XLSX, each with what stands above it; ConfigError if it can't be written."""
    _write_book(path, made, pages, above)


def show_letters(console: Console, messages: Sequence[PreviewMessage]) -> None:
    """Each message in full, as its reader would see it."""
    for message in messages:
        _title(console, f"To {message.customer}, by {message.channel} from {message.sender}", filled=True)
        if message.problem:
            _line(console, f"It can't be made: {message.problem}")
            continue
        if message.subject:
            _line(console, f"Subject: {message.subject}")
        _line(console, f"\n{message.text}")


def write_sheet_csv(sheet: sheets.Sheet, path: Path) -> None:
    """One table as CSV; ConfigError if it can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            sheets.write_sheet_csv(sheet, file)
    except OSError as error:
        raise _unwritable(path, error) from None


def write_history_workbook(report: HistoryReport, path: Path) -> None:
    """The replayed past as XLSX, with all disagreements; ConfigError if it can't be written."""
    _write_book(path, report.as_of, sheets.agreement(report), sheets.agreement_parameters(report))


def _unwritable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(f"Could not write {path}: {error}. Name a file in a folder that can be written.")


def _write_sheet(book: Any, sheet: sheets.Sheet, above: Sequence[tuple[str, str]]) -> None:
    """Numbers stay numbers, with their currency's decimals; everything else is text, which a spreadsheet never runs."""
    page, bold = book.add_worksheet(sheet.name), book.add_format({"bold": True})
    page.write_string(0, 0, sheet.title, bold)
    for number, (name, text) in enumerate(above, start=1):
        page.write_string(number, 0, name)
        page.write_string(number, 1, text)
    top = len(above) + 2
    for column, head in enumerate(sheet.heads):
        page.write_string(top, column, head, book.add_format({"bold": True, "bottom": 1, "align": _side(sheet, head)}))
        widths = (len(_text(cell)) for cell in (head, *sheet.column(head)))
        page.set_column(column, column, min(max(widths) + 2, WIDTH_MAX))
    page.freeze_panes(top + 1, 0)
    looks = {
        look: book.add_format({"num_format": look}) for look in {_look(c) for row in sheet.rows for c in row} if look
    }
    for number, row in enumerate(sheet.rows, start=top + 1):
        for column, cell in enumerate(row):
            value = cell.decimal() if isinstance(cell, Money) else cell
            if isinstance(value, date):
                page.write_datetime(number, column, value, looks[_look(cell)])
            elif isinstance(value, Decimal | int) and len(Decimal(value).as_tuple().digits) <= DIGITS_MAX:
                page.write_number(number, column, value, looks[_look(cell)])
            elif value is not None:
                page.write_string(number, column, _text(value))


def _side(sheet: sheets.Sheet, head: str) -> str:
    return "right" if head in sheet.right else "left"


def _look(cell: sheets.Cell) -> str:
    """How a spreadsheet shows this; '' for text."""
    if isinstance(cell, Money):
        decimals = exponent(cell.currency)
        return f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    if isinstance(cell, date):
        return "yyyy-mm-dd"
    return "0.00" if isinstance(cell, Decimal) else "0" if isinstance(cell, int) else ""


def _show_exceptions(console: Console, exceptions: Sequence[ExceptionRow], rows_max: int | None = None) -> None:
    _table(
        console,
        "Waiting for a person",
        ("kind", "record", "customer", "amount", "why", "what to do"),
        [
            (
                _spaced(row.kind),
                row.record,
                row.customer,
                row.amount,
                "\n".join((row.reason, *row.explanations)),
                row.remedy,
            )
            for row in exceptions
        ],
        right=("amount",),
        rows_max=rows_max,
    )


def _show_invoice(console: Console, invoice: InvoiceRow) -> None:
    days = invoice.days_past_due
    late = f" ({days} days past due)" if days > 0 else " (today)" if days == 0 else f" (in {-days} days)"
    facts: list[tuple[Cell, ...]] = [
        ("customer", invoice.customer),
        ("state", invoice.state),
        ("billed", invoice.amount),
        ("still owed", invoice.balance),
        ("we may ask for", invoice.askable),
        ("issued on", invoice.issued_on),
        ("due on", f"{invoice.due_on}{late if invoice.balance else ''}"),
        ("terms", invoice.terms),
        ("hold", invoice.hold_reason),
        ("read from the ERP", invoice.read_at),
    ]
    filled = [row for row in facts if row[1] not in ("", None)]
    _table(console, f"Invoice {invoice.number} (id {invoice.id})", ("", ""), filled)
    if invoice.lines:
        _table(
            console,
            "Lines",
            ("line", "description", "amount", "dispute"),
            [
                (row.id, row.description, row.amount, (row.dispute_reason or "disputed") if row.disputed else "")
                for row in invoice.lines
            ],
            right=("amount",),
        )


def _show_payment(console: Console, payment: PaymentRow) -> None:
    state = f" ({payment.state})" if payment.state else ""
    _line(
        console, f"{payment.id} received {payment.received_on}, {payment.amount}, of it here {payment.applied}{state}"
    )
    _line(console, f"  {payment.equation}")
    if payment.rung or payment.reason:
        _line(console, f"  matched by {_spaced(payment.rung) or 'a person'}: {payment.reason}")
    if payment.act is not None:
        _show_act(console, payment.act)


def _show_act(console: Console, act: ActRow) -> None:
    closed = f", closed {_text(act.closed_at)}" if act.closed_at else ""
    _line(console, f"  act {act.id} {act.state}, matched {_text(act.matched_at)}{closed}")
    if act.problem:
        _line(console, f"    {act.problem}")
    for record in act.records:
        unnamed = "seen in the ERP" if record.is_seen else "not seen in the ERP"
        seen = f"ERP id {record.erp_id}" if record.erp_id else unnamed
        _line(console, f"    {record.kind} {record.external_id} {record.state}, {seen}")


_WHOLE = frozenset({"payment", "version", "invoice", "number", "amount", "record"})
_WHOLE_MAX = 30


def _table(
    console: Console,
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    right: Sequence[str] = (),
    rows_max: int | None = None,
) -> None:
    listed = list(rows)
    _title(console, title, bool(listed))
    if not listed:
        return
    table = Table(show_header=any(heads), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for at, head in enumerate(heads):
        # What people copy into the next command, and amounts, stay in one piece; the reasons fold instead.
        whole = max((len(_text(row[at])) for row in listed[:rows_max]), default=0) if head in _WHOLE else 0
        narrowest = whole if whole <= _WHOLE_MAX else None
        justify: Literal["right", "left"] = "right" if head in right else "left"
        table.add_column(Text(head, style="bold"), justify=justify, overflow="fold", min_width=narrowest)
    for row in listed[:rows_max]:
        table.add_row(*(Text(_text(cell)) for cell in row))
    console.print(table)
    if rows_max is not None and len(listed) > rows_max:
        _line(console, f"… and {len(listed) - rows_max} more; --all prints them")


def _title(console: Console, title: str, filled: bool) -> None:
    console.print()
    console.print(Text(title if filled else f"{title}: none", style="bold"))


def _line(console: Console, text: str) -> None:
    console.print(Text(_clean(text)), soft_wrap=True)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S %Z")
    if isinstance(value, Money | date | int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return _clean(str(value))


def _spaced(name: str) -> str:
    """'may_leave' -> 'may leave'."""
    return name.replace("_", " ")


def _clean(text: str) -> str:
    """Names and memos come from outside: no escape sequence of theirs may reach the terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)
