"""What reading functions answer: query, read, readByName, readByQuery with readMore.

Each query is a fresh look at the books: no snapshot, and without orderby the order differs from call to call. Sources:
developer.intacct.com, "Queries" and "Records"; tags in lower case in what readByQuery answers are recorded.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from lxml import etree

from sandbox.intacct.books import Who
from sandbox.intacct.catalogue import Field, ObjectType
from sandbox.intacct.conditions import Where, field_of, numbers, shown_day, shown_instant, teach
from sandbox.intacct.control_ids import DoorGuesses
from sandbox.intacct.envelope import Element, text_of
from sandbox.intacct.legacy_query import read_condition
from sandbox.intacct.query import Query, Selected, read_query
from sandbox.intacct.refusal import DATA, Refusal, refused
from sandbox.intacct.writing import Writing

KEYS_MAX, LEGACY_PAGE_MAX = 100, 1000
RESULTS_KEPT = 200
_PRIME = 1_000_003
# A condition on what may be seen, and its parameters.
Seen = tuple[str, tuple[object, ...]]
EVERYTHING: Seen = ("1", ())


@dataclass(slots=True)
class _Result:
    """What a readByQuery found and readMore has not shown yet."""

    kind: ObjectType
    fields: tuple[str, ...]
    keys: list[int]
    total: int
    page_size: int


class Reads:
    """The reading functions on one company's books; use it under the books' lock."""

    def __init__(self, books: Writing, guesses: DoorGuesses) -> None:
        self._books = books
        self._guesses = guesses
        self._asked = 0
        self._results: OrderedDict[str, _Result] = OrderedDict()
        teach(books.db)

    # ---- query ----

    def query(self, element: Element, who: Who, *, hides: bool = False) -> Element:
        """`hides`: a permission was lost, every third row can't be seen, and nothing says so."""
        asked = read_query(element)
        kind = self._seen_by(who, asked.object)
        self._asked += 1
        total, rows = self._groups(asked, kind, who) if asked.is_aggregate else self._page(asked, kind, who)
        if hides:
            kept = [row for number, row in enumerate(rows, start=1) if number % 3]
            total, rows = total - len(rows) + len(kept), kept
        data = etree.Element("data", listtype=kind.name, totalcount=str(total), offset=str(asked.offset))
        data.set("count", str(len(rows)))
        data.set("numremaining", str(max(0, total - asked.offset - len(rows))))
        for row in rows:
            record = etree.SubElement(data, kind.name)
            for one, value in zip(asked.select, row, strict=True):
                field = field_of(kind, one.field)
                etree.SubElement(record, one.tag).text = _shown(one, field, value) or None
        return data

    def _page(self, asked: Query, kind: ObjectType, who: Who) -> tuple[int, list[tuple[object, ...]]]:
        where, params = self._where(asked, kind, who)
        columns = ", ".join(f"({field_of(kind, one.field).sql})" for one in asked.select)
        orders = [f"({field_of(kind, order.field).sql}) {_way(order.descending)}" for order in asked.orders]
        if not asked.orders or asked.orders[0].field != kind.key:
            # The order of what orderby leaves open differs from call to call, and is the same in every run.
            orders.append(f"(({kind.fields[kind.key].sql}) * {1 + self._asked * 104_729 % (_PRIME - 1)}) % {_PRIME}")
        total = self._books.rows(f"SELECT COUNT(*) FROM {kind.source_sql} WHERE {where}", *params)[0][0]
        sql = f"SELECT {columns} FROM {kind.source_sql} WHERE {where} ORDER BY {', '.join(orders)} LIMIT ? OFFSET ?"
        return total, [tuple(row) for row in self._books.rows(sql, *params, asked.page_size, asked.offset)]

    def _groups(self, asked: Query, kind: ObjectType, who: Who) -> tuple[int, list[tuple[object, ...]]]:
        """One row for each combination of the plain fields; orderby may name these alone."""
        where, params = self._where(asked, kind, who)
        plain = [f"({field_of(kind, one.field).sql})" for one in asked.select if not one.aggregate]
        columns = ", ".join(_column(one, field_of(kind, one.field)) for one in asked.select)
        sql = f"SELECT {columns} FROM {kind.source_sql} WHERE {where}"
        sql += f" GROUP BY {', '.join(plain)}" if plain else ""
        orders = [f"({field_of(kind, order.field).sql}) {_way(order.descending)}" for order in asked.orders]
        if any(order.field not in {one.field for one in asked.select if not one.aggregate} for order in asked.orders):
            raise Refusal(DATA, "orderby names a field that select does not group by.", field="orderby")
        rows = [
            tuple(row) for row in self._books.rows(sql + (f" ORDER BY {', '.join(orders)}" if orders else ""), *params)
        ]
        if not orders:
            random.Random(self._asked).shuffle(rows)
        return len(rows), rows[asked.offset : asked.offset + asked.page_size]

    def _where(self, asked: Query, kind: ObjectType, who: Who) -> tuple[str, tuple[object, ...]]:
        found = Where(kind, asked.ignores_case).sql(asked.where)
        seen, entities = _seen(kind, who, shows_private=asked.shows_private)
        return f"({found.text}) AND {seen}", (*found.params, *entities)

    # ---- by key, and the legacy ways ----

    def read(self, element: Element, who: Who) -> Element:
        """Up to 100 records by key, with the lines that they own; those that can't be seen are left out."""
        kind, fields = self._seen_by(who, _text(element, "object")), _text(element, "fields")
        keys = _keys(element)
        if element.tag == "readByName":
            keys = self._named(kind, keys)
        seen = _seen(kind, who, shows_private=self._guesses.read_shows_private)
        found = self._by_keys(kind, numbers(keys, kind.name), _named_fields(kind, fields, in_query=False), seen)
        data = etree.Element("data", listtype=kind.name.lower(), count=str(len(found)))
        for key, values in found:
            record = etree.SubElement(data, kind.name.lower())
            for name, value in values:
                etree.SubElement(record, name).text = _read_value(name, kind.fields[name], value) or None
            if fields in ("", "*"):
                self._lines(record, kind, key)
        return data

    def read_by_query(self, element: Element, who: Who) -> Element:
        """The legacy query: what it finds is fixed now, page by page; values are as they are when shown."""
        kind = self._seen_by(who, _text(element, "object"))
        fields = tuple(_named_fields(kind, _text(element, "fields"), in_query=False))
        size = _page_size(_text(element, "pagesize"))
        self._asked += 1
        where = Where(kind, letters=True).sql(read_condition(_text(element, "query")))
        seen, entities = _seen(kind, who, shows_private=False)
        key = f"({kind.fields[kind.key].sql})"
        sql = f"SELECT {key} FROM {kind.source_sql} WHERE ({where.text}) AND {seen}"
        keys = [row[0] for row in self._books.rows(sql, *where.params, *entities)]
        random.Random(self._asked).shuffle(keys)
        result_id = f"{7_765_623_332 + self._asked}WU1hh8CoA4QAAHxI9i8AAAAA5"
        self._results[result_id] = _Result(kind, fields, keys, len(keys), size)
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        return self._next_page(result_id)

    def read_more(self, element: Element) -> Element:
        result_id = _text(element, "resultId")
        if not result_id:
            kind = self.kind(_text(element, "object"))
            result_id = next((name for name in reversed(self._results) if self._results[name].kind is kind), "")
        if result_id not in self._results:
            raise Refusal("Query Failed", f"There is no result {result_id or 'of that object'} to read on.")
        return self._next_page(result_id)

    def _next_page(self, result_id: str) -> Element:
        result = self._results[result_id]
        keys, result.keys = result.keys[: result.page_size], result.keys[result.page_size :]
        if not result.keys:
            del self._results[result_id]
        kind = result.kind
        found = self._by_keys(kind, keys, result.fields)
        data = etree.Element("data", listtype=kind.name.lower(), count=str(len(found)), totalcount=str(result.total))
        data.set("numremaining", str(len(result.keys)))
        data.set("resultId", result_id if result.keys else "")
        for _, values in found:
            record = etree.SubElement(data, kind.name.lower())
            for name, value in values:
                shown = _legacy_value(name, kind.fields[name], value)
                etree.SubElement(record, name).text = shown or None
        return data

    def _named(self, kind: ObjectType, names: Sequence[str]) -> list[str]:
        if not kind.name_key:
            raise Refusal(DATA, f"{kind.name} can't be read by a name.", field="object")
        column = field_of(kind, kind.name_key).sql
        marks = ", ".join("?" * len(names))
        sql = f"SELECT ({kind.fields[kind.key].sql}) FROM {kind.source_sql} WHERE ({column}) IN ({marks})"
        return [str(row[0]) for row in self._books.rows(sql, *names)]

    def _by_keys(
        self, kind: ObjectType, keys: Sequence[int], names: Iterable[str], seen: Seen = EVERYTHING
    ) -> list[tuple[int, list[tuple[str, object]]]]:
        """Of the keys that exist, in their order: the key, and each field's name and value."""
        names = tuple(names)
        key = f"({kind.fields[kind.key].sql})"
        columns = ", ".join([key, *(f"({kind.fields[name].sql})" for name in names)])
        marks = ", ".join("?" * len(keys))
        sql = f"SELECT {columns} FROM {kind.source_sql} WHERE {key} IN ({marks}) AND {seen[0]}"
        found = self._books.rows(sql, *keys, *seen[1])
        rows = {row[0]: list(zip(names, tuple(row)[1:], strict=True)) for row in found}
        return [(one, rows[one]) for one in keys if one in rows]

    def _lines(self, record: Element, kind: ObjectType, key: int) -> None:
        for collection, tag, line in self._books.read_lines(kind.name, key):
            place = record.find(collection)
            place = etree.SubElement(record, collection) if place is None else place
            element = etree.SubElement(place, tag.lower())
            for name, value in line.items():
                etree.SubElement(element, name).text = None if value is None else str(value) or None

    def _seen_by(self, who: Who, name: str) -> ObjectType:
        kind = self.kind(name)
        if kind.name.upper() not in who.permissions:
            raise refused("permission", what=f"see {kind.name}")
        return kind

    def kind(self, name: str) -> ObjectType:
        """The object of that name, or the Refusal that recorded answers show."""
        found = self._books.catalogue.object(name)
        if found is None or not name:
            raise Refusal("Query Failed", f"Object definition {name} not found")
        return found


