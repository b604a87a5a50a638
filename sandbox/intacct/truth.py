"""What the books hold, for tests and the demo: amounts as decimal strings, ids as the world names them.

The same shape as in the sandbox's NetSuite: what was used later of a payment's rest or of an advance stands among the
applications of the money itself, and a payment without cash is no payment of its own. What was reversed is `voided`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sandbox.intacct.amounts import fixed
from sandbox.intacct.books import Books, Row
from sandbox.intacct.identities import ADVANCE, name_of
from sandbox.intacct.proof import violations
from sandbox.intacct.schema import CUSTOM_OBJECTS, Type

_STATUS = {
    "state": "ARC_STATE",
    "reason": "ARC_REASON",
    "next_step": "ARC_NEXT_STEP",
    "next_on": "ARC_NEXT_ON",
    "owner": "ARC_OWNER",
    "segment": "ARC_SEGMENT",
    "card": "ARC_CARD",
}


def truth(books: Books) -> dict[str, Any]:
    """Call it with the books' lock held."""
    applied = _Applied(books)
    return {
        "invoices": [_invoice(books, row) for row in _all(books, "t.recordtype = 'ri'")],
        "payments": [_payment(books, row, applied) for row in _all(books, _IS_MONEY)],
        "drafts": [_draft(books, row) for row in _all(books, "t.recordtype = 'rp' AND t.state = 'D'")],
        "credits": [_credit(row, applied) for row in _all(books, "t.recordtype = 'ra' AND t.total < 0")],
        "deposits": [_deposit(books, row) for row in _all(books, "t.recordtype = 'rd'")],
        "refunds": [_refund(books, row) for row in _all(books, "t.recordtype = 'ra' AND t.recordid LIKE 'RFND%'")],
        "journals": [_journal(books, row) for row in books.rows(_JOURNALS)],
        "records": {name: _records(books, name) for name in CUSTOM_OBJECTS},
        "violations": violations(books),
    }


_IS_MONEY = "(t.recordtype = 'rp' AND t.total > 0 AND t.state <> 'D' OR t.recordtype = 'rr')"
_JOURNALS = "SELECT * FROM journal WHERE reversedfrom IS NULL AND _refund IS NULL ORDER BY recordno"


def _all(books: Books, condition: str) -> list[Row]:
    """Reversals are no documents of their own here."""
    return books.rows(f"SELECT t.* FROM record t WHERE {condition} AND t.state <> 'R' ORDER BY t.recordno")


class _Applied:
    """What was applied, by the record that it came from."""

    def __init__(self, books: Books) -> None:
        self.cash: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.credit: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.with_payment: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.rests: dict[int, int] = {}
        names: dict[int, str] = {}
        for row in books.rows(_DETAILS):
            key = row["targetkey"]
            names[key] = names.get(key) or name_of(books.record(key))
            self._add(row, names[key])
        for row in books.rows("SELECT recordno, parentpaymentkey FROM record WHERE recordtype = 'ro'"):
            self.rests[row["parentpaymentkey"]] = row["recordno"]

    def _add(self, row: Row, target: str) -> None:
        symbol = row["currency"]
        shown = {"invoice": target, "sequence": row["_sequence"]}
        if row["creditkey"] is None:
            amounts = {"amount": fixed(row["cash"], symbol), "discount": fixed(row["discount"], symbol)}
            _merge(self.cash[row["paymentkey"]], shown | amounts, symbol)
            return
        amount = {"amount": fixed(row["credit"], symbol)}
        by = str(row["paymentkey"]) if row["total"] else ""
        if row["credit_type"] == Type.ADJUSTMENT:
            _merge(self.credit[row["creditkey"]], shown | amount | {"payment": by}, symbol)
            if by:
                _merge(self.with_payment[row["paymentkey"]], shown | amount | {"credit": row["creditkey"]}, symbol)
        else:
            _merge(self.cash[row["creditkey"]], shown | amount | {"discount": fixed(0, symbol)}, symbol)

    def of_money(self, key: int) -> list[dict[str, Any]]:
        """A payment's own cash, and what was used of its rest later."""
        later = self.cash[self.rests[key]] if key in self.rests else []
        return sorted([*self.cash[key], *later], key=lambda one: (one["invoice"], one["sequence"] or 0))


