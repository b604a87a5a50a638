"""What finance looks at in the small ledger: periods, balances, documents, the past, deposits. Functions of a book."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from connector.money import Money
from connector.ports import Answer, History, Outcome, PastPayment
from connector.receivables import CreditMemo, InvoiceLine, InvoiceStatus, OpenInvoice
from connector.settlement import (
    AccountBalance,
    AccountRole,
    ArDocument,
    DepositIntent,
    DepositKind,
    DepositSeen,
    DocumentKind,
    Period,
    Settlement,
    SettleThrough,
)
from tests.fakes.ledger_book import UNDEPOSITED, LedgerBook, Posted, Received, Refused, Settled, names

ROLES = frozenset(AccountRole) - {AccountRole.RECEIVABLE}
NOT_SENT = "NOT_SENT"
YEARS_OF_PERIODS = 2

# ---- periods, balances, documents ----


def periods(book: LedgerBook) -> tuple[Period, ...]:
    today = book.clock.now().date()
    first = today.year * 12 + today.month - 1 - YEARS_OF_PERIODS * 12
    months = (divmod(first + step, 12) for step in range(YEARS_OF_PERIODS * 12 + 1))
    return tuple(_period(book, year, month + 1) for year, month in months)


def _period(book: LedgerBook, year: int, month: int) -> Period:
    first = date(year, month, 1)
    last = first.replace(day=calendar.monthrange(year, month)[1])
    return Period(f"{first:%b %Y}", first, last, f"{first:%Y-%m}" in book.closed_months)


def balances(book: LedgerBook, on: date) -> tuple[AccountBalance, ...]:
    cleared = [
        AccountBalance(AccountRole.CLEARING, one.currency, one.subsidiary, _on_clearing(book, one.currency, on), on)
        for one in book.settlements
        if one.through is SettleThrough.CLEARING
    ]
    owed: dict[str, Money] = {}
    for one in _moves(book):
        if one.on <= on:
            owed[one.amount.currency] = owed.get(one.amount.currency, Money.zero(one.amount.currency)) + one.amount
    return (*cleared, *(AccountBalance(AccountRole.RECEIVABLE, name, "", sum_, on) for name, sum_ in owed.items()))


def _on_clearing(book: LedgerBook, currency: str, on: date) -> Money:
    entered = [one for one in book.payments.values() if not one.voided and one.account == AccountRole.CLEARING]
    into = [one.amount for one in entered if one.on <= on and one.amount.currency == currency]
    posted = (one for one in book.posted.values() if one.on <= on and one.amount.currency == currency)
    out = [amount for one in posted for account, amount in one.lines if account == AccountRole.CLEARING]
    back = (one for one in book.reversals.values() if one.on <= on and one.amount.currency == currency)
    out += [one.amount for one in back if one.account == AccountRole.CLEARING]
    return Money.total(into, currency) - Money.total(out, currency)


def documents(book: LedgerBook, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
    known = (one for one in _moves(book) if one.on <= last_on)
    return tuple(one for one in known if one.on >= first_on or one.open_amount)


def _moves(book: LedgerBook) -> Iterator[ArDocument]:
    """All that ever moved receivables and stands, voided documents left out."""
    for one in book.invoices.values():
        if one.status is not InvoiceStatus.VOIDED:
            yield _billed(book, one)
    for credit in book.credits:
        kind = DocumentKind.WRITE_OFF if credit.id in book.write_offs else DocumentKind.CREDIT_MEMO
        on = credit.received_on or date.min
        yield _document(
            credit.id, credit.number, kind, credit.customer_id, on, -book.billed(credit), credit.open_amount
        )
    for entered in book.payments.values():
        if not entered.voided:
            amount, left = -entered.amount, book.left_of(entered.erp_id)
            yield _document(
                entered.erp_id, entered.number, DocumentKind.PAYMENT, entered.customer_id, entered.on, amount, left
            )
            taken = [one for one in book.parts_of(entered.erp_id) if one.is_discount]
            for part in taken:
                yield _document(
                    entered.erp_id, "", DocumentKind.OTHER, entered.customer_id, entered.on, -part.amount, left - left
                )
    for back in book.reversals.values():
        paid = book.payments[back.payment_id]
        kind = DocumentKind.PAYMENT if book.is_atomic else DocumentKind.OTHER
        left = back.amount - back.amount if paid.reversal else back.amount
        yield _document(back.erp_id, "", kind, paid.customer_id, back.on, back.amount, left)


def _billed(book: LedgerBook, one: OpenInvoice) -> ArDocument:
    days = [part.on for part in book.settled if part.invoice_id == one.id]
    owner = book.customers.get(one.customer_id)
    return ArDocument(
        one.id,
        one.number,
        DocumentKind.INVOICE,
        one.customer_id,
        one.subsidiary,
        one.issued_on,
        one.amount,
        one.due_on,
        max(days, default=None) if one.status is InvoiceStatus.PAID else None,
        one.balance,
        any(line.disputed or line.disputed_on or line.dispute_outcome for line in one.lines),
        owner is not None and "intercompany" in owner.exclusion.lower(),
    )


def _document(
    id: str, number: str, kind: DocumentKind, customer_id: str, on: date, amount: Money, left: Money
) -> ArDocument:
    return ArDocument(id, number, kind, customer_id, "", on, amount, open_amount=left)


# ---- the past ----


def history(book: LedgerBook, first_on: date, last_on: date) -> History:
    billed = [one for one in book.invoices.values() if _was_open(book, one, first_on, last_on)]
    shown = {one.id: one for one in billed}
    there = (one for one in book.payments.values() if not (one.voided or one.reversal))
    entered = [one for one in there if first_on <= one.on <= last_on]
    payments = tuple(_past(book, one) for one in entered)
    told = {(one.erp_id, invoice_id) for one in payments for invoice_id, _, _ in one.applied}
    others = [one for one in book.settled if one.on <= last_on and one.invoice_id in shown]
    beside = [one for one in others if one.is_discount or (one.payment_id, one.invoice_id) not in told]
    parts_of_told = [one for one in book.settled if one.payment_id in {made.erp_id for made in payments}]
    owners = {one.customer_id for one in billed} | {one.customer_id for one in payments}
    return History(
        tuple(_as_billed(one) for one in billed),
        _then(book, parts_of_told, last_on),
        payments,
        tuple((one.invoice_id, one.amount, one.on) for one in beside),
        tuple(one for one in book.customers.values() if one.id in owners),
    )


def _was_open(book: LedgerBook, one: OpenInvoice, first_on: date, last_on: date) -> bool:
    if one.status is InvoiceStatus.VOIDED or one.issued_on > last_on:
        return False
    return bool(one.balance) or any(part.on >= first_on for part in book.settled if part.invoice_id == one.id)


def _as_billed(one: OpenInvoice) -> OpenInvoice:
    """Holds and disputes of today say nothing about then."""
    lines = tuple(InvoiceLine(line.id, line.description, line.amount, line.kind) for line in one.lines)
    status = InvoiceStatus.OPEN
    return replace(one, balance=one.amount, status=status, lines=lines, hold_reason="", pauses=(), touched_on=None)


def _past(book: LedgerBook, one: Received) -> PastPayment:
    seen = book.seen(one.erp_id)
    days = {part.invoice_id: part.on for part in book.parts_of(one.erp_id)}
    text = " ".join(filter(None, (one.memo, f"check {one.reference}" if one.reference else "")))
    applied = tuple((invoice, amount, days[invoice]) for invoice, amount in seen.applications)
    return PastPayment(one.erp_id, one.customer_id, one.amount, one.on, text, one.external_id, applied, seen.credits)


def _then(book: LedgerBook, told: Sequence[Settled], last_on: date) -> tuple[CreditMemo, ...]:
    """What the memos had for these payments, and have left."""
    found = []
    for one in book.credits:
        used = Money.total((part.amount for part in told if part.credit_id == one.id), one.open_amount.currency)
        if one.received_on and one.received_on <= last_on and (left := one.open_amount + used):
            found.append(replace(one, open_amount=left))
    return tuple(found)


# ---- deposits ----


def post_deposit(book: LedgerBook, intent: DepositIntent) -> Answer:
    """Call it within `whole`."""
    known = _ours(book, intent)
    if known:
        wrong = "; ".join(_different(known, intent))
        outcome = Outcome.EXISTS_DIFFERENT if wrong else Outcome.EXISTS
        return Answer(intent.external_id, outcome, known.erp_id, message=wrong)
    _require_sayable(book, intent)
    book.require_open(intent.posted_on)
    new = Posted(
        book.next_id("dep"),
        intent.amount,
        intent.posted_on,
        tuple((str(line.role), line.amount) for line in intent.lines),
        intent.external_id,
        intent.memo,
        tuple(one for one, _ in intent.payments),
        intent.kind is DepositKind.JOURNAL,
        tuple(str(line.role) for line in intent.lines),
    )
    post(book, new)
    return Answer(intent.external_id, Outcome.CREATED, new.erp_id)


def post(book: LedgerBook, new: Posted) -> None:
    """A deposit takes its payments out of undeposited funds, each once."""
    for id in new.payments:
        payment = book.payments.get(id)
        if payment is None or payment.voided or payment.account != UNDEPOSITED or payment.deposit:
            raise Refused("NOT_UNDEPOSITED", f"payment {id} is not in undeposited funds, or in a deposit already")
        book.payments[id] = replace(payment, deposit=new.erp_id)
    book.posted[new.erp_id] = new


def _require_sayable(book: LedgerBook, intent: DepositIntent) -> None:
    currency = intent.amount.currency
    known = next((one for one in book.settlements if one.currency == currency), None)
    parts = [amount for _, amount in intent.payments] + [line.amount for line in intent.lines]
    why = ""
    if known is None:
        why = f"the mapping has no settlement for {currency}"
    elif Money.total(parts, currency) != intent.amount:
        why = f"its parts come to {Money.total(parts, currency)}, the payout is {intent.amount}"
    elif lacking := [line.role for line in intent.lines if line.role not in known.roles]:
        why = f"the settlement names no account for {lacking[0]}"
    elif intent.kind is DepositKind.JOURNAL and intent.payments:
        why = "a journal can't take payments"
    elif intent.kind is DepositKind.DEPOSIT and intent.amount < Money.zero(currency):
        why = "a deposit can't be negative"
    if why:
        raise Refused(NOT_SENT, why)


def _different(known: Posted, intent: DepositIntent) -> Iterator[str]:
    if known.amount != intent.amount:
        yield f"total {known.amount} instead of {intent.amount}"
    if sorted(known.lines) != sorted((str(line.role), line.amount) for line in intent.lines):
        yield "other lines"
    if known.on != intent.posted_on:
        yield f"dated {known.on} instead of {intent.posted_on}"
    if set(known.payments) != {one for one, _ in intent.payments}:
        yield "other payments"


def _ours(book: LedgerBook, intent: DepositIntent) -> Posted | None:
    return next((one for one in book.posted.values() if one.external_id == intent.external_id), None)


def deposit_of(book: LedgerBook, intent: DepositIntent) -> DepositSeen | None:
    known = _ours(book, intent)
    return deposit_seen(book, known) if known else None


def deposit_seen(book: LedgerBook, one: Posted) -> DepositSeen:
    """Lines on an account that no role has are told under ''."""
    settled: list[Settlement] = [known for known in book.settlements if known.currency == one.amount.currency]
    roles = settled[0].roles if settled else frozenset()
    sums: dict[str, Money] = {}
    for account, amount in one.lines:
        role = account if account in roles else ""
        sums[role] = sums.get(role, Money.zero(amount.currency)) + amount
    return DepositSeen(
        one.erp_id,
        one.amount,
        one.payments,
        tuple((AccountRole(role) if role else "", amount) for role, amount in sorted(sums.items()) if amount),
        posted_on=one.on,
    )


def cleared(book: LedgerBook, source_ids: Iterable[str]) -> dict[str, Money]:
    """What journals and reversals put onto the clearing account: a line's amount comes out of it, so minus that."""
    found: dict[str, Money] = {}
    for one in book.posted.values():
        on_clearing = [amount for account, amount in one.lines if account == AccountRole.CLEARING]
        for id in (id for id in source_ids if one.is_journal and on_clearing and names(one.memo, id)):
            found[id] = found.get(id, Money.zero(one.amount.currency)) - Money.total(on_clearing, one.amount.currency)
    for id in source_ids:
        for amount in _taken_off(book, id):
            found[id] = found.get(id, Money.zero(amount.currency)) - amount
    return found


def _taken_off(book: LedgerBook, source_id: str) -> Iterator[Money]:
    """What left clearing with a payment that carries this id and stands no longer, or by what took it back."""
    carrying = [
        one
        for one in book.payments.values()
        if one.account == AccountRole.CLEARING and names(f"{one.external_id} {one.memo}", source_id)
    ]
    if carrying and all(one.voided or (book.is_atomic and one.reversal) for one in carrying):
        yield carrying[-1].amount
    for back in book.reversals.values():
        if not book.is_atomic and back.account == AccountRole.CLEARING and names(back.memo, source_id):
            yield back.amount
