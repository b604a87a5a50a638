"""What step 4 decides on: the payments that wait, family by family, each family with its book, as the store knows them.

All payments of one family are decided together, so that their order never matters. A family is decided again only when
something that a verdict on it may rest on has moved: its mark says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connector.decisions import matching, payer
from connector.decisions.matching import FamilyBook, Waiting
from connector.decisions.payer import Payer
from connector.faults import Apart
from connector.money import Money
from connector.parts import Parts
from connector.receivables import PayerEvidence, Payment
from connector.store import Tx, book, credits, learning

# A book is shown this many invoices of just the amount of a payment whose payer isn't known: candidates for a person.
_CANDIDATES_MAX = 5


@dataclass(frozen=True, slots=True)
class Case:
    """What is decided in one go: the payments of one family, or one payment whose payer isn't known (`family` '')."""

    family: str
    waiting: tuple[Waiting, ...]
    mark: tuple[object, ...]  # moves whenever something does that a verdict of this case may rest on
    payer: Payer | None = None  # where nobody is: who may be meant


def cases(
    tx: Tx, parts: Parts, payments: Sequence[tuple[Payment, Money]], common: tuple[object, ...], apart: Apart
) -> list[Case]:
    """The payments that wait, in the order in which the first of each case was received; but those `apart` met, and
    those whose rivals they may be: without them an amount could fit that fits two.
    """
    named = _named([payment for payment, _ in payments], apart)
    payers = _payers(tx, [payment for payment, _ in payments if payment.id in named], apart)
    readable = [one for one in payments if one[0].id in named and (one[0].customer_id or one[0].id in payers)]
    if not readable:
        return []
    ids = [payment.id for payment, _ in readable]
    paid, ours = credits.paid_by(tx, ids), credits.posted_by_us(tx, ids)
    by_case: dict[tuple[str, str], list[Waiting]] = {}
    for payment, left in readable:
        if payment.erp_id and not (parts.policy.apply_existing or payment.id in ours):
            payment = replace(payment, erp_id="")  # what somebody else posted is adopted, and left as it is
        known_by = PayerEvidence.ID if payment.customer_id else payers[payment.id].by
        customer_id = payment.customer_id or payers[payment.id].customer_id
        one = Waiting(replace(payment, customer_id=customer_id), left, known_by, paid=paid.get(payment.id, frozenset()))
        family = book.family_of(tx, customer_id) if customer_id else ""
        by_case.setdefault((family, "" if family else payment.id), []).append(one)
    fallen = [payment for payment, _ in payments if payment.id in apart.failed]
    families = {book.family_of(tx, one.customer_id) for one in fallen if one.customer_id}
    amounts = {one.amount for one in fallen if not one.customer_id}
    by_case = {
        key: waiting
        for key, waiting in by_case.items()
        if key[0] not in families and not amounts.intersection(one.left for one in waiting)
    }
    marks = _Marks(tx, parts, list(by_case.values()), common, named)
    return [
        Case(family, tuple(waiting), marks.of(family, waiting), payers.get(payment_id))
        for (family, payment_id), waiting in by_case.items()
    ]


def _named(payments: Sequence[Payment], apart: Apart) -> dict[str, tuple[str, ...]]:
    """Payment -> what its reference may mean: ids and numbers of invoices, in every spelling that is looked for."""
    named: dict[str, tuple[str, ...]] = {}
    for payment in payments:
        with apart.one(payment.id):
            ids = [text.strip() for text in payment.remittance.invoice_ids]
            named[payment.id] = (*ids, *book.spellings(matching.mentioned(payment.remittance)))
    return named


def _payers(tx: Tx, payments: Sequence[Payment], apart: Apart) -> dict[str, Payer]:
    """Whose money is it, where the source doesn't say? What we find is kept with the payment, so that it shields."""
    unknown = [payment for payment in payments if not payment.customer_id]
    if not unknown:
        return {}
    directory = learning.directory(tx)
    found: dict[str, Payer] = {}
    for payment in unknown:
        with apart.one(payment.id):
            found[payment.id] = payer.decide(payment, directory)
    for payment_id, one in found.items():
        book.set_payer(tx, payment_id, one.customer_id)
    return found


class _Marks:
    """Everything that verdicts of these cases may rest on, read in a few queries."""

    def __init__(
        self,
        tx: Tx,
        parts: Parts,
        cases: Sequence[Sequence[Waiting]],
        common: tuple[object, ...],
        named: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._common = (frozenset(book.parked_customers(tx)), tx.get("periods"), parts.policy.version, *common)
        families = {book.family_of(tx, case[0].payment.customer_id) for case in cases}
        self._families = book.family_marks(tx, sorted(families - {""}))
        self._memos = credits.memo_marks(tx)
        # A reference may name an invoice of anybody.
        self._names = named
        self._named: Mapping[str, object] = book.named_marks(tx, {name for names in named.values() for name in names})

    def of(self, family: str, waiting: Sequence[Waiting]) -> tuple[object, ...]:
        named = tuple(self._named.get(name) for one in waiting for name in self._names[one.payment.id])
        return (tuple(waiting), self._families.get(family), self._memos.get(family), named, *self._common)


def family_book(tx: Tx, family: str, waiting: Sequence[Waiting]) -> FamilyBook:
    """The family's open invoices and memos, and every invoice that one of these payments may name."""
    ids = {text.strip() for one in waiting for text in one.payment.remittance.invoice_ids}
    numbers = {number for one in waiting for number in matching.mentioned(one.payment.remittance)}
    named = book.named_invoices(tx, ids, numbers)
    if not family:
        same = [book.open_of_amount(tx, one.left, _CANDIDATES_MAX) for one in waiting]
        at_hand = {invoice.id: invoice for some in (named, *same) for invoice in some}
        return FamilyBook(tuple(at_hand.values()))
    members = book.family_members(tx, family)
    at_hand = {invoice.id: invoice for invoice in (*named, *book.open_invoices(tx, family=family))}
    return FamilyBook(
        tuple(at_hand.values()),
        credits.open_memos(tx, members),
        members,
        parked=bool(members & book.parked_customers(tx)),
        parent_id=family,
    )


def rest_of(tx: Tx, payment: Payment) -> Money | None:
    """What the ERP holds unapplied of this payment; None where it doesn't hold the payment."""
    if not payment.erp_id:
        return None
    found = credits.credits_by_id(tx, [payment.erp_id]).get(payment.erp_id)
    return found.open_amount if found else None
