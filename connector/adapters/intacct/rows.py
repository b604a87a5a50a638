"""One cell of Intacct's rows at a time: days, flags, amounts, states. What isn't what it must be is named by its field.

A row is what the gateway gives: strings under names in capitals, no key where the value is null. What people enter is
brought under our own names, in the shape that ledger_rows reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum

from connector.adapters.intacct.settings import IntacctMapping, is_day
from connector.adapters.ledger_rows import cells
from connector.adapters.ledger_rows.cells import Row, Unreadable
from connector.money import Money, MoneyError, exponent

# Intacct keeps every amount with two decimals, whatever the currency (Sage's XML reference, AR payments).
DECIMALS = 2
# Our names of the fields that are checkboxes. One that nobody ever set is null, and is not ticked.
FLAGS = frozenset({"hold", "dispute", "do_not_contact", "autopay", "mails_parent"})
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


class Standing(StrEnum):
    """What a document's state means for us."""

    IN_FORCE = "in_force"
    DRAFT = "draft"  # not posted: nothing is owed or paid by it yet
    REVERSED = "reversed"
    REVERSAL = "reversal"  # the entry that undid another


# The labels of STATE on invoices, adjustments, advances and payments. `query` shows labels, in whatever case; those of
# invoices and payments are named in the vendor's OpenAPI (ar invoice, ar payment), the rest are seen in its screens.
_STANDINGS = {
    **dict.fromkeys(("posted", "selected", "partially paid", "paid"), Standing.IN_FORCE),
    **dict.fromkeys(("partially applied", "applied"), Standing.IN_FORCE),
    **dict.fromkeys(("complete", "completed", "confirmed", "reconciled", "cleared", "deposited"), Standing.IN_FORCE),
    **dict.fromkeys(("draft", "submitted", "partially approved", "declined"), Standing.DRAFT),
    **dict.fromkeys(("reversed", "voided", "void"), Standing.REVERSED),
    "reversal": Standing.REVERSAL,
}


def standing_of(row: Row) -> Standing:
    said = cells.text_of(row, "STATE")
    found = _STANDINGS.get(" ".join(said.lower().split()))
    if found is None:
        raise Unreadable("STATE", f"{said!r} is no state that we know")
    return found


def currency_of(row: Row) -> str:
    """The document's own currency; a company with one currency may leave it to the base currency."""
    code = row.get("CURRENCY") or row.get("BASECURR", "")
    if not code:
        raise Unreadable("CURRENCY", "is missing")
    try:
        decimals = exponent(code)
    except MoneyError as error:
        raise Unreadable("CURRENCY", str(error)) from None
    if decimals != DECIMALS:
        raise Unreadable("CURRENCY", f"{code} has {decimals} decimals, and Intacct keeps amounts with {DECIMALS}")
    return code


def amount_of(row: Row, name: str, currency: str) -> Money:
    """An amount; one that is not there is none, which Intacct doesn't write."""
    return cells.money_of(row, name, currency, missing="0")


def day_of(row: Row, name: str) -> date:
    return cells.day_of({name: iso_day(row.get(name, ""))}, name, name)


def maybe_day(row: Row, name: str) -> date | None:
    return day_of(row, name) if row.get(name) else None


def iso_day(text: str) -> str:
    """mm/dd/yyyy, with or without a time of day, as YYYY-MM-DD; anything else as it is.

    Sage's XML reference gives days of its own fields in the first form, and samples of custom objects in the second.
    """
    day = text.strip().partition(" ")[0].partition("T")[0]
    found = _DAY.fullmatch(day)
    return f"{found[3]}-{int(found[1]):02d}-{int(found[2]):02d}" if found else day


def us_day(on: date) -> str:
    """A day as filters and records of Intacct's own objects take it."""
    return on.strftime("%m/%d/%Y")


def us_instant(moment: datetime) -> str:
    """An instant as filters take it, in the zone that it is in."""
    return moment.strftime("%m/%d/%Y %H:%M:%S")


def wall_time(text: str) -> datetime | None:
    """'11/23/2026 18:05:00' as if it were UTC: only good to be compared with others, since nothing tells its zone."""
    for form in ("%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(text.strip()[:19], form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def is_ticked(row: Row, name: str) -> bool:
    """A checkbox; null is not ticked, though Intacct's own `read` would say false."""
    return row.get(name, "").strip().lower() == "true"


def own(row: Row, columns: Mapping[str, str]) -> dict[str, str]:
    """The fields that people fill (our name -> Intacct's), under our names: days as YYYY-MM-DD, flags 'T' and 'F'."""
    found: dict[str, str] = {}
    for name, field in columns.items():
        if name in FLAGS:
            found[name] = "T" if is_ticked(row, field) else "F"
        elif row.get(field):
            found[name] = iso_day(row[field]) if is_day(name) else row[field]
    return found


def entity_of(row: Row, mapping: IntacctMapping) -> str:
    """The entity that the document belongs to, '' for none; one that the mapping doesn't name is not understood."""
    entity = row.get("MEGAENTITYID", "")
    if not mapping.is_ours(entity):
        raise Unreadable("MEGAENTITYID", f"{entity} is not among the entities of mappings/intacct.yaml")
    return entity
