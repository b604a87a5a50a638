"""Which invoices does a payment pay, and with which credits? The rules of a customer payment's apply and credit lists
(Oracle help, section_N3667711).

Lines are keyed by document. `replaceAll` true means that what is not sent is un-applied. An invoice that is not offered
to this payment (paid, voided, not approved, of another customer, currency, subsidiary or receivables account) has no
line to apply to, and no more has a credit memo. A journal's line that debits receivables with the customer is offered
as an invoice is; an apply line of a journal names that line. Amounts of lines are cash and credits together: what is
sent may be less than the payment and its credits, and the difference stays unapplied, but never more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import APPLIED, Refusal
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.ledger import CASH, RECEIVABLES, Leg
from sandbox.netsuite.settling import Part, Standing, carry_out, shared_out, standing
from sandbox.netsuite.terms import offered


@dataclass(frozen=True, slots=True)
class ApplyLine:
    """`amount` None applies as much as fits (K), `discount` None leaves the discount as it stands; `apply` false or an
    amount of zero un-applies."""

    doc: int
    amount: int | None
    apply: bool = True
    line: str = "null"
    discount: int | None = None


@dataclass(frozen=True, slots=True)
class CreditLine:
    """`amount` None uses all that is left of the credit memo (C); `apply` false or an amount of zero frees it."""

    doc: int
    amount: int | None
    apply: bool = True
    line: str = "null"


@dataclass(frozen=True, slots=True)
class Lists:
    """Both lists of one write. Without `replace...` what they don't name stays."""

    lines: tuple[ApplyLine, ...] = ()
    credits: tuple[CreditLine, ...] = ()
    replace_lines: bool = False
    replace_credits: bool = False


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
    credits: tuple[CreditLine, ...] = ()


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
    books.change("transaction", payment_id, {"tranid": values.get("tranid") or f"PYMT{payment_id}"})
    sequence = books.sequence(f"netsuite.payment_added {payment_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", payment_id, {"_sequence": sequence})
    apply_lists(books, payment_id, Lists(new.lines, new.credits), by_role=new.by_role)
    return payment_id


def cash_account(books: Books, wanted: object, currency: int, subsidiary: int) -> int:
    """Where the money of a payment goes, None being Undeposited Funds; refused where it may not."""
    if wanted is None:
        return books.ledger.roles["undeposited"]
    account = books.ledger.account(wanted, "account", subsidiary, CASH)
    books.ledger.require_currency(account, currency, subsidiary)
    return account.id


def apply(books: Books, payment_id: int, lines: Sequence[ApplyLine], *, replace_all: bool) -> None:
    """Bring the payment's applications to what the lines say, or refuse all of them. Its credits stay."""
    apply_lists(books, payment_id, Lists(tuple(lines), replace_lines=replace_all))


def apply_lists(books: Books, payment_id: int, lists: Lists, *, by_role: bool = False) -> None:
    """Bring the payment's applications and credits to what both lists say, or refuse all of it."""
    payment = books.transaction(payment_id)
    before = standing(books, payment_id)
    credits = _credits(books, payment, before.credits, lists, by_role=by_role)
    room = payment["_amount"] + sum(credits.values())
    parts = _parts(books, payment, before.parts, lists, room)
    applied, used = sum(part.amount for part in parts.values()), sum(credits.values())
    symbol = books.symbol(payment["currency"])
    if applied > room:
        raise Refusal("over_applied", applied=fixed(applied, symbol), payment=fixed(room, symbol))
    if used > applied:
        raise Refusal("over_credited", credits=fixed(used, symbol), applied=fixed(applied, symbol))
    after = Standing(parts, shared_out(parts, credits, before.shares))
    if after.discount != before.discount:
        books.periods.require_open(payment["trandate"], receivables_by_role=by_role)
    carry_out(books, payment, before, after)


# ---- invoices ----


