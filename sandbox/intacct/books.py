"""The books of the false company: one in-memory SQLite, the same data for clients and for people.

Every change is one commit under `lock`. What is rolled back was never there: rows, record numbers and places in the
world's order alike, so that a company after a refused operation is byte for byte the company before it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, cast

from sandbox.intacct import schema
from sandbox.intacct.catalogue import OBJECTS, Catalogue
from sandbox.intacct.ledger import Ledger
from sandbox.intacct.periods import Periods
from sandbox.intacct.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = sqlite3.Row
# What the integration's user may be forbidden: to see an object, by its name, and these. Source: release notes 2024 R2
# (posting is a permission of its own); the cut of the others is K.
PERMISSIONS = frozenset(OBJECTS) | {
    "create_payments",
    "post_payments",
    "reverse_payments",
    "create_advances",
    "edit_invoices",
    "edit_custom_objects",
    "create_deposits",
    "create_other_receipts",
    "create_journals",
}


@dataclass(frozen=True, slots=True)
class Guesses:
    """How a real company behaves where nobody has told us (all K). Tests may turn each of them round."""

    # TRX_TOTALDUE still counts what a draft payment has selected.
    total_due_counts_selected: bool = True
    # An other receipt may be below zero, for the fee of a payout.
    negative_receipts: bool = True
    # A payment in the name of one customer may pay the invoices of its sub-customers.
    parent_pays_children: bool = False
    # A payment, or a draft, changes the totals of an invoice and its WHENMODIFIED too.
    payment_moves_invoice_date: bool = False
    # A paid invoice still takes custom fields.
    paid_invoices_take_fields: bool = True
    # So does a reversed one, and never its reversal.
    reversed_invoices_take_fields: bool = True
    # The setting "Payment dates must be greater than their invoice dates".
    payments_after_invoices: bool = False
    # Custom discounts are switched on.
    custom_discounts: bool = True
    # A reversal shows the memo that it was given, not that of what it undoes.
    reversals_keep_memo: bool = True
    # Another payment of the same DOCNUMBER is refused as a duplicate.
    document_numbers_are_unique: bool = False
    # The longest DOCNUMBER; longer ones are refused.
    document_number_max: int = 45
    # The longest `name` of a custom object.
    name_max: int = 100


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks: a user of the company, in an entity ('' is the top level), with what the user may do."""

    user: str
    entity: str = ""
    permissions: frozenset[str] = PERMISSIONS
    is_person: bool = False

    def require(self, permission: str) -> None:
        if permission not in self.permissions:
            raise refused("permission", what=permission.replace("_", " "))


@dataclass(frozen=True, slots=True)
class _Commit:
    """What was done, and the row that keeps its place in the world's order."""

    what: str
    table: str = ""
    row: int = 0


class Books:
    """The plumbing that everything else stands on."""

    def __init__(
        self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses | None = None
    ) -> None:
        self.clock = clock
        self.sequence = sequence
        self.guesses = guesses or Guesses()
        self.lock = threading.RLock()
        self.catalogue = Catalogue()
        self.revoked: set[str] = set()
        self._pending: list[_Commit] = []  # done, and not yet sure to stand
        self._depth = 0
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None, cached_statements=512)
        self.db.row_factory = sqlite3.Row
        self.db.create_function("world_day", 0, lambda: self.today().isoformat())
        self.db.create_function("off_due", 1, self._off_due)
        schema.create(self.db)
        self.ledger = Ledger(self)
        self.periods = Periods(self)

    # ---- changes ----

    @contextmanager
    def saving(self) -> Iterator[None]:
        """All or nothing: what raises leaves no trace. May be nested; the outermost one is the commit."""
        with self.lock:
            self._depth += 1
            name, before = f"saving_{self._depth}", len(self._pending)
            self.db.execute(f"SAVEPOINT {name}")
            try:
                yield
                if self._depth == 1:
                    self._number_commits()
            except BaseException:
                self.db.execute(f"ROLLBACK TO {name}")
                del self._pending[before:]
                raise
            finally:
                self.db.execute(f"RELEASE {name}")
                self._depth -= 1

    def commit(self, what: str, table: str = "", row: int = 0) -> None:
        """Say what was done. It gets its place in the world's order when all of it stands, kept as `_sequence` of a
        row where one is named."""
        self._pending.append(_Commit(f"intacct.{what}", table, row))

    def _number_commits(self) -> None:
        commits, self._pending = self._pending, []
        for done in commits:
            number = self.sequence(done.what)
            if done.table:
                self.db.execute(f"UPDATE {done.table} SET _sequence = ? WHERE recordno = ?", (number, done.row))

    def rows(self, sql: str, *params: object) -> list[Row]:
        with self.lock:
            return self.db.execute(sql, params).fetchall()

    def row(self, sql: str, *params: object) -> Row | None:
        with self.lock:
            return cast("Row | None", self.db.execute(sql, params).fetchone())

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        cursor = self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return cast(int, cursor.lastrowid)

    def change(self, table: str, row_id: int, values: Mapping[str, object], key: str = "recordno") -> None:
        if values:
            sets = ", ".join(f'"{name}" = ?' for name in values)
            self.db.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*values.values(), row_id))

    def next_number(self, name: str, first: int) -> int:
        """A number that nothing of this name ever had, deleted things included."""
        sql = """INSERT INTO number VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"""
        return int(self.rows(sql, name, first)[0]["last"])

    def stamps(self, who: Who) -> dict[str, object]:
        """The audit columns of something new."""
        now = self.now()
        return {"auwhencreated": now, "whenmodified": now, "createdby": who.user, "modifiedby": who.user}

    def stamp(self, table: str, row_id: int, who: Who) -> None:
        self.change(table, row_id, {"whenmodified": self.now(), "modifiedby": who.user})

    def dump(self) -> bytes:
        """All that the books hold, the same bytes for the same books."""
        with self.lock:
            tables = self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            return b"\n".join(self._dump_of(table["name"]) for table in tables)

    def _dump_of(self, table: str) -> bytes:
        rows = self.rows(f'SELECT * FROM "{table}" ORDER BY 1, 2')
        lines: Iterable[str] = (json.dumps({key: row[key] for key in row.keys()}, sort_keys=True) for row in rows)  # noqa: SIM118
        return "\n".join((table, *lines)).encode()

    # ---- time ----

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> date:
        return self.clock().astimezone(UTC).date()

    def _off_due(self, selected: int) -> int:
        """What of an amount that drafts selected is no longer shown as due."""
        return 0 if self.guesses.total_due_counts_selected else selected

    # ---- who, and what there is ----

    def who(self, user: str, entity: str = "") -> Who:
        """A client's user with what it may do now."""
        return Who(user, entity, PERMISSIONS - frozenset(self.revoked))

    def record(self, key: object, *types: str) -> Row:
        """A record by its number; KeyError when there is none of these types."""
        row = self.row("SELECT * FROM record WHERE recordno = ?", int(str(key))) if str(key).isdecimal() else None
        if row is None or (types and row["recordtype"] not in types):
            raise KeyError(f"no record {key}")
        return row

    def entries(self, record: int) -> list[Row]:
        return self.rows("SELECT * FROM entry WHERE recordkey = ? ORDER BY line_no", record)

    def customer(self, customer_id: str) -> Row:
        row = self.row("SELECT * FROM customer WHERE customerid = ?", customer_id)
        if row is None:
            raise KeyError(f"no customer {customer_id}")
        return row

    def entity_ids(self) -> list[str]:
        """The entities of a company that has several; none in a company that is one."""
        return [row["locationid"] for row in self.rows("SELECT locationid FROM entity ORDER BY recordno")]
