"""A small honest ledger held in memory: the nouns of the port as values, and the rules that every ledger keeps.

Money moves by settlements alone. One that doesn't fit is refused before anything moves, and whatever is done within
`whole` is done in full or not at all.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from connector.money import Money
from connector.ports import Clock, Counted, Installation
from connector.receivables import (
    ArStatus,
    Cancellation,
    CreditKind,
    CreditMemo,
    CreditUse,
    Customer,
    ExceptionRecord,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    PaymentApplication,
    PaymentSeen,
    PaymentToPost,
    ProofRecord,
    Receipt,
    RecordState,
)
from connector.settlement import Settlement

UNDEPOSITED = "undeposited"


class Refused(Exception):
    """The ledger's own rules forbid it; nothing of it was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Settled:
    """So much of an invoice was settled: by a payment's own money, by a credit beside it or alone, or by a discount."""

    invoice_id: str
    amount: Money
    on: date
    payment_id: str = ""
    credit_id: str = ""
    is_discount: bool = False
    sequence: int = 0  # its place in the order of the world's commits, where there is a world


@dataclass(frozen=True, slots=True)
class Received:
    """A payment as it was entered; what it settled stands in the settlements."""

    erp_id: str
    customer_id: str
    amount: Money
    on: date
    account: str
    external_id: str = ""
    memo: str = ""
    reference: str = ""
    number: str = ""
    voided: bool = False
    deposit: str = ""
    reversal: str = ""  # what took it back whole, by its external id


@dataclass(frozen=True, slots=True)
class Reversed:
    """A payment that came back: receivables have its amount again, out of `account`, from its own day on."""

    erp_id: str
    external_id: str
    payment_id: str
    amount: Money
    on: date
    account: str
    memo: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A deposit or journal: each line's amount comes out of its account, and together they reach the bank."""

    erp_id: str
    amount: Money
    on: date
    lines: tuple[tuple[str, Money], ...]
    external_id: str = ""
    memo: str = ""
    payments: tuple[str, ...] = ()
    is_journal: bool = False
    roles: tuple[str, ...] = ()  # what each line was meant for, where it was told


@dataclass(frozen=True, slots=True)
class Record:
    """A record that accompanies a payment."""

    act_id: str
    value: Cancellation | Receipt
    state: RecordState
    text: str = ""


