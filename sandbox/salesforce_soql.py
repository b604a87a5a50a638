"""SOQL, as much of it as a connector needs, read strictly: a query that is not understood here is refused.

    SELECT fields, parent fields and child subqueries, or COUNT()  FROM an object
    WHERE = != < <= > >= IN, NOT IN, LIKE, AND, OR, NOT, parentheses  ORDER BY fields ASC|DESC NULLS FIRST|LAST  LIMIT n

Source of the grammar and of the words of refusals: Salesforce's SOQL and SOSL Reference. Not imitated: GROUP BY and
other aggregates, date literals such as TODAY, semi-joins, TYPEOF, OFFSET, FOR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

WORDS = frozenset(
    {
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "ORDER",
        "BY",
        "ASC",
        "DESC",
        "NULLS",
        "FIRST",
        "LAST",
    }
) | {"LIMIT", "NULL", "TRUE", "FALSE"}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Malformed(Exception):
    """MALFORMED_QUERY."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a query; `kind` is how it was written: text, date, datetime, number, boolean or null."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Compare:
    path: str
    sign: str  # = != < <= > >= LIKE IN, NOT IN
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """AND or OR of its parts; NOT has one part."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compare | Group


@dataclass(frozen=True, slots=True)
class Order:
    path: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT; `source` is an object, or in a subquery the name of a child relationship."""

    fields: tuple[str | Query, ...]
    source: str
    counts: bool = False
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """The query; Malformed says which token is not understood."""
    reader = _Reader(text)
    query = reader.query(inner=False)
    reader.end()
    return query


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, word: str) -> bool:
        kind, text = self._peek()
        return (kind == "name" and text.upper() == word) or (kind == "sign" and text == word)

    def _take(self, word: str) -> bool:
        found = self._is(word)
        self._at += found
        return found

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected(f"expecting {word}")

    def _name(self) -> str:
        kind, text = self._peek()
        if kind != "name" or text.upper() in WORDS:
            raise self._unexpected("expecting a name")
        self._at += 1
        return text

    def _unexpected(self, more: str = "") -> Malformed:
        kind, text = self._peek()
        where = "<EOF>" if kind == "end" else f"'{text}'"
        return Malformed(f"unexpected token: {where}" + (f" ({more})" if more else ""))

    def end(self) -> None:
        if self._peek()[0] != "end":
            raise self._unexpected()

    # -- grammar -------------------------------------------------------------------------------------------------------

    def query(self, inner: bool) -> Query:
        self._need("SELECT")
        fields: list[str | Query] = []
        counts = False
        if self._is("COUNT"):
            self._next()
            self._need("(")
            self._need(")")
            counts = True
        else:
            fields.append(self._field(inner))
            while self._take(","):
                fields.append(self._field(inner))
        self._need("FROM")
        source = self._name()
        where = self._either() if self._take("WHERE") else None
        return Query(tuple(fields), source, counts, where, self._ordering(), self._limit())

    def _field(self, inner: bool) -> str | Query:
        if not inner and self._take("("):
            found = self.query(inner=True)
            self._need(")")
            return found
        return self._name()

    def _ordering(self) -> tuple[Order, ...]:
        if not self._take("ORDER"):
            return ()
        self._need("BY")
        found = [self._order()]
        while self._take(","):
            found.append(self._order())
        return tuple(found)

    def _order(self) -> Order:
        path = self._name()
        descending = self._take("DESC")
        if not descending:
            self._take("ASC")
        nulls_last = False
        if self._take("NULLS"):
            nulls_last = self._take("LAST")
            if not nulls_last:
                self._need("FIRST")
        return Order(path, descending, nulls_last)

    def _limit(self) -> int | None:
        if not self._take("LIMIT"):
            return None
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise Malformed(f"unexpected token: '{text}' (expecting a number of rows)")
        return int(text)

    def _either(self) -> Condition:
        """Conditions on one level are joined by AND or by OR alone; a mixture needs parentheses, as in Salesforce."""
        parts = [self._one()]
        word = ""
        while self._is("AND") or self._is("OR"):
            found = self._next()[1].upper()
            if word and found != word:
                raise Malformed(f"unexpected token: {found} (put parentheses around conditions joined by {word})")
            word = found
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _one(self) -> Condition:
        if self._take("NOT"):
            return Group("NOT", (self._one(),))
        if self._take("("):
            found = self._either()
            self._need(")")
            return found
        path = self._name()
        if self._take("NOT"):
            self._need("IN")
            return Compare(path, "NOT IN", self._list())
        if self._take("IN"):
            return Compare(path, "IN", self._list())
        if self._take("LIKE"):
            return Compare(path, "LIKE", (self._literal(),))
        kind, sign = self._peek()
        if kind != "sign" or sign in "(),":
            raise self._unexpected("expecting a comparison")
        self._next()
        return Compare(path, "!=" if sign == "<>" else sign, (self._literal(),))

    def _list(self) -> tuple[Literal, ...]:
        self._need("(")
        found = [self._literal()]
        while self._take(","):
            found.append(self._literal())
        self._need(")")
        return tuple(found)

    def _literal(self) -> Literal:
        kind, text = self._peek()
        word = text.upper()
        if kind == "name" and word in ("TRUE", "FALSE", "NULL"):
            self._next()
            return Literal("null", None) if word == "NULL" else Literal("boolean", word == "TRUE")
        if kind in ("text", "date", "datetime", "number"):
            self._next()
            try:
                return Literal(kind, _VALUES[kind](text))
            except ValueError:
                raise Malformed(f"unexpected token: '{text}' (no such {kind})") from None
        raise self._unexpected("expecting a value")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise Malformed(f"unexpected token: '{text[position:].split()[0]}'")
        position = found.end()
        yield str(found.lastgroup), str(found[str(found.lastgroup)])
    yield "end", ""


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), quoted[1:-1])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_VALUES: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "date": date.fromisoformat,
    "datetime": _instant,
    "number": float,
}


def like(pattern: str) -> re.Pattern[str]:
    """SOQL's LIKE: % is any text, _ one character, and case doesn't count."""
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.IGNORECASE | re.DOTALL)
