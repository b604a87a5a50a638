"""Money that is not (yet) for an invoice: advances of customers, and receipts from anybody else.

Sources: developer.intacct.com (AR advances, other receipts). An advance is credited to the accounts of its lines, and a
payment without cash takes it from there. That a receipt may be below zero is a guess that tests may turn round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.intacct.amounts import converted, fixed
from sandbox.intacct.applying import METHODS
from sandbox.intacct.books import Books, Who
from sandbox.intacct.ledger import Leg
from sandbox.intacct.receivables import AR, NewLine, add_entries, batch_of
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_RECORD, Type

CASH_MANAGEMENT = "11.CM"


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """An advance (with a customer) or an other receipt (without). Its money goes to a bank or to undeposited funds."""

    day: str
    currency: str
    lines: tuple[NewLine, ...]
    customer_id: str = ""
    method: str = "EFT"
    bank: str | None = None
    undeposited: str | None = None
    entity: str = ""
    rate: Decimal | None = None
    is_draft: bool = False
    values: Mapping[str, object] = field(default_factory=dict)


def add_advance(books: Books, new: NewReceipt, who: Who) -> int:
    who.require("create_advances")
    if not new.is_draft and "post_payments" not in who.permissions:
        raise refused("post_permission", what="advances")
    if books.row("SELECT 1 FROM customer WHERE customerid = ?", new.customer_id) is None:
        raise refused("absent", what="customer", key=new.customer_id)
    if any(line.amount <= 0 for line in new.lines):
        raise refused("bad_amount", field="TRX_AMOUNT", amount=fixed(min(line.amount for line in new.lines)))
    key = _add(books, new, Type.ADVANCE, AR, who)
    row = books.record(key)
    named = row["ARC_EXTERNAL_ID"] or row["_external"] or row["docnumber"] or ""
    books.commit(f"advance_added {key} {named}".rstrip(), "record", key)
    return key


def add_other_receipt(books: Books, new: NewReceipt, who: Who) -> int:
    who.require("create_other_receipts")
    total = sum(line.amount for line in new.lines)
    if total == 0 or (total < 0 and not books.guesses.negative_receipts):
        raise refused("negative_receipt", total=fixed(total), field="amount")
    key = _add(books, new, Type.OTHER_RECEIPT, CASH_MANAGEMENT, who)
    books.commit(f"other_receipt_added {key}", "record", key)
    return key


def _add(books: Books, new: NewReceipt, kind: Type, module: str, who: Who) -> int:
    if not new.lines:
        raise refused("wants_value", field="lineitem")
    if new.method not in METHODS:
        raise refused("bad_value", field="PAYMENTMETHOD", value=new.method)
    books.periods.require_open(new.day, new.entity)
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency, new.entity, new.day)
    cash = books.ledger.cash(new.bank, new.undeposited, new.currency, new.entity)
    total = sum(line.amount for line in new.lines)
    values: dict[str, object] = {
        "recordno": books.next_number("record", FIRST_RECORD),
        "recordtype": kind,
        "state": "D" if new.is_draft else "C",
        "customerid": new.customer_id or None,
        "whencreated": new.day,
        "whenpaid": None if new.is_draft else new.day,
        "receiptdate": new.day,
        "paymentdate": new.day,
        "paymentmethod": new.method,
        "financialentity": cash.bank,
        "undepositedaccountno": cash.undeposited,
        "currency": new.currency,
        "basecurr": books.ledger.base(new.entity),
        "rate": str(rate),
        "total": total,
        "base_total": converted(total, rate),
        "moduleid": module,
        "entity": new.entity,
        "_receivable": books.ledger.roles["receivable"],
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
        **new.values,
    }
    key = books.insert("record", values)
    books.change("record", key, {"recordid": f"RCPT-{key}"})
    add_entries(books, key, new.lines, rate, who, entity=new.entity)
    if not new.is_draft:
        post_receipt(books, key, cash.account)
    return key


def post_receipt(books: Books, key: int, cash: str) -> None:
    record = books.record(key)
    text = record["description"] or record["docnumber"] or ""
    legs = [Leg(cash, record["total"], text)]
    for line in books.entries(key):
        legs.append(Leg(line["accountno"], -line["amount"], line["description"] or text, location=line["locationid"]))
    books.ledger.post(batch_of(record, record["receiptdate"]), legs)


def delete_other_receipt(books: Books, key: int, who: Who) -> None:
    """One that lies in a deposit stays (K)."""
    who.require("create_other_receipts")
    record = books.record(key, Type.OTHER_RECEIPT)
    if record["depositkey"] is not None:
        raise refused("deposited", key=key, deposit=record["depositkey"])
    books.periods.require_open(record["receiptdate"], record["entity"])
    books.ledger.forget(key)
    books.db.execute("DELETE FROM entry WHERE recordkey = ?", (key,))
    books.db.execute("DELETE FROM record WHERE recordno = ?", (key,))
    books.commit(f"other_receipt_deleted {key}")
