"""AR payments: posted and drafted, with what is over, changed, deleted and reversed.

Sources: developer.intacct.com (AR payments): only drafts change or are deleted, and an update with details replaces all
of them. A draft selects what it would pay. What a payment brings beyond its details is an overpayment, a record of its
own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from sandbox.intacct.amounts import converted, fixed
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.details import NewDetail, Part, parts_of
from sandbox.intacct.ledger import Leg
from sandbox.intacct.receivables import AR, NewLine, add_entries, batch_of, settle
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_RECORD, Type

FIRST_DETAIL = 40001
METHODS = frozenset({"Printed Check", "Cash", "EFT", "Credit Card", "Online Charge Card", "Online ACH Debit"})


@dataclass(frozen=True, slots=True)
class NewPayment:
    """`customer_id` '' is a payment for several customers in the name of `payer`. `rate` None is that of the day."""

    customer_id: str
    day: str
    currency: str
    details: tuple[NewDetail, ...]
    method: str = "EFT"
    payer: str = ""
    bank: str | None = None
    undeposited: str | None = None
    overpayment: int = 0
    is_draft: bool = False
    entity: str = ""
    rate: Decimal | None = None
    overpayment_location: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)


def add_payment(books: Books, new: NewPayment, who: Who) -> int:
    """Record a payment and what it pays; Refusal leaves it to the caller's `saving` to forget all of it."""
    _require_may(who, is_draft=new.is_draft)
    if new.method not in METHODS:
        raise refused("bad_value", field="PAYMENTMETHOD", value=new.method)
    if bool(new.customer_id) == bool(new.payer):
        raise refused("payer", field="CUSTOMERID")
    _require_number(books, new)
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency, new.entity, new.day)
    cash = books.ledger.cash(new.bank, new.undeposited, new.currency, new.entity)
    values: dict[str, object] = {
        "recordno": books.next_number("record", FIRST_RECORD),
        "recordtype": Type.PAYMENT,
        "state": "D",
        "customerid": new.customer_id or None,
        "payername": new.payer or None,
        "whencreated": new.day,
        "receiptdate": new.day,
        "paymentdate": new.day,
        "paymentmethod": new.method,
        "financialentity": cash.bank,
        "undepositedaccountno": cash.undeposited,
        "currency": new.currency,
        "basecurr": books.ledger.base(new.entity),
        "rate": str(rate),
        "moduleid": AR,
        "entity": new.entity,
        "_receivable": books.ledger.roles["receivable"],
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
        **new.values,
    }
    key = books.insert("record", values)
    books.change("record", key, {"recordid": f"RCPT-{key}"})
    _write_details(books, key, new.details, new.overpayment, who, new.overpayment_location)
    named = values.get("ARC_EXTERNAL_ID") or values.get("_external") or values.get("docnumber") or ""
    books.commit(f"payment_{'drafted' if new.is_draft else 'added'} {key} {named}".rstrip(), "record", key)
    if not new.is_draft:
        submit(books, key, who)
    return key


def _require_may(who: Who, *, is_draft: bool) -> None:
    who.require("create_payments")
    if not is_draft and "post_payments" not in who.permissions:
        raise refused("post_permission", what="payments")


def _require_number(books: Books, new: NewPayment) -> None:
    """K: neither the length nor the uniqueness of DOCNUMBER is documented."""
    number = str(new.values.get("docnumber") or "")
    if len(number) > books.guesses.document_number_max:
        raise refused("bad_value", field="DOCNUMBER", value=number)
    same = "SELECT 1 FROM record WHERE recordtype = 'rp' AND docnumber = ? AND state IN ('C', 'D')"
    if number and books.guesses.document_numbers_are_unique and books.row(same, number) is not None:
        raise refused("duplicate", what="payment")


# ---- details ----


def _write_details(
    books: Books,
    key: int,
    details: Sequence[NewDetail],
    overpayment: int,
    who: Who,
    location: str | None = None,
) -> None:
    """Select what the details name, under a payment that has none yet."""
    if not details:
        raise refused("no_details", field="ARPYMTDETAILS")
    if overpayment < 0:
        raise refused("bad_amount", field="OVERPAYMENTAMOUNT", amount=fixed(overpayment))
    payment = books.record(key)
    for detail in details:
        for part in parts_of(books, payment, detail):
            _select(books, key, part)
    cash = books.rows("SELECT COALESCE(SUM(cash), 0) AS cash FROM detail WHERE paymentkey = ?", key)[0]["cash"]
    total = cash + overpayment
    base = converted(total, Decimal(payment["rate"]))
    books.change("record", key, {"total": total, "base_total": base, "paid": total})
    if overpayment:
        _add_overpayment(books, books.record(key), overpayment, who, location)