_DETAILS = """
    SELECT d.*, p.currency, p.total, c.recordtype AS credit_type FROM detail d
    JOIN record p ON p.recordno = d.paymentkey LEFT JOIN record c ON c.recordno = d.creditkey
    JOIN record t ON t.recordno = d.targetkey
    WHERE p.state = 'C' AND COALESCE(t.recordid, '') NOT LIKE 'RFND%' ORDER BY d.recordno"""


def _merge(known: list[dict[str, Any]], new: dict[str, Any], symbol: str) -> None:
    """Lines of one invoice are one application."""
    amounts = ("amount", "discount")
    for one in known:
        if all(one.get(name) == new.get(name) for name in ("invoice", "payment", "credit")):
            for name in amounts:
                if name in new:
                    one[name] = fixed(_cents(one[name]) + _cents(new[name]), symbol)
            one["sequence"] = max(one["sequence"] or 0, new["sequence"] or 0)
            return
    known.append(new)


def _cents(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part or 0)


def _invoice(books: Books, row: Row) -> dict[str, Any]:
    symbol, is_void = row["currency"], row["state"] == "V"
    left = 0 if is_void else row["total"] - row["paid"] - row["discounted"]
    return {
        "id": name_of(row),
        "number": row["recordid"],
        "customer": row["customerid"],
        "currency": symbol,
        "amount": fixed(row["total"], symbol),
        "balance": fixed(left, symbol),
        "closed": is_void or row["state"] == "P",
        "voided": is_void,
        "state": row["state"],
        "selected": fixed(row["selected"], symbol),
        "entity": row["entity"],
        "record": str(row["recordno"]),
        "lines": [_line(line, symbol) for line in books.entries(row["recordno"])],
    }


def _line(line: Row, symbol: str) -> dict[str, Any]:
    return {
        "line": str(line["line_no"]),
        "amount": fixed(line["amount"], symbol),
        "due": fixed(line["amount"] - line["paid"] - line["discount"], symbol),
        "disputed": bool(line["ARC_DISPUTE"]),
        "entry": str(line["recordno"]),
    }


def _payment(books: Books, row: Row, applied: _Applied) -> dict[str, Any]:
    """`applications` are its own cash, now or used later; `credits` are the memos used with it."""
    key, symbol = row["recordno"], row["currency"]
    rest = books.record(applied.rests[key]) if key in applied.rests else row if row["recordtype"] == "rr" else None
    left = rest["total"] - rest["paid"] if rest is not None and row["state"] != "V" else 0
    credits = [one | {"credit": name_of(books.record(one["credit"]))} for one in applied.with_payment[key]]
    account = row["financialentity"] or row["undepositedaccountno"]
    return {
        "id": name_of(row),
        "external_id": row["ARC_EXTERNAL_ID"] or row["_external"] or "",
        "customer": row["customerid"] or row["payername"] or "",
        "currency": symbol,
        "amount": fixed(row["total"], symbol),
        "applications": applied.of_money(key),
        "credits": credits,
        "unapplied": fixed(left, symbol),
        "voided": row["state"] == "V",
        "made_by": row["_made_by"],
        "on": row["receiptdate"],
        "received_on": row["ARC_RECEIVED_ON"] or "",
        "memo": row["description"] or "",
        "number": row["recordid"],
        "check": row["docnumber"] or "",
        "account": account,
        "deposit": str(row["depositkey"] or ""),
        "sequence": row["_sequence"],
        "entity": row["entity"],
    }


def _draft(books: Books, row: Row) -> dict[str, Any]:
    symbol = row["currency"]
    selects = [
        {"invoice": name_of(books.record(one["targetkey"])), "amount": fixed(one["cash"] + one["credit"], symbol)}
        for one in books.rows("SELECT * FROM detail WHERE paymentkey = ? ORDER BY recordno", row["recordno"])
    ]
    return {
        "id": name_of(row),
        "external_id": row["ARC_EXTERNAL_ID"] or row["_external"] or "",
        "customer": row["customerid"] or row["payername"] or "",
        "amount": fixed(row["total"], symbol),
        "selects": selects,
        "made_by": row["_made_by"],
    }


def _credit(row: Row, applied: _Applied) -> dict[str, Any]:
    """`applications` name the payment that the memo was applied with, if it was with one that brought money."""
    symbol = row["currency"]
    left = 0 if row["state"] == "V" else row["paid"] - row["total"]
    return {
        "id": name_of(row),
        "number": row["recordid"],
        "customer": row["customerid"],
        "currency": symbol,
        "amount": fixed(-row["total"], symbol),
        "applications": applied.credit[row["recordno"]],
        "unapplied": fixed(left, symbol),
        "voided": row["state"] == "V",
        "on": row["whencreated"],
        "memo": row["description"] or "",
        "created_from": row["_of"] or "",
    }


