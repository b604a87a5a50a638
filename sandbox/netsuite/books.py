"""The books of the false account: one in-memory SQLite, the same data behind SOAP and SuiteQL.

Amounts are integer units (amounts.py). Every change is one commit under `lock` and gets its place in the world's
order from `sequence`. What persons do in the account is in people.py, what applies to what in applying.py.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from sandbox.netsuite.amounts import decimals, fixed
from sandbox.netsuite.answers import APPLIED, APPROVAL, DEPOSITED, ROLE_LIMITS, SIGNS, Guesses, Level, Refusal
from sandbox.netsuite.catalogue import DISCOUNT, Catalogue
from sandbox.netsuite.ledger import RATES, Head, Ledger, Leg
from sandbox.netsuite.periods import Periods
from sandbox.netsuite.terms import refresh

Row = sqlite3.Row
CURRENCY_NAMES = {
    "USD": "US Dollar",
    "EUR": "Euro",
    "GBP": "British pound",
    "CAD": "Canadian Dollar",
    "JPY": "Yen",
    "KWD": "Kuwaiti Dinar",
}
FIRST_TRANSACTION = 5001
TYPES = {
    "CustInvc": "invoice",
    "CustPymt": "customerpayment",
    "CustCred": "creditmemo",
    "CustRfnd": "customerrefund",
    "Deposit": "deposit",
    "Journal": "journalentry",
}


def stored_day(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()} 00:00:00"


class Books:
    """Customers, documents and what they post, custom records and periods."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses) -> None:
        self.clock = clock
        self.sequence = sequence
        self.guesses = guesses
        self.lock = threading.RLock()
        self.catalogue = Catalogue(frozenset() if guesses.query_shows_discount else DISCOUNT)
        self.revoked: set[str] = set()
        self.limits: dict[str, Level] = dict(ROLE_LIMITS)
        self._depth = 0
        self.last_deleted: dict[str, int] = {}  # the highest id of each table that once was
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None, cached_statements=512)
        self.db.row_factory = sqlite3.Row
        self.catalogue.create(self.db)
        self.ledger = Ledger(self)
        self.periods = Periods(self)

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
        """An id that no record ever had, deleted ones included."""
        row = self.db.execute(f'SELECT MAX(id) FROM "{table}"').fetchone()
        return max(first, (row[0] or 0) + 1, self.last_deleted.get(table, 0) + 1)

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
        values = {"name": name, "symbol": symbol, "isinactive": "F", "exchangerate": RATES.get(symbol, "1")}
        with self.saving():
            return self.insert("currency", values | {"currencyprecision": decimals(symbol)})

    def symbol(self, currency_id: int) -> str:
        row = self.row("SELECT symbol FROM currency WHERE id = ?", currency_id)
        return str(row["symbol"]) if row else ""

    def allows(self, permission: str, level: Level) -> bool:
        """May the integration's role do this much? People may do everything."""
        return permission not in self.revoked and level <= self.limits.get(permission, Level.FULL)

    def insert_transaction(
        self, kind: str, values: Mapping[str, object], amount: int, legs: Sequence[Leg], *, main_absorbs: bool = False
    ) -> int:
        """The record with its lines, the main line first; what is paid or used of it is settled by `settle`."""
        row_id = self.next_id("transaction", FIRST_TRANSACTION)
        now = self.now()
        common: dict[str, object] = {
            "id": row_id,
            "type": kind,
            "recordtype": TYPES[kind],
            "exchangerate": "1",
            "foreigntotal": SIGNS[kind].total * amount,
            "_amount": amount,
            "posting": "T",
            "voided": "F",
            "createddate": now,
            "lastmodifieddate": now,
        }
        everything = common | dict(values)
        self.insert("transaction", everything)
        rate = Decimal(str(everything["exchangerate"]))
        entity, currency, subsidiary = (everything.get(name) for name in ("entity", "currency", "_subsidiary"))
        head = Head(cast(int, currency), rate, cast(int, subsidiary), cast("int | None", entity))
        self.ledger.post(row_id, head, legs, main_absorbs=main_absorbs)
        return row_id

    def link(
        self,
        previous: Row,
        following: Row,
        amount: int,
        kind: str = APPLIED,
        sequence: int | None = None,
        *,
        discount: int | None = None,
        payment: int | None = None,
    ) -> None:
        """What was applied to what, or (DEPOSITED) which payment lies in which deposit, or (CREDITED) which memo was
        made from which invoice. `discount` is part of the amount; `payment` is the one that a memo was used with."""
        self.insert(
            "nexttransactionlinelink",
            {
                "previousdoc": previous["id"],
                "previousline": 0,
                "previoustype": previous["type"],
                "nextdoc": following["id"],
                "nextline": 0,
                "nexttype": following["type"],
                "linktype": kind,
                "foreignamount": amount,
                "_sequence": sequence,
                "_discount": discount,
                "_payment": payment,
            },
        )

    def deposit_of(self, payment_id: int) -> int | None:
        """The deposit that a payment lies in."""
        sql = "SELECT nextdoc FROM nexttransactionlinelink WHERE previousdoc = ? AND linktype = ?"
        row = self.row(sql, payment_id, DEPOSITED)
        return int(row["nextdoc"]) if row else None

    # ---- balances ----

    def receivable_debit(self, journal_id: int) -> Row | None:
        """The line of a journal that a payment can be applied to: the only one that raised what a customer owes."""
        sql = 'SELECT * FROM transactionline WHERE "transaction" = ? AND foreignamountunpaid IS NOT NULL'
        lines = self.rows(sql, journal_id)
        return lines[0] if len(lines) == 1 else None

    def owed(self, document: Row) -> int:
        """What is still due of an invoice, or of the receivables line of a journal."""
        if document["type"] != "Journal":
            return int(document["foreignamountunpaid"])
        line = self.receivable_debit(document["id"])
        return int(line["foreignamountunpaid"]) if line else 0

    def settle(self, row_id: int) -> None:
        """Recompute what is paid or used of one document, and its status, from the applications."""
        document = self.transaction(row_id)
        # An invoice is always the earlier of the two; a payment or memo is that only to a refund. A discount settles an
        # invoice and uses up nothing of the payment.
        part = "foreignamount - COALESCE(_discount, 0)" if document["type"] == "CustPymt" else "foreignamount"
        sql = f"""SELECT COALESCE(SUM({part}), 0) AS used FROM nexttransactionlinelink
                  WHERE (previousdoc = ? OR nextdoc = ?) AND linktype = ?"""
        used = self.rows(sql, row_id, row_id, APPLIED)[0]["used"]
        is_void = document["voided"] == "T"
        amount = 0 if is_void else document["_amount"]
        values: dict[str, object] = {"status": self._letter(document, amount, used)}
        if document["type"] == "CustInvc":
            values |= {"foreignamountpaid": used, "foreignamountunpaid": amount - used}
        elif document["type"] in ("CustPymt", "CustCred"):
            values |= {"foreignpaymentamountused": used, "foreignpaymentamountunused": amount - used}
        if document["type"] == "Journal":
            self._settle_journal(row_id)
        is_closed = document["type"] not in ("Deposit", "Journal") and used == amount
        if is_closed or document["closedate"]:
            values["closedate"] = self._closed_on(document) if is_closed else None
        if is_void and self.guesses.void_zeroes_total:
            values["foreigntotal"] = 0
        self.change("transaction", row_id, values)

    def _settle_journal(self, row_id: int) -> None:
        """A journal's open amounts stand on its lines of receivables: what it debits is paid by others, what it credits
        pays others. Only one with a single such line is applied."""
        for column, amount, side in (
            ("foreignamountunpaid", "foreignamount", "previousdoc"),
            ("foreignpaymentamountunused", "-foreignamount", "nextdoc"),
        ):
            sql = f"""UPDATE transactionline SET {column} = {amount} - (
                          SELECT COALESCE(SUM(k.foreignamount), 0) FROM nexttransactionlinelink k
                          WHERE k.{side} = ? AND k.linktype = ?)
                      WHERE "transaction" = ? AND {column} IS NOT NULL"""
            self.db.execute(sql, (row_id, APPLIED, row_id))

    def _closed_on(self, document: Row) -> str:
        """The day of the last document that took part in closing this one (K: that it is not today)."""
        sql = """SELECT MAX(t.trandate) AS last FROM nexttransactionlinelink l
                 JOIN "transaction" t ON t.id IN (l.previousdoc, l.nextdoc)
                 WHERE (l.previousdoc = ? OR l.nextdoc = ?) AND l.linktype = ?"""
        last = self.rows(sql, document["id"], document["id"], APPLIED)[0]["last"]
        return str(max(filter(None, (last, document["trandate"]))))

    def _letter(self, document: Row, amount: int, used: int) -> str:
        kind = document["type"]
        if document["voided"] == "T":
            return "V"
        if kind in ("Deposit", "Journal", "CustRfnd"):
            return "Y" if kind == "Deposit" else "B"
        if kind == "CustPymt":
            waits = document["_undeposited"] == "T" and self.deposit_of(document["id"]) is None
            return "B" if waits else "C"
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
        self.ledger.repost_lines(self.transaction(invoice_id))
        refresh(self, self.transaction(invoice_id))
        self.settle(invoice_id)
