"""What the books hold, for tests and the demo: amounts as decimal strings, ids as strings."""

from __future__ import annotations

from typing import Any

from sandbox.netsuite.amounts import fixed
from sandbox.netsuite.answers import APPLIED, DEPOSITED
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.proof import violations
from sandbox.netsuite.settling import standing


def truth(books: Books) -> dict[str, Any]:
    """Call it with the books' lock held."""
    return {
        "invoices": [_invoice(row) for row in _all(books, "CustInvc")],
        "payments": [_payment(books, row) for row in _all(books, "CustPymt")],
        "credits": [_credit(books, row) for row in _all(books, "CustCred")],
        "deposits": [_deposit(books, row) for row in _all(books, "Deposit")],
        "refunds": [_refund(books, row) for row in _all(books, "CustRfnd")],
        "journals": [_journal(books, row) for row in _all(books, "Journal")],
        "records": {name: _records(books, name) for name in books.catalogue.record_types},
        "violations": violations(books),
    }


def _all(books: Books, kind: str) -> list[Row]:
    sql = """SELECT t.*, c.symbol FROM "transaction" t JOIN currency c ON c.id = t.currency
             WHERE t.type = ? ORDER BY t.id"""
    return books.rows(sql, kind)


def _invoice(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "number": row["tranid"],
        "customer": str(row["entity"]),
        "currency": row["symbol"],
        "amount": fixed(row["_amount"], row["symbol"]),
        "balance": fixed(row["foreignamountunpaid"], row["symbol"]),
        "closed": row["status"] in ("B", "V"),
        "voided": row["voided"] == "T",
    }


def _payment(books: Books, row: Row) -> dict[str, Any]:
    """`applications` are its own cash on invoices and, beside it, the discount; `journals` what of it is applied to
    journals, as when it came back; `credits` are the memos used with it."""
    now, symbol = standing(books, row["id"]), row["symbol"]
    journals = {doc for doc in now.parts if books.transaction(doc)["type"] == "Journal"}
    sequences = _sequences(books, row["id"])
    deposit = books.deposit_of(row["id"])
    return {
        "id": str(row["id"]),
        "external_id": row["externalid"] or "",
        "customer": str(row["entity"]),
        "currency": symbol,
        "amount": fixed(row["_amount"], symbol),
        "applications": [
            {
                "invoice": str(doc),
                "amount": fixed(cash, symbol),
                "discount": fixed(discount, symbol),
                "sequence": sequences[row["id"], doc],
            }
            for doc, (cash, discount) in sorted(now.own().items())
            if doc not in journals
        ],
        "journals": [
            {"journal": str(doc), "amount": fixed(cash, symbol), "sequence": sequences[row["id"], doc]}
            for doc, (cash, _) in sorted(now.own().items())
            if doc in journals
        ],
        "credits": [
            {
                "credit": str(credit),
                "invoice": str(doc),
                "amount": fixed(amount, symbol),
                "sequence": sequences[credit, doc],
            }
            for (credit, doc), amount in sorted(now.shares.items())
        ],
        "unapplied": fixed(row["foreignpaymentamountunused"], symbol),
        "voided": row["voided"] == "T",
        "made_by": row["_made_by"],
        "on": row["trandate"][:10],
        "received_on": str(row["custbody_arc_received_on"] or "")[:10],
        "memo": row["memo"] or "",
        "number": row["tranid"],
        "check": row["otherrefnum"] or "",
        "account": str(row["_account"]),
        "deposit": str(deposit) if deposit else "",
        "sequence": row["_sequence"],
    }


def _sequences(books: Books, payment_id: int) -> dict[tuple[int, int], int]:
    """By payment or memo and invoice: the commit by which it was applied."""
    sql = "SELECT * FROM nexttransactionlinelink WHERE linktype = ? AND (nextdoc = ? OR _payment = ?)"
    links = books.rows(sql, APPLIED, payment_id, payment_id)
    return {(link["nextdoc"], link["previousdoc"]): link["_sequence"] for link in links}


def _credit(books: Books, row: Row) -> dict[str, Any]:
    """`applications` name the payment that the memo was applied with, if it was with one."""
    links = books.rows(
        "SELECT * FROM nexttransactionlinelink WHERE nextdoc = ? AND linktype = ? ORDER BY previousdoc, _payment",
        row["id"],
        APPLIED,
    )
    return {
        "id": str(row["id"]),
        "number": row["tranid"],
        "customer": str(row["entity"]),
        "currency": row["symbol"],
        "amount": fixed(row["_amount"], row["symbol"]),
        "applications": [
            {
                "invoice": str(link["previousdoc"]),
                "amount": fixed(link["foreignamount"], row["symbol"]),
                "payment": str(link["_payment"] or ""),
                "sequence": link["_sequence"],
            }
            for link in links
        ],
        "unapplied": fixed(row["foreignpaymentamountunused"], row["symbol"]),
        "voided": row["voided"] == "T",
        "on": row["trandate"][:10],
        "memo": row["memo"] or "",
        "created_from": str(_lines(books, row)[0]["createdfrom"] or ""),
    }


def _deposit(books: Books, row: Row) -> dict[str, Any]:
    """`lines` are those that are no payments, as they were entered: positive comes out of the account."""
    sql = "SELECT previousdoc FROM nexttransactionlinelink WHERE nextdoc = ? AND linktype = ? ORDER BY previousdoc"
    payments = [str(link["previousdoc"]) for link in books.rows(sql, row["id"], DEPOSITED)]
    others = [line for line in _lines(books, row) if line["id"] and line["createdfrom"] is None]
    return _money_document(row) | {
        "account": str(row["_account"]),
        "payments": payments,
        "lines": [
            {
                "account": str(line["_account"]),
                "amount": fixed(-line["foreignamount"], row["symbol"]),
                "memo": line["memo"] or "",
            }
            for line in others
        ],
    }


def _refund(books: Books, row: Row) -> dict[str, Any]:
    sql = "SELECT previousdoc FROM nexttransactionlinelink WHERE nextdoc = ? AND linktype = ?"
    sources = [str(link["previousdoc"]) for link in books.rows(sql, row["id"], APPLIED)]
    return _money_document(row) | {"customer": str(row["entity"]), "account": str(row["_account"]), "of": sources}


def _journal(books: Books, row: Row) -> dict[str, Any]:
    return _money_document(row) | {
        "lines": [
            {
                "account": str(line["_account"]),
                "amount": fixed(line["foreignamount"], row["symbol"]),
                "customer": str(line["entity"] or ""),
                "open": fixed(line["foreignamountunpaid"] or 0, row["symbol"]),
            }
            for line in _lines(books, row)
        ]
    }


def _money_document(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "external_id": row["externalid"] or "",
        "currency": row["symbol"],
        "amount": fixed(row["_amount"], row["symbol"]),
        "voided": row["voided"] == "T",
        "made_by": row["_made_by"],
        "on": row["trandate"][:10],
        "memo": row["memo"] or "",
        "sequence": row["_sequence"],
    }


def _lines(books: Books, row: Row) -> list[Row]:
    return books.rows('SELECT * FROM transactionline WHERE "transaction" = ? ORDER BY id', row["id"])


def _records(books: Books, table: str) -> dict[str, dict[str, Any]]:
    rows = books.rows(f'SELECT * FROM "{table}" ORDER BY id')
    return {
        str(row["externalid"] or f"#{row['id']}"): {
            name: row[name]
            for name in row.keys()  # noqa: SIM118 - a sqlite3.Row iterates over its values
            if name.startswith("custrecord_") and row[name] is not None
        }
        | {"id": str(row["id"])}
        for row in rows
    }
