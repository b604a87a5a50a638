"""The `query` function as its schema has it: held against the schema's rules, then taken apart.

The rules are written out here, since the schema itself can't be carried along; a test holds both against each other.
Source: developer.intacct.com, "Queries" (the XSD, aggregates, options, page size and offset).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.intacct.envelope import Element, children
from sandbox.intacct.refusal import DATA, Refusal

PAGE_SIZE, PAGE_SIZE_MAX, VALUES_MAX = 100, 2000, 1000
AGGREGATES = ("count", "avg", "min", "max", "sum")
ONE_VALUE = (
    "equalto",
    "notequalto",
    "lessthan",
    "lessthanorequalto",
    "greaterthan",
    "greaterthanorequalto",
    "like",
    "notlike",
)
# How many values an operator takes, at least and at most.
OPERATORS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(ONE_VALUE, (1, 1)),
    "between": (2, 2),
    "in": (1, VALUES_MAX),
    "notin": (1, VALUES_MAX),
    "isnull": (0, 0),
    "isnotnull": (0, 0),
}
_BLANKS = " \t\r\n"
_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Condition:
    operator: str
    field: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`not` has one part, `and` and `or` have two or more."""

    word: Literal["and", "or", "not"]
    parts: tuple[Filter, ...]


Filter = Condition | Group


@dataclass(frozen=True, slots=True)
class Selected:
    """A field, or an aggregate of one."""

    field: str
    aggregate: str = ""

    @property
    def tag(self) -> str:
        return f"{self.aggregate.upper()}.{self.field}" if self.aggregate else self.field


@dataclass(frozen=True, slots=True)
class Order:
    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    object: str
    select: tuple[Selected, ...]
    where: Filter | None = None
    orders: tuple[Order, ...] = ()
    page_size: int = PAGE_SIZE
    offset: int = 0
    ignores_case: bool = False
    shows_private: bool = False

    @property
    def is_aggregate(self) -> bool:
        return any(one.aggregate for one in self.select)


def read_query(element: Element) -> Query:
    """The query taken apart; a Refusal for what the schema forbids, or what the sandbox doesn't play."""
    problem = objection(element)
    if problem:
        raise Refusal(DATA, f"The query is not valid: {problem}", field="query")
    parts = {str(child.tag): child for child in children(element)}
    options = {str(child.tag): plain(child) for child in children(parts["options"])} if "options" in parts else {}
    if options.get("returnformat", "xml") != "xml" or "docparid" in parts:
        raise Refusal(DATA, "The sandbox answers queries as XML, of objects without a docparid.", field="query")
    where = children(parts["filter"])[0] if "filter" in parts else None
    return Query(
        plain(parts["object"]),
        tuple(_selected(child) for child in children(parts["select"])),
        None if where is None else _filter(where),
        tuple(_order(child) for child in children(parts["orderby"])) if "orderby" in parts else (),
        _whole(parts.get("pagesize"), PAGE_SIZE),
        _whole(parts.get("offset"), 0),
        _is_true(options.get("caseinsensitive", "")),
        _is_true(options.get("showprivate", "")),
    )


def plain(element: Element) -> str:
    """The text of an element without children, as it stands."""
    return (element.text or "") + "".join(part.tail or "" for part in element)


def _selected(element: Element) -> Selected:
    name = plain(element).strip()
    if children(element) or not name:
        raise Refusal(DATA, "select names fields; all of them can't be asked for at once.", field="select")
    return Selected(name, "" if element.tag == "field" else str(element.tag))


def _order(element: Element) -> Order:
    parts = children(element)
    return Order(plain(parts[0]).strip(), len(parts) > 1 and parts[1].tag == "descending")


def _filter(element: Element) -> Filter:
    name, parts = str(element.tag), children(element)
    if name in ("and", "or"):
        return Group("and" if name == "and" else "or", tuple(_filter(part) for part in parts))
    return Condition(name, plain(parts[0]).strip(), tuple(plain(part) for part in parts[1:]))


def _whole(element: Element | None, default: int) -> int:
    text = "" if element is None else plain(element)
    return int(text) if text else default


def _is_true(text: str) -> bool:
    return text.strip(_BLANKS) in ("true", "1")


# ---- the schema's rules; each answers what it objects to, '' for nothing ----


