"""The condition of readByQuery: a text as SQL has it, taken apart.

Source: developer.intacct.com, "Queries", using readByQuery: the operators, the escaped apostrophe, no joins.
"""

from __future__ import annotations

import re

from sandbox.intacct.query import Condition, Filter, Group
from sandbox.intacct.refusal import DATA, Refusal

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:\\.|[^'\\])*') |
        (?P<sign><=|>=|=|<|>|\(|\)|,) |
        (?P<word>[A-Za-z0-9_.\-+]+)
    )""",
    re.VERBOSE,
)
_SIGNS = {
    "=": "equalto",
    "<": "lessthan",
    "<=": "lessthanorequalto",
    ">": "greaterthan",
    ">=": "greaterthanorequalto",
}
_NEGATED = {"like": "notlike", "in": "notin"}


def read_condition(text: str) -> Filter | None:
    """None for an empty text: all records. A Refusal for what can't be taken apart."""
    return _Reader(text).whole() if text.strip() else None


class _Reader:
    """Recursive descent; `not` binds tighter than `and`, `and` tighter than `or`."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def whole(self) -> Filter:
        found = self._either()
        if self._place < len(self._tokens):
            raise _unclear(self._tokens[self._place])
        return found

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._skip("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Group("or", tuple(parts))

    def _both(self) -> Filter:
        parts = [self._one()]
        while self._skip("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def _one(self) -> Filter:
        if self._skip("not"):
            return Group("not", (self._one(),))
        if self._skip("("):
            inner = self._either()
            self._need(")")
            return inner
        return self._condition()

    def _condition(self) -> Filter:
        field = self._next()
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", field):
            raise _unclear(field)
        if self._skip("is"):
            is_not = self._skip("not")
            self._need("null")
            return Condition("isnotnull" if is_not else "isnull", field)
        is_negated = self._skip("not")
        word = self._next().lower()
        if word in _NEGATED:
            operator = _NEGATED[word] if is_negated else word
            return Condition(operator, field, self._list() if word == "in" else (self._value(),))
        if word not in _SIGNS or is_negated:
            raise _unclear(word)
        return Condition(_SIGNS[word], field, (self._value(),))

    def _list(self) -> tuple[str, ...]:
        self._need("(")
        values = [self._value()]
        while self._skip(","):
            values.append(self._value())
        self._need(")")
        return tuple(values)

    def _value(self) -> str:
        token = self._next()
        if token in _SIGNS or token in "(),":
            raise _unclear(token)
        return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith("'") else token

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            raise _unclear("its end")
        self._place += 1
        return self._tokens[self._place - 1]

    def _skip(self, word: str) -> bool:
        is_there = self._place < len(self._tokens) and self._tokens[self._place].lower() == word
        self._place += is_there
        return is_there

    def _need(self, word: str) -> None:
        if not self._skip(word):
            raise _unclear(self._tokens[self._place] if self._place < len(self._tokens) else "its end")


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise _unclear(text[place : place + 20])
        found.append(match[match.lastgroup or 0])
        place = match.end()
    return found


def _unclear(where: str) -> Refusal:
    return Refusal(DATA, f"The query can't be understood at {where}.", field="query")
