"""What the commands for the store itself answer: backup, restore, upgrade, retention.

Frozen values, the same for people and for programs; `reports.as_json` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class BackupReport:
    """One backup: where it is and what it says of itself."""

    file: str
    bytes: int
    installation: str
    epoch: str
    release: str
    schema: str
    taken_at: datetime
    database: str
    last_seq: int
    row_count: int
    rows: Mapping[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What the store is now. `kept_at` is where what was there before lies; '' if there was nothing.

    `taken_at` None: the store was put in place by other means. `counted_as_sent` are steps that were due by now.
    """

    store: str
    installation: str
    taken_at: datetime | None
    schema: str
    kept_at: str
    counted_as_sent: int
    unfinished: int


@dataclass(frozen=True, slots=True)
class UnfinishedRow:
    """An act, a deposit or a reversal that did not come to its end, and why."""

    id: str
    kind: str  # posting, deposit or reversal
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """How far an upgrade came. `backup` is empty and `is_done` False where unfinished acts kept it from beginning."""

    schema_before: str
    schema_after: str
    unfinished: tuple[UnfinishedRow, ...]
    backup: str
    records_read: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """Whose data is older than what is kept: rows by kind. `is_removed` False: only counted."""

    years: int
    ended_before: date
    rows: Mapping[str, int]
    is_removed: bool

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())