def _parts(books: Books, payment: Row, before: Mapping[int, Part], lists: Lists, room: int) -> dict[int, Part]:
    after = {} if lists.replace_lines else dict(before)
    applied = sum(part.amount for part in after.values())
    for line in lists.lines:
        now = before.get(line.doc)
        invoice = _invoice(books, payment, line, is_applied=now is not None)
        replaced = after.pop(line.doc, None)
        applied -= replaced.amount if replaced else 0
        if line.apply and line.amount != 0:
            discount = _discount(books, payment, invoice, line, now)
            due = books.owed(invoice) + (now.amount + now.discount if now else 0)
            after[line.doc] = Part(_amount(books, payment, line, due - discount, room - applied), discount)
            applied += after[line.doc].amount
    return {doc: part for doc, part in after.items() if part.amount}


def _invoice(books: Books, payment: Row, line: ApplyLine, *, is_applied: bool) -> Row:
    """The invoice of a line, if it is offered to this payment: what it pays already is, whatever happened since."""
    journal = books.row("SELECT * FROM \"transaction\" WHERE id = ? AND type = 'Journal'", line.doc)
    if journal is not None:
        return _journal(books, payment, journal, line, is_applied=is_applied)
    invoice = books.row("SELECT * FROM \"transaction\" WHERE id = ? AND type = 'CustInvc'", line.doc)
    is_offered = invoice is not None and (
        is_applied
        or (
            _pays_for(books, payment["entity"], invoice["entity"])
            and _is_kin(payment, invoice)
            and invoice["foreignamountunpaid"] > 0
        )
    )
    if invoice is None or not is_offered:
        raise Refusal("no_apply_line", doc=line.doc, line=line.line)
    return invoice


def _journal(books: Books, payment: Row, journal: Row, line: ApplyLine, *, is_applied: bool) -> Row:
    """The journal of a line, by the number of its line that debits receivables with the customer of the payment."""
    debit = books.receivable_debit(journal["id"])
    is_offered = debit is not None and line.line == str(debit["id"])
    if debit is not None and is_offered and not is_applied:
        is_offered = (
            _pays_for(books, payment["entity"], debit["entity"])
            and all(payment[name] == journal[name] for name in ("currency", "_subsidiary"))
            and debit["_account"] == payment["_receivable"]
            and (journal["posting"], journal["voided"]) == ("T", "F")
            and debit["foreignamountunpaid"] > 0
        )
    if not is_offered:
        raise Refusal("no_apply_line", doc=line.doc, line=line.line)
    return journal


def _is_kin(payment: Row, other: Row) -> bool:
    """Are both of one currency, subsidiary and receivables account, and the other one in force?"""
    alike = all(payment[name] == other[name] for name in ("currency", "_subsidiary", "_receivable"))
    return alike and (other["posting"], other["voided"]) == ("T", "F")


def _pays_for(books: Books, payer: int, owner: int) -> bool:
    return payer == owner or (books.guesses.parent_pays_children and _is_child(books, owner, payer))


def _is_child(books: Books, child: int, parent: int) -> bool:
    row = books.row("SELECT parent FROM customer WHERE id = ?", child)
    return row is not None and row["parent"] == parent


def _discount(books: Books, payment: Row, invoice: Row, line: ApplyLine, now: Part | None) -> int:
    """The early discount of a line: no more than the terms offer on the payment's day (K: that it is refused)."""
    if invoice["type"] == "Journal":
        return 0
    taken = now.discount if now else 0
    left = offered(books, invoice, payment["trandate"]) + taken
    unsaid = left if now is None and books.guesses.discount_taken_unsaid else taken
    wanted = unsaid if line.discount is None else line.discount
    symbol = books.symbol(payment["currency"])
    if wanted < 0 or not fits(wanted, symbol):
        raise Refusal("bad_amount", field="disc", amount=fixed(wanted, symbol), currency=symbol)
    if wanted > taken and wanted > left:
        amounts = {"discount": fixed(wanted, symbol), "offered": fixed(left, symbol)}
        raise Refusal("over_discount", doc=line.doc, day=payment["trandate"][:10], **amounts)
    return wanted


