"""SuiteQL on SQLite: an Oracle-flavoured SELECT is taken apart, held against the catalogue, rewritten and run.

What passes here proves nothing about a real account: functions are on a short list, tables and columns are those of
catalogue.py. What is not understood is refused, never guessed (QueryRefused, which becomes HTTP 400).
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.transforms import eliminate_join_marks

from sandbox.netsuite.amounts import PLACES, shortest, units
from sandbox.netsuite.answers import (
    APPROVAL,
    QUERY_PERMISSION,
    STATUS_WORDS,
    TABLE_PERMISSIONS,
    TYPE_PERMISSIONS,
    TYPE_WORDS,
)
from sandbox.netsuite.books import Books
from sandbox.netsuite.catalogue import Column, Kind
from sandbox.netsuite.rewriting import Rewriter, oracle_format


class QueryRefused(Exception):
    """The query can't be run here; the text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    total: int
    rows: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A query ready to run. `params` counts its question marks; `page` takes :ns_limit and :ns_offset."""

    page: str
    count: str
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    params: int


class Queries:
    """Runs queries on the books; call it with the books' lock held."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._plans: dict[tuple[str, int], Plan] = {}
        self._random = random.Random(0)
        db = books.db
        db.execute("PRAGMA case_sensitive_like = ON")
        db.create_function("ns_now", 0, books.now)
        db.create_function("ns_shuffle", 0, lambda: self._random.random())
        functions: dict[str, tuple[int, Callable[..., str | int | float | None]]] = {
            "ns_units": (1, _units),
            "ns_plain": (1, _plain),
            "ns_round": (2, _round),
            "ns_to_char": (2, _to_char),
            "ns_to_date": (2, _to_date),
            "ns_user_date": (1, self._user_date),
            "ns_add_days": (2, _add_days),
            "ns_days_between": (2, _days_between),
            "ns_status": (2, _status_words),
            "ns_type": (1, lambda kind: TYPE_WORDS.get(kind)),
            "ns_approval": (1, _approval_words),
        }
        for name, (count, function) in functions.items():
            db.create_function(name, count, function, deterministic=True)

    def page(self, text: str, params: Sequence[object], limit: int, offset: int, chance: random.Random) -> Found:
        """One page. Rows that ORDER BY leaves equal come in an order drawn from `chance`."""
        plan = self._plan(text)
        if len(params) != plan.params:
            raise QueryRefused(f"the query has {plan.params} parameters, {len(params)} were given")
        bound: dict[str, object] = {f"p{number}": _bindable(value) for number, value in enumerate(params, start=1)}
        self._random = chance
        try:
            rows = self._books.db.execute(plan.page, bound | {"ns_limit": limit, "ns_offset": offset}).fetchall()
            if offset == 0 and len(rows) < limit:
                total = len(rows)
            else:
                total = self._books.db.execute(plan.count, bound).fetchone()[0]
        except sqlite3.Error as problem:
            raise QueryRefused(str(problem)) from None
        return Found(total, [self._shown(plan, row) for row in rows])

    def _plan(self, text: str) -> Plan:
        key = (text, self._books.catalogue.generation)
        if key not in self._plans:
            if len(self._plans) > 1000:
                self._plans.clear()
            try:
                self._plans[key] = self._translate(text)
            except SqlglotError as problem:
                raise QueryRefused(str(problem).splitlines()[0]) from None
        return self._plans[key]

    # ---- translation ----

    def _translate(self, text: str) -> Plan:
        query = _parsed(text)
        params = _number_params(query)
        if any(column.args.get("join_mark") for column in query.find_all(exp.Column)):
            eliminate_join_marks(query)  # in place
        Rewriter.prepare(query)
        self._check_tables(query)
        schema: dict[str, object] = {
            table: dict.fromkeys(columns, "TEXT") for table, columns in self._shown_tables().items()
        }
        query = qualify(query, schema=schema, dialect="sqlite", quote_identifiers=False, identify=False)
        kinds = Rewriter(self._shown_tables()).rewrite(query)
        names = _names(query)
        self._hide_rows(query)
        return _plan_of(query, names, kinds, params)

    def _shown_tables(self) -> dict[str, Mapping[str, Column]]:
        revoked = self._books.revoked
        if QUERY_PERMISSION in revoked:
            return {}
        shown = self._books.catalogue.shown().items()
        return {name: columns for name, columns in shown if TABLE_PERMISSIONS.get(name, name) not in revoked}

    def _check_tables(self, query: exp.Expr) -> None:
        known = self._shown_tables()
        local = {cte.alias for cte in query.find_all(exp.CTE)}
        for table in query.find_all(exp.Table):
            if table.name not in known and table.name not in local:
                raise QueryRefused(f"Record '{table.name}' was not found.")

    def _hide_rows(self, query: exp.Expr) -> None:
        """A role without the permission for a kind of record doesn't see its rows, and is not told so."""
        hidden = [kind for kind, permission in TYPE_PERMISSIONS.items() if permission in self._books.revoked]
        if not hidden:
            return
        kinds = ", ".join(f"'{kind}'" for kind in hidden)
        shown = f'SELECT * FROM "transaction" WHERE type NOT IN ({kinds})'
        lines = f'SELECT * FROM transactionline WHERE "transaction" IN (SELECT id FROM ({shown}))'
        postings = lines.replace("transactionline", "transactionaccountingline")
        links = (
            f"SELECT * FROM nexttransactionlinelink WHERE nexttype NOT IN ({kinds}) AND previoustype NOT IN ({kinds})"
        )
        sources = {
            "transaction": shown,
            "transactionline": lines,
            "transactionaccountingline": postings,
            "nexttransactionlinelink": links,
        }
        for table in list(query.find_all(exp.Table)):
            if table.name in sources:
                inner = sqlglot.parse_one(sources[table.name], dialect="sqlite")
                table.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(table.alias))))

    # ---- values ----

    def _shown(self, plan: Plan, row: sqlite3.Row) -> dict[str, str]:
        """One row as the service shows it: strings only, nulls and empty strings left out."""
        shown = {}
        for name, kind, value in zip(plan.names, plan.kinds, tuple(row), strict=True):
            if value is None or value == "":
                continue
            if kind is Kind.MONEY:
                shown[name] = shortest(value)
            elif kind is Kind.DATE:
                shown[name] = _to_char(value, self._books.guesses.date_format) or ""
            else:
                shown[name] = format(value, ".15g") if isinstance(value, float) else str(value)
        return shown

    def _user_date(self, text: str | None) -> str | None:
        """A string beside a date must be in the user's format; ISO text there is an error, as in a real account (K)."""
        return _to_date(text, oracle_format(self._books.guesses.date_format))


