"""What would we have decided then? The past of the ERP, replayed day by day through the same `matching.decide`.

Each family is shown as it stood on each day: invoices issued by then, less what was settled on earlier days; what
happened later is never looked at. What people did with a payment is only compared with the verdict. Pure: it reads no
clock and no store.

Holds, disputes, addresses and families are today's or unknown, and a memo that a clerk wrote while applying counts as
the payer's words: where the ERP keeps no past, it can't be replayed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from connector.decisions import matching
from connector.decisions.matching import FamilyBook, Waiting
from connector.money import Money
from connector.policy import MatchingLimits
from connector.ports import History, PastPayment
from connector.receivables import (
    CreditKind,
    CreditMemo,
    InvoiceStatus,
    Match,
    MatchException,
    OpenInvoice,
    Payment,
    PaymentState,
    Remittance,
)

# Money that people left unapplied for longer is on account: it waits no more, and is no other payment's rival.
WAITS = timedelta(days=31)
# External ids of payments that a connector made: no person applied these.
_OURS = "arc-"
_NEXT_DAY = timedelta(days=1)


class Agreement(StrEnum):
    """Did we say what people did?"""

    AGREED = "agreed"  # to the cent, on every invoice
    DIFFERED = "differed"  # one of the two is wrong: a person judges
    ASKED = "asked"  # we would have asked a person
    LEFT = "left"  # people applied it to nothing that we could have known


@dataclass(frozen=True, slots=True)
class Replayed:
    """One past payment, our verdict and what people did. `ours` and `theirs`: invoice id -> amount."""

    past: PastPayment
    decided_on: date
    verdict: Match | MatchException
    agreement: Agreement
    ours: Mapping[str, Money]
    theirs: Mapping[str, Money]


def replay(history: History, limits: MatchingLimits, first_on: date, last_on: date) -> Iterator[Replayed]:
    """Every payment that people entered and that was received between these days, family by family.

    The history should begin WAITS before the first day and end WAITS after the last: what waited, and what became of
    what came late. A verdict rests on nothing that is dated after it.
    """
    book = _Book.of(history)
    for family in sorted(book.payments):
        for one in _Family(book, family, limits).replay():
            if first_on <= one.past.received_on <= last_on:
                yield one


def _lists() -> defaultdict[str, list[Any]]:
    return defaultdict(list)


@dataclass
class _Book:
    """The history by family and by id."""

    families: dict[str, str]  # customer -> family
    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    invoices: dict[str, list[OpenInvoice]] = field(default_factory=_lists)  # by family, as they were billed
    memos: dict[str, list[CreditMemo]] = field(default_factory=_lists)
    payments: dict[str, list[PastPayment]] = field(default_factory=_lists)
    by_number: dict[str, list[OpenInvoice]] = field(default_factory=_lists)
    issued_on: dict[str, date] = field(default_factory=dict)  # by invoice
    settled: dict[str, list[tuple[date, int]]] = field(default_factory=_lists)  # invoice -> day and amount of each part
    used: dict[str, list[tuple[date, int]]] = field(default_factory=_lists)  # memo -> the same
    parked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, history: History) -> _Book:
        made = cls({customer.id: customer.family for customer in history.customers})
        for customer_id, family in made.families.items():
            made.members[family].add(customer_id)
        for invoice in sorted(history.invoices, key=lambda one: one.id):
            if invoice.status is not InvoiceStatus.VOIDED:
                made._put_invoice(_as_billed(invoice))
        for memo in sorted(history.credits, key=lambda one: one.id):
            if memo.kind is CreditKind.CREDIT_MEMO:
                made.memos[made.family(memo.customer_id)].append(memo)
        for past in sorted(history.payments, key=lambda one: (one.received_on, one.erp_id)):
            made._put_payment(past)
        for invoice_id, amount, on in history.settled_otherwise:
            made.settled[invoice_id].append((on, amount.minor))
        made.parked = {made.family(one.customer_id) for one in history.parked if one.customer_id}
        return made

    def _put_invoice(self, invoice: OpenInvoice) -> None:
        self.invoices[self.family(invoice.customer_id)].append(invoice)
        self.by_number[invoice.number].append(invoice)
        self.issued_on[invoice.id] = invoice.issued_on

    def _put_payment(self, past: PastPayment) -> None:
        self.payments[self.family(past.customer_id)].append(past)
        for invoice_id, amount, on in past.applied:
            self.settled[invoice_id].append((on, amount.minor))
        for credit_id, amount in past.credits:
            self.used[credit_id].append((_applied_on(past) or past.received_on, amount.minor))

    def family(self, customer_id: str) -> str:
        return self.families.get(customer_id, customer_id)

    def left_on(self, invoice: OpenInvoice, on: date) -> int:
        """What was left of it when this day began."""
        return max(0, invoice.amount.minor - sum(minor for day, minor in self.settled.get(invoice.id, ()) if day < on))

    def memo_left_on(self, memo: CreditMemo, on: date) -> int:
        return memo.open_amount.minor - sum(minor for day, minor in self.used.get(memo.id, ()) if day < on)


def _as_billed(invoice: OpenInvoice) -> OpenInvoice:
    lines = tuple(replace(line, disputed=False, dispute_reason="") for line in invoice.lines)
    return replace(invoice, balance=invoice.amount, status=InvoiceStatus.OPEN, hold_reason="", lines=lines)


def _with(invoice: OpenInvoice, left: int) -> OpenInvoice:
    if left == invoice.amount.minor:
        return invoice
    status = InvoiceStatus.OPEN if left else InvoiceStatus.PAID
    return replace(invoice, balance=Money(left, invoice.amount.currency), status=status)


@dataclass
class _Family:
    """One family's days. `matched`: what we would have posted, and on which day."""

    book: _Book
    name: str
    limits: MatchingLimits
    matched: dict[str, tuple[date, Match]] = field(default_factory=dict)
    asked: dict[str, tuple[date, MatchException]] = field(default_factory=dict)

    def replay(self) -> Iterator[Replayed]:
        theirs = [past for past in self.book.payments[self.name] if not past.external_id.startswith(_OURS)]
        for on in self._days():
            waiting = [past for past in theirs if self._waits(past, on)]
            if waiting:
                self._decide(waiting, on)
        for past in theirs:
            yield self._compared(past)

    def _days(self) -> list[date]:
        """Days on which something came to be seen: nothing else can change a verdict."""
        days = {past.received_on for past in self.book.payments[self.name]}
        for invoice in self.book.invoices[self.name]:
            days.add(invoice.issued_on)
            days |= {on + _NEXT_DAY for on, _ in self.book.settled.get(invoice.id, ())}
        for memo in self.book.memos[self.name]:
            days |= {on + _NEXT_DAY for on, _ in self.book.used.get(memo.id, ())}
            days |= {memo.received_on} if memo.received_on else set()
        return sorted(days)

    def _waits(self, past: PastPayment, on: date) -> bool:
        """Received, not matched by us, and not applied by people before this day."""
        until = _applied_on(past) or past.received_on + WAITS
        return past.received_on <= on <= until and past.erp_id not in self.matched

    def _decide(self, waiting: Sequence[PastPayment], on: date) -> None:
        payments = [Waiting(_payment(past), past.amount) for past in waiting]
        verdicts = matching.decide(payments, self._seen_on(on, payments), self.limits)
        for past in waiting:
            verdict = verdicts[past.erp_id]
            if isinstance(verdict, Match):
                self.matched[past.erp_id] = (on, verdict)
            else:
                self.asked[past.erp_id] = (on, verdict)

    def _seen_on(self, on: date, payments: Sequence[Waiting]) -> FamilyBook:
        """The family's book as this day began, with the day's new invoices and all that a remittance may name."""
        taken, used = self._matched_until(on)
        at_hand = {}
        for invoice in self.book.invoices[self.name]:
            left = self.book.left_on(invoice, on) - taken.get(invoice.id, 0)
            if invoice.issued_on <= on and left > 0:
                at_hand[invoice.id] = _with(invoice, left)
        named = {number for one in payments for number in matching.mentioned(one.payment.remittance)}
        for number in sorted({spelling for one in named for spelling in (one, one.upper(), one.lower())}):
            for invoice in self.book.by_number.get(number, ()):
                left = max(0, self.book.left_on(invoice, on) - taken.get(invoice.id, 0))
                if invoice.issued_on <= on:
                    at_hand[invoice.id] = _with(invoice, left)
        memos = []
        for memo in self.book.memos[self.name]:
            left = self.book.memo_left_on(memo, on) - used.get(memo.id, 0)
            if (memo.received_on is None or memo.received_on <= on) and left > 0:
                memos.append(replace(memo, open_amount=Money(left, memo.open_amount.currency)))
        return FamilyBook(
            tuple(at_hand[invoice_id] for invoice_id in sorted(at_hand)),
            tuple(memos),
            frozenset(self.book.members[self.name] | {self.name}),
            parked=self.name in self.book.parked,
            parent_id=self.name,
        )

    def _matched_until(self, on: date) -> tuple[dict[str, int], dict[str, int]]:
        """Invoice and memo -> what we had matched by then and people had not applied yet."""
        invoices: dict[str, int] = defaultdict(int)
        memos: dict[str, int] = defaultdict(int)
        for past in self.book.payments[self.name]:
            day, match = self.matched.get(past.erp_id, (date.max, None))
            applied_on = _applied_on(past) or date.max
            if match is None or not day <= on <= applied_on:
                continue
            for application in match.applications:
                invoices[application.invoice_id] += application.settles.minor
            for use in match.credits:
                memos[use.credit_id] += use.amount.minor
        return invoices, memos

    def _compared(self, past: PastPayment) -> Replayed:
        decided_on, verdict = self.matched.get(past.erp_id) or self.asked[past.erp_id]
        theirs = self._theirs(past, decided_on)
        if not theirs:
            return Replayed(past, decided_on, verdict, Agreement.LEFT, {}, theirs)
        if isinstance(verdict, MatchException):
            return Replayed(past, decided_on, verdict, Agreement.ASKED, {}, theirs)
        ours = {one.invoice_id: one.amount for one in verdict.applications}
        same = ours == theirs and {one.credit_id: one.amount for one in verdict.credits} == dict(past.credits)
        agreement = Agreement.AGREED if same else Agreement.DIFFERED
        return Replayed(past, decided_on, verdict, agreement, ours, theirs)

    def _theirs(self, past: PastPayment, on: date) -> dict[str, Money]:
        """What people applied it to, of what could be known on this day: a rest may have found its invoice later."""
        found: dict[str, Money] = {}
        for invoice_id, amount, applied_on in past.applied:
            if self.book.issued_on.get(invoice_id, date.max) <= on and applied_on <= past.received_on + WAITS:
                found[invoice_id] = found.get(invoice_id, Money.zero(amount.currency)) + amount
        return {invoice_id: amount for invoice_id, amount in found.items() if amount}


def _applied_on(past: PastPayment) -> date | None:
    """The day on which people first applied it; None if they left it for longer than money waits."""
    first = min((on for _, _, on in past.applied), default=None)
    return max(first, past.received_on) if first and first <= past.received_on + WAITS else None


def _payment(past: PastPayment) -> Payment:
    """As the daemon would have seen it: the payer by id, what the payment says of itself as its text."""
    return Payment(
        id=past.erp_id,
        amount=past.amount,
        state=PaymentState.SUCCEEDED,
        received_at=datetime.combine(past.received_on, time(12), UTC),
        received_on=past.received_on,
        customer_id=past.customer_id,
        remittance=Remittance(text=past.text),
        source="history",
    )
