"""Agreement: what we would have said of past payments, held against what people did with them (RULES 6 and 8).

It is called precision only when a person judged where the two differ: history holds first-in-first-out mistakes too.
What differs counts as wrong until then. The past is read and replayed part by part, so that memory stays bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from connector import measures
from connector.errors import Terminal
from connector.history.replay import WAITS, Agreement, Replayed, replay
from connector.log import redact
from connector.money import Money
from connector.policy import Policy
from connector.ports import Erp
from connector.receivables import Customer, Match, MatchException
from connector.reports import AgreementRow, AppliedRow, CountRow, DisagreementRow, HistoryReport
from connector.store import Store, Tx, book, learning
from connector.store.book import from_json, to_json
from connector.store.learning import HISTORY, Evidence, Outcome

MONTHS = 12
# So many months are held in memory at once, with WAITS before and after.
_MONTHS_AT_ONCE = 3
# Rows of evidence in one commit: the daemon writes in between.
_ROWS_AT_ONCE = 500
_TEXT_MAX = 200
_SUMMARY = "history_replayed"

Tell = Callable[[str], None]


class Said(StrEnum):
    """Who was right about a past payment?"""

    OURS = "ours"
    THEIRS = "theirs"
    NEITHER = "neither"


@dataclass(slots=True)
class _Counts:
    payments: int = 0
    left: int = 0
    agreed: Counter[str] = field(default_factory=Counter)
    differed: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    parked: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)


def look_back(erp: Erp, store: Store, policy: Policy, last_on: date, months: int, tell: Tell) -> HistoryReport:
    """Replay the payments of so many months up to this day, and keep what was found instead of what an earlier replay
    found; people's judgements stay. The ERP's errors are the caller's; what was kept by then is right by itself.
    """
    parts, counts = _parts(last_on, months), _Counts()
    for part in parts:
        history = erp.read_history(part.first_on - WAITS, min(part.last_on + WAITS, last_on))
        counts.parked |= {one.record for one in history.parked}
        numbers = {invoice.id: invoice.number for invoice in history.invoices}
        rows: list[Evidence] = []
        for one in replay(history, policy.matching, part.first_on, part.last_on):
            rows += _counted(one, counts, numbers)
            if len(rows) >= _ROWS_AT_ONCE:
                _keep(store, rows)
        _keep(store, rows)
        tell(f"{part.first_on} to {part.last_on}: {counts.payments} payments, {counts.differed.total()} differ so far")
    summary = HistoryReport(
        as_of=store.clock.now(),
        first_on=parts[0].first_on,
        last_on=last_on,
        payments=counts.payments,
        agreed=counts.agreed.total(),
        differed=counts.differed.total(),
        left=counts.left,
        parked=len(counts.parked),
        policy_version=policy.version,
        classes=_classes(counts),
        asked=tuple(CountRow(kind, count) for kind, count in counts.asked.most_common()),
    )
    with store.tx() as tx:
        learning.forget_history(tx, counts.subjects)
        tx.set(_SUMMARY, to_json(summary))
        tx.journal("history_replayed", first_on=summary.first_on, last_on=last_on, payments=summary.payments)
    with store.read() as tx:
        return _with_judgements(tx, summary)


def _parts(last_on: date, months: int) -> list[measures.Span]:
    """The period in parts of some months, the oldest first."""
    found = []
    while months > 0:
        found.append(measures.span(last_on, min(months, _MONTHS_AT_ONCE)))
        last_on, months = found[-1].first_on - timedelta(days=1), months - _MONTHS_AT_ONCE
    return found[::-1]


def _counted(one: Replayed, counts: _Counts, numbers: Mapping[str, str]) -> Iterator[Evidence]:
    """Count it; the evidence that follows, if we would have applied something."""
    counts.payments += 1
    if one.agreement is Agreement.LEFT:
        counts.left += 1
    elif isinstance(one.verdict, MatchException):
        counts.asked[one.verdict.kind.value] += 1
    else:
        agreed = one.agreement is Agreement.AGREED
        (counts.agreed if agreed else counts.differed)[one.verdict.rung.value] += 1
        counts.subjects.add(one.past.erp_id)
        detail = "" if agreed else to_json(_disagreement(one, one.verdict, numbers))
        outcome = Outcome.RIGHT if agreed else Outcome.UNJUDGED
        yield Evidence(one.past.erp_id, HISTORY, one.verdict.rung, outcome, detail)


def _disagreement(one: Replayed, match: Match, numbers: Mapping[str, str]) -> DisagreementRow:
    return DisagreementRow(
        payment=one.past.erp_id,
        customer=one.past.customer_id,
        received_on=one.past.received_on,
        amount=one.past.amount,
        evidence=match.rung.value,
        ours=_applied(one.ours, numbers),
        theirs=_applied(one.theirs, numbers),
        equation=match.equation,
        reason=match.reason,
        text=redact(one.past.text[:_TEXT_MAX]),
    )


def _applied(parts: Mapping[str, Money], numbers: Mapping[str, str]) -> tuple[AppliedRow, ...]:
    return tuple(AppliedRow(numbers.get(id, id), amount) for id, amount in sorted(parts.items()))


def _keep(store: Store, rows: list[Evidence]) -> None:
    """In a short commit of its own; empties the list."""
    if rows:
        with store.tx() as tx:
            learning.put_history(tx, rows, _same_split)
        rows.clear()


def _same_split(before: str, now: str) -> bool:
    """Is a judgement about this still a judgement about that? The words around the split may differ."""
    if not (before and now):
        return before == now
    one, other = from_json(DisagreementRow, before), from_json(DisagreementRow, now)
    return (one.ours, one.theirs) == (other.ours, other.theirs)


def _classes(counts: _Counts) -> tuple[AgreementRow, ...]:
    some = sorted({*counts.agreed, *counts.differed}, key=lambda rung: (-counts.agreed[rung], rung))
    return tuple(AgreementRow(rung, counts.agreed[rung], counts.differed[rung]) for rung in some)


# ---- what the last replay found, and people's judgement ----


def last(tx: Tx) -> HistoryReport | None:
    """What the last replay found, with the judgements since; None if there was none."""
    text = tx.get(_SUMMARY)
    return _with_judgements(tx, from_json(HistoryReport, text)) if text else None


def _with_judgements(tx: Tx, summary: HistoryReport) -> HistoryReport:
    """Every disagreement, those that nobody judged first, the largest first; and the judgements by class."""
    found = [_row(one) for one in learning.history(tx).values() if one.detail]
    rows = [row for row in found if summary.first_on <= row.received_on <= summary.last_on]
    known = book.customers_by_id(tx, {row.customer for row in rows})
    rows = [_named(row, known) for row in rows]
    rows.sort(key=lambda row: (bool(row.judgement), row.amount.currency, -row.amount.minor, row.payment))
    judged = Counter((row.evidence, row.judgement) for row in rows)
    classes = []
    for one in summary.classes:
        right, unjudged = judged[one.evidence, Said.OURS.value], judged[one.evidence, ""]
        wrong = judged[one.evidence, Said.THEIRS.value] + judged[one.evidence, Said.NEITHER.value]
        classes.append(replace(one, right=right, wrong=wrong, unjudged=unjudged))
    is_precision = bool(rows) and all(row.judgement for row in rows)
    return replace(summary, classes=tuple(classes), disagreements=tuple(rows), is_precision=is_precision)


def _row(one: Evidence) -> DisagreementRow:
    return replace(from_json(DisagreementRow, one.detail), evidence=one.rung.value, judged_by=one.who)


def _named(row: DisagreementRow, known: Mapping[str, Customer]) -> DisagreementRow:
    customer = known.get(row.customer)
    return replace(row, customer=redact(f"{customer.name} ({customer.id})")) if customer else row


def disagreement(tx: Tx, payment: str) -> DisagreementRow:
    """What the last replay found of this ERP payment; Terminal if there is nothing to judge about it."""
    return _row(_evidence(tx, payment))


def _evidence(tx: Tx, payment: str) -> Evidence:
    one = learning.history(tx, [payment]).get(payment)
    if one is None or not one.detail:
        why = "we would have done what people did." if one else "no replay found it. Run `connector match history`."
        raise Terminal(f"There is nothing to judge about ERP payment {payment}: {why}")
    return one


def judge(tx: Tx, payment: str, said: Said, who: str, reason: str) -> DisagreementRow:
    """A person says who was right; it may be said anew.

    Counts as right where we were, else as wrong, which demotes the class at once.
    """
    one = _evidence(tx, payment)
    row = replace(_row(one), judgement=said.value, judged_by=who, why=reason)
    outcome = Outcome.RIGHT if said is Said.OURS else Outcome.WRONG
    learning.judge(tx, one, outcome, to_json(row), who, reason)
    return row
