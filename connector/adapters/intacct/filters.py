"""Conditions of a query, as values (the XSD of the `query` function in Sage's XML reference).

Values of a list of choices are its labels here ("Posted"), never the letters that the database keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.xmltext import Node, node

# A filter takes 1,000 values; shorter questions are answered sooner.
IDS_PER_QUERY = 500


def equal(field: str, value: str) -> Node:
    return _one("equalto", field, value)


def differs(field: str, value: str) -> Node:
    """Not this value. Whether an empty field differs is not documented: add `is_null` where it matters."""
    return _one("notequalto", field, value)


def greater(field: str, value: str) -> Node:
    return _one("greaterthan", field, value)


def at_least(field: str, value: str) -> Node:
    return _one("greaterthanorequalto", field, value)


def less(field: str, value: str) -> Node:
    return _one("lessthan", field, value)


def at_most(field: str, value: str) -> Node:
    return _one("lessthanorequalto", field, value)


def between(field: str, first: str, last: str) -> Node:
    """From the first to the last, both included."""
    return node("between", node("field", field), node("value", first), node("value", last))


def within(field: str, values: Sequence[str]) -> Node:
    """One of these, at least one and at most VALUES_MAX of them."""
    if not 1 <= len(values) <= VALUES_MAX:
        raise ValueError(f"{field} in {len(values)} values; a filter takes 1 to {VALUES_MAX}")
    return node("in", node("field", field), *(node("value", value) for value in values))


def like(field: str, pattern: str) -> Node:
    """% stands for any text. Whether `_` stands for any character is not documented: check what comes back."""
    return _one("like", field, pattern)


def is_null(field: str) -> Node:
    return node("isnull", node("field", field))


def is_not_null(field: str) -> Node:
    return node("isnotnull", node("field", field))


def both(*conditions: Node) -> Node:
    """All of these; one stands by itself, since the gateway wants two or more in an `and`."""
    return _joined("and", conditions)


def either(*conditions: Node) -> Node:
    """At least one of these."""
    return _joined("or", conditions)


def _one(operator: str, field: str, value: str) -> Node:
    return node(operator, node("field", field), node("value", value))


def _joined(word: str, conditions: tuple[Node, ...]) -> Node:
    if not conditions:
        raise ValueError(f"an empty `{word}` is no condition")
    return conditions[0] if len(conditions) == 1 else Node(word, conditions)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents are ours to read."""

    mapping: IntacctMapping

    def ours(self) -> list[Node]:
        """Documents of the entities that the mapping names, and those of the top level; of all where it names none."""
        named = sorted(self.mapping.entities)
        return [either(within("MEGAENTITYID", named), is_null("MEGAENTITYID"))] if named else []

    def owing(self, than: Callable[[str, str], Node]) -> Node:
        """Something is due, or selected by a draft where that is no longer due. `than`: what it is compared by."""
        if self.mapping.facts.total_due_counts_selected:
            return than("TRX_TOTALDUE", "0")
        return either(than("TRX_TOTALDUE", "0"), than("TRX_TOTALSELECTED", "0"))
