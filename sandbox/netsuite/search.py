"""SOAP searches over transactions: the criteria of TransactionSearchBasic that a connector needs, paged.

Each page runs the search again, as the vendor's help says, so rows may shift between pages.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.netsuite.answers import SEARCH_PAGE_MAX, SEARCH_PAGE_MIN, TYPE_PERMISSIONS, Refusal
from sandbox.netsuite.books import Books
from sandbox.netsuite.sent import local, reference, truth_value, xsi_type
from sandbox.netsuite.writing import TRANSACTION_TYPES, Place

KINDS = {letter: kind for kind, letter in TRANSACTION_TYPES.items()}
# Operators on an instant; a day's own operators (on, within, ...) are not played.
_OPERATORS = {"after": ">", "before": "<", "onOrAfter": ">=", "onOrBefore": "<=", "notBefore": ">=", "notAfter": "<="}
_MEMBERSHIP = {"anyOf": "IN", "noneOf": "NOT IN"}


@dataclass(frozen=True, slots=True)
class Criteria:
    where: str
    params: tuple[object, ...]
    size: int
    body_only: bool


@dataclass(frozen=True, slots=True)
class Page:
    search_id: str
    total: int
    size: int
    pages: int
    index: int
    places: tuple[Place, ...]
    body_only: bool


class Searches:
    """Searches that were started, by their id."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._numbers = itertools.count(1)
        self._started: dict[str, Criteria] = {}

    def start(self, record: etree._Element, preferences: etree._Element | None) -> Page:
        """IndexError for a page size out of bounds, Refusal for criteria that are not played."""
        search_id = f"WEBSERVICES_SEARCH_{next(self._numbers)}"
        self._started[search_id] = self._criteria(record, preferences)
        return self.more(search_id, 1)

    def more(self, search_id: str, index: int) -> Page:
        """IndexError for an unknown search or a page that is not there."""
        if search_id not in self._started:
            raise IndexError(search_id)
        criteria = self._started[search_id]
        sql = f'SELECT id, type, externalid FROM "transaction" WHERE {criteria.where} ORDER BY id'
        rows = self._books.rows(sql, *criteria.params)
        pages = max(1, math.ceil(len(rows) / criteria.size))
        if not 1 <= index <= pages:
            raise IndexError(index)
        first = (index - 1) * criteria.size
        places = tuple(
            Place(KINDS[row["type"]], "transaction", row["id"], row["externalid"] or "")
            for row in rows[first : first + criteria.size]
        )
        return Page(search_id, len(rows), criteria.size, pages, index, places, criteria.body_only)

    def _criteria(self, record: etree._Element, preferences: etree._Element | None) -> Criteria:
        size, body_only = SEARCH_PAGE_MAX, True
        for preference in preferences if preferences is not None else ():
            if local(preference) == "pageSize":
                size = int(preference.text or 0)
            elif local(preference) == "bodyFieldsOnly":
                body_only = truth_value(preference.text) is not False
        if not SEARCH_PAGE_MIN <= size <= SEARCH_PAGE_MAX:
            raise IndexError(size)
        if xsi_type(record) == "TransactionSearch":
            basic = next((child for child in record if local(child) == "basic"), None)
        else:
            basic = record
        return self._where(basic, size, body_only)

    def _where(self, basic: etree._Element | None, size: int, body_only: bool) -> Criteria:
        parts, params = ["1 = 1"], []
        for kind, permission in TYPE_PERMISSIONS.items():
            if permission in self._books.revoked:
                parts.append("type <> ?")
                params.append(kind)
        for field in basic if basic is not None else ():
            part, more = self._condition(field)
            parts.append(part)
            params.extend(more)
        return Criteria(" AND ".join(parts), tuple(params), size, body_only)

    def _condition(self, field: etree._Element) -> tuple[str, list[str]]:
        name, operator = local(field), field.get("operator") or ""
        values = [child for child in field if local(child) in ("searchValue", "searchValue2")]
        if name == "mainLine":
            return "1 = 1", []  # this search gives whole documents anyway
        if name == "lastModifiedDate" and operator in _OPERATORS and len(values) == 1:
            moment = datetime.fromisoformat(values[0].text or "")
            zone = ZoneInfo(self._books.guesses.zone)
            local_moment = moment.astimezone(zone) if moment.tzinfo else moment
            return f"lastmodifieddate {_OPERATORS[operator]} ?", [local_moment.strftime("%Y-%m-%d %H:%M:%S")]
        members = {
            "type": ("type", [_letter(value.text or "") for value in values]),
            "internalId": ("id", [reference(value).internal_id for value in values]),
            "externalId": ("externalid", [reference(value).external_id for value in values]),
            "entity": ("entity", [reference(value).internal_id for value in values]),
        }
        if name not in members or operator not in _MEMBERSHIP:
            raise Refusal("not_played", what=f"a search by {name} {operator}")
        column, keys = members[name]
        return f"{column} {_MEMBERSHIP[operator]} ({', '.join('?' * len(keys))})", keys


def _letter(word: str) -> str:
    """'_invoice' -> 'CustInvc'; a type that is not played matches nothing."""
    return TRANSACTION_TYPES.get(word.removeprefix("_"), word)
