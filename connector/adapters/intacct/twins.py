"""One record for each of our ids. Numbers are people's, so one id may have several records in Intacct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from connector.adapters.intacct import reading
from connector.adapters.intacct.rows import Standing, standing_of
from connector.adapters.ledger_rows.cells import SOURCE, Row, Unreadable
from connector.receivables import Parked


@dataclass(frozen=True, slots=True)
class Each:
    """Rows with one for each id, and what is there twice."""

    rows: list[Row]
    parked: list[Parked]


@dataclass(slots=True)
class Twins:
    """Decides which record an id means. `_met` remembers over the pages of one read: open records under one id, on
    whatever pages, are parked, since no write could tell which of them is meant."""

    id_of: Callable[[Row], str]
    _met: dict[str, str] = field(default_factory=dict)  # id -> RECORDNO of its open record

    def each(self, rows: Iterable[Row]) -> Each:
        """Of several records the open one, else the last in force, else the last. What has no id stays, to be parked
        for that; drafts, and entries that only undo others, are left out."""
        by_id: dict[str, list[Row]] = {}
        without: list[Row] = []
        for row in rows:
            if _is_document(row):
                known = self._id(row)
                (by_id.setdefault(known, []) if known else without).append(row)
        found = Each(without, [])
        for known, group in by_id.items():
            owing = [row for row in group if _standing(row) is not Standing.REVERSED and reading.is_owing(row)]
            numbers = sorted({*(row["RECORDNO"] for row in owing), *filter(None, [self._met.get(known)])}, key=int)
            if len(numbers) > 1:
                found.parked.append(_twins(known, numbers, group[0]))
            else:
                found.rows.append(owing[0] if owing else max(group, key=_rank))
            if owing:
                self._met[known] = owing[0]["RECORDNO"]
        return found

    def _id(self, row: Row) -> str:
        try:
            return self.id_of(row)
        except Unreadable:
            return ""


def by_number(ids: Iterable[str], parts: Callable[[str], tuple[str, str, str]]) -> dict[str, set[str]]:
    """Number -> the ids that have it; what is no id of ours is asked for in vain, so it is left out."""
    found: dict[str, set[str]] = {}
    for one in ids:
        try:
            found.setdefault(parts(one)[0], set()).add(one)
        except ValueError:
            continue
    return found


def _twins(known: str, numbers: Sequence[str], row: Row) -> Parked:
    reason = f"records {' and '.join(numbers)} are both open under this number of this customer"
    return Parked(SOURCE, known, "RECORDNO", reason, row.get("CUSTOMERID", ""))


def _is_document(row: Row) -> bool:
    return _standing(row) not in (Standing.DRAFT, Standing.REVERSAL)


def _rank(row: Row) -> tuple[bool, int]:
    return _standing(row) is not Standing.REVERSED, int(row["RECORDNO"])


def _standing(row: Row) -> Standing | None:
    """None: a state that we don't know, for which the record is parked."""
    try:
        return standing_of(row)
    except Unreadable:
        return None
