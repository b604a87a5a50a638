"""From undeposited funds into a bank: `record_deposit`.

Source: developer.intacct.com (deposits): it takes record numbers of undeposited AR payments and other receipts, nothing
else. That a receipt can be deposited once, and that the total must be above zero, is K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.intacct.amounts import converted, fixed
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.cash import CASH_MANAGEMENT
from sandbox.intacct.ledger import Leg
from sandbox.intacct.receivables import batch_of
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_ENTRY, FIRST_RECORD, Type

DEPOSITABLE = (Type.PAYMENT, Type.ADVANCE, Type.OTHER_RECEIPT)


def add_deposit(
    books: Books,
    bank_id: str,
    day: str,
    number: str,
    receipts: Sequence[int],
    who: Who,
    values: Mapping[str, object] | None = None,
) -> int:
    """Record a deposit of these receipts; Refusal leaves it to the caller's `saving` to forget all of it."""
    who.require("create_deposits")
    if not receipts:
        raise refused("wants_value", field="receiptkey")
    rows = [_receipt(books, key, who.entity) for key in dict.fromkeys(receipts)]
    books.periods.require_open(day, who.entity)
    currency = str(rows[0]["currency"])
    cash = books.ledger.cash(bank_id, None, currency, who.entity)
    for row in rows:
        if row["currency"] != currency:
            raise refused("deposit_currency", key=row["recordno"], currency=row["currency"], own=currency)
    total = sum(row["total"] for row in rows)
    if total <= 0:
        raise refused("deposit_total", total=fixed(total))
    key = books.insert("record", _header(books, bank_id, day, number, (currency, total), who) | dict(values or {}))
    legs = [Leg(cash.account, total, number)]
    for line, row in enumerate(rows, start=1):
        legs.append(_leg(books, row))
        _add_line(books, key, line, row, legs[-1], who)
    books.ledger.post(batch_of(books.record(key), day), legs)
    books.commit(f"deposit_added {key} {number}".rstrip(), "record", key)
    return key


def _header(books: Books, bank_id: str, day: str, number: str, amount: tuple[str, int], who: Who) -> dict[str, object]:
    currency, total = amount
    rate = books.ledger.rate(currency, who.entity, day)
    return {
        "recordno": books.next_number("record", FIRST_RECORD),
        "recordtype": Type.DEPOSIT,
        "recordid": number,
        "state": "C",
        "whencreated": day,
        "whenpaid": day,
        "receiptdate": day,
        "financialentity": bank_id,
        "currency": currency,
        "basecurr": books.ledger.base(who.entity),
        "rate": str(rate),
        "total": total,
        "base_total": converted(total, rate),
        "paid": total,
        "moduleid": CASH_MANAGEMENT,
        "entity": who.entity,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
    }


def _receipt(books: Books, key: int, entity: str) -> Row:
    """A receipt that may be deposited now: posted, among undeposited funds, in no deposit."""
    row = books.row("SELECT * FROM record WHERE recordno = ?", key)
    is_there = row is not None and row["recordtype"] in DEPOSITABLE and row["state"] == "C"
    if row is None or not is_there or row["undepositedaccountno"] is None or row["depositkey"] is not None:
        raise refused("not_undeposited", key=key, field="receiptkey")
    if row["entity"] != entity:
        raise refused("other_entity", key=key, owner=row["entity"] or "-", entity=entity or "-")
    return row


def _leg(books: Books, receipt: Row) -> Leg:
    """Out of undeposited funds, at what the receipt put in there."""
    account = receipt["undepositedaccountno"]
    base = books.ledger.base_of(receipt["recordno"], account)
    text = receipt["description"] or receipt["docnumber"] or ""
    return Leg(account, -receipt["total"], text, -base, receipt["customerid"])


def _add_line(books: Books, key: int, number: int, receipt: Row, leg: Leg, who: Who) -> None:
    values = {
        "recordno": books.next_number("entry", FIRST_ENTRY),
        "recordkey": key,
        "line_no": number,
        "accountno": leg.account,
        "description": leg.text or None,
        "amount": receipt["total"],
        "base_amount": -(leg.base or 0),
        "receiptkey": receipt["recordno"],
        **books.stamps(who),
    }
    books.insert("entry", values)
    books.change("record", receipt["recordno"], {"depositkey": key})
    books.stamp("record", receipt["recordno"], who)


def undo_deposit(books: Books, key: int, who: Who) -> None:
    """A person deletes a deposit: its receipts wait among undeposited funds again."""
    row = books.record(key, Type.DEPOSIT)
    books.periods.require_open(row["receiptdate"], row["entity"])
    books.db.execute("UPDATE record SET depositkey = NULL WHERE depositkey = ?", (key,))
    books.db.execute("DELETE FROM entry WHERE recordkey = ?", (key,))
    books.db.execute("DELETE FROM record WHERE recordno = ?", (key,))
    books.ledger.forget(key)
    books.commit(f"deposit_deleted {key}")
