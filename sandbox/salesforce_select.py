"""A SOQL query on the organisation's records: what it sees, what it refuses, and how its rows look.

Every field, parent and child of a query is looked up before any row is, so that a query is refused with no rows too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.salesforce_org import Org, Refused, stamp
from sandbox.salesforce_schema import API_VERSION, Field, Json, Kind
from sandbox.salesforce_soql import Compare, Condition, Group, Literal, Order, Query, like

# The literals that a kind of field takes; all others take text in quotes.
_LITERALS = {kind: (kind, "should not be enclosed in quotes") for kind in ("boolean", "date", "datetime")}
_LITERALS["currency"] = ("number", "should not be enclosed in quotes")


class Selection:
    """Queries on one organisation."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def rows(self, query: Query, with_deleted: bool = False) -> list[Json]:
        """The rows of a query; one empty row for each that COUNT() counts."""
        kind = self._org.visible(query.source)
        if kind is None:
            raise Refused("INVALID_TYPE", _no_object(query.source))
        return self._rows(kind, query, list(self._org.records[kind.name].values()), with_deleted)

    def _rows(self, kind: Kind, query: Query, rows: Iterable[Json], with_deleted: bool) -> list[Json]:
        readers = [self._reader(kind, one, with_deleted) for one in query.fields]
        fits = self._test(kind, query.where) if query.where else lambda row: True
        orders = [(order, self._path(kind, order.path)[1]) for order in query.order]
        found = [row for row in rows if (with_deleted or not row["IsDeleted"]) and fits(row)]
        for order, read in reversed(orders):
            _sort(found, order, read)
        found = found[: query.limit]
        if query.counts:
            return [{} for _ in found]
        return [self._shown(kind, row, readers) for row in found]

    def _shown(self, kind: Kind, row: Json, readers: list[Callable[[Json, Json], None]]) -> Json:
        shown = {"attributes": _attributes(kind, row)}
        for read in readers:
            read(row, shown)
        return shown

    def _reader(self, kind: Kind, wanted: str | Query, with_deleted: bool) -> Callable[[Json, Json], None]:
        """Puts one selected thing into the answer: a field, a field of a parent, or a child subquery."""
        if isinstance(wanted, Query):
            return self._child_reader(kind, wanted, with_deleted)
        field, _ = self._path(kind, wanted)
        *parents, _name = wanted.split(".")

        def read(row: Json, shown: Json) -> None:
            at, holder = kind, row
            for relationship in parents:
                pointer = at.parent(relationship)
                assert pointer is not None and pointer.parent is not None
                name, to = pointer.parent
                above = self._org.records[to].get(holder[pointer.name] or "")
                if above is None:
                    shown.setdefault(name, None)
                    return
                at, holder = self._org.kinds[to], above
                shown = shown.setdefault(name, {"attributes": _attributes(at, above)})
            shown[field.name] = holder[field.name]

        return read

    def _child_reader(self, kind: Kind, query: Query, with_deleted: bool) -> Callable[[Json, Json], None]:
        name = next((one for one in kind.children if one.lower() == query.source.lower()), "")
        child = self._org.visible(kind.children[name][0]) if name else None
        if child is None:
            raise Refused(
                "INVALID_TYPE",
                f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom relationship name.",
            )
        pointer = kind.children[name][1]
        self._rows(child, query, [], with_deleted)  # what is wrong with the query is said even where there are no rows

        by_parent: dict[str, list[Json]] = {}
        for one in self._org.records[child.name].values():
            by_parent.setdefault(one[pointer], []).append(one)

        def read(row: Json, shown: Json) -> None:
            found = self._rows(child, query, by_parent.get(row["Id"], ()), with_deleted)
            shown[name] = {"totalSize": len(found), "done": True, "records": found} if found else None

        return read

    def _test(self, kind: Kind, condition: Condition) -> Callable[[Json], bool]:
        if isinstance(condition, Group):
            tests = [self._test(kind, part) for part in condition.parts]
            if condition.word == "NOT":
                return lambda row: not tests[0](row)
            joined = all if condition.word == "AND" else any
            return lambda row: joined(test(row) for test in tests)
        field, read = self._path(kind, condition.path)
        compare = _comparison(field, condition)
        return lambda row: compare(read(row))

    def _path(self, kind: Kind, path: str) -> tuple[Field, Callable[[Json], Any]]:
        """A field of the record or, over its parents, of another one; INVALID_FIELD if it can't be seen."""
        *parents, name = path.split(".")
        at, steps = kind, list[tuple[str, str]]()
        for relationship in parents:
            pointer = at.parent(relationship)
            above = pointer.parent[1] if pointer and pointer.parent else ""
            if pointer is None or self._org.is_hidden(at, pointer) or self._org.visible(above) is None:
                raise Refused(
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{relationship}' in field path. If you are attempting to use a "
                    "custom relationship, be sure to append the '__r' after the custom relationship name.",
                )
            steps.append((pointer.name, above))
            at = self._org.kinds[above]
        field = at.find(name)
        if field is None or self._org.is_hidden(at, field):
            raise Refused("INVALID_FIELD", _no_column(name, at.name))

        def read(row: Json) -> Any:
            for pointer_name, to in steps:
                above = self._org.records[to].get(row[pointer_name] or "")
                if above is None:
                    return None
                row = above
            return row[field.name]

        return field, read


