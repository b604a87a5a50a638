"""What moves the ledger without a sale: journal entries, and refunds to customers.

A journal balances line by line in one currency and subsidiary; a line on a receivables account names the customer. A
refund pays a customer out of what is unapplied of a payment or credit memo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import cash_account
from sandbox.netsuite.books import Books
from sandbox.netsuite.ledger import RECEIVABLES, Leg


@dataclass(frozen=True, slots=True)
class JournalLine:
    """`account` as it was named; one of the two amounts."""

    account: object
    debit: int = 0
    credit: int = 0
    memo: str = ""
    entity: int | None = None


@dataclass(frozen=True, slots=True)
class NewJournal:
    day: str  # as stored
    subsidiary: int
    currency_id: int
    lines: tuple[JournalLine, ...]
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NewRefund:
    """`document_id` is the payment or credit memo whose unapplied rest is paid back."""

    document_id: int
    amount: int
    day: str  # as stored
    account: object


def add_journal(books: Books, new: NewJournal, values: Mapping[str, object]) -> int:
    """Record a journal entry; Refusal leaves it to the caller's `saving` to forget all of it."""
    period = books.periods.require_open(new.day)
    if not new.lines:
        raise Refusal("wants_value", field="Account")
    symbol = books.symbol(new.currency_id)
    legs = [_leg(books, new, number, line, symbol) for number, line in enumerate(new.lines, start=1)]
    debits = sum(line.debit for line in new.lines)
    credits = sum(line.credit for line in new.lines)
    if debits != credits:
        raise Refusal("unbalanced", debits=fixed(debits, symbol), credits=fixed(credits, symbol))
    rate = new.rate if new.rate is not None else books.ledger.rate(new.currency_id, new.subsidiary, new.day)
    journal_id = books.insert_transaction(
        "Journal",
        {
            "entity": None,
            "currency": new.currency_id,
            "exchangerate": str(rate),
            "trandate": new.day,
            "postingperiod": period,
            "_subsidiary": new.subsidiary,
            **values,
        },
        debits,
        legs,
    )
    books.change("transaction", journal_id, {"tranid": f"JE{journal_id}"})
    sequence = books.sequence(f"netsuite.journal_added {journal_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", journal_id, {"_sequence": sequence})
    books.settle(journal_id)
    return journal_id


def _leg(books: Books, new: NewJournal, number: int, line: JournalLine, symbol: str) -> Leg:
    if (line.debit > 0) == (line.credit > 0) or min(line.debit, line.credit) < 0:
        raise Refusal("journal_line", line=number)
    amount = line.debit - line.credit
    if not fits(amount, symbol):
        raise Refusal("bad_amount", field="amount", amount=fixed(amount, symbol), currency=symbol)
    account = books.ledger.account(line.account, "account", new.subsidiary)
    books.ledger.require_currency(account, new.currency_id, new.subsidiary)
    more: dict[str, object] = {}
    if account.type in RECEIVABLES:
        if line.entity is None:
            raise Refusal("wants_value", field="Name")
        # A journal's open amounts stand on its lines (meir.prolecto.com, 2023-02-19).
        more = {"foreignamountunpaid": line.debit or None, "foreignpaymentamountunused": line.credit or None}
    return Leg(account.id, amount, line.memo, entity=line.entity, more=more)


def add_refund(books: Books, new: NewRefund, values: Mapping[str, object]) -> int:
    """Pay back what is unapplied; at the rate of the document that it came in by, so that nothing is gained or lost."""
    source = books.row(
        "SELECT * FROM \"transaction\" WHERE id = ? AND type IN ('CustPymt', 'CustCred')", new.document_id
    )
    if source is None:
        raise KeyError(f"no payment or credit memo {new.document_id}")
    period = books.periods.require_open(new.day)
    symbol = books.symbol(source["currency"])
    left = source["foreignpaymentamountunused"]
    if not 0 < new.amount <= left or not fits(new.amount, symbol):
        raise Refusal("over_refund", amount=fixed(new.amount, symbol), doc=source["id"], left=fixed(left, symbol))
    cash = cash_account(books, new.account, source["currency"], source["_subsidiary"])
    refund_id = books.insert_transaction(
        "CustRfnd",
        {
            "entity": source["entity"],
            "currency": source["currency"],
            "exchangerate": str(source["exchangerate"]),
            "trandate": new.day,
            "postingperiod": period,
            "_subsidiary": source["_subsidiary"],
            "_receivable": source["_receivable"],
            "_account": cash,
            **values,
        },
        new.amount,
        [Leg(cash, -new.amount), Leg(source["_receivable"], new.amount)],
    )
    books.change("transaction", refund_id, {"tranid": f"RFND{refund_id}"})
    sequence = books.sequence(f"netsuite.refund_added {refund_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", refund_id, {"_sequence": sequence})
    books.link(source, books.transaction(refund_id), new.amount, sequence=sequence)
    books.change("transaction", source["id"], {"lastmodifieddate": books.now()})
    books.settle(source["id"])
    books.settle(refund_id)
    return refund_id
