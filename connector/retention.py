"""Personal data that nobody needs any more is removed: once a day, and by `connector retention`."""

from __future__ import annotations

from datetime import date

from connector.reports_upkeep import RetentionReport
from connector.store import Store, forgetting

_DONE_ON = "forgotten_on"


def forget(store: Store, years: int, today: date, remove: bool) -> RetentionReport:
    """What ended before the same day so many years ago: counted, and removed if asked for, in one commit."""
    before = years_before(today, years)
    with store.tx() as tx:
        rows = forgetting.forget(tx, before, remove)
        if remove and rows:
            tx.journal("personal_data_removed", ended_before=before, row_count=sum(rows.values()))
    return RetentionReport(years, before, rows, remove)


def forget_daily(store: Store, years: int, today: date) -> None:
    """Once a day, by the daemon."""
    with store.read() as tx:
        if tx.get(_DONE_ON) == today.isoformat():
            return
    forget(store, years, today, remove=True)
    with store.tx() as tx:
        tx.set(_DONE_ON, today.isoformat())


def years_before(day: date, years: int) -> date:
    """The same day so many years before; of 29 February the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
