"""What customers owe and what they were credited: invoices and adjustments, their lines and totals.

Lines of invoices and debit memos are above zero, those of credit memos below (developer.intacct.com, AR adjustments).
What is paid, selected by drafts or let off is kept per line; a record's totals are their sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.intacct.amounts import converted, fixed
from sandbox.intacct.books import Books, Row, Who
from sandbox.intacct.ledger import Batch, Leg
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import FIRST_ENTRY, FIRST_RECORD, Type

AR = "4.AR"
ORDER_ENTRY = "8.SO"
# What may be paid: what was posted and not undone.
OPEN_STATES = frozenset("ABSP")


@dataclass(frozen=True, slots=True)
class NewLine:
    """`parent`: the line (from 0) that a tax line belongs to."""

    account: str
    amount: int
    text: str = ""
    location: str | None = None
    department: str | None = None
    parent: int | None = None
    custom: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewDocument:
    """An invoice or an adjustment. `rate` None is that of the day; `values` are columns of the record."""

    type: Type
    customer_id: str
    number: str
    day: str
    currency: str
    lines: tuple[NewLine, ...]
    entity: str = ""
    receivable: str = ""
    rate: Decimal | None = None
    state: str = "A"
    module: str = AR
    values: Mapping[str, object] = field(default_factory=dict)


def add_document(books: Books, new: NewDocument, who: Who) -> int:
    """Record it and post it; a draft or one that waits for approval posts nothing."""
    customer = _customer(books, new.customer_id)
    if not new.lines:
        raise refused("wants_value", field="lineitem")
    books.periods.require_open(new.day, new.entity)
    receivable = books.ledger.account(
        new.receivable or customer["araccount"] or books.ledger.roles["receivable"], "AR account"
    )
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency, new.entity, new.day)
    total = sum(line.amount for line in new.lines)
    values: dict[str, object] = {
        "recordno": books.next_number("record", FIRST_RECORD),
        "recordtype": new.type,
        "recordid": new.number,
        "state": new.state,
        "customerid": new.customer_id,
        "whencreated": new.day,
        "whenposted": new.day,
        "currency": new.currency,
        "basecurr": books.ledger.base(new.entity),
        "rate": str(rate),
        "total": total,
        "base_total": converted(total, rate),
        "moduleid": new.module,
        "entity": new.entity,
        "_receivable": receivable,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
        **new.values,
    }
    key = books.insert("record", values)
    add_entries(books, key, new.lines, rate, who, entity=new.entity)
    if new.state in OPEN_STATES:
        post_document(books, books.record(key))
    settle(books, key)
    return key


def _customer(books: Books, customer_id: str) -> Row:
    row = books.row("SELECT * FROM customer WHERE customerid = ?", customer_id)
    if row is None:
        raise refused("absent", what="customer", key=customer_id)
    return row


def add_entries(
    books: Books, key: int, lines: Sequence[NewLine], rate: Decimal, who: Who, *, entity: str = ""
) -> list[int]:
    """Write the lines of a record, numbered from 1."""
    made: list[int] = []
    for number, line in enumerate(lines, start=1):
        values: dict[str, object] = {
            "recordno": books.next_number("entry", FIRST_ENTRY),
            "recordkey": key,
            "line_no": number,
            "accountno": books.ledger.account(line.account, "GL account"),
            "description": line.text or None,
            "amount": line.amount,
            "base_amount": converted(line.amount, rate),
            "locationid": line.location or entity or None,
            "departmentid": line.department,
            "parententry": None if line.parent is None else made[line.parent],
            "subtotal": None if line.parent is None else "tax",
            **books.stamps(who),
            **line.custom,
        }
        made.append(books.insert("entry", values))
    return made


def post_document(books: Books, document: Row) -> None:
    """What an invoice or adjustment does to the ledger: receivables against its lines."""
    lines = books.entries(document["recordno"])
    legs = [Leg(document["_receivable"], document["total"], document["recordid"] or "")]
    legs += [
        Leg(line["accountno"], -line["amount"], line["description"] or "", location=line["locationid"])
        for line in lines
    ]
    books.ledger.post(batch_of(document, document["whenposted"]), legs, first_absorbs=bool(document["total"]))


def batch_of(record: Row, day: str) -> Batch:
    return Batch(
        record["recordno"],
        day,
        record["currency"],
        Decimal(record["rate"]),
        record["entity"],
        record["moduleid"] or AR,
        record["customerid"],
    )


def settle(books: Books, key: int) -> None:
    """A record's totals and state from its lines."""
    sums = books.rows(
        """SELECT COALESCE(SUM(amount), 0) AS total, COALESCE(SUM(paid), 0) AS paid,
               COALESCE(SUM(discount), 0) AS discounted, COALESCE(SUM(selected), 0) AS selected
           FROM entry WHERE recordkey = ?""",
        key,
    )[0]
    record = books.record(key)
    values = {name: sums[name] for name in ("paid", "discounted", "selected")}
    if record["state"] in OPEN_STATES:
        left = sums["total"] - sums["paid"] - sums["discounted"]
        values["state"] = _state(left, sums["selected"], sums["paid"] + sums["discounted"])
        values["whenpaid"] = _paid_on(books, record) if not left else None
    books.change("record", key, values)


