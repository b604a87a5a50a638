"""The books of the false account: one in-memory SQLite, the same data behind SOAP and SuiteQL.

Amounts are integer units (amounts.py). Every change is one commit under `lock` and gets its place in the world's
order from `sequence`. What persons do in the account is in people.py, what applies to what in applying.py.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sandbox.netsuite.amounts import decimals, fixed
from sandbox.netsuite.answers import APPROVAL, SIGNS, Guesses, Refusal
from sandbox.netsuite.catalogue import Catalogue

Row = sqlite3.Row
CURRENCY_NAMES = {"USD": "US Dollar", "EUR": "Euro", "GBP": "British pound", "CAD": "Canadian Dollar", "JPY": "Yen"}
FIRST_TRANSACTION = 5001
FIRST_PERIOD_YEAR, LAST_PERIOD_YEAR = 2000, 2039
TYPES = {"CustInvc": "invoice", "CustPymt": "customerpayment", "CustCred": "creditmemo"}


def stored_day(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()} 00:00:00"


class Books:
    """Customers, invoices, payments, credit memos, custom records and periods."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses) -> None:
        self.clock = clock
        self.sequence = sequence
        self.guesses = guesses
        self.lock = threading.RLock()
        self.catalogue = Catalogue()
        self.revoked: set[str] = set()
        self._depth = 0
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None, cached_statements=512)
        self.db.row_factory = sqlite3.Row
        self.catalogue.create(self.db)
        self._open_periods()

    # ---- the plumbing that every change uses ----

    @contextmanager
    def saving(self) -> Iterator[None]:
        """All or nothing: what raises leaves no trace. May be nested."""
        with self.lock:
            self._depth += 1
            name = f"saving_{self._depth}"
            self.db.execute(f"SAVEPOINT {name}")
            try:
                yield
            except BaseException:
                self.db.execute(f"ROLLBACK TO {name}")
                raise
            finally:
                self.db.execute(f"RELEASE {name}")
                self._depth -= 1

    def rows(self, sql: str, *params: object) -> list[Row]:
        with self.lock:
            return self.db.execute(sql, params).fetchall()

    def row(self, sql: str, *params: object) -> Row | None:
        with self.lock:
            return cast("Row | None", self.db.execute(sql, params).fetchone())

    def insert(self, table: str, values: Mapping[str, object]) -> int:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        cursor = self.db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(values.values()))
        return cast(int, cursor.lastrowid)

    def change(self, table: str, row_id: int, values: Mapping[str, object], key: str = "id") -> None:
        if values:
            sets = ", ".join(f'"{name}" = ?' for name in values)
            self.db.execute(f'UPDATE "{table}" SET {sets} WHERE "{key}" = ?', (*values.values(), row_id))

    def next_id(self, table: str, first: int) -> int:
        row = self.db.execute(f'SELECT MAX(id) FROM "{table}"').fetchone()
        return max(first, (row[0] or 0) + 1)

    def now(self) -> str:
        """The world's time in the account's zone."""
        return self.clock().astimezone(ZoneInfo(self.guesses.zone)).strftime("%Y-%m-%d %H:%M:%S")

    # ---- looking things up ----

    def transaction(self, row_id: int) -> Row:
        row = self.row('SELECT * FROM "transaction" WHERE id = ?', int(row_id))
        if row is None:
            raise KeyError(f"no transaction {row_id}")
        return row

    def currency(self, symbol: str) -> int:
        """The id of a currency by its ISO code; a new one is added."""
        row = self.row("SELECT id FROM currency WHERE symbol = ?", symbol)
        if row is not None:
            return int(row["id"])
        name = CURRENCY_NAMES.get(symbol, symbol)
        values = {"name": name, "symbol": symbol, "isinactive": "F", "exchangerate": 1}
        with self.saving():
            return self.insert("currency", values | {"currencyprecision": decimals(symbol)})

    def symbol(self, currency_id: int) -> str:
        row = self.row("SELECT symbol FROM currency WHERE id = ?", currency_id)
        return str(row["symbol"]) if row else ""

    def period(self, day: str) -> Row:
        """The posting period of a stored day."""
        row = self.row("SELECT * FROM accountingperiod WHERE startdate <= ? AND enddate >= ?", day, day)
        if row is None:
            raise Refusal("period_closed", code="MISSING_ACCT_PRD", period=day[:7])
        return row

    def require_open_period(self, day: str) -> int:
        period = self.period(day)
        if period["closed"] == "T":
            raise Refusal("period_closed", period=period["periodname"])
        return int(period["id"])

    def insert_transaction(self, kind: str, values: Mapping[str, object], amount: int) -> int:
        """The record and its main line, with what every kind has; amounts are settled by `settle`."""
        row_id = self.next_id("transaction", FIRST_TRANSACTION)
        common: dict[str, object] = {
            "id": row_id,
            "type": kind,
            "recordtype": TYPES[kind],
            "exchangerate": 1,
            "foreigntotal": SIGNS[kind].total * amount,
            "_amount": amount,
            "posting": "T",
            "voided": "F",
            "createddate": self.now(),
            "lastmodifieddate": self.now(),
        }
        self.insert("transaction", common | dict(values))
        self.insert(
            "transactionline",
            {
                "id": 0,
                "transaction": row_id,
                "linesequencenumber": 0,
                "mainline": "T",
                "taxline": "F",
                "entity": values["entity"],
                "foreignamount": SIGNS[kind].main * amount,
                "netamount": SIGNS[kind].main * amount,
                "memo": values.get("memo"),
                "subsidiary": values["_subsidiary"],
            },
        )
        return row_id

    # ---- balances ----

    def settle(self, row_id: int) -> None:
        """Recompute what is paid or used of one document, and its status, from the applications."""
        document = self.transaction(row_id)
        side = "previousdoc" if document["type"] == "CustInvc" else "nextdoc"
        sql = f"SELECT COALESCE(SUM(foreignamount), 0) AS used FROM nexttransactionlinelink WHERE {side} = ?"
        used = self.rows(sql, row_id)[0]["used"]
        is_void = document["voided"] == "T"
        amount = 0 if is_void else document["_amount"]
        values: dict[str, object] = {"status": self._letter(document, amount, used)}
        if document["type"] == "CustInvc":
            values |= {"foreignamountpaid": used, "foreignamountunpaid": amount - used}
        else:
            values |= {"foreignpaymentamountused": used, "foreignpaymentamountunused": amount - used}
        if is_void and self.guesses.void_zeroes_total:
            values["foreigntotal"] = 0
        self.change("transaction", row_id, values)

    @staticmethod
    def _letter(document: Row, amount: int, used: int) -> str:
        if document["voided"] == "T":
            return "V"
        if document["type"] == "CustPymt":
            return "B" if document["_undeposited"] == "T" else "C"
        if document["approvalstatus"] in (APPROVAL["pending"], APPROVAL["rejected"]):
            return {APPROVAL["pending"]: "D", APPROVAL["rejected"]: "E"}[document["approvalstatus"]]
        return "B" if used == amount else "A"

    def retotal(self, invoice_id: int) -> None:
        """The invoice's amount from its lines; refused when more than that is applied already."""
        sql = """SELECT COALESCE(SUM(foreignamount), 0) AS s FROM transactionline
                 WHERE "transaction" = ? AND mainline = 'F'"""
        amount = SIGNS["CustInvc"].other * self.rows(sql, invoice_id)[0]["s"]
        paid = self.transaction(invoice_id)["foreignamountpaid"]
        if paid > amount:
            raise Refusal("over_due", amount=fixed(paid), doc=invoice_id, due=fixed(amount))
        self.change("transaction", invoice_id, {"_amount": amount, "foreigntotal": amount})
        sql = "UPDATE transactionline SET foreignamount = ?, netamount = ? WHERE \"transaction\" = ? AND mainline = 'T'"
        self.db.execute(sql, (amount, amount, invoice_id))
        self.settle(invoice_id)

    def _open_periods(self) -> None:
        with self.saving():
            for number in range((LAST_PERIOD_YEAR - FIRST_PERIOD_YEAR + 1) * 12):
                first = date(FIRST_PERIOD_YEAR + number // 12, number % 12 + 1, 1)
                last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
                flags = dict.fromkeys(("closed", "alllocked", "arlocked", "isadjust", "isquarter", "isyear"), "F")
                values: dict[str, object] = {
                    "periodname": first.strftime("%b %Y"),
                    "startdate": stored_day(first),
                    "enddate": f"{last.isoformat()} 23:59:59",
                }
                self.insert("accountingperiod", values | flags)
