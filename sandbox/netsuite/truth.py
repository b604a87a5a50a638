"""What the books hold, for tests and the demo: amounts as decimal strings, ids as strings."""

from __future__ import annotations

from typing import Any

from sandbox.netsuite.amounts import fixed
from sandbox.netsuite.answers import APPLIED, DEPOSITED
from sandbox.netsuite.books import Books, Row


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
    links = books.rows(
        "SELECT * FROM nexttransactionlinelink WHERE nextdoc = ? AND linktype = ? ORDER BY previousdoc",
        row["id"],
        APPLIED,
    )
    deposit = books.deposit_of(row["id"])
    return {
        "id": str(row["id"]),
        "external_id": row["externalid"] or "",
        "customer": str(row["entity"]),
        "currency": row["symbol"],
        "amount": fixed(row["_amount"], row["symbol"]),
        "applications": [
            {
                "invoice": str(link["previousdoc"]),
                "amount": fixed(link["foreignamount"], row["symbol"]),
                "sequence": link["_sequence"],
            }
            for link in links
        ],
        "unapplied": fixed(row["foreignpaymentamountunused"], row["symbol"]),
        "voided": row["voided"] == "T",
        "made_by": row["_made_by"],
        "on": row["trandate"][:10],
        "memo": row["memo"] or "",
        "account": str(row["_account"]),
        "deposit": str(deposit) if deposit else "",
        "sequence": row["_sequence"],
    }


def _credit(books: Books, row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "number": row["tranid"],
        "customer": str(row["entity"]),
        "currency": row["symbol"],
        "amount": fixed(row["_amount"], row["symbol"]),
        "unapplied": fixed(row["foreignpaymentamountunused"], row["symbol"]),
        "voided": row["voided"] == "T",
        "on": row["trandate"][:10],
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
            {"account": str(line["_account"]), "amount": fixed(line["foreignamount"], row["symbol"])}
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
