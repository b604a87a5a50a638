"""What one payment detail comes to, line by line, and whether it fits on what is open.

Source: developer.intacct.com (AR payments): a detail pays an invoice or debit memo as a whole, from the first line
down, or one line of it, and names at most one kind of credit. That nobody may apply more than is due is K.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sandbox.intacct.amounts import fixed
from sandbox.intacct.books import Books, Row
from sandbox.intacct.receivables import OPEN_STATES
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type

_CREDITS = {"ra": "adjustment", "rr": "advance", "ro": "overpayment"}


@dataclass(frozen=True, slots=True)
class Credit:
    """What a detail takes of a credit: of one line of it, or without `entry` from its first line down."""

    type: Type
    key: int
    amount: int
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class NewDetail:
    """`target` is an invoice, or with `is_debit_memo` an adjustment. `discount_on`: take the discount of that day."""

    target: int
    entry: int | None = None
    is_debit_memo: bool = False
    cash: int = 0
    credit: Credit | None = None
    discount: int = 0
    discount_on: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One line paid with one thing: cash, or a line of a credit; a discount goes with either."""

    target: int
    entry: int
    cash: int = 0
    credit: int = 0
    credit_key: int | None = None
    credit_entry: int | None = None
    discount: int = 0


def parts_of(books: Books, payment: Row, detail: NewDetail) -> list[Part]:
    """A detail line by line; refused when it doesn't fit on what is open now."""
    target = _target(books, payment, detail)
    lines = _lines(books, detail.target, detail.entry)
    discount = detail.discount or _discount_of(books, target, detail)
    _require_discount(books, target, detail, discount)
    credit = detail.credit
    wanted = detail.cash + (credit.amount if credit else 0) + discount
    if wanted <= 0 or detail.cash < 0:
        raise refused("empty_detail", field="TRX_PAYMENTAMOUNT")
    due = sum(left for _, left in lines)
    if wanted > due:
        amounts = {"amount": fixed(wanted), "due": fixed(due)}
        raise refused(
            "over_applied", what="line" if detail.entry else "record", key=detail.entry or detail.target, **amounts
        )
    room = dict(lines)
    parts = [Part(detail.target, entry, cash=share) for entry, share in _waterfall(room, detail.cash)]
    if credit is not None:
        parts += _credit_parts(books, payment, detail, credit, room)
    for entry, share in _waterfall(room, discount):
        parts = _with_discount(parts, detail.target, entry, share)
    return parts


def _credit_parts(books: Books, payment: Row, detail: NewDetail, credit: Credit, room: dict[int, int]) -> list[Part]:
    """Lines of the target against lines of the credit, both from the first down."""
    source = _source(books, payment, credit)
    left = dict(_lines(books, credit.key, credit.entry))
    if not 0 < credit.amount <= sum(left.values()):
        amounts = {"amount": fixed(credit.amount), "left": fixed(sum(left.values()))}
        raise refused("over_used", key=source["recordno"], **amounts)
    parts = []
    for entry, share in _waterfall(room, credit.amount):
        for source_entry, used in _waterfall(left, share):
            parts.append(Part(detail.target, entry, credit=used, credit_key=credit.key, credit_entry=source_entry))
    return parts


def _waterfall(room: dict[int, int], amount: int) -> list[tuple[int, int]]:
    """From the first line down, each as far as it goes; takes it off the room."""
    shares = []
    for entry, left in list(room.items()):
        share = min(left, amount)
        if share > 0:
            shares.append((entry, share))
            room[entry] -= share
            amount -= share
    return shares


def _with_discount(parts: list[Part], target: int, entry: int, share: int) -> list[Part]:
    """The discount of a line goes with its cash; a line that is let off as a whole has a part without any."""
    for number, part in enumerate(parts):
        if part.entry == entry and part.credit_key is None:
            return [*parts[:number], replace(part, discount=part.discount + share), *parts[number + 1 :]]
    return [*parts, Part(target, entry, discount=share)]


