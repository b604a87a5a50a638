"""What the rungs look at, and how a match is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from connector.decisions.matching.noisy import Names
from connector.decisions.matching.references import Book, Item, Reading, number_of, order
from connector.decisions.matching.subsets import Pool
from connector.money import Money
from connector.policy import MatchingLimits
from connector.receivables import (
    CreditKind,
    CreditMemo,
    CreditUse,
    ExceptionKind,
    Explanation,
    LineShare,
    Match,
    MatchException,
    OpenInvoice,
    PayerEvidence,
    Payment,
    PaymentApplication,
    Residual,
    ResidualReason,
    Rung,
)

Verdict = Match | MatchException

EXPLANATIONS_MAX = 5
_EQUATION_TERMS_MAX = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """One payment that still has money to match."""

    payment: Payment
    left: Money  # what of it is not applied yet
    payer_by: PayerEvidence = PayerEvidence.ID  # how `payment.customer_id` is known; NONE: it is not
    grosses: tuple[Money, ...] = ()  # what it may have been before a fee that the processor did not state
    paid: frozenset[str] = frozenset()  # invoices that other parts of this very payment pay already


@dataclass(frozen=True)
class FamilyBook:
    """All that one family owes and is owed, and every invoice of anybody that its remittances may name.

    What is worked out about it is kept, so build it once for all payments of the family that wait.
    """

    invoices: tuple[OpenInvoice, ...]  # the family's open ones in all currencies, and all that may be named
    credits: tuple[CreditMemo, ...] = ()  # the family's open credit memos, with what is left of them
    family_ids: frozenset[str] = frozenset()  # the family's customers; empty: the payer is not known
    parked: bool = False  # a record of the family was not understood
    parent_id: str = ""  # the family's head: its money may pay its children's invoices

    @cached_property
    def known(self) -> Book:
        return Book(self.invoices, self.family_ids or None, self._memos)

    @cached_property
    def ours(self) -> tuple[OpenInvoice, ...]:
        """The family's open invoices in all currencies, oldest due first."""
        return self.known.open_of_family()

    def owed_in(self, currency: str, customer_id: str = "") -> Owed:
        """What is open in one currency: of the family, or of one of its customers."""
        found = self._owed.get((currency, customer_id))
        if found is None:
            found = self._owed[currency, customer_id] = self._in(currency, customer_id)
        return found

    def _in(self, currency: str, customer_id: str) -> Owed:
        if customer_id:
            family = self.owed_in(currency)
            own = [item.customer_id == customer_id for item in family.items]
            if all(own):
                return family
            return Owed(
                tuple(invoice for invoice in family.invoices if invoice.customer_id == customer_id),
                tuple(memo for memo in family.memos if memo.customer_id == customer_id),
            )
        ids = {invoice.id for invoice in self.ours}
        return Owed(
            tuple(invoice for invoice in self.ours if invoice.balance.currency == currency),
            tuple(memo for memo in self._memos if memo.open_amount.currency == currency),
            tuple(invoice for invoice in self.known.invoices if invoice.id not in ids),
        )

    @cached_property
    def _owed(self) -> dict[tuple[str, str], Owed]:
        return {}

    @cached_property
    def _memos(self) -> tuple[CreditMemo, ...]:
        memos = (m for m in self.credits if m.kind is CreditKind.CREDIT_MEMO and m.open_amount.minor > 0)
        return tuple(sorted(memos, key=lambda memo: (memo.number, memo.id)))


@dataclass(frozen=True)
class Owed:
    """Open invoices, oldest due first, and memos in one currency: of a family, or of one customer."""

    invoices: tuple[OpenInvoice, ...]
    memos: tuple[CreditMemo, ...]
    others: tuple[OpenInvoice, ...] = ()  # named by somebody, and not open or not the family's

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return (*self.invoices, *self.memos)

    @cached_property
    def pool(self) -> Pool:
        """The values of `items`, in the same order."""
        return Pool([value(item) for item in self.items])

    @cached_property
    def names(self) -> Names:
        return Names(self.items, self.others)


@dataclass(frozen=True, slots=True)
class Part:
    """What one invoice gets, and why it may not be all."""

    invoice: OpenInvoice
    amount: int
    discount: int = 0
    lines: tuple[LineShare, ...] = ()
    why_less: ResidualReason = ResidualReason.SHORT_PAY

    @property
    def open_after(self) -> int:
        return self.invoice.balance.minor - self.amount - self.discount


