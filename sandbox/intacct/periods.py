"""Reporting periods: months in quarters in years, and which months are closed, for everybody or for one entity.

Source: developer.intacct.com (reporting periods are used to open and close books; dates can differ by entity).
"""

from __future__ import annotations

import calendar
from datetime import date
from typing import TYPE_CHECKING

from sandbox.intacct.refusal import refused

if TYPE_CHECKING:
    from sandbox.intacct.books import Books

FIRST_YEAR, LAST_YEAR = 2000, 2039


class Periods:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._months: dict[str, int] = {}
        with books.saving():
            for year in range(FIRST_YEAR, LAST_YEAR + 1):
                self._open_year(year)

    def require_open(self, day: str, entity: str) -> None:
        """May a document of this day be posted in this entity?"""
        month = day[:7]
        if month not in self._months:
            raise refused("no_period", day=day)
        if self.is_closed(month, entity):
            where = f", entity {entity}" if entity else ""
            raise refused("period_closed", month=month, where=where, field="RECEIPTDATE")

    def is_closed(self, month: str, entity: str = "") -> bool:
        sql = "SELECT 1 FROM closed WHERE period = ? AND entity IN ('', ?)"
        return self._books.row(sql, self._months[month], entity) is not None

    def close(self, month: str, entity: str = "") -> None:
        self._books.db.execute("INSERT OR IGNORE INTO closed VALUES (?, ?)", (self._month(month), entity))

    def open(self, month: str, entity: str = "") -> None:
        """Open a month again; without an entity for everybody."""
        sql = "DELETE FROM closed WHERE period = ?" + (" AND entity = ?" if entity else "")
        self._books.db.execute(sql, (self._month(month), entity) if entity else (self._month(month),))

    def _month(self, month: str) -> int:
        if month not in self._months:
            raise KeyError(f"no month {month!r}")
        return self._months[month]

    def _open_year(self, year: int) -> None:
        self._add(f"Year Ended December {year}", date(year, 1, 1), date(year, 12, 31), "Year Ended", budgeting=False)
        for quarter in range(1, 5):
            first = date(year, 3 * quarter - 2, 1)
            self._add(f"Quarter {quarter} {year}", first, _month_end(year, 3 * quarter), "Quarter", budgeting=False)
        for month in range(1, 13):
            first = date(year, month, 1)
            name = f"Month Ended {first:%B %Y}"
            last = _month_end(year, month)
            self._months[f"{first:%Y-%m}"] = self._add(name, first, last, "Month Ended", budgeting=True)

    def _add(self, name: str, first: date, last: date, header: str, *, budgeting: bool) -> int:
        days = {"start_date": first.isoformat(), "end_date": last.isoformat()}
        return self._books.insert("period", {"name": name, "header1": header, "budgeting": int(budgeting), **days})


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
