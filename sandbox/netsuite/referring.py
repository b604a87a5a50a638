"""Which record does a reference of a SOAP message name? One that is not there, or may not be named, is refused."""

from __future__ import annotations

from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.books import Books
from sandbox.netsuite.sent import Reference, Sent


def resolve(books: Books, given: Reference | None, table: str, field: str) -> int | None:
    """The row that a reference names; None when there is no reference."""
    if given is None or not (given.internal_id or given.external_id):
        return None
    key, value = ("id", given.internal_id) if given.internal_id else ("externalid", given.external_id)
    if table == "subsidiary" and not books.catalogue.one_world:
        raise Refusal("no_one_world", key=value)
    if key == "externalid" and table != "customer":
        raise Refusal("bad_reference", field=field, key=value)
    row = books.row(f'SELECT id FROM "{table}" WHERE {key} = ?', value)
    if row is None:
        raise Refusal("bad_reference", field=field, key=value)
    return int(row["id"])


def custom(books: Books, sent: Sent, record: str) -> dict[str, object]:
    """Custom values to store; a reference to a record that is not there is refused, a nulled field emptied."""
    values = sent.custom(books.catalogue, record, books.guesses.zone)
    for script_id in sent.nulls():
        if script_id in books.catalogue.fields:
            values[script_id] = None
    for script_id, value in values.items():
        field = books.catalogue.fields[script_id]
        if field.type == "SELECT" and value is not None:
            values[script_id] = resolve(books, Reference(str(value), ""), field.refers, script_id)
    return values


def day(books: Books, sent: Sent) -> str:
    """tranDate, today when it was not sent."""
    return sent.day("tranDate", books.guesses.zone) or f"{books.now()[:10]} 00:00:00"
