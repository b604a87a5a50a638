"""What `connector policy` shows, as tables: the same for a terminal and for a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.money import Money
from connector.policy_desk import CheckReport, PolicyReport, Standing, VersionRow
from connector.sheets import Cell, Sheet


def check_above(report: CheckReport) -> tuple[tuple[str, str], ...]:
    return (
        ("file", report.file),
        ("policy", report.version),
        ("book", f"as last read, {report.as_of:%Y-%m-%d %H:%M %Z}"),
    )


def findings(report: CheckReport) -> Sheet:
    rows = tuple((one.severity.value, one.where, one.what, one.remedy) for one in report.findings)
    return Sheet("Findings", "What the linter found", ("severity", "where", "what", "what to do"), rows)


def listed(report: CheckReport) -> Sheet:
    """One row a record that a finding is about, and one for each finding that has none."""
    rows: list[tuple[Cell, ...]] = []
    for one in report.findings:
        if not one.listed:
            rows.append((one.severity.value, one.check, one.where, "", "", "", None, one.what))
        for each in one.listed:
            what = each.detail or one.what
            told = (each.customer_id, each.customer, each.invoice, each.amount, what)
            rows.append((one.severity.value, one.check, one.where, *told))
    heads = ("severity", "finding", "where", "customer", "name", "invoice", "amount", "what")
    return Sheet("Findings", "What the linter found, record by record", heads, tuple(rows), right=("amount",))


def standing_above(one: Standing) -> tuple[tuple[str, str], ...]:
    return (
        ("policy in the file", _called(one.version, one)),
        ("policy in use", one.in_use or "none yet"),
        ("approved last", one.approved or "none yet"),
        ("proposed by", one.proposed_by or "nobody yet"),
        ("may approve", ", ".join(one.approvers) or "nobody"),
        ("auto", one.blocked or "nothing stands against it"),
    )


def _called(version: str, one: Standing) -> str:
    if version == one.approved:
        return f"{version}, approved"
    return f"{version}, {len(one.changes)} keys other than approved" if one.approved else version


def segments(report: PolicyReport) -> tuple[Sheet, ...]:
    """Who is in which segment, which steps each cadence has, and which rules lead to a person."""
    rows = tuple(
        (one.name, one.invoices, _owed(one.amounts), one.cadence, one.post, one.send, one.backlog, one.reason)
        for one in report.segments
    )
    cadences = {one.cadence: ", ".join(one.steps) for one in report.segments}
    rules = tuple((one.name, number, rule) for one in report.segments for number, rule in enumerate(one.escalation, 1))
    heads = ("segment", "invoices", "open", "cadence", "post", "send", "backlog", "reason")
    return (
        Sheet("Segments", "Segments; the first that fits decides", heads, rows, right=("invoices", "open")),
        Sheet("Cadences", "Steps by days from the due date", ("cadence", "steps"), tuple(cadences.items())),
        Sheet("Escalation", "Rules; the first that fits decides", ("segment", "order", "rule"), rules, ("order",)),
    )


def segment_amounts(report: PolicyReport) -> Sheet:
    """One row a segment and currency, for other programs."""
    heads = ("segment", "invoices", "currency", "open", "cadence", "post", "send", "backlog", "reason")
    rows = tuple(
        (one.name, one.invoices, amount.currency, amount, one.cadence, one.post, one.send, one.backlog, one.reason)
        for one in report.segments
        for amount in one.amounts
    )
    return Sheet("Segments", "Segments by currency", heads, rows, right=("invoices", "open"))


def _owed(amounts: Sequence[Money]) -> str:
    return " + ".join(str(amount) for amount in amounts)


def changes(one: Standing) -> Sheet:
    rows = tuple((each.key, each.before, each.after) for each in one.changes)
    return Sheet("Changes", "What differs from the approved policy", ("key", "approved", "now"), rows)


def versions(rows: Sequence[VersionRow]) -> Sheet:
    heads = ("version", "stands", "proposed by", "proposed", "approved by", "approved", "first used", "changed keys")
    return Sheet(
        "Versions",
        "Versions of the policy, the latest first",
        heads,
        tuple(
            (
                one.version,
                _stands(one),
                one.proposed_by or "nobody",
                _at(one.proposed_at),
                one.approved_by or "nobody",
                _at(one.approved_at),
                _at(one.first_used_at),
                len(one.changes),
            )
            for one in rows
        ),
        right=("changed keys",),
    )


def version_changes(rows: Sequence[VersionRow]) -> Sheet:
    """One row a changed key, with who changed it and who approved it."""
    heads = ("version", "proposed by", "approved by", "key", "before", "after")
    told = tuple(
        (one.version, one.proposed_by, one.approved_by, each.key, each.before, each.after)
        for one in rows
        for each in one.changes
    )
    return Sheet("Changes", "What each version changed", heads, told)


def _stands(one: VersionRow) -> str:
    marks = (("approved", one.is_approved), ("in use", one.is_in_use), ("in the file", one.is_in_file))
    return ", ".join(word for word, holds in marks if holds)


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
