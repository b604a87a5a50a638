"""What changed in Intacct since an instant: a watermark on WHENMODIFIED that nothing slips under.

Sage doesn't say in which zone WHENMODIFIED is kept, and recorded answers of one record differ by seven hours. So a read
reaches back to the earliest that the instant can mean, and what it saw the last time is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.adapters.intacct.filters import at_least, both
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.rows import us_instant, wall_time
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Row

# Where the vendor's own clocks stand, beside UTC and the company's zone.
_VENDOR = ZoneInfo("America/Los_Angeles")
# Two changes of one record in one second look alike, so what is this new is read once more.
_SETTLED = timedelta(minutes=2)
_Marks = dict[tuple[str, str], str]  # object and RECORDNO -> its WHENMODIFIED


class Changes:
    """Safe for several threads. What it remembers is a help: without it, more is read again."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._turn = threading.Lock()
        self._since = datetime.min.replace(tzinfo=UTC)
        self._known: _Marks = {}
        self._seen: _Marks = {}

    def begin(self, since: datetime) -> Reading:
        """A read of what changed since. One that asks from a later instant than the one before says that the one before
        was taken over: what that saw needs no second look."""
        with self._turn:
            if since > self._since:
                self._since, self._known = since, self._seen
            elif since < self._since:
                self._since, self._known = since, {}
            self._seen = {}
            return Reading(self._gateway, self._earliest(since), self._known, self._seen)

    def _earliest(self, since: datetime) -> str:
        start = since - timedelta(minutes=self._mapping.facts.modified_overlap_minutes)
        walls = [start.astimezone(zone).replace(tzinfo=None) for zone in (UTC, self._mapping.zone, _VENDOR)]
        return us_instant(min(walls))


class Reading:
    """One read of what changed."""

    def __init__(self, gateway: Gateway, start: str, known: _Marks, seen: _Marks) -> None:
        self._gateway = gateway
        self._start = start
        self._known = known
        self._seen = seen

    def of(self, object_name: str, fields: Sequence[str], *where: Node) -> list[Row]:
        """Records of this object that changed and were not seen so before."""
        asked = list(dict.fromkeys(["RECORDNO", "WHENMODIFIED", *fields]))
        rows = self._gateway.rows(object_name, asked, both(*where, at_least("WHENMODIFIED", self._start)))
        times = [time for row in rows if (time := wall_time(row.get("WHENMODIFIED", "")))]
        settled = max(times) - _SETTLED if times else None
        for row in rows:
            time = wall_time(row.get("WHENMODIFIED", ""))
            if time is not None and settled is not None and time < settled:
                self._seen[object_name, row["RECORDNO"]] = row["WHENMODIFIED"]
        return [row for row in rows if self._known.get((object_name, row["RECORDNO"])) != row.get("WHENMODIFIED", "")]
