"""The lines that a record owns, as `read` shows them inside it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.intacct.books import Books

# Collection, tag of a line, values by field name.
OwnedLine = tuple[str, str, dict[str, str | None]]
_OWNED = {
    "ARINVOICE": ("ARINVOICEITEMS", "ARINVOICEITEM", "e.recordkey"),
    "ARADJUSTMENT": ("ARADJUSTMENTITEMS", "ARADJUSTMENTITEM", "e.recordkey"),
    "ARADVANCE": ("ARADVANCEITEMS", "ARADVANCEITEM", "e.recordkey"),
    "ARPYMT": ("ARPYMTDETAILS", "ARPYMTDETAIL", "d.paymentkey"),
    "DEPOSIT": ("DEPOSITENTRIES", "DEPOSITENTRY", "e.recordkey"),
    "OTHERRECEIPTS": ("RECEIPTITEMS", "OTHERRECEIPTSENTRY", "e.recordkey"),
    "GLBATCH": ("ENTRIES", "GLENTRY", "p.batchkey"),
}
_ORDER = {"d": "d.recordno", "e": "e.line_no", "p": "p.line_no"}


def owned_lines(books: Books, object_name: str, key: int) -> list[OwnedLine]:
    """In their order; objects without owned lines have none."""
    if object_name.upper() not in _OWNED:
        return []
    collection, name, owner = _OWNED[object_name.upper()]
    kind = books.catalogue.objects[name]
    names = [known for known, field in kind.fields.items() if field.sql != "NULL"]
    selected = ", ".join(f"({kind.fields[known].sql})" for known in names)
    sql = f"SELECT {selected} FROM {kind.source_sql} WHERE {owner} = ? ORDER BY {_ORDER[owner[0]]}"
    lines = []
    for row in books.rows(sql, key):
        told = {known: _told(kind.fields[known].kind, value) for known, value in zip(names, row, strict=True)}
        lines.append((collection, name, told))
    return lines


def _told(kind: str, value: object) -> str | None:
    """As answers write a value: amounts without trailing zeros, days as mm/dd/yyyy."""
    if value is None:
        return "false" if kind == "boolean" else None
    if kind == "money":
        return format(Decimal(int(str(value))).scaleb(-2).normalize(), "f")
    if kind == "date":
        return datetime.fromisoformat(str(value)[:10]).strftime("%m/%d/%Y")
    if kind == "datetime":
        return datetime.fromisoformat(str(value)).strftime("%m/%d/%Y %H:%M:%S")
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)
