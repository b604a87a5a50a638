"""What the world calls the documents of the company.

Record numbers of Order Entry invoices change (developer.intacct.com), so invoices and credit memos are named by number,
customer and entity: `INV-7__C-00101`, `cm-CM-1__C-00101`. Other documents go by their record number, an advance as
`adv-5003`.
"""

from __future__ import annotations

import re

from sandbox.intacct.books import Books, Row
from sandbox.intacct.schema import Type

_PLAIN = re.compile(r"[A-Za-z0-9-]")
_ESCAPED = re.compile(r"((?:_[0-9A-F]{2})+)")
MEMO = "cm-"
ADVANCE = "adv-"


def name_of(row: Row) -> str:
    """What the world calls this record."""
    if row["recordtype"] == Type.INVOICE:
        return _handle(row)
    if row["recordtype"] == Type.ADJUSTMENT:
        return MEMO + _handle(row)
    return f"{ADVANCE}{row['recordno']}" if row["recordtype"] == Type.ADVANCE else str(row["recordno"])


def _handle(row: Row) -> str:
    parts = [row["recordid"] or "", row["customerid"] or "", row["entity"]]
    return "__".join(_escape(part) for part in parts if part)


def _escape(text: str) -> str:
    return "".join(one if _PLAIN.fullmatch(one) else "".join(f"_{byte:02X}" for byte in one.encode()) for one in text)


def _plain(part: str) -> str:
    return _ESCAPED.sub(lambda run: bytes.fromhex(run[1].replace("_", "")).decode(), part)


def find(books: Books, name: str, *types: Type) -> Row:
    """The record of that name: one in force before one that was undone; KeyError when there is none."""
    if "__" in name:
        row = _named(books, name, types or (Type.ADJUSTMENT, Type.INVOICE))
    else:
        number = name.removeprefix(ADVANCE)
        row = books.row("SELECT * FROM record WHERE recordno = ?", int(number)) if number.isdecimal() else None
    if row is None or (types and row["recordtype"] not in types):
        raise KeyError(f"no {' or '.join(kind.name.lower().replace('_', ' ') for kind in types) or 'document'} {name}")
    return row


def _named(books: Books, name: str, types: tuple[Type, ...]) -> Row | None:
    """An invoice may be numbered cm-7 too, so a memo is looked for first where both would do."""
    if Type.ADJUSTMENT in types and name.startswith(MEMO):
        memo = _by_handle(books, name.removeprefix(MEMO), Type.ADJUSTMENT)
        if memo is not None:
            return memo
    return _by_handle(books, name, Type.INVOICE) if Type.INVOICE in types else None


def _by_handle(books: Books, handle: str, kind: Type) -> Row | None:
    number, customer, entity = (_plain(part) for part in (*handle.split("__"), "")[:3])
    return books.row(
        """SELECT * FROM record WHERE recordtype = ? AND recordid = ? AND customerid = ? AND entity = ?
           ORDER BY state IN ('V', 'R'), state = 'R', recordno DESC LIMIT 1""",
        kind,
        number,
        customer,
        entity,
    )