def _seen(kind: ObjectType, who: Who, *, shows_private: bool) -> Seen:
    """At the top level what belongs to an entity is left out unless it is asked for; an entity sees its own and what
    belongs to nobody."""
    if not kind.private_sql or (shows_private and not who.entity):
        return EVERYTHING
    if who.entity:
        return f"({kind.private_sql}) IN ('', ?)", (who.entity,)
    return f"({kind.private_sql}) = ''", ()


def _way(descending: bool) -> str:
    return "DESC NULLS FIRST" if descending else "ASC NULLS LAST"


def _column(one: Selected, field: Field) -> str:
    return f"{one.aggregate.upper()}(({field.sql}))" if one.aggregate else f"({field.sql})"


def _shown(one: Selected, field: Field, value: object) -> str:
    if one.aggregate == "count":
        return str(value)
    return _value(one.field, field, value)


def _value(name: str, field: Field, value: object) -> str:
    """As query shows it; '' for NULL, also where a boolean was never set."""
    if value is None or value == "":
        return ""
    match field.kind:
        case "money":
            exact = Decimal(str(value)).scaleb(-2).quantize(Decimal("0.01"), ROUND_HALF_UP)
            return format(exact.normalize(), "f") if exact else "0"
        case "date":
            return shown_day(str(value))
        case "datetime":
            return shown_instant(name, str(value))
        case "boolean":
            return "true" if value else "false"
        case "enum":
            return field.labels.get(str(value), str(value))
    return str(value)


