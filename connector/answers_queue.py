"""A question to the store: which payments wait for a person's answer, what may be answered, and by whom?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from connector import approvals, words
from connector.answers import named
from connector.decisions import approval
from connector.decisions.dividing import Split
from connector.log import redact
from connector.policy import Policy
from connector.receivables import Match, Payment
from connector.reports import AnswererRow, AppliedRow, ChoiceRow, QueueReport, QueueRow
from connector.store import Tx, approving, book, credits, history
from connector.store.approving import Queued, Request


def queue(tx: Tx, policy: Policy, now: datetime, today: date) -> QueueReport:
    """Every payment that waits, the oldest money first."""
    found = approving.queued(tx)
    numbers = _numbers(tx, [split for one in found for split in approving.splits(one.proposal, one.left)])
    rows = named(tx, [_row(tx, policy, one, numbers, today) for one in found])
    return QueueReport(now, policy.version, policy.post.value, rows)


def _row(tx: Tx, policy: Policy, one: Queued, numbers: Mapping[str, str], today: date) -> QueueRow:
    payment, is_match = one.payment, isinstance(one.proposal, Match)
    may = approval.who_may(policy.approvals, one.left, one.kind)
    return QueueRow(
        payment=payment.id,
        customer=payment.customer_id or (one.proposal.customer_id if isinstance(one.proposal, Match) else ""),
        amount=one.left,
        received_on=payment.received_on,
        age_days=(today - payment.received_on).days,
        standing=one.standing,
        kind=one.kind,
        reason=redact(one.reason),
        choices=_choices(one, numbers),
        considered=tuple(redact(text) for text in one.proposal.considered) if one.proposal else (),
        waits=redact(str(history.suggested_because(tx, payment.id).get("why", ""))) if is_match else "",
        payer=redact(payment.payer_name or payment.payer),
        text=redact(_written(payment)),
        may_answer=tuple(AnswererRow(m.who, m.role, tuple(deed.value for deed in m.may)) for m in may),
        asked=approving.people_asked([one.request]) if one.request else "",
        answered=_came_of(one.answered) if one.answered else "",
        remedy="" if is_match else words.remedy(one.kind),
    )


def _came_of(request: Request) -> str:
    return redact(f"{approving.people_asked([request])}; {request.answer}")


def _choices(one: Queued, numbers: Mapping[str, str]) -> tuple[ChoiceRow, ...]:
    splits = approving.splits(one.proposal, one.left)
    texts: list[str] = []
    if isinstance(one.proposal, Match):
        texts = [one.proposal.equation]
    elif one.proposal:
        texts = [explanation.text for explanation in one.proposal.explanations]
    first = 0 if isinstance(one.proposal, Match) else 1
    return tuple(
        ChoiceRow(
            number=number,
            text=redact(text),
            applied=tuple(AppliedRow(numbers[part.invoice_id], part.amount) for part in split.applications),
            seen=approvals.token(one, split),
            credits=tuple(AppliedRow(numbers[use.credit_id], use.amount) for use in split.credits),
            unapplied=split.unapplied,
        )
        for number, (text, split) in enumerate(zip(texts, splits, strict=True), start=first)
    )


def _numbers(tx: Tx, splits: Sequence[Split]) -> dict[str, str]:
    """Record id -> the number on paper, the id where there is none."""
    invoices = sorted({part.invoice_id for split in splits for part in split.applications})
    memos = sorted({use.credit_id for split in splits for use in split.credits})
    found = {one: one for one in (*invoices, *memos)}
    found |= {id: row["number"] or id for id, row in book.invoices_by_id(tx, invoices).items()}
    return found | {id: memo.number or id for id, memo in credits.credits_by_id(tx, memos).items()}


def _written(payment: Payment) -> str:
    """What the payer says it is for."""
    given = payment.remittance
    names = [*given.linked_numbers, *given.invoice_numbers, *given.invoice_ids]
    return ", ".join(dict.fromkeys([*names, *([given.text.strip()] if given.text.strip() else [])]))