def _select(books: Books, key: int, part: Part) -> None:
    values = {
        "recordno": books.next_number("detail", FIRST_DETAIL),
        "paymentkey": key,
        "targetkey": part.target,
        "targetentry": part.entry,
        "cash": part.cash,
        "creditkey": part.credit_key,
        "creditentry": part.credit_entry,
        "credit": part.credit,
        "discount": part.discount,
    }
    books.insert("detail", values)
    _move(books, values, "selected", 1)
    settle(books, part.target)
    if part.credit_key is not None:
        settle(books, part.credit_key)


def _move(books: Books, detail: Mapping[str, object] | Row, column: str, sign: int) -> None:
    """Put a detail's amounts onto the lines that it names, as selected or as paid, or take them off (-1)."""
    cash, credit, discount = (int(str(detail[name])) for name in ("cash", "credit", "discount"))
    settled = cash + credit + (discount if column == "selected" else 0)
    sql = f"UPDATE entry SET {column} = {column} + ?, discount = discount + ? WHERE recordno = ?"
    let_off = 0 if column == "selected" else discount
    books.db.execute(sql, (sign * settled, sign * let_off, detail["targetentry"]))
    if detail["creditentry"] is not None:
        # What is used of a credit memo is below zero, as the memo is.
        sql = f"UPDATE entry SET {column} = {column} + ? * (CASE WHEN amount < 0 THEN -1 ELSE 1 END) WHERE recordno = ?"
        books.db.execute(sql, (sign * credit, detail["creditentry"]))


# ---- overpayments ----


def _add_overpayment(books: Books, payment: Row, amount: int, who: Who, location: str | None = None) -> int:
    """What a receipt brings beyond its details: a record of its own, credited to the customer's receivables."""
    owner = payment["customerid"] or payment["payername"]
    if books.row("SELECT 1 FROM customer WHERE customerid = ?", owner) is None:
        raise refused("absent", what="customer", key=owner)
    copied = (
        "whencreated", "receiptdate", "paymentdate", "paymentmethod", "financialentity", "undepositedaccountno",
        "currency", "basecurr", "rate", "moduleid", "entity", "docnumber", "description", "_receivable", "_made_by",
    )  # fmt: skip
    rate = Decimal(payment["rate"])
    values = {
        **{name: payment[name] for name in copied},
        "recordno": books.next_number("record", FIRST_RECORD),
        "recordtype": Type.OVERPAYMENT,
        "recordid": payment["recordid"],
        "state": payment["state"],
        "customerid": owner,
        "parentpaymentkey": payment["recordno"],
        "total": amount,
        "base_total": converted(amount, rate),
        **books.stamps(who),
    }
    key = books.insert("record", values)
    add_entries(
        books, key, [NewLine(payment["_receivable"], amount, location=location)], rate, who, entity=payment["entity"]
    )
    return key


def overpayment_of(books: Books, payment: int) -> Row | None:
    """What is kept of a payment's rest, used or not."""
    return books.row("SELECT * FROM record WHERE parentpaymentkey = ? AND recordtype = 'ro'", payment)


# ---- posting, drafts ----


def submit(books: Books, key: int, who: Who) -> None:
    """Post a draft: what it selected is paid."""
    payment = books.record(key)
    _require_may(who, is_draft=False)
    books.periods.require_open(payment["receiptdate"], payment["entity"])
    if payment["total"] < 0:
        raise refused("bad_amount", field="ARPYMT", amount=fixed(payment["total"]))
    books.change("record", key, {"state": "C", "whenpaid": payment["receiptdate"]})
    books.db.execute("UPDATE record SET state = 'C' WHERE parentpaymentkey = ?", (key,))
    for detail in _details(books, key):
        _move(books, detail, "selected", -1)
        _move(books, detail, "paid", 1)
        books.commit(_applied(detail), "detail", detail["recordno"])
    _settle_all(books, _details(books, key), who)
    post_payment(books, key)
    books.stamp("record", key, who)