@dataclass
class LedgerBook:
    """`refuses` makes it refuse every payment. An account's id is the name of its role."""

    clock: Clock
    account: str = "1000001_SB1"
    is_test: bool = True
    invoices: dict[str, OpenInvoice] = field(default_factory=dict)
    customers: dict[str, Customer] = field(
        default_factory=lambda: {"C1": Customer("C1", "Northfield Robotics", "ap@northfield.example")}
    )
    credits: tuple[CreditMemo, ...] = ()
    parked: tuple[Parked, ...] = ()
    refuses: bool = False
    installation: Installation | None = None
    settlements: tuple[Settlement, ...] = ()
    pays_for_family: bool = True
    name: str = "NetSuite"
    mapping: str = "mappings/netsuite.yaml"
    is_atomic: bool = False
    takes_drafts: bool = False
    settles_within: timedelta = timedelta()
    counted_max: int = 0
    counted: Counted = field(default_factory=Counted)  # since it was last asked
    payments: dict[str, Received] = field(default_factory=dict)
    settled: tuple[Settled, ...] = ()
    posted: dict[str, Posted] = field(default_factory=dict)
    reversals: dict[str, Reversed] = field(default_factory=dict)  # by external id
    records: dict[str, Record] = field(default_factory=dict)
    shown: dict[str, ArStatus] = field(default_factory=dict)  # by invoice: what people see of it
    drafts: dict[str, PaymentToPost] = field(default_factory=dict)
    waiting: dict[str, ExceptionRecord] = field(default_factory=dict)
    proofs: dict[str, ProofRecord] = field(default_factory=dict)
    # The payment that each act's own payment became: by that payment's id, or by the act that applied a rest.
    acts: dict[str, str] = field(default_factory=dict)
    closed_months: frozenset[str] = frozenset()
    write_offs: frozenset[str] = frozenset()
    touched: dict[str, datetime] = field(default_factory=dict)
    last_id: int = 0
    commits: Callable[[str], int] = lambda _: 0  # numbers what is settled

    # ---- whole or not at all ----

    @contextmanager
    def whole(self) -> Iterator[None]:
        before = self.snapshot()
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def snapshot(self) -> dict[str, Any]:
        """All that the book holds, to be compared with a later one: its values don't change."""
        kept = (
            "invoices customers credits payments settled posted reversals records shown drafts waiting proofs acts "
            "touched last_id installation write_offs"
        )
        return {name: copy.copy(getattr(self, name)) for name in kept.split()}

    def next_id(self, prefix: str) -> str:
        self.last_id += 1
        return f"{prefix}{self.last_id}"

    def next_payment_id(self) -> str:
        return f"9{len(self.payments)}"

    def touch(self, *ids: str) -> None:
        self.touched.update(dict.fromkeys(ids, self.clock.now()))

    def change(self, number: str, **values: Any) -> None:
        """What a person corrects on an invoice; its balance may then differ from what was settled of it."""
        found = next(one for one in self.invoices.values() if one.number == number)
        changed = replace(found, **values)
        status = changed.status if changed.balance else InvoiceStatus.PAID
        self.invoices[found.id] = replace(changed, status=status)
        self.touch(found.id)

    # ---- payments ----

    def enter(
        self, new: Received, applications: Sequence[PaymentApplication] = (), credits: Sequence[CreditUse] = ()
    ) -> None:
        """Call it within `whole`."""
        if new.customer_id not in self.customers:
            raise Refused("NO_CUSTOMER", f"there is no customer {new.customer_id}")
        self.require_open(new.on)
        self.payments[new.erp_id] = new
        self.apply(new.erp_id, applications, credits)

    def apply(
        self, payment_id: str, applications: Sequence[PaymentApplication], credits: Sequence[CreditUse] = ()
    ) -> None:
        """Credits go first, in the order of the applications, and the payment's own money pays the rest."""
        payment = self.payments[payment_id]
        if payment.voided:
            raise Refused("VOIDED", f"payment {payment_id} is voided")
        self.require_open(payment.on)
        pool = list(credits)
        for one in applications:
            left, on = one.amount, max(payment.on, self._open(one.invoice_id).issued_on)
            while pool and left:
                part = min(left, pool[0].amount)
                self.settle(Settled(one.invoice_id, part, on, payment_id, pool[0].credit_id))
                left, rest = left - part, pool[0].amount - part
                pool[:1] = [replace(pool[0], amount=rest)] if rest else []
            if left:
                self.settle(Settled(one.invoice_id, left, on, payment_id))
            if one.discount:
                self.settle(Settled(one.invoice_id, one.discount, on, payment_id, is_discount=True))
        if pool or self.left_of(payment_id) < Money.zero(payment.amount.currency):
            raise Refused("OVER_APPLIED", f"payment {payment_id} has less than is applied of it, or more credits")
        self.touch(payment_id)

    def settle(self, part: Settled) -> None:
        """Settle so much of an open invoice, by a payment or by a credit alone."""
        invoice = self._open(part.invoice_id)
        if part.amount.currency != invoice.balance.currency:
            raise Refused("CURRENCY", f"invoice {invoice.id} is in {invoice.balance.currency}")
        if not Money.zero(part.amount.currency) < part.amount <= invoice.balance:
            raise Refused("OVER_DUE", f"invoice {invoice.id} owes {invoice.balance}, not {part.amount}")
        if part.payment_id:
            self._require_kin(self.payments[part.payment_id].customer_id, invoice.customer_id)
        if part.credit_id:
            self._use(part.credit_id, part.amount, invoice)
        left = invoice.balance - part.amount
        status = InvoiceStatus.OPEN if left else InvoiceStatus.PAID
        self.invoices[invoice.id] = replace(invoice, balance=left, status=status)
        self.settled += (replace(part, sequence=self.commits(f"ledger.settled {invoice.id}")),)
        self.touch(invoice.id)

    def _open(self, invoice_id: str) -> OpenInvoice:
        invoice = self.invoices.get(invoice_id)
        if invoice is None:
            raise Refused("NO_INVOICE", f"there is no invoice {invoice_id}")
        if invoice.status is not InvoiceStatus.OPEN:
            raise Refused("NOT_OPEN", f"invoice {invoice_id} is {invoice.status}")
        return invoice

    def _require_kin(self, payer: str, owner: str) -> None:
        families = {self.customers[one].family for one in (payer, owner)}
        if payer != owner and not (self.pays_for_family and len(families) == 1):
            raise Refused("CUSTOMER", f"customer {payer} doesn't pay for customer {owner}")

    def _use(self, credit_id: str, amount: Money, invoice: OpenInvoice) -> None:
        credit = next((one for one in self.credits if one.id == credit_id), None)
        if credit is None or credit.customer_id != invoice.customer_id:
            raise Refused("NO_CREDIT", f"customer {invoice.customer_id} has no credit {credit_id}")
        if credit.open_amount.currency != amount.currency or credit.open_amount < amount:
            raise Refused("CREDIT_USED", f"credit {credit_id} has {credit.open_amount} left, not {amount}")
        self._give(credit_id, -amount)

    def _give(self, credit_id: str, amount: Money) -> None:
        """So much more is left of a credit."""
        self.credits = tuple(
            replace(one, open_amount=one.open_amount + amount) if one.id == credit_id else one for one in self.credits
        )
        self.touch(credit_id)

    def undo(self, payment_id: str) -> None:
        """Void a payment: whatever it settled is owed again."""
        self.take_off(payment_id)
        self.payments[payment_id] = replace(self.payments[payment_id], voided=True)

    def take_off(self, payment_id: str) -> None:
        """Whatever a payment settled is owed again."""
        for part in self.parts_of(payment_id):
            invoice = self.invoices[part.invoice_id]
            balance = invoice.balance + part.amount
            self.invoices[invoice.id] = replace(invoice, balance=balance, status=InvoiceStatus.OPEN)
            if part.credit_id:
                self._give(part.credit_id, part.amount)
            self.touch(invoice.id)
        self.settled = tuple(one for one in self.settled if one.payment_id != payment_id)
        self.touch(payment_id)

    def free(self, invoice_id: str) -> None:
        """Take off an invoice whatever settled it: the payments and credits have it again."""
        parts = [one for one in self.settled if one.invoice_id == invoice_id]
        for part in parts:
            if part.credit_id:
                self._give(part.credit_id, part.amount)
            if part.payment_id:
                self.touch(part.payment_id)
        self.settled = tuple(one for one in self.settled if one.invoice_id != invoice_id)
        self.touch(invoice_id)

    # ---- what a payment or credit is now ----

    def parts_of(self, payment_id: str) -> tuple[Settled, ...]:
        return tuple(one for one in self.settled if one.payment_id == payment_id)

    def left_of(self, payment_id: str) -> Money:
        payment = self.payments[payment_id]
        own = (one.amount for one in self.parts_of(payment_id) if not (one.credit_id or one.is_discount))
        return (
            Money.zero(payment.amount.currency)
            if payment.voided or payment.reversal
            else payment.amount - Money.total(own, payment.amount.currency)
        )

    def seen(self, payment_id: str) -> PaymentSeen:
        one, parts = self.payments[payment_id], self.parts_of(payment_id)
        return PaymentSeen(
            one.erp_id,
            one.customer_id,
            one.amount,
            _sums((part.invoice_id, part.amount) for part in parts if not part.is_discount),
            one.voided or (self.is_atomic and bool(one.reversal)),
            self.touched.get(payment_id),
            _sums((part.credit_id, part.amount) for part in parts if part.credit_id),
            _sums((part.invoice_id, part.amount) for part in parts if part.is_discount),
        )

    def rest(self, payment_id: str) -> CreditMemo:
        """What a payment has left, as the credit that it is."""
        one = self.payments[payment_id]
        return CreditMemo(
            payment_id,
            one.number or payment_id,
            one.customer_id,
            self.left_of(payment_id),
            CreditKind.UNAPPLIED_PAYMENT,
            one.external_id,
            one.memo,
            one.on,
            reference=one.reference,
        )

    def all_credits(self) -> tuple[CreditMemo, ...]:
        """Memos and the rests of payments, spent ones too."""
        return (*self.credits, *(self.rest(one) for one in self.payments))

    def billed(self, credit: CreditMemo) -> Money:
        """What a credit memo was worth on its first day."""
        used = (one.amount for one in self.settled if one.credit_id == credit.id)
        return credit.open_amount + Money.total(used, credit.open_amount.currency)

    # ---- the calendar ----

    def require_open(self, day: date) -> None:
        if f"{day:%Y-%m}" in self.closed_months:
            raise Refused("PERIOD_CLOSED", f"{day} lies in {day:%b %Y}, which is closed")


def names(text: str, source_id: str) -> bool:
    """Does the source's id stand in this text as a whole word?"""
    return bool(source_id) and re.search(rf"(?<!\w){re.escape(source_id)}(?!\w)", text) is not None


def _sums(parts: Iterator[tuple[str, Money]]) -> tuple[tuple[str, Money], ...]:
    found: dict[str, Money] = {}
    for name, amount in parts:
        found[name] = found[name] + amount if name in found else amount
    return tuple(sorted(found.items()))