def _parsed(text: str) -> exp.Query:
    statements = sqlglot.parse(text, dialect="oracle", error_level=ErrorLevel.RAISE)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryRefused("only one SELECT can be run")
    return statements[0]


def _number_params(query: exp.Query) -> int:
    """Give each question mark its number, since rewriting may move it."""
    count = 0
    for node in query.dfs():
        if isinstance(node, exp.Placeholder):
            if node.this:
                raise QueryRefused("parameters are question marks")
            count += 1
            node.set("this", f"p{count}")
    return count


def _names(query: exp.Query) -> tuple[str, ...]:
    names = []
    for number, name in enumerate(query.named_selects, start=1):
        names.append(f"expr{number}" if not name or name.startswith("_col_") else name.lower())  # K
    if len(set(names)) != len(names):
        raise QueryRefused("two columns of the result have the same name: give them aliases")
    return tuple(names)


def _plan_of(query: exp.Query, names: tuple[str, ...], kinds: Sequence[Kind], params: int) -> Plan:
    def sql(node: exp.Expr) -> str:
        return node.sql(dialect="sqlite", identify=True, unsupported_level=ErrorLevel.RAISE)

    order, limited = query.args.get("order"), query.args.get("limit") or query.args.get("offset")
    bare = query.copy()
    if not limited:
        bare.set("order", None)
    count = f"SELECT COUNT(*) FROM ({sql(bare)})"
    if order is None:
        page = f"SELECT * FROM ({sql(query)}) ORDER BY ns_shuffle()"
    elif limited or not isinstance(query, exp.Select) or query.args.get("distinct") or _is_total(query, order):
        page = f"SELECT * FROM ({sql(query)})" if limited else sql(query)
    else:
        order.append("expressions", exp.Ordered(this=exp.Anonymous(this="ns_shuffle")))
        page = sql(query)
    return Plan(f"{page} LIMIT :ns_limit OFFSET :ns_offset", count, names, tuple(kinds), params)


def _is_total(query: exp.Select, order: exp.Order) -> bool:
    """Does ORDER BY name the key of the only table? Otherwise rows that it leaves equal are shuffled."""
    if query.args.get("joins") or query.args.get("group"):
        return False
    aliased = {projection.alias_or_name: projection.unalias() for projection in query.selects}
    for ordered in order.expressions:
        term = ordered.this if ordered.this.table else aliased.get(ordered.this.name)
        if isinstance(term, exp.Column) and term.name in ("id", "uniquekey", "internalid"):
            return True
    return False


def _bindable(value: object) -> object:
    return {True: "T", False: "F"}[value] if isinstance(value, bool) else value


# ---- the functions that SQLite calls ----


def _units(value: str | int | None) -> int | None:
    """A parameter compared with an amount."""
    return None if value is None else units(str(value))


def _plain(value: int | None) -> str | None:
    return None if value is None else shortest(value)


def _round(value: int | None, places: int) -> int | None:
    if value is None:
        return None
    step = int(10 ** max(0, PLACES - places))
    return (abs(value) + step // 2) // step * step * (1 if value >= 0 else -1)


def _to_char(value: str | None, form: str) -> str | None:
    return None if value is None else datetime.fromisoformat(value).strftime(oracle_format(form))


def _to_date(value: str | None, form: str) -> str | None:
    return None if value is None else datetime.strptime(value, form).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ007


def _add_days(value: str | None, days: float | None) -> str | None:
    if value is None or days is None:
        return None
    return str(datetime.fromisoformat(value) + timedelta(days=days))[:19]


def _days_between(later: str | None, earlier: str | None) -> float | None:
    if later is None or earlier is None:
        return None
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(days=1)


def _status_words(kind: str | None, letter: str | None) -> str | None:
    words = STATUS_WORDS.get((kind or "", letter or ""))
    return f"{TYPE_WORDS[kind]} : {words}" if kind and words else None


def _approval_words(number: int | None) -> str | None:
    words = {key: word for word, key in APPROVAL.items()}
    return words[number].capitalize() if number in words else None
