"""Lines of an invoice: what is disputed of one, and how a total is divided among them."""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.ledger_rows.cells import Row, Unreadable, maybe_day, text_of, words_of
from connector.adapters.ledger_rows.pauses import outcome_of
from connector.money import Money
from connector.receivables import InvoiceLine


def line_of(row: Row, amount: Money) -> InvoiceLine:
    """The tick says that a line is disputed; how that ended is only told without it."""
    is_disputed = row.get("dispute") == "T"
    try:
        since, outcome = maybe_day(row, "disputed_on"), outcome_of(row)
    except Unreadable as error:
        raise Unreadable(f"line {row.get('id', '?')} {error.field}", error.reason) from None
    return InvoiceLine(
        id=text_of(row, "id"),
        description=row.get("memo", ""),
        amount=amount,
        kind=row.get("kind", ""),
        disputed=is_disputed,
        dispute_reason=row.get("dispute_reason", "") if is_disputed else "",
        disputed_on=since,
        dispute_detail=words_of(row, "dispute_detail") if is_disputed else "",
        dispute_outcome=outcome,
    )


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split by weight in whole units; the largest remainders, then the first lines, get the last units."""
    whole = sum(weights)
    if not whole:
        return []
    divided = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(divided)]:
        divided[index] += 1
    return divided
