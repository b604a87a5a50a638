"""Which invoices does a payment pay? The rules of a customer payment's apply list (Oracle help, section_N3667711).

Lines are keyed by document. `replaceAll` true means that what is not sent is un-applied. An invoice that is not offered
to this payment (paid, voided, not approved, of another customer, currency or subsidiary) has no line to apply to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.books import Books, Row


@dataclass(frozen=True, slots=True)
class ApplyLine:
    """`amount` None applies as much as fits (K); `apply` false or an amount of zero un-applies."""

    doc: int
    amount: int | None
    apply: bool = True
    line: str = "null"


@dataclass(frozen=True, slots=True)
class NewPayment:
    customer_id: int
    currency_id: int
    amount: int
    day: str  # as stored
    lines: tuple[ApplyLine, ...] = ()


def add_payment(books: Books, new: NewPayment, values: Mapping[str, object]) -> int:
    """Record a payment and its applications; Refusal leaves it to the caller's `saving` to forget all of it."""
    same = "SELECT id FROM \"transaction\" WHERE type = 'CustPymt' AND externalid = ?"
    if books.row(same, values.get("externalid")) is not None:
        raise Refusal("exists")
    period = books.require_open_period(new.day)
    customer = books.row("SELECT * FROM customer WHERE id = ?", new.customer_id)
    if customer is None:
        raise Refusal("bad_reference", field="customer", key=new.customer_id)
    symbol = books.symbol(new.currency_id)
    if new.amount <= 0 or not fits(new.amount, symbol):
        raise Refusal("bad_amount", field="payment", amount=fixed(new.amount, symbol), currency=symbol)
    payment_id = books.insert_transaction(
        "CustPymt",
        {
            "entity": new.customer_id,
            "currency": new.currency_id,
            "trandate": new.day,
            "postingperiod": period,
            "_subsidiary": customer["subsidiary"],
            **values,
        },
        new.amount,
    )
    books.change("transaction", payment_id, {"tranid": f"PYMT{payment_id}"})
    sequence = books.sequence(f"netsuite.payment_added {payment_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", payment_id, {"_sequence": sequence})
    apply(books, payment_id, new.lines, replace_all=True)
    return payment_id


def apply(books: Books, payment_id: int, lines: Sequence[ApplyLine], *, replace_all: bool) -> None:
    """Bring the payment's applications to what the lines say, or refuse all of them."""
    payment = books.transaction(payment_id)
    rows = books.rows("SELECT previousdoc, foreignamount FROM nexttransactionlinelink WHERE nextdoc = ?", payment_id)
    before = {row["previousdoc"]: row["foreignamount"] for row in rows}
    after = {} if replace_all else dict(before)
    applied = sum(after.values())
    for line in lines:
        due = _due(books, payment, line, before.get(line.doc))
        applied -= after.pop(line.doc, 0)
        if line.apply and line.amount != 0:
            after[line.doc] = _amount(books, payment, line, due, payment["_amount"] - applied)
            applied += after[line.doc]
    if applied > payment["_amount"]:
        symbol = books.symbol(payment["currency"])
        raise Refusal("over_applied", applied=fixed(applied, symbol), payment=fixed(payment["_amount"], symbol))
    _carry_out(books, payment, before, {doc: amount for doc, amount in after.items() if amount})


def _due(books: Books, payment: Row, line: ApplyLine, applied_now: int | None) -> int:
    """What this payment could apply to the document, counting what it applies already."""
    invoice = books.row("SELECT * FROM \"transaction\" WHERE id = ? AND type = 'CustInvc'", line.doc)
    offered = invoice is not None and (
        applied_now is not None
        or (
            _pays_for(books, payment["entity"], invoice["entity"])
            and invoice["currency"] == payment["currency"]
            and invoice["_subsidiary"] == payment["_subsidiary"]
            and (invoice["posting"], invoice["voided"]) == ("T", "F")
            and invoice["foreignamountunpaid"] > 0
        )
    )
    if invoice is None or not offered:
        raise Refusal("no_apply_line", doc=line.doc, line=line.line)
    return int(invoice["foreignamountunpaid"]) + (applied_now or 0)


def _pays_for(books: Books, payer: int, owner: int) -> bool:
    if payer == owner:
        return True
    child = books.row("SELECT parent FROM customer WHERE id = ?", owner)
    return books.guesses.parent_pays_children and child is not None and child["parent"] == payer


def _amount(books: Books, payment: Row, line: ApplyLine, due: int, room: int) -> int:
    if line.amount is None:
        return max(0, min(due, room))
    symbol = books.symbol(payment["currency"])
    if line.amount < 0 or not fits(line.amount, symbol):
        raise Refusal("bad_amount", field="amount", amount=fixed(line.amount, symbol), currency=symbol)
    if line.amount > due:
        raise Refusal("over_due", amount=fixed(line.amount, symbol), doc=line.doc, due=fixed(due, symbol))
    return line.amount


def _carry_out(books: Books, payment: Row, before: Mapping[int, int], after: Mapping[int, int]) -> None:
    touched = [doc for doc in {*before, *after} if before.get(doc) != after.get(doc)]
    for doc in sorted(touched):
        sql = "DELETE FROM nexttransactionlinelink WHERE nextdoc = ? AND previousdoc = ?"
        books.db.execute(sql, (payment["id"], doc))
        sequence = books.sequence(f"netsuite.payment_applied {payment['id']} to {doc} {fixed(after.get(doc, 0))}")
        if doc in after:
            link = {
                "previousdoc": doc,
                "previousline": 0,
                "previoustype": "CustInvc",
                "nextdoc": payment["id"],
                "nextline": 0,
                "nexttype": "CustPymt",
                "linktype": "Payment",
                "foreignamount": after[doc],
                "_sequence": sequence,
            }
            books.insert("nexttransactionlinelink", link)
        books.settle(doc)
        if books.guesses.payment_moves_invoice_date:
            books.change("transaction", doc, {"lastmodifieddate": books.now()})
    books.settle(payment["id"])
