"""What a payment stands for: how much it settles of each invoice, and which credits it uses up for that.

An apply line settles an invoice by its amount, in cash and credits, and by a discount, which is neither. The books keep
one link for the payment's own cash with the discount, and one for each part of a credit memo, which names the payment
that it came with (`_payment`). Credits are used up first (K); cash is what remains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.netsuite.amounts import fixed
from sandbox.netsuite.answers import APPLIED
from sandbox.netsuite.books import Books, Row

Shares = Mapping[tuple[int, int], int]  # (credit memo, invoice) -> how much of the one settles the other


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment settles of one invoice: `amount` in cash and credits, and the discount that the customer took."""

    amount: int
    discount: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment's lines by invoice, and the shares of credit memos in them."""

    parts: Mapping[int, Part]
    shares: Shares

    @property
    def credits(self) -> dict[int, int]:
        """How much of each credit memo this payment uses."""
        return _summed(self.shares, 0)

    @property
    def discount(self) -> int:
        return sum(part.discount for part in self.parts.values())

    def own(self) -> dict[int, tuple[int, int]]:
        """What of each line the payment itself carries: cash and discount. An invoice that credits settle has none."""
        by_credit = _summed(self.shares, 1)
        own = {doc: (part.amount - by_credit.get(doc, 0), part.discount) for doc, part in self.parts.items()}
        return {doc: carried for doc, carried in own.items() if any(carried)}


def standing(books: Books, payment_id: int) -> Standing:
    """What the books hold of a payment now."""
    sql = "SELECT * FROM nexttransactionlinelink WHERE linktype = ? AND (nextdoc = ? OR _payment = ?)"
    amounts: defaultdict[int, int] = defaultdict(int)
    discounts: defaultdict[int, int] = defaultdict(int)
    shares: dict[tuple[int, int], int] = {}
    for link in books.rows(sql, APPLIED, payment_id, payment_id):
        discount = link["_discount"] or 0
        amounts[link["previousdoc"]] += link["foreignamount"] - discount
        discounts[link["previousdoc"]] += discount
        if link["_payment"] is not None:
            shares[link["nextdoc"], link["previousdoc"]] = link["foreignamount"]
    return Standing({doc: Part(amount, discounts[doc]) for doc, amount in amounts.items()}, shares)


def shared_out(parts: Mapping[int, Part], credits: Mapping[int, int], before: Shares) -> Shares:
    """Which credit settles how much of which line. What stood before stays as far as it still fits; the rest goes to
    the oldest documents first. The credits are no more than the lines."""
    left = dict(credits)
    room = {doc: part.amount for doc, part in parts.items()}
    shares: defaultdict[tuple[int, int], int] = defaultdict(int)
    standing = [(key, amount) for key, amount in sorted(before.items())]
    anew = [((credit, doc), left[credit]) for credit in sorted(left) for doc in sorted(room)]
    for (credit, doc), wanted in (*standing, *anew):
        share = min(wanted, left.get(credit, 0), room.get(doc, 0))
        if share > 0:
            shares[credit, doc] += share
            left[credit] -= share
            room[doc] -= share
    return dict(shares)


def carry_out(books: Books, payment: Row, before: Standing, after: Standing) -> None:
    """Change the books from one standing of a payment to the other; what doesn't change is not touched."""
    touched = _change_own(books, payment, before.own(), after.own())
    used = _change_shares(books, payment, before.shares, after.shares)
    memos = {credit for credit, _ in used}
    invoices = touched | {invoice for _, invoice in used}
    for doc in sorted(invoices):
        books.settle(doc)
        if books.guesses.payment_moves_invoice_date:
            books.change("transaction", doc, {"lastmodifieddate": books.now()})
    is_foreign = payment["currency"] != books.ledger.base(payment["_subsidiary"])
    for memo in sorted(memos):
        books.settle(memo)
        if books.guesses.payment_moves_memo_date:
            books.change("transaction", memo, {"lastmodifieddate": books.now()})
        if is_foreign:
            books.ledger.repost_memo(books.transaction(memo))
    if is_foreign or before.discount != after.discount:
        books.ledger.repost_payment(books.transaction(payment["id"]))
    books.settle(payment["id"])


def _change_own(
    books: Books, payment: Row, before: Mapping[int, tuple[int, int]], after: Mapping[int, tuple[int, int]]
) -> set[int]:
    touched = {doc for doc in {*before, *after} if before.get(doc) != after.get(doc)}
    for doc in sorted(touched):
        sql = "DELETE FROM nexttransactionlinelink WHERE nextdoc = ? AND previousdoc = ?"
        books.db.execute(sql, (payment["id"], doc))
        cash, discount = after.get(doc, (0, 0))
        said = f"netsuite.payment_applied {payment['id']} to {doc} {fixed(cash)}"
        sequence = books.sequence(f"{said} discount {fixed(discount)}" if discount else said)
        if doc in after:
            books.link(books.transaction(doc), payment, cash + discount, sequence=sequence, discount=discount or None)
    return touched


def _change_shares(books: Books, payment: Row, before: Shares, after: Shares) -> set[tuple[int, int]]:
    touched = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    for credit, doc in sorted(touched):
        sql = "DELETE FROM nexttransactionlinelink WHERE nextdoc = ? AND previousdoc = ? AND _payment = ?"
        books.db.execute(sql, (credit, doc, payment["id"]))
        share = after.get((credit, doc), 0)
        sequence = books.sequence(
            f"netsuite.credit_applied {credit} to {doc} {fixed(share)} with payment {payment['id']}"
        )
        if share:
            memo = books.transaction(credit)
            books.link(books.transaction(doc), memo, share, sequence=sequence, payment=payment["id"])
    return touched


def _summed(shares: Shares, by: int) -> dict[int, int]:
    sums: defaultdict[int, int] = defaultdict(int)
    for key, amount in shares.items():
        sums[key[by]] += amount
    return dict(sums)
