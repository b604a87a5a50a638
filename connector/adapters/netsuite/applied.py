"""What a payment applies, one line a document, as NetSuite's lists have it: meant, seen, compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connector.money import Money
from connector.receivables import PaymentSeen, PaymentToPost

Sums = Mapping[str, Money]  # document -> amount


@dataclass(frozen=True, slots=True)
class Applied:
    """`invoices` is what each invoice gets from the payment and the credits beside it; `discounts` what is settled
    beyond that; `credits` what is used of each credit memo."""

    invoices: Sums
    discounts: Sums = field(default_factory=dict)
    credits: Sums = field(default_factory=dict)

    def covers(self, part: Applied) -> bool:
        """Is each line of `part` in it, with no less?"""
        return (
            _covers(self.invoices, part.invoices)
            and _covers(self.discounts, part.discounts)
            and _covers(self.credits, part.credits)
        )

    def raised_to(self, before: Applied) -> Applied:
        """These lines and no others, each with what `before` had on it already: the absolute amounts of an update."""
        return Applied(
            _raised(self.invoices, before.invoices),
            {invoice: self._discount(invoice, before) for invoice in self.invoices if self._discount(invoice, before)},
            _raised(self.credits, before.credits),
        )

    def _discount(self, invoice_id: str, before: Applied) -> Money:
        zero = Money.zero(self.invoices[invoice_id].currency)
        return self.discounts.get(invoice_id, zero) + before.discounts.get(invoice_id, zero)

    def __str__(self) -> str:
        parts = [
            f"{amount} to {invoice}" + (f" ({self.discounts[invoice]} discount)" if invoice in self.discounts else "")
            for invoice, amount in sorted(self.invoices.items())
        ]
        parts += [f"{amount} used of credit {credit}" for credit, amount in sorted(self.credits.items())]
        return ", ".join(parts) or "nothing"


def meant(post: PaymentToPost) -> Applied:
    """NetSuite's lists have one line for each document, so what goes to one invoice is one sum."""
    return Applied(
        invoices=_sums((one.invoice_id, one.amount) for one in post.applications),
        discounts=_sums((one.invoice_id, one.discount) for one in post.applications if one.discount),
        credits=_sums((one.credit_id, one.amount) for one in post.credits),
    )


def shown(payment: PaymentSeen) -> Applied:
    return Applied(dict(payment.applications), dict(payment.discounts), dict(payment.credits))


def _sums(parts: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for document, amount in parts:
        found[document] = found[document] + amount if document in found else amount
    return found


def _covers(whole: Sums, part: Sums) -> bool:
    return all(document in whole and whole[document] >= amount for document, amount in part.items())


def _raised(ours: Sums, before: Sums) -> dict[str, Money]:
    return {document: amount + before.get(document, Money.zero(amount.currency)) for document, amount in ours.items()}
