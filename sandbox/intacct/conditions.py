"""A filter as SQL, on the fields that an object really has.

What is compared with NULL is not true, as in the vendor's database: a field that nobody set is found by isnull alone,
and an empty text is NULL. Sources: developer.intacct.com, "Queries" (wildcards of like, case sensitive by default, the
tip on new booleans); dates as in all its samples.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sandbox.intacct.amounts import rounded
from sandbox.intacct.catalogue import Field, ObjectType
from sandbox.intacct.query import Condition, Filter
from sandbox.intacct.refusal import DATA, INVALID, Refusal

DAY, INSTANT = "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"
_STORED_DAY, _STORED_INSTANT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
# Recorded: in one and the same record AUWHENCREATED was seven hours behind WHENMODIFIED.
LOCAL_FIELDS = frozenset({"AUWHENCREATED"})
LOCAL_SHIFT = timedelta(hours=-7)
_SIGNS = {
    "equalto": "=",
    "notequalto": "<>",
    "lessthan": "<",
    "lessthanorequalto": "<=",
    "greaterthan": ">",
    "greaterthanorequalto": ">=",
}
_TRUE, _FALSE = frozenset({"true", "t"}), frozenset({"false", "f"})


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    params: tuple[object, ...] = ()


def teach(db: sqlite3.Connection) -> None:
    """The functions that the SQL of this module needs."""
    db.create_function("is_like", 2, _is_like, deterministic=True)
    db.create_function("folded", 1, _folded, deterministic=True)


def field_of(kind: ObjectType, name: str, *, in_query: bool = True) -> Field:
    """The field of that name, or a Refusal; some fields can be read but not queried."""
    field = kind.fields.get(name)
    if field is None:
        raise Refusal(DATA, f"Field {name} is not found in object {kind.name}.", field=name)
    if in_query and not field.query:
        raise Refusal(INVALID, f"Field {name} of object {kind.name} cannot be queried.", field=name)
    return field


@dataclass(frozen=True, slots=True)
class Where:
    """`letters`: enumerations by the letters of the database, as readByQuery has them, not by their labels."""

    kind: ObjectType
    ignores_case: bool = False
    letters: bool = False

    def sql(self, filter_: Filter | None) -> Sql:
        if filter_ is None:
            return Sql("1")
        if isinstance(filter_, Condition):
            return self._condition(filter_)
        parts = [self.sql(part) for part in filter_.parts]
        params = tuple(param for part in parts for param in part.params)
        if filter_.word == "not":
            return Sql(f"NOT ({parts[0].text})", params)
        return Sql(f" {filter_.word.upper()} ".join(f"({part.text})" for part in parts), params)

    def _condition(self, condition: Condition) -> Sql:
        field = field_of(self.kind, condition.field)
        operator = condition.operator
        if operator in ("isnull", "isnotnull"):
            return Sql(f"{_bare(field)} IS {'NOT ' if operator == 'isnotnull' else ''}NULL")
        values = [self._value(condition, field, text) for text in condition.values]
        if operator in ("like", "notlike"):
            return self._like(condition, field, values[0])
        column = self._folded(field, f"({field.sql})" if operator in ("equalto", "in") else _bare(field))
        marks = ", ".join("?" * len(values))
        if operator == "between":
            return Sql(f"{column} BETWEEN ? AND ?", tuple(values))
        if operator in ("in", "notin"):
            return Sql(f"{column} {'NOT ' if operator == 'notin' else ''}IN ({marks})", tuple(values))
        return Sql(f"{column} {_SIGNS[operator]} ?", tuple(values))

    def _like(self, condition: Condition, field: Field, value: object) -> Sql:
        if field.kind != "text":
            raise Refusal(DATA, f"{condition.operator} compares text, and {condition.field} is none.")
        wanted = "" if condition.operator == "like" else "NOT "
        return Sql(f"{wanted}is_like({self._folded(field, _bare(field))}, ?)", (value,))

    def _folded(self, field: Field, column: str) -> str:
        return f"folded({column})" if self.ignores_case and field.kind == "text" else column

    def _value(self, condition: Condition, field: Field, text: str) -> object:
        if field.kind == "text":
            if not text:
                return None  # an empty text is NULL, and nothing equals that
            return text.casefold() if self.ignores_case else text
        value = self._typed(condition.field, field, text.strip())
        if value is None:
            raise Refusal(DATA, f"{text!r} is not a value for {condition.field}.", field=condition.field)
        return value

    def _typed(self, name: str, field: Field, text: str) -> object:
        """The value as it is stored; None if the field has no such value."""
        match field.kind:
            case "integer":
                return int(text) if re.fullmatch(r"[+-]?\d+", text) else None
            case "money":
                return rounded(text)
            case "decimal":
                return text if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None
            case "boolean":
                return 1 if text.lower() in _TRUE else 0 if text.lower() in _FALSE else None
            case "date":
                return _day(text)
            case "datetime":
                return _instant(name, text)
        letters = {label: letter for letter, label in field.labels.items()}
        return (text if text in field.labels else None) if self.letters else letters.get(text)


def shown_instant(name: str, stored: str) -> str:
    """An instant as answers have it."""
    if name not in LOCAL_FIELDS:
        return f"{shown_day(stored)} {stored[11:19]}"
    return (datetime.fromisoformat(f"{stored}+00:00") + LOCAL_SHIFT).strftime(INSTANT)


def shown_day(stored: str) -> str:
    return f"{stored[5:7]}/{stored[8:10]}/{stored[:4]}"


def numbers(texts: Sequence[str], what: str) -> list[int]:
    """Keys of records; a Refusal for one that can't be one."""
    wrong = [text for text in texts if not re.fullmatch(r"\d+", text)]
    if wrong:
        raise Refusal(DATA, f"{', '.join(wrong)} can't be keys of {what}.", field="keys")
    return [int(text) for text in texts]


def _bare(field: Field) -> str:
    """The column where an empty text is NULL."""
    if field.kind == "decimal":
        return f"CAST(({field.sql}) AS NUMERIC)"
    return f"NULLIF(({field.sql}), '')" if field.kind == "text" else f"({field.sql})"


def _day(text: str) -> str | None:
    found = _parsed(text, DAY)
    return None if found is None else found.strftime(_STORED_DAY)


def _instant(name: str, text: str) -> str | None:
    found = _parsed(text, INSTANT) or _parsed(text, DAY)
    if found is None:
        return None
    return (found - LOCAL_SHIFT if name in LOCAL_FIELDS else found).strftime(_STORED_INSTANT)


def _parsed(text: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(text, shape).replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_like(text: object, pattern: str | None) -> int | None:
    if text is None or pattern is None:
        return None
    return int(_pattern(pattern).fullmatch(str(text)) is not None)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(sign) or re.escape(sign) for sign in pattern), re.DOTALL)


def _folded(text: object) -> str | None:
    return None if text is None else str(text).casefold()