def _state(left: int, selected: int, paid: int) -> str:
    if not left:
        return "P"
    if selected:
        return "S"
    return "B" if paid else "A"


def _paid_on(books: Books, record: Row) -> str:
    """The day of the last payment that took part in closing it."""
    column = "targetkey" if record["total"] >= 0 else "creditkey"
    last = books.rows(
        f"""SELECT MAX(p.receiptdate) AS last FROM detail d JOIN record p ON p.recordno = d.paymentkey
            WHERE d.{column} = ? AND p.state = 'C'""",
        record["recordno"],
    )[0]["last"]
    return str(max(filter(None, (last, record["whencreated"]))))


def retotal(books: Books, key: int, who: Who) -> None:
    """After a line's amount was changed: the record's total and postings. Refused when more is paid already."""
    record = books.record(key)
    require_in_force(record)
    books.periods.require_open(record["whenposted"], record["entity"])
    rate = Decimal(record["rate"])
    for line in books.entries(key):
        if abs(line["paid"] + line["discount"] + line["selected"]) > abs(line["amount"]):
            raise refused("over_applied", amount=fixed(line["paid"]), what="line", key=key, due=fixed(line["amount"]))
        books.change("entry", line["recordno"], {"base_amount": converted(line["amount"], rate)})
    total = sum(line["amount"] for line in books.entries(key))
    books.change("record", key, {"total": total, "base_total": converted(total, rate)})
    refresh_discount(books, key)
    books.ledger.forget(key)
    if record["state"] in OPEN_STATES:
        post_document(books, books.record(key))
    settle(books, key)
    books.stamp("record", key, who)


def require_in_force(record: Row) -> None:
    """What was reversed, and its reversal, never change."""
    if record["state"] in ("V", "R"):
        raise refused("reversed", key=record["recordno"])


def refresh_discount(books: Books, key: int) -> None:
    """Write down what the terms let off for an early payment, and until when. Source: AR terms; that the percentage is
    of the total with tax is K."""
    record = books.record(key)
    term = books.row("SELECT * FROM term WHERE name = ?", record["termname"]) if record["termname"] else None
    values: dict[str, object] = {"whendiscount": None, "_discount": 0}
    if term is not None and term["discamount"] is not None:
        sql = "SELECT DATE(?, '+' || ? || ' days') AS day"
        share = Decimal(str(term["discamount"])) / 100
        values = {
            "whendiscount": books.rows(sql, record["whencreated"], term["discdate"])[0]["day"],
            "_discount": converted(record["total"], share),
        }
    books.change("record", key, values)


def reverse_document(books: Books, key: int, day: str, who: Who, text: str = "") -> int:
    """Undo an invoice or adjustment by another of opposite amounts. Source: developer.intacct.com (reverse_invoice);
    the form of the reversal, and that nothing may be paid, is K."""
    record = books.record(key)
    if record["moduleid"] == ORDER_ENTRY and not who.is_person:  # a person does it in Order Entry
        raise refused("order_entry", key=key)
    _require_reversible(books, record, day)
    values = {
        **{name: record[name] for name in record.keys() if name not in _NOT_COPIED},  # noqa: SIM118
        "recordno": books.next_number("record", FIRST_RECORD),
        "state": "R",
        "total": -record["total"],
        "base_total": -record["base_total"],
        "whencreated": day,
        "whenposted": day,
        "description": text or record["description"],
        "reversalkey": key,
        "_made_by": "person" if who.is_person else "integration",
        **books.stamps(who),
    }
    made = books.insert("record", values)
    lines = books.entries(key)
    back = [
        NewLine(line["accountno"], -line["amount"], line["description"] or "", line["locationid"]) for line in lines
    ]
    add_entries(books, made, back, Decimal(record["rate"]), who)
    books.change("record", key, {"state": "V", "reversalkey": made})
    books.ledger.reverse(key, made, day)
    books.stamp("record", key, who)
    return made


_NOT_COPIED = frozenset({"paid", "discounted", "selected", "whenpaid", "_sequence"})


def _require_reversible(books: Books, record: Row, day: str) -> None:
    key = record["recordno"]
    if record["state"] not in OPEN_STATES:
        raise refused("not_open", key=key, state=record["state"])
    if record["paid"] or record["discounted"] or record["selected"]:
        raise refused("paid", key=key)
    if day < record["whencreated"]:
        raise refused("before_receipt", day=day, key=key)
    books.periods.require_open(day, record["entity"])