def _applied(detail: Row) -> str:
    amount = detail["credit"] if detail["creditkey"] is not None else detail["cash"]
    said = f"payment_applied {detail['paymentkey']} to {detail['targetkey']} {fixed(amount)}"
    return f"{said} of {detail['creditkey']}" if detail["creditkey"] is not None else said


def _details(books: Books, key: int) -> list[Row]:
    return books.rows("SELECT * FROM detail WHERE paymentkey = ? ORDER BY recordno", key)


def _settle_all(books: Books, details: Sequence[Row], who: Who) -> None:
    for key in sorted({d["targetkey"] for d in details} | {d["creditkey"] for d in details if d["creditkey"]}):
        settle(books, key)
        if books.guesses.payment_moves_invoice_date:
            books.stamp("record", key, who)


def require_draft(books: Books, key: int) -> Row:
    payment = books.record(key, Type.PAYMENT)
    if payment["state"] != "D":
        raise refused("not_draft", key=key, state=payment["state"])
    return payment


def replace_details(books: Books, key: int, details: Sequence[NewDetail], overpayment: int | None, who: Who) -> None:
    """Give a draft other details: those that it had are gone. Without `overpayment` its rest stays."""
    require_draft(books, key)
    before = overpayment_of(books, key)
    rest = overpayment if overpayment is not None else (before["total"] if before is not None else 0)
    _drop_details(books, key, who)
    _write_details(books, key, details, rest, who)


def _drop_details(books: Books, key: int, who: Who) -> None:
    details = _details(books, key)
    for detail in details:
        _move(books, detail, "selected", -1)
    books.db.execute("DELETE FROM detail WHERE paymentkey = ?", (key,))
    _settle_all(books, details, who)
    rest = overpayment_of(books, key)
    if rest is not None:
        _delete(books, rest["recordno"])


def delete_draft(books: Books, key: int, who: Who) -> None:
    who.require("create_payments")
    require_draft(books, key)
    _drop_details(books, key, who)
    _delete(books, key)
    books.commit(f"payment_deleted {key}")


def _delete(books: Books, key: int) -> None:
    books.db.execute("DELETE FROM entry WHERE recordkey = ?", (key,))
    books.db.execute("DELETE FROM record WHERE recordno = ?", (key,))


# ---- the ledger's side ----


def post_payment(books: Books, key: int) -> None:
    """Write a payment's postings from what it stands for now. What it pays leaves receivables at the rates of what it
    pays; the difference to its own rate and to that of the credits is gain or loss."""
    payment = books.record(key)
    batch = batch_of(payment, payment["receiptdate"])
    cash = books.ledger.number(payment["financialentity"] or "") or payment["undepositedaccountno"]
    legs = [Leg(cash, payment["total"], payment["description"] or payment["docnumber"] or "")]
    for detail in _details(books, key):
        legs += _detail_legs(books, detail)
    rest = overpayment_of(books, key)
    if rest is not None:
        legs.append(Leg(payment["_receivable"], -rest["total"], customer=rest["customerid"]))
    books.ledger.forget(key)
    books.ledger.post(replace(batch, customer=payment["customerid"] or payment["payername"]), legs)


def _detail_legs(books: Books, detail: Row) -> list[Leg]:
    target = books.record(detail["targetkey"])
    settled = detail["cash"] + detail["credit"] + detail["discount"]
    legs = [_leg(target, target["_receivable"], -settled, target["recordid"] or "")]
    if detail["discount"]:
        legs.append(Leg(books.ledger.roles["discounts"], detail["discount"], f"Discount {target['recordid']}"))
    if detail["creditkey"] is not None:
        source = books.record(detail["creditkey"])
        entry = books.rows("SELECT accountno FROM entry WHERE recordno = ?", detail["creditentry"])[0]
        account = entry["accountno"] if source["recordtype"] == Type.ADVANCE else source["_receivable"]
        legs.append(_leg(source, account, detail["credit"], source["recordid"] or ""))
    return legs


def _leg(record: Row, account: str, amount: int, text: str) -> Leg:
    """A part of a document at the document's own rate."""
    return Leg(account, amount, text, converted(amount, Decimal(record["rate"])), record["customerid"])


