"""The reports as tables for people. Amounts stand right with their currency; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector.money import Money
from connector.ports import Finding
from connector.reports import (
    ActRow,
    ExceptionRow,
    Explanation,
    InvoiceRow,
    Measure,
    PaymentRow,
    PlanReport,
    Report,
    TickReport,
)

Cell = object

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
_MEASURES = {
    "dso": "DSO",
    "best_possible_dso": "best possible DSO",
    "dso_countback": "DSO by countback",
    "cei": "CEI",
    "suppression_latency_p50": "payment seen to reminders stopped, median",
    "suppression_latency_p95": "payment seen to reminders stopped, 95 of 100",
    "sent_unknown": "reminders that may have left",
}


def show_tick(console: Console, report: TickReport) -> None:
    apart = ("seconds", "troubles", "alarm")
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


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    words = {(True, True): "ok", (True, False): "ok", (False, True): "to do", (False, False): "advice"}
    _table(
        console,
        "Check",
        ("area", "", "what was found", "what to do"),
        [(item.area, words[item.ok, item.blocking], item.what, item.remedy) for item in findings],
    )
    to_do = sum(1 for item in findings if item.blocking and not item.ok)
    console.print()
    _line(console, f"To do before the connector can work: {to_do}." if to_do else "Nothing stands against starting.")


def show_report(console: Console, report: Report) -> None:
    _line(console, f"For {report.on}, from what was known at {_text(report.as_of)}.")
    _line(
        console, f"The ERP was last read at {_text(report.read_at)}." if report.read_at else "The ERP was never read."
    )
    _table(
        console,
        "Ageing: open amounts by days past due",
        ("currency", "invoices", "not due", "1-30", "31-60", "61-90", "over 90", "total"),
        [
            (
                row.currency,
                row.invoice_count,
                row.not_due,
                row.days_1_30,
                row.days_31_60,
                row.days_61_90,
                row.days_over_90,
                row.total,
            )
            for row in report.ageing
        ],
        right=("invoices", "not due", "1-30", "31-60", "61-90", "over 90", "total"),
    )
    _table(
        console,
        "Measures",
        ("measure", "currency", "value", "formula"),
        [
            (_MEASURES.get(item.name, _spaced(item.name)), item.currency, _figure(item), item.formula)
            for item in report.measures
        ],
        right=("value",),
    )


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


def _figure(item: Measure) -> str:
    unit = "%" if item.unit == "percent" else item.unit
    return "n/a" if item.value is None else f"{_text(item.value)} {unit}".rstrip()


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
    for head in heads:
        table.add_column(Text(head, style="bold"), justify="right" if head in right else "left", overflow="fold")
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
