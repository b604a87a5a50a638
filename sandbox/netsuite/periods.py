"""Accounting periods: months in quarters in years, which of them are closed, and what may still be posted there.

Sources: Oracle help on period close (a closed period takes no postings; "Allow Non-G/L Changes" lets existing credits
be applied in it); that a lock of receivables binds the integration's role and not people is K.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sandbox.netsuite.answers import Refusal

if TYPE_CHECKING:
    from sandbox.netsuite.books import Books, Row

FIRST_YEAR, LAST_YEAR = 2000, 2039
_FLAGS = ("closed", "alllocked", "arlocked", "allownonglchanges", "isadjust", "isquarter", "isyear")


class Periods:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._months: dict[str, int] = {}
        with books.saving():
            for year in range(FIRST_YEAR, LAST_YEAR + 1):
                self._open_year(year)

    def of(self, day: str) -> Row:
        """The month of a stored day."""
        return self._books.rows("SELECT * FROM accountingperiod WHERE id = ?", self.id_of(day))[0]

    def id_of(self, day: str) -> int:
        month = day[:7]
        if month not in self._months:
            raise Refusal("period_closed", code="MISSING_ACCT_PRD", period=month)
        return self._months[month]

    def require_open(self, day: str, *, receivables_by_role: bool = False) -> int:
        """The id of the period that this day is posted in. `receivables_by_role`: the integration posts to AR."""
        period = self.of(day)
        if period["closed"] == "T":
            raise Refusal("period_closed", period=period["periodname"])
        if receivables_by_role and period["arlocked"] == "T":
            raise Refusal("period_locked", period=period["periodname"])
        return int(period["id"])

    def require_applicable(self, day: str, *, by_role: bool) -> None:
        """May existing credits of this day be applied? In a closed period only where it allows non-G/L changes."""
        if self.of(day)["allownonglchanges"] != "T":
            self.require_open(day, receivables_by_role=by_role)

    def close(self, month: str, *, allow_non_gl_changes: bool) -> None:
        flags = dict.fromkeys(("closed", "alllocked", "arlocked"), "T")
        self._set(month, flags | {"allownonglchanges": "T" if allow_non_gl_changes else "F"})

    def open(self, month: str) -> None:
        self._set(month, dict.fromkeys(("closed", "alllocked", "arlocked", "allownonglchanges"), "F"))

    def lock_receivables(self, month: str) -> None:
        self._set(month, {"arlocked": "T"})

    def _set(self, month: str, flags: dict[str, str]) -> None:
        """Set a month; a quarter or year is closed or locked when all that is in it is."""
        period: Row | None = self.of(f"{month}-01 00:00:00")
        with self._books.saving():
            values: dict[str, object] = dict(flags)
            while period is not None:
                self._books.change("accountingperiod", period["id"], values)
                period = self._books.row("SELECT * FROM accountingperiod WHERE id = ?", period["parent"])
                if period is not None:
                    marks = "MIN(closed) AS closed, MIN(alllocked) AS alllocked, MIN(arlocked) AS arlocked"
                    parts = self._books.rows(f"SELECT {marks} FROM accountingperiod WHERE parent = ?", period["id"])
                    values = dict(parts[0])

    def _open_year(self, year: int) -> None:
        first = date(year, 1, 1)
        whole = self._add(f"FY {year}", first, date(year, 12, 31), isyear="T")
        for quarter in range(4):
            start = date(year, 3 * quarter + 1, 1)
            part = self._add(
                f"Q{quarter + 1} {year}", start, _month_end(date(year, start.month + 2, 1)), whole, isquarter="T"
            )
            for month in range(start.month, start.month + 3):
                day = date(year, month, 1)
                added = self._add(day.strftime("%b %Y"), day, _month_end(day), part, isposting="T")
                self._months[f"{day:%Y-%m}"] = added

    def _add(self, name: str, first: date, last: date, parent: int | None = None, **flags: str) -> int:
        values: dict[str, object] = {
            "periodname": name,
            "startdate": f"{first.isoformat()} 00:00:00",
            "enddate": f"{last.isoformat()} 23:59:59",
            "parent": parent,
            "isposting": "F",
        }
        return self._books.insert("accountingperiod", values | dict.fromkeys(_FLAGS, "F") | flags)


def _month_end(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