def _deposit(books: Books, row: Row) -> dict[str, Any]:
    """`lines` are those that are no payments: above zero comes out of the account into the bank."""
    receipts = books.rows("SELECT * FROM record WHERE depositkey = ? ORDER BY recordno", row["recordno"])
    others = [one for one in receipts if one["recordtype"] == Type.OTHER_RECEIPT]
    return _money(row, row["_external"] or _ours(row["description"]) or row["recordid"]) | {
        "account": row["financialentity"],
        "on": row["receiptdate"],
        "memo": row["description"] or "",
        "payments": [name_of(one) for one in receipts if one["recordtype"] != Type.OTHER_RECEIPT],
        "lines": [
            {
                "account": books.ledger.shown(line["accountno"]),
                "amount": fixed(line["amount"], row["currency"]),
                "memo": line["description"] or "",
            }
            for one in others
            for line in books.entries(one["recordno"])
        ],
    }


def _refund(books: Books, row: Row) -> dict[str, Any]:
    out = books.rows(
        """SELECT p.accountno FROM posting p JOIN journal j ON j.recordno = p.batchkey
           WHERE j._refund = ? AND p.trx_amount < 0 ORDER BY p.recordno""",
        row["recordno"],
    )
    of = row["_of"] or ""
    return _money(row, row["_external"]) | {
        "on": row["whencreated"],
        "memo": row["description"] or "",
        "customer": row["customerid"],
        "account": books.ledger.shown(out[0]["accountno"]) if out else "",
        "of": [of] if of.isdecimal() or of.startswith(ADVANCE) or "__" in of else [],
    }


def _journal(books: Books, row: Row) -> dict[str, Any]:
    lines = books.rows("SELECT * FROM posting WHERE batchkey = ? ORDER BY line_no", row["recordno"])
    external_id = next(filter(None, (_ours(line["description"]) for line in lines)), row["referenceno"])
    return _money(row, external_id) | {
        "on": row["batch_date"],
        "memo": row["batch_title"],
        "lines": [
            {
                "account": books.ledger.shown(line["accountno"]),
                "amount": fixed(line["trx_amount"], row["currency"]),
                "memo": line["description"] or "",
            }
            for line in lines
            if line["trx_amount"]
        ],
    }


def _ours(text: str | None) -> str:
    """A connector's own id, with which it begins the texts of what it posts; neither a journal entry nor a deposit has
    a field that would take a whole one."""
    return next((word for word in (text or "").split()[:1] if word.startswith("arc-")), "")


def _money(row: Row, external_id: str | None) -> dict[str, Any]:
    return {
        "id": str(row["recordno"]),
        "external_id": external_id or "",
        "currency": row["currency"],
        "amount": fixed(row["total"], row["currency"]),
        "voided": row["state"] in ("V", "Z"),
        "made_by": row["_made_by"],
        "sequence": row["_sequence"],
        "entity": row["entity"],
    }


def _records(books: Books, table: str) -> dict[str, dict[str, Any]]:
    rows = books.rows(f"SELECT * FROM {table} ORDER BY id")
    return {
        str(row["name"]): {name: row[name] for name in CUSTOM_OBJECTS[table] if row[name] is not None}
        | {"id": str(row["id"])}
        for row in rows
    }


def kept(books: Books, kind: str) -> list[dict[str, Any]]:
    """Call it with the books' lock held."""
    if kind == "status":
        rows = books.rows(
            """SELECT * FROM record WHERE recordtype = 'ri' AND state <> 'R' AND "ARC_STATE" IS NOT NULL
               ORDER BY recordno"""
        )
        return [_status(row) for row in rows]
    table = f"arc_{kind}"
    if table not in CUSTOM_OBJECTS:
        raise KeyError(f"nothing is kept as {kind!r}")
    return [
        {"external_id": row["name"], "id": str(row["id"])}
        | {name.removeprefix("arc_"): row[name] or "" for name in CUSTOM_OBJECTS[table]}
        for row in books.rows(f"SELECT * FROM {table} ORDER BY id")
    ]


def _status(row: Row) -> dict[str, Any]:
    name = name_of(row)
    return {"external_id": "", "id": name, "invoice": name} | {key: row[field] or "" for key, field in _STATUS.items()}