def objection(element: Element) -> str:
    """What the query function's schema objects to in this element."""
    if element.tag != "query":
        return f"{element.tag} is not query"
    names = [str(child.tag) for child in children(element)]
    lacking = [name for name in ("select", "object") if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if lacking or twice:
        return f"{', '.join(lacking or twice)} {'is missing' if lacking else 'is there twice'}"
    return _bare(element) or _first(element, lambda child: _part(str(child.tag), child))


def _part(name: str, element: Element) -> str:
    rule = _PARTS.get(name)
    return rule(element) if rule else f"{name} is no part of a query"


def _first(element: Element, rule: Callable[[Element], str]) -> str:
    return next((problem for child in children(element) if (problem := rule(child))), "")


def _bare(element: Element) -> str:
    """Elements only: no text between them and no attributes."""
    if element.attrib:
        return f"{element.tag} has no attributes"
    return f"{element.tag} holds elements, no text" if plain(element).strip(_BLANKS) else ""


def _string(element: Element) -> str:
    if element.attrib or children(element):
        return f"{element.tag} is plain text"
    return ""


def _select(element: Element) -> str:
    names = [str(child.tag) for child in children(element)]
    wrong = [name for name in names if name not in ("field", *AGGREGATES)]
    if wrong or not names:
        return f"select holds field, {', '.join(AGGREGATES)}; not {wrong}"
    return _bare(element)


def _sequence(names: Sequence[str], parent: Element, options: Sequence[str]) -> str:
    """The children are among the options, in their order, each at most once."""
    places = [options.index(name) if name in options else -1 for name in names]
    if -1 in places or places != sorted(set(places)):
        return f"{parent.tag} holds {', '.join(options)} in this order; not {', '.join(names)}"
    return _bare(parent)


def _orderby(element: Element) -> str:
    orders = children(element)
    if not orders or any(order.tag != "order" for order in orders):
        return "orderby holds order, once or more"
    return _bare(element) or _first(element, _one_order)


def _one_order(element: Element) -> str:
    parts = children(element)
    names = [str(part.tag) for part in parts]
    if names[:1] != ["field"] or len(names) > 2 or not set(names[1:]) <= {"ascending", "descending"}:
        return "order holds a field, then ascending or descending"
    return _bare(element) or _string(parts[0])


def _options(element: Element) -> str:
    names = [str(child.tag) for child in children(element)]
    return _sequence(names, element, ("caseinsensitive", "showprivate", "returnformat")) or _first(element, _option)


def _option(element: Element) -> str:
    if element.tag == "returnformat":
        return _string(element)
    text = plain(element)
    is_fine = not text or text.strip(_BLANKS) in ("true", "false", "1", "0")
    return _string(element) or ("" if is_fine else f"{element.tag} is true or false, not {text}")


def _number(least: int, most: int | None = None) -> Callable[[Element], str]:
    def rule(element: Element) -> str:
        text = plain(element)
        number = text.strip(_BLANKS)
        if text and not (_INTEGER.fullmatch(number) and least <= int(number) <= (most or int(number))):
            return f"{element.tag} is a whole number of {least} to {most or 'any'}, not {text}"
        return _string(element)

    return rule


def _where(element: Element) -> str:
    if len(children(element)) != 1:
        return "filter has one operator at its top"
    return _bare(element) or _operator(children(element)[0])


def _operator(element: Element) -> str:
    name, parts = str(element.tag), children(element)
    if name in ("and", "or"):
        if len(parts) < 2:
            return f"{name} needs two conditions or more"
        return _bare(element) or _first(element, _operator)
    if name not in OPERATORS:
        return f"{name} is no operator"
    least, most = OPERATORS[name]
    names = [str(part.tag) for part in parts]
    if names[:1] != ["field"] or set(names[1:]) - {"value"} or not least <= len(names) - 1 <= most:
        return f"{name} holds a field and {least} to {most} values"
    return _bare(element) or _first(element, _string)


_PARTS: dict[str, Callable[[Element], str]] = {
    "select": _select,
    "object": _string,
    "docparid": _string,
    "orderby": _orderby,
    "options": _options,
    "pagesize": _number(1, PAGE_SIZE_MAX),
    "offset": _number(0),
    "filter": _where,
}