def _amount(books: Books, payment: Row, line: ApplyLine | CreditLine, due: int, room: int) -> int:
    if line.amount is None:
        return max(0, min(due, room))
    symbol = books.symbol(payment["currency"])
    if line.amount < 0 or not fits(line.amount, symbol):
        raise Refusal("bad_amount", field="amount", amount=fixed(line.amount, symbol), currency=symbol)
    if line.amount > due:
        raise Refusal("over_due", amount=fixed(line.amount, symbol), doc=line.doc, due=fixed(due, symbol))
    return line.amount


# ---- credits ----


def _credits(books: Books, payment: Row, before: Mapping[int, int], lists: Lists, *, by_role: bool) -> dict[int, int]:
    """How much of which credit memo the payment is to use up."""
    after = {} if lists.replace_credits else dict(before)
    for line in lists.credits:
        now = before.get(line.doc)
        memo = _memo(books, payment, line, is_used=now is not None)
        after.pop(line.doc, None)
        if line.apply and line.amount != 0:
            left = memo["foreignpaymentamountunused"] + (now or 0)
            after[line.doc] = _amount(books, payment, line, left, left)
    for doc in sorted({*before, *after}):
        if before.get(doc) != after.get(doc):
            books.periods.require_applicable(books.transaction(doc)["trandate"], by_role=by_role)
    return {doc: amount for doc, amount in after.items() if amount}


def _memo(books: Books, payment: Row, line: CreditLine, *, is_used: bool) -> Row:
    """The credit memo of a line, if it is offered to this payment."""
    memo = books.row('SELECT * FROM "transaction" WHERE id = ?', line.doc)
    if memo is not None and memo["type"] in ("CustPymt", "Journal"):
        raise Refusal("not_played", what="anything but credit memos in a credit list")
    is_offered = memo is not None and memo["type"] == "CustCred"
    if memo is not None and is_offered and not is_used:
        is_ours = memo["entity"] == payment["entity"] or (
            books.guesses.parent_uses_childrens_credits and _is_child(books, memo["entity"], payment["entity"])
        )
        is_offered = is_ours and _is_kin(payment, memo) and memo["foreignpaymentamountunused"] > 0
    if memo is None or not is_offered:
        raise Refusal("no_credit_line", doc=line.doc, line=line.line)
    return memo


def apply_memo(books: Books, memo_id: int, lines: Sequence[ApplyLine]) -> None:
    """Apply a credit memo by itself, without a payment, or take it off again; what lines don't name stays. What it
    settles together with a payment belongs to that payment's lists."""
    memo = books.transaction(memo_id)
    if memo["voided"] == "T":
        raise Refusal("voided")
    books.periods.require_applicable(memo["trandate"], by_role=False)
    for line in lines:
        _apply_memo(books, books.transaction(memo_id), line)
    books.change("transaction", memo_id, {"lastmodifieddate": books.now()})
    if memo["currency"] != books.ledger.base(memo["_subsidiary"]):
        books.ledger.repost_memo(books.transaction(memo_id))


def _apply_memo(books: Books, memo: Row, line: ApplyLine) -> None:
    own = "FROM nexttransactionlinelink WHERE nextdoc = ? AND previousdoc = ? AND linktype = ? AND _payment IS NULL"
    key = (memo["id"], line.doc, APPLIED)
    now = books.rows(f"SELECT COALESCE(SUM(foreignamount), 0) AS applied {own}", *key)[0]["applied"]
    invoice = _invoice(books, memo, line, is_applied=now > 0)
    left = memo["foreignpaymentamountunused"] + now
    amount = _amount(books, memo, line, invoice["foreignamountunpaid"] + now, left) if line.apply else 0
    if amount > left:
        symbol = books.symbol(memo["currency"])
        raise Refusal("over_applied", applied=fixed(amount, symbol), payment=fixed(left, symbol))
    books.db.execute(f"DELETE {own}", key)
    sequence = books.sequence(f"netsuite.credit_applied {memo['id']} to {line.doc} {fixed(amount)}")
    if amount:
        books.link(invoice, memo, amount, sequence=sequence)
    books.settle(line.doc)
    books.settle(memo["id"])