@dataclass(frozen=True, slots=True)
class Split:
    """One way to read a payment: its parts, the memos used up beside it, and before which fee."""

    parts: tuple[Part, ...]
    memos: tuple[CreditMemo, ...] = ()
    gross: int | None = None

    @property
    def applied(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def used(self) -> int:
        return sum(memo.open_amount.minor for memo in self.memos)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset((*(part.invoice.id for part in self.parts), *(memo.id for memo in self.memos)))


@dataclass(frozen=True, slots=True)
class Case:
    """One payment and all the evidence. What is looked at is `noted` as it is worked out, for `connector explain`."""

    waiting: Waiting
    book: FamilyBook
    limits: MatchingLimits
    link: Reading
    metadata: Reading
    text: Reading
    owed: Owed  # what may be paid: the family's, or in the rungs of amount alone first the payer's own
    rivals: tuple[tuple[str, int], ...] = ()  # other money of the family that no reference explains, and whose it is
    taken: frozenset[str] = frozenset()  # what other payments of the family name
    noted: list[str] = field(default_factory=list)

    @property
    def payment(self) -> Payment:
        return self.waiting.payment

    @property
    def money(self) -> Money:
        return self.waiting.left

    @property
    def payer_id(self) -> str:
        """The customer who paid; '' if that isn't known."""
        return "" if self.waiting.payer_by is PayerEvidence.NONE else self.payment.customer_id

    @property
    def targets(self) -> tuple[int, ...]:
        """What the invoices must add up to: the money, or what it may have been before a fee."""
        grosses = self.waiting.grosses
        return tuple(sorted({gross.minor for gross in grosses})) if grosses else (self.money.minor,)

    @property
    def readings(self) -> tuple[Reading, Reading, Reading]:
        """Strictest first."""
        return (self.link, self.metadata, self.text)

    @property
    def leading(self) -> Reading:
        """The strictest reading that names an open invoice."""
        return next((reading for reading in self.readings if reading.named), Reading())

    def note(self, sentence: str) -> None:
        self.noted.append(sentence)

    def amount(self, minor: int) -> Money:
        return Money(minor, self.money.currency)

    def gross(self, target: int) -> int | None:
        """The target, where it is one before a fee."""
        return target if self.waiting.grosses else None

    def full(self, items: Iterable[Item], target: int | None = None) -> Split:
        """Each of these invoices in full, and each of these memos used up."""
        of = tuple(items)
        return Split(
            tuple(Part(item, item.balance.minor) for item in of if isinstance(item, OpenInvoice)),
            tuple(item for item in of if isinstance(item, CreditMemo)),
            self.gross(target) if target is not None else None,
        )

    def exception(self, kind: ExceptionKind, reason: str, shown: Iterable[Explanation] = ()) -> MatchException:
        return MatchException(self.payment.id, kind, reason, tuple(shown)[:EXPLANATIONS_MAX], tuple(self.noted))

    def match(
        self,
        rung: Rung,
        split: Split,
        reason: str,
        *,
        held: Sequence[OpenInvoice] = (),
        rests_on: Sequence[Item] = (),
    ) -> Match:
        """A match of these parts; what is over stays unapplied. `rests_on`: balances looked at beside the paid ones."""
        paid = [part.invoice for part in split.parts]
        customers = {invoice.customer_id for invoice in paid}
        looked_at: dict[str, Money] = {}
        credits_at: dict[str, Money] = {}
        for item in (*paid, *held, *split.memos, *rests_on):
            if isinstance(item, OpenInvoice):
                looked_at[item.id] = item.balance
            else:
                credits_at[item.id] = item.open_amount
        fee = split.gross - self.money.minor if split.gross is not None else None
        return Match(
            payment_id=self.payment.id,
            rung=rung if fee is None else Rung.NET_OF_FEE,
            applications=applications(self, split),
            unapplied=self.amount(self.money.minor + (fee or 0) + split.used - split.applied),
            withheld=tuple(invoice.id for invoice in held),
            equation=self._equation_of(split, held),
            reason=reason,
            decided_on=tuple(sorted(looked_at.items())),
            customer_id=customers.pop() if len(customers) == 1 else self.payer_id,
            credits=tuple(CreditUse(memo.id, memo.open_amount) for memo in split.memos),
            credits_decided_on=tuple(sorted(credits_at.items())),
            residuals=tuple(
                Residual(part.invoice.id, self.amount(part.open_after), part.why_less)
                for part in sorted(split.parts, key=lambda part: order(part.invoice))
                if part.open_after
            ),
            fee=self.amount(fee) if fee is not None else None,
            payer_by=self.waiting.payer_by,
            considered=tuple(self.noted),
        )

    def _equation_of(self, split: Split, held: Sequence[OpenInvoice]) -> str:
        terms = [part.amount for part in split.parts] + [invoice.balance.minor for invoice in held]
        currency = self.money.currency
        text = equation(terms + [-memo.open_amount.minor for memo in split.memos], currency)
        total = sum(terms) - split.used
        if split.gross is not None:
            text += f", of which the processor kept {self.amount(split.gross - self.money.minor)}"
            total -= split.gross - self.money.minor
        if discount := sum(part.discount for part in split.parts):
            text += f", and {self.amount(discount)} is discount"
        if held:
            numbers = ", ".join(map(number_of, held))
            kept = Money.total((invoice.balance for invoice in held), currency)
            return f"{text}, of which {kept} stays unapplied for {numbers}, on hold"
        if over := self.money.minor - total:
            return f"{text}, and {self.amount(over)} of {self.money} stays unapplied"
        left = sum(part.open_after for part in split.parts)
        return f"{text}, {self.amount(left)} stays open" if left else text

    def explained(self, split: Split) -> Explanation:
        """A split as a person is shown it, and how far off the sum is."""
        items: list[Item] = [*(part.invoice for part in split.parts), *split.memos]
        currency = split.parts[0].invoice.balance.currency if split.parts else self.money.currency
        terms = [part.amount for part in split.parts] + [-memo.open_amount.minor for memo in split.memos]
        numbers = ", ".join(number_of(item) for item in items[:_EQUATION_TERMS_MAX])
        text = f"{numbers}: {equation(terms, currency)}"
        total = Money(sum(terms), currency)
        if currency != self.money.currency:
            text += f", and the payment is {self.money}"
        elif split.gross is not None:
            text += f", of which {self.money} arrived"
        elif total > self.money:
            text += f", {total - self.money} more than the payment"
        elif total < self.money:
            text += f", {self.money - total} less than the payment"
        credits = tuple(CreditUse(memo.id, memo.open_amount) for memo in split.memos)
        return Explanation(applications(self, split, currency), text, credits)

    def in_full(self, items: Sequence[Item]) -> Explanation:
        return self.explained(self.full(items))


def gather(waiting: Waiting, book: FamilyBook, limits: MatchingLimits) -> Case:
    """Read the remittance; the book is sorted, so that the order of the input can't matter."""
    payment, currency = waiting.payment, waiting.left.currency
    return Case(
        waiting=waiting,
        book=book,
        limits=limits,
        link=book.known.read_link(payment, waiting.paid),
        metadata=book.known.read_metadata(payment, waiting.paid),
        text=book.known.read_text(payment, currency, waiting.paid),
        owed=book.owed_in(currency),
    )


def value(item: Item) -> int:
    """What it adds to a sum: an invoice its balance, a memo takes away what is left of it."""
    return item.balance.minor if isinstance(item, OpenInvoice) else -item.open_amount.minor


def limit_of(amounts: Iterable[Money], currency: str) -> int:
    """The policy's amount in this currency, zero if it has none."""
    return next((amount.minor for amount in amounts if amount.currency == currency), 0)


def applications(case: Case, split: Split, currency: str = "") -> tuple[PaymentApplication, ...]:
    """Oldest due first."""
    unit = currency or case.money.currency
    return tuple(
        PaymentApplication(
            part.invoice.id, Money(part.amount, unit), part.lines, Money(part.discount, unit) if part.discount else None
        )
        for part in sorted(split.parts, key=lambda part: order(part.invoice))
    )


def equation(terms: Sequence[int], currency: str) -> str:
    """'20,000.00 + 25,000.00 - 500.00 = 44,500.00 USD'; a long sum names its first terms only."""
    total = Money(sum(terms), currency)
    if len(terms) == 1:
        return str(total)
    text = ""
    for term in terms[:_EQUATION_TERMS_MAX]:
        sign = ("-" if term < 0 else "") if not text else " - " if term < 0 else " + "
        text += f"{sign}{Money(abs(term), currency).decimal():,f}"
    if len(terms) > _EQUATION_TERMS_MAX:
        text += f" + {len(terms) - _EQUATION_TERMS_MAX} more"
    return f"{text} = {total}"
