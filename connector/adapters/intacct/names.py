"""What our ids look like where Intacct's own don't last, how our names fit into its fields, and where an id is named.

An invoice from Order Entry or Contracts that is edited comes back as another record (Sage's XML reference, invoices).
So its RECORDNO is no id: an invoice is its number, its customer and the entity that it belongs to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_MEMO = "cm-"
_ADVANCE = "adv-"
_BETWEEN = "__"
_AS_IT_IS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
_PART = re.compile(r"(?:[A-Za-z0-9-]|_[0-9A-F]{2})+")
_DIGEST_CHARACTERS = 16


def invoice_id(number: str, customer: str, entity: str = "") -> str:
    """Our id of an invoice: `INV-7__C_20100`, `INV-7__C_20100__E1`.

    Letters, digits and '-' stay; any other character becomes _XX for each byte of its UTF-8, so the two underlines
    between the parts never occur inside one.
    """
    if not number or not customer:
        raise ValueError("an invoice without a number or a customer has no id")
    return _BETWEEN.join(_escaped(part) for part in (number, customer, *([entity] if entity else [])))


def memo_id(number: str, customer: str, entity: str = "") -> str:
    """Our id of a credit memo, built as an invoice's."""
    return f"{_MEMO}{invoice_id(number, customer, entity)}"


def advance_id(record_no: str) -> str:
    """Our id of an advance, as a payment and as the credit that is left of it."""
    return f"{_ADVANCE}{record_no}"


def parts(known_id: str) -> tuple[str, str, str]:
    """The number, customer and entity ('' for none) of an id that invoice_id made; ValueError for any other."""
    found = known_id.split(_BETWEEN)
    if len(found) not in (2, 3) or not all(_PART.fullmatch(part) for part in found):
        raise ValueError(f"{known_id!r} is no id of an Intacct invoice")
    number, customer, entity = (_plain(part) for part in (*found, "")[:3])
    return number, customer, entity


def memo_parts(known_id: str) -> tuple[str, str, str]:
    """The number, customer and entity of an id that memo_id made; ValueError for any other."""
    if not is_memo(known_id):
        raise ValueError(f"{known_id!r} is no id of an Intacct credit memo")
    return parts(known_id.removeprefix(_MEMO))


def advance_record(known_id: str) -> str:
    """The RECORDNO in an id that advance_id made; ValueError for any other."""
    if not is_advance(known_id):
        raise ValueError(f"{known_id!r} is no id of an Intacct advance")
    return known_id.removeprefix(_ADVANCE)


def is_memo(known_id: str) -> bool:
    """Asked of ids of credits only: an invoice may be numbered cm-7."""
    return known_id.startswith(_MEMO) and _BETWEEN in known_id


def is_advance(known_id: str) -> bool:
    """Asked of ids of payments and credits only."""
    return known_id.startswith(_ADVANCE) and known_id.removeprefix(_ADVANCE).isdecimal()


def tail(source_id: str, limit: int) -> str:
    """A source's id cut to the width of a field: its end differs where its beginning is the same for all."""
    return source_id[-limit:]


def fitting(external_id: str, limit: int) -> str:
    """This id as the name of a record: where it is too long, its head and a digest of the whole."""
    if len(external_id) <= limit:
        return external_id
    digest = hashlib.sha256(external_id.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{external_id[: limit - _DIGEST_CHARACTERS - 1]}-{digest}"


def mentions(source_id: str, texts: Iterable[str]) -> bool:
    """Does one of these name this id as a whole word? (What `_` in a `like` stands for is not documented.)"""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source_id)}(?![A-Za-z0-9])")
    return any(word.search(text) for text in texts)


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in _AS_IT_IS else f"_{byte:02X}" for byte in text.encode())


def _plain(part: str) -> str:
    try:
        return re.sub(rb"_([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), part.encode()).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{part!r} is no part of an id of ours") from None
