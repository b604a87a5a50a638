"""What the rungs look at, and how a match is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.decisions.matching.references import Book, Reading, order
from connector.money import Money
from connector.policy import MatchingLimits
from connector.receivables import (
    ExceptionKind,
    Explanation,
    Match,
    MatchException,
    OpenInvoice,
    Payment,
    PaymentApplication,
    Rung,
)

Verdict = Match | MatchException
Paid = Sequence[tuple[OpenInvoice, Money]]

EXPLANATIONS_MAX = 5
_EQUATION_TERMS_MAX = 20


@dataclass(frozen=True, slots=True)
class Case:
    """One payment and all the evidence. `pool`: the family's open invoices in its currency, oldest due first."""

    payment: Payment
    money: Money
    limits: MatchingLimits
    link: Reading
    metadata: Reading
    text: Reading
    pool: tuple[OpenInvoice, ...]
    other_currencies: tuple[str, ...]
    parked: bool
    rivals: tuple[int, ...]

    @property
    def readings(self) -> tuple[Reading, Reading, Reading]:
        """Strictest first."""
        return (self.link, self.metadata, self.text)

    @property
    def leading(self) -> Reading:
        """The strictest reading that names an open invoice."""
        return next((reading for reading in self.readings if reading.named), Reading())

    def exception(self, kind: ExceptionKind, reason: str, shown: Iterable[Explanation] = ()) -> MatchException:
        return MatchException(self.payment.id, kind, reason, tuple(shown)[:EXPLANATIONS_MAX])

    def match(
        self,
        rung: Rung,
        paid: Paid,
        reason: str,
        *,
        held: Sequence[OpenInvoice] = (),
        rests_on: Sequence[OpenInvoice] = (),
    ) -> Match:
        """A match of these parts; what is over stays unapplied. `rests_on`: balances looked at beside the paid ones."""
        customers = {invoice.customer_id for invoice, _ in paid}
        looked_at = {invoice.id: invoice.balance for invoice in [*(invoice for invoice, _ in paid), *held, *rests_on]}
        return Match(
            payment_id=self.payment.id,
            rung=rung,
            applications=applications(paid),
            unapplied=self.money - Money.total((amount for _, amount in paid), self.money.currency),
            withheld=tuple(invoice.id for invoice in held),
            equation=self._match_equation(paid, held),
            reason=reason,
            decided_on=tuple(sorted(looked_at.items())),
            customer_id=customers.pop() if len(customers) == 1 else self.payment.customer_id,
        )

    def _match_equation(self, paid: Paid, held: Sequence[OpenInvoice]) -> str:
        terms = [amount for _, amount in paid] + [invoice.balance for invoice in held]
        text = equation(terms, self.money.currency)
        if held:
            numbers = ", ".join(invoice.number for invoice in held)
            kept = Money.total((invoice.balance for invoice in held), self.money.currency)
            return f"{text}, of which {kept} stays unapplied for {numbers}, on hold"
        over = self.money - Money.total(terms, self.money.currency)
        if over:
            return f"{text}, and {over} of {self.money} stays unapplied"
        left = Money.total((i.balance - amount for i, amount in paid), self.money.currency)
        return f"{text}, {left} stays open" if left else text

    def in_full(self, invoices: Sequence[OpenInvoice]) -> Explanation:
        """These invoices of one currency, each paid in full, as a person is shown it, and how far off the sum is."""
        currency = invoices[0].balance.currency
        total = Money.total((invoice.balance for invoice in invoices), currency)
        numbers = ", ".join(invoice.number for invoice in invoices[:_EQUATION_TERMS_MAX])
        text = f"{numbers}: {equation([invoice.balance for invoice in invoices], currency)}"
        if currency != self.money.currency:
            text += f", and the payment is {self.money}"
        elif total > self.money:
            text += f", {total - self.money} more than the payment"
        elif total < self.money:
            text += f", {self.money - total} less than the payment"
        return Explanation(applications([(invoice, invoice.balance) for invoice in invoices]), text)


def gather(
    payment: Payment,
    available: Money,
    invoices: Sequence[OpenInvoice],
    limits: MatchingLimits,
    family_ids: frozenset[str],
    parked: bool,
    rivals: Sequence[Money],
) -> Case:
    """Read the remittance and sort everything, so that the order of the input can't matter."""
    book = Book(invoices, family_ids | {payment.customer_id} if payment.customer_id else None)
    ours = book.open_of_family()
    return Case(
        payment=payment,
        money=available,
        limits=limits,
        link=book.read_link(payment),
        metadata=book.read_metadata(payment),
        text=book.read_text(payment, available),
        pool=tuple(invoice for invoice in ours if invoice.balance.currency == available.currency),
        other_currencies=tuple(sorted({i.balance.currency for i in ours} - {available.currency})),
        parked=parked,
        rivals=tuple(sorted(r.minor for r in rivals if r.currency == available.currency and r.minor > 0)),
    )


def applications(paid: Paid) -> tuple[PaymentApplication, ...]:
    """Oldest due first."""
    return tuple(
        PaymentApplication(invoice.id, amount) for invoice, amount in sorted(paid, key=lambda part: order(part[0]))
    )


def equation(terms: Sequence[Money], currency: str) -> str:
    """'20,000.00 + 25,000.00 = 45,000.00 USD'; a long sum names its first terms only."""
    total = Money.total(terms, currency)
    if len(terms) == 1:
        return str(total)
    plain = [f"{term.decimal():,f}" for term in terms[:_EQUATION_TERMS_MAX]]
    if len(terms) > _EQUATION_TERMS_MAX:
        plain.append(f"{len(terms) - _EQUATION_TERMS_MAX} more")
    return f"{' + '.join(plain)} = {total}"