# ---- undoing ----


def reverse_payment(books: Books, key: int, day: str, who: Who, text: str = "") -> int:
    """Undo a posted payment by another of opposite amounts: what it paid is open again, what it used is left again."""
    who.require("reverse_payments")
    payment = books.record(key, Type.PAYMENT, Type.ADVANCE)
    _require_reversible(books, payment, day)
    details = _details(books, key)
    for detail in details:
        _move(books, detail, "paid", -1)
    values = {
        **{name: payment[name] for name in payment.keys() if name not in _NOT_COPIED},  # noqa: SIM118
        "recordno": books.next_number("record", FIRST_RECORD),
        "state": "R",
        "total": -payment["total"],
        "base_total": -payment["base_total"],
        "paid": -payment["total"] if payment["recordtype"] == Type.PAYMENT else 0,
        "whencreated": day,
        "receiptdate": day,
        "description": (text if books.guesses.reversals_keep_memo else "") or payment["description"],
        "reversalkey": key,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
    }
    made = books.insert("record", values)
    back = [NewLine(line["accountno"], -line["amount"], location=line["locationid"]) for line in books.entries(key)]
    add_entries(books, made, back, Decimal(payment["rate"]), who)
    books.change("record", key, {"state": "V", "reversalkey": made})
    books.db.execute("UPDATE record SET state = 'V' WHERE parentpaymentkey = ?", (key,))
    _settle_all(books, details, who)
    books.ledger.reverse(key, made, day)
    books.stamp("record", key, who)
    books.commit(f"payment_reversed {key}")
    return made


# A reversal carries the texts of what it undoes, and not the fields by which a client finds its own.
_NOT_COPIED = frozenset(
    {"paid", "discounted", "selected", "whenpaid", "_sequence", "_external", "depositkey"}
    | {"ARC_EXTERNAL_ID", "ARC_ACT", "ARC_RECEIVED_ON"}
)


def _require_reversible(books: Books, payment: Row, day: str) -> None:
    key = payment["recordno"]
    if payment["state"] != "C":
        which = "reversed" if payment["state"] in ("V", "R") else "not_open"
        raise refused(which, key=key, state=payment["state"])
    if payment["depositkey"] is not None:
        raise refused("deposited", key=key, deposit=payment["depositkey"])
    rest = overpayment_of(books, key) if payment["recordtype"] == Type.PAYMENT else payment
    if rest is not None and (rest["selected"] or (rest["paid"] and rest["recordtype"] != Type.PAYMENT)):
        raise refused("rest_used", key=key)
    if day < payment["receiptdate"]:
        raise refused("before_receipt", day=day, key=key)
    books.periods.require_open(day, payment["entity"])


def release(books: Books, payment: int, target: int, who: Who) -> None:
    """Take a posted payment off one invoice: its cash becomes its rest, and credits are left again.

    Intacct itself would have the payment reversed and entered again; this is both at once, under the same number.
    """
    books.periods.require_open(books.record(payment)["receiptdate"], books.record(payment)["entity"])
    details = [detail for detail in _details(books, payment) if detail["targetkey"] == target]
    freed: defaultdict[int, int] = defaultdict(int)
    for detail in details:
        _move(books, detail, "paid", -1)
        freed[payment] += detail["cash"]
        books.db.execute("DELETE FROM detail WHERE recordno = ?", (detail["recordno"],))
    _settle_all(books, details, who)
    if freed[payment]:
        _raise_overpayment(books, payment, freed[payment], who)
    post_payment(books, payment)
    books.stamp("record", payment, who)
    books.commit(f"payment_released {payment} from {target}")


def _raise_overpayment(books: Books, payment: int, amount: int, who: Who) -> None:
    rest = overpayment_of(books, payment)
    if rest is None:
        _add_overpayment(books, books.record(payment), amount, who)
        return
    entry = books.entries(rest["recordno"])[0]
    total = rest["total"] + amount
    base = converted(total, Decimal(rest["rate"]))
    books.change("entry", entry["recordno"], {"amount": total, "base_amount": base})
    books.change("record", rest["recordno"], {"total": total, "base_total": base})
    settle(books, rest["recordno"])
