"""Which invoices does a payment pay? The rules of a customer payment's apply list (Oracle help, section_N3667711).

Lines are keyed by document. `replaceAll` true means that what is not sent is un-applied. An invoice that is not offered
to this payment (paid, voided, not approved, of another customer, currency, subsidiary or receivables account) has no
line to apply to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import APPLIED, Refusal
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.ledger import CASH, RECEIVABLES, Leg


@dataclass(frozen=True, slots=True)
class ApplyLine:
    """`amount` None applies as much as fits (K); `apply` false or an amount of zero un-applies."""

    doc: int
    amount: int | None
    apply: bool = True
    line: str = "null"


@dataclass(frozen=True, slots=True)
class NewPayment:
    """`account` None is Undeposited Funds, `receivable` None the customer's own control account, `rate` None that of
    the day. `by_role`: the integration's role enters it, not a person."""

    customer_id: int
    currency_id: int
    amount: int
    day: str  # as stored
    lines: tuple[ApplyLine, ...] = ()
    account: int | None = None
    receivable: int | None = None
    rate: Decimal | None = None
    by_role: bool = False


def add_payment(books: Books, new: NewPayment, values: Mapping[str, object]) -> int:
    """Record a payment and its applications; Refusal leaves it to the caller's `saving` to forget all of it."""
    same = "SELECT id FROM \"transaction\" WHERE type = 'CustPymt' AND externalid = ?"
    if books.row(same, values.get("externalid")) is not None:
        raise Refusal("exists")
    period = books.periods.require_open(new.day, receivables_by_role=new.by_role)
    customer = books.row("SELECT * FROM customer WHERE id = ?", new.customer_id)
    if customer is None:
        raise Refusal("bad_reference", field="customer", key=new.customer_id)
    symbol = books.symbol(new.currency_id)
    if new.amount <= 0 or not fits(new.amount, symbol):
        raise Refusal("bad_amount", field="payment", amount=fixed(new.amount, symbol), currency=symbol)
    subsidiary = customer["subsidiary"]
    cash = cash_account(books, new.account, new.currency_id, subsidiary)
    receivable = new.receivable or books.ledger.receivable(customer)
    books.ledger.account(receivable, "arAcct", subsidiary, RECEIVABLES)
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency_id, subsidiary, new.day)
    payment_id = books.insert_transaction(
        "CustPymt",
        {
            "entity": new.customer_id,
            "currency": new.currency_id,
            "exchangerate": str(rate),
            "trandate": new.day,
            "postingperiod": period,
            "_subsidiary": subsidiary,
            "_receivable": receivable,
            "_account": cash,
            "_undeposited": "T" if new.account is None else "F",
            **values,
        },
        new.amount,
        [Leg(cash, new.amount, str(values.get("memo") or "")), Leg(receivable, -new.amount)],
    )
    books.change("transaction", payment_id, {"tranid": f"PYMT{payment_id}"})
    sequence = books.sequence(f"netsuite.payment_added {payment_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", payment_id, {"_sequence": sequence})
    apply(books, payment_id, new.lines, replace_all=True)
    return payment_id


def cash_account(books: Books, wanted: object, currency: int, subsidiary: int) -> int:
    """Where the money of a payment goes, None being Undeposited Funds; refused where it may not."""
    if wanted is None:
        return books.ledger.roles["undeposited"]
    account = books.ledger.account(wanted, "account", subsidiary, CASH)
    books.ledger.require_currency(account, currency, subsidiary)
    return account.id


def apply(books: Books, payment_id: int, lines: Sequence[ApplyLine], *, replace_all: bool) -> None:
    """Bring the payment's applications to what the lines say, or refuse all of them."""
    payment = books.transaction(payment_id)
    sql = "SELECT previousdoc, foreignamount FROM nexttransactionlinelink WHERE nextdoc = ? AND linktype = ?"
    rows = books.rows(sql, payment_id, APPLIED)
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
            and invoice["_receivable"] == payment["_receivable"]
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
            books.link(books.transaction(doc), payment, after[doc], sequence=sequence)
        books.settle(doc)
        if books.guesses.payment_moves_invoice_date:
            books.change("transaction", doc, {"lastmodifieddate": books.now()})
    if payment["currency"] != books.ledger.base(payment["_subsidiary"]):
        books.ledger.repost_payment(payment)
    books.settle(payment["id"])