def _lines(books: Books, key: int, entry: int | None) -> list[tuple[int, int]]:
    """What is left of each line, or of one: above zero for credits too."""
    lines = [line for line in books.entries(key) if entry in (None, line["recordno"])]
    if not lines:
        raise refused("no_such_line", key=key, line=entry)
    return [
        (line["recordno"], abs(line["amount"] - line["paid"] - line["discount"] - line["selected"])) for line in lines
    ]


def _target(books: Books, payment: Row, detail: NewDetail) -> Row:
    """The invoice or debit memo of a detail, if this payment may pay it."""
    kind = Type.ADJUSTMENT if detail.is_debit_memo else Type.INVOICE
    target = _related(books, payment, detail.target, kind)
    if target["total"] < 0 or target["state"] not in OPEN_STATES:
        raise refused("not_open", key=detail.target, state=target["state"])
    owner, payer = target["customerid"], payment["customerid"]
    if (
        payer is not None
        and owner != payer
        and not (books.guesses.parent_pays_children and _is_child(books, owner, payer))
    ):
        raise refused("not_theirs", key=detail.target, owner=owner, customer=payer)
    if books.guesses.payments_after_invoices and payment["receiptdate"] < target["whencreated"]:
        raise refused("before_invoice", key=detail.target, day=target["whencreated"], field="RECEIPTDATE")
    return target


def _source(books: Books, payment: Row, credit: Credit) -> Row:
    """The credit of a detail, if this payment may use it."""
    source = _related(books, payment, credit.key, credit.type)
    is_there = source["state"] == "C" if credit.type is not Type.ADJUSTMENT else source["state"] in OPEN_STATES
    if not is_there or (credit.type is Type.ADJUSTMENT and source["total"] >= 0):
        raise refused("not_open", key=credit.key, state=source["state"])
    payer = payment["customerid"]
    if payer is not None and source["customerid"] != payer:
        raise refused("not_theirs", key=credit.key, owner=source["customerid"], customer=payer)
    return source


def _related(books: Books, payment: Row, key: int, kind: Type) -> Row:
    """A record that a detail names: it is there, and of the payment's entity and currency."""
    row = books.row("SELECT * FROM record WHERE recordno = ? AND recordtype = ?", key, kind)
    if row is None:
        raise refused("absent", what=_CREDITS.get(kind, "invoice"), key=key)
    if row["entity"] != payment["entity"]:
        raise refused("other_entity", key=key, owner=row["entity"] or "-", entity=payment["entity"] or "-")
    if row["currency"] != payment["currency"]:
        raise refused("currency", currency=payment["currency"], key=key, own=row["currency"])
    return row


def _is_child(books: Books, child: str, parent: str) -> bool:
    return books.row("SELECT 1 FROM customer WHERE customerid = ? AND parentid = ?", child, parent) is not None


def _discount_of(books: Books, target: Row, detail: NewDetail) -> int:
    """DISCOUNTDATE takes what the terms let off on that day, and then the whole due amount must be paid."""
    if not detail.discount_on:
        return 0
    offered = target["_discount"] if target["whendiscount"] and detail.discount_on <= target["whendiscount"] else 0
    due = target["total"] - target["paid"] - target["discounted"] - target["selected"]
    if not offered or detail.cash + offered != due:
        why = f"{fixed(offered)} is offered, and {fixed(due - offered)} is to be paid with it"
        raise refused("discount", discount=fixed(offered), key=detail.target, why=why, field="DISCOUNTDATE")
    return int(offered)


def _require_discount(books: Books, target: Row, detail: NewDetail, discount: int) -> None:
    if discount < 0:
        raise refused("bad_amount", field="TRX_TOTALDISCOUNTTOAPPLY", amount=fixed(discount))
    if detail.discount and not books.guesses.custom_discounts:
        why = "custom discounts are not switched on"
        raise refused("discount", discount=fixed(discount), key=target["recordno"], why=why)
