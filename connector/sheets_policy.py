"""The policy at work as tables and files: tomorrow's messages, and the past under another policy."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from connector.reports_policy import (
    BacktestReport,
    DifferenceRow,
    FigureRow,
    PreviewItem,
    PreviewMessage,
    PreviewReport,
)
from connector.sheets import Cell, Sheet

_CHANGE = ("today's policy", "other policy")
_DIFFERENCE = (*_CHANGE, "added", "removed")


# ---- connector preview ----


def preview_above(report: PreviewReport) -> tuple[tuple[str, str], ...]:
    """Of what this is a preview, and what it takes for granted."""
    found = [
        ("day", f"{report.on:%A}, {report.on}"),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("policy", f"{report.policy_version}, sending in {report.send}"),
    ]
    return (*found, *(("assumed", text) for text in report.assumed))


def preview_pages(report: PreviewReport) -> tuple[Sheet, ...]:
    """What would leave, message by message, and what would not."""
    return (
        Sheet(
            "Leaving",
            "Messages that would leave",
            ("customer", "to", "channel", "subject", "invoices", "asked for"),
            tuple(
                (one.customer, one.to_domain, one.channel, one.problem or one.subject, _invoices(one), _asked(one))
                for one in report.messages
            ),
            right=("asked for",),
        ),
        Sheet(
            "Not leaving",
            "Due, and would not leave",
            ("invoice", "customer", "step", "amount", "verdict", "reason", "segment"),
            tuple(
                (one.invoice, one.customer, one.step, one.amount, _spaced(one.verdict), one.reason, one.segment)
                for one in report.held
            ),
            right=("amount",),
        ),
    )


def _invoices(message: PreviewMessage) -> str:
    return ", ".join(f"{one.invoice} ({one.step})" for one in message.items)


def _asked(message: PreviewMessage) -> str:
    return ", ".join(str(one.amount) for one in message.items)


def preview(report: PreviewReport) -> Sheet:
    """One row an invoice, for a workbook and for other programs."""
    heads = (
        "day",
        "verdict",
        "customer",
        "invoice",
        "step",
        "segment",
        "amount",
        "currency",
        "due on",
        "days past due",
    )
    rows: list[tuple[Cell, ...]] = []
    for message in report.messages:
        for one in message.items:
            said = (message.channel, message.to_domain, message.template, message.subject, message.problem)
            rows.append((report.on, "leaves", message.customer, *_item(one), *said))
    for held in report.held:
        money = (held.amount, held.amount.currency, None, None)
        what = (held.invoice, held.step, held.segment)
        rows.append((report.on, held.verdict, held.customer, *what, *money, "", "", "", "", held.reason))
    return Sheet(
        "Preview",
        f"What would leave on {report.on}",
        (*heads, "channel", "to", "template", "subject", "reason"),
        tuple(rows),
        right=("amount",),
    )


def _item(one: PreviewItem) -> tuple[Cell, ...]:
    return one.invoice, one.step, one.segment, one.amount, one.amount.currency, one.due_on, one.days_past_due


def preview_files(report: PreviewReport) -> Iterator[tuple[str, str]]:
    """Each message as a file of its own, named by its place in the list; and the list, which leads to them."""
    lines = []
    for number, message in enumerate(report.messages, start=1):
        name = f"{number:04}.html"
        yield name, message.html or f"<pre>{escape(message.problem or message.text)}</pre>\n"
        title = escape(message.problem or message.subject)
        about = escape(f"{message.customer}, {message.to_domain or message.channel}: {_invoices(message)}")
        lines.append(f'<li><a href="{name}">{title}</a><br>{about}</li>')
    above = "\n".join(f"<p>{escape(name)}: {escape(text)}</p>" for name, text in preview_above(report))
    items = "\n".join(lines)
    yield (
        "index.html",
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Preview of {report.on}</title>\n'
        f"<h1>What would leave on {report.on}</h1>\n{above}\n<ol>\n{items}\n</ol>\n</html>\n",
    )


# ---- connector backtest ----


def backtest_above(report: BacktestReport) -> tuple[tuple[str, str], ...]:
    return (
        ("period", f"{report.first_on} to {report.last_on}"),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("policies", f"today's {report.present}, the other {report.proposed}"),
        ("past", f"{report.invoices} invoices of {report.customers} customers"),
    )


def backtest_pages(report: BacktestReport) -> tuple[Sheet, ...]:
    """What must be none first, then what changes, for whom, and where the overdue money sits."""
    return (
        _figures("In all", "In all", report.figures),
        _differences("Steps", "Reminders by step", report.steps),
        _differences("Tones", "Reminders by tone", report.tones),
        _differences("Hand-overs", "Hand-overs to people by rule", report.hand_overs),
        _figures("Held", "Steps that were kept back, by the first reason", report.held),
        _figures("Touches", "Messages by customer", report.touches),
        _figures("Weeks", "Hand-overs by week", report.weeks),
        Sheet(
            "Examples",
            "The largest differences",
            ("change", "what", "on", "customer", "invoice", "amount", "segment", "in words"),
            tuple(
                (one.change, one.what, one.on, one.customer, one.invoice, one.amount, one.segment, one.text)
                for one in report.examples
            ),
            right=("amount",),
        ),
        _buckets(report),
    )


def _figures(name: str, title: str, rows: tuple[FigureRow, ...]) -> Sheet:
    return Sheet(
        name, title, ("", *_CHANGE), tuple((one.name, one.present, one.proposed) for one in rows), right=_CHANGE
    )


def _differences(name: str, title: str, rows: tuple[DifferenceRow, ...]) -> Sheet:
    with_segments = any(one.segment for one in rows)
    return Sheet(
        name,
        title,
        ("", *(("segment",) if with_segments else ()), *_DIFFERENCE),
        tuple(
            (
                one.name,
                *((one.segment,) if with_segments else ()),
                *(one.present, one.proposed, one.added, one.removed),
            )
            for one in rows
        ),
        right=_DIFFERENCE,
    )


def _buckets(report: BacktestReport) -> Sheet:
    heads = ("tier", "billing model", "contract", "payment history", "invoice")
    return Sheet(
        "Buckets",
        "Where the overdue money sits: the mean of the month ends",
        (*heads, "customers", "overdue", "share %", "running %"),
        tuple(
            (
                *(one.tier, one.billing_model, one.contract_type, one.history, one.value),
                *(one.customers, one.overdue, one.share, one.running),
            )
            for one in report.buckets
        ),
        right=("customers", "overdue", "share %", "running %"),
    )


def backtest_rows(report: BacktestReport) -> Sheet:
    """One row a figure, for pivot tables and other programs."""
    rows: list[tuple[Cell, ...]] = [
        ("parameters", name, "", "", "", "", "", text) for name, text in backtest_above(report)
    ]
    rows += [("note", "", "", "", "", "", "", text) for text in report.notes]
    figures = (
        *(("in_all", report.figures), ("held", report.held)),
        *(("touches", report.touches), ("weeks", report.weeks)),
    )
    for section, some in figures:
        rows += [(section, one.name, "", one.present, one.proposed, None, None, "") for one in some]
    differences = (("steps", report.steps), ("tones", report.tones), ("hand_overs", report.hand_overs))
    for section, listed in differences:
        rows += [
            (section, one.name, one.segment, one.present, one.proposed, one.added, one.removed, "") for one in listed
        ]
    for example in report.examples:
        text = f"{example.what} of {example.invoice} on {example.on}, {example.amount}: {example.text}"
        rows.append(("examples", example.change, example.segment, None, None, None, None, text))
    for one in report.buckets:
        alike = ", ".join((one.currency, one.tier, one.billing_model, one.contract_type, one.history, one.value))
        rows.append(("buckets", alike, "", one.overdue, one.running, None, None, f"{one.share} % of the overdue"))
    return Sheet(
        "Backtest",
        "The past under another policy",
        ("section", "item", "segment", "present", "proposed", "added", "removed", "detail"),
        tuple(rows),
    )


def _spaced(name: str) -> str:
    return name.replace("_", " ")
