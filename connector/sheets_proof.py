"""The daily proof and the period's evidence as tables and files, each with the parameters it was made by."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.decisions.three_way import DayVerdict
from connector.reports_proof import BooksRow, PeriodEvidence, ProofReport
from connector.sheets import Cell, Sheet

_SUMS = ("received", "posted", "held", "given back", "returned", "left", "drifting", "in ERP")


# ---- connector proof ----


def proof_above(report: ProofReport) -> tuple[tuple[str, str], ...]:
    """By what the proof was made; it stands on every sheet."""
    verdict = report.verdict
    shown = f"made {report.made_at:%Y-%m-%d %H:%M} UTC" if report.made_at else "not made yet"
    in_erp = f"{shown}, shown since {report.shown_at:%Y-%m-%d %H:%M} UTC" if report.shown_at else f"{shown}, not shown"
    found = [
        ("day", report.day.isoformat()),
        ("outcome", _outcome(verdict)),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("installation", report.installation),
        ("policy", report.policy_version),
        (f"in {report.erp}", in_erp),
    ]
    return (*found, *(("not had", text) for text in verdict.missing))


def _outcome(verdict: DayVerdict) -> str:
    said = f"{verdict.outcome.value}: {len(verdict.drifts)} drifts, {len(verdict.unfinished)} unfinished acts"
    return f"{said}, {len(verdict.missing)} books not had" if verdict.missing else said


def proof_pages(report: ProofReport) -> tuple[Sheet, ...]:
    return _books(report.verdict)


def _books(verdict: DayVerdict) -> tuple[Sheet, ...]:
    """What contradicts first; empty tables too: that nothing is there is an answer."""
    return _drifts(verdict), _unfinished(verdict), _sums(verdict), _waiting(verdict), _clearing(verdict)


def _drifts(verdict: DayVerdict) -> Sheet:
    return Sheet(
        "Drifts",
        "Where two books contradict each other",
        ("drift", "side", "currency", "entity", "record", "amount", "reason"),
        tuple(
            (_spaced(one.kind), one.side.value, one.currency, one.entity, one.id, one.amount, one.reason)
            for one in verdict.drifts
        ),
        right=("amount",),
    )


def _unfinished(verdict: DayVerdict) -> Sheet:
    return Sheet(
        "Unfinished",
        "Acts that are not over",
        ("act", "kind", "state", "about"),
        tuple((one.id, one.kind, one.state, one.about) for one in verdict.unfinished),
    )


def _sums(verdict: DayVerdict) -> Sheet:
    return Sheet(
        "Sums",
        "Received = posted + held + given back + returned + left + drifting",
        ("side", "currency", "entity", "count", *_SUMS, "counted"),
        tuple(
            (
                *(one.side.value, one.currency, one.entity, one.count, one.received, one.posted, one.held),
                *(one.given_back, one.returned, one.left, one.drifting, one.in_erp),
                ", ".join(f"{count} {_spaced(name)}" for name, count in one.counts),
            )
            for one in verdict.ties
        ),
        right=("count", *_SUMS),
    )


def _waiting(verdict: DayVerdict) -> Sheet:
    return Sheet(
        "Waiting",
        "Not posted, and why",
        ("side", "currency", "entity", "what", "count", "amount", "reason"),
        tuple(
            (one.side.value, one.currency, one.entity, one.fate.value, one.count, one.amount, one.why)
            for one in verdict.waiting
        ),
        right=("count", "amount"),
    )


def _clearing(verdict: DayVerdict) -> Sheet:
    return Sheet(
        "Clearing",
        "The clearing account against the processor, as the latest daily clearing proof found it",
        ("made on", "currency", "entity", "holds", "expected", "unexplained"),
        tuple(
            (one.on, one.currency, one.entity, one.ledger, one.expected, one.unexplained) for one in verdict.clearing
        ),
        right=("holds", "expected", "unexplained"),
    )


# ---- connector evidence ----


def evidence_above(report: PeriodEvidence) -> tuple[tuple[str, str], ...]:
    found = [
        ("period", f"{report.first_on} to {report.last_on}"),
        ("as of", report.as_of.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("installation", report.installation),
        ("ERP", report.erp),
        ("policy", report.policy_version),
        ("completeness", _outcome(report.books)),
        ("sample", f"{len(report.sample)} of {report.drawn_from} postings that no person approved"),
    ]
    found += [("not had", text) for text in report.books.missing]
    return (*found, ("general ledger", f"could not be asked: {report.trouble}")) if report.trouble else tuple(found)


def evidence_pages(report: PeriodEvidence) -> tuple[Sheet, ...]:
    """Completeness first, then what ties to the accounts, what people decided, and the sample to sign."""
    return (
        *_books(report.books),
        _days(report),
        _accounts("AR to GL", "Receivables against the AR control accounts", report.receivables),
        _accounts(
            "Clearing items",
            "The clearing accounts, item by item, as the latest daily clearing proof found them",
            report.clearing,
        ),
        _overrides(report),
        _policies(report),
        _roles(report),
        _sample(report),
    )


def _days(report: PeriodEvidence) -> Sheet:
    return Sheet(
        "Days",
        "The proof of each day",
        ("day", "outcome", "drifts", "unfinished", "made at", "shown since"),
        tuple(
            (one.day, one.outcome or "not made", one.drifts, one.unfinished, _at(one.made_at), _at(one.shown_at))
            for one in report.days
        ),
        right=("drifts", "unfinished"),
    )


def _overrides(report: PeriodEvidence) -> Sheet:
    return Sheet(
        "Overrides",
        "What people decided",
        ("at", "what", "who", "role", "second person", "record", "reason"),
        tuple(
            (_at(one.at), one.what, one.who, one.role, one.second, one.record, one.reason) for one in report.overrides
        ),
    )


def _policies(report: PeriodEvidence) -> Sheet:
    return Sheet(
        "Policy",
        "Versions of the policy proposed, approved or first used",
        ("version", "proposed by", "proposed at", "approved by", "approved at", "first used at"),
        tuple(
            (
                *(one.version, one.proposed_by, _at(one.proposed_at)),
                *(one.approved_by, _at(one.approved_at), _at(one.first_used_at)),
            )
            for one in report.policies
        ),
    )


def _roles(report: PeriodEvidence) -> Sheet:
    return Sheet(
        "Roles",
        "Who may decide what",
        ("who", "role", "may", "up to"),
        tuple(
            (one.who or "nobody", one.role, ", ".join(one.may), ", ".join(map(str, one.up_to)) or "no limit")
            for one in report.roles
        ),
    )


def _accounts(name: str, title: str, rows: tuple[BooksRow, ...]) -> Sheet:
    return Sheet(
        name,
        title,
        ("on", "currency", "entity", "line", "amount"),
        tuple((one.on, one.currency, one.entity, one.label, one.amount) for one in rows),
        right=("amount",),
    )


def _sample(report: PeriodEvidence) -> Sheet:
    return Sheet(
        "Sample",
        "Postings that no person approved, to be judged",
        (
            *("act", "payment", "ERP id", "customer", "amount", "currency", "posted at", "evidence"),
            *("equation", "judgement", "judged by", "held against"),
        ),
        tuple(
            (
                *(one.act, one.payment, one.erp_id, one.customer, one.amount, one.amount.currency, _at(one.posted_at)),
                *(_spaced(one.evidence), one.equation, one.judgement or "open", one.judged_by, one.why),
            )
            for one in report.sample
        ),
        right=("amount",),
    )


# ---- files for other programs ----


def rows_of(title: str, above: tuple[tuple[str, str], ...], pages: tuple[Sheet, ...]) -> Sheet:
    """All tables under each other, one row a cell that says something; the parameters stand first."""
    rows: list[tuple[Cell, ...]] = [("parameters", 0, name, text) for name, text in above]
    for page in pages:
        for number, row in enumerate(page.rows, start=1):
            rows += [(page.name, number, head, cell) for head, cell in zip(page.heads, row, strict=True) if cell != ""]
    return Sheet(title, title, ("table", "row", "field", "value"), tuple(rows))


def _at(instant: datetime | None) -> str:
    """A spreadsheet has no zones: in words, and sorted by the day all the same."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if instant else ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")