def _read_value(name: str, field: Field, value: object) -> str:
    """As read shows it: like the screens do, where a boolean that nobody set is not ticked."""
    return "false" if field.kind == "boolean" and value is None else _value(name, field, value)


def _legacy_value(name: str, field: Field, value: object) -> str:
    return str(value or "") if field.kind == "enum" else _value(name, field, value)


def _text(element: Element, name: str) -> str:
    return text_of(element.find(name))


def _keys(element: Element) -> list[str]:
    keys = [key.strip() for key in _text(element, "keys").split(",") if key.strip()]
    if not 1 <= len(keys) <= KEYS_MAX:
        raise Refusal(DATA, f"keys holds 1 to {KEYS_MAX} keys, not {len(keys)}.", field="keys")
    return keys


def _named_fields(kind: ObjectType, text: str, *, in_query: bool) -> list[str]:
    """The fields that a comma-separated list names; all of them for `*` or nothing."""
    if text in ("", "*"):
        return list(kind.fields)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        field_of(kind, name, in_query=in_query)
    return names


def _page_size(text: str) -> int:
    size = int(text) if text.isascii() and text.isdigit() else 0 if text else 100
    if not 1 <= size <= LEGACY_PAGE_MAX:
        raise Refusal(DATA, f"pagesize is 1 to {LEGACY_PAGE_MAX}, not {text}.", field="pagesize")
    return size