def _attributes(kind: Kind, row: Json) -> Json:
    return {"type": kind.name, "url": f"/services/data/v{API_VERSION}/sobjects/{kind.name}/{row['Id']}"}


def _no_object(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def _no_column(name: str, object: str) -> str:
    return (
        f"No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )


def _comparison(field: Field, condition: Compare) -> Callable[[Any], bool]:
    wanted = [_wanted(field, one) for one in condition.values]
    sign, first = condition.sign, wanted[0]
    if sign in ("IN", "NOT IN"):
        return lambda value: (_comparable(field, value) in wanted) == (sign == "IN")
    if sign == "LIKE":
        if not isinstance(first, str):
            raise Refused("INVALID_FIELD", f"invalid operator on field '{field.name}'")
        pattern = like(first)
        return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
    if sign in ("=", "!="):
        return lambda value: (_comparable(field, value) == first) == (sign == "=")
    if first is None or field.kind == "boolean":
        raise Refused("INVALID_FIELD", f"invalid operator on field '{field.name}'")
    return lambda value: value is not None and _ordered(sign, _comparable(field, value), first)


def _ordered(sign: str, value: Any, wanted: Any) -> bool:
    if sign in ("<", "<="):
        return bool(value < wanted) or (sign == "<=" and bool(value == wanted))
    return bool(value > wanted) or (sign == ">=" and bool(value == wanted))


def _wanted(field: Field, literal: Literal) -> Any:
    """The literal as this field's values are compared; a kind of literal that the field doesn't take is refused."""
    if literal.kind == "null":
        return None
    kind, words = _LITERALS.get(field.kind, ("text", "should be enclosed in quotes"))
    if literal.kind != kind:
        raise Refused(
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {field.kind} and {words}",
        )
    if field.kind in ("id", "reference") and len(literal.value) not in (15, 18):
        raise Refused("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
    if kind == "date":
        return literal.value.isoformat()
    if kind == "datetime":
        return stamp(literal.value)
    return _comparable(field, literal.value)


def _comparable(field: Field, value: Any) -> Any:
    """Text is compared without regard to case, ids by their first 15 characters with it."""
    if not isinstance(value, str) or field.kind in ("date", "datetime"):
        return value
    return value[:15] if field.kind in ("id", "reference") else value.lower()


def _sort(rows: list[Json], order: Order, read: Callable[[Json], Any]) -> None:
    """Stable, so that several keys can be sorted one after another; what is empty comes first unless said otherwise."""
    empty = [row for row in rows if read(row) is None]
    full = sorted((row for row in rows if read(row) is not None), key=read, reverse=order.descending)
    rows[:] = [*full, *empty] if order.nulls_last else [*empty, *full]
